"""Why an application was not told anything by an event: each reason once, and something always."""

import json
from typing import Any

import pytest
from support.listed import ListedLog
from support.strategies import decoded, whole_corpus

from cti_es.answers.untold import Effect, explain_event
from cti_es.vocabulary.errors import InputError

BEGIN = [
    {"type": "node_added", "node": "cm1"},
    {"type": "node_added", "node": "cm2"},
    {"type": "cti_manager_added", "node": "cm1"},
    {"type": "provider_opened", "app": "ivr", "cti_managers": ["cm1"]},
    {"type": "device_added", "device": "P", "kind": "cti_port", "lines": ["1"]},
    {"type": "device_added", "device": "Q", "kind": "phone", "lines": ["2"]},
    {"type": "device_opened", "device": "P", "app": "ivr", "lines": []},
    {"type": "device_opened", "device": "P", "app": "board"},
]
"""Two nodes; a port that two applications have open, one of them with a provider; a phone that nobody has open."""

CASES: dict[str, tuple[str, list[dict[str, Any]], set[tuple[str | None, str | None, str]]]] = {
    "a phone that nobody has open": (
        "Q", [{"type": "node_failed", "node": "cm1"}], {(None, None, "no_handle")}),
    "what was told already, when the link was lost": (
        "P", [{"type": "cti_manager_failed", "node": "cm1"}, {"type": "device_failed", "device": "P"}],
        {("ivr", None, "told_already")}),
    "an application without a link": (
        "P",
        [
            {"type": "cti_manager_failed", "node": "cm1"},
            {"type": "device_failed", "device": "P"},
            {"type": "device_recovered", "device": "P"},
        ],
        {("ivr", None, "no_link")}),
    "what is opened in service": (
        "P",
        [
            {"type": "device_closed", "device": "P", "app": "ivr"},
            {"type": "device_closed", "device": "P", "app": "board"},
            {"type": "device_opened", "device": "P", "app": "board"},
        ],
        {("board", None, "nothing_changed"), ("board", "1", "nothing_changed")}),
    "messages that are not wanted": (
        "P",
        [
            {"type": "status_messages_set", "device": "P", "app": "board", "line": "1", "states": ["INSERVICE"]},
            {"type": "device_failed", "device": "P"},
        ],
        {("board", "1", "filter")}),
    "a move that waits for a call": (
        "P",
        [
            {"type": "node_failed", "node": "cm1", "scope": "call_manager"},
            {"type": "call_started", "call": "c", "device": "P"},
            {"type": "node_recovered", "node": "cm1", "scope": "call_manager"},
        ],
        {(None, None, "waits_for_calls")}),
    "a node that is not its home": (
        "P", [{"type": "node_failed", "node": "cm2"}], {(None, None, "nothing_changed")}),
    "an event that does not fit": (
        "P", [{"type": "node_failed", "node": "cm9"}], {(None, None, "misfit")}),
}  # fmt: skip


def explained(log: list[dict[str, Any]], device: str) -> Effect:
    """What the last event of a log did to a device."""
    return explain_event(ListedLog(decoded(log)), device, len(log))


@pytest.mark.parametrize("case", CASES)
def test_each_reason(case: str) -> None:
    """The handles that were not told, or nobody, with the reason."""
    device, events, expected = CASES[case]
    found = explained([*BEGIN, *events], device)

    assert {(one.app, one.line, one.why) for one in found.not_told} == expected


def test_who_was_told_is_not_among_them() -> None:
    """An event that tells everybody leaves nobody to explain."""
    found = explained([*BEGIN, {"type": "device_failed", "device": "P"}], "P")

    assert len(found.messages) == 3
    assert found.not_told == []


def test_an_event_always_says_something() -> None:
    """Where nothing was sent about a device there is a reason, for every event and device of some random logs."""
    for log in whole_corpus()[::250]:
        listed = ListedLog(decoded(log))
        for version in range(1, len(log) + 1):
            for device in ("D1", "D2", "D3"):
                try:
                    found = explain_event(listed, device, version)
                except InputError:
                    continue

                assert found.messages or found.not_told, json.dumps(log[: version + 1])
                assert (found.version, found.device) == (version, device)


def test_what_is_not_there() -> None:
    """An unknown device is an error with what is near, a version past the end one, too."""
    with pytest.raises(InputError, match=r"no device 'PP'.*did you mean 'P'"):
        explained(BEGIN, "PP")
    with pytest.raises(InputError, match="no version 99"):
        explain_event(ListedLog(decoded(BEGIN)), "P", 99)
