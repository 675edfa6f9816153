"""Path, pipe or standard input → bytes: the one place where what is read as text is opened.

What begins as gzip is unpacked, whatever it is called, and how much may come out of it is bounded.
"""

import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple, cast

from cti_es.logs.store.open_files import HEADER
from cti_es.logs.store.servers import without_password
from cti_es.vocabulary.errors import InputError, NotAStore, TooMuchUnpacked, blamed_on, did_you_mean
from cti_es.vocabulary.text_lines import GZIP, ByteStream

STDIN = "<stdin>"
"""What errors call standard input."""

FREE = 1 << 24
"""So many bytes may come out of any gzip file, however small it is."""

_IN_MEMORY = 1 << 24
_CHUNK = 1 << 18
_PACKED_CHUNK = 1 << 15
_GZIP_WINDOW = 31  # zlib: 15 bits, in the form of gzip

OpenStream = Callable[[], AbstractContextManager[ByteStream]]
"""Opens a stream at its start, as often as it is called."""


class UnpackLimit(NamedTuple):
    """How many bytes may come out of one gzip file.

    ``size`` bytes in all; ``ratio`` bytes for each packed byte, where it is more than :data:`FREE` bytes. None: no
    such bound.
    """

    size: int | None = 1 << 33
    ratio: int | None = 100


UNPACK_LIMIT = UnpackLimit()
"""What applies where nobody says otherwise: 8 GiB, and 100 bytes for each packed one. Text packs 5 to 30 times."""


def is_piped(source: str) -> bool:
    """Whether a source comes only once, from its start to its end: standard input, or a named pipe (``<(…)``)."""
    return source == "-" or Path(source).is_fifo()


def name_of(source: str) -> str:
    """What errors and reports call a source."""
    return STDIN if source == "-" else without_password(source)


@contextmanager
def open_bytes(source: str | Path, limit: UnpackLimit = UNPACK_LIMIT) -> Iterator[ByteStream]:
    """The bytes of a source, out of gzip if they are in it: the text ``-`` is standard input, anything else a path.

    A Path is always a path. Raises OSError, and :class:`InputError` when gzip is broken, cut short or over the limit.
    """
    with _raw(source) as stream:
        yield unpacked(stream, name_of(str(source)), limit)


@contextmanager
def kept(source: str, limit: UnpackLimit = UNPACK_LIMIT) -> Iterator[OpenStream]:
    """Keep what comes only once (in memory; on disk when it is large), so that it can be opened again and again."""
    from tempfile import SpooledTemporaryFile  # late: it imports much

    with _raw(source) as stream, SpooledTemporaryFile(max_size=_IN_MEMORY) as copy:
        while data := stream.read1(_CHUNK):
            copy.write(data)

        def again() -> AbstractContextManager[ByteStream]:
            copy.seek(0)
            return nullcontext(unpacked(cast(ByteStream, copy), name_of(source), limit))

        yield again


def unpacked(stream: ByteStream, name: str, limit: UnpackLimit = UNPACK_LIMIT) -> ByteStream:
    """A stream of what is in a stream: out of gzip, if it begins as gzip. ``name`` is what errors call it."""
    start = stream.read1(_CHUNK)
    while len(start) < len(GZIP) and (more := stream.read1(_CHUNK)):
        start += more
    whole = Begun(start, stream)
    return Unpacked(whole, name, limit) if start.startswith(GZIP) else whole


def no_file(path: Path, expected: str) -> InputError:
    """What is wrong with a path that is no file to read, and what is near."""
    where = without_password(str(path))
    if path.is_dir():
        return InputError("a folder", where=where, expected=expected)
    if path.exists():
        return InputError("not a regular file", where=where, expected=expected)
    if path.is_symlink():
        return InputError("a link to what is not there", where=where, expected=expected)
    try:
        known = os.listdir(path.parent)
    except OSError:
        known = []
    return InputError("no such file", where=where, expected=expected, hint=did_you_mean(path.name, known))


@contextmanager
def _raw(source: str | Path) -> Iterator[ByteStream]:
    if source == "-":
        yield Named(_stdin(), STDIN)
        return
    with Path(source).open("rb") as file:
        yield Named(file, str(source))


def _stdin() -> ByteStream:
    if sys.stdin is None:
        raise InputError("there is no standard input", where=STDIN, expected="a pipe or a file to read from")
    return cast(ByteStream, sys.stdin.buffer)


class Named:
    """A stream whose errors have its name: those of the system, while it is read, have none."""

    def __init__(self, stream: ByteStream, name: str) -> None:
        self._stream = stream
        self._name = name

    def read1(self, size: int = -1, /) -> bytes:
        """Some bytes; none at the end."""
        with blamed_on(self._name):
            return self._stream.read1(size)


class Begun:
    """A stream of which the start has been read already: it is given out first."""

    def __init__(self, start: bytes, stream: ByteStream) -> None:
        self._start = start
        self._stream = stream

    def read1(self, size: int = -1, /) -> bytes:
        """Some bytes; none at the end."""
        if not self._start:
            return self._stream.read1(size)
        end = size if size > 0 else len(self._start)
        data, self._start = self._start[:end], self._start[end:]
        return data


class Unpacked:
    """The bytes that are packed in a gzip file, member after member; zero bytes between and behind them are nothing."""

    def __init__(self, packed: ByteStream, name: str, limit: UnpackLimit) -> None:
        self._packed = packed
        self._name = name
        self._limit = limit
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._rest = b""
        self._in = self._out = 0

    def read1(self, size: int = -1, /) -> bytes:
        """Some bytes; none at the end. Raises :class:`InputError` when the file is broken, cut short or too large."""
        while self._has_more():
            try:
                data = self._member.decompress(self._rest, size if size > 0 else _CHUNK)
            except zlib.error as error:
                raise self._broken(str(error).rpartition(": ")[2]) from None
            self._rest = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if data:
                self._check(data)
                return data
        return b""

    def _has_more(self) -> bool:
        """Whether there is something to unpack; a new member may begin with it."""
        is_between = self._member.eof
        self._rest = self._rest.lstrip(b"\0") if is_between else self._rest
        while not self._rest:
            data = self._packed.read1(_PACKED_CHUNK)
            if not data and not is_between:
                raise self._broken("it is cut short")
            if not data:
                return False
            self._in += len(data)
            self._rest = data.lstrip(b"\0") if is_between else data
        if is_between:
            self._member = zlib.decompressobj(_GZIP_WINDOW)
        return True

    def _broken(self, how: str) -> InputError:
        return InputError(f"broken gzip: {how}", where=self._name, expected="a whole gzip file")

    def _check(self, data: bytes) -> None:
        if not self._out and data.startswith(HEADER):
            raise NotAStore(
                "a store inside a gzip file", where=self._name, expected="a store", hint="gzip -d unpacks it"
            )
        self._out += len(data)
        size, ratio = self._limit
        if size is not None and self._out > size:
            raise TooMuchUnpacked(f"more than {size:,} bytes come out of this gzip file", where=self._name)
        if ratio is not None and self._out > max(FREE, ratio * self._in):
            what = f"more than {ratio} bytes come out of each byte of this gzip file"
            raise TooMuchUnpacked(what, where=self._name, expected="text, which packs 5 to 30 times")
