"""Synthetic logs: seeded, plausible, and without misfits.

Events are proposed at random and tried on the fold itself; what would be a misfit is proposed again. The same options
always give the same log.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, NamedTuple, get_args

from cti_es.model.book import Book
from cti_es.model.cluster import Behaviours, Cluster, Misfit
from cti_es.model.recovery import DEFAULT_APP, Recovery
from cti_es.model.tsp import MAX_CTI_MANAGERS, STATES, Cause, Tsp
from cti_es.vocabulary import events
from cti_es.vocabulary.events import Event, set_time
from cti_es.vocabulary.times import canonical_time

GROUP = 3
"""The largest CallManager group has three nodes (docs/reference/tapi.md#groups)."""

_NUMBERS_FROM = 5000
_JOINING_FROM = 90_000
_TRIES = 200


class Plan(NamedTuple):
    """What to generate.

    ``events`` is how many events in all, the configuration included; ``calls`` the share of them, 0 to 1, that are
    about calls. With ``tsp`` there are also CTI Managers, providers and their links, filters, device failures, changes
    of the configuration and of what users may control (docs/reference/tsp.md#events). The same plan always gives the
    same log.
    """

    seed: int = 1
    events: int = 1_000
    nodes: int = 3
    devices: int = 10
    lines: int = 2
    apps: int = 1
    calls: float = 0.8
    start: str = "2026-01-01T00:00:00Z"
    tsp: bool = False


def generate(plan: Plan) -> Iterator[Event]:
    """The events of a log. Raises :class:`~cti_es.vocabulary.errors.InputError` for a start that is no time."""
    return _Generator(plan).events()


class _Generator:
    """A log in the making: a cluster to try events on, and the names that exist."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._random = Random(plan.seed)
        self._now = datetime.fromisoformat(canonical_time(plan.start))
        self._recovery = Recovery(Cluster(), book := Book())
        self._tsp = Tsp(book, 0, self._recovery)
        self._nodes = [f"cm{number}" for number in range(1, plan.nodes + 1)]
        self._devices: list[str] = []
        self._apps = [f"app{number}" if number > 1 else None for number in range(1, plan.apps + 1)]
        self._active: list[tuple[str, str]] = []
        self._calls = 0
        self._rare: list[tuple[Callable[[], Event], float]] = [
            (self._node_failed, 3),
            (self._node_recovered, 4),
            (self._device_opened, 3),
            (self._line_opened, 2),
            (self._device_closed, 1),
            (self._line_closed, 1),
            (self._open_refused, 1),
            (self._open_allowed, 2),
        ]
        if plan.tsp:
            self._rare += [
                (self._call_processing_failed, 1),
                (self._call_processing_recovered, 1),
                (self._cti_manager_failed, 2),
                (self._cti_manager_recovered, 3),
                (self._provider_closed, 0.3),
                (self._status_messages_set, 1),
                (self._device_failed, 1),
                (self._device_recovered, 2),
                (self._device_removed, 0.3),
                (self._device_added_later, 0.5),
                (self._provider_link_lost, 0.5),
                (self._provider_linked, 1.5),
                (self._lines_changed, 1),
                (self._control_withdrawn, 0.3),
                (self._control_granted, 0.6),
                (self._call_connected, 4),
                (self._behaviour_set, 0.5),
            ]

    def events(self) -> Iterator[Event]:
        """The configuration first, then what happens."""
        return islice(self._all(), self._plan.events)

    def _all(self) -> Iterator[Event]:
        for node in self._nodes:
            yield self._tried(events.NodeAdded(node=node))
        if self._plan.tsp:
            yield from (self._tried(events.CtiManagerAdded(node=node)) for node in self._nodes)
            yield from (self._tried(self._provider(_name(app))) for app in self._apps)
        for number in range(self._plan.devices):
            yield self._tried(self._device_added(number))
        for device in self._devices:
            if self._recovery.cluster.devices[device].lines or self._random.random() < 0.9:
                yield self._tried(events.DeviceOpened(device=device, app=self._random.choice(self._apps)))
        while True:
            yield self._something()

    def _something(self) -> Event:
        for _ in range(_TRIES):
            event = self._call() if self._random.random() < self._plan.calls else self._rarity()
            try:
                return self._tried(event)
            except Misfit:
                continue
        return self._tried(self._call_started())

    def _tried(self, event: Event) -> Event:
        """The event, if it fits: then it has happened, a moment after the one before. Raises Misfit."""
        self._tsp.handlers[type(event)](event)
        self._tsp.messages(self._recovery.steps, _NOBODY)
        self._recovery.steps.clear()
        self._took_place(event)
        self._now += timedelta(milliseconds=self._random.randrange(20, 4_000))
        set_time(event, canonical_time(self._now.isoformat()))
        return event

    def _took_place(self, event: Event) -> None:
        if isinstance(event, events.DeviceAdded):
            self._devices.append(event.device)
        elif isinstance(event, events.CallStarted):
            self._active.append((event.call, event.device))
        elif isinstance(event, events.CallEnded):
            self._active = [leg for leg in self._active if leg[0] != event.call or event.device not in (None, leg[1])]
        elif isinstance(event, events.DeviceRemoved | events.NodeFailed):
            cluster = self._recovery.cluster
            self._devices = list(cluster.devices)
            self._active = [(call, device) for call, device in self._active if device in cluster.calls.get(call, ())]

    def _rarity(self) -> Event:
        if self._plan.tsp and (app := self._disconnected()):
            return self._provider(app)
        propose = self._random.choices([one for one, _ in self._rare], [weight for _, weight in self._rare])[0]
        return propose()

    # What can be proposed. Most of it fits; what does not is proposed again.

    def _device_added(self, number: int) -> Event:
        kind, prefix = self._random.choice((("cti_port", "CTIP"), ("route_point", "RP"), ("phone", "SEP0011")))
        most = self._plan.lines if kind != "phone" else min(2, self._plan.lines)
        count = self._random.randint(min(1, most), most)
        first = _NUMBERS_FROM + number * self._plan.lines
        return events.DeviceAdded(
            device=f"{prefix}{number + 1:04}",
            kind=kind,  # type: ignore[arg-type]
            lines=tuple(str(first + index) for index in range(count)),
            group=tuple(self._random.sample(self._nodes, min(GROUP, len(self._nodes)))),
        )

    def _call(self) -> Event:
        room = 3 * len(self._devices)
        if self._active and self._random.random() < 0.25 + 0.75 * len(self._active) / room:
            call, device = self._random.choice(self._active)
            return events.CallEnded(call=call, device=device if self._random.random() < 0.8 else None)
        return self._call_started()

    def _call_started(self) -> Event:
        if self._active and self._random.random() < 0.2:
            call, _ = self._random.choice(self._active)  # another leg of a call that goes on
        else:
            self._calls += 1
            call = f"c{self._calls}"
        device = self._random.choice(self._devices)
        return events.CallStarted(
            call=call, device=device, line=self._line(device) if self._random.random() < 0.5 else None
        )

    def _node_failed(self) -> Event:
        return events.NodeFailed(node=self._random.choice(self._nodes))

    def _node_recovered(self) -> Event:
        return events.NodeRecovered(node=self._random.choice(self._nodes))

    def _device_opened(self) -> Event:
        device = self._random.choice(self._devices)
        lines = self._some_lines(device) if self._random.random() < 0.3 else None
        return events.DeviceOpened(device=device, app=self._random.choice(self._apps), lines=lines)

    def _line_opened(self) -> Event:
        device = self._random.choice(self._devices)
        return events.LineOpened(device=device, line=self._line(device) or "none", app=self._random.choice(self._apps))

    def _device_closed(self) -> Event:
        return events.DeviceClosed(device=self._random.choice(self._devices), app=self._random.choice(self._apps))

    def _line_closed(self) -> Event:
        device = self._random.choice(self._devices)
        return events.LineClosed(device=device, line=self._line(device) or "none", app=self._random.choice(self._apps))

    def _open_refused(self) -> Event:
        device = self._random.choice(self._devices)
        return events.OpenRefused(device=device, line=self._line_or_device(device), nodes=self._some_nodes(device))

    def _open_allowed(self) -> Event:
        device = self._random.choice(self._devices)
        return events.OpenAllowed(device=device, line=self._line_or_device(device), nodes=self._some_nodes(device))

    def _line(self, device: str) -> str | None:
        lines = list(self._recovery.cluster.devices[device].lines)
        return self._random.choice(lines) if lines else None

    def _line_or_device(self, device: str) -> str | None:
        return self._line(device) if self._random.random() < 0.5 else None

    def _some_lines(self, device: str) -> tuple[str, ...]:
        lines = list(self._recovery.cluster.devices[device].lines)
        return tuple(self._random.sample(lines, self._random.randint(0, len(lines))))

    def _some_nodes(self, device: str) -> tuple[str, ...] | None:
        group = self._recovery.cluster.devices[device].group
        if self._random.random() < 0.3:
            return None
        return tuple(self._random.sample(group, self._random.randint(1, len(group))))

    # What can be proposed of the whole TSP.

    def _call_processing_failed(self) -> Event:
        return events.NodeFailed(node=self._random.choice(self._nodes), scope="call_manager")

    def _call_processing_recovered(self) -> Event:
        return events.NodeRecovered(node=self._random.choice(self._nodes), scope="call_manager")

    def _cti_manager_failed(self) -> Event:
        return events.CtiManagerFailed(node=self._random.choice(self._nodes))

    def _cti_manager_recovered(self) -> Event:
        return events.CtiManagerRecovered(node=self._random.choice(self._nodes))

    def _provider(self, app: str) -> Event:
        most = min(MAX_CTI_MANAGERS, len(self._nodes))
        managers = self._random.sample(self._nodes, self._random.randint(min(2, most), most))
        return events.ProviderOpened(app=app, cti_managers=tuple(managers))

    def _disconnected(self) -> str | None:
        """An application that has closed its provider; it opens the next one before it opens anything else."""
        return next((app for app in map(_name, self._apps) if app not in self._tsp.book.providers), None)

    def _provider_closed(self) -> Event:
        return events.ProviderClosed(app=self._an_app())

    def _provider_link_lost(self) -> Event:
        app = self._an_app()
        provider = self._tsp.book.providers.get(app)
        is_named = provider is not None and self._random.random() < 0.5
        return events.ProviderLinkLost(app=app, node=provider.link if provider and is_named else None)

    def _provider_linked(self) -> Event:
        adrift = [app for app, provider in self._tsp.book.connected() if provider.adrift]
        app = self._random.choice(adrift) if adrift and self._random.random() < 0.8 else self._an_app()
        return events.ProviderLinked(app=app, node=self._random.choice(self._nodes))

    def _lines_changed(self) -> Event:
        device = self._random.choice(self._devices)
        lines = list(self._recovery.cluster.devices[device].lines)
        removed = self._random.sample(lines, self._random.randint(0, min(1, len(lines))))
        has_room = len(lines) - len(removed) < self._plan.lines
        added = (str(_JOINING_FROM + self._recovery.cluster.lines_added),) if has_room else None
        return events.LinesChanged(device=device, added=added, removed=tuple(removed) or None)

    def _control_withdrawn(self) -> Event:
        return events.ControlWithdrawn(app=self._an_app(), device=self._random.choice(self._devices))

    def _control_granted(self) -> Event:
        withdrawn = [(app, one) for app, provider in self._tsp.book.connected() for one in provider.withdrawn]
        app, device = self._random.choice(withdrawn) if withdrawn else (self._an_app(), "none")
        return events.ControlGranted(app=app, device=device)

    def _an_app(self) -> str:
        return _name(self._random.choice(self._apps))

    def _status_messages_set(self) -> Event:
        device = self._random.choice(self._devices)
        line = self._line_or_device(device)
        states = STATES["phone" if line is None else "line"]
        wanted = self._random.sample(states, self._random.randint(0, len(states)))
        return events.StatusMessagesSet(
            app=self._random.choice(self._apps), device=device, line=line, states=tuple(wanted)
        )

    def _device_failed(self) -> Event:
        reason = self._random.choice((None, *get_args(events.AwayReason)))
        return events.DeviceFailed(device=self._random.choice(self._devices), reason=reason)

    def _device_recovered(self) -> Event:
        return events.DeviceRecovered(device=self._random.choice(self._devices))

    def _device_removed(self) -> Event:
        return events.DeviceRemoved(device=self._random.choice(self._devices[1:] or ["none"]))

    def _device_added_later(self) -> Event:
        return self._device_added(self._recovery.cluster.devices_added)

    def _call_connected(self) -> Event:
        call, device = self._random.choice(self._active) if self._active else ("none", "none")
        return events.CallConnected(call=call, device=device if self._random.random() < 0.5 else None)

    def _behaviour_set(self) -> Event:
        given: dict[str, Any] = {self._random.choice(Behaviours.__struct_fields__): self._random.random() < 0.6}
        return events.BehaviourSet(**given)


def _name(app: str | None) -> str:
    return app or DEFAULT_APP


_NOBODY = Cause(0, None, "")
"""Whoever reads the messages of a log in the making."""
