"""``diff`` and ``lint`` as a user runs them."""

import json
from xml.etree import ElementTree

import pytest

from cti_es.formats import tapi_browser
from cti_es.replay import Replay
from cti_es.worked_example import EVENTS


@pytest.fixture
def expected(quick, tmp_path):
    """The worked example as a log, and its messages as a trace; the lines of the trace."""
    (tmp_path / "events.ndjson").write_bytes(EVENTS)
    trace = quick("replay", "events.ndjson", "--ndjson").stdout
    (tmp_path / "trace.ndjson").write_bytes(trace)
    return trace.splitlines(keepends=True)


def test_a_replay_conforms_to_its_log(expected, quick):
    """The messages of a log are what the log expects: exit 0 and the counts."""
    result = quick("diff", "events.ndjson", "trace.ndjson")

    assert result.returncode == 0
    assert b"CONFORMS: 20 of 20 expected messages matched" in result.stdout


def test_a_lost_message_is_the_first_divergence(expected, quick, tmp_path):
    """A message that did not come is named with its event and rule: exit 1."""
    (tmp_path / "got.ndjson").write_bytes(b"".join(expected[:11] + expected[12:]))
    result = quick("diff", "events.ndjson", "got.ndjson")

    assert result.returncode == 1
    for words in (b"1 missing", b"First divergence: missing in CTIP_IVR_01/5001", b"node_recovered node=cm1"):
        assert words in result.stdout
    assert quick("diff", "events.ndjson", "got.ndjson").stdout == result.stdout


def test_ndjson_ends_with_a_summary(expected, quick, tmp_path):
    """One object a difference, with the event that caused it, then the summary."""
    (tmp_path / "got.ndjson").write_bytes(b"".join(expected[1:]))
    rows = [json.loads(line) for line in quick("diff", "events.ndjson", "got.ndjson", "--ndjson").stdout.splitlines()]

    assert [row["kind"] for row in rows] == ["missing", "summary"]
    assert rows[0]["event"]["type"] == "node_failed"
    assert (rows[1]["conforms"], rows[1]["matched"]) == (False, 19)


def test_junit_has_a_case_for_each_channel(expected, quick, tmp_path):
    """JUnit XML: as many test cases as channels, a failure where one differs."""
    (tmp_path / "got.ndjson").write_bytes(b"".join(expected[1:]))
    quick("diff", "events.ndjson", "got.ndjson", "--junit", "diff.xml")
    root = ElementTree.parse(tmp_path / "diff.xml").getroot()

    assert len(root.findall(".//testcase")) == 5
    assert [case.get("type") for case in root.findall(".//failure")] == ["missing"]


def test_a_tapi_browser_trace_conforms(expected, quick, tmp_path):
    """A trace with handles alone is matched by what it says; the report says that the handles were inferred."""
    messages = list(Replay().messages(decoded()))
    keys = dict.fromkeys(map(tapi_browser.key, messages))
    numbers = {key: tapi_browser.handle_number(number) for number, key in enumerate(keys)}
    (tmp_path / "tb20.log").write_bytes(b"".join(tapi_browser.write(messages, numbers.__getitem__)))
    result = quick("diff", "events.ndjson", "tb20.log")

    assert result.returncode == 0
    assert b"(tapi-browser), 20 messages" in result.stdout
    assert b"handles inferred" in result.stdout


def decoded():
    from io import BytesIO

    from cti_es.formats.eventlog import read_events

    return [event for lines in read_events(BytesIO(EVENTS), "log") for event in lines.events]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("events.ndjson", "trace.ndjson", "--app", "nobody"), "no message to expect"),
        (("events.ndjson", "nowhere.ndjson"), "no such file"),
        (("-", "-"), "only one of"),
        (("events.ndjson", "other.ndjson"), "different applications"),
        (("events.ndjson", "broken.ndjson"), "broken.ndjson:2"),
        (("events.ndjson", "trace.ndjson", "--handles", "handles.csv"), "stands twice"),
        (("events.ndjson", "empty.ndjson"), "nothing in it"),
    ],
    ids=str,
)
def test_trouble(arguments, words, expected, quick, refused, tmp_path):
    """What cannot be compared is exit 2 and a sentence."""
    (tmp_path / "other.ndjson").write_bytes(b"".join(expected).replace(b'"app":"app"', b'"app":"other"'))
    (tmp_path / "broken.ndjson").write_bytes(expected[0] + b'{"message":"PHONE_STATE",\n')
    (tmp_path / "handles.csv").write_text("handle,app,device,line\nx1,,D,\n0x1,,E,\n")
    (tmp_path / "empty.ndjson").write_bytes(b"")

    refused(quick("diff", *arguments), words)


def test_lint(expected, quick, tmp_path):
    """A replay keeps the rules: exit 0; one that loses a RESUME breaks one: exit 1, named by its line."""
    (tmp_path / "got.ndjson").write_bytes(b"".join(expected[:5] + expected[6:]))
    good, bad = quick("lint", "trace.ndjson"), quick("lint", "got.ndjson", "--ndjson")

    assert (good.returncode, good.stdout) == (0, b"")
    assert bad.returncode == 1
    assert [json.loads(line)["rule"] for line in bad.stdout.splitlines()] == ["alternates"]
