"""Small facts that no other test would have missed: found by mutation testing (docs/mutation.md)."""

import naive
from strategies import Json, fold

NODES: list[Json] = [{"type": "node_added", "node": "cm1"}, {"type": "node_added", "node": "cm2"}]


def port(name: str, *lines: str) -> Json:
    """A port with these lines."""
    return {"type": "device_added", "device": name, "kind": "cti_port", "lines": list(lines)}


def opened(name: str, **fields: object) -> Json:
    """An application opens a device."""
    return {"type": "device_opened", "device": name, **fields}


def told(log: list[Json]) -> list[str]:
    """What the last event of a log says, in few characters; the naive fold says the same."""
    found, expected = fold(log), naive.fold(log)
    assert (found.messages, found.homes, found.misfits) == (expected.messages, expected.homes, expected.misfits)
    return [
        f"{one['device']} {(one['param1_name'] or one['message']).rpartition('_')[2]}"
        for one in found.messages
        if one["version"] == len(log)
    ]


def test_devices_that_waited_for_one_call_move_in_the_order_added() -> None:
    """Neither the order of the legs counts, nor that of the names."""
    legs: list[Json] = [{"type": "call_started", "call": "c", "device": name} for name in ("M", "A", "Z")]
    failed: list[Json] = [{"type": "node_failed", "node": "cm1"}, {"type": "node_recovered", "node": "cm1"}]
    ports, opens = [port(name) for name in ("Z", "M", "A")], [opened(name) for name in ("Z", "M", "A")]
    log = [*NODES, *ports, *opens, *legs, *failed, {"type": "call_ended", "call": "c"}]

    assert told(log) == ["Z SUSPEND", "Z RESUME", "M SUSPEND", "M RESUME", "A SUSPEND", "A RESUME"]
