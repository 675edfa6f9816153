"""The CTI alarms of a CUCM log as a trace: the cluster's own words for what it told applications.

Specified in docs/reference/traces/cucm-alarms.md.

An alarm names the device and the line but no TAPI handle. It gives no reason, and CtiLineInService does not even name
its line, so that message is not compared at all (:data:`UNTOLD`). The application is the user of the CTI connection,
if the log has the line in which it was opened.
"""

from collections.abc import Iterator

from cti_es.cucm.cti_alarms import CTI_ALARMS, PROVIDER_OPENED, CtiAlarm, connection_of
from cti_es.cucm.log_lines import AlarmReader
from cti_es.cucm.records import Record
from cti_es.cucm.stamps import LogLineOptions
from cti_es.traces.forms.common import Notes
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import INSERVICE, OUTOFSERVICE, SUSPEND, TraceMessage

UNTOLD = frozenset({(INSERVICE.message, INSERVICE.param1)})
"""What an alarm cannot tell: which line is in service again."""

_MOST_REMEMBERED = 20_000
_WITH_REASON = (SUSPEND, OUTOFSERVICE)
"""Messages with a reason, which the alarm does not give."""


def looks_like(start: bytes) -> bool:
    """Whether a file that starts like this is a CUCM log."""
    reader = AlarmReader(LogLineOptions())
    return any(reader.records([start.split(b"\n")]))


def read(chunks: Iterator[list[bytes]], notes: Notes) -> Iterator[list[TraceMessage]]:
    """The messages that its CTI alarms stand for, in batches as the lines come."""
    reader = AlarmReader(_options(notes))
    reading = _Reading(notes)
    for records in reader.records(chunks):
        yield [message for record in records if (message := reading.message(record)) is not None]


def _options(notes: Notes) -> LogLineOptions:
    day, zones = notes.options.date, notes.options.zones
    return LogLineOptions(int(day[:4]) if day else None, day, zones, zones.get("", "Z"))


class _Reading:
    """Alarms → messages. It remembers who opened which connection, and the last alarms: they may come twice."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._apps: dict[str, str] = {}
        self._seen: dict[str, None] = {}

    def message(self, record: Record) -> TraceMessage | None:
        """The message of an alarm, if it stands for one. Raises :class:`InputError` for a line that is cut off."""
        name = record.mnemonic.lower()
        alarm = CTI_ALARMS.get(name)
        is_told = alarm is not None and alarm.told is not None
        if record.is_copy or not (is_told or name == PROVIDER_OPENED) or self._again(record):
            return None
        try:
            if alarm is not None:
                return self._told(record, alarm)
            self._apps[_connection(record)] = _tag(record, "loginuserid")
        except InputError as error:
            self._notes.unreadable(record.line, error)
        return None

    def _told(self, record: Record, alarm: CtiAlarm) -> TraceMessage | None:
        if not alarm.names:
            self._notes.skipped[record.mnemonic] += 1
            return None
        connection = _connection(record)
        if alarm.told is None or alarm.by_application(record):
            self._notes.skipped[f"{record.mnemonic} by the application"] += 1
            return None
        device, line = [*(_tag(record, name) for name in alarm.names), None][:2]
        message, _, _, state = alarm.told
        reason = None if alarm.told in _WITH_REASON else 0
        app = self._apps.get(connection)
        return TraceMessage(record.line, message, state, reason, app=app, device=device, line=line, at=record.at)

    def _again(self, record: Record) -> bool:
        """Whether this alarm has come before (by another way through the cluster)."""
        key = record.fingerprint
        if record.sequence is None or key not in self._seen:
            self._seen[key] = None
            if len(self._seen) > _MOST_REMEMBERED:
                del self._seen[next(iter(self._seen))]
            return False
        return True


def _connection(record: Record) -> str:
    if record.is_cut:
        raise InputError(f"{record.mnemonic} is cut off", expected="its parameters in brackets, then a colon")
    return connection_of(record) or _tag(record, "cticonnectionid")


def _tag(record: Record, key: str) -> str:
    value = record.tags.get(key)
    if not value:
        raise InputError(f"{record.mnemonic} without {key}", expected="the parameters of its catalogue")
    return value
