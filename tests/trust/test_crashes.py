"""Writers that are killed with kill -9, and write-ahead logs that are cut or flipped: whole transactions, or nothing."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from campaigns import crashes, wal
from campaigns.running import Report, run


@pytest.mark.parametrize("size", [1, crashes.BULK], ids=["one event", "bulk"])
@pytest.mark.parametrize("new", [True, False], ids=["new store", "store is there"])
def test_killed_at_a_step(size, new, tmp_path):
    """A writer is killed before one of its steps to the disk, then at a later one, up to the end of its work.

    What it has reported is there, its append is there whole or not at all, verify finds nothing, and the next append
    works, and is recognised as a retry the second time.
    """
    report = Report()
    crashes.points(tmp_path, size, new, report, step=7 if size == 1 else 13)

    assert report.failures == []
    assert sum(report.counts.values()) >= 3


def test_killed_at_a_moment(tmp_path):
    """Forty writers are killed at random moments of single and bulk appends, with snapshots, some with a new store."""
    report = Report()
    crashes.moments(tmp_path, 40, 20260101, report)

    assert report.failures == []
    assert sum(count for what, count in report.counts.items() if what.startswith("killed")) >= 10


def test_killed_as_users_start_it(tmp_path):
    """The same with the command as users run it, in an interpreter of its own, appending one event after the other."""
    chance, known = random.Random(7), 0
    for _ in range(6):
        said = tmp_path / "said"
        command = (
            f'n={known}; while "$1" -m cti_es_cli append site.db node_added node=n$n id=$n 2>>said; do n=$((n+1)); done'
        )
        said.write_bytes(b"")
        with subprocess.Popen(["sh", "-c", command, "sh", sys.executable], cwd=tmp_path, process_group=0) as process:
            while b"appended" not in said.read_bytes():
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.3))
            os.killpg(process.pid, signal.SIGKILL)
        reported = said.read_text().count("appended 1, ")
        store = tmp_path / "site.db"
        there = run("export", str(store)).out.count(b"\n") if store.exists() else 0

        assert there - known in (reported, reported + 1)
        assert not there or run("verify", str(store)).code == 0
        known = there
    assert known > 0


def test_a_torn_write_ahead_log(tmp_path):
    """A write-ahead log cut within and between its frames gives back a prefix of whole transactions.

    verify finds nothing wrong with that, verify --head says that the end is missing, and the next append works.
    """
    report = wal.campaign(tmp_path, 0, 1, step=3)

    assert report.failures == []
    assert len(report.counts) > len(wal.SIZES) // 2


def test_a_flipped_write_ahead_log(tmp_path):
    """So does one with a bit flipped somewhere."""
    report = wal.campaign(tmp_path, 40, 20260101, step=1_000)

    assert report.failures == []
    assert len([what for what in report.counts if "flips" in what]) > 2
