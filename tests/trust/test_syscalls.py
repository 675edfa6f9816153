"""System calls that fail: the short form of tests/campaigns/syscalls.py."""

from pathlib import Path

import pytest
from campaigns import syscalls
from campaigns.syscalls import READING, WRITING, Fault

pytestmark = pytest.mark.skipif(not syscalls.is_here(), reason="strace is not here, or may not look at processes")

DISK_FULL, UNSYNCED = WRITING[0], WRITING[2]
ONCE = ("fsync", "link")
"""Calls that only a new store needs; ftruncate and those on the store's own files are for one that is there."""

NEW = [(fault, 0) for fault in WRITING if not fault.own and fault.call != "ftruncate"]
THERE = [(fault, 3) for fault in WRITING if fault.call not in ONCE]


def check(folder: Path, fault: Fault, before: int, calls: int) -> None:
    """Appends with so many calls failed, one at a time."""
    found = list(syscalls.appends(folder / "work", fault, before, range(1, calls + 1)))

    assert found
    assert [problem for problem in found if problem] == []


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "before"), [*NEW, *THERE])
def test_an_append_with_a_fault_is_whole_or_not_there(fault: Fault, before: int, tmp_path: Path) -> None:
    """Whichever call fails: a sentence, nothing half, nothing lost that was reported, and the next append works."""
    check(tmp_path, fault, before, 4)


def test_an_append_to_a_full_disk_is_whole_or_not_there(tmp_path: Path) -> None:
    """The same for one fault, in the quick suite."""
    check(tmp_path, DISK_FULL, 3, 1)


@pytest.mark.slow
@pytest.mark.parametrize("fault", READING)
def test_reading_with_a_fault_gives_everything_or_an_error(fault: Fault, tmp_path: Path) -> None:
    """A reader never takes a part of a log for the whole."""
    found = list(syscalls.reads(tmp_path / "work", fault, range(1, 5)))

    assert found
    assert [problem for problem in found if problem] == []


def test_the_fault_happens(tmp_path: Path) -> None:
    """The other tests show something: strace has really let the call fail."""
    syscalls.prepared(tmp_path / "work", 3)
    ran, met = syscalls.failing(tmp_path / "work", UNSYNCED, 1, "append", "site.db", "--from", "events.ndjson")

    assert met
    assert ran.code in (0, 2)
