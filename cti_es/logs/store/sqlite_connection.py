"""Connections to the SQLite file of a store: how it is opened, how locks are waited for, what SQLite's errors mean.

A file may come from anybody. What its schema says is compared with ours before anything of it is used
(:mod:`~cti_es.logs.store.schema`); what is set here is the second fence.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from cti_es.logs import clock
from cti_es.logs.store.sqlite_bounds import TOO_MUCH, allow_to_open
from cti_es.vocabulary.errors import NotAStore, StoreError, StoreLocked

LARGEST_VALUE = 1 << 28
"""No text or blob of a store has more bytes than this; SQLite refuses to read, write or make a longer one."""

_WARY = ("cell_size_check = ON", "mmap_size = 0")
"""What SQLite recommends for files that somebody else may have made.

So it does trusted_schema = OFF, but then many versions refuse our own CHECK with json_array_length().
"""

_ROOM = 1 << 16
"""So many bytes SQLite needs beside a store to read it: the first piece of a -shm, the head of a -wal."""

Way = Literal["mode=ro", "mode=rw", "mode=ro&immutable=1"]
"""How SQLite opens a file to read it."""

AS_IT_STANDS: Way = "mode=ro&immutable=1"
"""Nobody else is looked for: what others append is not seen until the file is opened again."""

_SLICE = 0.1
"""For so many seconds at a time SQLite waits for a lock: while it does, nobody can interrupt us."""


def _connect(path: Path, options: str, wait: float) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{options}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=wait, check_same_thread=False)
    allow_to_open(connection)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
    for setting in _WARY:
        connection.execute(f"PRAGMA {setting}")
    if defensive := getattr(sqlite3, "SQLITE_DBCONFIG_DEFENSIVE", None):  # from Python 3.12 on
        connection.setconfig(defensive)  # type: ignore[attr-defined]
    return connection


def connect_to_write(path: Path, wait: float) -> sqlite3.Connection:
    """A connection that writes to a store or makes one; what it commits is on disk."""
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise StoreError("no permission to write", where=str(path), hint="check the permissions of file and folder")
    connection = _connect(path, "mode=rwc", wait)
    connection.execute("PRAGMA page_size = 8192")  # of a new store: large rows are written in half the time of 4096
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def way_to_read(path: Path) -> Way:
    """How to read a store without writing to it.

    Somebody may be writing (there is a -wal): read-only, the -wal stays as it is. Nobody is: SQLite needs to make a
    -wal for as long as we read, in case somebody begins, and takes it away again; only a connection that could write
    may do that. Where we must not, or where there is no room for one, the file is read as it stands.
    """
    _refuse_journal(path)
    if Path(f"{path}-wal").exists():
        _check_room(path)
        return "mode=ro"
    may_write = os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)
    return "mode=rw" if may_write and _has_room(path) else AS_IT_STANDS


def connect_to_read(path: Path, wait: float, way: Way) -> sqlite3.Connection:
    """A connection that never writes to the store."""
    connection = _connect(path, way, wait)
    if way == "mode=rw":
        connection.execute("PRAGMA query_only = ON")
    return connection


def _refuse_journal(path: Path) -> None:
    """Raise :class:`StoreError` where SQLite would first undo, in the file, what somebody has left unfinished."""
    journal = Path(f"{path}-journal")
    with suppress(FileNotFoundError), journal.open("rb") as file:
        if file.read(1) not in (b"", b"\0"):  # one that is kept for the next time begins with zeros
            raise StoreError(
                "an unfinished change of the store, which a reader does not undo", where=str(journal),
                hint="try again if somebody is writing; else the next append undoes it; a copy without it is readable",
            )  # fmt: skip


def _has_room(path: Path) -> bool:
    """Whether the files that SQLite makes beside a store for its readers find room: a full disk may still be read."""
    import shutil  # late: it imports much

    try:
        return shutil.disk_usage(path.absolute().parent).free >= _ROOM
    except OSError:
        return True


def _check_room(path: Path) -> None:
    """Raise :class:`StoreError` where SQLite would fail half-way and leave a piece of a -shm behind."""
    if not Path(f"{path}-shm").exists() and not _has_room(path):
        raise StoreError(
            "the disk is full, and a store with a -wal cannot be read without a new -shm", where=str(path),
            hint="make room, or copy both files to another disk and read them there",
        )  # fmt: skip


def begin(connection: sqlite3.Connection, wait: float) -> None:
    """Begin to write, when the others are done. Not one long wait of SQLite: Ctrl-C has to be heard."""
    _set_timeout(connection, min(_SLICE, wait))
    try:
        _insist(lambda: connection.execute("BEGIN IMMEDIATE"), wait)
    finally:
        _set_timeout(connection, wait)


def _set_timeout(connection: sqlite3.Connection, seconds: float) -> None:
    milliseconds = round(seconds * 1000)
    connection.execute(f"PRAGMA busy_timeout = {milliseconds}")


def use_wal(connection: sqlite3.Connection, wait: float) -> None:
    """Switch a new store to write-ahead logging. SQLite does not wait for this lock by itself."""
    _insist(lambda: connection.execute("PRAGMA journal_mode = WAL"), wait)


def _insist(work: Callable[[], object], wait: float) -> None:
    """Do something as soon as nobody locks it, for so many seconds."""
    deadline = clock.seconds() + wait
    while True:
        try:
            work()
            return
        except sqlite3.OperationalError as error:
            if not _is_locked(error) or clock.seconds() >= deadline:
                raise
            clock.pause(0.02)


def _is_locked(error: Exception) -> bool:
    return "locked" in str(error) or "busy" in str(error)


def explained(error: Exception, address: str, wait: float) -> StoreError:
    """What an error of SQLite means to a user."""
    text = str(error)
    if _is_locked(error):
        return StoreLocked(
            f"another program is writing to the store and did not finish within {wait:g} s", where=address,
            hint="try again, or wait longer",
        )  # fmt: skip
    if "not a database" in text:
        return NotAStore("not a SQLite database, or a damaged one", where=address, expected="a store made by append")
    if "readonly" in text or "read-only" in text:
        return StoreError(
            "no permission to write to the store", where=address, hint="check the permissions of file and folder"
        )
    if "unable to open" in text:
        return StoreError("the store cannot be opened", where=address, hint="check the permissions of file and folder")
    if "disk is full" in text:
        return StoreError("the disk is full; nothing was stored", where=address)
    if "disk I/O error" in text:
        return StoreError("the system could not read or write the store", where=address,
                          hint="is the disk full or going bad, or a limit of the size of files reached?")  # fmt: skip
    if text.startswith("cti-es: "):
        return StoreError(text.removeprefix("cti-es: "), where=address)
    if text == "interrupted":  # by an Allowance that is used up
        text = TOO_MUCH
    return StoreError(f"the store is damaged: {text}", where=address, hint="restore it from a copy")
