"""What files know of a cluster → a topology to be completed: what they cannot know is ``"?"``.

``append`` and ``import`` refuse ``"?"`` where it stands (docs/reference/commands/discover.md#a-skeleton).
"""

import csv
import io
from collections.abc import Iterator

import msgspec

from cti_es.cucm.claims import host
from cti_es.cucm.discover import Discovery
from cti_es.cucm.nodes import COLUMNS, Nodes
from cti_es.cucm.topology_events import NO_TIME
from cti_es.vocabulary.names import UNKNOWN


def topology(found: Discovery) -> bytes:
    """The events, as NDJSON: nodes, CTI Managers, devices, who has connected."""
    return b"".join(msgspec.json.encode({**event, "at": found.first or NO_TIME}) + b"\n" for event in _events(found))


def _events(found: Discovery) -> Iterator[dict[str, object]]:
    hosts = found.hosts()
    nodes = Nodes(hosts)
    for name in hosts:
        yield {"type": "node_added", "node": name}
    managers = [_node(nodes, name) for name in found.names("cti_manager")]
    for name in dict.fromkeys(managers):
        yield {"type": "cti_manager_added", "node": name}
    yield from _devices(found, nodes)
    for user, at in found.names("user").items():
        seen = dict.fromkeys(_node(nodes, name) for name in at)
        yield {"type": "provider_opened", "app": user, "cti_managers": [*seen, UNKNOWN]}


def _devices(found: Discovery, nodes: Nodes) -> Iterator[dict[str, object]]:
    tables = found.topology.topology
    lines: dict[str, list[str]] = {}
    for line, devices in found.names("line").items():
        for device in devices:
            lines.setdefault(device, []).append(line)
    for name in dict.fromkeys([*tables.devices, *found.names("device")]):
        described = tables.devices.get(name)
        members = tables.groups.get((described.group if described else None) or "", {})
        yield {
            "type": "device_added",
            "device": name,
            "kind": described.kind if described else UNKNOWN,
            "lines": list(tables.lines_of(name)) or [*lines.get(name, []), UNKNOWN],
            "group": [_node(nodes, members[one]) for one in sorted(members)] or [UNKNOWN],
        }


def _node(nodes: Nodes, name: str) -> str:
    return nodes.find([host(name)])[0] or name


def nodes_csv(found: Discovery) -> bytes:
    """The table of what nodes are called in the files."""
    hosts = found.hosts()
    called = found.called(hosts)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name in hosts:
        refs = sorted(called.get(name, ()))
        writer.writerow([name, _only(refs, "number") or UNKNOWN, "", _only(refs, "address") or UNKNOWN])
    return text.getvalue().encode()


def _only(refs: list[str], kind: str) -> str:
    found = [text for one, _, text in (ref.partition(" ") for ref in refs) if one == kind]
    return " ".join(found) if kind == "address" or len(found) == 1 else ""
