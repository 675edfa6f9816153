"""Which devices are at which node, and which of them a node that recovers may help.

So a node that fails or recovers costs as much as there are devices that it concerns, not as many as there are. It all
follows from the cluster: it is no part of the state, and made anew wherever a replay begins.
"""

from collections import defaultdict

from cti_es.model.cluster import Cluster, Device, in_order


class Whereabouts:
    """Where the devices of a cluster are, as long as each move is said here (:meth:`move`)."""

    def __init__(self, cluster: Cluster) -> None:
        self._nodes = cluster.nodes
        self._all_nodes: tuple[str, ...] = ()
        self._at: defaultdict[str, dict[str, Device]] = defaultdict(dict)
        self._moved = dict(cluster.devices)
        for name, device in cluster.devices.items():
            if device.home is not None:
                self._at[device.home][name] = device

    def move(self, device: Device, home: str | None) -> None:
        """The device, which is still where it was, goes to this node, or (None) to none."""
        if device.home is not None:
            del self._at[device.home][device.name]
        if home is not None:
            self._at[home][device.name] = device
        self._moved[device.name] = device

    def forget(self, device: Device) -> None:
        """The device is gone."""
        if device.home is not None:
            del self._at[device.home][device.name]
        self._moved.pop(device.name, None)

    def all_nodes(self) -> tuple[str, ...]:
        """The group of a device of which none is given. No node ever leaves, so many devices share it."""
        if len(self._all_nodes) < len(self._nodes):
            self._all_nodes = tuple(self._nodes)
        return self._all_nodes

    def at(self, node: str) -> list[Device]:
        """The devices whose home this node is, in the order in which they were added."""
        return in_order(self._at[node].values())

    def concerned(self, node: str) -> list[Device]:
        """The devices with this node in their group that any node could help, in the order in which they were added.

        One that is settled needs no help until it moves again.
        """
        self._moved = {name: device for name, device in self._moved.items() if not device.is_settled}
        return in_order(device for device in self._moved.values() if node in device.group)
