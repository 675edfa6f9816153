"""``append``: one event or a file, what is expected, what is reported, and that nothing is ever half done."""

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPORT = r"appended (\d+), duplicates (\d+), misfits (\d+), head (\d+:sha256:(?:[0-9a-f]{64})?)\n"

VALUES = {
    # what is written on the command line: what is stored
    "node_added node=cm1": {"type": "node_added", "node": "cm1"},
    "node_added node=5001": {"type": "node_added", "node": "5001"},
    "node_added node=0x10": {"type": "node_added", "node": "0x10"},
    "node_added node=true": {"type": "node_added", "node": "true"},
    "node_added node=null": {"type": "node_added", "node": "null"},
    "node_added node=a=b": {"type": "node_added", "node": "a=b"},
    "node_added node=a,b": {"type": "node_added", "node": "a,b"},
    "node_added node=Köln": {"type": "node_added", "node": "Köln"},
    "node_added node={}": {"type": "node_added", "node": "{}"},
    'node_added node="cm1"': {"type": "node_added", "node": '"cm1"'},
    "device_added device=P kind=phone lines=5001": {"lines": ["5001"]},
    "device_added device=P kind=phone lines=5001,5002": {"lines": ["5001", "5002"]},
    "device_added device=P kind=phone lines=": {"lines": []},
    "device_added device=P kind=phone lines=[]": {"lines": []},
    'device_added device=P kind=phone lines=["1,2","[3"]': {"lines": ["1,2", "[3"]},
    "device_added device=P kind=phone group=cm0 lines=7": {"lines": ["7"], "group": ["cm0"]},
    "device_added kind=phone device=P": {"type": "device_added", "device": "P", "kind": "phone"},
    "node_added node=cm1 at=2026-01-01T01:00:00+01:00": {"at": "2026-01-01T00:00:00Z"},
    "node_added node=cm1 id=x-1": {"id": "x-1"},
}

BAD = {
    # what is written on the command line: what must be said
    "node_aded node=cm1": ("'node_aded'", "did you mean 'node_added'?"),
    "zzz node=cm1": ("'zzz'", "node_added", "call_ended"),
    "node_added nod=cm1": ("'nod'", "did you mean 'node'?"),
    "node_added": ("node_added", "'node'"),
    "node_added node": ("'node'", "FIELD=VALUE"),
    "node_added =cm1": ("node_added",),
    "node_added node=": ("$.node", "empty"),
    "node_added node=cm1 node=cm2": ("'node'", "twice"),
    "node_added node=cm1 at=now": ("$.at", "'now'", "09:17"),
    "node_added node=cm1 at=": ("$.at", "09:17"),
    "node_added node=cm1 id=": ("$.id", "empty"),
    "node_added node=a\x07b": ("$.node", "U+0007"),
    "node_added node=" + "x" * 129: ("$.node", "128"),
    "device_added device=P kind=fone": ("$.kind", "did you mean 'phone'?"),
    "device_added device=P kind=phone lines=1,,2": ("$.lines[1]", "empty"),
    "device_added device=P kind=phone lines=1,": ("$.lines[1]", "empty"),
    "device_added device=P kind=phone lines=[1]": ("$.lines[0]", "number", "text"),
    "device_added device=P kind=phone lines=[": ("$.lines", "JSON"),
    'device_added device=P kind=phone lines=["1"': ("$.lines", "JSON"),
    "node_failed node=cm9": ("misfit 3 unknown_node", "did you mean 'cm0'?"),
    "node_failed node=cm0 type=node_added": ("'type'",),
    "line_opened device=P line=1 type=line_closed": ("'type'",),
}


def folder(path):
    """The names of what is in a folder."""
    return sorted(os.listdir(path))


@pytest.fixture(scope="module")
def _cm0_bytes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cm0")
    events = b'{"type":"node_added","node":"cm0"}\n{"type":"node_added","node":"x"}'
    command = [sys.executable, "-m", "cti_es_cli", "append", "site.db", "--from", "-"]
    subprocess.run(command, cwd=folder, input=events, check=True, capture_output=True)
    return (folder / "site.db").read_bytes()


@pytest.fixture
def cm0(tmp_path, _cm0_bytes):
    """A store ``site.db`` with two nodes, cm0 and x, and nothing else."""
    (tmp_path / "site.db").write_bytes(_cm0_bytes)


@pytest.mark.parametrize("words", VALUES)
def test_values(words, quick, cm0, ndjson):
    """FIELD=VALUE: text as it stands, lists at commas or as JSON, ``lines=`` the empty list, at and id as well."""
    result = quick("append", "site.db", *words.split(" "))
    stored = ndjson("log", "site.db")[-1]

    assert result.returncode == 0, result.stderr
    assert {key: stored.get(key) for key in VALUES[words]} == VALUES[words]


def test_standard_input_is_no_store(quick, refused, tmp_path):
    """``append -`` does not make a file of that name, which no command could read."""
    refused(quick("append", "-", "node_added", "node=x"), "<stdin>: standard input; expected a store to append to")
    assert folder(tmp_path) == []


@pytest.mark.parametrize("words", BAD)
def test_bad_values(words, quick, cm0, refused, rows, tmp_path):
    """An event that cannot be is refused with the field, what was expected and what is near; nothing is stored."""
    before = rows(tmp_path / "site.db")

    refused(quick("append", "site.db", *words.split(" ")), *BAD[words])
    assert rows(tmp_path / "site.db") == before


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("site.db",),
        ("site.db", "node_added", "node=x", "--from", "-"),
        ("site.db", "--from", "-", "node=x"),
        ("site.db", "node_added", "node=x", "--expect", "-1"),
        ("site.db", "node_added", "node=x", "--expect", "some"),
        ("site.db", "node_added", "node=x", "--expect", "1e3"),
        ("site.db", "node_added", "node=x", "--expect", "٣"),
        ("site.db", "node_added", "node=x", "--wait", "soon"),
        ("site.db", "node_added", "node=x", "--wait", "-1s"),
        ("site.db", "node_added", "node=x", "--wait", "nan"),
        ("site.db", "node_added", "node=x", "--source", "\x1b"),
        ("site.db", "node_added", "node=x", "--source", "s" * 129),
        ("site.db#", "node_added", "node=x"),
        ("#lab", "node_added", "node=x"),
        ("site.db#a\x07b", "node_added", "node=x"),
        ("site.db#" + "x" * 129, "node_added", "node=x"),
    ],
    ids=lambda arguments: " ".join(arguments).encode("ascii", "backslashreplace").decode() or "nothing",
)
def test_usage(arguments, quick, refused, tmp_path):
    """A command line that makes no sense is refused, and no store is made."""
    refused(quick("append", *arguments))
    assert folder(tmp_path) == []


def test_one_event_makes_the_store(cti_es, tmp_path):
    """Append makes the store; standard output stays empty, the report is one line on standard error."""
    result = cti_es("append", "site.db", "node_added", "node=cm1")

    assert (result.returncode, result.stdout) == (0, b"")
    assert re.fullmatch(REPORT, result.stderr.decode()).groups()[:3] == ("1", "0", "0")
    assert folder(tmp_path) == ["site.db"]


def test_the_report_tells_the_head(quick, log_file, ndjson):
    """The head of the report is the one that logs prints, and that verify takes."""
    report = re.fullmatch(REPORT, quick("append", "site.db", "--from", log_file).stderr.decode())
    head = ndjson("logs", "site.db")[0]["head"]

    assert report.groups() == ("10", "0", "0", head)
    assert quick("verify", "site.db", "--head", f"default={head}").returncode == 0


EXPECTATIONS = [
    # (events in the log, --expect, whether that is fulfilled)
    (0, "none", True),
    (0, "exists", False),
    (0, "0", True),
    (0, "1", False),
    (2, "none", False),
    (2, "exists", True),
    (2, "0", False),
    (2, "1", False),
    (2, "2", True),
    (2, "3", False),
    (2, "9" * 40, False),
]


@pytest.mark.parametrize(("events", "expect", "fulfilled"), EXPECTATIONS)
def test_expect(events, expect, fulfilled, quick, refused, tmp_path):
    """--expect N, none or exists: otherwise exit 2, saying where the log is, and nothing is stored."""
    for number in range(events):
        quick("append", "site.db", "node_added", f"node=cm{number}")
    files = folder(tmp_path)
    result = quick("append", "site.db", "node_added", "node=new", "--expect", expect)

    if fulfilled:
        assert result.returncode == 0
        assert f"head {events + 1}:".encode() in result.stderr
    else:
        refused(result, "default", "expected")
        assert folder(tmp_path) == files
        if events:
            assert quick("logs", "site.db", "--format", "csv").stdout.count(b"2:sha256:") == 1


def test_expect_is_about_one_log(quick):
    """--expect none is about the named log, not about the store."""
    quick("append", "site.db#one", "node_added", "node=cm1")

    assert quick("append", "site.db#two", "node_added", "node=cm1", "--expect", "none").returncode == 0
    assert quick("append", "site.db#two", "node_added", "node=cm2", "--expect", "none").returncode == 2


def test_allowed_misfits_are_stored_and_named(quick, write, ndjson):
    """--allow-misfits stores them all the same and names each on standard error: misfit VERSION CODE text."""
    file = write(
        '{"type":"node_added","node":"cm1"}\n{"type":"node_failed","node":"cm2"}\n{"type":"node_added","node":"cm1"}\n'
    )
    result = quick("append", "site.db", "--from", file, "--allow-misfits")
    lines = result.stderr.decode().splitlines()

    assert (result.returncode, result.stdout) == (0, b"")
    assert re.match(r"misfit 2 unknown_node \S", lines[0])
    assert re.match(r"misfit 3 node_exists \S", lines[1])
    assert lines[2].startswith("appended 3, duplicates 0, misfits 2, head 3:sha256:")
    assert len(ndjson("log", "site.db")) == 3


def test_a_log_with_misfits_still_grows(quick):
    """Misfits that are stored do not stand in the way of what is appended later."""
    quick("append", "site.db", "node_failed", "node=cm1", "--allow-misfits")
    result = quick("append", "site.db", "node_added", "node=cm1")

    assert result.returncode == 0
    assert b"appended 1, duplicates 0, misfits 0, head 2:" in result.stderr


def test_a_dry_run_makes_no_store(quick, log_file, tmp_path):
    """--dry-run on a store that is not there checks everything and makes nothing."""
    result = quick("append", "site.db", "--from", log_file, "--dry-run")

    assert (result.returncode, result.stdout) == (0, b"")
    assert b"appended 10, duplicates 0, misfits 0" in result.stderr
    assert folder(tmp_path) == [log_file]


def test_a_dry_run_stores_nothing(quick, site, rows):
    """--dry-run on a store that is there leaves it as it is, in a log that is new as in one that is not."""
    before = rows(site)

    assert quick("append", "site.db", "node_added", "node=cm7", "--dry-run").returncode == 0
    assert quick("append", "site.db#new", "node_added", "node=cm7", "--dry-run").returncode == 0
    assert rows(site) == before


@pytest.mark.parametrize(
    "words",
    ["node_failed node=cm77", "node_added node=cm1", "node_added node=x --expect 3", "node_added nod=x"],
)
def test_a_dry_run_refuses_what_append_would(words, quick, site, refused, rows):
    """--dry-run ends as the append would: it is there to find out."""
    before = rows(site)

    refused(quick("append", "site.db", *words.split(), "--dry-run"))
    assert rows(site) == before


@pytest.mark.parametrize(
    "words", ["node_added node=cm1 --dry-run", "node_failed node=cm1", "node_added node=cm1 --expect 4"]
)
def test_an_empty_file_stays_empty(words, quick, tmp_path):
    """A file of no bytes (touch site.db) is filled by an append that stores something, and by nothing else."""
    (tmp_path / "site.db").touch()
    quick("append", "site.db", *words.split())

    assert (tmp_path / "site.db").stat().st_size == 0


@pytest.mark.parametrize(
    ("options", "source"),
    [(("--source", "import of May"), "import of May"), ((), "events.ndjson"), (("--source", "Ä"), "Ä")],
)
def test_the_source_is_kept(options, source, quick, log_file, rows, tmp_path):
    """--source is stored with the rows; without it the name of the file is."""
    quick("append", "site.db", "--from", log_file, *options)

    assert [row[6] for row in rows(tmp_path / "site.db")] == [source]


def test_the_source_is_never_null(quick, rows, tmp_path):
    """A single event and standard input have a source, too: the column is never NULL.

    See docs/reference/store.md#batches.
    """
    quick("append", "site.db", "node_added", "node=cm1")
    quick("append", "site.db", "--from", "-", input=b'{"type":"node_added","node":"cm2"}')

    assert all(isinstance(row[6], str) for row in rows(tmp_path / "site.db"))


@pytest.mark.parametrize("data", [b"", b"\n \n"])
def test_nothing_to_append(data, quick, tmp_path):
    """Appending nothing is no error and makes no store."""
    result = quick("append", "site.db", "--from", "-", input=data)

    assert result.returncode == 0
    assert re.fullmatch(REPORT, result.stderr.decode()).groups() == ("0", "0", "0", "0:sha256:")
    assert folder(tmp_path) == []


def test_nothing_to_append_to_a_store(quick, site, ndjson):
    """Appending nothing writes nothing: the bytes of the store stay, and the head is reported."""
    before = site.read_bytes()
    result = quick("append", "site.db", "--from", "-")

    assert result.returncode == 0
    assert result.stderr.decode().rstrip().endswith(ndjson("logs", "site.db")[0]["head"])
    assert site.read_bytes() == before


def test_nothing_lies_about(quick, log_file, tmp_path):
    """After appends that went well and appends that did not, the folder holds the store and nothing else of ours."""
    quick("append", "site.db", "--from", log_file)
    quick("append", "site.db", "--from", log_file)
    quick("append", "site.db#lab", "node_added", "node=cm1")
    quick("append", "site.db", "node_added", "nod=cm1")
    quick("append", "bad.db", "node_failed", "node=cm1")
    quick("append", "bad.db", "--from", "nowhere.ndjson")

    assert folder(tmp_path) == [log_file, "site.db"]


def test_a_misfit_sees_the_events_before_it(quick, ndjson):
    """Events are checked against the state that the events before them, stored or in the same file, have led to."""
    quick("append", "site.db", "node_added", "node=cm1")
    result = quick(
        "append",
        "site.db",
        "--from",
        "-",
        input=b'{"type":"node_failed","node":"cm1"}\n{"type":"node_recovered","node":"cm1"}',
    )

    assert result.returncode == 0
    assert len(ndjson("log", "site.db")) == 3


def test_the_order_of_arguments_is_free(quick, log_file):
    """Options may stand before, between and after the arguments."""
    assert quick("append", "--from", log_file, "site.db").returncode == 0
    assert quick("append", "--expect", "10", "site.db", "node_added", "--source", "me", "node=cm3").returncode == 0


def test_a_value_that_begins_with_a_dash(quick, ndjson):
    """Names that begin with a dash are values like others."""
    result = quick("append", "site.db", "node_added", "node=-x")

    assert result.returncode == 0
    assert ndjson("log", "site.db")[0]["node"] == "-x"


def test_several_writers_make_one_store(tmp_path):
    """Four programs that append to a store that is not there yet all succeed, and the log has every event once."""
    command = (sys.executable, "-m", "cti_es_cli", "append", "site.db", "node_added")
    running = [
        subprocess.Popen([*command, f"node=cm{number}"], cwd=tmp_path, stderr=subprocess.PIPE) for number in range(4)
    ]
    ends = [(process.communicate()[1], process.returncode) for process in running]
    exported = subprocess.run([*command[:3], "export", "site.db"], cwd=tmp_path, capture_output=True, check=True).stdout

    assert [code for _, code in ends] == [0] * 4, ends
    assert sorted(json.loads(line)["node"] for line in exported.splitlines()) == ["cm0", "cm1", "cm2", "cm3"]
    assert folder(tmp_path) == ["site.db"]


@pytest.mark.parametrize("lines", [["5001"], ["5001", "5002"], ["a,b"], ["[1]"], []], ids=str)
def test_log_shows_fields_as_append_takes_them(lines, quick, ndjson):
    """The text of ``log`` can be given to append again: the same fields, the same event."""
    event = {"type": "device_added", "device": "P", "kind": "phone", "lines": lines}
    quick(
        "append", "site.db", "--from", "-", input=b'{"type":"node_added","node":"cm1"}\n' + json.dumps(event).encode()
    )
    shown = quick("log", "site.db", "--from-version", "2").stdout.decode().splitlines()[1].split("  ")[-1]
    quick("append", "again.db", "node_added", "node=cm1")
    quick("append", "again.db", "device_added", *shown.strip().split(" "))

    assert {**ndjson("log", "again.db")[-1], "at": None} == {**ndjson("log", "site.db")[-1], "at": None}


def test_an_event_older_than_the_end(quick, tmp_path):
    """Who appends it is told once, with both times; so is who replays the log, compares a trace with it or asks for its past."""
    quick("append", "site.db", "node_added", "node=cm1", "at=2026-01-01T10:00:00Z")
    told = quick("append", "site.db", "node_added", "node=cm2", "at=2026-01-01T09:00:00Z").stderr.decode()
    (tmp_path / "trace.ndjson").write_text('{"message":"PHONE_STATE","device":"P","param1":1}\n')
    warning = "warning: times go backwards at version 2 of site.db#default"

    assert told.startswith("warning: version 2 at 2026-01-01T09:00:00Z is older than an event before it, at")
    assert quick("replay", "site.db").stderr.decode().count(warning) == 1
    assert quick("diff", "site.db", "trace.ndjson").stderr.decode().count(warning) == 1
    assert quick("outages", "site.db").stderr.decode().count(warning) == 1
    assert quick("history", "site.db", "--device", "P").stderr.decode().count(warning) == 1
    assert quick("homes", "site.db").stderr == b""


def test_the_report_as_an_object(site, quick):
    """--ndjson prints what was done on standard output, and keeps warnings and misfits on standard error."""
    done = quick("append", "site.db", "node_recovered", "node=cm1", "--allow-misfits", "--ndjson")
    report = json.loads(done.stdout)
    [log] = [json.loads(line) for line in quick("logs", "site.db", "--ndjson").stdout.splitlines()]

    assert report == {"appended": 1, "duplicates": 0, "misfits": 1, "version": 11, "head": log["head"]}
    assert done.stderr.startswith(b"misfit 11 already_in_service")
    assert b"appended" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_what_is_stored_stays_although_nobody_hears_of_it(site, quick):
    """A report that cannot be printed undoes nothing, so the exit code is not the 2 of nothing stored."""
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "cti_es_cli", "append", "site.db", "node_added", "node=cm3", "--ndjson"]
        done = subprocess.run(command, cwd=site.parent, stdout=full, stderr=subprocess.PIPE)

    assert (done.returncode, b"could not be printed" in done.stderr) == (0, True)
    assert quick("export", "site.db").stdout.count(b"\n") == 11


# --- many files -----------------------------------------------------------------------------------------------------


@pytest.fixture
def files(write, example, tmp_path):
    """A folder with two logs, one of them packed, one that is broken, a store and a read-me."""
    (tmp_path / "logs").mkdir()
    write(example, "logs/berlin.ndjson")
    write(gzip.compress(example), "logs/paris.ndjson.gz")
    write(example + b"{", "logs/rome.ndjson")
    write("to whom it may concern", "logs/README")
    write(b"SQLite format 3\0", "logs/other.db")
    return "logs"


def test_many_files_into_one_store(files, quick, ndjson):
    """Each file goes into the log of its name; one that is broken is named, and nothing of it is stored."""
    result = quick("append", "site.db#*", "--from", files)
    lines = result.stderr.decode().splitlines()

    assert (result.returncode, result.stdout) == (2, b"")
    assert lines[0] == "warning: no logs, passed over: README, other.db"
    assert [line.split(":")[0] for line in lines[1:3]] == ["site.db#berlin", "site.db#paris"]
    assert lines[3].startswith("cti-es: logs/rome.ndjson:11: ")
    assert lines[4:] == ["1 of 3 files could not be stored"]
    assert [(row["log"], row["versions"]) for row in ndjson("logs", "site.db")] == [("berlin", 10), ("paris", 10)]


def test_many_files_into_a_store_each(files, quick, ndjson, tmp_path):
    """A * in the name of the store makes a store for each file, in as many processes as are asked for."""
    result = quick("append", "*.db", "--from", "logs/*n*", "--jobs", "2", "--ndjson")

    assert result.returncode == 2
    assert [json.loads(line)["source"] for line in result.stdout.splitlines()] == [
        "logs/berlin.ndjson",
        "logs/paris.ndjson.gz",
    ]
    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["berlin.db", "paris.db"]
    assert quick("log", "paris.db").stdout == quick("log", "berlin.db").stdout


def test_many_files_again(files, quick, ndjson):
    """With --expect none the same command can be given again: what is there is refused, nothing is stored twice."""
    quick("append", "site.db#*", "--from", "logs/[bp]*", "--expect", "none")
    again = quick("append", "site.db#*", "--from", "logs/[bp]*", "--expect", "none")

    assert again.returncode == 2
    assert again.stderr.decode().count("is at version 10; expected no log of that name") == 2
    assert [row["versions"] for row in ndjson("logs", "site.db")] == [10, 10]


def test_a_dry_run_of_many_files(files, quick, tmp_path):
    """--dry-run says of each what would be done, and makes no store."""
    result = quick("append", "site.db#*", "--from", "logs/[bp]*", "--dry-run")

    assert result.stderr.decode().splitlines() == [
        f"site.db#{name}: would have appended 10, duplicates 0, misfits 0, at version 10"
        for name in ("berlin", "paris")
    ]
    assert not (tmp_path / "site.db").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("site.db#*", "node_added", "node=cm1"), ("--from",)),
        (("site.db#*", "--from", "-"), ("standard input",)),
        (("site.db", "--from", "logs"), ("site.db#*",)),
        (("site.db#*", "--from", "stores"), ("stores alone",)),
        (("*.db#*", "--from", "logs"), ("not one *",)),
        (("site.db#*", "--from", "nowhere/*"), ("nothing matches",)),
        (("site.db#*", "--from", "logs/berlin.ndjson", "logs/rome.ndjson"), ("quotes",)),
        (("site.db#*", "--from", "twice"), ("site.db#a", "twice/a.ndjson", "twice/deeper/a.ndjson")),
    ],
    ids=str,
)
def test_many_files_that_are_refused(arguments, words, files, write, example, quick, refused, tmp_path):
    """What does not say which file goes into which log is refused before anything is stored."""
    (tmp_path / "twice" / "deeper").mkdir(parents=True)
    write(example, "twice/a.ndjson")
    write(example, "twice/deeper/a.ndjson")
    (tmp_path / "stores").mkdir()
    quick("append", "stores/one.db", "--from", "twice/a.ndjson")
    refused(quick("append", *arguments), *words)

    assert not (tmp_path / "site.db").exists()
