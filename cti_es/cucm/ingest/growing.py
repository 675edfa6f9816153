"""A file that may grow, known by its content under whatever name, and read line by line as far as it is whole."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, cast

from cti_es.cucm.file_readers import FileReader, Found, reader_of
from cti_es.cucm.ingest.kept import KeptFile
from cti_es.cucm.parts import PART
from cti_es.cucm.recognise import FileKind, Nothing, kind_of
from cti_es.cucm.topology_files import LOOKED_AT
from cti_es.logs.bytes_in import UNPACK_LIMIT, UnpackLimit, open_bytes, unpacked
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.text_lines import GZIP, MAX_LINE, ByteStream
from cti_es.vocabulary.times import sort_key

FIRST_LINES = 3
"""A file is known by so many first lines: in a CDR file the third is the first call."""

_TAIL = 1_024
_CHUNK = 1 << 18


class Start(NamedTuple):
    """How a file begins: its whole lines among the first bytes."""

    text: bytes

    def begin(self) -> list[str]:
        """Hashes of its first lines, as far as they are whole."""
        lines = self.text.split(b"\n")[:-1]
        return [_hash(line) for line in lines[:FIRST_LINES]]

    def kind(self) -> FileKind | Nothing:
        """What kind of file it is."""
        return kind_of(self.text)


def start_of(path: Path, limit: UnpackLimit = UNPACK_LIMIT) -> Start:
    """How a file begins. Raises OSError, and :class:`InputError` if it is packed and broken."""
    text = b""
    with open_bytes(path, limit) as stream:
        while len(text) < LOOKED_AT and (more := stream.read1(_CHUNK)):
            text += more
    return Start(text[: text.rfind(b"\n") + 1])


class Replaced(OSError):
    """Another file has come to the path of one that was to be read on."""


class Piece(NamedTuple):
    """Some lines of a file: where they end, how many lines are before them, and whether they were read before."""

    end: int
    before: int
    lines: list[bytes]
    is_old: bool


class GrowingFile:
    """One file. ``number`` is its number in places; ``path`` is where it is now, None if it is gone.

    ``rest`` is how many bytes are behind its last whole line. ``is_over``: nothing more is expected of it.
    """

    def __init__(self, kept: KeptFile, number: int, found: Found, limit: UnpackLimit) -> None:
        self.kept = kept
        self.number = number
        self.path: Path | None = None
        self.rest = 0
        self.is_over = False
        self.header = b""
        self._found = found
        self._limit = limit
        self._reader: FileReader | None = None
        self._marks: list[tuple[int, int, str | None]] = [(kept.safe, kept.lines, kept.day)]
        self._before: list[bytes] = []
        self._window = b""

    def is_like(self, path: Path, start: Start) -> bool | None:
        """Whether a file has the same content, as far as this one has been read; None if it has only a part of it.

        Raises what :func:`start_of` raises.
        """
        begin = start.begin()
        if not begin or any(one != other for one, other in zip(begin, self.kept.begin, strict=False)):
            return False
        if len(begin) < len(self.kept.begin):
            return None
        tail = _tail(path, self.kept.read, self._limit)
        return None if tail is None else tail == self.kept.tail

    def goes_on(self, path: Path) -> bool:
        """Whether a file that was this one is so still, and was not written anew."""
        return _tail(path, self.kept.read, self._limit) == self.kept.tail

    def pieces(self, path: Path, to_the_end: bool) -> Iterator[Piece]:
        """The lines that have not been read, some at a time; :meth:`after` is to be called after each.

        What has no line end is left for another time, unless the file is read ``to_the_end``. After a restart lines
        come again from the safe place on. Raises :class:`Replaced` if another file has come to this path, and OSError
        or :class:`InputError` for what cannot be read; what was read before stands.
        """
        kept = self.kept
        position = kept.read if self._reader is not None else kept.safe
        if self._reader is None:
            self._begin(path)
        with _opened(path, max(0, position - _TAIL), self._limit) as stream:
            self._window = _exactly(stream, min(position, _TAIL))
            if 0 < position == kept.read and _hash(self._window) != kept.tail:
                raise Replaced
            yield from self._cut(stream, position, path, to_the_end)

    def _cut(self, stream: ByteStream, position: int, path: Path, to_the_end: bool) -> Iterator[Piece]:
        rest = b""
        while data := stream.read1(_up_to(self.kept.read, position + len(rest))):
            rest += data
            # Up to where it was read before all is whole: a last line without an end was taken as it was.
            whole = len(rest) if position + len(rest) == self.kept.read else rest.rfind(b"\n") + 1
            if whole:
                yield self._piece(position, rest[:whole])
                position, rest = position + whole, rest[whole:]
            if len(rest) > MAX_LINE:
                raise InputError("a line over 1 MiB", where=str(path), expected="a line of a CUCM log")
        if rest and to_the_end:
            yield self._piece(position, rest)
            rest = b""
        self.rest = len(rest)

    def report(self) -> None:
        """Put what claimed nothing since the last report into the findings."""
        if self._reader is not None:
            self._reader.report()

    @property
    def reader(self) -> FileReader:
        """What reads it."""
        return cast(FileReader, self._reader)

    def end(self) -> None:
        """Nothing more is expected of this file."""
        self.is_over = True
        self._drop()

    def let_go(self) -> None:
        """Nothing may be added any more: forget what only reading on would need, if nothing of the file waits."""
        if self._reader is not None and self._reader.is_between and self.kept.safe == self.kept.read:
            self._drop()

    def _drop(self) -> None:
        if self._reader is not None:
            self._reader.end()
            self._reader.report()
        self._reader, self._before, self._window = None, [], b""

    def text_of(self, piece: Piece, line: int) -> bytes:
        """The lines of a piece that make the record whose first line has this number."""
        lines, index = piece.lines, line - piece.before - 1
        if index <= 0:
            lines, index = [*self._before, *lines], index + len(self._before)
        if not 0 <= index < len(lines):
            return b""
        whole, before = lines[index], lines[max(0, index - 1)]
        if (part := whole.find(PART.encode())) >= 0:
            mark = whole[part : whole.find(b".", part) + 1]
            return b"\n".join(one for one in lines[max(0, index - _NEAR) : index + _NEAR] if mark in one)
        is_broken = index > 0 and before.rstrip(b"\r ").endswith(b":")
        return before + b"\n" + whole if is_broken else whole

    def after(self, piece: Piece) -> None:
        """The claims of a piece have been taken: from its end on it can be read on, if nothing waits."""
        kept, reader = self.kept, self.reader
        self._before = piece.lines[-_NEAR:]
        kept.latest = max(kept.latest, sort_key(reader.latest))
        if reader.is_between:
            day = reader.day
            self._marks.append((piece.end, reader.lines, day.isoformat() if day else None))
        if not piece.is_old:
            kept.read, kept.tail = piece.end, _hash(self._window)

    def wait_for(self, line: int | None) -> None:
        """The first line that still waits (None: none does): from before it on the file has to be read again."""
        while len(self._marks) > 1 and (line is None or self._marks[1][1] < line):
            del self._marks[0]
        self.kept.safe, self.kept.lines, self.kept.day = self._marks[0]

    def _begin(self, path: Path) -> None:
        kept = self.kept
        if kept.kind == "cdr":
            with _opened(path, 0, self._limit) as stream:
                self.header = stream.read1(_CHUNK).partition(b"\n")[0].removeprefix(BOM_UTF8)
        self._reader = reader_of(cast(FileKind, kept.kind), self._found, self.number, kept.path)
        if kept.safe:
            self._reader.go_on(kept.lines, date.fromisoformat(kept.day) if kept.day else None, self.header)

    def _piece(self, position: int, raw: bytes) -> Piece:
        kept, before = self.kept, self.reader.lines
        lines = raw.removesuffix(b"\n").split(b"\n")
        if before < FIRST_LINES and raw.endswith(b"\n"):
            kept.begin = [*kept.begin[:before], *map(_hash, lines[:FIRST_LINES])][:FIRST_LINES]
        if position == 0:
            lines[0] = lines[0].removeprefix(BOM_UTF8)
        self._window = (self._window + raw)[-_TAIL:]
        return Piece(position + len(raw), before, lines, position < kept.read)


_NEAR = 64
"""What belongs to a record together stands within so many lines."""


@contextmanager
def _opened(path: Path, position: int, limit: UnpackLimit) -> Iterator[ByteStream]:
    """The bytes of a file from a position on, out of gzip if they are in it."""
    with path.open("rb") as file:
        if file.read(len(GZIP)) != GZIP:
            file.seek(position)
            yield file
            return
        file.seek(0)
        stream = unpacked(file, str(path), limit)
        while position > 0 and (data := stream.read1(min(position, _CHUNK))):
            position -= len(data)
        yield stream


def _tail(path: Path, position: int, limit: UnpackLimit) -> str | None:
    """The hash of the bytes before a position; None if the file does not reach so far."""
    begin = max(0, position - _TAIL)
    with _opened(path, begin, limit) as stream:
        data = _exactly(stream, position - begin)
    return _hash(data) if len(data) == position - begin else None


def _exactly(stream: ByteStream, size: int) -> bytes:
    """So many bytes; fewer only at the end."""
    data = b""
    while len(data) < size and (more := stream.read1(size - len(data))):
        data += more
    return data


def _up_to(end: int, position: int) -> int:
    """How much to read at a position: not beyond what has been read before."""
    return min(_CHUNK, end - position) if position < end else _CHUNK


def _hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
