"""Traces as NDJSON: one message a line, with the fields of a replay; others are ignored.

Specified in docs/reference/traces/ndjson.md.

``message``, ``param1`` and ``param2`` are needed, and names (``device``, for LINE_… ``line``) or a ``handle``. Three
ways lead through a chunk of lines: the first is for what ``replay`` writes, the second for other plain lines; anything
unusual takes the careful one, line by line.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from cti_es.traces.forms.common import WITHOUT_HANDLE, Notes
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.names import MAX_NAME, check_name
from cti_es.vocabulary.tapi import COMPARED, TraceMessage
from cti_es.vocabulary.text_lines import numbered
from cti_es.vocabulary.times import all_plainly_canonical, canonical_time

_Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
_Number = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


class _Kind(msgspec.Struct, gc=False):
    message: _Name


class Row(msgspec.Struct, gc=False):
    """The fields of a message that count. ``version`` and ``rule`` may be anything in a trace that is not ours."""

    message: _Name
    param1: _Number | None
    param2: _Number | None
    app: _Name | None = None
    device: _Name | None = None
    line: _Name | None = None
    handle: _Number | _Name | None = None
    at: str | None = None
    version: Any = None
    rule: Any = None


_TEXTS = ("message", "app", "device", "line", "handle", "rule")
_FOR_HANDLES = COMPARED - WITHOUT_HANDLE
_INT_OR_NONE = (int, type(None))
_STR_OR_NONE = (str, type(None))
_KEPT = 50_000
_MANY = 1 << 63
_RULE = re.compile("[a-z_]{1,40}/[a-z_]{1,40}")
_decode = msgspec.json.Decoder(Row).decode
_decode_kind = msgspec.json.Decoder(_Kind).decode

_MESSAGE = re.compile(rb'(?m)^[ \t]*+\{.*"message"[ \t]*+:[ \t]*+"(?:LINE|PHONE)_')


def looks_like(start: bytes) -> bool:
    """Whether a file that starts like this has messages as JSON objects."""
    return _MESSAGE.search(start) is not None


def read(chunks: Iterator[list[bytes]], notes: Notes) -> Iterator[list[TraceMessage]]:
    """The messages, in batches as the lines come."""
    tails, texts = _Tails(), _Texts()
    for first, lines in numbered(chunks):
        yield _as_written(lines, first, tails) or _plainly(lines, first, texts) or _carefully(lines, first, notes)
        texts.forget()


# --- as replay writes it --------------------------------------------------------------------------------------------


class _Head(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """What differs from message to message."""

    seq: int
    version: _Number
    at: str | None


_decode_head = msgspec.json.Decoder(_Head).decode


class _Tails(dict[bytes, TraceMessage]):
    """What the rest of a line says, from ``"app":`` on. A trace has few of these, so each is read once."""

    def __init__(self) -> None:
        self._texts = _Texts()

    def __missing__(self, tail: bytes) -> TraceMessage:
        row = _decode(b'{"app":' + tail)
        if row.message not in _FOR_HANDLES or row.at is not None or row.version is not None or len(self) > _KEPT:
            raise InputError("not as replay writes it")
        message = received(row, 0)
        texts = {field: self._texts[getattr(message, field)] for field in _TEXTS}
        self[tail] = message = replace(message, **texts)
        return message


def _as_written(lines: list[bytes], first: int, tails: _Tails) -> list[TraceMessage] | None:
    """All messages of a chunk, if every line has the fields of a replayed message in their order.

    A line is the object of its head and the object of its tail written as one: if both are JSON, so is the line.
    """
    try:
        halves = [line.partition(b',"app":') for line in lines]
        heads = [_decode_head(head + b"}") for head, _, _ in halves]
        says = [tails[tail] for _, _, tail in halves]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InputError):
        return None
    if not all_plainly_canonical([at for at in {head.at for head in heads} if at is not None]):
        return None
    return [
        TraceMessage(
            number,
            one.message,
            one.param1,
            one.param2,
            one.app,
            one.device,
            one.line,
            one.handle,
            head.at,
            head.version,
            one.rule,
        )
        for number, (head, one) in enumerate(zip(heads, says, strict=True), first)
    ]


# --- plain lines ----------------------------------------------------------------------------------------------------


class _Texts(dict[Any, str | None]):
    """Keeps one copy of each name (a trace has few), and makes text of a numeric handle once."""

    def __missing__(self, key: Any) -> str | None:
        text = self[key] = key if key is None else str(key)
        return text

    def forget(self) -> None:
        """Do not grow for ever on a trace that never says the same twice."""
        if len(self) > _KEPT:
            self.clear()


def _plainly(lines: list[bytes], first: int, texts: _Texts) -> list[TraceMessage] | None:
    """All messages of a chunk, if none of its lines can want a closer look.

    Printable ASCII without escapes has no character that a name must not have.
    """
    text = b"\n".join(lines)
    if not text.isascii() or b"\\" in text or b"\x7f" in text:
        return None
    try:
        rows = [_decode(line) for line in lines]
    except (msgspec.DecodeError, RecursionError):
        return None
    if not all(map(_is_plain, rows)) or not all_plainly_canonical([row.at for row in rows if row.at is not None]):
        return None
    return [
        TraceMessage(
            number,
            texts[row.message],  # type: ignore[arg-type]
            row.param1,
            row.param2,
            texts[row.app],
            texts[row.device],
            texts[row.line],
            texts[row.handle],
            row.at,
            row.version,
            texts[row.rule],
        )
        for number, row in enumerate(rows, first)
    ]


def _is_plain(row: Row) -> bool:
    """Whether a row is for a handle and says so in the usual way."""
    return (
        (row.line is None) is (row.message[0] == "P" or row.device is None)
        and (row.device is not None or row.handle is not None)
        and row.message in _FOR_HANDLES
        and row.version.__class__ in _INT_OR_NONE
        and row.rule.__class__ in _STR_OR_NONE
    )


# --- any line -------------------------------------------------------------------------------------------------------


def _carefully(lines: list[bytes], first: int, notes: Notes) -> list[TraceMessage]:
    found = []
    for number, line in enumerate(lines, first):
        try:
            if (message := _one(line.strip(), number, notes)) is not None:
                found.append(message)
        except InputError as error:
            notes.unreadable(number, error)
    return found


def _one(line: bytes, number: int, notes: Notes) -> TraceMessage | None:
    if not line.startswith(b"{"):
        if b'"message"' in line:
            raise InputError("a message that does not start the line", expected="a JSON object")
        return None
    try:
        return received(_decode(line), number) if notes.wants(_decode_kind(line).message) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"not a message: {error}", expected="a JSON object with message, param1, param2") from None


def received(row: Row, number: int) -> TraceMessage:
    """A row, checked, as a message. Raises :class:`InputError` if it is for nobody or a name cannot be one."""
    handle = None if row.handle is None else str(row.handle)
    for field, name in (("app", row.app), ("device", row.device), ("line", row.line), ("handle", handle)):
        if name is not None:
            check_name(name, field)
    return TraceMessage(
        number,
        row.message,
        row.param1,
        row.param2,
        row.app,
        *_names(row),
        None if row.message in WITHOUT_HANDLE else handle,
        None if row.at is None else canonical_time(row.at),
        row.version if row.version.__class__ is int and 0 < row.version < _MANY else None,
        row.rule if isinstance(row.rule, str) and _RULE.fullmatch(row.rule) else None,
    )


def _names(row: Row) -> tuple[str | None, str | None]:
    """Device and line, as far as they say which handle a message is for; half a name is none beside a handle."""
    if row.message in WITHOUT_HANDLE:
        return row.device, row.line
    line = row.line if row.message.startswith("LINE_") else None
    if row.device is not None and (line is not None or row.message.startswith("PHONE_")):
        return row.device, line
    if row.handle is not None:
        return None, None
    needed = "device and line" if row.message.startswith("LINE_") else "device"
    raise InputError(f"{row.message} without names or a handle", expected=f"{needed}, or handle")
