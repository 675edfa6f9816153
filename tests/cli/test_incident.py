"""``incident``: text, Markdown, NDJSON, and what is refused."""

import json

import pytest

LATER = b"""\
{"type":"node_failed","node":"cm2","at":"2026-03-02T11:00:00Z"}
{"type":"node_failed","node":"cm1","at":"2026-03-02T11:00:20Z"}
{"type":"node_recovered","node":"cm2","at":"2026-03-02T11:04:32Z"}
"""
"""Later that day both nodes fail, and one stays failed."""


@pytest.fixture
def dark(write, example):
    """The name of a log with an incident that ended and one that lasts."""
    return write(example + LATER, "dark.ndjson")


def test_rows_of_ndjson(dark, ndjson):
    """Exactly the fields that are promised, in this order."""
    first, second = ndjson("incident", dark)

    assert list(first) == [
        "number", "from_version", "from_at", "until_version", "until_at", "seconds", "failed", "moved", "waited",
        "closed", "messages", "outages", "not_back", "misfits",
    ]  # fmt: skip
    assert (first["number"], first["seconds"], first["moved"]["route_point"]) == (1, 517.0, {"cm2": 1})
    assert [one["name"] for one in second["failed"]] == ["cm2", "cm1"]
    assert (second["until_version"], second["waited"]) == (None, {"cti_port": 1, "route_point": 1})


def test_text_says_first_what_happened(dark, quick):
    """A table of all, then each with its length and whether everything is back at its top."""
    lines = quick("incident", dark).stdout.decode().splitlines()
    heads = [number for number, line in enumerate(lines) if line.startswith("Incident")]

    assert lines[0] == "2 incidents"
    assert [lines[number] for number in heads] == [
        "Incident 1: node cm1 failed",
        "Incident 2: node cm2, node cm1 failed",
    ]
    assert "8m37s" in " ".join(lines[heads[0] + 1 : heads[0] + 3])
    assert lines[heads[0] + 4] == "  1 device back only after its end"
    assert max(map(len, lines)) <= 100


def test_markdown_is_a_table_for_each_part(dark, quick):
    """Every row of a table has as many cells as its title."""
    lines = quick("incident", dark, "--format", "markdown").stdout.decode().splitlines()
    tables = [line.count("|") for line in lines if line.startswith("| ---")]

    assert len([line for line in lines if line.startswith("## Incident")]) == 2
    assert len(tables) > 6
    assert {line.count("|") for line in lines if line.startswith("| node cm1")} == {5}


def test_names_cannot_break_markdown(write, quick):
    """A name with a bar or a star in it is a cell, and no mark."""
    events = [
        {"type": "node_added", "node": "cm|1"},
        {"type": "device_added", "device": "*P*", "kind": "phone"},
        {"type": "node_failed", "node": "cm|1"},
    ]
    name = write("".join(json.dumps(one) + "\n" for one in events))

    text = quick("incident", name, "--format", "markdown").stdout.decode()

    assert "node cm\\|1" in text
    assert "\\*P\\*" in text


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ((), [1, 2]),
        (("--since", "2026-03-02T10:00:00Z"), [2]),
        (("--until", "2026-03-02T10:00:00Z"), [1]),
        (("--as-of", "7"), []),
        (("--as-of", "8"), [1]),
    ],
)
def test_what_is_asked_for(options, numbers, dark, ndjson):
    """A window leaves the incidents that touch it, a cut what had begun by then."""
    assert [one["number"] for one in ndjson("incident", dark, *options)] == numbers


def test_no_incident_is_said(dark, quick):
    """In text and Markdown; NDJSON has no line then."""
    for format in ("text", "markdown"):
        assert quick("incident", dark, "--as-of", "7", "--format", format).stdout == b"no incidents\n"


def test_a_window_that_ends_before_it_begins(dark, quick, refused):
    """Is refused before anything is printed."""
    window = ("--since", "2026-03-02T09:15:00Z", "--until", "2026-03-02T09:14:00Z")

    refused(quick("incident", dark, *window), "the window ends before it begins")


def test_a_log_without_times(write, quick, example):
    """Says so once; lengths are null, and text names versions."""
    events = [json.loads(line) for line in (example + LATER).splitlines()]
    name = write("".join(json.dumps({k: v for k, v in one.items() if k != "at"}) + "\n" for one in events))
    result = quick("incident", name, "--ndjson")

    assert [json.loads(line)["seconds"] for line in result.stdout.splitlines()] == [None, None]
    assert result.stderr.decode().count("have no times") == 1
    assert "version 8" in quick("incident", name).stdout.decode()


def test_beside_a_trace(dark, write, quick, ndjson):
    """The worst outages are those that were really longest, and both lengths are told."""
    trace = write(
        '{"device":"CTIP_IVR_01","message":"PHONE_STATE","param1":262144,"param2":1,"at":"2026-03-02T09:44:10Z"}\n'
        '{"device":"CTIP_IVR_01","message":"PHONE_STATE","param1":524288,"param2":0,"at":"2026-03-02T09:45:00Z"}\n',
        "tb.ndjson",
    )
    first = ndjson("incident", dark, "--trace", trace)[0]["outages"][0]

    assert (first["device"], first["seconds"], first["observed_seconds"]) == ("CTIP_IVR_01", 0.0, 50.0)
    assert "OBSERVED" in quick("incident", dark, "--trace", trace).stdout.decode()
    assert "OBSERVED" not in quick("incident", dark).stdout.decode()
