"""Message traces: the formats that are known, told apart by their content, never by a name.

Specified in docs/reference/traces.md#how-a-format-is-recognised.
"""

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

from cti_es.traces.forms import csv_table, cucm_alarms, guide, jtapi, line_pattern, ndjson, one_line, tapi_browser
from cti_es.traces.forms.common import Notes, TraceOptions
from cti_es.vocabulary.errors import InputError, UnknownFormat, did_you_mean
from cti_es.vocabulary.tapi import TraceMessage
from cti_es.vocabulary.text_lines import ByteStream, FileWords, chunks, start_as_utf8

LOOKED_AT = 1 << 16
"""How many bytes of a trace are looked at to recognise its format."""

_WORDS = FileWords("a message trace, text", "one message or field a line", "is this a message trace?")


class TraceFormat(NamedTuple):
    """A format of traces.

    ``looks_like`` says whether a file with these first bytes, in UTF-8, is in it. ``read`` gives the messages of the
    lines of such a file, in batches.
    """

    name: str
    looks_like: Callable[[bytes], bool]
    read: Callable[[Iterator[list[bytes]], Notes], Iterator[list[TraceMessage]]]
    untold: frozenset[tuple[str, int | None]] = frozenset()
    """The (message, param1) that a trace in this format cannot have; None stands for every param1."""
    sure_of_reasons: bool = True
    """Whether a trace in this format has the reasons that TAPI has, so that another one is a difference."""


TRACE_FORMATS: dict[str, TraceFormat] = {
    one.name: one
    for one in (
        TraceFormat("ndjson", ndjson.looks_like, ndjson.read),
        TraceFormat("csv", csv_table.looks_like, csv_table.read),
        TraceFormat("jtapi", jtapi.looks_like, jtapi.read, jtapi.UNTOLD, sure_of_reasons=False),
        TraceFormat("cucm-alarms", cucm_alarms.looks_like, cucm_alarms.read, cucm_alarms.UNTOLD),
        TraceFormat("one-line", one_line.looks_like, one_line.read),
        TraceFormat("tapi-browser", tapi_browser.looks_like, tapi_browser.read),
        TraceFormat("guide", guide.looks_like, guide.read),
        TraceFormat("line-pattern", line_pattern.looks_like, line_pattern.read),
    )
}
"""By name, in the order in which they are tried: the guide's forms are the loosest."""


def recognise(start: bytes) -> str | None:
    """The format of a trace by its first bytes, as they stand in the file; None if it looks like none of them."""
    found = _look(start_as_utf8(start[:LOOKED_AT]))
    return found.name if found else None


_HEAD = b"# cti-es: messages of a trace in the format "
_HEADED = re.compile(_HEAD + rb"([a-z-]+)\s")


def head(format: str) -> bytes:
    """The first line of NDJSON that stands for a trace in another format: as little is expected of it as of that."""
    return _HEAD + format.encode() + b"\n"


def _look(text: bytes) -> TraceFormat | None:
    if (headed := _HEADED.match(text)) and (found := TRACE_FORMATS.get(headed[1].decode())):
        return found._replace(read=ndjson.read)
    text = text.replace("\xa0".encode(), b" ")  # the no-break spaces of a web page
    return next((one for one in TRACE_FORMATS.values() if one.looks_like(text)), None)


class TraceReading:
    """A trace being read: iterate over its batches, once.

    ``format`` is None for a trace without any text. After each batch ``messages`` counts what has been read,
    ``skipped`` the messages of other kinds by name, ``bad`` those that could not be read, the first on line
    ``first_bad``.
    """

    def __init__(self, format: TraceFormat | None, lines: Iterator[list[bytes]], notes: Notes) -> None:
        self.format = format.name if format else None
        self.messages = 0
        self._notes = notes
        self._batches = format.read(lines, notes) if format else iter(())

    def batches(self) -> Iterator[list[TraceMessage]]:
        """The messages, in batches, once. Raises :class:`InputError` for a message that cannot be read."""
        return iter(self)

    def __iter__(self) -> Iterator[list[TraceMessage]]:
        """The same."""
        for batch in self._batches:
            self.messages += len(batch)
            if batch:
                yield batch

    @property
    def skipped(self) -> dict[str, int]:
        """Messages of other kinds: how many of each name."""
        return dict(self._notes.skipped)

    @property
    def bad(self) -> int:
        """Messages that could not be read (``skip_bad``)."""
        return self._notes.bad

    @property
    def first_bad(self) -> int | None:
        """The line of the first of them."""
        return self._notes.first_bad


def read_trace(
    stream: ByteStream, name: str, format: str | None = None, options: TraceOptions | None = None
) -> TraceReading:
    """A trace, in the named format or in the one that its content shows. ``name`` is what errors call it.

    Raises :class:`InputError` if there is text in none of the known formats. A trace of blank lines has no messages.
    """
    lines = chunks(stream, name, _WORDS)
    start: list[list[bytes]] = []
    chosen = _named(format) if format else _recognised(start, lines, name)
    return TraceReading(chosen, chain(start, lines), Notes(name, options or TraceOptions()))


def _named(format: str) -> TraceFormat:
    if format not in TRACE_FORMATS:
        expected = ", ".join(TRACE_FORMATS)
        raise InputError(f"no trace format '{format}'", expected=expected, hint=did_you_mean(format, TRACE_FORMATS))
    return TRACE_FORMATS[format]


def _recognised(start: list[list[bytes]], lines: Iterator[list[bytes]], name: str) -> TraceFormat | None:
    """The format that the first lines show; they are put into ``start``."""
    text, looked = b"", 0
    for some in lines:
        start.append(some)
        text += b"\n".join(some) + b"\n"
        # A pipe gives a line at a time; to look at everything again for each would take long.
        if len(text) >= 2 * looked:
            looked = len(text)
            if found := _look(text[:LOOKED_AT]):
                return found
        if looked >= LOOKED_AT:
            break
    if found := _look(text[:LOOKED_AT]):
        return found
    if not text.strip():
        return None
    expected = f"a message of one of these: {', '.join(name for name in TRACE_FORMATS if name != 'line-pattern')}"
    raise UnknownFormat("no known trace format", where=name, expected=expected)
