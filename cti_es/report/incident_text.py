"""An incident for people: as text, and as Markdown for a ticket (docs/reference/commands/incident.md)."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple, TypeVar, get_args

import msgspec

from cti_es.answers.failures import Failure, What
from cti_es.answers.incidents import Incident, NotBack
from cti_es.answers.observed import observed_text
from cti_es.answers.out_of_service import Outage
from cti_es.report.columns import padded, width, wrapped
from cti_es.report.markdown import bar, escaped, heading
from cti_es.vocabulary.events import Kind
from cti_es.vocabulary.names import printable
from cti_es.vocabulary.times import duration_text, sort_key

Row = TypeVar("Row", bound=msgspec.Struct)

SHOWN = 20
"""How many rows of a table are shown."""

_NAMED = 3
"""How many names stand in a list before the rest is only counted."""

_WHAT: dict[What, str] = {
    "node": "node {}",
    "call_manager": "call processing of {}",
    "cti_manager": "CTI Manager of {}",
    "device": "device {}",
    "link": "connection of {}",
}

_KINDS: dict[Kind, tuple[str, str]] = {
    "cti_port": ("CTI port", "CTI ports"),
    "route_point": ("route point", "route points"),
    "phone": ("phone", "phones"),
}


class Table(NamedTuple):
    """A part of the report: its title, the titles of the columns, and the rows."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def with_times(row: Row, time: Callable[[str], str]) -> Row:
    """An incident, or a row in one, with every time as ``time`` shows it, for text in another time zone."""
    changed: dict[str, Any] = {}
    for field in row.__struct_fields__:
        value = getattr(row, field)
        if isinstance(value, str) and (field == "at" or field.endswith("_at")):
            changed[field] = time(value)
        elif isinstance(value, list):
            changed[field] = [with_times(one, time) if isinstance(one, msgspec.Struct) else one for one in value]
    return msgspec.structs.replace(row, **changed)


def incidents_text(incidents: Sequence[Incident]) -> Iterator[str]:
    """The lines of a report as text: of several incidents a table first, then each with what it did at its top."""
    if not incidents:
        yield "no incidents"
    for table in _overview(incidents):
        yield table.title
        yield from _aligned(table, "  ")
        yield ""
    for number, one in enumerate(incidents):
        if number:
            yield ""
        yield title(one)
        for sentence in summary(one):
            yield from wrapped(f"  {sentence}", 2)
        for table in tables(one):
            yield ""
            yield f"  {table.title}"
            yield from _aligned(table, "    ")


def incidents_markdown(incidents: Sequence[Incident]) -> Iterator[str]:
    """The lines of the same report as Markdown, to paste into a ticket."""
    if not incidents:
        yield "no incidents"
    for table in _overview(incidents):
        yield f"## {table.title}"
        yield from _piped(table)
        yield ""
    for number, one in enumerate(incidents):
        if number:
            yield ""
        yield f"## {escaped(title(one))}"
        yield ""
        for sentence in summary(one):
            yield f"- {escaped(sentence)}"
        for table in tables(one):
            yield ""
            yield f"**{table.title}**"
            yield from _piped(table)


# --- what is said ---------------------------------------------------------------------------------------------------


def title(one: Incident) -> str:
    """What failed, in one line: ``Incident 2: node cm1 failed``."""
    return f"Incident {one.number}: {_listed(_names(one))} failed"


def summary(one: Incident) -> Iterator[str]:
    """When it was, what it did to devices, whether they are back, and what did not fit; a sentence each."""
    yield _when(one)
    did = [(sum(one.closed.values()), "closed by the system"), (sum(one.waited.values()), "out of service for a time")]
    moves = [f"{_of_kinds(kinds)} moved to {node}" for node, kinds in _moves(one).items()]
    yield "; ".join([*moves, *(f"{_devices(count)} {what}" for count, what in did if count)] or ["no device moved"])
    yield _returned(one)
    if one.messages:
        yield _messages(one)
    if one.misfits:
        yield f"{sum(row.count for row in one.misfits):,} events did not fit what the log says before them"


def tables(one: Incident) -> Iterator[Table]:
    """The parts that there is anything to say in."""
    day = (one.from_at or "")[:11]
    observed = ("OBSERVED",) if any(_is_beside(row) for row in one.outages) else ()
    found = (
        Table("Failed", ("WHAT", "FROM", "UNTIL", "LENGTH"), [_failure(row) for row in one.failed]),
        Table("Devices", ("", *(_KINDS[kind][1] for kind in get_args(Kind))), list(_device_counts(one))),
        Table("Told", ("APP", "MESSAGE", "REASON", "COUNT"),
              [(row.app, row.message, row.reason or "-", f"{row.count:,}") for row in one.messages]),
        Table("Worst outages", ("DEVICE", "AT", "LENGTH", *observed, "CALLS", "MOVED", "REASON"),
              [_outage(row, day) for row in one.outages]),
        Table("Not back", ("COUNT", "WHERE", "BACK", "WAITS FOR", "DEVICES"), list(_not_back(one, day))),
        Table("Did not fit", ("COUNT", "EVENT", "FIRST", "WHY"),
              [(f"{row.count:,}", row.type, str(row.version), row.text) for row in one.misfits]),
    )  # fmt: skip
    return (table for table in found if table.rows)


def _overview(incidents: Sequence[Incident]) -> Iterator[Table]:
    """A table of several incidents, a row each."""
    if len(incidents) > 1:
        columns = ("", "FAILED", "FROM", "LENGTH", "MOVED", "WAITED", "CLOSED", "NOT BACK")
        yield Table(f"{len(incidents):,} incidents", columns, list(map(_in_a_row, incidents)))


def _in_a_row(one: Incident) -> tuple[str, ...]:
    moved = sum(sum(nodes.values()) for nodes in one.moved.values())
    counts = (moved, sum(one.waited.values()), sum(one.closed.values()), _away(one))
    length = "still failed" if one.lasts else "-" if one.seconds is None else duration_text(one.seconds)
    begin = one.from_at or f"version {one.from_version}"
    return str(one.number), _listed(_names(one)), begin, length, *(f"{count:,}" for count in counts)


def _names(one: Incident) -> list[str]:
    """What failed, each once."""
    return list(dict.fromkeys(map(_failed, one.failed)))


def _away(one: Incident) -> int:
    """How many devices are not back when the log ends."""
    return sum(1 for row in one.not_back if row.back_version is None)


def _failed(row: Failure) -> str:
    return _WHAT[row.what].format(row.name)


def _when(one: Incident) -> str:
    begin = f"from {one.from_at or '-'} (version {one.from_version})"
    if one.lasts:
        return f"{begin}; it lasts when the log ends"
    length = f", {duration_text(one.seconds)}" if one.seconds is not None else ""
    return f"{begin} to {one.until_at or '-'} (version {one.until_version}){length}"


def _returned(one: Incident) -> str:
    away = _away(one)
    late = len(one.not_back) - away
    parts = [f"{_devices(away)} not back when the log ends"] if away else []
    parts += [f"{_devices(late)} back only after its end"] if late else []
    return "; ".join(parts) or "everything was back when it ended"


def _messages(one: Incident) -> str:
    told: Counter[str] = Counter()
    for row in one.messages:
        told[row.app] += row.count
    return f"messages: {_listed([f'{count:,} to {app}' for app, count in told.items()])}"


def _moves(one: Incident) -> dict[str, dict[Kind, int]]:
    """Node → how many devices of each kind moved there."""
    found: dict[str, dict[Kind, int]] = {}
    for kind, nodes in one.moved.items():
        for node, count in nodes.items():
            found.setdefault(node, {})[kind] = count
    return found


def _of_kinds(kinds: dict[Kind, int]) -> str:
    return ", ".join(f"{count:,} {_KINDS[kind][count > 1]}" for kind, count in kinds.items())


def _failure(row: Failure) -> tuple[str, ...]:
    what = f"{_failed(row)} ({row.reason})" if row.reason else _failed(row)
    return what, row.at or str(row.version), _until(row), "-" if row.seconds is None else duration_text(row.seconds)


def _until(row: Failure) -> str:
    return "still failed" if row.until_version is None else row.until_at or str(row.until_version)


def _device_counts(one: Incident) -> Iterator[tuple[str, ...]]:
    rows = {f"moved to {node}": kinds for node, kinds in _moves(one).items()}
    for what, kinds in (rows | {"waited": one.waited, "closed": one.closed}).items():
        if kinds:
            yield what, *(f"{kinds.get(kind, 0):,}" for kind in get_args(Kind))


def _outage(row: Outage, day: str) -> tuple[str, ...]:
    moved = f"{row.home_before or '-'} to {row.home_after or '-'}" if row.home_before != row.home_after else "no"
    observed = (observed_text(row),) if _is_beside(row) else ()
    at = _at(row.from_at, row.from_version, day)
    return row.device, at, row.length, *observed, f"{row.calls:,}", moved, row.reason or "-"


def _is_beside(row: Outage) -> bool:
    """Whether the outage stands beside a trace."""
    return row.observed_from_at is not msgspec.UNSET


def _at(at: str | None, version: int, day: str) -> str:
    """A time, without the day if that is the day of the incident; the version where there is none."""
    return at.removeprefix(day) if at else f"version {version}"


def _not_back(one: Incident, day: str) -> Iterator[tuple[str, ...]]:
    """A row for all devices that are in the same state at the same place and wait for the same."""
    for (back, state, home, waiting), rows in _grouped(one.not_back):
        last = max(rows, key=lambda row: (row.back_version or 0, sort_key(row.back_at or "Z")))
        when = f"by {_at(last.back_at, last.back_version or 0, day)}" if back else "no"
        where = f"at {home}" if home else _NOWHERE[state]
        yield f"{len(rows):,}", where, when, waiting or "nothing is due", _listed([row.device for row in rows])


_NOWHERE = {"out_of_service": "out of service", "unregistered": "closed"}


def _grouped(rows: list[NotBack]) -> Iterator[tuple[tuple[bool, str, str | None, str], list[NotBack]]]:
    def key(row: NotBack) -> tuple[bool, str, str, str]:
        return row.back_version is not None, row.state, row.home or "", row.waits_for

    for found, group in groupby(sorted(rows, key=key), key):
        yield found, list(group)


def _listed(names: Sequence[str]) -> str:
    """``cm1, cm2``; of many the first, and how many more."""
    more = len(names) - _NAMED
    return ", ".join(names) if more < 2 else f"{', '.join(names[:_NAMED])} and {more:,} more"


def _devices(count: int) -> str:
    return f"{count:,} device" if count == 1 else f"{count:,} devices"


# --- how it looks ---------------------------------------------------------------------------------------------------


def _shown(table: Table) -> list[tuple[str, ...]]:
    rows = list(table.rows[:SHOWN])
    if more := len(table.rows) - len(rows):
        rows.append((f"and {more:,} more", *("" for _ in table.columns[1:])))
    return rows


def _aligned(table: Table, indent: str) -> Iterator[str]:
    lines = [tuple(map(printable, cells)) for cells in (table.columns, *_shown(table))]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        yield f"{indent}{'  '.join(map(padded, cells, widths))}".rstrip()


def _piped(table: Table) -> Iterator[str]:
    yield ""
    yield from heading(table.columns)
    yield from map(bar, _shown(table))
