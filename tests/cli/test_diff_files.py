"""What ACTUAL can be: several files, packed, newest first, of one application, of none; and what the report says then."""

import gzip
import json
from datetime import datetime, timedelta

import pytest

from cti_es.report.columns import width


@pytest.fixture
def expected(log_file, quick):
    """The worked example as a log, and the rows of its messages."""
    return [json.loads(line) for line in quick("replay", log_file, "--ndjson").stdout.splitlines()]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def report(result, code=0):
    assert result.returncode == code, (result.stdout, result.stderr)
    return result.stdout.decode(), result.stderr.decode()


# --- several files --------------------------------------------------------------------------------------------------


def test_several_files_are_merged_by_time(expected, quick, write, tmp_path):
    """Each in its own format, one of them packed: together they are the trace; the report names them all."""
    write(lines(row for row in expected if row["device"] == "RP_SALES"), "b.ndjson")
    table = quick("replay", "events.ndjson", "--device", "CTIP_IVR_01", "--format", "csv").stdout
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(table))
    text, warnings = report(quick("diff", "events.ndjson", "b.ndjson", "a.csv.gz"))

    assert "Actual:   b.ndjson, a.csv.gz (ndjson, csv), 20 messages\n" in text
    assert warnings == ""


def test_a_message_names_its_file(expected, quick, write):
    """Of several files a place is a file and a line."""
    write(lines(expected[:3]), "a.ndjson")
    write(lines([expected[3], expected[4], expected[4], *expected[5:]]), "b.ndjson")
    text, _ = report(quick("diff", "events.ndjson", "a.ndjson", "b.ndjson"), 1)

    assert "  came        b.ndjson:3  LINE_LINEDEVSTATE LINEDEVSTATE_OUTOFSERVICE\n" in text


def test_files_without_times_are_not_merged(expected, quick, write, refused):
    """The error names the first message without a time."""
    write(lines(expected[:3]), "a.ndjson")
    write(lines([{**row, "at": None} for row in expected[3:]]), "b.ndjson")

    refused(quick("diff", "events.ndjson", "a.ndjson", "b.ndjson"), "b.ndjson:1", "without a time", "times, to merge")


def test_a_log_is_not_one_of_several(expected, quick, write, refused):
    """A log is compared alone."""
    write(lines(expected), "a.ndjson")

    refused(quick("diff", "events.ndjson", "a.ndjson", "events.ndjson"), "events.ndjson", "a log among several files")


# --- order ----------------------------------------------------------------------------------------------------------


def test_newest_first(expected, quick, write):
    """A trace whose times only go back is read from its end, and a warning says so; places are lines of the file."""
    write(lines([*expected[:5], *expected[4:]][::-1]), "newest.ndjson")
    text, warnings = report(quick("diff", "events.ndjson", "newest.ndjson"), 1)

    assert "  1 unexpected; 1 of 5 channels differs\n" in text
    assert "  came        16  LINE_LINEDEVSTATE" in text
    assert warnings == "warning: the newest messages of newest.ndjson come first: it was read from its end\n"


def test_times_that_jump(expected, quick, write):
    """Where times go back here and there the order of the lines counts, and a warning names the first place."""
    rows = [dict(row) for row in expected]
    rows[15]["at"], rows[16]["at"] = "2026-03-02T09:00:00Z", "2026-03-02T08:00:00Z"
    write(lines(rows), "jumps.ndjson")

    assert (
        "warning: times go back at jumps.ndjson:16; the order of its lines counts\n"
        in report(quick("diff", "events.ndjson", "jumps.ndjson"))[1]
    )


def test_a_small_step_back_is_nothing(expected, quick, write):
    """Programs with several threads log some milliseconds out of order; nobody is warned of that."""
    rows = [dict(row) for row in expected]
    rows[15]["at"] = rows[15]["at"].replace("Z", ".250000Z")
    rows[16]["at"] = rows[15]["at"].replace(".25", ".1")
    write(lines(rows), "threads.ndjson")

    assert report(quick("diff", "events.ndjson", "threads.ndjson"))[1] == ""


# --- nothing there --------------------------------------------------------------------------------------------------


def test_a_syslog_without_cti_alarms(expected, quick, write, refused):
    """A log of CUCM that has no alarm of CTI says that, instead of all that is missing in it."""
    write("7: cm1: Mar 02 2030 09:15:02 UTC : %UC_X-2-CallManagerFailure: %[NodeID=cm1]: x\n", "cm.log")

    refused(quick("diff", "events.ndjson", "cm.log"), "cm.log", "no CTI alarm in it", "CtiDeviceOutofService")


def test_a_trace_of_other_messages_is_silence(expected, quick, write):
    """An application that was told of calls alone was not told what it should have been."""
    write('{"message":"LINE_CALLSTATE","param1":1,"param2":0,"device":"D"}\n', "calls.ndjson")

    assert "  20 missing; 5 of 5 channels differ\n" in report(quick("diff", "events.ndjson", "calls.ndjson"), 1)[0]


def test_an_expectation_of_silence(expected, quick, write, refused):
    """A log in which nothing fails expects silence: an application that was told of calls alone conforms to it."""
    write('{"type":"node_added","node":"cm1"}\n', "quiet.ndjson")
    write(lines(expected), "got.ndjson")
    write('{"message":"LINE_CALLSTATE","param1":1,"param2":0,"device":"D"}\n', "calls.ndjson")
    text, _ = report(quick("diff", "quiet.ndjson", "got.ndjson"), 1)

    assert "DIFFERS: 0 of 0 expected messages matched\n  20 unexpected" in text
    assert "Silence:  no event of the log causes a message here\n" in text
    assert quick("diff", "quiet.ndjson", "calls.ndjson").returncode == 0
    refused(quick("diff", "quiet.ndjson", "quiet.ndjson"), "no message to expect, and none came")


# --- applications ---------------------------------------------------------------------------------------------------


def test_one_application_of_several(expected, quick, write):
    """A trace of one application against a log of several: that one is compared, and a warning says so."""
    opened = [f'{{"type":"device_opened","device":"RP_SALES","app":"{app}"}}\n' for app in ("ivr", "board")]
    start = "".join(line + "\n" for line in (NODES + DEVICE).split("\n") if line)
    write(start + "".join(opened) + '{"type":"node_failed","node":"cm1"}\n', "two.ndjson")
    rows = [json.loads(line) for line in quick("replay", "two.ndjson", "--app", "ivr", "--ndjson").stdout.splitlines()]
    write(lines(rows), "ivr.ndjson")
    text, warnings = report(quick("diff", "two.ndjson", "ivr.ndjson"))

    assert f"CONFORMS: {len(rows)} of {len(rows)} expected messages matched\n" in text
    assert warnings == "warning: ivr.ndjson is of ivr alone, so only that application is compared\n"


NODES = '{"type":"node_added","node":"cm1"}\n{"type":"node_added","node":"cm2"}\n'
DEVICE = '{"type":"device_added","device":"RP_SALES","kind":"route_point","lines":["6000"],"group":["cm1","cm2"]}\n'


def test_applications_that_differ_in_case(expected, quick, write, refused):
    """That is what the error says, instead of twenty missing messages."""
    write(lines({**row, "app": "APP"} for row in expected), "upper.ndjson")

    refused(quick("diff", "events.ndjson", "upper.ndjson"), "differ in case only: app and APP")


# --- words ----------------------------------------------------------------------------------------------------------


def test_an_unexpected_message_is_placed(expected, quick, write):
    """The event before it in the log, where the device was then, and the nearest message that says the same."""
    write(lines([*expected[:5], *expected[4:]]), "twice.ndjson")
    text, _ = report(quick("diff", "events.ndjson", "twice.ndjson"), 1)

    assert "  log before  event 8 at 2026-03-02T09:44:03Z: node_failed node=cm1\n" in text
    assert "  device      RP_SALES is in service at cm2 (original node cm1)" in text
    assert "  nearest     5  LINE_LINEDEVSTATE LINEDEVSTATE_OUTOFSERVICE\n" in text


def test_all_late_by_the_same(expected, quick, write):
    """A clock that is three minutes ahead is said once; with --shift it is taken out."""
    late = [{**row, "at": (datetime.fromisoformat(row["at"]) + timedelta(minutes=3)).isoformat()} for row in expected]
    write(lines(late), "late.ndjson")
    times = ("--time-tolerance", "5s")
    text, _ = report(quick("diff", "events.ndjson", "late.ndjson", *times), 1)

    assert "Clocks:   ACTUAL is 180 s ahead\n" in text
    assert "All 20 late messages are late by 180 s, to a second.\n" in text
    assert "Then:" not in text
    shifted, _ = report(quick("diff", "events.ndjson", "late.ndjson", *times, "--shift", "auto"))
    assert "clocks shifted by 180 s" in shifted
    assert quick("diff", "events.ndjson", "late.ndjson", *times, "--shift", "+180s").returncode == 0
    assert quick("diff", "events.ndjson", "late.ndjson", *times, "--shift", "-3m").returncode == 1


@pytest.mark.parametrize("shift", ["soon", "", "++1", "nan", "+"])
def test_what_is_no_shift(shift, expected, quick, refused):
    """auto, or a duration with a sign."""
    refused(quick("diff", "events.ndjson", "events.ndjson", "--shift", shift), "is not a duration")


def test_reports_fit_80_columns(expected, quick, write):
    """With names of up to 24 characters, whatever differs; longer names are printed whole."""
    device, app = "SEP0011223344556677889900", "an_application_of_24_chrs"
    long = [{**row, "device": device[:24], "app": app[:24]} for row in expected]
    write(lines(long), "long.ndjson")
    write(lines([*long[3:9], *long[7:]]), "odd.ndjson")
    text, _ = report(quick("diff", "long.ndjson", "odd.ndjson", "--show-handles", "--order", "total"), 1)

    assert max(map(width, text.splitlines())) <= 80
    assert "First divergence" in text
