"""Cut and flip a write-ahead log: what comes back is a prefix of whole transactions, and a kept head shows the rest.

The log is that of a writer that is still at work: store and log are copied as a crash or a careless backup leaves
them. It is cut at every frame boundary, in every frame header and in the middle of every frame, and a bit is flipped
at as many random places as ``--rounds`` says.

    python tests/campaigns/wal.py --rounds 3000 --seed 1
"""

import json
import random
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent))

from campaigns.flips import flipped
from campaigns.running import Report, run, script, snapshots_every

import cti_es.logs.store.base
from cti_es.logs.append import AppendOptions, append
from cti_es.logs.store import Head, SqliteStore
from cti_es.vocabulary.events import NodeAdded, NumberedEvents

AT = "2026-01-01T08:00:00Z"
SIZES = (3, 1, 60, 2, 1, 40, 1)
"""Events of the transactions that are in the write-ahead log; those of 40 and 60 take several rows and snapshots."""

HEADER, FRAME_HEADER = 32, 24


class Crashed:
    """A store with the write-ahead log of a writer that had not ended, and the heads that it had reported."""

    def __init__(self, folder: Path) -> None:
        self.heads = [Head()]
        self.path = folder / "site.db"
        source = folder / "source.db"
        kept, cti_es.logs.store.base.ROW_EVENTS = cti_es.logs.store.base.ROW_EVENTS, 15
        try:
            SqliteStore(source, write=True).close()
            with snapshots_every(25), closing(sqlite3.connect(source)) as other:
                other.execute("SELECT * FROM batches").fetchall()  # keeps the log from being taken away
                for size in SIZES:
                    self.heads.append(_append(source, self.heads[-1].version, size))
                self.store, self.wal = (Path(f"{source}{suffix}").read_bytes() for suffix in ("", "-wal"))
        finally:
            cti_es.logs.store.base.ROW_EVENTS = kept
        self.frame = FRAME_HEADER + int.from_bytes(self.wal[8:12], "big")
        shutil.copy(source, self.path)

    def cuts(self) -> Iterator[int]:
        """Every length of the log that is worth a look."""
        yield from (0, 1, HEADER - 1, HEADER)
        for start in range(HEADER, len(self.wal), self.frame):
            yield from (start + 1, start + FRAME_HEADER, start + self.frame // 2, start + self.frame - 1)
            yield start + self.frame

    def check(self, wal: bytes, append: bool) -> tuple[int, str | None]:
        """Open the store with this log: how many transactions are there, and what is wrong with that."""
        Path(f"{self.path}-shm").unlink(missing_ok=True)
        self.path.write_bytes(self.store)
        Path(f"{self.path}-wal").write_bytes(wal)
        export = run("export", str(self.path))
        nodes = [json.loads(line)["node"] for line in export.out.splitlines()]
        versions = [head.version for head in self.heads]
        if len(nodes) not in versions or nodes != [f"n{n}" for n in range(len(nodes))]:
            return 0, f"{len(nodes)} events are there, transactions end at {versions}: {export.err}"
        found = versions.index(len(nodes))
        return found, self._verify(found) or (self._append(nodes) if append else None)

    def _verify(self, found: int) -> str | None:
        alone, head = run("verify", str(self.path)), self.heads[-1]
        kept = run("verify", str(self.path), "--head", f"default={head}")
        still = run("verify", str(self.path), "--head", f"default={self.heads[found]}")
        if alone.code or still.code:
            return f"verify finds a fault: {alone.out!r} {alone.err} {still.out!r}"
        is_lost = found < len(self.heads) - 1
        words = b"cut off" if found else b"the log is not there"
        if kept.code != is_lost or (is_lost and words not in kept.out):
            return f"verify --head says {kept.code}, {kept.out!r}, with {found} transactions there"
        return None

    def _append(self, nodes: list[str]) -> str | None:
        ran = run("append", str(self.path), "node_added", "node=new")
        again = run("verify", str(self.path))
        if f"head {len(nodes) + 1}:" not in ran.err or again.code:
            return f"the next append: {ran.err} {again.out!r}"
        return None


def _append(path: Path, version: int, size: int) -> Head:
    events = [NodeAdded(node=f"n{version + n}", at=AT, id=f"id{version + n}") for n in range(size)]
    some = [events[start : start + 15] for start in range(0, size, 15)]
    parts = [NumberedEvents(range(len(part)), part) for part in some]
    with closing(SqliteStore(path, write=True)) as store:
        return append(store, "default", parts, AppendOptions()).head


def campaign(folder: Path, rounds: int, seed: int, step: int = 1) -> Report:
    """Every cut (or every ``step``-th), and so many flipped bits."""
    crashed, chance, report = Crashed(folder), random.Random(seed), Report()
    damaged = [(f"cut at {cut}", crashed.wal[:cut]) for cut in list(crashed.cuts())[::step]]
    for number, (where, wal) in enumerate(damaged):
        found, failure = crashed.check(wal, append=not number % 3)
        report.count(f"cuts: {found} of {len(SIZES)} transactions are back", failure and f"{where}: {failure}")
    for number in range(rounds):
        position, bit = chance.randrange(len(crashed.wal)), chance.randrange(8)
        found, failure = crashed.check(flipped(crashed.wal, position, bit), append=not number % 3)
        where = f"bit {bit} of byte {position}"
        report.count(f"flips: {found} of {len(SIZES)} transactions are back", failure and f"{where}: {failure}")
    return report


if __name__ == "__main__":
    with TemporaryDirectory() as here:
        script(__doc__, 3_000, lambda rounds, seed: campaign(Path(here), rounds, seed))
