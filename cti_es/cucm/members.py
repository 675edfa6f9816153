"""What a user names as files → the files to import: folders, archives as collection tools write them, and patterns.

A folder stands for all files in it and below. A ``.zip``, a ``.tar`` and a ``.tar.gz`` stand for their members, which
are read one after the other and never written to disk. What comes out of an archive is bounded, as for packed files.
"""

import glob
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import IO, cast

from cti_es.cucm.files import File
from cti_es.logs.bytes_in import FREE, UNPACK_LIMIT, UnpackLimit, is_piped, name_of, no_file, open_bytes, unpacked
from cti_es.vocabulary.errors import InputError, TooMuchUnpacked
from cti_es.vocabulary.names import printable
from cti_es.vocabulary.text_lines import ByteStream

MOST_MEMBERS = 10_000
"""So many members may an archive have, and so many files a folder."""

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_TAR = b"ustar"
_TAR_MAGIC = 257
_LONGEST_HEADER = 1 << 20
_PATTERN = "*?["
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError,
    ValueError, OSError,
)  # fmt: skip
"""What reading a damaged, encrypted or unknown archive raises."""


def files_of(names: Iterable[str], expected: str, limit: UnpackLimit = UNPACK_LIMIT) -> Iterator[File]:
    """The files that these names stand for, each once; to be read one after the other, as they come.

    A name is a file, a folder, an archive, a pattern such as ``cdr_*`` that nobody has expanded, or ``-`` for standard
    input. ``expected`` is what an error says should have been there. Raises :class:`InputError` where there is nothing
    to read, and for an archive that is broken, encrypted or too large.
    """
    for name in dict.fromkeys(path for one in names for path in _expanded(one, expected)):
        if is_piped(name):
            yield from _of_stream(name, limit)
        elif Path(name).is_dir():
            yield from _of_folder(name, limit)
        else:
            yield from _of_path(name, limit)


def check_names(names: Iterable[str], expected: str) -> None:
    """Raise :class:`InputError` for the first of these names that stands for nothing, before anything is read."""
    for name in names:
        _expanded(name, expected)


def _expanded(name: str, expected: str) -> list[str]:
    path = Path(name)
    if is_piped(name) or path.is_file() or path.is_dir():
        return [name]
    if path.exists() or not any(mark in name for mark in _PATTERN):
        raise no_file(path, expected)
    found = sorted(one for one in glob.glob(name) if Path(one).is_file())  # noqa: PTH207 (a path may be absolute)
    if not found:
        raise InputError("no file matches this pattern", where=name, expected=expected)
    return found


def _of_folder(name: str, limit: UnpackLimit) -> Iterator[File]:
    count = 0
    for folder, folders, files in os.walk(name):
        folders.sort()
        for file in sorted(files):
            path = Path(folder, file)
            if not path.is_file():
                continue
            if (count := count + 1) > MOST_MEMBERS:
                raise InputError(f"more than {MOST_MEMBERS:,} files", where=name, expected="a folder of collected logs")
            yield from (file._replace(is_found=True) for file in _of_path(str(path), limit))


def _of_path(name: str, limit: UnpackLimit) -> Iterator[File]:
    with Path(name).open("rb") as file:
        is_zip = file.read(4) in _ZIP
    yield from _of_zip(name, limit) if is_zip else _of_stream(name, limit)


def _of_zip(name: str, limit: UnpackLimit) -> Iterator[File]:
    try:
        with zipfile.ZipFile(name) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check_count(len(members), name)
            budget = _Budget(name, limit, Path(name).stat().st_size)
            for member in sorted(members, key=lambda one: one.filename):
                yield _member(name, member.filename, limit, _Member(partial(archive.open, member), budget))
    except _BROKEN as error:
        raise _broken(name, error) from None


def _of_stream(name: str, limit: UnpackLimit) -> Iterator[File]:
    """A tar archive that may be packed, by its members; anything else as it is."""
    with open_bytes(name, limit) as stream:
        whole = _Whole(stream)
        if whole.peek(_TAR_MAGIC, len(_TAR)) != _TAR:
            yield File(printable(name_of(name)), lambda: nullcontext(cast(ByteStream, whole)))
            return
        whole.bound(_LONGEST_HEADER)
        try:
            with tarfile.open(fileobj=cast(IO[bytes], whole), mode="r|") as archive:
                yield from _of_tar(archive, whole, name, limit)
        except _BROKEN as error:
            raise _broken(name, error) from None


def _of_tar(archive: tarfile.TarFile, whole: "_Whole", name: str, limit: UnpackLimit) -> Iterator[File]:
    count = 0
    budget = _Budget(name, UnpackLimit(limit.size, None), 0)
    while (member := archive.next()) is not None:
        whole.bound(None)
        _check_count(count := count + 1, name)
        if member.isreg():
            content = _Member(partial(archive.extractfile, member), budget)
            yield _member(name, member.name, limit, content)
            while content.read1(_LONGEST_HEADER):
                pass
        whole.bound(_LONGEST_HEADER)


def _member(name: str, member: str, limit: UnpackLimit, content: "_Member") -> File:
    shown = printable(f"{name_of(name)}/{member}")
    return File(shown, lambda: nullcontext(unpacked(content, shown, limit)), is_found=True)


def _check_count(count: int, name: str) -> None:
    if count > MOST_MEMBERS:
        raise InputError(f"more than {MOST_MEMBERS:,} members", where=name, expected="an archive of collected logs")


def _broken(name: str, error: Exception) -> InputError:
    return InputError(f"broken archive: {printable(str(error))}", where=name_of(name), expected="a whole .zip or .tar")


class _Budget:
    """What may still come out of an archive of that name."""

    def __init__(self, name: str, limit: UnpackLimit, packed: int) -> None:
        self.name = name
        bounds = [limit.size, None if limit.ratio is None or not packed else max(FREE, limit.ratio * packed)]
        self._most = min((bound for bound in bounds if bound is not None), default=None)
        self._out = 0

    def take(self, size: int) -> None:
        """So many bytes have come out."""
        self._out += size
        if self._most is not None and self._out > self._most:
            raise TooMuchUnpacked(f"more than {self._most:,} bytes come out of this archive", where=self.name)


class _Member:
    """The bytes of a member, counted. Raises :class:`InputError` when the archive is broken there."""

    def __init__(self, open_: Callable[[], IO[bytes] | None], budget: _Budget) -> None:
        self._open = open_
        self._budget = budget
        self._stream: IO[bytes] | None = None

    def read1(self, size: int = -1, /) -> bytes:
        """Some bytes; none at the end."""
        try:
            self._stream = self._stream or self._open()
            data = self._stream.read(size if size > 0 else 1 << 18) if self._stream else b""
        except _BROKEN as error:
            raise _broken(self._budget.name, error) from None
        self._budget.take(len(data))
        return data


class _Whole:
    """A stream that can be looked into, and be read as tarfile reads."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._ahead = b""
        self._broken: InputError | None = None
        self._left: int | None = None

    def peek(self, start: int, size: int) -> bytes:
        """The bytes there, without taking them. What is broken is an error for who reads it."""
        try:
            while len(self._ahead) < start + size and (more := self._stream.read1()):
                self._ahead += more
        except InputError as error:
            self._broken = error
        return self._ahead[start : start + size]

    def bound(self, most: int | None) -> None:
        """From now on no more than so many bytes may be read."""
        self._left = most

    def read1(self, size: int = -1, /) -> bytes:
        """Some bytes; none at the end."""
        if not self._ahead and self._broken is not None:
            raise self._broken
        if not self._ahead:
            return self._stream.read1(size)
        end = size if size > 0 else len(self._ahead)
        data, self._ahead = self._ahead[:end], self._ahead[end:]
        return data

    def read(self, size: int) -> bytes:
        """So many bytes; fewer only at the end."""
        if self._left is not None:
            self._left -= size
            if self._left < 0:
                raise InputError("a header over 1 MiB in the archive", expected="an archive of collected logs")
        found = b""
        while len(found) < size and (more := self.read1(size - len(found))):
            found += more
        return found
