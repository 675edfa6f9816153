"""What files know of a cluster, without a log: hosts, numbers, devices, lines, users, times, what is missing.

Specified in docs/reference/commands/discover.md. Nothing is concluded: a host is a node that has written a line.
"""

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from cti_es.cucm import alarms
from cti_es.cucm.cdr import CdrReader
from cti_es.cucm.claims import NodeRef, host, number, short_host
from cti_es.cucm.file_readers import Writers
from cti_es.cucm.files import File
from cti_es.cucm.findings import Findings
from cti_es.cucm.log_lines import AlarmReader
from cti_es.cucm.nodes import MOST_LEARNT, Nodes
from cti_es.cucm.recognise import NOTHING, kind_of
from cti_es.cucm.records import Record
from cti_es.cucm.sequences import Sequences
from cti_es.cucm.stamps import LogLineOptions
from cti_es.cucm.topology_files import TopologyFiles, ahead
from cti_es.logs.bytes_in import Begun
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.names import check_name
from cti_es.vocabulary.text_lines import FileWords, chunks
from cti_es.vocabulary.times import sort_key

Kind = Literal[
    "file", "ignored", "node", "number", "address", "device", "line", "user", "cti_manager", "period", "zone", "gap"
]
MOST = 100_000
"""So many names of a kind are told apart."""

_WORDS = FileWords("a CUCM syslog or a CDR file, UTF-8", "a line of a log", "is this a log of CUCM?", may_have_nul=True)


class Known(msgspec.Struct, frozen=True):
    """Something that the files know.

    ``name`` is what they call it; ``of`` what it belongs to: of a line its device, of a number or an address the host,
    of a user the host of its CTI Manager, of a period its end. ``count`` says in how many lines it stands, ``first``
    where it stands first, ``text`` what else is to be said.
    """

    kind: Kind
    name: str
    of: str | None
    count: int
    first: str | None
    text: str = ""


class Discovery:
    """Reads files; afterwards it has what they know. ``options``: what their stamps leave out."""

    def __init__(self, options: LogLineOptions) -> None:
        self.topology = TopologyFiles(Findings())
        self.first: str | None = None
        self.last: str | None = None
        self._options = options
        self._before: AlarmReader | None = None
        self._names: dict[Kind, dict[tuple[str, str | None], list[object]]] = {}
        self._links: dict[tuple[NodeRef, NodeRef], None] = {}
        self._connections: dict[str, str] = {}
        self._file = ""

    def read(self, file: File) -> None:
        """Read a file to its end. Raises :class:`InputError` if it is broken and somebody named it."""
        self._file = file.name
        with file.open() as stream:
            try:
                start = ahead(stream)
                if self.topology.take(file.name, start, stream):
                    self._see("file", file.name, 0, text="topology")
                    return
                self._read(kind_of(start), Begun(start, stream))
            except InputError as error:
                if not file.is_found:
                    raise
                self._see("ignored", file.name, 0, text=error.what)

    def _read(self, kind: str, stream: Begun) -> None:
        text = chunks(stream, self._file, _WORDS)
        if kind == "syslog":
            self._syslog(text)
        elif kind == "cdr":
            self._cdr(text)
        else:
            self._see("ignored", self._file, 0, text=NOTHING[kind], count=sum(map(len, text)))  # type: ignore[index]

    def _syslog(self, text: Iterator[list[bytes]]) -> None:
        reader = self._before = AlarmReader(self._options, self._before)
        sequences = Sequences(self._gap, lambda process, count, line: None)
        writers = Writers()
        for records in reader.records(text):
            writers.see(records)
            for record in records:
                sequences.see(record)
                if not record.is_copy:
                    self._record(record)
        sequences.end()
        why = writers.why_nothing(reader)
        self._see("ignored" if why else "file", self._file, 0, text=why or "log", count=reader.lines)

    def _cdr(self, text: Iterator[list[bytes]]) -> None:
        reader = CdrReader(self._file, lambda name: True, lambda why, line: None)
        for line, calls in reader.calls(text):
            for call in calls:
                self._time(call.at)
                if call.phase == "end" and call.claim.device:
                    self._see("device", call.claim.device, line)
        self._see("file", self._file, 0, text="cdr", count=reader.lines)

    def _record(self, record: Record) -> None:
        """What one line knows."""
        line, tags = record.line, record.tags
        if record.node:
            self._see("node", record.node, line)
        self._see("zone", record.zone or "none", line, text="unknown" if record.why == "unknown_zone" else "")
        self._time(record.at)
        device = tags.get("devicename")
        if device:
            self._see("device", device, line)
            if tags.get("dirnum"):
                self._see("line", tags["dirnum"], line, device)
        if len(self._links) < MOST_LEARNT:
            self._links.update(dict.fromkeys(alarms.links(record)))
        if tags.get("cticonnectionid") and record.node:
            self._see("cti_manager", record.node, line)
        if tags.get("loginuserid"):
            self._see("user", tags["loginuserid"], line, record.node)

    def _see(self, kind: Kind, name: str, line: int, of: str | None = None, text: str = "", count: int = 1) -> None:
        known = self._names.setdefault(kind, {})
        key = (name, of)
        if key in known:
            known[key][0] += count  # type: ignore[operator]
        elif len(known) < MOST and _is_name(name):
            known[key] = [count, f"{self._file}:{line}" if line else None, text]

    def _gap(self, process: str, count: int, line: int) -> None:
        self._see("gap", process, line, text="sequence numbers left out", count=count)

    def _time(self, at: str | None) -> None:
        if at is None:
            return
        if self.first is None or sort_key(at) < sort_key(self.first):
            self.first = at
        if self.last is None or sort_key(at) > sort_key(self.last):
            self.last = at

    # What is known then.

    def rows(self) -> Iterator[Known]:
        """All of it, kind by kind."""
        yield from (*self._of("file"), *self._of("ignored"))
        if self.first is not None:
            yield Known("period", self.first, self.last, 1, None)
        yield from self._of("zone")
        hosts = self.hosts()
        for name, (count, place) in hosts.items():
            yield Known("node", name, None, count, place)
        for name, refs in self.called(hosts).items():
            for ref in sorted(refs):
                kind, _, text = ref.partition(" ")
                yield Known("number" if kind == "number" else "address", text, name or None, 1, None)
        for kind in ("cti_manager", "user", "device", "line", "gap"):
            yield from self._of(kind)  # type: ignore[arg-type]

    def _of(self, kind: Kind) -> Iterator[Known]:
        for (name, of), (count, place, text) in self._names.get(kind, {}).items():
            yield Known(kind, name, of, count, place, text)  # type: ignore[arg-type]

    def hosts(self) -> dict[str, tuple[int, str | None]]:
        """The nodes by their names, each once however it is written: in how many lines, and the first of them."""
        found: dict[str, tuple[str, int, str | None]] = {}
        for name, place in self.topology.topology.nodes.items():
            found[short_host(name)] = (name, 0, self.topology.place(place))
        for row in self._of("node"):
            name, count, first = found.get(short_host(row.name), (row.name, 0, row.first))
            found[short_host(row.name)] = (name, count + row.count, first)
        return {name: (count, first) for name, count, first in found.values()}

    def called(self, hosts: dict[str, tuple[int, str | None]]) -> dict[str, set[NodeRef]]:
        """The numbers and addresses of each node; those of an unknown one under an empty name."""
        nodes = Nodes(hosts)
        for one, other in self._links:
            nodes.learn(one, other)
        refs = {ref for pair in self._links for ref in pair if not ref.startswith("host ")}
        found: dict[str, set[NodeRef]] = {name: set() for name in (*hosts, "")}
        for ref in sorted(refs):
            found[nodes.find([ref])[0] or ""].add(ref)
        for text, name in self.topology.topology.numbers.items():
            found[nodes.find([host(name)])[0] or ""].add(number(text))
        return found

    def names(self, kind: Kind) -> dict[str, list[str]]:
        """Names of a kind, each with what it belongs to."""
        found: dict[str, list[str]] = {}
        for row in self._of(kind):
            found.setdefault(row.name, []).extend([row.of] if row.of else [])
        return found


def _is_name(text: str) -> bool:
    try:
        check_name(text, "")
    except InputError:
        return False
    return True


def discover(
    files: Iterator[File], options: LogLineOptions, progress: Callable[[Iterator[File]], Iterator[File]] = iter
) -> Discovery:
    """Read files, and say what they know. Raises :class:`InputError` if none of them is one of a cluster."""
    found = Discovery(options)
    for file in progress(files):
        found.read(file)
    rows = list(found.rows())
    if not any(row.kind not in ("ignored", "file", "zone") for row in rows):
        ignored = "; ".join(f"{row.name}: {row.text}" for row in rows if row.kind == "ignored")
        raise InputError(
            f"nothing of a cluster in these files{': ' if ignored else ''}{ignored}"[:1_000],
            expected="a CUCM syslog, an SDL trace with alarms, a CDR file or tables of run sql",
        )
    return found
