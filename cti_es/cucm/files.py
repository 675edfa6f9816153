"""The files of an import: each recognised by its content and read into claims."""

from collections.abc import Callable, Container, Iterator
from contextlib import AbstractContextManager
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple, cast

from cti_es.cucm.claims import Claim, NodeRef
from cti_es.cucm.file_readers import Found, reader_of
from cti_es.cucm.findings import Findings
from cti_es.cucm.recognise import NOTHING, FileKind, Nothing, kind_of, looks_utf16
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


class Intake:
    """Reads files into a spool, and those that say what the topology is into that.

    ``devices`` is called before the first log is read, for the devices that are known then; others are counted and
    left out. ``files`` are the names of the logs read so far;
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
        self.unknowns = Unknowns(self.place)
        self._found = Found(spool.add, findings, self.unknowns, options)
        self._spool = spool
        self._findings = findings
        self._topology = topology
        self._find_devices = devices
        self._is_begun = False

    @property
    def learnt(self) -> dict[tuple[NodeRef, NodeRef], None]:
        """Pairs of references to the same node."""
        return self._found.learnt

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
            self._found.devices, self._is_begun = self._find_devices(), True

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
            self._claims(kind, file.name, text, start)
        else:
            self._ignore(file.name, sum(map(len, text)), NOTHING[cast(Nothing, kind)])

    def _claims(self, kind: FileKind, name: str, text: Chunks, start: list[list[bytes]]) -> None:
        """Read a file that has claims, or looks like one: ``start`` is how its text begins."""
        self.begin()
        reader = reader_of(kind, self._found, len(self.files) - 1, name)
        for lines in text:
            reader.take(lines)
        why = reader.end()
        if why == NOTHING["no_line"] and looks_utf16(b"\n".join(chain.from_iterable(start))):
            why = NOTHING["zeros"]
        if why is not None:
            self._ignore(name, reader.lines, why)
            return
        self._findings.add("read", name, count=reader.lines, text=kind)
        reader.report()

    def _cannot_read(self, file: File, error: InputError) -> None:
        """What nobody has named is ignored then."""
        if not file.is_found:
            raise error
        self._ignore(file.name, 0, error.what)
        self.broken.append((file.name, error.what))

    def _ignore(self, name: str, count: int, why: str) -> None:
        self.ignored.append((name, why))
        self._findings.add("ignored", name, count=count, text=why)

    def read_events(self, file: File) -> None:
        """Read events that somebody gives beside the logs. Raises :class:`InputError` for one without a time."""
        self.files.append(file.name)
        count = 0
        with file.open() as stream:
            for batch in read_events(stream, file.name):
                for number, event in zip(batch.numbers, batch.events, strict=True):
                    count += 1
                    if not self._is_told(event):
                        claimed = _given(event, Place(len(self.files) - 1, number), f"{file.name}:{number}")
                        self._spool.add(claimed, sequence=number)
        self._findings.add("read", file.name, count=count, text="events")

    def _is_told(self, event: Event) -> bool:
        """Whether a line that is here tells of an event: then what follows from it does so again."""
        line = (event.id or "").removesuffix(":allowed").removesuffix(":proved")
        return line != event.id and self._spool.has(line)

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


def _given(event: Event, place: Place, where: str) -> Claimed:
    """The claim of an event that is given as such. Without an id it is known by its content."""
    if event.at is None:
        raise InputError("an event without a time", where=where, expected='"at", by which it is merged with the logs')
    text = encode(event)
    known_by = event.id or f"with:{blake2b(text, digest_size=16).hexdigest()}"
    return Claimed(event.at, known_by, place, Claim("given", event=text.decode()))


def _start(lines: Chunks) -> list[list[bytes]]:
    """The first lines, enough to look at; a pipe gives a few at a time."""
    start: list[list[bytes]] = []
    size = 0
    while size < LOOKED_AT and (some := next(lines, None)) is not None:
        start.append(some)
        size += sum(map(len, some)) + len(some)
    return start
