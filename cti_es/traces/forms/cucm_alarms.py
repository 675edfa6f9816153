"""The CTI alarms of a CUCM log as a trace: the cluster's own words for what it told applications.

Specified in docs/reference/traces/cucm-alarms.md.

An alarm names the device and the line but no TAPI handle. It gives no reason, and CtiLineInService does not even name
its line, so that message is not compared at all (:data:`UNTOLD`). The application is the user of the CTI connection,
if the log has the line in which it was opened.
"""

from collections.abc import Iterator
from typing import NamedTuple

from cti_es.cucm import log_lines
from cti_es.cucm.log_lines import Record
from cti_es.traces.forms.common import Notes
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import (
    INSERVICE,
    LINE_CLOSE,
    OUTOFSERVICE,
    PHONE_CLOSE,
    RESUME,
    SUSPEND,
    Signal,
    TraceMessage,
)

UNTOLD = frozenset({(INSERVICE.message, INSERVICE.param1)})
"""What an alarm cannot tell: which line is in service again."""

_LOST_LINE = "ctilineinservice"
_OPENED = "ctiprovideropened"
_MOST_REMEMBERED = 20_000


class _Meaning(NamedTuple):
    """The message that an alarm stands for. ``reason``: whether the message has one that the alarm does not give.

    ``unless`` is the Reason with which the application itself closed: nothing was told then.
    """

    signal: Signal
    line: bool = False
    reason: bool = False
    unless: str | None = None


_MEANINGS: dict[str, _Meaning] = {
    "ctideviceoutofservice": _Meaning(SUSPEND, reason=True),
    "ctideviceinservice": _Meaning(RESUME),
    "ctilineoutofservice": _Meaning(OUTOFSERVICE, line=True, reason=True),
    "ctideviceclosed": _Meaning(PHONE_CLOSE, unless="5"),
    "ctilineclosed": _Meaning(LINE_CLOSE, line=True, unless="6"),
}


def looks_like(start: bytes) -> bool:
    """Whether a file that starts like this is a CUCM log."""
    reader = log_lines.Reader(log_lines.Options())
    return any(reader.records([start.split(b"\n")]))


def read(chunks: Iterator[list[bytes]], notes: Notes) -> Iterator[list[TraceMessage]]:
    """The messages that its CTI alarms stand for, in batches as the lines come."""
    reader = log_lines.Reader(_options(notes))
    reading = _Reading(notes)
    for records in reader.records(chunks):
        yield [message for record in records if (message := reading.message(record)) is not None]


def _options(notes: Notes) -> log_lines.Options:
    _, day, zones = notes.options
    return log_lines.Options(int(day[:4]) if day else None, day, zones, zones.get("", "Z"))


class _Reading:
    """Alarms → messages. It remembers who opened which connection, and the last alarms: they may come twice."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._apps: dict[str, str] = {}
        self._seen: dict[str, None] = {}

    def message(self, record: Record) -> TraceMessage | None:
        """The message of an alarm, if it stands for one. Raises :class:`InputError` for a line that is cut off."""
        name = record.mnemonic.lower()
        meaning = _MEANINGS.get(name)
        if record.is_copy or (meaning is None and name not in (_OPENED, _LOST_LINE)) or self._again(record):
            return None
        if name == _LOST_LINE:
            self._notes.skipped[record.mnemonic] += 1
            return None
        try:
            return self._of(record, meaning)
        except InputError as error:
            self._notes.unreadable(record.line, error)
            return None

    def _of(self, record: Record, meaning: _Meaning | None) -> TraceMessage | None:
        tags = record.tags
        if record.is_cut:
            raise InputError(f"{record.mnemonic} is cut off", expected="its parameters in brackets, then a colon")
        connection = f"{record.node} {_tag(record, 'cticonnectionid')}"
        if meaning is None:
            self._apps[connection] = _tag(record, "loginuserid")
            return None
        if meaning.unless is not None and tags.get("reason") == meaning.unless:
            self._notes.skipped[f"{record.mnemonic} by the application"] += 1
            return None
        signal = meaning.signal
        return TraceMessage(
            record.line,
            signal.message,
            signal.param1,
            None if meaning.reason else 0,
            app=self._apps.get(connection),
            device=_tag(record, "devicename"),
            line=_tag(record, "dirnum") if meaning.line else None,
            at=record.at,
        )

    def _again(self, record: Record) -> bool:
        """Whether this alarm has come before (by another way through the cluster)."""
        key = record.fingerprint
        if record.sequence is None or key not in self._seen:
            self._seen[key] = None
            if len(self._seen) > _MOST_REMEMBERED:
                del self._seen[next(iter(self._seen))]
            return False
        return True


def _tag(record: Record, key: str) -> str:
    value = record.tags.get(key)
    if not value:
        raise InputError(f"{record.mnemonic} without {key}", expected="the parameters of its catalogue")
    return value
