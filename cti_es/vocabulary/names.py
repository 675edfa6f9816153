"""What a name may be: 1 to 128 characters that a terminal shows as they are (docs/reference/log-format.md#names).

Nodes, devices, lines, applications, calls and ids are names. They are checked once, where they come in; what is
stored has been checked.
"""

import re

from cti_es.vocabulary.errors import InputError

MAX_NAME = 128

# C0 and C1 control characters with DEL, bidirectional embeddings, overrides and isolates, lone surrogates.
_REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def check_name(name: str, where: str) -> None:
    """Raise :class:`InputError` naming ``where`` unless ``name`` may be a name."""
    if not name:
        raise InputError("an empty name", where=where, expected=f"1 to {MAX_NAME} characters")
    if len(name) > MAX_NAME:
        raise InputError(f"a name of {len(name)} characters", where=where, expected=f"1 to {MAX_NAME} characters")
    if found := _REFUSED.search(name):
        raise InputError(
            f"the character U+{ord(found[0]):04X} in a name",
            where=where,
            expected="no control characters, bidirectional overrides or surrogates",
        )


def printable(text: str) -> str:
    r"""``text`` with every character that could steer a terminal shown as an escape (``\x1b``, ``\u202e``)."""
    return _REFUSED.sub(lambda found: ascii(found[0])[1:-1], text)


def escaped(text: str) -> str:
    r"""Lines of JSON or CSV with the same characters as JSON has them (``\u001b``); line ends stay."""
    return _REFUSED.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text)
