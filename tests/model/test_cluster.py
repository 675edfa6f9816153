"""Orders that only few logs show, and the words of misfits: what no other test of the fold would notice."""

import pytest
from support import naive
from support.strategies import Json, decoded, fold

from cti_es.model.replay import Replay

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


WORDS: dict[str, Json] = {
    "unknown node 'cm22'; did you mean 'cm2'?": {"type": "open_refused", "device": "P", "nodes": ["cm22", "cm11"]},
    "unknown line '11' of 'P'; did you mean '1'?": {"type": "device_opened", "device": "P", "lines": ["11", "7"]},
    "'cm1' stands twice in a list": {"type": "open_refused", "device": "P", "nodes": ["cm1", "cm2", "cm1", "cm2"]},
    "node 'x' is not in the group of 'P'": {"type": "open_refused", "device": "P", "nodes": ["cm1", "x", "y"]},
    "unknown CTI Manager 'y'": {"type": "provider_opened", "app": "a", "cti_managers": ["cm1", "y", "x"]},
    "no node in cti_managers": {"type": "provider_opened", "app": "a", "cti_managers": []},
    "'UP' is none of SUSPEND, RESUME": {"type": "status_messages_set", "device": "P", "states": ["UP", "SLEEP"]},
}
"""What is said of an event → the event: of several things that are wrong, the first."""


@pytest.mark.parametrize("words", WORDS)
def test_the_words_of_a_misfit_name_the_first_thing_that_is_wrong(words: str) -> None:
    """In the order in which the event has them."""
    others: list[Json] = [{"type": "node_added", "node": "x"}, {"type": "node_added", "node": "y"}]
    manager: Json = {"type": "cti_manager_added", "node": "cm1"}
    device: Json = port("P", "1") | {"group": ["cm1", "cm2"]}
    replay = Replay(hints=1)
    replay.advance(decoded([*NODES, *others, manager, device, opened("P"), WORDS[words]]))

    assert [one.text for one in replay.misfits] == [words]
