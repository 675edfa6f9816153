"""A store in one SQLite file: WAL, synchronous=FULL, batches of events, append-only by triggers.

Specified in docs/reference/store.md.

Readers never write: they read a store that somebody is writing to, a read-only file or a file in a read-only folder,
and leave nothing behind. Writers wait for each other with BEGIN IMMEDIATE. A new store is written under another name
and appears whole, or not at all.
"""

import os
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

from cti_es.logs import clock
from cti_es.logs.store.base import Fault, Head, LogInfo, Row, Snapshot, ids_of, new_rows
from cti_es.logs.store.schema import APPLICATION_ID, OBJECTS, SCHEMA_VERSION, migrate, schema_faults
from cti_es.vocabulary.errors import NotAStore, StoreError, StoreLocked
from cti_es.vocabulary.events import Event

HEADER = b"SQLite format 3\x00"

_ROW = "position, log, version, count, CAST(events AS BLOB), recorded_at, source, hash"
_ROW_TYPES = (int, str, int, int, bytes, str, str, str)
_SNAPSHOT = "log, version, hash, fold, messages, latest, backwards, state, digest"
_SNAPSHOT_TYPES = (str, int, str, int, int, str, int, bytes, str)
SQLITE_NEEDED = (3, 37)
"""The oldest SQLite that has strict tables, which the schema needs."""

LARGEST_STATE = 1 << 28
"""A snapshot whose unpacked state has more bytes is neither kept nor used: a forged one could unpack to any size."""

_LONGEST_WAIT = 1_000_000.0  # seconds; SQLite takes milliseconds in 32 bits
_SLICE = 0.1
"""For so many seconds at a time SQLite waits for a lock: while it does, nobody can interrupt us."""

_IDS_AT_ONCE = 500
_LARGEST = 2**63 - 1

T = TypeVar("T")


def is_sqlite(path: Path) -> bool:
    """Whether a file is a SQLite database, by its first bytes. Raises OSError when it cannot be read."""
    with path.open("rb") as file:
        return file.read(len(HEADER)) == HEADER


class SqliteStore:
    """A store in a SQLite file.

    ``write`` opens it for writing (and brings its schema up to date), otherwise nothing is ever written. ``wait`` is
    how many seconds to wait for another writer. A ``draft`` that nobody else can know of needs no write-ahead log yet.
    Raises :class:`StoreError`.
    """

    def __init__(self, path: Path, write: bool = False, wait: float = 30.0, draft: bool = False) -> None:
        self.address = str(path)
        self._path = path = path.resolve()  # SQLite's own files lie beside the file, not beside a link to it
        self._wait = wait = min(wait, _LONGEST_WAIT)
        if sqlite3.sqlite_version_info < SQLITE_NEEDED:
            needed = ".".join(map(str, SQLITE_NEEDED))
            raise StoreError(
                f"SQLite {sqlite3.sqlite_version} is too old", expected=f"a Python with SQLite {needed} or newer"
            )
        self._is_immutable = not write and _is_immutable(path)
        with self._explained():
            self._connection = _connect_to_write(path, wait) if write else _connect_to_read(path, wait)
            self._check(write)
            if write and not draft:
                _use_wal(self._connection, wait)

    # What readers use.

    def logs(self) -> list[LogInfo]:
        """Its logs, in the order in which they were begun."""
        firsts = "SELECT MIN(position) FROM batches GROUP BY log"
        first = self._select(f"SELECT {_ROW} FROM batches WHERE position IN ({firsts}) ORDER BY position")
        return [LogInfo(row.log, row, self._last_row(row.log) or row) for row in map(self._row, first)]

    def names(self) -> list[str]:
        """The names of its logs, whatever is wrong with their rows."""
        found = self._select("SELECT log FROM batches GROUP BY log ORDER BY MIN(position)")
        return [log for (log,) in found if self._typed((log,), (str,))]

    def head(self, log: str) -> Head:
        """Where a log ends."""
        row = self._last_row(log)
        return Head(row.last, row.hash) if row else Head()

    def rows(self, log: str, version: int = 1) -> Iterator[Row]:
        """The rows of a log, from the one that holds ``version`` on."""
        sql = (
            f"SELECT {_ROW} FROM batches WHERE log = :log AND version >= COALESCE("
            "(SELECT MAX(version) FROM batches WHERE log = :log AND version <= :version), 1)"
            " AND version + count > :version ORDER BY version"
        )
        return map(self._row, self._stream(sql, {"log": log, "version": min(version, _LARGEST)}))

    def find_ids(self, log: str, ids: Iterable[str]) -> dict[str, int]:
        """The versions of those ids that the log has."""
        wanted = list(ids)
        found: dict[str, int] = {}
        for start in range(0, len(wanted), _IDS_AT_ONCE):
            some = wanted[start : start + _IDS_AT_ONCE]
            marks = ",".join("?" * len(some))
            pairs = self._select(f"SELECT id, version FROM ids WHERE log = ? AND id IN ({marks})", (log, *some))
            found.update(pair for pair in pairs if self._typed(pair, (str, int)))
        return found

    def id_count(self, log: str) -> int:
        """How many ids the index knows for a log."""
        return int(self._select("SELECT COUNT(*) FROM ids WHERE log = ?", (log,))[0][0])

    def snapshot(self, log: str, fold: int, **at_most: int | str) -> Snapshot | None:
        """The newest intact snapshot within the bounds, if it belongs to this log as it is."""
        bounds = "".join(f" AND {column} <= :{column}" for column in at_most)
        sql = f"SELECT {_SNAPSHOT} FROM snapshots WHERE log = :log AND fold = :fold{bounds} ORDER BY version DESC"
        bound = {column: min(most, _LARGEST) if isinstance(most, int) else most for column, most in at_most.items()}
        for values in self._stream(sql, {"log": log, "fold": fold, **bound}):
            snapshot, digest = self._snapshot(values)
            if snapshot.digest() == digest and snapshot.hash == self._hash_at(log, snapshot.version):
                return snapshot
        return None

    def snapshots(self, log: str, version: int | None = None) -> Iterator[tuple[Snapshot, str]]:
        """Every snapshot of a log (at a version) by version, with the digest that was kept with it."""
        sql = f"SELECT {_SNAPSHOT} FROM snapshots WHERE log = ? AND version = COALESCE(?, version) ORDER BY version"
        return map(self._snapshot, self._stream(sql, (log, version)))

    def snapshot_versions(self, log: str) -> list[int]:
        """The versions at which a log has snapshots."""
        found = self._select("SELECT DISTINCT version FROM snapshots WHERE log = ? ORDER BY version", (log,))
        return [version for (version,) in found if self._typed((version,), (int,))]

    def schema_faults(self) -> Iterator[Fault]:
        """What is wrong with tables, indexes, view and triggers, or with the file as SQLite sees it."""
        with self._explained():
            yield from schema_faults(self._connection)
            for (line,) in self._connection.execute("PRAGMA integrity_check"):
                if line != "ok":
                    yield Fault(None, None, f"SQLite: {line}")

    def refresh(self) -> None:
        """See what was appended since. A file that is read as it stands (immutable) has to be opened again for that."""
        if self._is_immutable:
            self.close()
            with self._explained():
                self._connection = _connect_to_read(self._path, self._wait)
                self._is_immutable = _is_immutable(self._path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # What writers use.

    @contextmanager
    def writing(self, log: str) -> Iterator["_SqliteWriter"]:
        """A transaction on one log: committed and on disk at its end, or undone."""
        with self._transaction():
            yield _SqliteWriter(self, self._connection, log)

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Inside this context everything that is read is of one moment: one read transaction."""
        with self._explained():
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        with self._explained():
            yield

    def finish_draft(self) -> None:
        """Turn a draft into a store that several programs can use."""
        with self._explained():
            _use_wal(self._connection, self._wait)

    # Inside.

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explained():
            _begin(self._connection, self._wait)
        try:
            yield
            with self._explained():
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _check(self, write: bool) -> None:
        if (encoding := self._connection.execute("PRAGMA encoding").fetchone()[0]) != "UTF-8":
            raise NotAStore(f"a SQLite database in {encoding}", where=self.address, expected="a store made by append")
        tables = self._connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        application, version = self._pragma("application_id"), self._pragma("user_version")
        if write and not tables and not application:
            with self._transaction():
                migrate(self._connection)
        elif application != APPLICATION_ID:
            raise NotAStore(
                "a SQLite database, but not a cti-es store", where=self.address, expected="a store made by append"
            )
        elif version > SCHEMA_VERSION:
            raise StoreError(
                f"a store of schema version {version}; this cti-es knows up to {SCHEMA_VERSION}",
                where=self.address,
                hint="use a newer cti-es",
            )
        missing = [name for kind, name in OBJECTS if kind == "table" and not self._has_table(name)]
        if missing:
            raise StoreError(
                f"the table '{missing[0]}' is missing", where=self.address, hint="restore the store from a copy"
            )

    def _has_table(self, name: str) -> bool:
        sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return self._connection.execute(sql, (name,)).fetchone() is not None

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def _last_row(self, log: str) -> Row | None:
        sql = f"SELECT {_ROW} FROM batches WHERE log = ? ORDER BY version DESC LIMIT 1"
        return next(map(self._row, self._select(sql, (log,))), None)

    def _hash_at(self, log: str, version: int) -> str | None:
        sql = (
            "SELECT hash FROM batches WHERE log = ? AND version <= ? AND version + count - 1 = ?"
            " ORDER BY version DESC LIMIT 1"
        )
        return next((hash_ for (hash_,) in self._select(sql, (log, version, version))), None)

    def _row(self, values: tuple[Any, ...]) -> Row:
        self._typed(values, _ROW_TYPES)
        return Row._make(values)

    def _snapshot(self, values: tuple[Any, ...]) -> tuple[Snapshot, str]:
        self._typed(values, _SNAPSHOT_TYPES)
        *fields, packed, digest = values
        return Snapshot._make([*fields, _unpacked(packed)]), digest

    def _typed(self, values: tuple[Any, ...], types: tuple[type, ...]) -> bool:
        """True; StoreError where a column has what a strict table cannot hold: SQLite does not look when it reads."""
        if tuple(map(type, values)) != types:
            what = "the store is damaged: a column has a value of the wrong type"
            raise StoreError(what, where=self.address, hint="restore it from a copy")
        return True

    def _select(self, sql: str, values: Any = ()) -> list[Any]:
        with self._explained():
            return self._connection.execute(sql, values).fetchall()

    def _stream(self, sql: str, values: Any) -> Iterator[Any]:
        """Rows as they are read. Errors of the one who reads them pass through untouched."""
        with self._explained():
            cursor = self._connection.execute(sql, values)
        while True:
            with self._explained():
                row = cursor.fetchone()
            if row is None:
                return
            yield row

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
            raise _explain(error, self.address, self._wait) from error


class _SqliteWriter:
    """A transaction on one log that has begun."""

    def __init__(self, store: SqliteStore, connection: sqlite3.Connection, log: str) -> None:
        self.head = store.head(log)
        self._store = store
        self._connection = connection
        self._log = log
        self._position: int | None = None

    def write(self, events: list[Event], recorded_at: str, source: str, canonical: bytes | None = None) -> None:
        """Append these events, as one row or several, and index their ids."""
        ids = [(self._log, *one) for one in ids_of(events, self.head.version + 1)]
        with self._store.explained():
            if self._position is None:
                sql = "SELECT COALESCE(MAX(position), 0) FROM batches"
                self._position = int(self._connection.execute(sql).fetchone()[0])
            for row in new_rows(self.head, self._position + 1, self._log, events, recorded_at, source, canonical):
                self._connection.execute("INSERT INTO batches VALUES (?,?,?,?,CAST(? AS TEXT),?,?,?)", row)
                self._position = row.position
                self.head = Head(row.last, row.hash)
            self._connection.executemany("INSERT INTO ids VALUES (?,?,?)", ids)

    def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot of the log, in place of one that stood there."""
        if len(snapshot.state) > LARGEST_STATE:
            return
        values = (*snapshot[:-1], zlib.compress(snapshot.state, 1), snapshot.digest())
        with self._store.explained():
            self._connection.execute("INSERT OR REPLACE INTO snapshots VALUES (?,?,?,?,?,?,?,?,?)", values)


def create(path: Path, fill: Callable[[SqliteStore], T], wait: float = 30.0) -> T | None:
    """A new store at ``path`` with what ``fill`` writes into it: it appears whole, or not at all.

    Returns what ``fill`` returns, or None when somebody else has made the store in the meantime (nothing is kept
    then). Whatever ``fill`` raises passes through.
    """
    if not os.access(path.absolute().parent, os.W_OK):
        raise StoreError("no permission to make a file in this folder", where=str(path))
    _refuse_remains(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{token_hex(4)}.new")
    try:
        draft.touch(exist_ok=False)  # SQLite would not let a group write, whatever the umask
        store = SqliteStore(draft, write=True, wait=wait, draft=True)
        try:
            result = fill(store)
            store.finish_draft()
        finally:
            store.close()
        return result if _publish(draft, path) else None
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{draft}{suffix}").unlink(missing_ok=True)


def _refuse_remains(path: Path) -> None:
    """Raise :class:`StoreError` if SQLite would bring an earlier store of this name back into the new one."""
    for remains in (Path(f"{path}-wal"), Path(f"{path}-journal")):
        if remains.exists() and not path.exists():
            raise StoreError(
                "belongs to an earlier store, which is not here any more", where=str(remains),
                hint=f"put {path.name} back beside it, or remove this file, too",
            )  # fmt: skip


def _publish(draft: Path, path: Path) -> bool:
    """Give the draft its name, unless there is a file of that name."""
    _refuse_remains(path)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    except (OSError, AttributeError):
        # A file system without hard links has no way to do that in one step: leave an empty file to be written into.
        with suppress(FileExistsError):
            path.touch(exist_ok=False)
        return False
    _sync_folder(path.absolute().parent)
    return True


def _sync_folder(folder: Path) -> None:
    """Put a new name on disk, where the system can do that for folders."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _connect(path: Path, options: str, wait: float) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{options}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=wait, check_same_thread=False)


def _connect_to_write(path: Path, wait: float) -> sqlite3.Connection:
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise StoreError("no permission to write", where=str(path), hint="check the permissions of file and folder")
    connection = _connect(path, "mode=rwc", wait)
    connection.execute("PRAGMA page_size = 8192")  # of a new store: large rows are written in half the time of 4096
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _connect_to_read(path: Path, wait: float) -> sqlite3.Connection:
    """A connection that never writes to the store.

    Somebody may be writing (there is a -wal): read-only, the -wal stays as it is. Nobody is: SQLite needs to make a
    -wal for as long as we read, in case somebody begins, and takes it away again; only a connection that could write
    may do that. Where we must not, the file is read as it stands (immutable).
    """
    if _has_wal(path):
        return _connect(path, "mode=ro", wait)
    if _is_immutable(path):
        return _connect(path, "mode=ro&immutable=1", wait)
    connection = _connect(path, "mode=rw", wait)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _has_wal(path: Path) -> bool:
    return Path(f"{path}-wal").exists()


def _is_immutable(path: Path) -> bool:
    """Whether a store is read as it stands: nobody is writing, and we must not make a -wal."""
    may_write = os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)
    return not may_write and not _has_wal(path)


def _begin(connection: sqlite3.Connection, wait: float) -> None:
    """Begin to write, when the others are done. Not one long wait of SQLite: Ctrl-C has to be heard."""
    _set_timeout(connection, min(_SLICE, wait))
    try:
        _insist(lambda: connection.execute("BEGIN IMMEDIATE"), wait)
    finally:
        _set_timeout(connection, wait)


def _set_timeout(connection: sqlite3.Connection, seconds: float) -> None:
    milliseconds = round(seconds * 1000)
    connection.execute(f"PRAGMA busy_timeout = {milliseconds}")


def _use_wal(connection: sqlite3.Connection, wait: float) -> None:
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


def _unpacked(packed: bytes) -> bytes:
    """An encoded state, or nothing where there is none: then the digest is wrong, and the snapshot is not used."""
    unpacking = zlib.decompressobj()
    try:
        state = unpacking.decompress(packed, LARGEST_STATE + 1)
    except zlib.error:
        return b""
    return state if unpacking.eof else b""


def _explain(error: Exception, address: str, wait: float) -> StoreError:
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
    return StoreError(f"the store is damaged: {text}", where=address, hint="restore it from a copy")
