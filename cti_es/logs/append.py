"""Appending to a log: duplicates, expected version, misfits, snapshots, in one transaction.

Specified in docs/reference/commands/append.md.

Everything is checked before anything is reported as stored, and everything that is stored goes in together.
"""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from msgspec.structs import replace

from cti_es.logs import clock
from cti_es.logs.reading import Resumed, StoredLog, resumed_at_end
from cti_es.logs.store.base import Head, Snapshot, Store, Writer, events_of
from cti_es.logs.timeline import Backwards
from cti_es.model.replay import FOLD_VERSION, MisfitReport
from cti_es.vocabulary.errors import Conflict, InputError, MisfitsRefused, StoreError
from cti_es.vocabulary.events import Event, NumberedEvents
from cti_es.vocabulary.words import counted

SNAPSHOT_WORK = 100_000
"""A snapshot is taken when a reader without it would have to fold this many events and steps."""

WORK_LEFT = 5_000
"""One is taken at the end of an append, too, unless fewer than these, and one more for every second device, are left to
fold for whoever comes next: that is about as long as it takes to keep a state and to read it again."""

MISFITS_SHOWN = 20

Expect = int | Literal["none", "exists"] | None
"""What the caller thinks of the log: its version, that it does not exist, that it does, or nothing."""


class Appended(NamedTuple):
    """What an append did. ``misfits`` are those that were stored because they were allowed.

    ``older`` is the first new event that is older than one before it, if there is any: the order of the log counts.
    """

    appended: int
    duplicates: int
    misfits: list[MisfitReport]
    head: Head
    older: Backwards | None = None

    def counts(self) -> str:
        """What was done, in numbers."""
        return f"appended {self.appended}, duplicates {self.duplicates}, misfits {len(self.misfits)}"

    def __str__(self) -> str:
        return f"{self.counts()}, head {self.head}"


class AppendOptions(NamedTuple):
    """How to append.

    ``name`` is what errors call the input (empty: a single event); ``source`` says where the events came from and is
    kept with them. ``goes_on``: the fold that is handed over is used for the next append, too.
    """

    name: str = ""
    source: str = ""
    expect: Expect = None
    allow_misfits: bool = False
    dry_run: bool = False
    goes_on: bool = False


class _DryRun(Exception):
    """Thrown to undo a transaction that was only a rehearsal."""


def append(
    store: Store,
    log: str,
    batches: Iterable[NumberedEvents],
    options: AppendOptions,
    ahead: Resumed | None = None,
    at_end: Callable[[Writer], None] = lambda writer: None,
) -> Appended:
    """Append events to a log, all or nothing.

    ``ahead`` is for a caller that folds each batch itself before it hands it over, to see what fits: its fold at the
    end of the log, which is then used as it is. Every new event of a batch has to fit. ``at_end`` is called before the
    end of the transaction, with what writes in it.

    Raises :class:`InputError` from reading ``batches``, :class:`Conflict` for a log that is elsewhere than expected or
    an id that stands for another event, :class:`MisfitsRefused` unless misfits are allowed, :class:`StoreError`.
    """
    try:
        with store.writing(log) as writer:
            appending = _Appending(store, writer, log, options, ahead)
            for lines in batches:
                appending.take(lines)
            appending.finish()
            at_end(writer)
            if options.dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return appending.result()


class _Appending:
    """One append in progress."""

    def __init__(self, store: Store, writer: Writer, log: str, options: AppendOptions, ahead: Resumed | None) -> None:
        self._store = store
        self._writer = writer
        self._log = log
        self._options = options
        self._now = clock.now()
        self._start = writer.head.version
        self._ahead = ahead
        self._fold: Resumed | None = None
        self._older: Backwards | None = None
        self._duplicates = 0
        self._misfits: list[MisfitReport] = []
        self._row: tuple[int, list[Event]] = (1, [])

    def result(self) -> Appended:
        """What has been done so far."""
        head = self._writer.head
        return Appended(head.version - self._start, self._duplicates, self._misfits, head, self._older)

    def take(self, lines: NumberedEvents) -> None:
        """Check the next events and write those that are new."""
        ids = {event.id for event in lines.events if event.id is not None}
        fresh = self._without_duplicates(lines, ids) if ids else lines
        if not fresh.events:
            return
        replay, timeline = self._fold or self._begin()
        if None in [event.at for event in fresh.events]:
            fresh = fresh._replace(events=_stamped(fresh.events, self._now), canonical=None)
        first = self._writer.head.version + 1
        if self._ahead is None:
            replay.advance(fresh.events)
        if found := replay.taken_misfits():
            self._take_misfits(found, first, fresh)
        older = timeline.take(first, fresh.events)
        self._older = self._older or older
        self._writer.write(fresh.events, self._now, self._options.source, fresh.canonical)
        self._snapshot_if_due(SNAPSHOT_WORK)

    def finish(self) -> None:
        """After the last event: leave little to fold for whoever comes next."""
        if self._fold is not None and not self._options.dry_run and not self._options.goes_on:
            self._snapshot_if_due(WORK_LEFT + len(self._fold.replay.cluster.devices) // 2)

    def _begin(self) -> Resumed:
        """Before the first event that is not a duplicate: is the log where it should be, and what is its state?"""
        _check_expected(self._options.expect, self._log, self._start)
        self._fold = self._ahead or resumed_at_end(StoredLog(self._store, self._log, self._log))
        self._fold.replay.hints = MISFITS_SHOWN if self._ahead is None else 0
        return self._fold

    def _take_misfits(self, found: list[MisfitReport], first: int, fresh: NumberedEvents) -> None:
        if not self._options.allow_misfits:
            raise misfits_refused(self._options.name, [fresh.numbers[one.version - first] for one in found], found)
        self._misfits += found

    def _snapshot_if_due(self, work: int) -> None:
        """Keep a snapshot, if at least so much was folded since the last one."""
        if self._fold is None or self._fold.replay.work < work:
            return
        replay, timeline = self._fold
        head = self._writer.head
        self._writer.keep(
            Snapshot(
                log=self._log,
                version=head.version,
                hash=head.hash,
                fold=FOLD_VERSION,
                messages=replay.seq,
                latest=timeline.latest,
                backwards=timeline.backwards,
                state=replay.encoded(),
            )
        )
        replay.work = 0

    # Duplicates (docs/reference/commands/append.md#retries).

    def _without_duplicates(self, lines: NumberedEvents, ids: set[str]) -> NumberedEvents:
        known = self._store.find_ids(self._log, ids)
        coming: dict[str, Event] = {}
        numbers: list[int] = []
        events: list[Event] = []
        for number, event in zip(lines.numbers, lines.events, strict=True):
            before = self._before(event, known, coming)
            if before is None:
                numbers.append(number)
                events.append(event)
            elif same_event(event, before):
                self._duplicates += 1
            else:
                raise self._other_content(event, number, known)
        return NumberedEvents(numbers, events)

    def _before(self, event: Event, known: dict[str, int], coming: dict[str, Event]) -> Event | None:
        """The event that has this event's id already, in the log or earlier in this batch."""
        if event.id is None:
            return None
        if event.id in known:
            return self._stored(known[event.id])
        first = coming.setdefault(event.id, event)
        return None if first is event else first

    def _stored(self, version: int) -> Event:
        first, events = self._row
        if not first <= version < first + len(events):
            row = next(self._store.rows(self._log, version), None)
            if row is None or row.version > version:
                raise StoreError(
                    f"an id stands for version {version}, which the log '{self._log}' does not have",
                    where=self._store.address,
                    hint="the store is damaged; see cti-es verify",
                )
            first, events = self._row = row.version, events_of(row, self._store.address)
        return events[version - first]

    def _other_content(self, event: Event, number: int, known: dict[str, int]) -> Conflict:
        there = f"version {known[event.id]}" if event.id in known else "an earlier line"
        return Conflict(
            f"the id '{event.id}' stands for another event at {there}",
            index=number,
            where=_place(self._options.name, number),
            expected="the same content under the same id",
        )


def _stamped(events: list[Event], now: str) -> list[Event]:
    """Events that came without a time with the time of appending; those that came stay as they are, for another try."""
    return [replace(event, at=now) if event.at is None else event for event in events]


def same_event(event: Event, before: Event) -> bool:
    """Whether an event is the one that was sent before: as sent, its time only if it was sent."""
    return (replace(event, at=before.at) if event.at is None else event) == before


def _check_expected(expect: Expect, log: str, version: int) -> None:
    if expect is None or expect == version or (expect == "none" and not version) or (expect == "exists" and version):
        return
    found = f"the log '{log}' is at version {version}" if version else f"there is no log '{log}' yet"
    wanted = {"none": "no log of that name", "exists": "a log to append to"}.get(str(expect), f"version {expect}")
    raise Conflict(found, expected=wanted, hint="nothing was stored")


def misfits_refused(name: str, numbers: list[int], found: list[MisfitReport]) -> MisfitsRefused:
    """The error for events that do not fit: ``numbers`` are theirs in the input, ``name`` is what it is called."""
    shown = [(_place(name, number), one) for number, one in zip(numbers[:MISFITS_SHOWN], found, strict=False)]
    lines = [f"{f'{where}: ' if where else ''}misfit {one.version} {one.code} {one.text}" for where, one in shown]
    if len(found) > MISFITS_SHOWN:
        lines.append(f"… and {len(found) - MISFITS_SHOWN} more")
    count = counted(len(found), "misfit")
    lines.append(f"{count}: nothing was stored")
    return MisfitsRefused("\n".join(lines), numbers, found)


def _place(name: str, number: int) -> str:
    """What errors call an event of the input; a single one has no number."""
    return f"{name}:{number}" if name else ""


def parse_expect(text: str) -> Expect:
    """``N``, ``none`` or ``exists``. Raises :class:`InputError`."""
    if text in ("none", "exists"):
        return text  # type: ignore[return-value]
    if text.isascii() and text.isdigit() and len(text) <= 1_000:
        return int(text)
    raise InputError(f"'{text}' is no version", expected="a version, none or exists")
