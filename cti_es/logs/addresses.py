"""Folders, patterns and all logs of a store → the addresses of logs (docs/reference/fleets.md#which-logs)."""

import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from fnmatch import fnmatchcase
from glob import glob, has_magic
from pathlib import Path

import msgspec

from cti_es.logs.bytes_in import is_piped, open_bytes
from cti_es.logs.open import A_SOURCE, open_store
from cti_es.logs.store.open_files import is_sqlite
from cti_es.logs.store.servers import is_server, split_log
from cti_es.vocabulary.errors import CtiEsError, InputError, NotAStore, did_you_mean
from cti_es.vocabulary.events import EVENT_TYPES
from cti_es.vocabulary.text_lines import FileWords, chunks

_WORDS = FileWords("an NDJSON event log", "one JSON object a line", "")
_BESIDE_A_STORE = ("-wal", "-shm", "-journal")


class Addresses(tuple[str, ...]):
    """The addresses of logs.

    ``several``: what is printed says of each row which log it is from; also where a folder happens to hold but one.
    ``passed_over``: the files of the folders that are no logs.
    """

    several = False
    passed_over: tuple[str, ...] = ()


def expanded(sources: Iterable[str]) -> Addresses:
    """The logs that SOURCEs mean, in order: a folder its logs, a pattern what it matches, ``site.db#*`` every log.

    Everything else is what it was. A log that a folder, a pattern or a store gives more than once is there once.
    Raises :class:`InputError` where nothing is found, and :class:`~cti_es.vocabulary.errors.StoreError`.
    """
    given = list(sources)
    passed_over: list[str] = []
    found = [address for source in given for address in _meant_by(source, passed_over)]
    addresses = Addresses(found if found == given else dict.fromkeys(found))
    addresses.several = len(given) > 1 or found != given
    addresses.passed_over = tuple(dict.fromkeys(passed_over))
    return addresses


def means_many(source: str) -> bool:
    """Whether a name is a folder or a pattern of files."""
    return not is_piped(source) and (Path(source).is_dir() or _is_pattern(source))


def _meant_by(source: str, passed_over: list[str]) -> list[str]:
    if is_piped(source) or Path(source).is_file():
        return [source]
    if Path(source).is_dir():
        found = list(_in_folder(source, passed_over))
        if not found:
            raise InputError("a folder without logs", where=source, expected=A_SOURCE)
        return found
    store, log = split_log(source) if is_server(source) else source.rpartition("#")[::2]
    if store and log and (has_magic(log) or _is_pattern(store)):
        stores = _matches(store) if _is_pattern(store) else [store]
        return [f"{one}#{name}" for one in stores for name in _logs_like(one, log)]
    if not _is_pattern(source):
        return [source]
    files = _matches(source)
    folders = [_in_folder(one, passed_over) if Path(one).is_dir() else [one] for one in files]
    return [address for some in folders for address in some]


def _is_pattern(name: str) -> bool:
    return has_magic(name) and not is_server(name) and not os.path.exists(name)


def _matches(pattern: str) -> list[str]:
    """What a pattern matches, as a shell would write it out."""
    matches = sorted(glob(pattern, recursive=True))  # noqa: PTH207  (a Path would spell them otherwise)
    found = [one for one in matches if not _is_beside_a_store(one)]
    if not found:
        raise InputError("nothing matches this pattern", where=pattern, expected=A_SOURCE)
    return found


def _logs_like(store: str, pattern: str) -> list[str]:
    """The logs of a store that a pattern matches, in the order in which they were begun."""
    names = _logs_of(store)
    found = [pattern] if pattern in names else [name for name in names if fnmatchcase(name, pattern)]
    if not found:
        near = did_you_mean(pattern, names) or f"its logs: {', '.join(names) or 'none'}"
        raise InputError(f"no log matches '{pattern}'", where=store, hint=near)
    return found


def _logs_of(store: str) -> list[str]:
    with closing(open_store(store)) as opened:
        return opened.names()


def _in_folder(folder: str, passed_over: list[str]) -> Iterator[str]:
    """The logs in a folder and below it, by name; nothing that is hidden."""
    for file in _files_in(folder):
        try:
            found = _in_file(file)
        except NotAStore:
            found = []
        except (CtiEsError, OSError):  # who reads it says what is wrong with it
            found = [file]
        yield from found
        passed_over += [] if found else [file]


def _files_in(folder: str) -> Iterator[str]:
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files = [os.path.join(path, name) for name in sorted(names) if not name.startswith(".")]
        yield from (file for file in files if Path(file).is_file() and not _is_beside_a_store(file))


def _in_file(file: str) -> list[str]:
    if is_sqlite(Path(file)):
        names = _logs_of(file)
        return [f"{file}#{name}" for name in names] if len(names) > 1 else [file]
    return [file] if _begins_as_log(file) else []


def _is_beside_a_store(file: str) -> bool:
    """Whether it is one of the files that SQLite keeps beside a store."""
    return any(file.endswith(end) and Path(file.removesuffix(end)).is_file() for end in _BESIDE_A_STORE)


class _Typed(msgspec.Struct):
    type: str


def _begins_as_log(file: str) -> bool:
    """Whether the first line of a file that is not blank is an object with a type of event."""
    try:
        with open_bytes(Path(file)) as stream:
            lines = next(chunks(stream, file, _WORDS), [])
        first = next((line for line in lines if line.strip()), b"")
        return msgspec.json.decode(first, type=_Typed).type in EVENT_TYPES
    except (InputError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
