"""How two sequences fit: the fewest edits, and among alignments with equally few the one nearest in time.

The number of edits is found by E. W. Myers' greedy algorithm ("An O(ND) Difference Algorithm and Its Variations",
Algorithmica 1, 1986), run from both ends. Together both runs tell which pairs of places some shortest script passes
through; a table over those alone finds the one whose matches are nearest in time. Equal ends are taken off first, as
far as no other match of theirs could be nearer.

Sequences that are too different for that are cut at one of their equal runs and aligned piece by piece. So the time
grows with the length times :data:`MAX_EDITS`, never with the square of the length.

Sequences are of anything hashable, times are whole numbers in any unit; the result names indexes, never values.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

MAX_EDITS = 128
"""A piece with more edits than this is cut."""

RUN = 4
"""A run of so many equal elements is a good place to cut at."""

BY_BITS = 4_096
"""Up to so many elements it is fastest to look at all pairs of them, as bits."""

Match = tuple[int, int]
Times = tuple[Sequence[int], Sequence[int]]
"""When each element of both sequences was."""

_EDIT = 1 << 70
"""What an edit costs in the table: more than all distances in time together."""


class Alignment(NamedTuple):
    """The pairs of indexes that belong together, ascending in both; ``pieces``: into how many it had to be cut."""

    matches: list[Match]
    pieces: int = 1


def align(
    expected: Sequence[Hashable], actual: Sequence[Hashable], times: Times | None = None, max_edits: int = MAX_EDITS
) -> Alignment:
    """Align two sequences. Without ``times`` the earliest of equals match."""
    whole = _Piece(expected, actual, times)
    matches: list[Match] = []
    left = right = pieces = 0
    while left < len(expected) and right < len(actual):
        piece = whole.part(left, len(expected), right, len(actual))
        head, tail = piece.sure_ends()
        middle = piece.part(head, len(piece.expected) - tail, head, len(piece.actual) - tail)
        found, end = middle.aligned(max_edits)
        start = left + head, right + head
        matches += ((left + index, right + index) for index in range(head))
        matches += ((start[0] + one, start[1] + other) for one, other in found)
        left, right, pieces = start[0] + end[0], start[1] + end[1], pieces + 1
        if end == (len(middle.expected), len(middle.actual)):
            matches += ((left + index, right + index) for index in range(tail))
            break
    return Alignment(matches, pieces)


class Masks(NamedTuple):
    """A sequence as bits: for each element where it stands."""

    length: int
    bits: dict[Hashable, int]

    @classmethod
    def of(cls, elements: Sequence[Hashable]) -> "Masks":
        """The bits of a sequence."""
        bits: dict[Hashable, int] = {}
        for index, element in enumerate(elements):
            bits[element] = bits.get(element, 0) | 1 << index
        return cls(len(elements), bits)

    def in_common(self, others: Iterable[Hashable]) -> int:
        """The length of the longest common subsequence, without telling which it is (fast).

        H. Hyyrö, "Bit-Parallel LCS-length Computation Revisited", 2004.
        """
        whole = left = (1 << self.length) - 1
        for element in others:
            if found := left & self.bits.get(element, 0):
                left = ((left + found) | (left - found)) & whole
        return self.length - left.bit_count()


def distance(expected: Sequence[Hashable], actual: Sequence[Hashable]) -> int:
    """The number of edits between two sequences; for long ones with many differences, that of an alignment of them."""
    head = _equal_start(expected, actual, min(len(expected), len(actual)))
    left, right = expected[head:], actual[head:]
    tail = _equal_start(left[::-1], right[::-1], min(len(left), len(right)))
    left, right = left[: len(left) - tail], right[: len(right) - tail]
    if min(len(left), len(right)) > BY_BITS:
        return len(left) + len(right) - 2 * len(align(left, right).matches)
    return len(left) + len(right) - 2 * Masks.of(left).in_common(right)


class _Reach(NamedTuple):
    """How far each diagonal (index in expected less index in actual) is reached after 0, 1, 2, … edits.

    ``complete``: the last round reaches the ends of both.
    """

    rounds: list[dict[int, int]]
    complete: bool


class _Piece(NamedTuple):
    """Two sequences to align, with their times."""

    expected: Sequence[Hashable]
    actual: Sequence[Hashable]
    times: Times | None

    def part(self, left: int, left_end: int, right: int, right_end: int) -> "_Piece":
        """A part of both."""
        times = self.times and (self.times[0][left:left_end], self.times[1][right:right_end])
        return _Piece(self.expected[left:left_end], self.actual[right:right_end], times)

    def backwards(self) -> "_Piece":
        """Both from their ends."""
        return _Piece(self.expected[::-1], self.actual[::-1], None)

    def sure_ends(self) -> tuple[int, int]:
        """How many elements at the start, and how many of the others at the end, belong together beyond doubt."""
        if self.times is None:
            head = _equal_start(self.expected, self.actual, min(len(self.expected), len(self.actual)))
        else:
            head = _sure_start(self.expected, self.actual, *self.times)
        left, right = self.expected[head:], self.actual[head:]
        if self.times is None:
            return head, _equal_start(left[::-1], right[::-1], min(len(left), len(right)))
        back = [[-when for when in some[head:]][::-1] for some in self.times]
        return head, _sure_start(left[::-1], right[::-1], *back)

    def aligned(self, max_edits: int) -> tuple[list[Match], Match]:
        """The matches up to an end, and that end: of both sequences, or of the part that was cut off."""
        if not self.expected or not self.actual:
            return [], (len(self.expected), len(self.actual))
        forward = self._reach(max_edits)
        if not forward.complete:
            end = self._cut(forward.rounds)
            return self.part(0, end[0], 0, end[1]).aligned(max_edits)[0], end
        return self._nearest_in_time(forward.rounds), (len(self.expected), len(self.actual))

    def _reach(self, max_edits: int) -> _Reach:
        """Myers' algorithm, until both ends are reached or the edits are spent."""
        expected, actual = self.expected, self.actual
        left_end, right_end = len(expected), len(actual)
        goal = left_end - right_end
        rounds: list[dict[int, int]] = []
        furthest: dict[int, int] = {1: 0}
        for edits in range(min(max_edits, left_end + right_end) + 1):
            reached: dict[int, int] = {}
            get = furthest.get
            for diagonal in range(max(-edits, edits - 2 * right_end), min(edits, 2 * left_end - edits) + 1, 2):
                left, above = get(diagonal + 1, -1), get(diagonal - 1, -2) + 1
                if left - diagonal > right_end:
                    left = -1
                if left < above <= left_end:
                    left = above
                if left < 0:
                    continue
                right = left - diagonal
                while left < left_end and right < right_end and expected[left] == actual[right]:
                    left += 1
                    right += 1
                reached[diagonal] = left
            rounds.append(reached)
            if reached.get(goal) == left_end:
                return _Reach(rounds, complete=True)
            furthest = reached
        return _Reach(rounds, complete=False)

    # --- too different ----------------------------------------------------------------------------------------------

    def _cut(self, rounds: list[dict[int, int]]) -> Match:
        """Where to cut: in the last long run of equal elements on a way that gets far, the nearest in time of those."""
        reached = {(left, left - diagonal): left + left - diagonal for diagonal, left in rounds[-1].items()}
        most = max(reached.values())
        far = [end for end, length in reached.items() if 4 * length >= 3 * most]
        furthest = left, right = min(far, key=lambda end: (self._apart(end), -reached[end]))
        diagonal = left - right
        for edits in range(len(rounds) - 1, len(rounds) // 2, -1):
            before = rounds[edits - 1]
            entered = _entry(before, diagonal, len(self.expected), len(self.actual))
            if left - entered >= RUN:
                middle = (entered + left) // 2
                return middle, middle - diagonal
            diagonal += 1 if before.get(diagonal + 1) == entered else -1
            left = before[diagonal]
        return furthest

    def _apart(self, end: Match) -> int:
        """How far apart in time the last two elements before an end are."""
        if self.times is None or not all(end):
            return 0
        return abs(self.times[0][end[0] - 1] - self.times[1][end[1] - 1])

    # --- the nearest in time ----------------------------------------------------------------------------------------

    def _nearest_in_time(self, forward: list[dict[int, int]]) -> list[Match]:
        """A table over what lies on some shortest script; back from its end, the matches of the best one."""
        backward = self.backwards()._reach(len(forward) - 1).rounds
        cells = _on_shortest_scripts(forward, backward, len(self.expected), len(self.actual))
        return self._back(self._table(cells))

    def _table(self, cells: dict[int, list[int]]) -> dict[Match, int]:
        """For each pair of places the way that got there cheapest: 0 by a match, 1 and 2 by leaving one out."""
        expected, actual, times = self.expected, self.actual, self.times
        ways: dict[Match, int] = {}
        above: dict[int, int] = {}
        for left in sorted(cells):
            row: dict[int, int] = {}
            for right in cells[left]:
                best, way = (0, 0) if not left and not right else (_NEVER, 0)
                if (cost := above.get(right, _NEVER) + _EDIT) < best:
                    best, way = cost, 1
                if (cost := row.get(right - 1, _NEVER) + _EDIT) < best:
                    best, way = cost, 2
                if (cost := above.get(right - 1, _NEVER)) < _NEVER and expected[left - 1] == actual[right - 1]:
                    if times is not None:
                        cost += abs(times[0][left - 1] - times[1][right - 1])
                    if cost < best:
                        best, way = cost, 0
                row[right] = best
                ways[left, right] = way
            above = row
        return ways

    def _back(self, ways: dict[Match, int]) -> list[Match]:
        left, right = len(self.expected), len(self.actual)
        matches: list[Match] = []
        while left or right:
            way = ways[left, right]
            if way == 0:
                matches.append((left - 1, right - 1))
            left, right = left - (way != 2), right - (way != 1)
        return matches[::-1]


_NEVER = 1 << 200


def _entry(before: dict[int, int], diagonal: int, left_end: int, right_end: int) -> int:
    """Where a diagonal is entered from its neighbours, as they were reached with an edit less; -1 if it is not."""
    below, above = before.get(diagonal + 1, -1), before.get(diagonal - 1, -2) + 1
    if below - diagonal > right_end:
        below = -1
    return above if below < above <= left_end else below


def _on_shortest_scripts(
    forward: list[dict[int, int]], backward: list[dict[int, int]], left_end: int, right_end: int
) -> dict[int, list[int]]:
    """Index in expected → indexes in actual, of all pairs of places that some shortest script passes through.

    Along a diagonal the edits from the start never become fewer, those to the end never more. So the pairs that are
    reached with ``edits``, and need no more than the rest of them to the end, lie between two bounds.
    """
    most, goal = len(forward) - 1, left_end - right_end
    spans: dict[int, list[tuple[int, int]]] = {}
    for edits in range(most + 1):
        rest = backward[most - edits]
        for diagonal, last in forward[edits].items():
            if (reached := rest.get(goal - diagonal)) is not None and left_end - reached <= last:
                spans.setdefault(diagonal, []).append((left_end - reached, last))
    cells: dict[int, set[int]] = {}
    for diagonal, parts in spans.items():
        for first, last in parts:
            for left in range(first, last + 1):
                cells.setdefault(left, set()).add(left - diagonal)
    return {left: sorted(rights) for left, rights in cells.items()}


def _equal_start(left: Sequence[Hashable], right: Sequence[Hashable], length: int) -> int:
    for index in range(length):
        if left[index] != right[index]:
            return index
    return length


def _sure_start(
    left: Sequence[Hashable], right: Sequence[Hashable], left_times: Sequence[int], right_times: Sequence[int]
) -> int:
    """How many elements at the start are equal, and nearer to each other than to any later one of the same kind."""
    length = _equal_start(left, right, min(len(left), len(right)))
    if not length:
        return 0
    later_left, later_right = _later(left, left_times), _later(right, right_times)
    for index in range(length):
        one, other = left_times[index], right_times[index]
        if not _is_nearest(one, other, later_left[index]) or not _is_nearest(other, one, later_right[index]):
            return index
    return length


def _later(elements: Sequence[Hashable], times: Sequence[int]) -> list[int | None]:
    """For each element the time of the next one that is equal."""
    after: dict[Hashable, int] = {}
    found: list[int | None] = [None] * len(elements)
    for index in range(len(elements) - 1, -1, -1):
        found[index] = after.get(elements[index])
        after[elements[index]] = times[index]
    return found


def _is_nearest(own: int, other: int, later: int | None) -> bool:
    """Whether no later one is nearer to ``other``; times never go back."""
    return later is None or own >= other or (later > own and abs(later - other) >= other - own)
