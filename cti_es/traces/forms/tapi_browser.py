"""Traces as TAPI Browser (tb20.exe) prints them (docs/reference/traces/tapi-browser.md). They are written by
:mod:`cti_es.report.tapi_browser`.

::

    9:5.3.42 : received LINE_LINEDEVSTATE
      device=x10056
      cbInst=x0
      param1=x80, OUTOFSERVICE
      param2=x1,
      param3=x0,

The time of day is there only if the Browser was told so. Each line of a parameter ends in a blank.
"""

import re
from functools import lru_cache

from cti_es.traces.forms.common import (
    STAMP,
    WITHOUT_HANDLE,
    Incomplete,
    Notes,
    handle_text,
    quoted,
)
from cti_es.traces.forms.drafts import MARGIN, OWN_STAMP, Draft, Form
from cti_es.traces.forms.stamps import Stamps
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import MESSAGE_NAMES, TraceMessage

_MARK = re.compile(rb"received")
_HEAD = re.compile(
    rf"^(?:{OWN_STAMP}(?=received[ \t]++\w++[ \t]*+$)|{MARGIN}{STAMP})"
    r"(?:received[ \t]++((?:LINE|PHONE)_\w{1,60}+)(?!\w)"
    r"|ERROR! callback received unknown msg=x([0-9a-f]{1,8}+))"
)
_FIELD = re.compile(
    rf"(?m)(?:^(?:{OWN_STAMP}|{MARGIN})|,[ \t]*+)(device|hDev|cbInst|p(?:aram)?[123])[ \t]*+=[ \t]*+([^\s,]*+)"
)
_VALUE = re.compile("0?x([0-9A-Fa-f]{1,16})")
_START = re.compile(
    rf"(?m)^(?:{OWN_STAMP}|{MARGIN}{STAMP})received[ \t]++(?:LINE|PHONE)_\w{{1,60}}+[ \t\r]*+\n"
    rf"(?:{OWN_STAMP}|{MARGIN})device=x[0-9a-fA-F]{{1,16}}+[ \t\r]*+$"
)


def _name(draft: Draft) -> str:
    """The message's name. An older Browser does not know the newer ones and prints their number."""
    if name := draft.head[5]:
        return name
    number = int(draft.head[6], 16)
    return MESSAGE_NAMES[number] if number < len(MESSAGE_NAMES) else f"x{number:x}"


def _message(stamps: Stamps, notes: Notes, draft: Draft) -> TraceMessage | None:
    at = stamps.of_head(draft.head)  # also of a message that is not wanted: midnight may lie there
    message = _name(draft)
    if not notes.wants(message):
        return None
    if rest := draft.pieces[0].strip():
        raise InputError(f"{message} followed by {quoted(rest)}", expected="nothing else on this line")
    handle, param1, param2 = _values(message, "\n".join(draft.pieces))
    return TraceMessage(
        draft.place,
        message,
        param1,
        param2,
        handle=None if message in WITHOUT_HANDLE else handle_text(handle),
        at=at,
    )


_LONG_NAMES = {"hDev": "device", "p1": "param1", "p2": "param2"}


@lru_cache(maxsize=1 << 14)  # a trace has few of these; a quarter of the time that reading takes
def _values(message: str, text: str) -> tuple[int, int, int]:
    """The handle and the first two parameters of a message."""
    fields = _fields(text)
    return _number(fields, message, "device"), _number(fields, message, "param1"), _number(fields, message, "param2")


def _fields(text: str) -> dict[str, str]:
    """The first value of each field; a later one belongs to something else that was printed."""
    found: dict[str, str] = {}
    for field in _FIELD.finditer(text):
        found.setdefault(_LONG_NAMES.get(field[1], field[1]), field[2])
    return found


def _number(fields: dict[str, str], message: str, field: str) -> int:
    if field not in fields:
        raise Incomplete(f"{message} without {field}", expected=f"a line {field}=x… after it")
    value = _VALUE.fullmatch(fields[field])
    if value is None:
        raise InputError(f"{message} with {field}={quoted(fields[field])}", expected="x and hexadecimal digits")
    return int(value[1], 16)


FORM = Form(_START, _MARK, _HEAD, _message)
looks_like = FORM.looks_like
read = FORM.read
