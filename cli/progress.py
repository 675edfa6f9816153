"""How far we are, on standard error: only for work longer than a second, only when both streams are terminals."""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from cti_es.logs import clock
from cti_es.logs.fleet import EVERY

AFTER = 1.0
"""Seconds of work before anything is shown."""

Batch = TypeVar("Batch")


def counted(
    batches: Iterable[Batch], size: Callable[[Batch], int], done: str, things: str = "events"
) -> Iterator[Batch]:
    """Pass batches on and show how many events (or other things) they held so far: ``read 1,200,000 events``."""
    line = _Line()
    if not line.is_seen:
        yield from batches
        return
    count = 0
    try:
        for batch in batches:
            count += size(batch)
            line.show(f"{done} {count:,} {things}")
            yield batch
    finally:
        line.hide()


class LogsDone:
    """How many logs are done: ``12 of 64 logs, 1,200,000 events``."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._line = _Line()

    def show(self, logs: int, events: int) -> None:
        """Show that so many logs are done, and how many events were read."""
        self._line.show(f"{logs} of {self._total} logs, {events:,} events")

    def hide(self) -> None:
        """Take the line away, before something else is printed."""
        self._line.hide()


class _Line:
    """A line that is written over and over; never where nobody sees it."""

    def __init__(self) -> None:
        self.is_seen = all(stream and stream.isatty() for stream in (sys.stdout, sys.stderr))  # None: begun with >&-
        self._due = clock.seconds() + AFTER
        self._shown = ""

    def show(self, text: str) -> None:
        """Show a text that is not shorter than the last one, if it is time for it."""
        if self.is_seen and clock.seconds() >= self._due:
            self._shown = text
            self._due = clock.seconds() + EVERY
            sys.stderr.write(f"\r{text}")
            sys.stderr.flush()

    def hide(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write(f"\r{' ' * len(self._shown)}\r")
            sys.stderr.flush()
            self._shown = ""
