"""XML as a cluster's interfaces (AXL, RisPort) answer, element by element, however long it is.

Document type declarations are refused, so there are no entities to expand and nothing outside is ever looked up.
Several answers may stand in one file, with other text between them.
"""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Iterator
from typing import NamedTuple
from xml.parsers import expat  # the declarations that make it unsafe are refused below

from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.names import printable
from cti_es.vocabulary.text_lines import ByteStream

_CHUNK = 1 << 18
_DEEPEST = 100
_LONGEST = 1 << 20
_SHOWN = 300
_START = re.compile(rb"<\?xml\b|<!DOCTYPE\b|<(?:[A-Za-z][\w.-]*:)?Envelope\b")
_CARRIED = 64


class Element(NamedTuple):
    """An element at its end: the names from the root down to it (without prefixes), its text, its line."""

    path: tuple[str, ...]
    text: str
    line: int


def elements(stream: ByteStream, name: str) -> Iterator[Element]:
    """The elements of all documents in a file, each when it ends.

    Raises :class:`InputError` for XML that is broken or cut off, a document type declaration, and an answer that is a
    fault. ``name`` is what errors call the file.
    """
    documents = _Documents(name)
    for data in _pieces(stream, name, documents):
        yield from documents.feed(data)
    documents.end()


def _pieces(stream: ByteStream, name: str, documents: "_Documents") -> Iterator[bytes]:
    """The bytes of the file; UTF-16 as UTF-8."""
    data = stream.read1(_CHUNK)
    if not data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        while data:
            yield data
            data = stream.read1(_CHUNK)
        return
    documents.encoding = "utf-8"
    decoder = getincrementaldecoder("utf-16")()
    try:
        while data:
            yield decoder.decode(data).encode()
            data = stream.read1(_CHUNK)
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise InputError(f"not UTF-16 after its byte-order mark: {error}", where=name) from None


class _Ended(Exception):
    """Thrown by the parser at the end of a document: its last tag begins at ``index``."""

    def __init__(self, index: int, line: int) -> None:
        super().__init__()
        self.index = index
        self.line = line


class _Documents:
    """XML documents, one behind the other. ``encoding`` is theirs, whatever they declare (None: what they declare)."""

    def __init__(self, name: str) -> None:
        self.encoding: str | None = None
        self._name = name
        self._parser: expat.XMLParserType | None = None
        self._fed = 0
        self._line = 1
        self._rest = b""
        self._path: list[str] = []
        self._texts: list[list[str]] = []
        self._sizes: list[int] = []
        self._found: list[Element] = []

    def feed(self, data: bytes) -> list[Element]:
        """The elements that end in these bytes."""
        self._found = []
        while data:
            data = self._parsed(data) if self._parser else self._searched(data)
        return self._found

    def end(self) -> None:
        """Raise :class:`InputError` if the last document is not whole."""
        if self._parser is not None:
            raise self._error("the XML ends in the middle", self._parser.CurrentLineNumber)

    def _searched(self, data: bytes) -> bytes:
        """What begins with the next document."""
        data = self._rest + data
        found = _START.search(data)
        skipped = data[: found.start()] if found else data[:-_CARRIED]
        self._line += skipped.count(b"\n")
        self._rest = b""
        if found is None:
            self._rest = data[len(skipped) :]
            return b""
        self._begin()
        return data[found.start() :]

    def _begin(self) -> None:
        parser = expat.ParserCreate(self.encoding)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._open
        parser.EndElementHandler = self._close
        parser.CharacterDataHandler = self._read
        self._parser, self._fed, self._path, self._texts, self._sizes = parser, 0, [], [], []

    def _parsed(self, data: bytes) -> bytes:
        """Parse some bytes; what is behind the end of the document is returned."""
        parser = self._parser
        assert parser is not None  # noqa: S101
        try:
            parser.Parse(data)
        except _Ended as ended:
            end = data.index(b">", max(0, ended.index - self._fed)) + 1
            self._line += ended.line - 1
            self._parser = None
            return data[end:]
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise self._error(f"broken XML: {error}", parser.ErrorLineNumber) from None
        self._fed += len(data)
        return b""

    def _open(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= _DEEPEST:
            raise self._error(f"more than {_DEEPEST} elements inside each other", self._here())
        self._path.append(tag.rpartition(":")[2])
        self._texts.append([])
        self._sizes.append(0)

    def _read(self, text: str) -> None:
        if not self._texts:
            return
        self._sizes[-1] += len(text)
        if self._sizes[-1] > _LONGEST:
            raise self._error("a value over 1 MiB", self._here())
        self._texts[-1].append(text)

    def _close(self, tag: str) -> None:
        text = "".join(self._texts.pop())
        self._sizes.pop()
        if self._path[-1].lower() in ("faultstring", "text") and "Fault" in self._path:
            raise self._error(f"a fault, no answer: {printable(' '.join(text.split()))[:_SHOWN]}", self._here())
        self._found.append(Element(tuple(self._path), text, self._here()))
        self._path.pop()
        if not self._path and self._parser is not None:
            raise _Ended(self._parser.CurrentByteIndex, self._here())

    def _refuse(self, *declaration: object) -> None:
        raise self._error("a document type declaration, which no answer of a cluster has", self._here())

    def _here(self) -> int:
        return self._parser.CurrentLineNumber if self._parser else 1

    def _error(self, what: str, line: int) -> InputError:
        where = f"{self._name}:{self._line - 1 + line}"
        return InputError(what, where=where, expected="the whole answer of AXL or RisPort, as it came")
