"""The state of the cluster (nodes, devices, lines, calls), what the rules ask of it, and :class:`Misfit`.

Specified in docs/reference/rules.md#state-of-a-device and docs/reference/tsp.md.

All of it is plain data that can be encoded, restored and compared. Orders matter: devices stand in the order in which
they were added, lines in that of their device. ``recovery`` changes it, everybody else only looks. A cluster has many
devices and lines, so they are encoded without the names of their fields (``array_like``) and hold nothing that Python's
garbage collector has to look through: no list, and no cycle (``gc=False``).
"""

from collections.abc import Iterable
from copy import copy
from operator import attrgetter
from typing import Literal

import msgspec

from cti_es.vocabulary import events

PHONE = "phone"

Reason = (
    Literal["Unknown", "CallManagerFailure", "ReHomeToHigherPriorityCM", "NoCallManagerAvailable", "CtiLinkFailure"]
    | events.AwayReason
)
DeviceState = Literal["unregistered", "in_service", "out_of_service"]
Because = Literal[
    "added", "register", "wait", "suspend", "resume", "close", "settle", "give_back", "reconnect", "lines", "control"
]
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
    "unknown_cti_manager",
    "cti_manager_exists",
    "too_many",
    "has_provider",
    "has_handles",
    "no_provider",
    "no_link",
    "wrong_state",
    "already_away",
    "not_away",
    "already_connected",
    "unchanged",
    "other_link",
    "outside_list",
    "not_in_service",
    "already_linked",
    "line_exists",
    "not_controlled",
    "controlled",
]


class Misfit(Exception):
    """An event that does not fit the state it meets (docs/reference/rules.md#misfits). The state is as it was.

    ``code`` is from the closed list :data:`MisfitCode`; ``reason`` says it in words; ``found`` and ``known`` are the
    name that was not there and those that are, for a suggestion.
    """

    def __init__(self, code: MisfitCode, reason: str, found: str = "", known: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.found = found
        self.known = known


class Line(msgspec.Struct, array_like=True, gc=False):
    """A line of a device: whether it is in service, the nodes that refuse it, how many applications have it open.

    ``number`` is its TAPI device id: all lines of a log are numbered 0, 1, 2 … in the order in which they were added.
    The devices are numbered likewise, apart from the lines.
    """

    number: int
    in_service: bool = False
    refused_by: tuple[str, ...] = ()
    handles: int = 0


class Device(msgspec.Struct, array_like=True, gc=False):
    """A device: its name and configuration, then its state.

    ``number`` is its TAPI device id (docs/reference/tsp.md#the-configuration); ``refused_by`` are the nodes that refuse
    it; ``handles`` counts what applications have open, the device itself and its lines; who has what open stands in
    the book. ``legs`` are the calls with an active leg on it: call → whether that leg has media. ``away`` is why the
    device itself is away, or None. ``since`` is the version of the event that last changed ``state`` or ``home``,
    ``because`` what changed it; no rule reads these two, ``explain`` does.
    """

    name: str
    number: int
    kind: events.Kind
    group: tuple[str, ...]
    lines: dict[str, Line]
    state: DeviceState = "unregistered"
    home: str | None = None
    refused_by: tuple[str, ...] = ()
    handles: int = 0
    legs: dict[str, bool] = {}
    away: events.AwayReason | None = None
    since: int = 0
    because: Because = "added"

    @property
    def registers_itself(self) -> bool:
        """Whether it is a phone. Ports and route points are registered only while an application has them open."""
        return self.kind == PHONE

    @property
    def calls(self) -> int:
        """How many call legs are active on it."""
        return len(self.legs)

    @property
    def is_settled(self) -> bool:
        """Whether it is in service where it belongs, with all its lines, or unregistered: no node could help it."""
        if self.state == "in_service":
            return self.home == self.group[0] and all(line.in_service for line in self.lines.values())
        return self.state == "unregistered"

    @property
    def line_ids(self) -> dict[str, int]:
        """Its lines in order, each with its TAPI device id."""
        return {name: line.number for name, line in self.lines.items()}

    def lines_in_service(self) -> tuple[str, ...]:
        """The numbers of its lines that are in service, in order."""
        return tuple([number for number, line in self.lines.items() if line.in_service])

    def in_order(self, lines: Iterable[str]) -> tuple[str, ...]:
        """Some of its lines, in the order in which it has them."""
        return tuple(sorted(lines, key=lambda line: self.lines[line].number))

    def copied(self) -> "Device":
        """A device of its own that is as this one is now."""
        found = copy(self)
        found.lines = {number: copy(line) for number, line in self.lines.items()}
        found.legs = dict(self.legs)
        return found


class Behaviours(msgspec.Struct):
    """What ``behaviour_set`` switches on and off (docs/reference/tsp.md#events)."""

    announce_open: bool = False
    phones_wait_for_calls: bool = False
    drop_calls_in_setup: bool = False


class Cluster(msgspec.Struct):
    """The whole cluster.

    ``nodes``: node → whether its call processing is in service; ``cti_managers``: node → whether its CTI Manager is.
    ``calls``: call → the devices on which it has a leg, in the order in which the legs began (as keys).
    ``devices_added`` and ``lines_added`` count what was ever added, so that no TAPI device id is given twice.
    """

    nodes: dict[str, bool] = {}
    devices: dict[str, Device] = {}
    calls: dict[str, dict[str, None]] = {}
    cti_managers: dict[str, bool] = {}
    behaviours: Behaviours = msgspec.field(default_factory=Behaviours)
    devices_added: int = 0
    lines_added: int = 0

    # What the rules ask (docs/reference/rules.md#best).

    def best(self, device: Device) -> str | None:
        """The first node of the device's group that is in service and does not refuse it; none while it is away."""
        if device.away is not None:
            return None
        for node in device.group:
            if self.nodes[node] and node not in device.refused_by:
                return node
        return None

    def all_up(self, device: Device) -> bool:
        """Whether every node of the device's group is in service, and the device is not away."""
        return device.away is None and all(self.nodes[node] for node in device.group)

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

    def waits_for_calls(self, device: Device) -> bool:
        """Whether the device is a phone that is not attempted because a call leg is active on it.

        See docs/reference/tsp.md#phones_wait_for_calls.
        """
        return device.registers_itself and bool(device.legs) and self.behaviours.phones_wait_for_calls

    # What an event needs to find. Each raises :class:`Misfit`.

    def known_node(self, name: str) -> bool:
        """Whether the node is in service. Raises :class:`Misfit` if there is no such node."""
        if name not in self.nodes:
            raise _unknown("unknown_node", "node", name, self.nodes)
        return self.nodes[name]

    def known_nodes(self, names: tuple[str, ...]) -> None:
        """Raise :class:`Misfit` unless there are such nodes, each named once."""
        for name in names:
            self.known_node(name)
        once_each(names)

    def known_cti_manager(self, name: str) -> bool:
        """Whether the CTI Manager on that node is in service. Raises :class:`Misfit` if the node has none."""
        if name not in self.cti_managers:
            raise _unknown("unknown_cti_manager", "CTI Manager", name, self.cti_managers)
        return self.cti_managers[name]

    def known_device(self, name: str) -> Device:
        """The device of that name. Raises :class:`Misfit` if there is none."""
        if name not in self.devices:
            raise _unknown("unknown_device", "device", name, self.devices)
        return self.devices[name]

    def copied(self, names: Iterable[str]) -> "Cluster":
        """A cluster of its own that is as this one is now, but shares with it all devices except those named."""
        found = copy(self)
        found.nodes, found.cti_managers = dict(self.nodes), dict(self.cti_managers)
        found.calls = {call: dict(legs) for call, legs in self.calls.items()}
        found.behaviours = copy(self.behaviours)
        found.devices = self.devices | {name: self.devices[name].copied() for name in names}
        return found

    def named(self, names: Iterable[str]) -> list[Device]:
        """The devices of these names, in the order in which they were added."""
        return in_order(self.devices[name] for name in names)


def in_order(devices: Iterable[Device]) -> list[Device]:
    """Devices in the order in which they were added."""
    return sorted(devices, key=attrgetter("number"))


def known_line(device: Device, number: str) -> str:
    """The line's number. Raises :class:`Misfit` if the device has no such line."""
    if number not in device.lines:
        raise Misfit("unknown_line", f"unknown line '{number}' of '{device.name}'", number, device.lines)
    return number


def known_lines(device: Device, numbers: tuple[str, ...]) -> tuple[str, ...]:
    """The lines' numbers, if the device has such lines, each named once. Raises :class:`Misfit`."""
    for number in numbers:
        known_line(device, number)
    once_each(numbers)
    return numbers


def once_each(names: tuple[str, ...]) -> None:
    """Raise :class:`Misfit` if a name stands twice in a list."""
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise Misfit("repeated", f"'{name}' stands twice in a list")
        seen.add(name)


def _unknown(code: MisfitCode, what: str, name: str, known: Iterable[str]) -> Misfit:
    return Misfit(code, f"unknown {what} '{name}'", name, known)
