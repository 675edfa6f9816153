"""How each kind of row looks: the columns of text and CSV, the object of NDJSON.

Here are the rows of the fold and what all views share. A view needs the type of its rows, and what stands behind that
type takes time to load: so the views of answers, of logs and of cluster files have modules of their own.
"""

from typing import TYPE_CHECKING, Any

import msgspec

from cti_es.answers.selection import NodeCount
from cti_es.model.homes import Home
from cti_es.model.providers import ProviderRow
from cti_es.model.replay import MisfitReport
from cti_es.vocabulary.events import encode
from cti_es.vocabulary.tapi import Message
from cti_es_cli.output import View
from cti_es_cli.times import shown_time, time_of_day

if TYPE_CHECKING:
    from cti_es.answers.history import Change


def as_json(row: msgspec.Struct) -> bytes:
    """A row as NDJSON has it, without the newline."""
    return encode(row)


def values_of(row: msgspec.Struct) -> list[Any]:
    """The fields of a row, in order, for CSV."""
    return [flat(getattr(row, field)) for field in row.__struct_fields__]


def flat(value: Any) -> Any:
    """A value for one CSV cell: lists, objects, true and false as JSON."""
    return encode(value).decode() if isinstance(value, list | tuple | dict | bool) else value


def or_dash(value: object) -> str:
    """A value as text has it; a dash where there is none."""
    return "-" if value is None or value == "" else str(value)


# --- messages and misfits -------------------------------------------------------------------------------------------

_MESSAGE_COLOURS = {
    "PHONESTATE_SUSPEND": "red",
    "LINEDEVSTATE_OUTOFSERVICE": "red",
    "PHONESTATE_RESUME": "green",
    "LINEDEVSTATE_INSERVICE": "green",
    None: "magenta",
}


def _message_in_short(row: Message) -> str:
    """``PHONE SUSPEND``, ``LINE OUTOFSERVICE``, ``LINE CLOSE``."""
    kind, _, rest = row.message.partition("_")
    return f"{kind} {row.param1_name.partition('_')[2] if row.param1_name else rest}"


def _time_of_day(row: Message) -> str:
    """``09:17:30``."""
    return time_of_day(row.at)


def _reason_in_short(row: Message) -> str:
    """``ReHomeToHigherPri…``: as long as CallManagerFailure, which is the most frequent one."""
    return in_short(row.param2_name or "-")


def in_short(reason: str) -> str:
    """A reason in at most 18 characters."""
    return reason if len(reason) <= 18 else f"{reason[:17]}…"


MESSAGES: View[Message] = View(
    titles=("SEQ", "VERSION", "AT", "APP", "DEVICE", "LINE", "HANDLE", "MESSAGE", "PARAM1", "REASON", "RULE"),
    cells=lambda row: (
        str(row.seq),
        str(row.version),
        shown_time(row.at),
        row.app,
        row.device,
        or_dash(row.line),
        or_dash(row.handle),
        row.message,
        row.param1_name or (f"device id {row.param1}" if row.handle is None else "-"),
        or_dash(row.param2_name),
        row.rule,
    ),
    fields=Message.__struct_fields__,
    values=values_of,
    json=as_json,
    colour=lambda row: _MESSAGE_COLOURS.get(row.param1_name),
    narrower=(
        {"RULE": None},
        {"HANDLE": None},
        {"PARAM1": None, "MESSAGE": _message_in_short},
        {"VERSION": None},
        {"AT": _time_of_day},
        {"REASON": _reason_in_short},
        {"APP": None},
        {"AT": None},
        {"REASON": None},
    ),
)

MISFITS: View[MisfitReport] = View(
    titles=("VERSION", "AT", "TYPE", "CODE", "TEXT"),
    cells=lambda row: (str(row.version), shown_time(row.at), row.type, row.code, row.text),
    fields=MisfitReport.__struct_fields__,
    values=values_of,
    json=as_json,
    colour=lambda row: "yellow",
)


# --- homes ----------------------------------------------------------------------------------------------------------

STATE_COLOURS = {"in_service": "green", "out_of_service": "red"}
STATES_IN_SHORT = {"in_service": "in", "out_of_service": "out"}


def lines_of(row: "Home | Change") -> str:
    """The lines of a device, and which of them are out of service."""
    out = [number for number, state in row.lines.items() if state == "out_of_service"]
    if not row.lines:
        return "-"
    if not out:
        return f"{' '.join(row.lines)} in service"
    if len(out) == len(row.lines):
        return f"{' '.join(out)} out of service"
    return f"{' '.join(row.lines)}, of them {' '.join(out)} out of service"


def lines_in_short(home: "Home | Change") -> str:
    """``3``, or ``3, 1 out``."""
    out = sum(1 for state in home.lines.values() if state == "out_of_service")
    return f"{len(home.lines)}, {out} out" if out else str(len(home.lines))


HOMES: View[Home] = View(
    titles=("DEVICE", "KIND", "STATE", "HOME", "ORIGINAL", "CALLS", "REHOME TO", "LINES"),
    cells=lambda row: (
        row.device,
        row.kind,
        row.state,
        or_dash(row.home),
        row.original,
        str(row.calls),
        or_dash(row.rehome_to),
        lines_of(row),
    ),
    fields=Home.__struct_fields__,
    values=values_of,
    json=as_json,
    colour=lambda row: "yellow" if row.rehome_to else STATE_COLOURS.get(row.state),
    narrower=(
        {"KIND": None},
        {"LINES": lines_in_short},
        {"ORIGINAL": None},
        {"CALLS": None},
        {"STATE": lambda row: STATES_IN_SHORT.get(row.state, row.state)},
        {"LINES": None},
    ),
)


NODE_COUNTS: View[NodeCount] = View(
    titles=("NODE", "DEVICES", "CTI PORTS", "ROUTE POINTS", "PHONES", "CALLS", "ELSEWHERE"),
    cells=lambda row: tuple(str(value) for value in values_of(row)),
    fields=NodeCount.__struct_fields__,
    values=values_of,
    json=as_json,
    colour=lambda row: "yellow" if row.elsewhere else None,
    narrower=({"CTI PORTS": None, "ROUTE POINTS": None, "PHONES": None}, {"CALLS": None}),
)


# --- providers -------------------------------------------------------------------------------------------------------


PROVIDERS: View[ProviderRow] = View(
    titles=("APP", "CTI MANAGERS", "LINK", "SINCE", "HANDLES", "OUT", "WAITING", "WITHDRAWN"),
    cells=lambda row: (
        row.app,
        " ".join(row.cti_managers),
        "adrift" if row.adrift else or_dash(row.link),
        str(row.since),
        str(row.handles),
        str(row.out),
        str(row.waiting),
        or_dash(" ".join(row.withdrawn)),
    ),
    fields=ProviderRow.__struct_fields__,
    values=values_of,
    json=as_json,
    colour=lambda row: None if row.link else "red",
)
