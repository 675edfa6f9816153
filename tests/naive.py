"""A second, deliberately naive implementation of recovery-rules.md.

It exists only to cross-check the real one: the tests fold the same events with both and compare the results. It
shares no code with ``cti_es`` and must never import it; an error made once there should not be repeated here.

Read it with recovery-rules.md in the other hand: the section numbers below are those of that page. There is no cache
and nothing clever: handles, call legs and refusals are flat lists, and every order is found by searching them.

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

IN = "in_service"
OUT = "out_of_service"
UNREGISTERED = "unregistered"

# §6: what a piece of news is called on the phone device (line is None) and on a line: message and param1_name.
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
MSG = {"PHONE_STATE": 18, "PHONE_CLOSE": 15, "LINE_LINEDEVSTATE": 8, "LINE_CLOSE": 3}
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
    None: 0,
}


@dataclass
class Result:
    """What a log folds to."""

    messages: list[dict[str, Any]]  # §6
    homes: list[dict[str, Any]]  # §7
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
    """§2: the event does not fit the state it meets."""


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
        self.legs: list[tuple[str, str]] = []  # active ones: (call, device)
        self.refusals: list[tuple[str, str | None, str]] = []  # (device, line or None, node)
        self.messages: list[dict[str, Any]] = []
        self.event: Event = {}  # the one being applied
        self.version = 0  # of that event

    def apply(self, version: int, event: Event) -> None:
        """§2: find what this type of event does; null is the same as left out."""
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
        }
        does[self.event["type"]](self.event)

    # ---- §1 things and their orders

    def apps(self) -> list[str]:
        """Applications in the order in which they first opened anything, closed since or not."""
        names: list[str] = []
        for handle in self.handles:
            if handle["app"] not in names:
                names.append(handle["app"])
        return names

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
        self.handles.append({"app": app, "device": d["device"], "line": line, "version": self.version, "open": True})

    def calls(self, d: Device) -> int:
        """How many active legs the device has."""
        return len([leg for leg in self.legs if leg[1] == d["device"]])

    # ---- §2 misfits: what several events check

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

    # ---- §3 state of a device

    def refuses(self, node: str, d: Device, line: str | None) -> bool:
        """Whether the node refuses the line, or the device itself if line is None: two separate sets."""
        return (d["device"], line, node) in self.refusals

    def best(self, d: Device) -> str | None:
        """The first node of the group that is in service and does not refuse the device."""
        for node in d["group"]:
            if self.nodes[node] and not self.refuses(node, d, None):
                return str(node)
        return None

    def all_up(self, d: Device) -> bool:
        """Every node of the group is in service."""
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

    # ---- §4 steps

    def suspend(self, d: Device, reason: str) -> None:
        lines = [line for line in d["lines"] if d["lines"][line] == IN]
        self.take_home_away(d, OUT)
        self.tell_everybody("suspend", d, lines, "out", reason)

    def resume(self, d: Device, node: str) -> None:
        self.register(d, node)
        lines = [line for line in d["lines"] if d["lines"][line] == IN]
        self.tell_everybody("resume", d, lines, "in", None)

    def attempt(self, d: Device) -> None:
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

    # ---- §5 what each event does

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
        }
        self.devices[event["device"]] = d
        self.phone_registers(d)

    def phone_registers(self, d: Device) -> None:
        """§3: a phone registers by itself, without a message."""
        if self.is_phone(d):
            self.register_or_wait(d)

    def register_or_wait(self, d: Device) -> None:
        best = self.best(d)
        if best is not None:
            self.register(d, best)
        else:
            self.take_home_away(d, OUT)

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
                self.tell("open", app, d, line, "out", "NoCallManagerAvailable")
        elif d["state"] == IN:
            for line in new:
                if line is not None and d["lines"][line] == OUT:
                    self.tell("open", app, d, line, "out", "Unknown")
            self.settle(d)

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
        node = event["node"]
        need(node in self.nodes)
        need(self.nodes[node])
        self.nodes[node] = False
        homeless = [d for d in self.devices.values() if d["home"] == node]
        for d in homeless:
            self.suspend(d, "CallManagerFailure")
        for d in homeless:
            self.attempt(d)
            self.settle(d)

    def node_recovered(self, event: Event) -> None:
        node = event["node"]
        need(node in self.nodes)
        need(not self.nodes[node])
        self.nodes[node] = True
        for d in self.devices.values():
            if node in d["group"]:
                self.consider(d)

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

    def call_ended(self, event: Event) -> None:
        ended = [leg for leg in self.legs if leg[0] == event["call"]]
        if "device" in event:
            self.known_device(event)
            ended = [leg for leg in ended if leg[1] == event["device"]]
        need(len(ended) > 0)
        self.legs = [leg for leg in self.legs if leg not in ended]
        for d in self.devices.values():
            if d["device"] in [leg[1] for leg in ended] and self.calls(d) == 0:
                self.consider(d)

    # ---- §6 messages

    def tell_everybody(self, step: str, d: Device, lines: list[str], news: str, reason: str | None) -> None:
        """§4: each application in order, first about the phone device, then about its lines in order."""
        for app in self.apps():
            self.tell(step, app, d, None, news, reason)
            for line in lines:
                self.tell(step, app, d, line, news, reason)

    def tell(self, step: str, app: str, d: Device, line: str | None, news: str, reason: str | None) -> None:
        """One message, if the application has the handle that it would be for."""
        handle = self.find_handle(app, d, line)
        if handle is None:
            return
        message, param1_name = (PHONE_NEWS if line is None else LINE_NEWS)[news]
        self.messages.append(
            {
                "seq": len(self.messages) + 1,
                "version": self.version,
                "at": self.event.get("at"),
                "app": app,
                "device": d["device"],
                "line": line,
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
        )

    # ---- §7 device homes

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
