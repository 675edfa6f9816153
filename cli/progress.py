"""How far we are, on standard error: only for work longer than a second, only when both streams are terminals."""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from cti_es.logs import clock

AFTER = 1.0
"""Seconds of work before anything is shown."""

EVERY = 0.25
"""Seconds between two updates."""

Batch = TypeVar("Batch")


def counted(
    batches: Iterable[Batch], size: Callable[[Batch], int], done: str, things: str = "events"
) -> Iterator[Batch]:
    """Pass batches on and show how many events (or other things) they held so far: ``read 1,200,000 events``."""
    if not all(stream and stream.isatty() for stream in (sys.stdout, sys.stderr)):  # None: started without (>&-)
        yield from batches
        return
    count, due, shown = 0, clock.seconds() + AFTER, ""
    try:
        for batch in batches:
            count += size(batch)
            if clock.seconds() >= due:
                shown = f"{done} {count:,} {things}"
                sys.stderr.write(f"\r{shown}")
                sys.stderr.flush()
                due = clock.seconds() + EVERY
            yield batch
    finally:
        if shown:
            sys.stderr.write(f"\r{' ' * len(shown)}\r")
            sys.stderr.flush()
