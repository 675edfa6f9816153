"""Handles that were opened and told nothing, in a trace of names: their announcements are no difference."""

import json

import pytest
from msgspec.structs import replace
from support.strategies import corpus, decoded

from cti_es.model.replay import Replay
from cti_es.model.steps import Opened
from cti_es.traces.diff.compare import DiffOptions, compare
from cti_es.traces.sides import received
from cti_es.vocabulary.tapi import TraceMessage

OPENED = {"type": "device_opened", "device": "P"}
CLOSED = {"type": "device_closed", "device": "P"}
LOG = [
    {"type": "node_added", "node": "cm1"},
    {"type": "node_added", "node": "cm2"},
    {"type": "device_added", "device": "P", "kind": "cti_port", "lines": ["1"]},
    *[OPENED, CLOSED, OPENED],
    {"type": "node_failed", "node": "cm1"},
    *[CLOSED, OPENED, CLOSED, OPENED],
]
IN, OUT = (0x40, 0), (0x80, 1)


@pytest.fixture
def compared(tmp_path):
    """Compare the log above with these messages of its line, which have names and no handles."""
    import cti_es

    def run(*states: tuple[int, int]):
        phone = [
            {"message": "PHONE_STATE", "param1": 0x40000, "param2": 1},
            {"message": "PHONE_STATE", "param1": 0x80000, "param2": 0},
        ]
        lines = [{"message": "LINE_LINEDEVSTATE", "param1": one, "param2": two, "line": "1"} for one, two in states]
        rows = [json.dumps({"app": "app", "device": "P", "line": None, **one}) + "\n" for one in [*phone, *lines]]
        (tmp_path / "log.ndjson").write_text("".join(json.dumps(event) + "\n" for event in LOG))
        (tmp_path / "trace.ndjson").write_text("".join(rows))
        return cti_es.diff(str(tmp_path / "log.ndjson"), str(tmp_path / "trace.ndjson"))

    return run


def test_an_announcement_after_each_opening(compared):
    """Of four handles three tell nothing: each may be announced once, at its place, and the one that is told as well."""
    result = compared(IN, IN, OUT, IN, IN, IN)

    assert result.conforms, result
    assert "4 first messages announced" in result


@pytest.mark.parametrize("states", [(IN, IN, IN, OUT, IN), (OUT, IN, IN, IN, IN), (IN, OUT, IN, OUT, IN)])
def test_no_more_than_were_opened(compared, states):
    """One more than were opened there is unexpected, and so is what no opening explains."""
    result = compared(*states)

    assert not result.conforms
    assert {one.kind for one in result.differences} == {"unexpected"}


def test_nothing_is_announced_when_strict(tmp_path, compared):
    """With strict an announcement is a difference, whichever handle it is for."""
    import cti_es

    compared(IN, IN, OUT, IN)
    result = cti_es.diff(str(tmp_path / "log.ndjson"), str(tmp_path / "trace.ndjson"), strict=True)

    assert [one.kind for one in result.differences] == ["unexpected", "unexpected"]


STATE = {True: ("PHONE_STATE", 0x80000), False: ("LINE_LINEDEVSTATE", 0x40)}
"""What announces a phone handle, and what a line handle."""


def announced_after_every_opening(events):
    """The messages of a log, and the same by names with an announcement of each handle opened in service; the opens."""
    messages, came, opens = [], [], {}
    for happening in Replay().happenings(events):
        messages += happening.messages
        came += map(received, happening.messages)
        told = {(one.app, one.device, one.line) for one in happening.messages}
        for opened in (step for step in happening.steps if isinstance(step, Opened)):
            for line in [None] * opened.phone + list(opened.lines):
                key = "line" if line else "phone", opened.app, opened.device, line
                opens.setdefault(key, []).append(happening.version)
                if key[1:] not in told:
                    came.append(TraceMessage(0, *STATE[line is None], 0, *key[1:], at=happening.event.at))
    by_names = [replace(one, place=place, handle=None, version=None) for place, one in enumerate(came, 1)]
    return [received(one) for one in messages], by_names, opens


@pytest.mark.parametrize("timed", [True, False])
def test_no_announcement_is_a_difference(timed):
    """In random logs every handle that is opened in service is announced: nothing differs, with times and without."""
    compared = 0
    for log in corpus():
        expected, came, opens = announced_after_every_opening(decoded(log))
        if not timed:
            expected, came = ([replace(one, at=None) for one in side] for side in (expected, came))
        if expected:
            found = compare([expected], [came], DiffOptions(), opens.copy)
            compared += found.announced
            assert found.differences == []

    assert compared
