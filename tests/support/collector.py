"""A syslog collector that drops files into a folder: random lines of a cluster, and how they arrive there."""

import gzip
import random
import shutil
from pathlib import Path
from typing import NamedTuple

from support.cluster_lines import alarm, back, cti, link, opened

CDR = (
    "cdrRecordType,globalCallID_callManagerId,globalCallID_callId,origLegCallIdentifier,dateTimeOrigination,"
    "origNodeId,origDeviceName,destLegIdentifier,destNodeId,destDeviceName,dateTimeConnect,dateTimeDisconnect"
)
NINE = 1_772_442_000
"""2026-03-02T09:00:00Z in seconds since 1970."""

NODES = ("cm1", "cm2", "cm3")


class Line(NamedTuple):
    """A line: when it is written (seconds after nine), into which file, and its text."""

    second: float
    file: str
    text: str


def call(chance: random.Random, second: float, number: int) -> Line:
    """The record of a call that ends then."""
    begun = max(0, round(second - chance.uniform(1, 100)))
    device = chance.choice(("P", "SEP1"))
    node = chance.choice((1, 2, 3))
    cells = (
        1,
        node,
        number,
        2 * number,
        NINE + begun,
        node,
        device,
        2 * number + 1,
        1,
        "GW",
        NINE + begun,
        NINE + round(second),
    )
    return Line(second, "cdr", ",".join(map(str, cells)))


def lines_of(chance: random.Random, count: int, calls: float, last: float | None = None) -> list[Line]:
    """Random lines of a cluster, in the order in which they are written; some are written a little late.

    ``calls`` is the share of call records. With ``last`` they are spread evenly up to that second.
    """
    found: list[Line] = []
    second = 120.0 if last is None else 0.0
    for number in range(count):
        second += chance.choice((0.05, 0.2, 1, 3, 15, 40)) if last is None else last / count
        found.append(call(chance, second, number) if chance.random() < calls else _alarm(chance, second, number))
    return sorted(found, key=lambda one: one.second)


def _alarm(chance: random.Random, second: float, number: int) -> Line:
    node, other = chance.sample(NODES, 2)
    cti_node, connection = chance.choice(("cm2", "cm3")), chance.choice((7, 8))
    text = chance.choice((
        lambda at: link(at, node, other, up=chance.random() < 0.5),
        lambda at: link(at, node, other, up=chance.random() < 0.5, app=200),
        lambda at: alarm(at, "ServiceStarted", node, ServiceName="Cisco CallManager"),
        lambda at: alarm(at, "CallManagerOnline", node),
        lambda at: opened(at, cti_node, connection, chance.choice(("ivr", "acd"))),
        lambda at: alarm(at, "CtiProviderClosed", cti_node, LoginUserId="ivr", CTIconnectionId=connection, Reason=chance.choice((1, 3))),
        lambda at: cti(at, "CtiDeviceOpened", cti_node, connection),
        lambda at: cti(at, "CtiDeviceClosed", cti_node, connection, Reason=5),
        lambda at: cti(at, "CtiLineOpened", cti_node, connection, DirNum="5001"),
        lambda at: cti(at, "CtiLineClosed", cti_node, connection, DirNum="5001", Reason=6),
        lambda at: alarm(at, "EndPointUnregistered", node, DeviceName=chance.choice(("P", "SEP1")), Reason=13),
        lambda at: back(at, node, chance.choice(("P", "SEP1"))),
        lambda at: alarm(at, "Other", node),
    ))  # fmt: skip
    file = chance.choice((node, node, "cm1"))
    seen = second + (chance.uniform(0, 4) if chance.random() < 0.2 else 0)
    return Line(seen, file, text(round(second, 3)))


class Collector:
    """Writes lines into files of a folder, rotates and packs them."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self._folder = folder
        self._chance = chance
        self._parts: dict[str, int] = {}
        folder.mkdir(exist_ok=True)

    def write(self, file: str, data: bytes) -> None:
        """Add bytes to a file, which need not be whole lines."""
        with (self._folder / file).open("ab") as stream:
            stream.write(data)

    def rotate(self, file: str) -> None:
        """Rename a file, copy and empty it, or pack an earlier one."""
        path = self._folder / file
        if not path.exists():
            return
        number = self._parts[file] = self._parts.get(file, 0) + 1
        older = self._folder / f"{file}.{number}"
        if self._chance.random() < 0.5:
            path.rename(older)
        else:
            shutil.copyfile(path, older)
            path.write_bytes(b"")
        if file == "cdr":
            path.write_bytes(CDR.encode() + b"\n")
        before = self._folder / f"{file}.{number - 1}"
        if before.exists() and self._chance.random() < 0.5:
            packed = gzip.compress(before.read_bytes())
            before.with_name(f"{before.name}.gz").write_bytes(packed)
            before.unlink()
