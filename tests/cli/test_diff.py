"""``diff`` and ``lint`` as a user runs them."""

import json
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from cti_es.model.replay import Replay
from cti_es.report import tapi_browser
from cti_es.testing.worked_example import EVENTS


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

    from cti_es.logs.ndjson import read_events

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


def test_misfits_of_the_log_are_named(expected, quick, tmp_path):
    """A slip in the log makes a wrong expectation, so diff says that there is one; the report stays the same."""
    (tmp_path / "slip.ndjson").write_bytes(EVENTS + b'{"type":"node_failed","node":"cm9"}\n')
    result = quick("diff", "slip.ndjson", "trace.ndjson")

    assert result.returncode == 0
    assert b"warning: 1 event does not fit in slip.ndjson, the first is" in result.stderr
    assert b"unknown node 'cm9'" in result.stderr


def test_times_that_nobody_has_are_not_compared(expected, quick, tmp_path):
    """--time-tolerance with a trace without times is an error, not a verdict."""
    bare = quick("replay", "events.ndjson", "--format", "tapi-browser").stdout
    (tmp_path / "bare.txt").write_bytes(bare)
    result = quick("diff", "events.ndjson", "bare.txt", "--time-tolerance", "5s")

    assert result.returncode == 2
    assert b"ACTUAL has no times to compare" in result.stderr


@pytest.mark.parametrize("trace", ["trace.ndjson", "bare.txt"])
def test_a_date_that_is_none_is_refused(expected, quick, tmp_path, trace):
    """Whatever the format of the trace, --date is checked."""
    (tmp_path / "bare.txt").write_bytes(quick("replay", "events.ndjson", "--format", "tapi-browser").stdout)
    result = quick("lint", trace, "--date", "nonsense")

    assert result.returncode == 2
    assert b"'nonsense' is no day" in result.stderr


def test_lint_of_nothing_is_no_pass(quick, tmp_path):
    """A trace in which there is nothing to check is trouble; what was left out of another one is counted."""
    (tmp_path / "header.csv").write_bytes(b"message,param1,param2,handle\n")
    (tmp_path / "some.csv").write_bytes(
        b"message,param1,param2,handle\nPHONE_STATE,0x80000,0,a\nLINE_CALLSTATE,2,0,b\nPHONE_STATE,x,0,a\n"
    )
    nothing = quick("lint", "header.csv")
    some = quick("lint", "some.csv", "--skip-bad")

    assert (nothing.returncode, some.returncode) == (2, 0)
    assert b"no message to check" in nothing.stderr
    assert b"left out of some.csv: 1 LINE_CALLSTATE, 1 that cannot be read" in some.stderr


def test_a_log_in_utf_16(expected, quick, tmp_path):
    """A log that an older PowerShell wrote is a log for diff and lint, too."""
    (tmp_path / "log.ndjson").write_bytes(EVENTS.decode().encode("utf-16"))

    assert quick("diff", "log.ndjson", "trace.ndjson").returncode == 0
    assert quick("lint", "log.ndjson").returncode == 0


def test_several_states_in_one_message(expected, quick, tmp_path):
    """OUTOFSERVICE together with NUMCALLS is out of service; in and out at once, and no state at all, are left out."""
    rows = [json.loads(line) for line in expected]
    rows[1]["param1"] |= 0x800
    more = {key: rows[1][key] for key in ("message", "app", "device", "line", "handle")} | {"param2": 0}
    rows += [{**more, "param1": 0xC0}, {**more, "param1": None}]
    (tmp_path / "got.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = quick("diff", "events.ndjson", "got.ndjson")

    assert (result.returncode, rows[1]["message"]) == (0, "LINE_LINEDEVSTATE")
    assert b"skipped: 1 LINE_LINEDEVSTATE of other states, 1 LINE_LINEDEVSTATE of an\n" in result.stdout


def test_two_outputs_into_one_file(expected, quick, refused, tmp_path):
    """The report does not take the place of the JUnit file, and errors name the right option."""
    arguments = ("diff", "events.ndjson", "trace.ndjson")
    refused(quick(*arguments, "--junit", "x.out", "-o", "./x.out"), "--junit and -o are the same file")
    refused(quick(*arguments, "--junit", "nowhere/x.xml"), "--junit nowhere/x.xml: no such folder")
    refused(quick(*arguments, "--junit", "trace.ndjson"), "--junit trace.ndjson: this file is read")

    assert not (tmp_path / "x.out").exists()


@pytest.mark.parametrize("tz", ["nonsense", "IST=", "+25:00", "Europe/Berlim"])
def test_an_offset_that_is_none(tz, expected, quick, refused):
    """It is refused also where there is no date yet to go with it."""
    refused(
        quick("diff", "events.ndjson", "trace.ndjson", "--stamp-tz", tz),
        "no time zone",
        "expected Z, an offset such as +05:30",
    )


def test_named_pipes(expected, tmp_path):
    """``<(…)``, as people give it to diff: read once, and looked at twice."""
    program = f"{sys.executable} -m cti_es_cli"
    for command, words in (
        ("diff <(cat events.ndjson) <(cat trace.ndjson)", b"CONFORMS: 20 of 20"),
        ("replay <(cat events.ndjson)", b"PHONESTATE_SUSPEND"),
        ("append new.db --from <(cat events.ndjson); " + f"{program} export new.db", b'"node_added"'),
    ):
        done = subprocess.run(["bash", "-c", f"{program} {command}"], cwd=tmp_path, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert words in done.stdout


@pytest.fixture
def crash(tmp_path):
    """The published trace of a JTAPI gateway, and the log of what happened."""
    from conftest import FIXTURES

    for name in ("jtapi-jgw.log", "jtapi-jgw-events.ndjson", "jtapi-uccx.log"):
        (tmp_path / name).write_bytes((FIXTURES / "traces" / name).read_bytes())
    return "jtapi-jgw-events.ndjson", "jtapi-jgw.log"


def test_a_jtapi_trace(crash, quick):
    """Addresses are matched to lines by their numbers, and the causes of JTAPI do not decide unless that is asked for."""
    plain, reasons = quick("diff", *crash), quick("diff", *crash, "--compare", "reason")

    assert (plain.returncode, reasons.returncode) == (1, 1)
    assert b"3 of 8 expected messages matched\n  5 missing;" in plain.stdout
    assert b"reasons ignored" in plain.stdout
    assert (
        b"Other reasons, which decide nothing here:\n  CallManagerFailure \xe2\x86\x92 DeviceUnregistered, 2 times"
        in plain.stdout
    )
    assert b"Other reasons" not in quick("diff", *crash, "--ignore", "reason").stdout
    assert b"1 of 8 expected messages matched\n  5 missing, 2 reason;" in reasons.stdout


def test_jtapi_has_no_remove(crash, quick, refused, tmp_path):
    """A REMOVE is left out of the expectation of a JTAPI trace, and the report says so; no event at all is trouble."""
    log = (
        tmp_path / crash[0]
    ).read_text() + '{"type":"device_removed","device":"LCP50000002","at":"2019-07-12T16:34:00Z"}\n'
    (tmp_path / "both.ndjson").write_text(log)
    result = quick("diff", "both.ndjson", crash[1])

    assert b"PHONE_REMOVE that a trace cannot tell" in b" ".join(result.stdout.split())
    assert b"missing     " in result.stdout
    assert b"REMOVE " not in result.stdout.partition(b"First divergence")[2]
    refused(quick("diff", crash[0], "jtapi-uccx.log"), "no device or line event in this JTAPI log")
    refused(quick("diff", *crash, "--ignore", "reason", "--compare", "reason"), "exclude each other")


def test_two_devices_with_the_number_of_an_address(crash, quick, tmp_path):
    """Of two lines with the number of a JTAPI address, the one that it fits is taken."""
    log = (
        (tmp_path / crash[0])
        .read_text()
        .replace('"20002"', '"20001"')
        .replace('"group":["sub7","sub8"]', '"group":["sub8"]', 1)
    )
    (tmp_path / "shared.ndjson").write_text(log)
    result = quick("diff", "shared.ndjson", crash[1], "--ndjson")
    missing = [json.loads(line) for line in result.stdout.splitlines()[:-1]]

    assert [one["expected"]["param1"] for one in missing if one["channel"].startswith("LCP50000002/20001")] == [0x40]
