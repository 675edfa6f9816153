"""Event logs as NDJSON: one event a line, read in batches, as fast as lines can be decoded (contracts §2).

Reading never holds more than a chunk and one line of at most 1 MiB. Blank lines are no events but they count, so
that an error names the true line of the file.
"""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import msgspec

from cti_es.errors import InputError
from cti_es.events import Event, checked, decode_event, encode, read_event
from cti_es.times import all_plainly_canonical

MAX_LINE = 1 << 20
"""The longest line accepted, in bytes."""

_CHUNK = 1 << 18


class ByteStream(Protocol):
    """A binary stream that can give what it has, without waiting for more."""

    def read1(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""


class Lines(NamedTuple):
    """Some events of a file: ``events[i]`` stands on line ``numbers[i]`` (counted from 1).

    ``canonical`` is their canonical JSON array where reading has come across it, to spare others the work.
    """

    numbers: range | list[int]
    events: list[Event]
    canonical: bytes | None = None


def read_events(stream: ByteStream, name: str) -> Iterator[Lines]:
    """The events of an NDJSON file, in order, in batches of some thousand.

    UTF-8, a byte-order mark skipped; UTF-16 with a byte-order mark too. ``name`` is what errors call the file. Raises
    :class:`InputError` for the first line that is no event, after the batches before it.
    """
    first = 1
    for lines in _chunks(stream, name):
        batch = _decoded(lines, first, name)
        first += len(lines)
        if batch.events:
            yield batch


def write_events(events: list[Event]) -> bytes:
    """Events as canonical NDJSON, each line ended by a newline."""
    return b"".join([encode(event) + b"\n" for event in events])


def _decoded(lines: list[bytes], first: int, name: str) -> Lines:
    try:
        events = [decode_event(line) for line in lines]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _carefully(lines, first, name)
    canonical = encode(events)
    if _plain(lines, events, canonical):
        return Lines(range(first, first + len(events)), events, canonical)
    return _carefully(lines, first, name)


def _plain(lines: list[bytes], events: list[Event], canonical: bytes) -> bool:
    """Whether no line of a decoded chunk can hold anything that wants a closer look.

    Printable ASCII without escapes has no character a name must not have. As many quotes as the canonical form has
    means that no field stands twice.
    """
    text = b",".join(lines)
    return (
        text.isascii()
        and b"\\" not in text
        and b"\x7f" not in text
        and (text == canonical[1:-1] or text.count(b'"') == canonical.count(b'"'))
        and all_plainly_canonical([event.at for event in events if event.at is not None])
    )


def _carefully(lines: list[bytes], first: int, name: str) -> Lines:
    numbers: list[int] = []
    events: list[Event] = []
    for number, line in enumerate(lines, first):
        if not line.strip(b" \t\r"):
            continue
        where = f"{name}:{number}"
        numbers.append(number)
        events.append(_one(line, where))
    return Lines(numbers, events)


def _one(line: bytes, where: str) -> Event:
    try:
        event = decode_event(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return read_event(line, where)
    if b"\\" not in line and line.count(b'"') == encode(event).count(b'"'):
        return checked(event, where)
    return read_event(line, where)


def _chunks(stream: ByteStream, name: str) -> Iterator[list[bytes]]:
    """The lines of a stream, some thousand at a time, without their ends; as soon as they are there (a pipe)."""
    rest = b""
    seen = 0
    for data in _utf8(stream, name):
        lines = (rest + data).split(b"\n")
        if len(lines[0]) > MAX_LINE:  # no other line is longer than what was read at once
            raise _too_long(f"{name}:{seen + 1}")
        rest = lines.pop()
        seen += len(lines)
        if lines:
            yield lines
    if rest:
        yield [rest]


def _too_long(where: str) -> InputError:
    return InputError("a line over 1 MiB", where=where, expected="one JSON object a line", hint="is this an event log?")


def _utf8(stream: ByteStream, name: str) -> Iterator[bytes]:
    """The bytes of a stream behind its byte-order mark, if it has one; UTF-16 as UTF-8."""
    data = stream.read1(_CHUNK)
    while len(data) < len(BOM_UTF8) and (more := stream.read1(_CHUNK)):
        data += more
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        yield from _utf16(data, stream, name)
        return
    if b"\x00" in data:
        raise InputError("a binary file", where=name, expected="an NDJSON event log, UTF-8")
    yield data.removeprefix(BOM_UTF8)
    while data := stream.read1(_CHUNK):
        yield data


def _utf16(data: bytes, stream: ByteStream, name: str) -> Iterator[bytes]:
    decoder = getincrementaldecoder("utf-16")()
    try:
        while data:
            yield decoder.decode(data).encode()
            data = stream.read1(_CHUNK)
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise InputError(f"not UTF-16 after its byte-order mark: {error}", where=name) from None
