"""What the script of a page draws: everything of a picture as columns of numbers and of texts that stand once.

JSON in gzip in base64: some two bytes a message. It can hold nothing that HTML would take for its own.
"""

import gzip
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from cti_es.model.rules import RULES
from cti_es.report.picture_axis import Axis
from cti_es.report.picture_lanes import Change, DeviceLane, Lanes
from cti_es.report.picture_svg import Placed, kind_of, letters
from cti_es.report.picture_words import Time, difference_cells, event_words, in_a_sentence, outage_cells
from cti_es.vocabulary.names import printable
from cti_es.vocabulary.tapi import Message

OUT, UNREGISTERED, GONE = -1, -2, -3
"""What stands for a node where there is none: out of service or without a link, unregistered, removed or closed."""


class Compared(NamedTuple):
    """What was compared: the messages to these ``apps``, but none of the states that are ``untold``."""

    apps: frozenset[str]
    untold: frozenset[tuple[str, int | None]]

    def has(self, message: str, param1: int) -> bool:
        """Whether messages that say this were compared."""
        return (message, None) not in self.untold and (message, param1) not in self.untold


def packed(lanes: Lanes, axis: Axis, differences: Sequence[Placed], compared: Compared | None, time: Time = str) -> str:
    """The data of a page as base64. The same picture gives the same text on the same Python and zlib."""
    data = _Data(lanes, axis, time).of(differences, compared)
    return b64encode(gzip.compress(msgspec.json.encode(data), 6, mtime=0)).decode()


class _Texts:
    """Texts, each with the number of its place in the order in which they first came."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def number(self, text: Any) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def all(self) -> list[Any]:
        return list(self._numbers)


class _Data:
    def __init__(self, lanes: Lanes, axis: Axis, time: Time) -> None:
        self._time = time
        self._lanes = lanes
        self._axis = axis
        self._nodes = {lane.name: number for number, lane in enumerate(lanes.nodes)}
        self._apps = {lane.name: number for number, lane in enumerate(lanes.apps)}
        self._devices = {lane.name: number for number, lane in enumerate(lanes.devices)}
        self._versions = {version: number for number, version in enumerate(sorted(lanes.events))}

    def of(self, differences: Sequence[Placed], compared: Compared | None) -> dict[str, Any]:
        lanes, axis = self._lanes, self._axis
        return {
            "timed": axis.timed,
            "origin": axis.first,
            "offsets": [[round(place - axis.first), ahead] for place, ahead in axis.offsets()],
            "start": round(axis.start - axis.first, 2),
            "end": round(axis.end - axis.first, 2),
            "letters": list(letters(lanes.nodes).values()),
            "nodes": [[printable(lane.name), self._states(lane.changes)] for lane in lanes.nodes],
            "managers": [[printable(lane.name), self._states(lane.changes)] for lane in lanes.cti_managers],
            "apps": [[printable(lane.name), self._states(lane.changes)] for lane in lanes.apps],
            "devices": [self._device(lane) for lane in lanes.devices],
            "failures": [self._versions[one.since] for one in lanes.failures],
            "events": self._events(),
            "messages": self._messages(compared),
            "compared": compared and [number for app, number in self._apps.items() if app in compared.apps],
            "differences": [self._difference(one) for one in differences],
            "outages": [list(map(printable, outage_cells(one, self._time))) for one in lanes.outages],
        }

    def _x(self, version: int | None) -> int:
        """Where a version stands (None: at the end), from the first on; a millisecond or a version is 1."""
        return round(self._axis.of(version) - self._axis.first)

    def _states(self, changes: Sequence[Change]) -> list[int]:
        """Places and states by turns; a place as what it is more than the one before."""
        flat: list[int] = []
        last = 0
        for change in changes:
            x = self._x(change.version)
            flat += (x - last, self._state(change))
            last = x
        return flat

    def _state(self, change: Change) -> int:
        if change.home is not None:
            return self._nodes.get(change.home, 0)
        return _STATES[change.state]

    def _device(self, lane: DeviceLane) -> list[Any]:
        busy = [number for one in lane.busy for number in (self._x(one.since), self._x(one.until), one.legs)]
        due = [number for one in lane.due for number in (self._x(one.since), self._x(one.until))]
        return [printable(lane.name), lane.kind, self._states(lane.changes), busy, due]

    def _events(self) -> dict[str, Any]:
        events = sorted(self._lanes.events.items())
        return {
            "version": _steps(version for version, _ in events),
            "x": _steps(self._x(version) for version, _ in events),
            "text": [printable(event_words(event)) for _, event in events],
        }

    def _difference(self, placed: Placed) -> list[Any]:
        one = placed.one
        message = one.expected or one.actual
        return [
            one.kind,
            self._versions.get(placed.version, 0),
            self._devices.get(placed.device or "", -1),
            self._apps.get(message.app or "", -1) if message else -1,
            one.expected.place if one.expected else 0,
            printable(in_a_sentence(one)),
            *(printable(cell) for cell in difference_cells(one, self._lanes.events, self._time)),
        ]

    def _messages(self, compared: Compared | None) -> dict[str, Any]:
        lines, signals, reasons, rules = _Texts(), _Texts(), _Texts(), _Texts()
        messages = self._lanes.messages
        columns = {
            "seq": _steps(one.seq for one in messages),
            "event": _steps(self._versions[one.version] for one in messages),
            "device": [self._devices[one.device] for one in messages],
            "app": [self._apps[one.app] for one in messages],
            "line": [-1 if one.line is None else lines.number(printable(one.line)) for one in messages],
            "signal": [signals.number(_signal(one)) for one in messages],
            "reason": [-1 if one.param2_name is None else reasons.number(one.param2_name) for one in messages],
            "rule": [rules.number(one.rule) for one in messages],
            "handle": [one.handle or 0 for one in messages],
        }
        return columns | {
            "lines": lines.all(),
            "signals": [
                [message, state or "", kind_of(message, state), compared is None or compared.has(message, param1)]
                for message, state, param1 in signals.all()
            ],
            "reasons": reasons.all(),
            "rules": [[rule, RULES.get(rule, "")] for rule in rules.all()],
        }


_STATES = {
    "in_service": 0,
    "failed": OUT,
    "out_of_service": OUT,
    "no link": OUT,
    "unregistered": UNREGISTERED,
    "removed": GONE,
    "closed": GONE,
}


def _steps(numbers: Iterable[int]) -> list[int]:
    """Each number as what it is more than the one before."""
    last, steps = 0, []
    for number in numbers:
        steps.append(number - last)
        last = number
    return steps


def _signal(message: Message) -> tuple[str, str | None, int]:
    """What a message says. The device ids of CREATE and REMOVE are none of it."""
    named = message.param1_name is not None
    return message.message, message.param1_name, message.param1 if named else 0
