"""Tables on a terminal: they fit, in a documented order of what is left out; in a pipe nothing is."""

import json

import pytest

from cti_es.report.columns import width

DEVICE = "SEP001122334455"


@pytest.fixture
def lines(write):
    """A log with fractions of seconds, long names of devices, the longest reason, wide characters; its name."""
    group = ["cm1.example", "cm2.example"]
    events = [
        *({"type": "node_added", "node": node} for node in group),
        *(
            {"type": "device_added", "device": name, "kind": "phone", "lines": ["5001", "5002"], "group": group}
            for name in (DEVICE, "受付電話")
        ),
        *({"type": "device_opened", "device": name, "app": "callcenter"} for name in (DEVICE, "受付電話")),
        {"type": "node_failed", "node": "cm1.example"},
        {"type": "node_recovered", "node": "cm1.example"},
    ]
    stamped = ({**one, "at": f"2026-03-01T10:15:{number:02}.123456Z"} for number, one in enumerate(events))
    return write("".join(json.dumps(one) + "\n" for one in stamped), "wide.ndjson")


def on(columns, on_terminal, *arguments):
    """The lines of a command on a terminal of so many columns."""
    code, text = on_terminal(*arguments, COLUMNS=str(columns), NO_COLOR="1")
    assert code == 0, text
    return text.splitlines()


@pytest.mark.parametrize("command", ["replay", "homes"])
@pytest.mark.parametrize("columns", [80, 100, 120])
def test_tables_fit(command, columns, lines, on_terminal):
    """Whatever the width, no line is wider than the terminal, and a row is a line."""
    found = on(columns, on_terminal, command, lines)
    rows = on(500, on_terminal, command, lines)

    assert max(map(width, found)) <= columns
    assert max(map(width, rows)) > 80
    assert len(found) == len(rows)


@pytest.mark.parametrize(
    "words",
    [("homes", "--count"), ("impact", "--and-back"), ("impact", "--fail", "cm1.example,cm2.example", "--devices")],
    ids=" ".join,
)
def test_answers_fit(words, lines, on_terminal):
    """So do the tables of impact, and of homes by node."""
    command, *options = words
    found = on(60, on_terminal, command, lines, *options)

    assert max(map(width, found)) <= 60
    assert max(map(width, on(500, on_terminal, command, lines, *options))) > 60


def test_what_a_narrow_table_still_says(lines, on_terminal):
    """At 80 columns: which device and line was told what, when and why, and where each device is homed."""
    titles, first, *_ = on(80, on_terminal, "replay", lines)
    homes = on(80, on_terminal, "homes", lines)

    assert titles.split() == ["SEQ", "AT", "DEVICE", "LINE", "MESSAGE", "REASON"]
    assert first.split() == ["1", "10:15:06", DEVICE, "-", "PHONE", "SUSPEND", "CallManagerFailure"]
    assert homes[0].split()[:3] == ["DEVICE", "STATE", "HOME"]


def test_columns_stand_below_each_other(lines, on_terminal):
    """A name of wide characters does not push the columns behind it."""
    rows = on(80, on_terminal, "replay", lines)
    starts = {width(row[: row.index(word)]) for row in rows[1:] for word in ("PHONE", "LINE ") if f" {word}" in row}

    assert any("受付電話" in row for row in rows)
    assert len(starts) == 1


@pytest.mark.parametrize("command", ["replay", "homes"])
def test_wide(command, lines, on_terminal, quick):
    """--wide prints all columns, as a pipe gets them."""
    piped = quick(command, lines).stdout.decode().splitlines()

    assert on(40, on_terminal, command, lines, "--wide") == piped
    assert on(500, on_terminal, command, lines) == piped


def test_a_table_that_gets_wider_later(on_terminal, quick, tmp_path):
    """Rows are printed as they come: when later ones need more room, the table gets narrower, under new titles."""
    log = quick("generate", "--events", "4000", "--seed", "4", "--apps", "2").stdout
    (tmp_path / "long.ndjson").write_bytes(log)
    found = on(78, on_terminal, "replay", "long.ndjson")

    assert max(map(width, found)) <= 78
    assert len(quick("replay", "long.ndjson").stdout.splitlines()) > 1_000
