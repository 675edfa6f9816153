"""Lines of an SDL trace → alarms, and what a CTI Manager says in it in the words of alarms.

::

    33538233.004 |07:32:38.651 |AppInfo |CtiProviderOpenFailure - CTI application failed … CTIconnectionId:212 …
    08080021.046 |16:31:15.938 |AlarmErr |AlarmClass: CallManager, AlarmName: ConnectionFailure, … AlarmParameters: …

Specified in docs/reference/imports.md#cti-manager-traces.
"""

import re

from cti_es.cucm.cti_messages import CtiHandlers, Said
from cti_es.cucm.records import Head, Record
from cti_es.cucm.stamps import Time, Times

_STAMP = re.compile(r"[0-9]{1,12}\.[0-9]{1,4}[ ]\|([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3})[ ]\|")
_ALARM = re.compile(r"(?:AppInfo[ ]{1,8}\|([A-Z][A-Za-z0-9]{2,63})[ ]-[ ]|AlarmErr[ ]{1,8}\|AlarmClass:[ ])(.*)")
_ALARM_NAME = re.compile(r"AlarmName:[ ]([A-Za-z0-9_]{1,64}),")
_PARAMETERS = "AlarmParameters:"


class SdlLines:
    """The lines of one trace."""

    def __init__(self, times: Times) -> None:
        self._times = times
        self._handlers = CtiHandlers()

    def records(self, text: str, number: int) -> list[Record] | None:
        """The alarms of a line: several if somebody has joined lines. None if it is no line of an SDL trace."""
        stamps = list(_STAMP.finditer(text)) if "|" in text else []
        ends = [*(stamp.start() for stamp in stamps[1:]), len(text)]
        if not stamps:
            return None
        pieces = zip(stamps, ends, strict=True)
        return [record for stamp, end in pieces for record in self._of_piece(stamp, text, end, number)]

    def _of_piece(self, stamp: re.Match[str], text: str, end: int, number: int) -> list[Record]:
        """Most are no alarms, but by their stamps it shows when a day has passed."""
        time = self._times.of_trace(stamp[1], stamp[2], stamp[3], stamp[4])
        alarm = _ALARM.match(text, stamp.end(), end)
        mnemonic, rest = alarm.groups() if alarm else (None, "")
        if mnemonic is None and (name := _ALARM_NAME.search(rest)) is not None:
            mnemonic, rest = name[1], _as_tags(rest)
        if mnemonic is not None:
            return [Record(number, None, None, Head("", None, mnemonic), rest, time=time)]
        sequence = stamp[0].partition(".")[0]
        whole = text[stamp.start() : end]
        return [_of_message(one, whole, time, number) for one in self._handlers.said(sequence, text, stamp.end(), end)]


def _of_message(said: Said, text: str, time: Time, number: int) -> Record:
    head = Head("", None, said.mnemonic)
    return Record(number, None, None, head, text, time=time, tagged=(said.tags, "", False))


def _as_tags(rest: str) -> str:
    """The parameters of an AlarmErr line (``DeviceName:SEP…, Reason:2, ``) in the form of today's tags."""
    pairs = [part.partition(":") for part in rest.partition(_PARAMETERS)[2].strip(" ,\r").split(", ")]
    tags = "".join(f"[{_escaped(key)}={_escaped(value)}]" for key, _, value in pairs if key)
    return f"%{tags}:" if tags else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
