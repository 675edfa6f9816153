"""THE FOLD: what a cluster's events do to its devices (recovery-rules §3 to §5).

Two rules hold in this file. Everything that changes the state of nodes, devices, lines and calls is here. And nothing
here knows what an application is told: that is the TSP's business (``tsp.py``), which reads the *steps* this file
takes.

Theory of operation. A device is *unregistered*, *in service* at its home node, or *out of service*. Phones register
by themselves; ports and route points are registered by the first open and unregistered when nobody has a handle any
more. A node that fails takes its devices out of service; the CTI Manager then attempts each of them on the best node
left. Where there is none the device waits; where every node is back and still none takes it, it is closed. A device
that could be on a better node is moved there, but only once no call leg is active on it. Whether a move is due is
derived, never stored.

An event is checked against the state before it changes anything: one that does not fit is a :class:`Misfit` and
leaves no trace. What fits changes the state and appends to :attr:`Recovery.steps` what was done, in order: suspended,
resumed, closed, a line in service, a line closed, opened, given back.

The state is plain data (:class:`Cluster`), so that it can be encoded, restored and compared. Orders matter: devices
stand in the order in which they were added, lines in their device's configured order.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import msgspec

from cti_es import events as log

PHONE = "phone"
DEFAULT_APP = "app"

Reason = Literal["Unknown", "CallManagerFailure", "ReHomeToHigherPriorityCM", "NoCallManagerAvailable"]
DeviceState = Literal["unregistered", "in_service", "out_of_service"]
Because = Literal["added", "register", "wait", "suspend", "resume", "close", "settle", "give_back"]
MisfitCode = Literal[
    "unknown_node",
    "unknown_device",
    "unknown_line",
    "unknown_call",
    "node_exists",
    "device_exists",
    "call_exists",
    "already_failed",
    "already_in_service",
    "already_open",
    "not_open",
    "repeated",
    "empty",
    "outside_group",
]


class Misfit(Exception):
    """An event that does not fit the state it meets (recovery-rules §2). The state is as it was.

    ``code`` is from the closed list :data:`MisfitCode`; ``reason`` says it in words; ``found`` and ``known`` are the
    name that was not there and those that are, for a suggestion.
    """

    def __init__(self, code: MisfitCode, reason: str, found: str = "", known: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.found = found
        self.known = known


# --- the state ------------------------------------------------------------------------------------------------------


class Line(msgspec.Struct):
    """A line of a device: its service state, the nodes that refuse it, the applications that have it open."""

    in_service: bool = False
    refused_by: list[str] = []
    opened_by: list[str] = []


class Device(msgspec.Struct):
    """A device: its name and configuration, then its state.

    ``number`` counts devices from 0 in the order in which they were added. ``since`` and ``because`` are the version
    of the event that last changed ``state`` or ``home`` and what did it; nothing in the rules reads them, ``explain``
    does.
    """

    name: str
    number: int
    kind: log.Kind
    group: tuple[str, ...]
    lines: dict[str, Line]
    state: DeviceState = "unregistered"
    home: str | None = None
    refused_by: list[str] = []
    opened_by: list[str] = []
    calls: int = 0
    since: int = 0
    because: Because = "added"

    @property
    def registers_itself(self) -> bool:
        """Phones do; ports and route points are registered for the applications that open them."""
        return self.kind == PHONE

    @property
    def is_held(self) -> bool:
        """Whether any application has a handle on the device or on one of its lines."""
        return bool(self.opened_by) or any(line.opened_by for line in self.lines.values())

    def lines_in_service(self) -> tuple[str, ...]:
        """The numbers of its lines that are in service, in order."""
        return tuple(number for number, line in self.lines.items() if line.in_service)


class Cluster(msgspec.Struct):
    """The whole state. ``nodes``: whether each is in service. ``calls``: call → devices on which it has a leg."""

    nodes: dict[str, bool] = {}
    devices: dict[str, Device] = {}
    calls: dict[str, tuple[str, ...]] = {}

    def best(self, device: Device) -> str | None:
        """The first node of the device's group that is in service and does not refuse it (recovery-rules §3)."""
        return next((node for node in device.group if self.nodes[node] and node not in device.refused_by), None)

    def all_up(self, device: Device) -> bool:
        """Whether every node of the device's group is in service."""
        return all(self.nodes[node] for node in device.group)

    def better(self, device: Device) -> str | None:
        """The node to which re-homing is due, or None: the best one, if the device is in service at a later one."""
        if device.state != "in_service":
            return None
        for node in device.group:
            if node == device.home:
                return None
            if self.nodes[node] and node not in device.refused_by:
                return node
        return None


# --- the steps, as data ---------------------------------------------------------------------------------------------


class Suspended(msgspec.Struct, frozen=True, tag=True):
    """The device has lost its home; ``lines`` were in service and went out with it."""

    device: str
    lines: tuple[str, ...]
    reason: Reason


class Resumed(msgspec.Struct, frozen=True, tag=True):
    """The device is in service at ``node``, and so are ``lines``."""

    device: str
    node: str
    lines: tuple[str, ...]


class Closed(msgspec.Struct, frozen=True, tag=True):
    """The system has closed the device: every handle on it and on its ``lines`` is gone."""

    device: str
    lines: tuple[str, ...]


class LineInService(msgspec.Struct, frozen=True, tag=True):
    """A line that was out of service on a device in service is in service again."""

    device: str
    line: str


class LineClosed(msgspec.Struct, frozen=True, tag=True):
    """The system has closed one line: every handle on it is gone."""

    device: str
    line: str


class Opened(msgspec.Struct, frozen=True, tag=True):
    """An application has opened the phone device (``phone``) and ``lines``."""

    device: str
    app: str
    phone: bool
    lines: tuple[str, ...]


class OpenedOut(msgspec.Struct, frozen=True, tag=True):
    """What an application has just opened and that is out of service at that moment."""

    device: str
    app: str
    phone: bool
    lines: tuple[str, ...]
    reason: Reason


class GivenBack(msgspec.Struct, frozen=True, tag=True):
    """An application has given back its handles on the phone device (``phone``) and ``lines``."""

    device: str
    app: str
    phone: bool
    lines: tuple[str, ...]


Step = Suspended | Resumed | Closed | LineInService | LineClosed | Opened | OpenedOut | GivenBack

STEP_NAMES: dict[type[Step], str] = {
    Suspended: "suspend",
    Resumed: "resume",
    Closed: "close",
    LineInService: "settle",
    LineClosed: "settle",
    OpenedOut: "open",
}
"""The step's name in a rule identifier (recovery-rules §6). Opened and GivenBack tell nobody anything."""


# --- the fold -------------------------------------------------------------------------------------------------------


class Recovery:
    """Applies events to a cluster. ``steps`` collects what was done until somebody takes it away."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.steps: list[Step] = []
        self.version = 0
        self.handlers: dict[type[log.Event], Callable[[Any], None]] = {
            log.NodeAdded: self.node_added,
            log.DeviceAdded: self.device_added,
            log.DeviceOpened: self.device_opened,
            log.LineOpened: self.line_opened,
            log.DeviceClosed: self.device_closed,
            log.LineClosed: self.line_closed,
            log.NodeFailed: self.node_failed,
            log.NodeRecovered: self.node_recovered,
            log.OpenRefused: self.open_refused,
            log.OpenAllowed: self.open_allowed,
            log.CallStarted: self.call_started,
            log.CallEnded: self.call_ended,
        }
        """Event type → what it does. Each raises :class:`Misfit` before it changes anything."""

    # What each event does (recovery-rules §5).

    def node_added(self, event: log.NodeAdded) -> None:
        """A new node, in service."""
        if event.node in self.cluster.nodes:
            raise Misfit("node_exists", f"node '{event.node}' exists already")
        self.cluster.nodes[event.node] = True

    def device_added(self, event: log.DeviceAdded) -> None:
        """A new device. A phone registers by itself; a port or route point waits to be opened (§3)."""
        if event.device in self.cluster.devices:
            raise Misfit("device_exists", f"device '{event.device}' exists already")
        lines = event.lines or ()
        _once_each(lines)
        group = event.group if event.group is not None else tuple(self.cluster.nodes)
        self._known_nodes(group)
        if not group:
            raise Misfit("empty", f"no node in the group of '{event.device}'")
        device = Device(
            name=event.device,
            number=len(self.cluster.devices),
            kind=event.kind,
            group=group,
            lines={number: Line() for number in lines},
            since=self.version,
        )
        self.cluster.devices[event.device] = device
        if device.registers_itself:
            self._register(device)

    def device_opened(self, event: log.DeviceOpened) -> None:
        """The application opens the phone device and lines; what it has open already stays as it is."""
        device = self._known_device(event.device)
        wanted = _known_lines(device, event.lines) if event.lines is not None else tuple(device.lines)
        app = event.app or DEFAULT_APP
        phone = app not in device.opened_by
        lines = tuple(n for n, line in device.lines.items() if n in wanted and app not in line.opened_by)
        if not phone and not lines:
            raise Misfit("already_open", f"application '{app}' has all of that open on '{event.device}' already")
        self._open(device, app, phone, lines)

    def line_opened(self, event: log.LineOpened) -> None:
        """The application opens one line; no phone handle is needed."""
        device = self._known_device(event.device)
        line = _known_line(device, event.line)
        app = event.app or DEFAULT_APP
        if app in device.lines[line].opened_by:
            raise Misfit("already_open", f"application '{app}' has line '{line}' of '{event.device}' open already")
        self._open(device, app, phone=False, lines=(line,))

    def device_closed(self, event: log.DeviceClosed) -> None:
        """The application gives back everything that it has on the device."""
        device = self._known_device(event.device)
        app = event.app or DEFAULT_APP
        phone = app in device.opened_by
        lines = tuple(number for number, line in device.lines.items() if app in line.opened_by)
        if not phone and not lines:
            raise Misfit("not_open", f"application '{app}' has nothing open on '{event.device}'")
        self._give_back(device, app, phone, lines)

    def line_closed(self, event: log.LineClosed) -> None:
        """The application gives back one line handle."""
        device = self._known_device(event.device)
        line = _known_line(device, event.line)
        app = event.app or DEFAULT_APP
        if app not in device.lines[line].opened_by:
            raise Misfit("not_open", f"application '{app}' does not have line '{line}' of '{event.device}' open")
        self._give_back(device, app, phone=False, lines=(line,))

    def node_failed(self, event: log.NodeFailed) -> None:
        """All devices of the node are suspended first (one failure, detected once), then each is attempted."""
        if not self._known_node(event.node):
            raise Misfit("already_failed", f"node '{event.node}' has failed already")
        self.cluster.nodes[event.node] = False
        affected = [device for device in self.cluster.devices.values() if device.home == event.node]
        for device in affected:
            self.suspend(device, "CallManagerFailure")
        for device in affected:
            self.attempt(device)
            self.settle(device)

    def node_recovered(self, event: log.NodeRecovered) -> None:
        """Every device that the node may serve is considered."""
        if self._known_node(event.node):
            raise Misfit("already_in_service", f"node '{event.node}' is in service already")
        self.cluster.nodes[event.node] = True
        for device in self.cluster.devices.values():
            if event.node in device.group:
                self.consider(device)

    def open_refused(self, event: log.OpenRefused) -> None:
        """Remembered for the next attempt; what is open stays open, what is out already may be closed."""
        device, refusals, nodes = self._refusals(event)
        refusals.extend(node for node in nodes if node not in refusals)
        self.settle(device)

    def open_allowed(self, event: log.OpenAllowed) -> None:
        """Forgotten; then the device is considered."""
        device, refusals, nodes = self._refusals(event)
        refusals[:] = [node for node in refusals if node not in nodes]
        self.consider(device)

    def call_started(self, event: log.CallStarted) -> None:
        """A leg becomes active, in whatever state the device is."""
        name, calls = event.device, self.cluster.calls
        device = self.cluster.devices.get(name) or self._known_device(name)
        if event.line is not None:
            _known_line(device, event.line)
        if event.call not in calls:
            calls[event.call] = (name,)
        elif name in calls[event.call]:
            raise Misfit("call_exists", f"call '{event.call}' has a leg on '{name}' already")
        else:
            calls[event.call] += (name,)
        device.calls += 1

    def call_ended(self, event: log.CallEnded) -> None:
        """Legs are gone; devices that were waiting for the last one are considered."""
        name, calls = event.device, self.cluster.calls
        legs = calls.get(event.call, ())
        if name in legs:
            ended: tuple[str, ...] = (name,)
        elif name is None and legs:
            ended = self._in_order(legs)
        else:
            raise self._no_leg(event)
        if len(ended) == len(legs):
            del calls[event.call]
        else:
            calls[event.call] = tuple(leg for leg in legs if leg != name)
        free = []
        for name in ended:
            device = self.cluster.devices[name]
            device.calls -= 1
            if not device.calls:
                free.append(device)
        for device in free:
            self.consider(device)

    def ordinary_calls(self, events: Iterator[log.Event]) -> log.Event | None:
        """Take ordinary calls as long as they come; the first event that is anything else, or None at the end.

        Nearly every event of a real log starts or ends the only leg of a call, and nothing follows from it: no misfit,
        and no device that waited for the end. Those are taken here, many at a time; everything else is left to the
        handlers. (Nothing waits on a device in service at its original node: it has no better one, and whatever could
        be settled there was settled by the event that made it so.)
        """
        devices, calls = self.cluster.devices, self.cluster.calls
        started, ended = log.CallStarted, log.CallEnded
        for event in events:
            if type(event) is started:
                name = event.device
                if event.call in calls or name not in devices or event.line is not None:
                    return event
                calls[event.call] = (name,)
                devices[name].calls += 1
            elif type(event) is ended:
                if event.device is None or calls.get(event.call) != (event.device,):
                    return event
                device = devices[event.device]
                if device.home != device.group[0]:
                    return event
                del calls[event.call]
                device.calls -= 1
            else:
                return event
        return None

    # The steps (recovery-rules §4).

    def suspend(self, device: Device, reason: Reason) -> None:
        """No home, out of service, and every line that was in service with it."""
        lines = device.lines_in_service()
        self._move(device, "out_of_service", None, "suspend")
        for number in lines:
            device.lines[number].in_service = False
        self.steps.append(Suspended(device.name, lines, reason))

    def resume(self, device: Device, node: str) -> None:
        """In service at ``node``, with every line that the node does not refuse."""
        self._serve(device, node, "resume")
        self.steps.append(Resumed(device.name, node, device.lines_in_service()))

    def attempt(self, device: Device) -> None:
        """Open the device on the best node; none and all nodes up: close it; else it waits. Phones are never closed."""
        if (node := self.cluster.best(device)) is not None:
            self.resume(device, node)
        elif self.cluster.all_up(device) and not device.registers_itself:
            self.close(device)

    def close(self, device: Device) -> None:
        """Every handle on the device and its lines is gone."""
        device.opened_by.clear()
        for line in device.lines.values():
            line.opened_by.clear()
        self._unregister(device, "close")
        self.steps.append(Closed(device.name, tuple(device.lines)))

    def settle(self, device: Device) -> None:
        """Lines that are out of service on a device in service: in again, or closed when nothing can help any more."""
        if device.state != "in_service":
            return
        closed = False
        for number, line in device.lines.items():
            if line.in_service:
                continue
            if device.home not in line.refused_by:
                line.in_service = True
                self.steps.append(LineInService(device.name, number))
            elif line.opened_by and self._is_hopeless(device):
                line.opened_by.clear()
                self.steps.append(LineClosed(device.name, number))
                closed = True
        if closed:
            self._unregister_if_free(device, "settle")

    def consider(self, device: Device) -> None:
        """Out of service: attempt. In service, a better node and no call: move there. Then settle."""
        if device.state == "out_of_service":
            self.attempt(device)
        elif device.home != device.group[0] and not device.calls and (node := self.cluster.better(device)):
            self.suspend(device, "ReHomeToHigherPriorityCM")
            self.resume(device, node)
        self.settle(device)

    # What steps and events share.

    def _is_hopeless(self, device: Device) -> bool:
        """Whether nothing can help a line that the home refuses: no move is due (§4, settle). Phones always wait."""
        cluster = self.cluster
        return not device.registers_itself and cluster.all_up(device) and cluster.best(device) == device.home

    def _open(self, device: Device, app: str, phone: bool, lines: tuple[str, ...]) -> None:
        """Add the handles, register the device if nobody had it open, tell what is out of service at once."""
        if phone:
            device.opened_by.append(app)
        for number in lines:
            device.lines[number].opened_by.append(app)
        self.steps.append(Opened(device.name, app, phone, lines))
        if device.state == "unregistered":
            self._register(device)
            if device.home is None and self.cluster.all_up(device):
                self.close(device)
        if device.state == "out_of_service":
            self.steps.append(OpenedOut(device.name, app, phone, lines, "NoCallManagerAvailable"))
        elif device.state == "in_service":
            out = tuple(number for number in lines if not device.lines[number].in_service)
            if out:
                self.steps.append(OpenedOut(device.name, app, False, out, "Unknown"))
            self.settle(device)

    def _give_back(self, device: Device, app: str, phone: bool, lines: tuple[str, ...]) -> None:
        if phone:
            device.opened_by.remove(app)
        for number in lines:
            device.lines[number].opened_by.remove(app)
        self.steps.append(GivenBack(device.name, app, phone, lines))
        self._unregister_if_free(device, "give_back")

    def _register(self, device: Device) -> None:
        """Put an unregistered device at its best node or out of service, without a step: nobody is told of it."""
        node = self.cluster.best(device)
        if node is None:
            self._move(device, "out_of_service", None, "wait")
        else:
            self._serve(device, node, "register")

    def _serve(self, device: Device, node: str, because: Because) -> None:
        self._move(device, "in_service", node, because)
        for line in device.lines.values():
            line.in_service = node not in line.refused_by

    def _unregister_if_free(self, device: Device, because: Because) -> None:
        if device.state != "unregistered" and not device.registers_itself and not device.is_held:
            self._unregister(device, because)

    def _unregister(self, device: Device, because: Because) -> None:
        self._move(device, "unregistered", None, because)
        for line in device.lines.values():
            line.in_service = False

    def _move(self, device: Device, state: DeviceState, home: str | None, because: Because) -> None:
        device.state, device.home = state, home
        device.since, device.because = self.version, because

    # What an event needs to find.

    def _known_node(self, name: str) -> bool:
        """Whether the node is in service; a misfit if there is no such node."""
        try:
            return self.cluster.nodes[name]
        except KeyError:
            raise Misfit("unknown_node", f"unknown node '{name}'", name, self.cluster.nodes) from None

    def _known_device(self, name: str) -> Device:
        try:
            return self.cluster.devices[name]
        except KeyError:
            raise Misfit("unknown_device", f"unknown device '{name}'", name, self.cluster.devices) from None

    def _in_order(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Devices in the order in which they were added."""
        return tuple(sorted(names, key=lambda name: self.cluster.devices[name].number))

    def _no_leg(self, event: log.CallEnded) -> Misfit:
        where = ""
        if event.device is not None:
            self._known_device(event.device)
            where = f" on '{event.device}'"
        return Misfit("unknown_call", f"call '{event.call}' has no active leg{where}")

    def _known_nodes(self, nodes: tuple[str, ...]) -> None:
        for node in nodes:
            self._known_node(node)
        _once_each(nodes)

    def _refusals(self, event: log.OpenRefused | log.OpenAllowed) -> tuple[Device, list[str], tuple[str, ...]]:
        """The device, the refusing nodes that the event is about (the device's or a line's), and the nodes it names."""
        device = self._known_device(event.device)
        if event.line is not None:
            _known_line(device, event.line)
        nodes = event.nodes if event.nodes is not None else device.group
        self._known_nodes(nodes)
        if not nodes:
            raise Misfit("empty", "no node in nodes")
        for node in nodes:
            if node not in device.group:
                raise Misfit(
                    "outside_group", f"node '{node}' is not in the group of '{event.device}'", node, device.group
                )
        return device, (device if event.line is None else device.lines[event.line]).refused_by, nodes


def _known_line(device: Device, number: str) -> str:
    if number not in device.lines:
        raise Misfit("unknown_line", f"unknown line '{number}' of '{device.name}'", number, device.lines)
    return number


def _known_lines(device: Device, numbers: tuple[str, ...]) -> tuple[str, ...]:
    for number in numbers:
        _known_line(device, number)
    _once_each(numbers)
    return numbers


def _once_each(names: tuple[str, ...]) -> None:
    if len(set(names)) != len(names):
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        raise Misfit("repeated", f"'{twice}' stands twice in a list")
