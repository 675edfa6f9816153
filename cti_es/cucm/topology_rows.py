"""What a cluster prints of itself → rows: tables of ``run sql``, answers of AXL (executeSQLQuery) and of RisPort.

Specified in docs/reference/imports.md#topology. A row is its values by the names of the columns. What a row says is for
:mod:`cti_es.cucm.topology`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from cti_es.cucm.claims import SkipReason
from cti_es.cucm.topology_xml import Element
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.text_lines import numbered

Says = Literal["node", "group", "device", "line", "user", "open"]

COLUMNS: dict[Says, tuple[frozenset[str], ...]] = {
    "node": (frozenset({"node", "ctiid"}),),
    "group": (frozenset({"cmgroup", "priority", "node"}),),
    "device": (frozenset({"device", "cmgroup", "tkmodel"}), frozenset({"device", "cmgroup", "model"})),
    "line": (frozenset({"device", "dn"}),),
    "user": (frozenset({"device", "appuser"}), frozenset({"device", "enduser"})),
    "open": (frozenset({"cti_manager", "app_open"}),),
}
"""What a row says → the columns that it has then, one set or another."""

_RUNS = re.compile(rb"(?:^|\n)([^\n]*+)\n=++(?: =++)++[ \t]*+\r?(?=\n|\Z)")
_FLAT = re.compile(rb"(?:^|\n)[^\n]*[^=\n]{2} =++(?: =++)++ [^\n]*[^=\s]")
_RUN = re.compile("=+")
_RUNS_LINE = re.compile("=++(?: =++)++")
_PROMPT = "admin:"


class Row(NamedTuple):
    """A row: the line on which it stands, and its values by column; None for NULL and nothing."""

    line: int
    values: dict[str, str | None]


@lru_cache(maxsize=256)
def says(columns: frozenset[str]) -> tuple[Says, ...]:
    """What rows with these columns say; nothing if they are not known here."""
    return tuple(what for what, some in COLUMNS.items() if any(needed <= columns for needed in some))


TablesKind = Literal["tables", "other_tables", "flat_table"]


_ANSWER = re.compile(rb"<(?:[A-Za-z][\w.-]*:)?(executeSQLQueryResponse|CtiNodes|CmNodes|Fault)\b")


def answer_in(start: bytes) -> bytes | None:
    """The element by which an answer of AXL or RisPort is known, at the start of a file; None if there is none."""
    found = _ANSWER.search(start)
    return found[1] if found else None


def tables_in(start: bytes) -> TablesKind | None:
    """What tables stand at the start of a file: some that say something, only others, or one in a single line."""
    if b"= =" not in start:  # the run of one column and that of the next
        return None
    others = False
    for header, runs in _tables(start):
        if says(frozenset(_header(header, runs))):
            return "tables"
        others = True
    if others:
        return "other_tables"
    return "flat_table" if _FLAT.search(start) else None


def _tables(start: bytes) -> Iterator[tuple[str, str]]:
    for found in _RUNS.finditer(start):
        runs = found[0].rpartition(b"\n")[2]
        yield found[1].decode("utf-8", "replace"), runs.decode().rstrip()


def _header(line: str, runs: str) -> list[str]:
    """The names of the columns, in lower case."""
    return [cell.lower() for cell in _cut(line, _slices(runs)) or ()]


def _slices(runs: str) -> list[tuple[int, int]]:
    return [(run.start(), run.end()) for run in _RUN.finditer(runs)]


def _cut(line: str, slices: list[tuple[int, int]]) -> list[str] | None:
    """The cells of a line; None if something stands between two columns. The last one has no end."""
    if any(line[end : end + 1].strip() for _, end in slices[:-1]):
        return None
    last = slices[-1][0]
    return [*(line[start:end].strip() for start, end in slices[:-1]), line[last:].strip()]


LeaveOut = Callable[[SkipReason, int], None]


class Tables:
    """Reads the tables of a saved terminal session. ``lines`` counts its lines; ``leave_out`` hears of bad rows."""

    def __init__(self, name: str, leave_out: LeaveOut) -> None:
        self.lines = 0
        self._name = name
        self._leave_out = leave_out
        self._slices: list[tuple[int, int]] = []
        self._columns: list[str] = []

    def rows(self, text: Iterable[list[bytes]]) -> Iterator[Row]:
        """The rows of all tables that say something. Raises :class:`InputError` for a column that stands twice."""
        before = b""
        for first, some in numbered(text):
            for number, line in enumerate(some, first):
                self.lines = number
                if line.startswith(b"=") and _RUNS_LINE.fullmatch(runs := line.decode("latin-1").rstrip()):
                    self._begin(before, runs, number - 1)
                elif self._slices and (row := self._row(line, number)) is not None:
                    yield row
                before = line

    def _begin(self, header: bytes, runs: str, number: int) -> None:
        self._slices = _slices(runs)
        self._columns = _header(header.decode("utf-8", "replace").rstrip(), runs)
        known = says(frozenset(self._columns))
        for column in self._columns if known else ():
            if self._columns.count(column) > 1:
                raise InputError(f"two columns '{column}'", where=f"{self._name}:{number}",
                                 expected="each column once in a table")  # fmt: skip
        if not known:
            self._leave_out("other_table", number)
            self._slices = []

    def _row(self, line: bytes, number: int) -> Row | None:
        stripped = line.strip()
        if not stripped or stripped.startswith(_PROMPT.encode()):
            self._slices = []
            return None
        try:
            cells = self._cells(line.rstrip())
        except UnicodeDecodeError:
            self._leave_out("not_utf8", number)
            return None
        if cells is None:
            self._leave_out("bad_row", number)
            return None
        return Row(number, {column: _value(cell) for column, cell in zip(self._columns, cells, strict=True)})

    def _cells(self, line: bytes) -> list[str] | None:
        """The cells. Letters beyond ASCII shift columns: cut by bytes if that fits, else by characters."""
        text = line.decode()
        if text.isascii() or (cells := _cut(line.decode("latin-1"), self._slices)) is None:
            return _cut(text, self._slices)
        try:
            return [cell.encode("latin-1").decode() for cell in cells]
        except UnicodeDecodeError:  # cut inside a letter
            return _cut(text, self._slices)


def _value(text: str) -> str | None:
    return None if text in ("", "NULL") else text


def answer_rows(elements: Iterable[Element]) -> Iterator[Row]:
    """The rows of answers to executeSQLQuery; and those of answers to selectCtiItem, as if they were a table of
    ``cti_manager``, ``app_open``, ``device_open`` and ``line_open``.
    """
    values: dict[str, str | None] = {}
    item: dict[tuple[str, ...], str] = {}
    node = ""
    for path, text, line in elements:
        if path[-3:-1] == ("return", "row"):
            values[path[-1].lower()] = _value(text.strip())
        elif path[-2:] == ("return", "row"):
            yield Row(line, values)
            values = {}
        elif path[-3:] == ("CtiNodes", "item", "Name"):
            node = text.strip()
        elif path[-2:] == ("CtiItems", "item"):
            if (opened := _opened(node, item)) is not None:
                yield Row(line, opened)
            item = {}
        elif "CtiItems" in path and text.strip():
            item[path[-2:]] = text.strip()


def _opened(node: str, item: dict[tuple[str, ...], str]) -> dict[str, str | None] | None:
    """What an application has open by an item of selectCtiItem; None if nothing."""
    states = {key[-1]: value.lower() == "open" for key, value in item.items() if key[-1].endswith("Status")}
    if not any(states.values()):
        return None
    device = states.get("DeviceStatus") or states.get("LineStatus")
    return {
        "cti_manager": node or None,
        "app_open": item.get(("item", "UserId")),
        "device_open": item.get(("CtiDevice", "DeviceName")) if device else None,
        "line_open": item.get(("CtiLine", "DirNumber")) if states.get("LineStatus") else None,
    }
