"""Files that say far more than they hold, by pages that are used again and again: every command ends soon."""

import sqlite3
from contextlib import closing

import pytest
from campaigns.running import make_store, run, trouble
from support.shared_pages import share_pages

from cti_es.logs.store import SqliteStore
from cti_es.logs.store.schema import OBJECTS
from cti_es.logs.verify import verify
from cti_es.vocabulary.errors import StoreError

COMMANDS = (
    ("logs", "{}"), ("log", "{}#main"), ("homes", "{}#main"), ("explain", "{}#main", "1"),
    ("append", "{}#main", "node_added", "node=new"),
)  # fmt: skip
TREES = ("batches", "batches_by_version", "ids", "snapshots", "sqlite_autoindex_snapshots_1")
TOO_MUCH = "gives out far more than a file of its size can hold"


@pytest.fixture
def path(tmp_path):
    """A store of three logs, 64 KiB."""
    return make_store(tmp_path / "site.db")


@pytest.mark.parametrize("tree", TREES)
def test_every_command_ends(tree, path):
    """A tree of a million times its rows: verify names the pages, the others end with what they need or a sentence."""
    share_pages(path, tree)
    checked = run("verify", str(path), "--format", "csv")
    ran = [run(command, *(one.format(path) for one in rest)) for command, *rest in COMMANDS]

    assert (checked.code, trouble(checked)) == (1, None)
    assert b"2nd reference to page" in checked.out
    assert [text for one in ran if (text := trouble(one, (0, 2)))] == []
    assert all(TOO_MUCH in one.err for one in ran if one.code == 2)


def test_who_reads_the_index_says_what_was_found(path):
    """Logs are found by an index: where it has no end, its readers say that its rows share pages."""
    share_pages(path, "batches_by_version")

    for command, *rest in COMMANDS[:4]:
        ran = run(command, *(one.format(path) for one in rest))
        assert (ran.code, ran.out) == (2, b"")
        assert (
            f"{path}: the store is damaged: it {TOO_MUCH}, so its rows share pages; restore it from a copy" in ran.err
        )


def test_a_schema_without_end(path):
    """The schema is such a tree, too, and SQLite reads it before anything else."""
    share_pages(path, "sqlite_master")

    for command, *rest in (("verify", "{}"), *COMMANDS):
        ran = run(command, *(one.format(path) for one in rest))
        assert (ran.code, trouble(ran)) == (2, None)
        assert ran.out == b""


def test_long_names_on_shared_pages(path):
    """A forged name as long as the file, which every step would have to read: no reader gets past the first."""
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        plain.execute("DROP TRIGGER batches_no_update")
        plain.execute("UPDATE batches SET log = ? || position", ("x" * 100_000,))
        plain.execute(OBJECTS["trigger", "batches_no_update"])
    share_pages(path, "batches_by_version", depth=12)

    for command, *rest in COMMANDS[:4]:
        ran = run(command, *(one.format(path) for one in rest))
        assert (ran.code, ran.out) == (2, b"")
        assert "the store is damaged: string or blob too big" in ran.err
    assert run("verify", str(path)).code == 1


def test_long_names_on_shared_pages_of_snapshots(path):
    """Snapshots are looked for by the name of a log, too: a forged one as long as the file is not compared with it."""
    with closing(sqlite3.connect(path)) as plain:
        plain.execute(
            "INSERT INTO snapshots SELECT ?, version, hash, 1, 0, '', 0, x'00', '' FROM batches WHERE log = 'main'",
            ("x" * 60_000,),
        )
        plain.commit()
    share_pages(path, "sqlite_autoindex_snapshots_1", depth=4)
    ran = run("explain", f"{path}#main", "1")

    assert (ran.code, ran.out) == (2, b"")
    assert "the store is damaged: string or blob too big" in ran.err
    assert run("verify", str(path)).code == 1


def test_rows_are_given_out_as_often_as_they_can_be_there(path):
    """Rows that an index gives out again and again end when they are more bytes than a file of this size can hold."""
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("DROP TRIGGER batches_no_delete")
        plain.execute("DELETE FROM batches WHERE log <> 'main'")
        plain.commit()
    whole = sum(len(row.events) for row in _rows(path))
    share_pages(path, "batches_by_version")
    given = []

    with pytest.raises(StoreError, match=TOO_MUCH):
        given.extend(len(row.events) for row in _rows(path))
    assert whole < sum(given) < (1 << 20) + 4 * path.stat().st_size


def test_all_that_verify_reads_is_bounded_together(path, monkeypatch):
    """Verify asks once for each log and each row: what it may have is for all of it, so that many logs help nobody."""
    monkeypatch.setattr("cti_es.logs.store.sqlite_bounds._BYTES_AT_LEAST", 0)
    monkeypatch.setattr("cti_es.logs.store.sqlite_bounds._BYTES_FOR_A_BYTE", 0.01)
    with closing(SqliteStore(path, suspect=True)) as store:
        found = [fault.log for fault in verify(store, {}) if TOO_MUCH in fault.fault]

    assert found


def test_ids_and_rows_of_true_stores_are_never_too_many(tmp_path):
    """The smallest rows that there can be need less than a tenth of what is allowed."""
    path = make_store(tmp_path / "small.db", events=5)
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        plain.execute("BEGIN")
        plain.executemany("INSERT INTO ids VALUES ('main', ?, 1)", ((format(number, "x"),) for number in range(50_000)))
        plain.execute("COMMIT")
    steps = []
    with closing(SqliteStore(path, suspect=True)) as store, store.at_one_moment():
        store._connection.set_progress_handler(lambda: steps.append(None), 1_000)
        list(store.schema_faults())
        assert store.id_count("main") >= 50_000

    assert 0 < len(steps) * 1_000 < 2 * path.stat().st_size


def _rows(path):
    with closing(SqliteStore(path, suspect=True)) as store:
        yield from store.rows("main")
