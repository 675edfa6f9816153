"""Traces as TAPI Browser (tb20.exe) prints them, read and written (reference/tapi.md §5a).

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
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from functools import partial

from cti_es.traces.forms.common import (
    HOOK_MODES,
    HOOK_STATES,
    STAMP,
    WITHOUT_HANDLE,
    Clock,
    Draft,
    Drafts,
    Notes,
    handle_text,
    quoted,
    understood,
)
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import MESSAGE_NAMES, STATE_FLAGS, Message, TraceMessage

# --- reading --------------------------------------------------------------------------------------------------------

_MARK = re.compile(rb"received")
_MARGIN = r"[ \t>|]*+"  # forum posts are quoted
_HEAD = re.compile(
    rf"^{_MARGIN}{STAMP}(?:received[ \t]++((?:LINE|PHONE)_\w{{1,60}}+)(?!\w)"
    r"|ERROR! callback received unknown msg=x([0-9a-f]{1,8}+))"
)
_FIELD = re.compile(rf"(?m)(?:^{_MARGIN}|,[ \t]*+)(device|hDev|cbInst|p(?:aram)?[123])[ \t]*+=[ \t]*+([^\s,]*+)")
_VALUE = re.compile("0?x([0-9A-Fa-f]{1,16})")
_START = re.compile(
    rf"(?m)^{_MARGIN}{STAMP}received[ \t]++(?:LINE|PHONE)_\w{{1,60}}+[ \t\r]*+\n"
    rf"{_MARGIN}device=x[0-9a-fA-F]{{1,16}}+[ \t\r]*+$"
)


def looks_like(start: bytes) -> bool:
    """Whether a file that starts like this has messages as TAPI Browser prints them."""
    return _START.search(start.decode("utf-8", "replace")) is not None


def read(chunks: Iterator[list[bytes]], notes: Notes) -> Iterator[list[TraceMessage]]:
    """The messages, in batches as they become complete. A message must stand on lines of its own."""
    read_one = partial(_message, Clock(notes.options), notes)
    for drafts in Drafts(_MARK, _HEAD).of(chunks):
        yield understood(drafts, notes, read_one)


def _name(draft: Draft) -> str:
    """The message's name. An older Browser does not know the newer ones and prints their number."""
    if name := draft.head[5]:
        return name
    number = int(draft.head[6], 16)
    return MESSAGE_NAMES[number] if number < len(MESSAGE_NAMES) else f"x{number:x}"


def _message(clock: Clock, notes: Notes, draft: Draft) -> TraceMessage | None:
    at = clock.at(draft.head.groups()[:4])  # also of a message that is not wanted: midnight may lie there
    message = _name(draft)
    if not notes.wants(message):
        return None
    if rest := draft.pieces[0].strip():
        raise InputError(f"{message} followed by {quoted(rest)}", expected="nothing else on this line")
    fields = _fields(draft)
    handle, param1, param2 = (_number(fields, message, field) for field in ("device", "param1", "param2"))
    return TraceMessage(
        draft.place,
        message,
        param1,
        param2,
        handle=None if message in WITHOUT_HANDLE else handle_text(handle),
        at=at,
    )


_LONG_NAMES = {"hDev": "device", "p1": "param1", "p2": "param2"}


def _fields(draft: Draft) -> dict[str, str]:
    """The first value of each field; a later one belongs to something else that was printed."""
    found: dict[str, str] = {}
    for field in _FIELD.finditer("\n".join(draft.pieces)):
        found.setdefault(_LONG_NAMES.get(field[1], field[1]), field[2])
    return found


def _number(fields: dict[str, str], message: str, field: str) -> int:
    if field not in fields:
        raise InputError(f"{message} without {field}", expected=f"a line {field}=x… after it")
    value = _VALUE.fullmatch(fields[field])
    if value is None:
        raise InputError(f"{message} with {field}={quoted(fields[field])}", expected="x and hexadecimal digits")
    return int(value[1], 16)


# --- writing --------------------------------------------------------------------------------------------------------

Key = tuple[int | None, str, str, str | None]
"""A handle of a replay: the version of the event that opened it, application, device and line (None: the phone)."""

_MAX_WIDTH = 50
_TAB = "  "
_NO_FLAGS: dict[str, int] = {}


def handle_number(place: int) -> int:
    """The number of the handle that was opened after ``place`` others (diff.md §3)."""
    return 0x10000 + 16 * place


def key(message: Message) -> Key:
    """The handle that a message is for."""
    return (message.handle, message.app, message.device, message.line)


def write(
    messages: Iterable[Message], number_of: Callable[[Key], int], stamps: tzinfo | None = None
) -> Iterator[bytes]:
    """Messages as TAPI Browser prints them, one by one.

    ``number_of`` gives the number of each handle; a message that is for none has 0. With ``stamps`` every message that
    has a time begins with the time of day in that zone.
    """
    bodies: dict[tuple[str, int, int, int], str] = {}
    for message in messages:
        what = (message.message, message.param1, message.param2, message.param3)
        body = bodies.get(what) or bodies.setdefault(what, _body(*what))
        stamp = _stamp(message.at, stamps) if stamps and message.at else ""
        number = 0 if message.message in WITHOUT_HANDLE else number_of(key(message))
        handle = f"{_TAB}device=x{number:x}\n"
        yield f"{stamp}received {message.message}\n{handle}{body}".encode()


def _stamp(at: str, zone: tzinfo) -> str:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC).astimezone(zone)
    return f"{moment.hour}:{moment.minute}.{moment.second}.{moment.microsecond // 1000} : "


def _body(message: str, param1: int, param2: int, param3: int) -> str:
    _, states = STATE_FLAGS.get(message, ("", _NO_FLAGS))
    modes = HOOK_MODES if message == "PHONE_STATE" and param1 in HOOK_STATES else _NO_FLAGS
    lines = [f"{_TAB}cbInst=x0"]
    for number, (value, flags) in enumerate(((param1, states), (param2, modes), (param3, _NO_FLAGS)), 1):
        lines += param_lines(number, value, flags)
    return "\n".join(lines) + "\n"


def param_lines(number: int, value: int, flags: dict[str, int]) -> list[str]:
    """The lines of a parameter: its number and the names of its flags, wrapped as the Browser does it.

    A line is full once it is longer than 50 characters. Bits without a name come last, without a margin of their own.
    """
    lines, line = [], f"{_TAB}param{number}=x{value:x}, "
    for name, bit in flags.items():
        if value & bit:
            line = (line or 2 * _TAB) + name + " "
            value &= ~bit
        if len(line) > _MAX_WIDTH:
            lines.append(line)
            line = ""
    if value and flags:
        line += "<unknown flag(s)>"
    return [*lines, line] if line else lines
