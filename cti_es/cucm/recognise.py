"""What a file is, by how it begins; and what is said of one that has nothing for an import."""

import re
from itertools import islice
from typing import Literal

from cti_es.cucm.cdr import START
from cti_es.cucm.nodes import COLUMNS as NODE_COLUMNS
from cti_es.cucm.topology_rows import COLUMNS, answer_in, tables_in
from cti_es.vocabulary.text_lines import start_as_utf8

FileKind = Literal["syslog", "cdr"]
"""What an import reads. An SDL trace is read as a syslog is."""

Nothing = Literal[
    "empty",
    "cmr",
    "cdr_rows",
    "event_viewer",
    "events",
    "nodes",
    "audit",
    "store",
    "archive",
    "other_program",
    "no_line",
    "zeros",
    "other_tables",
    "flat_table",
    "registrations",
    "late",
]
"""Why a file has nothing for an import."""

NOTHING: dict[Nothing, str] = {
    "empty": "nothing in it",
    "cmr": "CMR, the quality of calls: when they began and ended is in the CDR files",
    "cdr_rows": "rows of a CDR file without its header; put the line with the names of the columns in front",
    "event_viewer": "blocks of the Windows event viewer (CallManager 3 and 4), which do not say when they were written;"
    " the log files of later releases can be read",
    "events": "events of a log, not what a cluster wrote: these are appended",
    "nodes": "what the nodes are called in the files, which is no log",
    "audit": "the audit log of a node's operating system",
    "store": "a SQLite database",
    "archive": "an archive within an archive",
    "other_program": "a log of {}, not of CUCM; diff reads the traces of JTAPI applications",
    "zeros": "no line of a CUCM log in it, but zero bytes: is it UTF-16 without a byte-order mark?",
    "no_line": "no line of a CUCM log in it",
    "other_tables": "tables of other columns than topology has: "
    + ", or ".join(" ".join(sorted(some)) for sets in list(COLUMNS.values())[:-1] for some in sets),
    "flat_table": "a table of run sql whose lines somebody has joined; columns are known by where they stand: save the"
    " session as the terminal shows it",
    "late": "what the topology is, but behind a log of the same stream: give it as a file of its own",
    "registrations": "where devices are registered now, which is no event: it is compared with the homes of a log",
}
"""The same in words."""

PROGRAMS = {"JTAPI": "CiscoJtapi", "MIVR": "Unified CCX, its engine MIVR"}
"""How the facilities of other programs begin → their names."""

_REGISTRATIONS = b"CmNodes"
_RISDB = re.compile(rb"- (?:Phone|CTI) Information -", re.IGNORECASE)
_CMR = b"numberPacketsSent"
_CDR_COLUMN = b"globalCallID_callId"
_FEWEST_COLUMNS = 40
_LOOKED_AT = 64
_TYPES = re.compile(rb'"?(?:INTEGER|UNIQUEIDENTIFIER|STRING|VARCHAR\([0-9]+\))"?', re.IGNORECASE)
_AUDIT = re.compile(rb"audispd|\btype=[A-Z_]+ msg=audit\(")
_STARTS: dict[bytes, Nothing] = {b"SQLite format 3\0": "store", b"PK\x03\x04": "archive"}
_EVENT = re.compile(rb'\{.*"type"\s*:')
_BLOCK = re.compile(rb"(?m)^[ \t]*(?:App|Node|Cluster) ID[ \t]*:")
_ALARM = re.compile(rb"%[A-Za-z][A-Za-z0-9_-]*-[0-7]-")


TopologyKind = Literal["tables", "answers"]
"""What says how a cluster is made: tables of ``run sql``; answers of AXL and RisPort."""


def topology_kind(start: bytes) -> TopologyKind | None:
    """In which form a file that begins like this says something of the topology; None if it does not."""
    text = start_as_utf8(start)
    if tables_in(text) == "tables":
        return "tables"
    return "answers" if answer_in(text) not in (None, _REGISTRATIONS) else None


def kind_of(start: bytes) -> FileKind | Nothing:
    """What a file that begins like this is. A text of which nothing else is known may have lines of a CUCM log."""
    text = start_as_utf8(start).lstrip()
    if not text:
        return "empty"
    for begin, kind in _STARTS.items():
        if text.startswith(begin):
            return kind
    first = text.partition(b"\n")[0]
    if START in first or _CDR_COLUMN in first:
        return "cmr" if _CMR in first else "cdr"
    if _is_row(first):
        return "cdr_rows"
    if _EVENT.match(first):
        return "events"
    if _is_of_nodes(first):
        return "nodes"
    return _text_kind(text, first)


def _text_kind(text: bytes, first: bytes) -> FileKind | Nothing:
    """What a text is that has lines of any form; ``first`` is the first of them."""
    if topology_kind(text) is not None:
        return "late"
    if _ALARM.search(text):
        return "syslog"
    if answer_in(text) == _REGISTRATIONS or _RISDB.search(text):
        return "registrations"
    if (tables := tables_in(text)) in ("other_tables", "flat_table"):
        return tables
    if _BLOCK.search(text):
        return "event_viewer"
    return "audit" if _AUDIT.search(first) else "syslog"


def _is_of_nodes(line: bytes) -> bool:
    """Whether a line is the first of a file that says what the nodes are called."""
    cells = [cell.strip().lower().decode(errors="replace") for cell in line.split(b",")]
    return len(cells) > 1 and "node" in cells and set(cells) <= set(NODE_COLUMNS)


def looks_utf16(start: bytes) -> bool:
    """Whether every second byte of a text is zero, as in UTF-16 of these letters."""
    some = start[:_LOOKED_AT]
    return any(some[::2]) != any(some[1::2])


def program(facility: str) -> str:
    """The program that writes lines of a facility, as far as it has a name here."""
    first = facility.partition("-")[0]
    return f"{PROGRAMS.get(first, 'another program')} (%{first})"


def _is_row(line: bytes) -> bool:
    """Whether a line is a row of a CDR or CMR file, or the line with the types of its columns."""
    cells = line.rstrip(b"\r").split(b",")
    if len(cells) < _FEWEST_COLUMNS:
        return False
    return all(map(_TYPES.fullmatch, cells)) or all(cell.strip(b'"').isdigit() for cell in islice(cells, 3))
