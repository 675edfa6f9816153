"""Explanations of messages: of every message of every scenario, and of logs in a store."""

import json
from pathlib import Path

import msgspec
import pytest
from conftest import SCENARIOS
from jsonschema import Draft202012Validator
from support.explained import WORKED, cti_es, each, events_of, homes_at, plain, stored
from support.strategies import corpus, decoded, placed, run

from cti_es.answers.message import explain_message
from cti_es.model.rules import RULES
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import type_of
from cti_es_cli.commands.schema import schema
from cti_es_cli.sources import open_log


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
    event_type = type_of[type(events_of(scenario)[last["version"] - 1])]
    verb = "Caused" if last["rule"].startswith(f"{event_type}/") else "Delivered"
    assert f"{verb} by event {last['version']}" in result.stdout
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
