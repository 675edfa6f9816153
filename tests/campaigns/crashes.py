"""Kill writers with kill -9: what was reported is there, an append is there whole or not at all, the next one works.

Writers are real processes, forked from one that has imported cti-es (a fresh interpreter would spend most of its life
importing). ``points`` kills one before each statement that it gives to SQLite and each call by which it gives a file
its name or takes one away; ``moments`` kills at random moments, whatever is going on then. What a process has said in
time is read from its standard error, which is a file.

    python tests/campaigns/crashes.py --rounds 3000 --seed 1
"""

import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import sqlite_utils.migrations  # noqa: F401 (writers are forked: what they need is imported once)
from campaigns.running import Report, run, script

import cti_es.logs.append
import cti_es.logs.store.base
from cti_es_cli.commands import append as _append  # noqa: F401
from cti_es_cli.main import main

AT = "2026-01-01T08:00:00Z"
BULK = 60
ROW = 15
"""Events in a row: an append of BULK is several rows."""

WORK = 40
"""A snapshot after so many events: an append of BULK takes one, single appends now and then."""


def writer(folder: Path, arguments: list[str], prepare: Callable[[], None]) -> int:
    """Fork a process that runs cti-es in a folder; its number."""
    (folder / "err").write_bytes(b"")
    if child := os.fork():
        return child
    try:
        os.chdir(folder)
        for number in (1, 2):
            os.dup2(os.open("err", os.O_WRONLY | os.O_APPEND), number)
        sys.stdout, sys.stderr = open(1, "w", buffering=1), open(2, "w", buffering=1)  # noqa: SIM115
        cti_es.logs.append.SNAPSHOT_WORK, cti_es.logs.store.base.ROW_EVENTS = WORK, ROW
        prepare()
        main(arguments)
    except SystemExit as end:
        os._exit(int(end.code or 0))
    finally:
        os._exit(99)


class Site:
    """A store that writers are killed over, and what is known of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = str(folder / "site.db")
        self.known = 0

    def is_there(self) -> bool:
        """Whether the store is there."""
        return Path(self.store).exists()

    def arguments(self, size: int) -> list[str]:
        """An append of so many new events: one from the command line, or several from a file."""
        if size == 1:
            return ["append", self.store, "node_added", f"node=n{self.known}", f"id=id{self.known}", f"at={AT}"]
        names = range(self.known, self.known + size)
        lines = [json.dumps({"type": "node_added", "node": f"n{n}", "at": AT, "id": f"id{n}"}) for n in names]
        file = self.folder / "events.ndjson"
        file.write_text("\n".join(lines))
        return ["append", self.store, "--from", str(file)]

    def check(self, size: int) -> tuple[str, str | None]:
        """After a writer of so many events has died: what is there, and what is wrong with it."""
        reported = "appended" in (self.folder / "err").read_text()
        if not self.is_there():
            return "no store yet", "an append was reported, but there is no store" if reported else self._next(size)
        verdict, export = run("verify", self.store), run("export", self.store)
        names = [json.loads(line)["node"] for line in export.out.splitlines()]
        found = len(names) - self.known
        what = f"{'reported' if reported else 'not reported'}, {'there' if found else 'not there'}"
        if verdict.code:
            return what, f"verify: {verdict.out!r} {verdict.err}"
        if names != [f"n{n}" for n in range(len(names))] or found not in (0, size):
            return what, f"{found} of {size} events are there"
        if reported and not found:
            return what, "an append was reported, but it is not there"
        self.known = len(names)
        return what, self._next(size)

    def _next(self, size: int) -> str | None:
        """The next append must work, and so must the same one again, as somebody would do who got no answer."""
        for expected in (f"appended {size}, duplicates 0", f"appended 0, duplicates {size}"):
            ran = run(*self.arguments(size))
            if ran.code or expected not in ran.err:
                return f"the next append: {ran}"
        self.known += size
        return None

    def clear(self) -> None:
        """Begin anew."""
        for path in self.folder.iterdir():
            path.unlink()
        self.known = 0


# --- every point ----------------------------------------------------------------------------------------------------


def killing(point: int) -> Callable[..., None]:
    """A function that kills its process when it is called for the n-th time."""
    steps = iter(range(1, point))

    def step(*_: object) -> None:
        if next(steps, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def dies_at(point: int) -> Callable[[], None]:
    """Makes a process kill itself at its n-th step on the way to the disk."""
    step = killing(point)

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            step()
            return function(*arguments, **options)

        return call

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = _connect(*arguments, **options)
        connection.set_trace_callback(step)
        return connection

    def prepare() -> None:
        sqlite3.connect = connect
        for name in ("link", "unlink", "fsync", "open"):
            setattr(os, name, wrapped(getattr(os, name)))

    return prepare


_connect = sqlite3.connect


def points(folder: Path, size: int, new: bool, report: Report, step: int = 1) -> None:
    """Kill a writer at each point of one append, to a new store or to one that is there."""
    kill_at_points(Site(folder), size, new, report, step, dies_at)


def kill_at_points(
    site: Site, size: int, new: bool, report: Report, step: int, dies: Callable[[int], Callable[[], None]]
) -> None:
    """The same with a store of any kind; ``dies`` makes a writer kill itself at its n-th step."""
    point, code = 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        point += step
        if new:
            site.clear()
        elif not site.is_there():
            run(*site.arguments(3))
            site.known = 3
        number = writer(site.folder, site.arguments(size), dies(point))
        code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        what, failure = site.check(size)
        where = f"{'one event' if size == 1 else 'bulk'}, {'new store' if new else 'store is there'}"
        if code == -signal.SIGKILL:
            report.count(f"killed at a step, {where}: {what}", failure and f"step {point}, {where}: {failure}")
        elif failure or code:
            report.failures.append(f"step {point} was not reached, {where}: exit {code}, {failure}")


# --- random moments -------------------------------------------------------------------------------------------------


def moments(folder: Path, rounds: int, seed: int, report: Report) -> None:
    """Kill writers at random moments: single and bulk appends, to a new store in one round of four."""
    site, chance, longest = Site(folder), random.Random(seed), 0.02
    for _ in range(rounds):
        size, new = chance.choice((1, BULK)), chance.random() < 0.25
        if new:
            site.clear()
        is_there = site.is_there()
        number = writer(folder, site.arguments(size), lambda: None)
        time.sleep(chance.uniform(0, longest))
        os.kill(number, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        longest = max(0.005, longest * (1.02 if code else 0.96))  # about two of three are killed
        what, failure = site.check(size)
        where = f"{'one event' if size == 1 else 'bulk'}, {'store is there' if is_there else 'new store'}"
        how = "killed at a moment" if code == -signal.SIGKILL else "had ended before the kill"
        if code not in (0, -signal.SIGKILL):
            failure = failure or f"the writer ended by itself, with exit code {code}"
        report.count(f"{how}, {where}: {what}", failure)


def campaign(folder: Path, rounds: int, seed: int) -> Report:
    """All points, then so many random moments."""
    report = Report()
    for size in (1, BULK):
        for new in (True, False):
            place = folder / f"{size}-{new}"
            place.mkdir()
            points(place, size, new, report)
    place = folder / "moments"
    place.mkdir()
    moments(place, rounds, seed, report)
    return report


if __name__ == "__main__":
    with TemporaryDirectory() as here:
        script(__doc__, 3_000, lambda rounds, seed: campaign(Path(here), rounds, seed))
