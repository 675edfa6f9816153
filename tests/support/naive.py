"""A second, deliberately naive implementation of docs/reference/rules.md and docs/reference/tsp.md.

It exists only to cross-check the real one: the tests fold the same events with both and compare the results. It
shares no code with ``cti_es`` and must never import it; an error made once there should not be repeated here.

Read it with the two pages in the other hand: "rules.md#settle" and "tsp.md#reconnect" are places there. There is no
cache and nothing clever: handles, call legs and refusals are flat lists, and every order is found by searching them.

It takes events that are well formed. Malformed ones (unknown types or fields, empty names, bad times) are the business
of whoever reads the input; ``at`` is copied as it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]
Device = dict[str, Any]
Handle = dict[str, Any]
Provider = dict[str, Any]
Leg = tuple[str, str]

IN = "in_service"
OUT = "out_of_service"
UNREGISTERED = "unregistered"

# rules.md#messages: what a piece of news is called on the phone device (line is None) and on a line: message and param1_name.
PHONE_NEWS: dict[str, tuple[str, str | None]] = {
    "out": ("PHONE_STATE", "PHONESTATE_SUSPEND"),
    "in": ("PHONE_STATE", "PHONESTATE_RESUME"),
    "close": ("PHONE_CLOSE", None),
}
LINE_NEWS: dict[str, tuple[str, str | None]] = {
    "out": ("LINE_LINEDEVSTATE", "LINEDEVSTATE_OUTOFSERVICE"),
    "in": ("LINE_LINEDEVSTATE", "LINEDEVSTATE_INSERVICE"),
    "close": ("LINE_CLOSE", None),
}
MSG = {
    "PHONE_STATE": 18,
    "PHONE_CLOSE": 15,
    "LINE_LINEDEVSTATE": 8,
    "LINE_CLOSE": 3,
    # tsp.md#the-configuration
    "LINE_CREATE": 19,
    "PHONE_CREATE": 20,
    "LINE_REMOVE": 25,
    "PHONE_REMOVE": 26,
}
PARAM1: dict[str | None, int] = {
    "PHONESTATE_SUSPEND": 0x40000,
    "PHONESTATE_RESUME": 0x80000,
    "LINEDEVSTATE_INSERVICE": 0x40,
    "LINEDEVSTATE_OUTOFSERVICE": 0x80,
    None: 0,
}
PARAM2: dict[str | None, int] = {
    "Unknown": 0,
    "CallManagerFailure": 1,
    "ReHomeToHigherPriorityCM": 2,
    "NoCallManagerAvailable": 3,
    # docs/reference/tapi.md#reasons
    "DeviceFailure": 4,
    "DeviceUnregistered": 5,
    "EnergyWisePowerSavePlus": 6,
    "CtiLinkFailure": 0x101,
    None: 0,
}

# tsp.md#status-messages: which news each state is, on the phone device and on a line.
PHONE_STATES = {"SUSPEND": "out", "RESUME": "in"}
LINE_STATES = {"OUTOFSERVICE": "out", "INSERVICE": "in"}
# tsp.md#devices-that-are-away
DEVICE_REASONS = ["DeviceFailure", "DeviceUnregistered", "EnergyWisePowerSavePlus"]
# tsp.md#extension-versions: a handle opened with a version below this one is told no reason.
FIRST_VERSION_WITH_REASONS = 0x000B0000


@dataclass
class Result:
    """What a log folds to."""

    messages: list[dict[str, Any]]  # rules.md#messages
    homes: list[dict[str, Any]]  # rules.md#homes
    misfits: list[int]  # the versions of the events that were misfits


def fold(events: list[dict[str, Any]]) -> Result:
    """Replay a log: the first event is version 1."""
    world = World()
    misfits: list[int] = []
    for version, event in enumerate(events, start=1):
        try:
            world.apply(version, event)
        except Misfit:
            misfits.append(version)
    return Result(world.messages, world.homes(), misfits)


class Misfit(Exception):
    """The event does not fit the state it meets (rules.md#misfits)."""


def need(fits: bool) -> None:
    """Refuse the event unless this holds. Every need() of an event comes before its first change."""
    if not fits:
        raise Misfit


def distinct(members: list[str]) -> bool:
    """Whether a list repeats no member."""
    return all(members.count(member) == 1 for member in members)


class World:
    """Everything the log has said so far."""

    def __init__(self) -> None:
        self.nodes: dict[str, bool] = {}  # name -> in service, in the order added
        self.devices: dict[str, Device] = {}  # in the order added
        self.handles: list[Handle] = []  # in opening order; closed ones stay, with open = False
        self.openers: list[str] = []  # the applications, in the order in which they first opened anything
        self.legs: list[Leg] = []  # active ones: (call, device)
        self.refusals: list[tuple[str, str | None, str]] = []  # (device, line or None, node)
        # tsp.md#what-is-modelled:
        self.managers: dict[str, bool] = {}  # node of a CTI Manager -> in service
        self.providers: dict[str, Provider] = {}  # app -> its list of CTI Managers, its link or None, its queue
        self.withdrawn: list[tuple[str, str]] = []  # (app, device): tsp.md#what-a-user-may-control
        self.connected: list[Leg] = []  # those of the legs that have media
        self.behaviour = {"announce_open": False, "phones_wait_for_calls": False, "drop_calls_in_setup": False}
        self.devices_added = 0  # the TAPI id of the next device (tsp.md#the-configuration)
        self.lines_added = 0  # and of the next line
        self.messages: list[dict[str, Any]] = []
        self.event: Event = {}  # the one being applied
        self.version = 0  # of that event

    def apply(self, version: int, event: Event) -> None:
        """Find what this type of event does; null is the same as left out (rules.md#events)."""
        self.version = version
        self.event = {field: value for field, value in event.items() if value is not None}
        does: dict[str, Callable[[Event], None]] = {
            "node_added": self.node_added,
            "device_added": self.device_added,
            "device_opened": self.device_opened,
            "line_opened": self.line_opened,
            "device_closed": self.device_closed,
            "line_closed": self.line_closed,
            "node_failed": self.node_failed,
            "node_recovered": self.node_recovered,
            "open_refused": self.open_refused,
            "open_allowed": self.open_allowed,
            "call_started": self.call_started,
            "call_ended": self.call_ended,
            # tsp.md#events
            "cti_manager_added": self.cti_manager_added,
            "cti_manager_failed": self.cti_manager_failed,
            "cti_manager_recovered": self.cti_manager_recovered,
            "provider_opened": self.provider_opened,
            "provider_closed": self.provider_closed,
            "provider_link_lost": self.provider_link_lost,
            "provider_linked": self.provider_linked,
            "status_messages_set": self.status_messages_set,
            "device_failed": self.device_failed,
            "device_recovered": self.device_recovered,
            "device_removed": self.device_removed,
            "lines_changed": self.lines_changed,
            "control_withdrawn": self.control_withdrawn,
            "control_granted": self.control_granted,
            "call_connected": self.call_connected,
            "behaviour_set": self.behaviour_set,
        }
        does[self.event["type"]](self.event)

    # ---- rules.md#orders

    def apps(self) -> list[str]:
        """Applications in the order in which they first opened anything, closed since or not."""
        return self.openers

    def has_opened(self, app: str) -> None:
        """Opening a provider counts, too (rules.md#orders)."""
        if app not in self.openers:
            self.openers.append(app)

    def open_handles(self, d: Device) -> list[Handle]:
        """Every open handle on the device, whoever has it."""
        return [h for h in self.handles if h["open"] and h["device"] == d["device"]]

    def find_handle(self, app: str, d: Device, line: str | None) -> Handle | None:
        """The application's open handle on the line, or on the phone device if line is None."""
        for handle in self.open_handles(d):
            if handle["app"] == app and handle["line"] == line:
                return handle
        return None

    def add_handle(self, app: str, d: Device, line: str | None) -> None:
        """A handle is named by the version of the event that opened it."""
        self.has_opened(app)
        self.handles.append(
            {
                "app": app,
                "device": d["device"],
                "line": line,
                "version": self.version,
                "open": True,
                # tsp.md#what-is-modelled: a new handle starts at in, and wants all messages.
                "told": "in",
                "wants": ["in", "out"],
                "ext_version": self.event.get("ext_version"),
            }
        )

    def calls(self, d: Device) -> int:
        """How many active legs the device has."""
        return len([leg for leg in self.legs if leg[1] == d["device"]])

    # ---- rules.md#misfits: what several events check

    def known_device(self, event: Event) -> Device:
        """The event's device; its line, if it names one, must be known too."""
        need(event["device"] in self.devices)
        d = self.devices[event["device"]]
        need("line" not in event or event["line"] in d["lines"])
        return d

    def known_nodes(self, names: list[str]) -> None:
        """A group or a list of nodes: not empty, nothing twice, every one known."""
        need(len(names) > 0)
        need(distinct(names))
        need(all(name in self.nodes for name in names))

    # ---- rules.md#state-of-a-device

    def refuses(self, node: str, d: Device, line: str | None) -> bool:
        """Whether the node refuses the line, or the device itself if line is None: two separate sets."""
        return (d["device"], line, node) in self.refusals

    def best(self, d: Device) -> str | None:
        """The first node of the group that is in service and does not refuse the device; none for one that is away."""
        if d["away"] is not None:  # tsp.md#devices-that-are-away
            return None
        for node in d["group"]:
            if self.nodes[node] and not self.refuses(node, d, None):
                return str(node)
        return None

    def all_up(self, d: Device) -> bool:
        """Every node of the group is in service; never so for a device that is away, which alone must not close it."""
        if d["away"] is not None:  # tsp.md#devices-that-are-away
            return False
        return all(self.nodes[node] for node in d["group"])

    def better(self, d: Device) -> bool:
        """Re-homing is due: in service, and best stands before home in the group."""
        best = self.best(d)
        if d["state"] != IN or best is None:
            return False
        return bool(d["group"].index(best) < d["group"].index(d["home"]))

    def is_phone(self, d: Device) -> bool:
        return bool(d["kind"] == "phone")

    def register(self, d: Device, node: str) -> None:
        """In service at the node, and so is every line that the node does not refuse."""
        d["state"] = IN
        d["home"] = node
        for line in d["lines"]:
            if not self.refuses(node, d, line):
                d["lines"][line] = IN

    def take_home_away(self, d: Device, state: str) -> None:
        """Out of service or unregistered: no home, every line out of service."""
        d["state"] = state
        d["home"] = None
        for line in d["lines"]:
            d["lines"][line] = OUT

    def unregister_if_unused(self, d: Device) -> None:
        """A port or route point on which nobody has a handle is unregistered."""
        if not self.is_phone(d) and not self.open_handles(d):
            self.take_home_away(d, UNREGISTERED)

    # ---- rules.md#steps

    def suspend(self, d: Device, reason: str) -> None:
        lines = [line for line in d["lines"] if d["lines"][line] == IN]
        self.take_home_away(d, OUT)
        self.tell_everybody("suspend", d, lines, "out", reason)

    def resume(self, d: Device, node: str) -> None:
        self.register(d, node)
        lines = [line for line in d["lines"] if d["lines"][line] == IN]
        self.tell_everybody("resume", d, lines, "in", None)

    def attempt(self, d: Device) -> None:
        if self.behaviour["phones_wait_for_calls"] and self.is_phone(d) and self.calls(d) > 0:
            return  # tsp.md#phones_wait_for_calls
        best = self.best(d)
        if best is not None:
            self.resume(d, best)
        elif self.all_up(d) and not self.is_phone(d):
            self.close(d)

    def close(self, d: Device) -> None:
        self.tell_everybody("close", d, list(d["lines"]), "close", None)
        for handle in self.open_handles(d):
            handle["open"] = False
        self.take_home_away(d, UNREGISTERED)

    def settle(self, d: Device) -> None:
        if d["state"] != IN:
            return
        for line in d["lines"]:
            if d["lines"][line] == OUT:
                self.settle_line(d, line)
        self.unregister_if_unused(d)

    def settle_line(self, d: Device, line: str) -> None:
        """A line that is out of service: it comes back, or is closed, or waits."""
        if not self.refuses(d["home"], d, line):
            d["lines"][line] = IN
            for app in self.apps():
                self.tell("settle", app, d, line, "in", None)
        elif not self.is_phone(d) and self.all_up(d) and self.best(d) == d["home"]:
            self.settle_by_closing(d, line)

    def settle_by_closing(self, d: Device, line: str) -> None:
        for app in self.apps():
            handle = self.find_handle(app, d, line)
            if handle is not None:
                self.tell("settle", app, d, line, "close", None)
                handle["open"] = False

    def consider(self, d: Device) -> None:
        best = self.best(d)
        if d["state"] == OUT:
            self.attempt(d)
        elif best is not None and self.better(d) and self.calls(d) == 0:
            self.suspend(d, "ReHomeToHigherPriorityCM")
            self.resume(d, best)
        self.settle(d)

    # ---- rules.md#what-each-event-does

    def node_added(self, event: Event) -> None:
        need(event["node"] not in self.nodes)
        self.nodes[event["node"]] = True

    def device_added(self, event: Event) -> None:
        lines = event.get("lines", [])
        group = list(event.get("group", self.nodes))
        need(event["device"] not in self.devices)
        need(distinct(lines))
        self.known_nodes(group)
        d: Device = {
            "device": event["device"],
            "kind": event["kind"],
            "group": group,
            "state": UNREGISTERED,
            "home": None,
            "lines": dict.fromkeys(lines, OUT),  # in the configured order
            "away": None,  # the reason, while the device itself is away
            "id": None,  # its TAPI id (tsp.md#the-configuration)
            "line_ids": {},  # and those of its lines
        }
        self.devices[event["device"]] = d
        self.number(d)
        self.phone_registers(d)
        self.announce_creation(d)

    def phone_registers(self, d: Device) -> None:
        """A phone registers by itself, without a message (rules.md#device_added)."""
        if self.is_phone(d):
            self.register_or_wait(d)

    def register_or_wait(self, d: Device) -> None:
        best = self.best(d)
        if best is not None:
            self.register(d, best)
        else:
            self.take_home_away(d, OUT)

    def number(self, d: Device) -> None:
        """Devices and lines have numbers of their own, in the order added, never reused (tsp.md#the-configuration)."""
        d["id"] = self.devices_added
        self.devices_added += 1
        for line in d["lines"]:
            d["line_ids"][line] = self.lines_added
            self.lines_added += 1

    def device_opened(self, event: Event) -> None:
        d = self.known_device(event)
        listed = event.get("lines", list(d["lines"]))
        need(distinct(listed))
        need(all(line in d["lines"] for line in listed))
        self.opened(event, d, [None] + [line for line in d["lines"] if line in listed])

    def line_opened(self, event: Event) -> None:
        d = self.known_device(event)
        self.opened(event, d, [event["line"]])

    def opened(self, event: Event, d: Device, wanted: list[str | None]) -> None:
        """What is open already stays as it is; the rest is opened. None stands for the phone device."""
        app = event.get("app", "app")
        new = [line for line in wanted if self.find_handle(app, d, line) is None]
        need(len(new) > 0)
        need((app, d["device"]) not in self.withdrawn)  # tsp.md#what-a-user-may-control
        need(self.reachable(app))  # tsp.md#events: no opening with a provider but without a link
        for line in new:
            self.add_handle(app, d, line)
        if d["state"] == UNREGISTERED:
            self.first_attempt(d)
        self.tell_opener(app, d, new)

    def first_attempt(self, d: Device) -> None:
        """An unregistered device has been opened; that it worked needs no message."""
        if self.best(d) is None and self.all_up(d):
            self.close(d)
        else:
            self.register_or_wait(d)

    def tell_opener(self, app: str, d: Device, new: list[str | None]) -> None:
        """What opening tells at once; nothing if first_attempt has closed the device."""
        if d["state"] == OUT:
            for line in new:
                # tsp.md#devices-that-are-away: that reason, instead.
                self.tell("open", app, d, line, "out", d["away"] or "NoCallManagerAvailable")
        elif d["state"] == IN:
            for line in new:
                if line is not None:
                    self.tell_opened_line(app, d, line)
            self.settle(d)

    def tell_opened_line(self, app: str, d: Device, line: str) -> None:
        """A line that has just been opened on a device in service."""
        if d["lines"][line] == OUT:
            self.tell("open", app, d, line, "out", "Unknown")
        elif self.behaviour["announce_open"]:
            self.announce(app, d, line)

    def announce(self, app: str, d: Device, line: str) -> None:
        """Whatever the handle wants, and though told is in already: it is a new handle (tsp.md#announce_open)."""
        handle = self.find_handle(app, d, line)
        if handle is not None:
            self.post(self.message("announce", handle, "in", None))

    def device_closed(self, event: Event) -> None:
        d = self.known_device(event)
        app = event.get("app", "app")
        mine = [handle for handle in self.open_handles(d) if handle["app"] == app]
        need(len(mine) > 0)
        for handle in mine:
            handle["open"] = False
        self.unregister_if_unused(d)

    def line_closed(self, event: Event) -> None:
        d = self.known_device(event)
        handle = self.find_handle(event.get("app", "app"), d, event["line"])
        if handle is None:
            raise Misfit
        handle["open"] = False
        self.unregister_if_unused(d)

    def node_failed(self, event: Event) -> None:
        """Links are lost, then devices, then links are looked for (tsp.md#a-node-with-its-cti-manager)."""
        node = event["node"]
        need(node in self.nodes)
        processing = self.nodes[node]
        manager = self.takes_manager_along(event) and self.managers[node]
        need(processing or manager)
        if manager:
            self.managers[node] = False
            self.lose_links(node)
        if processing:
            self.call_processing_fails(node)
        self.reconnect()

    def call_processing_fails(self, node: str) -> None:
        """The base rule."""
        self.nodes[node] = False
        homeless = [d for d in self.devices.values() if d["home"] == node]
        self.drop_calls_in_setup(homeless)
        for d in homeless:
            self.suspend(d, "CallManagerFailure")
        for d in homeless:
            self.attempt(d)
            self.settle(d)

    def drop_calls_in_setup(self, homeless: list[Device]) -> None:
        """These legs are gone, and nothing is considered because of it (tsp.md#drop_calls_in_setup)."""
        if self.behaviour["drop_calls_in_setup"]:
            names = [d["device"] for d in homeless]
            self.forget_legs([leg for leg in self.legs if leg[1] in names and leg not in self.connected])

    def node_recovered(self, event: Event) -> None:
        """Devices first, then its CTI Manager (tsp.md#a-node-with-its-cti-manager)."""
        node = event["node"]
        need(node in self.nodes)
        processing = not self.nodes[node]
        manager = self.takes_manager_along(event) and not self.managers[node]
        need(processing or manager)
        if processing:
            self.call_processing_recovers(node)
        if manager:
            self.managers[node] = True
        self.reconnect()

    def call_processing_recovers(self, node: str) -> None:
        """The base rule."""
        self.nodes[node] = True
        for d in self.devices.values():
            if node in d["group"]:
                self.consider(d)

    def takes_manager_along(self, event: Event) -> bool:
        """Scope node, which is the default, means the CTI Manager on the node, too, if there is one."""
        return event.get("scope", "node") == "node" and event["node"] in self.managers

    def open_refused(self, event: Event) -> None:
        d = self.known_device(event)
        for refusal in self.meant_refusals(event, d):
            if refusal not in self.refusals:
                self.refusals.append(refusal)
        self.settle(d)

    def open_allowed(self, event: Event) -> None:
        d = self.known_device(event)
        for refusal in self.meant_refusals(event, d):
            if refusal in self.refusals:
                self.refusals.remove(refusal)
        self.consider(d)

    def meant_refusals(self, event: Event, d: Device) -> list[tuple[str, str | None, str]]:
        """What open_refused adds and open_allowed takes away; without line only the device's own set is meant."""
        nodes = event["nodes"] if "nodes" in event else d["group"]
        self.known_nodes(nodes)
        need(all(node in d["group"] for node in nodes))
        return [(d["device"], event.get("line"), node) for node in nodes]

    def call_started(self, event: Event) -> None:
        d = self.known_device(event)
        leg = (event["call"], d["device"])
        need(leg not in self.legs)
        self.legs.append(leg)

    def forget_legs(self, gone: list[Leg]) -> None:
        self.legs = [leg for leg in self.legs if leg not in gone]
        self.connected = [leg for leg in self.connected if leg not in gone]

    def call_ended(self, event: Event) -> None:
        ended = [leg for leg in self.legs if leg[0] == event["call"]]
        if "device" in event:
            self.known_device(event)
            ended = [leg for leg in ended if leg[1] == event["device"]]
        need(len(ended) > 0)
        self.forget_legs(ended)
        for d in self.devices.values():
            if d["device"] in [leg[1] for leg in ended] and self.calls(d) == 0:
                self.consider(d)

    # ---- tsp.md#events: what each further event does

    def cti_manager_added(self, event: Event) -> None:
        need(event["node"] in self.nodes)
        need(event["node"] not in self.managers)
        self.managers[event["node"]] = True

    def cti_manager_failed(self, event: Event) -> None:
        """What call processing on the node does is of no account (tsp.md#a-cti-manager-fails)."""
        node = event["node"]
        need(node in self.managers)
        need(self.managers[node])
        self.managers[node] = False
        self.lose_links(node)
        self.reconnect()

    def cti_manager_recovered(self, event: Event) -> None:
        """Who has no link may take it (tsp.md#reconnect)."""
        node = event["node"]
        need(node in self.managers)
        need(not self.managers[node])
        self.managers[node] = True
        self.reconnect()

    def provider_opened(self, event: Event) -> None:
        app = event["app"]
        managers = event["cti_managers"]
        need(1 <= len(managers) <= 3)
        need(distinct(managers))
        need(all(node in self.managers for node in managers))
        need(app not in self.providers)
        need(self.handles_of(app) == [])
        self.has_opened(app)
        self.providers[app] = {"managers": list(managers), "link": None, "queue": [], "adrift": False}
        self.providers[app]["link"] = self.first_manager(app)

    def provider_closed(self, event: Event) -> None:
        app = event["app"]
        need(app in self.providers)
        for handle in self.handles_of(app):
            handle["open"] = False
        del self.providers[app]  # and what was queued
        self.withdrawn = [one for one in self.withdrawn if one[0] != app]
        for d in self.devices.values():
            self.unregister_if_unused(d)

    def provider_link_lost(self, event: Event) -> None:
        """See tsp.md#an-applications-own-link."""
        need(event["app"] in self.providers)
        provider = self.providers[event["app"]]
        need(provider["link"] is not None)
        need(event.get("node", provider["link"]) == provider["link"])
        self.lose_link(event["app"])
        provider["adrift"] = True

    def provider_linked(self, event: Event) -> None:
        """See tsp.md#an-applications-own-link."""
        need(event["app"] in self.providers)
        provider = self.providers[event["app"]]
        need(event["node"] in provider["managers"])
        need(self.managers[event["node"]])
        need(event["node"] != provider["link"])
        if provider["link"] is not None:
            self.lose_link(event["app"])
        provider["link"] = event["node"]
        provider["adrift"] = False
        self.resynchronise(event["app"])

    def status_messages_set(self, event: Event) -> None:
        d = self.known_device(event)
        line = event.get("line")
        states = event["states"]
        allowed = PHONE_STATES if line is None else LINE_STATES
        need(distinct(states))
        need(all(state in allowed for state in states))
        handle = self.find_handle(event.get("app", "app"), d, line)
        if handle is None:
            raise Misfit
        wants = [allowed[state] for state in states]
        need(set(wants) != set(handle["wants"]))  # an event that finds nothing to change
        handle["wants"] = wants

    def device_failed(self, event: Event) -> None:
        """The device itself is away (tsp.md#devices-that-are-away)."""
        d = self.known_device(event)
        reason = event.get("reason", "DeviceFailure")
        need(reason in DEVICE_REASONS)
        need(d["away"] is None)
        d["away"] = reason
        if d["state"] == IN:
            self.suspend(d, reason)

    def device_recovered(self, event: Event) -> None:
        """The device itself is back, and is considered (tsp.md#devices-that-are-away)."""
        d = self.known_device(event)
        need(d["away"] is not None)
        d["away"] = None
        self.consider(d)

    def device_removed(self, event: Event) -> None:
        """Closes (lines first), then removals; nothing of the device stays (tsp.md#the-configuration)."""
        d = self.known_device(event)
        name = d["device"]
        for app in self.apps():
            for line in d["lines"]:
                self.tell("configure", app, d, line, "close", None)
            self.tell("configure", app, d, None, "close", None)
        for handle in self.open_handles(d):
            handle["open"] = False
        for app in self.controllers(d):
            for line in d["lines"]:
                self.configure(app, d, line, "LINE_REMOVE")
            self.configure(app, d, None, "PHONE_REMOVE")
        self.withdrawn = [one for one in self.withdrawn if one[1] != name]
        self.forget_legs([leg for leg in self.legs if leg[1] == name])
        self.refusals = [refusal for refusal in self.refusals if refusal[0] != name]
        del self.devices[name]

    def announce_creation(self, d: Device) -> None:
        """Whoever has a provider is told of it (tsp.md#the-configuration)."""
        for app in self.controllers(d):
            self.configure(app, d, None, "PHONE_CREATE")
            for line in d["lines"]:
                self.configure(app, d, line, "LINE_CREATE")

    def controllers(self, d: Device) -> list[str]:
        """The applications with a provider that may control the device (tsp.md#what-a-user-may-control)."""
        return [app for app in self.apps() if app in self.providers and (app, d["device"]) not in self.withdrawn]

    def lines_changed(self, event: Event) -> None:
        """See tsp.md#lines-that-come-and-go."""
        d = self.known_device(event)
        added = event.get("added", [])
        removed = event.get("removed", [])
        need(added + removed != [])
        need(distinct(added + removed))
        need(all(line in d["lines"] for line in removed))
        need(not any(line in d["lines"] for line in added))
        self.lines_leave(d, [line for line in d["lines"] if line in removed])
        self.lines_join(d, added)

    def lines_leave(self, d: Device, lines: list[str]) -> None:
        """See tsp.md#lines-that-come-and-go: closes, then removals; call legs stay, as they are on the device."""
        for app in self.apps():
            for line in lines:
                self.close_handle("configure", app, d, line)
        for app in self.controllers(d):
            for line in lines:
                self.configure(app, d, line, "LINE_REMOVE")
        for line in lines:
            del d["lines"][line]
            del d["line_ids"][line]
        self.refusals = [one for one in self.refusals if one[0] != d["device"] or one[1] not in lines]
        self.unregister_if_unused(d)

    def lines_join(self, d: Device, lines: list[str]) -> None:
        """See tsp.md#lines-that-come-and-go: behind those that are left; nothing else follows."""
        for line in lines:
            d["lines"][line] = IN if d["state"] == IN else OUT
            d["line_ids"][line] = self.lines_added
            self.lines_added += 1
        for app in self.controllers(d):
            for line in lines:
                self.configure(app, d, line, "LINE_CREATE")

    def control_withdrawn(self, event: Event) -> None:
        """See tsp.md#what-a-user-may-control."""
        app = event["app"]
        need(app in self.providers)
        d = self.known_device(event)
        need((app, d["device"]) not in self.withdrawn)
        for line in [*d["lines"], None]:
            self.close_handle("configure", app, d, line)
        for line in d["lines"]:
            self.configure(app, d, line, "LINE_REMOVE")
        self.configure(app, d, None, "PHONE_REMOVE")
        self.withdrawn.append((app, d["device"]))
        self.unregister_if_unused(d)

    def control_granted(self, event: Event) -> None:
        """See tsp.md#what-a-user-may-control."""
        app = event["app"]
        need(app in self.providers)
        d = self.known_device(event)
        need((app, d["device"]) in self.withdrawn)
        self.withdrawn.remove((app, d["device"]))
        self.configure(app, d, None, "PHONE_CREATE")
        for line in d["lines"]:
            self.configure(app, d, line, "LINE_CREATE")

    def call_connected(self, event: Event) -> None:
        meant = [leg for leg in self.legs if leg[0] == event["call"]]
        if "device" in event:
            self.known_device(event)
            meant = [leg for leg in meant if leg[1] == event["device"]]
        new = [leg for leg in meant if leg not in self.connected]
        need(len(new) > 0)
        self.connected = self.connected + new

    def behaviour_set(self, event: Event) -> None:
        given = {name: event[name] for name in self.behaviour if name in event}
        need(given != {})
        need(any(self.behaviour[name] != value for name, value in given.items()))  # finds nothing to change
        self.behaviour.update(given)

    # ---- tsp.md#a-cti-manager-fails: providers and links

    def handles_of(self, app: str) -> list[Handle]:
        """Every open handle of the application."""
        return [h for h in self.handles if h["open"] and h["app"] == app]

    def reachable(self, app: str) -> bool:
        """Without a provider always; with one while it has a link."""
        return app not in self.providers or self.providers[app]["link"] is not None

    def first_manager(self, app: str) -> str | None:
        """The first CTI Manager of the application's list that is in service."""
        for node in self.providers[app]["managers"]:
            if self.managers[node]:
                return str(node)
        return None

    def lose_links(self, node: str) -> None:
        """Application by application, device by device (tsp.md#link-lost)."""
        for app in self.apps():
            if app in self.providers and self.providers[app]["link"] == node:
                self.lose_link(app)

    def lose_link(self, app: str) -> None:
        """One application, device by device (tsp.md#link-lost)."""
        self.providers[app]["link"] = None
        for d in self.devices.values():
            self.lose_device(app, d)

    def lose_device(self, app: str, d: Device) -> None:
        """One device: the phone handle, then the lines; told decides, and becomes out."""
        for line in [None, *d["lines"]]:
            handle = self.find_handle(app, d, line)
            if handle is not None:
                self.tell_state("link_lost", handle, "out", "CtiLinkFailure")

    def reconnect(self) -> None:
        """Whoever has a provider and no link takes the first CTI Manager in service (tsp.md#reconnect)."""
        for app in self.apps():
            if app not in self.providers or self.providers[app]["adrift"]:  # adrift: tsp.md#an-applications-own-link
                continue
            if self.providers[app]["link"] is None:
                self.providers[app]["link"] = self.first_manager(app)
                if self.providers[app]["link"] is not None:
                    self.resynchronise(app)

    def resynchronise(self, app: str) -> None:
        """The queue, then device by device."""
        queue = self.providers[app]["queue"]
        self.providers[app]["queue"] = []
        for message in queue:
            self.deliver(message)
        for d in self.devices.values():
            if d["state"] == IN:
                self.resynchronise_device(app, d)
                self.unregister_if_unused(d)

    def resynchronise_device(self, app: str, d: Device) -> None:
        """One device that is in service; a phone is never closed, nor are its lines."""
        if self.refuses(d["home"], d, None) and not self.is_phone(d):
            for line in [None, *d["lines"]]:
                self.close_handle("reconnect", app, d, line)
            return
        self.tell("reconnect", app, d, None, "in", None)
        for line in d["lines"]:
            if d["lines"][line] == IN:
                if self.refuses(d["home"], d, line) and not self.is_phone(d):
                    self.close_handle("reconnect", app, d, line)
                else:
                    self.tell("reconnect", app, d, line, "in", None)

    def close_handle(self, step: str, app: str, d: Device, line: str | None) -> None:
        """One handle is closed, if the application has it."""
        handle = self.find_handle(app, d, line)
        if handle is not None:
            self.tell(step, app, d, line, "close", None)
            handle["open"] = False

    # ---- rules.md#messages

    def tell_everybody(self, step: str, d: Device, lines: list[str], news: str, reason: str | None) -> None:
        """Each application in order, first about the phone device, then about its lines in order."""
        for app in self.apps():
            self.tell(step, app, d, None, news, reason)
            for line in lines:
                self.tell(step, app, d, line, news, reason)

    def tell(self, step: str, app: str, d: Device, line: str | None, news: str, reason: str | None) -> None:
        """One message, if the application has the handle that it would be for (tsp.md#when-a-message-is-sent)."""
        handle = self.find_handle(app, d, line)
        if handle is None:
            return
        if news == "close":
            self.post(self.message(step, handle, news, None))
        elif self.reachable(app):
            self.tell_state(step, handle, news, reason)

    def tell_state(self, step: str, handle: Handle, news: str, reason: str | None) -> None:
        """A state message (tsp.md#when-a-message-is-sent); losing a link does not ask whether the application has one."""
        if handle["told"] == news:
            return
        handle["told"] = news
        if news in handle["wants"]:
            self.deliver(self.message(step, handle, news, reason if self.wants_reasons(handle) else None))

    def wants_reasons(self, handle: Handle) -> bool:
        """Without a version, too; the top bit of a version does not count (tsp.md#extension-versions)."""
        version = handle["ext_version"]
        return version is None or version % 0x80000000 >= FIRST_VERSION_WITH_REASONS

    def message(self, step: str, handle: Handle, news: str, reason: str | None) -> dict[str, Any]:
        """A message for a handle, but for its first three fields, which deliver() gives it."""
        message, param1_name = (PHONE_NEWS if handle["line"] is None else LINE_NEWS)[news]
        return {
            "app": handle["app"],
            "device": handle["device"],
            "line": handle["line"],
            "handle": handle["version"],
            "message": message,
            "msg": MSG[message],
            "param1_name": param1_name,
            "param1": PARAM1[param1_name],
            "param2_name": reason,
            "param2": PARAM2[reason],
            "param3": 0,
            "rule": self.event["type"] + "/" + step,
        }

    def configure(self, app: str, d: Device, line: str | None, message: str) -> None:
        """One of the four messages that are for no handle; parameter 1 is the TAPI id."""
        self.post(
            {
                "app": app,
                "device": d["device"],
                "line": line,
                "handle": None,
                "message": message,
                "msg": MSG[message],
                "param1_name": None,
                "param1": d["id"] if line is None else d["line_ids"][line],
                "param2_name": None,
                "param2": 0,
                "param3": 0,
                "rule": self.event["type"] + "/configure",
            }
        )

    def post(self, message: dict[str, Any]) -> None:
        """What always goes waits, for an application without a link, in its queue (tsp.md#what-waits)."""
        if self.reachable(message["app"]):
            self.deliver(message)
        else:
            self.providers[message["app"]]["queue"].append(message)

    def deliver(self, message: dict[str, Any]) -> None:
        """Version and at are those of the event that delivers it; rule is of the one that produced it."""
        first = {"seq": len(self.messages) + 1, "version": self.version, "at": self.event.get("at")}
        self.messages.append(first | message)

    # ---- rules.md#homes

    def homes(self) -> list[dict[str, Any]]:
        """One per device, in the order added."""
        return [self.home(d) for d in self.devices.values()]

    def home(self, d: Device) -> dict[str, Any]:
        return {
            "device": d["device"],
            "kind": d["kind"],
            "state": d["state"],
            "home": d["home"],
            "original": d["group"][0],
            "calls": self.calls(d),
            "rehome_to": self.best(d) if self.better(d) else None,
            "lines": dict(d["lines"]),
        }
