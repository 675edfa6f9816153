"""Is a store whole and unchanged? Every log, row by row, event by event (docs/reference/commands/verify.md).

A hash chain inside a file is no witness against somebody who can rewrite the file: it shows damage and edits that do
not follow it, not a tail that was cut off or a rewrite from the start. A head kept elsewhere does.
"""

from collections.abc import Callable, Generator, Iterator, Mapping

import msgspec

from cti_es.logs.store.base import Fault, Head, IngestState, Row, Snapshot, StoreReader, chain_hash, ids_of
from cti_es.logs.timeline import Timeline
from cti_es.model.replay import FOLD_VERSION, Replay
from cti_es.vocabulary.errors import CtiEsError, InputError, StoreError, did_you_mean
from cti_es.vocabulary.event_text import checked
from cti_es.vocabulary.events import Event, decode_events, encode
from cti_es.vocabulary.names import check_name, printable
from cti_es.vocabulary.times import canonical_time

Passing = Callable[[Iterator[Row]], Iterator[Row]]


def verify(
    store: StoreReader, heads: Mapping[str, Head], rows: Passing = iter, ends: dict[str, Head] | None = None
) -> Generator[Fault]:
    """Everything that is wrong with a store, one fault at a time; nothing when it is whole.

    ``heads`` are heads of its logs that were kept elsewhere: each must still be on its log. ``rows`` is given the rows
    of each log and passes them on (to count them, say). ``ends``, if given, gets the head of each log that was checked.
    """
    with store.at_one_moment():
        yield from _faults(store, heads, rows, {} if ends is None else ends)


def _faults(store: StoreReader, heads: Mapping[str, Head], rows: Passing, ends: dict[str, Head]) -> Iterator[Fault]:
    try:
        yield from store.schema_faults()
    except StoreError as error:
        yield Fault(None, None, error.what)
    try:
        if not store.is_readable():
            return
        names = store.names()
    except StoreError as error:
        yield Fault(None, None, error.what)
        return
    for log in heads:
        if log not in names and heads[log] != Head():
            near = did_you_mean(log, names)
            yield Fault(log, None, f"the log is not there; it was at {heads[log]}{f'; {near}' if near else ''}")
    for log in names:
        check = _LogCheck(store, log, heads.get(log))
        try:
            yield from check.faults(rows)
            ends[log] = check.head
        except StoreError as error:
            yield Fault(log, check.next_version, error.what)


class _LogCheck:
    """One log being checked, from its first row to its last; ``next_version`` is that of the row to be read next."""

    def __init__(self, store: StoreReader, log: str, kept_head: Head | None) -> None:
        self._store = store
        self._log = log
        self._kept_head = kept_head
        self.next_version: int | None = None
        self._position = 0
        self.head = Head()
        self._replay: Replay | None = Replay()
        self._timeline = Timeline()
        self._ids = 0
        self._ingested: tuple[IngestState, str] | None = None
        self._is_ingest_here = False

    def faults(self, rows: Passing) -> Iterator[Fault]:
        """What is wrong with the log."""
        yield from self._name()
        snapshots = dict.fromkeys(self._store.snapshot_versions(self._log))
        seen_head = self._kept_head in (None, Head())
        self._ingested = self._store.ingest_state(self._log)
        self.next_version = 1
        for row in rows(self._store.rows(self._log)):
            yield from self._row(row)
            self.head = Head(row.last, row.hash)
            self.next_version = row.last + 1
            seen_head = seen_head or self.head == self._kept_head
            if self._ingested and self.head == self._ingested[0][1:3]:
                self._is_ingest_here = True
            if row.last in snapshots:
                del snapshots[row.last]
                for one, digest in self._store.snapshots(self._log, row.last):
                    yield from self._snapshot(one, digest)
        self.next_version = None
        yield from self._ingest()
        for version in snapshots:
            yield Fault(self._log, version, "a snapshot stands where no row of the log ends")
        if self._store.id_count(self._log) != self._ids:
            yield Fault(self._log, None, "the index of ids does not belong to the events")
        if not seen_head:
            yield self._lost_head()

    def _name(self) -> Iterator[Fault]:
        try:
            check_name(self._log, "")
            if "#" in self._log:
                raise InputError("the character # in a name")
        except InputError as error:
            yield Fault(self._log, None, f"append makes no log of this name: {error.what}")

    def _lost_head(self) -> Fault:
        kept, now = self._kept_head or Head(), self.head
        what = "the end of the log was cut off" if now.version < kept.version else "the log is another one"
        return Fault(self._log, kept.version, f"{what}: it was at {kept}, now it ends at {now}")

    def _row(self, row: Row) -> Iterator[Fault]:
        if row.version != self.head.version + 1:
            yield Fault(
                self._log,
                row.version,
                f"the row follows version {self.head.version}; versions are missing or repeated",
            )
        if row.position <= self._position:
            yield Fault(self._log, row.version, "the row stands before the row that it follows")
        self._position = row.position
        if chain_hash(self.head.hash, row) != row.hash:
            yield Fault(
                self._log, row.version, f"the hash of the row (versions {row.version} to {row.last}) does not match"
            )
        yield from self._what_was_said(row)
        try:
            events = decode_events(row.events)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._replay = None
            yield Fault(self._log, row.version, f"the events of the row cannot be read: {error}")
            return
        yield from self._events(row, events)

    def _what_was_said(self, row: Row) -> Iterator[Fault]:
        """Where a row came from and when it was appended: any text that append would write, and any time."""
        if printable(row.source) != row.source:
            yield Fault(self._log, row.version, "the source of the row has characters that append does not write")
        if not _is_canonical(row.recorded_at):
            yield Fault(self._log, row.version, "the time at which the row was appended is no time")

    def _events(self, row: Row, events: list[Event]) -> Iterator[Fault]:
        if len(events) != row.size:
            yield Fault(self._log, row.version, f"the row says that it has {row.size} events, but it has {len(events)}")
        if encode(events) != row.events:
            yield Fault(self._log, row.version, "the events of the row are not in canonical form")
        for version, event in enumerate(events, row.version):
            yield from self._event(version, event)
        ids = dict(ids_of(events, row.version))
        self._ids += len(ids)
        if self._store.find_ids(self._log, ids) != ids:
            yield Fault(
                self._log, row.version, "an id of the row is missing in the index of ids, or stands for another event"
            )
        if self._replay:
            self._timeline.take(row.version, events)
            self._replay.advance(events)
            self._replay.taken_misfits()

    def _event(self, version: int, event: Event) -> Iterator[Fault]:
        if event.at is None:
            yield Fault(self._log, version, "the event has no time")
        try:
            checked(event, "")
        except CtiEsError as error:
            yield Fault(self._log, version, f"the event is not what append would store: {error}")

    def _snapshot(self, snapshot: Snapshot, digest: str) -> Iterator[Fault]:
        """A snapshot must be what the fold itself has come to. Those of older fold versions are never used."""
        if snapshot.digest() != digest or snapshot.hash != self.head.hash:
            yield Fault(
                self._log, snapshot.version, "the snapshot is damaged (it is not used; deleting it loses nothing)"
            )
        elif snapshot.fold > FOLD_VERSION:
            what = f"the snapshot is of fold version {snapshot.fold}, which this cti-es cannot check; delete it"
            yield Fault(self._log, snapshot.version, what)
        elif snapshot.fold == FOLD_VERSION and not self._is_true(snapshot):
            what = "the snapshot is not the state that the log leads to; delete it"
            yield Fault(self._log, snapshot.version, what)

    def _ingest(self) -> Iterator[Fault]:
        """What an ingest has kept must be whole, and of this log. What it says of files nobody can see here."""
        if self._ingested is None:
            return
        kept, digest = self._ingested
        if kept.digest() != digest:
            what = "what an ingest has kept is damaged (it is not used; deleting it loses nothing)"
            yield Fault(self._log, kept.version, what)
        elif not self._is_ingest_here:
            what = "what an ingest has kept does not belong to the log (it is not used; deleting it loses nothing)"
            yield Fault(self._log, kept.version, what)

    def _is_true(self, snapshot: Snapshot) -> bool:
        """Whether the fold has come to the same state; a log that could not be read this far has none to compare."""
        replay, times = self._replay, self._timeline
        if replay is None or replay.version != snapshot.version:
            return True
        kept = snapshot.messages, snapshot.latest, snapshot.backwards, snapshot.state
        return kept == (replay.seq, times.latest, times.backwards, replay.encoded())


def _is_canonical(time: str) -> bool:
    try:
        return canonical_time(time) == time
    except InputError:
        return False
