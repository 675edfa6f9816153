"""How much SQLite may do for a reader: a multiple of the size of the file, however the file was forged.

A tree whose branches all lead to one page has rows without end in a few kilobytes, and rows may share the pages of a
long value. SQLite walks through such a file as if it were true. In a true file every row and every byte of a value
lies in a place of its own, so that a reader needs few steps for each byte of the file, and gets no more bytes than it
has. Who needs many times more has a file that is not true.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path
from typing import Any

_EVERY = 10_000
"""After so many steps of SQLite's machine it is looked whether there may be more."""

_STEPS_TO_OPEN = 200_000
"""To read a schema takes a dozen steps for each object."""

_STEPS_AT_LEAST = 1_000_000
_STEPS_FOR_A_BYTE = 5
"""The check of a true store takes up to 1.5 steps for a byte of it; everything else takes less."""

_BYTES_AT_LEAST = 1 << 20
_BYTES_FOR_A_BYTE = 4
"""No value is given out more than twice for one question to a store."""

_BYTES_OF_A_ROW = 8
"""No row takes less of a file."""

_LONGEST_NAME = 4_096
"""No name has more bytes: 128 characters, whatever they are."""

_SIZED = (str, bytes)


TOO_MUCH = "it gives out far more than a file of its size can hold, so its rows share pages"
"""What is wrong with such a file."""


def allow_to_open(connection: sqlite3.Connection) -> None:
    """Let a new connection do what it takes to read the schema of a file."""
    _allow(connection, _STEPS_TO_OPEN)


def _allow(connection: sqlite3.Connection, steps: int) -> None:
    # What is called is no function of Python: Ctrl-C would be raised in there, and lost.
    connection.set_progress_handler(repeat(None, steps // _EVERY).__next__, _EVERY)


class Allowance:
    """What is left for one question, or for several that belong together."""

    def __init__(self, connection: sqlite3.Connection, size: int) -> None:
        _allow(connection, _STEPS_AT_LEAST + _STEPS_FOR_A_BYTE * size)
        self._bytes = _BYTES_AT_LEAST + _BYTES_FOR_A_BYTE * size
        self._packed = size

    def counted(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """The row, if it may still be given out. Raises :class:`sqlite3.DatabaseError`."""
        self._bytes -= _BYTES_OF_A_ROW
        for value in row:
            if isinstance(value, _SIZED):
                self._bytes -= len(value)
        if self._bytes < 0:
            raise sqlite3.DatabaseError(TOO_MUCH)
        return row

    def may_unpack(self, packed: bytes) -> bool:
        """Whether this may still be unpacked: all of it together has no more bytes than the file."""
        self._packed -= len(packed)
        return self._packed >= 0


class Bounds:
    """The allowances of a connection to the file at ``path``."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._files = (path, Path(f"{path}-wal"))
        self._shared: Allowance | None = None

    def allowance(self) -> Allowance:
        """A new one for a question, unless it is one of several that have theirs together."""
        return self._shared or Allowance(self._connection, self._size())

    @contextmanager
    def together(self) -> Iterator[None]:
        """Inside this context all questions share one allowance."""
        outer = self._shared
        self._shared = self.allowance()
        try:
            yield
        finally:
            self._shared = outer

    @contextmanager
    def short_values(self) -> Iterator[None]:
        """Inside this context SQLite refuses texts longer than any name: each step over them could cost a file.

        It looks at those that a question gives out or computes with. A name that is only compared in an index has to be
        given out, too, and what is compared with other columns of the row has to wait until after that.
        """
        longest = self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_NAME)
        try:
            yield
        finally:
            self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)

    def lift(self) -> None:
        """No bound until the next question: what is written is ours."""
        self._connection.set_progress_handler(None, 0)

    def _size(self) -> int:
        size = 0
        for file in self._files:
            with suppress(OSError):
                size += file.stat().st_size
        return size
