"""--follow: the first terminal prints what the second one appends; and Ctrl-C, there and elsewhere."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest


def versions(lines):
    """The versions of rows of NDJSON."""
    return [json.loads(line)["version"] for line in lines]


@pytest.fixture
def half(tmp_path, quick, example):
    """A store and a bare file with the first half of the worked example, and the lines that are to come."""
    lines = example.splitlines(keepends=True)
    (tmp_path / "half.ndjson").write_bytes(b"".join(lines[:5]))
    quick("append", "half.db", "--from", "half.ndjson")
    return lines[5:]


def extend(path, data):
    """Write to the end of a file."""
    with path.open("ab") as file:
        file.write(data)


def test_log_of_a_store(half, started, quick):
    """Log --follow prints every event once and in order over several appends; Ctrl-C is its end and exit 0."""
    follower = started("log", "half.db", "--follow", "--ndjson")

    assert versions(follower.lines(5)) == [1, 2, 3, 4, 5]
    for count, line in enumerate(half, 6):
        quick("append", "half.db", "--from", "-", input=line)
        assert versions(follower.lines(count))[-1:] == [count]
    assert follower.interrupt() == 0
    assert versions(follower.seen.splitlines()) == list(range(1, 11))
    assert follower.errors == ""


def test_replay_of_a_store(half, started, quick, example):
    """Replay --follow goes on with the state it has: the messages are those of a replay of the whole log."""
    follower = started("replay", "half.db", "--follow", "--ndjson")
    for line in half[:3]:
        quick("append", "half.db", "--from", "-", input=line)
    assert len(follower.lines(10)) == 10
    quick("append", "half.db", "--from", "-", input=b"".join(half[3:]))
    follower.lines(20)

    assert follower.interrupt() == 0
    assert follower.seen == quick("replay", "-", "--ndjson", input=example).stdout


def test_log_of_a_bare_file(half, started, tmp_path):
    """Log --follow of a bare file prints what is written to its end, line by line, half lines only when they are whole."""
    path = tmp_path / "half.ndjson"
    follower = started("log", "half.ndjson", "--follow", "--ndjson")
    assert versions(follower.lines(5)) == [1, 2, 3, 4, 5]
    extend(path, half[0])
    assert versions(follower.lines(6)) == [1, 2, 3, 4, 5, 6]
    extend(path, b"\n" + half[1] + half[2][:30])
    assert versions(follower.lines(7))[-1] == 7
    extend(path, half[2][30:] + b"".join(half[3:]))
    follower.lines(10)

    assert follower.interrupt() == 0
    assert versions(follower.seen.splitlines()) == list(range(1, 11))


def test_replay_of_a_bare_file(half, started, tmp_path, quick, example):
    """Replay --follow of a bare file prints the messages of what is written to its end."""
    follower = started("replay", "half.ndjson", "--follow", "--ndjson")
    extend(tmp_path / "half.ndjson", b"".join(half[:3]))
    assert len(follower.lines(10)) == 10
    extend(tmp_path / "half.ndjson", b"".join(half[3:]))
    follower.lines(20)

    assert follower.interrupt() == 0
    assert follower.seen == quick("replay", "-", "--ndjson", input=example).stdout


def test_a_file_that_is_empty_yet(tmp_path, started, example):
    """A follower may begin at a file that is empty yet."""
    (tmp_path / "log.ndjson").touch()
    follower = started("log", "log.ndjson", "--follow", "--ndjson")
    extend(tmp_path / "log.ndjson", example)

    assert versions(follower.lines(10)) == list(range(1, 11))
    assert follower.interrupt() == 0


def test_text_is_followed_too(half, started, quick):
    """Text and CSV come line by line as well, with one line of titles."""
    text, table = (started("log", "half.db", "-f", *options) for options in ((), ("--format", "csv")))
    assert (len(text.lines(6)), len(table.lines(6))) == (6, 6)
    quick("append", "half.db", "--from", "-", input=b"".join(half))

    assert len(text.lines(11)) == len(table.lines(11)) == 11
    assert text.lines(11)[10].startswith(b"10 ")
    assert table.lines(11)[10].startswith(b"10,call_ended,")
    assert (text.interrupt(), table.interrupt()) == (0, 0)


def test_filters_are_followed(half, started, quick):
    """--from-version, --type and --device hold for what comes later, too."""
    nodes = started("log", "half.db", "--follow", "--ndjson", "--type", "node_failed", "--from-version", "2")
    calls = started("replay", "half.db", "--follow", "--ndjson", "--device", "RP_SALES")
    quick("append", "half.db", "--from", "-", input=b"".join(half))

    assert versions(nodes.lines(1)) == [8]
    assert [json.loads(line)["seq"] for line in calls.lines(6)] == [3, 4, 5, 8, 9, 10]
    assert (nodes.interrupt(), calls.interrupt()) == (0, 0)


def test_misfits_are_followed(half, started, quick):
    """--misfits --follow prints each misfit when it comes."""
    follower = started("replay", "half.db", "--misfits", "--follow", "--ndjson")
    quick("append", "half.db", "node_failed", "node=cm7", "--allow-misfits")

    assert versions(follower.lines(1)) == [6]
    assert follower.interrupt() == 0


def test_a_bad_line_ends_it(half, started, tmp_path):
    """A line that is no event ends the follower with exit 2 and its place."""
    follower = started("log", "half.ndjson", "--follow", "--ndjson")
    follower.lines(5)
    extend(tmp_path / "half.ndjson", b"{}\n")

    assert follower.end() == 2
    assert "half.ndjson:6" in follower.errors


def test_a_follower_of_standard_input_ends_with_it(cti_es, example):
    """Standard input has an end, and there a follower ends as well."""
    result = cti_es("log", "-", "--follow", "--ndjson", input=example)

    assert (result.returncode, result.stdout.count(b"\n")) == (0, 10)


def test_standard_input_is_printed_as_it_comes(started, example):
    """What comes through a pipe is printed when it is there, not when the pipe is closed."""
    follower = started("log", "-", "--follow", "--ndjson", stdin=subprocess.PIPE)
    for count, line in enumerate(example.splitlines(keepends=True)[:3], 1):
        follower.process.stdin.write(line)
        follower.process.stdin.flush()

        assert len(follower.lines(count)) == count
    assert follower.interrupt() == 0


def test_a_reader_who_has_had_enough(half, started, quick):
    """A closed pipe ends a follower quietly at the next row."""
    follower = started("log", "half.db", "--follow", "--ndjson")
    follower.lines(5)
    follower.process.stdout.close()
    follower.process.stdout = None
    quick("append", "half.db", "--from", "-", input=half[0])

    assert follower.end() == 0
    assert follower.errors == ""


def test_a_follower_does_not_hold_up_writers(half, started, quick, tmp_path):
    """While it is followed a store is appended to without waiting, and afterwards nothing lies beside it."""
    follower = started("log", "half.db", "--follow", "--ndjson")
    follower.lines(5)

    assert quick("append", "half.db", "--from", "-", "--wait", "0", input=half[0]).returncode == 0
    assert follower.interrupt() == 0
    assert sorted(os.listdir(tmp_path)) == ["half.db", "half.ndjson"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_end_is_no_success(number, half, started, tmp_path):
    """Whoever is ended while it waits for a lock ends at once, and not with the exit code of having done it."""
    with closing(sqlite3.connect(tmp_path / "half.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        appending = started("append", "half.db", "node_added", "node=cm9", "--wait", "10m")
        appending.settle()
        begun = time.monotonic()

        assert appending.interrupt(number) == 128 + number
        assert time.monotonic() - begun < 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_ways_to_end_it(number, half, started, tmp_path):
    """A follower that is ended by kill, or by closing its terminal, leaves no -wal behind either."""
    follower = started("log", "half.db", "--follow", "--ndjson")
    follower.lines(5)

    assert follower.interrupt(number) == 128 + number
    assert sorted(os.listdir(tmp_path)) == ["half.db", "half.ndjson"]


@pytest.mark.parametrize("command", ["log", "replay"])
def test_a_follower_that_may_only_read(command, half, started, quick, obeying, tmp_path):
    """Whoever may read a store but not write to it (nor to its folder) sees what others append."""
    (tmp_path / "half.db").chmod(0o444)
    tmp_path.chmod(0o555)
    follower = started(command, "half.db", "--follow", "--ndjson", "--from-version", "6", **obeying)
    follower.settle()
    tmp_path.chmod(0o755)
    quick("append", "half.db", "--from", "-", input=b"".join(half))
    lines = follower.lines(5)

    assert follower.interrupt() == 0
    assert versions(lines) == {"log": [6, 7, 8, 9, 10], "replay": [8, 8, 8, 8, 8]}[command]


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", "half.db", "--follow", "--digest"),
        ("replay", "half.db", "--follow", "--as-of", "3"),
        ("replay", "half.db", "--follow", "--to-version", "3"),
        ("log", "half.db#later", "--follow"),
        ("log", "nowhere.db", "--follow"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_followed(arguments, half, quick, refused):
    """What has an end, or is not there, cannot be followed."""
    refused(quick(*arguments))


def test_following_several_sources(half, started):
    """--follow of several SOURCEs prints them all, or is refused: it does not stay at the first for ever."""
    follower = started("log", "half.db", "half.ndjson", "--follow", "--ndjson")
    lines = follower.lines(10)
    code = follower.interrupt()

    assert code == 2 or {json.loads(line)["source"] for line in lines} == {"half.db", "half.ndjson"}


# --- Ctrl-C elsewhere -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [("append", "new.db", "--from", "-"), ("replay", "-"), ("explain", "-", "1")],
    ids=" ".join,
)
def test_interrupted(arguments, started, example, tmp_path):
    """Ctrl-C ends any other command with 130, without a traceback, and nothing is stored or left behind."""
    process = started(*arguments, stdin=subprocess.PIPE)
    process.process.stdin.write(example)
    process.process.stdin.flush()
    process.settle()
    code = process.interrupt()

    assert code == 130
    assert process.errors.strip() == ""
    assert os.listdir(tmp_path) == []


def test_interrupted_while_it_waits(site, started, rows):
    """Ctrl-C while append waits for another writer: 130, and nothing is stored."""
    before = rows(site)
    with closing(sqlite3.connect(site, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        process = started("append", "site.db", "node_added", "node=x")
        process.settle()
        process.process.send_signal(signal.SIGINT)
        connection.execute("ROLLBACK")
        code = process.end()

    assert code == 130
    assert rows(site) == before


def test_interrupted_while_it_writes_a_file(started, tmp_path):
    """Ctrl-C while a file of -o is being written leaves the old one, and nothing beside it."""
    (tmp_path / "out.ndjson").write_text("old")
    process = started("generate", "--events", "10000000", "-o", "out.ndjson")
    process.settle()
    code = process.interrupt()

    assert code == 130
    assert (tmp_path / "out.ndjson").read_text() == "old"
    assert os.listdir(tmp_path) == ["out.ndjson"]


def test_interrupted_with_debug(started):
    """--debug changes what is shown, not the exit code: Ctrl-C is 130."""
    process = started("--debug", "replay", "-", stdin=subprocess.PIPE)
    process.settle()

    assert process.interrupt() == 130
