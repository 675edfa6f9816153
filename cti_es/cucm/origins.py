"""What stands before the stamp of a record: the stamp and host of syslog, PRI, sequence number, host.

::

    Mar  2 09:15:02 cm1 local7 3 ccm: 41679: cm1.example.com: Mar 02 2026 09:15:02.484 UTC : %UC_CTI-6-…
    <189>8103: Mar 02 2026 09:15:02.484 UTC : %UC_CTI-6-…
"""

import re
from functools import lru_cache

WHERE = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,254}"
"""A host: a name or an address."""

_HOST = re.compile(WHERE)
_PRI = re.compile(r"<[0-9]{1,3}>")
_SYSLOG = (
    rf"[A-Z][a-z]{{2}}[ ]{{1,2}}[0-9]{{1,2}}[ ][0-9:]{{8}}[ ]{WHERE}[ ]local[0-9]{{1,2}}[ ][0-9][ ][^\s:]{{0,32}}:[ ]"
)
_FROM = rf"(?:[0-9]{{1,10}}:[ ]{WHERE}:?[ ]|[0-9]{{1,10}}:[ ]|{WHERE}:[ ])"
_ORIGIN = re.compile(rf"[ ]*(?:<[0-9]{{1,3}}>)?(?:{_SYSLOG})?{_FROM}?[*.]?\Z")
_ORIGIN_LAST = re.compile(rf"(?<!\S)(?:<[0-9]{{1,3}}>)?{_SYSLOG}(?:[0-9]{{1,10}}:[ ])?{WHERE}:\s*\Z")
_LONGEST = 1_024
_LAST_OF_BEFORE = 600


def start_of_origin(text: str, start: int, end: int) -> int:
    """Where the origin begins that ends at ``end``, not before ``start``."""
    found = _ORIGIN.search(text, max(start, end - _LONGEST), end)
    return found.start() if found else end


def last_origin(text: str) -> tuple[str, str]:
    """A text without the origin with which it ends, and that origin; empty if it ends with something else."""
    found = _ORIGIN_LAST.search(text, max(0, len(text) - _LONGEST))
    return (text[: found.start()].rstrip(), found[0].strip() + " ") if found else (text, "")


def host_and_sequence(text: str, start: int, end: int) -> tuple[str | None, int | None]:
    """Host and sequence number of the origin in ``text[start:end]``: ``…: 41679: uc-ucm-01.pcce.local ``."""
    before = text[max(start, end - _LAST_OF_BEFORE) : end]
    words = before.rstrip(" *").rsplit(None, 2)
    if words and words[-1] == ".":  # accuracy: there was a time server, and is none now
        words = before.rstrip(" .").rsplit(None, 2)
    if not words:
        return None, None
    last = words[-1]
    if (number := _sequence(last)) is not None:
        return None, number
    return _host(last), _sequence(words[-2]) if len(words) > 1 else None


@lru_cache(maxsize=4_096)
def _host(word: str) -> str | None:
    found = _HOST.fullmatch(_PRI.sub("", word).removesuffix(":"))
    return found[0] if found else None


def _sequence(word: str) -> int | None:
    """``41679:``, perhaps behind a ``<189>``, as a number."""
    if not word.endswith(":"):
        return None
    digits = word[word.find(">") + 1 : -1]
    return int(digits) if digits.isdigit() and digits.isascii() and len(digits) <= 10 else None
