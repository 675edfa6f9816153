"""Kill writers to a PostgreSQL server, and the server itself, with kill -9: what was reported is there.

``points`` kills a writer before each statement that it gives to the server; ``server_dies`` kills a server of its own
while processes append to it, starts it again, and looks.

    python tests/campaigns/postgres.py --rounds 20 --seed 1
"""

import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import psycopg
from campaigns.crashes import Site, kill_at_points, killing
from campaigns.running import Report, run, script
from support.postgres_server import Server

import cti_es.logs.store.postgres  # noqa: F401 (writers are forked: what they need is imported once)

PROCESSES = 3


class Database(Site):
    """A store in a database that writers are killed over."""

    def __init__(self, folder: Path, address: str) -> None:
        super().__init__(folder)
        self.store = address

    def is_there(self) -> bool:
        """Whether the schema is there."""
        with psycopg.connect(self.store, autocommit=True) as connection:
            return connection.execute("SELECT to_regnamespace('cti_es') IS NOT NULL").fetchone() == (True,)

    def clear(self) -> None:
        """Begin anew."""
        super().clear()
        with psycopg.connect(self.store, autocommit=True) as connection:
            connection.execute("SET client_min_messages = error")
            connection.execute("DROP SCHEMA IF EXISTS cti_es CASCADE")


def dies_at(point: int) -> Callable[[], None]:
    """Makes a process kill itself at its n-th statement; half of it may have reached the server then."""
    step = killing(point)

    def prepare() -> None:
        for kind in (psycopg.Connection, psycopg.Cursor):
            kind.execute = wrapped(kind.execute)

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            step()
            return function(*arguments, **options)

        return call

    return prepare


def points(folder: Path, address: str, size: int, new: bool, report: Report, step: int = 1) -> None:
    """Kill a writer at each statement of one append."""
    kill_at_points(Database(folder, address), size, new, report, step, dies_at)


def server_dies(folder: Path, server: Server, rounds: int, seed: int, report: Report) -> None:
    """Kill the server at random moments while three processes append, two of them to one log; start it again."""
    chance = random.Random(seed)
    for number in range(rounds):
        said = [folder / f"{number}-{process}" for process in range(PROCESSES)]
        writers = [_appending(f"{server.url()}#log{process % 2}", one) for process, one in enumerate(said)]
        time.sleep(chance.uniform(0.5, 1.2))
        server.kill()
        ends = [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in writers]
        server.start()
        for process, (end, one) in enumerate(zip(ends, said, strict=True)):
            source = f"{server.url()}#log{process % 2}"
            report.count("writers whose server was killed", _what_is_wrong(source, one, end))
    verdict = run("verify", server.url())
    report.count("stores without a fault", None if verdict.code == 0 else f"verify: {verdict.out!r} {verdict.err}")


def _appending(source: str, said: Path) -> int:
    """A process that appends one event after the other until it cannot; each that was stored is a line of a file."""
    if child := os.fork():
        return child
    try:
        for number in range(100_000):
            ran = run("append", source, "node_added", f"node={said.name}n{number}", f"id={said.name}n{number}")
            with said.open("a") as file:
                file.write(f"{ran.code} {said.name}n{number} {ran.err}")
            if ran.code:
                os._exit(ran.code)
    finally:
        os._exit(99)


def _what_is_wrong(source: str, said: Path, end: int) -> str | None:
    lines = [line.split(" ", 2) for line in said.read_text().splitlines()]
    stored = {id_ for code, id_, _ in lines if code == "0"}
    _, last, error = lines[-1]
    there = {line.partition('"id":"')[2].rstrip('"}') for line in run("export", source).out.decode().splitlines()}
    if end != 2 or len(stored) != len(lines) - 1 or not error.startswith("cti-es: "):
        return f"exit {end}: {lines[-1]}"
    if lost := stored - there:
        return f"reported and lost: {sorted(lost)}"
    again = run("append", source, "node_added", f"node={last}", f"id={last}")
    expected = "appended 0, duplicates 1" if last in there else "appended 1, duplicates 0"
    return None if expected in again.err else f"the retry of {last}: {again.err}"


def campaign(folder: Path, rounds: int, seed: int) -> Report:
    """All points, then so many deaths of the server."""
    report, server = Report(), Server()
    try:
        for size in (1, 60):
            for new in (True, False):
                place = folder / f"{size}-{new}"
                place.mkdir()
                points(place, server.url(), size, new, report)
                Database(place, server.url()).clear()
        server_dies(folder, server, rounds, seed, report)
    finally:
        server.stop()
    return report


if __name__ == "__main__":
    with TemporaryDirectory() as here:
        script(__doc__, 20, lambda rounds, seed: campaign(Path(here), rounds, seed))
