"""Where in a log a moment is: the longest prefix without an event later than it.

Specified in docs/reference/commands/replay.md#as-of-a-time.

Log order is the truth and times may go backwards in it; the prefix ends before the first event that is later, whatever
comes after.
"""

from collections.abc import Sequence

from cti_es.vocabulary.events import Event
from cti_es.vocabulary.times import sort_key


class Timeline:
    """The times of a log so far: ``latest`` is the sort key of the latest one (empty: none yet).

    ``backwards`` is the version of the first event that is earlier than one before it, 0 if there is none. Events
    without a time count as happening with the one before.
    """

    def __init__(self, latest: str = "", backwards: int = 0) -> None:
        self.latest = latest
        self.backwards = backwards

    def take(self, version: int, events: Sequence[Event]) -> None:
        """Read on: ``events`` follow, the first of them with this version."""
        keys = [event.at[:-1] for event in events if event.at is not None]  # sort_key(), a million times
        if not keys:
            return
        if keys[0] >= self.latest and keys == sorted(keys):
            self.latest = keys[-1]
            return
        for index, event in enumerate(events):
            self._one(version + index, event)

    def _one(self, version: int, event: Event) -> None:
        if event.at is None:
            return
        key = sort_key(event.at)
        if key >= self.latest:
            self.latest = key
        elif not self.backwards:
            self.backwards = version


def first_later(events: Sequence[Event], moment: str) -> int | None:
    """The index of the first event later than ``moment`` (canonical), or None."""
    bound = sort_key(moment)
    for index, event in enumerate(events):
        if event.at is not None and sort_key(event.at) > bound:
            return index
    return None
