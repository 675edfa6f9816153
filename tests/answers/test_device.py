"""Where every device was at every version, and why."""

import json
from pathlib import Path

import pytest
from conftest import SCENARIOS
from jsonschema import Draft202012Validator
from support.explained import WORKED, cti_es, each, events_of, homes_at, plain, stored
from support.strategies import Json, decoded

from cti_es.answers.device import explain_device, home_in_words
from cti_es.logs.reading import Cut
from cti_es.model.homes import home
from cti_es.model.replay import Replay
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Event
from cti_es_cli.commands.schema import schema
from cti_es_cli.sources import open_log


def changes(events: list[Event], name: str) -> list[int]:
    """The versions at which the device's state or home is another one than before."""
    found, last, replay = [], None, Replay()
    for version, event in enumerate(events, 1):
        replay.advance([event])
        device = replay.cluster.devices.get(name)
        if device is None:
            last = None
        elif (device.state, device.home) != last:
            last = device.state, device.home
            found.append(version)
    return found


@each
def test_every_device_is_placed_at_every_version(scenario: Path) -> None:
    """Where a device is at a version is what ``homes --as-of`` says; ``since`` is its last change of state or home."""
    events = events_of(scenario)
    with open_log(str(scenario / "log.ndjson"), again=True) as log:
        for name in homes_at(scenario, len(events)):
            changed = changes(events, name)
            for version in range(changed[0], len(events) + 1):
                if name not in homes_at(scenario, version):
                    with pytest.raises(InputError, match=f"there is no device '{name}'"):
                        explain_device(log, name, Cut(version=version))
                    continue
                found, warnings = explain_device(log, name, Cut(version=version))
                last = max(one for one in changed if one <= version)

                assert (found.version, warnings) == (version, [])
                assert plain(found.home) == homes_at(scenario, version)[name]
                assert last <= found.since <= version
                assert found.event == events[found.since - 1]
                assert found.since == last or found.why.startswith("The system closed")
                assert found.why.endswith(".")
                assert bool(found.waits_for) == (
                    found.home.state == "out_of_service" or found.home.rehome_to is not None
                )


@each
def test_command_places_every_device(scenario: Path) -> None:
    """``explain --device --ndjson`` fits its schema and has the home that ``homes`` prints."""
    validator = Draft202012Validator(schema("placement"))
    for name, expected in homes_at(scenario, len(events_of(scenario))).items():
        found = json.loads(cti_es("explain", scenario / "log.ndjson", "--device", name, "--ndjson").stdout)

        assert found["home"] == expected
        assert list(validator.iter_errors(found)) == []


WAITS: dict[str, tuple[list[Json], str, list[str]]] = {
    "nothing": ([], "", []),
    "a call": (
        [
            {"type": "node_failed", "node": "cm1"},
            {"type": "call_started", "call": "c1", "device": "P"},
            {"type": "node_recovered", "node": "cm1"},
        ],
        "its last call to end, to be re-homed to cm1",
        [],
    ),
    "two calls": (
        [
            {"type": "node_failed", "node": "cm1"},
            {"type": "call_started", "call": "c1", "device": "P"},
            {"type": "call_started", "call": "c2", "device": "P"},
            {"type": "node_recovered", "node": "cm1"},
        ],
        "its 2 calls to end, to be re-homed to cm1",
        [],
    ),
    "a node": (
        [{"type": "node_failed", "node": "cm1"}, {"type": "node_failed", "node": "cm2"}],
        "a node of its group (cm1, cm2) that is in service and takes it",
        [],
    ),
    "a node that takes it": (
        [{"type": "open_refused", "device": "P", "nodes": ["cm2"]}, {"type": "node_failed", "node": "cm1"}],
        "a node of its group (cm1, cm2) that is in service and takes it",
        ["cm2"],
    ),
}


@pytest.mark.parametrize(("events", "waits_for", "refused_by"), WAITS.values(), ids=WAITS)
def test_what_a_device_waits_for(events: list[Json], waits_for: str, refused_by: list[str]) -> None:
    """A placement says what has to happen before the device moves or comes back, and who refuses it."""
    site: list[Json] = [
        {"type": "node_added", "node": "cm1"},
        {"type": "node_added", "node": "cm2"},
        {"type": "device_added", "device": "P", "kind": "cti_port", "lines": ["1"]},
        {"type": "device_opened", "device": "P"},
        {"type": "open_refused", "device": "P", "line": "1", "nodes": ["cm2"]},
    ]
    log = stored(decoded([{**event, "at": "2026-01-01T00:00:00Z"} for event in [*site, *events]]))
    found, _ = explain_device(log, "P", Cut())

    assert found.waits_for == waits_for
    assert found.refused_by == refused_by
    assert found.lines_refused_by == {"1": ["cm2"]}


WHY: dict[str, tuple[list[Json], str]] = {
    "no node, and a call that began later": (
        [
            {"type": "behaviour_set", "phones_wait_for_calls": True},
            {"type": "node_failed", "node": "cm1"},
            {"type": "call_started", "call": "c", "device": "T"},
        ],
        "It lost its home, and no other node of its group was in service and took it.",
    ),
    "a call, though a node would take it": (
        [
            {"type": "behaviour_set", "phones_wait_for_calls": True},
            {"type": "node_failed", "node": "cm1"},
            {"type": "call_started", "call": "c", "device": "T"},
            {"type": "node_recovered", "node": "cm1"},
        ],
        "It went out of service; a call is active on it, and phones are opened again only without one.",
    ),
    "away while its node failed": (
        [
            {"type": "device_failed", "device": "T"},
            {"type": "node_failed", "node": "cm1"},
            {"type": "device_recovered", "device": "T"},
        ],
        "The device itself was away, and since it came back no node of its group was in service and took it.",
    ),
}


@pytest.mark.parametrize(("events", "why"), WHY.values(), ids=WHY)
def test_why_a_device_is_out_of_service(events: list[Json], why: str) -> None:
    """The reason that is given is the one that keeps it out, not one that came later."""
    site: list[Json] = [{"type": "node_added", "node": "cm1"}, {"type": "device_added", "device": "T", "kind": "phone"}]
    log = stored(decoded([{**event, "at": "2026-01-01T00:00:00Z"} for event in [*site, *events]]))

    assert explain_device(log, "T", Cut())[0].why == why


def test_device_that_is_not_there() -> None:
    """An unknown device is an error with a near name; so is a device at a version before it was added."""
    unknown, early = (
        cti_es("explain", WORKED, "--device", name, "--as-of", at) for name, at in [("RP_SALE", 9), ("RP_SALES", 3)]
    )

    assert (unknown.exit_code, early.exit_code) == (2, 2)
    assert "did you mean 'RP_SALES'?" in unknown.stderr
    assert "there is no device 'RP_SALES'" in early.stderr


@pytest.mark.parametrize(
    "arguments",
    [[], ["1", "--device", "RP_SALES"], ["1", "--as-of", "3"], ["0"], ["--device", "RP_SALES", "--as-of", "99"]],
)
def test_usage(arguments: list[str]) -> None:
    """A message or a device, not both, not neither; a version only for a device, and not past the end."""
    assert cti_es("explain", WORKED, *arguments).exit_code == 2


def test_placement_at_a_moment() -> None:
    """``--as-of`` takes a time, too: the last version that is not later."""
    found = json.loads(
        cti_es("explain", WORKED, "--device", "RP_SALES", "--as-of", "2026-03-02T09:52:40Z", "--ndjson").stdout
    )

    assert (found["version"], found["since"], found["home"]["home"]) == (9, 8, "cm2")


def test_words_of_a_home() -> None:
    """A home in words says state, lines, calls and the move that is due; of a device that is not there, that."""
    replay = Replay()
    replay.advance(events_of(SCENARIOS[0])[:9])
    found = home(replay.cluster, replay.cluster.devices["RP_SALES"])

    assert home_in_words(found) == (
        "in service at cm2 (original node cm1); lines 6000, 6001 in service; 1 active call; re-homing to cm1 is due"
    )
    assert home_in_words(None) == "not in the configuration"
