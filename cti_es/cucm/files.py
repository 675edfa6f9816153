"""The files of an import: each recognised by its content and read into claims."""

from collections.abc import Callable, Container, Iterator
from contextlib import AbstractContextManager
from hashlib import blake2b
from itertools import chain
from typing import Literal, NamedTuple, cast

from cti_es.cucm import alarms
from cti_es.cucm.cdr import CdrReader
from cti_es.cucm.claims import OUTAGES, REASONS, Claim, NodeRef, SkipReason
from cti_es.cucm.findings import Findings
from cti_es.cucm.log_lines import AlarmReader
from cti_es.cucm.nodes import MOST_LEARNT
from cti_es.cucm.recognise import NOTHING, kind_of, looks_utf16, program
from cti_es.cucm.records import Record
from cti_es.cucm.sequences import Sequences
from cti_es.cucm.spool import Claimed, Place, Spool
from cti_es.cucm.stamps import LogLineOptions
from cti_es.cucm.topology_files import LOOKED_AT, TopologyFiles, ahead
from cti_es.cucm.unknowns import Unknowns
from cti_es.logs.bytes_in import Begun
from cti_es.logs.ndjson import read_events
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Event, encode
from cti_es.vocabulary.text_lines import ByteStream, FileWords, chunks

_WORDS = FileWords(
    "a CUCM syslog or a CDR file, UTF-8", "a line of a CUCM log", "is this a log of CUCM?", may_have_nul=True
)

Chunks = Iterator[list[bytes]]
_CUCM = ("UC_", "CCM_")
"""How the facilities of CUCM begin. SDL traces have none."""

_SHOWN = 10


class File(NamedTuple):
    """A file to import: what errors and the report call it, and how to open it (out of gzip). It is read once.

    ``is_found``: nobody named it, it lay in a folder or an archive. Then it does not matter if it is no text.
    """

    name: str
    open: Callable[[], AbstractContextManager[ByteStream]]
    is_found: bool = False


class NothingToImport(InputError):
    """No file has anything for an import. ``reasons`` are those of the files, in the words of ``NOTHING``."""

    def __init__(self, reasons: set[str], what: str, **said: str) -> None:
        super().__init__(what, **said)
        self.reasons = reasons


class Writers:
    """Which programs have written a file of log lines, as far as its records tell."""

    def __init__(self) -> None:
        self._others: dict[str, None] | None = {}

    def see(self, records: list[Record]) -> None:
        """Some records of the file."""
        if self._others is not None:
            self._others = _others(records, self._others)

    def why_nothing(self, reader: AlarmReader) -> str | None:
        """Why there is nothing of CUCM in the file that ``reader`` has read to its end; None if there is."""
        if self._others is None or "no_alarm" in reader.left_out:
            return None
        names = ", ".join(self._others)
        return NOTHING["other_program"].format(names) if names else NOTHING["no_line"]


class Intake:
    """Reads files into a spool, and those that say what the topology is into that.

    ``devices`` is called before the first log is read, for the devices that are known then; others are counted and
    left out. ``learnt`` are pairs of references to the same node; ``files`` the names of the logs read so far;
    ``ignored`` those that have nothing for an import, with the reason; ``broken`` those of them that cannot be read.
    """

    def __init__(
        self,
        spool: Spool,
        findings: Findings,
        topology: TopologyFiles,
        devices: Callable[[], Container[str]],
        options: LogLineOptions,
    ) -> None:
        self.files: list[str] = []
        self.ignored: list[tuple[str, str]] = []
        self.broken: list[tuple[str, str]] = []
        self.learnt: dict[tuple[NodeRef, NodeRef], None] = {}
        self.unknowns = Unknowns(self.place)
        self._spool = spool
        self._findings = findings
        self._topology = topology
        self._find_devices = devices
        self._devices: Container[str] = ()
        self._is_begun = False
        self._options = options
        self._left: dict[SkipReason, list[int]] = {}
        self._before: AlarmReader | None = None

    def place(self, place: Place) -> str:
        """A place as people read it."""
        return f"{self.files[place.file]}:{place.line}"

    def read(self, file: File, progress: Callable[[Chunks], Chunks] = lambda lines: lines) -> None:
        """Read a file to its end, unless it has been read for the topology.

        Raises :class:`InputError` if it is broken, or if it says what the topology is and stands behind a log.
        """
        if file.name in self._topology.files:
            return
        with file.open() as stream:
            try:
                begin = ahead(stream)
            except InputError as error:
                self._cannot_read(file, error)
                return
            if self._is_begun or not self._topology.take(file.name, begin, stream):
                self._read(file, Begun(begin, stream), progress)

    def begin(self) -> None:
        """The topology is known now: from here on it is logs."""
        if not self._is_begun:
            self._devices, self._is_begun = self._find_devices(), True

    def _read(self, file: File, stream: ByteStream, progress: Callable[[Chunks], Chunks]) -> None:
        self.files.append(file.name)
        lines = progress(chunks(stream, file.name, _WORDS))
        try:
            start = _start(lines)
        except InputError as error:
            self._cannot_read(file, error)
            return
        kind = kind_of(b"\n".join(chain.from_iterable(start))[:LOOKED_AT])
        text = chain(start, lines)
        if kind in ("syslog", "cdr"):
            self.begin()
        if kind == "syslog":
            count, why = self._syslog(text)
            if why == NOTHING["no_line"] and looks_utf16(b"\n".join(chain.from_iterable(start))):
                why = NOTHING["zeros"]
        elif kind == "cdr":
            count, why = self._cdr(text, file.name), None
        else:
            count, why = sum(map(len, text)), NOTHING[kind]
        if why is not None:
            self._ignore(file.name, count, why)
            return
        self._findings.add("read", file.name, count=count, text=kind)
        for reason, (many, first) in self._left.items():
            self._findings.add("skipped", reason, f"{file.name}:{first}", REASONS[reason], many)
        self._left.clear()

    def _cannot_read(self, file: File, error: InputError) -> None:
        """What nobody has named is ignored then."""
        if not file.is_found:
            raise error
        self._ignore(file.name, 0, error.what)
        self.broken.append((file.name, error.what))

    def _ignore(self, name: str, count: int, why: str) -> None:
        self.ignored.append((name, why))
        self._findings.add("ignored", name, count=count, text=why)
        self._left.clear()

    def read_events(self, file: File) -> None:
        """Read events that somebody gives beside the logs. Raises :class:`InputError` for one without a time."""
        self.files.append(file.name)
        count = 0
        with file.open() as stream:
            for batch in read_events(stream, file.name):
                for number, event in zip(batch.numbers, batch.events, strict=True):
                    count += 1
                    self._spool.add(_given(event, Place(len(self.files) - 1, number), f"{file.name}:{number}"))
        self._findings.add("read", file.name, count=count, text="events")

    def check(self) -> None:
        """Raise :class:`NothingToImport` if no file has anything for that, :class:`InputError` if there is no file."""
        if self._topology.files or set(self.files) - {name for name, _ in self.ignored}:
            return
        expected = "a CUCM syslog, an SDL trace with alarms, a CDR file or tables of run sql; gzip or not"
        if not self.ignored:
            raise InputError("no file in the folders and archives that were named", expected=expected)
        reasons = {why for _, why in self.ignored}
        if len(self.ignored) == 1:
            [(name, why)] = self.ignored
            raise NothingToImport(reasons, why, where=name, expected=expected)
        files = "; ".join(f"{name}: {why}" for name, why in self.ignored[:_SHOWN])
        more = len(self.ignored) - _SHOWN
        files += f"; and {more} more" if more > 0 else ""
        raise NothingToImport(reasons, f"none of these files has anything to import: {files}", expected=expected)

    def _syslog(self, text: Chunks) -> tuple[int, str | None]:
        """The number of its lines, and why it has nothing for an import."""
        reader = self._before = AlarmReader(self._options, self._before)
        sequences = Sequences(self._found("gap"), self._found("restart"))
        writers = Writers()
        for records in reader.records(text):
            writers.see(records)
            for record in records:
                sequences.see(record)
                self._take(record)
        sequences.end()
        for reason, left in reader.left_out.items():
            self._left[cast(SkipReason, reason)] = [left.lines, left.first]
        return reader.lines, writers.why_nothing(reader)

    def _take(self, record: Record) -> None:
        """What a record claims, into the spool."""
        rule = alarms.rule_of(record.head.mnemonic)
        if rule is None or record.is_copy:
            self._leave_out("rtmt_copy" if record.is_copy else "other_alarm", record.line)
            return
        file = len(self.files) - 1
        # Most lines are about devices that nobody asked for: these need no closer look.
        device = record.device
        if device and device not in self._devices:
            self._leave_out("unknown_device", record.line)
            self.unknowns.add("unknown_device", device, file, record.line)
            return
        verdict = alarms.claim_of(record, rule)
        if not isinstance(verdict, Claim):
            self._leave_out(verdict, record.line)
            return
        if len(self.learnt) < MOST_LEARNT:
            self.learnt.update(dict.fromkeys(alarms.links(record)))
        if record.at is None:
            why = record.why or "no_time"
            self._leave_out(why, record.line)
            self.unknowns.add(
                why, record.zone if why == "unknown_zone" else "", file, record.line, verdict.what in OUTAGES
            )
            return
        claimed = Claimed(record.at, alarms.id_of(record), Place(file, record.line), verdict)
        self._spool.add(claimed, 0, record.node or "", record.place_in_time)

    def _cdr(self, text: Chunks, name: str) -> int:
        reader = CdrReader(name, self._devices.__contains__, self._leave_out)
        for line, calls in reader.calls(text):
            for call in calls:
                claimed = Claimed(call.at, call.id, Place(len(self.files) - 1, line), call.claim)
                self._spool.add(claimed, 1 if call.phase == "end" else 0)
        return reader.lines

    def _leave_out(self, reason: SkipReason, line: int) -> None:
        """Count a line that claims nothing; what is counted goes into the report at the end of the file."""
        if reason in self._left:
            self._left[reason][0] += 1
        else:
            self._left[reason] = [1, line]

    def _found(self, kind: Literal["gap", "restart"]) -> Callable[[str, int, int], None]:
        text = _SEQUENCES[kind]
        return lambda process, count, line: self._findings.add(kind, process, f"{self.files[-1]}:{line}", text, count)


_SEQUENCES = {
    "gap": "sequence numbers left out: lines were lost, or filtered out before",
    "restart": "sequence numbers begin again: the process was restarted",
}


def _given(event: Event, place: Place, where: str) -> Claimed:
    """The claim of an event that is given as such. Without an id it is known by its content."""
    if event.at is None:
        raise InputError("an event without a time", where=where, expected='"at", by which it is merged with the logs')
    text = encode(event)
    known_by = event.id or f"with:{blake2b(text, digest_size=16).hexdigest()}"
    return Claimed(event.at, known_by, place, Claim("given", event=text.decode()))


def _others(records: list[Record], known: dict[str, None]) -> dict[str, None] | None:
    """The programs that are known to write into this file, with those of further records; None if CUCM does."""
    if any(map(_is_of_cucm, records)):
        return None
    names = dict.fromkeys((*known, *(program(record.facility) for record in records)))
    return dict.fromkeys(list(names)[:_SHOWN])


def _is_of_cucm(record: Record) -> bool:
    """Whether a record is one of CUCM's, and not of another program that writes in the same form."""
    return record.facility.startswith(_CUCM) or record.facility == "" or alarms.rule_of(record.mnemonic) is not None


def _start(lines: Chunks) -> list[list[bytes]]:
    """The first lines, enough to look at; a pipe gives a few at a time."""
    start: list[list[bytes]] = []
    size = 0
    while size < LOOKED_AT and (some := next(lines, None)) is not None:
        start.append(some)
        size += sum(map(len, some)) + len(some)
    return start
