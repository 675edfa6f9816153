"""Explanations: of every message of every scenario, and of where every device was at every version."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from conftest import SCENARIOS
from jsonschema import Draft202012Validator
from support.strategies import Json, corpus, decoded, placed, run

from cti_es.answers.message import explain_device, explain_message, home_in_words
from cti_es.logs.append import Options, append
from cti_es.logs.ndjson import Lines, read_events
from cti_es.logs.reading import Cut, StoredLog
from cti_es.logs.store import MemoryStore
from cti_es.model.homes import home
from cti_es.model.replay import Replay
from cti_es.model.rules import RULES
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Event
from cti_es_cli.commands.schema import schema
from cti_es_cli.main import main
from cti_es_cli.sources import open_log

each = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
WORKED = SCENARIOS[0] / "log.ndjson"


@cache
def events_of(scenario: Path) -> list[Event]:
    """The events of a scenario."""
    with (scenario / "log.ndjson").open("rb") as stream:
        return [event for lines in read_events(stream, "log") for event in lines.events]


@cache
def homes_at(scenario: Path, version: int) -> dict[str, Json]:
    """Where every device is at a version, by folding from the start."""
    return {found["device"]: found for found in placed(run(events_of(scenario)[:version])[1])}


def cti_es(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def plain(found: Any) -> Any:
    """A Struct as plain data."""
    return msgspec.to_builtins(found)


# A message.


@each
def test_every_message_is_explained(scenario: Path) -> None:
    """The message itself, its event, its rule in words, the device's homes around the event, its fellow messages."""
    messages = run(events_of(scenario))[0]
    with open_log(str(scenario / "log.ndjson"), again=True) as log:
        found = [explain_message(log, message["seq"]) for message in messages]

    for message, explanation in zip(messages, found, strict=True):
        version, device = message["version"], message["device"]
        fellows = [one for one in messages if (one["version"], one["device"]) == (version, device)]

        assert plain(explanation.message) == message
        assert explanation.event == events_of(scenario)[version - 1]
        assert explanation.why == RULES[message["rule"]]
        assert plain(explanation.before) == homes_at(scenario, version - 1).get(device)
        assert plain(explanation.after) == homes_at(scenario, version).get(device)
        assert plain(explanation.messages) == fellows


@pytest.mark.parametrize("seq", [1, 11, 20])
def test_command_explains_a_message(seq: int) -> None:
    """``explain SEQ --ndjson`` has the homes that ``homes --as-of`` prints before and after the event."""
    found = json.loads(cti_es("explain", WORKED, seq, "--ndjson").stdout)
    version, device = found["message"]["version"], found["message"]["device"]
    homes = [
        [json.loads(line) for line in cti_es("homes", WORKED, "--as-of", at, "--ndjson").stdout.splitlines()]
        for at in (version - 1, version)
    ]

    assert [found["before"], found["after"]] == [one for rows in homes for one in rows if one["device"] == device]
    assert list(Draft202012Validator(schema("explanation")).iter_errors(found)) == []


@pytest.mark.parametrize(
    "scenario", [path for path in SCENARIOS if (path / "messages.ndjson").stat().st_size], ids=lambda path: path.name
)
def test_text_says_all_of_it(scenario: Path) -> None:
    """As text, the explanation of the last message shows message, event, rule, both states and the fellow messages."""
    last = run(events_of(scenario))[0][-1]
    result = cti_es("explain", scenario / "log.ndjson", last["seq"])

    assert result.exit_code == 0
    assert result.stdout.startswith(f"Message {last['seq']} of ")
    assert f"Rule {last['rule']}: {RULES[last['rule']]}\n" in result.stdout
    assert f"Caused by event {last['version']}" in result.stdout
    assert f"Before: {last['device']} " in result.stdout
    assert f"After:  {last['device']} " in result.stdout
    assert f"\n> {last['seq']}  {last['app']}  " in result.stdout


@pytest.mark.parametrize("seq", [21, 1_000_000])
def test_message_that_is_not_there(seq: int) -> None:
    """A number past the last message is an error that says how many there are."""
    result = cti_es("explain", WORKED, seq)

    assert result.exit_code == 2
    assert f"there is no message {seq}; expected a number from 1 to 20" in result.stderr


def test_log_without_messages() -> None:
    """In a log that sends nothing there is no message to explain."""
    with pytest.raises(InputError, match="there is no message 1; expected a log that causes messages"):
        explain_message(stored(decoded([{"type": "node_added", "node": "cm1"}])), 1)


def stored(events: list[Event]) -> StoredLog:
    """A log in memory."""
    store = MemoryStore()
    append(store, "lab", [Lines(range(1, len(events) + 1), events)], Options("log", allow_misfits=True))
    return StoredLog(store, "lab", "memory:#lab")


@pytest.mark.parametrize("seed", range(10))
def test_messages_of_a_stored_log_are_explained(seed: int) -> None:
    """Random logs, misfits included, kept in a store: each message has its event and the states around it."""
    events = [msgspec.structs.replace(event, at="2026-01-01T00:00:00Z") for event in decoded(corpus()[seed])]
    log, (messages, _) = stored(events), run(events)
    for message in messages[::5]:
        found = explain_message(log, message["seq"])
        before, after = (
            {one["device"]: one for one in placed(run(events[:version])[1])}
            for version in (message["version"] - 1, message["version"])
        )

        assert plain(found.message) == message
        assert plain(found.before) == before.get(message["device"])
        assert plain(found.after) == after.get(message["device"])


# A device.


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


def test_what_a_handle_wanted_that_is_closed_now() -> None:
    """A note on a message that was kept back names what the handle wanted, also if the same event closed it."""
    log = stored(decoded([{**event, "at": "2026-01-01T00:00:00Z"} for event in (
        {"type": "node_added", "node": "cm1"},
        {"type": "node_added", "node": "cm2"},
        {"type": "device_added", "device": "R", "kind": "route_point", "lines": ["1", "2"]},
        {"type": "device_opened", "device": "R"},
        {"type": "node_failed", "node": "cm1"},
        {"type": "status_messages_set", "device": "R", "line": "1", "states": ["INSERVICE"]},
        {"type": "open_refused", "device": "R", "line": "1"},
        {"type": "node_recovered", "node": "cm1"},
    )]))  # fmt: skip
    notes = [note for seq in range(7, 10) for note in explain_message(log, seq).notes if "was not told" in note]

    assert set(notes) == {
        "app was not told OUTOFSERVICE on its handle of line 1: of the state messages it wants INSERVICE."
    }


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
