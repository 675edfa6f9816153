"""``providers``: which application is connected to which CTI Manager, and what that means for what it has open."""

import json

import pytest

BEGIN = """\
{"type":"node_added","node":"cm1","at":"2026-03-02T08:00:00Z"}
{"type":"node_added","node":"cm2","at":"2026-03-02T08:00:00Z"}
{"type":"cti_manager_added","node":"cm1","at":"2026-03-02T08:00:00Z"}
{"type":"cti_manager_added","node":"cm2","at":"2026-03-02T08:00:00Z"}
{"type":"device_added","device":"P","kind":"cti_port","lines":["1","2"],"at":"2026-03-02T08:01:00Z"}
{"type":"device_opened","device":"P","app":"plain","at":"2026-03-02T08:02:00Z"}
{"type":"provider_opened","app":"zed","cti_managers":["cm1","cm2"],"at":"2026-03-02T08:02:00Z"}
{"type":"provider_opened","app":"ann","cti_managers":["cm1"],"at":"2026-03-02T08:03:00Z"}
{"type":"device_opened","device":"P","app":"ann","at":"2026-03-02T08:04:00Z"}
{"type":"line_opened","device":"P","line":"2","app":"zed","at":"2026-03-02T08:04:00Z"}
{"type":"cti_manager_failed","node":"cm1","at":"2026-03-02T09:00:00Z"}
{"type":"device_removed","device":"P","at":"2026-03-02T09:10:00Z"}
{"type":"device_added","device":"P","kind":"phone","at":"2026-03-02T09:20:00Z"}
{"type":"cti_manager_recovered","node":"cm1","at":"2026-03-02T09:30:00Z"}
"""
"""Two applications with a provider and one without; the CTI Manager of both fails, and one has another."""

FIELDS = ["app", "cti_managers", "link", "since", "handles", "out", "waiting"]
"""What every row has; CSV has all columns, NDJSON leaves out the other two where they say nothing."""

COLUMNS = [*FIELDS, "adrift", "withdrawn"]


@pytest.fixture
def log(write):
    """The log as a bare file."""
    return write(BEGIN, "providers.ndjson")


def brief(rows):
    """Each row without its CTI Managers."""
    return [tuple(row[field] for field in FIELDS if field != "cti_managers") for row in rows]


def test_one_row_for_each_provider(log, ndjson):
    """Every provider, none for an application without one, in the order in which they first opened anything."""
    found = ndjson("providers", log, "--as-of", "10")

    assert [list(row) for row in found] == [FIELDS, FIELDS]
    assert [(row["app"], row["cti_managers"]) for row in found] == [("zed", ["cm1", "cm2"]), ("ann", ["cm1"])]


def test_a_closed_provider_keeps_its_place(write, ndjson):
    """The order is that of the first opens, also of an application that has closed its provider in between."""
    again = '{"type":"provider_closed","app":"zed"}\n{"type":"provider_opened","app":"zed","cti_managers":["cm2"]}\n'
    file = write(BEGIN + again)

    assert [row["app"] for row in ndjson("providers", file, "--as-of", "15")] == ["ann"]
    assert [row["app"] for row in ndjson("providers", file)] == ["zed", "ann"]


AT = {
    # --as-of: app, link, since, handles, out, waiting
    "0": [],
    "6": [],
    "7": [("zed", "cm1", 7, 0, 0, 0)],
    "10": [("zed", "cm1", 7, 1, 0, 0), ("ann", "cm1", 8, 3, 0, 0)],
    "11": [("zed", "cm2", 11, 1, 0, 0), ("ann", None, 11, 3, 3, 0)],
    "2026-03-02T09:05:00Z": [("zed", "cm2", 11, 1, 0, 0), ("ann", None, 11, 3, 3, 0)],
    "12": [("zed", "cm2", 11, 0, 0, 0), ("ann", None, 11, 0, 0, 6)],
    "13": [("zed", "cm2", 11, 0, 0, 0), ("ann", None, 11, 0, 0, 7)],
    "14": [("zed", "cm2", 11, 0, 0, 0), ("ann", "cm1", 14, 0, 0, 0)],
}


@pytest.mark.parametrize("as_of", AT)
def test_as_of(as_of, log, ndjson, quick):
    """At each version or time: the link and its version, what is open, what of it is out, what waits for a link."""
    assert brief(ndjson("providers", log, "--as-of", as_of)) == AT[as_of]

    quick("append", "site.db", "--from", log)
    assert brief(ndjson("providers", "site.db", "--as-of", as_of)) == AT[as_of]


def test_what_waits_is_what_comes(log, ndjson):
    """As many messages as wait are delivered with the link, in the order in which they came to wait."""
    (waiting,) = [row["waiting"] for row in ndjson("providers", log, "--as-of", "13") if row["app"] == "ann"]
    came = [row for row in ndjson("replay", log, "--from-version", "14") if row["app"] == "ann"]

    assert len(came) == waiting
    assert [(row["message"], row["line"]) for row in came] == [
        ("LINE_CLOSE", "1"),
        ("LINE_CLOSE", "2"),
        ("PHONE_CLOSE", None),
        ("LINE_REMOVE", "1"),
        ("LINE_REMOVE", "2"),
        ("PHONE_REMOVE", None),
        ("PHONE_CREATE", None),
    ]


def test_without_a_provider(site, quick):
    """A log without providers gives no rows: nothing in text and NDJSON, the header in CSV."""
    assert quick("providers", "site.db").stdout == b""
    assert quick("providers", "site.db", "--ndjson").stdout == b""
    assert quick("providers", "site.db", "--format", "csv").stdout.decode().splitlines() == [",".join(COLUMNS)]


def test_an_empty_log(write, quick):
    """A file without events is a log without providers."""
    result = quick("providers", write(""))

    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_text(log, quick):
    """The text has a title for each column, the CTI Managers in order, and a dash where there is no link."""
    titles, *lines = quick("providers", log, "--as-of", "11").stdout.decode().splitlines()

    assert titles.split("  ")[0] == "APP"
    assert titles.split() == ["APP", "CTI", "MANAGERS", "LINK", "SINCE", "HANDLES", "OUT", "WAITING", "WITHDRAWN"]
    assert [line.split() for line in lines] == [
        ["zed", "cm1", "cm2", "cm2", "11", "1", "0", "0", "-"],
        ["ann", "cm1", "-", "11", "3", "3", "0", "-"],
    ]


def test_csv(log, quick):
    """CSV has the fields of NDJSON; the list is JSON in one cell, no link is an empty one."""
    assert quick("providers", log, "--as-of", "11", "--format", "csv").stdout.decode().splitlines() == [
        ",".join(COLUMNS),
        'zed,"[""cm1"",""cm2""]",cm2,11,1,0,0,false,[]',
        'ann,"[""cm1""]",,11,3,3,0,false,[]',
    ]


def test_several_sources(log, write, quick, ndjson):
    """Each row begins with its source; one without providers has none."""
    other = write(BEGIN, "other.ndjson")
    none = write('{"type":"node_added","node":"cm1"}\n', "none.ndjson")
    found = ndjson("providers", log, none, other, "--as-of", "1")
    full = quick("providers", log, none, other, "--ndjson").stdout.splitlines()

    assert found == []
    assert [json.loads(line)["source"] for line in full] == [log, log, other, other]
    assert list(json.loads(full[0])) == ["source", *FIELDS]


def test_standard_input(quick):
    """- is a source here, too."""
    result = quick("providers", "-", "--ndjson", input=BEGIN.encode())

    assert [json.loads(line)["app"] for line in result.stdout.splitlines()] == ["zed", "ann"]


def test_a_file(log, tmp_path, quick):
    """-o writes the rows to a file and nothing to standard output."""
    result = quick("providers", log, "--ndjson", "-o", "rows.ndjson")

    assert (result.returncode, result.stdout) == (0, b"")
    assert (tmp_path / "rows.ndjson").read_bytes() == quick("providers", log, "--ndjson").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.db",), "no such file"),
        (("providers.ndjson", "--as-of", "15"), "past the end"),
        (("providers.ndjson", "--as-of", "soon"), "time"),
        (("providers.ndjson", "--format", "xml"), "ndjson"),
        ((), "SOURCE"),
    ],
    ids=str,
)
def test_what_is_refused(arguments, words, log, quick, refused):
    """A source that is not there, a cut that cannot be, an unknown format."""
    refused(quick("providers", *arguments), words)


def test_times_that_go_backwards(write, quick):
    """--as-of TIME warns here as elsewhere."""
    lines = [
        f'{{"type":"node_added","node":"{name}","at":"2026-01-01T08:{minute}:00Z"}}'
        for name, minute in (("a", "10"), ("b", "05"), ("c", "07"))
    ]
    result = quick("providers", write("\n".join(lines)), "--as-of", "2026-01-01T08:20:00Z")

    assert result.returncode == 0
    assert b"times go backwards" in result.stderr


ADRIFT = """\
{"type":"node_added","node":"cm1"}
{"type":"cti_manager_added","node":"cm1"}
{"type":"device_added","device":"P","kind":"cti_port","lines":["1"]}
{"type":"device_added","device":"S","kind":"phone"}
{"type":"provider_opened","app":"ivr","cti_managers":["cm1"]}
{"type":"provider_opened","app":"board","cti_managers":["cm1"]}
{"type":"control_withdrawn","app":"board","device":"S"}
{"type":"control_withdrawn","app":"board","device":"P"}
{"type":"provider_link_lost","app":"ivr"}
{"type":"cti_manager_failed","node":"cm1"}
"""
"""One application is adrift, the other has lost its only CTI Manager and may control nothing."""


def test_adrift_is_not_all_failed(write, ndjson, quick):
    """LINK says adrift or a dash; NDJSON has the field ``adrift`` only where it is true."""
    log = write(ADRIFT)
    _, ivr, board = quick("providers", log).stdout.decode().splitlines()

    assert ivr.split() == ["ivr", "cm1", "adrift", "9", "0", "0", "0", "-"]
    assert board.split() == ["board", "cm1", "-", "10", "0", "0", "0", "S", "P"]
    assert [(row["link"], row.get("adrift")) for row in ndjson("providers", log)] == [(None, True), (None, None)]


def test_what_is_withdrawn(write, ndjson):
    """The devices that the user may not control, in the order in which they were withdrawn; left out where there are none."""
    log = write(ADRIFT)

    assert [row.get("withdrawn") for row in ndjson("providers", log)] == [None, ["S", "P"]]
    assert [row.get("withdrawn") for row in ndjson("providers", log, "--as-of", "6")] == [None, None]
