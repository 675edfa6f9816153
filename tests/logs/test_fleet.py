"""Many logs: the order of the results, errors, processes that die, and what is left behind."""

import os
import time
from contextlib import closing
from pathlib import Path

import pytest
from support import fleet_tasks

from cti_es.logs.fleet import Workers, cores, run_many
from cti_es.vocabulary.errors import InputError, WorkerDied

PATIENCE = 20.0


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder that temporary files come into."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def outcome(items):
    """What a log gave, and the error behind it."""
    found = []
    try:
        found.extend(items)
    except (InputError, WorkerDied) as error:
        return [*found, str(error)]
    return found


def outcomes(addresses, task, jobs, progress=None):
    return [outcome(items) for items in run_many(addresses, task, Workers(jobs), progress)]


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_come_in_order(jobs, temporary):
    """Whoever works on them: things in the order of the logs, and an error behind what came before it."""
    found = outcomes(["one", "bad", "two", "three"], fleet_tasks.spelt, jobs)

    assert found == [list("one"), [*"bad", "bad: a bad log; expected a good one"], list("two"), list("three")]
    assert os.listdir(temporary) == []


def test_progress(temporary):
    """It is told how many logs are done and how many events they had, in the end all."""
    told = []
    outcomes(["one", "three"], fleet_tasks.spelt, 2, lambda logs, events: told.append((logs, events)))

    assert told == sorted(told)
    assert told[-1] == (2, 8)


def test_a_process_that_dies(tmp_path, temporary):
    """A log whose process is killed is tried once more; if that is killed, too, it is reported and the others come."""
    names = ["a", "always", "b", "once", "c"]
    found = outcomes([str(tmp_path / name) for name in names], fleet_tasks.deadly, 2)

    report = f"{tmp_path}/always: its process was killed by signal 9, twice"
    assert found == [["a", "lives"], [report], ["b", "lives"], ["once", "lives"], ["c", "lives"]]
    assert os.listdir(temporary) == []


def test_an_end_before_the_end(tmp_path, temporary):
    """Who wants no more closes the iterator: then no process and no file is left, whatever they were at."""
    results = run_many([str(tmp_path / name) for name in ("first", "second", "third")], fleet_tasks.endless, Workers(2))
    assert list(next(results)) == ["first"]
    while not (tmp_path / "second").exists():
        time.sleep(0.01)
    results.close()

    alive = [Path("/proc", (tmp_path / name).read_text()).exists() for name in ("first", "second")]
    assert alive == [False, False]
    assert os.listdir(temporary) == []


def test_an_error_that_cannot_be_sent(temporary):
    """What another process cannot be told as it is comes as its words."""
    with closing(run_many(["a", "b"], fleet_tasks.unpicklable, Workers(2))) as results:
        with pytest.raises(RuntimeError, match="Unpicklable"):
            list(next(results))


def test_pipes_are_read_here(temporary):
    """Standard input is no other process's: it is this one that reads it, in its turn."""
    asked = []

    def task(address, tell):
        asked.append(address)
        return [address]

    assert outcomes(["-"], task, 4) == [["-"]]
    assert asked == ["-"]


def test_as_many_as_cores():
    """There is at least one core, and no job is another word for all."""
    assert cores() >= 1
    assert outcomes(["one"], fleet_tasks.spelt, 0) == [list("one")]
