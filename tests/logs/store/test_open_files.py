"""What a process has open as a store: looking at the file takes no locks away, and a -shm goes when nobody needs it."""

import gc
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from cti_es.logs.store import SqliteStore
from cti_es.logs.store.open_files import is_sqlite
from cti_es.vocabulary.errors import NotAStore
from cti_es.vocabulary.events import NodeAdded, decode_events

AT = "2026-01-01T08:00:00Z"

OTHER_PROGRAM = """
import sqlite3, sys
connection = sqlite3.connect("file:" + sys.argv[1] + "?mode=" + sys.argv[2], uri=True, isolation_level=None)
connection.execute("SELECT COUNT(*) FROM batches").fetchone()
print("open", flush=True)
sys.stdin.read()
connection.close()
"""


def put(store, name):
    with store.writing("default") as writer:
        writer.write([NodeAdded(node=name, at=AT)], AT, "test")


def names_in(path):
    with closing(SqliteStore(path)) as store:
        return [event.node for row in store.rows("default") for event in decode_events(row.events)]


@pytest.fixture
def path(tmp_path):
    """A store with one event."""
    with closing(SqliteStore(tmp_path / "site.db", write=True)) as store:
        put(store, "a")
    return tmp_path / "site.db"


@pytest.fixture
def copied(path, tmp_path):
    """A copy of it with the -wal that holds its second event, and no -shm."""
    folder = tmp_path / "copy"
    folder.mkdir()
    with closing(SqliteStore(path, write=True)) as store:
        put(store, "b")
        for name in ("site.db", "site.db-wal"):
            (folder / name).write_bytes((tmp_path / name).read_bytes())
    return folder / "site.db"


@pytest.fixture
def other_program():
    """Begin another program that has a store open until it is told to go on."""
    running = []

    def begin(path, mode):
        command = [sys.executable, "-c", OTHER_PROGRAM, str(path), mode]
        running.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert running[-1].stdout.readline() == b"open\n"
        return running[-1]

    yield begin
    for one in running:
        one.communicate()


def beside(path):
    return sorted(one.name.removeprefix(path.name) for one in path.parent.iterdir() if one.name != path.name)


def test_looking_at_a_file_takes_no_lock_away(path, other_program):
    """Whoever looks whether the file is a store leaves it open to its writer: others do not take the -wal for theirs."""
    with closing(SqliteStore(path, write=True)) as store:
        store.head("default")
        assert is_sqlite(path)
        other_program(path, "rw").communicate()
        put(store, "b")
        assert beside(path) == ["-shm", "-wal"]
        ran = subprocess.run(
            [sys.executable, "-m", "cti_es_cli", "log", str(path)], capture_output=True, text=True, check=True
        )

    assert "node=b" in ran.stdout


def test_another_name_of_the_file_is_the_same_file(path, tmp_path, other_program):
    """Links lead to the same locks."""
    (tmp_path / "link.db").symlink_to(path)
    os.link(path, tmp_path / "hard.db")
    with closing(SqliteStore(path, write=True)) as store:
        put(store, "b")
        assert is_sqlite(tmp_path / "link.db")
        assert is_sqlite(tmp_path / "hard.db")
        other_program(path, "rw").communicate()
        assert {"-shm", "-wal"} <= {one.removeprefix(path.name) for one in os.listdir(tmp_path)}


def test_what_is_no_store_is_none_afterwards(path):
    """A store that is forgotten without being closed is not open any more, whatever gets its place."""
    store = SqliteStore(path)
    del store
    gc.collect()
    path.write_text("text")

    assert not is_sqlite(path)


def test_a_reader_takes_its_shm_away(copied):
    """A -wal that lay there alone lies there alone afterwards; of two readers the last one sees to that."""
    with closing(SqliteStore(copied)) as first:
        assert first.head("default").version == 2
        with closing(SqliteStore(copied)) as second:
            assert second.head("default").version == 2
            first.close()
            assert beside(copied) == ["-shm", "-wal"]

    assert beside(copied) == ["-wal"]
    assert names_in(copied) == ["a", "b"]


def test_a_shm_that_others_use_stays(copied, other_program):
    """Another program that has come in the meantime keeps the -shm, and what it writes then is there."""
    with closing(SqliteStore(copied)) as store:
        store.head("default")
        other = other_program(copied, "ro")
    assert beside(copied) == ["-shm", "-wal"]
    with closing(SqliteStore(copied, write=True)) as store:
        put(store, "c")
    other.communicate()

    assert names_in(copied) == ["a", "b", "c"]


def test_a_store_that_is_refused_leaves_nothing(copied):
    """Nor does a file that turns out to be none of ours."""
    with closing(sqlite3.connect(copied)) as plain:
        plain.execute("PRAGMA application_id = 7")
        data = {name: (copied.parent / name).read_bytes() for name in ("site.db", "site.db-wal")}
    for name in os.listdir(copied.parent):
        (copied.parent / name).unlink()
    for name, content in data.items():
        (copied.parent / name).write_bytes(content)

    with pytest.raises(NotAStore):
        SqliteStore(copied)
    assert beside(copied) == ["-wal"]
