"""Two paired channels → their differences: a closed set of kinds, one difference for one cause.

The kinds are those of docs/reference/comparison.md#kinds.
"""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Literal, NamedTuple, overload

import msgspec

from cti_es.traces.diff.align import MAX_EDITS, Match, Times, align
from cti_es.traces.diff.channels import CONFIGURATION, Token
from cti_es.traces.diff.clocks import Clocks
from cti_es.vocabulary.tapi import Message, TraceMessage

DifferenceKind = Literal["missing", "unexpected", "changed", "reason", "moved", "late", "early", "alias"]
KINDS: tuple[DifferenceKind, ...] = (
    "missing", "unexpected", "changed", "reason", "moved", "late", "early", "alias",
)  # fmt: skip


class Difference(msgspec.Struct, frozen=True):
    """One difference. ``after`` is the last expected message that still matched before it, in its channel.

    ``expected`` is there for missing, changed, reason, moved, late and early; ``actual`` for all but missing.
    ``detail`` adds what the two messages do not say: the other message of a swap, seconds, the two channels of a
    handle. ``behind`` is the place of the expected message behind which an unexpected one stands, if there is one in
    its channel.
    """

    kind: DifferenceKind
    channel: str
    expected: TraceMessage | None
    actual: TraceMessage | None
    after: TraceMessage | None
    detail: str = ""
    behind: int | None = None


class Found(NamedTuple):
    """The comparison of two sequences. ``matches`` are pairs of indexes; ``pieces``: as in an alignment."""

    matches: Sequence[Match]
    differences: list[Difference]
    pieces: int = 1


class Sequences(NamedTuple):
    """Two sequences of messages to be compared. ``tokens`` are what counts of each, its message and param1 first."""

    name: str
    expected: Sequence[TraceMessage]
    actual: Sequence[TraceMessage]
    tokens: tuple[list[Token], list[Token]]
    clocks: Clocks

    def compare(self, max_edits: int = MAX_EDITS) -> Found:
        """Align the two, and say what is left in the known kinds."""
        left, right = self.tokens
        if left == right:
            return Found(_Same(len(left)), [])
        if swap := lone_swap(left, right):
            return self._swapped(*swap)
        times = self.clocks.of(self.expected, self.actual)
        matches, pieces = align(left, right, times, max_edits)
        return Found(matches, list(_Gaps(self, matches, times).differences()), pieces)

    def _swapped(self, one: int, back: int) -> Found:
        matches = [(index, index) for index in range(len(self.expected)) if index not in (one, back)]
        after = self.expected[one - 1] if one else None
        detail = f"changed places with {_beside(self.expected[back], self.expected[one])}"
        return Found(matches, [Difference("moved", self.name, self.expected[one], self.actual[back], after, detail)])


class _Same(Sequence[Match]):
    """The matches of two sequences that say the same, made as they are asked for: a million of them take 100 MB."""

    def __init__(self, length: int) -> None:
        self._indexes = range(length)

    def __len__(self) -> int:
        return len(self._indexes)

    @overload
    def __getitem__(self, at: int) -> Match: ...
    @overload
    def __getitem__(self, at: slice) -> list[Match]: ...
    def __getitem__(self, at: int | slice) -> Match | list[Match]:
        found = self._indexes[at]
        return (found, found) if isinstance(found, int) else list(zip(found, found, strict=True))


class _Gap(NamedTuple):
    """What stands between two matches: indexes of expected and of actual messages; and the place of the gap."""

    number: int
    expected: list[int]
    actual: list[int]


class _Gaps:
    """What is not matched, being put into kinds."""

    def __init__(self, whole: Sequences, matches: list[Match], times: Times) -> None:
        self._whole = whole
        self._times = times
        self._gaps = list(_gaps(matches, len(whole.expected), len(whole.actual)))
        self._afters = [None, *(whole.expected[one] for one, _ in matches)]

    def differences(self) -> Iterator[Difference]:
        """First what moved; then what is left of each gap."""
        moved = self._moves()
        yield from self._moved(moved)
        taken = {one for one, _ in moved}, {other for _, other in moved}
        for gap in self._gaps:
            missing = [one for one in gap.expected if one not in taken[0]]
            unexpected = [other for other in gap.actual if other not in taken[1]]
            yield from self._in_gap(gap, missing, unexpected)

    def _in_gap(self, gap: _Gap, missing: list[int], unexpected: list[int]) -> Iterator[Difference]:
        """First the same message and param1, then the same message; what is left stands for itself."""
        whole, after = self._whole, self._afters[gap.number]
        for depth in (2, 1):
            pairs = self._alike(missing, unexpected, depth)
            for one, other in pairs:
                kind = _kind(whole.expected[one], depth)
                yield Difference(kind, whole.name, whole.expected[one], whole.actual[other], after)
            missing = _without(missing, [one for one, _ in pairs])
            unexpected = _without(unexpected, [other for _, other in pairs])
        for one in missing:
            yield Difference("missing", whole.name, whole.expected[one], None, after)
        for other in unexpected:
            behind = self._behind(gap, other, after)
            yield Difference("unexpected", whole.name, None, whole.actual[other], after, behind=behind)

    def _behind(self, gap: _Gap, other: int, after: TraceMessage | None) -> int | None:
        """Behind which expected message an unexpected one stands: in a gap by times, without times behind them all."""
        times, at = self._times[0], self._times[1][other]
        before = [one for one in gap.expected if not self._whole.clocks.timed or times[one] <= at]
        if before:
            return self._whole.expected[before[-1]].place
        return after.place if after else None

    def _alike(self, missing: list[int], unexpected: list[int], depth: int) -> list[Match]:
        """Those of which so much is the same, the nearest in time first."""
        tokens, times = self._whole.tokens, self._times
        return _nearest_of_a_kind(
            [(tokens[0][one][:depth], times[0][one], one) for one in missing],
            [(tokens[1][other][:depth], times[1][other], other) for other in unexpected],
        )

    def _moves(self) -> list[Match]:
        """Equal messages that are missing in one place and unexpected in another, the nearest first."""
        tokens = self._whole.tokens
        return _nearest_of_a_kind(
            [(tokens[0][one], gap.number, one) for gap in self._gaps for one in gap.expected],
            [(tokens[1][other], gap.number, other) for gap in self._gaps for other in gap.actual],
        )

    def _moved(self, moved: list[Match]) -> Iterator[Difference]:
        """One difference for each move; two messages that changed places are one."""
        whole = self._whole
        left_of = {one: gap.number for gap in self._gaps for one in gap.expected}
        right_of = {other: gap.number for gap in self._gaps for other in gap.actual}
        between: dict[Match, deque[Match]] = defaultdict(deque)
        for one, other in moved:
            between[left_of[one], right_of[other]].append((one, other))
        done: set[Match] = set()
        for pair in moved:
            if pair in done:
                continue
            one, other = pair
            start, end = left_of[one], right_of[other]
            detail = ""
            if start != end and (back := between[end, start]):
                done.add(back[0])
                detail = f"changed places with {_beside(whole.expected[back.popleft()[0]], whole.expected[one])}"
            between[start, end].popleft()
            yield Difference("moved", whole.name, whole.expected[one], whole.actual[other], self._afters[start], detail)


def _kind(expected: TraceMessage, alike: int) -> DifferenceKind:
    """What two messages are of which the name, or the name and param1 (``alike`` = 2), are the same."""
    return "reason" if alike == 2 and expected.message not in CONFIGURATION else "changed"


def _without(some: list[int], others: list[int]) -> list[int]:
    if not others:
        return some
    out = set(others)
    return [one for one in some if one not in out]


def lone_swap(left: list[Token], right: list[Token]) -> Match | None:
    """The two indexes at which the sequences differ, if that is because two messages changed places."""
    if len(left) != len(right):
        return None
    unlike = [index for index, (one, other) in enumerate(zip(left, right, strict=True)) if one != other]
    if len(unlike) != 2:
        return None
    one, back = unlike
    return (one, back) if left[one] == right[back] and left[back] == right[one] else None


def _gaps(matches: list[Match], left: int, right: int) -> Iterator[_Gap]:
    """What is not matched, by the matches it stands between."""
    before = (-1, -1)
    for number, (one, other) in enumerate([*matches, (left, right)]):
        if one > before[0] + 1 or other > before[1] + 1:
            yield _Gap(number, list(range(before[0] + 1, one)), list(range(before[1] + 1, other)))
        before = one, other


_Placed = tuple[Hashable, int, int]
"""Of what kind something is, where it is, and its index."""


def _nearest_of_a_kind(ones: list[_Placed], others: list[_Placed]) -> list[Match]:
    """Pairs of indexes of the same kind, the nearest first, one to one; in the order of the ones."""
    if not ones or not others:
        return []
    kinds: dict[Hashable, tuple[list[Match], list[Match]]] = {}
    for side, some in enumerate((ones, others)):
        for kind, where, index in some:
            kinds.setdefault(kind, ([], []))[side].append((where, index))
    return sorted(pair for left, right in kinds.values() if left and right for pair in _nearest(left, right))


def _nearest(ones: list[Match], others: list[Match]) -> Iterator[Match]:
    """Pairs of (where, index), the nearest first.

    The two nearest of all are always neighbours, once those that are taken are out of the way.
    """
    line = sorted([(where, 0, index) for where, index in ones] + [(where, 1, index) for where, index in others])
    before, after = list(range(-1, len(line) - 1)), list(range(1, len(line) + 1))
    heap = [
        (line[at + 1][0] - line[at][0], at, at + 1) for at in range(len(line) - 1) if line[at][1] != line[at + 1][1]
    ]
    heapify(heap)
    taken = [False] * len(line)
    while heap:
        _, at, to = heappop(heap)
        if taken[at] or taken[to]:
            continue
        taken[at] = taken[to] = True
        one, other = sorted((line[at], line[to]), key=lambda placed: placed[1])
        yield one[2], other[2]
        left, right = before[at], after[to]
        if left >= 0:
            after[left] = right
        if right < len(line):
            before[right] = left
        if left >= 0 and right < len(line) and line[left][1] != line[right][1]:
            heappush(heap, (line[right][0] - line[left][0], left, right))


def says(message: TraceMessage) -> str:
    """A message in words: name, state and reason."""
    from cti_es.vocabulary import tapi

    parts = [message.message]
    if message.message in tapi.STATE_FLAGS and message.param1 is not None:
        prefix, flags = tapi.STATE_FLAGS[message.message]
        names = [name for name, bit in flags.items() if message.param1 & bit]
        known = sum(flags[name] for name in names) == message.param1 and names
        parts.append(prefix + "|".join(names) if known else f"0x{message.param1:x}")
    if message.param2:
        parts.append(f"({tapi.REASON_NAMES.get(message.param2, hex(message.param2))})")
    return " ".join(parts)


def about(message: Message | TraceMessage) -> str:
    """What a message is about: its device and line, or else its handle; empty if it has neither."""
    if message.device is None:
        return f"handle {message.handle}" if message.handle else ""
    return message.device if message.line is None else f"{message.device}/{message.line}"


def _beside(message: TraceMessage, other: TraceMessage) -> str:
    """A message in words beside another one: what it is about is said if that is something else."""
    return says(message) + (f" on {about(message)}" if about(message) != about(other) else "")
