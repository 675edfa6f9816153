"""Where a program keeps a log: in memory, in a store, in a bare file or a pipe; the same questions to each."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import NamedTuple, Protocol

from cti_es.logs.append import AppendOptions
from cti_es.logs.bytes_in import is_piped, name_of
from cti_es.logs.memory_log import MemoryLog
from cti_es.logs.open import is_store, is_there, make_or_append, open_log, parse_address
from cti_es.logs.reading import Log, StoredLog, events_at
from cti_es.vocabulary.errors import InputError, NotAStore, StoreError
from cti_es.vocabulary.events import Event, NumberedEvents, type_of
from cti_es.vocabulary.names import check_name


class StoredEvent(NamedTuple):
    """An event of a log and its version. ``event`` has the fields of its type, ``at`` and ``id``."""

    version: int
    event: Event

    @property
    def type(self) -> str:
        """The event type: ``node_failed``."""
        return type_of[type(self.event)]


class Place(Protocol):
    """Where a log is."""

    def reading(self) -> AbstractContextManager[Log]:
        """The log as it is now."""

    def append(self, events: Sequence[Event], allow_misfits: bool) -> list[StoredEvent]:
        """Append events, all or none of them, and return what was stored."""

    def close(self) -> None:
        """Let go of what is open."""


class InMemory:
    """A log in memory."""

    def __init__(self) -> None:
        self._log = MemoryLog()

    def reading(self) -> AbstractContextManager[Log]:
        """The log as it is now."""
        return nullcontext(self._log)

    def append(self, events: Sequence[Event], allow_misfits: bool) -> list[StoredEvent]:
        """Append events, all or none of them, and return what was stored."""
        return _stored(self._log, self._log.append(events, allow_misfits))

    def close(self) -> None:
        """Nothing is open."""


class InStore:
    """A log of a store. The store is opened for each question, so that what others append is seen.

    ``create``: the store, or the log in it, need not be there yet; then it is empty. ``wait`` is how many seconds to
    wait for another writer.
    """

    def __init__(self, source: str, create: bool, wait: float) -> None:
        self._source = source
        self._address = parse_address(source)
        self._create = create
        self._wait = wait
        self._closed = False
        if create and self._address.log is not None:
            check_name(self._address.log, f"{name_of(source)}: the name of the log")
        with self.reading():
            pass

    @contextmanager
    def reading(self) -> Iterator[Log]:
        """The log as it is now."""
        self._check_open()
        if self._create and not is_there(self._address):
            yield MemoryLog()
            return
        with open_log(self._source) as log:
            yield log

    def append(self, events: Sequence[Event], allow_misfits: bool) -> list[StoredEvent]:
        """Append events, all or none of them, and return what was stored."""
        self._check_open()
        batch = NumberedEvents(range(1, len(events) + 1), list(events))
        options = AppendOptions(source="python", allow_misfits=allow_misfits)
        done = make_or_append(self._address, [batch], options, self._wait)
        with self.reading() as log:
            return _stored(log, _versions(log, events, done.head.version - done.appended))

    def close(self) -> None:
        """Refuse all that comes later."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("this log has been closed", where=name_of(self._source))


class InFile:
    """A bare file, or a pipe; a pipe is kept, because it can be read only once."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._stack = ExitStack()
        self._piped = self._stack.enter_context(open_log(source, again=True)) if is_piped(source) else None
        self._closed = False

    def reading(self) -> AbstractContextManager[Log]:
        """The log as it is now."""
        if self._closed:
            raise InputError("this log has been closed", where=name_of(self._source))
        return nullcontext(self._piped) if self._piped else open_log(self._source)

    def append(self, events: Sequence[Event], allow_misfits: bool) -> list[StoredEvent]:
        """A bare file is only read: raises :class:`~cti_es.vocabulary.errors.NotAStore`."""
        raise NotAStore("a bare file is only read", where=name_of(self._source), expected="a store to append to")

    def close(self) -> None:
        """Let go of what was kept, and refuse all that comes later."""
        self._closed = True
        self._stack.close()


def place_of(source: str, create: bool, wait: float) -> InStore | InFile:
    """The place that a SOURCE names. Raises :class:`InputError` or :class:`StoreError` if there is no log."""
    if is_piped(source):
        return InFile(source)
    address = parse_address(source)
    is_bare = not create and address.path.is_file() and not is_store(address.store) and address.log is None
    return InFile(source) if is_bare else InStore(source, create, wait)


def _stored(log: Log, versions: list[int]) -> list[StoredEvent]:
    found = events_at(log, set(versions))
    return [StoredEvent(version, found[version]) for version in versions]


def _versions(log: Log, events: Sequence[Event], before: int) -> list[int]:
    """The versions of events that were appended behind version ``before``, or had their id in the log already."""
    ids = {event.id for event in events if event.id is not None}
    known = log.store.find_ids(log.log, ids) if ids and isinstance(log, StoredLog) else {}
    versions, last = [], before
    for event in events:
        version = known.get(event.id, 0) if event.id is not None else 0
        versions.append(version or last + 1)
        last = max(last, versions[-1])
    return versions
