"""Where a version stands on the axis of a picture: at its time, or in the order of the log where there are no times."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cti_es.report.picture_lanes import Lanes
from cti_es.traces.sides import EVERYTHING, Selection
from cti_es.vocabulary.times import Zone

MS = timedelta(milliseconds=1)
STEPS = (
    1, 2, 5, 10, 20, 50, 100, 200, 500,
    *(1_000 * one for one in (1, 2, 5, 10, 15, 30)),
    *(60_000 * one for one in (1, 2, 5, 10, 15, 30)),
    *(3_600_000 * one for one in (1, 2, 3, 6, 12)),
    *(86_400_000 * one for one in (1, 2, 7, 14, 30, 91, 182, 365, 730, 1825, 3650, 36500)),
)  # fmt: skip
"""How far two ticks of a time axis may be apart, in milliseconds."""


class Tick(NamedTuple):
    """A place on the axis and what is written there."""

    x: float
    label: str


class Axis:
    """The axis of a picture: of milliseconds since 1970, or of versions (not ``timed``).

    Versions stand from ``first`` to ``last``; the overview shows ``start`` to ``end``, which is a little later. The
    labels of times are as clocks in ``zone`` have them.
    """

    def __init__(self, lanes: Lanes, selection: Selection = EVERYTHING, zone: Zone = UTC) -> None:
        self._zone = zone
        self.timed = lanes.timed
        self._versions = sorted(lanes.times)
        places = [_milliseconds(lanes.times[one]) if self.timed else float(one) for one in self._versions]
        self._places = places or [0.0]
        self._at = dict(zip(self._versions, places, strict=True))
        self.first, self.last = self._places[0], self._places[-1]
        self.start, last = self._selected(lanes, selection)
        self.end = last + max((last - self.start) * 0.06, 1.0)

    def _selected(self, lanes: Lanes, selection: Selection) -> tuple[float, float]:
        """Where the overview begins and what it has last: what is selected, and a little of the time before."""
        first, last = self.of(selection.from_version) if selection.from_version > 1 else self.first, self.last
        if self.timed and selection.since:
            first = min(max(first, _milliseconds(selection.since)), last)
        if self.timed and selection.until:
            last = max(min(last, _milliseconds(selection.until)), first)
        failed = [place for one in lanes.failures if first <= (place := self.of(one.since)) <= last]
        if failed:  # hours of quiet before the first failure would hide it
            first = max(first, failed[0] - max((last - failed[0]) * 0.12, 1_000 if self.timed else 1))
        return first, last

    def before(self, at: str | None) -> int | None:
        """The last version that is not later than a time; None without times, and before the first."""
        index = bisect_right(self._places, _milliseconds(at)) if self.timed and at else 0
        return self._versions[index - 1] if index else None

    def of(self, version: int | None) -> float:
        """Where a version stands (None: the end). One that is not drawn stands where the next one that is does."""
        if version is None:
            return self.end
        if version in self._at:
            return self._at[version]
        index = bisect_left(self._versions, version)
        return self._places[min(index, len(self._places) - 1)]

    def ticks(self, start: float, end: float, most: int) -> Iterator[Tick]:
        """At most so many round places between two others, with a label each."""
        if not self.timed:
            step = _round_number((end - start) / most)
            place = -(-start // step) * step
            while place <= end:
                yield Tick(place, f"{place:,.0f}")
                place += step
            return
        step = next((one for one in STEPS if (end - start) / one <= most), STEPS[-1])
        ahead = _ahead(start, self._zone)
        place = -(-(start + ahead) // step) * step - ahead
        while place <= end:
            yield Tick(place, _clock(place + _ahead(place, self._zone), step))
            place += step

    def offsets(self) -> list[tuple[float, int]]:
        """From which places on clocks are how many milliseconds ahead of UTC; one place unless the offset changes."""
        if not self.timed:
            return []
        found = [(self.first, _ahead(self.first, self._zone))]
        place = self.first
        while place < self.end:
            after = min(place + _DAY, self.end)
            if _ahead(after, self._zone) != found[-1][1]:
                found.append(_changed(place, after, self._zone))
            place = after
        return found


def _round_number(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, 50 … that is not less."""
    size = 1.0
    while True:
        for factor in (1, 2, 5):
            if size * factor >= least:
                return size * factor
        size *= 10


def _milliseconds(at: str | None) -> float:
    return (datetime.fromisoformat(at) - _EPOCH) / MS if at else 0.0


def _ahead(place: float, zone: Zone) -> int:
    """How many milliseconds clocks are ahead of UTC then."""
    moment = _EPOCH + place * MS
    return 0 if zone is UTC else (moment.astimezone(zone).utcoffset() or timedelta()) // MS


def _changed(before: float, after: float, zone: Zone) -> tuple[float, int]:
    """Between which two places the offset changes: the later one, and the offset from there on."""
    changed = _ahead(after, zone)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if _ahead(middle, zone) == changed else (middle, after)
    return after, changed


def _clock(place: float, step: int) -> str:
    moment = _EPOCH + place * MS
    if step >= 86_400_000:
        return f"{moment:%Y-%m-%d}"
    if step >= 60_000:
        return f"{moment:%H:%M}"
    return f"{moment:%H:%M:%S}" + (f".{moment.microsecond // 1000:03}" if step < 1_000 else "")


_DAY = 86_400_000.0
"""No zone changes its offset twice in a day."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
