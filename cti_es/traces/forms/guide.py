"""Traces as Cisco's developers guide prints them in its use cases (docs/reference/traces/guide.md).

::

    received PHONE_STATE device = xxx cbInst = x0 param1 = PHONESTATE_SUSPEND param2 = x0 param3 = x0     (C1)
    EVENT = LINE_LINEDEVSTATE dwParam1 = LINEDEVSTATE_INSERVICE                                           (C2)
    Line_LineDevState dwParam1 = x040, InService                                                          (C3)

On one line or on several; in any case of letters. Numbers begin with ``x`` or ``0x``, flags and reasons stand there by
name, and whatever the form leaves out or masks (``xxx``) is not known.
"""

import re

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
from cti_es.traces.forms.values import REASON_NUMBERS, STATES, Numbers, plain
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import STATE_FLAGS, TraceMessage

_KEY = r"(?:device|cbInst|(?:dw)?param[123])[ \t]*+="
_NAME = r"((?:LINE|PHONE)_\w{1,40}+)(?!\w)"
_OPENING = r"(?:received[ \t]++|event[ \t]*+=[ \t]*+)"
_MARK = re.compile(rb"(?i)(?:line|phone)_|received|event")
_HEAD = re.compile(
    rf"(?i)^(?:{MARGIN}{STAMP}|{OWN_STAMP}(?={_OPENING}\w++[ \t,]*+(?:$|{_KEY}))){_OPENING}{_NAME}"
    rf"|(?<!\w){_NAME}(?=[ \t,]++{_KEY})"
)
_START = re.compile(
    rf"(?im)^(?:{MARGIN}{STAMP}|{OWN_STAMP}){_OPENING}{_NAME}[\s,]*+(?:{OWN_STAMP})?{_KEY}"
    rf"|(?<!\w){_NAME}(?=[ \t,]++{_KEY})|^[ \t>|]*+event[ \t]*+=[ \t]*+{_NAME}"
)
_FIELD = re.compile(r"(?i)(?<!\w)(device|cbInst|(?:dw)?param[123])[ \t]*+=[ \t]*+")
_FIELD_LINE = re.compile(rf"(?i)(?:{OWN_STAMP}|{MARGIN}){_KEY}")
_OTHER_HEAD = re.compile(rf"(?i)[ \t>|]*+(?:{_OPENING}|calling\b)")
_UNFINISHED = ("_", "=", "|")


def _message(stamps: Stamps, notes: Notes, draft: Draft) -> TraceMessage | None:
    at = stamps.of_head(draft.head)  # also of a message that is not wanted: midnight may lie there
    message = (draft.head[5] or draft.head[6]).upper()
    if not notes.wants(message):
        return None
    fields = _fields(_text(draft))
    if message in STATE_FLAGS and "param1" not in fields:
        raise Incomplete(f"{message} without param1", expected="param1 = and a state")
    handle = _handle(fields.get("device"))
    return TraceMessage(
        draft.place,
        message,
        _state(message, fields.get("param1")),
        _reason(fields.get("param2")),
        handle=None if message in WITHOUT_HANDLE else handle,
        at=at,
    )


def _text(draft: Draft) -> str:
    """What belongs to a message: the rest of its line, then the lines of fields; a value may go on on the next line."""
    text, *rest = draft.pieces
    for piece in rest:
        if _OTHER_HEAD.match(piece):
            break
        if _FIELD_LINE.match(piece) or text.rstrip().endswith(_UNFINISHED):
            text += " " + piece.lstrip("> \t|")
    return text


def _fields(text: str) -> dict[str, str]:
    """The first value of each field, up to the next field."""
    keys = list(_FIELD.finditer(text))
    starts = [key.start() for key in keys] + [len(text)]
    found: dict[str, str] = {}
    for key, end in zip(keys, starts[1:], strict=True):
        found.setdefault(key[1].lower().removeprefix("dw"), text[key.end() : end].strip(" \t,;"))
    return found


# --- values ---------------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"(?i)(?:0?x([0-9a-f]{1,16}+)|([0-9]))(?!\w)")
_MASKED = re.compile(r"(?i)x{2,64}(?!\w)")
_WORD = re.compile(r"[A-Za-z]\w{0,80}")
_STRAY_BLANK = re.compile(r"_[ \t]++")
_IN_BRACKETS = re.compile(r"(?i)\w{1,80}[ \t]*+\([ \t]*+0?x([0-9a-f]{1,16}+)[ \t]*+\)")


def _handle(value: str | None) -> str | None:
    if value is None or _MASKED.match(value):
        return None
    if number := _NUMBER.match(value):
        return handle_text(int(number[1] or number[2], 16))
    raise InputError(f"device = {quoted(value)}", expected="x and hexadecimal digits, or xxx")


def _state(message: str, value: str | None) -> int | None:
    """Parameter 1: a number or the names of flags, with their prefix or without."""
    return _value("param1", value, STATES.get(message, {}))


def _reason(value: str | None) -> int | None:
    """Parameter 2: a number or the name of a reason, with its prefix or without."""
    return _value("param2", value, REASON_NUMBERS)


def _value(field: str, value: str | None, names: Numbers) -> int | None:
    if value is None or _MASKED.match(value):
        return None
    if number := _NUMBER.match(value):
        return int(number[1] or number[2], 16)
    total = 0
    for part in _STRAY_BLANK.sub("_", value).split("|"):
        one = _named(field, part.strip(), names)
        if one is None:
            return None
        total |= one
    return total


def _named(field: str, text: str, names: Numbers) -> int | None:
    word = _WORD.match(text)
    if word and (name := plain(word[0])) in names:
        return names[name]
    if number := _IN_BRACKETS.match(text):
        return int(number[1], 16)
    raise InputError(f"{field} = {quoted(text)}", expected="a number (x…), a state or a reason")


FORM = Form(_START, _MARK, _HEAD, _message)
looks_like = FORM.looks_like
read = FORM.read
