"""Traces as CSV: the columns of ``cti-es replay --format csv``, in any order, under a header.

Specified in docs/reference/traces/csv.md.

A row is one line. Its fields are checked as those of NDJSON are.
"""

import csv
import re
from collections.abc import Iterator

from cti_es.traces.forms.common import Notes, quoted
from cti_es.traces.forms.ndjson import Row, received
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import TraceMessage
from cti_es.vocabulary.text_lines import numbered

_NEEDED = frozenset({"message", "param1", "param2"})
_NUMBER = re.compile("[0-9]{1,18}|0[xX][0-9a-fA-F]{1,15}")


def looks_like(start: bytes) -> bool:
    """Whether a file that starts like this has a header of messages."""
    return any(_is_header(line) for line in start.split(b"\n"))


def read(chunks: Iterator[list[bytes]], notes: Notes) -> Iterator[list[TraceMessage]]:
    """The messages, in batches as the lines come. Raises :class:`InputError` if there is no header."""
    table: _Table | None = None
    for first, lines in numbered(chunks):
        found = []
        for number, line in enumerate(lines, first):
            if table is None:
                table = _Table(line, notes) if _is_header(line) else None
            else:
                found += table.read(line, number)
        yield found
    if table is None:
        raise InputError("no header", where=notes.name, expected="a line with message,param1,param2 and other columns")


def _is_header(line: bytes) -> bool:
    # Most lines of a file that is none are told from a header without being taken apart.
    return b"param1" in line and b"param2" in line and _NEEDED.issubset(_cells(line) or ())


def _cells(line: bytes) -> list[str] | None:
    """The cells of a line; None if it is not CSV of UTF-8."""
    try:
        text = line.decode().strip(" \t\r")
        return next(csv.reader([text], strict=True), []) if '"' in text else text.split(",") if text else []
    except (UnicodeDecodeError, csv.Error):
        return None


class _Table:
    """The rows under a header."""

    def __init__(self, header: bytes, notes: Notes) -> None:
        self._header = [cell.strip() for cell in _cells(header) or ()]
        self._notes = notes

    def read(self, line: bytes, number: int) -> list[TraceMessage]:
        """The message of a line; none in a line of text, a header again or a message of another kind."""
        try:
            cells = self._row(line)
            if not cells or not self._notes.wants(cells["message"]):
                return []
            return [received(_row(cells), number)]
        except InputError as error:
            self._notes.unreadable(number, error)
            return []

    def _row(self, line: bytes) -> dict[str, str]:
        cells = _cells(line)
        if cells is not None and len(cells) == len(self._header) > 0:
            return {} if cells == self._header else dict(zip(self._header, cells, strict=True))
        if b"LINE_" not in line and b"PHONE_" not in line:
            return {}
        found = "cannot be taken apart" if cells is None else f"has {len(cells)} cells"
        raise InputError(f"a row that {found}", expected=f"{len(self._header)} cells as in the header")


def _row(cells: dict[str, str]) -> Row:
    return Row(
        cells["message"],
        _number(cells, "param1"),
        _number(cells, "param2"),
        cells.get("app") or None,
        cells.get("device") or None,
        cells.get("line") or None,
        cells.get("handle") or None,
        cells.get("at") or None,
        int(version) if _NUMBER.fullmatch(version := cells.get("version", "")) and version.isdigit() else None,
        cells.get("rule") or None,
    )


def _number(cells: dict[str, str], field: str) -> int | None:
    text = cells[field]
    if text and not _NUMBER.fullmatch(text):
        raise InputError(f"{field} is {quoted(text)}", expected="a number, decimal or 0x…")
    return int(text, 16 if text[:2] in ("0x", "0X") else 10) if text else None
