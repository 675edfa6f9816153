"""SOURCE → log: the one notation for "where the log is" (docs/reference/sources.md).

``site.db`` (a store), ``site.db#lab`` (a named log in it), ``events.ndjson`` (a bare file), ``-`` (standard input).
What a file is is decided by its content, never by its name.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, NamedTuple, cast

import click

from cti_es.logs.ndjson import ByteStream, read_events
from cti_es.logs.reading import Batch, Log, StoredLog, Wait
from cti_es.logs.store import DEFAULT_LOG, Snapshot, SqliteStore
from cti_es.logs.store.sqlite import is_sqlite
from cti_es.vocabulary.errors import InputError, NotAStore, did_you_mean
from cti_es_cli.progress import counted

STDIN = "<stdin>"
_IN_MEMORY = 1 << 24

OpenStream = Callable[[], AbstractContextManager[ByteStream]]


class Address(NamedTuple):
    """Where a log is: a path, and the name of the log if one was given."""

    path: Path
    log: str | None


def parse_address(text: str) -> Address:
    """Split ``site.db#lab`` at its last ``#``, unless there is a file of the whole name."""
    path, mark, log = text.rpartition("#")
    if not mark or os.path.exists(text):
        return Address(Path(text), None)
    if not path or not log:
        raise InputError(f"'{text}' names no log", expected="STORE or STORE#LOG")
    return Address(Path(path), log)


class FileLog:
    """A bare NDJSON event log. It is replayed as it stands; ids and missing times mean nothing here."""

    def __init__(self, name: str, open_: OpenStream, grows: bool = False) -> None:
        self.name = name
        self._open = open_
        self._grows = grows

    def batches(self, version: int = 1, wait: Wait | None = None) -> Iterator[Batch]:
        """Its events from ``version`` on; with ``wait`` also those that are written to its end later."""
        with self._open() as stream:
            first = 1
            for _, events, _ in read_events(_Growing(stream, wait) if wait and self._grows else stream, self.name):
                skip = min(len(events), max(0, version - first))
                if skip < len(events):
                    yield Batch(first + skip, events[skip:] if skip else events)
                first += len(events)

    def snapshot(self, **at_most: int | str) -> Snapshot | None:
        """There are none beside a bare file."""
        return None


class _Growing:
    """A file that has no end: what is written to it later is read, too."""

    def __init__(self, stream: ByteStream, wait: Wait) -> None:
        self._stream = stream
        self._wait = wait

    def read1(self, size: int = -1, /) -> bytes:
        """Some bytes, as soon as there are any."""
        while not (data := self._stream.read1(size)):
            self._wait()
        return data


class CountedLog:
    """A log that shows on a terminal how far it has been read, for commands that print only at the end."""

    def __init__(self, log: Log) -> None:
        self.name = log.name
        self.snapshot = log.snapshot
        self._log = log

    def batches(self, version: int = 1, wait: Wait | None = None) -> Iterator[Batch]:
        """Its events from ``version`` on."""
        return counted(self._log.batches(version, wait), lambda batch: len(batch.events), "read")


@contextmanager
def open_log(source: str, again: bool = False) -> Iterator[Log]:
    """The log that a SOURCE names. ``again``: it will be read more than once (standard input is kept for that)."""
    if is_piped(source):
        with _piped_log(source, again) as log:
            yield log
        return
    address = parse_address(source)
    if not address.path.is_file():
        raise no_file(address.path)
    if not is_sqlite(address.path):
        if address.log is not None:
            raise NotAStore("not a store, so it has no named logs", where=str(address.path))
        yield FileLog(source, lambda: open_file(address.path), grows=True)
        return
    store = SqliteStore(address.path)
    try:
        yield stored_log(store, address)
    finally:
        store.close()


@contextmanager
def _piped_log(source: str, again: bool) -> Iterator[Log]:
    with kept(source) if again else nullcontext(lambda: _piped(source)) as open_:
        yield FileLog(name_of(source), open_)


def is_piped(source: str) -> bool:
    """Whether a source comes only once, from its start to its end: standard input, or a named pipe (``<(…)``)."""
    return source == "-" or Path(source).is_fifo()


def name_of(source: str) -> str:
    """What errors and reports call a source."""
    return STDIN if source == "-" else source


def _piped(source: str) -> AbstractContextManager[ByteStream]:
    return nullcontext(stdin()) if source == "-" else open_file(Path(source))


@contextmanager
def kept(source: str) -> Iterator[OpenStream]:
    """Keep what comes once, so that it can be read again and again."""
    with _piped(source) as stream, spooled(stream) as open_:
        yield open_


def stdin() -> ByteStream:
    """Standard input as a stream of bytes."""
    if sys.stdin is None:
        raise InputError("there is no standard input", where=STDIN, expected="a pipe or a file to read from")
    return cast(ByteStream, sys.stdin.buffer)


@contextmanager
def spooled(stream: ByteStream) -> Iterator[OpenStream]:
    """Keep a stream (in memory, on disk when it is large), so that it can be read from its start again and again."""
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as kept:
        while data := stream.read1(1 << 18):
            kept.write(data)

        def again() -> AbstractContextManager[ByteStream]:
            kept.seek(0)
            return nullcontext(cast(ByteStream, kept))

        yield again


def open_file(path: Path) -> AbstractContextManager[ByteStream]:
    """A file as a stream of bytes."""
    return path.open("rb")


def no_file(path: Path, expected: str = "a store, an NDJSON event log, or - for standard input") -> InputError:
    """What is wrong with a path that is no file to read, and what is near."""
    if path.is_dir():
        return InputError("a folder", where=str(path), expected=expected)
    try:
        known = os.listdir(path.parent)
    except OSError:
        known = []
    if path.exists():
        return InputError("not a regular file", where=str(path), expected=expected)
    near = did_you_mean(path.name, known)
    return InputError("no such file", where=str(path), expected=expected, hint=near)


def stored_log(store: SqliteStore, address: Address) -> StoredLog:
    """The log of a store that an address means: the named one; else its only one; else ``default``."""
    names = [info.name for info in store.logs()]
    if address.log is not None and address.log not in names:
        near = did_you_mean(address.log, names) or f"its logs: {', '.join(names) or 'none'}"
        raise InputError(f"no log '{address.log}'", where=str(address.path), hint=near)
    log = address.log or only_log(names, address.path)
    return StoredLog(store, log, f"{address.path}#{log}")


def only_log(names: list[str], path: Path) -> str:
    """The log that is meant when none is named."""
    if len(names) == 1:
        return names[0]
    if not names or DEFAULT_LOG in names:
        return DEFAULT_LOG
    raise InputError(
        f"which log? {path} has {len(names)}: {', '.join(names)}",
        expected=f"{path}#LOG",
        hint=f"for example {path}#{names[0]}",
    )


def open_store(path: Path) -> SqliteStore:
    """A store to read from. Raises :class:`InputError` or :class:`~cti_es.vocabulary.errors.StoreError`."""
    if not path.is_file():
        raise no_file(path, "a store made by append")
    if not is_sqlite(path):
        raise NotAStore("not a store", where=str(path), expected="a store made by append")
    return SqliteStore(path)


def source_argument(many: bool = False) -> Callable[[Any], Any]:
    """The SOURCE argument, one or several, with completion of file names."""
    metavar = "SOURCE..." if many else "SOURCE"
    return click.argument("sources" if many else "source", nargs=-1 if many else 1, required=True, metavar=metavar,
                          type=click.Path(allow_dash=True))  # fmt: skip
