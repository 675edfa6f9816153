"""The view ``events``: one row per event for plain SQL and sqlite-utils, whatever stands in the rows.

Specified in docs/reference/store.md#the-view-events.
"""

import sqlite3
from contextlib import closing, suppress

import pytest
import sqlite_utils

from cti_es.logs.store import SqliteStore
from cti_es.logs.verify import verify
from cti_es.vocabulary.events import CallStarted, DeviceAdded, NodeAdded, encode

AT = "2026-01-01T08:00:00Z"
GOOD = [
    ("lab", 1, "node_added", AT, "one"),
    ("lab", 2, "device_added", AT, None),
    ("lab", 3, "call_started", None, None),
]


@pytest.fixture
def path(tmp_path):
    """A store with three events of the log ``lab`` in two rows."""
    path = tmp_path / "site.db"
    store = SqliteStore(path, write=True)
    with store.writing("lab") as writer:
        added = DeviceAdded(device='Käse "1"', kind="phone", lines=("1", "2"), at=AT)
        writer.write([NodeAdded(node="cm1", at=AT, id="one"), added], AT, "test")
        writer.write([CallStarted(call="c", device='Käse "1"')], AT, "test")
    store.close()
    return path


@pytest.fixture
def plain(path):
    """A plain sqlite3 connection."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def add(connection, events, log="odd", count=1):
    """Whatever gets past the triggers and checks, at the next position of the store."""
    position = "SELECT MAX(position) + 1 FROM batches"
    connection.execute(
        f"INSERT INTO batches VALUES (({position}), ?, 1, ?, {events}, '', '', ?)", (log, count, "0" * 64)
    )


def good_rows(connection):
    return connection.execute("SELECT log, version, type, at, id FROM events WHERE log = 'lab'").fetchall()


def test_plain_sql_sees_one_row_per_event(plain):
    """Columns are log, version, type, at, id and data; the order is that of the log."""
    cursor = plain.execute("SELECT * FROM events")

    assert [column[0] for column in cursor.description] == ["log", "version", "type", "at", "id", "data"]
    assert [row[:5] for row in cursor] == GOOD


def test_data_is_the_canonical_event(path, plain):
    """``data`` is the event's canonical JSON, byte for byte."""
    store = SqliteStore(path)
    stored = b"".join(row.events for row in store.rows("lab"))
    store.close()
    data = [row[0] for row in plain.execute("SELECT data FROM events")]

    assert data[0].encode() == encode(NodeAdded(node="cm1", at=AT, id="one"))
    assert all(one.encode() in stored for one in data)


def test_plain_sql_can_ask_for_fields(plain):
    """The fields of an event are a ``->>`` away."""
    found = plain.execute("SELECT data ->> '$.device' FROM events WHERE type = 'device_added'").fetchall()

    assert found == [('Käse "1"',)]


def test_sqlite_utils_sees_one_row_per_event(path):
    """sqlite-utils lists the view, reads it and filters it like a table."""
    database = sqlite_utils.Database(path)
    try:
        view = database["events"]
        rows, calls = list(view.rows), list(view.rows_where("type = ?", ["call_started"]))
        names = database.view_names()
    finally:
        database.close()

    assert names == ["events"]
    assert [tuple(row[name] for name in ("log", "version", "type", "at", "id")) for row in rows] == GOOD
    assert [row["version"] for row in calls] == [3]


@pytest.mark.parametrize(
    ("events", "seen"),
    [
        ("'[1]'", "1"),
        ("'[null]'", None),
        ("'[true]'", 1),
        ("'[1.5e300]'", 1.5e300),
        ("'[1e999]'", float("inf")),
        ("'[\"text\"]'", "text"),
        ("'[[]]'", "[]"),
        ("'[{}]'", "{}"),
        ('\'[{"type":{"a":1}}]\'', '{"type":{"a":1}}'),
        ('\'[{"type":null,"at":7,"id":[]}]\'', '{"type":null,"at":7,"id":[]}'),
        ('\'[{"type":"a","type":"b"}]\'', '{"type":"a","type":"b"}'),
        ("' [ {} ] '", "{}"),
    ],
)
def test_elements_that_are_no_events_do_not_break_the_view(plain, events, seen):
    """Whatever the elements of a forged row are, the view shows them and still shows every other log's events."""
    add(plain, events)

    assert good_rows(plain) == GOOD
    assert [str(data) for (data,) in plain.execute("SELECT data FROM events WHERE log = 'odd'")] == [str(seen)]
    assert len(plain.execute("SELECT * FROM events").fetchall()) == 4


def test_deep_elements_do_not_break_the_view(plain):
    """JSON as deep as the checks let through can be opened by the view, too."""
    for depth in (10, 500, 900, 998, 1_000, 1_500, 1_990, 1_998):
        try:
            add(plain, f"'[{'[' * depth}{']' * depth}]'", log=f"deep{depth}")
        except sqlite3.Error:
            break

    assert plain.execute("SELECT MAX(version) FROM events WHERE log GLOB 'deep*'").fetchone() == (1,)
    assert good_rows(plain) == GOOD


def test_half_a_surrogate_pair_does_not_break_the_view(plain):
    """An escape that no Python program can decode is refused, or does not hide the other logs' events from them."""
    with suppress(sqlite3.Error):
        add(plain, """'[{"type":"\\ud800"}]'""")

    assert len(plain.execute("SELECT * FROM events").fetchall()) >= len(GOOD)


def test_bytes_that_are_no_text_stay_in_their_log(path, plain):
    """SQLite cannot check UTF-8: a forged row of other bytes is a fault of its log; the others are read as before."""
    with suppress(sqlite3.Error):
        add(plain, "CAST(x'5b22ff225d' AS TEXT)")
    with closing(SqliteStore(path)) as store:
        faults = list(verify(store, {}))
        rows = list(store.rows("lab"))

    assert {fault.log for fault in faults if "no time" not in fault.fault} == {"odd"}
    assert len(rows) == 2
    assert good_rows(plain) == GOOD


def test_a_row_that_ends_past_the_largest_number_is_not_there(plain):
    """Versions cannot be pushed near the largest integer: each must be the sum of what was counted before."""
    with pytest.raises(sqlite3.Error):
        plain.execute("INSERT INTO batches VALUES (3, 'odd', ?, 1, '[{}]', '', '', ?)", (2**63 - 1, "0" * 64))

    assert good_rows(plain) == GOOD


def test_the_view_cannot_be_written(plain):
    """Nobody appends, changes or deletes through the view."""
    for statement in ("DELETE FROM events", "UPDATE events SET id = 1", "INSERT INTO events (log) VALUES ('x')"):
        with pytest.raises(sqlite3.OperationalError, match="view"):
            plain.execute(statement)
