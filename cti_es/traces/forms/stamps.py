"""The stamps that applications put before what they log → canonical times.

::

    2026-03-02 09:44:03,123                date and time, with a zone (``Z``, ``+01:00``, ``CET``) or without
    Mar 02 2026 09:44:03.123 CET           as Cisco's programs write it, with a year or without
    09:44:03:123                           the time of day alone

What a stamp leaves out comes from the options: the date or the year (``date``), the zone (``zones``).
"""

import re
from datetime import date

from cti_es.cucm.stamps import ZONES
from cti_es.traces.forms.common import Clock, TraceOptions, day_of
from cti_es.vocabulary.times import time_in_zone

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME = r"(?P<{0}h>[0-9]{{1,2}}):(?P<{0}m>[0-9]{{2}}):(?P<{0}s>[0-9]{{2}})(?:[.,:](?P<{0}f>[0-9]{{1,6}})[0-9]{{0,3}})?"
_OFFSET = "Z|[+-][0-9]{2}:?[0-9]{2}"
_ISO = (
    rf"(?P<year>[0-9]{{4}})[-/](?P<month>[0-9]{{2}})[-/](?P<day>[0-9]{{2}})(?:T|[ \t]{{1,4}}){_TIME.format('i')}"
    rf"(?:[ \t]?(?P<izone>{_OFFSET}|[A-Z]{{3,5}}))?"
)
_CISCO = (
    rf"(?P<name>{'|'.join(_MONTHS)})[ \t]{{1,2}}(?P<cday>[0-9]{{1,2}})[ \t](?:(?P<cyear>[0-9]{{4}})[ \t])?"
    rf"{_TIME.format('c')}(?:[ \t](?P<czone>{_OFFSET}|[A-Z]{{3,7}}))?"
)
_LOOKED_AT = 200

STAMP_TEXT = re.sub(r"\?P<\w+>", "?:", rf"(?:{_ISO}|{_CISCO}|{_TIME.format('t')})(?![0-9])")
"""A stamp, as a pattern without groups."""

_STAMP = re.compile(rf"(?:^|(?<=[\s\[(>|:])){_ISO}(?![0-9])|(?:^|(?<=[\s\[(>|:])){_CISCO}(?![0-9])")
_TIME_ALONE = re.compile(rf"(?:^|(?<=[\s\[(>|])){_TIME.format('t')}(?![0-9:])")


class Stamps:
    """Reads the stamps of one trace, line by line: a stamp without a date or a year follows those before it."""

    def __init__(self, options: TraceOptions) -> None:
        self._zones = options.zones
        self._clock = Clock(options)
        self._last = day_of(options.date) if options.date else None

    def at(self, text: str) -> str | None:
        """The time of the first stamp at the beginning of a text.

        None if there is none, if it lacks a date that the options do not give, or has an unknown zone. Raises
        :class:`InputError` for a day or an hour that does not exist.
        """
        start = text[:_LOOKED_AT]
        if found := _STAMP.search(start):
            return self._dated(found)
        found = _TIME_ALONE.search(start)
        if found is None:
            return None
        hour, minute, second, fraction = found.group("th", "tm", "ts", "tf")
        return self._clock.at((hour, minute, second, (fraction or "").ljust(3, "0")[:3]))

    def of_head(self, head: re.Match[str]) -> str | None:
        """The time of a message that begins so: of TAPI Browser's stamp, the first four groups, or of another one."""
        return self._clock.at(head.groups()[:4]) if head[1] else self.at(head[0])

    def _dated(self, found: re.Match[str]) -> str | None:
        kind = "i" if found["year"] else "c"
        day = "-".join(found.group("year", "month", "day")) if kind == "i" else self._of_cisco(found)
        hour, minute, second, fraction = found.group(*(kind + part for part in "hmsf"))
        zone = self._zone(found[kind + "zone"], sure=kind == "c")
        return time_in_zone(f"{day}T{hour:>02}:{minute}:{second}.{fraction or '0'}", zone) if day and zone else None

    def _of_cisco(self, found: re.Match[str]) -> str | None:
        """The day of a stamp with the name of a month; without a year, the one that is next to the line before."""
        month, day = _MONTHS.index(found["name"]) + 1, int(found["cday"])
        if found["cyear"]:
            return f"{found['cyear']}-{month:02}-{day:02}"
        if self._last is None:
            return None
        near = self._last
        years = [f"{near.year + step}-{month:02}-{day:02}" for step in (-1, 0, 1)]
        days = [date.fromisoformat(one) for one in years if _is_day(one)]
        self._last = min(days, key=lambda one: abs(one - near), default=near)
        return self._last.isoformat() if days else years[1]

    def _zone(self, name: str | None, sure: bool) -> str | None:
        """What the zone of a stamp is. Unless we are ``sure``, a word behind it that is no zone is another word."""
        known = {**ZONES, **self._zones}
        if name and name[0] in "+-":
            return name if ":" in name else f"{name[:3]}:{name[3:]}"
        if name and (name in known or sure):
            return known.get(name) or self._zones.get("")
        return self._zones.get("", "Z")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
