"""THE FOLD: what the events of a log do to nodes, devices, lines and calls.

The rules are docs/reference/rules.md; what joins them with CTI Managers, absences and the configuration is
docs/reference/tsp.md. In short:

A device is *unregistered*, *in service* at its home node, or *out of service*. Its group lists the nodes that may serve
it; *best* is the first of them that is in service and does not refuse the device. Phones register by themselves. CTI
ports and route points are registered by the first open, and unregistered when nobody has a handle on them any more.

The steps, each a method of this name:

* suspend: the device loses its home; it and its lines are out of service.
* resume: it is in service at a new home, and so are the lines that this node does not refuse.
* attempt: a device that is out of service resumes at best. If it has no best node although all nodes are up, close.
  Else it waits. Phones are never closed.
* close: every handle is gone, and the device is unregistered.
* settle: on a device in service, a line that is out comes in, if the home does not refuse it. If the home does, all
  nodes are up and no move is due, the line is closed. Else it waits. Lines of phones are never closed.
* consider: a device that is out of service is attempted. One with a better node and no active call leg moves: suspend,
  then resume there. Then settle.

What takes them:

* A node fails: all devices whose home it is are suspended; then each of them is attempted and settled.
* A node recovers: each device with the node in its group is considered. So is a device whose last call leg has ended,
  one that nodes accept again, and one that was away itself and is back.
* Nodes refuse a device, or a line of it, from now on: settle. What is open stays open.
* An unregistered device is opened: it registers at best. If it has no best node although all nodes are up, close.

Whether a move is due is derived from the state, never stored, and nothing happens by the passing of time.

An event is checked before it changes anything: one that does not fit raises :class:`Misfit` and leaves no trace. What
fits changes the state (:class:`~cti_es.model.cluster.Cluster`) and appends to :attr:`Recovery.steps` what was done, in
order. Nothing in this file knows what an application is told: ``tsp.py`` reads the steps (``steps.py``) and tells. It
keeps the book of who has what open, too, which is looked at here before a step is taken, and changed by nobody else.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cti_es.model.book import NOTHING, Book
from cti_es.model.cluster import (
    Because,
    Behaviours,
    Cluster,
    Device,
    DeviceState,
    Line,
    Misfit,
    Reason,
    known_line,
    known_lines,
    once_each,
)
from cti_es.model.steps import (
    Closed,
    ControlTaken,
    DeviceEntered,
    DeviceLeft,
    GivenBack,
    LineInService,
    LineLost,
    LinesEntered,
    LinesLeft,
    LinksLost,
    LinksWanted,
    Opened,
    OpenedIn,
    OpenedOut,
    Resumed,
    Step,
    Suspended,
)
from cti_es.model.whereabouts import Whereabouts
from cti_es.vocabulary import events

DEFAULT_APP = "app"


class Recovery:
    """Applies events to a cluster. ``steps`` collects what was done until somebody takes it away."""

    def __init__(self, cluster: Cluster, book: Book) -> None:
        self.cluster = cluster
        self._book = book
        self._whereabouts = Whereabouts(cluster)
        self.steps: list[Step] = []
        self.version = 0
        self.handlers: dict[type[events.Event], Callable[[Any], None]] = {
            events.NodeAdded: self.node_added,
            events.DeviceAdded: self.device_added,
            events.DeviceOpened: self.device_opened,
            events.LineOpened: self.line_opened,
            events.DeviceClosed: self.device_closed,
            events.LineClosed: self.line_closed,
            events.NodeFailed: self.node_failed,
            events.NodeRecovered: self.node_recovered,
            events.OpenRefused: self.open_refused,
            events.OpenAllowed: self.open_allowed,
            events.CallStarted: self.call_started,
            events.CallEnded: self.call_ended,
            events.CtiManagerAdded: self.cti_manager_added,
            events.CtiManagerFailed: self.cti_manager_failed,
            events.CtiManagerRecovered: self.cti_manager_recovered,
            events.DeviceFailed: self.device_failed,
            events.DeviceRecovered: self.device_recovered,
            events.DeviceRemoved: self.device_removed,
            events.LinesChanged: self.lines_changed,
            events.CallConnected: self.call_connected,
            events.BehaviourSet: self.behaviour_set,
        }
        """Event type → what it does. Each raises :class:`Misfit` before it changes anything."""

    # What each event does (docs/reference/rules.md#what-each-event-does, docs/reference/tsp.md).

    def node_added(self, event: events.NodeAdded) -> None:
        """A new node, in service."""
        if event.node in self.cluster.nodes:
            raise Misfit("node_exists", f"node '{event.node}' exists already")
        self.cluster.nodes[event.node] = True

    def device_added(self, event: events.DeviceAdded) -> None:
        """A new device. A phone registers by itself; a port or route point waits to be opened."""
        if event.device in self.cluster.devices:
            raise Misfit("device_exists", f"device '{event.device}' exists already")
        lines = event.lines or ()
        once_each(lines)
        group = event.group if event.group is not None else self._whereabouts.all_nodes()
        self.cluster.known_nodes(event.group or ())
        if not group:
            raise Misfit("empty", f"no node in the group of '{event.device}'")
        device = Device(
            name=event.device,
            number=self.cluster.devices_added,
            kind=event.kind,
            group=group,
            lines=self._new_lines(lines),
            since=self.version,
        )
        self.cluster.devices[event.device] = device
        self.cluster.devices_added += 1
        self.steps.append(DeviceEntered(device.name, device.number, device.line_ids))
        if device.registers_itself:
            self._register(device)

    def device_removed(self, event: events.DeviceRemoved) -> None:
        """The device is gone, with its lines, its calls and every handle on it."""
        device = self.cluster.known_device(event.device)
        for call in list(device.legs):
            self._end_legs(call, [device])
        del self.cluster.devices[device.name]
        self._whereabouts.forget(device)
        self.steps.append(DeviceLeft(device.name, device.number, device.line_ids))

    def lines_changed(self, event: events.LinesChanged) -> None:
        """Lines leave the device, with every handle on them; then others join it, behind those that are left."""
        device = self.cluster.known_device(event.device)
        added, removed = event.added or (), event.removed or ()
        _check_lines(device, added, removed)
        if removed:
            left = [(name, device.lines.pop(name)) for name in device.in_order(removed)]
            device.handles -= sum(line.handles for _, line in left)
            self.steps.append(LinesLeft(device.name, {name: line.number for name, line in left}))
            self._unregister_if_free(device, "lines")
        if added:
            device.lines |= (lines := self._new_lines(added, device.state == "in_service"))
            self.steps.append(LinesEntered(device.name, {name: line.number for name, line in lines.items()}))

    def device_opened(self, event: events.DeviceOpened) -> None:
        """The application opens the phone device and lines; what it has open already stays as it is."""
        device = self.cluster.known_device(event.device)
        wanted = device.lines if event.lines is None else device.in_order(known_lines(device, event.lines))
        app = event.app or DEFAULT_APP
        held = self._book.held_on(device.name, app) or NOTHING
        phone = held.phone is None
        lines = tuple([line for line in wanted if line not in held.lines])
        if not phone and not lines:
            raise Misfit("already_open", f"application '{app}' has all of that open on '{event.device}' already")
        self._open(device, Opened(device.name, app, phone, lines, event.ext_version))

    def line_opened(self, event: events.LineOpened) -> None:
        """The application opens one line; no phone handle is needed."""
        device = self.cluster.known_device(event.device)
        line = known_line(device, event.line)
        app = event.app or DEFAULT_APP
        if self._book.handle(device.name, app, line):
            raise Misfit("already_open", f"application '{app}' has line '{line}' of '{event.device}' open already")
        self._open(device, Opened(device.name, app, False, (line,), event.ext_version))

    def device_closed(self, event: events.DeviceClosed) -> None:
        """The application gives back everything that it has on the device."""
        device = self.cluster.known_device(event.device)
        app = event.app or DEFAULT_APP
        phone, lines = self._held(device, app)
        if not phone and not lines:
            raise Misfit("not_open", f"application '{app}' has nothing open on '{event.device}'")
        self.give_back(device, app, phone, lines)

    def line_closed(self, event: events.LineClosed) -> None:
        """The application gives back one line handle."""
        device = self.cluster.known_device(event.device)
        line = known_line(device, event.line)
        app = event.app or DEFAULT_APP
        if not self._book.handle(device.name, app, line):
            raise Misfit("not_open", f"application '{app}' does not have line '{line}' of '{event.device}' open")
        self.give_back(device, app, phone=False, lines=(line,))

    def node_failed(self, event: events.NodeFailed) -> None:
        """The CTI Manager fails first, if it goes with the node; then the call processing.

        See docs/reference/tsp.md#a-node-with-its-cti-manager.
        """
        up, manager = self._of_node(event)
        if not up and not manager:
            raise Misfit("already_failed", f"node '{event.node}' has failed already")
        if manager:
            self._lose_links(event.node)
        if up:
            self._fail(event.node)
        if manager:
            self.steps.append(LinksWanted())

    def node_recovered(self, event: events.NodeRecovered) -> None:
        """The call processing is back first, then the CTI Manager, if it comes with it.

        See docs/reference/tsp.md#a-node-with-its-cti-manager.
        """
        up, manager = self._of_node(event)
        if up and manager is not False:
            raise Misfit("already_in_service", f"node '{event.node}' is in service already")
        if not up:
            self.cluster.nodes[event.node] = True
            for device in self._whereabouts.concerned(event.node):
                self.consider(device)
        if manager is False:
            self._offer_links(event.node)

    def cti_manager_added(self, event: events.CtiManagerAdded) -> None:
        """A CTI Manager, in service. Nobody can have been waiting for it."""
        self.cluster.known_node(event.node)
        if event.node in self.cluster.cti_managers:
            raise Misfit("cti_manager_exists", f"node '{event.node}' has a CTI Manager already")
        self.cluster.cti_managers[event.node] = True

    def cti_manager_failed(self, event: events.CtiManagerFailed) -> None:
        """The applications that were linked to it lose their links and look for another CTI Manager."""
        if not self.cluster.known_cti_manager(event.node):
            raise Misfit("already_failed", f"the CTI Manager of '{event.node}' has failed already")
        self._lose_links(event.node)
        self.steps.append(LinksWanted())

    def cti_manager_recovered(self, event: events.CtiManagerRecovered) -> None:
        """Applications without a link may take it."""
        if self.cluster.known_cti_manager(event.node):
            raise Misfit("already_in_service", f"the CTI Manager of '{event.node}' is in service already")
        self._offer_links(event.node)

    def device_failed(self, event: events.DeviceFailed) -> None:
        """The device itself is away: no node is best for it until it is back.

        See docs/reference/tsp.md#devices-that-are-away.
        """
        device = self.cluster.known_device(event.device)
        if device.away is not None:
            raise Misfit("already_away", f"'{event.device}' is away already ({device.away})")
        device.away = event.reason or "DeviceFailure"
        if device.state == "in_service":
            self.suspend(device, device.away)

    def device_recovered(self, event: events.DeviceRecovered) -> None:
        """The device is back; then it is considered."""
        device = self.cluster.known_device(event.device)
        if device.away is None:
            raise Misfit("not_away", f"'{event.device}' is not away")
        device.away = None
        self.consider(device)

    def behaviour_set(self, event: events.BehaviourSet) -> None:
        """The behaviours that are given change, the others stay; nothing else happens."""
        behaviours = self.cluster.behaviours
        given = {name: value for name in _BEHAVIOURS if (value := getattr(event, name)) is not None}
        if not given:
            raise Misfit("empty", f"none of {', '.join(_BEHAVIOURS)}")
        if all(getattr(behaviours, name) == value for name, value in given.items()):
            raise Misfit("unchanged", f"{' and '.join(given)}: that is so already")
        for name, value in given.items():
            setattr(behaviours, name, value)

    def open_refused(self, event: events.OpenRefused) -> None:
        """The refusals count from the next attempt on. What is open stays open; a line that is out may be closed."""
        device, target, nodes = self._refusals(event)
        target.refused_by += tuple(node for node in nodes if node not in target.refused_by)
        self.settle(device)

    def open_allowed(self, event: events.OpenAllowed) -> None:
        """The refusals are forgotten; then the device is considered."""
        device, target, nodes = self._refusals(event)
        target.refused_by = tuple(node for node in target.refused_by if node not in nodes)
        self.consider(device)

    def call_started(self, event: events.CallStarted) -> None:
        """A leg becomes active, in whatever state the device is."""
        device = self.cluster.known_device(event.device)
        if event.line is not None:
            known_line(device, event.line)
        if event.call in device.legs:
            raise Misfit("call_exists", f"call '{event.call}' has a leg on '{event.device}' already")
        self.cluster.calls.setdefault(event.call, {})[device.name] = None
        device.legs[event.call] = False

    def call_ended(self, event: events.CallEnded) -> None:
        """Legs are gone; devices that were waiting for the last one are considered."""
        devices = self._on_legs(event)
        self._end_legs(event.call, devices)
        for device in devices:
            if not device.legs:
                self.consider(device)

    def call_connected(self, event: events.CallConnected) -> None:
        """Legs have media now. Nothing asks for that but ``drop_calls_in_setup``."""
        devices = self._on_legs(event)
        if all(device.legs[event.call] for device in devices):
            raise Misfit("already_connected", f"call '{event.call}' has media there already")
        for device in devices:
            device.legs[event.call] = True

    def ordinary_calls(self, coming: Iterator[events.Event]) -> events.Event | None:
        """Take events as long as they are ordinary calls. Returns the first that is not, or None at the end.

        Nearly every event of a real log starts, connects or ends legs of a call, and nothing follows from it: no
        misfit, and no device that waited for the end. Those are taken here, many at a time, which saves a third of the
        time of a replay; everything else is left to the handlers. Nothing waits for the end of a leg that is not the
        last of its device, nor on a device that is not out of service and has no better node: what could be settled
        there was settled by the event that made it so.
        """
        devices, calls, on_leg = self.cluster.devices, self.cluster.calls, self._on_leg
        started, ended, media = events.CallStarted, events.CallEnded, events.CallConnected
        for event in coming:
            if type(event) is started:
                call, name, line = event.call, event.device, event.line
                device = devices.get(name)
                if device is None or call in device.legs or (line is not None and line not in device.lines):
                    return event
                device.legs[call] = False
                if call in calls:
                    calls[call][name] = None
                else:
                    calls[call] = {name: None}
            elif type(event) is ended:
                device = on_leg(event)
                if device is None or (device.home != device.group[0] and self._waits_for_end(device)):
                    return event
                legs = calls[event.call]
                del device.legs[event.call], legs[device.name]
                if not legs:
                    del calls[event.call]
            elif type(event) is media:
                device = on_leg(event)
                if device is None or device.legs[event.call]:
                    return event
                device.legs[event.call] = True
            else:
                return event
        return None

    # The steps (docs/reference/rules.md#steps).

    def suspend(self, device: Device, reason: Reason) -> None:
        """The device loses its home and is out of service, and so is every line that was in service."""
        home, lines = device.home, device.lines_in_service()
        self._move(device, "out_of_service", None, "suspend")
        for number in lines:
            device.lines[number].in_service = False
        self.steps.append(Suspended(device.name, home, lines, reason))

    def resume(self, device: Device, node: str) -> None:
        """The device is in service at ``node``, and so is every line that the node does not refuse."""
        self._serve(device, node, "resume")
        self.steps.append(Resumed(device.name, node, device.lines_in_service()))

    def attempt(self, device: Device) -> None:
        """Resume the device at its best node. If it has none although all nodes are up, close it. Else it waits.

        A phone is never closed, and one that waits for its calls is not attempted at all.
        """
        if self.cluster.waits_for_calls(device):
            return
        if (node := self.cluster.best(device)) is not None:
            self.resume(device, node)
        elif self.cluster.all_up(device) and not device.registers_itself:
            self.close(device)

    def close(self, device: Device) -> None:
        """Every handle on the device and its lines is gone."""
        device.handles = 0
        for line in device.lines.values():
            line.handles = 0
        self._unregister(device, "close")
        self.steps.append(Closed(device.name, tuple(device.lines)))

    def settle(self, device: Device, numbers: Iterable[str] | None = None) -> None:
        """On a device in service, lines that are out come in, or are closed where nothing can help them any more.

        ``numbers`` are the lines to look at, None: all. After an open it is enough to look at those just opened.
        """
        if device.state != "in_service":
            return
        closed = False
        for number in device.lines if numbers is None else numbers:
            line = device.lines[number]
            if line.in_service:
                continue
            if device.home not in line.refused_by:
                line.in_service = True
                self.steps.append(LineInService(device.name, number))
            elif line.handles and self._is_hopeless(device):
                device.handles -= line.handles
                line.handles = 0
                self.steps.append(LineLost(device.name, number))
                closed = True
        if closed:
            self._unregister_if_free(device, "settle")

    def consider(self, device: Device) -> None:
        """Attempt a device that is out of service; move one with a better node and no active call leg. Then settle."""
        if device.state == "out_of_service":
            self.attempt(device)
        elif device.home != device.group[0] and not device.legs and (node := self.cluster.better(device)):
            self.suspend(device, "ReHomeToHigherPriorityCM")
            self.resume(device, node)
        self.settle(device)

    # What steps and events share.

    def _is_hopeless(self, device: Device) -> bool:
        """Whether nothing can help a line that the home refuses: no move is due. Phones always wait.

        See docs/reference/rules.md#settle.
        """
        cluster = self.cluster
        return not device.registers_itself and cluster.all_up(device) and cluster.best(device) == device.home

    def _open(self, device: Device, opened: Opened) -> None:
        """Add the handles, register the device if nobody had it open, tell what is out of service at once."""
        app, phone, lines = opened.app, opened.phone, opened.lines
        device.handles += phone + len(lines)
        for number in lines:
            device.lines[number].handles += 1
        self.steps.append(opened)
        if device.state == "unregistered":
            self._register(device)
            if device.home is None and self.cluster.all_up(device):
                self.close(device)
        if device.state == "out_of_service":
            self.steps.append(OpenedOut(device.name, app, phone, lines, device.away or "NoCallManagerAvailable"))
        elif device.state == "in_service":
            out = tuple([number for number in lines if not device.lines[number].in_service])
            self.steps.append(OpenedIn(device.name, app, lines, out))
            if out:
                self.settle(device, out)

    def give_back(self, device: Device, app: str, phone: bool, lines: tuple[str, ...]) -> None:
        """Take these handles from an application that gives them back."""
        self._take(device, phone, lines, "give_back")
        self.steps.append(GivenBack(device.name, app, phone, lines))

    def give_back_all(self, app: str) -> None:
        """Take every handle from an application that gives back everything."""
        for device in self.cluster.named(self._book.devices.get(app, ())):
            self.give_back(device, app, *self._held(device, app))

    def take_refused_handles(self, device: Device, phone: bool, lines: tuple[str, ...]) -> None:
        """Take these handles from an application that reconnects, as the home refuses to open them again.

        See docs/reference/tsp.md#reconnect. This is no step: the TSP, which calls it, has told the application.
        """
        self._take(device, phone, lines, "reconnect")

    def withdraw(self, device: Device, app: str) -> None:
        """Take from an application all that it has open on a device, which its user may not control any more."""
        self._take(device, *self._held(device, app), "control")
        self.steps.append(ControlTaken(app, device.name, device.number, device.line_ids))

    def _held(self, device: Device, app: str) -> tuple[bool, tuple[str, ...]]:
        """What an application has open on a device: the phone device or not, and which lines."""
        held = self._book.held_on(device.name, app) or NOTHING
        return held.phone is not None, device.in_order(held.lines)

    def _take(self, device: Device, phone: bool, lines: tuple[str, ...], because: Because) -> None:
        device.handles -= phone + len(lines)
        for number in lines:
            device.lines[number].handles -= 1
        self._unregister_if_free(device, because)

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
        if not device.registers_itself and not device.handles and device.state != "unregistered":
            self._unregister(device, because)

    def _unregister(self, device: Device, because: Because) -> None:
        self._move(device, "unregistered", None, because)
        for line in device.lines.values():
            line.in_service = False

    def _move(self, device: Device, state: DeviceState, home: str | None, because: Because) -> None:
        self._whereabouts.move(device, home)
        device.state, device.home = state, home
        device.since, device.because = self.version, because

    # Nodes, lines and calls.

    def _of_node(self, event: events.NodeFailed | events.NodeRecovered) -> tuple[bool, bool | None]:
        """Whether the node and, if the event is about it, its CTI Manager are in service (None: it is not)."""
        up = self.cluster.known_node(event.node)
        return up, None if event.scope == "call_manager" else self.cluster.cti_managers.get(event.node)

    def _fail(self, node: str) -> None:
        """All devices of the node are suspended first (one failure, detected once), then each is attempted."""
        self.cluster.nodes[node] = False
        affected = self._whereabouts.at(node)
        if self.cluster.behaviours.drop_calls_in_setup:
            self._drop_calls_in_setup(affected)
        for device in affected:
            self.suspend(device, "CallManagerFailure")
        for device in affected:
            self.attempt(device)
            self.settle(device)

    def _new_lines(self, names: Iterable[str], in_service: bool = False) -> dict[str, Line]:
        """Lines that join the configuration, with the next TAPI device ids."""
        lines = {name: Line(number, in_service) for number, name in enumerate(names, self.cluster.lines_added)}
        self.cluster.lines_added += len(lines)
        return lines

    def _lose_links(self, node: str) -> None:
        self.cluster.cti_managers[node] = False
        self.steps.append(LinksLost(node))

    def _offer_links(self, node: str) -> None:
        self.cluster.cti_managers[node] = True
        self.steps.append(LinksWanted())

    def _drop_calls_in_setup(self, devices: Iterable[Device]) -> None:
        """The legs on these devices that have no media are gone, and nothing follows from it.

        See docs/reference/tsp.md#drop_calls_in_setup.
        """
        for device in devices:
            for call in [call for call, has_media in device.legs.items() if not has_media]:
                self._end_legs(call, [device])

    def _on_leg(self, event: events.CallEnded | events.CallConnected) -> Device | None:
        """The device of the leg that the event is about, if there is just one."""
        legs, name = self.cluster.calls.get(event.call, ()), event.device
        if name is None and len(legs) == 1:
            name = next(iter(legs))
        return self.cluster.devices[name] if name is not None and name in legs else None

    def _on_legs(self, event: events.CallEnded | events.CallConnected) -> list[Device]:
        """The devices on which the event's call has the legs that it is about, in order. Raises Misfit."""
        if device := self._on_leg(event):
            return [device]
        if event.device is None and event.call in self.cluster.calls:
            return self.cluster.named(self.cluster.calls[event.call])
        where = ""
        if event.device is not None:
            self.cluster.known_device(event.device)
            where = f" on '{event.device}'"
        raise Misfit("unknown_call", f"call '{event.call}' has no active leg{where}")

    def _waits_for_end(self, device: Device) -> bool:
        """Whether something would follow from the end of the last leg on a device that is not where it belongs."""
        return len(device.legs) == 1 and (device.state == "out_of_service" or self.cluster.better(device) is not None)

    def _end_legs(self, call: str, devices: Iterable[Device]) -> None:
        legs = self.cluster.calls[call]
        for device in devices:
            del legs[device.name], device.legs[call]
        if not legs:
            del self.cluster.calls[call]

    def _refusals(
        self, event: events.OpenRefused | events.OpenAllowed
    ) -> tuple[Device, Device | Line, tuple[str, ...]]:
        """The device, what the event is about (the device itself or a line of it), and the nodes that it names."""
        device = self.cluster.known_device(event.device)
        if event.line is not None:
            known_line(device, event.line)
        nodes = event.nodes if event.nodes is not None else device.group
        self.cluster.known_nodes(nodes)
        if not nodes:
            raise Misfit("empty", "no node in nodes")
        for node in nodes:
            if node not in device.group:
                raise Misfit(
                    "outside_group", f"node '{node}' is not in the group of '{event.device}'", node, device.group
                )
        return device, device if event.line is None else device.lines[event.line], nodes


_BEHAVIOURS = Behaviours.__struct_fields__


def _check_lines(device: Device, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
    """That these lines can join and leave the device. Raises :class:`Misfit`."""
    if not added and not removed:
        raise Misfit("empty", "no line in added or removed")
    once_each(added)
    once_each(removed)
    leaving = frozenset(removed)
    for name in added:
        if name in leaving:
            raise Misfit("repeated", f"line '{name}' is in added and in removed")
    for name in removed:
        known_line(device, name)
    for name in added:
        if name in device.lines:
            raise Misfit("line_exists", f"'{device.name}' has line '{name}' already")
