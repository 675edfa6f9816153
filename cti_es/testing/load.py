"""Logs of whole sites under load: what a contact centre, an office or a recorder has, and an hour of its calls.

What is assumed stands in docs/reference/commands/generate.md#profiles. Events come one by one, so that memory is what
is active at one moment; the same site, size and seed always give the same log.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from math import ceil, inf, log
from random import Random
from typing import Any, NamedTuple

from cti_es.vocabulary import events
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Event, Kind
from cti_es.vocabulary.times import canonical_time


class Stage(NamedTuple):
    """A part of a call: on a device of each of these kinds, for so many seconds in the mean."""

    kinds: tuple[Kind, ...]
    seconds: float


class Profile(NamedTuple):
    """A kind of site. ``shares`` of its devices sum up to 1.

    ``apps``: application → the kind of device that it opens. ``paths``: how often calls go which way.
    """

    shares: Mapping[Kind, float]
    apps: Mapping[str, Kind]
    paths: tuple[tuple[float, tuple[Stage, ...]], ...]


PROFILES: dict[str, Profile] = {
    "contact-center": Profile(
        shares={"route_point": 0.002, "cti_port": 0.1, "phone": 0.898},
        apps={"router": "route_point", "ivr": "cti_port", "desktop": "phone", "recorder": "phone"},
        paths=((1.0, (Stage(("route_point",), 1), Stage(("cti_port",), 40), Stage(("phone",), 240))),),
    ),
    "office": Profile(
        shares={"route_point": 0.002, "cti_port": 0.02, "phone": 0.978},
        apps={"attendant": "route_point", "voicemail": "cti_port", "dialer": "phone"},
        paths=(
            (0.75, (Stage(("phone",), 150),)),
            (0.15, (Stage(("route_point",), 2), Stage(("phone",), 150))),
            (0.10, (Stage(("cti_port",), 30),)),
        ),
    ),
    "recorder": Profile(
        shares={"cti_port": 0.3, "phone": 0.7},
        apps={"recorder": "phone", "media": "cti_port"},
        paths=((1.0, (Stage(("phone", "cti_port"), 200),)),),
    ),
}
"""The profiles by name."""

PER_NODE = 5_000
"""So many devices are planned for a node; one node more is there to fail."""

MOST_NODES = 8
PER_PROVIDER = 2_000
"""So many devices an application controls; if there are more, there are several of it: ivr-1, ivr-2 …"""

GROUP = 3
_SPREAD = 0.8
"""Sigma of the lognormal distribution of how long a stage lasts."""

_PREFIX: dict[Kind, str] = {"route_point": "RP", "cti_port": "CTIP", "phone": "SEP0011"}
_FIRST_NUMBER = 20_000
_OUTAGES = {"node": 0.6, "call_manager": 0.15, "cti_manager": 0.25}
_OUTAGE_SECONDS = (120.0, 600.0)


class Size(NamedTuple):
    """How large a site is, and how much happens there. ``nodes`` None: as many as the devices need."""

    devices: int = 1_000
    calls_per_hour: float = 5_000
    outages: int = 1
    hours: float = 1.0
    nodes: int | None = None
    start: str = "2026-01-01T00:00:00Z"


def load(profile: str, size: Size, seed: int) -> Iterator[Event]:
    """The events of a site under load. Raises :class:`InputError` if the calls need more devices than there are."""
    site = _Site(PROFILES[profile], size, seed)
    site.check()
    return site.events()


class _Site:
    def __init__(self, profile: Profile, size: Size, seed: int) -> None:
        self._profile, self._size = profile, size
        self._random = Random(seed)
        nodes = size.nodes or min(MOST_NODES, max(2, ceil(size.devices / PER_NODE) + 1))
        self._nodes = [f"cm{number}" for number in range(1, nodes + 1)]
        self._devices = _devices(profile, size.devices)
        self._idle = {kind: list(names) for kind, names in self._devices.items()}
        self._clock = _Clock(size.start)

    def check(self) -> None:
        """Raise :class:`InputError` if some kind of device would never be free."""
        for kind, busy in _offered(self._profile, self._size.calls_per_hour).items():
            if busy >= (there := len(self._devices[kind])):
                what = f"{busy:,.0f} {kind.replace('_', ' ')}s in calls at a time, and {there:,} of them"
                raise InputError(what, expected="fewer calls an hour, or more devices")

    def events(self) -> Iterator[Event]:
        """The configuration, then what happens."""
        yield from map(self._clock.stamped, self._configuration())
        yield from self._traffic()

    def _configuration(self) -> Iterator[Event]:
        """Devices come before providers: an application is not told of each one that is added."""
        yield from (events.NodeAdded(node=node) for node in self._nodes)
        yield from (events.CtiManagerAdded(node=node) for node in self._nodes)
        number = count()
        for kind, names in self._devices.items():
            for device in names:
                one = next(number)
                group = tuple(self._nodes_from(one))
                line = str(_FIRST_NUMBER + one)
                yield events.DeviceAdded(device=device, kind=kind, lines=(line,), group=group)
        for index, (app, devices) in enumerate(self._applications()):
            yield events.ProviderOpened(app=app, cti_managers=tuple(self._nodes_from(index)))
            yield from (events.DeviceOpened(device=device, app=app) for device in devices)

    def _nodes_from(self, number: int) -> list[str]:
        """Up to three nodes, each in turn the first: so groups and CTI Managers share the load."""
        nodes = self._nodes
        return [nodes[(number + place) % len(nodes)] for place in range(min(GROUP, len(nodes)))]

    def _applications(self) -> Iterator[tuple[str, list[str]]]:
        for app, kind in self._profile.apps.items():
            devices = self._devices[kind]
            parts = [devices[at : at + PER_PROVIDER] for at in range(0, len(devices), PER_PROVIDER)]
            for number, part in enumerate(parts, 1):
                yield (f"{app}-{number}" if len(parts) > 1 else app), part

    def _traffic(self) -> Iterator[Event]:
        """Calls that arrive, go on and end, and outages, in the order of their times until the time is over."""
        end = self._size.hours * 3600
        agenda: list[tuple[float, int, Any]] = []
        numbers = count()
        for at, event in self._outages(end):
            heappush(agenda, (at, next(numbers), event))
        arrivals = self._arrivals(end)
        call = next(arrivals, None)
        while agenda or call:
            if call and (not agenda or call.at <= agenda[0][0]):
                now, todo, call = call.at, call, next(arrivals, None)
            else:
                now, _, todo = heappop(agenda)
            if isinstance(todo, _Call):
                yield from (self._clock.stamped(one, now) for one in self._next_stage(todo))
                if todo.devices:
                    heappush(agenda, (now + self._lasts(todo.stages[todo.stage - 1]), next(numbers), todo))
            elif now < end:
                yield self._clock.stamped(todo, now)

    def _arrivals(self, end: float) -> Iterator["_Call"]:
        rate = self._size.calls_per_hour / 3600
        weights, paths = zip(*self._profile.paths, strict=True)
        at = 0.0
        for number in count(1):
            at += self._random.expovariate(rate) if rate else inf
            if at >= end:
                return
            yield _Call(at, f"c{number}", self._random.choices(paths, weights)[0])

    def _lasts(self, stage: Stage) -> float:
        """How long a stage of a call lasts, in seconds."""
        return self._random.lognormvariate(log(stage.seconds) - _SPREAD**2 / 2, _SPREAD)

    def _next_stage(self, call: "_Call") -> Iterator[Event]:
        """End what a call was at, and begin what comes next, if there is a free device of each kind for it."""
        for kind, device in call.devices:
            if kind != "route_point":
                self._idle[kind].append(device)
            yield events.CallEnded(call=call.name, device=device)
        call.devices = []
        if call.stage < len(call.stages):
            kinds = call.stages[call.stage].kinds
            call.stage += 1
            if all(self._idle[kind] for kind in kinds):
                call.devices = [(kind, self._take(kind)) for kind in kinds]
                yield from (events.CallStarted(call=call.name, device=device) for _, device in call.devices)

    def _take(self, kind: Kind) -> str:
        """Any device of a kind that is free; a route point takes any number of calls at once."""
        idle = self._idle[kind]
        index = self._random.randrange(len(idle))
        if kind != "route_point":
            idle[index], idle[-1] = idle[-1], idle[index]
            return idle.pop()
        return idle[index]

    def _outages(self, end: float) -> Iterator[tuple[float, Event]]:
        """One outage in each of as many equal parts of the time; it is over before the part is."""
        kinds, weights = list(_OUTAGES), list(_OUTAGES.values())
        part = end / self._size.outages if self._size.outages else 0
        for number in range(self._size.outages):
            begin = part * (number + self._random.uniform(0.1, 0.5))
            back = begin + min(self._random.uniform(*_OUTAGE_SECONDS), 0.4 * part)
            kind, node = self._random.choices(kinds, weights)[0], self._random.choice(self._nodes)
            if kind == "cti_manager":
                yield from ((begin, events.CtiManagerFailed(node=node)), (back, events.CtiManagerRecovered(node=node)))
            else:
                scope: Any = None if kind == "node" else kind
                yield begin, events.NodeFailed(node=node, scope=scope)
                yield back, events.NodeRecovered(node=node, scope=scope)


class _Call:
    """A call on its way: which stage comes next, and the devices that it is on."""

    __slots__ = ("at", "devices", "name", "stage", "stages")

    def __init__(self, at: float, name: str, stages: tuple[Stage, ...]) -> None:
        self.at, self.name, self.stages = at, name, stages
        self.stage = 0
        self.devices: list[tuple[Kind, str]] = []


class _Clock:
    """Times of events: a millisecond for each of the configuration, then seconds since a full minute after it.

    The start is taken as a full second, so that a time is made of its second, whose text is kept, and of milliseconds.
    """

    def __init__(self, start: str) -> None:
        self._start = datetime.fromisoformat(canonical_time(start)).replace(microsecond=0)
        self._made = 0
        self._second, self._text = -1, ""

    def stamped(self, event: Event, seconds: float | None = None) -> Event:
        """The event, with its time."""
        if seconds is None:
            self._made += 1
            millis = self._made
        else:
            millis = 60_000 * (1 + self._made // 60_000) + int(seconds * 1000)
        second, rest = divmod(millis, 1000)
        if second != self._second:
            self._second = second
            self._text = canonical_time((self._start + timedelta(seconds=second)).isoformat())[:-1]
        events.set_time(event, f"{self._text}.{rest:03}000Z" if rest else f"{self._text}Z")
        return event


def _devices(profile: Profile, devices: int) -> dict[Kind, list[str]]:
    """The names of the devices, by kind: at least one of each."""
    found: dict[Kind, list[str]] = {}
    for kind, share in profile.shares.items():
        digits = "08X" if kind == "phone" else "05"
        found[kind] = [f"{_PREFIX[kind]}{number:{digits}}" for number in range(1, max(1, round(devices * share)) + 1)]
    return found


def _offered(profile: Profile, calls_per_hour: float) -> dict[Kind, float]:
    """How many devices of each kind are in a call at a time; route points take any number of calls."""
    found: dict[Kind, float] = {}
    for weight, stages in profile.paths:
        for stage in stages:
            for kind in stage.kinds:
                if kind != "route_point":
                    found[kind] = found.get(kind, 0) + weight * stage.seconds * calls_per_hour / 3600
    return found
