"""Which homes are asked for, and how many each node has (docs/reference/commands/homes.md)."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, get_args

import msgspec

from cti_es.model.cluster import DeviceState
from cti_es.model.homes import Home
from cti_es.vocabulary.events import Kind


class HomeSelection(NamedTuple):
    """Homes at these ``nodes``, in this ``state``, of these ``devices``, of this ``kind`` (empty, None: whatever).

    ``not_original``: only of devices in service elsewhere than at the first node of their group.
    """

    nodes: Collection[str] = ()
    state: DeviceState | None = None
    devices: Collection[str] = ()
    kind: Kind | None = None
    not_original: bool = False

    def has(self, one: Home) -> bool:
        """Whether a home is asked for."""
        return (
            (not self.nodes or one.home in self.nodes)
            and self.state in (None, one.state)
            and (not self.devices or one.device in self.devices)
            and self.kind in (None, one.kind)
            and (not self.not_original or (one.home is not None and one.home != one.original))
        )


class NodeCount(msgspec.Struct, frozen=True):
    """How many devices are homed at a node, in all and of each kind, as NDJSON has it.

    ``calls`` counts the active call legs on them, ``elsewhere`` the devices that belong to the node, as the first of
    their group, and are in service at another node or out of service.
    """

    node: str
    devices: int
    cti_ports: int
    route_points: int
    phones: int
    calls: int
    elsewhere: int


def count_by_node(nodes: Iterable[str], homes: Iterable[Home]) -> Iterator[NodeCount]:
    """A row for each node, in the order of the nodes."""
    kinds: Counter[tuple[str | None, Kind]] = Counter()
    calls: Counter[str | None] = Counter()
    elsewhere: Counter[str] = Counter()
    for one in homes:
        kinds[one.home, one.kind] += 1
        calls[one.home] += one.calls
        elsewhere[one.original] += one.state != "unregistered" and one.home != one.original
    for node in nodes:
        ports, points, phones = (kinds[node, kind] for kind in get_args(Kind))
        yield NodeCount(node, ports + points + phones, ports, points, phones, calls[node], elsewhere[node])
