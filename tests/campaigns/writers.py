"""Eight processes append to one store, others follow it: nothing is lost, torn or seen twice.

Every event has an id that says who sent it and when. Afterwards each must be in the log once, those of one process in
the order in which it sent them, those of one file next to each other, and what followers printed must be what a reader
prints who comes later.

    python tests/campaigns/writers.py --rounds 20 --seed 1
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import sqlite_utils.migrations  # noqa: F401 (processes are forked: what they need is imported once)
from campaigns.running import Ran, Report, run, script

import cti_es.logs.store.base
from cti_es_cli.commands import append as _append  # noqa: F401
from cti_es_cli.commands import log as _log  # noqa: F401
from cti_es_cli.commands import replay as _replay  # noqa: F401
from cti_es_cli.main import main

PROCESSES = 8
AT = "2026-01-01T08:00:00Z"
BULK = 20
ROW = 7
"""Events in a row: a file of BULK events takes several."""

PATIENCE = 60.0
SITE = [
    *({"type": "node_added", "node": f"cm{n}"} for n in range(3)),
    *({"type": "device_added", "device": f"P{n}", "kind": "cti_port", "lines": [f"50{n}"]} for n in range(4)),
    *({"type": "device_opened", "device": f"P{n}"} for n in range(4)),
]

# --- processes ------------------------------------------------------------------------------------------------------


def together(folder: Path, work: Callable[[int], Any], meanwhile: Callable[[], None] = lambda: None) -> list[Any]:
    """Run ``work(number)`` in eight processes that begin at one moment; what each of them returns."""
    ready, go = os.pipe()
    children = []
    for number in range(PROCESSES):
        if child := os.fork():
            children.append(child)
            continue
        try:
            os.close(go)
            cti_es.logs.store.base.ROW_EVENTS = ROW
            os.read(ready, 1)
            (folder / f"result{number}").write_text(json.dumps(work(number)))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    os.close(ready)
    os.close(go)
    meanwhile()
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * PROCESSES
    return [json.loads((folder / f"result{number}").read_text()) for number in range(PROCESSES)]


class Follower:
    """``log --follow`` or ``replay --follow`` in a process of its own; its output goes to a file."""

    def __init__(self, folder: Path, command: str, source: str, number: int) -> None:
        self.command = command
        self._file = folder / f"followed{number}"
        self._file.touch()
        self._child = os.fork() or self._follow(source)

    def _follow(self, source: str) -> int:
        try:
            os.dup2(os.open(self._file, os.O_WRONLY | os.O_APPEND), 1)
            os.dup2(os.open(f"{self._file}-errors", os.O_WRONLY | os.O_CREAT), 2)
            sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115
            signal.signal(signal.SIGINT, signal.default_int_handler)
            main([self.command, source, "--follow", "--ndjson"])
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(int(end.code or 0))
        finally:
            os._exit(99)

    def end(self, expected: bytes) -> str | None:
        """Wait until it has printed as much as is expected, press Ctrl-C; what is wrong with what it printed."""
        deadline = time.monotonic() + PATIENCE
        while self._file.stat().st_size < len(expected) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(self._child, signal.SIGINT)
        code = os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])
        printed = self._file.read_bytes()
        if code or printed != expected:
            lines, wanted = printed.count(b"\n"), expected.count(b"\n")
            return f"{self.command} --follow: exit {code}, {lines} lines instead of {wanted}: {printed[-300:]!r}"
        return None


# --- what the processes do ------------------------------------------------------------------------------------------


def _event(number: int, turn: int, index: int) -> dict[str, str]:
    kind = ("node_failed", "node_recovered")[(turn + index) % 2]
    return {"type": kind, "node": f"cm{(number + turn) % 3}", "at": AT, "id": f"{number}/{turn}/{index}"}


def _arguments(folder: Path, source: str, number: int, turn: int, is_bulk: bool) -> list[str]:
    if not is_bulk:
        event = _event(number, turn, 0)
        fields = [f"{name}={value}" for name, value in event.items() if name != "type"]
        return ["append", source, event["type"], *fields, "--allow-misfits"]
    file = folder / f"events{number}.ndjson"
    file.write_text("\n".join(json.dumps(_event(number, turn, index)) for index in range(BULK)))
    return ["append", source, "--from", str(file), "--allow-misfits"]


def appending(folder: Path, source: str, turns: int, seed: int) -> Callable[[int], dict[str, Any]]:
    """What each process does: single and bulk appends, a third of them with --expect and repeated on a conflict."""

    def work(number: int) -> dict[str, Any]:
        chance = random.Random(f"{seed} {number}")
        sent, conflicts, strange = [], 0, []
        for turn in range(turns):
            is_bulk, expects = chance.random() < 0.4, chance.random() < 0.3
            arguments = _arguments(folder, source, number, turn, is_bulk)
            ran = _expecting(source, arguments) if expects else run(*arguments)
            while ran.code == 2 and "nothing was stored" in ran.err:
                conflicts += 1
                ran = _expecting(source, arguments)
            if ran.code or f"appended {BULK if is_bulk else 1}, duplicates 0" not in ran.err:
                strange.append(str(ran))
            sent.append([f"{number}/{turn}/{index}" for index in range(BULK if is_bulk else 1)])
        return {"sent": sent, "conflicts": conflicts, "strange": strange}

    return work


def _expecting(source: str, arguments: list[str]) -> Ran:
    """Append at the version at which the log is now; somebody else may be quicker."""
    logs = [json.loads(line) for line in run("logs", source.rpartition("#")[0], "--ndjson").out.splitlines()]
    version = next((log["versions"] for log in logs if log["log"] == source.rpartition("#")[2]), 0)
    return run(*arguments, "--expect", str(version))


# --- rounds ---------------------------------------------------------------------------------------------------------


def crowd(folder: Path, turns: int, seed: int, report: Report, followers: int = 2, store: str = "") -> None:
    """Eight writers on two logs of one store, with followers of both kinds on the first of them."""
    store = store or str(folder / "site.db")
    sources = [f"{store}#first", f"{store}#second"]
    lines = "\n".join(json.dumps({**event, "at": AT}) for event in SITE).encode()
    for source in sources:
        assert run("append", source, "--from", "-", stdin=lines).code == 0
    following = [Follower(folder, ("log", "replay")[n % 2], sources[0], n) for n in range(followers)]
    done = together(folder, lambda number: appending(folder, sources[number % 4 == 3], turns, seed)(number))
    for number, one in enumerate(done):
        report.counts["appends that were refused with exit 2 because of --expect, and repeated"] += one["conflicts"]
        report.counts["appends of eight processes"] += len(one["sent"])
        report.counts["events of eight processes"] += sum(map(len, one["sent"]))
        report.failures += [f"process {number}: {text}" for text in one["strange"]]
    for index, source in enumerate(sources):
        sent = [one["sent"] for number, one in enumerate(done) if (number % 4 == 3) == index]
        report.count("logs that were whole afterwards", _whole(source, sent))
    for one in following:
        report.count(f"followers of {one.command}", one.end(run(one.command, sources[0], "--ndjson").out))
    verdict = run("verify", store)
    report.count("stores without a fault", None if verdict.code == 0 else f"verify: {verdict.out!r}")


def _whole(source: str, sent: list[list[list[str]]]) -> str | None:
    rows = [json.loads(line) for line in run("log", source, "--ndjson").out.splitlines()]
    if [row["version"] for row in rows] != list(range(1, len(rows) + 1)):
        return f"{source}: there is a gap in the versions"
    place = {row["id"]: row["version"] for row in rows if "id" in row}
    if len(place) != len(rows) - len(SITE) or set(place) != {one for turns in sent for turn in turns for one in turn}:
        return f"{source}: {len(place)} ids of {len(rows)} events; lost or doubled"
    for turns in sent:
        for turn in turns:
            if [place[one] for one in turn] != list(range(place[turn[0]], place[turn[0]] + len(turn))):
                return f"{source}: something stands between the events of {turn[0]}"
        if any(place[before[0]] > place[after[0]] for before, after in pairwise(turns)):
            return f"{source}: the order of {turns[0][0]}"
    return None


def creation(folder: Path, is_bulk: bool, report: Report, server: str = "") -> None:
    """Eight processes make one store at one moment, each with its own events."""
    for path in folder.iterdir():
        path.unlink()
    store = server or str(folder / "new.db")
    done = together(folder, lambda number: run(*_arguments(folder, store, number, 0, is_bulk))[1::2])
    ids = [json.loads(line)["id"] for line in run("export", store).out.splitlines()]
    expected = sorted(f"{number}/0/{index}" for number in range(PROCESSES) for index in range(BULK if is_bulk else 1))
    # SQLite's -wal and -shm may stay: of two connections that close at one moment neither is the last one.
    ours = {path.name.removesuffix("-wal").removesuffix("-shm") for path in folder.iterdir()}
    left = sorted(name for name in ours if name.startswith((".", "new")))
    wrong = (
        sorted(ids) != expected
        or [code for code, _ in done] != [0] * PROCESSES
        or left != ([] if server else ["new.db"])
    )
    wrong = wrong or run("verify", store).code != 0
    report.count("stores that eight processes made together", f"{done}, {ids}, {left}" if wrong else None)


def one_wins(folder: Path, report: Report, store: str = "") -> None:
    """Eight processes that expect the same version of a new store: one is served, seven are refused with exit 2."""
    store = store or str(folder / "race.db")
    run("append", store, "node_added", "node=cm1", f"at={AT}")
    done = together(folder, lambda number: run("append", store, "node_added", f"node=n{number}", "--expect", "1")[1::2])
    won = [code for code, _ in done].count(0)
    refused = [said for code, said in done if code == 2 and "nothing was stored" in said]
    there = run("export", store).out.count(b"\n")
    right = (won, len(refused), there) == (1, PROCESSES - 1, 2)
    report.count("races of eight for one version, won by one", None if right else str(done))


def campaign(folder: Path, rounds: int, seed: int, turns: int = 25) -> Report:
    """So many rounds of everything."""
    report = Report()
    for number in range(rounds):
        places = [folder / f"{number}-{name}" for name in ("crowd", "creation", "race")]
        for place in places:
            place.mkdir()
        crowd(places[0], turns, seed + number, report)
        creation(places[1], bool(number % 2), report)
        one_wins(places[2], report)
    return report


if __name__ == "__main__":
    with TemporaryDirectory() as here:
        script(__doc__, 20, lambda rounds, seed: campaign(Path(here), rounds, seed))
