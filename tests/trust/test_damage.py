"""Bits that flip, rows that somebody forges, triggers that are dropped: what a reader would see, verify reports."""

import shutil
import sqlite3
import subprocess
import sys
import tracemalloc
import zlib
from contextlib import closing

import pytest
from campaigns import flips
from campaigns.running import make_store, run, trouble

from cti_es.logs.store import SqliteStore
from cti_es.logs.store.sqlite_bounds import Allowance
from cti_es.model.replay import FOLD_VERSION

LAST = 91
"""The version at which the last row of the log main begins."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A store of three logs with ids and snapshots; main has 100 events."""
    return make_store(tmp_path_factory.mktemp("whole") / "site.db")


@pytest.fixture
def path(whole, tmp_path):
    """A copy of it to be damaged."""
    return shutil.copy(whole, tmp_path / "site.db")


def tamper(path, *statements):
    """Do what triggers and checks forbid, and put the triggers back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        triggers = plain.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        plain.execute("PRAGMA ignore_check_constraints = ON")
        for name, _ in triggers:
            plain.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            plain.execute(statement)
        for _, sql in triggers:
            plain.execute(sql)


def faults(path):
    """The faults that verify prints, each as (log, version, fault)."""
    ran = run("verify", str(path), "--format", "csv")
    assert trouble(ran) is None
    assert ran.code == 1
    return [tuple(line.split(",", 2)) for line in ran.out.decode().splitlines()[1:]]


@pytest.mark.parametrize("rounds", [60, pytest.param(600, marks=pytest.mark.slow)])
def test_whatever_a_flipped_bit_changes_is_reported(rounds, tmp_path):
    """Single flipped bits: verify never crashes, and reports all that change what any command shows."""
    report = flips.campaign(tmp_path, rounds, 20260101, is_quick=True)

    assert report.failures == []
    assert sum(count for what, count in report.counts.items() if "exit 0" not in what) > rounds / 6
    assert sum(count for what, count in report.counts.items() if "exit 0" in what) > rounds / 6


FORGERIES = {
    "a row replaced in place": (
        "REPLACE INTO batches SELECT position, log, version, count, replace(events, 'cm1', 'cm9'), recorded_at, source,"
        " hash FROM batches WHERE log = 'lab' AND version = 1",
        ("lab", "1", "hash"),
    ),
    "a row put at the end": (
        "INSERT INTO batches SELECT 1000, log, 101, count, events, recorded_at, source, hash FROM batches"
        f" WHERE log = 'main' AND version = {LAST}",
        ("main", "101", "hash"),
    ),
    "a log that was copied": (
        "INSERT INTO batches SELECT position + 1000, 'copy', version, count, events, recorded_at, source, hash"
        " FROM batches WHERE log = 'Köln'",
        ("copy", "1", "hash"),
    ),
    "two rows that have changed places in the file": (
        "UPDATE batches SET position = CASE position WHEN 1 THEN -2 ELSE -1 END WHERE position < 3;"
        "UPDATE batches SET position = -position WHERE position < 0",
        ("main", "21", "stands before"),
    ),
    "a row that says it is longer": (
        f"UPDATE batches SET count = count + 1 WHERE log = 'main' AND version = {LAST}",
        ("main", str(LAST), "says that it has 11 events"),
    ),
    "text that is no text": (
        f"UPDATE batches SET source = CAST(x'ff' AS TEXT) WHERE log = 'main' AND version = {LAST}",
        ("main", str(LAST), "damaged"),
    ),
    "events that are no text": (
        f"UPDATE batches SET events = CAST(x'5bff' AS TEXT) WHERE log = 'main' AND version = {LAST}",
        ("main", str(LAST), "cannot be read"),
    ),
    "a log of a name that nobody can give": (
        "INSERT INTO batches SELECT position + 1000, 'a' || char(8238) || 'b', version, count, events, recorded_at,"
        " source, hash FROM batches WHERE log = 'Köln'",
        ("a\u202eb", "", "append makes no log of this name: the character U+202E"),
    ),
    "a source that steers a terminal": (
        f"UPDATE batches SET source = 'x' || char(27) || '[2J' WHERE log = 'main' AND version = {LAST}",
        ("main", str(LAST), "the source of the row"),
    ),
    "a time of appending that is none": (
        f"UPDATE batches SET recorded_at = 'yesterday' WHERE log = 'main' AND version = {LAST}",
        ("main", str(LAST), "is no time"),
    ),
    "an older schema version": ("PRAGMA user_version = 0", ("", "", "user_version is 0")),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_one_line_with_its_place(name, path):
    """What was forged with the triggers dropped and put back is a line with log, version and what is wrong."""
    statements, (log, version, word) = FORGERIES[name]
    tamper(path, *statements.split(";"))

    assert [one for one in faults(path) if one[:2] == (log, version) and word in one[2]]


def test_a_fault_hides_no_other_log(path):
    """A row that SQLite itself cannot check does not end the check: the faults of the other logs are found, too."""
    tamper(
        path,
        "UPDATE batches SET events = CAST(x'5bff' AS TEXT) WHERE log = 'main' AND version = 1",
        "UPDATE batches SET source = 'me' WHERE log = 'lab'",
    )

    assert {log for log, _, _ in faults(path)} >= {"main", "lab"}


def test_replace_without_dropping_triggers_is_refused(path):
    """INSERT OR REPLACE by a plain client, which goes around DELETE triggers, does not get past ours."""
    before = run("export", f"{path}#main").out
    with closing(sqlite3.connect(path, isolation_level=None)) as plain, pytest.raises(sqlite3.IntegrityError):
        plain.execute("REPLACE INTO batches SELECT * FROM batches WHERE position = 1")

    assert run("export", f"{path}#main").out == before
    assert run("verify", str(path)).code == 0


def test_sqlite_utils_transform_is_found(path):
    """``sqlite-utils transform`` drops the triggers of a table and exits with 0; verify names each of them."""
    command = [sys.executable, "-m", "sqlite_utils", "transform", path, "batches", "--default", "source", "x"]
    subprocess.run(command, check=True, capture_output=True)
    found = " ".join(fault for _, _, fault in faults(path))

    assert [f"the trigger 'batches_{name}' is missing" in found for name in ("no_update", "no_delete", "continue")] == [
        True, True, True
    ]  # fmt: skip


def test_a_cut_tail_is_found_with_a_kept_head_only(path):
    """The last row taken out with all that belongs to it leaves a whole store; --head shows what is missing."""
    (head,) = [line.split()[-1] for line in run("logs", str(path)).out.decode().splitlines() if line[:4] == "main"]
    with closing(sqlite3.connect(path)) as plain:
        last, rows = plain.execute("SELECT position, version FROM batches ORDER BY position DESC LIMIT 1").fetchone()
    tamper(
        path,
        f"DELETE FROM batches WHERE position = {last}",
        f"DELETE FROM ids WHERE log = 'main' AND version >= {rows}",
        f"DELETE FROM snapshots WHERE log = 'main' AND version >= {rows}",
    )
    alone, kept = run("verify", str(path)), run("verify", str(path), "--head", f"main={head}", "--ndjson")

    assert (alone.code, kept.code) == (0, 1)
    assert b'"log":"main","version":100' in kept.out
    assert b"cut off" in kept.out


# --- readers and writers of what somebody has damaged ---------------------------------------------------------------

DAMAGES = {
    "a count too large": f"UPDATE batches SET count = 9223372036854775807 WHERE log = 'main' AND version = {LAST}",
    "a version too large": f"UPDATE batches SET version = 9223372036854775807 WHERE log = 'main' AND version = {LAST}",
    "one event too few": f"UPDATE batches SET count = count + 1 WHERE log = 'main' AND version = {LAST}",
    "no events": f"UPDATE batches SET events = '[]' WHERE log = 'main' AND version = {LAST}",
    "deep events": "UPDATE batches SET events = replace(printf('%.50000c', '['), 'x', '') WHERE log = 'main'",
    "no text": "UPDATE batches SET source = CAST(x'ff' AS TEXT) WHERE log = 'main'",
    "an id past the end": "UPDATE ids SET version = 10000 WHERE log = 'main'",
    "an id before the start": "UPDATE ids SET version = -1 WHERE log = 'main'",
}
COMMANDS = (
    ("verify", "{}"), ("logs", "{}"), ("log", "{}#main"), ("export", "{}#main"), ("replay", "{}#main"),
    ("homes", "{}#main"), ("homes", "{}#main", "--as-of", "95"), ("explain", "{}#main", "200"),
    ("log", "{}#main", "--from-version", "100"), ("append", "{}#main", "node_added", "node=new", "id=id95"),
    ("append", "{}#main", "node_added", "node=new"),
)  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM batches WHERE log = 'main' AND version = 1",
        "DELETE FROM batches WHERE log = 'main' AND version = 21",
        f"UPDATE batches SET version = version + 5 WHERE log = 'main' AND version = {LAST}",
    ],
)
def test_no_reader_passes_over_a_gap(statement, path):
    """Where rows are missing a reader says so; it does not number what follows as if nothing were missing."""
    tamper(path, statement)
    ran = run("export", f"{path}#main")

    assert (ran.code, trouble(ran)) == (2, None)
    assert "should come next" in ran.err


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_an_error_with_words(name, path):
    """Every command, append too, ends on a damaged log with a sentence about the store, not with a fault of cti-es."""
    tamper(path, DAMAGES[name])
    ran = [run(command, *(one.format(path) for one in rest)) for command, *rest in COMMANDS]

    assert [text for one in ran if (text := trouble(one))] == []
    assert ran[0].code == 1


def column_of_the_wrong_type(path, table):
    """Let a table be read with another one's rows, as a page that was written to the wrong place does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        roots = dict(plain.execute("SELECT name, rootpage FROM sqlite_master WHERE type = 'table'"))
        plain.execute("PRAGMA writable_schema = ON")
        other = "snapshots" if table == "batches" else "batches"
        plain.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = ?", (roots[other], table))


@pytest.mark.parametrize("table", ["batches", "snapshots"])
def test_pages_of_another_table(table, path):
    """Strict tables are not strict when they are read: what has the wrong type is damage, and said to be."""
    column_of_the_wrong_type(path, table)
    ran = [run(command, *(one.format(path) for one in rest)) for command, *rest in COMMANDS]

    assert [text for one in ran if (text := trouble(one))] == []
    assert ran[0].code == 1


@pytest.mark.parametrize(
    ("changed", "readers"),
    [({"state": b"{"}, 2), ({"state": b'{"cluster":{"devices":1}}'}, 2), ({"state": b"{}"}, 0)],
)
def test_a_forged_snapshot(changed, readers, path):
    """A forged snapshot with a digest that fits is a fault; one that is no state at all is an error with words."""
    with closing(SqliteStore(path, write=True)) as store:
        true = store.snapshot("main", FOLD_VERSION)
        with store.writing("main") as writer:
            writer.keep(true._replace(**changed))
    homes = run("homes", f"{path}#main")

    assert (homes.code, trouble(homes)) == (readers, None)
    assert [one[:2] for one in faults(path)] == [("main", str(true.version))]


def test_a_snapshot_for_the_next_release(path):
    """A snapshot of a fold version that is still to come would be believed then: it is a fault today."""
    with closing(SqliteStore(path, write=True)) as store:
        true = store.snapshot("main", FOLD_VERSION)
        with store.writing("main") as writer:
            writer.keep(true._replace(fold=FOLD_VERSION + 1))

    assert [one[:2] for one in faults(path)] == [("main", str(true.version))]


def test_version_zero_is_read_and_written_by_nobody(path):
    """A schema version of 0 is no version: no reader and no writer takes such a store."""
    tamper(path, "PRAGMA user_version = 0")
    ran = [run(command, *(one.format(path) for one in rest)) for command, *rest in COMMANDS[1:]]

    assert {(one.code, trouble(one)) for one in ran} == {(2, None)}
    assert all("schema version 0" in one.err for one in ran)


def test_a_snapshot_that_would_fill_the_memory(path, monkeypatch):
    """A snapshot that unpacks to more than any state has is not unpacked to its end: damaged, and not used."""
    true = run("homes", f"{path}#main").out
    monkeypatch.setattr("cti_es.logs.store.packed_states.LARGEST_STATE", 100)

    assert run("homes", f"{path}#main").out == true
    assert {fault.partition(" (")[0] for _, _, fault in faults(path)} == {"the snapshot is damaged"}


def test_snapshots_that_unpack_to_far_more_than_the_file(path):
    """All that a reader unpacks together is a hundred times the file: forged snapshots cost it neither time nor memory."""
    true, size = run("homes", f"{path}#main").out, 60 << 20
    with closing(sqlite3.connect(path)) as connection:
        state = zlib.compress(bytes(size))
        connection.execute("UPDATE snapshots SET state = ? WHERE log = 'main'", (state,))
        connection.commit()
    most = 100 * path.stat().st_size
    tracemalloc.start()
    said = run("homes", f"{path}#main").out
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert said == true
    assert peak < 2 * most + (8 << 20) < size
    assert {fault.partition(" (")[0] for _, _, fault in faults(path)} == {"the snapshot is damaged"}


def test_the_bound_is_on_all_snapshots_together():
    """Rows that share the pages of one state cannot have it unpacked more often than the file has it."""
    with closing(sqlite3.connect(":memory:")) as connection:
        allowance = Allowance(connection, 100)

    assert [allowance.may_unpack(bytes(40)) for _ in range(4)] == [True, True, False, False]


def test_no_state_is_kept_that_readers_would_not_take(tmp_path, monkeypatch):
    """… and a writer keeps no snapshot that packs better than that, so that verify finds nothing wrong."""
    monkeypatch.setattr("cti_es.logs.store.packed_states.MOST_FOR_A_BYTE", 1)
    path = make_store(tmp_path / "site.db")

    with closing(SqliteStore(path)) as store:
        assert list(store.snapshots("main")) == []
    assert run("verify", str(path)).code == 0


def test_many_snapshots_are_not_unpacked_at_once(path):
    """Verify holds one snapshot at a time, however many somebody has put into the store."""
    size = 20 << 20
    with closing(sqlite3.connect(path)) as connection:
        values = connection.execute("SELECT log, version, hash FROM snapshots WHERE log = 'main'").fetchone()
        for fold in range(100, 110):
            state = zlib.compress(bytes(size))
            connection.execute("INSERT INTO snapshots VALUES (?,?,?,?,0,'',0,?,'')", (*values, fold, state))
        connection.commit()
    tracemalloc.start()
    found = faults(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(found) > 9
    assert peak < 5 * size


def test_no_larger_state_is_kept(tmp_path, monkeypatch):
    """… and writers keep no such snapshot, so that verify finds nothing wrong."""
    monkeypatch.setattr("cti_es.logs.store.packed_states.LARGEST_STATE", 100)
    path = make_store(tmp_path / "site.db")

    with closing(SqliteStore(path)) as store:
        assert list(store.snapshots("main")) == []
    assert run("verify", str(path)).code == 0
