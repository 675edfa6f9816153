"""Text, NDJSON and CSV of everything that prints rows; several SOURCEs; -o; colours; and hostile names."""

import csv
import io
import json
import os
import stat
import threading
from importlib import import_module

import click
import pytest

from cti_es_cli.main import COMMANDS, main, module_of
from cti_es_cli.output import EVERY_FORMAT
from cti_es_cli.usage import said

MESSAGE = [
    "seq", "version", "at", "app", "device", "line", "handle", "message", "msg",
    "param1_name", "param1", "param2_name", "param2", "param3", "rule",
]  # fmt: skip
HOME = ["device", "kind", "state", "home", "original", "calls", "rehome_to", "lines"]
MISFIT = ["version", "at", "type", "code", "text"]
LOG = ["log", "versions", "first", "last", "head"]
FAULT = ["log", "version", "fault"]

ROWS = {
    # command: the fields of its rows in order (of NDJSON and of CSV), how many rows the worked example gives
    "replay site.db": (MESSAGE, 20),
    "homes site.db": (HOME, 2),
    "logs site.db": (LOG, 1),
    "replay --misfits site.db#odd": (MISFIT, 2),
    "verify bad.db": (FAULT, 1),
}
SOURCES = {"replay": MESSAGE, "homes": HOME, "log": ["version", "type", "node"]}


@pytest.fixture
def stores(site, quick, tamper):
    """site.db with a second log, odd, that has two misfits; bad.db that lacks a trigger."""
    quick("append", "site.db#odd", "--from", "-", "--allow-misfits", input=b'{"type":"node_failed","node":"x"}\n' * 2)
    (site.parent / "bad.db").write_bytes(site.read_bytes())
    tamper(site.parent / "bad.db", "DROP TRIGGER batches_no_delete")
    return site


def output(result):
    """What a run printed; verify may have found something."""
    assert result.returncode in (0, 1), result.stderr
    return result.stdout.decode()


def as_csv(text):
    """The rows of a CSV text."""
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("command", ROWS)
def test_ndjson(command, stores, quick):
    """NDJSON has exactly the fields of the specification, in order, without blanks."""
    fields, count = ROWS[command]
    lines = output(quick(*command.split(), "--format", "ndjson")).splitlines()

    assert len(lines) == count + (command == "logs site.db")
    for line in lines:
        assert list(json.loads(line)) == fields
        assert line == json.dumps(json.loads(line), separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize("command", ROWS)
def test_ndjson_for_short(command, stores, quick):
    """--ndjson is short for --format ndjson."""
    long = quick(*command.split(), "--format", "ndjson")

    assert quick(*command.split(), "--ndjson").stdout == long.stdout


@pytest.mark.parametrize("command", ROWS)
def test_csv(command, stores, quick):
    """CSV has the same fields in its first line, and the same values: lists and objects as JSON, nothing for null."""
    fields, count = ROWS[command]
    head, *rows = as_csv(output(quick(*command.split(), "--format", "csv")))
    objects = [json.loads(line) for line in output(quick(*command.split(), "--ndjson")).splitlines()]

    assert head == fields
    assert len(rows) == len(objects) >= count
    for row, found in zip(rows, objects, strict=True):
        plain = [
            value if isinstance(value, str) else json.dumps(value, separators=(",", ":")) for value in found.values()
        ]
        assert row == ["" if value == "null" else value for value in plain]


@pytest.mark.parametrize("command", ROWS)
def test_text(command, stores, quick):
    """Text is the format when none is named: a line of titles, a line per row, aligned, without escape codes."""
    fields, count = ROWS[command]
    text = output(quick(*command.split()))
    titles, *lines = text.splitlines()

    assert text == output(quick(*command.split(), "--format", "text"))
    assert titles == titles.upper()
    assert len(lines) == count + (command == "logs site.db")
    assert "\x1b" not in text
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_values_of_a_message(site, ndjson):
    """The first message of the worked example, field by field: numbers are numbers, what is not there is null."""
    assert ndjson("replay", "site.db")[0] == {
        "seq": 1,
        "version": 8,
        "at": "2026-03-02T09:44:03Z",
        "app": "app",
        "device": "CTIP_IVR_01",
        "line": None,
        "handle": 5,
        "message": "PHONE_STATE",
        "msg": 18,
        "param1_name": "PHONESTATE_SUSPEND",
        "param1": 0x40000,
        "param2_name": "CallManagerFailure",
        "param2": 1,
        "param3": 0,
        "rule": "node_failed/suspend",
    }


def test_values_of_a_home(site, ndjson):
    """A device whose re-homing waits for a call, field by field."""
    assert ndjson("homes", "site.db", "--as-of", "9")[1] == {
        "device": "RP_SALES",
        "kind": "route_point",
        "state": "in_service",
        "home": "cm2",
        "original": "cm1",
        "calls": 1,
        "rehome_to": "cm1",
        "lines": {"6000": "in_service", "6001": "in_service"},
    }


def test_values_of_a_log(site, ndjson):
    """A log of a store, field by field."""
    (row,) = ndjson("logs", "site.db")

    assert {**row, "head": row["head"][:10]} == {
        "log": "default",
        "versions": 10,
        "first": "2026-03-02T08:00:00Z",
        "last": "2026-03-02T09:57:15Z",
        "head": "10:sha256:",
    }


def test_log_is_the_version_and_the_event(site, example, quick):
    """NDJSON of log is the version and then the canonical event, byte for byte."""
    lines = [b'{"version":%d,' % version + line[1:] for version, line in enumerate(example.splitlines(), 1)]

    assert quick("log", "site.db", "--ndjson").stdout.splitlines() == lines


def test_log_as_csv(site, quick):
    """CSV of log has version and type, a column for every field of any type, then at and id."""
    head, *rows = as_csv(quick("log", "site.db", "--format", "csv").stdout.decode())
    device = dict(zip(head, rows[3], strict=True))

    assert (head[:2], head[-2:]) == (["version", "type"], ["at", "id"])
    assert {"node", "device", "kind", "lines", "group", "app", "line", "nodes", "call"} <= set(head)
    assert device == {
        **dict.fromkeys(head, ""),
        "version": "4",
        "type": "device_added",
        "device": "RP_SALES",
        "kind": "route_point",
        "lines": '["6000","6001"]',
        "group": '["cm1","cm2"]',
        "at": "2026-03-02T08:01:12Z",
    }


def test_awkward_names_in_csv(quick):
    """Commas, quotes and the like in names survive CSV."""
    name = "a,b\"c;'d e"
    quick("append", "site.db", "--from", "-", input=json.dumps({"type": "node_added", "node": name}).encode())
    head, row = as_csv(quick("log", "site.db", "--format", "csv").stdout.decode())

    assert row[head.index("node")] == name


def test_characters_are_not_escaped(quick):
    """NDJSON is UTF-8 unescaped, text too."""
    quick("append", "site.db", "node_added", "node=Zürich")
    quick("append", "site.db", "device_added", "device=電話", "kind=phone")

    for arguments in (("log", "site.db", "--ndjson"), ("log", "site.db"), ("homes", "site.db", "--ndjson")):
        assert "電話" in quick(*arguments).stdout.decode()


@pytest.mark.parametrize("command", ["replay", "homes", "log", "verify"])
def test_nothing_to_print(command, quick, tmp_path):
    """Without rows NDJSON is empty and CSV has its first line."""
    quick("append", "site.db", *("node_added", "node=cm1"))
    options = ("--type", "node_failed") if command == "log" else ()

    assert quick(command, "site.db", *options, "--ndjson").stdout == b""
    assert len(as_csv(quick(command, "site.db", *options, "--format", "csv").stdout.decode())) == 1
    assert quick(command, "site.db", *options).returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_output_is_utf8_everywhere(encoding, cti_es, quick, write):
    """Output is UTF-8 whatever the locale or PYTHONIOENCODING say."""
    write('{"type":"node_added","node":"Zürich 電"}')
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": "C"}

    for format in ("text", "ndjson", "csv"):
        result = cti_es("log", "events.ndjson", "--format", format, env=environment)
        assert result.returncode == 0, result.stderr
        assert "Zürich 電" in result.stdout.decode()


# --- several SOURCEs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", SOURCES)
def test_several_sources(command, site, log_file, ndjson):
    """With several SOURCEs each NDJSON object begins with source; the rest is what one SOURCE gives, in their order."""
    both = ndjson(command, "site.db#default", log_file)
    one = ndjson(command, log_file)

    assert [row["source"] for row in both] == ["site.db#default"] * len(one) + [log_file] * len(one)
    assert {next(iter(row)) for row in both} == {"source"}
    assert [{key: row[key] for key in list(row)[1:]} for row in both] == one + one


@pytest.mark.parametrize("command", SOURCES)
def test_several_sources_as_csv(command, site, log_file, quick):
    """CSV of several SOURCEs has one first line, and source is the first column."""
    head, *rows = as_csv(quick(command, "site.db", log_file, "--format", "csv").stdout.decode())

    assert head[0] == "source"
    assert head[1 : 1 + len(SOURCES[command])] == SOURCES[command]
    assert [row[0] for row in rows] == ["site.db"] * (len(rows) // 2) + [log_file] * (len(rows) // 2)


@pytest.mark.parametrize("command", SOURCES)
def test_several_sources_as_text(command, site, log_file, quick):
    """Text of several SOURCEs has one line of titles that begins with SOURCE, and each row begins with its source."""
    titles, *lines = quick(command, "site.db", log_file).stdout.decode().splitlines()

    assert titles.startswith("SOURCE ")
    assert {line.split()[0] for line in lines} == {"site.db", log_file}


def test_several_sources_are_aligned(site, log_file, on_terminal):
    """On a terminal the columns of several SOURCEs stand under each other."""
    _, text = on_terminal("homes", "site.db", log_file, NO_COLOR="1")

    assert len({line.index("CTIP_IVR_01") for line in text.splitlines() if "CTIP_IVR_01" in line}) == 1


@pytest.mark.parametrize("command", SOURCES)
def test_one_source_has_no_source(command, site, ndjson):
    """With one SOURCE there is no source."""
    assert all("source" not in row for row in ndjson(command, "site.db"))


def test_one_of_several_sources_is_bad(site, quick):
    """A SOURCE that cannot be read fails the command, although others could be."""
    assert quick("homes", "site.db", "nowhere.db").returncode == 2


def test_the_same_source_twice(site, ndjson):
    """A SOURCE may be given twice, and is printed twice."""
    assert len(ndjson("homes", "site.db", "site.db")) == 4


# --- -o -------------------------------------------------------------------------------------------------------------

WRITERS = [
    ("log", "site.db"),
    ("replay", "site.db", "--ndjson"),
    ("homes", "site.db", "--format", "csv"),
    ("logs", "site.db"),
    ("verify", "site.db", "--format", "csv"),
    ("export", "site.db"),
    ("explain", "site.db", "1"),
    ("generate", "--events", "50"),
    ("schema", "events"),
    ("replay", "site.db", "--digest"),
]
FAILING = [
    ("log", "nowhere.db"),
    ("replay", "site.db", "--as-of", "99"),
    ("replay", "bad.ndjson", "--ndjson"),
    ("export", "bad.ndjson"),
    ("explain", "site.db", "99"),
    ("generate", "--start", "soon"),
    ("verify", "bad.ndjson"),
]


@pytest.mark.parametrize("arguments", WRITERS, ids=" ".join)
def test_output_to_a_file(arguments, site, quick, tmp_path):
    """-o writes into the file what would be printed, and prints nothing; nothing else is left in the folder."""
    printed = quick(*arguments).stdout
    result = quick(*arguments, "-o", "out.txt")

    assert (result.returncode, result.stdout) == (0, b"")
    assert (tmp_path / "out.txt").read_bytes() == printed
    assert sorted(os.listdir(tmp_path)) == ["out.txt", "site.db"]


@pytest.mark.parametrize("arguments", FAILING, ids=" ".join)
def test_output_of_a_failure(arguments, site, big_file, quick, tmp_path):
    """When the command fails, the file of -o is as it was: not emptied, not half written, nothing beside it."""
    with open(big_file, "rb") as file:
        (tmp_path / "bad.ndjson").write_bytes(file.read() + b"{\n")
    (tmp_path / "out.txt").write_text("old")
    result = quick(*arguments, "-o", "out.txt")

    assert (result.returncode, result.stdout) == (2, b"")
    assert (tmp_path / "out.txt").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["bad.ndjson", "out.txt", "site.db"]


def test_a_failure_makes_no_file(site, quick, tmp_path):
    """When the command fails and there was no file, there is none afterwards."""
    quick("replay", "site.db", "--as-of", "99", "-o", "out.txt")

    assert os.listdir(tmp_path) == ["site.db"]


def test_faults_are_written_to_a_file(stores, quick, tmp_path):
    """-o of verify holds the faults that were found; the exit code still is the verdict."""
    result = quick("verify", "bad.db", "-o", "faults.txt")

    assert (result.returncode, result.stdout) == (1, b"")
    assert b"batches_no_delete" in (tmp_path / "faults.txt").read_bytes()


@pytest.mark.parametrize("path", ["nowhere/out.txt", "."])
def test_output_to_nowhere(path, site, quick, refused, tmp_path):
    """-o into a folder that is not there, or onto a folder, is refused."""
    refused(quick("log", "site.db", "-o", path), path)
    assert os.listdir(tmp_path) == ["site.db"]


def test_output_onto_itself(log_file, quick, ndjson, tmp_path):
    """A log file may be rewritten in canonical form: it is read to its end before it is replaced."""
    (tmp_path / log_file).write_bytes(b" " + (tmp_path / log_file).read_bytes().replace(b",", b", "))
    result = quick("export", log_file, "-o", log_file)

    assert result.returncode == 0
    assert len(ndjson("log", log_file)) == 10


@pytest.mark.parametrize("arguments", [("replay",), ("homes",), ("lint",)])
def test_output_onto_what_is_read(arguments, log_file, quick, refused, tmp_path):
    """Any other result takes the place of no file that it was made from, under whatever name."""
    before = (tmp_path / log_file).read_bytes()
    refused(quick(*arguments, log_file, "-o", str(tmp_path / log_file)), "this file is read by the same command")

    assert (tmp_path / log_file).read_bytes() == before


@pytest.mark.parametrize("arguments", [("export", "site.db"), ("logs", "site.db"), ("replay", "site.db#default")])
def test_output_onto_the_store(arguments, site, quick, refused, ndjson):
    """Readers never write to a store: -o with the very store that is read is refused, and the log is still there."""
    refused(quick(*arguments, "-o", "site.db"), "site.db")
    assert len(ndjson("log", "site.db")) == 10


def test_output_into_a_pipe(site, quick, tmp_path):
    """-o with a named pipe (or a device such as /dev/null) writes into it and does not put a file in its place."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # so that nobody waits for ever
    os.set_blocking(descriptor, True)
    writer = os.open(pipe, os.O_WRONLY)
    reader = threading.Thread(target=lambda: got.append(os.read(descriptor, 1 << 16)))
    reader.start()
    result = quick("schema", "logs", "-o", "pipe")
    os.close(writer)
    reader.join(10)
    os.close(descriptor)

    assert result.returncode == 0
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert got[0].startswith(b"{")


def test_output_through_a_link(site, quick, tmp_path):
    """-o with a symbolic link writes to the file that it points to; the link stays a link."""
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    quick("export", "site.db", "-o", "link.txt")

    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_bytes().startswith(b'{"type"')


def test_output_keeps_permissions(site, quick, tmp_path):
    """-o onto a file that only its owner may read leaves it one that only its owner may read."""
    (tmp_path / "out.txt").touch(0o600)
    quick("export", "site.db", "-o", "out.txt")

    assert stat.S_IMODE((tmp_path / "out.txt").stat().st_mode) == 0o600


@pytest.mark.parametrize("arguments", [("log", "site.db"), ("export", "site.db"), ("schema", "log")], ids=" ".join)
def test_dash_is_standard_output(arguments, site, quick, tmp_path):
    """-o - is standard output."""
    assert quick(*arguments, "-o", "-").stdout == quick(*arguments).stdout != b""
    assert os.listdir(tmp_path) == ["site.db"]


# --- colours and terminals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("homes",), ("replay",), ("log",), ("logs",)], ids=" ".join)
def test_colours_on_a_terminal(command, site, on_terminal):
    """On a terminal text is coloured, and without its colours it is what a pipe gets."""
    code, text = on_terminal(*command, "site.db")

    assert code == 0
    assert "\x1b[1m" in text


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"NO_COLOR": "0"}, {"TERM": "dumb"}], ids=str)
def test_no_colours(environment, site, on_terminal, quick):
    """NO_COLOR (whatever its value) and a dumb terminal get plain text, the same as a pipe."""
    _, text = on_terminal("homes", "site.db", "--wide", **environment)

    assert text == quick("homes", "site.db").stdout.decode()


def test_colours_by_force(site, cti_es, environment):
    """FORCE_COLOR colours text in a pipe as well, never data or a file, and NO_COLOR counts for more."""
    forced = environment({"FORCE_COLOR": "1"})

    assert cti_es("homes", "site.db", env=forced).stdout.startswith(b"\x1b[1mDEVICE")
    assert b"\x1b" not in cti_es("homes", "site.db", "--ndjson", env=forced).stdout
    assert cti_es("homes", "site.db", "-o", "homes.txt", env=forced).returncode == 0
    assert b"\x1b" not in (site.parent / "homes.txt").read_bytes()
    assert b"\x1b" not in cti_es("homes", "site.db", env=environment({"FORCE_COLOR": "1", "NO_COLOR": "1"})).stdout


@pytest.mark.parametrize("format", ["ndjson", "csv"])
def test_no_colours_in_data(format, site, on_terminal, quick):
    """NDJSON and CSV are the same bytes on a terminal as in a pipe."""
    _, text = on_terminal("replay", "site.db", "--format", format)

    assert text == quick("replay", "site.db", "--format", format).stdout.decode()


def test_no_colours_in_a_pipe(site, cti_es):
    """A pipe gets plain text, whatever TERM promises."""
    result = cti_es("replay", "site.db", env={**os.environ, "TERM": "xterm-256color"})

    assert b"\x1b" not in result.stdout


def test_no_colours_in_a_file(site, on_terminal, tmp_path):
    """A file of -o gets plain text, also when the command is run on a terminal."""
    on_terminal("replay", "site.db", "-o", "out.txt")

    assert b"\x1b" not in (tmp_path / "out.txt").read_bytes()


def test_no_progress_of_short_work(site, on_terminal, quick):
    """Work that takes no time shows no progress."""
    _, text = on_terminal("homes", "site.db", "--wide", NO_COLOR="1")

    assert "\r" not in text
    assert text == quick("homes", "site.db").stdout.decode()


# --- names that would steer a terminal ------------------------------------------------------------------------------

NASTY = "\x1b[2J\x1b]0;gotcha\x07\x9b31m\u202e\u2066\x7f\r\n\t"
FORGED = [
    {"type": "node_added", "node": "cm" + NASTY, "at": "2026-01-01T00:00:00Z"},
    {"type": "device_added", "device": "P" + NASTY, "kind": "phone", "lines": ["5" + NASTY], "at": "2026" + NASTY},
    {"type": "device_opened", "device": "P" + NASTY, "app": "a" + NASTY, "at": "2026-01-01T00:00:00Z", "id": NASTY},
    {"type": "call_started", "call": "c" + NASTY, "device": "P" + NASTY, "at": "2026-01-01T00:00:00Z"},
    {"type": "open_refused", "device": "P" + NASTY, "line": "5" + NASTY, "at": "2026-01-01T00:00:00Z"},
    {"type": "node_failed", "node": "cm" + NASTY, "at": "2026-01-01T00:00:00Z"},
    {"type": "node_failed", "node": "zz" + NASTY, "at": "2026-01-01T00:00:00Z"},
]
EVIL = "evil" + NASTY.replace("\n", "")
HARMLESS = set(map(chr, range(32, 127))) | {"\n"}


@pytest.fixture
def forged(site, tamper):
    """A store into which somebody has written a log full of escape sequences, behind the back of cti-es."""
    values = (EVIL, len(FORGED), json.dumps(FORGED), "x" + NASTY, "0" * 64)
    tamper(site, "INSERT INTO batches VALUES (2, ?, 1, ?, ?, '2026-01-01T00:00:00Z', ?, ?)", values=values)
    return f"site.db#{EVIL}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("logs", "site.db"),
        ("log", "{log}"),
        ("replay", "{log}"),
        ("replay", "{log}", "--misfits"),
        ("homes", "{log}"),
        ("homes", "{log}", "site.db#default"),
        ("explain", "{log}", "1"),
        ("explain", "{log}", "--device", "P" + NASTY),
        ("verify", "site.db"),
        ("homes", "{log}", "--as-of", "99"),
        ("homes", "{log}", "--as-of", "2026-01-01T00:00:00Z"),
        ("homes", "site.db#evil"),
        ("explain", "{log}", "--device", "P"),
        ("log", "site.db#default", "{log}"),
    ],
    ids=lambda arguments: " ".join(arguments).encode("ascii", "backslashreplace").decode(),
)
def test_forged_names_steer_no_terminal(arguments, forged, quick):
    """Whatever was forged into a store, text shows control characters as escapes, on both streams."""
    result = quick(*[argument.format(log=forged) for argument in arguments])
    shown = result.stdout.decode() + result.stderr.decode()

    assert "\\x1b" in shown
    assert set(shown) - set("…“”’ü") <= HARMLESS


def test_forged_names_on_a_terminal(forged, on_terminal):
    """On a terminal the only escape sequences are our own colours."""
    _, text = on_terminal("log", forged, NO_COLOR="1")

    assert set(text) <= HARMLESS


def test_forged_names_stay_as_they_are_in_data(forged, ndjson):
    """NDJSON hides nothing: it escapes what JSON must, and gives the name back."""
    assert ndjson("log", forged)[0]["node"] == "cm" + NASTY


# --- Markdown -------------------------------------------------------------------------------------------------------

MARKDOWN = {
    ("outages", "events.ndjson"): 4,
    ("homes", "events.ndjson"): 2,
    ("homes", "events.ndjson", "events.ndjson"): 4,
    ("homes", "events.ndjson", "--count"): 2,
    ("log", "events.ndjson"): 10,
    ("replay", "events.ndjson"): 20,
    ("history", "events.ndjson", "--device", "RP_SALES"): 4,
    ("providers", "events.ndjson"): 0,
    ("impact", "events.ndjson"): 2,
    ("logs", "site.db"): 1,
}
"""Command: how many rows it prints."""


@pytest.mark.parametrize("command", MARKDOWN, ids=" ".join)
def test_markdown(command, log_file, site, quick):
    """As Markdown rows are one table with the titles of text: as many cells in each row as in the first."""
    lines = quick(*command, "--format", "markdown").stdout.decode().splitlines()
    table = [line for line in lines if line.startswith("|")]

    assert max(0, len(table) - 2) == MARKDOWN[command]
    assert len({line.count("|") for line in table}) <= 1
    if table:
        titles = quick(*command).stdout.decode().splitlines()[0].split()
        assert " ".join(table[0].strip("| ").split(" | ")).split() == titles
        assert set(table[1]) == {"|", "-", " "}


def test_markdown_means_nothing_in_names(write, quick):
    """What would mean something in Markdown is escaped in cells."""
    file = write('{"type":"node_added","node":"a|b*c`d<e>f_g_h_"}')
    [row] = quick("log", file, "--format", "markdown").stdout.decode().splitlines()[2:]

    assert "node=a\\|b\\*c\\`d\\<e\\>f_g_h\\_ |" in row


def test_sums_stand_below_the_table(log_file, quick):
    """The sums of outages are a paragraph of their own."""
    assert quick("outages", log_file, "--format", "markdown").stdout.endswith(
        b" |\n\n4 outages of 2 devices, 0 still out\n"
    )


# --- what the environment says --------------------------------------------------------------------------------------


def test_the_environment_may_say_the_format(log_file, cti_es, environment, refused):
    """CTI_ES_FORMAT is the default of --format; a command without that format prints text; nonsense is refused."""
    csv = environment({"CTI_ES_FORMAT": "csv"})

    assert cti_es("homes", log_file, env=csv).stdout == cti_es("homes", log_file, "--format", "csv").stdout
    for option in (["--ndjson"], ["--format", "text"]):
        assert cti_es("homes", log_file, *option, env=csv).stdout == cti_es("homes", log_file, *option).stdout
    assert cti_es("explain", log_file, "3", env=csv).stdout == cti_es("explain", log_file, "3").stdout
    refused(cti_es("homes", log_file, env=environment({"CTI_ES_FORMAT": "xml"})), "CTI_ES_FORMAT", "'xml'")
    refused(cti_es("explain", log_file, "3", env=environment({"CTI_ES_FORMAT": "xml"})), "CTI_ES_FORMAT")


CHOOSING = [
    (name, param)
    for name in COMMANDS
    for param in import_module(module_of(name)).command.params
    if isinstance(param.type, click.Choice)
]
"""Every option and argument with a list of values, and its command."""


@pytest.mark.parametrize(("name", "param"), CHOOSING, ids=lambda one: getattr(one, "name", one))
def test_a_refusal_names_every_value_that_there_is(name, param):
    """Whoever gives a value that is not there is told all that are, from the first to the last, and nothing else."""
    with pytest.raises(click.BadParameter) as caught:
        param.type.convert("nosuch", param, click.Context(main.get_command(None, name)))

    assert (
        said(caught.value).splitlines()[0].endswith(f"unknown value 'nosuch'; expected {', '.join(param.type.choices)}")
    )


def test_a_format_of_the_environment_is_refused_with_those_of_every_command(cti_es, environment, refused):
    """The variable holds for all commands: what it may say are the formats of all of them, also where one has two."""
    of_commands = {
        value
        for _, param in CHOOSING
        if getattr(param, "envvar", None) == "CTI_ES_FORMAT"
        for value in param.type.choices
    }

    assert of_commands == set(EVERY_FORMAT)
    refused(
        cti_es("diff", "a", "b", env=environment({"CTI_ES_FORMAT": "tapi-browse"})),
        f"CTI_ES_FORMAT (--format): unknown value 'tapi-browse'; expected {', '.join(EVERY_FORMAT)}; did you mean",
    )


def test_nothing_else_comes_from_the_environment():
    """Of all options only the zone, the format and the patience may be inherited, everywhere by the same name."""
    given = {
        (param.opts[-1], param.envvar)
        for name in COMMANDS
        for param in import_module(module_of(name)).command.params
        if param.envvar
    }

    assert given == {("--tz", "CTI_ES_TZ"), ("--format", "CTI_ES_FORMAT"), ("--wait", "CTI_ES_WAIT")}
    assert main.context_settings.get("auto_envvar_prefix") is None
