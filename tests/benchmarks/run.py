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
from random import Random
from tempfile import mkdtemp

import eventsourced
import traces
import whole_tsp
from logs import write

from cti_es.logs.append import AppendOptions, append
from cti_es.logs.ndjson import read_events
from cti_es.logs.store import SqliteStore
from cti_es.logs.store.sqlite_new import create
from cti_es.model.replay import Replay
from cti_es.vocabulary.events import decode_events

ROUNDS = 3
Row = tuple[str, str, str]

_CTI_ES = (sys.executable, "-m", "cti_es_cli")


def main() -> None:
    """Run the benchmarks and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--big", action="store_true")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    folder = Path(mkdtemp(prefix="cti-es-bench-"))
    try:
        rows = _speed(folder, options.events) + _whole_tsp(folder, options.events) + _start_up(folder)
        rows += _edits_found(folder) + _beside_diff(folder, options.events)
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


def best(work: Callable[[], object], rounds: int = ROUNDS, clock: Callable[[], float] = time.perf_counter) -> float:
    """The shortest time of some rounds, in seconds."""
    times = []
    for _ in range(rounds):
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)


# --- speed ----------------------------------------------------------------------------------------------------------


def _speed(folder: Path, events: int) -> list[Row]:
    log, path = folder / "events.ndjson", folder / "site.db"
    write(log, events)

    def appended() -> None:
        path.unlink(missing_ok=True)
        with log.open("rb") as file:
            create(path, lambda store: append(store, "default", read_events(file, log.name), AppendOptions()))

    append_time = best(appended)
    store = SqliteStore(path)
    floor = best(lambda: read(store))
    replay = best(lambda: replayed(store))
    store.close()
    command = best(lambda: _cti_es("append", str(folder / "cli.db"), "--from", str(log), before=folder / "cli.db"), 2)
    save, get = eventsourced.seconds(folder)
    return [
        ("append from a file, all checks (library)", _rate(events, append_time), "≥ 400,000/s"),
        ("`cti-es append --from`, start-up included", _rate(events, command), ""),
        ("eventsourcing: `save`", _rate(eventsourced.EVENTS, save), ""),
        ("floor: read the rows and decode them", _rate(events, floor), ""),
        ("replay from the store", f"{_rate(events, replay)}, {replay / floor:.2f} × the floor", "≤ 4 ×"),
        ("eventsourcing: `repository.get`", _rate(eventsourced.EVENTS, get), ""),
    ]


def _rate(events: int, seconds: float) -> str:
    return f"{events / seconds:,.0f} events/s"


def read(store: SqliteStore) -> None:
    """Read the rows and decode them: the floor of a replay."""
    for row in store.rows("default"):
        decode_events(row.events)


def replayed(store: SqliteStore) -> Replay:
    """Replay the log."""
    replay = Replay()
    for row in store.rows("default"):
        replay.advance(decode_events(row.events))
        replay.taken_misfits()
    return replay


def _whole_tsp(folder: Path, events: int) -> list[Row]:
    """The same log with every twentieth event one of docs/reference/tsp.md, beside the one without, by turns; CPU time."""
    log, path = folder / "tsp.ndjson", folder / "tsp.db"
    whole_tsp.write(log, events)
    with log.open("rb") as file:
        create(path, lambda store: append(store, "default", read_events(file, log.name), AppendOptions()))
    plain, mixed = SqliteStore(folder / "site.db"), SqliteStore(path)
    times = [
        [best(lambda store=store: replayed(store), 1, time.process_time) for store in (plain, mixed)]
        for _ in range(ROUNDS)
    ]
    plain.close()
    mixed.close()
    without, with_ = (min(column) for column in zip(*times, strict=True))
    return [
        (
            "replay with 5 % of the events of the whole TSP",
            f"{_rate(events, with_)}, {with_ / without:.2f} × without",
            "≤ 1.5 ×",
        )
    ]


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
    subprocess.run([*_CTI_ES, *arguments], check=True, capture_output=True)


# --- diff -----------------------------------------------------------------------------------------------------------

SEEDS = range(1, 6)
EDITS = 20


def _edits_found(folder: Path) -> list[Row]:
    """Known edits, at random: whether each is reported as what it is, in order, and nothing else is."""
    left, right, times = folder / "left.ndjson", folder / "right.ndjson", []
    right_ones = others = firsts = shuffled = 0
    for random in map(Random, SEEDS):
        expected = traces.trace(random, 100_000, 2_000)
        actual, edits = traces.injected(expected, random, EDITS)
        traces.write(left, expected)
        traces.write(right, actual)
        start = time.perf_counter()
        differences = _differences(left, right)
        times.append(time.perf_counter() - start)
        right_ones += len(set(edits) & set(differences))
        others += len(set(differences) - set(edits))
        firsts += differences[:1] == edits[:1]
        traces.write(right, traces.interleaved(expected, random))
        shuffled += len(_differences(left, right))
    made, seeds = EDITS * len(SEEDS), len(SEEDS)
    return [
        (
            f"`cti-es diff`: {EDITS} edits in 100,000 messages on 2,000 channels, {seeds} seeds",
            f"{right_ones} of {made} found, {others} others; first report right in {firsts} of {seeds};"
            f" {min(times):.2f} s",
            "all, no others",
        ),
        ("`cti-es diff`: the same messages, shuffled across channels", f"{shuffled} differences", "0"),
    ]


def _beside_diff(folder: Path, messages: int) -> list[Row]:
    """Two long traces, beside ``diff -u`` of the same files."""
    left, right, random = folder / "left.ndjson", folder / "right.ndjson", Random(1)
    expected = traces.trace(random, messages, 2_200)
    actual, edits = traces.injected(expected, random, 100)
    traces.write(left, expected)
    traces.write(right, actual)
    del expected, actual
    files, found = (str(left), str(right)), []
    # By turns: what else runs on the machine meets both.
    turns = [
        (
            best(lambda: subprocess.run(["diff", "-u", *files], check=False, stdout=subprocess.DEVNULL), 1),
            best(lambda: found.append(_differences(left, right) == edits), 1),
        )
        for _ in range(ROUNDS)
    ]
    theirs, ours = map(min, zip(*turns, strict=True))
    megabytes = [_peak(*command, *files) / 1024 for command in (("diff", "-u"), (*_CTI_ES, "diff"))]
    return [
        (f"`diff -u`: {messages:,} messages, 100 edits", f"{theirs:.2f} s, {megabytes[0]:,.0f} MiB", ""),
        ("`cti-es diff` of the same files", f"{ours:.2f} s, {ours / theirs:.1f} × `diff -u`", "≤ 6 ×"),
        ("its peak memory", f"{megabytes[1]:,.0f} MiB", "≤ 1.5 GB"),
        ("its differences", "exactly the edits, in order" if all(found) else "not the edits", "the edits"),
    ]


def _differences(left: Path, right: Path) -> list[traces.Edit]:
    command = [*_CTI_ES, "diff", str(left), str(right), "--max", "1000", "--ndjson"]
    return traces.reported(subprocess.run(command, check=False, capture_output=True).stdout)


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
    small_kb, big_kb = (_peak(*_CTI_ES, "replay", str(folder / name), "--digest") for name in ("small.db", "big.db"))
    return [
        (f"append {BIG:,} events", _rate(BIG, took), ""),
        (f"peak memory of a replay, {events:,} events", f"{small_kb / 1024:.0f} MiB", ""),
        (
            f"peak memory of a replay, {BIG:,} events",
            f"{big_kb / 1024:.0f} MiB, {big_kb / small_kb:.2f} ×",
            "≤ 1.2 ×",
        ),
    ]


def _peak(*command: str) -> int:
    """The most memory that a command takes, in KiB."""
    code = (
        "import resource, subprocess, sys;"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True)
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
