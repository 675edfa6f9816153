"""Where every device is: the fields of a home, re-homing that is due, the order of devices and lines."""

import msgspec
import pytest
from jsonschema import Draft202012Validator
from support.strategies import Json, corpus, decoded, fold, placed, run

from cti_es.model.homes import Home, home, homes
from cti_es_cli.commands.schema import schema

FIELDS = ("device", "kind", "state", "home", "original", "calls", "rehome_to", "lines")

SITE: list[Json] = [
    {"type": "node_added", "node": "cm1"},
    {"type": "node_added", "node": "cm2"},
    {"type": "device_added", "device": "R", "kind": "route_point", "lines": ["20", "3"], "group": ["cm2", "cm1"]},
    {"type": "device_added", "device": "A", "kind": "phone", "lines": ["3"]},
]
OPENED: Json = {"type": "device_opened", "device": "R"}
CALL: Json = {"type": "call_started", "call": "c1", "device": "R"}


def node(event_type: str, name: str) -> Json:
    """A node that fails or recovers."""
    return {"type": f"node_{event_type}", "node": name}


MOVED = [OPENED, node("failed", "cm2")]

# After these events the route point's state, home, calls, rehome_to, lines are those.
PLACES: dict[str, tuple[list[Json], tuple[object, ...]]] = {
    "nobody has it open": ([], ("unregistered", None, 0, None, "out out")),
    "opened": ([OPENED], ("in_service", "cm2", 0, None, "in in")),
    "only a line opened": (
        [{"type": "line_opened", "device": "R", "line": "3"}], ("in_service", "cm2", 0, None, "in in")
    ),
    "at the backup": (MOVED, ("in_service", "cm1", 0, None, "in in")),
    "no node up": ([*MOVED, node("failed", "cm1")], ("out_of_service", None, 0, None, "out out")),
    "held by a call": ([*MOVED, CALL, node("recovered", "cm2")], ("in_service", "cm1", 1, "cm2", "in in")),
    "held by two": (
        [*MOVED, CALL, {**CALL, "call": "c2"}, node("recovered", "cm2")], ("in_service", "cm1", 2, "cm2", "in in")
    ),
    "a call while nobody has it open": ([CALL], ("unregistered", None, 1, None, "out out")),
    "the call ended": (
        [*MOVED, CALL, node("recovered", "cm2"), {"type": "call_ended", "call": "c1"}],
        ("in_service", "cm2", 0, None, "in in"),
    ),
    "a line refused": (
        [{"type": "open_refused", "device": "R", "line": "20"}, OPENED], ("in_service", "cm2", 0, None, "out in")
    ),
    "refused by its home afterwards": (
        [OPENED, {"type": "open_refused", "device": "R", "nodes": ["cm2"]}], ("in_service", "cm2", 0, None, "in in")
    ),
    "refused everywhere": ([{"type": "open_refused", "device": "R"}, OPENED], ("unregistered", None, 0, None, "out out")),
    "closed": ([OPENED, {"type": "device_closed", "device": "R"}], ("unregistered", None, 0, None, "out out")),
}  # fmt: skip


def place(found: Json) -> tuple[object, ...]:
    """State, home, calls, rehome_to and lines of a home."""
    lines = " ".join(state.split("_")[0] for state in found["lines"].values())
    return found["state"], found["home"], found["calls"], found["rehome_to"], lines


@pytest.mark.parametrize(("log", "expected"), PLACES.values(), ids=PLACES)
def test_place(log: list[Json], expected: tuple[object, ...]) -> None:
    """What the events have done to the route point is what its home says."""
    found = fold([*SITE, *log]).homes

    assert place(found[0]) == expected


def test_home_has_exactly_these_fields_in_this_order() -> None:
    """A home as NDJSON has the fields of the specification, in its order, without blanks; lines in their order."""
    _, replay = run(decoded([*SITE, *MOVED, CALL, node("recovered", "cm2")]))
    first = next(homes(replay.cluster))

    assert Home.__struct_fields__ == FIELDS
    assert msgspec.json.encode(first) == (
        b'{"device":"R","kind":"route_point","state":"in_service","home":"cm1","original":"cm2","calls":1,'
        b'"rehome_to":"cm2","lines":{"20":"in_service","3":"in_service"}}'
    )


def test_devices_stand_in_the_order_added() -> None:
    """Devices come in the order of the log, not in that of their names; ``home`` gives the same one by one."""
    _, replay = run(decoded(SITE))
    found = list(homes(replay.cluster))

    assert [one.device for one in found] == ["R", "A"]
    assert [home(replay.cluster, device) for device in replay.cluster.devices.values()] == found


def test_looking_at_homes_changes_nothing() -> None:
    """Homes are derived: reading them leaves the state as it was."""
    for log in corpus()[:50]:
        _, replay = run(decoded(log))
        before = replay.encoded()
        placed(replay)

        assert replay.encoded() == before


def test_schema_accepts_every_home() -> None:
    """``schema homes`` describes what ``homes --ndjson`` prints."""
    validator = Draft202012Validator(schema("homes"))
    some = [one for log in corpus()[::25] for one in fold(log).homes]

    assert some
    assert [list(validator.iter_errors(one)) for one in some] == [[]] * len(some)
