"""Reading a log up to a point, from wherever it is kept: batches, cuts and the fold at a version.

Specified in docs/reference/commands/replay.md#as-of-a-time.

A :class:`Log` is what a store or a bare file looks like to a reader: batches of events with the version of the first
of each, and perhaps states of the fold to start from.
"""

from collections.abc import Callable, Container, Iterator
from typing import NamedTuple, Protocol

from cti_es.logs.store.base import Row, Snapshot, StoreReader, events_of
from cti_es.logs.timeline import Timeline, first_later
from cti_es.model.replay import FOLD_VERSION, Replay
from cti_es.vocabulary.errors import InputError, StoreError
from cti_es.vocabulary.events import Event
from cti_es.vocabulary.times import EXPECTED, canonical_time, sort_key

MAX_DIGITS = 18
LAST_VERSION = 10**MAX_DIGITS
"""A version past the end of every log. No version has more digits."""


class Batch(NamedTuple):
    """Consecutive events of a log; ``version`` is that of the first."""

    version: int
    events: list[Event]

    def with_alone(self, types: Container[type[Event]]) -> "Iterator[Batch]":
        """The batch in parts: each event of one of these types stands alone, what is between them together."""
        begin = 0
        for index, event in enumerate(self.events):
            if type(event) in types:
                if begin < index:
                    yield Batch(self.version + begin, self.events[begin:index])
                yield Batch(self.version + index, [event])
                begin = index + 1
        if begin < len(self.events):
            yield Batch(self.version + begin, self.events[begin:])


Wait = Callable[[], None]
"""What a reader that follows a log does at its end before it looks again, for example sleep a little."""


class Log(Protocol):
    """One log, wherever it is kept."""

    @property
    def name(self) -> str:
        """What messages to the user call it."""

    def batches(self, version: int = 1, wait: Wait | None = None) -> Iterator[Batch]:
        """Its events from ``version`` on; with ``wait`` also those that come later, for ever: see :data:`Wait`."""

    def snapshot(self, **at_most: int | str) -> Snapshot | None:
        """The newest state of the fold whose ``version``, ``messages`` or ``latest`` is at most that, if any."""


class StoredLog:
    """A log of a store."""

    def __init__(self, store: StoreReader, log: str, name: str) -> None:
        self.store = store
        self.log = log
        self.name = name

    def batches(self, version: int = 1, wait: Wait | None = None) -> Iterator[Batch]:
        """Its events from ``version`` on; with ``wait`` also those that are appended later."""
        while True:
            for row in self.store.rows(self.log, version):
                _check_continues(row, version, self.name)
                events = events_of(row, self.store.address)
                yield Batch(version, events[version - row.version :] if version > row.version else events)
                version = row.last + 1
            if wait is None:
                return
            if not self.store.told(self.log):
                wait()
            self.store.refresh()

    def snapshot(self, **at_most: int | str) -> Snapshot | None:
        """The newest snapshot within the bounds."""
        return self.store.snapshot(self.log, FOLD_VERSION, **at_most)


def _check_continues(row: Row, version: int, name: str) -> None:
    """Raise :class:`StoreError` unless a row goes on where a log was read up to.

    So nothing is read twice, and reading ends, whatever somebody has made of the file.
    """
    if not row.version <= version <= row.last:
        raise StoreError(
            f"version {version} should come next, but the row there has {row.version} to {row.last}",
            where=name, hint="the store is damaged; see cti-es verify",
        )  # fmt: skip


class Cut(NamedTuple):
    """Where to stop reading: after a version, or before the first event later than a moment; neither: at the end."""

    version: int | None = None
    moment: str | None = None

    @property
    def at_most(self) -> dict[str, int | str]:
        """What a snapshot may have at most to lie before the cut: see :func:`resumed`."""
        if self.version is not None:
            return {"version": self.version}
        return {"latest": sort_key(self.moment)} if self.moment else {}


WHOLE = Cut()
"""No cut: the whole log."""


def parse_as_of(text: str) -> Cut:
    """The cut that a text names: all digits is a version, anything else a time. Raises :class:`InputError`."""
    if text.isascii() and text.isdigit():
        return Cut(version=int(text) if len(text) <= MAX_DIGITS else LAST_VERSION)
    try:
        return Cut(moment=canonical_time(text))
    except InputError as error:
        raise InputError(error.what, expected=f"a version or {EXPECTED}") from None


class Reading:
    """A log read from a point up to a cut, batch by batch.

    ``warnings`` are filled when times go backwards: in what is read, and around the cut if that is a moment.
    """

    def __init__(
        self,
        log: Log,
        start: int = 1,
        cut: Cut = WHOLE,
        timeline: Timeline | None = None,
        wait: Wait | None = None,
    ) -> None:
        self.log = log
        self.cut = cut
        self.end = start - 1
        self.warnings: list[str] = []
        self._start = start
        self._wait = wait
        self._timeline = timeline or Timeline()

    def batches(self) -> Iterator[Batch]:
        """The batches before the cut; afterwards ``end`` is the last version read."""
        for batch in self.log.batches(self._start, self._wait):
            kept = self._before_cut(batch)
            if kept.events:
                self.end = kept.version + len(kept.events) - 1
                yield kept
            if len(kept.events) < len(batch.events) or self.end == self.cut.version:
                break
        self._warn_if_backwards()

    def _before_cut(self, batch: Batch) -> Batch:
        index = None
        if self.cut.version is not None:
            index = max(0, self.cut.version - batch.version + 1)
        elif self.cut.moment is not None:
            index = first_later(batch.events, self.cut.moment)
        kept = batch if index is None else Batch(batch.version, batch.events[:index])
        self._timeline.take(kept.version, kept.events)
        return kept

    def _warn_if_backwards(self) -> None:
        moment = self.cut.moment
        if self._timeline.backwards:
            self.warnings.append(
                f"times go backwards at version {self._timeline.backwards} of {self.log.name}:"
                " that event is older than one before it"
            )
        elif moment and (left_out := self._first_left_out(moment)):
            self.warnings.append(
                f"times go backwards at version {left_out} of {self.log.name}: it is not later than {moment},"
                f" but stands after version {self.end}, where reading stopped"
            )

    def _first_left_out(self, moment: str) -> int:
        """The first event after the cut that is not later than the moment; 0 if there is none."""
        newest = self.log.snapshot()
        in_order = newest.version if newest and not newest.backwards else 0
        start = max(self.end + 1, in_order)
        bound = sort_key(moment)
        for batch in self.log.batches(start):
            for index, event in enumerate(batch.events):
                if event.at is not None and sort_key(event.at) <= bound:
                    return batch.version + index
        return 0


class Resumed(NamedTuple):
    """A replay to go on with, and the times of its log up to there."""

    replay: Replay
    timeline: Timeline


def resumed(log: Log, **at_most: int | str) -> Resumed:
    """The fold of a log at its newest snapshot whose ``version``, ``messages`` or ``latest`` is at most that.

    Without such a snapshot it stands at the start of the log.
    """
    kept = log.snapshot(**at_most)
    if kept is None:
        return Resumed(Replay(), Timeline())
    return Resumed(Replay(kept.state), Timeline(kept.latest, kept.backwards))


def resumed_at_end(log: Log) -> Resumed:
    """The fold of a log at its end, and the times of the whole log."""
    fold = resumed(log)
    catch_up(log, fold)
    return fold


def catch_up(log: Log, fold: Resumed) -> None:
    """Go on with a fold: take the events that were appended to its log since."""
    for batch in log.batches(fold.replay.version + 1):
        fold.timeline.take(batch.version, batch.events)
        fold.replay.advance(batch.events)
        fold.replay.taken_misfits()


def resumed_at(log: Log, cut: Cut = WHOLE) -> tuple[Replay, list[str]]:
    """The fold of a log at a cut, and the warnings of reading up to there if the cut is a moment.

    Raises :class:`InputError` when the cut is a version past the end.
    """
    replay, timeline = resumed(log, **cut.at_most)
    reading = Reading(log, replay.version + 1, cut, timeline)
    for batch in reading.batches():
        replay.advance(batch.events)
        replay.taken_misfits()
    check_end(log, cut, replay.version)
    return replay, reading.warnings if cut.moment else []


def check_end(log: Log, cut: Cut, end: int) -> None:
    """Raise :class:`InputError` if a log that was read up to ``end`` does not reach the version of the cut."""
    if cut.version is not None and end < cut.version:
        raise InputError(f"version {cut.version} is past the end of {log.name}", expected=f"a version up to {end}")


class LogPart:
    """A log up to a cut, for whatever reads logs. ``strict``: a version past the end is an error."""

    def __init__(self, log: Log, cut: Cut, strict: bool = True) -> None:
        self.name = log.name
        self._log = log
        self._cut = cut
        self._strict = strict

    def batches(self, version: int = 1, wait: Wait | None = None) -> Iterator[Batch]:
        """Its events from ``version`` on, up to the cut."""
        reading = Reading(self._log, version, self._cut, wait=wait)
        yield from reading.batches()
        if self._strict:
            check_end(self._log, self._cut, reading.end)

    def snapshot(self, **at_most: int | str) -> Snapshot | None:
        """The newest snapshot within the bounds, if it lies before the cut."""
        return self._log.snapshot(**at_most) if self._cut == WHOLE else None


def last_time(log: Log) -> str | None:
    """The time of the last event of a log that has one; None if there is none."""
    start = log.store.head(log.log).version if isinstance(log, StoredLog) else 1
    times = (event.at for batch in log.batches(max(1, start)) for event in batch.events)
    last = None
    for at in times:
        last = at or last
    return last


def event_at(log: Log, version: int) -> Event:
    """The event with this version. Raises :class:`InputError` past the end."""
    batch = next(log.batches(version), None) if version else None
    if batch is None:
        raise InputError(f"there is no version {version} in {log.name}", expected="a version of the log")
    return batch.events[0]


def events_at(log: Log, versions: set[int]) -> dict[int, Event]:
    """The events with these versions that a log has, read in one pass from the first of them to the last."""
    found: dict[int, Event] = {}
    for batch in log.batches(min(versions, default=LAST_VERSION)):
        for version in versions.intersection(range(batch.version, batch.version + len(batch.events))):
            found[version] = batch.events[version - batch.version]
        if len(found) == len(versions):
            break
    return found
