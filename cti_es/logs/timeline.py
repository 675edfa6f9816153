"""Where in a log a moment is: the longest prefix without an event later than it.

Specified in docs/reference/commands/replay.md#as-of-a-time.

Log order is the truth and times may go backwards in it; the prefix ends before the first event that is later, whatever
comes after.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cti_es.vocabulary.events import Event
from cti_es.vocabulary.times import sort_key


class Backwards(NamedTuple):
    """An event that is earlier than one before it: its version and time, and the latest time before it."""

    version: int
    at: str
    latest: str


class Timeline:
    """The times of a log so far: ``latest`` is the sort key of the latest one (empty: none yet).

    ``backwards`` is the version of the first event that is earlier than one before it, 0 if there is none. Events
    without a time count as happening with the one before.
    """

    def __init__(self, latest: str = "", backwards: int = 0) -> None:
        self.latest = latest
        self.backwards = backwards

    def take(self, version: int, events: Sequence[Event]) -> Backwards | None:
        """Read on: ``events`` follow, the first of them with this version. Returns the first that goes backwards."""
        keys = [event.at[:-1] for event in events if event.at is not None]  # sort_key(), a million times
        if not keys:
            return None
        if keys[0] >= self.latest and keys == sorted(keys):
            self.latest = keys[-1]
            return None
        found = [one for number, event in enumerate(events, version) if (one := self._one(number, event)) is not None]
        self.backwards = self.backwards or found[0].version
        return found[0]

    def _one(self, version: int, event: Event) -> Backwards | None:
        if event.at is None:
            return None
        key = sort_key(event.at)
        if key < self.latest:
            return Backwards(version, event.at, f"{self.latest}Z")
        self.latest = key
        return None


def first_later(events: Sequence[Event], moment: str) -> int | None:
    """The index of the first event later than ``moment`` (canonical), or None."""
    bound = sort_key(moment)
    for index, event in enumerate(events):
        if event.at is not None and sort_key(event.at) > bound:
            return index
    return None
