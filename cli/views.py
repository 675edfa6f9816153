"""How each kind of row looks: the columns of text and CSV, the object of NDJSON."""

from collections import Counter
from typing import Any

import msgspec

from cti_es.answers.history import Change
from cti_es.answers.impact import DeviceImpact, Scenario, Weakness
from cti_es.answers.incidents import Incident
from cti_es.answers.observed import OnlyObserved, observed_text
from cti_es.answers.out_of_service import Outage
from cti_es.answers.selection import NodeCount
from cti_es.cucm.registrations import Compared, Verdict
from cti_es.model.homes import Home
from cti_es.model.providers import ProviderRow
from cti_es.model.replay import MisfitReport
from cti_es.report.rows import EventRow, FaultRow, LogRow, details
from cti_es.traces.diff.lint import Violation
from cti_es.vocabulary.events import EVENT_TYPES, encode, fields_of, type_of
from cti_es.vocabulary.names import printable
from cti_es.vocabulary.tapi import Message
from cti_es_cli.output import View
from cti_es_cli.times import shown_time, time_of_day


def _json(row: msgspec.Struct) -> bytes:
    return encode(row)


def _values(row: msgspec.Struct) -> list[Any]:
    return [_flat(getattr(row, field)) for field in row.__struct_fields__]


def _flat(value: Any) -> Any:
    """A value for one CSV cell: lists, objects, true and false as JSON."""
    return encode(value).decode() if isinstance(value, list | tuple | dict | bool) else value


def _or_dash(value: object) -> str:
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
    return _in_short(row.param2_name or "-")


def _in_short(reason: str) -> str:
    return reason if len(reason) <= 18 else f"{reason[:17]}…"


MESSAGES: View[Message] = View(
    titles=("SEQ", "VERSION", "AT", "APP", "DEVICE", "LINE", "HANDLE", "MESSAGE", "PARAM1", "REASON", "RULE"),
    cells=lambda row: (
        str(row.seq),
        str(row.version),
        shown_time(row.at),
        row.app,
        row.device,
        _or_dash(row.line),
        _or_dash(row.handle),
        row.message,
        row.param1_name or (f"device id {row.param1}" if row.handle is None else "-"),
        _or_dash(row.param2_name),
        row.rule,
    ),
    fields=Message.__struct_fields__,
    values=_values,
    json=_json,
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
    values=_values,
    json=_json,
    colour=lambda row: "yellow",
)


# --- homes ----------------------------------------------------------------------------------------------------------

_STATE_COLOURS = {"in_service": "green", "out_of_service": "red"}
_STATES_IN_SHORT = {"in_service": "in", "out_of_service": "out"}


def _lines(row: Home | Change) -> str:
    out = [number for number, state in row.lines.items() if state == "out_of_service"]
    if not row.lines:
        return "-"
    if not out:
        return f"{' '.join(row.lines)} in service"
    if len(out) == len(row.lines):
        return f"{' '.join(out)} out of service"
    return f"{' '.join(row.lines)}, of them {' '.join(out)} out of service"


def _lines_in_short(home: Home | Change) -> str:
    """``3``, or ``3, 1 out``."""
    out = sum(1 for state in home.lines.values() if state == "out_of_service")
    return f"{len(home.lines)}, {out} out" if out else str(len(home.lines))


HOMES: View[Home] = View(
    titles=("DEVICE", "KIND", "STATE", "HOME", "ORIGINAL", "CALLS", "REHOME TO", "LINES"),
    cells=lambda row: (
        row.device,
        row.kind,
        row.state,
        _or_dash(row.home),
        row.original,
        str(row.calls),
        _or_dash(row.rehome_to),
        _lines(row),
    ),
    fields=Home.__struct_fields__,
    values=_values,
    json=_json,
    colour=lambda row: "yellow" if row.rehome_to else _STATE_COLOURS.get(row.state),
    narrower=(
        {"KIND": None},
        {"LINES": _lines_in_short},
        {"ORIGINAL": None},
        {"CALLS": None},
        {"STATE": lambda row: _STATES_IN_SHORT.get(row.state, row.state)},
        {"LINES": None},
    ),
)


NODE_COUNTS: View[NodeCount] = View(
    titles=("NODE", "DEVICES", "CTI PORTS", "ROUTE POINTS", "PHONES", "CALLS", "ELSEWHERE"),
    cells=lambda row: tuple(str(value) for value in _values(row)),
    fields=NodeCount.__struct_fields__,
    values=_values,
    json=_json,
    colour=lambda row: "yellow" if row.elsewhere else None,
    narrower=({"CTI PORTS": None, "ROUTE POINTS": None, "PHONES": None}, {"CALLS": None}),
)


# --- impact ----------------------------------------------------------------------------------------------------------


def _busiest(row: Scenario) -> str:
    """``cm2 12 (was 4)``."""
    return f"{row.busiest.node} {row.busiest.devices} (was {row.busiest.before})" if row.busiest else "-"


def _given(row: msgspec.Struct) -> list[Any]:
    """The values of a row for CSV; an empty cell for what is left out, objects as JSON."""
    values = (getattr(row, field) for field in row.__struct_fields__)
    return [None if one is msgspec.UNSET else encode(one).decode() if isinstance(one, msgspec.Struct) else _flat(one)
            for one in values]  # fmt: skip


def scenarios_view(and_back: bool) -> View[Scenario]:
    """Scenarios; with what does not return (``and_back``)."""
    return View(
        titles=(
            "FAILS", "MOVED", "OUT", "CLOSED", "LINES LOST", "CALLS", "WITHOUT LINK", "BUSIEST",
            *(("NOT BACK",) if and_back else ()),
        ),
        cells=lambda row: (
            " ".join(row.fails), str(row.moved), str(row.out), str(row.closed), str(row.lines_lost), str(row.calls),
            _or_dash(" ".join(row.apps_without_link)), _busiest(row), *((str(row.not_back),) if and_back else ()),
        ),
        fields=Scenario.__struct_fields__,
        values=_given,
        json=_json,
        colour=lambda row: "green" if row.harmless else "red",
        narrower=(
            {"LINES LOST": None},
            {"WITHOUT LINK": lambda row: str(len(row.apps_without_link))},
            {"CALLS": None},
            {"BUSIEST": lambda row: f"{row.busiest.node} {row.busiest.devices}" if row.busiest else "-"},
            {"BUSIEST": None},
        ),
    )  # fmt: skip


def device_impacts_view(and_back: bool) -> View[DeviceImpact]:
    """Devices that scenarios change; with where they are once everything has recovered (``and_back``)."""
    return View(
        titles=(
            "FAILS", "DEVICE", "KIND", "FROM", "TO", "STATE", "CALLS", "WHY NONE",
            *(("BACK AT", "NOT BACK") if and_back else ()),
        ),
        cells=lambda row: (
            " ".join(row.fails), row.device, row.device_kind, _or_dash(row.from_home), _or_dash(row.to_home), row.state,
            str(row.calls), _or_dash(row.why_none),
            *((_or_dash(row.back_home), _or_dash(row.not_back)) if and_back else ()),
        ),
        fields=DeviceImpact.__struct_encode_fields__,
        values=_given,
        json=_json,
        colour=lambda row: _STATE_COLOURS.get(row.state, "magenta"),
        narrower=(
            {"KIND": None},
            {"STATE": lambda row: _STATES_IN_SHORT.get(row.state, row.state)},
            {"CALLS": None},
            {"BACK AT": None},
            {"FROM": None},
            {"WHY NONE": None},
            {"NOT BACK": None},
        ),
    )  # fmt: skip


IMPACT_ROWS: View[Scenario | DeviceImpact | Weakness] = View((), lambda row: (), (), _given, _json)
"""All of them, for NDJSON: each says of which kind it is."""


# --- history ---------------------------------------------------------------------------------------------------------


def _whom(row: Change) -> str:
    """``ivr 4 board 1``: who was told how many messages."""
    return " ".join(f"{app} {count}" for app, count in Counter(one.app for one in row.told).items())


HISTORY: View[Change] = View(
    titles=("VERSION", "AT", "EVENT", "DEVICE", "STATE", "HOME", "BECAUSE", "LINES", "CALLS", "TOLD"),
    cells=lambda row: (
        str(row.version),
        shown_time(row.at),
        row.event,
        row.device,
        _or_dash(row.state),
        _or_dash(row.home),
        row.because,
        _lines(row),
        str(row.calls),
        _or_dash(_whom(row)),
    ),
    fields=Change.__struct_fields__,
    values=_values,
    json=_json,
    colour=lambda row: _STATE_COLOURS.get(row.state or ""),
    narrower=(
        {"LINES": _lines_in_short},
        {"CALLS": None},
        {"AT": lambda row: time_of_day(row.at)},
        {"STATE": lambda row: _STATES_IN_SHORT.get(row.state or "", _or_dash(row.state))},
        {"BECAUSE": None},
        {"LINES": None},
    ),
)


# --- outages ---------------------------------------------------------------------------------------------------------


_OBSERVED_FIELDS = ("observed_from_at", "observed_until_at", "observed_seconds")
_OUTAGE_FIELDS = tuple(one for one in Outage.__struct_fields__ if one not in (*_OBSERVED_FIELDS, "line"))


def outages_view(lines: bool, observed: bool) -> View[Outage | OnlyObserved]:
    """Outages of devices, or (``lines``) of devices and lines; with what was ``observed`` of them."""
    fields = (*_OUTAGE_FIELDS, *(_OBSERVED_FIELDS if observed else ()), *(("line",) if lines else ()))
    return View(
        titles=(
            "DEVICE", *(("LINE",) if lines else ()), "KIND", "FROM", "FROM AT", "UNTIL", "UNTIL AT", "LENGTH",
            *(("OBSERVED", "OBSERVED AT") if observed else ()), "REASON", "CAUSE", "BEFORE", "AFTER", "CALLS",
            "HANDLES",
        ),
        cells=lambda row: (
            row.device, *((_or_dash(row.line),) if lines else ()), _or_dash(row.kind), _or_dash(row.from_version),
            shown_time(row.from_at), _or_dash(row.until_version), shown_time(row.until_at), row.length,
            *((observed_text(row), shown_time(row.observed_from_at or None)) if observed else ()),
            _or_dash(row.reason), _or_dash(row.cause), _or_dash(row.home_before), _or_dash(row.home_after),
            _or_dash(row.calls), _or_dash(row.handles),
        ),
        fields=fields,
        values=lambda row: [getattr(row, field) for field in fields],
        json=_json,
        colour=lambda row: "red" if row.lasts else None,
        narrower=(
            {"KIND": None},
            {"HANDLES": None},
            {"UNTIL": None, "UNTIL AT": None},
            {"LENGTH": lambda row: "at once" if row.at_once else row.length},
            {"FROM": None},
            {"REASON": lambda row: _in_short(_or_dash(row.reason))},
            {"FROM AT": lambda row: time_of_day(row.from_at)},
            {"CAUSE": None},
            {"CALLS": None},
            {"OBSERVED AT": None},
            {"BEFORE": None, "AFTER": None},
        ),
    )  # fmt: skip


INCIDENTS: View[Incident] = View((), lambda row: (), (), _values, _json)
"""For NDJSON; text and Markdown are reports."""


VERDICTS: dict[Verdict, str] = {
    "same": "the same",
    "elsewhere": "elsewhere",
    "registered": "registered, in the log out of service",
    "not_registered": "not registered, in the log in service",
    "only_ours": "in the log only",
    "only_theirs": "in the cluster only",
}
"""Verdicts of homes beside a cluster, in words."""

COMPARED: View[Compared] = View(
    titles=("DEVICE", "OURS", "THEIRS", "VERDICT"),
    cells=lambda row: (row.device, _or_dash(row.ours), _or_dash(row.theirs), VERDICTS[row.verdict]),
    fields=Compared.__struct_fields__,
    values=_values,
    json=_json,
    colour=lambda row: "red" if row.verdict in ("elsewhere", "registered", "not_registered") else None,
)


# --- providers -------------------------------------------------------------------------------------------------------


PROVIDERS: View[ProviderRow] = View(
    titles=("APP", "CTI MANAGERS", "LINK", "SINCE", "HANDLES", "OUT", "WAITING", "WITHDRAWN"),
    cells=lambda row: (
        row.app,
        " ".join(row.cti_managers),
        "adrift" if row.adrift else _or_dash(row.link),
        str(row.since),
        str(row.handles),
        str(row.out),
        str(row.waiting),
        _or_dash(" ".join(row.withdrawn)),
    ),
    fields=ProviderRow.__struct_fields__,
    values=_values,
    json=_json,
    colour=lambda row: None if row.link else "red",
)


# --- events ---------------------------------------------------------------------------------------------------------


_FIELDS = tuple(dict.fromkeys(field for name in EVENT_TYPES for field in fields_of(name) if field not in ("at", "id")))


EVENTS: View[EventRow] = View(
    titles=("VERSION", "AT", "TYPE", "FIELDS"),
    cells=lambda row: (str(row.version), shown_time(row.event.at), type_of[type(row.event)], details(row.event)),
    fields=("version", "type", *_FIELDS, "at", "id"),
    values=lambda row: [
        row.version,
        type_of[type(row.event)],
        *(_flat(getattr(row.event, field, None)) for field in (*_FIELDS, "at", "id")),
    ],
    json=lambda row: b'{"version":%d,' % row.version + encode(row.event)[1:],
)


# --- lint ------------------------------------------------------------------------------------------------------------

VIOLATIONS: View[Violation] = View(
    titles=("PLACE", "CHANNEL", "MESSAGE", "RULE", "WHAT"),
    cells=lambda row: (
        str(row.place),
        row.channel,
        row.message,
        row.rule,
        f"{row.text} (warning)" if row.warning else row.text,
    ),
    fields=Violation.__struct_fields__,
    values=_values,
    json=_json,
    colour=lambda row: "yellow" if row.warning else "red",
)


# --- logs and faults ------------------------------------------------------------------------------------------------


LOGS: View[LogRow] = View(
    titles=("LOG", "VERSIONS", "FIRST", "LAST", "HEAD"),
    cells=lambda row: (row.log, str(row.versions), shown_time(row.first), shown_time(row.last), row.head),
    fields=LogRow.__struct_fields__,
    values=_values,
    json=_json,
)


FAULTS: View[FaultRow] = View(
    titles=("LOG", "VERSION", "FAULT"),
    cells=lambda row: (_or_dash(row.log), _or_dash(row.version), printable(row.fault)),
    fields=FaultRow.__struct_fields__,
    values=_values,
    json=_json,
    colour=lambda row: "red",
)
