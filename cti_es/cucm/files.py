"""The files of an import: each recognised by its content and read into claims."""

from collections.abc import Callable, Container, Iterator
from contextlib import AbstractContextManager
from itertools import chain
from typing import Literal, NamedTuple, cast

from cti_es.cucm import alarms
from cti_es.cucm.cdr import START, CdrReader
from cti_es.cucm.claims import REASONS, Claim, NodeRef, SkipReason
from cti_es.cucm.findings import Findings
from cti_es.cucm.log_lines import AlarmReader, LogLineOptions, Record
from cti_es.cucm.nodes import MOST_LEARNT
from cti_es.cucm.sequences import Sequences
from cti_es.cucm.spool import Claimed, Place, Spool
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.text_lines import ByteStream, FileWords, chunks, start_as_utf8

LOOKED_AT = 1 << 20
"""A file is recognised by so many of its first bytes: other programs may have written into it, too."""
_WORDS = FileWords(
    "a CUCM syslog or a CDR file, UTF-8", "a line of a CUCM log", "is this a log of CUCM?", may_have_nul=True
)

FileKind = Literal["syslog", "cdr", "empty"]
Chunks = Iterator[list[bytes]]


class File(NamedTuple):
    """A file to import: what errors and the report call it, and how to open it (out of gzip). It is read once."""

    name: str
    open: Callable[[], AbstractContextManager[ByteStream]]


class Intake:
    """Reads files into a spool. ``devices`` are those that the log knows; others are counted and left out.

    ``learnt`` are pairs of references to the same node; ``files`` the names of those read so far.
    """

    def __init__(self, spool: Spool, findings: Findings, devices: Container[str], options: LogLineOptions) -> None:
        self.files: list[str] = []
        self.learnt: dict[tuple[NodeRef, NodeRef], None] = {}
        self._spool = spool
        self._findings = findings
        self._devices = devices
        self._options = options
        self._left: dict[SkipReason, list[int]] = {}
        self._before: AlarmReader | None = None

    def place(self, place: Place) -> str:
        """A place as people read it."""
        return f"{self.files[place.file]}:{place.line}"

    def read(self, file: File, progress: Callable[[Chunks], Chunks] = lambda lines: lines) -> None:
        """Read a file to its end. Raises :class:`InputError` if it is none that can be imported, or is broken."""
        self.files.append(file.name)
        with file.open() as stream:
            lines = progress(chunks(stream, file.name, _WORDS))
            start = _start(lines)
            kind = recognise(b"\n".join(chain.from_iterable(start))[:LOOKED_AT], file.name)
            text = chain(start, lines)
            count = self._cdr(text, file.name) if kind == "cdr" else self._syslog(text)
        self._findings.add("read", file.name, count=count, text=kind)
        for reason, (many, first) in self._left.items():
            self._findings.add("skipped", reason, f"{file.name}:{first}", REASONS[reason], many)
        self._left.clear()

    def _syslog(self, text: Chunks) -> int:
        reader = self._before = AlarmReader(self._options, self._before)
        sequences = Sequences(self._found("gap"), self._found("restart"))
        for records in reader.records(text):
            for record in records:
                sequences.see(record)
                self._take(record)
        sequences.end()
        for reason, left in reader.left_out.items():
            self._left[cast(SkipReason, reason)] = [left.lines, left.first]
        return reader.lines

    def _take(self, record: Record) -> None:
        """What a record claims, into the spool."""
        rule = alarms.rule_of(record.mnemonic)
        if rule is None or record.is_copy:
            self._leave_out("rtmt_copy" if record.is_copy else "other_alarm", record.line)
            return
        # Most lines are about devices that nobody asked for: these need no closer look.
        device = record.peek("DeviceName")
        if device and device not in self._devices:
            self._leave_out("unknown_device", record.line)
            return
        verdict = alarms.claim_of(record, rule)
        if not isinstance(verdict, Claim):
            self._leave_out(verdict, record.line)
            return
        if len(self.learnt) < MOST_LEARNT:
            self.learnt.update(dict.fromkeys(alarms.links(record)))
        if record.at is None:
            self._leave_out(record.why or "no_time", record.line)
            return
        claimed = Claimed(record.at, alarms.id_of(record), Place(len(self.files) - 1, record.line), verdict)
        self._spool.add(claimed, 0, record.node or "", record.sequence)

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


def recognise(start: bytes, name: str) -> FileKind:
    """What a file that begins like this is. Raises :class:`InputError` for anything that cannot be imported."""
    text = start_as_utf8(start)
    if text.lstrip(b'"').startswith(START) or START in text.partition(b"\n")[0]:
        return "cdr"
    if not text.strip():
        return "empty"
    reader = AlarmReader(LogLineOptions())
    if any(reader.records([line] for line in text.split(b"\n"))) or "no_alarm" in reader.left_out:
        return "syslog"
    if b"globalCallID_callId" in text.partition(b"\n")[0]:
        raise InputError(f"no column '{START.decode()}'", where=f"{name}:1", expected="the header of a CDR file")
    raise InputError("no line of a CUCM log in its beginning", where=name,
                     expected="a CUCM syslog, an SDL trace with alarms, or a CDR file; gzip or not",
                     hint="zero bytes: UTF-16 without a byte-order mark?" if b"\0" in text else "")  # fmt: skip


def _start(lines: Chunks) -> list[list[bytes]]:
    """The first lines, enough to look at; a pipe gives a few at a time."""
    start: list[list[bytes]] = []
    size = 0
    while size < LOOKED_AT and (some := next(lines, None)) is not None:
        start.append(some)
        size += sum(map(len, some)) + len(some)
    return start
