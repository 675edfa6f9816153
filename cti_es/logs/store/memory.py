"""A store in memory: everything the others do, kept nowhere. For libraries, tests and dry runs."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from cti_es.logs.store.base import Fault, Head, IngestState, LogInfo, Row, Snapshot, ids_of, new_rows
from cti_es.vocabulary.events import Event


class MemoryStore:
    """A full :class:`~cti_es.logs.store.base.Store` for one thread."""

    address = "memory:"

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._ids: dict[tuple[str, str], int] = {}
        self._snapshots: list[Snapshot] = []
        self._ingests: dict[str, IngestState] = {}

    def logs(self) -> list[LogInfo]:
        """Its logs, in the order in which they were begun."""
        first: dict[str, Row] = {}
        last: dict[str, Row] = {}
        for row in self._rows:
            first.setdefault(row.log, row)
            last[row.log] = row
        return [LogInfo(log, first[log], last[log]) for log in first]

    def names(self) -> list[str]:
        """The names of its logs."""
        return [info.name for info in self.logs()]

    def head(self, log: str) -> Head:
        """Where a log ends."""
        return next((info.head for info in self.logs() if info.name == log), Head())

    def rows(self, log: str, version: int = 1) -> Iterator[Row]:
        """The rows of a log, from the one that holds ``version`` on."""
        return iter([row for row in self._rows if row.log == log and row.last >= version])

    def find_ids(self, log: str, ids: Iterable[str]) -> dict[str, int]:
        """The versions of those ids that the log has."""
        return {one: self._ids[log, one] for one in ids if (log, one) in self._ids}

    def id_count(self, log: str) -> int:
        """How many ids the log has."""
        return sum(1 for name, _ in self._ids if name == log)

    def snapshot(self, log: str, fold: int, **at_most: int | str) -> Snapshot | None:
        """The newest snapshot within the bounds."""
        fitting = [
            kept
            for kept in self._snapshots
            if (kept.log, kept.fold) == (log, fold)
            and all(getattr(kept, column) <= bound for column, bound in at_most.items())
        ]
        return max(fitting, key=lambda kept: kept.version, default=None)

    def snapshots(self, log: str, version: int | None = None) -> Iterator[tuple[Snapshot, str]]:
        """Every snapshot of a log (at a version) by version, with its digest."""
        some = [one for one in self._snapshots if one.log == log and version in (None, one.version)]
        return iter([(one, one.digest()) for one in sorted(some, key=lambda one: one.version)])

    def snapshot_versions(self, log: str) -> list[int]:
        """The versions at which a log has snapshots."""
        return sorted({one.version for one in self._snapshots if one.log == log})

    def ingest_state(self, log: str) -> tuple[IngestState, str] | None:
        """How far an ingest of a log has come, with its digest."""
        state = self._ingests.get(log)
        return (state, state.digest()) if state else None

    def schema_faults(self) -> Iterator[Fault]:
        """There is no schema that could be wrong."""
        return iter(())

    def is_readable(self) -> bool:
        """Always."""
        return True

    def told(self, log: str) -> bool:
        """It tells nobody."""
        return False

    def refresh(self) -> None:
        """What is appended is seen at once."""

    def at_one_moment(self) -> AbstractContextManager[None]:
        """One thread alone has it."""
        return nullcontext()

    def close(self) -> None:
        """Nothing to let go of."""

    @contextmanager
    def writing(self, log: str) -> Iterator["_MemoryWriter"]:
        """A transaction: undone unless it ends without an exception."""
        before = len(self._rows), dict(self._ids), list(self._snapshots), dict(self._ingests)
        try:
            yield _MemoryWriter(self, log)
        except BaseException:
            del self._rows[before[0] :]
            self._ids, self._snapshots, self._ingests = before[1:]
            raise

    def _add(self, rows: list[Row], ids: dict[tuple[str, str], int]) -> None:
        self._rows += rows
        self._ids.update(ids)

    def _keep(self, snapshot: Snapshot) -> None:
        key = snapshot.log, snapshot.version, snapshot.fold
        self._snapshots = [one for one in self._snapshots if (one.log, one.version, one.fold) != key]
        self._snapshots.append(snapshot)

    @property
    def _last_position(self) -> int:
        return len(self._rows)


class _MemoryWriter:
    def __init__(self, store: MemoryStore, log: str) -> None:
        self.head = store.head(log)
        self._store = store
        self._log = log

    def write(self, events: list[Event], recorded_at: str, source: str, canonical: bytes | None = None) -> None:
        """Append these events, as one row or several, and index their ids."""
        ids = {(self._log, id_): version for id_, version in ids_of(events, self.head.version + 1)}
        position = self._store._last_position + 1
        rows = list(new_rows(self.head, position, self._log, events, recorded_at, source, canonical))
        if rows:
            self._store._add(rows, ids)
            self.head = Head(rows[-1].last, rows[-1].hash)

    def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot of the log, in place of one that stood there."""
        self._store._keep(snapshot)

    def keep_ingest(self, state: bytes) -> bool:
        """Keep how far an ingest has come."""
        self._store._ingests[self._log] = IngestState(self._log, *self.head, state)
        return True
