"""A store in a PostgreSQL database, in a schema of its own (docs/reference/store.md#postgresql).

The same rows and the same hash chain as in a file. A counter row for each log says where it ends; a writer locks it,
and it moves with the rows, in the transaction that adds them: versions have no holes, and nobody who reads on from the
last version misses one. Needs psycopg (``pip install 'cti-es[postgres]'``).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any

from cti_es.logs.store import postgres_schema as schema
from cti_es.logs.store.base import Fault, Head, IngestState, LogInfo, Row, Snapshot, ids_of, new_rows
from cti_es.logs.store.packed_states import LARGEST_STATE, as_kept, packed
from cti_es.logs.store.postgres_connection import Connection, Server, psycopg
from cti_es.vocabulary.errors import NotAStore, StoreError
from cti_es.vocabulary.events import Event

TOLD_SECONDS = 2.0
"""A follower looks by itself after so long, whether it was told of something or not."""

CHANNEL = "cti_es"
"""Where writers tell which log has grown."""

_LARGEST = 2**63 - 1
_ROWS_AT_ONCE = 1_000
_BYTES_AT_ONCE = 1 << 22
"""So many rows are asked for at a time, and no further one when they have so many bytes."""

_LARGEST_ROW = 1 << 28
"""A row with more bytes is not fetched."""

_IDS_AT_ONCE = 10_000
_ROW_TYPES = (int, str, int, int, bytes, str, str, str)
_TEXTS = ("log", "recorded_at", "source", "hash")
_SIZE = " + ".join(f"octet_length({column})" for column in ("events", *_TEXTS))


def _called(log: str) -> str:
    """What a log is called to those who follow it: a digest, so that no name becomes a part of SQL."""
    return sha256(log.encode()).hexdigest()


def _if_small(value: str) -> str:
    return f"CASE WHEN size <= {_LARGEST_ROW} THEN {value} END"


_ROWS = f"""\
SELECT position, {_if_small("log")}, version, count, {_if_small("convert_to(events, 'UTF8')")},
  {_if_small("recorded_at")}, {_if_small("source")}, {_if_small("hash")}
FROM (SELECT *, sum(size) OVER (ORDER BY version ROWS UNBOUNDED PRECEDING) - size AS before
  FROM (SELECT *, {_SIZE} AS size FROM cti_es.batches
    WHERE log = %s AND version >= %s ORDER BY version LIMIT {_ROWS_AT_ONCE}) sized) summed
WHERE before < {_BYTES_AT_ONCE} ORDER BY version"""

_HOLDING = "SELECT MAX(version) FROM cti_es.batches WHERE log = %s AND version <= %s"
_LAST = "SELECT MAX(version) FROM cti_es.batches WHERE log = %s"
_HEAD_AT = (
    "SELECT version + count - 1, hash FROM cti_es.batches"
    " WHERE log = %s AND version <= %s ORDER BY version DESC LIMIT 1"
)
_NAMES = "SELECT log FROM cti_es.logs ORDER BY begun, log"

_SNAPSHOT = "log, version, hash, fold, messages, latest, backwards, state, digest"
_SNAPSHOT_TYPES = (str, int, str, int, int, str, int, bytes, str)
_KEEP = (
    f"INSERT INTO cti_es.snapshots ({_SNAPSHOT}) VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s) ON CONFLICT (log, fold, version)"
    " DO UPDATE SET (hash, messages, latest, backwards, state, digest) = ROW (excluded.hash, excluded.messages,"
    " excluded.latest, excluded.backwards, excluded.state, excluded.digest)"
)
_INGEST_TYPES = (str, int, str, bytes, str)
_KEEP_INGEST = (
    "INSERT INTO cti_es.ingests (log, version, hash, state, digest) VALUES (%s,%s,%s,%s,%s) ON CONFLICT (log)"
    " DO UPDATE SET (version, hash, state, digest) = ROW (excluded.version, excluded.hash, excluded.state,"
    " excluded.digest)"
)


def _may_keep(table: str) -> str:
    name = f"'cti_es.{table}'"
    return f"SELECT has_table_privilege({name}, 'INSERT') AND has_table_privilege({name}, 'UPDATE')"


_INSERT = (
    "INSERT INTO cti_es.batches (position, log, version, count, events, recorded_at, source, hash)"
    " VALUES (%s,%s,%s,%s,convert_from(%b,'UTF8'),%s,%s,%s) RETURNING version, hash"
)
_INSERT_WITH_IDS = f"""\
WITH kept AS (INSERT INTO cti_es.ids SELECT %s, * FROM unnest(%s::text[], %s::bigint[])) {_INSERT}"""

# Who tells does not wait for the disk a second time, and holds up nobody: one transaction at a time may tell.
_TELL = f"SET LOCAL synchronous_commit TO off; NOTIFY {CHANNEL}, '{{}}'"

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_LOCK = "SELECT * FROM cti_es.lock_log(%s)"

_CHANGED = "somebody has changed it (see cti-es verify)"
_A_STORE = "a store made by append"


class PostgresStore:
    """A store in a PostgreSQL database.

    ``write`` opens it for writing; its schema is made by the first transaction that stores something. ``wait`` is how
    many seconds to wait for the server, and for another writer. ``suspect`` opens a store whose schema was changed, to
    have its faults listed (:meth:`schema_faults`); else it is refused. Raises :class:`StoreError`.
    """

    def __init__(self, address: str, write: bool = False, wait: float = 30.0, suspect: bool = False) -> None:
        self._server = Server(address, wait)
        self.address = self._server.name
        self._listens = False
        self._connection = self._server.connect(write)
        try:
            with self._explained():
                self._is_there = self._check(write, suspect)
        except BaseException:
            self.close()
            raise

    # What readers use.

    def logs(self) -> list[LogInfo]:
        """Its logs, in the order in which they were begun."""
        ends = ((log, self._row_at(log, 1), self._row_at(log, self._last(log))) for log in self.names())
        return [LogInfo(log, first, last) for log, first, last in ends if first and last]

    def names(self) -> list[str]:
        """The names of its logs, whatever is wrong with their rows."""
        return [log for (log,) in self._select(_NAMES, ()) if self._typed((log,), (str,))]

    def head(self, log: str) -> Head:
        """Where a log ends."""
        return next(
            (Head(*end) for end in self._select(_HEAD_AT, (log, _LARGEST)) if self._typed(end, (int, str))), Head()
        )

    def rows(self, log: str, version: int = 1) -> Iterator[Row]:
        """The rows of a log, from the one that holds ``version`` on."""
        version = min(version, _LARGEST)
        held = [first for (first,) in self._select(_HOLDING, (log, version)) if first is not None]
        return (row for row in self._rows(log, held[0] if held else 1) if row.last >= version)

    def find_ids(self, log: str, ids: Iterable[str]) -> dict[str, int]:
        """The versions of those ids that the log has."""
        wanted = list(ids)
        found: dict[str, int] = {}
        for start in range(0, len(wanted), _IDS_AT_ONCE):
            sql = "SELECT id, version FROM cti_es.ids WHERE log = %s AND id = ANY(%s)"
            pairs = self._select(sql, (log, wanted[start : start + _IDS_AT_ONCE]))
            found.update(pair for pair in pairs if self._typed(pair, (str, int)))
        return found

    def id_count(self, log: str) -> int:
        """How many ids the index knows for a log."""
        return sum(count for (count,) in self._select("SELECT COUNT(*) FROM cti_es.ids WHERE log = %s", (log,)))

    def snapshot(self, log: str, fold: int, **at_most: int | str) -> Snapshot | None:
        """The newest intact snapshot within the bounds, if it belongs to this log as it is."""
        bounds = "".join(f" AND {column} <= %s" for column in at_most)
        sql = f"SELECT fold, version FROM cti_es.snapshots WHERE log = %s AND fold = %s{bounds} ORDER BY version DESC"
        most = (min(one, _LARGEST) if isinstance(one, int) else one for one in at_most.values())
        for key in self._select(sql, (log, fold, *most)):
            for snapshot, digest in self._snapshots_at(log, key):
                if snapshot.digest() == digest and snapshot.hash == self._hash_at(log, snapshot.version):
                    return snapshot
        return None

    def snapshots(self, log: str, version: int | None = None) -> Iterator[tuple[Snapshot, str]]:
        """Every snapshot of a log (at a version) by version, with the digest that was kept with it."""
        sql = "SELECT fold, version FROM cti_es.snapshots WHERE log = %s AND version = COALESCE(%s, version) ORDER BY 2"
        for key in self._select(sql, (log, version)):
            yield from self._snapshots_at(log, key)

    def snapshot_versions(self, log: str) -> list[int]:
        """The versions at which a log has snapshots."""
        sql = "SELECT DISTINCT version FROM cti_es.snapshots WHERE log = %s ORDER BY version"
        return [version for (version,) in self._select(sql, (log,)) if self._typed((version,), (int,))]

    def ingest_state(self, log: str) -> tuple[IngestState, str] | None:
        """How far an ingest of a log has come, with the digest that was kept with it."""
        found = self._select("SELECT log, version, hash, state, digest FROM cti_es.ingests WHERE log = %s", (log,))
        for values in found:
            self._typed(values, _INGEST_TYPES)
            return as_kept(IngestState, values)
        return None

    def schema_faults(self) -> Iterator[Fault]:
        """What is wrong with tables, constraints, functions, triggers and view, and with the counters."""
        with self._explained():
            yield from schema.faults(self._connection)

    def is_readable(self) -> bool:
        """Whether the tables are as we made them: others are not read, they could compute anything."""
        with self._explained():
            return not any(one.is_read for one in schema.differences(self._connection))

    def told(self, log: str) -> bool:
        """Wait a moment for the server to tell that a log has grown, or may have."""
        with self._explained():
            if not self._listens:
                with suppress(psycopg.errors.ReadOnlySqlTransaction):  # a standby server tells nobody
                    self._connection.execute(f"LISTEN {CHANNEL}")
                self._listens = True
                return True  # something may have come before
            return any(note.payload == _called(log) for note in self._connection.notifies(timeout=TOLD_SECONDS))

    def refresh(self) -> None:
        """Every question is answered as things are then."""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Inside this context everything that is read is of one moment."""
        with self._explained():
            self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            self._roll_back()

    # What writers use.

    @contextmanager
    def writing(self, log: str) -> Iterator["_PostgresWriter"]:
        """A transaction on one log: committed and on disk at its end, or undone.

        The schema is made in it if it is not there. A transaction that writes nothing is undone, too, so that nothing
        of it is left. Raises :class:`StoreError`.
        """
        was_there = self._is_there
        try:
            writer = self._begin(log)
            yield writer
            if writer.has_written:
                self._commit(log, writer.head)
        except BaseException:
            self._is_there = was_there
            raise
        finally:
            self._roll_back()
        self._is_there = was_there or writer.has_written

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the server's errors into ours."""
        with self._explained():
            yield

    # Inside.

    def _begin(self, log: str) -> "_PostgresWriter":
        with self._explained():
            self._connection.execute(_BEGIN)
            if not self._is_there:
                schema.create(self._connection)
                self._is_there = self._check(write=True, suspect=False)
            position, version, hash_ = self._connection.execute(_LOCK, (log,)).fetchone() or ()
        self._typed((position, version, hash_), (int, int, str))
        return _PostgresWriter(self, self._connection, log, position, Head(version, hash_))

    def _commit(self, log: str, head: Head) -> None:
        """Commit, and tell those who follow. What was stored is stored, told or not: they look by themselves, too."""
        try:
            cursor = self._connection.execute(f"COMMIT; {_TELL.format(_called(log))}", prepare=False)
            if cursor.statusmessage != "COMMIT":  # something in it had failed
                raise StoreError("the server did not store the events", where=self.address)
        except psycopg.Error as error:
            with suppress(StoreError):
                if self._hash_at(log, head.version) == head.hash:
                    return
            raise self._server.explained(error, committing=True) from error

    def _roll_back(self) -> None:
        with suppress(psycopg.Error):
            if self._connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self._connection.execute("ROLLBACK")

    def _check(self, write: bool, suspect: bool) -> bool:
        """Whether the schema is there. Refuses what is no store of ours, before anything else of it is used."""
        mark = schema.mark(self._connection)
        if mark is None and write:
            return False
        if mark is None or not mark.startswith(schema.MARK):
            what = "a PostgreSQL database without a store" if mark is None else "its schema cti_es is not from cti-es"
            raise NotAStore(what, where=self.address, expected=_A_STORE)
        self._check_version(mark.removeprefix(schema.MARK))
        if not suspect:
            self._check_objects(write)
        return True

    def _check_version(self, version: str) -> None:
        if version != str(schema.SCHEMA_VERSION):
            raise StoreError(
                f"a store of schema version {version[:20]}; this cti-es knows up to {schema.SCHEMA_VERSION}",
                where=self.address,
                hint="use a newer cti-es",
            )

    def _check_objects(self, write: bool) -> None:
        """Refuse a schema that is not ours: a reader needs its tables, a writer all of it."""
        found = schema.differences(self._connection)
        if bad := next((one for one in found if write or one.is_read), None):
            raise StoreError(bad.text, where=self.address, hint=_CHANGED)

    def _rows(self, log: str, version: int) -> Iterator[Row]:
        """The rows that begin at a version or later, so many at a time: they never lie in memory all together."""
        while some := self._select(_ROWS, (log, version)):
            yield from map(self._row, some)
            version = some[-1][2] + 1

    def _row_at(self, log: str, version: int) -> Row | None:
        return next(self._rows(log, version), None)

    def _last(self, log: str) -> int:
        return next((last for (last,) in self._select(_LAST, (log,)) if last is not None), 1)

    def _hash_at(self, log: str, version: int) -> str | None:
        return next((hash_ for last, hash_ in self._select(_HEAD_AT, (log, version)) if last == version), None)

    def _snapshots_at(self, log: str, key: tuple[int, int]) -> Iterator[tuple[Snapshot, str]]:
        sql = (
            f"SELECT {_SNAPSHOT} FROM cti_es.snapshots WHERE log = %s AND fold = %s AND version = %s"
            f" AND octet_length(state) <= {LARGEST_STATE}"
        )
        for values in self._select(sql, (log, *key)):
            self._typed(values, _SNAPSHOT_TYPES)
            yield as_kept(Snapshot, values)

    def _row(self, values: tuple[Any, ...]) -> Row:
        self._typed(values, _ROW_TYPES)
        return Row._make(values)

    def _typed(self, values: tuple[Any, ...], types: tuple[type, ...]) -> bool:
        """True; StoreError where the server gives out what the tables cannot hold."""
        if tuple(map(type, values)) != types:
            what = "the store is damaged: a column has a value of the wrong type or size"
            raise StoreError(what, where=self.address, hint="restore it from a copy")
        return True

    def _select(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if not self._is_there:
            return []
        with self._explained(), self._connection.cursor(binary=True) as cursor:
            return cursor.execute(sql, values).fetchall()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise self._server.explained(error) from error


class _PostgresWriter:
    """A transaction on one log that has begun."""

    def __init__(self, store: PostgresStore, connection: Connection, log: str, position: int, head: Head) -> None:
        self.head = head
        self.has_written = False
        self._store = store
        self._connection = connection
        self._log = log
        self._position = position

    def write(self, events: list[Event], recorded_at: str, source: str, canonical: bytes | None = None) -> None:
        """Append these events, as one row or several, and index their ids."""
        ids = ids_of(events, self.head.version + 1)
        for row in new_rows(self.head, self._position + 1, self._log, events, recorded_at, source, canonical):
            self.has_written = True
            with self._store.explained():
                values = (self._log, *map(list, zip(*ids, strict=True)), *row) if ids else row
                stored = self._connection.execute(_INSERT_WITH_IDS if ids else _INSERT, values).fetchone()
            if stored != (row.version, row.hash):
                what = "the store did not keep what was written"
                raise StoreError(what, where=self._store.address, hint=_CHANGED)
            ids, self._position, self.head = [], row.position, Head(row.last, row.hash)

    def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot of the log, in place of one that stood there, if this role may: it is only a cache."""
        if (state := packed(snapshot.state)) is None:
            return
        values = (*snapshot[:-1], state, snapshot.digest())
        with self._store.explained():
            if self._connection.execute(_may_keep("snapshots")).fetchone() == (True,):
                self._connection.execute(_KEEP, values)
                self.has_written = True

    def keep_ingest(self, state: bytes) -> bool:
        """Keep how far an ingest has come, if this role may: it is only a cache."""
        if (small := packed(state)) is None:
            return False
        kept = IngestState(self._log, *self.head, state)
        with self._store.explained():
            if self._connection.execute(_may_keep("ingests")).fetchone() != (True,):
                return False
            self._connection.execute(_KEEP_INGEST, (*kept[:-1], small, kept.digest()))
        self.has_written = True
        return True
