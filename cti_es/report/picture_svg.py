"""The overview of a picture: an SVG of the incident, complete without JavaScript and in print.

One path per lane and look, not one element per message. Differences are larger, each a mark of its own with a link.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from typing import NamedTuple

from cti_es.report.picture_axis import Axis
from cti_es.report.picture_html import Html, joined, tag
from cti_es.report.picture_lanes import Change, DeviceLane, Lane, Lanes
from cti_es.traces.diff.differences import Difference
from cti_es.vocabulary.tapi import Message
from cti_es.vocabulary.words import counted

WIDTH, GUTTER, RIGHT = 1200, 190, 16
PLOT = WIDTH - GUTTER - RIGHT
HEAD, ROW, NODE_ROW, AREA = 34, 34, 24, 64
MOST_LANES = 40
"""So many devices have a lane in the overview, those with differences first, then those to which most happened; and so
many nodes, CTI Managers and applications."""

MOST_MARKS = 400
"""So many differences are marks of their own in the overview."""

KINDS = {
    "PHONESTATE_SUSPEND": "suspend",
    "PHONESTATE_RESUME": "resume",
    "LINEDEVSTATE_OUTOFSERVICE": "out",
    "LINEDEVSTATE_INSERVICE": "in",
}
CLOSES = ("PHONE_CLOSE", "LINE_CLOSE")


class Placed(NamedTuple):
    """A difference with its number on the page, from 1, and the version of the event at which it stands."""

    number: int
    one: Difference
    version: int

    @property
    def device(self) -> str | None:
        """The device that it is about, as far as it is known."""
        message = self.one.expected or self.one.actual
        return message.device if message and message.device else self.one.channel.partition(" ")[0].partition("/")[0]


def kind_of(message: str, state: str | None) -> str:
    """What is drawn for a message: suspend, resume, out, in, close or other."""
    return "close" if message in CLOSES else KINDS.get(state or "", "other")


def letters(nodes: Sequence[Lane]) -> dict[str, str]:
    """A letter for each node, in order: A, B, … Z, AA, AB …"""
    return {lane.name: _letter(number) for number, lane in enumerate(nodes)}


def _letter(number: int) -> str:
    text = ""
    while number >= 0:
        text = chr(65 + number % 26) + text
        number = number // 26 - 1
    return text


def overview(lanes: Lanes, axis: Axis, differences: Sequence[Placed]) -> Html:
    """The drawing, with a description for those who cannot see it."""
    return _Overview(lanes, axis, differences).svg()


def lanes_shown(lanes: Lanes, differences: Sequence[Placed]) -> list[DeviceLane]:
    """The devices that have a lane in the overview, most important first; those alike in the order of the log."""
    differing = {one.device: one.number for one in reversed(differences)}
    told = Counter(message.device for message in lanes.messages)
    order = sorted(lanes.devices, key=lambda lane: (differing.get(lane.name, inf), -told[lane.name]))
    return order[:MOST_LANES]


class _Overview:
    def __init__(self, lanes: Lanes, axis: Axis, differences: Sequence[Placed]) -> None:
        self._lanes = lanes
        self._axis = axis
        self._differences = differences[:MOST_MARKS]
        self._letters = letters(lanes.nodes)
        self._numbers = {lane.name: number % 8 for number, lane in enumerate(lanes.nodes)}
        self._span = (axis.end - axis.start) or 1.0
        self._y = float(HEAD)
        self._parts: list[Html] = []

    def svg(self) -> Html:
        shown = lanes_shown(self._lanes, self._differences)
        self._some(self._lanes.nodes, "node", self._node)
        self._some(self._lanes.cti_managers, "CTI Manager", self._manager)
        self._some(self._lanes.apps, "application", self._app)
        if len(self._lanes.devices) > len(shown):
            self._area()
        told = _told(self._lanes.messages, {lane.name for lane in shown})
        for device in shown:
            self._device(device, told.get(device.name, {}))
        self._left_out(len(self._lanes.devices) - len(shown), "device")
        return tag(
            "svg",
            {"id": "overview", "viewBox": f"0 0 {WIDTH} {self._y + 8:g}", "role": "img", "aria-labelledby": "drawn"},
            tag("title", {"id": "drawn"}, self._description(len(shown))),
            _DEFS,
            *self._grid(),
            *self._parts,
        )

    def _some(self, lanes: Sequence[Lane], what: str, draw: Callable[[Lane], None]) -> None:
        """The first of some lanes, and how many more there are."""
        for lane in lanes[:MOST_LANES]:
            draw(lane)
        self._left_out(len(lanes) - MOST_LANES, what)

    def _left_out(self, number: int, what: str) -> None:
        if number > 0:
            self._parts.append(self._label(f"and {counted(number, f'more {what}')}", "more"))
            self._y += NODE_ROW

    def _description(self, shown: int) -> str:
        nodes, devices = len(self._lanes.nodes), len(self._lanes.devices)
        return (
            f"Timeline of {nodes:,} nodes and {shown:,} of {devices:,} devices;"
            " the tables on this page say the same in words."
        )

    def _x(self, place: float) -> float:
        return round(GUTTER + PLOT * min(1.0, max(0.0, (place - self._axis.start) / self._span)), 1)

    def _at(self, version: int | None) -> float:
        return self._x(self._axis.of(version))

    def _grid(self) -> Iterator[Html]:
        for tick in self._axis.ticks(self._axis.start, self._axis.end, 8):
            x = self._x(tick.x)
            yield tag("path", {"class": "grid", "d": f"M{x:g} {HEAD - 8}V{self._y:g}"})
            yield tag("text", {"class": "tick", "x": f"{x:g}", "y": HEAD - 14}, tick.label)
        places = {self._at(failure.since) for failure in self._lanes.failures}
        for x in sorted(places) if len(places) <= 20 else ():  # more would hide what they are about
            yield tag("path", {"class": "failed-at", "d": f"M{x:g} {HEAD - 8}V{self._y:g}"})

    def _label(self, words: str, look: str = "name") -> Html:
        short = words if len(words) <= 24 else f"{words[:23]}…"
        title = [tag("title", None, words)] if short != words else []
        return tag("text", {"class": look, "x": 8, "y": f"{self._y + 15:g}"}, short, *title)

    def _node(self, lane: Lane) -> None:
        self._service(lane, f"{self._letters[lane.name]}  {lane.name}", f"n{self._numbers[lane.name]}")

    def _manager(self, lane: Lane) -> None:
        self._service(lane, f"CTI Manager {lane.name}", "manager")

    def _service(self, lane: Lane, label: str, look: str) -> None:
        """A band where a node or CTI Manager is in service, hatched where it has failed."""
        self._parts.append(self._label(label))
        for start, end, change in _spans(lane.changes):
            x, width = self._between(start, end)
            failed = change.state == "failed"
            self._parts.append(self._bar("failed" if failed else look, x, width, 14, 5))
            if failed:
                self._parts += self._words("failed", x, width, "on-failed")
        self._y += NODE_ROW

    def _app(self, lane: Lane) -> None:
        self._parts.append(self._label(lane.name))
        for start, end, change in _spans(lane.changes):
            x, width = self._between(start, end)
            if change.state == "linked":
                self._parts.append(self._bar(f"link n{self._numbers.get(change.home or '', 0)}", x, width, 6, 9))
                self._parts += self._words(self._letters.get(change.home or "", ""), x, width, "letter", 15)
            elif change.state == "no link":
                self._parts.append(self._bar("out", x, width, 14, 5))
                self._parts += self._words("no link", x, width, "on-failed")
        if not lane.changes:
            self._parts.append(tag("text", {"class": "more", "x": GUTTER, "y": f"{self._y + 15:g}"}, "no provider"))
        self._y += NODE_ROW

    def _device(self, lane: DeviceLane, told: dict[str, list[int]]) -> None:
        """A device: its home as a band, calls as a bar in it, messages as marks below."""
        self._parts.append(self._label(lane.name))
        bars: dict[str, list[str]] = defaultdict(list)
        words: list[Html] = []
        ended = -1.0
        for start, end, change in _spans(lane.changes):
            x, width = self._between(start, end)
            if width < 0.6 and x - ended < 0.6:
                continue
            ended = x + width
            thin = change.state == "unregistered"
            look = _look(change, self._numbers)
            bars[look].append(f"M{x:g} {self._y + (10 if thin else 4):g}h{width:g}v{2 if thin else 14}h-{width:g}z")
            if change.home:
                words += self._words(self._letters.get(change.home, "?"), x, width, "letter")
        self._parts += [tag("path", {"class": look, "d": "".join(paths)}) for look, paths in bars.items() if look]
        self._parts += words
        busy = "".join(self._line(one.since, one.until, 15) for one in lane.busy)
        due = "".join(self._line(one.since, one.until, 20.5) for one in lane.due)
        self._parts += [tag("path", {"class": "calls", "d": busy})] if busy else []
        self._parts += [tag("path", {"class": "due", "d": due})] if due else []
        for kind, versions in told.items():
            self._parts.append(tag("path", {"class": f"m {kind}", "d": self._marks(kind, versions)}))
        self._parts += (self._difference(one) for one in self._differences if one.device == lane.name)
        self._y += ROW

    def _line(self, since: int, until: int | None, y: float) -> str:
        x, width = self._between(since, until)
        return f"M{x:g} {self._y + y:g}h{max(width, 1.5):g}"

    def _marks(self, kind: str, versions: list[int]) -> str:
        """A mark for each of some messages; of those that would lie upon each other the first alone."""
        place = _ORDER.index(kind)
        marks, last = [], -9.0
        for version in versions:
            x = self._at(version) + 6 * place
            if x - last >= 3:
                marks.append(f"M{x:g} {self._y + 24:g}{_SHAPES[kind]}")
                last = x
        return "".join(marks)

    def _difference(self, one: Placed) -> Html:
        """A diamond with a link to the row of the difference."""
        x = self._at(one.version)
        return tag(
            "a",
            {"href": f"#difference-{one.number}", "class": "difference"},
            tag("title", None, f"difference {one.number}: {one.one.kind} in {one.one.channel}"),
            tag("path", {"d": f"M{x:g} {self._y + 16:g}l8 8l-8 8l-8-8z"}),
            tag("text", {"x": f"{x:g}", "y": f"{self._y + 28:g}"}, "!"),
        )

    def _between(self, start: int, end: int | None) -> tuple[float, float]:
        x = self._at(start)
        return x, round(self._at(end) - x, 1)

    def _bar(self, look: str, x: float, width: float, height: float, down: float) -> Html:
        return tag("path", {"class": look, "d": f"M{x:g} {self._y + down:g}h{width:g}v{height:g}h-{width:g}z"})

    def _words(self, words: str, x: float, width: float, look: str, down: float = 15) -> list[Html]:
        """Words in a bar, if they fit."""
        if width < 8 * len(words) + 4:
            return []
        return [tag("text", {"class": look, "x": f"{x + 5:g}", "y": f"{self._y + down:g}"}, words)]

    def _area(self) -> None:
        """How many devices were homed at each node, out of service or closed, stacked, column by column."""
        counts = _stacked(self._lanes, self._axis, 200)
        total = max(len(self._lanes.devices), 1)
        self._parts.append(self._label("all devices by home"))
        step = PLOT / 200
        floor = [0.0] * 200
        for state, column in counts.items():
            top = [low + count / total for low, count in zip(floor, column, strict=True)]
            above = "".join(f"L{GUTTER + n * step:g} {self._down(v):g}h{step:g}" for n, v in enumerate(top))
            below = "".join(
                f"L{GUTTER + (n + 1) * step:g} {self._down(floor[n]):g}h-{step:g}" for n in range(199, -1, -1)
            )
            look = f"n{self._numbers[state]}" if state in self._numbers else state
            if any(column):
                self._parts.append(tag("path", {"class": look, "d": f"M{above[1:]}{below}z"}))
            floor = top
        self._y += AREA + 10

    def _down(self, share: float) -> float:
        return round(self._y + 4 + AREA * (1 - share), 1)


def _look(change: Change, numbers: dict[str, int]) -> str:
    """The class of a device's band; empty where nothing is drawn."""
    if change.state == "in_service":
        return f"n{numbers.get(change.home or '', 0)}"
    return {"out_of_service": "out", "unregistered": "thin"}.get(change.state, "")


def _spans(changes: Sequence[Change]) -> Iterator[tuple[int, int | None, Change]]:
    """Each change with where it begins and ends."""
    for index, change in enumerate(changes):
        yield change.version, changes[index + 1].version if index + 1 < len(changes) else None, change


def _told(messages: Iterable[Message], devices: set[str]) -> dict[str, dict[str, list[int]]]:
    """Device → kind of mark → the versions whose messages have it."""
    found: dict[str, dict[str, list[int]]] = {}
    for one in messages:
        if one.device in devices:
            kinds = found.setdefault(one.device, {})
            versions = kinds.setdefault(kind_of(one.message, one.param1_name), [])
            if not versions or versions[-1] != one.version:
                versions.append(one.version)
    return found


def _stacked(lanes: Lanes, axis: Axis, columns: int) -> dict[str, list[int]]:
    """Node (and ``out``, ``thin``) → how many devices are there at the end of each column of the axis."""
    counts = {state: [0] * (columns + 1) for state in [*(lane.name for lane in lanes.nodes), "out", "thin"]}
    span = (axis.end - axis.start) or 1.0

    def column(version: int | None) -> int:
        return (
            columns if version is None else min(columns, max(0, int((axis.of(version) - axis.start) / span * columns)))
        )

    for lane in lanes.devices:
        for start, end, change in _spans(lane.changes):
            state = (
                change.home
                if change.home in counts
                else {"out_of_service": "out", "unregistered": "thin"}.get(change.state)
            )
            if state is not None:
                counts[state][column(start)] += 1
                counts[state][column(end)] -= 1
    return {state: _running(steps)[:columns] for state, steps in counts.items()}


def _running(steps: list[int]) -> list[int]:
    total, sums = 0, []
    for step in steps:
        total += step
        sums.append(total)
    return sums


_ORDER = ("suspend", "out", "resume", "in", "close", "other")
_SHAPES = {
    "suspend": "m-3-3h6l-3 6z",
    "resume": "m-3 3h6l-3-6z",
    "out": "m-2.5-2.5h5v5h-5z",
    "in": "m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0z",
    "close": "m-3-3l6 6m-6 0l6-6",
    "other": "m-3 0h6m-3-3v6",
}
"""How a mark is drawn around its place: a shape for each kind, so that colour alone tells nothing."""

_DEFS = joined(
    tag(
        "defs",
        None,
        tag(
            "pattern",
            {
                "id": "hatch",
                "width": 6,
                "height": 6,
                "patternUnits": "userSpaceOnUse",
                "patternTransform": "rotate(45)",
            },
            tag("rect", {"class": "hatch-ground", "width": 6, "height": 6}),
            tag("rect", {"class": "hatch-line", "width": 2.4, "height": 6}),
        ),
    )
)
