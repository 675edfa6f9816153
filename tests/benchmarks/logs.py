"""The logs that the benchmarks use, made without the fold (fast): a configuration, opens, then calls and outages.

A :class:`Shape` says how a log differs from the plain one, which is as a busy cluster of ports writes it. A
:class:`Site` is one as ``cti-es generate --profile`` makes it: what a user may have, while a shape has one thing of it.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

from cti_es.testing.load import Size, load
from cti_es.vocabulary.events import encode

GROUP = 3
"""Nodes in the group of a device."""


class Shape(NamedTuple):
    """How a log looks.

    ``lines`` and ``apps`` are per device: so many lines, so many applications that open it. ``outage_every``: a node
    fails, or the failed one comes back, every so many events. ``down``: every second node is down all the time.
    ``with_line``: calls name their line; ``ends_with_device``: and their ends the device; ``legs``: devices of a call.
    ``connects``: every call gets media. ``misfit_every``: every so manieth event is about a device that is not there.
    """

    nodes: int = 8
    devices: int = 2_000
    lines: int = 1
    apps: int = 1
    outage_every: int = 25_000
    down: bool = False
    with_line: bool = False
    ends_with_device: bool = True
    legs: int = 1
    connects: bool = False
    misfit_every: int = 0


class Site(NamedTuple):
    """A whole site under load: its profile and size, with ``outages`` an hour."""

    profile: str
    devices: int = 2_000
    calls_per_hour: int = 4_000
    outages: int = 2


PLAIN = Shape()
DEVICES = PLAIN.devices

SHAPES: dict[str, Shape | Site] = {
    "plain: calls without `line`, ended with `device`": PLAIN,
    "calls with `line`": Shape(with_line=True),
    "calls ended without `device`": Shape(ends_with_device=False),
    "calls with two legs": Shape(legs=2),
    "calls that connect": Shape(connects=True),
    "every second node down": Shape(down=True),
    "a failure every 5,000 events": Shape(outage_every=5_000),
    "four lines and two applications a device": Shape(lines=4, apps=2),
    "every tenth event a misfit": Shape(misfit_every=10),
    "a contact centre": Site("contact-center"),
    "an office": Site("office"),
    "a recorder": Site("recorder"),
    "40,000 devices": Shape(devices=40_000),
    "40,000 devices, a failure every 25,000 events, four lines": Shape(devices=40_000, lines=4),
}
"""What users have: what it is called in the tables → the shape."""


def lines(events: int, shape: Shape | Site = PLAIN) -> Iterator[str]:
    """So many NDJSON lines of a log of this shape, or of this site."""
    return site(events, shape) if isinstance(shape, Site) else call_heavy(events, shape=shape)


def site(events: int, wanted: Site, seed: int = 1) -> Iterator[str]:
    """So many NDJSON lines of a site. A call has two events and more, so that there are always enough."""
    hours = 1 + events // wanted.calls_per_hour // 2
    size = Size(wanted.devices, wanted.calls_per_hour, round(wanted.outages * hours), hours)
    return (encode(event).decode() for event in islice(load(wanted.profile, size, seed), events))


def call_heavy(events: int, seed: int = 1, shape: Shape = PLAIN) -> Iterator[str]:
    """So many NDJSON lines of this shape. No ids, and no misfits but those of the shape."""
    random = Random(seed)
    configuration = list(_configuration(shape))
    yield from configuration
    calls = _Calls(random, shape)
    for index in range(events - len(configuration)):
        at = time_of(index)
        if index % shape.outage_every == 0:
            outage, back = divmod(index // shape.outage_every, 2)
            # Nodes that are down all the time cannot fail: only those between them do.
            node = outage * 2 % shape.nodes if shape.down else outage % shape.nodes
            yield f'{{"type":"node_{"recovered" if back else "failed"}","node":"cm{node + 1}","at":"{at}"}}'
        elif shape.misfit_every and index % shape.misfit_every == 1:
            yield f'{{"type":"call_started","call":"x{index}","device":"CTIX{index % shape.devices:05}","at":"{at}"}}'
        else:
            yield calls.next(at)


def _configuration(shape: Shape) -> Iterator[str]:
    at = "2026-01-01T00:00:00Z"
    for node in range(shape.nodes):
        yield f'{{"type":"node_added","node":"cm{node + 1}","at":"{at}"}}'
    for device in range(shape.devices):
        group = ",".join(f'"cm{(device + index) % shape.nodes + 1}"' for index in range(GROUP))
        lines = ",".join(f'"{_line(device, index)}"' for index in range(shape.lines))
        yield (
            f'{{"type":"device_added","device":"{_name(device)}","kind":"cti_port","lines":[{lines}],'
            f'"group":[{group}],"at":"{at}"}}'
        )
        for app in range(shape.apps):
            who = f',"app":"app{app}"' if shape.apps > 1 else ""
            yield f'{{"type":"device_opened","device":"{_name(device)}"{who},"at":"{at}"}}'
    for node in range(1, shape.nodes, 2) if shape.down else ():
        yield f'{{"type":"node_failed","node":"cm{node + 1}","at":"{at}"}}'


def _name(device: int) -> str:
    return f"CTIP{device:04}"


def _line(device: int, index: int) -> str:
    return f"{5000 + device}" + (f"*{index}" if index else "")


class _Calls:
    """Calls that start, connect and end; about a thousand are active at a time."""

    def __init__(self, random: Random, shape: Shape) -> None:
        self._random = random
        self._shape = shape
        self._active: list[tuple[int, tuple[int, ...]]] = []
        self._coming: list[str] = []
        self._number = 0

    def next(self, at: str) -> str:
        """The next event of a call."""
        if self._coming:
            return f'{self._coming.pop()},"at":"{at}"}}'
        active, random = self._active, self._random
        if len(active) < 500 or (len(active) < 1500 and random.random() < 0.5):
            return f'{self._started()},"at":"{at}"}}'
        call, devices = active.pop(random.randrange(len(active)))
        named = f',"device":"{_name(devices[0])}"' if self._shape.ends_with_device and len(devices) == 1 else ""
        return f'{{"type":"call_ended","call":"c{call}"{named},"at":"{at}"}}'

    def _started(self) -> str:
        shape, first = self._shape, self._random.randrange(self._shape.devices)
        self._number += 1
        devices = tuple((first + leg) % shape.devices for leg in range(shape.legs))
        self._active.append((self._number, devices))
        if shape.connects:
            self._coming.append(f'{{"type":"call_connected","call":"c{self._number}","device":"{_name(first)}"')
        self._coming += [self._leg("call_started", device) for device in devices[:0:-1]]
        return self._leg("call_started", first)

    def _leg(self, event: str, device: int) -> str:
        line = f',"line":"{_line(device, 0)}"' if self._shape.with_line else ""
        return f'{{"type":"{event}","call":"c{self._number}","device":"{_name(device)}"{line}'


def time_of(number: int) -> str:
    tenths = number % 10
    seconds = number // 10
    fraction = f".{tenths}00000" if tenths else ""
    day, rest = divmod(seconds, 86_400)
    hour, rest = divmod(rest, 3_600)
    return f"2026-01-{day + 2:02}T{hour:02}:{rest // 60:02}:{rest % 60:02}{fraction}Z"


def write(path: Path, events: int, shape: Shape | Site = PLAIN) -> None:
    """Write such a log to a file."""
    with path.open("w", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines(events, shape))
