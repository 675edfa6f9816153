"""What a topology says and a log does not know yet → events, before all others of an import.

Specified in docs/reference/imports.md#topology. What the log has already is a duplicate; what it has otherwise is
reported and not touched, since handles hang on it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from cti_es.cucm.claims import REASONS, NodeRef, SkipReason, host, number, short_host
from cti_es.cucm.findings import Findings
from cti_es.cucm.nodes import Nodes
from cti_es.cucm.spool import Place
from cti_es.cucm.topology import Described, Opened, Topology
from cti_es.model.cluster import Cluster, Device, MisfitCode
from cti_es.model.replay import Replay
from cti_es.vocabulary import events
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Event, type_of

NO_TIME = "1970-01-01T00:00:00Z"
"""When a topology has been so that comes without logs and without a time."""

_THERE: frozenset[MisfitCode] = frozenset({"already_open", "cti_manager_exists", "has_provider"})


class TopologyOptions(NamedTuple):
    """``at``: since when the topology has been so; None: the time of the first event of the logs beside it.

    ``only_controlled``: leave out devices that no user may control. ``update_lines``: other lines of a device that the
    log has become ``lines_changed``.
    """

    at: str | None = None
    only_controlled: bool = False
    update_lines: bool = False


def nodes_of(topology: Topology, known: Iterable[str], given: Callable[[Iterable[str]], dict[NodeRef, str]]) -> Nodes:
    """The nodes of a log and of a topology, by what they are called in the log, the tables and what is ``given``."""
    log = list(known)
    names = _apart(topology.nodes)
    refs = given([*log, *names])
    before = Nodes(log, refs)
    new = [name for name in names if before.find([host(name)])[0] is None]
    every = [*log, *new]
    by_host = Nodes(every, refs)
    numbers = {number(text): node for text, name in topology.numbers.items() if (node := by_host.find([host(name)])[0])}
    return Nodes(every, {**numbers, **refs})


def _apart(names: Iterable[str]) -> list[str]:
    """Names of nodes, without those that are another one's without its domain."""
    each = list({name.lower(): name for name in names}.values())
    whole = {short_host(name) for name in each if name.lower() != short_host(name)}
    return [name for name in each if name.lower() not in whole]


class TopologyEvents:
    """The events that a topology makes of a log. ``nodes`` are those of :func:`nodes_of`."""

    def __init__(
        self,
        topology: Topology,
        nodes: Nodes,
        options: TopologyOptions,
        findings: Findings,
        place: Callable[[Place], str],
    ) -> None:
        self._topology = topology
        self._nodes = nodes
        self._options = options
        self._findings = findings
        self._place = place
        self._groups = {name: self._group(members) for name, members in topology.groups.items()}
        self._new = dict(self._usable())

    def devices(self) -> Iterable[str]:
        """The devices that it describes well enough for a log to have them."""
        return self._new

    def events(self, replay: Replay, at: str) -> Iterator[Event]:
        """The events that the log does not have, one after the other; the replay takes each."""
        for event, place in self._all(replay.cluster, at):
            verdict = replay.offer(event)
            if verdict is None:
                self._findings.add("appended", type_of[type(event)])
                yield event
            elif verdict.code in _THERE:
                self._findings.add("merged", verdict.type, self._place(place), verdict.text)
            else:
                self._findings.add("misfit", verdict.code, self._place(place), f"{verdict.type}: {verdict.text}")

    def _all(self, cluster: Cluster, at: str) -> Iterator[tuple[Event, Place]]:
        yield from self._node_events(cluster, at)
        for name, described in self._new.items():
            yield from self._device_events(cluster.devices.get(name), name, described, at)
        if not self._topology.devices:
            yield from self._lines_alone(cluster, at)
        for one, place in self._topology.opened.items():
            yield from self._open_events(cluster, one, place, at)

    def _node_events(self, cluster: Cluster, at: str) -> Iterator[tuple[Event, Place]]:
        for name, place in self._topology.nodes.items():
            node, why = self._nodes.find([host(name)])
            if node is None:
                raise InputError(f"the node '{name}': {REASONS[why]}", where=self._place(place),
                                 expected="a name that means one node of the log")  # fmt: skip
            if node in cluster.nodes:
                self._is_there()
            else:
                yield events.NodeAdded(node=node, at=at), place

    def _device_events(
        self, device: Device | None, name: str, described: Described, at: str
    ) -> Iterator[tuple[Event, Place]]:
        lines, group = self._topology.lines_of(name), self._groups.get(described.group or "", ())
        if device is None:
            added = events.DeviceAdded(device=name, kind=described.kind, lines=lines, group=group, at=at)
            yield added, described.place
            return
        same = self._same(name, "is", device.kind, described.kind, described.place)
        same &= self._same(name, "has the group", " ".join(device.group), " ".join(group), described.place)
        yield from self._line_events(device, described.place, same, at)

    def _line_events(self, device: Device, place: Place, same: bool, at: str) -> Iterator[tuple[Event, Place]]:
        """What a table of lines changes. Of a device without a row in it nothing is known."""
        lines = self._topology.lines_of(device.name) or tuple(device.lines)
        added = tuple(line for line in lines if line not in device.lines)
        removed = tuple(line for line in device.lines if line not in lines)
        if not (added or removed):
            if same:
                self._is_there()
        elif self._options.update_lines:
            yield events.LinesChanged(device=device.name, added=added or None, removed=removed or None, at=at), place
        else:
            self._same(device.name, "has the lines", " ".join(device.lines), " ".join(lines), place)

    def _lines_alone(self, cluster: Cluster, at: str) -> Iterator[tuple[Event, Place]]:
        """A table of lines without one of devices: it is about devices that the log has."""
        for name, lines in self._topology.lines.items():
            place = next(iter(lines.values())).place
            if (device := cluster.devices.get(name)) is not None:
                yield from self._line_events(device, place, True, at)
            else:
                self._leave_out("no_device_row", name, place)

    def _open_events(self, cluster: Cluster, one: Opened, place: Place, at: str) -> Iterator[tuple[Event, Place]]:
        node, why = self._nodes.find([host(one.node)])
        if node is None:
            self._findings.add("skipped", why, self._place(place), REASONS[why])
            self._findings.add("unknown", host(one.node), self._place(place), REASONS[why])
        elif one.line is not None and one.device is not None:
            yield events.LineOpened(device=one.device, line=one.line, app=one.app, at=at), place
        elif one.device is not None:
            yield events.DeviceOpened(device=one.device, app=one.app, lines=(), at=at), place
        else:
            if node not in cluster.cti_managers:
                yield events.CtiManagerAdded(node=node, at=at), place
            yield events.ProviderOpened(app=one.app, cti_managers=(node,), at=at), place

    # What is left out, and what is otherwise.

    def _usable(self) -> Iterator[tuple[str, Described]]:
        topology = self._topology
        if self._options.only_controlled and not topology.has_users:
            raise InputError("no table says who may control which device",
                             expected="a table with the columns appuser or enduser, and device")  # fmt: skip
        for name, described in topology.devices.items():
            if self._options.only_controlled and name not in topology.controlled:
                self._leave_out("not_controlled", name, described.place)
            elif not self._groups.get(described.group or ""):
                self._leave_out("no_group", name, described.place)
            else:
                yield name, described
        if topology.devices and not topology.has_lines:
            self._findings.add("topology", "no_lines", None, "no table of lines: new devices have none")
        for name in topology.lines if topology.devices else ():
            if name not in topology.devices:
                self._leave_out("no_device_row", name, next(iter(topology.lines[name].values())).place)

    def _leave_out(self, why: SkipReason, name: str, place: Place) -> None:
        self._findings.add("skipped", why, self._place(place), REASONS[why])
        if why == "no_group":
            self._findings.add("unknown", name, self._place(place), REASONS[why])

    def _group(self, members: dict[int, str]) -> tuple[str, ...]:
        """The nodes of a group, each once, in the order of their priorities."""
        found = [self._nodes.find([host(members[priority])])[0] for priority in sorted(members)]
        return tuple(dict.fromkeys(node for node in found if node is not None))

    def _same(self, name: str, what: str, ours: str, theirs: str, place: Place) -> bool:
        if ours == theirs:
            return True
        self._findings.add("changed", name, self._place(place), f"the log {what} {ours}, here: {theirs}")
        return False

    def _is_there(self) -> None:
        self._findings.add("duplicate", "in_the_log", None, "imported before")
