"""Up to which time every source has been read: what is older can go into the log."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

REORDERED = timedelta(seconds=10)
"""A line may stand so much behind a later one of its file: several processes write into one, and lines overtake."""


class Mark(NamedTuple):
    """The latest time in a source, and how long nothing has been added to it."""

    latest: datetime
    quiet: timedelta


def passed(marks: Iterable[Mark], lateness: timedelta, now: datetime, has_calls: bool) -> datetime | None:
    """The time that every source has passed, as far as anybody waits for it; None if there is no source with a time.

    Nobody waits for a source to which nothing was added for ``lateness``, nor longer than until another one is so much
    ahead. When nothing is added to any of them, time passes by the clock. ``has_calls``: there are call records, which
    come when a call has ended and tell when it began; then every line waits for ``lateness``. What claims to be of
    later than ``now`` moves nothing.
    """
    every = [Mark(min(mark.latest, now), mark.quiet) for mark in marks]
    if not every:
        return None
    newest = max(mark.latest for mark in every)
    slack = min(REORDERED, lateness)
    awake = [mark.latest for mark in every if mark.quiet < lateness]
    if not awake:
        newest += max(min(mark.quiet for mark in every), timedelta(microseconds=1))
        return newest - lateness if has_calls else newest
    latest = newest - max(lateness, slack)
    return latest if has_calls else max(min(awake) - slack, latest)
