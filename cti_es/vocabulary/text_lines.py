"""Lines of a text file, some thousand at a time: what every reader here starts from.

Specified in docs/reference/sources.md#what-a-file-is.

UTF-8, a byte-order mark skipped; UTF-16 with a byte-order mark too. Never more is held than a chunk and one line of at
most 1 MiB.
"""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from cti_es.vocabulary.errors import InputError

MAX_LINE = 1 << 20
"""The longest line accepted, in bytes of UTF-8."""

GZIP = b"\x1f\x8b"
"""The bytes with which a file packed with gzip begins."""

_CHUNK = 1 << 18


class ByteStream(Protocol):
    """A binary stream that can give what it has, without waiting for more."""

    def read1(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes, or ``b""`` at the end."""


class FileWords(NamedTuple):
    """What a file should be, in the words of an error: the whole of it, a line of it, and what it may not be.

    ``may_have_nul``: a log may have blocks of zeros where a system crashed; anything else with them is no text.
    """

    file: str
    line: str
    hint: str
    may_have_nul: bool = False


def chunks(stream: ByteStream, name: str, words: FileWords) -> Iterator[list[bytes]]:
    """Yield the lines of a stream in lists of up to some thousand, without their line ends.

    What a pipe has given is handed on at once, without waiting for more.

    ``name`` is what errors call the file. Raises :class:`InputError` for a line over :data:`MAX_LINE`, a binary file
    and broken UTF-16.
    """
    rest: list[bytes] = []  # of a line whose end has not come; in pieces, as a pipe may give it byte by byte
    length = seen = 0
    for data in _utf8(stream, name, words):
        rest.append(data)
        length += len(data)
        if b"\n" in data:
            lines = b"".join(rest).split(b"\n")
            rest = [lines.pop()]
            length = len(rest[0])
            # The others lie within one chunk, so only the first can be too long.
            if len(lines[0]) > MAX_LINE:
                raise _too_long(f"{name}:{seen + 1}", words)
            seen += len(lines)
            yield lines
        if length > MAX_LINE:
            raise _too_long(f"{name}:{seen + 1}", words)
    if length:
        yield [b"".join(rest)]


def numbered(some: Iterable[list[bytes]]) -> Iterator[tuple[int, list[bytes]]]:
    """Each chunk with the number of its first line, counted from 1."""
    first = 1
    for lines in some:
        yield first, lines
        first += len(lines)


def start_as_utf8(start: bytes) -> bytes:
    """The first bytes of a file as UTF-8 without a byte-order mark, so that its format can be recognised.

    ``start`` may end inside a line or a character.
    """
    if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return getincrementaldecoder("utf-16")("replace").decode(start).encode("utf-8", "replace")
    return start.removeprefix(BOM_UTF8)


def _too_long(where: str, words: FileWords) -> InputError:
    return InputError("a line over 1 MiB", where=where, expected=words.line, hint=words.hint)


def _utf8(stream: ByteStream, name: str, words: FileWords) -> Iterator[bytes]:
    """The bytes of a stream behind its byte-order mark, if it has one; UTF-16 as UTF-8."""
    data = stream.read1(_CHUNK)
    while len(data) < len(BOM_UTF8) and (more := stream.read1(_CHUNK)):
        data += more
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        yield from _utf16(data, stream, name)
        return
    if data.startswith(GZIP):
        raise InputError("a gzip file inside a gzip file", where=name, expected=words.file)
    if b"\x00" in data and not words.may_have_nul:
        raise InputError("a binary file", where=name, expected=words.file)
    yield data.removeprefix(BOM_UTF8)
    while data := stream.read1(_CHUNK):
        yield data


def _utf16(data: bytes, stream: ByteStream, name: str) -> Iterator[bytes]:
    decoder = getincrementaldecoder("utf-16")()
    try:
        while data:
            yield decoder.decode(data).encode()
            data = stream.read1(_CHUNK)
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise InputError(f"not UTF-16 after its byte-order mark: {error}", where=name) from None
