"""A log → the lanes of its picture: what each node, CTI Manager, application and device was, event by event.

One pass over the log. A lane keeps its changes alone, so it is as long as what happened to it.
"""

from collections.abc import Callable, Collection, Mapping
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from cti_es.answers.failures import MARKS, PartKind, parts
from cti_es.answers.out_of_service import Outage
from cti_es.answers.outages import Wanted, watching
from cti_es.logs.reading import Batch, Cut, Log, Reading
from cti_es.model.cluster import DeviceState
from cti_es.model.replay import Happening, Replay
from cti_es.traces.sides import EVERYTHING, Selection, received
from cti_es.vocabulary import events
from cti_es.vocabulary.events import Event, Kind, type_of
from cti_es.vocabulary.tapi import Message
from cti_es.vocabulary.times import sort_key

FailureKind = Literal["node", "CTI Manager", "device", "link"]
_KINDS: dict[PartKind, FailureKind] = {
    "call_manager": "node",
    "cti_manager": "CTI Manager",
    "device": "device",
    "link": "link",
}


class Change(NamedTuple):
    """From ``version`` on something is in ``state``; ``home`` is the node of a device or of a link, if it has one."""

    version: int
    state: str
    home: str | None = None


class Lane(NamedTuple):
    """What is drawn beside a name: its changes in order."""

    name: str
    changes: list[Change]


class Interval(NamedTuple):
    """From one version to another (None: to the end)."""

    since: int
    until: int | None


class Busy(NamedTuple):
    """An interval in which call legs were active on a device, and how many there were at most."""

    since: int
    until: int | None
    legs: int


class DeviceLane(NamedTuple):
    """A device: its changes, when it had calls, and when a re-homing of it was due that its calls held back."""

    name: str
    kind: Kind
    changes: list[Change]
    busy: list[Busy]
    due: list[Interval]


class Failure(NamedTuple):
    """Something that failed at ``since`` and was back at ``until`` (None: not yet).

    ``kind`` says what ``name`` is; ``event`` is the type of the event that did it.
    """

    kind: FailureKind
    name: str
    event: str
    since: int
    until: int | None


class Lanes(NamedTuple):
    """All that a picture is drawn from, in the order in which it joined the log.

    ``events`` are those that did more than bookkeeping, by version; ``times`` has the time of every version that is
    named anywhere. ``messages`` and ``outages`` are those of the selection. ``last`` is the last version that was read.
    """

    nodes: list[Lane]
    cti_managers: list[Lane]
    apps: list[Lane]
    devices: list[DeviceLane]
    failures: list[Failure]
    events: dict[int, Event]
    times: dict[int, str | None]
    messages: list[Message]
    outages: list[Outage]
    last: int
    misfits: int
    warnings: list[str]

    @property
    def timed(self) -> bool:
        """Whether everything that is drawn has a time, and none goes backwards: then the axis is time, else order."""
        keys = [sort_key(at) for _, at in sorted(self.times.items()) if at is not None]
        return bool(keys) and len(keys) == len(self.times) and all(one <= after for one, after in pairwise(keys))


def lanes_of(log: Log, selection: Selection = EVERYTHING) -> Lanes:
    """Replay a log up to the end of a selection, and keep what a picture of it shows."""
    reading = Reading(log, 1, Cut(version=selection.to_version))
    gathering = _Gathering(selection)
    for batch in reading.batches():
        gathering.take(batch)
    return gathering.lanes(reading.warnings)


_ALONE: frozenset[type[Event]] = MARKS | {
    events.NodeAdded,
    events.CtiManagerAdded,
    events.ProviderOpened,
    events.OpenRefused,
    events.OpenAllowed,
}
"""After each of these events one looks around: nodes, CTI Managers, links and calls may have changed without a step."""


class _Gathering:
    """Takes a log batch by batch, and compares what there is after an event with what was."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._replay = Replay()
        self._nodes = _Changes()
        self._managers = _Changes()
        self._apps = _Changes()
        self._devices = _Changes()
        self._kinds: dict[str, Kind] = {}
        self._calls = _Calls()
        self._due: dict[str, list[Interval]] = {}
        self._failing: dict[tuple[FailureKind, str], int] = {}
        self._failures: list[Failure] = []
        self._events: dict[int, Event] = {}
        self._times: dict[int, str | None] = {}
        self._messages: list[Message] = []
        self._wanted = Wanted(app=selection.app, since=selection.since, until=selection.until)
        self._watching = watching(self._replay, self._wanted)
        self._outages: list[Outage] = []
        self._misfits = 0

    def take(self, batch: Batch) -> None:
        """The next events of the log."""
        for part in batch.with_alone(_ALONE):
            for done in self._replay.happenings(part.events):
                self._happened(done)
                self._outages += filter(self._wanted.has, self._watching.ended(done))
            misfits = {one.version for one in self._replay.taken_misfits()}
            self._misfits += len(misfits)
            self._take_calls(part, misfits)
            if type(part.events[0]) in _ALONE and part.version not in misfits:
                self._look_around(part.version, part.events[0])

    def _happened(self, done: Happening) -> None:
        self._keep(done.version, done.event)
        cluster = self._replay.cluster
        for name in dict.fromkeys(getattr(one, "device", None) for one in (*done.steps, *done.messages)):
            if name is None:
                continue
            device = cluster.devices.get(name)
            if device is not None:
                self._kinds[name] = device.kind
            state: DeviceState | Literal["removed"] = device.state if device else "removed"
            self._devices.put(name, Change(done.version, state, device.home if device else None))
            self._look_for_due(name, done.version)
        self._messages += filter(self._wants, done.messages)

    def _wants(self, message: Message) -> bool:
        return self._selection == EVERYTHING or self._selection.has(received(message))

    def _keep(self, version: int, event: Event) -> None:
        self._events[version] = event
        self._times[version] = event.at

    def _look_around(self, version: int, event: Event) -> None:
        """Nodes, CTI Managers, links, devices that are away and moves that are due, after an event that may matter."""
        self._keep(version, event)
        cluster, book = self._replay.cluster, self._replay.book
        for name, up in cluster.nodes.items():
            self._nodes.put(name, Change(version, "in_service" if up else "failed"))
        for name, up in cluster.cti_managers.items():
            self._managers.put(name, Change(version, "in_service" if up else "failed"))
        for name, provider in book.providers.items():
            self._apps.put(name, Change(version, "linked" if provider.link else "no link", provider.link))
        for name in self._apps.names() - book.providers.keys():
            self._apps.put(name, Change(version, "closed"))
        if type(event) in MARKS:
            for (kind, name), is_failed in parts(event, cluster, book).items():
                self._failed(_KINDS[kind], name, is_failed, version, event)
        if isinstance(event, events.NodeFailed | events.DeviceRemoved):
            self._calls.agree(version, cluster.calls)
        for name in self._calls.active():
            self._look_for_due(name, version)

    def _failed(self, kind: FailureKind, name: str, failed: bool, version: int, event: Event) -> None:
        index = self._failing.get((kind, name))
        if failed and index is None:
            self._failing[kind, name] = len(self._failures)
            self._failures.append(Failure(kind, name, type_of[type(event)], version, None))
        elif not failed and index is not None:
            del self._failing[kind, name]
            self._failures[index] = self._failures[index]._replace(until=version)

    def _look_for_due(self, name: str, version: int) -> None:
        """Whether a re-homing is due: begin or end the interval. Only calls hold one back."""
        device = self._replay.cluster.devices.get(name)
        due = device is not None and self._replay.cluster.better(device) is not None
        intervals = self._due.get(name, [])
        lasts = bool(intervals) and intervals[-1].until is None
        if due and not lasts:
            self._due.setdefault(name, []).append(Interval(version, None))
        elif lasts and not due:
            intervals[-1] = intervals[-1]._replace(until=version)

    def _take_calls(self, part: Batch, misfits: set[int]) -> None:
        calls = self._calls
        for version, event in enumerate(part.events, part.version):
            take = _OF_CALLS.get(type(event))
            if take is not None and version not in misfits:
                take(calls, version, event)
                self._times[version] = event.at

    def lanes(self, warnings: list[str]) -> Lanes:
        """What has been gathered."""
        devices = [
            DeviceLane(name, self._kinds[name], changes, self._calls.busy(name), self._due.get(name, []))
            for name, changes in self._devices.lanes()
        ]
        self._outages += filter(self._wanted.has, self._watching.lasting())
        silent = [Lane(name, []) for name in self._replay.book.apps if name not in self._apps.names()]
        return Lanes(
            self._nodes.lanes(), self._managers.lanes(), self._apps.lanes() + silent, devices, self._failures,
            self._events, self._times, self._messages, self._outages, self._replay.version, self._misfits, warnings,
        )  # fmt: skip


class _Changes:
    """The changes of several things, by name, in the order in which they first appeared."""

    def __init__(self) -> None:
        self._changes: dict[str, list[Change]] = {}

    def put(self, name: str, now: Change) -> None:
        """Keep how something is, if it has changed."""
        changes = self._changes.setdefault(name, [])
        if not changes or changes[-1][1:] != now[1:]:
            changes.append(now)

    def names(self) -> set[str]:
        """What has appeared so far."""
        return set(self._changes)

    def lanes(self) -> list[Lane]:
        """A lane for each."""
        return [Lane(name, changes) for name, changes in self._changes.items()]


class _Calls:
    """The active call legs, and when each device had any."""

    def __init__(self) -> None:
        self._legs: dict[str, list[str]] = {}
        self._count: dict[str, int] = {}
        self._busy: dict[str, list[Busy]] = {}

    def active(self) -> list[str]:
        """The devices that have calls now."""
        return list(self._count)

    def busy(self, name: str) -> list[Busy]:
        """When a device had calls."""
        return self._busy.get(name, [])

    def started(self, version: int, event: events.CallStarted) -> None:
        """A leg becomes active."""
        name = event.device
        self._legs.setdefault(event.call, []).append(name)
        count = self._count[name] = self._count.get(name, 0) + 1
        if count == 1:
            self._busy.setdefault(name, []).append(Busy(version, None, 1))
        elif count > self._busy[name][-1].legs:
            self._busy[name][-1] = self._busy[name][-1]._replace(legs=count)

    def ended(self, version: int, event: events.CallEnded) -> None:
        """A leg ends, or all legs of a call."""
        legs = self._legs.get(event.call, [])
        ending = list(legs) if event.device is None else [event.device]
        for name in ending:
            legs.remove(name)
            self._end(version, name)
        if not legs:
            self._legs.pop(event.call, None)

    def agree(self, version: int, calls: Mapping[str, Collection[str]]) -> None:
        """Legs have gone without an event of their own: with their device, or because they had no media yet."""
        for call, legs in list(self._legs.items()):
            for name in [name for name in legs if name not in calls.get(call, ())]:
                self.ended(version, events.CallEnded(call=call, device=name))

    def _end(self, version: int, name: str) -> None:
        self._count[name] -= 1
        if not self._count[name]:
            del self._count[name]
            self._busy[name][-1] = self._busy[name][-1]._replace(until=version)


_OF_CALLS: dict[type[Event], Callable[[Any, int, Any], None]] = {
    events.CallStarted: _Calls.started,
    events.CallEnded: _Calls.ended,
}
