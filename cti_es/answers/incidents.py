"""Each incident in short: what failed, what that did, what was told, what has not returned.

A projection over what each event has done (docs/reference/commands/incident.md). It remembers the incident that goes
on, those from which something has not returned, and what is out at the moment; nothing of what is over.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from operator import attrgetter, itemgetter
from typing import Literal, NamedTuple, get_args

import msgspec

from cti_es.answers.device import waits_for
from cti_es.answers.failures import MARKS, Failure, Failures, parts
from cti_es.answers.observed import Matched, Observed, matched
from cti_es.answers.out_of_service import InTheCluster, Outage
from cti_es.answers.window import ALWAYS, Window
from cti_es.logs.reading import WHOLE, Batch, Cut, Log, Reading, check_end
from cti_es.model.cluster import Cluster, Device, DeviceState
from cti_es.model.replay import Happening, MisfitReport, Replay
from cti_es.model.steps import Closed, LineLost, Linked, LinksWanted
from cti_es.vocabulary.events import Kind
from cti_es.vocabulary.times import seconds_between

WORST = 5
"""How many outages an incident tells."""


class MessageCount(msgspec.Struct, frozen=True):
    """How often an application was told something, as NDJSON has it: ``PHONESTATE_SUSPEND``, ``LINE_CLOSE``, …"""

    message: str
    reason: str | None
    app: str
    count: int


class MisfitCount(msgspec.Struct, frozen=True):
    """How many events did not fit in the same way, as NDJSON has it; ``version`` and ``text`` are of the first."""

    type: str
    code: str
    count: int
    version: int
    text: str


class NotBack(msgspec.Struct, frozen=True):
    """A device that had not returned when an incident ended, as NDJSON has it.

    ``state`` and ``home`` are as they were then; for what has not returned when the log ends, as they are there. So is
    ``waits_for``, what would have to happen (empty: nothing is due). ``before`` is the home that it lost,
    ``back_version`` the event that brought it back (null: none did).
    """

    device: str
    kind: Kind
    state: DeviceState
    home: str | None
    before: str | None
    waits_for: str
    back_version: int | None = None
    back_at: str | None = None


class Incident(msgspec.Struct, frozen=True):
    """Failures that overlap, and what they did, as NDJSON has it.

    It begins with the first failure and ends when nothing that failed is failed any more (``until_version``, null
    while it lasts). ``moved``, ``waited`` and ``closed`` count, by kind, the devices that came into service at another
    node (by node), that were out of service for longer than an event, and that the system closed. ``outages`` are the
    five worst. All is about the outages that began in the incident, however long they lasted, and about what
    applications were told from its first event to its last.
    """

    number: int
    from_version: int
    from_at: str | None
    until_version: int | None
    until_at: str | None
    seconds: float | None
    failed: list[Failure]
    moved: dict[Kind, dict[str, int]]
    waited: dict[Kind, int]
    closed: dict[Kind, int]
    messages: list[MessageCount]
    outages: list[Outage]
    not_back: list[NotBack]
    misfits: list[MisfitCount]

    @property
    def lasts(self) -> bool:
        """Whether it has not ended."""
        return self.until_version is None


class IncidentReading:
    """The incidents of a log up to a cut that touch a window of time, read once, or twice if a trace is ``observed``.

    ``warnings`` are filled when it has been read to the end. Raises :class:`InputError` for a window that ends before
    it begins.
    """

    def __init__(self, log: Log, window: Window = ALWAYS, cut: Cut = WHOLE, observed: Observed | None = None) -> None:
        window.check()
        self.warnings: list[str] = []
        self._log = log
        self._window = window
        self._cut = cut
        self._observed = observed
        self._without_times = False

    def batches(self) -> Iterator[list[Incident]]:
        """Those of which all is known, batch by batch of the log; then those of which something has not returned."""
        beside = matched(self._log, self._observed, cut=self._cut) if self._observed else None
        watching, reading = _Watching(Replay(), beside), Reading(self._log, 1, self._cut)
        for batch in reading.batches():
            yield self._kept(watching.completed(batch))
        check_end(self._log, self._cut, reading.end)
        yield self._kept(watching.left())
        self.warnings += reading.warnings
        if self._without_times:
            self.warnings.append(
                f"events of {self._log.name} have no times: how long an incident took is unknown there"
            )

    def _kept(self, found: Iterable[Incident]) -> list[Incident]:
        kept = []
        for one in found:
            self._without_times |= one.from_at is None
            if self._window.touches(one.from_at, one.until_at, one.lasts):
                kept.append(one)
        return kept


# --- one incident ---------------------------------------------------------------------------------------------------

_CLOSED_BY_THE_SYSTEM = ("close", "settle", "reconnect")

_Badness = tuple[bool, float, int]

_Devices = dict[Kind, dict[str, None]]
"""Devices of each kind, each once, in order."""


class _Moment(NamedTuple):
    version: int
    at: str | None


class _Gathered:
    """What is known of an incident. ``awaited`` are the devices that have not returned since it ended."""

    def __init__(self, number: int, begin: _Moment) -> None:
        self.number = number
        self.begin = begin
        self.end: _Moment | None = None
        self.failures = Failures()
        self.awaited: dict[str, NotBack] = {}
        self._before: dict[str, str | None] = {}
        self._moved: dict[str, _Devices] = {}
        self._waited: _Devices = {}
        self._closed: _Devices = {}
        self._messages: Counter[tuple[str, str | None, str | None, str]] = Counter()
        self._worst: list[tuple[_Badness, Outage]] = []
        self._returned: dict[str, NotBack] = {}
        self._misfits: dict[tuple[str, str], MisfitCount] = {}

    def count(self, done: Happening, begun: Iterable[Outage], cluster: Cluster) -> None:
        """Count what an event of the incident has done and told."""
        self._messages.update(map(_told, done.messages))
        for one in begun:
            self._before.setdefault(one.device, one.home_before)
        for name in _about(done) if not _CLOSING.isdisjoint(map(type, done.steps)) else ():
            device = cluster.devices.get(name)
            if device and device.since == done.version and _is_closed(device):
                self._before.setdefault(name, None)
                _add(self._closed, device.kind, name)

    def count_misfits(self, misfits: Iterable[MisfitReport]) -> None:
        """Count events that did not fit."""
        for one in misfits:
            key = one.type, one.code
            first = self._misfits.get(key) or MisfitCount(one.type, one.code, 0, one.version, one.text)
            self._misfits[key] = msgspec.structs.replace(first, count=first.count + 1)

    def has(self, one: Outage) -> bool:
        """Whether an outage began in the incident."""
        return self.begin.version <= one.from_version and (self.end is None or one.from_version <= self.end.version)

    def add(self, one: Outage) -> None:
        """Count an outage of the incident that has ended, or that lasts when the log ends."""
        if one.home_before is not None and one.home_after not in (None, one.home_before):
            _add(self._moved.setdefault(one.home_after, {}), one.kind, one.device)
        if not one.at_once:
            _add(self._waited, one.kind, one.device)
        badness = _badness(one)
        if len(self._worst) < WORST or badness < self._worst[-1][0]:
            self._worst = sorted([*self._worst, (badness, one)], key=_first)[:WORST]

    def ends(self, at: _Moment, cluster: Cluster) -> None:
        """Nothing that failed is failed any more: what has not returned is waited for."""
        self.end = at
        self.awaited = self._not_back(cluster)

    def look_at(self, name: str, at: _Moment, cluster: Cluster) -> bool:
        """See whether a device that is waited for has returned, or never will. Returns whether it is waited for."""
        before = self.awaited[name].before
        if (here := _here(cluster, name, before)) in ("back", "gone"):
            one = self.awaited.pop(name)
            back = at if here == "back" else _Moment(0, None)
            self._returned[name] = msgspec.structs.replace(one, back_version=back.version or None, back_at=back.at)
        return name in self.awaited

    def log_ends(self, cluster: Cluster) -> None:
        """Nothing comes any more: what is waited for is told as it is now."""
        names = self.awaited if self.end else self._before
        self.awaited = self._not_back(cluster, names)

    def incident(self) -> Incident:
        """What there is to say."""
        end = self.end or _Moment(0, None)
        moved = {node: _counts(kinds) for node, kinds in self._moved.items()}
        not_back = self._returned | self.awaited
        return Incident(
            number=self.number,
            from_version=self.begin.version,
            from_at=self.begin.at,
            until_version=end.version or None,
            until_at=end.at,
            seconds=seconds_between(self.begin.at, end.at),
            failed=self.failures.rows,
            moved={
                kind: {node: counts[kind] for node, counts in moved.items() if kind in counts}
                for kind in get_args(Kind)
                if any(kind in counts for counts in moved.values())
            },
            waited=_counts(self._waited),
            closed=_counts(self._closed),
            messages=[
                MessageCount(state or message, reason, app, count)
                for (message, state, reason, app), count in sorted(self._messages.items(), key=_application)
            ],
            outages=[one for _, one in self._worst],
            not_back=[not_back[name] for name in self._before if name in not_back],
            misfits=list(self._misfits.values()),
        )

    def _not_back(self, cluster: Cluster, names: Iterable[str] | None = None) -> dict[str, NotBack]:
        return {
            name: _not_back(cluster, name, self._before[name])
            for name in (self._before if names is None else names)
            if _here(cluster, name, self._before[name]) == "not"
        }


_told = attrgetter("message", "param1_name", "param2_name", "app")

_CLOSING = frozenset({Closed, LineLost, Linked, LinksWanted})
"""The steps with which the system may close a device; the last two open again what an application has."""

_first = itemgetter(0)


def _application(item: tuple[tuple[str, str | None, str | None, str], int]) -> str:
    """To whom it was told. What one application was told stays as it came."""
    return item[0][3]


def _about(done: Happening) -> Iterable[str]:
    """The devices that an event was about, in order."""
    names = (getattr(one, "device", None) for one in (*done.steps, *done.messages))
    return dict.fromkeys(name for name in names if name is not None)


def _is_closed(device: Device) -> bool:
    """Whether the system has closed the device, and nobody has opened it since."""
    return device.state == "unregistered" and device.because in _CLOSED_BY_THE_SYSTEM


def _here(cluster: Cluster, name: str, before: str | None) -> Literal["back", "gone", "not"]:
    """Whether a device is where it was ``before``, is removed or given back, or has not returned.

    At its original node it is back, whatever it was before, and so it is anywhere if it had no home.
    """
    device = cluster.devices.get(name)
    if device is None or (device.state == "unregistered" and not _is_closed(device)):
        return "gone"
    back = device.home is not None and (before is None or device.home in (before, device.group[0]))
    return "back" if back else "not"


def _not_back(cluster: Cluster, name: str, before: str | None) -> NotBack:
    device = cluster.devices[name]
    waiting = "an application to open it again" if device.state == "unregistered" else waits_for(cluster, name)
    return NotBack(name, device.kind, device.state, device.home, before, waiting)


def _add(devices: _Devices, kind: Kind, name: str) -> None:
    devices.setdefault(kind, {})[name] = None


def _counts(devices: _Devices) -> dict[Kind, int]:
    return {kind: len(devices[kind]) for kind in get_args(Kind) if kind in devices}


def _badness(one: Outage) -> _Badness:
    """What lasts is worst, then what was longest, then what had the most calls."""
    return not one.lasts, -(one.took or 0), -one.calls


# --- all of them ----------------------------------------------------------------------------------------------------


class _Watching:
    """The incident that goes on, and those that have ended and from which something has not returned."""

    def __init__(self, replay: Replay, beside: Matched | None) -> None:
        self._replay = replay
        self._beside = beside
        self._outages = InTheCluster(replay.cluster, lines=False)
        self._running: _Gathered | None = None
        self._waiting: dict[str, list[_Gathered]] = {}
        self._number = 0

    def completed(self, batch: Batch) -> Iterator[Incident]:
        """Take a batch of events; the incidents of which all is known then."""
        for some in batch.with_alone(MARKS):
            is_mark = type(some.events[0]) in MARKS
            happenings: Iterable[Happening] = self._replay.happenings(some.events)
            if is_mark:
                happenings = list(happenings)
                self._fail(some)
            for done in happenings:
                yield from self._take(done)
            misfits = self._replay.taken_misfits()
            if self._running:
                self._running.count_misfits(misfits)
            if is_mark and self._running and not self._running.failures:
                yield from self._end(self._running, some)

    def left(self) -> Iterator[Incident]:
        """The log ends: those from which something has not returned, then the one that goes on."""
        running = [self._running] if self._running else []
        waiting = {one.number: one for several in self._waiting.values() for one in several}
        for outage in self._outages.lasting():
            self._add(outage, running)
        for one in (*sorted(waiting.values(), key=lambda one: one.number), *running):
            one.log_ends(self._replay.cluster)
            yield one.incident()

    def _fail(self, mark: Batch) -> None:
        event = mark.events[0]
        found = parts(event, self._replay.cluster, self._replay.book)
        if self._running is None and any(found.values()):
            self._number += 1
            self._running = _Gathered(self._number, _Moment(mark.version, event.at))
        if self._running:
            self._running.failures.take(mark.version, event, found)

    def _take(self, done: Happening) -> Iterator[Incident]:
        """Count what an event has done; the incidents from which nothing is missing any more."""
        ended = list(self._outages.ended(done))
        running = [self._running] if self._running else []
        for one in running:
            one.count(done, self._outages.begun, self._replay.cluster)
        for outage in ended:
            self._add(outage, running)
        if self._waiting:
            yield from self._returned(done)

    def _add(self, outage: Outage, running: list[_Gathered]) -> None:
        for one in (*self._waiting.get(outage.device, ()), *running):
            if one.has(outage):
                one.add(self._beside.of(outage) if self._beside else outage)

    def _returned(self, done: Happening) -> Iterator[Incident]:
        at, complete = _Moment(done.version, done.event.at), []
        for name in _about(done):
            before = self._waiting.pop(name, [])
            if still := [one for one in before if one.look_at(name, at, self._replay.cluster)]:
                self._waiting[name] = still
            complete += [one for one in before if not one.awaited]
        for one in sorted(complete, key=lambda one: one.number):
            yield one.incident()

    def _end(self, running: _Gathered, mark: Batch) -> Iterator[Incident]:
        self._running = None
        running.ends(_Moment(mark.version, mark.events[0].at), self._replay.cluster)
        for name in running.awaited:
            self._waiting.setdefault(name, []).append(running)
        if not running.awaited:
            yield running.incident()


def in_order(incidents: Iterable[Incident]) -> list[Incident]:
    """Incidents as they began."""
    return sorted(incidents, key=lambda one: one.number)
