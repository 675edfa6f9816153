"""Tables and text as Markdown, to be pasted into a ticket."""

import re
from collections.abc import Iterable, Iterator

from cti_es.vocabulary.names import printable

_MARKS = re.compile(r"[\\`*\[\]<>|#~&$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def escaped(text: str) -> str:
    """Text that means nothing in Markdown. An underscore within a word never does."""
    return _MARKS.sub(r"\\\g<0>", printable(text))


def heading(titles: Iterable[str]) -> Iterator[str]:
    """The first two lines of a table."""
    titles = list(titles)
    yield bar(titles)
    yield bar(["---"] * len(titles))


def bar(cells: Iterable[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(map(escaped, cells))} |"
