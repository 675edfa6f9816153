"""SOURCE → log: the one notation for "where the log is" (docs/reference/sources.md).

``site.db`` (a store), ``site.db#lab`` (a named log in it), ``events.ndjson`` (a bare file), ``-`` (standard input).
What a file is is decided by its content, never by its name.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

from cti_es.logs.append import Appended, AppendOptions, append
from cti_es.logs.bytes_in import UNPACK_LIMIT, UnpackLimit, is_piped, kept, name_of, no_file, open_bytes
from cti_es.logs.file_log import FileLog
from cti_es.logs.reading import Log, StoredLog
from cti_es.logs.store import DEFAULT_LOG, MemoryStore, SqliteStore, Store
from cti_es.logs.store.open_files import is_sqlite
from cti_es.logs.store.sqlite_new import create
from cti_es.vocabulary.errors import InputError, NotAStore, did_you_mean
from cti_es.vocabulary.events import NumberedEvents

A_STORE = "a store made by append"
A_SOURCE = "a store, an NDJSON event log, or - for standard input"


class Address(NamedTuple):
    """Where a log is: a path, and the name of the log if one was given."""

    path: Path
    log: str | None


def parse_address(text: str) -> Address:
    """Split ``site.db#lab`` at its last ``#``, unless there is a file of the whole name.

    Raises :class:`InputError` for an empty text, and where one half is empty.
    """
    if not text:
        raise InputError("an empty name", expected=A_SOURCE)
    path, mark, log = text.rpartition("#")
    if not mark or os.path.exists(text):
        return Address(Path(text), None)
    if not path or not log:
        raise InputError(f"'{text}' names no log", expected="STORE or STORE#LOG")
    return Address(Path(path), log)


@contextmanager
def open_log(source: str, again: bool = False, limit: UnpackLimit = UNPACK_LIMIT) -> Iterator[Log]:
    """The log that a SOURCE names, to be read inside ``with``.

    ``again``: it will be read more than once (standard input is kept for that). ``limit`` is how much may come out of
    gzip. Raises :class:`InputError` and :class:`~cti_es.vocabulary.errors.StoreError`.
    """
    if is_piped(source):
        with kept(source, limit) if again else nullcontext(partial(open_bytes, source, limit)) as open_:
            yield FileLog(name_of(source), open_)
        return
    address = parse_address(source)
    if not address.path.is_file():
        raise no_file(address.path, A_SOURCE)
    if is_sqlite(address.path):
        with closing(SqliteStore(address.path)) as store:
            yield stored_log(store, address)
        return
    if address.log is not None:
        raise NotAStore("not a store, so it has no named logs", where=str(address.path))
    yield FileLog(source, partial(open_bytes, address.path, limit), grows=True)


def stored_log(store: SqliteStore, address: Address) -> StoredLog:
    """The log of a store that an address means: the named one; else its only one; else ``default``."""
    names = [info.name for info in store.logs()]
    if address.log is not None and address.log not in names:
        near = did_you_mean(address.log, names) or f"its logs: {', '.join(names) or 'none'}"
        raise InputError(f"no log '{address.log}'", where=str(address.path), hint=near)
    log = address.log or only_log(names, address.path)
    return StoredLog(store, log, f"{address.path}#{log}")


def only_log(names: list[str], path: Path) -> str:
    """The log of a store at ``path`` that is meant when none is named. Raises :class:`InputError` if that is open."""
    if len(names) == 1:
        return names[0]
    if not names or DEFAULT_LOG in names:
        return DEFAULT_LOG
    raise InputError(
        f"which log? {path} has {len(names)}: {', '.join(names)}",
        expected=f"{path}#LOG",
        hint=f"for example {path}#{names[0]}",
    )


def open_store(name: str, suspect: bool = False) -> SqliteStore:
    """A store to read from; ``suspect`` opens one with a strange schema, too, to verify it.

    Raises :class:`InputError` or :class:`~cti_es.vocabulary.errors.StoreError`.
    """
    path = Path(name)
    if is_piped(name):
        raise NotAStore("a store cannot be read from a pipe", where=name_of(name), expected=A_STORE)
    if not path.is_file():
        raise no_file(path, A_STORE)
    if not is_sqlite(path):
        raise NotAStore("not a store", where=str(path), expected=A_STORE)
    return SqliteStore(path, suspect=suspect)


# --- make or append -------------------------------------------------------------------------------------------------


def make_or_append(
    address: Address, batches: Iterable[NumberedEvents], options: AppendOptions, wait: float = 30.0
) -> Appended:
    """Append events to the log of an address, and make its store if it is not there: whole or not at all.

    ``batches`` must give the events anew each time that it is iterated. ``wait`` is how many seconds to wait for
    another writer. No store is made when there is nothing to store. Raises what
    :func:`~cti_es.logs.append.append` raises.
    """
    path = address.path
    if str(path) == "-":  # it would be a file that no command can name again
        raise InputError("standard input", where=name_of("-"), expected="a store to append to")
    if path.exists() and not path.is_file():
        raise no_file(path, "a store")
    if not path.parent.is_dir():
        raise InputError("no such folder", where=str(path.parent), expected="a folder to make the store in")
    if not path.exists() and not options.dry_run and (done := _make(address, batches, options, wait)) is not None:
        return done
    if not path.exists() or not path.stat().st_size:  # an empty file (touch site.db) stays empty if nothing is stored
        done = append(MemoryStore(), address.log or DEFAULT_LOG, batches, options)
        if options.dry_run or not done.appended:
            return done
    if path.stat().st_size and not is_sqlite(path):
        raise NotAStore("not a store", where=str(path), expected="a store made by append, or a new name")
    with closing(SqliteStore(path, write=True, wait=wait)) as store:
        log = address.log or only_log([info.name for info in store.logs()], path)
        return append(cast(Store, store), log, batches, options)


class _NothingAppended(Exception):
    """Thrown to make no store for nothing."""

    def __init__(self, done: Appended) -> None:
        super().__init__()
        self.done = done


def _make(address: Address, batches: Iterable[NumberedEvents], options: AppendOptions, wait: float) -> Appended | None:
    """What was appended to the store that was made; None if another program has made it meanwhile."""

    def fill(store: SqliteStore) -> Appended:
        done = append(cast(Store, store), address.log or DEFAULT_LOG, batches, options)
        if not done.appended:
            raise _NothingAppended(done)
        return done

    try:
        return create(address.path, fill, wait)
    except _NothingAppended as nothing:
        return nothing.done
