"""What the campaigns share: cti-es inside this process, stores to damage, and what no run may ever do.

A campaign is the long form of a test in tests/trust: the test calls its functions with few rounds, its script with as
many as ``--rounds`` says. ``--seed`` repeats a campaign.
"""

import argparse
import io
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

import cti_es.logs.append
from cti_es.logs.append import AppendOptions, append
from cti_es.logs.store import SqliteStore
from cti_es.testing.random_logs import Plan, generate
from cti_es.vocabulary.events import Event, NumberedEvents
from cti_es_cli.main import main

HEADER = b"SQLite format 3\0"


class Ran(NamedTuple):
    """A command that has run."""

    arguments: tuple[str, ...]
    code: int
    out: bytes
    err: str


class _Stream(io.TextIOWrapper):
    """A standard stream in memory, which nobody can close."""

    def __init__(self, data: bytes = b"") -> None:
        self.raw_bytes = io.BytesIO(data)
        super().__init__(self.raw_bytes, "utf-8", "backslashreplace", write_through=True)


def run(*arguments: str, stdin: bytes = b"") -> Ran:
    """Run a command in this process. An exception that gets out of it is the caller's to see."""
    kept = sys.stdin, sys.stdout, sys.stderr
    streams = _Stream(stdin), _Stream(), _Stream()
    sys.stdin, sys.stdout, sys.stderr = streams
    try:
        main(list(arguments))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept
    out, err = (stream.raw_bytes.getvalue() for stream in streams[1:])
    return Ran(arguments, code, out, err.decode())


def trouble(ran: Ran, codes: tuple[int, ...] = (0, 1, 2)) -> str | None:
    """What no run may do: a traceback, a fault of cti-es, another exit code, an error without a word."""
    said = f"{' '.join(ran.arguments)!a}: exit {ran.code}: {ran.err[-600:]!a}"
    if "Traceback" in ran.err or "this is a fault of cti-es" in ran.err or ran.code not in codes:
        return said
    if ran.code == 2 and not ran.err.strip():
        return said
    return None


# --- stores ---------------------------------------------------------------------------------------------------------


def events_for(seed: int, count: int) -> list[Event]:
    """A generated log of the whole vocabulary, every fifth event with an id."""
    plan = Plan(seed=seed, events=count, nodes=2, devices=3, calls=0.3, tsp=True)
    return [replace(event, id=f"id{n}") if n % 5 == 0 else event for n, event in enumerate(generate(plan))]


def fill(store: Any, log: str, events: list[Event], size: int = 20) -> None:
    """Append events in parts, one transaction each."""
    for start in range(0, len(events), size):
        part = events[start : start + size]
        append(
            store,
            log,
            [NumberedEvents(range(1, len(part) + 1), part)],
            AppendOptions(allow_misfits=True, source="test"),
        )


@contextmanager
def snapshots_every(work: int) -> Any:
    """Snapshots of small logs too."""
    kept, cti_es.logs.append.SNAPSHOT_WORK = cti_es.logs.append.SNAPSHOT_WORK, work
    try:
        yield
    finally:
        cti_es.logs.append.SNAPSHOT_WORK = kept


def make_store(path: Path, seed: int = 1, events: int = 100, snapshots: int = 60) -> Path:
    """A store of three logs that take turns, with ids, and with snapshots of two of them."""
    main_events = events_for(seed, events)
    with snapshots_every(snapshots), closing(SqliteStore(path, write=True)) as store:
        fill(store, "main", main_events[: events // 2])
        fill(store, "lab", events_for(seed + 1, events // 4))
        fill(store, "Köln", events_for(seed + 2, 5))
        fill(store, "main", main_events[events // 2 :])
    return path


READERS = (
    ("log", "--ndjson"),
    ("export",),
    ("replay", "--ndjson"),
    ("replay", "--misfits", "--ndjson"),
    ("homes", "--ndjson"),
    ("homes", "--as-of", "21", "--ndjson"),
    ("providers", "--ndjson"),
    ("replay", "--from-version", "22", "--ndjson"),
)
"""Commands that show what a log says, by its text and by its snapshots."""


QUICK_READERS = (READERS[0], READERS[2], READERS[4])
"""Events, messages, homes."""


def seen(path: Path, logs: Iterable[str], readers: Iterable[tuple[str, ...]] = READERS) -> list[Ran]:
    """What readers see of a store."""
    sources = [(f"{path}#{log}", command) for log in logs for command in readers]
    return [run("logs", str(path), "--ndjson"), *(run(name, source, *rest) for source, (name, *rest) in sources)]


# --- scripts --------------------------------------------------------------------------------------------------------


class Report:
    """What a campaign has counted, and what it has found wrong."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []

    def count(self, what: str, failure: str | None = None) -> None:
        """One more of these, and perhaps what went wrong with it."""
        self.counts[what] += 1
        if failure:
            self.failures.append(failure)


def script(description: str | None, rounds: int, campaign: Callable[[int, int], Report]) -> None:
    """Run a campaign from the command line and print its counts; exit 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=(description or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"--rounds {options.rounds} --seed {options.seed}", flush=True)
    report = campaign(options.rounds, options.seed)
    for what, count in sorted(report.counts.items()):
        print(f"{count:>9,}  {what}")
    for failure in report.failures[:50]:
        print(failure)
    print(f"{len(report.failures):>9,}  failures")
    sys.exit(bool(report.failures))
