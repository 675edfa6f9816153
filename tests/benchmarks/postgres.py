"""What a store on a server costs, beside psycopg alone doing the same rows and commits, and beside a file.

Rounds of all ways take turns, so that whatever else the machine does meets each of them; a ratio is that of one round,
and the median of the rounds is printed. A server of its own is started, with fsync as servers have it.

    python tests/benchmarks/postgres.py --rounds 9 --seconds 0.7
"""

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import psycopg
from benchmarks.logs import write
from support.postgres_server import Server

from cti_es.logs.append import AppendOptions
from cti_es.logs.ndjson import read_events
from cti_es.logs.open import make_or_append, open_log, parse_address
from cti_es.logs.reading import resumed_at_end
from cti_es.logs.store.base import Head, new_rows
from cti_es.logs.store.postgres import PostgresStore
from cti_es.vocabulary.events import NodeFailed

AT = "2026-01-01T08:00:00Z"
BATCH = 100

RAW_COUNTER = (
    "UPDATE raw.logs SET position = position + 1, version = version + %s, hash = %s WHERE log = %s RETURNING version"
)
RAW_ROW = "INSERT INTO raw.batches VALUES (%s,%s,%s,%s,convert_from(%b,'UTF8'),%s,%s,%s)"
RAW_IDS = "INSERT INTO raw.ids SELECT %s, * FROM unnest(%s::text[], %s::bigint[])"
RAW_TABLES = """\
DROP SCHEMA IF EXISTS raw CASCADE; CREATE SCHEMA raw;
CREATE TABLE raw.logs (log text COLLATE "C" PRIMARY KEY, position bigint, version bigint, hash text);
CREATE TABLE raw.batches (position bigint, log text COLLATE "C", version bigint, count bigint, events text,
  recorded_at text, source text, hash text, PRIMARY KEY (log, version));
CREATE TABLE raw.ids (log text COLLATE "C", id text COLLATE "C", version bigint, PRIMARY KEY (log, id))"""

# --- single appends -------------------------------------------------------------------------------------------------


def ours(address: str, log: str, number: int, size: int) -> Callable[[int], None]:
    """One transaction of a store: so many events, each with an id."""
    store = PostgresStore(address, write=True)

    def step(turn: int) -> None:
        events = [NodeFailed(node="cm1", at=AT, id=f"{number}/{turn}/{index}") for index in range(size)]
        with store.writing(log) as writer:
            writer.write(events, AT, "benchmark")

    return step


def raw(address: str, log: str, number: int, size: int) -> Callable[[int], None]:
    """The same rows and the same commit, by hand: a counter, a row and its ids. The chain is not computed in order."""
    connection = psycopg.connect(address, autocommit=True)
    connection.execute("INSERT INTO raw.logs VALUES (%s, 0, 0, '') ON CONFLICT DO NOTHING", (log,))

    def step(turn: int) -> None:
        events = [NodeFailed(node="cm1", at=AT, id=f"{number}/{turn}/{index}") for index in range(size)]
        (row,) = new_rows(Head(), 1, log, events, AT, "benchmark")
        with connection.transaction():
            (last,) = connection.execute(RAW_COUNTER, (size, row.hash, log)).fetchone() or (0,)
            connection.execute(RAW_ROW, (1, log, last - size + 1, *row[3:]))
            ids = [event.id for event in events]
            connection.execute(RAW_IDS, (log, ids, list(range(last - size + 1, last + 1))))

    return step


def _work(make: Any, arguments: tuple[Any, ...], start: Any, seconds: float, done: Any) -> None:
    step = make(*arguments)
    step(0)
    start.wait()
    turn, end = 1, time.perf_counter() + seconds
    while time.perf_counter() < end:
        step(turn)
        turn += 1
    done.put(turn - 1)


def rate(make: Any, address: str, writers: int, logs: int, size: int, seconds: float) -> float:
    """Appends a second of so many processes on so many logs together."""
    context = multiprocessing.get_context("fork")
    start, done, unique = context.Barrier(writers), context.Queue(), time.time_ns()
    processes = [
        context.Process(
            target=_work, args=(make, (address, f"log{n % logs}", f"{unique}-{n}", size), start, seconds, done)
        )
        for n in range(writers)
    ]
    for process in processes:
        process.start()
    total = sum(done.get() for _ in processes)
    for process in processes:
        process.join()
    return total / seconds


def in_turns(address: str, size: int, seconds: float) -> list[float]:
    """The rates of one writer, ours and by hand, who take turns with each append."""
    unique = time.time_ns()
    steps = [make(address, "turns", str(unique), size) for make in (ours, raw)]
    took: list[list[float]] = [[], []]
    turn, end = 0, time.perf_counter() + 2 * seconds
    while time.perf_counter() < end or turn < 5:
        for step, times in zip(steps, took, strict=True):
            times.append(timed(lambda: step(turn)))  # noqa: B023
        turn += 1
    return [1 / median(times[1:]) for times in took]


CASES = {
    "1 writer": (1, 1, 1),
    "8 writers on one log": (8, 1, 1),
    "8 writers on eight logs": (8, 8, 1),
    f"1 writer, batches of {BATCH}": (1, 1, BATCH),
}
"""What it is called → writers, logs, events in an append."""


def appends(address: str, rounds: int, seconds: float) -> Iterator[str]:
    """A line for each case."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(RAW_TABLES)
    for name, (writers, logs, size) in CASES.items():
        pairs: list[list[float]] = []
        for number in range(rounds):
            if writers == 1:
                pairs.append(in_turns(address, size, seconds))
                continue
            ways = (ours, raw) if number % 2 else (raw, ours)
            rates = [rate(way, address, writers, logs, size, seconds) for way in ways]
            pairs.append(rates if number % 2 else rates[::-1])
        mine, theirs = (median(one) for one in zip(*pairs, strict=True))
        ratios = sorted(one / other for one, other in pairs)
        yield (f"| {name} | {mine:,.0f} | {theirs:,.0f} | {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |")


# --- a whole log ----------------------------------------------------------------------------------------------------


class Events:
    """The events of a file, as append takes them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Any]:
        with self._path.open("rb") as stream:
            yield from read_events(stream, "benchmark")


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def whole(address: str, rounds: int, events: int) -> Iterator[str]:
    """A log appended as a whole and replayed, on the server and in a file, in turns."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events.ndjson"
        write(path, events)
        took: dict[tuple[str, str], list[float]] = {}
        for number in range(rounds):
            for kind, store in (("server", address), ("file", f"{folder}/{number}.db")):
                source = parse_address(f"{store}#whole{number}")
                options = AppendOptions(source="benchmark")
                took.setdefault(("append", kind), []).append(
                    timed(lambda: make_or_append(source, Events(path), options))  # noqa: B023
                )
                took.setdefault(("replay", kind), []).append(timed(lambda: _replayed(source)))  # noqa: B023
        for what in ("append", "replay"):
            mine, theirs = took[what, "server"], took[what, "file"]
            ratios = sorted(other / one for one, other in zip(mine, theirs, strict=True))
            yield (
                f"| {what} {events:,} events | {events / median(mine):,.0f} | {events / median(theirs):,.0f} |"
                f" {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
            )


def _replayed(source: Any) -> None:
    with open_log(f"{source.store}#{source.log}") as log:
        log.snapshot = lambda **_: None  # from the first event
        resumed_at_end(log)


def memory(address: str) -> Iterator[str]:
    """How much more memory a reader of all rows takes for a log that is ten times as long."""
    for log, rows in (("short", 200), ("long", 2_000)):
        with closing(PostgresStore(address, write=True)) as store:
            for start in range(0, rows, 100):
                with store.writing(log) as writer:
                    for turn in range(start, start + 100):
                        events = [NodeFailed(node=f"cm{turn}-{n}", at=AT) for n in range(500)]
                        writer.write(events, AT, "benchmark")
        context = multiprocessing.get_context("spawn")
        done = context.Queue()
        process = context.Process(target=_read, args=(address, log, done))
        process.start()
        yield f"Reading {rows * 500:,} events: {done.get() / 1024:,.0f} MiB at most."
        process.join()


def _read(address: str, log: str, done: Any) -> None:
    with closing(PostgresStore(address)) as store:
        for _ in store.rows(log):
            pass
    done.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.7)
    parser.add_argument("--events", type=int, default=200_000)
    options = parser.parse_args()
    server = Server()
    try:
        print("| appends a second | cti-es | psycopg | ratio, median (range) |\n|---|---|---|---|")
        for line in appends(server.url(), options.rounds, options.seconds):
            print(line, flush=True)
        print("\n| events a second | server | file | ratio, median (range) |\n|---|---|---|---|")
        for line in whole(server.url(), min(options.rounds, 3), options.events):
            print(line, flush=True)
        print()
        for line in memory(server.url()):
            print(line, flush=True)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
