"""How fast each shape of log is appended and replayed, beside its floor: a Markdown table, the worst shape first.

    python tests/benchmarks/shapes.py [--events 500000] [--only WORD]

The floor of a shape is reading its rows from the store and decoding them, nothing else. Times are processor time, the
median of some rounds in which floor and replay take turns.
"""

import argparse
import time
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from logs import SHAPES, Shape, write
from run import best, read, replayed

from cti_es.logs.append import AppendOptions, append
from cti_es.logs.ndjson import read_events
from cti_es.logs.store import SqliteStore
from cti_es.logs.store.sqlite_new import create

ROUNDS = 5

seconds = partial(best, rounds=1, clock=time.process_time)
"""Processor time of some work, done once."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--only", default="", help="shapes with this word in their name")
    options = parser.parse_args()
    rows = []
    for name, shape in SHAPES.items():
        if options.only in name:
            with TemporaryDirectory() as folder:
                rows.append((name, *measured(Path(folder), shape, options.events)))
    rows.sort(key=lambda row: row[2] / row[3])
    print("| shape | append | replay | × floor | messages |\n|---|---|---|---|---|")
    for name, append_rate, replay_rate, floor, messages in rows:
        rates = f"{append_rate / 1000:,.0f} k/s | {replay_rate / 1000:,.0f} k/s | {floor / replay_rate:.1f}"
        print(f"| {name} | {rates} | {messages:,} |")


def measured(folder: Path, shape: Shape, events: int) -> tuple[float, float, float, int]:
    """Events a second appended, replayed, and read and decoded; and how many messages there were."""
    log, path = folder / "events.ndjson", folder / "site.db"
    write(log, events, shape)

    def appended() -> None:
        path.unlink(missing_ok=True)
        with log.open("rb") as file:
            create(
                path,
                lambda store: append(store, "default", read_events(file, log.name), AppendOptions(allow_misfits=True)),
            )

    append_time = median(seconds(appended) for _ in range(3))
    store = SqliteStore(path)
    rounds = [(seconds(lambda: read(store)), seconds(lambda: replayed(store))) for _ in range(ROUNDS)]
    messages = replayed(store)
    store.close()
    floors, replays = zip(*rounds, strict=True)
    return events / append_time, events / median(replays), events / median(floors), messages


if __name__ == "__main__":
    main()
