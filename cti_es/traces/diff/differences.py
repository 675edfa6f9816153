"""Two paired channels → their differences: a closed set of kinds, one difference for one cause.

Specified in docs/reference/comparison.md#kinds.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from cti_es.traces.diff.align import MAX_EDITS, align
from cti_es.traces.diff.channels import Token
from cti_es.vocabulary.tapi import TraceMessage

DifferenceKind = Literal["missing", "unexpected", "changed", "moved", "late", "early", "alias"]
KINDS: tuple[DifferenceKind, ...] = ("missing", "unexpected", "changed", "moved", "late", "early", "alias")


class Difference(msgspec.Struct, frozen=True):
    """One difference. ``after`` is the last expected message that still matched before it, in its channel.

    ``expected`` is there for missing, changed, moved, late and early; ``actual`` for all but missing. ``detail`` adds
    what the two messages do not say: the other message of a swap, seconds, the two channels of a handle.
    """

    kind: DifferenceKind
    channel: str
    expected: TraceMessage | None
    actual: TraceMessage | None
    after: TraceMessage | None
    detail: str = ""


class Found(NamedTuple):
    """The comparison of two sequences.

    ``matches`` are pairs of indexes; ``not_compared`` is how many expected and actual messages were left when the
    sequences were too different.
    """

    matches: list[tuple[int, int]]
    differences: list[Difference]
    not_compared: tuple[int, int] | None = None


Tokens = tuple[list[Token], list[Token]]
"""What counts of the expected and of the actual messages."""


class _Gap(NamedTuple):
    """What stands between two matches: indexes of expected and of actual messages; and the place of the gap."""

    number: int
    expected: list[int]
    actual: list[int]


class Comparing:
    """Two sequences of messages being compared. ``tokens`` are what counts of each, its message and param1 first."""

    def __init__(
        self, channel: str, expected: Sequence[TraceMessage], actual: Sequence[TraceMessage], tokens: Tokens
    ) -> None:
        self._channel = channel
        self._expected = expected
        self._actual = actual
        self._tokens = tokens

    def run(self, max_edits: int = MAX_EDITS) -> Found:
        """Compare, up to so many edits."""
        left, right = self._tokens
        if left == right:
            return Found(list(zip(range(len(left)), range(len(left)), strict=True)), [])
        if swap := lone_swap(left, right):
            return self._swapped(*swap)
        found = align(left, right, max_edits)
        if not found.complete:
            return self._too_different(found.matches)
        return Found(found.matches, list(self._differences(found.matches)))

    # Kinds.

    def _differences(self, matches: list[tuple[int, int]]) -> Iterator[Difference]:
        gaps = list(_gaps(matches, len(self._expected), len(self._actual)))
        afters = self._afters(matches)
        moved = self._moves(gaps)
        taken = {one for one, _ in moved}, {other for _, other in moved}
        yield from self._moved(moved, gaps, afters)
        for gap in gaps:
            missing = [one for one in gap.expected if one not in taken[0]]
            unexpected = [other for other in gap.actual if other not in taken[1]]
            yield from self._in_gap(missing, unexpected, afters[gap.number])

    def _in_gap(self, missing: list[int], unexpected: list[int], after: TraceMessage | None) -> Iterator[Difference]:
        """Changed, first with the same message and param1, then the same message; what is left stands for itself."""
        for depth in (2, 1):
            for one in list(missing):
                other = next((o for o in unexpected if self._alike(one, o, depth)), None)
                if other is not None:
                    missing.remove(one)
                    unexpected.remove(other)
                    yield Difference("changed", self._channel, self._expected[one], self._actual[other], after)
        for one in missing:
            yield Difference("missing", self._channel, self._expected[one], None, after)
        for other in unexpected:
            yield Difference("unexpected", self._channel, None, self._actual[other], after)

    def _alike(self, one: int, other: int, depth: int) -> bool:
        return self._tokens[0][one][:depth] == self._tokens[1][other][:depth]

    def _moves(self, gaps: list[_Gap]) -> list[tuple[int, int]]:
        """Equal messages that are missing in one place and unexpected in another, nearest first."""
        missing: dict[Token, list[tuple[int, int]]] = defaultdict(list)
        unexpected: dict[Token, list[tuple[int, int]]] = defaultdict(list)
        for gap in gaps:
            for one in gap.expected:
                missing[self._tokens[0][one]].append((one, gap.number))
            for other in gap.actual:
                unexpected[self._tokens[1][other]].append((other, gap.number))
        pairs: list[tuple[int, int]] = []
        for token, ones in missing.items():
            pairs += _nearest(ones, unexpected.get(token, []))
        return sorted(pairs)

    def _moved(
        self, moved: list[tuple[int, int]], gaps: list[_Gap], afters: list[TraceMessage | None]
    ) -> Iterator[Difference]:
        """One difference for each move; two messages that changed places are one."""
        left_of = {one: gap.number for gap in gaps for one in gap.expected}
        right_of = {other: gap.number for gap in gaps for other in gap.actual}
        by_gaps: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for one, other in moved:
            by_gaps[left_of[one], right_of[other]].append((one, other))
        done: set[tuple[int, int]] = set()
        for one, other in moved:
            if (one, other) in done:
                continue
            start, end = left_of[one], right_of[other]
            back = next((pair for pair in by_gaps[end, start] if pair not in done and pair != (one, other)), None)
            detail = ""
            if start != end and back is not None:
                done.add(back)
                detail = "changed places with " + says(self._expected[back[0]])
            yield Difference("moved", self._channel, self._expected[one], self._actual[other], afters[start], detail)

    def _swapped(self, one: int, back: int) -> Found:
        matches = [(index, index) for index in range(len(self._expected)) if index not in (one, back)]
        after = self._expected[one - 1] if one else None
        detail = f"changed places with {says(self._expected[back])}"
        moved = Difference("moved", self._channel, self._expected[one], self._actual[back], after, detail)
        return Found(matches, [moved])

    def _too_different(self, matches: list[tuple[int, int]]) -> Found:
        """The first divergence, and how much was not compared."""
        start = len(matches)
        after = self._expected[start - 1] if start else None
        one, other = self._expected[start : start + 1], self._actual[start : start + 1]
        differences = list(self._in_gap([start] * len(one), [start] * len(other), after))
        left = len(self._expected) - start - len(one), len(self._actual) - start - len(other)
        return Found(matches, differences, left)

    def _afters(self, matches: list[tuple[int, int]]) -> list[TraceMessage | None]:
        """For each gap, the last expected message that matched before it."""
        return [None, *(self._expected[one] for one, _ in matches)]


def lone_swap(left: list[Token], right: list[Token]) -> tuple[int, int] | None:
    """The two indexes at which the sequences differ, if that is because two messages changed places."""
    if len(left) != len(right):
        return None
    unlike = [index for index, (one, other) in enumerate(zip(left, right, strict=True)) if one != other]
    if len(unlike) != 2:
        return None
    one, back = unlike
    return (one, back) if left[one] == right[back] and left[back] == right[one] else None


def _gaps(matches: list[tuple[int, int]], left: int, right: int) -> Iterator[_Gap]:
    """What is not matched, by the matches it stands between."""
    before = (-1, -1)
    for number, (one, other) in enumerate([*matches, (left, right)]):
        gap = _Gap(number, list(range(before[0] + 1, one)), list(range(before[1] + 1, other)))
        if gap.expected or gap.actual:
            yield gap
        before = one, other


def _nearest(ones: list[tuple[int, int]], others: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Pairs of (index, gap), those with the fewest matches between them first; one to one."""
    pairs = sorted((abs(one[1] - other[1]), one[0], other[0]) for one in ones for other in others)
    taken: tuple[set[int], set[int]] = set(), set()
    for _, one, other in pairs:
        if one not in taken[0] and other not in taken[1]:
            taken[0].add(one)
            taken[1].add(other)
            yield one, other


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
