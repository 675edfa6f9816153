"""``replay --format tapi-browser``: a trace with numbers for handles, which ``diff`` reads back."""

import json
import re

import pytest
from conftest import FIXTURES, SCENARIOS

TRACE = ("--format", "tapi-browser")
WITH_MESSAGES = [path for path in SCENARIOS if (path / "messages.ndjson").stat().st_size]


def messages_of(trace):
    """The six lines of each message."""
    lines = trace.splitlines(keepends=True)
    assert len(lines) % 6 == 0
    return [b"".join(lines[start : start + 6]) for start in range(0, len(lines), 6)]


def picked(trace, ndjson, wanted):
    """The messages of a whole trace whose row is wanted."""
    rows = map(json.loads, ndjson.splitlines())
    return b"".join(text for text, row in zip(messages_of(trace), rows, strict=True) if wanted(row))


@pytest.mark.parametrize("scenario", WITH_MESSAGES, ids=lambda path: path.name)
@pytest.mark.parametrize("order", ["channel", "device", "total"])
def test_every_scenario_conforms_to_its_trace(order, scenario, quick, write):
    """What is written is read back by diff, message by message, whatever has an order."""
    log = str(scenario / "log.ndjson")
    write(quick("replay", log, *TRACE).stdout, "trace.txt")
    result = quick("diff", log, "trace.txt", "--order", order, "--strict", "--ndjson")
    summary = json.loads(result.stdout.splitlines()[-1])

    assert result.returncode == 0, result.stdout
    assert summary["matched"] == len((scenario / "messages.ndjson").read_bytes().splitlines())


def test_real_processes(cti_es, site, tmp_path):
    """The same with processes of their own, a store and a file: exit 0, and 1 once a message is lost."""
    assert cti_es("replay", "site.db", *TRACE, "-o", "trace.txt").returncode == 0
    trace = (tmp_path / "trace.txt").read_bytes()
    (tmp_path / "cut.txt").write_bytes(b"".join(messages_of(trace)[:-1]))

    assert cti_es("diff", "site.db", "trace.txt").returncode == 0
    assert cti_es("diff", "site.db", "cut.txt").returncode == 1
    assert cti_es("diff", "site.db", "-", input=trace).returncode == 0
    assert cti_es("lint", "trace.txt").returncode == 0


def test_numbers(log_file, quick):
    """The first handle of the log is x10000, the next is 16 more: the phone first, then its lines."""
    trace = quick("replay", log_file, *TRACE).stdout

    assert re.findall(rb"device=(\w+)", trace)[:5] == [b"x10000", b"x10010", b"x10020", b"x10030", b"x10040"]


PARTS = {
    "--from-version 9": lambda row: row["version"] >= 9,
    "--to-version 8": lambda row: row["version"] <= 8,
    "--from-version 9 --to-version 9": lambda row: row["version"] == 9,
    "--as-of 9": lambda row: row["version"] <= 9,
    "--device RP_SALES": lambda row: row["device"] == "RP_SALES",
    "--app app": lambda row: row["app"] == "app",
}


@pytest.mark.parametrize("source", ["site.db", "events.ndjson"])
@pytest.mark.parametrize("options", PARTS)
def test_a_part_has_the_numbers_of_the_whole(options, source, site, log_file, quick):
    """A handle has one number in the log, whichever part of it is printed."""
    whole, rows = (quick("replay", source, *format).stdout for format in (TRACE, ("--ndjson",)))
    part = quick("replay", source, *options.split(), *TRACE)

    assert (part.returncode, part.stderr) == (0, b"")
    assert part.stdout == picked(whole, rows, PARTS[options])
    assert part.stdout


def test_applications_are_counted_together(quick):
    """With --app the numbers are still those of the whole log."""
    log = str(FIXTURES / "25-order-of-applications" / "log.ndjson")
    whole, rows = (quick("replay", log, *format).stdout for format in (TRACE, ("--ndjson",)))
    apps = {json.loads(row)["app"] for row in rows.splitlines()}

    assert len(apps) > 1
    for app in apps:
        assert quick("replay", log, "--app", app, *TRACE).stdout == picked(whole, rows, lambda row: row["app"] == app)  # noqa: B023


def test_past_a_snapshot(busy, quick):
    """Where other formats go on from a snapshot, handles are counted from the start all the same."""
    whole, rows = (quick("replay", "busy.db", *format).stdout for format in (TRACE, ("--ndjson",)))
    part = quick("replay", "busy.db", "--from-version", "600", *TRACE).stdout

    assert part
    assert part == picked(whole, rows, lambda row: row["version"] >= 600)


def test_followed(site, started, quick, example):
    """--follow prints each message when it comes, with the numbers of the whole log."""
    lines = example.splitlines(keepends=True)
    quick("append", "half.db", "--from", "-", input=b"".join(lines[:8]))
    follower = started("replay", "half.db", "--follow", *TRACE)
    assert len(follower.lines(60)) == 60
    quick("append", "half.db", "--from", "-", input=b"".join(lines[8:]))
    follower.lines(120)

    assert follower.interrupt() == 0
    assert follower.seen == quick("replay", "site.db", *TRACE).stdout
    assert follower.errors == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("site.db", "site.db"), "takes one SOURCE"), (("site.db", "--misfits"), "--misfits are events")],
    ids=["two sources", "misfits"],
)
def test_what_is_no_trace(arguments, words, site, quick, refused):
    """Several SOURCEs cannot be told apart in a trace, and misfits are no messages."""
    refused(quick("replay", *arguments, *TRACE), words)


def test_nothing_to_write(site, quick):
    """Without messages the trace is empty; misfits are still named on standard error, and the digest is of the NDJSON."""
    quick("append", "site.db", "node_failed", "node=cm7", "--allow-misfits")
    empty = quick("replay", "site.db", "--from-version", "11", *TRACE)

    assert (empty.returncode, empty.stdout) == (0, b"")
    assert empty.stderr.startswith(b"misfit 11 unknown_node")
    assert quick("replay", "site.db", "--digest", *TRACE).stdout == quick("replay", "site.db", "--digest").stdout


def test_forms_that_are_no_rows_take_one_source_and_no_misfits(log_file, quick):
    """What does not go together is refused, whichever of the forms is asked for."""
    for form in ("ladder", "mermaid", "tapi-browser"):
        assert b"one SOURCE" in quick("replay", log_file, log_file, "--format", form).stderr
        assert b"not messages" in quick("replay", log_file, "--misfits", "--format", form).stderr
    assert b"no end" in quick("replay", log_file, "--follow", "--format", "mermaid").stderr


def test_a_ladder_has_the_messages_that_are_wanted(log_file, quick):
    """Those to an application, about a device, from a version on; an event without any is not named."""
    lines = quick("replay", log_file, "--format", "ladder", "--device", "RP_SALES", "--from-version", "9").stdout

    assert lines.count(b"| app") == 6
    assert b"event 10 " in lines
    assert b"event 9 " not in lines


def test_a_diagram_of_too_many_messages_is_refused_with_the_way_out(example, write, quick):
    """At most 400; of more nothing is printed."""
    again = b'{"type":"node_failed","node":"cm1"}\n{"type":"node_recovered","node":"cm1"}\n'
    long = write(example + 22 * again, "long.ndjson")
    done = quick("replay", long, "--format", "mermaid")

    assert (done.returncode, done.stdout) == (2, b"")
    assert b"460 messages; expected at most 400" in done.stderr
    assert b"--device" in done.stderr
    assert quick("replay", long, "--format", "mermaid", "--to-version", "8").stdout.startswith(b"sequenceDiagram\n")
