"""CDR files → claims: when a call was on a device (docs/reference/imports.md#call-records).

A call record is written when a leg of a call has ended; it says when the call was connected and when it was cleared.
Columns are found by their names, never by their position: newer releases append some.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Literal, NamedTuple

from cti_es.cucm.claims import Claim, SkipReason, number
from cti_es.vocabulary.errors import InputError, did_you_mean

START = b"cdrRecordType"
"""The first column of a CDR file, by which it is recognised."""

NEEDED = (
    "cdrRecordType", "globalCallID_callManagerId", "globalCallID_callId", "origLegCallIdentifier",
    "destLegIdentifier", "dateTimeOrigination", "dateTimeConnect", "dateTimeDisconnect", "origDeviceName",
    "destDeviceName",
)  # fmt: skip
_ALSO_CALLED = {"destlegcallidentifier": "destlegidentifier"}
_CLUSTER = "globalcallid_clusterid"
_NODES = ("orignodeid", "destnodeid")
_END, _START_RECORD, _QUALITY = "1", "0", "2"
_TYPES = frozenset({"integer", "uniqueidentifier"})
_LAST = 253_000_000_000  # the year 9987; times beyond are no seconds

Phase = Literal["start", "end"]


class Call(NamedTuple):
    """What a record says of one device: the claim, its time (canonical UTC), its identifier and phase."""

    phase: Phase
    at: str
    id: str
    claim: Claim


class CdrReader:
    """Reads one CDR file. ``lines`` counts its lines; ``known`` says whether a device is one of the log's."""

    def __init__(self, name: str, known: Callable[[str], bool], leave_out: Callable[[SkipReason, int], None]) -> None:
        self.lines = 0
        self._name = name
        self._known = known
        self._leave_out = leave_out
        self._columns: list[int] = []
        self._cluster = -1
        self._nodes: list[int] = []
        self._width = 0

    def calls(self, chunks: Iterable[list[bytes]]) -> Iterator[tuple[int, list[Call]]]:
        """Line number and what is claimed there, for each record about a known device.

        Raises :class:`InputError` for a header that lacks a needed column.
        """
        for lines in chunks:
            for line in lines:
                self.lines += 1
                if (row := self._row(line)) is not None and (calls := self._calls(row)):
                    yield self.lines, calls

    def _row(self, line: bytes) -> list[str] | None:
        """The cells of a call record; None for every other line."""
        try:
            text = line.decode(errors="replace").rstrip("\r")
            row = next(csv.reader([text]), None) if '"' in text else text.split(",")
        except csv.Error:
            return self._skipped("bad_row")
        if not row or row == [""]:
            return None
        if not self._width:
            self._header(row)
            return None
        if row[0].lower() in _TYPES:  # the second line: the type of each column
            return None
        return row if len(row) == self._width else self._skipped("bad_row")

    def _skipped(self, reason: SkipReason) -> list[str] | None:
        """No row: this line is left out."""
        self._leave_out(reason, self.lines)
        return None

    def _header(self, row: list[str]) -> None:
        names = [_ALSO_CALLED.get(name.strip().lower(), name.strip().lower()) for name in row]
        for needed in NEEDED:
            if needed.lower() not in names:
                hint = "a CMR file (call quality) has no calls" if "numberpacketssent" in names else ""
                raise InputError(f"no column '{needed}'", where=f"{self._name}:{self.lines}",
                                 expected="the header of a CDR file, with its columns as CUCM names them",
                                 hint=hint or did_you_mean(needed, row))  # fmt: skip
        self._width = len(row)
        self._columns = [names.index(needed.lower()) for needed in NEEDED]
        self._cluster = names.index(_CLUSTER) if _CLUSTER in names else -1
        self._nodes = [names.index(name) if name in names else -1 for name in _NODES]

    def _calls(self, row: list[str]) -> list[Call]:
        kind, *numbers, origin, destination = [row[column].strip() for column in self._columns]
        if kind != _END:
            self._skipped("other_record" if kind in (_START_RECORD, _QUALITY) else "bad_number")
            return []
        if not (self._known(origin) or self._known(destination)):
            self._skipped("unknown_device")
            return []
        nodes = [row[column].strip() if column >= 0 else "" for column in self._nodes]
        # of a device that is both ends, the node of its origination
        ends = dict(reversed(list(zip((origin, destination), nodes, strict=True))))
        devices = {one: ends[one] for one in dict.fromkeys((origin, destination)) if one and self._known(one)}
        times = [_seconds(number) for number in numbers[4:]]
        if not all(number.isdigit() and number.isascii() for number in numbers) or None in times or not times[2]:
            self._skipped("bad_number")
            return []
        cluster = row[self._cluster].strip() if self._cluster >= 0 else ""
        return list(_of_devices(devices, cluster, numbers))


def _seconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 and int(text) < _LAST else None


def _of_devices(devices: dict[str, str], cluster: str, numbers: list[str]) -> Iterator[Call]:
    """A leg on each device, from the connection (from the start, if nobody answered) to the end.

    ``devices`` gives the number of the node at which each one was, if the record says so.
    """
    manager, call, leg, other, origination, connect, disconnect = numbers
    name = f"{cluster + ' ' if cluster else ''}{manager}/{call} {leg}-{other}"
    began = min(int(connect) or int(origination) or int(disconnect), int(disconnect))
    for device, home in devices.items():
        same = _identifier(cluster, *numbers, device)
        nodes = tuple(map(number, [manager, home] if home else [manager]))
        yield Call("start", _at(began), f"{same}:start", Claim("call_started", device=device, call=name))
        ended = Claim("call_ended", nodes, device=device, call=name, since=_at(began))
        yield Call("end", _at(int(disconnect)), f"{same}:end", ended)


def _identifier(*content: str) -> str:
    """The same record has the same one in whatever file it is."""
    return "cdr:" + blake2b("\n".join(content).encode(), digest_size=16).hexdigest()


def _at(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
