"""The stores that this process has open, and the locks that it holds on them.

POSIX takes away every lock that a process has on a file when the process closes the file, also when another part of it
had opened it for itself. Another program would then believe that nobody uses the store, and take the ``-wal`` from
under a writer. SQLite keeps to that among its own connections; so whoever looks into a file that may be a store does
it here, and not while it is open.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import RLock
from weakref import WeakSet

from cti_es.vocabulary.errors import blamed_on

HEADER = b"SQLite format 3\x00"
"""How a SQLite database begins."""

_LOCK_BYTES = (1 << 30, 512)
"""Where in its file SQLite's locks are, and how many bytes: who uses a store with a -wal has locked some of them."""

_one_at_a_time = RLock()
_open: "WeakSet[OpenStore]" = WeakSet()


def is_sqlite(path: Path) -> bool:
    """Whether a file is a SQLite database, by its first bytes. Raises OSError when it cannot be read."""
    with _one_at_a_time:
        if any(one.file == _identity(path) for one in _open):
            return True
        with blamed_on(str(path)), path.open("rb") as file:
            return file.read(len(HEADER)) == HEADER


class OpenStore:
    """A store that is open: its ``connection``, which ``connect`` makes.

    If its reader makes SQLite begin a ``-shm`` for a ``-wal`` that lay there alone, the last one to close takes it
    away again.
    """

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        self._path = path
        with _one_at_a_time:
            self._leaves_shm = _sibling(path, "-wal").exists() and not _sibling(path, "-shm").exists()
            self.connection = connect()
            self.file = _identity(path)
            _open.add(self)

    def close(self) -> None:
        """Close it."""
        with _one_at_a_time:
            self.connection.close()
            _open.discard(self)
            if not self._leaves_shm:
                return
            if heir := next((one for one in _open if one.file == self.file), None):
                heir._leaves_shm = True
            else:
                _remove_shm(self._path)


def _identity(path: Path) -> tuple[int, int]:
    """Which file it is, whatever it is called."""
    found = path.stat()
    return found.st_dev, found.st_ino


def _sibling(path: Path, suffix: str) -> Path:
    return Path(f"{path}{suffix}")


def _remove_shm(path: Path) -> None:
    """Remove the -shm if no program uses the store, as SQLite does: nobody can begin to while we hold its locks."""
    with suppress(OSError, ImportError):  # somebody uses it, or we may not write, or this is Windows: then it stays
        from fcntl import LOCK_EX, LOCK_NB, lockf

        start, length = _LOCK_BYTES
        with path.open("rb+") as file:
            lockf(file, LOCK_EX | LOCK_NB, length, start)
            _sibling(path, "-shm").unlink()
