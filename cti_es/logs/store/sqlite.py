"""A store in one SQLite file: WAL, synchronous=FULL, batches of events, append-only by triggers.

Specified in docs/reference/store.md.

Readers never write: they read a store that somebody is writing to, a read-only file or a file in a read-only folder,
and leave nothing behind. Writers wait for each other with BEGIN IMMEDIATE. A new store is written under another name
and appears whole, or not at all.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from operator import le
from pathlib import Path
from typing import Any

from cti_es.logs.store import schema
from cti_es.logs.store.base import Fault, Head, IngestState, LogInfo, Row, Snapshot, ids_of, new_rows
from cti_es.logs.store.open_files import OpenStore
from cti_es.logs.store.packed_states import as_kept, packed, unpacked
from cti_es.logs.store.sqlite_bounds import Allowance, Bounds
from cti_es.logs.store.sqlite_connection import (
    AS_IT_STANDS,
    begin,
    connect_to_read,
    connect_to_write,
    explained,
    use_wal,
    way_to_read,
)
from cti_es.vocabulary.errors import NotAStore, StoreError
from cti_es.vocabulary.events import Event

_ROW = "position, log, version, count, CAST(events AS BLOB), recorded_at, source, hash"
_ROW_AT = f"SELECT {_ROW} FROM batches WHERE position = ?"
_ROW_TYPES = (int, str, int, int, bytes, str, str, str)
_SNAPSHOT = "log, version, hash, fold, messages, latest, backwards, state, digest"
_SNAPSHOT_AT = f"SELECT {_SNAPSHOT} FROM snapshots WHERE rowid = ?"
_SNAPSHOT_TYPES = (str, int, str, int, int, str, int, bytes, str)
_INGEST_TYPES = (str, int, str, bytes, str)
SQLITE_NEEDED = (3, 37)
"""The oldest SQLite that has strict tables, which the schema needs."""

_LONGEST_WAIT = 1_000_000.0  # seconds; SQLite takes milliseconds in 32 bits
_CHANGED = "another program has changed it (see cti-es verify); restore it from a copy"

_IDS_AT_ONCE = 500
_LARGEST = 2**63 - 1


class SqliteStore:
    """A store in a SQLite file.

    ``write`` opens it for writing (and makes the schema of an empty file), otherwise nothing is ever written. ``wait``
    is how many seconds to wait for another writer. A ``draft`` that nobody else can know of needs no write-ahead log
    yet. ``suspect`` opens a store whose schema was changed, to have its faults listed (:meth:`schema_faults`); else
    such a store is refused. Raises :class:`StoreError`.
    """

    def __init__(
        self, path: Path, write: bool = False, wait: float = 30.0, draft: bool = False, suspect: bool = False
    ) -> None:
        self.address = str(path)
        self._path = path = path.resolve()  # SQLite's own files lie beside the file, not beside a link to it
        self._wait = wait = min(wait, _LONGEST_WAIT)
        if sqlite3.sqlite_version_info < SQLITE_NEEDED:
            needed = ".".join(map(str, SQLITE_NEEDED))
            raise StoreError(
                f"SQLite {sqlite3.sqlite_version} is too old", expected=f"a Python with SQLite {needed} or newer"
            )
        with self._explained():
            self._open(write)
            try:
                self._check(write, suspect)
                if write and not draft:
                    use_wal(self._connection, wait)
            except BaseException:
                self.close()
                raise

    # What readers use.

    def logs(self) -> list[LogInfo]:
        """Its logs, in the order in which they were begun."""
        with self._bounds.together():
            with self._bounds.short_values():
                begins = self._select("SELECT MIN(position) FROM batches GROUP BY log")
            begins = sorted(begin for begin in begins if self._typed(begin, (int,)))
            first = [row for begin in begins for row in self._select(_ROW_AT, begin)]
            return [LogInfo(row.log, row, self._last_row(row.log) or row) for row in map(self._row, first)]

    def names(self) -> list[str]:
        """The names of its logs, whatever is wrong with their rows."""
        with self._bounds.short_values():
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
        with self._bounds.short_values():
            return int(self._select("SELECT COUNT(*), MAX(log), MAX(id) FROM ids WHERE log = ?", (log,))[0][0])

    def snapshot(self, log: str, fold: int, **at_most: int | str) -> Snapshot | None:
        """The newest intact snapshot within the bounds, if it belongs to this log as it is."""
        for snapshot, digest in self._snapshots("fold = ? ORDER BY version DESC", log, fold, at_most):
            if snapshot.digest() == digest and snapshot.hash == self._hash_at(log, snapshot.version):
                return snapshot
        return None

    def snapshots(self, log: str, version: int | None = None) -> Iterator[tuple[Snapshot, str]]:
        """Every snapshot of a log (at a version) by version, with the digest that was kept with it."""
        return self._snapshots("version = COALESCE(?, version) ORDER BY version", log, version, {})

    def snapshot_versions(self, log: str) -> list[int]:
        """The versions at which a log has snapshots."""
        with self._bounds.short_values():
            sql = "SELECT DISTINCT log, version FROM snapshots WHERE log = ? ORDER BY version"
            found = self._select(sql, (log,))
        return [row[1] for row in found if self._typed(row, (str, int))]

    def ingest_state(self, log: str) -> tuple[IngestState, str] | None:
        """How far an ingest of a log has come, with the digest that was kept with it."""
        with self._explained():
            if not schema.has_ingests(self._connection):
                return None
        values = next(self._stream("SELECT log, version, hash, state, digest FROM ingests WHERE log = ?", (log,)), None)
        if values is None:
            return None
        self._typed(values, _INGEST_TYPES)
        return as_kept(IngestState, values)

    def schema_faults(self) -> Iterator[Fault]:
        """What is wrong with tables, indexes, view and triggers, or with the file as SQLite sees it."""
        with self._explained():
            yield from schema.faults(self._connection)

    def is_readable(self) -> bool:
        """Whether tables and indexes are as we made them: others are not read, they could compute anything."""
        with self._explained():
            return not any(one.is_read for one in schema.differences(self._connection))

    def told(self, log: str) -> bool:
        """A file tells nobody."""
        return False

    def refresh(self) -> None:
        """See what was appended since. A file that is read as it stands (immutable) has to be opened again for that."""
        if self._way == AS_IT_STANDS:
            self.close()
            with self._explained():
                self._open()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    # What writers use.

    @contextmanager
    def writing(self, log: str) -> Iterator["_SqliteWriter"]:
        """A transaction on one log: committed and on disk at its end, or undone.

        Raises :class:`StoreError` if the schema is not ours, or if what was written is not what is there then.
        """
        with self._transaction():
            with self._explained():
                self._bounds.allowance()
                self._check_objects(write=True)
            writer = _SqliteWriter(self, self._connection, self._bounds, log)
            yield writer
            if self.head(log) != writer.head:
                raise StoreError("the store did not keep what was written", where=self.address, hint=_CHANGED)

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Inside this context everything that is read is of one moment: one read transaction.

        All of it together is bounded by the size of the file, as a single question is elsewhere.
        """
        with self._explained():
            self._connection.execute("BEGIN")
        try:
            with self._bounds.together():
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
            use_wal(self._connection, self._wait)

    # Inside.

    def _open(self, write: bool = False) -> None:
        # The way is asked for once: whether the file has to be opened again depends on how it was opened, not on how
        # it would be opened a moment later, when somebody has begun to write.
        self._way = None if write else way_to_read(self._path)
        connect = partial(connect_to_read, way=self._way) if self._way else connect_to_write
        self._file = OpenStore(self._path, partial(connect, self._path, self._wait))
        self._connection = self._file.connection
        self._bounds = Bounds(self._connection, self._path)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explained():
            begin(self._connection, self._wait)
        try:
            yield
            with self._explained():
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _check(self, write: bool, suspect: bool) -> None:
        """Refuse what is no store of ours, before anything else of it is used."""
        if (encoding := self._connection.execute("PRAGMA encoding").fetchone()[0]) != "UTF-8":
            raise NotAStore(f"a SQLite database in {encoding}", where=self.address, expected="a store made by append")
        tables = self._connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        if write and not tables and not self._pragma("application_id"):
            with self._transaction():
                schema.create(self._connection)
        elif self._pragma("application_id") != schema.APPLICATION_ID:
            raise NotAStore(
                "a SQLite database, but not a cti-es store", where=self.address, expected="a store made by append"
            )
        self._check_version(suspect)
        if not suspect:
            self._check_objects(write)

    def _check_version(self, suspect: bool) -> None:
        version = self._pragma("user_version")
        if version > schema.SCHEMA_VERSION:
            raise StoreError(
                f"a store of schema version {version}; this cti-es knows up to {schema.SCHEMA_VERSION}",
                where=self.address,
                hint="use a newer cti-es",
            )
        if version < 1 and not suspect:
            raise StoreError(
                f"a store of schema version {version}, which no cti-es has made", where=self.address, hint=_CHANGED
            )

    def _check_objects(self, write: bool) -> None:
        """Refuse a schema that is not ours: whatever it computes would be computed here.

        A reader uses the tables and their indexes only; a writer also what happens when it writes.
        """
        found = schema.differences(self._connection)
        if bad := next((one for one in found if write or one.is_read), None):
            raise StoreError(bad.text, where=self.address, hint=_CHANGED)

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def _last_row(self, log: str) -> Row | None:
        sql = f"SELECT {_ROW} FROM batches WHERE log = ? ORDER BY version DESC LIMIT 1"
        return next(map(self._row, self._select(sql, (log,))), None)

    def _hash_at(self, log: str, version: int) -> str | None:
        sql = (
            "SELECT version + count - 1, hash FROM batches WHERE log = ? AND version <= ? ORDER BY version DESC LIMIT 1"
        )
        return next((hash_ for last, hash_ in self._select(sql, (log, version)) if last == version), None)

    def _row(self, values: tuple[Any, ...]) -> Row:
        self._typed(values, _ROW_TYPES)
        return Row._make(values)

    def _snapshots(
        self, wanted: str, log: str, value: int | None, at_most: dict[str, int | str]
    ) -> Iterator[tuple[Snapshot, str]]:
        """Those that are wanted (a condition on ``value``, an order), with their digests.

        A damaged one has no state, so that its digest is wrong.
        """
        columns = "".join(f", {column}" for column in at_most)
        with self._bounds.short_values():
            rows = self._select(f"SELECT log{columns}, rowid FROM snapshots WHERE log = ? AND {wanted}", (log, value))
        types = (str, *map(type, at_most.values()), int)
        found = [row[-1:] for row in rows if self._typed(row, types) and all(map(le, row[1:-1], at_most.values()))]
        allowance = self._bounds.allowance()
        for at in found:
            for row in self._select(_SNAPSHOT_AT, at, allowance):
                self._typed(row, _SNAPSHOT_TYPES)
                *fields, kept, digest = row
                yield Snapshot._make([*fields, unpacked(kept) if allowance.may_unpack(kept) else b""]), digest

    def _typed(self, values: tuple[Any, ...], types: tuple[type, ...]) -> bool:
        """True; StoreError where a column has what a strict table cannot hold: SQLite does not look when it reads."""
        if tuple(map(type, values)) != types:
            what = "the store is damaged: a column has a value of the wrong type"
            raise StoreError(what, where=self.address, hint="restore it from a copy")
        return True

    def _select(self, sql: str, values: Any = (), allowance: Allowance | None = None) -> list[Any]:
        with self._explained():
            counted = (allowance or self._bounds.allowance()).counted
            return list(map(counted, self._connection.execute(sql, values)))

    def _stream(self, sql: str, values: Any) -> Iterator[Any]:
        """Rows as they are read. Errors of the one who reads them pass through untouched."""
        with self._explained():
            allowance = self._bounds.allowance()
            cursor = self._connection.execute(sql, values)
        while (row := self._next(cursor, allowance)) is not None:
            yield row

    def _next(self, cursor: sqlite3.Cursor, allowance: Allowance) -> Any:
        with self._explained():
            row = cursor.fetchone()
            return row and allowance.counted(row)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
            raise explained(error, self.address, self._wait) from error


class _SqliteWriter:
    """A transaction on one log that has begun."""

    def __init__(self, store: SqliteStore, connection: sqlite3.Connection, bounds: Bounds, log: str) -> None:
        self.head = store.head(log)
        self._bounds = bounds
        self._store = store
        self._connection = connection
        self._log = log
        self._position: int | None = None

    def write(self, events: list[Event], recorded_at: str, source: str, canonical: bytes | None = None) -> None:
        """Append these events, as one row or several, and index their ids."""
        ids = [(self._log, *one) for one in ids_of(events, self.head.version + 1)]
        with self._store.explained():
            self._bounds.lift()
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
        if (state := packed(snapshot.state)) is None:
            return
        values = (*snapshot[:-1], state, snapshot.digest())
        with self._store.explained():
            self._connection.execute("INSERT OR REPLACE INTO snapshots VALUES (?,?,?,?,?,?,?,?,?)", values)

    def keep_ingest(self, state: bytes) -> bool:
        """Keep how far an ingest has come, in place of what was kept before; the first one makes the table."""
        if (small := packed(state)) is None:
            return False
        kept = IngestState(self._log, *self.head, state)
        with self._store.explained():
            schema.make_ingests(self._connection)
            values = (*kept[:-1], small, kept.digest())
            self._connection.execute("INSERT OR REPLACE INTO ingests VALUES (?,?,?,?,?)", values)
        return True
