"""Event logs as NDJSON: one event a line, read in batches, as fast as lines can be decoded.

Specified in docs/reference/log-format.md.

Reading never holds more than a chunk and one line of at most 1 MiB. Blank lines are no events but they count, so
that an error names the true line of the file.
"""

from collections.abc import Iterator

import msgspec

from cti_es.vocabulary.event_text import checked, read_event
from cti_es.vocabulary.events import Event, NumberedEvents, decode_event, encode
from cti_es.vocabulary.text_lines import ByteStream as ByteStream
from cti_es.vocabulary.text_lines import FileWords, chunks, numbered
from cti_es.vocabulary.times import all_plainly_canonical

_WORDS = FileWords("an NDJSON event log, UTF-8", "one JSON object a line", "is this an event log?")


def read_events(stream: ByteStream, name: str) -> Iterator[NumberedEvents]:
    """The events of an NDJSON file, in order, in batches of some thousand.

    UTF-8, a byte-order mark skipped; UTF-16 with a byte-order mark too. ``name`` is what errors call the file. Raises
    :class:`InputError` for the first line that is no event, after the batches before it.
    """
    for first, lines in numbered(chunks(stream, name, _WORDS)):
        batch = _decoded(lines, first, name)
        if batch.events:
            yield batch


def write_events(events: list[Event]) -> bytes:
    """Events as canonical NDJSON, each line ended by a newline."""
    return b"".join([encode(event) + b"\n" for event in events])


def _decoded(lines: list[bytes], first: int, name: str) -> NumberedEvents:
    try:
        events = [decode_event(line) for line in lines]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _carefully(lines, first, name)
    canonical = encode(events)
    if _plain(lines, events, canonical):
        return NumberedEvents(range(first, first + len(events)), events, canonical)
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


def _carefully(lines: list[bytes], first: int, name: str) -> NumberedEvents:
    numbers: list[int] = []
    events: list[Event] = []
    for number, line in enumerate(lines, first):
        if not line.strip(b" \t\r"):
            continue
        where = f"{name}:{number}"
        numbers.append(number)
        events.append(_one(line, where))
    return NumberedEvents(numbers, events)


def _one(line: bytes, where: str) -> Event:
    try:
        event = decode_event(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return read_event(line, where)
    if b"\\" not in line and line.count(b'"') == encode(event).count(b'"'):
        return checked(event, where)
    return read_event(line, where)
