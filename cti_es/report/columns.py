"""How wide text is on a terminal, and how it is made to fit: East Asian characters take two columns, accents none."""

import re
from unicodedata import category, east_asian_width

WIDTH = 80
"""Reports for people keep to so many columns; a name that is longer is printed whole."""

_BLANK = re.compile("(?<! at) ")
_NO_WIDTH = frozenset({"Mn", "Me", "Cf"})


def width(text: str) -> int:
    """How many columns a text takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(character: str) -> int:
    if category(character) in _NO_WIDTH:
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def padded(text: str, columns: int) -> str:
    """A text with blanks behind it, so that it takes at least so many columns."""
    return text + " " * (columns - width(text))


def wrapped(text: str, indent: int, columns: int = WIDTH) -> list[str]:
    """The lines of a text, cut at blanks. The first begins where the text does, the others stand ``indent`` in.

    A word that is longer than a line is not cut, and ``at`` stays with what stands behind it.
    """
    lines: list[str] = []
    line, blank = "", ""
    for word in _BLANK.split(text):
        if line.strip() and width(line) + len(blank) + width(word) > columns:
            lines.append(line)
            line, blank = " " * indent, ""
        line, blank = line + blank + word, " "
    return [*lines, line]
