"""When messages were, in one measure for both sides: what tells equal outages, and handles that say the same, apart.

Where both sides have times, these serve, less the offset between their clocks. Where one has none, its messages are
placed by what came before and after them: both traces are aligned as a whole, and a message is dated by the burst
(all that one event sent) of the expected messages around it. So a channel that is silent in a burst lost its message
there.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache, partial
from statistics import median_low
from typing import NamedTuple

from cti_es.traces.diff.align import Times, align
from cti_es.traces.diff.channels import Channel, Compared, Token
from cti_es.vocabulary.tapi import TraceMessage

SECOND = 1_000_000
"""Times are in microseconds."""

BURSTS = 128
"""So many of the largest bursts of each side are compared to find out how far apart the clocks are."""

LOOKED_AT = 8_000
"""About so many messages of each side are looked at for it."""

Dated = Callable[[Sequence[TraceMessage]], list[int]]


class Clocks(NamedTuple):
    """When the messages of a channel were, expected and actual ones: never going back within a channel.

    ``timed``: both traces have times. ``ahead`` is then by how many microseconds the clock of ACTUAL seems to be ahead
    of that of EXPECTED.
    """

    expected: Dated
    actual: Dated
    timed: bool
    ahead: int = 0

    def of(self, expected: Sequence[TraceMessage], actual: Sequence[TraceMessage]) -> Times:
        """When the messages of both were."""
        return self.expected(expected), self.actual(actual)


def clocks(
    expected: list[Channel], actual: list[Channel], compared: Compared, named: bool, ahead: int | None = None
) -> Clocks:
    """The clocks of two traces. ``named``: both say of each message which device and line it is for.

    ``ahead``, in microseconds, is by how much ACTUAL is ahead, if that is known.
    """
    if _has_times(expected) and _has_times(actual):
        seems = estimated_offset(_sample(expected, compared), _sample(actual, compared))
        return Clocks(_by_times(0), _by_times(seems if ahead is None else ahead), timed=True, ahead=seems)
    places = _Places(expected, actual, compared, named)
    return Clocks(places.expected, places.actual, timed=False)


# --- times ----------------------------------------------------------------------------------------------------------

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@lru_cache(maxsize=1 << 16)
def microseconds(at: str) -> int:
    """A canonical time as a number, from 1970 on."""
    return (datetime.fromisoformat(at) - _EPOCH) // _MICROSECOND


def _has_times(channels: list[Channel]) -> bool:
    """Whether most channels begin with a time."""
    return 2 * sum(1 for one in channels if one.messages[0].at is not None) > len(channels)


def _by_times(ahead: int) -> Dated:
    def dated(messages: Sequence[TraceMessage]) -> list[int]:
        found, last = [], 0
        for message in messages:
            if message.at is not None:
                last = max(last, microseconds(message.at) - ahead)
            found.append(last)
        return found

    return dated


# --- how far apart the clocks are -----------------------------------------------------------------------------------

Sample = list[tuple[Token, int]]
"""What some messages say, and when."""


def _sample(channels: list[Channel], compared: Compared) -> Sample:
    step = 1 + sum(len(channel.messages) for channel in channels) // LOOKED_AT
    return [
        (compared.token(message)[:2], microseconds(message.at))
        for channel in channels
        for message in channel.messages[::step]
        if message.at is not None
    ]


def estimated_offset(expected: Sample, actual: Sample) -> int:
    """By how many microseconds the clock of ``actual`` is ahead: what most bursts agree on; 0 if they do not.

    A burst is what stands in the same second. Two bursts speak for an offset as far as they say the same.
    """
    left, right = _bursts(expected), _bursts(actual)
    votes: Counter[int] = Counter()
    for at, says in left.items():
        for came, said in right.items():
            votes[came - at] += _likeness(says, said)
    around = {offset: votes[offset - 1] + votes[offset] + votes[offset + 1] for offset in list(votes)}
    if not around:
        return 0
    best = max(around, key=lambda offset: (around[offset], -abs(offset)))
    least = 1000 * min(len(left), len(right)) // 2
    if abs(best) > 1 and (around[best] < least or 4 * around[best] < 5 * around.get(0, 0)):
        best = 0
    return _refined(expected, actual, best)


def _bursts(sample: Sample) -> dict[int, Counter[Token]]:
    """The largest bursts by their second; of equally large ones the first."""
    size = Counter([at // SECOND for _, at in sample])
    found: dict[int, Counter[Token]] = {
        second: Counter() for second in sorted(size, key=lambda at: (-size[at], at))[:BURSTS]
    }
    for says, at in sample:
        if (burst := found.get(at // SECOND)) is not None:
            burst[says] += 1
    return found


def _likeness(one: Counter[Token], other: Counter[Token]) -> int:
    """How much two bursts say the same, from 0 to 1000."""
    common = sum(min(count, other[says]) for says, count in one.items() if says in other)
    return 1000 * common // (one.total() + other.total() - common)


def _refined(expected: Sample, actual: Sample, seconds: int) -> int:
    """The offset to the microsecond: the median of those between a message and the nearest that says the same."""
    times: dict[Token, list[int]] = {}
    for says, at in sorted(expected, key=lambda one: one[1]):
        times.setdefault(says, []).append(at)
    apart = [
        found
        for says, came in actual
        if says in times
        and abs((found := came - nearest(times[says], came - seconds * SECOND)) - seconds * SECOND) <= 2 * SECOND
    ]
    return median_low(apart) if apart else seconds * SECOND


def nearest(times: Sequence[int], at: int) -> int:
    """The nearest of ascending times."""
    index = bisect_right(times, at)
    around = times[max(0, index - 1) : index + 1]
    return min(around, key=lambda one: (abs(one - at), one))


# --- places ---------------------------------------------------------------------------------------------------------


class _Places:
    """Times in bursts, of the expected trace. Both are aligned when somebody asks for the first time."""

    def __init__(self, expected: list[Channel], actual: list[Channel], compared: Compared, named: bool) -> None:
        self._sides = (expected, actual)
        self._in_order = partial(_in_order, compared=compared, named=named)

    @cached_property
    def _burst_of(self) -> dict[int, int]:
        return dict(_burst_numbers(message for _, message in self._in_order(self._sides[0])))

    @cached_property
    def _known(self) -> tuple[list[int], list[int]]:
        """Places of ACTUAL, ascending, and the bursts that they belong to."""
        left, right = map(self._in_order, self._sides)
        matches = align([says for says, _ in left], [says for says, _ in right]).matches
        return [right[other][1].place for _, other in matches], [
            self._burst_of[left[one][1].place] for one, _ in matches
        ]

    def expected(self, messages: Sequence[TraceMessage]) -> list[int]:
        """The bursts of expected messages."""
        return [self._burst_of[message.place] for message in messages]

    def actual(self, messages: Sequence[TraceMessage]) -> list[int]:
        """The bursts of actual messages: that of the last one before which is aligned."""
        places, bursts = self._known
        before = (bisect_right(places, message.place) for message in messages)
        return [bursts[index - 1] if index else 0 for index in before]


def _in_order(channels: list[Channel], compared: Compared, named: bool) -> list[tuple[Token, TraceMessage]]:
    """What every message says, in the order of the trace; with names also for what."""
    found = []
    for channel in channels:
        of = (channel.name.device, channel.name.line) if named else ()
        says = compared.tokens(channel.messages)
        found += [((*token, *of), message) for token, message in zip(says, channel.messages, strict=True)]
    return sorted(found, key=lambda one: one[1].place)


def _burst_numbers(messages: Iterable[TraceMessage]) -> Iterator[tuple[int, int]]:
    """Place → number of the burst, of messages in order: what one event sent, or else what has the same time."""
    number, last = 0, None
    for message in messages:
        cause = message.version or message.at or message.place
        if cause != last:
            number, last = number + 1, cause
        yield message.place, number
