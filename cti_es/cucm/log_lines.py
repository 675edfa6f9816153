"""The lines of CUCM's own logs → records, as written and as specified (docs/reference/imports.md#log-lines).

::

    [outer stamp and host] SEQ: HOST: Jul 02 2015 06:22:31.484 UTC :  %UC_CTI-6-CtiDeviceOpened: %[Key=Value]...: text

Real lines leave the specification in many ways: no sequence number, no host, no year, twelve hours, a fraction that is
not padded, no tags (before release 8: ``Name:value`` in the text), or the alarm as an SDL trace has it. All of them
become a :class:`~cti_es.cucm.records.Record`; what is no alarm at all is counted. Where somebody has joined lines, each
record of a line is read; where one was broken behind its host, it is put together again. Lines are read in one pass and
none takes long: every pattern here is bounded or possessive.

Knows nothing of events, stores or messages. Import and the traces stand on it.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from cti_es.cucm.origins import host_and_sequence, last_origin, start_of_origin
from cti_es.cucm.parts import PART, Parts
from cti_es.cucm.records import Head, Record
from cti_es.cucm.sdl_lines import SdlLines
from cti_es.cucm.stamps import DATED, STAMP_TEXT, LogLineOptions, Times, has_year

_HEAD = r"%([A-Za-z][A-Za-z0-9_]{1,31}(?:-[A-Za-z][A-Za-z0-9_]{1,31})?-[0-7]-[A-Za-z][A-Za-z0-9_ -]{0,63}?)[ ]?:"
_HEAD_PARTS = re.compile(r"(.+?)-([0-7])-(.+)")
_ONLY_HEAD = re.compile(_HEAD)
_STAMPED = re.compile(rf"({STAMP_TEXT}){_HEAD}")
_STAMP_FIRST = re.compile(STAMP_TEXT)
_USUAL = re.compile(
    r"(?:<[0-9]{1,3}>)?+(?:[^\s:%]{0,32}+:[ ])??([0-9]{1,10}+):[ ]"
    r"(?:(?![0-9]++:)([A-Za-z0-9][A-Za-z0-9._-]{0,254}+):[ ])?+"
    rf"({DATED})%([A-Za-z][A-Za-z0-9_]{{1,31}}+(?:-[A-Za-z][A-Za-z0-9_]{{1,31}}+)?+-[0-7]-[A-Za-z][A-Za-z0-9_-]{{0,63}}+)"
    r"[ ]?:"
)
"""Perhaps the name of the process; sequence number, host, stamp, head: those of nearly all records, not of all."""

_COLON = (":", ": ", ":\r")
_LONGEST_STAMP = 96
_OWN_TAGS = 3
"""The tags of a record begin so near behind its head."""

_RTMT = "RTMT"
_COPIED, _COPY = "MatchedEvent", "SyslogSeverityMatchFound"


class Left(NamedTuple):
    """What was left out for one reason: how many lines, and the number of the first of them."""

    lines: int
    first: int


class AlarmReader:
    """Reads one log file.

    ``lines`` counts its lines; ``left_out`` says what was no alarm: ``no_log_line`` (blank lines do not count),
    ``no_alarm`` (of an SDL trace), ``cut`` (the origin of a record and nothing else of it) and
    ``part_missing`` (a message in several parts of which one did not come). ``before`` has read another file of the
    same time: stamps without a year follow its last one.
    """

    def __init__(self, options: LogLineOptions, before: "AlarmReader | None" = None) -> None:
        self.lines = 0
        self.left_out: dict[str, Left] = {}
        self._times: Times = Times(options, before._times if before else None)
        self._parts = Parts(lambda line: self._leave_out("part_missing", line))
        self._sdl = SdlLines(self._times)
        self._broken_off = ("", 0)

    def records(self, chunks: Iterable[list[bytes]]) -> Iterator[list[Record]]:
        """The records of some lines, which come some thousand at a time; in lists as the lines come."""
        for lines in chunks:
            yield self.take(lines)
        self.end()

    def take(self, lines: list[bytes]) -> list[Record]:
        """The records of the next lines."""
        found: list[Record] = []
        for number, line in enumerate(lines, self.lines + 1):
            self._read(line, number, found)
        self.lines += len(lines)
        return found

    def end(self) -> None:
        """The file has ended: what waits for another line has waited for nothing."""
        self._break_off("", 0)
        self._parts.end()

    @property
    def is_between(self) -> bool:
        """Whether nothing of the lines so far waits for another one, so that somebody else could read on here."""
        return not self._broken_off[0] and self._parts.is_empty

    @property
    def day(self) -> date | None:
        """The day of the last stamp that had no year; None if none was without."""
        return self._times.day

    def go_on(self, lines: int, day: date | None) -> None:
        """So many lines have been read by another reader, and the last stamp without a year was of this day."""
        self.lines = lines
        if day is not None:
            self._times.go_on(day)

    def _leave_out(self, reason: str, line: int) -> None:
        before = self.left_out.get(reason)
        self.left_out[reason] = Left(before.lines + 1, before.first) if before else Left(1, line)

    def _read(self, line: bytes, number: int, found: list[Record]) -> None:
        """Add the records of a line: mostly one, several if somebody has joined lines, none if it is no alarm."""
        # In Latin-1, say, only a description can be: names are ASCII, and the line may tell of a failure.
        text = line.decode(errors="replace")
        if self._broken_off[0] or text.endswith(_COLON):
            found += self._others(self._rejoined(text, number), number)
        elif (record := self._usual(text, number)) is not None:
            found.append(record)
        else:
            found += self._others(text, number)

    def _usual(self, text: str, number: int) -> Record | None:
        """The record of a line that is nothing but one, dated and with a sequence number; None for every other line.

        Nearly all lines are so, and are read in half the time. What comes of it is what :meth:`_others` makes of it.
        """
        # Whatever a collector puts in front has no colon with a blank behind it, except behind the name of the process.
        start = text.rfind(" ", 0, text.find(": ")) + 1
        found = _USUAL.match(text, start)
        if found is None or text.find("%", 0, start) >= 0 or text.find("%", found.end() + _OWN_TAGS) >= 0:
            return None
        sequence, host, stamp, head = found.groups()
        if _RTMT in head or PART in text:
            return None
        return Record(number, host, int(sequence), _head(head), text[found.end() :], self._times, stamp)

    def _others(self, text: str, number: int) -> list[Record]:
        """The records of any line."""
        pieces = _pieces(text) if "%" in text else []
        if not pieces:
            return self._without_head(text, number)
        ends = [*(piece.start for piece in pieces[1:]), len(text)]
        records = [self._of_piece(piece, text[:end], number) for piece, end in zip(pieces, ends, strict=True)]
        if PART in text:
            return [whole for record in records if (whole := self._parts.take(record)) is not None]
        return records

    def _rejoined(self, text: str, number: int) -> str:
        """A line with the origin that the line before ended with, and without the one that it ends with itself."""
        before = self._broken_off[0]
        if before and _STAMP_FIRST.match(text):
            text, self._broken_off = before + text, ("", 0)
        text, origin = last_origin(text)
        self._break_off(origin, number)
        return text

    def _break_off(self, origin: str, number: int) -> None:
        """A line ends with an origin. That of a line before, behind which nothing has come, is all of its record."""
        before, at = self._broken_off
        if before:
            self._leave_out("cut", at)
        self._broken_off = (origin, number)

    def _of_piece(self, piece: "_Piece", text: str, number: int) -> Record:
        head, rest = _head(piece.head[1]), text[piece.head.end() :]
        if (match := piece.stamped) is None:
            record = Record(number, None, None, head, rest)
        else:
            host, sequence = host_and_sequence(text, piece.start, match.start())
            record = Record(number, host, sequence, head, rest, self._times, match[1])
            if not has_year(match[1]):  # it is understood by the one before it, so it cannot wait until it is asked for
                record.time = self._times.at(match[1])
        record.is_copy = piece.is_copy or (_RTMT in head.mnemonic and _is_copy(text[piece.start :]))
        return record

    def _without_head(self, text: str, number: int) -> list[Record]:
        """The alarms of a line of an SDL trace; none of any other line."""
        records = self._sdl.records(text, number)
        if records is None:
            if text and not text.isspace():
                self._leave_out("no_log_line", number)
        elif not records:
            self._leave_out("no_alarm", number)
        return records or []


class _Piece(NamedTuple):
    """A record within a line: where it starts, its head, and the stamp and head in one if it has a stamp."""

    start: int
    head: re.Match[str]
    stamped: re.Match[str] | None
    is_copy: bool


def _pieces(text: str) -> list[_Piece]:
    """The records of a line. What RTMT copies belongs to the record around it; if that is not there, it is a copy."""
    found: list[_Piece] = []
    end = 0
    for head in _ONLY_HEAD.finditer(text):
        stamped = _STAMPED.search(text, max(end, head.start() - _LONGEST_STAMP), head.end())
        begin = stamped.start() if stamped else head.start()
        copied = text.rfind(_COPIED, end, begin)
        is_copy = copied >= 0 and "]:" not in text[copied:begin]
        if not found:
            found.append(_Piece(0, head, stamped, is_copy))
        elif not is_copy:
            found.append(_Piece(start_of_origin(text, end, begin) if stamped else begin, head, stamped, False))
        end = head.end()
    return found


@lru_cache(maxsize=4_096)
def _head(names: str) -> Head:
    """``UC_CTI-6-CtiDeviceOpened`` in parts."""
    found = _HEAD_PARTS.fullmatch(names)
    return Head(found[1], int(found[2]), found[3]) if found else Head("", None, names)


def _is_copy(text: str) -> bool:
    """Whether RTMT wraps another line in this one."""
    return _COPIED in text or _COPY in text
