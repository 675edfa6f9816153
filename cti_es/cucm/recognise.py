"""What a file is, by how it begins; and what is said of one that has nothing for an import."""

import re
from itertools import islice
from typing import Literal

from cti_es.cucm.cdr import START
from cti_es.vocabulary.text_lines import start_as_utf8

FileKind = Literal["syslog", "cdr"]
"""What an import reads. An SDL trace is read as a syslog is."""

Nothing = Literal["empty", "cmr", "cdr_rows", "event_viewer", "events", "other_program", "no_line"]
"""Why a file has nothing for an import."""

NOTHING: dict[Nothing, str] = {
    "empty": "nothing in it",
    "cmr": "CMR, the quality of calls: when they began and ended is in the CDR files",
    "cdr_rows": "rows of a CDR file without its header; put the line with the names of the columns in front",
    "event_viewer": "blocks of the Windows event viewer (CallManager 3 and 4), which do not say when they were written;"
    " the log files of later releases can be read",
    "events": "events of a log, not what a cluster wrote: these are appended",
    "other_program": "a log of another program, {}; what a JTAPI application was told is for diff, as a trace",
    "no_line": "no line of a CUCM log in it",
}
"""The same in words."""

_CMR = b"numberPacketsSent"
_CDR_COLUMN = b"globalCallID_callId"
_FEWEST_COLUMNS = 40
_TYPES = re.compile(rb'"?(?:INTEGER|UNIQUEIDENTIFIER|STRING|VARCHAR\([0-9]+\))"?', re.IGNORECASE)
_EVENT = re.compile(rb'\{.*"type"\s*:')
_BLOCK = re.compile(rb"(?m)^[ \t]*(?:App|Node|Cluster) ID[ \t]*:")
_ALARM = re.compile(rb"%[A-Za-z][A-Za-z0-9_-]*-[0-7]-")


def kind_of(start: bytes) -> FileKind | Nothing:
    """What a file that begins like this is. A text of which nothing else is known may have lines of a CUCM log."""
    text = start_as_utf8(start).lstrip()
    if not text:
        return "empty"
    first = text.partition(b"\n")[0]
    if START in first or _CDR_COLUMN in first:
        return "cmr" if _CMR in first else "cdr"
    if _is_row(first):
        return "cdr_rows"
    if _EVENT.match(first):
        return "events"
    if _BLOCK.search(text) and not _ALARM.search(text):
        return "event_viewer"
    return "syslog"


def _is_row(line: bytes) -> bool:
    """Whether a line is a row of a CDR or CMR file, or the line with the types of its columns."""
    cells = line.rstrip(b"\r").split(b",")
    if len(cells) < _FEWEST_COLUMNS:
        return False
    return all(map(_TYPES.fullmatch, cells)) or all(cell.strip(b'"').isdigit() for cell in islice(cells, 3))
