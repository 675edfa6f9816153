"""Traces as CSV: the columns of ``cti-es replay --format csv``, in any order, under a header.

A row is one line. Cells stand between commas, semicolons or tabs; blanks around them do not count, nor does the case
of a header. Its fields are checked as those of NDJSON are. See docs/reference/traces/csv.md.
"""

import csv
from collections.abc import Iterator

from cti_es.traces.forms.common import Notes
from cti_es.traces.forms.ndjson import Row, trace_message
from cti_es.traces.forms.values import number as read_number
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import TraceMessage
from cti_es.vocabulary.text_lines import numbered

_NEEDED = frozenset({"message", "param1", "param2"})
_DELIMITERS = ",;\t"


def looks_like(start: bytes) -> bool:
    """Whether a file that starts like this has a header of messages."""
    return any(_header(line) for line in start.split(b"\n"))


def read(chunks: Iterator[list[bytes]], notes: Notes) -> Iterator[list[TraceMessage]]:
    """The messages, in batches as the lines come. Raises :class:`InputError` if there is no header."""
    table: _Table | None = None
    for first, lines in numbered(chunks):
        found = []
        for number, line in enumerate(lines, first):
            if table is not None:
                found += table.read(line, number)
            elif (header := _header(line)) is not None:
                table = _Table(header, notes, number)
        yield found
    if table is None:
        raise InputError("no header", where=notes.name, expected="a line with message,param1,param2 and other columns")


def _header(line: bytes) -> tuple[str, list[str]] | None:
    """The delimiter and the columns of a header; None if the line is none."""
    # Most lines of a file that is none are told from a header without being taken apart.
    start = line.lower()
    if b"param1" not in start or b"param2" not in start:
        return None
    for delimiter in _DELIMITERS:
        columns = [cell.lower() for cell in _cells(line, delimiter) or ()]
        if _NEEDED.issubset(columns):
            return delimiter, columns
    return None


def _cells(line: bytes, delimiter: str) -> list[str] | None:
    """The cells of a line; None if it is not CSV of UTF-8."""
    try:
        text = line.decode()
        cells = next(csv.reader([text.strip()], delimiter=delimiter, strict=True), []) if '"' in text else None
    except (UnicodeDecodeError, csv.Error):
        return None
    return [cell.strip() for cell in (text.split(delimiter) if cells is None else cells)] if text.strip() else []


class _Table:
    """The rows under a header."""

    def __init__(self, header: tuple[str, list[str]], notes: Notes, number: int) -> None:
        self._delimiter, self._columns = header
        self._notes = notes
        if twice := [one for one in Row.__struct_fields__ if self._columns.count(one) > 1]:
            where = f"{notes.name}:{number}"
            raise InputError(f"the column '{twice[0]}' stands twice", where=where, expected="each column once")

    def read(self, line: bytes, number: int) -> list[TraceMessage]:
        """The message of a line; none in a line of text, a header again or a message of another kind."""
        try:
            cells = self._row(line)
            if not cells or not self._notes.wants(cells["message"]):
                return []
            return [trace_message(_row(cells), number)]
        except InputError as error:
            self._notes.unreadable(number, error)
            return []

    def _row(self, line: bytes) -> dict[str, str]:
        cells = _cells(line, self._delimiter)
        if cells is not None and len(cells) == len(self._columns):
            return {} if self._is_header(cells) else dict(zip(self._columns, cells, strict=True))
        if b"LINE_" not in line and b"PHONE_" not in line:
            return {}
        found = "cannot be taken apart" if cells is None else f"has {len(cells)} cells"
        raise InputError(f"a row that {found}", expected=f"{len(self._columns)} cells as in the header")

    def _is_header(self, cells: list[str]) -> bool:
        return cells[0].lower() == self._columns[0] and [cell.lower() for cell in cells] == self._columns


def _row(cells: dict[str, str]) -> Row:
    texts = {field: cells.get(field) or None for field in ("app", "device", "line", "handle", "at", "rule")}
    version = _number(cells.get("version", ""))
    return Row(cells["message"], _number(cells["param1"]), _number(cells["param2"]), **texts, version=version)


def _number(text: str) -> int | str | None:
    """A cell as a number, where it is one; else its text. An empty one cannot tell."""
    found = read_number(text)
    return (text or None) if found is None else found
