"""Readers never write (docs/reference/store.md#reading-and-writing): what a reader sees, and what it leaves behind."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing, suppress

import pytest

from cti_es.logs.store import SqliteStore, sqlite_connection
from cti_es.logs.verify import verify
from cti_es.vocabulary.errors import StoreError
from cti_es.vocabulary.events import NodeAdded, decode_events

AT = "2026-01-01T08:00:00Z"


def put(store, *names, log="default"):
    with store.writing(log) as writer:
        writer.write([NodeAdded(node=name, at=AT, id=name) for name in names], AT, "test")


def names_in(store, log="default"):
    return [event.node for row in store.rows(log) for event in decode_events(row.events)]


def read_everything(path):
    """Use every reading method of a store once."""
    with closing(SqliteStore(path)) as store:
        faults = list(verify(store, {}))
        store.find_ids("default", ["a"])
        store.snapshot("default", 1)
        return faults, names_in(store)


def picture(folder):
    """Bytes, size and times of modification of every file of a folder, and the folder's own."""
    files = {path.name: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.iterdir()}
    return files, folder.stat().st_mode


@pytest.fixture
def folder(tmp_path):
    """A folder with nothing but a store of the events a and b."""
    folder = tmp_path / "data"
    folder.mkdir()
    with closing(SqliteStore(folder / "site.db", write=True)) as store:
        put(store, "a", "b")
    return folder


@pytest.fixture
def crashed(folder):
    """The same store after a writer of event c has died: its -wal is still there and holds the only copy of c."""
    with closing(SqliteStore(folder / "site.db", write=True)) as store:
        put(store, "c")
        copies = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name, data in copies.items():
        (folder / name).write_bytes(data)
    return folder


def test_a_closed_store_is_one_file(folder):
    """After the last writer has closed a store there is no -wal beside it."""
    assert [path.name for path in folder.iterdir()] == ["site.db"]


def test_reading_changes_no_byte(folder):
    """Reading everything of a store changes neither its bytes nor its times nor the files beside it."""
    before = picture(folder)

    assert read_everything(folder / "site.db") == ([], ["a", "b"])
    assert picture(folder) == before


def test_a_read_only_folder_can_be_read(folder, monkeypatch):
    """Where folder and file no permission to write, the store is read as it stands, and no file appears meanwhile."""
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **rest: not mode & os.W_OK and real(path, mode, **rest))
    before = picture(folder)
    with closing(SqliteStore(folder / "site.db")) as store:
        assert names_in(store) == ["a", "b"]
        assert [path.name for path in folder.iterdir()] == ["site.db"]

    assert picture(folder) == before


def test_a_crashed_writers_events_are_read(crashed):
    """What a dead writer had committed to the -wal is there for readers, and they leave store and -wal as they are."""
    before, _ = picture(crashed)

    assert read_everything(crashed / "site.db") == ([], ["a", "b", "c"])
    after, _ = picture(crashed)
    assert sorted(after) == sorted(before)
    assert [after[name] for name in ("site.db", "site.db-wal")] == [before[name] for name in ("site.db", "site.db-wal")]


def test_a_copy_without_its_shm_can_be_read(crashed):
    """A store that was copied with its -wal but without its -shm is read whole; the two are as before, alone."""
    (crashed / "site.db-shm").unlink()
    before, _ = picture(crashed)

    assert read_everything(crashed / "site.db") == ([], ["a", "b", "c"])
    after, _ = picture(crashed)
    assert after == before


@pytest.mark.parametrize("start", [b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", b"noise..."])
def test_a_journal_is_not_played_back(start, folder):
    """A journal, which SQLite would write back into the store whoever put it there, stops a reader; nothing changes."""
    (folder / "site.db-journal").write_bytes(start + bytes(600))
    before = picture(folder)

    with pytest.raises(StoreError, match="which a reader does not undo"):
        SqliteStore(folder / "site.db")
    with pytest.raises(StoreError, match="which a reader does not undo"):
        SqliteStore(folder / "site.db", suspect=True)
    assert picture(folder) == before


@pytest.mark.parametrize("data", [b"", bytes(600)])
def test_an_empty_journal_is_none(data, folder):
    """An empty journal, or one that was ended by zeros, holds nothing to undo: the store is read, and the file stays."""
    (folder / "site.db-journal").write_bytes(data)

    assert read_everything(folder / "site.db") == ([], ["a", "b"])
    assert (folder / "site.db-journal").exists()


def test_a_reader_cannot_write(folder):
    """A store that was opened to read refuses to be written, with a sentence."""
    with closing(SqliteStore(folder / "site.db")) as store:
        with pytest.raises(StoreError, match="no permission to write"):
            put(store, "c")

    assert read_everything(folder / "site.db") == ([], ["a", "b"])


def test_a_reader_sees_the_state_before_an_open_transaction(folder):
    """While a writer has a transaction open, readers old and new see the log without it; afterwards with it."""
    with (
        closing(SqliteStore(folder / "site.db", write=True)) as writing,
        closing(SqliteStore(folder / "site.db")) as old_reader,
    ):
        with writing.writing("default") as writer:
            writer.write([NodeAdded(node="c", at=AT, id="c")], AT, "test")
            with closing(SqliteStore(folder / "site.db")) as new_reader:
                seen = [(names_in(reader), reader.find_ids("default", "abc")) for reader in (old_reader, new_reader)]

        assert seen == [(["a", "b"], {"a": 1, "b": 2})] * 2
        assert names_in(old_reader) == ["a", "b", "c"]


def test_a_reader_in_the_middle_of_a_log_sees_it_as_it_was(folder):
    """Rows that are appended while a reader goes through a log do not turn up in the middle of its reading."""
    with (
        closing(SqliteStore(folder / "site.db", write=True)) as writing,
        closing(SqliteStore(folder / "site.db")) as reader,
    ):
        put(writing, "c")
        rows = iter(reader.rows("default"))
        next(rows)
        put(writing, "d")

        assert [row.version for row in rows] == [3]


def test_a_reader_does_not_stop_a_writer(folder):
    """A reader that is in the middle of the rows does not keep a writer waiting."""
    with (
        closing(SqliteStore(folder / "site.db")) as reader,
        closing(SqliteStore(folder / "site.db", write=True, wait=0)) as writing,
    ):
        next(iter(reader.rows("default")))
        put(writing, "c")

        assert names_in(writing) == ["a", "b", "c"]


def test_a_writer_that_comes_while_a_reader_reads(folder):
    """A reader that opened the store before anybody wrote sees what is appended afterwards."""
    with closing(SqliteStore(folder / "site.db")) as reader:
        names_in(reader)
        with closing(SqliteStore(folder / "site.db", write=True)) as writing:
            put(writing, "c")

        assert names_in(reader) == ["a", "b", "c"]
    assert read_everything(folder / "site.db") == ([], ["a", "b", "c"])


def test_verify_while_somebody_appends(folder, monkeypatch):
    """An append between two steps of a verification is no fault of the store."""
    with (
        closing(SqliteStore(folder / "site.db", write=True)) as writing,
        closing(SqliteStore(folder / "site.db")) as reader,
    ):
        counting = reader.id_count
        monkeypatch.setattr(reader, "id_count", lambda log: [put(writing, "late"), counting(log)][1])

        assert list(verify(reader, {})) == []


def test_a_store_by_a_strange_path(tmp_path):
    """Paths with blanks, percent signs, question marks, hashes and umlauts are files, not parts of a URI."""
    path = tmp_path / "Käse 100% ?mode=memory#lab &x.db"
    with closing(SqliteStore(path, write=True)) as store:
        put(store, "a")

    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert read_everything(path) == ([], ["a"])


def test_a_journal_of_another_kind_can_be_read(folder):
    """A store that somebody has switched out of WAL mode is read all the same."""
    with closing(sqlite3.connect(folder / "site.db")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")

    assert read_everything(folder / "site.db") == ([], ["a", "b"])


# --- full disks -----------------------------------------------------------------------------------------------------


@pytest.fixture
def full(monkeypatch):
    """No room on any disk, as the system says it."""
    usage = shutil.disk_usage("/")._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)


def test_a_store_on_a_full_disk_is_read_as_it_stands(folder, full):
    """Where no -wal finds room, the store is read without one, and nothing appears beside it meanwhile."""
    before = picture(folder)
    with closing(SqliteStore(folder / "site.db")) as store:
        assert names_in(store) == ["a", "b"]
        assert [path.name for path in folder.iterdir()] == ["site.db"]

    assert picture(folder) == before


def test_a_wal_on_a_full_disk_is_said(crashed, full):
    """With a -wal and no -shm a reader says that the disk is full, and leaves no piece of a -shm."""
    (crashed / "site.db-shm").unlink()
    with pytest.raises(StoreError, match="the disk is full"):
        SqliteStore(crashed / "site.db")

    assert sorted(path.name for path in crashed.iterdir()) == ["site.db", "site.db-wal"]


def test_a_reader_beside_a_writer_on_a_full_disk(folder, full):
    """Beside a writer everything is there already that a reader needs."""
    with closing(SqliteStore(folder / "site.db", write=True)) as writing:
        put(writing, "c")
        assert read_everything(folder / "site.db") == ([], ["a", "b", "c"])


def test_a_writer_that_begins_while_a_reader_looks_again(folder, full, monkeypatch):
    """Whoever reads a store as it stands sees later what was appended while the file was being opened again."""
    connect = sqlite_connection._connect
    with closing(SqliteStore(folder / "site.db")) as store, ExitStack() as writers:

        def and_somebody_begins(path, way, wait):
            connection = connect(path, way, wait)
            monkeypatch.undo()
            put(writers.enter_context(closing(SqliteStore(path, write=True))), "c")
            return connection

        monkeypatch.setattr(sqlite_connection, "_connect", and_somebody_begins)
        store.refresh()
        store.refresh()
        assert names_in(store) == ["a", "b", "c"]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if sys.platform != "linux" or not shutil.which("mount") or subprocess.run(made, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill_up(path):
    """Write a file until there is no room for another page."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1024)):
            pass
    assert shutil.disk_usage(path.parent).free < 1024


@pytest.mark.parametrize("with_wal", [False, True])
def test_a_disk_that_is_really_full(small_disk, crashed, with_wal):
    """The same with a real disk: what can be read is read, what cannot is said, and nothing is left beside the store."""
    for name in ("site.db", "site.db-wal")[: 1 + with_wal]:
        shutil.copy(crashed / name, small_disk / name)
    fill_up(small_disk / "fill")
    before = sorted(path.name for path in small_disk.iterdir())
    if with_wal:
        with pytest.raises(StoreError, match="the disk is full"):
            SqliteStore(small_disk / "site.db")
    else:
        assert read_everything(small_disk / "site.db") == ([], ["a", "b"])

    assert sorted(path.name for path in small_disk.iterdir()) == before
