"""What rows say of the topology of a cluster: nodes, CallManager groups, devices, lines, who may control them.

Specified in docs/reference/imports.md#topology. Nothing is decided here but what a row says; what of it is new to a log
is for :mod:`cti_es.cucm.topology_events`.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from cti_es.cucm.claims import SkipReason
from cti_es.cucm.spool import Place
from cti_es.cucm.topology_rows import Row, Says, says
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Kind
from cti_es.vocabulary.names import check_name

_KINDS: dict[str, Kind] = {
    "72": "cti_port",
    "73": "route_point",
    "cti port": "cti_port",
    "cti route point": "route_point",
}
"""What ``tkmodel`` and ``model`` call the devices that are no phones."""

_NO_DEVICES = ("trunk", "profile", "template")
"""Words in the names of models that are none of a device."""

_PHONE_CLASS = ("1", "phone")


class Described(NamedTuple):
    """A device as a row has it: its kind, the name of its CallManager group, and where the row stands."""

    kind: Kind
    group: str | None
    place: Place


class Numbered(NamedTuple):
    """Where a line of a device stands among the others (None: nobody says), its partition, and the place of the row."""

    position: int | None
    partition: str | None
    place: Place


class Opened(NamedTuple):
    """What an application has open, at which CTI Manager; without a device, its connection alone."""

    app: str
    node: str
    device: str | None
    line: str | None


class Topology:
    """Takes rows in any order. Names are as the rows have them.

    ``leave_out`` hears of rows that cannot be used, ``place`` makes text of a place, for errors. Raises
    :class:`InputError` for rows that contradict each other.
    """

    def __init__(self, leave_out: Callable[[SkipReason, Place], None], place: Callable[[Place], str]) -> None:
        self.nodes: dict[str, Place] = {}
        self.numbers: dict[str, str] = {}
        self.groups: dict[str, dict[int, str]] = {}
        self.devices: dict[str, Described] = {}
        self.lines: dict[str, dict[str, Numbered]] = {}
        self.controlled: dict[str, None] = {}
        self.opened: dict[Opened, Place] = {}
        self.has_lines = False
        self.has_users = False
        self._leave_out = leave_out
        self._place = place
        self._first: dict[tuple[str, ...], Place] = {}
        self._takers: dict[Says, Callable[[dict[str, str], Place], None]] = {
            "node": self._take_node,
            "group": self._take_group,
            "device": self._take_device,
            "line": self._take_line,
            "user": self._take_user,
            "open": self._take_open,
        }

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been said."""
        return not (self.nodes or self.devices or self.lines or self.controlled or self.opened)

    def take(self, rows: Iterable[Row], file: int) -> int:
        """Take the rows of a file; returns how many there were."""
        count = 0
        for line, values in rows:
            count += 1
            place = Place(file, line)
            what = says(frozenset(values))
            self.has_lines |= "line" in what
            self.has_users |= "user" in what
            known = {column: value for column, value in values.items() if value is not None}
            if (why := _unusable(known)) is not None:
                self._leave_out(why, place)
                continue
            taken = [self._took(one, known, place) for one in what]
            if not any(taken):
                self._leave_out("bad_row" if what else "other_table", place)
        return count

    def _took(self, what: Says, values: dict[str, str], place: Place) -> bool:
        try:
            self._takers[what](values, place)
        except KeyError:  # a NULL where a value belongs
            return False
        return True

    def _take_node(self, values: dict[str, str], place: Place) -> None:
        node, number = values["node"], values["ctiid"]
        self._once(("the node number", number), node, self.numbers, number, place)
        self.nodes.setdefault(node, place)

    def _take_group(self, values: dict[str, str], place: Place) -> None:
        group, priority, node = values["cmgroup"], values["priority"], values["node"]
        if not (priority.isascii() and priority.isdigit() and len(priority) < 10):
            raise KeyError("priority")
        members = self.groups.setdefault(group, {})
        self._once((f"priority {priority} of the group", group), node, members, int(priority), place)
        self.nodes.setdefault(node, place)

    def _take_device(self, values: dict[str, str], place: Place) -> None:
        device, group = values["device"], values.get("cmgroup")
        kind = _kind(values)
        if kind is None:
            self._leave_out("no_device", place)
            return
        before = self.devices.setdefault(device, Described(kind, group, place))
        if before[:2] != (kind, group):
            there = f"{before.kind} in the group '{before.group}' in {self._place(before.place)}"
            raise InputError(f"the device '{device}' is {kind} in the group '{group}' here, and {there}",
                             where=self._place(place), expected="tables of one moment")  # fmt: skip

    def _take_line(self, values: dict[str, str], place: Place) -> None:
        device, line, partition = values["device"], values["dn"], values.get("partition")
        index = values.get("index", "")
        at = int(index) if index.isascii() and index.isdigit() and len(index) < 10 else None
        lines = self.lines.setdefault(device, {})
        before = lines.setdefault(line, Numbered(at, partition, place))
        if before.partition != partition:
            self._leave_out("same_number", place)

    def _take_user(self, values: dict[str, str], place: Place) -> None:
        self.controlled[values["device"]] = None

    def _take_open(self, values: dict[str, str], place: Place) -> None:
        app, node, device = values["app_open"], values["cti_manager"], values.get("device_open")
        self._open(Opened(app, node, None, None), place)
        if device is not None:
            self.has_users = True
            self.controlled[device] = None
            self._open(Opened(app, node, device, None), place)
            if "line_open" in values:
                self._open(Opened(app, node, device, values["line_open"]), place)

    def _open(self, opened: Opened, place: Place) -> None:
        self.opened.setdefault(opened, place)

    def _once(self, what: tuple[str, str], found: str, known: dict[Any, str], key: object, place: Place) -> None:
        """Keep what a key means; it can mean one thing only."""
        if known.setdefault(key, found) != found:
            words = " ".join((what[0], f"'{what[1]}'"))
            raise InputError(f"{words} is '{found}' here, and '{known[key]}' in {self._place(self._first[what])}",
                             where=self._place(place), expected="tables of one moment")  # fmt: skip
        self._first.setdefault(what, place)

    def lines_of(self, device: str) -> tuple[str, ...]:
        """The lines of a device, in order."""
        lines = self.lines.get(device, {})
        if any(one.position is not None for one in lines.values()):
            return tuple(sorted(lines, key=lambda line: (lines[line].position is None, lines[line].position or 0)))
        return tuple(lines)


def _unusable(values: dict[str, str]) -> SkipReason | None:
    try:
        for value in values.values():
            check_name(value, "")
    except InputError:
        return "bad_name"
    return None


def _kind(values: dict[str, str]) -> Kind | None:
    """What kind of device a row is about; None if it is none that registers."""
    number, model = values.get("tkmodel", ""), values.get("model", "").lower()
    if (kind := _KINDS.get(number) or _KINDS.get(model)) is not None:
        return kind
    is_phone = values.get("tkclass", "1").lower() in _PHONE_CLASS and not any(word in model for word in _NO_DEVICES)
    return "phone" if is_phone else None
