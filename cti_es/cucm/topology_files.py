"""Files of an import that say what the topology is: recognised by their content and read before all others."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from cti_es.cucm.claims import REASONS, SkipReason
from cti_es.cucm.findings import FindingKind, Findings
from cti_es.cucm.recognise import topology_kind
from cti_es.cucm.spool import Place
from cti_es.cucm.topology import Topology
from cti_es.cucm.topology_rows import Tables, answer_rows
from cti_es.cucm.topology_xml import elements
from cti_es.logs.bytes_in import Begun
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.text_lines import ByteStream, FileWords, chunks

LOOKED_AT = 1 << 20
"""A file is recognised by so many of its first bytes: other programs may have written into it, too."""

_CHUNK = 1 << 18
_WORDS = FileWords("tables of run sql, UTF-8", "a row of a table", "is this what a terminal showed?", may_have_nul=True)


class TopologyFiles:
    """Reads files into a topology. ``files`` are the names of those that say something about it."""

    def __init__(self, findings: Findings) -> None:
        self.files: list[str] = []
        self.topology = Topology(self._leave_out, self.place)
        self._findings = findings

    def place(self, place: Place) -> str:
        """A place as people read it."""
        return f"{self.files[place.file]}:{place.line}"

    def look(self, name: str, open_: Callable[[], AbstractContextManager[ByteStream]]) -> None:
        """Read a file if it says something. What is wrong with one that cannot be looked into is said elsewhere."""
        with open_() as stream:
            try:
                start = ahead(stream)
            except InputError:
                return
            self.take(name, start, stream)

    def take(self, name: str, start: bytes, stream: ByteStream) -> bool:
        """Read a file that begins like this, if it says something; returns whether it does."""
        kind = topology_kind(start)
        if kind is None:
            return False
        self.files.append(name)
        whole = Begun(start, stream)
        file = len(self.files) - 1
        if kind == "tables":
            tables = Tables(name, lambda why, line: self._leave_out(why, Place(file, line)))
            rows = tables.rows(chunks(whole, name, _WORDS))
        else:
            rows = answer_rows(elements(whole, name))
        self._findings.add("read", name, count=self.topology.take(rows, file), text=f"topology, in {kind}")
        return True

    def _leave_out(self, why: SkipReason, place: Place) -> None:
        kind: FindingKind = "merged" if why == "same_number" else "skipped"
        self._findings.add(kind, why, self.place(place), REASONS[why])


def ahead(stream: ByteStream) -> bytes:
    """The first bytes of a stream, enough to look at; a pipe gives a few at a time."""
    parts: list[bytes] = []
    size = 0
    while size < LOOKED_AT and (data := stream.read1(_CHUNK)):
        parts.append(data)
        size += len(data)
    return b"".join(parts)
