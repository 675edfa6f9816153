"""How the time of what a log can hold many of grows: n, 2n and 4n of each, in processor time, the worst one first.

    python tests/benchmarks/growth.py [--size 1000] [--only WORD]

The exponent is that of the last doubling: 1 is linear, 1.1 is n log n, 2 is the square. Whole commands are looked at by
``tests/campaigns/growth.py``, which counts lines of Python run; this sees what a function of C does for many, too.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from itertools import chain
from math import log2
from typing import Any

import cti_es
from cti_es.logs.append import AppendOptions, append
from cti_es.logs.ndjson import read_events
from cti_es.logs.store.memory import MemoryStore
from cti_es.model.replay import Replay
from cti_es.vocabulary.events import decode_events
from cti_es.vocabulary.tapi import Message

ROW = 4_000
ROUNDS = 3
BIT = 7
"""So many bytes at a time come through a slow pipe."""

Json = dict[str, Any]
Work = Callable[[], object]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000)
    parser.add_argument("--only", default="", help="what has this word in its name")
    options = parser.parse_args()
    rows = []
    for name, prepare in WORKS.items():
        if options.only in name:
            times = [seconds(prepare(options.size * times)) for times in (1, 2, 4)]
            rows.append((log2(times[2] / times[1]), name, times))
    print("| many of | n | 2n | 4n | exponent |\n|---|---|---|---|---|")
    for exponent, name, times in sorted(rows, reverse=True):
        print(f"| {name} | {' | '.join(f'{one * 1000:,.1f} ms' for one in times)} | {exponent:.1f} |")


def seconds(work: Work) -> float:
    """Processor time of some work, the least of some rounds."""
    found = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


# --- logs -------------------------------------------------------------------------------------------------------------

SITE = [{"type": "node_added", "node": node} for node in ("cm1", "cm2")]
MANAGER = [*SITE, {"type": "cti_manager_added", "node": "cm1"}]
OPENED = {"type": "device_opened", "device": "P"}


def each(event_type: str, many: Iterable[object], field: str, **fields: object) -> list[Json]:
    """An event for each of many things, which stands in this field."""
    return [{"type": event_type, field: one, **fields} for one in many]


def port(*lines: str, device: str = "P", **fields: object) -> Json:
    """A CTI port."""
    return {"type": "device_added", "device": device, "kind": "cti_port", "lines": list(lines), **fields}


def names(many: int, prefix: str) -> list[str]:
    """So many names."""
    return [f"{prefix}{number}" for number in range(many)]


def lines(many: int) -> list[Json]:
    """Lines of one device, opened and closed one by one, and taken away one by one."""
    numbers = names(many, "")
    opens, closes = (each(f"line_{what}", numbers, "line", device="P") for what in ("opened", "closed"))
    return [
        *SITE,
        port(*numbers),
        *opens,
        *closes,
        *each("lines_changed", [[one] for one in numbers], "removed", device="P"),
    ]


def applications(many: int) -> list[Json]:
    """Applications that open and close one device."""
    opens, closes = (each(f"device_{what}", names(many, "app"), "app", device="P") for what in ("opened", "closed"))
    return [*SITE, port("1"), *opens, {"type": "node_failed", "node": "cm1"}, *closes]


def providers(many: int) -> list[Json]:
    """Applications with a provider and a device each, which lose their connections and log in again."""
    devices, apps = names(many, "P"), names(many, "app")
    opens = [OPENED | {"device": device, "app": app} for device, app in zip(devices, apps, strict=True)]
    links = [*each("provider_link_lost", apps, "app"), *each("provider_linked", apps, "app", node="cm1")]
    added = [port(device=device) for device in devices]
    return [
        *MANAGER, *added, *each("provider_opened", apps, "app", cti_managers=["cm1"]), *opens, *links,
        *each("provider_closed", apps, "app"),
    ]  # fmt: skip


def nodes_of_a_group(many: int) -> list[Json]:
    """Nodes of one device's group, which fail one by one and return in the other order."""
    group = names(many, "n")
    outages = [*each("node_failed", group, "node"), *each("node_recovered", group[::-1], "node")]
    return [*each("node_added", group, "node"), port("1", group=group), OPENED, *outages]


def nodes(many: int) -> list[Json]:
    """Nodes that fail and return and serve nobody, beside as many devices, and devices that all nodes may serve."""
    idle = names(many, "n")
    added = [port(device=device, group=["cm1"]) for device in names(many, "P")]
    opens = [OPENED | {"device": device} for device in names(many, "P")]
    outages = [*each("node_failed", idle, "node"), *each("node_recovered", idle, "node")]
    return [*SITE, *each("node_added", idle, "node"), *added, *opens, *outages]


def devices_without_a_group(many: int) -> list[Json]:
    """Devices that all of as many nodes may serve, as no group is given."""
    return [
        *each("node_added", names(many, "n"), "node"),
        *each("device_added", names(many, "P"), "device", kind="cti_port"),
    ]


def removed(many: int) -> list[Json]:
    """Devices that are removed while another one has many calls, and then that one."""
    added = each("device_added", names(many, "Q"), "device", kind="cti_port")
    gone = each("device_removed", [*names(many, "Q"), "P"], "device")
    return [*SITE, port(), *added, *each("call_started", names(many, "c"), "call", device="P"), *gone]


def legs(many: int) -> list[Json]:
    """Legs of one call, which connect and end one by one."""
    parts = [each(f"call_{what}", names(many, "P"), "device", call="c") for what in ("started", "connected", "ended")]
    return [*SITE, *each("device_added", names(many, "P"), "device", kind="cti_port"), *chain(*parts)]


def calls_in_setup(many: int) -> list[Json]:
    """Calls in setup on a device elsewhere, while a node without it fails again and again."""
    added = [port(), port(device="Q", group=["cm2"]), OPENED, OPENED | {"device": "Q"}]
    turns = [{"type": ("node_failed", "node_recovered")[turn % 2], "node": "cm1"} for turn in range(many)]
    calls = each("call_started", names(many, "c"), "call", device="Q")
    return [*SITE, {"type": "behaviour_set", "drop_calls_in_setup": True}, *added, *calls, *turns]


def withdrawn(many: int) -> list[Json]:
    """Devices that leave what a user may control, and join it again."""
    devices = names(many, "P")
    changes = [
        *each("control_withdrawn", devices, "device", app="a"),
        *each("control_granted", devices, "device", app="a"),
    ]
    provider = {"type": "provider_opened", "app": "a", "cti_managers": ["cm1"]}
    return [*MANAGER, *each("device_added", devices, "device", kind="cti_port"), provider, *changes]


def reopened(many: int) -> list[Json]:
    """Second handles: a device that is opened, closed and opened again, and told something each time."""
    turn = [OPENED, *each("node_failed", ["cm1"], "node"), *each("node_recovered", ["cm1"], "node")]
    return [*SITE, port("1"), *[*turn, {"type": "device_closed", "device": "P"}] * many]


def misfits(many: int) -> list[Json]:
    """Events about as many devices that are not there."""
    added = each("device_added", names(many, "P"), "device", kind="cti_port")
    return [*SITE, *added, *each("device_opened", names(many, "Q"), "device")]


# --- what is done with them -------------------------------------------------------------------------------------------


def replayed(events: list[Json]) -> Work:
    """A replay of a log."""
    rows = [decode_events(json.dumps(events[start : start + ROW]).encode()) for start in range(0, len(events), ROW)]

    def work() -> None:
        replay = Replay()
        for row in rows:
            replay.advance(row)

    return work


class Pipe(BytesIO):
    """A pipe that gives a few bytes at a time."""

    def read1(self, size: int | None = -1, /) -> bytes:
        """The next few bytes."""
        return self.read(BIT)


def appended(events: list[Json], stream: Callable[[bytes], BytesIO] = BytesIO) -> Work:
    """An append of a log, misfits allowed."""
    text = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    options = AppendOptions(allow_misfits=True)
    return lambda: append(MemoryStore(), "default", read_events(stream(text), "log"), options)


def told(events: list[Json]) -> list[Message]:
    """The messages of a log."""
    return list(Replay().messages(decode_events(json.dumps(events).encode())))


def compared(events: list[Json]) -> Work:
    """A comparison of what a log tells with the same without every tenth message."""
    expected = told(events)
    actual = [one for number, one in enumerate(expected) if number % 10]
    return lambda: cti_es.diff(expected, actual)


def checked(events: list[Json]) -> Work:
    """The rules that every trace must keep."""
    messages = told(events)
    return lambda: cti_es.lint(messages)


LOGS = (
    lines, applications, providers, nodes_of_a_group, nodes, devices_without_a_group, removed, legs, calls_in_setup,
    withdrawn, reopened,
)  # fmt: skip

WORKS: dict[str, Callable[[int], Work]] = {
    **{f"{log.__name__.replace('_', ' ')} (replay)": lambda many, log=log: replayed(log(many)) for log in LOGS},
    "misfits (append)": lambda many: appended(misfits(many)),
    "lines dribbled through a pipe (append)": lambda many: appended(legs(many), Pipe),
    "bytes of one line, dribbled (append)": lambda many: appended([*SITE, port(*names(many, "0" * 90))], Pipe),
    **{f"{log.__name__} (diff)": lambda many, log=log: compared(log(many)) for log in (applications, reopened)},
    **{f"{log.__name__} (lint)": lambda many, log=log: checked(log(many)) for log in (applications, reopened)},
}
"""What there can be many of → the work that it makes."""


if __name__ == "__main__":
    main()
