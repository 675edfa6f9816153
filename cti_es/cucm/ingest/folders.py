"""The files of watched folders: which there are, which of them are known, which have changed."""

import os
from collections.abc import Container, Iterator
from pathlib import Path
from typing import NamedTuple, cast

from cti_es.cucm.file_readers import Found
from cti_es.cucm.ingest.growing import FIRST_LINES, GrowingFile, Replaced, Start, start_of
from cti_es.cucm.ingest.kept import KeptFile
from cti_es.cucm.recognise import NOTHING, Nothing
from cti_es.logs.bytes_in import UnpackLimit
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.names import printable

MOST_GONE = 1_000
"""So many files that are gone are remembered: they may come back under another name, or packed."""

SETTLED = 10.0
"""Seconds after which a file that was renamed, or cannot be read, will not change any more."""

_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06")
_TOPOLOGY = "what the topology is: import it"
_ARCHIVE = "an archive: unpack it here, or import it"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_IN_UTF16 = "UTF-16: import it"


class _Seen(NamedTuple):
    """A path as it was when it was last looked at."""

    device: int
    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, status: os.stat_result) -> "_Seen":
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class Present(NamedTuple):
    """A file that is in a folder now: where, how many seconds nothing was added to it, and whether it has changed."""

    file: GrowingFile
    path: Path
    quiet: float
    is_changed: bool

    @property
    def is_moved(self) -> bool:
        """Whether it was renamed or packed: nobody goes on writing into it."""
        return str(self.path) != self.file.kept.path


class Folders:
    """Watched folders. ``files`` are all files that have been read, the ones that are gone, too.

    ``names`` are what the report calls files, by their numbers; ``ignored`` paths with the reason why nothing of them
    is read; ``lost`` the folders that are not there; ``empty`` the paths without a whole line, and how many seconds
    nothing was added to them.
    """

    def __init__(self, folders: list[Path], found: Found, kept: list[KeptFile], limit: UnpackLimit) -> None:
        self.names: list[str] = []
        self.ignored: dict[str, str] = {}
        self.lost: list[Path] = []
        self.empty: dict[str, float] = {}
        self.files: list[GrowingFile] = []
        self._folders = folders
        self._found = found
        self._limit = limit
        self._at: dict[Path, tuple[_Seen, GrowingFile | None]] = {}
        for one in kept:
            self._add(one)

    def present(self, now: float) -> list[Present]:
        """The files that are there at a time (seconds since 1970), each once; what is none of ours is ignored."""
        paths = dict(self._paths())
        known = _Known(self.files, paths)
        self._at = {path: at for path, at in self._at.items() if path in paths}
        self.empty.clear()
        found: dict[int, Present] = {}
        for path, status in paths.items():
            one = self._look(path, status, now, known)
            if one is not None and (one.file.number not in found or not one.is_moved):
                found[one.file.number] = one
        for file in self.files:
            file.path = found[file.number].path if file.number in found else None
        self._forget()
        return list(found.values())

    def put_off(self, one: Present, error: OSError | InputError) -> None:
        """A file could not be read on: look at it again in the next pass, and say so if that will not help."""
        self._at.pop(one.path, None)
        if one.quiet >= SETTLED and not isinstance(error, FileNotFoundError | Replaced):
            self.ignored[str(one.path)] = _why(error)

    def _paths(self) -> Iterator[tuple[Path, os.stat_result]]:
        """What lies in the folders and below; what begins with a dot is still on its way."""
        self.lost = [folder for folder in self._folders if not folder.is_dir()]
        for folder in self._folders:
            for where, folders, names in os.walk(folder):
                folders[:] = sorted(one for one in folders if not one.startswith("."))
                for name in sorted(names):
                    path = Path(where, name)
                    try:
                        if not name.startswith(".") and path.is_file():
                            yield path, path.stat()
                    except OSError:  # it has just been renamed
                        continue

    def _look(self, path: Path, status: os.stat_result, now: float, known: "_Known") -> Present | None:
        seen, (before, file) = _Seen.of(status), self._at.get(path, (None, None))
        quiet = now - max(status.st_mtime, status.st_ctime)
        if before != seen:
            try:
                file = self._file_at(path, before, file, seen, known)
            except (OSError, InputError) as error:  # somebody may be about to pack it
                if quiet >= SETTLED:
                    self.ignored[str(path)] = _why(error)
                return None
            self.ignored.pop(str(path), None) if file else None
            self._at[path] = seen, file
        if file is None:
            self.empty[str(path)] = quiet
            return None
        file.kept.inode = seen.inode
        return Present(file, path, quiet, before != seen)

    def _file_at(
        self, path: Path, before: _Seen | None, file: GrowingFile | None, now: _Seen, known: "_Known"
    ) -> GrowingFile | None:
        """The file that is at a path now: the one that was there, another one that is known, or a new one."""
        if before is not None and file is not None and before.inode == now.inode and file.goes_on(path):
            return file
        if (why := _strange(path)) is not None:
            self.ignored[str(path)] = why
            return None
        start = start_of(path, self._limit)
        for one in known.like(start.begin(), path, now.inode):
            is_like = one.is_like(path, start)
            if is_like is not False:  # of a copy that is not whole, nothing is new
                return one if is_like else None
        return self._new(path, start) if start.begin() else None

    def _new(self, path: Path, start: Start) -> GrowingFile | None:
        kind = start.kind()
        if kind == "syslog" or kind == "cdr":
            return self._add(KeptFile(path=str(path), kind=kind, begin=start.begin()))
        self.ignored[str(path)] = _TOPOLOGY if kind == "late" else NOTHING[cast(Nothing, kind)]
        return None

    def _add(self, kept: KeptFile) -> GrowingFile:
        file = GrowingFile(kept, len(self.names), self._found, self._limit)
        self.names.append(printable(kept.path))
        self.files.append(file)
        return file

    def _forget(self) -> None:
        """Forget files that are long gone."""
        gone = [file for file in self.files if file.path is None]
        for file in gone[: max(0, len(gone) - MOST_GONE)]:
            self.files.remove(file)


class _Known:
    """The files that are known, by how they begin."""

    def __init__(self, files: list[GrowingFile], paths: Container[Path]) -> None:
        self._paths = paths
        self._files = files
        self._by_begin: dict[tuple[str, ...], list[GrowingFile]] | None = None

    def like(self, begin: list[str], path: Path, inode: int) -> list[GrowingFile]:
        """Those that may be a file that begins like this."""
        if self._by_begin is None:
            self._by_begin = {}
            for file in self._files:
                self._by_begin.setdefault(tuple(file.kept.begin), []).append(file)
        short = [some for key, some in self._by_begin.items() if len(key) < FIRST_LINES or len(begin) < FIRST_LINES]
        found = [file for some in short for file in some if self._may_be(file, path, inode, len(begin))]
        return [*self._by_begin.get(tuple(begin), ()), *found]

    def _may_be(self, file: GrowingFile, path: Path, inode: int, lines: int) -> bool:
        """Of few lines, such as the header of call records, two files may have the same: then names count, too."""
        is_short = len(file.kept.begin) < FIRST_LINES
        return not is_short or file.kept.inode == inode or Path(file.kept.path) not in self._paths


def _why(error: OSError | InputError) -> str:
    return error.what if isinstance(error, InputError) else str(error.strerror or error)


def _strange(path: Path) -> str | None:
    """Why a file is not read, by its first bytes."""
    with path.open("rb") as stream:
        start = stream.read(4)
    if start in _ARCHIVES:
        return _ARCHIVE
    return _IN_UTF16 if start.startswith(_UTF16) else None
