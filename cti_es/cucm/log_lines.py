"""The grammar of CUCM's own log lines, as written and as specified (docs/reference/imports.md#log-lines).

::

    [outer stamp and host] SEQ: HOST: Jul 02 2015 06:22:31.484 UTC :  %UC_CTI-6-CtiDeviceOpened: %[Key=Value]...: text

Real lines leave the specification in many ways: no sequence number, no host, no year, twelve hours, a fraction that is
not padded, no tags (before release 8: ``Name:value`` in the text), or the alarm as an SDL trace has it. All of them
become a :class:`Record`; what is no alarm at all is counted. Where somebody has joined lines, each record of a line is
read; where one was broken behind its host, it is put together again. Lines are read in one pass and none takes long:
every pattern here is bounded or possessive.

Knows nothing of events, stores or messages. Import and the traces stand on it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

from cti_es.cucm.cti_messages import CtiHandlers, Said
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


class Record:
    """One alarm of a log.

    ``line`` is the number of its (first) line. ``host`` is the one of the line's head (:attr:`node` is better),
    ``sequence`` its number there; None where it has none. ``facility`` and ``severity`` are empty and None in SDL
    traces. ``is_copy``: RTMT wraps another line, which comes by itself. ``raw`` is what stands behind its name: tags
    and text, as written. What costs time is found out when it is asked for.
    """

    __slots__ = (
        "_head", "_match", "_tagged", "_time", "_times", "host", "is_copy", "line", "mnemonic", "raw", "sequence",
    )  # fmt: skip

    def __init__(
        self,
        line: int,
        host: str | None,
        sequence: int | None,
        head: tuple[str, str, str],
        time: "Time | None",
        rest: str,
        times: "_Times",
        match: re.Match[str] | None = None,
    ) -> None:
        self.line = line
        self.host = host
        self.sequence = sequence
        self._head = head
        self.mnemonic = head[2]
        self._time = time
        self._times = times
        self._match = match
        self.raw = rest
        self._tagged: tuple[dict[str, str], str, bool] | None = None
        self.is_copy = False

    @property
    def facility(self) -> str:
        """Such as ``UC_CTI``."""
        return self._match.groups()[-3] if self._match else self._head[0]

    @property
    def severity(self) -> int | None:
        """0 to 7. It is not fixed for an alarm: match on the mnemonic."""
        severity = self._match.groups()[-2] if self._match else self._head[1]
        return int(severity) if severity else None

    @property
    def at(self) -> str | None:
        """Its canonical UTC time, or None and :attr:`why` says why not."""
        return self._when()[0]

    @property
    def why(self) -> WhyNoTime | None:
        """Why it has no time."""
        return self._when()[1]

    @property
    def zone(self) -> str:
        """The time zone of its stamp, as written; empty in an SDL trace."""
        return _stamp_of(self._match)[-1] if self._match else ""

    @property
    def tags(self) -> dict[str, str]:
        """Its parameters. Keys are normalised (:func:`tag_key`); of a key that stands twice the first counts."""
        return self._parts()[0]

    @property
    def text(self) -> str:
        """What stands behind the tags."""
        return self._parts()[1]

    @property
    def is_cut(self) -> bool:
        """Whether the line ends inside its tags, or the tags are not what they should be."""
        return self._parts()[2]

    @property
    def node(self) -> str | None:
        """The host name of the node that logged it: the tag NodeID, else the host of the line."""
        return self.peek("NodeID") or self.host

    @property
    def process(self) -> str:
        """The service that logged it: the last AppID in it, for RTMT's copies have that of another line before."""
        start = self.raw.rfind(_APP_ID)
        if start < 0:
            return self.tags.get("appid", "")[:_LONGEST_PROCESS]
        start += len(_APP_ID)
        return self.raw[start : start + _LONGEST_PROCESS].partition("]")[0]

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits: equal for the same alarm by whatever way it came, by when, where, and what it says."""
        text = f"{self.mnemonic.lower()}\n{self.at}\n{(self.node or '').lower()}\n{self.sequence}\n{self.raw.strip()}"
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def without_text(self) -> "Record":
        """A copy without parameters and text, so small that many of them can be kept."""
        return Record(self.line, self.host, self.sequence, self._head, self._when(), "", self._times)

    def peek(self, key: str) -> str:
        """One tag, without looking at the others where it stands as today's releases write it; else empty."""
        if self._tagged is None:
            start = self.raw.find(f"[{key}=")
            if start >= 0:
                start += len(key) + 2
                value = self.raw[start : self.raw.find("]", start)]
                if "\\" not in value:
                    return value.strip()
        return self.tags.get(tag_key(key), "")

    def _when(self) -> "Time":
        if self._time is None:
            self._time = self._times.at(_stamp_of(self._match)) if self._match else (None, "no_time")
        return self._time

    def _parts(self) -> tuple[dict[str, str], str, bool]:
        if self._tagged is None:
            self._tagged = _tagged(self.raw)
        return self._tagged


# --- tags -----------------------------------------------------------------------------------------------------------

_APP_ID = "[AppID="
_LONGEST_PROCESS = 128
_TAG = r"[ ]*+\[((?:[^\]\\]|\\.)*+)\]"
_TAGS = re.compile(rf"[ ]*+%(?:{_TAG})++")
_EACH_TAG = re.compile(_TAG)
_ESCAPED = re.compile(r"\\(.)")

_OLD_KEYS = {
    "reasoncode": "reason",
    "remoteipaddressofremoteapplication": "remoteipaddress",
    "uniquelinkid": "linkid",
    "hostnameofhostingnode": "hostname",
    "ipaddressofhostingnode": "ipaddress",
    "devicemacaddress": "macaddress",
    "deviceipaddress": "ipaddress",
    "devicedescription": "description",
    "additionaltext": "text",
}
"""Normalised key of an older release → the one of today (docs/reference/imports.md#log-lines)."""

_LABELS = (
    "Remote IP address of remote application", "Unique Link ID", "Local node ID", "Local Application ID",
    "Remote application ID", "RemoteIPAddress", "LinkID", "LocalNodeId", "LocalApplicationID", "RemoteNodeID",
    "RemoteApplicationID", "Additional Text", "Host name of hosting node", "IP address of hosting node", "HostName",
    "Reason code", "Reason", "Device name", "DeviceName", "Device MAC address", "Device IP address",
    "Device type", "DeviceType", "Device description", "Description", "MACAddress", "Protocol", "Service Name",
    "ServiceName", "CCMVersion", "Login User Id", "LoginUserId", "SeqNumber", "CTIconnectionId", "CTI connection Id",
    "Version", "DeviceId", "MediaControlled", "AssociatedCMIPAddr", "CmAssignedAppID", "DirNum", "Partition", "LineId",
    "callManagerId", "IPAddress", "IPv6Address", "Name", "Detail", "App ID", "AppID", "Cluster ID", "ClusterID",
    "Node ID", "NodeID",
)  # fmt: skip
"""The parameters of lines without tags: pre-8 alarms and SDL traces (docs/reference/imports.md#log-lines)."""

_ANY_LABEL = "|".join(re.escape(label) for label in sorted(_LABELS, key=len, reverse=True))
_LABEL = re.compile(rf"(?i)(?<![A-Za-z0-9])({_ANY_LABEL})\.?(?: ?\[Optional\])?\.?:")

_LABELS_WITHIN = 8_192
_NO_CATALOGUE = "UNKNOWN_PARAMNAME:"


@lru_cache(maxsize=4_096)
def tag_key(key: str) -> str:
    """The key of a tag as all releases mean it: lower case, no blanks, dots or ``[Optional]``, today's name.

    ``UNKNOWN_PARAMNAME:`` goes, too: CUCM puts it before a parameter that its catalogue does not have.
    """
    key = key.strip().removeprefix(_NO_CATALOGUE).lower()
    plain = key.replace("[optional]", "").replace(" ", "").replace(".", "")
    return _OLD_KEYS.get(plain, plain)


def _tagged(rest: str) -> tuple[dict[str, str], str, bool]:
    """What follows the mnemonic → tags, text, whether it is cut off."""
    return _plainly_tagged(rest) or _carefully_tagged(rest)


def _plainly_tagged(rest: str) -> tuple[dict[str, str], str, bool] | None:
    """The same of a line without escapes, blanks between tags and other oddities, some times as fast."""
    start, end = rest.find("%["), rest.find("]:")
    if start < 0 or end < start or "\\" in rest or rest[:start].strip(" "):
        return None
    section = rest[start + 2 : end]
    pairs = section.split("][")
    if section.count("[") != len(pairs) - 1 or section.count("]") != len(pairs) - 1:
        return None
    tags: dict[str, str] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        tags.setdefault(tag_key(key), value.strip())
    return tags, rest[end + 2 :].strip(), False


def _carefully_tagged(rest: str) -> tuple[dict[str, str], str, bool]:
    section = _TAGS.match(rest)
    if section is None:
        text = rest.strip()
        return _labelled(text), text, text.startswith("%[")
    tags: dict[str, str] = {}
    for pair in _EACH_TAG.findall(section[0]):
        key, _, value = pair.partition("=")
        tags.setdefault(tag_key(key), (_ESCAPED.sub(r"\1", value) if "\\" in value else value).strip())
    text = rest[section.end() :].lstrip(" ")
    return tags, text.removeprefix(":").strip(), not text.startswith(":")


def _labelled(text: str) -> dict[str, str]:
    """The parameters of a text without tags: ``Device name.:SEP… Reason Code [Optional].:12``."""
    labels = list(_LABEL.finditer(text, 0, _LABELS_WITHIN))
    ends = [*[label.start() for label in labels], len(text)]
    tags: dict[str, str] = {}
    for label, end in zip(labels, ends[1:], strict=True):
        tags.setdefault(tag_key(label[1]), text[label.end() : end].strip())
    return tags


# --- times ----------------------------------------------------------------------------------------------------------

_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_HALF_A_DAY = timedelta(hours=12)

Time = tuple[str | None, WhyNoTime | None]
Stamp = tuple[str, str, str | None, str, str, str, str | None, str | None, str]
"""Month, day, year, hour, minute, second, AM or PM, fraction, zone: as they stand in a line."""


@lru_cache(maxsize=1_024)
def _day(month: str, day: str, year: str) -> str | None:
    """``2015-07-02``, or None for a day that does not exist or lies out of range."""
    try:
        on = date(int(year), _MONTHS[month], int(day))
    except (KeyError, ValueError):
        return None
    return on.isoformat() if FIRST_YEAR <= on.year <= LAST_YEAR else None


class _Times:
    """Stamps → canonical times, for one file: stamps without a year or a date follow the one before.

    The first without a year follows the file ``before``; a date is only that of one SDL trace.
    """

    def __init__(self, options: LogLineOptions, before: "_Times | None") -> None:
        self._zones = {**ZONES, **options.zones}
        self._tz = options.tz
        self._near = date(options.year, 1, 1) if options.year else None
        self._begun = False
        if before is not None:
            self._near, self._begun = before._near, before._begun
        self._trace = datetime.fromisoformat(options.date) if options.date else None

    def at(self, stamp: Stamp) -> Time:
        """The time of a stamp."""
        month, day, year, hour, minute, second, half, fraction, zone = stamp
        if zone == "---" or month == "---":
            return None, "no_time"
        on = _day(month, day, year) if year else self._without_year(month, day)
        if on is None:
            return None, "bad_time" if year or self._near else "no_year"
        if half and (hour := _of_24(hour, half)) == "":
            return None, "bad_time"
        if hour > "23" or minute > "59" or second > "59":
            return None, "bad_time"
        offset = self._zones.get(zone) or self._offset(zone)
        if offset is None:
            return None, "unknown_zone"
        return _canonical(f"{on}T{hour}:{minute}:{second}{_fraction(fraction) if fraction else ''}", offset)

    def of_trace(self, hour: str, minute: str, second: str, milli: str) -> Time:
        """The time of a stamp of an SDL trace, which has no date: when it goes back by half a day, a day has passed."""
        if self._trace is None:
            return None, "no_date"
        try:
            time = self._trace.replace(hour=int(hour), minute=int(minute), second=int(second))
        except ValueError:
            return None, "bad_time"
        self._trace = time = time + timedelta(days=1) if self._trace - time > _HALF_A_DAY else time
        return _canonical(f"{time.isoformat()}.{milli}", self._tz or "Z")

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


# --- lines ----------------------------------------------------------------------------------------------------------

_MONTH = f"({'|'.join(_MONTH_NAMES)}|---)"
_STAMP = (
    rf"{_MONTH}[ ]{{1,2}}([0-9]{{1,2}})[ ](?:([0-9]{{4}})[ ])?([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}})"
    r"(?:[ ]([AP]M))?(?:\.([0-9]{1,6}))?[ ]([^\s:%]{1,7})[ ]?:[ ]{1,8}"
)
_HEAD = r"%([A-Za-z][A-Za-z0-9_]{1,31}(?:-[A-Za-z][A-Za-z0-9_]{1,31})?)-([0-7])-([A-Za-z][A-Za-z0-9_ -]{0,63}?)[ ]?:"
_LINE = re.compile(_STAMP + _HEAD)
_LOCAL = r"[A-Z][a-z]{2}[ ][ 0-9][0-9][ ][0-9]{2}:[0-9]{2}:[0-9]{2}"
_OUTER = rf"(?:<[0-9]{{1,3}}>)?(?:{_LOCAL}[ ][^\s:]{{1,64}}[ ]local[0-9]{{1,2}}[ ][0-9][ ][^\s:]{{0,32}}:[ ])?"
_USUAL = re.compile(rf"{_OUTER}([0-9]{{1,10}}): ([A-Za-z0-9][A-Za-z0-9._:-]{{0,254}}): {_STAMP}{_HEAD}")
_ONLY_HEAD = re.compile(_HEAD)
_SDL = re.compile(r"[0-9]{1,12}\.[0-9]{1,4}[ ]\|([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3})[ ]\|")
_SDL_ALARM = re.compile(r"(?:AppInfo[ ]{1,8}\|([A-Z][A-Za-z0-9]{2,63})[ ]-[ ]|AlarmErr[ ]{1,8}\|AlarmClass:[ ])(.*)")
_ALARM_NAME = re.compile(r"AlarmName:[ ]([A-Za-z0-9_]{1,64}),")
_PARAMETERS = "AlarmParameters:"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,254})")
_PRI = re.compile(r"<[0-9]{1,3}>")
_WHERE = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,254}"
_SYSLOG = (
    rf"[A-Z][a-z]{{2}}[ ]{{1,2}}[0-9]{{1,2}}[ ][0-9:]{{8}}[ ]{_WHERE}[ ]local[0-9]{{1,2}}[ ][0-9][ ][^\s:]{{0,32}}:[ ]"
)
_FROM = rf"(?:[0-9]{{1,10}}:[ ]{_WHERE}:?[ ]|[0-9]{{1,10}}:[ ]|{_WHERE}:[ ])"
_ORIGIN = re.compile(rf"[ ]*(?:<[0-9]{{1,3}}>)?(?:{_SYSLOG})?{_FROM}?[*.]?\Z")
"""What stands before the stamp of a record: syslog's own stamp and host, sequence number, host."""

_ORIGIN_LAST = re.compile(rf"(?<!\S)(?:<[0-9]{{1,3}}>)?{_SYSLOG}(?:[0-9]{{1,10}}:[ ])?{_WHERE}:\s*\Z")
_STAMP_FIRST = re.compile(_STAMP)
_COLON = (b":", b": ", b":\r")
_LONGEST_STAMP = 96
_LONGEST_ORIGIN = 1_024
_OWN_TAGS = 3
"""The tags of a record begin so near behind its head."""

_COPIED, _COPY = "MatchedEvent", "SyslogSeverityMatchFound"
_LAST_OF_BEFORE = 600
_PART = "[part="
_PART_VALUE = re.compile(r"([0-9]{1,10})\.([0-9]{1,4})/([0-9]{1,4})")


class Left(NamedTuple):
    """What was left out for one reason: how many lines, and the number of the first of them."""

    lines: int
    first: int


class AlarmReader:
    """Reads one log file.

    ``lines`` counts its lines; ``left_out`` says what was no alarm: ``no_log_line`` (blank lines do not count),
    ``no_alarm`` (of an SDL trace), ``not_utf8`` and ``part_missing`` (a message in several parts of which one did not
    come). ``before`` has read another file of the same time: stamps without a year follow its last one.
    """

    def __init__(self, options: LogLineOptions, before: "AlarmReader | None" = None) -> None:
        self.lines = 0
        self.left_out: dict[str, Left] = {}
        self._times: _Times = _Times(options, before._times if before else None)
        self._parts = _Parts(self)
        self._broken_off = ""
        self._handlers = CtiHandlers()

    def records(self, chunks: Iterable[list[bytes]]) -> Iterator[list[Record]]:
        """The records of some lines, which come some thousand at a time; in lists as the lines come."""
        for lines in chunks:
            found: list[Record] = []
            for number, line in enumerate(lines, self.lines + 1):
                found += self._records(line, number)
            self.lines += len(lines)
            yield found
        self._parts.end()

    def leave_out(self, reason: str, line: int) -> None:
        """Count a line that is left out."""
        before = self.left_out.get(reason)
        self.left_out[reason] = Left(before.lines + 1, before.first) if before else Left(1, line)

    def _records(self, line: bytes, number: int) -> list[Record]:
        """The records of a line: mostly one; several if somebody has joined lines."""
        try:
            text = line.decode()
        except UnicodeDecodeError:
            self.leave_out("not_utf8", number)
            return []
        if self._broken_off or line.endswith(_COLON):
            text = self._rejoined(text)
        usual = _USUAL.match(text)
        if usual is None or text.find("%", usual.end() + _OWN_TAGS) >= 0:
            records = self._of_text(text, number)
        else:
            sequence, host, year, mnemonic = usual.group(1, 2, 5, 14)
            records = [self._made(number, host, int(sequence), year, mnemonic, text[usual.end() :], usual)]
        if _PART in text:
            return [whole for record in records if (whole := self._parts.take(record)) is not None]
        return records

    def _rejoined(self, text: str) -> str:
        """A line with the origin that the line before ended with, and without the one that it ends with itself."""
        text = self._broken_off + text if _STAMP_FIRST.match(text) else text
        origin = _ORIGIN_LAST.search(text, max(0, len(text) - _LONGEST_ORIGIN))
        self._broken_off = origin[0].strip() + " " if origin else ""
        return text[: origin.start()].rstrip() if origin else text

    def _of_text(self, text: str, number: int) -> list[Record]:
        """The records of any other line, each up to the next one."""
        pieces = _pieces(text)
        if not pieces:
            return self._without_head(text, number)
        ends = [*(piece.start for piece in pieces[1:]), len(text)]
        return [self._of_piece(piece, text[:end], number) for piece, end in zip(pieces, ends, strict=True)]

    def _of_piece(self, piece: "_Piece", text: str, number: int) -> Record:
        head, match = piece.head, piece.match
        rest = text[head.end() :]
        if match is None:
            record = Record(number, None, None, (head[1], head[2], head[3]), (None, "no_time"), rest, self._times)
        else:
            origin = _origin(text, piece.start, match.start())
            record = self._made(number, *origin, match[3], match[12], rest, match)
        record.is_copy = piece.is_copy or ("RTMT" in record.mnemonic and _is_copy(text[piece.start :]))
        return record

    def _made(
        self,
        number: int,
        host: str | None,
        sequence: int | None,
        year: str | None,
        mnemonic: str,
        rest: str,
        match: re.Match[str],
    ) -> Record:
        """The record of a line with a stamp; ``match`` ends with the groups of :data:`_STAMP` and :data:`_HEAD`."""
        # A stamp without a year is understood by the one before it, so these do not wait until they are asked for.
        time = None if year else self._times.at(_stamp_of(match))
        record = Record(number, host, sequence, ("", "", mnemonic), time, rest, self._times, match)
        if "RTMT" in mnemonic:
            record.is_copy = _is_copy(rest)
        return record

    def _without_head(self, text: str, number: int) -> list[Record]:
        """The alarms of a line of an SDL trace; none of any other line."""
        stamps = list(_SDL.finditer(text)) if "|" in text else []
        if not stamps:
            if text and not text.isspace():
                self.leave_out("no_log_line", number)
            return []
        ends = [*(stamp.start() for stamp in stamps[1:]), len(text)]
        pieces = zip(stamps, ends, strict=True)
        return [record for stamp, end in pieces for record in self._of_trace(stamp, text, end, number)]

    def _of_trace(self, stamp: re.Match[str], text: str, end: int, number: int) -> list[Record]:
        """A line of an SDL trace. Most are no alarms, but by their stamps it shows when a day has passed."""
        time = self._times.of_trace(stamp[1], stamp[2], stamp[3], stamp[4])
        alarm = _SDL_ALARM.match(text, stamp.end(), end)
        mnemonic, rest = alarm.groups() if alarm else (None, "")
        if mnemonic is None and (name := _ALARM_NAME.search(rest)) is not None:
            mnemonic, rest = name[1], _as_tags(rest)
        if mnemonic is not None:
            return [Record(number, None, None, ("", "", mnemonic), time, rest, self._times)]
        sequence = stamp[0].partition(".")[0]
        said = self._handlers.said(sequence, text, stamp.end(), end)
        if not said:
            self.leave_out("no_alarm", number)
        return [self._of_message(one, text[stamp.start() : end], time, number) for one in said]

    def _of_message(self, said: Said, text: str, time: Time, number: int) -> Record:
        record = Record(number, None, None, ("", "", said.mnemonic), time, text, self._times)
        record._tagged = said.tags, "", False
        return record


class _Piece(NamedTuple):
    """A record within a line: where it starts, its head, and the stamp and head in one if it has a stamp."""

    start: int
    head: re.Match[str]
    match: re.Match[str] | None
    is_copy: bool


def _pieces(text: str) -> list[_Piece]:
    """The records of a line. What RTMT copies belongs to the record around it; if that is not there, it is a copy."""
    found: list[_Piece] = []
    end = 0
    for head in _ONLY_HEAD.finditer(text):
        match = _LINE.search(text, max(end, head.start() - _LONGEST_STAMP), head.end())
        begin = match.start() if match else head.start()
        copied = text.rfind(_COPIED, end, begin)
        is_copy = copied >= 0 and "]:" not in text[copied:begin]
        if not found:
            found.append(_Piece(0, head, match, is_copy))
        elif not is_copy:
            origin = _ORIGIN.search(text, max(end, begin - _LONGEST_ORIGIN), begin) if match else None
            found.append(_Piece(origin.start() if origin else begin, head, match, False))
        end = head.end()
    return found


def _stamp_of(match: re.Match[str]) -> Stamp:
    groups: tuple[Any, ...] = match.groups()
    return groups[-12:-3]


def _is_copy(text: str) -> bool:
    """Whether RTMT wraps another line in this one."""
    return _COPIED in text or _COPY in text


def _origin(text: str, start: int, end: int) -> tuple[str | None, int | None]:
    """Host and sequence number from what stands before the stamp: ``…: 41679: uc-ucm-01.pcce.local ``."""
    before = text[max(start, end - _LAST_OF_BEFORE) : end]
    words = before.rstrip(" *").rsplit(None, 2)
    if words and words[-1] == ".":  # accuracy: there was a time server, and is none now
        words = before.rstrip(" .").rsplit(None, 2)
    if not words:
        return None, None
    last = words[-1]
    if (number := _sequence(last)) is not None:
        return None, number
    return _host(last), _sequence(words[-2]) if len(words) > 1 else None


@lru_cache(maxsize=4_096)
def _host(word: str) -> str | None:
    found = _HOST.fullmatch(_PRI.sub("", word).removesuffix(":"))
    return found[0] if found else None


def _sequence(word: str) -> int | None:
    """``41679:``, perhaps behind a ``<189>``, as a number."""
    if not word.endswith(":"):
        return None
    digits = word[word.find(">") + 1 : -1]
    return int(digits) if digits.isdigit() and digits.isascii() and len(digits) <= 10 else None


def _as_tags(rest: str) -> str:
    """The parameters of an AlarmErr line (``DeviceName:SEP…, Reason:2, ``) in the form of today's tags."""
    pairs = [part.partition(":") for part in rest.partition(_PARAMETERS)[2].strip(" ,\r").split(", ")]
    tags = "".join(f"[{_escaped(key)}={_escaped(value)}]" for key, _, value in pairs if key)
    return f"%{tags}:" if tags else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


# --- messages in several parts --------------------------------------------------------------------------------------

_MOST_PARTS = 64
_MOST_WAITING = 1_000
_LONGEST_PART = 4_096  # the specification has 800 bytes


_Message = tuple[str | None, str, int, int]
"""Node, mnemonic, number of the first part, how many parts."""


class _Parts:
    """Joins messages that came in several parts: ``[part=16.1/3]`` is the first of three that begin at 16."""

    def __init__(self, reader: AlarmReader) -> None:
        self._reader = reader
        self._waiting: dict[_Message, dict[int, Record]] = {}
        self._last: dict[str, str | None] = {}

    def take(self, record: Record) -> Record | None:
        """The whole message, when this was its last part; else None."""
        value = _PART_VALUE.fullmatch(record.tags.get("part", ""))
        if value is None:
            return record
        first, part, of = (int(number) for number in value.groups())
        if not 1 <= part <= of <= _MOST_PARTS or len(record.raw) > _LONGEST_PART:
            self._reader.leave_out("part_missing", record.line)
            return None
        key = (record.node, record.mnemonic, first, of)
        if self._last.get(record.raw, "") == record.at:
            return None  # the whole message came twice
        there = self._waiting.setdefault(key, {})
        there.setdefault(part, record)
        if len(there) == of:
            del self._waiting[key]
            self._last = {one.raw: one.at for one in there.values()}
            return _joined([there[number] for number in range(1, of + 1)])
        if len(self._waiting) > _MOST_WAITING:
            self._give_up(next(iter(self._waiting)))
        return None

    def end(self) -> None:
        """Count what is still waiting for a part."""
        for key in list(self._waiting):
            self._give_up(key)

    def _give_up(self, key: _Message) -> None:
        parts = self._waiting.pop(key)
        self._reader.leave_out("part_missing", min(record.line for record in parts.values()))


def _joined(parts: list[Record]) -> Record:
    """The first part with the text of all of them; their tags are the same."""
    whole = parts[0]
    tags = {key: value for key, value in whole.tags.items() if key != "part"}
    whole._tagged = tags, "".join(part.text for part in parts), any(part.is_cut for part in parts)
    return whole
