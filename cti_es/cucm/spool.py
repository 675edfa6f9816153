"""Claims of many files in the order of their times, each once: kept in a temporary SQLite file, not in memory.

Order is by time; at the same time what begins a call comes before anything that ends one (a call that is split by a
transfer has no gap), then host and sequence number, then identifier. Nothing in it depends on which file a claim
came from.
"""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from cti_es.cucm.claims import Claim, What
from cti_es.vocabulary.times import sort_key

_BATCH = 2_000


class Place(NamedTuple):
    """Where a claim stands: the number of a file, and a line in it."""

    file: int
    line: int


class Claimed(NamedTuple):
    """A claim with its time (canonical), its identifier and where it stands."""

    at: str
    id: str
    place: Place
    claim: Claim


Kinds = tuple[int, int]
"""The first and the last of some kinds of claims that are looked at first."""

FOLLOWED, NODE_FAILURES, CALL_ENDS, END_PROOFS = (1, 2), (3, 3), (4, 4), (5, 5)
"""What means something else because of what follows (2), and what follows (1); see also ``cti_es.cucm.call_ends``."""

_KINDS: dict[What, int] = {
    "node_recovered": 1, "connection_lost": 1, "service_started": 2, "device_closed": 2, "line_closed": 2,
    "node_failed": 3, "call_ended": 4, "call_started": 5, "device_recovered": 5, "in_service": 5,
}  # fmt: skip
_BEFORE_ALL = -1
AFTER_ALL = "~"
"""Sorts behind every time."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Claim).decode

_SELECT = "SELECT at, id, file, line, claim FROM claims"


def _claimed(row: tuple[str, str, int, int, bytes]) -> "Claimed":
    at, id_, file, line, claim = row
    return Claimed(at, id_, Place(file, line), _decode(claim))


def moved(id_: str) -> str:
    """The identifier of a claim that was put at another time."""
    return f"{id_}:proved"


def is_moved(claimed: "Claimed") -> bool:
    """Whether a claim was put at another time."""
    return claimed.id == moved(claimed.id.removesuffix(moved("")))


class Spool:
    """Takes claims in any order and gives them back in theirs. ``indexed``: a few at a time are asked for, often."""

    def __init__(self, indexed: bool = False) -> None:
        self._waiting: list[tuple[object, ...]] = []
        self._taken = 0
        self._kept = 0
        self._moved: set[str] = set()
        self._db = sqlite3.connect("", isolation_level=None)  # a file that is gone when it is closed
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(
            "CREATE TABLE claims (id TEXT PRIMARY KEY, key TEXT, rank INT, host TEXT, seq INT, at TEXT,"
            " file INT, line INT, claim BLOB, kind INT, text BLOB) WITHOUT ROWID"
        )
        for columns in ("key", "kind, key", "file, line") if indexed else ():
            self._db.execute(f"CREATE INDEX {columns.replace(', ', '_')} ON claims ({columns})")

    def add_again(self, claimed: Claimed) -> None:
        """Take a claim that was put at another time, or any other, once more."""
        self._moved.add(claimed.id.removesuffix(moved("")))
        self.add(claimed, _BEFORE_ALL if is_moved(claimed) else 0)

    def add(
        self, claimed: Claimed, rank: int = 0, host: str = "", sequence: int | None = None, text: bytes | None = None
    ) -> None:
        """Take a claim, perhaps with the text that makes it; one whose identifier is there already is only counted."""
        at, id_, (file, line), claim = claimed
        key, kind = sort_key(at), _KINDS.get(claim.what)
        self._waiting.append((id_, key, rank, host, sequence, at, file, line, _encode(claim), kind, text))
        if len(self._waiting) >= _BATCH:
            self._write()

    @property
    def duplicates(self) -> int:
        """How many claims were there already."""
        self._write()
        return self._taken - self._kept

    def first_time(self) -> str | None:
        """The time of the first claim; None if there is none."""
        self._write()
        row = self._db.execute("SELECT at FROM claims ORDER BY key LIMIT 1").fetchone()
        return row[0] if row else None

    def claims(self, start: str = "", end: str = AFTER_ALL) -> Iterator[list[Claimed]]:
        """The claims of a span of time (``end`` is not in it), by their sort keys, in order and in batches."""
        self._write()
        sql = f"{_SELECT} WHERE key >= ? AND key < ? ORDER BY key, rank, host, seq, id"
        rows = self._db.execute(sql, (start, end))
        while batch := rows.fetchmany(_BATCH):
            yield list(map(_claimed, batch))

    def move(self, claimed: Claimed, at: str) -> None:
        """Put a claim at another time, before everything else of that time. It has another identifier then."""
        self._moved.add(claimed.id)
        self._db.execute(
            "UPDATE claims SET id = ?, key = ?, rank = ?, at = ? WHERE id = ?",
            (moved(claimed.id), sort_key(at), _BEFORE_ALL, at, claimed.id),
        )

    def has_moved(self, id_: str) -> bool:
        """Whether the claim of this identifier was put at another time."""
        return id_ in self._moved

    def looked_ahead(self, kinds: Kinds, start: str = "") -> Iterator[Claimed]:
        """The claims of some kinds from a time on, the latest first; at the same time those that others depend on."""
        self._write()
        sql = f"{_SELECT} WHERE kind BETWEEN ? AND ? AND key >= ? ORDER BY key DESC, kind"
        yield from map(_claimed, self._db.execute(sql, (*kinds, start)))

    def has(self, id_: str) -> bool:
        """Whether a claim of this identifier is there."""
        self._write()
        return self._db.execute("SELECT 1 FROM claims WHERE id = ?", (id_,)).fetchone() is not None

    def text(self, place: Place) -> bytes:
        """The text that makes the claims of a place; empty if none came with them."""
        row = self._db.execute("SELECT text FROM claims WHERE file = ? AND line = ?", place).fetchone()
        return bytes(row[0]) if row and row[0] is not None else b""

    def waiting(self, start: str) -> dict[int, tuple[int, int]]:
        """How many lines of each file have claims from a time on, and the first of these lines."""
        self._write()
        sql = "SELECT file, COUNT(DISTINCT line), MIN(line) FROM claims WHERE key >= ? GROUP BY file"
        return {file: (count, first) for file, count, first in self._db.execute(sql, (start,))}

    def has_between(self, start: str, end: str) -> bool:
        """Whether there are claims of a span of time."""
        self._write()
        return self._db.execute("SELECT 1 FROM claims WHERE key >= ? AND key < ?", (start, end)).fetchone() is not None

    def last_time(self) -> str | None:
        """The time of the last claim; None if there is none."""
        self._write()
        row = self._db.execute("SELECT at FROM claims ORDER BY key DESC LIMIT 1").fetchone()
        return row[0] if row else None

    def put_elsewhere(self) -> list[Claimed]:
        """The claims that were put at another time."""
        sql = f"{_SELECT} WHERE id = ?"
        return [_claimed(row) for one in sorted(self._moved) for row in self._db.execute(sql, (moved(one),))]

    def forget(self, before: str) -> None:
        """Forget the claims before a time."""
        self._write()
        self._db.execute("DELETE FROM claims WHERE key < ?", (before,))
        self._moved = {one for one in self._moved if self.has(moved(one))}

    def close(self) -> None:
        """Forget everything."""
        self._db.close()

    def _write(self) -> None:
        if not self._waiting:
            return
        before = self._db.total_changes
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR IGNORE INTO claims VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", self._waiting)
        self._db.execute("COMMIT")
        self._taken += len(self._waiting)
        self._kept += self._db.total_changes - before
        self._waiting.clear()
