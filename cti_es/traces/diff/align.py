"""The shortest edit script between two sequences: Myers' O(ND) algorithm, equal ends trimmed first, with a cap.

(E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1, 1986.) Sequences are lists of
anything hashable; the result names indexes, never values.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

MAX_EDITS = 1_000
"""Past so many edits, two channels are not compared any further: they are too different."""


class Alignment(NamedTuple):
    """How two sequences fit: ``matches`` are pairs of indexes, ascending in both.

    ``complete`` is False when the cap was reached: then only what lies before the first divergence is matched.
    """

    matches: list[tuple[int, int]]
    complete: bool


def align(expected: Sequence[Hashable], actual: Sequence[Hashable], max_edits: int = MAX_EDITS) -> Alignment:
    """The matches of a shortest edit script from ``expected`` to ``actual``."""
    head, tail = _equal_ends(expected, actual)
    matches = [(index, index) for index in range(head)]
    middle = _middle(expected[head : len(expected) - tail], actual[head : len(actual) - tail], max_edits)
    if middle is None:
        return Alignment(matches, complete=False)
    matches += [(head + left, head + right) for left, right in middle]
    matches += [(len(expected) - back, len(actual) - back) for back in range(tail, 0, -1)]
    return Alignment(matches, complete=True)


def distance(expected: Sequence[Hashable], actual: Sequence[Hashable], max_edits: int = MAX_EDITS) -> int:
    """The number of edits between two sequences; everything, when they are too different."""
    found = align(expected, actual, max_edits)
    return len(expected) + len(actual) - (2 * len(found.matches) if found.complete else 0)


def _equal_ends(expected: Sequence[Hashable], actual: Sequence[Hashable]) -> tuple[int, int]:
    """How many elements are equal at the start, and how many of the others at the end."""
    shorter = min(len(expected), len(actual))
    head = 0
    while head < shorter and expected[head] == actual[head]:
        head += 1
    tail = 0
    while tail < shorter - head and expected[-1 - tail] == actual[-1 - tail]:
        tail += 1
    return head, tail


def _middle(expected: Sequence[Hashable], actual: Sequence[Hashable], cap: int) -> list[tuple[int, int]] | None:
    """Matches of two sequences that differ at both ends; None past the cap."""
    if not expected or not actual:
        return []
    rounds = _forward(expected, actual, cap)
    return None if rounds is None else _backward(rounds, len(expected), len(actual))


def _forward(expected: Sequence[Hashable], actual: Sequence[Hashable], cap: int) -> list[dict[int, int]] | None:
    """The furthest reaching points of each diagonal, after 0, 1, 2, … edits, until the end is reached."""
    goal = len(expected) - len(actual)
    furthest = {1: 0}
    rounds: list[dict[int, int]] = []
    for edits in range(min(cap, len(expected) + len(actual)) + 1):
        rounds.append(dict(furthest))
        for diagonal in range(-edits, edits + 1, 2):
            left = _step(furthest, diagonal, edits)
            right = left - diagonal
            while left < len(expected) and right < len(actual) and expected[left] == actual[right]:
                left += 1
                right += 1
            furthest[diagonal] = left
            if diagonal == goal and left >= len(expected):
                return rounds
    return None


def _step(furthest: dict[int, int], diagonal: int, edits: int) -> int:
    """Where a diagonal is entered: from above (an insertion) or from the left (a deletion)."""
    inserts = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])
    return furthest[diagonal + 1] if inserts else furthest[diagonal - 1] + 1


def _backward(rounds: list[dict[int, int]], left: int, right: int) -> list[tuple[int, int]]:
    """Walk back from the end; the diagonal steps are the matches."""
    matches: list[tuple[int, int]] = []
    for edits in range(len(rounds) - 1, -1, -1):
        furthest, diagonal = rounds[edits], left - right
        start = _step(furthest, diagonal, edits)
        while left > start:
            left, right = left - 1, right - 1
            matches.append((left, right))
        inserts = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])
        left, right = (left, right - 1) if inserts else (left - 1, right)
    return matches[::-1]
