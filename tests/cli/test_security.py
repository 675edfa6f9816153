"""Permissions, names that are no SQL and no paths, terminals that nobody else steers."""

import ast
import json
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from campaigns.running import run

import cti_es.logs.store
from cti_es.vocabulary.names import escaped

HOSTILE = (
    "x'; DROP TABLE batches; --",
    'x"; DELETE FROM ids; --',
    "x' OR '1'='1",
    "%",
    "_",
    "%s%n{0}",
    "..",
    "../../outside",
    "/etc/passwd",
    "?mode=memory",
    "a#b",
    "NULL",
    ":memory:",
    "\u0130",
)


@pytest.fixture
def umask():
    """Set the umask of this process; the old one comes back afterwards."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o027, 0o077])
def test_a_store_has_the_permissions_of_the_umask(mask, umask, tmp_path):
    """A store that append makes can be read and written by whom the umask lets, as any new file; and so stay its files."""
    path = tmp_path / "site.db"
    umask(mask)
    assert run("append", str(path), "node_added", "node=cm1").code == 0
    with closing(sqlite3.connect(path)) as other:
        other.execute("SELECT * FROM batches").fetchall()
        assert run("append", str(path), "node_added", "node=cm2").code == 0
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}

    assert modes == dict.fromkeys(("site.db", "site.db-wal", "site.db-shm"), 0o666 & ~mask)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_neither_sql_nor_paths(name, tmp_path):
    """Whatever the name of a log, an id, a node or a source is, it is that name: stored, found and given back."""
    folder = tmp_path / "inner"
    folder.mkdir()
    store = str(folder / "site.db")
    plain = run("append", f"{store}#plain", "node_added", "node=cm1", "id=1")
    source = f"{store}#{name}".replace("#a#b", "#a")  # the last # would split it
    sent = run("append", source, "node_added", f"node={name}", f"id={name}", "--source", name, "--expect", "none")
    again = run("append", source, "node_added", f"node={name}", f"id={name}", "--source", name)
    back = [json.loads(line) for line in run("log", source, "--ndjson").out.splitlines()]

    assert (plain.code, sent.code, again.code) == (0, 0, 0), sent.err + again.err
    assert "appended 0, duplicates 1" in again.err
    assert [(one["node"], one["id"]) for one in back] == [(name, name)]
    assert run("verify", store).code == 0
    assert [path.name for path in tmp_path.rglob("*")] == ["inner", "site.db"]


@pytest.mark.parametrize(
    "name", ["a\x01b", "a\x1b[2J", "a\x9b", "a\u202e", "a\x7f", "a\u200b", "a\u2029", "a\U000e0041", "a" * 129]
)
def test_names_of_logs_are_names(name, tmp_path):
    """A log, like everything else, has no name that could steer a terminal: refused, shown harmlessly, nothing made."""
    ran = run("append", f"{tmp_path / 'site.db'}#{name}", "node_added", "node=cm1")

    assert ran.code == 2
    assert set(map(ord, ran.err)) <= {10, *range(32, 127)}
    assert list(tmp_path.iterdir()) == []


STEERING = "\x1b[2J\x9b31m\u202e\u200b\u200f\u2028\U000e0041"


@pytest.mark.parametrize(
    "arguments",
    [
        (STEERING,),
        (f"--{STEERING}",),
        ("log", f"--{STEERING}", "x"),
        ("log", STEERING),
        ("log", f"{STEERING}#{STEERING}"),
        ("log", "x", "--type", STEERING),
        ("log", "x", "--from-version", STEERING),
        ("log", "x", "--format", STEERING),
        ("log", "x", "-o", f"{STEERING}/x"),
        ("replay", "x", "--as-of", STEERING),
        ("explain", "x", STEERING),
        ("verify", "x", "--head", STEERING),
        ("append", "new.db", STEERING),
        ("append", "new.db", "node_added", STEERING),
        ("append", "new.db", "node_added", f"node={STEERING}"),
        ("append", "new.db", "node_added", f"{STEERING}=x"),
        ("append", "new.db", "node_added", f"node=[{STEERING}"),
        ("append", "new.db", "node_added", "node=x", "--expect", STEERING),
        ("append", "new.db", "node_added", "node=x", "--wait", STEERING),
        ("append", "new.db", "node_added", "node=x", "--source", STEERING),
        ("append", "new.db", "--from", STEERING),
        ("--debug", "log", STEERING),
        ("schema", STEERING),
        ("demo", STEERING),
    ],
    ids=lambda arguments: " ".join(arguments).encode("ascii", "backslashreplace").decode(),
)
def test_errors_steer_no_terminal(arguments, tmp_path, on_terminal):
    """What is quoted from the command line by an error, click's own errors and tracebacks too, is shown as escapes."""
    code, text = on_terminal(*arguments)

    assert code == 2
    assert text
    assert set(text) - set("…“”’│") <= {"\n", *map(chr, range(32, 127))}


@pytest.mark.parametrize(
    "arguments",
    [
        ("log", "--ndjson"),
        ("log", "--format", "csv"),
        ("export",),
        ("homes", "--ndjson"),
        ("replay", "--format", "csv"),
    ],
    ids=" ".join,
)
def test_data_steers_no_terminal(arguments, forged, on_terminal, cti_es):
    """NDJSON and CSV of a forged log are escaped as JSON has it on a terminal; a pipe gets the bytes as they are."""
    command, *rest = arguments
    _, text = on_terminal(command, forged, *rest)
    piped = cti_es(command, forged, *rest).stdout.decode()

    assert text
    assert set(text) <= {"\n", *map(chr, range(32, 127))}
    assert "\u202e" in piped
    assert text == escaped(piped)


@pytest.fixture
def forged(tmp_path):
    """A store into which somebody has written a log whose names are full of escape sequences."""
    events = [
        {"type": "node_added", "node": "cm" + STEERING, "at": "2026-01-01T00:00:00Z"},
        {"type": "device_added", "device": "P" + STEERING, "kind": "phone", "at": "2026-01-01T00:00:00Z"},
        {"type": "device_opened", "device": "P" + STEERING, "at": "2026-01-01T00:00:00Z"},
        {"type": "node_failed", "node": "cm" + STEERING, "at": "2026-01-01T00:00:00Z"},
    ]
    path = tmp_path / "site.db"
    run("append", str(path), "node_added", "node=cm1")
    row = (2, "lab", 1, len(events), json.dumps(events, ensure_ascii=False), "", STEERING, "0" * 64)
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        plain.execute("INSERT INTO batches VALUES (?,?,?,?,?,?,?,?)", row)
    return "site.db#lab"


def test_a_log_with_a_hidden_name_is_read(tmp_path):
    """A store from before such names were refused: its log is found by its name, listed and read, and takes no more."""
    path = tmp_path / "site.db"
    event = '{"type":"node_added","node":"cm\u200b1","at":"2026-01-01T00:00:00Z"}'
    run("append", str(path), "node_added", "node=cm1")
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        plain.execute("INSERT INTO batches VALUES (2, 'a\u200b', 1, 1, ?, '', '', ?)", (f"[{event}]", "0" * 64))
    source = f"{path}#a\u200b"

    assert run("export", source).out.decode() == event + "\n"
    assert "cm\\u200b1" in run("log", source).out.decode()
    assert "a\\u200b" in run("logs", str(path)).out.decode()
    assert run("verify", str(path)).code == 1
    assert run("append", source, "node_added", "node=cm2").code == 2
    assert run("append", f"{path}#default", "--from", "-", stdin=event.encode()).code == 2


def test_no_sql_is_made_of_input():
    """SQL in the library is put together from constants: what stands in its braces is a name of ours."""
    allowed = {
        "_ROW", "_SNAPSHOT", "firsts", "marks", "bounds", "column", "name", "table", "setting", "APPLICATION_ID",
        "SCHEMA_VERSION", "milliseconds", "field", "_READABLE", "_APPEND_ONLY", '_text("type")', '_text("at")', '_text("id")',
        '_if_small("log")', '_if_small("convert_to(events, "UTF8")")', '_if_small("recorded_at")', '_if_small("source")',
        '_if_small("hash")', "_SIZE", "_ROWS_AT_ONCE", "_BYTES_AT_ONCE", "LARGEST_STATE", "_INSERT", "_SAFE", "CREATING",
        "deed", "deed.lower()", '_VIEW.removesuffix(";")', "columns", "wanted",
    }  # fmt: skip
    found = set()
    for path in Path(cti_es.logs.store.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr) and any(
                word in ast.unparse(node)
                for word in ("SELECT", "INSERT", "PRAGMA", "CREATE", "RAISE", "iif(", "column}")
            ):
                found |= {
                    ast.unparse(part.value).replace("'", '"')
                    for part in node.values
                    if hasattr(part, "value") and not isinstance(part, ast.Constant)
                }

    assert "_ROW" in found
    assert found <= allowed
