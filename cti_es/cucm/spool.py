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


_RETURNS: dict[What, int] = {"node_recovered": 1, "service_started": 2}
"""What may say that a node is back, and is looked up by itself."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Claim).decode


class Spool:
    """Takes claims in any order and gives them back in theirs."""

    def __init__(self) -> None:
        self._waiting: list[tuple[object, ...]] = []
        self._taken = 0
        self._kept = 0
        self._db = sqlite3.connect("", isolation_level=None)  # a file that is gone when it is closed
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(
            "CREATE TABLE claims (id TEXT PRIMARY KEY, key TEXT, rank INT, host TEXT, seq INT, at TEXT,"
            " file INT, line INT, claim BLOB, returns INT) WITHOUT ROWID"
        )

    def add(self, claimed: Claimed, rank: int = 0, host: str = "", sequence: int | None = None) -> None:
        """Take a claim; one whose identifier is there already is only counted."""
        at, id_, (file, line), claim = claimed
        key, returns = sort_key(at), _RETURNS.get(claim.what)
        self._waiting.append((id_, key, rank, host, sequence, at, file, line, _encode(claim), returns))
        if len(self._waiting) >= _BATCH:
            self._write()

    @property
    def duplicates(self) -> int:
        """How many claims were there already."""
        self._write()
        return self._taken - self._kept

    def claims(self) -> Iterator[list[Claimed]]:
        """All claims in order, in batches."""
        self._write()
        rows = self._db.execute("SELECT at, id, file, line, claim FROM claims ORDER BY key, rank, host, seq, id")
        while batch := rows.fetchmany(_BATCH):
            yield [Claimed(at, id_, Place(file, line), _decode(claim)) for at, id_, file, line, claim in batch]

    def returns_backwards(self) -> Iterator[Claimed]:
        """The claims that a node is back or that its service has started, the latest first."""
        self._write()
        self._db.execute("CREATE INDEX IF NOT EXISTS returns ON claims (key) WHERE returns IS NOT NULL")
        rows = self._db.execute(
            "SELECT at, id, file, line, claim FROM claims WHERE returns IS NOT NULL ORDER BY key DESC, returns"
        )
        for at, id_, file, line, claim in rows:
            yield Claimed(at, id_, Place(file, line), _decode(claim))

    def close(self) -> None:
        """Forget everything."""
        self._db.close()

    def _write(self) -> None:
        if not self._waiting:
            return
        before = self._db.total_changes
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR IGNORE INTO claims VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", self._waiting)
        self._db.execute("COMMIT")
        self._taken += len(self._waiting)
        self._kept += self._db.total_changes - before
        self._waiting.clear()
