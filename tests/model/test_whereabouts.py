"""Where devices are is kept as they move: it is always what a look at the whole cluster gives."""

from support.strategies import corpus, decoded

from cti_es.model.cluster import Device
from cti_es.model.replay import Replay

SPOT = 20


def names(devices: list[Device]) -> list[str]:
    """The names of devices, in their order."""
    return [device.name for device in devices]


def test_devices_are_found_where_they_are() -> None:
    """After every event of random logs, at every node, also for a replay that has just begun from a state."""
    seen = 0
    for log in corpus()[:SPOT]:
        replay = Replay()
        for event in decoded(log):
            replay.advance([event])
            devices = replay.cluster.devices.values()
            for one in (replay, Replay(replay.encoded())):
                for node in replay.cluster.nodes:
                    there = names([device for device in devices if device.home == node])
                    assert names(one._recovery._whereabouts.at(node)) == there
                    seen += len(there)

    assert seen > 1_000


def test_every_device_that_a_node_could_help_is_concerned() -> None:
    """Those in the node's group that are out of service, at a later node, or have a line out; no settled one is."""
    seen = 0
    for log in corpus()[:SPOT]:
        replay = Replay()
        for event in decoded(log):
            replay.advance([event])
            for node in replay.cluster.nodes:
                found = names(replay._recovery._whereabouts.concerned(node))
                devices = [device for device in replay.cluster.devices.values() if node in device.group]
                assert found == names([device for device in devices if not device.is_settled])
                seen += len(found)

    assert seen > 1_000


def test_devices_without_a_group_share_one() -> None:
    """A device of which no group is given may be served by all nodes that there are then."""
    nodes = [{"type": "node_added", "node": f"cm{number}"} for number in range(2)]
    ports = [{"type": "device_added", "device": name, "kind": "cti_port"} for name in "ABC"]
    replay = Replay()

    replay.advance(decoded([nodes[0], ports[0], nodes[1], ports[1], ports[2]]))

    first, second, third = (replay.cluster.devices[name].group for name in "ABC")
    assert (first, second) == (("cm0",), ("cm0", "cm1"))
    assert second is third
