"""Messages that stand on several lines: a text is cut into drafts first, and each of these is understood for itself."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from cti_es.traces.forms.common import Incomplete, Notes, decoded
from cti_es.traces.forms.stamps import STAMP_TEXT, Stamps
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import TraceMessage
from cti_es.vocabulary.text_lines import numbered

MARGIN = r"[ \t>|]*+"
"""What may stand before everything: forum posts are quoted."""

OWN_STAMP = rf"{MARGIN}[\[(]?(?:[0-9]{{1,10}}:[ ])?{STAMP_TEXT}[^\n]{{0,80}}?"
"""The stamp that an application's own log puts before a line, and some words behind it."""

_MAX_PIECES = 32
_MAX_PIECE = 4_096
_LAST_FIELD = re.compile(r"(?i)(?:\bp|param)3[ \t]*+=")


class Draft(NamedTuple):
    """A message before it is understood.

    ``head`` is how it starts, on line ``place``. ``pieces[0]`` is what follows there, the others are the lines after
    it: up to its last parameter, the next head, or some more than any message has.
    """

    place: int
    head: re.Match[str]
    pieces: list[str]
    is_cut: bool = False
    """Whether the text ended before its last parameter."""


class Drafts:
    """Cuts a text into drafts. ``mark`` is found (fast) on every line that can have a ``head``."""

    def __init__(self, mark: re.Pattern[bytes], head: re.Pattern[str]) -> None:
        self._mark = mark
        self._head = head
        self._open: Draft | None = None
        self._done: list[Draft] = []

    def of(self, chunks: Iterable[list[bytes]]) -> Iterator[list[Draft]]:
        """The drafts, in lists as they become complete."""
        for first, lines in numbered(chunks):
            for number, line in enumerate(lines, first):
                if self._mark.search(line):
                    self._heads(number, decoded(line))
                elif self._open:
                    self._more(decoded(line[:_MAX_PIECE]))
            yield self._taken()
        if self._open:
            self._done.append(self._open._replace(is_cut=True))
        yield self._taken()

    def _heads(self, number: int, text: str) -> None:
        heads = list(self._head.finditer(text))
        starts = [head.start() for head in heads] + [len(text)]
        if before := text[: starts[0]]:
            self._more(before)
        for head, end in zip(heads, starts[1:], strict=True):
            self._close()
            self._open = Draft(number, head, [])
            self._more(text[head.end() : end])

    def _more(self, text: str) -> None:
        if not self._open:
            return
        pieces = self._open.pieces
        pieces.append(text[:_MAX_PIECE])
        if len(pieces) == _MAX_PIECES or _LAST_FIELD.search(pieces[-1]):
            self._close()

    def _close(self) -> None:
        if self._open:
            self._done.append(self._open)
            self._open = None

    def _taken(self) -> list[Draft]:
        done, self._done = self._done, []
        return done


def understood(
    drafts: Iterable[Draft], notes: Notes, read: Callable[[Draft], TraceMessage | None]
) -> list[TraceMessage]:
    """The messages of some drafts, those of other kinds and (``skip_bad``) unreadable ones left out."""
    found = []
    for draft in drafts:
        try:
            if (message := read(draft)) is not None:
                found.append(message)
        except InputError as error:
            if draft.is_cut and isinstance(error, Incomplete):
                error.what = f"the trace ends inside a message: {error.what}"
            notes.unreadable(draft.place, error)
    return found


class Form(NamedTuple):
    """A format of messages on several lines: what makes a reader of it.

    ``start`` is found in the first bytes of a file in it. ``mark`` is found (fast) on every line that can have a
    ``head``, with which a message begins. ``message`` understands a draft; None for a message that is left out.
    """

    start: re.Pattern[str]
    mark: re.Pattern[bytes]
    head: re.Pattern[str]
    message: Callable[[Stamps, Notes, Draft], TraceMessage | None]

    def looks_like(self, start: bytes) -> bool:
        """Whether a file that starts like this has such messages."""
        return self.start.search(decoded(start)) is not None

    def read(self, chunks: Iterator[list[bytes]], notes: Notes) -> Iterator[list[TraceMessage]]:
        """The messages, in batches as they become complete."""
        read_one = partial(self.message, Stamps(notes.options), notes)
        for drafts in Drafts(self.mark, self.head).of(chunks):
            yield understood(drafts, notes, read_one)
