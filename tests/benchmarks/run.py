"""Measure cti-es, side by side in one run: ``python tests/benchmarks/run.py [--events N] [--big] [-o FILE]``.

Needs the dev extra (eventsourcing). ``--big`` adds the log of ten million events (memory, answers from snapshots); it
takes some minutes and 3 GB of disk. Machines are shared and noisy: read the ratios, and run it twice.
"""

import argparse
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from logs import write

from cti_es.append import Options, append
from cti_es.events import decode_events
from cti_es.formats.eventlog import read_events
from cti_es.replay import Replay
from cti_es.store import SqliteStore
from cti_es.store.sqlite import create

ROUNDS = 3
SIDE_BY_SIDE = 50_000
"""Events given to the eventsourcing library; its rates do not depend on the number."""

Row = tuple[str, str, str]


def main() -> None:
    """Run the benchmarks and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--big", action="store_true")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    folder = Path(mkdtemp(prefix="cti-es-bench-"))
    try:
        rows = _speed(folder, options.events) + _start_up(folder)
        if options.big:
            rows += _memory(folder, options.events) + _answers(folder)
    finally:
        shutil.rmtree(folder)
    text = "\n".join([_machine(), "", "| what | measured | to reach |", "|---|---|---|", *map(_line, rows), ""])
    print(text)
    if options.output:
        options.output.write_text(text)


def _machine() -> str:
    return (
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores,"
        f" best of {ROUNDS} rounds"
    )


def _line(row: Row) -> str:
    return f"| {' | '.join(row)} |"


def best(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The shortest time of some rounds, in seconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


# --- speed ----------------------------------------------------------------------------------------------------------


def _speed(folder: Path, events: int) -> list[Row]:
    log, path = folder / "events.ndjson", folder / "site.db"
    write(log, events)

    def appended() -> None:
        path.unlink(missing_ok=True)
        with log.open("rb") as file:
            create(path, lambda store: append(store, "default", read_events(file, log.name), Options()))

    append_time = best(appended)
    store = SqliteStore(path)
    floor = best(lambda: _floor(store))
    replayed = best(lambda: _replayed(store))
    store.close()
    command = best(lambda: _cti_es("append", str(folder / "cli.db"), "--from", str(log), before=folder / "cli.db"), 2)
    save, get = _eventsourcing(folder)
    return [
        ("append from a file, all checks (library)", _rate(events, append_time), "≥ 400,000/s"),
        ("`cti-es append --from`, start-up included", _rate(events, command), ""),
        ("eventsourcing: `save`", _rate(SIDE_BY_SIDE, save), ""),
        ("floor: read the rows and decode them", _rate(events, floor), ""),
        ("replay from the store", f"{_rate(events, replayed)}, {replayed / floor:.2f} × the floor", "≤ 4 ×"),
        ("eventsourcing: `repository.get`", _rate(SIDE_BY_SIDE, get), ""),
    ]


def _rate(events: int, seconds: float) -> str:
    return f"{events / seconds:,.0f} events/s"


def _floor(store: SqliteStore) -> None:
    for row in store.rows("default"):
        decode_events(row.events)


def _replayed(store: SqliteStore) -> None:
    replay = Replay()
    for row in store.rows("default"):
        for _ in replay.messages(decode_events(row.events)):
            pass


def _eventsourcing(folder: Path) -> tuple[float, float]:
    """The same call events as one aggregate of the eventsourcing library, on SQLite."""
    from eventsourcing.application import Application
    from eventsourcing.domain import Aggregate, event

    class Calls(Aggregate):
        def __init__(self) -> None:
            self.active: dict[str, str] = {}

        @event("Started")
        def started(self, call: str, device: str, at: str) -> None:
            self.active[call] = device

        @event("Ended")
        def ended(self, call: str, device: str, at: str) -> None:
            del self.active[call]

    class Cluster(Application):
        pass

    settings = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / "eventsourcing.db")}
    application = Cluster(env=settings)
    calls = Calls()
    start = time.perf_counter()
    for number in range(0, SIDE_BY_SIDE, 1_000):
        for call in range(number, number + 1_000, 2):
            calls.started(f"c{call}", "CTIP0001", "2026-01-01T00:00:00Z")
            calls.ended(f"c{call}", "CTIP0001", "2026-01-01T00:00:01Z")
        application.save(calls)
    save = time.perf_counter() - start
    get = best(lambda: application.repository.get(calls.id), 1)
    application.close()
    return save, get


# --- start-up -------------------------------------------------------------------------------------------------------


def _start_up(folder: Path) -> list[Row]:
    store = folder / "one.db"
    _cti_es("append", str(store), "node_added", "node=cm0")
    numbers = iter(range(1, 1_000))
    python = best(lambda: subprocess.run([sys.executable, "-c", ""], check=True), 10)
    help_ = best(lambda: _cti_es("--help"), 10)
    one = best(lambda: _cti_es("append", str(store), "node_added", f"node=cm{next(numbers)}"), 10)
    new = best(lambda: _cti_es("append", str(folder / "new.db"), "node_added", "node=cm", before=folder / "new.db"), 5)
    return [
        ("an empty Python", _ms(python), ""),
        ("`cti-es --help`", _ms(help_), "< 150 ms"),
        ("`cti-es append` of one event", _ms(one), "< 250 ms"),
        ("`cti-es append` of one event into a new store", _ms(new), ""),
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _cti_es(*arguments: str, before: Path | None = None) -> None:
    if before:
        before.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "cti_es_cli", *arguments], check=True, capture_output=True)


# --- the big log ----------------------------------------------------------------------------------------------------

BIG = 10_000_000


def _memory(folder: Path, events: int) -> list[Row]:
    big = folder / "big.ndjson"
    write(big, BIG)
    start = time.perf_counter()
    _cti_es("append", str(folder / "big.db"), "--from", str(big))
    took = time.perf_counter() - start
    big.unlink()
    _cti_es("append", str(folder / "small.db"), "--from", str(folder / "events.ndjson"))
    small_kb, big_kb = _peak(folder / "small.db"), _peak(folder / "big.db")
    return [
        (f"append {BIG:,} events", _rate(BIG, took), ""),
        (f"peak memory of a replay, {events:,} events", f"{small_kb / 1024:.0f} MiB", ""),
        (
            f"peak memory of a replay, {BIG:,} events",
            f"{big_kb / 1024:.0f} MiB, {big_kb / small_kb:.2f} ×",
            "≤ 1.2 ×",
        ),
    ]


def _peak(store: Path) -> int:
    """The most memory that ``replay --digest`` of a store takes, in KiB."""
    code = (
        "import resource, subprocess, sys;"
        "subprocess.run([sys.executable, '-m', 'cti_es_cli', 'replay', sys.argv[1], '--digest'], check=True,"
        " stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(store)], check=True, capture_output=True, text=True)
    return int(done.stdout)


def _answers(folder: Path) -> list[Row]:
    """Commands on the big log that answer from snapshots, start-up included."""
    store = str(folder / "big.db")
    commands = (
        ("homes", store),
        ("homes", store, "--as-of", "7654321"),
        ("homes", store, "--as-of", "2026-01-08T03:04:05Z"),
        ("explain", store, "--device", "CTIP0007"),
        ("explain", store, "200000"),
        ("replay", store, "--from-version", str(BIG - 10)),
        ("append", store, "call_started", "call=bench", "device=CTIP0007", "--dry-run"),
    )
    return [
        (
            f"`cti-es {' '.join(words).replace(store, 'big.db')}`",
            _ms(best(lambda words=words: _cti_es(*words))),
            "< 500 ms",
        )
        for words in commands
    ]


if __name__ == "__main__":
    main()
