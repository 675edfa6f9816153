"""What is no event log is refused: where, what was found, what was expected, what is near; and nothing is stored."""

import json
import os
from itertools import cycle

import pytest

from cti_es.vocabulary.names import printable

GOOD = b'{"type":"node_added","node":"cm1"}'
READERS = ("replay", "homes", "log", "export")


def node(name: bytes) -> bytes:
    """An event with this JSON in place of its name."""
    return b'{"type":"node_added","node":%b}' % name


def phone(rest: bytes) -> bytes:
    """A device_added with this in place of what it has beside its name."""
    return b'{"type":"device_added","device":"P",%b}' % rest


NOT_JSON = {
    "malformed": b'{"type":"node_added","node":}',
    "no end": b'{"type":"node_added"',
    "words": b"hello",
    "trailing comma": b'{"type":"node_added","node":"cm1",}',
    "single quotes": b"{'type':'node_added','node':'cm1'}",
    "NaN": node(b"NaN"),
    "bad escape": node(b'"\\x41"'),
    "raw control character": node(b'"a\x01b"'),
    "raw tab": node(b'"a\tb"'),
    "no-break space": b"\xc2\xa0",
    "byte-order mark in the middle": b"\xef\xbb\xbf" + GOOD,
}
"""Lines that are no JSON: the message says so."""

NOT_UTF8 = {
    "a byte of Latin-1": node(b'"M\xfcnchen"'),
    "0xff": node(b'"a\xffb"'),
    "encoded surrogate": node(b'"a\xed\xa0\x80b"'),
    "overlong slash": node(b'"a\xc0\xafb"'),
    "beyond Unicode": node(b'"a\xf4\x90\x80\x80b"'),
}

REFUSED = {
    # what it is: (line, what the message must say besides file and line)
    "too deep": (b"[" * 100_000, ()),
    "too deep, objects": (b'{"a":' * 100_000, ("deep",)),
    "two objects on a line": (GOOD + GOOD, ("more than one", "one JSON object a line")),
    "two objects with a blank": (GOOD + b" " + node(b'"cm2"'), ("more than one",)),
    "an array": (b"[" + GOOD + b"]", ("not a JSON object",)),
    "a text": (b'"node_added"', ("not a JSON object",)),
    "null": (b"null", ("not a JSON object",)),
    "unknown type": (b'{"type":"node_aded","node":"cm1"}', ("$.type", "'node_aded'", "did you mean 'node_added'?")),
    "unknown type, nothing near": (b'{"type":"zzzzzz"}', ("$.type", "'zzzzzz'", "node_added", "call_ended")),
    "type in capitals": (b'{"type":"NODE_ADDED","node":"cm1"}', ("$.type", "'NODE_ADDED'", "node_added")),
    "type is a number": (b'{"type":5,"node":"cm1"}', ("$.type",)),
    "type is null": (b'{"type":null,"node":"cm1"}', ("$.type",)),
    "type is left out": (b'{"node":"cm1"}', ("$.type", "node_added")),
    "a message, not an event": (b'{"seq":1,"message":"PHONE_STATE"}', ("message trace",)),
    "unknown field": (b'{"type":"node_added","nod":"cm1"}', ("$.nod", "'nod'", "did you mean 'node'?")),
    "unknown field, null": (b'{"type":"node_added","node":"cm1","nodes":null}', ("$.nodes", "'nodes'")),
    "field of another type": (b'{"type":"node_added","node":"cm1","app":"a"}', ("$.app", "node_added")),
    "missing field": (phone(b'"lines":[]'), ("device_added", "'kind'")),
    "missing field, null": (node(b"null"), ("node",)),
    "repeated field": (b'{"type":"node_added","node":"cm1","node":"cm2"}', ("'node'", "twice")),
    "repeated field, escaped": (b'{"type":"node_added","node":"cm1","n\\u006fde":"cm2"}', ("'node'", "twice")),
    "repeated null": (b'{"type":"node_added","node":"cm1","at":null,"at":null}', ("'at'", "twice")),
    "repeated type": (b'{"type":"node_added","node":"cm1","type":"node_added"}', ("'type'", "twice")),
    "number for a name": (node(b"5001"), ("$.node", "number", "text")),
    "boolean for a name": (node(b"true"), ("$.node", "text")),
    "list for a name": (node(b'["cm1"]'), ("$.node", "list", "text")),
    "number for an id": (b'{"type":"node_added","node":"cm1","id":7}', ("$.id", "number", "text")),
    "number for a time": (b'{"type":"node_added","node":"cm1","at":1767254400}', ("$.at", "number", "text")),
    "number in a list": (phone(b'"kind":"phone","lines":["1",5001]'), ("$.lines[1]", "number", "text")),
    "text for a list": (phone(b'"kind":"phone","lines":"5001"'), ("$.lines", "text", "list")),
    "null in a list": (phone(b'"kind":"phone","lines":[null]'), ("$.lines[0]",)),
    "a CTI remote device": (
        phone(b'"kind":"cti_remote_device"'),
        ("$.kind", "expected cti_port", "soft phones) is a phone"),
    ),
    "unknown kind": (phone(b'"kind":"cti_prot"'), ("$.kind", "'cti_prot'", "did you mean 'cti_port'?")),
    "empty name": (node(b'""'), ("$.node", "empty")),
    "empty name in a list": (phone(b'"kind":"phone","lines":["1",""]'), ("$.lines[1]", "empty")),
    "empty id": (b'{"type":"node_added","node":"cm1","id":""}', ("$.id", "empty")),
    "129 characters": (node(b'"' + b"x" * 129 + b'"'), ("$.node", "128")),
    "129 characters, not ASCII": (node('"{}"'.format("ü" * 129).encode()), ("$.node", "128")),
    "129 characters in a list": (phone(b'"kind":"phone","group":["%b"]' % (b"x" * 129)), ("$.group[0]", "128")),
    "escaped NUL": (node(b'"a\\u0000b"'), ("$.node", "U+0000")),
    "escaped ESC": (node(b'"a\\u001b[31mb"'), ("$.node", "U+001B")),
    "DEL": (node(b'"a\x7fb"'), ("$.node", "U+007F")),
    "C1": (node('"a\x9bb"'.encode()), ("$.node", "U+009B")),
    "escaped C1": (node(b'"a\\u009bb"'), ("$.node", "U+009B")),
    "bidirectional override": (node('"a\u202eb"'.encode()), ("$.node", "U+202E")),
    "escaped bidirectional isolate": (node(b'"a\\u2066b"'), ("$.node", "U+2066")),
    "control character in an id": (b'{"type":"node_added","node":"cm1","id":"\\u0007"}', ("$.id", "U+0007")),
    "control character in a list": (phone(b'"kind":"phone","lines":["\\u0007"]'), ("$.lines[0]", "U+0007")),
    "lone high surrogate": (node(b'"a\\ud800b"'), ("surrogate",)),
    "lone low surrogate": (node(b'"a\\udc00b"'), ("surrogate",)),
    "over 1 MiB": (node(b'"cm1"') + b" " * (1 << 20), ("1 MiB",)),
    "over 1 MiB, a name": (node(b'"' + b"x" * (1 << 20) + b'"'), ()),
    **{name: (line, ("not JSON",)) for name, line in NOT_JSON.items()},
    **{name: (line, ("UTF-8",)) for name, line in NOT_UTF8.items()},
}

BAD_TIMES = (
    "2026-03-01t10:00:00Z",
    "2026-03-01T10:00:00z",
    "2026-03-01 10:00:00Z",
    "2026-03-01T10:00:00",
    "2026-03-01T10:00Z",
    "2026-03-01",
    "2026-06-30T23:59:60Z",
    "2026-03-01T10:00:00.1234567Z",
    "2026-03-01T10:00:00.Z",
    "2026-03-01T10:00:00,5Z",
    "1969-12-31T23:59:59Z",
    "9999-01-01T00:00:00Z",
    "1970-01-01T00:00:00+00:01",
    "9998-12-31T23:59:59-00:01",
    "2026-02-30T10:00:00Z",
    "2025-02-29T10:00:00Z",
    "2026-13-01T10:00:00Z",
    "2026-03-00T10:00:00Z",
    "2026-03-01T24:00:00Z",
    "2026-03-01T10:60:00Z",
    "2026-03-01T10:00:00+24:00",
    "2026-03-01T10:00:00+10:60",
    "2026-03-01T10:00:00+0100",
    "2026-03-01T10:00:00\u221201:00",
    "٢٠٢٦-03-01T10:00:00Z",
    "+2026-03-01T10:00:00Z",
    " 2026-03-01T10:00:00Z",
    "2026-03-01T10:00:00Z\\n",
    "1772359200",
    "yesterday",
    "",
)

# What prints as it reads has printed what stands before so long a line.
WAYS = [(name, "homes" if "MiB" in name else command) for name, command in zip(REFUSED, cycle(READERS))]


@pytest.mark.parametrize("name", REFUSED)
def test_append_refuses_a_line(name, quick, write, refused, tmp_path):
    """A line that is no event is refused with file, true line number and reason, and no store is made."""
    line, words = REFUSED[name]
    file = write(b"\n" + node(b'"cm0"') + b"\n \t\r\n" + line + b"\n" + GOOD + b"\n")

    refused(quick("append", "site.db", "--from", file), "events.ndjson:4", *words)
    assert [path.name for path in tmp_path.iterdir()] == [file]


@pytest.mark.parametrize(("name", "command"), WAYS)
def test_readers_refuse_a_line(name, command, quick, write, refused):
    """A bare file with a line that is no event is refused by what reads it, in the same words."""
    line, words = REFUSED[name]
    file = write(b"\n" + node(b'"cm0"') + b"\n \t\r\n" + line + b"\n" + GOOD + b"\n")

    refused(quick(command, file), "events.ndjson:4", *words)


@pytest.mark.parametrize("at", BAD_TIMES)
def test_append_refuses_a_time(at, quick, write, refused, tmp_path):
    """A time that is not RFC 3339 as docs/reference/log-format.md#times narrows it is refused by append, which says what a time looks like."""
    file = write(b'\n{"type":"node_added","node":"cm1","at":"%b"}\n' % at.encode())

    refused(quick("append", "site.db", "--from", file), "events.ndjson:2: $.at", "expected", "time")
    assert not (tmp_path / "site.db").exists()


@pytest.mark.parametrize("at", BAD_TIMES[::5])
def test_readers_refuse_a_time(at, quick, write, refused):
    """A bare file with a bad time is refused, too."""
    file = write(b'\n{"type":"node_added","node":"cm1","at":"%b"}\n' % at.encode())

    refused(quick("homes", file), "events.ndjson:2: $.at", "expected", "time")


@pytest.mark.parametrize("name", ["malformed", "unknown field", "over 1 MiB", "0xff", "empty name"])
def test_a_store_stays_as_it_was(name, quick, write, refused, site, rows):
    """A refused file leaves a store that exists exactly as it was, although its first lines are good."""
    before = rows(site)
    file = write(node(b'"cm8"') + b"\n" + node(b'"cm9"') + b"\n" + REFUSED[name][0] + b"\n")

    refused(quick("append", "site.db", "--from", file), "events.ndjson:3")
    assert rows(site) == before


def test_a_bad_end_of_a_long_file(quick, write, refused, site, rows, big_file, tmp_path):
    """All or nothing holds for a file of many rows, too: the very last line is bad, and nothing is stored."""
    before = rows(site)
    with open(big_file, "rb") as file:
        write(file.read() + b"{\n", "long.ndjson")

    refused(quick("append", "site.db#other", "--from", "long.ndjson"), "long.ndjson:9001")
    assert rows(site) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long.ndjson", "site.db"]


def test_standard_input_has_lines_too(cti_es, refused, tmp_path):
    """Standard input is named in an error as a file would be, with the line."""
    result = cti_es("append", "site.db", "--from", "-", input=GOOD + b"\n\n{\n")

    refused(result, "stdin", ":3")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [b"\x7fELF\x02\x01\x01" + b"\0" * 100, b"\x1f\x8b\x08\0\0\0\0\0", b"\0" * 5000])
@pytest.mark.parametrize("arguments", [("append", "site.db", "--from"), ("replay",)])
def test_a_binary_file(data, arguments, quick, write, refused, tmp_path):
    """A binary file is refused with its name."""
    file = write(data, "program.bin")

    refused(quick(*arguments, file), "program.bin")
    assert not (tmp_path / "site.db").exists()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_utf16_without_its_mark(encoding, quick, write, refused):
    """UTF-16 is read only with its byte-order mark; without it the file is refused, not misread."""
    file = write(GOOD.decode().encode(encoding))

    refused(quick("replay", file), "events.ndjson")


def test_utf16_cut_in_the_middle(quick, write, refused):
    """UTF-16 that ends in half a character is refused."""
    file = write(b"\xff\xfe" + GOOD.decode().encode("utf-16-le") + b"\n")

    refused(quick("replay", file), "events.ndjson")


@pytest.mark.parametrize(
    "arguments",
    [
        ("append", "new.db", "--from", "folder"),
        ("append", "folder", "node_added", "node=cm1"),
        ("append", "folder#lab", "node_added", "node=cm1"),
        ("replay", "folder"),
        ("homes", "folder"),
        ("log", "folder"),
        ("logs", "folder"),
        ("verify", "folder"),
        ("export", "folder"),
        ("explain", "folder", "1"),
    ],
    ids=" ".join,
)
def test_a_folder(arguments, quick, refused, tmp_path):
    """A folder is called one, and nothing is made."""
    (tmp_path / "folder").mkdir()

    refused(quick(*arguments), "folder", "expected")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


@pytest.mark.parametrize("command", ["replay", "homes", "log", "export", "logs", "verify"])
def test_a_missing_source(command, quick, site, refused):
    """A SOURCE that is not there is refused, and the file that is near is suggested."""
    refused(quick(command, "sit.db"), "sit.db", "did you mean 'site.db'?")


def test_a_missing_input(quick, log_file, refused, tmp_path):
    """A missing file to append from is refused, what is near is suggested, and no store is made."""
    refused(quick("append", "site.db", "--from", "event.ndjson"), "event.ndjson", f"did you mean '{log_file}'?")
    assert not (tmp_path / "site.db").exists()


def test_a_missing_folder_for_a_store(quick, refused, tmp_path):
    """A store cannot be made in a folder that is not there."""
    refused(quick("append", "nowhere/site.db", "node_added", "node=cm1"), "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_no_input(quick, site, refused, tmp_path):
    """A store given as a file to append from is recognised, and the way that works is shown."""
    refused(quick("append", "new.db", "--from", "site.db"), "site.db", "cti-es export site.db")
    assert not (tmp_path / "new.db").exists()


MISFITS = {
    "unknown node": ('{"type":"node_failed","node":"cm11"}', "unknown_node", "did you mean 'cm1'?"),
    "unknown device": ('{"type":"device_opened","device":"CTIP0"}', "unknown_device", "did you mean 'CTIP01'?"),
    "unknown line": ('{"type":"line_opened","device":"CTIP01","line":"500"}', "unknown_line", "did you mean '5001'?"),
    "unknown call": ('{"type":"call_ended","call":"c"}', "unknown_call", "'c'"),
    "node exists": ('{"type":"node_added","node":"cm1"}', "node_exists", "'cm1'"),
    "device exists": ('{"type":"device_added","device":"CTIP01","kind":"phone"}', "device_exists", "'CTIP01'"),
    "in service": ('{"type":"node_recovered","node":"cm1"}', "already_in_service", "'cm1'"),
    "not open": ('{"type":"device_closed","device":"CTIP01"}', "not_open", "'CTIP01'"),
    "repeated": ('{"type":"open_refused","device":"CTIP01","nodes":["cm1","cm1"]}', "repeated", "'cm1'"),
    "empty group": ('{"type":"open_refused","device":"CTIP01","nodes":[]}', "empty", "nodes"),
    "outside the group": ('{"type":"open_refused","device":"CTIP01","nodes":["cm2"]}', "outside_group", "'cm2'"),
}
BEFORE = """\
{"type":"node_added","node":"cm1"}
{"type":"device_added","device":"CTIP01","kind":"cti_port","lines":["5001"]}
{"type":"node_added","node":"cm2"}
"""


@pytest.mark.parametrize("name", MISFITS)
def test_a_misfit(name, quick, write, refused, tmp_path):
    """A misfit is refused by append with line, version, code and, where one is near, a suggestion; nothing is stored."""
    event, code, words = MISFITS[name]
    file = write(f"{BEFORE}\n\n{event}\n")

    refused(
        quick("append", "site.db", "--from", file), "events.ndjson:6", f"misfit 4 {code} ", words, "--allow-misfits"
    )
    assert not (tmp_path / "site.db").exists()


def test_many_misfits_are_counted(quick, write, refused):
    """A file full of misfits names the first ones and says how many there are."""
    file = write('{"type":"node_failed","node":"cm1"}\n' * 1000)
    text = refused(quick("append", "site.db", "--from", file), "events.ndjson:1: ", "1,000 misfits")

    assert text.count("\n") < 50


def test_an_id_with_other_content(quick, write, refused, site, rows):
    """An id that stands for another event already is an error that names line, id and version; nothing is stored."""
    quick("append", "site.db", "node_added", "node=cm3", "id=x1")
    before = rows(site)
    file = write('\n{"type":"node_added","node":"cm4"}\n{"type":"node_added","node":"cm5","id":"x1"}\n')

    refused(quick("append", "site.db", "--from", file), "events.ndjson:3", "'x1'", "version 11")
    assert rows(site) == before


def test_an_id_with_other_content_within_one_file(quick, write, refused, tmp_path):
    """Two events of one file under the same id are refused at the second one's line."""
    file = write('{"type":"node_added","node":"cm4","id":"x1"}\n\n{"type":"node_added","node":"cm5","id":"x1"}\n')

    refused(quick("append", "site.db", "--from", file), "events.ndjson:3", "'x1'")
    assert not (tmp_path / "site.db").exists()


@pytest.mark.parametrize("field", ["node", "at", "type"])
def test_a_hostile_value_is_shown_harmlessly(field, quick, write, refused):
    """What an error quotes from a file cannot steer the terminal that shows it."""
    event = {"type": "node_added", "node": "cm1", "at": "2026-01-01T00:00:00Z", field: "\x1b]0;gotcha\x07\u202e"}
    text = refused(quick("replay", write(json.dumps(event))), "events.ndjson:1")

    assert "\x1b" not in text
    assert "\u202e" not in text


NO_TEXT = os.fsdecode(b"no\xfftext")
"""A file name that is no UTF-8, as old disks and archives have them."""

STEERING = "a\x1b[31m\u202e\u200bb"


@pytest.fixture(params=[NO_TEXT, STEERING], ids=["no UTF-8", "steering"])
def odd(request, write, example, site, tmp_path):
    """A name of files that no terminal should be given: an event log, and a store with .db behind it."""
    try:
        write(example, request.param)
    except OSError:
        pytest.skip("this file system has no such names")
    (tmp_path / f"{request.param}.db").write_bytes(site.read_bytes())
    return request.param


@pytest.mark.parametrize("format", ["text", "ndjson", "csv"])
@pytest.mark.parametrize("command", ["log", "replay", "homes"])
def test_several_sources_with_odd_names(command, format, odd, quick):
    """Where each row has its SOURCE, the name of the file is shown with escapes, in every format."""
    result = quick(command, odd, f"{odd}.db", "--format", format)

    assert (result.returncode, result.stderr) == (0, b"")
    text = result.stdout.decode()
    assert printable(odd) in text.replace("\\\\", "\\")
    assert [line for line in text.splitlines() if printable(line) != line] == []


@pytest.mark.parametrize(
    "words",
    [
        ("logs", "{}.db"), ("verify", "{}.db"), ("export", "{}"), ("lint", "{}"), ("diff", "{}", "{}.db"), ("explain", "{}", "1"),
        ("diff", "{}", "{}", "--format", "ndjson"), ("diff", "{}", "{}", "--junit", "{}.xml"), ("diff", "{}", "{}", "--handles", "{}"),
        ("log", "site.db", "-o", "{}.out"), ("log", "site.db", "-o", "{}/out"), ("log", "{}.none"), ("log", "{}#x"), ("log", "{}.db#{}"),
        ("log", "site.db", "--device", "{}"), ("log", "site.db", "--type", "{}"), ("replay", "site.db", "--app", "{}"), ("{}",),
        ("append", "{}.new", "node_added", "node=cm1"), ("append", "{}.new", "--from", "{}"), ("append", "{}.new", "--from", "{}.none"),
        ("append", "site.db#{}", "node_added", "node=x"), ("append", "site.db", "node_added", "node={}"), ("append", "site.db", "{}"),
        ("append", "site.db", "node_added", "node=x", "--source", "{}"), ("append", "site.db", "node_added", "{}=x"),
        ("import", "site.db", "{}"), ("import", "{}.db", "{}"), ("import", "site.db", "{}", "--nodes", "{}"), ("generate", "-o", "{}.out"),
        ("import", "site.db", "events.ndjson", "--with", "{}"), ("verify", "site.db", "--heads", "{}"), ("verify", "site.db", "--head", "{}"),
        ("lint", "{}", "--line-pattern", "{}"), ("schema", "{}"), ("demo", "{}"), ("log", "site.db", "--as-of", "{}"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_odd_names_everywhere(words, odd, quick):
    """Wherever a file is named, a name that is no text ends in no fault of cti-es, and nothing of it is shown raw."""
    result = quick(*(word.format(odd, odd) for word in words))
    said = result.stderr.decode()

    assert result.returncode in (0, 1, 2)
    assert "fault of cti-es" not in said
    assert "Traceback" not in said
    assert [line for line in (said + result.stdout.decode()).splitlines() if printable(line) != line] == []


def test_the_source_of_odd_files(odd, quick, site, rows):
    """What append keeps as the source is the name of the file, shown harmlessly; verify agrees."""
    appended = quick("append", "new.db", "--from", odd)

    assert (appended.returncode, quick("verify", "new.db").returncode) == (0, 0), appended.stderr
    assert printable(odd) in rows(site.with_name("new.db"))[0]


def test_a_link_to_nothing(quick, refused, tmp_path):
    """A link whose file is gone is called that; it is not suggested instead of itself."""
    (tmp_path / "events.ndjson").symlink_to("gone.ndjson")

    assert "did you mean" not in refused(quick("log", "events.ndjson"), "events.ndjson: a link to what is not there")


@pytest.mark.parametrize("words", [("log", ""), ("append", "", "node_added", "node=x"), ("log", "site.db", "-o", "")])
def test_empty_names_of_files(words, quick, refused, site):
    """An empty name of a file, as a shell makes it of a variable that is not set, is called empty."""
    refused(quick(*words), "empty name")
