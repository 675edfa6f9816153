"""What the lines of an import name and nobody knows: devices, nodes, connections, time zones, years and days."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from cti_es.cucm.claims import SkipReason
from cti_es.cucm.findings import Findings
from cti_es.cucm.spool import Place
from cti_es.vocabulary.errors import InputError

UnknownThing = Literal["device", "node", "connection", "zone", "year", "date"]
SHOWN = 10
"""So many names of a kind are told apart."""

_REST = "…"
_THINGS: dict[SkipReason, UnknownThing] = {
    "unknown_device": "device",
    "unknown_node": "node",
    "ambiguous_node": "node",
    "unknown_connection": "connection",
    "unknown_zone": "zone",
    "no_year": "year",
    "no_date": "date",
}
_TEXTS: dict[UnknownThing, str] = {
    "device": "a device that the log does not know",
    "node": "a node that the log does not know by this name",
    "connection": "a CTI connection (CTI Manager, number) that these files do not open",
    "zone": "a time zone that is not known",
    "year": "no year",
    "date": "no day",
}


class UnknownName(NamedTuple):
    """What is unknown, its name (empty for a year or a day), in how many lines, and the first of them."""

    thing: UnknownThing
    name: str
    lines: int
    first: str

    def __str__(self) -> str:
        name = f"the {self.thing} '{self.name}'" if self.name else _TEXTS[self.thing]
        lines = "1 line" if self.lines == 1 else f"{self.lines} lines"
        return f"{name} in {lines} from {self.first} on"


class OutagesLost(InputError):
    """Failures or recoveries that cannot be placed, since something that they name is ``unknown``."""

    def __init__(self, unknown: list[UnknownName]) -> None:
        total = sum(one.lines for one in unknown)
        lines = "a failure or recovery" if total == 1 else f"{total} failures or recoveries"
        super().__init__(f"{lines} would be lost: {'; '.join(map(str, unknown))}", hint="nothing was stored")
        self.unknown = unknown


class Unknowns:
    """The names that are unknown, each with how often and where it came first; ``place`` makes text of a place."""

    def __init__(self, place: Callable[[Place], str]) -> None:
        self._place = place
        self._all: dict[UnknownThing, dict[str, list[int]]] = {thing: {} for thing in _TEXTS}
        self._lost: dict[UnknownThing, dict[str, list[int]]] = {thing: {} for thing in _TEXTS}

    def add(self, reason: SkipReason, name: str, file: int, line: int, is_outage: bool = False) -> None:
        """One more line that was left out for that reason. ``is_outage``: it told of a failure or a recovery."""
        thing = _THINGS.get(reason)
        if thing is None:
            return
        _count(self._all[thing], name, file, line)
        if is_outage:
            _count(self._lost[thing], name, file, line)

    def report(self, findings: Findings) -> None:
        """Add the names to the report of an import."""
        for thing, name, count, first in self._names(self._all):
            if name:
                findings.add("unknown", name, first, _TEXTS[thing], count)

    def check(self) -> None:
        """Raise :class:`OutagesLost` if a failure or a recovery was left out."""
        if lost := list(self._names(self._lost)):
            raise OutagesLost(lost)

    def _names(self, names: dict[UnknownThing, dict[str, list[int]]]) -> Iterator[UnknownName]:
        for thing, found in names.items():
            for name, (count, file, line) in found.items():
                yield UnknownName(thing, name, count, self._place(Place(file, line)))


def _count(names: dict[str, list[int]], name: str, file: int, line: int) -> None:
    known = names.get(name)
    if known is None:
        known = names.setdefault(name if len(names) < SHOWN else _REST, [0, file, line])
    known[0] += 1
