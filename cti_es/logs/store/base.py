"""What a store of logs is: the protocol, the rows it keeps, the hash chain (docs/reference/store.md).

A store keeps *rows*: batches of consecutive events of one log, each with the hash that chains it to the row before.
It knows nothing of the fold. What to append is decided by ``cti_es.logs.append`` inside one :meth:`Store.writing`.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import NamedTuple, Protocol

import msgspec

from cti_es.vocabulary.errors import InputError, StoreError
from cti_es.vocabulary.events import Event, decode_events, encode

ROW_EVENTS = 4_000
"""The most events in one row."""

ROW_BYTES = 1 << 20
"""A row is cut above this size in bytes, unless it holds a single event."""

DEFAULT_LOG = "default"


class Head(NamedTuple):
    """Where a log ends: the version of its last event (0: empty) and the hash of its last row (empty: none)."""

    version: int = 0
    hash: str = ""

    def __str__(self) -> str:
        return f"{self.version}:sha256:{self.hash}"


def parse_head(text: str) -> Head:
    """The head that ``VERSION:sha256:HEX`` names. Raises :class:`InputError`."""
    match = re.fullmatch(r"([0-9]{1,18}):sha256:([0-9a-f]{64}|)", text)
    if not match or (match[1] == "0") != (match[2] == ""):
        raise InputError(
            f"'{text}' is not a head", expected="VERSION:sha256: and 64 hexadecimal digits, as logs prints it"
        )
    return Head(int(match[1]), match[2])


class Row(NamedTuple):
    """A batch as it is kept: ``size`` events from ``version`` on (the column is called count) as canonical JSON.

    ``position`` is 1, 2, 3 … in the order in which rows were written: over all logs of a store in memory or in a file,
    in each log of a store on a server.
    """

    position: int
    log: str
    version: int
    size: int
    events: bytes
    recorded_at: str
    source: str
    hash: str

    @property
    def last(self) -> int:
        """The version of its last event."""
        return self.version + self.size - 1


class LogInfo(NamedTuple):
    """A log of a store: its name, first and last row (the ends of its times) and head."""

    name: str
    first: Row
    last: Row

    @property
    def head(self) -> Head:
        """Where the log ends."""
        return Head(self.last.last, self.last.hash)


class Snapshot(NamedTuple):
    """A state of the fold at the end of a row, kept beside the log: a cache, worth nothing but time.

    ``hash`` is the log's hash there, ``fold`` the fold version that made it, ``messages`` the number of messages so
    far, ``latest`` the sort key of the latest event time so far, ``backwards`` the first version whose time lies
    before an earlier one (0: none), ``state`` the encoded state.
    """

    log: str
    version: int
    hash: str
    fold: int
    messages: int
    latest: str
    backwards: int
    state: bytes

    def digest(self) -> str:
        """SHA-256 over all of it, kept with the snapshot so that a damaged one is not used."""
        return sha256(b"".join(map(_netstring, ("cti-es:snapshot:v1", *self)))).hexdigest()


class IngestState(NamedTuple):
    """How far an ingest of a log has read its files, kept beside the log: a cache, worth nothing but time.

    ``version`` and ``hash`` are those of the log then; ``state`` is for the ingest alone to understand.
    """

    log: str
    version: int
    hash: str
    state: bytes

    def digest(self) -> str:
        """SHA-256 over all of it, kept with the state so that a damaged one is not used."""
        return sha256(b"".join(map(_netstring, ("cti-es:ingest:v1", *self)))).hexdigest()


class Fault(NamedTuple):
    """Something wrong with a store: the log and version it concerns (None: the store as a whole) and what it is."""

    log: str | None
    version: int | None
    fault: str


class Difference(NamedTuple):
    """What of a schema is not as we made it. ``is_read``: it could change what a reader sees, or does."""

    text: str
    is_read: bool


class StoreReader(Protocol):
    """A log store as its readers see it."""

    @property
    def address(self) -> str:
        """What errors call it."""

    def logs(self) -> list[LogInfo]:
        """Its logs, in the order in which they were begun."""

    def names(self) -> list[str]:
        """The names of its logs, in that order, whatever is wrong with their rows."""

    def head(self, log: str) -> Head:
        """Where a log ends; ``Head()`` for one that is empty or not there."""

    def rows(self, log: str, version: int = 1) -> Iterator[Row]:
        """The rows of a log, from the one that holds ``version`` on."""

    def find_ids(self, log: str, ids: Iterable[str]) -> dict[str, int]:
        """The versions of those of ``ids`` that events of the log have."""

    def snapshot(self, log: str, fold: int, **at_most: int | str) -> Snapshot | None:
        """The newest intact snapshot of a fold version; its ``version``, ``messages`` or ``latest`` at most that."""

    def snapshot_versions(self, log: str) -> list[int]:
        """The versions at which a log has snapshots, in order."""

    def snapshots(self, log: str, version: int | None = None) -> Iterator[tuple[Snapshot, str]]:
        """Every snapshot of a log by version, with the digest that was kept with it."""

    def ingest_state(self, log: str) -> tuple[IngestState, str] | None:
        """How far an ingest of a log has come, with the digest that was kept with it; None if nothing is kept."""

    def id_count(self, log: str) -> int:
        """How many ids the index knows for a log."""

    def schema_faults(self) -> Iterator[Fault]:
        """What is wrong with the store as such: tables, indexes, view, triggers, positions."""

    def is_readable(self) -> bool:
        """Whether its rows can be read; not where somebody has changed the tables that hold them."""

    def told(self, log: str) -> bool:
        """Whether somebody told that a log may have grown; waits for that a moment where a store can be told."""

    def refresh(self) -> None:
        """See what others have appended since the store was opened or last refreshed."""

    def at_one_moment(self) -> AbstractContextManager[None]:
        """Inside this context everything that is read is of one moment, whatever others append meanwhile."""

    def close(self) -> None:
        """Close the store; it cannot be read any more."""


class Writer(Protocol):
    """A transaction on one log. Nothing of it is stored unless it ends without an exception."""

    head: Head

    def write(self, events: list[Event], recorded_at: str, source: str, canonical: bytes | None = None) -> None:
        """Append these events, as one row or several; ``canonical`` is their JSON array, if somebody has it."""

    def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot of the log at its head."""

    def keep_ingest(self, state: bytes) -> bool:
        """Keep how far an ingest has come, in place of what was kept before; returns whether that was possible."""


class Store(StoreReader, Protocol):
    """A log store that can be written to."""

    def writing(self, log: str) -> AbstractContextManager[Writer]:
        """One writer at a time; waits for another as long as the store was opened to wait, then StoreError."""


def events_of(row: Row, address: str) -> list[Event]:
    """The events of a row. Raises :class:`StoreError` when they cannot be read: the store is damaged."""
    try:
        events = decode_events(row.events)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(f"the events from version {row.version} on cannot be read: {error}", row, address) from None
    if len(events) != row.size:
        raise _damaged(f"there are {len(events)} events from version {row.version} on, not {row.size}", row, address)
    return events


def _damaged(what: str, row: Row, address: str) -> StoreError:
    return StoreError(what, where=f"{address}#{row.log}", hint="the store is damaged; see cti-es verify")


def chain_hash(previous: str, row: Row) -> str:
    """The hash of a row, chained to the one before: SHA-256 over netstrings, lower-case hex.

    See docs/reference/store.md#the-hash-chain.
    """
    parts = (
        "cti-es:batch:v1", previous, row.log, row.version, row.size, row.recorded_at, row.source, row.events
    )  # fmt: skip
    return sha256(b"".join(map(_netstring, parts))).hexdigest()


def _netstring(value: object) -> bytes:
    data = value if isinstance(value, bytes) else str(value).encode()
    return b"%d:%b," % (len(data), data)


def cut(events: list[Event], canonical: bytes | None = None) -> Iterator[tuple[int, bytes]]:
    """Events as canonical JSON arrays of bounded size, each with its number of events."""
    if canonical is not None and len(events) <= ROW_EVENTS and len(canonical) <= ROW_BYTES:
        yield len(events), canonical
        return
    for start in range(0, len(events), ROW_EVENTS):
        yield from _halved(events[start : start + ROW_EVENTS])


def _halved(events: list[Event]) -> Iterator[tuple[int, bytes]]:
    text = encode(events)
    if len(text) <= ROW_BYTES or len(events) == 1:
        yield len(events), text
    else:
        middle = len(events) // 2
        yield from _halved(events[:middle])
        yield from _halved(events[middle:])


def ids_of(events: list[Event], version: int) -> list[tuple[str, int]]:
    """The ids among these events, the first of which has ``version``, each with the version of its event."""
    ids = [event.id for event in events]
    if ids.count(None) == len(ids):
        return []
    return [(id_, version + index) for index, id_ in enumerate(ids) if id_ is not None]


def new_rows(
    head: Head,
    position: int,
    log: str,
    events: list[Event],
    recorded_at: str,
    source: str,
    canonical: bytes | None = None,
) -> Iterator[Row]:
    """The rows that append ``events`` after ``head``, the first at ``position``, chained."""
    version, previous = head.version + 1, head.hash
    for count, text in cut(events, canonical):
        row = Row(position, log, version, count, text, recorded_at, source, "")
        previous = chain_hash(previous, row)
        yield row._replace(hash=previous)
        version += count
        position += 1
