"""Call events in the eventsourcing library, on SQLite: what our figures stand beside."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

EVENTS = 50_000
"""Events given to it; its rates do not depend on the number."""

AT_ONCE = 1_000
"""Events in one ``save``."""


class Calls(Aggregate):
    """The calls that are active."""

    def __init__(self) -> None:
        self.active: dict[str, str] = {}

    @event("Started")
    def started(self, call: str, device: str, at: str) -> None:
        """A call begins."""
        self.active[call] = device

    @event("Ended")
    def ended(self, call: str, device: str, at: str) -> None:
        """A call ends."""
        del self.active[call]


class Cluster(Application):
    """Keeps them."""


def seconds(folder: Path, clock: Callable[[], float] = time.perf_counter) -> tuple[float, float]:
    """Seconds to save such events as one aggregate, and to get it."""
    path = Path(mkdtemp(dir=folder)) / "eventsourcing.db"
    application = Cluster(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})
    calls = Calls()
    start = clock()
    for number in range(0, EVENTS, AT_ONCE):
        for call in range(number, number + AT_ONCE, 2):
            calls.started(f"c{call}", "CTIP0001", "2026-01-01T00:00:00Z")
            calls.ended(f"c{call}", "CTIP0001", "2026-01-01T00:00:01Z")
        application.save(calls)
    saved = clock()
    application.repository.get(calls.id)
    got = clock()
    application.close()
    return saved - start, got - saved
