"""A file of heads that were kept: what ``logs --ndjson`` printed once, one log a line."""

from collections.abc import Iterator

import msgspec

from cti_es.logs.store.base import Head, parse_head
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.text_lines import ByteStream, FileWords, chunks, numbered

_WORDS = FileWords("heads as logs prints them in NDJSON", "one JSON object a line", "is this a file of heads?")


class _Kept(msgspec.Struct):
    """What is needed of a line; the other fields are not looked at."""

    log: str
    head: str


def read_heads(stream: ByteStream, name: str) -> dict[str, Head]:
    """The head of each log in a file of heads; where a log comes more than once, the last.

    ``name`` is what errors call the file. Raises :class:`InputError` with the line that is none, or for no line at all.
    """
    heads = dict(_heads(stream, name))
    if not heads:
        raise InputError("no head in it", where=name, expected=_WORDS.file)
    return heads


def _heads(stream: ByteStream, name: str) -> Iterator[tuple[str, Head]]:
    for first, lines in numbered(chunks(stream, name, _WORDS)):
        for number, line in enumerate(lines, first):
            if line.strip():
                yield _head(line, f"{name}:{number}")


def _head(line: bytes, where: str) -> tuple[str, Head]:
    try:
        kept = msgspec.json.decode(line, type=_Kept)
        return kept.log, parse_head(kept.head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"not a head: {error}", where=where, expected='{"log":"…","head":"…"}') from None
    except InputError as error:
        raise InputError(error.what, where=f"{where}: $.head", expected=error.expected) from None
