"""SOURCE → log: the one notation for "where the log is" (docs/reference/sources.md).

``site.db`` (a store), ``site.db#lab`` (a named log in it), ``postgresql://host/db#lab`` (in a store on a server),
``events.ndjson`` (a bare file), ``-`` (standard input). What a file is is decided by its content, never by its name.
Which kind of store a name means is decided here, and nowhere else.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from cti_es.logs.append import Appended, AppendOptions, append
from cti_es.logs.bytes_in import UNPACK_LIMIT, UnpackLimit, is_piped, kept, name_of, no_file, open_bytes
from cti_es.logs.file_log import FileLog
from cti_es.logs.reading import Log, StoredLog
from cti_es.logs.store import DEFAULT_LOG, MemoryStore, SqliteStore, Store, StoreReader
from cti_es.logs.store.open_files import is_sqlite
from cti_es.logs.store.servers import is_server, split_log
from cti_es.logs.store.sqlite_new import create
from cti_es.vocabulary.errors import InputError, NotAStore, did_you_mean
from cti_es.vocabulary.events import NumberedEvents

if TYPE_CHECKING:
    from cti_es.logs.store.postgres import PostgresStore

A_STORE = "a store made by append"
A_SOURCE = "a store, an NDJSON event log, or - for standard input"


class Address(NamedTuple):
    """Where a log is: a store or a file by its name, and the name of the log if one was given."""

    store: str
    log: str | None

    @property
    def path(self) -> Path:
        """The name as that of a file."""
        return Path(self.store)


def parse_address(text: str) -> Address:
    """Split ``site.db#lab`` at its last ``#``, unless there is a file of the whole name.

    Raises :class:`InputError` for an empty text, and where one half is empty.
    """
    if not text:
        raise InputError("an empty name", expected=A_SOURCE)
    if is_server(text):
        return Address(*split_log(text))
    path, mark, log = text.rpartition("#")
    if not mark or os.path.exists(text):
        return Address(text, None)
    if not path or not log:
        raise InputError(f"'{text}' names no log", expected="STORE or STORE#LOG")
    return Address(path, log)


def is_store(name: str) -> bool:
    """Whether a name is that of a store: on a server, or in a SQLite file. Raises OSError."""
    return is_server(name) or (Path(name).is_file() and is_sqlite(Path(name)))


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
    if is_store(address.store):
        with closing(_to_read(address.store)) as store:
            yield stored_log(store, address)
        return
    if not address.path.is_file():
        raise no_file(address.path, A_SOURCE)
    if address.log is not None:
        raise NotAStore("not a store, so it has no named logs", where=str(address.path))
    yield FileLog(source, partial(open_bytes, address.path, limit), grows=True)


def stored_log(store: StoreReader, address: Address) -> StoredLog:
    """The log of a store that an address means: the named one; else its only one; else ``default``."""
    log = only_log(store) if address.log is None else _named(store, address.log)
    return StoredLog(store, log, f"{store.address}#{log}")


def _named(store: StoreReader, log: str) -> str:
    names = store.names()
    if log not in names:
        near = did_you_mean(log, names) or f"its logs: {', '.join(names) or 'none'}"
        raise InputError(f"no log '{log}'", where=store.address, hint=near)
    return log


def only_log(store: StoreReader) -> str:
    """The log of a store that is meant when none is named. Raises :class:`InputError` if that is open."""
    names = store.names()
    if len(names) == 1:
        return names[0]
    if not names or DEFAULT_LOG in names:
        return DEFAULT_LOG
    raise InputError(
        f"which log? {store.address} has {len(names)}: {', '.join(names)}",
        expected=f"{store.address}#LOG",
        hint=f"for example {store.address}#{names[0]}",
    )


def open_store(name: str, suspect: bool = False) -> StoreReader:
    """A store to read from; ``suspect`` opens one with a strange schema, too, to verify it.

    Raises :class:`InputError` or :class:`~cti_es.vocabulary.errors.StoreError`.
    """
    if is_server(name):
        if split_log(name)[1] is not None:
            raise InputError("a log", where=name_of(name), expected=A_STORE)
        return _to_read(name, suspect)
    path = Path(name)
    if is_piped(name):
        raise NotAStore("a store cannot be read from a pipe", where=name_of(name), expected=A_STORE)
    if not path.is_file():
        raise no_file(path, A_STORE)
    if not is_sqlite(path):
        raise NotAStore("not a store", where=str(path), expected=A_STORE)
    return _to_read(name, suspect)


def _to_read(name: str, suspect: bool = False) -> StoreReader:
    """A store to read from, where :func:`is_store` says that there is one."""
    return _on_server(name, suspect=suspect) if is_server(name) else SqliteStore(Path(name), suspect=suspect)


def open_to_write(name: str, wait: float = 30.0) -> Store:
    """A store to write to: on a server (it makes itself with what is stored first), or in a file that is there.

    Raises :class:`InputError` or :class:`~cti_es.vocabulary.errors.StoreError`.
    """
    if is_server(name):
        return _on_server(name, write=True, wait=wait)
    path = Path(name)
    if not path.is_file():
        raise no_file(path, "a store")
    if path.stat().st_size and not is_sqlite(path):
        raise NotAStore("not a store", where=str(path), expected="a store made by append, or a new name")
    return cast(Store, SqliteStore(path, write=True, wait=wait))


def is_there(address: Address) -> bool:
    """Whether there is something to read at an address; not where its store, or its log in it, has yet to be made."""
    name, log = address
    if is_server(name):
        with closing(_on_server(name, write=True)) as server:
            return log in server.names() if log else bool(server.names())
    path = address.path
    if not path.exists() or (path.is_file() and not path.stat().st_size):
        return False
    if log is None or not path.is_file() or not is_sqlite(path):
        return True  # or refused when it is opened
    with closing(SqliteStore(path)) as store:
        return log in store.names()


def _on_server(name: str, write: bool = False, wait: float = 30.0, suspect: bool = False) -> "PostgresStore":
    from cti_es.logs.store.postgres import PostgresStore

    return PostgresStore(name, write, wait, suspect)


# --- make or append -------------------------------------------------------------------------------------------------


def make_or_append(
    address: Address, batches: Iterable[NumberedEvents], options: AppendOptions, wait: float = 30.0
) -> Appended:
    """Append events to the log of an address, and make its store if it is not there: whole or not at all.

    ``batches`` must give the events anew each time that it is iterated. ``wait`` is how many seconds to wait for
    another writer. No store is made when there is nothing to store. Raises what
    :func:`~cti_es.logs.append.append` raises.
    """
    if is_server(address.store):
        return _append_to(address, batches, options, wait)
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
    return _append_to(address, batches, options, wait)


def _append_to(address: Address, batches: Iterable[NumberedEvents], options: AppendOptions, wait: float) -> Appended:
    with closing(open_to_write(address.store, wait)) as store:
        return append(store, address.log or only_log(store), batches, options)


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
