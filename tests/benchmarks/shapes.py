"""How fast each shape of log is appended and replayed, beside its floor and a library of event sourcing, as Markdown.

    python tests/benchmarks/shapes.py [--events 500000] [--only WORD]

The worst shape comes first. The floor of a shape is reading its rows from the store and decoding them, nothing else.
The state is what a snapshot at the end of the log has, and how long it takes to decode it. Times are processor time,
the median of five rounds in which append, ``save`` of eventsourcing, floor and replay take turns. Any size will do, from
10,000 events to 10 million (with 40,000 devices, from 100,000 on).
"""

import argparse
import time
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import eventsourced
from logs import SHAPES, Shape, Site, write
from run import best, read, replayed

from cti_es.logs.append import AppendOptions, append
from cti_es.logs.ndjson import read_events
from cti_es.logs.store import SqliteStore
from cti_es.logs.store.sqlite_new import create
from cti_es.model.replay import Replay

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
                rows.append((name, measured(Path(folder), shape, options.events)))
    rows.sort(key=lambda row: -row[1].replay / row[1].floor)
    print(
        "| shape | append | × `save` | replay | × floor | messages | state | decoded in |\n|---|---|---|---|---|---|---|---|"
    )
    for name, one in rows:
        append_rate, replay_rate = (options.events / seconds / 1000 for seconds in (one.append, one.replay))
        saved = eventsourced.EVENTS / one.save / 1000
        state = f"{one.state / 1_000_000:,.1f} MB | {one.decode * 1000:,.0f} ms"
        print(
            f"| {name} | {append_rate:,.0f} k/s | {append_rate / saved:.1f} | {replay_rate:,.0f} k/s | {one.replay / one.floor:.1f}"
            f" | {one.messages:,} | {state} |"
        )


class Measured(NamedTuple):
    """Seconds to append, to ``save`` (eventsourcing), to replay, to read and decode the rows, and to decode the state.

    Then the number of messages, and of the bytes of the state.
    """

    append: float
    save: float
    replay: float
    floor: float
    decode: float
    messages: int
    state: int


def measured(folder: Path, shape: Shape | Site, events: int) -> Measured:
    """Measure a log of this shape."""
    log, path = folder / "events.ndjson", folder / "site.db"
    write(log, events, shape)

    def appended() -> None:
        path.unlink(missing_ok=True)
        with log.open("rb") as file:
            create(
                path,
                lambda store: append(store, "default", read_events(file, log.name), AppendOptions(allow_misfits=True)),
            )

    written = [(seconds(appended), eventsourced.seconds(folder, time.process_time)[0]) for _ in range(ROUNDS)]
    store = SqliteStore(path)
    rounds = [(seconds(lambda: replayed(store)), seconds(lambda: read(store))) for _ in range(ROUNDS)]
    end = replayed(store)
    store.close()
    state = end.encoded()
    appends, saves = zip(*written, strict=True)
    replays, floors = zip(*rounds, strict=True)
    decode = median(seconds(lambda: Replay(state)) for _ in range(ROUNDS))
    return Measured(*map(median, (appends, saves, replays, floors)), decode, end.seq, len(state))


if __name__ == "__main__":
    main()
