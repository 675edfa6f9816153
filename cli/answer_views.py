"""How the rows of ``impact``, ``history``, ``outages`` and ``incident`` look."""

from collections import Counter
from typing import Any

import msgspec

from cti_es.answers.history import Change
from cti_es.answers.impact import DeviceImpact, Scenario, Weakness
from cti_es.answers.incidents import Incident
from cti_es.answers.observed import OnlyObserved, observed_text
from cti_es.answers.out_of_service import Outage
from cti_es.vocabulary.events import encode
from cti_es_cli.output import View
from cti_es_cli.times import shown_time, time_of_day
from cti_es_cli.views import (
    STATE_COLOURS,
    STATES_IN_SHORT,
    as_json,
    flat,
    in_short,
    lines_in_short,
    lines_of,
    or_dash,
    values_of,
)

# --- impact ----------------------------------------------------------------------------------------------------------


def _busiest(row: Scenario) -> str:
    """``cm2 12 (was 4)``."""
    return f"{row.busiest.node} {row.busiest.devices} (was {row.busiest.before})" if row.busiest else "-"


def _given(row: msgspec.Struct) -> list[Any]:
    """The values of a row for CSV; an empty cell for what is left out, objects as JSON."""
    values = (getattr(row, field) for field in row.__struct_fields__)
    return [None if one is msgspec.UNSET else encode(one).decode() if isinstance(one, msgspec.Struct) else flat(one)
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
            or_dash(" ".join(row.apps_without_link)), _busiest(row), *((str(row.not_back),) if and_back else ()),
        ),
        fields=Scenario.__struct_fields__,
        values=_given,
        json=as_json,
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
            " ".join(row.fails), row.device, row.device_kind, or_dash(row.from_home), or_dash(row.to_home), row.state,
            str(row.calls), or_dash(row.why_none),
            *((or_dash(row.back_home), or_dash(row.not_back)) if and_back else ()),
        ),
        fields=DeviceImpact.__struct_encode_fields__,
        values=_given,
        json=as_json,
        colour=lambda row: STATE_COLOURS.get(row.state, "magenta"),
        narrower=(
            {"KIND": None},
            {"STATE": lambda row: STATES_IN_SHORT.get(row.state, row.state)},
            {"CALLS": None},
            {"BACK AT": None},
            {"FROM": None},
            {"WHY NONE": None},
            {"NOT BACK": None},
        ),
    )  # fmt: skip


IMPACT_ROWS: View[Scenario | DeviceImpact | Weakness] = View((), lambda row: (), (), _given, as_json)
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
        or_dash(row.state),
        or_dash(row.home),
        row.because,
        lines_of(row),
        str(row.calls),
        or_dash(_whom(row)),
    ),
    fields=Change.__struct_fields__,
    values=values_of,
    json=as_json,
    colour=lambda row: STATE_COLOURS.get(row.state or ""),
    narrower=(
        {"LINES": lines_in_short},
        {"CALLS": None},
        {"AT": lambda row: time_of_day(row.at)},
        {"STATE": lambda row: STATES_IN_SHORT.get(row.state or "", or_dash(row.state))},
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
            row.device, *((or_dash(row.line),) if lines else ()), or_dash(row.kind), or_dash(row.from_version),
            shown_time(row.from_at), or_dash(row.until_version), shown_time(row.until_at), row.length,
            *((observed_text(row), shown_time(row.observed_from_at or None)) if observed else ()),
            or_dash(row.reason), or_dash(row.cause), or_dash(row.home_before), or_dash(row.home_after),
            or_dash(row.calls), or_dash(row.handles),
        ),
        fields=fields,
        values=lambda row: [getattr(row, field) for field in fields],
        json=as_json,
        colour=lambda row: "red" if row.lasts else None,
        narrower=(
            {"KIND": None},
            {"HANDLES": None},
            {"UNTIL": None, "UNTIL AT": None},
            {"LENGTH": lambda row: "at once" if row.at_once else row.length},
            {"FROM": None},
            {"REASON": lambda row: in_short(or_dash(row.reason))},
            {"FROM AT": lambda row: time_of_day(row.from_at)},
            {"CAUSE": None},
            {"CALLS": None},
            {"OBSERVED AT": None},
            {"BEFORE": None, "AFTER": None},
        ),
    )  # fmt: skip


INCIDENTS: View[Incident] = View((), lambda row: (), (), values_of, as_json)
"""For NDJSON; text and Markdown are reports."""
