"""What any other SQLite client can do to a store, and what it cannot (docs/reference/store.md#append-only)."""

import sqlite3
from contextlib import closing

import pytest

from cti_es.logs.store import SqliteStore
from cti_es.logs.verify import verify
from cti_es.vocabulary.events import NodeAdded

AT = "2026-01-01T08:00:00Z"
EVENT = '{"type":"node_added","node":"forged","at":"2026-01-01T08:00:00Z"}'
HASH = "0" * 64


@pytest.fixture
def path(tmp_path):
    """A store with logs ``a`` (versions 1 to 3 in two rows) and ``b`` (version 1), ids one, two, three, one."""
    path = tmp_path / "site.db"
    store = SqliteStore(path, write=True)
    for log, *ids in (("a", "one", "two"), ("a", "three"), ("b", "one")):
        with store.writing(log) as writer:
            writer.write([NodeAdded(node=f"n{one}", at=AT, id=one) for one in ids], AT, "test")
    store.close()
    return path


@pytest.fixture
def plain(path):
    """A plain sqlite3 connection, as any other program has it: no pragma, no function of ours."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def contents(connection):
    return [connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in ("batches", "ids")]


def batch(position=4, log="a", version=4, count=1, events=f"[{EVENT}]", recorded_at=AT, source="x", hash_=HASH):
    return (position, log, version, count, events, recorded_at, source, hash_)


def insert(connection, row, verb="INSERT"):
    connection.execute(f"{verb} INTO batches VALUES (?,?,?,?,?,?,?,?)", row)


# --- what stands, stands --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE batches SET source = 'me'",
        "UPDATE batches SET events = '[]' WHERE position = 1",
        "UPDATE batches SET version = version WHERE position = 3",
        "UPDATE OR REPLACE batches SET position = 1 WHERE position = 3",
        "UPDATE OR IGNORE batches SET hash = hash",
        "DELETE FROM batches",
        "DELETE FROM batches WHERE position = 3",
        "UPDATE ids SET version = 9",
        "UPDATE OR REPLACE ids SET id = 'one' WHERE id = 'two'",
        "DELETE FROM ids",
        "DELETE FROM ids WHERE id = 'three'",
        "INSERT INTO ids VALUES ('a', 'one', 3)",
        "INSERT OR REPLACE INTO ids VALUES ('a', 'one', 3)",
        "REPLACE INTO ids VALUES ('a', 'one', 1)",
        "INSERT OR IGNORE INTO ids VALUES ('a', 'one', 3)",
        "INSERT INTO ids VALUES ('a', 'one', 3) ON CONFLICT DO UPDATE SET version = 3",
        "INSERT INTO batches SELECT * FROM batches WHERE true ON CONFLICT DO UPDATE SET source = 'me'",
    ],
)
def test_rows_and_ids_are_never_changed(plain, statement):
    """No UPDATE, DELETE, REPLACE or UPSERT of a plain connection gets past the triggers, and nothing has changed."""
    before = contents(plain)

    with pytest.raises(sqlite3.IntegrityError, match=r"cti-es: the log is append-only|must continue"):
        plain.execute(statement)

    assert contents(plain) == before


@pytest.mark.parametrize("verb", ["INSERT", "INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE", "INSERT OR FAIL"])
@pytest.mark.parametrize("row", [batch(1, "a", 1), batch(3, "b", 1), batch(2, "b", 2), batch(4, "a", 3)])
def test_no_row_is_replaced(plain, verb, row):
    """A row with a position or a version that is taken is refused, whichever way it is inserted."""
    before = contents(plain)

    with pytest.raises(sqlite3.IntegrityError, match="must continue"):
        insert(plain, row, verb)

    assert contents(plain) == before


def test_several_rows_are_refused_together(plain):
    """One statement with a good row and a bad one stores neither."""
    before = contents(plain)

    with pytest.raises(sqlite3.IntegrityError):
        plain.execute("INSERT INTO batches VALUES (?,?,?,?,?,?,?,?), (?,?,?,?,?,?,?,?)", batch() + batch(6, "b", 2))

    assert contents(plain) == before


# --- what comes in continues ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(batch(position=5), id="gap in positions"),
        pytest.param(batch(position=0), id="position 0"),
        pytest.param(batch(position=-1), id="negative position"),
        pytest.param(batch(position=None), id="no position"),
        pytest.param(batch(version=5), id="gap in versions"),
        pytest.param(batch(version=2), id="version inside a row"),
        pytest.param(batch(version=0), id="version 0"),
        pytest.param(batch(version=-1), id="negative version"),
        pytest.param(batch(log="new", version=2), id="new log not from 1"),
        pytest.param(batch(log="new", version=-3), id="new log from below"),
        pytest.param(batch(version=None), id="no version"),
        pytest.param(batch(count=0, events="[]"), id="no events"),
        pytest.param(batch(count=-1), id="negative count"),
        pytest.param(batch(count=2), id="more than there are"),
        pytest.param(batch(events=f"[{EVENT},{EVENT}]"), id="fewer than there are"),
        pytest.param(batch(count=None), id="no count"),
        pytest.param(batch(events=EVENT), id="an object"),
        pytest.param(batch(events="1"), id="a number"),
        pytest.param(batch(events="null"), id="null"),
        pytest.param(batch(events='"[1]"'), id="a text"),
        pytest.param(batch(events="not JSON"), id="not JSON"),
        pytest.param(batch(events=f"[{EVENT}"), id="half of JSON"),
        pytest.param(batch(events=f"[{EVENT}] x"), id="JSON and more"),
        pytest.param(batch(events=""), id="empty text"),
        pytest.param(batch(events="[" * 5_000 + "]" * 5_000), id="too deep"),
        pytest.param(batch(events=None), id="no list"),
        pytest.param(batch(events=b"[1]"), id="a blob"),
        pytest.param(batch(log=""), id="log without a name"),
        pytest.param(batch(log=None), id="no log"),
        pytest.param(batch(source=None), id="no source"),
        pytest.param(batch(recorded_at=None), id="no time"),
        pytest.param(batch(hash_="AB" * 32), id="upper-case hash"),
        pytest.param(batch(hash_="0" * 63), id="short hash"),
        pytest.param(batch(hash_=""), id="empty hash"),
        pytest.param(batch(hash_=None), id="no hash"),
        pytest.param(batch(position="four"), id="a word for a position"),
        pytest.param(batch(version=4.5), id="half a version"),
        pytest.param(batch(count="one"), id="a word for a count"),
    ],
)
def test_rows_that_are_no_rows_are_refused(plain, row):
    """A plain INSERT that does not continue the store and its log, or that is no batch of events, is refused."""
    before = contents(plain)

    with pytest.raises(sqlite3.Error):
        insert(plain, row)

    assert contents(plain) == before


@pytest.mark.parametrize("row", [("a", "x", 0), ("a", "x", -1), ("a", "x", None), (None, "x", 1), ("a", None, 1)])
def test_ids_without_an_event_are_refused(plain, row):
    """An id needs a log and a version above 0."""
    with pytest.raises(sqlite3.IntegrityError):
        plain.execute("INSERT INTO ids VALUES (?,?,?)", row)


@pytest.mark.parametrize("table", ["batches", "ids", "snapshots"])
def test_tables_are_strict(plain, table):
    """Every table is STRICT: a text cannot stand where a number belongs."""
    found = {name: strict for _, name, _, _, _, strict in plain.execute("PRAGMA table_list")}

    assert found[table] == 1


def test_ignoring_conflicts_stores_nothing_wrong(plain):
    """INSERT OR IGNORE skips what the checks refuse; no half-checked row comes in that way."""
    before = contents(plain)
    insert(plain, batch(count=2), "INSERT OR IGNORE")

    assert contents(plain) == before


def test_what_continues_is_accepted(plain):
    """The triggers let the next row through, of a known log and of a new one: they are no lock."""
    insert(plain, batch())
    insert(plain, batch(position=5, log="new", version=1))

    assert plain.execute("SELECT COUNT(*) FROM batches").fetchone() == (5,)


def test_a_forged_row_is_found_by_verify(path, plain):
    """A row that gets past the checks without the right hash is a fault of its log, and of no other."""
    insert(plain, batch())
    store = SqliteStore(path)
    faults = list(verify(store, {}))
    store.close()

    assert {(fault.log, fault.version) for fault in faults} == {("a", 4)}
    assert any("hash" in fault.fault for fault in faults)
