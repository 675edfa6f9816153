"""Which channel of the actual trace is which of the expected one (docs/reference/comparison.md#handles): one to one.

By a file of handles; those it does not name by names, where both traces have them; else inferred: line channels only
to line channels, phone to phone. What may stand for several is decided by what it says: first those whose whole
sequence is equal, in order of first appearance, then by the cheapest alignment.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Literal, NamedTuple, TypeVar

from cti_es.traces.diff.align import distance
from cti_es.traces.diff.channels import Channel, Compared, Name, Token

How = Literal["given", "named", "inferred", "alone"]
Key = TypeVar("Key", bound=Hashable)

CANDIDATES = 20
"""How many expected channels are aligned with a handle that equals none, when there are too many to try all."""

ALL_PAIRS = 40_000
"""As long as there are no more pairs than this, all of them are aligned."""

_INFERENCE_EDITS = 200

TELLS_STATE = frozenset({("LINE_LINEDEVSTATE", 0x40), ("PHONE_STATE", 0x80000)})
"""INSERVICE and RESUME: as the first message of a channel they only tell the state that a handle has anyway
(docs/reference/comparison.md#announcements)."""


class Pair(NamedTuple):
    """A channel of each side, or of one; ``how`` says why they belong together."""

    expected: Channel | None
    actual: Channel | None
    how: How


class Given(NamedTuple):
    """A line of a handle file: the channel that a handle stands for. ``app`` empty: any."""

    app: str | None
    device: str
    line: str | None


def pair(
    expected: list[Channel], actual: list[Channel], compared: Compared, given: Mapping[str, Given] | None = None
) -> list[Pair]:
    """Pair the channels of two traces; the expected ones first, in order, then the actual ones that are left."""
    pairing = _Pairing(expected, actual, compared)
    if given is not None:
        pairing.by_file(given)
    if all(channel.name.is_named for channel in [*expected, *actual]):
        pairing.by_key(lambda name: name, "named")
        pairing.by_key(lambda name: (name.kind, name.app, name.device, name.line), "named")
        pairing.by_key(lambda name: (name.kind, name.device, name.line), "named")
        pairing.by_number()
    else:
        pairing.infer()
    pairing.configuration()
    return pairing.result()


class _Pairing:
    """Channels being paired; what has found its partner is out of the way."""

    def __init__(self, expected: list[Channel], actual: list[Channel], compared: Compared) -> None:
        self._all = expected
        self._compared = compared
        self._expected = dict.fromkeys(expected)
        self._actual = dict.fromkeys(actual)
        self._found: dict[Channel, tuple[Channel, How]] = {}
        self._aside: list[Channel] = []

    def result(self) -> list[Pair]:
        pairs = [
            Pair(channel, *self._found[channel]) if channel in self._found else Pair(channel, None, "alone")
            for channel in self._all
        ]
        return pairs + [Pair(None, channel, "alone") for channel in [*self._aside, *self._actual]]

    def _join(self, expected: Channel, actual: Channel, how: How) -> None:
        self._found[expected] = actual, how
        del self._expected[expected]
        del self._actual[actual]

    def by_file(self, given: Mapping[str, Given]) -> None:
        """Handles that a file names, to a channel of that name; where there is none they stay alone."""
        stands = {one: name for one in self._actual if (name := given.get(bare(one.name.handle))) is not None}
        waiting = _grouped(self._expected, lambda one: (one.name.device, one.name.line))
        groups = _grouped(stands, stands.__getitem__)
        for name in sorted(groups, key=lambda name: name.app is None):  # who may be anybody takes what is left
            there = waiting.get((name.device, name.line), [])
            self._match([one for one in there if name.app in (None, one.name.app)], groups[name], "given")
        for channel in stands:
            if channel in self._actual:
                self._aside.append(channel)
                del self._actual[channel]

    def by_key(self, key: Callable[[Name], Hashable], how: How) -> None:
        """Channels with the same key."""
        waiting = _grouped(self._expected, lambda one: key(one.name))
        for same, actual in _grouped(self._actual, lambda one: key(one.name)).items():
            self._match(waiting.get(same, []), actual, how)

    def by_number(self) -> None:
        """Lines without a device, as JTAPI names them, to a line of that number."""
        lines = [[one for one in side if one.name.kind == "line"] for side in (self._expected, self._actual)]
        if all(one.name.device is not None for side in lines for one in side):
            return
        expected, actual = (_grouped(side, lambda one: one.name.line) for side in lines)
        for number, same in actual.items():
            self._match(expected.get(number, []), same, "named")

    def _match(self, expected: list[Channel], actual: list[Channel], how: How) -> None:
        """Channels that belong together, as many as there are on both sides; which with which, they say."""
        if len(expected) > 1 or len(actual) > 1:
            self._by_what_they_say(expected, actual, how)
        left = [one for one in expected if one in self._expected]
        right = [one for one in actual if one in self._actual]
        for one, other in zip(left, right, strict=False):
            self._join(one, other, how)

    def configuration(self) -> None:
        """CREATE and REMOVE need no handle: what is left of them belongs together, in order."""
        expected = [channel for channel in self._expected if channel.name.kind == "configuration"]
        actual = [channel for channel in self._actual if channel.name.kind == "configuration"]
        for one, other in zip(expected, actual, strict=False):
            self._join(one, other, "named")

    def infer(self) -> None:
        """All that are left, by what they say."""
        for kind in ("phone", "line"):
            expected = [one for one in self._expected if one.name.kind == kind]
            actual = [one for one in self._actual if one.name.kind == kind]
            self._by_what_they_say(expected, actual, "inferred")

    def _by_what_they_say(self, expected: list[Channel], actual: list[Channel], how: How) -> None:
        self._by_sequence(expected, actual, how, tuple)
        self._by_sequence(expected, actual, how, _without_first_state)
        self._cheapest(expected, actual, how)

    def _tokens(self, channels: list[Channel], left: Mapping[Channel, None]) -> list[tuple[Channel, list[Token]]]:
        """Those of the channels that are left, and what they say."""
        return [(one, self._compared.tokens(one.messages)) for one in channels if one in left]

    def _by_sequence(
        self, some: list[Channel], others: list[Channel], how: How, reduce: Callable[[list[Token]], Hashable]
    ) -> None:
        waiting: dict[Hashable, list[Channel]] = defaultdict(list)
        for channel, tokens in self._tokens(some, self._expected)[::-1]:
            waiting[reduce(tokens)].append(channel)
        for channel, tokens in self._tokens(others, self._actual):
            found = waiting.get(reduce(tokens))
            if found:
                self._join(found.pop(), channel, how)

    def _cheapest(self, some: list[Channel], many: list[Channel], how: How) -> None:
        """Greedily: the pair with the fewest edits first. Pairs that have nothing in common stay alone."""
        expected, actual = self._tokens(some, self._expected), self._tokens(many, self._actual)
        costs = []
        others = [tokens for _, tokens in expected]
        for right, (_, tokens) in enumerate(actual):
            for left in _candidates(tokens, others, len(actual)):
                other = others[left]
                cost = _cost(other, tokens)
                if cost < len(other) + len(tokens):
                    costs.append((cost, left, right))
        for _, left, right in sorted(costs):
            if expected[left][0] in self._expected and actual[right][0] in self._actual:
                self._join(expected[left][0], actual[right][0], how)


def _grouped(channels: Iterable[Channel], key: Callable[[Channel], Key]) -> dict[Key, list[Channel]]:
    """Channels by a key, in order of first appearance."""
    groups: dict[Key, list[Channel]] = {}
    for channel in channels:
        groups.setdefault(key(channel), []).append(channel)
    return groups


def _cost(expected: list[Token], actual: list[Token]) -> int:
    """The edits between two sequences; a first state that is not expected costs nothing."""
    cost = distance(expected, actual, _INFERENCE_EDITS)
    if actual[0][:2] in TELLS_STATE and len(actual) > 1:
        return min(cost, distance(expected, actual[1:], _INFERENCE_EDITS))
    return cost


def _without_first_state(tokens: list[Token]) -> tuple[Token, ...]:
    return tuple(tokens[1:] if tokens and tokens[0][:2] in TELLS_STATE else tokens)


def _candidates(tokens: list[Token], others: list[list[Token]], channels: int) -> Iterable[int]:
    """Which of the others to align with: all, or those that have most in common when there are too many."""
    if len(others) * channels <= ALL_PAIRS:
        return range(len(others))
    bag = Counter(tokens)
    return sorted(range(len(others)), key=lambda index: _unlike(bag, Counter(others[index])))[:CANDIDATES]


def _unlike(one: Counter[Token], other: Counter[Token]) -> int:
    return sum(((one - other) + (other - one)).values())


def bare(handle: str | None) -> str:
    """A handle in lower case, without its prefix and leading zeros: as handle files are read."""
    return (handle or "").lower().removeprefix("0x").removeprefix("x").lstrip("0")
