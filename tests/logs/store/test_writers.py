"""Writers: one at a time, whole or not at all, whatever else happens (docs/reference/store.md#reading-and-writing)."""

import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from cti_es.logs.append import AppendOptions, append
from cti_es.logs.store import SqliteStore
from cti_es.logs.store.sqlite_new import create
from cti_es.logs.verify import verify
from cti_es.vocabulary.errors import NotAStore, StoreError
from cti_es.vocabulary.events import NodeAdded, NumberedEvents, decode_events

AT = "2026-01-01T08:00:00Z"


def put(store, *names):
    return append(
        store,
        "default",
        [NumberedEvents(range(1, len(names) + 1), [NodeAdded(node=n, at=AT) for n in names])],
        AppendOptions(),
    )


def names_in(path):
    with closing(SqliteStore(path)) as store:
        return [event.node for row in store.rows("default") for event in decode_events(row.events)]


def faults(path):
    with closing(SqliteStore(path)) as store:
        return list(verify(store, {}))


@pytest.fixture
def path(tmp_path):
    """A store with one event."""
    path = tmp_path / "site.db"
    with closing(SqliteStore(path, write=True)) as store:
        put(store, "first")
    return path


# --- one at a time --------------------------------------------------------------------------------------------------


def test_a_second_writer_waits_for_the_first(path):
    """Two writers that check and then write: the second begins when the first has ended, and both are stored."""
    with closing(SqliteStore(path, write=True)) as one, closing(SqliteStore(path, write=True)) as other:
        started, done = Event(), []
        second = Thread(target=lambda: (started.set(), done.append(put(other, "third"))))
        with one.writing("default") as writer:
            second.start()
            started.wait(10)
            time.sleep(0.1)
            writer.write([NodeAdded(node="second", at=AT)], AT, "test")
            waited = not done
        second.join(10)

    assert waited
    assert done[0].head.version == 3
    assert names_in(path) == ["first", "second", "third"]


def test_many_writers_lose_nothing(path):
    """Four writers with ten appends each: forty events more, without a gap or a fault."""

    def write(name):
        with closing(SqliteStore(path, write=True)) as store:
            for number in range(10):
                put(store, f"{name}{number}")

    threads = [Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(names_in(path)) == sorted(["first", *(f"{name}{number}" for name in "abcd" for number in range(10))])
    assert faults(path) == []


def test_a_locked_store_is_an_error_after_the_wait(path):
    """A writer waits as long as it was told to, then it says that somebody else is writing."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with closing(SqliteStore(path, write=True, wait=0.3)) as store:
            begin = time.monotonic()
            with pytest.raises(StoreError, match=r"another program is writing.*within 0\.3 s"):
                put(store, "second")
            waited = time.monotonic() - begin

    assert 0.25 < waited < 5
    assert names_in(path) == ["first"]


def test_a_lock_that_goes_away_in_time_is_no_error(path):
    """A writer that finds the store locked stores its events when the lock is gone before the wait is over."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        release = Thread(target=lambda: (time.sleep(0.2), other.execute("COMMIT")))
        release.start()
        with closing(SqliteStore(path, write=True, wait=10)) as store:
            put(store, "second")
        release.join()

    assert names_in(path) == ["first", "second"]


def test_writing_twice_at_a_time_with_one_store_is_an_error(path):
    """A transaction inside a transaction of the same store is refused; the outer one is not lost by it."""
    with closing(SqliteStore(path, write=True)) as store:
        with store.writing("default") as writer:
            with pytest.raises(StoreError):
                put(store, "inner")
            writer.write([NodeAdded(node="outer", at=AT)], AT, "test")

    assert names_in(path) == ["first", "outer"]


# --- new stores -----------------------------------------------------------------------------------------------------

APPEND = """
import sys
import sqlite_utils.migrations
import cti_es_cli.commands.append, cti_es.model.replay, cti_es.logs.store
from cti_es_cli.main import main
print("ready", flush=True)
sys.stdin.readline()
sys.argv = ["cti-es", "append", "site.db", "node_added", "node=" + sys.argv[1]]
main()
"""


def test_eight_programs_make_one_store(tmp_path):
    """Eight processes append one event each to a store that is not there: all eight events are, and nothing else."""
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", APPEND, f"cm{number}"], cwd=tmp_path, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for number in range(8)
    ]  # fmt: skip
    for program in programs:
        program.stdout.readline()
    for program in programs:
        program.stdin.write("\n")
    said = [program.communicate(timeout=60)[1] for program in programs]

    assert [program.returncode for program in programs] == [0] * 8, said
    assert sorted(names_in(tmp_path / "site.db")) == [f"cm{number}" for number in range(8)]
    assert faults(tmp_path / "site.db") == []
    assert [one.name for one in tmp_path.iterdir()] == ["site.db"]


def test_eight_threads_open_one_new_store(tmp_path):
    """The schema is made once when many open the same new file for writing at the same moment."""
    for attempt in range(15):
        path = tmp_path / f"site{attempt}.db"
        failed = []

        def write(name, path=path, failed=failed):
            try:
                with closing(SqliteStore(path, write=True)) as store:
                    put(store, name)
            except Exception as error:
                failed.append(error)

        threads = [Thread(target=write, args=(name,)) for name in "abcdefgh"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert failed == []
        assert sorted(names_in(path)) == list("abcdefgh")
        assert faults(path) == []


def test_a_new_store_appears_whole(tmp_path):
    """While a new store is being filled there is no file of its name; afterwards there is nothing but it."""
    path, seen = tmp_path / "site.db", []

    def fill(store):
        seen.append(path.exists())
        return put(store, "first")

    done = create(path, fill)

    assert (seen, done.appended) == ([False], 1)
    assert [one.name for one in tmp_path.iterdir()] == ["site.db"]


def test_a_new_store_that_fails_leaves_nothing(tmp_path):
    """If what fills a new store fails, the folder is as it was, and the error is the one that was raised."""

    def fill(store):
        put(store, "first")
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        create(tmp_path / "site.db", fill)
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_somebody_else_has_made_is_kept(path):
    """If a store of that name is there when the new one is ready, it stays, and create says so."""
    assert create(path, lambda store: put(store, "other")) is None
    assert names_in(path) == ["first"]
    assert [one.name for one in path.parent.iterdir()] == ["site.db"]


def test_no_hard_links_are_needed(tmp_path, monkeypatch):
    """On a file system without hard links a new store begins as an empty file: so nobody takes another's name."""

    def no_links(*_):
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "site.db"

    assert create(path, lambda store: put(store, "first")) is None
    assert [one.name for one in tmp_path.iterdir()] == ["site.db"]
    assert main_result(path, "append", str(path), "node_added", "node=first") == 0
    assert create(path, lambda store: put(store, "second")) is None
    assert names_in(path) == ["first"]


def main_result(path, *arguments):
    """The exit code of a command line, run here."""
    from click.testing import CliRunner

    from cti_es_cli.main import main

    return CliRunner().invoke(main, arguments).exit_code


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
@pytest.mark.parametrize("late", [False, True])
def test_remains_of_an_earlier_store(suffix, late, tmp_path, monkeypatch):
    """SQLite would bring a removed store back from its log into the new one, and what was reported would be gone."""
    path, remains = tmp_path / "site.db", tmp_path / f"site.db{suffix}"

    def fill(store):
        if late:
            remains.write_bytes(b"old")
        return put(store, "first")

    if not late:
        remains.write_bytes(b"old")
    with pytest.raises(StoreError, match=rf"site.db{suffix}: belongs to an earlier store"):
        create(path, fill)
    assert [one.name for one in tmp_path.iterdir()] == [remains.name]


def test_a_database_in_utf_16(tmp_path):
    """An empty database in another encoding is refused: what were stored in it could not be read as it was hashed."""
    path = tmp_path / "site.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA encoding = 'UTF-16le'; CREATE TABLE x (a); DROP TABLE x")

    with pytest.raises(NotAStore, match="a SQLite database in UTF-16le"):
        SqliteStore(path, write=True)


def test_the_longest_wait_is_a_wait(path):
    """A wait that SQLite could not count is as long as it can: not none."""
    done = []
    with closing(SqliteStore(path, write=True)) as holder:
        waiting = Thread(target=lambda: done.append(put_into(path, wait=3e7)))
        with holder.writing("default"):
            waiting.start()
            time.sleep(0.3)
            assert done == []
        waiting.join(30)
    assert [one.appended for one in done] == [1]


def put_into(path, wait):
    """Append to a store, as another program would."""
    with closing(SqliteStore(path, write=True, wait=wait)) as store:
        return put(store, "waited")


@pytest.mark.parametrize("same_process_number", [True, False])
def test_a_dead_programs_draft_is_not_taken_up(tmp_path, monkeypatch, same_process_number):
    """What a killed program had prepared is no part of a new store, even if ours has got its number (containers)."""
    path = tmp_path / "site.db"

    class Killed(BaseException):
        pass

    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr("cti_es.logs.store.sqlite_new._publish", killed)
        dying.setattr(Path, "unlink", killed)
        with pytest.raises(Killed):
            create(path, lambda store: put(store, "of the dead"))
    if not same_process_number:
        monkeypatch.setattr(os, "getpid", lambda: 1)
    create(path, lambda store: put(store, "first"))

    assert names_in(path) == ["first"]


# --- sudden death ---------------------------------------------------------------------------------------------------

BULK = """
import sys
from pathlib import Path
from cti_es.logs.append import AppendOptions, append
from cti_es.vocabulary.events import NodeAdded
from cti_es.vocabulary.events import NumberedEvents
from cti_es.logs.store import SqliteStore, base

base.ROW_EVENTS = 50
SIZE = int(sys.argv[2])
store = SqliteStore(Path(sys.argv[1]), write=True)
start = store.head("default").version
print("ready", flush=True)
while True:
    events = [NodeAdded(node=f"n{start + n}", at="2026-01-01T08:00:00Z", id=f"{start + n}") for n in range(SIZE)]
    lines = [NumberedEvents(range(n + 1, n + 101), events[n:n + 100]) for n in range(0, SIZE, 100)]
    start = append(store, "default", lines, AppendOptions()).head.version
    print(start, flush=True)
"""


def test_a_killed_writer_leaves_whole_appends_only(tmp_path):
    """After kill -9 in the middle of bulk appends, ten times: whole appends, all that were reported, no fault."""
    path, size, delays = tmp_path / "site.db", 1_000, random.Random(7)
    SqliteStore(path, write=True).close()
    last = 0
    for attempt in range(10):
        with subprocess.Popen([sys.executable, "-c", BULK, path, str(size)], stdout=subprocess.PIPE) as program:
            said = [program.stdout.readline() for _ in range(1 + attempt % 2)]
            time.sleep(delays.uniform(0, 0.05))
            program.kill()
            said += program.stdout.read().splitlines(keepends=True)
        reported = [int(line) for line in said[1:] if line.endswith(b"\n")]
        names = names_in(path)

        assert len(names) % size == 0
        assert len(names) >= max([last, *reported])
        assert names == [f"n{number}" for number in range(len(names))]
        last = len(names)
    assert last >= 5 * size
    assert faults(path) == []
