"""Traces as NDJSON: one message a line, with the fields of ``replay --ndjson``; other fields are ignored.

``message``, ``param1`` and ``param2`` are needed, and names (``device``, for LINE_… ``line``) or a ``handle``. A chunk
of ordinary lines is read at once: what a line says but for its time and parameters is checked the first time that it
is said. A chunk with anything else in it takes the careful way, line by line. See docs/reference/traces/ndjson.md.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import starmap
from json import loads
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from cti_es.traces.forms.common import WITHOUT_HANDLE, LinesReader, Notes, quoted
from cti_es.traces.forms.values import reason, state
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.event_text import not_json
from cti_es.vocabulary.names import check_name
from cti_es.vocabulary.tapi import COMPARED, TraceMessage
from cti_es.vocabulary.text_lines import numbered
from cti_es.vocabulary.times import all_plainly_canonical, canonical_time

_MOST = (1 << 63) - 1
_KEPT = 50_000
_NO_BREAK_SPACE = "\xa0".encode()
_RULE = re.compile("[a-z_]{1,40}/[a-z_]{1,40}")
_MESSAGE = re.compile(rb'(?m)^[ \t]*+\{.*"message"[ \t]*+:[ \t]*+"(?:LINE|PHONE)_')


class Row(msgspec.Struct, gc=False):
    """The fields of a message that count, as they stand there: names, numbers, or states and reasons by name."""

    message: str
    param1: int | str | None
    param2: int | str | None
    app: str | UnsetType | None = UNSET
    device: str | UnsetType | None = UNSET
    line: str | UnsetType | None = UNSET
    handle: int | str | UnsetType | None = UNSET
    at: str | UnsetType | None = UNSET
    version: Any = UNSET
    rule: Any = UNSET


_FIELDS = Row.__struct_fields__
_KEYS = [f'"{field}"'.encode() for field in _FIELDS]
_decode = msgspec.json.Decoder(Row).decode
_decode_any = msgspec.json.Decoder().decode


def looks_like(start: bytes) -> bool:
    """Whether a file that starts like this has messages as JSON objects."""
    return _MESSAGE.search(start) is not None


def read(chunks: Iterator[list[bytes]], notes: Notes) -> Iterator[list[TraceMessage]]:
    """The messages, in batches as the lines come."""
    return starmap(of_lines(notes), numbered(chunks))


def of_lines(notes: Notes) -> LinesReader:
    """What reads some lines, of which the first has a number."""
    sayings = _Sayings()

    def read_lines(first: int, lines: list[bytes]) -> list[TraceMessage]:
        sayings.forget()
        return _at_once(lines, first, sayings) or _carefully(lines, first, notes)

    return read_lines


# --- ordinary lines -------------------------------------------------------------------------------------------------

_Saying = tuple[str, str | None, str | None, str | None, str | None, str | None]
"""Message, application, device, line, handle and rule, checked."""


class _Sayings(dict[tuple[Any, ...], _Saying]):
    """What lines say but for times and parameters: a trace has few of these, so each is checked, and kept, once.

    Lines with another number of fields are another thing: a field may stand twice in them.
    """

    def __missing__(self, key: tuple[Any, ...]) -> _Saying:
        message, app, device, line, handle, rule, _ = key
        if message not in COMPARED:
            raise InputError("wants a closer look")
        one = trace_message(Row(message, None, None, app, device, line, handle, UNSET, UNSET, rule), 0)
        saying = self[key] = (one.message, one.app, one.device, one.line, one.handle, one.rule)
        return saying

    def forget(self) -> None:
        """Do not grow for ever on a trace that never says the same twice."""
        if len(self) > _KEPT:
            self.clear()


def _at_once(lines: list[bytes], first: int, sayings: _Sayings) -> list[TraceMessage] | None:
    """All messages of a chunk; None if there is anything in it that wants a closer look."""
    try:
        rows = [_decode(line) for line in lines]
        known = len(sayings)
        says = [
            sayings[row.message, row.app, row.device, row.line, row.handle, row.rule, line.count(b'":')]
            for row, line in zip(rows, lines, strict=True)
        ]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InputError, TypeError):
        return None
    if not _is_plain(rows) or (len(sayings) > known and _stands_twice(lines, rows)):
        return None
    return [
        TraceMessage(
            number,
            message,
            row.param1,  # type: ignore[arg-type]
            row.param2,  # type: ignore[arg-type]
            app,
            device,
            line,
            handle,
            row.at or None,
            row.version if row.version.__class__ is int and 0 < row.version <= _MOST else None,
            rule,
        )
        for number, (row, (message, app, device, line, handle, rule)) in enumerate(zip(rows, says, strict=True), first)
    ]


def _is_plain(rows: list[Row]) -> bool:
    """Whether all parameters are numbers, and all times canonical."""
    numbers = {row.param1 for row in rows} | {row.param2 for row in rows}
    times = [at for at in {row.at for row in rows} if isinstance(at, str)]
    return all(map(_is_number_or_none, numbers)) and all_plainly_canonical(times)


def _is_number_or_none(value: Any) -> bool:
    return value is None or (value.__class__ is int and 0 <= value <= _MOST)


def _stands_twice(lines: list[bytes], rows: list[Row]) -> bool:
    """Whether some field may stand twice in a line: then its name is there more often than it has a value."""
    text = b"\n".join(lines)
    for field, key in zip(_FIELDS, _KEYS, strict=True):
        unset = sum([getattr(row, field) is UNSET for row in rows])
        if text.count(key + b":") != len(rows) - unset:
            return True
    return False


# --- any line -------------------------------------------------------------------------------------------------------


def _carefully(lines: list[bytes], first: int, notes: Notes) -> list[TraceMessage]:
    found = []
    for number, line in enumerate(lines, first):
        try:
            if (message := _one(_stripped(line), number, notes)) is not None:
                found.append(message)
        except InputError as error:
            notes.unreadable(number, error)
    return found


def _stripped(line: bytes) -> bytes:
    """A line without what a web page or an editor puts around it."""
    line = line.strip()
    while line.startswith(_NO_BREAK_SPACE):
        line = line.removeprefix(_NO_BREAK_SPACE).strip()
    return line


def _one(line: bytes, number: int, notes: Notes) -> TraceMessage | None:
    if not line.startswith(b"{"):
        if b'"message"' in line:
            raise InputError("a message that does not start the line", expected="a JSON object")
        return None
    fields = _object(line)
    message = fields.get("message")
    if not isinstance(message, str):
        raise InputError(f"message is {_shown(message)}" if "message" in fields else "no message", expected=_EXPECTED)
    if not notes.wants(message):
        return None
    if missing := [field for field in ("param1", "param2") if field not in fields]:
        raise InputError(f"{message} without {missing[0]}", expected=_EXPECTED)
    return trace_message(Row(**{field: fields[field] for field in _FIELDS if field in fields}), number)


_EXPECTED = "a JSON object with message, param1, param2, and names or a handle"


def _object(line: bytes) -> dict[str, Any]:
    try:
        fields = _decode_any(line)
        if any(line.count(key) > 1 for key in _KEYS) or b"\\u" in line:
            _check_once([key for key, _ in loads(line, object_pairs_hook=list)])
    except RecursionError:
        raise InputError("JSON nested too deep", expected=_EXPECTED) from None
    except UnicodeDecodeError as error:
        raise InputError(f"the byte 0x{error.object[error.start]:02x} is not UTF-8", expected="UTF-8 text") from None
    except msgspec.DecodeError as error:
        if _NO_BREAK_SPACE in line:
            return _object(line.replace(_NO_BREAK_SPACE, b" "))
        what = not_json(str(error), line, "").what
        raise InputError(what, expected=_EXPECTED) from None
    return fields  # type: ignore[no-any-return]


def _check_once(keys: list[str]) -> None:
    if repeated := [field for field in _FIELDS if keys.count(field) > 1]:
        raise InputError(f"the field '{repeated[0]}' stands twice", expected="each field once")


def trace_message(row: Row, number: int) -> TraceMessage:
    """A row as a message. Raises :class:`InputError` if it is for nobody, or if a field is not what it should be."""
    handle = _handle(row.handle)
    app, device, line = (_name(row, field) for field in ("app", "device", "line"))
    return TraceMessage(
        number,
        row.message,
        _number("param1", row.param1, partial(state, row.message)),
        _number("param2", row.param2, reason),
        app,
        *_names(row.message, device, line, handle),
        None if row.message in WITHOUT_HANDLE else handle,
        _time(row.at),
        row.version if row.version.__class__ is int and 0 < row.version <= _MOST else None,
        row.rule if isinstance(row.rule, str) and _RULE.fullmatch(row.rule) else None,
    )


def _number(field: str, value: Any, named: Callable[[str], int | None]) -> int | None:
    # Digits as text may be of any base.
    if isinstance(value, str) and not value.isdigit():
        return named(value)
    if _is_number_or_none(value):
        return value  # type: ignore[no-any-return]
    raise InputError(f"{field} is {_shown(value)}", expected="a whole number from 0 on, a name, or null")


def _handle(value: Any) -> str | None:
    if value is UNSET or value is None:
        return None
    if isinstance(value, str):
        check_name(value, "handle")
        return value
    if value.__class__ is int and 0 <= value <= _MOST:
        return str(value)
    raise InputError(f"handle is {_shown(value)}", expected="text or a whole number")


def _name(row: Row, field: str) -> str | None:
    value = getattr(row, field)
    if value is UNSET or value is None:
        return None
    if not isinstance(value, str):
        raise InputError(f"{field} is {_shown(value)}", expected="a name, as text")
    check_name(value, field)
    return value


def _time(value: Any) -> str | None:
    if value is UNSET or value is None:
        return None
    if not isinstance(value, str):
        raise InputError(f"at is {_shown(value)}", expected="a time, as text")
    return canonical_time(value)


def _shown(value: Any) -> str:
    """A JSON value as an error shows it."""
    words = {None: "null", True: "true", False: "false"}
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None or value.__class__ is bool:
        return words[value]
    return f"the text {quoted(value)}" if isinstance(value, str) else quoted(f"{value}").strip("'")


def _names(message: str, device: str | None, line: str | None, handle: str | None) -> tuple[str | None, str | None]:
    """Device and line, as far as they say which handle a message is for; half a name is none beside a handle."""
    if message in WITHOUT_HANDLE:
        return device, line
    is_line = message.startswith("LINE_")
    if device is not None and (line is not None or not is_line):
        return device, line if is_line else None
    if handle is not None:
        return None, None
    raise InputError(
        f"{message} without names or a handle", expected=f"{'device and line' if is_line else 'device'}, or handle"
    )
