"""Lines of an SDL trace → alarms, and what a CTI Manager says in it in the words of alarms.

::

    33538233.004 |07:32:38.651 |AppInfo |CtiProviderOpenFailure - CTI application failed … CTIconnectionId:212 …
    08080021.046 |16:31:15.938 |AlarmErr |AlarmClass: CallManager, AlarmName: ConnectionFailure, … AlarmParameters: …

Specified in docs/reference/imports.md#cti-manager-traces.
"""

import re
from typing import NamedTuple

from cti_es.cucm.cti_messages import CtiHandlers, Said
from cti_es.cucm.records import Head, Record
from cti_es.cucm.stamps import Time, Times

_STAMP = re.compile(r"\|([0-9][0-9]:[0-9][0-9]:[0-9][0-9])\.([0-9]{3})[ ]\|")
_NUMBER = re.compile(r"([0-9]{1,12})\.([0-9]{1,4})[ ]\Z")
_LONGEST_NUMBER = 18
_ALARM = re.compile(r"(?:AppInfo[ ]{1,8}\|([A-Z][A-Za-z0-9]{2,63})[ ]-[ ]|AlarmErr[ ]{1,8}\|AlarmClass:[ ])(.*)")
_ALARM_NAME = re.compile(r"AlarmName:[ ]([A-Za-z0-9_]{1,64}),")
_PARAMETERS = "AlarmParameters:"
_MOST_SAID = 10
"""A line says fewer things."""

_REFUSAL = "CtiProviderOpenFailure"


class SdlLines:
    """The lines of one trace."""

    def __init__(self, times: Times) -> None:
        self._times = times
        self._handlers = CtiHandlers()

    def records(self, text: str, number: int) -> list[Record] | None:
        """The alarms of a line: several if somebody has joined lines. None if it is no line of an SDL trace."""
        pieces = _pieces(text)
        if not pieces:
            return None
        if len(pieces) == 1:
            return self._of_piece(pieces[0], text, len(text), number)
        ends = [*(piece.start for piece in pieces[1:]), len(text)]
        return [
            one for piece, end in zip(pieces, ends, strict=True) for one in self._of_piece(piece, text, end, number)
        ]

    def _of_piece(self, piece: "_Piece", text: str, end: int, number: int) -> list[Record]:
        """Most are no alarms, but by their stamps it shows when a day has passed."""
        clock, milli = piece.stamp.groups()
        begin = piece.stamp.end()
        self._times.pass_by(clock)
        if (alarm := _alarm(text, begin, end)) is not None:
            mnemonic, rest = alarm
            time, head = self._times.of_trace(clock, milli), Head("", None, mnemonic)
            record = Record(number, None, None, head, rest, time=time, order=piece.order)
            return [] if self._has_said(record) else [record]
        said = self._handlers.said(piece.number, text, begin, end)
        if not said:
            return []
        time, whole = self._times.of_trace(clock, milli), text[piece.start : end]
        return [_of_message(one, whole, time, number, order) for order, one in enumerate(said, piece.order)]

    def _has_said(self, record: Record) -> bool:
        """Whether a message has said it: a refused login is an alarm, too, which does not name the user."""
        return record.mnemonic == _REFUSAL and record.tags.get("cticonnectionid") in self._handlers.refused


class _Piece(NamedTuple):
    """A record of a trace within a line: where it starts, its number (before the dot), its order and stamp."""

    start: int
    number: str
    order: int
    stamp: re.Match[str]


def _pieces(text: str) -> list[_Piece]:
    found: list[_Piece] = []
    for stamp in _STAMP.finditer(text):
        end = stamp.start()
        if (number := _NUMBER.search(text, max(0, end - _LONGEST_NUMBER), end)) is not None:
            order = int(f"{number[1]}{number[2]:0>4}") * _MOST_SAID
            found.append(_Piece(number.start(), number[1], order, stamp))
    return found


def _alarm(text: str, start: int, end: int) -> tuple[str, str] | None:
    """The name of the alarm behind a stamp, and what stands behind it."""
    if not text.startswith("A", start) or (alarm := _ALARM.match(text, start, end)) is None:
        return None
    mnemonic, rest = alarm.groups()
    if mnemonic is not None:
        return mnemonic, rest
    name = _ALARM_NAME.search(rest)
    return (name[1], _as_tags(rest)) if name else None


def _of_message(said: Said, text: str, time: Time, number: int, order: int) -> Record:
    head = Head("", None, said.mnemonic)
    return Record(number, None, None, head, text, time=time, order=order, tagged=(said.tags, "", False))


def _as_tags(rest: str) -> str:
    """The parameters of an AlarmErr line (``DeviceName:SEP…, Reason:2, ``) in the form of today's tags."""
    pairs = [part.partition(":") for part in rest.partition(_PARAMETERS)[2].strip(" ,\r").split(", ")]
    tags = "".join(f"[{_escaped(key)}={_escaped(value)}]" for key, _, value in pairs if key)
    return f"%{tags}:" if tags else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
