"""How fast each shape of log is appended and replayed, beside its floor: a Markdown table, the worst shape first.

    python tests/benchmarks/shapes.py [--events 500000] [--only WORD]

The floor of a shape is reading its rows from the store and decoding them, nothing else. Times are processor time, the
median of some rounds in which floor and replay take turns.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from logs import SHAPES, Shape, write

from cti_es.logs.append import AppendOptions, append
from cti_es.logs.ndjson import read_events
from cti_es.logs.store import SqliteStore
from cti_es.logs.store.sqlite_new import create
from cti_es.model.replay import Replay
from cti_es.vocabulary.events import decode_events

ROUNDS = 5


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
    for name, appended, replayed, floor, messages in rows:
        print(
            f"| {name} | {appended / 1000:,.0f} k/s | {replayed / 1000:,.0f} k/s | {floor / replayed:.1f} | {messages:,} |"
        )


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
    rounds = [(seconds(lambda: floor(store)), seconds(lambda: replayed(store))) for _ in range(ROUNDS)]
    messages = replayed(store)
    store.close()
    floors, replays = zip(*rounds, strict=True)
    return events / append_time, events / median(replays), events / median(floors), messages


def seconds(work: Callable[[], object]) -> float:
    """Processor time of some work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def floor(store: SqliteStore) -> None:
    """Read the rows and decode them."""
    for row in store.rows("default"):
        decode_events(row.events)


def replayed(store: SqliteStore) -> int:
    """Replay the log; the number of messages."""
    replay = Replay()
    for row in store.rows("default"):
        for _ in replay.messages(decode_events(row.events)):
            pass
        replay.taken_misfits()
    return replay.seq


if __name__ == "__main__":
    main()
