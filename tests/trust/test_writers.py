"""Eight processes write to one store while others follow it."""

import json
import subprocess
import sys
import time

import pytest
from campaigns import writers
from campaigns.running import Report, run


def test_eight_writers_and_their_followers(tmp_path):
    """Eight processes append one by one and in files, with and without --expect, to two logs of one store.

    Every event is there once, without a gap, those of a file next to each other, those of a process in its order; and
    followers of the log and of its messages have printed what a reader prints afterwards.
    """
    report = Report()
    writers.crowd(tmp_path, 12, 20260101, report, followers=4)

    assert report.failures == []
    assert report.counts["appends of eight processes"] == 8 * 12
    assert report.counts["followers of log"] == report.counts["followers of replay"] == 2


@pytest.mark.parametrize("is_bulk", [False, True], ids=["one event each", "a file each"])
def test_eight_make_one_store(is_bulk, tmp_path):
    """Eight processes begin the same store at one moment: all they have sent is in it, and nothing lies beside it."""
    report = Report()
    writers.creation(tmp_path, is_bulk, report)

    assert report.failures == []


def test_one_of_eight_wins(tmp_path):
    """Of eight that expect the same version one is served; the others are refused with exit 2, and do not wait."""
    report = Report()
    for name in "abc":
        (tmp_path / name).mkdir()
        writers.one_wins(tmp_path / name, report)

    assert report.failures == []


LOCKING = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def locked(tmp_path):
    """A store on which another program has begun to write, and that program: it ends at a line of input."""
    path = tmp_path / "site.db"
    run("append", str(path), "node_added", "node=cm1")
    command = [sys.executable, "-c", LOCKING, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"locked\n"
        yield str(path), other
        other.kill()


def appending(store, wait):
    return lambda number: run("append", store, "node_added", f"node=n{number}", "--wait", wait)[1::2]


def test_eight_that_do_not_want_to_wait(locked, tmp_path):
    """Eight that find the store locked give up after their --wait with exit 2 and the way out; nothing is stored."""
    store, _ = locked
    done = writers.together(tmp_path, appending(store, "0.2s"))

    assert [code for code, _ in done] == [2] * 8
    assert all("within 0.2 s" in said and "--wait" in said for _, said in done)
    assert run("export", store).out.count(b"\n") == 1


def test_eight_that_wait(locked, tmp_path):
    """Eight that wait long enough are all served when the other program has done."""
    store, other = locked

    def meanwhile():
        time.sleep(0.5)
        other.stdin.write(b"\n")
        other.stdin.flush()

    done = writers.together(tmp_path, appending(store, "60s"), meanwhile)

    assert [code for code, _ in done] == [0] * 8
    names = [json.loads(line)["node"] for line in run("export", store).out.splitlines()]
    assert sorted(names) == ["cm1", *(f"n{number}" for number in range(8))]
