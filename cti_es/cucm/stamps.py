"""The stamps of CUCM's log lines → canonical times: zones, years and days that are not written, clocks with AM and PM.

Specified in docs/reference/imports.md#log-lines.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.times import FIRST_YEAR, LAST_YEAR, time_in_zone

WhyNoTime = Literal["no_time", "no_year", "no_date", "unknown_zone", "bad_time"]
"""Why a record has no time: none in the line, a year or date missing that nobody gave, a zone that is not known, or
a day or hour that does not exist."""

ZONES: dict[str, str] = {
    "UTC": "Z", "GMT": "Z", "Z": "Z", "WET": "Z",
    "EST": "-05:00", "EDT": "-04:00", "CST": "-06:00", "CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00",
    "PST": "-08:00", "PDT": "-07:00", "AKST": "-09:00", "AKDT": "-08:00", "HST": "-10:00",
    "BST": "+01:00", "WEST": "+01:00", "CET": "+01:00", "CEST": "+02:00", "MET": "+01:00", "MEST": "+02:00",
    "EET": "+02:00", "EEST": "+03:00", "MSK": "+03:00", "SGT": "+08:00", "HKT": "+08:00", "JST": "+09:00",
    "KST": "+09:00", "AEST": "+10:00", "AEDT": "+11:00", "NZST": "+12:00", "NZDT": "+13:00",
}  # fmt: skip
"""Time zone acronym → offset from UTC. CST and BST are those of America and Britain; IST, which is as often India's as
Israel's or Ireland's, is left out."""


class LogLineOptions(NamedTuple):
    """What lines may leave out.

    ``year`` is that of the first line whose stamp has none. ``date`` (``2026-01-31``) is the day on which an SDL trace
    begins. ``zones`` are further zone acronyms with what they mean (``+05:30`` or ``Asia/Kolkata``); ``tz`` is that of
    every zone that is still unknown, and of SDL traces (UTC there if it is None).
    """

    year: int | None = None
    date: str | None = None
    zones: Mapping[str, str] = {}
    tz: str | None = None


_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_HALF_A_DAY = 12 * 3_600

_MONTH = f"({'|'.join(_MONTH_NAMES)}|---)"
_PARTS = (
    rf"{_MONTH}[ ]{{1,2}}([0-9]{{1,2}})[ ](?:([0-9]{{4}})[ ])?([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}})"
    r"(?:[ ]([AP]M))?(?:\.([0-9]{1,6}))?[ ]([^\s:%]{1,7})[ ]?:[ ]{1,8}"
)
STAMP_TEXT = re.sub(r"\((?!\?)", "(?:", _PARTS)
"""The stamp of a line with the colon behind it, as a pattern without groups."""

DATED = (
    rf"(?:{'|'.join(_MONTH_NAMES)}|---)[ ]{{1,2}}[0-9]{{1,2}}[ ][0-9]{{4}}[ ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]"
    r"(?:[ ][AP]M)?+(?:\.[0-9]{1,6}+)?+[ ][^\s:%]{1,7}+[ ]?+:[ ]{1,8}+"
)
"""The same with a year, in the form that takes the least time."""

_STAMP = re.compile(_PARTS)

Time = tuple[str | None, WhyNoTime | None]
"""A canonical time, or None and why there is none."""


@lru_cache(maxsize=1_024)
def _day(month: str, day: str, year: str) -> str | None:
    """``2015-07-02``, or None for a day that does not exist or lies out of range."""
    try:
        on = date(int(year), _MONTHS[month], int(day))
    except (KeyError, ValueError):
        return None
    return on.isoformat() if FIRST_YEAR <= on.year <= LAST_YEAR else None


class Times:
    """Stamps → canonical times, for one file: stamps without a year or a date follow the one before.

    The first without a year follows the file ``before``; a date is only that of one SDL trace.
    """

    def __init__(self, options: LogLineOptions, before: "Times | None") -> None:
        self._zones = {**ZONES, **options.zones}
        self._tz = options.tz
        self._near = date(options.year, 1, 1) if options.year else None
        self._begun = False
        if before is not None:
            self._near, self._begun = before._near, before._begun
        self._trace = date.fromisoformat(options.date) if options.date else None
        self._clock = ""

    @property
    def day(self) -> date | None:
        """The day of the last stamp without a year; None if there was none."""
        return self._near if self._begun else None

    def go_on(self, day: date) -> None:
        """The next stamp without a year follows this day."""
        self._near, self._begun = day, True

    def at(self, stamp: str) -> Time:
        """The time of a stamp as :data:`STAMP_TEXT` matches it."""
        month, day, year, hour, minute, second, half, fraction, zone = _parts(stamp)
        if zone == "---" or month == "---":
            return None, "no_time"
        on = _day(month, day, year) if year else self._without_year(month, day)
        if on is None:
            return None, "bad_time" if year or self._near else "no_year"
        if half and (hour := _of_24(hour, half)) == "":
            return None, "bad_time"
        if not _exists(f"{hour}:{minute}:{second}"):
            return None, "bad_time"
        offset = self._zones.get(zone) or self._offset(zone)
        if offset is None:
            return None, "unknown_zone"
        return _canonical(f"{on}T{hour}:{minute}:{second}{_fraction(fraction) if fraction else ''}", offset)

    def pass_by(self, clock: str) -> None:
        """A time of day in an SDL trace, which has no dates: when it goes back by half a day, a day has passed."""
        if not _exists(clock):
            return
        if clock < self._clock and self._trace and _seconds(self._clock) - _seconds(clock) > _HALF_A_DAY:
            self._trace += timedelta(days=1)
        self._clock = clock

    def of_trace(self, clock: str, milli: str) -> Time:
        """The time of the line that was passed last."""
        if self._trace is None:
            return None, "no_date"
        return _canonical(f"{self._trace.isoformat()}T{clock}.{milli}", self._tz or "Z")

    def _without_year(self, month: str, day: str) -> str | None:
        """The day of that name which is nearest to the line before; of the given year in the first line."""
        if self._near is None:
            return None
        years = [self._near.year + step for step in ((-1, 0, 1) if self._begun else (0,))]
        days = [date.fromisoformat(on) for year in years if (on := _day(month, day, f"{year}"))]
        if not days:
            return None
        near = self._near
        self._near = min(days, key=lambda on: abs(on - near))
        self._begun = True
        return self._near.isoformat()

    def _offset(self, zone: str) -> str | None:
        """The offset of a zone that has no name here."""
        if match := _NUMERIC_ZONE.fullmatch(zone):
            return f"{match[1]}:{match[2]}"
        return self._tz


def zone_of(stamp: str) -> str:
    """The time zone of a stamp, as written."""
    return str(_parts(stamp)[-1])


def has_year(stamp: str) -> bool:
    """Whether a stamp says the year."""
    return bool(_parts(stamp)[2])


def _parts(stamp: str) -> tuple[Any, ...]:
    """Month, day, year, hour, minute, second, AM or PM, fraction, zone; None for what is not there."""
    found = _STAMP.match(stamp)
    return found.groups() if found else ("---", *(None,) * 8)


def _exists(clock: str) -> bool:
    return clock[:2] <= "23" and clock[3:5] <= "59" and clock[6:] <= "59"


def _seconds(clock: str) -> int:
    hour, minute, second = map(int, clock.split(":"))
    return hour * 3_600 + minute * 60 + second


_NUMERIC_ZONE = re.compile(r"([+-][0-9]{2}):?([0-9]{2})")


def _of_24(hour: str, half: str) -> str:
    """An hour of the clock with AM and PM as one of 24; empty if there is none such."""
    number = int(hour)
    if not 1 <= number <= 12:
        return ""
    return f"{number % 12 + (12 if half == 'PM' else 0):02}"


def _fraction(digits: str) -> str:
    """Up to three digits are milliseconds without padding (``.1`` is one); more are a fraction."""
    six = digits.rjust(3, "0") + "000" if len(digits) <= 3 else digits.ljust(6, "0")
    return "" if six == "000000" else "." + six


def _canonical(local: str, offset: str) -> Time:
    if offset == "Z" and len(local) in (19, 26):
        return local + "Z", None
    try:
        return time_in_zone(local, offset), None
    except InputError:
        return None, "bad_time"
