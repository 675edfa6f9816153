"""Event times as text: RFC 3339 in, one canonical form out (docs/reference/log-format.md#times).

Inside the program a time is its canonical text, ``2026-01-01T08:00:00Z`` or ``2026-01-01T08:00:00.250000Z``. Two of
them compare by :func:`sort_key`; nothing else ever needs to be parsed.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple

from cti_es.vocabulary.errors import InputError, did_you_mean

FIRST_YEAR, LAST_YEAR = 1970, 9998
EXPECTED = "an RFC 3339 time such as 2026-01-01T08:00:00Z or 2026-01-01T09:00:00.25+01:00"

_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?"
    r"(?:(Z)|([+-])([0-9]{2}):([0-9]{2}))"
)

# Times that are canonical beyond doubt: every month has 28 days. The others take the careful way.
_PLAINLY_CANONICAL = (
    r"(?:19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.(?!000000)[0-9]{6})?Z"
)
_ALL_PLAINLY_CANONICAL = re.compile(f"(?:{_PLAINLY_CANONICAL}\n)*").fullmatch


def canonical_time(text: str) -> str:
    """The canonical form of an RFC 3339 time: UTC, ``Z``, no fraction when it is zero, else six digits.

    Raises :class:`InputError` for anything else: another form, a day or an hour that does not exist, a leap second,
    more than six fraction digits, a year (as written or in UTC) outside 1970 to 9998.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is not a time", expected=EXPECTED)
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, zulu, sign, offset_hours, offset_minutes = match.groups()[6:]
    try:
        zone = UTC if zulu else _zone(sign, int(offset_hours), int(offset_minutes))
        micro = int((fraction or "").ljust(6, "0"))
        moment = datetime(year, month, day, hour, minute, second, micro, zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{text!r} is not a time: {error}", expected=EXPECTED) from None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise _out_of_range(text)
    return _text(moment, text)


def _zone(sign: str, hours: int, minutes: int) -> timezone:
    if hours > 23 or minutes > 59:
        raise ValueError("the offset is not between -23:59 and +23:59")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if sign == "-" else offset)


def _text(moment: datetime, written: str) -> str:
    """The canonical form of a moment in UTC. ``written`` is what an error shows."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise _out_of_range(written)
    fraction = f".{moment.microsecond:06}" if moment.microsecond else ""
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}{fraction}Z"


def _out_of_range(text: str) -> InputError:
    return InputError(f"{text!r} is out of range", expected=f"a time in the years {FIRST_YEAR} to {LAST_YEAR} (UTC)")


# --- clocks of other zones ------------------------------------------------------------------------------------------

ZONE_EXPECTED = "Z, an offset such as +05:30, or a name such as Europe/Berlin"

_OFFSET = re.compile("Z|[+-][0-9]{2}:[0-9]{2}")


def stamp_zone(text: str) -> tuple[str, str]:
    """Read ``[ZONE=]±HH:MM|Z|NAME``, what somebody says about the time stamps of a log: (ZONE, the zone that it is).

    ZONE is how the stamps write it (``IST``). It is empty if left out; then stamps without a zone, or with an unknown
    one, are meant. NAME is one of the tz database (``Europe/Berlin``). Raises :class:`InputError` if there is no such
    offset or name.
    """
    zone, _, means = text.rpartition("=")
    try:
        time_in_zone("2000-01-01T00:00:00", means)
    except InputError as error:
        raise InputError(f"no time zone {means!r}", expected=ZONE_EXPECTED, hint=error.hint) from None
    return zone, means


def time_in_zone(local: str, zone: str) -> str:
    """The canonical time at which a clock in ``zone`` shows ``local`` (``2026-01-31T08:00:00``, perhaps a fraction).

    ``zone`` is ``Z``, an offset such as ``+01:00`` or a name of the tz database. A time that the clock shows twice, at
    the end of summer time, is the first of the two; one that it skips is read by the offset before. Raises
    :class:`InputError` if there is no such time or zone.
    """
    if _OFFSET.fullmatch(zone):
        return canonical_time(local + zone)
    there = datetime.fromisoformat(canonical_time(local + "Z")).replace(tzinfo=_named_zone(zone))
    return _text(there.astimezone(UTC), f"{local} {zone}")


@lru_cache(maxsize=64)
def _named_zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, available_timezones

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = did_you_mean(name, available_timezones())
        raise InputError(f"no time zone {name!r}", expected=ZONE_EXPECTED, hint=near) from None


# --- times for people -----------------------------------------------------------------------------------------------

Zone = tzinfo | None
"""A time zone; None is the one that this machine is set to."""

SAID_EXPECTED = "a time such as 09:17, 2026-03-02 09:17 or 2026-03-02T09:17:30+01:00"

_SAID = re.compile(
    r"(?:([0-9]{4}-[0-9]{2}-[0-9]{2})[ T])?([0-9]{1,2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def zone_of(text: str) -> Zone:
    """The zone that ``local``, ``Z``, an offset such as ``+01:00``, or a name of the tz database stands for.

    Raises :class:`InputError` if there is no such zone.
    """
    if text == "local":
        return None
    if text == "Z":
        return UTC
    if not _OFFSET.fullmatch(text):
        return UTC if text == "UTC" else _named_zone(text)
    try:
        return _zone(text[0], int(text[1:3]), int(text[4:6]))
    except ValueError as error:
        raise InputError(f"no time zone {text!r}: {error}", expected=ZONE_EXPECTED) from None


@lru_cache(maxsize=1_000)
def in_zone(at: str, zone: Zone) -> str:
    """A canonical time as a clock in ``zone`` shows it, with its offset: ``2026-03-02T10:17:30+01:00``.

    UTC keeps its ``Z``. What is no time, or one that this machine cannot convert, stays as it is.
    """
    if zone is UTC:
        return at
    try:
        return datetime.fromisoformat(at).astimezone(zone).isoformat()
    except (ValueError, OverflowError, OSError):
        return at


class SaidTime(NamedTuple):
    """A time as people say it: perhaps without the day, perhaps without an offset (None)."""

    day: str | None
    clock: str
    offset: str | None

    def moment(self, zone: Zone, last: Callable[[], str]) -> str:
        """The canonical time that is meant.

        Without an offset it is what a clock in ``zone`` shows. Without a day it is the day, there, of the time that
        ``last`` gives. Raises :class:`InputError` for a time that does not exist, and for one that the clock shows
        twice, at the end of summer time.
        """
        there = zone_of(self.offset) if self.offset else zone
        local = f"{self.day or in_zone(last(), there)[:10]}T{self.clock}"
        try:
            return canonical_time(local + self.offset) if self.offset else _shown_once(local, zone)
        except InputError as error:
            raise InputError(error.what, expected=error.expected.replace(EXPECTED, SAID_EXPECTED)) from None


def said_time(text: str) -> SaidTime:
    """Read a time as people say it: ``09:17``, ``2026-03-02 09:17``, ``09:17:30+01:00``, or a whole RFC 3339 time.

    Raises :class:`InputError` for anything else.
    """
    match = _SAID.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is not a time", expected=SAID_EXPECTED)
    day, minutes, seconds, offset = match.groups()
    return SaidTime(day, minutes.rjust(5, "0") + (seconds or ":00"), offset)


def _shown_once(local: str, zone: Zone) -> str:
    """The one moment at which a clock in ``zone`` shows ``local``."""
    try:
        shown = datetime.fromisoformat(canonical_time(f"{local}Z")).replace(tzinfo=zone)
    except InputError as error:
        raise InputError(error.what.replace(f"{local}Z", local), expected=error.expected) from None
    moments = [shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    found = [one for one in moments if one.astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None)]
    if not found:
        raise InputError(f"clocks skip {local!r} in this time zone", expected="a time that a clock there shows")
    if found[0] != found[-1]:
        both = " or ".join(in_zone(_text(one, local), zone) for one in found)
        raise InputError(f"clocks show {local!r} twice in this time zone", expected=f"an offset: {both}")
    return _text(found[0], local)


def all_plainly_canonical(times: Sequence[str]) -> bool:
    """Whether every one of these texts surely is a canonical time; quick, as one match looks at all of them.

    ``False`` does not mean that one is wrong: look at each with :func:`canonical_time`.
    """
    text = "\n".join([*times, ""])
    return text.count("\n") == len(times) and _ALL_PLAINLY_CANONICAL(text) is not None


def sort_key(at: str) -> str:
    """A key by which canonical times sort as they follow each other: as text, ``…00.5Z`` would sort before ``…00Z``."""
    return at[:-1]


def seconds_between(earlier: str | None, later: str | None) -> float | None:
    """The seconds from one canonical time to another; None if one of them is missing."""
    if earlier is None or later is None:
        return None
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def duration_text(seconds: float) -> str:
    """A duration for people: ``4m12s``, ``1h5s``, ``250ms``, ``0s``."""
    if seconds < 0:
        return f"-{duration_text(-seconds)}"
    if 0 < seconds < 1:
        return f"{seconds * 1000:.3g}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    text, left = "", int(minutes)
    for size, unit in ((24 * 60, "d"), (60, "h"), (1, "m")):
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return f"{text}{round(rest, 3):g}s" if rest or not text else text
