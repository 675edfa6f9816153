"""Small facts that no other test would have missed: found by mutation testing (docs/mutation.md)."""

import naive
import pytest
from strategies import Json, fold

from cti_es.diff.align import MAX_EDITS, align, distance

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


@pytest.mark.parametrize(("more", "complete"), [(0, True), (1, False)])
def test_as_many_edits_as_are_looked_for_are_found_and_not_one_more(more: int, complete: bool) -> None:
    """Two sequences without anything in common are aligned up to 1,000 edits, and given up past that."""
    expected, actual = [f"e{n}" for n in range(500 + more)], [f"a{n}" for n in range(500)]

    assert MAX_EDITS == 1_000
    assert align(expected, actual) == ([], complete)


def test_the_distance_of_what_is_too_different_is_everything() -> None:
    """Past the cap nothing counts as matched, not even equal ends."""
    expected, actual = ["same", "a", "b", "end"], ["same", "x", "y", "end"]

    assert distance(expected, actual, 4) == 4
    assert distance(expected, actual, 3) == 8
