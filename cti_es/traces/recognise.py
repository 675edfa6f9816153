"""Message traces: the formats that are known, told apart by their content, never by a name.

Specified in docs/reference/traces.md#how-a-format-is-recognised.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from msgspec.structs import replace

from cti_es.traces.forms import csv_table, cucm_alarms, guide, jtapi, line_pattern, ndjson, one_line, tapi_browser
from cti_es.traces.forms.common import LinesReader, Notes, TraceOptions
from cti_es.traces.same_lines import Piece, in_common
from cti_es.vocabulary.errors import InputError, UnknownFormat, did_you_mean
from cti_es.vocabulary.tapi import TraceMessage
from cti_es.vocabulary.text_lines import ByteStream, FileWords, chunks, start_as_utf8

LOOKED_AT = 1 << 16
"""How many bytes of a trace are looked at to recognise its format."""

_WORDS = FileWords("a message trace, text", "one message or field a line", "is this a message trace?")


class TraceFormat(NamedTuple):
    """A format of traces.

    ``looks_like`` says whether a file with these first bytes, in UTF-8, is in it. ``read`` gives the messages of the
    lines of such a file, in batches. ``of_lines`` is there if each line is read for itself: it gives what reads some
    lines, of which the first has a number.
    """

    name: str
    looks_like: Callable[[bytes], bool]
    read: Callable[[Iterator[list[bytes]], Notes], Iterator[list[TraceMessage]]]
    of_lines: Callable[[Notes], LinesReader] | None = None
    untold: frozenset[tuple[str, int | None]] = frozenset()
    """The (message, param1) that a trace in this format cannot have; None stands for every param1."""
    sure_of_reasons: bool = True
    """Whether a trace in this format has the reasons that TAPI has, so that another one is a difference."""


TRACE_FORMATS: dict[str, TraceFormat] = {
    one.name: one
    for one in (
        TraceFormat("ndjson", ndjson.looks_like, ndjson.read, ndjson.of_lines),
        TraceFormat("csv", csv_table.looks_like, csv_table.read),
        TraceFormat("jtapi", jtapi.looks_like, jtapi.read, untold=jtapi.UNTOLD, sure_of_reasons=False),
        TraceFormat("cucm-alarms", cucm_alarms.looks_like, cucm_alarms.read, untold=cucm_alarms.UNTOLD),
        TraceFormat("one-line", one_line.looks_like, one_line.read, one_line.of_lines),
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
        return found._replace(read=ndjson.read, of_lines=ndjson.of_lines)
    text = text.replace("\xa0".encode(), b" ")  # the no-break spaces of a web page
    return next((one for one in TRACE_FORMATS.values() if one.looks_like(text)), None)


Lines = Callable[[], Iterator[list[bytes]]]
"""Gives the lines of a trace, as often as it is called."""

_place = attrgetter("place")


class TraceReading:
    """A trace being read: iterate over its batches, once.

    ``format`` is None for a trace without any text. After each batch ``messages`` counts what has been read,
    ``skipped`` the messages of other kinds by name, ``bad`` those that could not be read, the first on line
    ``first_bad``. ``again`` gives all lines once more, if that can be.
    """

    def __init__(
        self, format: TraceFormat | None, lines: Iterator[list[bytes]], notes: Notes, again: Lines | None = None
    ) -> None:
        self.format = format.name if format else None
        self.messages = 0
        self._notes = notes
        self._form = format
        self._lines = lines
        self._again = again
        self._batches = format.read(lines, notes) if format else iter(())
        self._read: list[TraceMessage] | None = None

    def batches(self) -> Iterator[list[TraceMessage]]:
        """The messages, in batches, once. Raises :class:`InputError` for a message that cannot be read."""
        return iter(self)

    def __iter__(self) -> Iterator[list[TraceMessage]]:
        """The same."""
        for batch in self._batches:
            self.messages += len(batch)
            if self._read is not None:
                self._read += batch
            if batch:
                yield batch

    def read_beside(self, other: "TraceReading") -> None:
        """Take what ``other`` says, too, from there. Neither has been read; ``other`` will be, before this one."""
        of_lines = self._form and self._form.of_lines
        if of_lines and other._again and other._form and other._form.of_lines is of_lines:
            other._read = []
            pieces = in_common(self._lines, other._again())
            self._batches = _beside(other._read, pieces, of_lines(self._notes))

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


def _beside(said: list[TraceMessage], pieces: Iterator[Piece], read: LinesReader) -> Iterator[list[TraceMessage]]:
    """The messages of a trace in pieces; of those that are in another one, too, what is ``said`` there."""
    for first, lines, there in pieces:
        yield (there and _as_said(said, there, first, len(lines))) or read(first, lines)


def _as_said(said: list[TraceMessage], there: int, first: int, count: int) -> list[TraceMessage] | None:
    """The messages of so many lines from ``there`` on, as they are from ``first`` on; None if not each line has one."""
    start = bisect_left(said, there, key=_place)
    found = said[start : start + count]
    if [one.place for one in found] != list(range(there, there + count)):
        return None
    return found if there == first else [replace(one, place=place) for place, one in enumerate(found, first)]


def read_trace(
    stream: ByteStream,
    name: str,
    format: str | None = None,
    options: TraceOptions | None = None,
    again: Callable[[], AbstractContextManager[ByteStream]] | None = None,
) -> TraceReading:
    """A trace, in the named format or in the one that its content shows. ``name`` is what errors call it.

    ``again`` opens the stream once more, if that can be: a trace with the same lines can then be read beside this one.
    Raises :class:`InputError` if there is text in none of the known formats. A trace of blank lines has no messages.
    """
    lines = chunks(stream, name, _WORDS)
    start: list[list[bytes]] = []
    chosen = _named(format) if format else _recognised(start, lines, name)
    return TraceReading(
        chosen, chain(start, lines), Notes(name, options or TraceOptions()), again and partial(_again, again, name)
    )


def _again(again: Callable[[], AbstractContextManager[ByteStream]], name: str) -> Iterator[list[bytes]]:
    with again() as stream:
        yield from chunks(stream, name, _WORDS)


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
