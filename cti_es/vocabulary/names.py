"""What a name may be: 1 to 128 characters that are shown as they are (docs/reference/log-format.md#names).

Nodes, devices, lines, applications, calls and ids are names. They are checked once, where they come in; what is
stored has been checked.
"""

import re
from functools import cache

from cti_es.vocabulary.errors import InputError

MAX_NAME = 128

UNKNOWN = "?"
"""What stands for a name that nobody knows yet (docs/reference/commands/discover.md#a-skeleton). It is no name."""

# The table is written out, not asked of unicodedata: what a name is must not depend on the version of Python.
REFUSED = (
    (0x0000, 0x001F, "a control character"),
    (0x007F, 0x009F, "a control character"),
    (0x00AD, 0x00AD, "an invisible character"),  # soft hyphen
    (0x034F, 0x034F, "an invisible character"),
    (0x061C, 0x061C, "a mark that turns text"),
    (0x115F, 0x1160, "an invisible character"),  # Hangul fillers, here and below
    (0x17B4, 0x17B5, "an invisible character"),
    (0x180E, 0x180E, "an invisible character"),
    (0x200B, 0x200B, "an invisible character"),
    (0x200E, 0x200F, "a mark that turns text"),
    (0x2028, 0x2029, "a line separator"),
    (0x202A, 0x202E, "a mark that turns text"),
    (0x2060, 0x2065, "an invisible character"),
    (0x2066, 0x2069, "a mark that turns text"),
    (0x206A, 0x206F, "an invisible character"),
    (0x3164, 0x3164, "an invisible character"),
    (0xD800, 0xDFFF, "half a surrogate pair"),
    (0xFDD0, 0xFDEF, "no character"),
    (0xFEFF, 0xFEFF, "an invisible character"),  # byte-order mark
    (0xFFA0, 0xFFA0, "an invisible character"),
    (0xFFF0, 0xFFFB, "an invisible character"),
    (0x13430, 0x1345F, "a format character"),
    (0x1BCA0, 0x1BCA3, "a format character"),
    (0x1D173, 0x1D17A, "a format character"),
    (0xE0000, 0xE00FF, "an invisible character"),  # tags
    (0xE01F0, 0xE0FFF, "an invisible character"),
    *((plane | 0xFFFE, plane | 0xFFFF, "no character") for plane in range(0, 0x110000, 0x10000)),
)
"""First, last and kind of the characters that no name may have: they turn or hide text, or are none."""

JOINERS = "\u200c\u200d"
SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Invisible, but needed: Persian, the scripts of India, Mongolian, Japanese names and emoji are written with them."""

_ALWAYS = "".join(f"{chr(first)}-{chr(last)}" for first, last, _ in REFUSED)
_LETTER = f"[^\0-\x7f{_ALWAYS}{JOINERS}{SELECTORS}]"
# A selector stands behind a character outside ASCII; a joiner stands between two, a selector may be before it.
_REFUSED = (
    f"[{_ALWAYS}{SELECTORS}{JOINERS}]"
    f"(?:(?<=[{_ALWAYS}])"
    f"|(?<=[{SELECTORS}])(?<!{_LETTER}.)"
    f"|(?<=[{JOINERS}])(?:(?!{_LETTER})|(?<!{_LETTER}.)(?<!{_LETTER}[{SELECTORS}].)))"
)


@cache
def _refused() -> re.Pattern[str]:
    """What finds those characters, made when it is needed: that takes as long as the rest of a start of ``append``."""
    return re.compile(_REFUSED, re.DOTALL)


def check_name(name: str, where: str) -> None:
    """Raise :class:`InputError` naming ``where`` unless ``name`` may be a name."""
    if name == UNKNOWN:
        raise InputError("'?', which stands for something unknown", where=where, expected="what it is")
    if not name:
        raise InputError("an empty name", where=where, expected=f"1 to {MAX_NAME} characters")
    if len(name) > MAX_NAME:
        raise InputError(f"a name of {len(name)} characters", where=where, expected=f"1 to {MAX_NAME} characters")
    if not _is_plain(name) and (found := _refused().search(name)):
        raise InputError(
            f"the character U+{ord(found[0]):04X} in a name ({_kind(ord(found[0]))})",
            where=where,
            expected="characters that can be seen, and none that turns or hides others",
        )


def printable(text: str) -> str:
    r"""``text`` with every character that no name may have shown as an escape (``\x1b``, ``\u202e``)."""
    return text if _is_plain(text) else _refused().sub(lambda found: ascii(found[0])[1:-1], text)


def escaped(text: str) -> str:
    r"""Lines of JSON or CSV with the same characters as JSON has them (``\u001b``); line ends stay."""
    return _refused().sub(lambda found: found[0] if found[0] == "\n" else _json_escape(found[0]), text)


def _is_plain(text: str) -> bool:
    """Whether there is nothing but printable ASCII, as nearly always: a quick yes."""
    return text.isascii() and text.isprintable()


def _kind(number: int) -> str:
    """What a refused character is; what is not in the table is a joiner or a selector in a wrong place."""
    kinds = (kind for first, last, kind in REFUSED if first <= number <= last)
    return next(kinds, "invisible, and not between or behind characters outside ASCII")


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
