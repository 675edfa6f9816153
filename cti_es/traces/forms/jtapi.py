"""The traces of JTAPI applications: out-of-service and in-service events, in whatever text stands around them.

::

    12:33:19:564 PG1A-jgw1 Trace: CiscoTermOutOfServiceEv Term: LCP50000001 Cause: DEVICE_UNREGISTERED
    12:33:19:564 PG1A-jgw1 Trace: CiscoAddrOutOfServiceEv Addr: 20001 Cause: CALLMANAGER_FAILURE

A terminal is a device, an address is a line of which the device is not told. Other lines of JTAPI
(``%JTAPI-PROTOCOL-7-UNK: …``) show what the file is and say nothing here. See docs/reference/traces/jtapi.md.
"""

import re
from collections.abc import Iterator

from cti_es.traces.forms.common import Notes, decoded
from cti_es.traces.forms.stamps import Stamps
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.names import check_name
from cti_es.vocabulary.tapi import (
    INSERVICE,
    OUTOFSERVICE,
    REASON_NAMES,
    REASONS,
    RESUME,
    SUSPEND,
    Signal,
    TraceMessage,
)
from cti_es.vocabulary.text_lines import numbered

UNTOLD: frozenset[tuple[str, int | None]] = frozenset(
    (message, None)
    for message in ("PHONE_CLOSE", "LINE_CLOSE", "PHONE_CREATE", "LINE_CREATE", "PHONE_REMOVE", "LINE_REMOVE")
)
"""The messages that JTAPI has nothing like, whatever their parameter 1."""

_SIGNALS: dict[tuple[str, str], Signal] = {
    ("Term", "OutOf"): SUSPEND,
    ("Term", "In"): RESUME,
    ("Addr", "OutOf"): OUTOFSERVICE,
    ("Addr", "In"): INSERVICE,
}
_CAUSES: dict[str, int] = {
    "CALLMANAGERFAILURE": REASONS["CallManagerFailure"],
    "REHOMETOHIGHERPRIORITYCM": REASONS["ReHomeToHigherPriorityCM"],
    "NOCALLMANAGERAVAILABLE": REASONS["NoCallManagerAvailable"],
    "DEVICEFAILURE": REASONS["DeviceFailure"],
    "DEVICEUNREGISTERED": REASONS["DeviceUnregistered"],
    "ENERGYWISEPOWERSAVEPLUS": REASONS["EnergyWisePowerSavePlus"],
    "CTIMANAGERFAILURE": REASONS["CtiLinkFailure"],
}
"""CAUSE_… of CiscoOutOfServiceEv without prefix and underscores → reason. Other causes have no twin in TAPI."""

_FIRST_CAUSE = 1_000
_MARK = re.compile(rb"Cisco(?:Term|Addr)|Msg(?:Address|Terminal)(?:OutOf|In)Service")
_EVENT = re.compile(r"(?<!\w)Cisco(Term|Addr)(OutOf|In)ServiceEv(?!\w)[ \t:,-]*+")
_REPEATED = re.compile(r"(?<!\w)(Msg(?:Address|Terminal)(?:OutOf|In)Service)(?!\w)")
_SENDING = "Sending "
_FIELD = r"[ \t]*+[:=][ \t]*+([^\s,;\[\](){}]{1,200}+)"
_WHO = {"Term": re.compile(rf"Term(?:inal)?{_FIELD}"), "Addr": re.compile(rf"Addr(?:ess)?{_FIELD}")}
_CUT = re.compile(r"(?:Term(?:inal)?|Addr(?:ess)?)?[ \t]*+[:=]?[ \t]*+")
_CAUSE = re.compile(rf"[ \t,;]*+Cause{_FIELD}")
_NUMBER = re.compile("[0-9]{1,9}")
_START = re.compile(
    r"(?<!\w)Cisco(?:Term|Addr)(?:OutOf|In)ServiceEv(?!\w)[ \t:,-]*+(?:Term|Addr)"
    r"|%(?:JTAPI|MIVR)-[A-Z_]{1,32}-[0-7]-[A-Za-z]{1,64}:"
)


def looks_like(start: bytes) -> bool:
    """Whether a file that starts like this has such events, or is a log of CiscoJtapi."""
    return _START.search(decoded(start)) is not None


def read(chunks: Iterator[list[bytes]], notes: Notes) -> Iterator[list[TraceMessage]]:
    """The messages that the events stand for, in batches as the lines come.

    Raises :class:`InputError` at the end if there was no such event at all.
    """
    stamps = Stamps(notes.options)
    found = 0
    for first, lines in numbered(chunks):
        batch = [
            message
            for number, line in enumerate(lines, first)
            if _MARK.search(line)
            for message in _of_line(decoded(line), number, stamps, notes)
        ]
        found += len(batch)
        yield batch
    if not found and not notes.bad:
        raise InputError(
            "no device or line event in this JTAPI log",
            where=notes.name,
            expected="lines with CiscoTermOutOfServiceEv Term: …, CiscoAddrInServiceEv Addr: … and the like",
        )


def _of_line(text: str, number: int, stamps: Stamps, notes: Notes) -> Iterator[TraceMessage]:
    for repeated in _REPEATED.finditer(text):
        notes.skipped[repeated[1]] += 1
    for event in _EVENT.finditer(text):
        try:
            if (message := _message(event, text, number, stamps, notes)) is not None:
                yield message
        except InputError as error:
            notes.unreadable(number, error)


def _message(event: re.Match[str], text: str, number: int, stamps: Stamps, notes: Notes) -> TraceMessage | None:
    """The message of an event; None for one that only speaks of it, which is counted."""
    kind, name = event[1], event[0].rstrip(" \t:,-")
    who = _WHO[kind].match(text, event.end())
    if who is None:
        if _CUT.fullmatch(text, event.end()):
            raise InputError(f"{name} without a name", expected=f"{kind}: and a name after it")
        words = "Sending" if text.startswith(_SENDING, event.end()) else "other words"
        notes.skipped[f"{name} with {words}"] += 1
        return None
    check_name(who[1], kind)
    signal = _SIGNALS[kind, event[2]]
    cause = _CAUSE.match(text, who.end())
    return TraceMessage(
        number,
        signal.message,
        signal.param1,
        _reason(cause[1] if cause else None) if event[2] == "OutOf" else 0,
        device=who[1] if kind == "Term" else None,
        line=who[1] if kind == "Addr" else None,
        at=stamps.at(text[: event.start()]),
    )


def _reason(cause: str | None) -> int | None:
    """The reason of a cause: by name, or by its number, which is the reason's and 1,000. None if TAPI has none such."""
    if cause is None:
        return None
    if _NUMBER.fullmatch(cause):
        number = int(cause) - _FIRST_CAUSE
        return number if number in REASON_NAMES and number > 0 else None
    return _CAUSES.get(cause.upper().removeprefix("CAUSE_").replace("_", ""))
