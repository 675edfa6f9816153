"""Traces with one message a line, also inside other text (docs/reference/traces/one-line.md).

::

    LINE_LINEDEVSTATE device=10056, message=8, i=34, param1=80, param2=5, param3=0

Every number is hexadecimal without a prefix. Some posts have ``mmessage``, or a flag behind the name (``->FLAG``).
"""

import re
from collections.abc import Iterator
from functools import partial
from itertools import starmap

from cti_es.traces.forms.common import LinesReader, Notes, decoded, handle_text, quoted
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import MESSAGE_IDS, TraceMessage
from cti_es.vocabulary.text_lines import numbered

_HEX = r"[ \t]*+=[ \t]*+([0-9A-Fa-f]{1,16})"
_MARK = re.compile(rb"(?:LINE|PHONE)_")
_NAME = r"(?<![A-Za-z0-9_])((?:LINE|PHONE)_[A-Z]{1,40}+)(?:[ \t]*+->[ \t]*+[A-Z_]{1,80}+)?[ \t]++"
# A line may be cut off inside the first word behind the name, too.
_HEAD = re.compile(rf"{_NAME}(?=device[ \t]*+=|(?:dev|devi|devic|device)[ \t\r]*+$)")
_FIELDS = re.compile(
    rf"device{_HEX}[ \t]*+,[ \t]*+m?message{_HEX}[ \t]*+,[ \t]*+i[ \t]*+=[ \t]*+[0-9A-Za-z]{{1,16}}"
    rf"[ \t]*+,[ \t]*+param1{_HEX}[ \t]*+,[ \t]*+param2{_HEX}[ \t]*+,[ \t]*+param3{_HEX}(?![0-9A-Za-z_])"
)
_START = re.compile(rf"{_NAME}device{_HEX}[ \t]*+,[ \t]*+m?message{_HEX}")


def looks_like(start: bytes) -> bool:
    """Whether a file that starts like this has such messages."""
    return _START.search(decoded(start)) is not None


def read(chunks: Iterator[list[bytes]], notes: Notes) -> Iterator[list[TraceMessage]]:
    """The messages, in batches as the lines come."""
    return starmap(of_lines(notes), numbered(chunks))


def of_lines(notes: Notes) -> LinesReader:
    """What reads some lines, of which the first has a number."""
    return partial(_of_lines, notes)


def _of_lines(notes: Notes, first: int, lines: list[bytes]) -> list[TraceMessage]:
    return [
        message
        for number, line in enumerate(lines, first)
        if _MARK.search(line)
        for message in _of_line(decoded(line), number, notes)
    ]


def _of_line(text: str, number: int, notes: Notes) -> Iterator[TraceMessage]:
    for head in _HEAD.finditer(text):
        try:
            if notes.wants(head[1]):
                yield _message(head[1], text, head.end(), number)
        except InputError as error:
            notes.unreadable(number, error)


def _message(message: str, text: str, start: int, number: int) -> TraceMessage:
    fields = _FIELDS.match(text, start)
    if fields is None:
        expected = "device=…, message=…, i=…, param1=…, param2=…, param3=…, in hexadecimal without 0x"
        raise InputError(f"{message} with {quoted(text[start : start + 80])}", expected=expected)
    device, id_, param1, param2, _ = (int(part, 16) for part in fields.groups())
    if id_ != MESSAGE_IDS[message]:
        # Then the numbers are not what this form has, or not hexadecimal: nothing else on the line can be trusted.
        raise InputError(f"{message} with message={id_:x}", expected=f"message={MESSAGE_IDS[message]:x} (hexadecimal)")
    return TraceMessage(number, message, param1, param2, handle=handle_text(device))
