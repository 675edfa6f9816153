"""The schema of a store: how it is made, and how changes of it are found (docs/reference/store.md)."""

import sqlite3
from contextlib import closing

import pytest
import sqlite_utils

from cti_es.logs.store import SqliteStore
from cti_es.logs.store.schema import APPLICATION_ID, OBJECTS, SCHEMA_VERSION
from cti_es.logs.verify import verify
from cti_es.vocabulary.errors import NotAStore, StoreError
from cti_es.vocabulary.events import NodeAdded

AT = "2026-01-01T08:00:00Z"


@pytest.fixture
def path(tmp_path):
    """A store with one event."""
    path = tmp_path / "site.db"
    store = SqliteStore(path, write=True)
    with store.writing("default") as writer:
        writer.write([NodeAdded(node="cm1", at=AT, id="one")], AT, "test")
    store.close()
    return path


def change(path, *statements):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def pragma(path, name):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def faults(path):
    """What verify says about the store as a whole."""
    store = SqliteStore(path, suspect=True)
    try:
        return [fault.fault for fault in verify(store, {}) if fault.log is None]
    finally:
        store.close()


def test_a_new_store_has_no_faults(path):
    """What append has made is what verify expects."""
    assert faults(path) == []


def test_a_new_store_is_marked(path):
    """A store is in WAL mode and says by application_id and user_version what it is."""
    assert pragma(path, "journal_mode") == "wal"
    assert pragma(path, "user_version") == SCHEMA_VERSION == 1
    assert pragma(path, "application_id") == APPLICATION_ID


def test_writers_put_every_commit_on_disk(path):
    """A writer's connection has synchronous=FULL."""
    store = SqliteStore(path, write=True)
    (level,) = store._connection.execute("PRAGMA synchronous").fetchone()
    store.close()

    assert level == 2


def test_every_object_is_there_as_it_was_written(path):
    """Tables, index, view and triggers are in the file with exactly the text of the schema."""
    with closing(sqlite3.connect(path)) as connection:
        found = {
            (kind, name): sql for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master")
        }

    assert {key: found[key] for key in OBJECTS} == OBJECTS


def test_opening_again_changes_nothing(path):
    """A writer that opens a store of this version migrates nothing."""
    before = path.read_bytes()
    SqliteStore(path, write=True).close()

    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_store(tmp_path):
    """A file of no bytes (``mktemp``) can be made a store by a writer."""
    path = tmp_path / "empty"
    path.touch()
    SqliteStore(path, write=True).close()

    assert faults(path) == []


def test_a_transform_by_sqlite_utils_is_found(path):
    """``sqlite-utils transform`` drops the triggers and says nothing; verify does."""
    database = sqlite_utils.Database(path)
    database["batches"].transform()
    database.close()

    found = faults(path)

    assert "the trigger 'batches_no_update' is missing" in found
    assert "the trigger 'batches_no_delete' is missing" in found
    assert "the trigger 'batches_continue' is missing" in found


@pytest.mark.parametrize(("kind", "name"), [key for key in OBJECTS if key[0] != "table"])
def test_a_dropped_object_is_found(path, kind, name):
    """Each trigger, the index and the view is missed when it is gone."""
    change(path, f"DROP {kind} {name}")

    assert faults(path) == [f"the {kind} '{name}' is missing"]


@pytest.mark.parametrize("name", [name for kind, name in OBJECTS if kind == "trigger"])
def test_an_altered_trigger_is_found(path, name):
    """A trigger of the right name that does nothing is not as cti-es made it."""
    table = "ids" if name.startswith("ids") else "batches"
    change(path, f"DROP TRIGGER {name}", f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} BEGIN SELECT 1; END")

    assert faults(path) == [f"the trigger '{name}' is not as cti-es made it"]


def test_an_altered_view_is_found(path):
    """A view that shows something else is not as cti-es made it."""
    change(path, "DROP VIEW events", "CREATE VIEW events AS SELECT log, version FROM batches")

    assert faults(path) == ["the view 'events' is not as cti-es made it"]


def test_a_column_more_is_found(path):
    """A table with another column is not as cti-es made it."""
    change(path, "ALTER TABLE snapshots ADD COLUMN note TEXT")

    assert faults(path) == ["the table 'snapshots' is not as cti-es made it"]


@pytest.mark.parametrize("table", ["batches", "ids", "snapshots"])
def test_a_foreign_trigger_is_found(path, table):
    """Somebody else's trigger on one of our tables could change what is stored, so it is a fault."""
    change(path, f"CREATE TRIGGER spy AFTER INSERT ON {table} BEGIN SELECT 1; END")

    assert faults(path) == [f"the trigger 'spy' on '{table}' is not from cti-es"]


def test_a_foreign_trigger_on_the_view_is_found(path):
    """A trigger that makes the view writable is a fault, too."""
    change(path, "CREATE TRIGGER spy INSTEAD OF INSERT ON events BEGIN SELECT 1; END")

    assert faults(path) == ["the trigger 'spy' on 'events' is not from cti-es"]


def test_a_trigger_by_a_name_in_capitals_is_found(path):
    """SQLite's names have no letter case: a trigger on BATCHES is one on batches."""
    change(path, "CREATE TRIGGER spy AFTER INSERT ON BATCHES BEGIN SELECT 1; END")

    assert len(faults(path)) == 1


def test_somebody_elses_table_is_left_alone(path):
    """Tables, views and triggers of others beside ours are their business."""
    change(
        path,
        "CREATE TABLE notes (text)",
        "CREATE VIEW calls AS SELECT * FROM events WHERE type = 'call_started'",
        "CREATE TRIGGER noted AFTER INSERT ON notes BEGIN SELECT 1; END",
    )

    assert faults(path) == []


# --- stores that are refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [False, True])
def test_a_newer_schema_is_refused(path, write):
    """A store of a later schema version is opened neither to read nor to write, and is not touched."""
    change(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()

    with pytest.raises(StoreError, match="schema version 2; this cti-es knows up to 1"):
        SqliteStore(path, write=write)
    assert path.read_bytes() == before


@pytest.mark.parametrize("write", [False, True])
def test_another_database_is_refused(tmp_path, write):
    """A SQLite database of another program is no store, and is not touched."""
    path = tmp_path / "notes.db"
    change(path, "CREATE TABLE notes (text)", "INSERT INTO notes VALUES ('mine')")
    before = path.read_bytes()

    with pytest.raises(NotAStore, match="not a cti-es store"):
        SqliteStore(path, write=write)
    assert path.read_bytes() == before


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        b"not a database, only some text that is long enough " * 20,
        b"SQLite format 3\x00" + b"\xff" * 600,
        b"\x00" * 600,
    ],
)
def test_what_is_no_database_is_refused(tmp_path, write, content):
    """Text, zeros, or garbage behind SQLite's header: a StoreError, and the file stays as it was."""
    path = tmp_path / "site.db"
    path.write_bytes(content)

    with pytest.raises(StoreError):
        SqliteStore(path, write=write)
    assert path.read_bytes() == content


def test_a_missing_file_is_not_made_by_a_reader(tmp_path):
    """A reader of a file that is not there gets a StoreError, and there is still no file."""
    with pytest.raises(StoreError):
        SqliteStore(tmp_path / "site.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("table", ["batches", "ids", "snapshots"])
def test_a_missing_table_is_said_on_opening(path, table):
    """Without one of its tables a store cannot be used; that is said at once and by name."""
    change(path, f"DROP TABLE {table}")

    with pytest.raises(StoreError, match=f"the table '{table}' is missing"):
        SqliteStore(path)


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.8])
def test_a_truncated_file_is_a_store_error(path, keep):
    """A file that ends too early is reported by a sentence, on opening or by verify."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])

    try:
        found = faults(path)
    except StoreError as error:
        found = [str(error)]

    assert found


# --- what an ingest keeps -------------------------------------------------------------------------------------------


def keep_ingest(path, state=b"{}"):
    """Keep something, as an ingest does."""
    store = SqliteStore(path, write=True)
    with store.writing("default") as writer:
        writer.keep_ingest(state)
    store.close()


def test_a_store_without_an_ingest_is_as_releases_before_made_it(path):
    """The table of the ingests comes with the first ingest; the schema version stays, so earlier releases go on."""
    assert not has_table(path, "ingests")
    keep_ingest(path)

    assert has_table(path, "ingests")
    assert pragma(path, "user_version") == 1
    assert faults(path) == []


def has_table(path, name):
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone())


def test_another_table_of_that_name_is_found(path):
    """A table that computes, or has other columns, is not written to; reading the log does not need it."""
    change(path, "CREATE TABLE ingests (log TEXT, state TEXT AS (upper(log)))")

    assert faults(path) == ["the table 'ingests' is not as cti-es made it"]
    SqliteStore(path).close()
    with pytest.raises(StoreError, match="the table 'ingests' is not as cti-es made it"):
        SqliteStore(path, write=True)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE ingests SET state = x'00'", "what an ingest has kept is damaged"),
        ("UPDATE ingests SET version = 7", "what an ingest has kept is damaged"),
        ("UPDATE ingests SET log = 'other'", "the table 'ingests' knows a log that is not there"),
    ],
)
def test_a_forged_state_is_found(path, statement, fault):
    """Verify looks at what an ingest has kept."""
    keep_ingest(path)
    change(path, statement)
    store = SqliteStore(path, suspect=True)

    assert [one.fault.startswith(fault) for one in verify(store, {})] == [True]
    store.close()
