"""Stores whose schema somebody has changed: nothing that it says is done, by writers and readers, and verify names it."""

import sqlite3
import tracemalloc
from contextlib import closing

import pytest
from campaigns.running import make_store, run, trouble

from cti_es.logs.store import SqliteStore
from cti_es.logs.store.schema import OBJECTS
from cti_es.vocabulary.errors import StoreError

READERS = (
    ("logs", "{}"), ("log", "{}#main"), ("export", "{}#main"), ("replay", "{}#main"), ("homes", "{}#main"),
    ("providers", "{}#main"), ("explain", "{}#main", "1"), ("lint", "{}#main"), ("diff", "{}#main", "{}#main"),
)  # fmt: skip
BATCHES = OBJECTS["table", "batches"]
HUGE = "printf('%.*c', 900000000, 'x')"


@pytest.fixture
def path(tmp_path):
    """A store of three logs."""
    return make_store(tmp_path / "site.db")


def change(path, *statements):
    """Change a store as its owner can, with the texts of the schema as one likes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        plain.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            plain.execute(statement)


def text_of(kind, name, sql):
    """The statement that gives an object another text, behind SQLite's back."""
    quoted = sql.replace("'", "''")
    return f"UPDATE sqlite_master SET sql = '{quoted}' WHERE type = '{kind}' AND name = '{name}'"


WRITERS_STOP = {
    "a trigger that drops rows": "CREATE TRIGGER t BEFORE INSERT ON batches BEGIN SELECT RAISE(IGNORE); END",
    "a trigger that never ends": (
        "CREATE TRIGGER t AFTER INSERT ON batches BEGIN"
        " SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n); END"
    ),
    "a trigger by a name in capitals": "CREATE TRIGGER t BEFORE INSERT ON BATCHES BEGIN SELECT RAISE(IGNORE); END",
    "a trigger in quotes": 'CREATE TRIGGER t BEFORE INSERT ON "batches" BEGIN SELECT RAISE(IGNORE); END',
    "a trigger on ids": "CREATE TRIGGER t BEFORE INSERT ON ids BEGIN SELECT RAISE(IGNORE); END",
    "a trigger on snapshots": "CREATE TRIGGER t BEFORE INSERT ON snapshots BEGIN SELECT RAISE(IGNORE); END",
    "a trigger that is gone": "DROP TRIGGER batches_continue",
    "a table json_each": "CREATE TABLE json_each (key, value, type)",
    "a view json_each": "CREATE VIEW JSON_EACH AS SELECT 1 AS key, 2 AS value, 3 AS type",
    "another view": text_of("view", "events", "CREATE VIEW events AS SELECT 1 AS log"),
}
"""Changes that a reader need not mind, but that a writer must not write into."""

ALL_STOP = {
    "a generated column": text_of(
        "table", "batches", BATCHES.replace("source TEXT NOT NULL", f"source TEXT NOT NULL AS ({HUGE})")
    ),
    "another CHECK": text_of("table", "ids", OBJECTS["table", "ids"].replace("version > 0", f"length({HUGE}) > 0")),
    "a collation": text_of("table", "batches", BATCHES.replace("log TEXT", "log TEXT COLLATE NOCASE")),
    "an index of theirs": "CREATE INDEX theirs ON batches (upper(source))",
    "our index made unlike": text_of(
        "index", "batches_by_version", f"CREATE UNIQUE INDEX batches_by_version ON batches (log, version, {HUGE})"
    ),
}
"""Changes that could change what is read, or compute while it is read."""


@pytest.mark.parametrize("statement", [*WRITERS_STOP.values(), *ALL_STOP.values()], ids=[*WRITERS_STOP, *ALL_STOP])
def test_nothing_is_appended_to_a_changed_store(statement, path):
    """A writer looks at the schema before it writes: exit code 2, no report of what is not stored, no hanging."""
    change(path, statement)
    before = path.read_bytes()
    ran = run("append", f"{path}#main", "node_added", "node=new")

    assert (ran.code, trouble(ran)) == (2, None)
    assert "another program has changed it (see cti-es verify); restore it from a copy" in ran.err
    assert "appended 1" not in ran.err
    assert path.read_bytes() == before


@pytest.mark.parametrize("statement", [*WRITERS_STOP.values(), *ALL_STOP.values()], ids=[*WRITERS_STOP, *ALL_STOP])
def test_verify_names_the_change_and_does_nothing_of_it(statement, path):
    """Verify ends with 1 and a line about the object, in little memory."""
    change(path, statement)
    tracemalloc.start()
    ran = run("verify", str(path), "--format", "csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (ran.code, trouble(ran)) == (1, None)
    assert len(ran.out.splitlines()) == 2
    assert peak < 100 << 20


@pytest.mark.parametrize("statement", ALL_STOP.values(), ids=ALL_STOP)
def test_no_reader_computes_what_a_schema_says(statement, path):
    """A reader refuses tables and indexes that are not ours, before it uses them."""
    change(path, statement)
    ran = [run(command, *(one.format(path) for one in rest)) for command, *rest in READERS]

    assert [text for one in ran if (text := trouble(one))] == []
    assert [one.code for one in ran] == [2] * len(READERS)
    assert [one.out for one in ran] == [b""] * len(READERS)


@pytest.mark.parametrize("statement", WRITERS_STOP.values(), ids=WRITERS_STOP)
def test_readers_read_what_only_writers_must_not_touch(statement, path):
    """What does nothing to a reader does not lock anybody out of the log."""
    before = run("export", f"{path}#main").out
    change(path, statement)

    assert run("export", f"{path}#main").out == before != b""


def test_an_object_that_is_not_what_it_says(path):
    """A trigger that stands among the tables, under another name, is run by SQLite all the same: nobody gets there."""
    sql = "CREATE TRIGGER t BEFORE INSERT ON batches BEGIN SELECT RAISE(IGNORE); END"
    change(path, f"INSERT INTO sqlite_master VALUES ('table', 'notes', 'notes', 0, '{sql}')")

    for command, *rest in (("append", f"{path}#main", "node_added", "node=new"), ("log", f"{path}#main")):
        ran = run(command, *rest)
        assert (ran.code, trouble(ran)) == (2, None)
    assert run("verify", str(path)).code != 0


def test_a_virtual_table_under_our_name(path):
    """A virtual table in place of ours is not asked for anything."""
    change(
        path, "DELETE FROM sqlite_master WHERE name LIKE 'batches%'",
        "INSERT INTO sqlite_master VALUES ('table', 'batches', 'batches', 0,"
        " 'CREATE VIRTUAL TABLE batches USING fts5(position, log, version, count, events, recorded_at, source, hash)')",
    )  # fmt: skip
    ran = [run(command, *(one.format(path) for one in rest)) for command, *rest in READERS]

    assert {(one.code, trouble(one)) for one in ran} == {(2, None)}
    assert run("verify", str(path)).code == 1


def test_what_others_keep_beside_ours_is_theirs(path):
    """Tables, views and triggers that do not touch ours are neither refused nor run, not by verify either."""
    change(
        path,
        f"CREATE TABLE notes (text, size AS (length({HUGE})), CHECK (length({HUGE}) > 1))",
        "CREATE VIEW calls AS SELECT * FROM events WHERE type = 'call_started'",
        "CREATE TRIGGER noted AFTER INSERT ON notes BEGIN SELECT RAISE(IGNORE); END",
        "PRAGMA ignore_check_constraints = ON",
    )
    tracemalloc.start()
    ran = run("verify", str(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert ran.code == 0, ran.out
    assert peak < 100 << 20
    assert run("append", f"{path}#main", "node_added", "node=new").code == 0


def test_a_trigger_that_comes_while_a_writer_has_the_store_open(path):
    """The schema is looked at inside the transaction that writes, not only when the store is opened."""
    with closing(SqliteStore(path, write=True)) as store:
        change(path, WRITERS_STOP["a trigger that drops rows"])
        with pytest.raises(StoreError, match="the trigger 't' on 'batches' is not from cti-es"), store.writing("main"):
            pass


def test_what_is_not_there_is_not_reported(path):
    """Before a writer ends well, it looks whether the log ends as it says."""
    with closing(SqliteStore(path, write=True)) as store:
        with pytest.raises(StoreError, match="did not keep what was written"), store.writing("main") as writer:
            writer.head = writer.head._replace(version=writer.head.version + 1)
