"""``export --to`` and ``export --anonymous``: files whole or not there, nothing replaced by mistake, no name left."""

import json
import os
import sqlite3
import stat
from contextlib import closing

import pytest
from conftest import FIXTURES

REAL = FIXTURES / "real" / "constructed-outage"


@pytest.fixture
def trace(log_file, quick, write):
    """What the application received: the worked example without its third message."""
    lines = quick("replay", log_file, "--ndjson").stdout.splitlines(keepends=True)
    return write(b"".join(lines[:2] + lines[3:]), "trace.ndjson")


def listed(tmp_path):
    return sorted(name for name in os.listdir(tmp_path) if name != "events.ndjson")


# --- tables ---------------------------------------------------------------------------------------------------------


def test_tables(site, quick, tmp_path, trace):
    """--to writes the tables and what Datasette should know of them, and says on standard error what is in them."""
    done = quick("export", "site.db", "--to", "a.db", "--trace", trace)

    assert (done.returncode, done.stdout) == (0, b"")
    assert b"wrote a.db: 10 events" in done.stderr
    assert b"1 difference" in done.stderr
    assert b"datasette a.db --metadata a.metadata.json" in done.stderr
    assert listed(tmp_path) == ["a.db", "a.metadata.json", "site.db", "trace.ndjson"]
    about = json.loads((tmp_path / "a.metadata.json").read_bytes())
    assert about["databases"]["a"]["queries"]["device"]["sql"].startswith("SELECT")


def test_tables_of_several_logs(site, log_file, quick, ndjson, tmp_path, refused):
    """A store and a file, or a pattern, become tables with a column that says which log a row is from."""
    done = quick("export", "site.db", log_file, "--to", "a.db")

    assert done.returncode == 0
    assert b"wrote a.db: 20 events" in done.stderr
    assert b"2 incidents, 2 failures" in done.stderr
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        rows = db.execute("SELECT log, count(*) FROM messages GROUP BY log").fetchall()
    assert rows == [("events.ndjson", 20), ("site.db", 20)]
    assert quick("export", "site.db#*", "--to", "b.db").returncode == 0
    refused(quick("export", "site.db", log_file), "--to")
    refused(quick("export", "site.db", log_file, "--to", "c.db", "--trace", "x"), "--trace")


def test_tables_of_several_logs_are_whole_or_not_there(site, write, quick, tmp_path, refused):
    """When one of them cannot be read there are no tables: nobody would see that a log is missing."""
    bad = write("{", "bad.ndjson")

    refused(quick("export", "site.db", bad, "--to", "a.db"), "bad.ndjson:1")
    assert listed(tmp_path) == ["bad.ndjson", "site.db"]


def test_tables_of_standard_input(example, quick, tmp_path):
    """A pipe is enough, although the log is read twice; --to-version cuts it."""
    done = quick("export", "-", "--to", "a.db", "--to-version", "8", input=example)

    assert b"wrote a.db: 8 events" in done.stderr
    assert b"10 messages" in done.stderr


def test_tables_are_replaced_by_force(log_file, quick, tmp_path, refused):
    """What is there stays unless --force is given; then the file keeps its permissions."""
    quick("export", log_file, "--to", "a.db")
    (tmp_path / "a.db").chmod(0o640)
    before = (tmp_path / "a.db").read_bytes()

    refused(quick("export", log_file, "--to", "a.db", "--to-version", "3"), "a.db", "--force")
    assert (tmp_path / "a.db").read_bytes() == before
    assert quick("export", log_file, "--to", "a.db", "--to-version", "3", "--force").returncode == 0
    assert (tmp_path / "a.db").read_bytes() != before
    assert stat.S_IMODE((tmp_path / "a.db").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["site.db", "events.ndjson", "other.txt"])
def test_force_replaces_nothing_else(name, site, log_file, write, quick, tmp_path, refused):
    """Neither a store nor a log nor any other file is replaced by tables, by force either."""
    write("precious", "other.txt")
    before = (tmp_path / name).read_bytes()

    refused(quick("export", "site.db", "--to", name, "--force"), name, "something else")
    assert (tmp_path / name).read_bytes() == before
    assert listed(tmp_path) == ["other.txt", "site.db"]


def test_foreign_metadata_stays(log_file, write, quick, tmp_path, refused):
    """A file of metadata that somebody else has written is not replaced, and then no tables are written."""
    write("{}", "a.metadata.json")

    refused(quick("export", log_file, "--to", "a.db", "--force"), "a.metadata.json")
    assert listed(tmp_path) == ["a.metadata.json"]


@pytest.mark.parametrize("end", ["broken", "a misfit of a trace", "no folder"])
def test_nothing_is_left_of_a_failure(end, write, log_file, quick, tmp_path, example, refused):
    """When the log or the trace cannot be read there is no file, nor a part of one."""
    broken = write(example + b"{", "broken.ndjson")
    arguments = {
        "broken": (broken, "--to", "a.db"),
        "a misfit of a trace": (log_file, "--to", "a.db", "--trace", broken),
        "no folder": (log_file, "--to", "nowhere/a.db"),
    }[end]

    refused(quick("export", *arguments))
    assert listed(tmp_path) == ["broken.ndjson"]


def test_a_cut_past_the_end(log_file, quick):
    """--as-of a version that the log does not have is an error; --to-version is then the end, as it always was."""
    assert quick("export", log_file, "--as-of", "99").returncode == 2
    assert quick("export", log_file, "--to-version", "99").stdout == quick("export", log_file).stdout
    assert quick("export", log_file, "--as-of", "09:44").stdout.count(b"\n") == 7


# --- aliases --------------------------------------------------------------------------------------------------------


def test_the_same_key_gives_the_same_aliases(site, log_file, quick, tmp_path):
    """A key is made once, for its owner alone; with it a log and a store of it are the same to others."""
    first = quick("export", "site.db", "--anonymous", "--key", "names.key")

    assert first.returncode == 0
    assert stat.S_IMODE((tmp_path / "names.key").stat().st_mode) == 0o600
    assert quick("export", log_file, "--anonymous", "--key", "names.key").stdout == first.stdout
    assert quick("export", log_file, "--anonymous", "--key", "other.key").stdout != first.stdout
    assert quick("export", log_file, "--anonymous").stdout != quick("export", log_file, "--anonymous").stdout
    assert quick("append", "new.db", "--from", "-", input=first.stdout).returncode == 0


def differences(quick, expected, actual):
    """What differs, without the names."""
    rows = [json.loads(line) for line in quick("diff", expected, actual, "--ndjson").stdout.splitlines()]
    kept = ("message", "param1", "param2", "at", "version", "rule", "place")
    return [
        (
            row["kind"],
            row.get("detail"),
            *(
                {one: (row.get(side) or {}).get(one) for one in kept[: 6 if side == "actual" else 7]}
                for side in ("expected", "actual")
            ),
        )
        for row in rows[:-1]
    ] + [
        {
            one: rows[-1][one]
            for one in ("conforms", "expected", "actual", "matched", "differences", "channels_differing")
        }
    ]


@pytest.mark.parametrize(
    ("expected", "actual"),
    [(str(REAL / "expected-log.ndjson"), str(REAL / "cucm-sub2.log")), ("events.ndjson", "trace.ndjson")],
    ids=["of a cluster", "of an application"],
)
def test_anonymous_sides_differ_as_the_real_ones_do(expected, actual, trace, quick):
    """A log and a trace with aliases of one key have the same differences, in whatever format the trace was."""
    for side, name in ((expected, "log.anon"), (actual, "trace.anon")):
        assert quick("export", side, "--anonymous", "--key", "names.key", "-o", name).returncode == 0

    found = differences(quick, "log.anon", "trace.anon")
    assert found == differences(quick, expected, actual)
    assert len(found) > 1


@pytest.mark.parametrize("form", ["csv", "tapi-browser"])
def test_no_name_of_a_trace_is_left(form, log_file, quick, write):
    """Nothing of the names of a trace is in what is shown, whatever form it had; TAPI's numbers of handles are."""
    trace = write(quick("replay", log_file, "--format", form).stdout, "trace")
    shown = quick("export", trace, "--anonymous").stdout

    assert shown.startswith(b"# cti-es: messages of a trace in the format " + form.encode())
    assert [name for name in (b"CTIP_IVR_01", b"RP_SALES", b"5001", b"6000", b"cm1") if name in shown] == []
    assert shown.count(b"\n") == 21


def test_standard_input_with_a_time_of_day(example, quick):
    """What was read to find the day of 09:44 is there for the aliases, too."""
    shown = quick("export", "-", "--anonymous", "--as-of", "09:44", input=example)

    assert shown.stdout.count(b"\n") == 7


def test_others_read_the_anonymous_log(log_file, quick):
    """Incident and the rest read it like any log."""
    shown = quick("export", log_file, "--anonymous").stdout
    told = quick("incident", "-", input=shown).stdout

    assert b"Incident 1: node node-" in told
    assert [name for name in (b"CTIP_IVR_01", b"RP_SALES", b"5001", b"cm1") if name in told] == []


def test_tables_with_aliases(log_file, trace, quick, tmp_path):
    """Tables can have aliases too, and the trace is compared under them."""
    done = quick("export", log_file, "--to", "a.db", "--anonymous", "--trace", trace)

    assert b"1 difference" in done.stderr
    for name in ("a.db", "a.metadata.json"):
        data = (tmp_path / name).read_bytes()
        assert [word for word in (b"CTIP_IVR_01", b"RP_SALES", b"cm1", b"events.ndjson") if word in data] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--key", "names.key"), "--key goes with --anonymous"),
        (("--trace", "trace.ndjson"), "--trace goes with --to"),
        (("--force",), "--force goes with --to"),
        (("--to", "a.db", "-o", "b.ndjson"), "-o does not go with it"),
        (("--to", "-"), "--to and --key name files"),
        (("--as-of", "3", "--to-version", "3"), "cut the same end"),
        (("--anonymous", "--key", "events.ndjson"), "no key for aliases"),
    ],
    ids=str,
)
def test_what_does_not_go_together(arguments, words, log_file, quick, refused, tmp_path):
    """A command line that makes no sense is exit 2, and writes nothing."""
    refused(quick("export", log_file, *arguments), words)
    assert listed(tmp_path) == []


def test_tables_of_a_trace_alone(log_file, trace, quick, refused):
    """A trace has no events: it becomes no table."""
    refused(quick("export", trace, "--anonymous", "--to", "a.db"), "a trace", "a store")
