"""Lines that two traces have in common: what one of them says there is read once.

Specified in docs/explanation/benchmarks.md#traces.

Two traces of one replay have nearly all lines in common. Where a format reads each line for itself, the same line is
the same message, at another place. What is found here need not be all; what is not found is read.
"""

from collections.abc import Iterator
from typing import NamedTuple

NEAR, FAR = 4, 64
"""How many lines are looked through for the next ones in common: mostly a few are enough."""


class Piece(NamedTuple):
    """Some lines, the number of the first, and that of the first of the same lines of the other trace; None: others."""

    first: int
    lines: list[bytes]
    there: int | None


def in_common(mine: Iterator[list[bytes]], theirs: Iterator[list[bytes]]) -> Iterator[Piece]:
    """All lines of ``mine``, in pieces: such as ``theirs`` has, too, and others."""
    ahead = _Ahead(theirs)
    first = 1
    for lines in mine:
        while lines:
            others = ahead.look(len(lines) + FAR)
            same = _equal_start(lines, others)
            count, gone = (same, same) if same else _next_in_common(lines, others)
            yield Piece(first, lines[:count], ahead.first if same else None)
            ahead.pass_by(gone)
            first, lines = first + count, lines[count:]


class _Ahead:
    """The next lines of a trace, which is read as far as it is looked at; ``first`` is the number of the next one."""

    def __init__(self, chunks: Iterator[list[bytes]]) -> None:
        self.first = 1
        self._chunks = chunks
        self._lines: list[bytes] = []

    def look(self, count: int) -> list[bytes]:
        """The next lines, so many if there are so many."""
        while len(self._lines) < count and (more := next(self._chunks, None)):
            self._lines += more
        return self._lines[:count]

    def pass_by(self, count: int) -> None:
        """Go on behind so many lines."""
        self.first += count
        del self._lines[:count]


def _equal_start(some: list[bytes], others: list[bytes]) -> int:
    """How many lines at the start are equal; nearly always all are, which is seen at once."""
    if some == others[: len(some)]:
        return len(some)
    return next((at for at, (one, other) in enumerate(zip(some, others, strict=False)) if one != other), len(others))


def _next_in_common(some: list[bytes], others: list[bytes]) -> tuple[int, int]:
    """How many lines of each stand before the next ones in common; all that were looked at if there are none."""
    for reach in (NEAR, FAR):
        places = {line: place for place, line in reversed([*enumerate(others[:reach])])}
        for place, line in enumerate(some[:reach]):
            if line in places:
                return place, places[line]
    return min(FAR, len(some)), min(FAR, len(others))
