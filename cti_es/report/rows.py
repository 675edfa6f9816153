"""The rows of NDJSON and CSV that stand for no type of another room, and the fields of an event as text."""

from typing import Any, Literal, NamedTuple

import msgspec

from cti_es.logs.append import Appended
from cti_es.logs.store import Fault, LogInfo
from cti_es.traces.diff.differences import DifferenceKind
from cti_es.vocabulary.events import AnyEvent, Event, encode, fields_of, type_of
from cti_es.vocabulary.tapi import TraceMessage

# --- events ---------------------------------------------------------------------------------------------------------


class EventRow(NamedTuple):
    """An event with its version."""

    version: int
    event: Event


def details(event: Event) -> str:
    """The fields of an event as ``append`` takes them: ``device=CTIP01 lines=5001,5002``."""
    return " ".join(
        f"{field}={_assigned(field, getattr(event, field))}"
        for field in (*fields_of(type_of[type(event)]),)
        if field != "at" and getattr(event, field) is not None
    )


def _assigned(field: str, value: Any) -> str:
    if field == "ext_version":
        return f"0x{value:08X}"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, tuple):
        return str(value)
    if any("," in one or one.startswith("[") for one in value):
        return encode(value).decode()
    return ",".join(value)


# --- logs and faults ---


class LogRow(msgspec.Struct, frozen=True):
    """A log of a store, as NDJSON has it: its name, number of events, first and last time, head."""

    log: str
    versions: int
    first: str | None
    last: str | None
    head: str


def log_row(info: LogInfo) -> LogRow:
    """The row of a log."""
    first, last = _time(info.first.events, 0), _time(info.last.events, -1)
    return LogRow(info.name, info.head.version, first, last, str(info.head))


def _time(events: bytes, index: int) -> str | None:
    try:
        found = msgspec.json.decode(events)[index]["at"]
    except (msgspec.DecodeError, LookupError, TypeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, str) else None


class FaultRow(msgspec.Struct, frozen=True):
    """Something wrong with a store, as NDJSON has it: the log and version concerned (null: the store), what it is."""

    log: str | None
    version: int | None
    fault: str


def fault_row(fault: Fault) -> FaultRow:
    """The row of a fault."""
    return FaultRow(*fault)


class AppendedRow(msgspec.Struct, frozen=True):
    """What an append did, as NDJSON has it: how many events were stored, were there already, were stored as misfits.

    ``version`` and ``head`` are those of the log afterwards; ``head`` is null if all was only tried.
    """

    appended: int
    duplicates: int
    misfits: int
    version: int
    head: str | None


def appended_row(done: Appended, tried: bool) -> AppendedRow:
    """The row of an append; ``tried``: nothing was stored."""
    head = None if tried else str(done.head)
    return AppendedRow(done.appended, done.duplicates, len(done.misfits), done.head.version, head)


# --- comparisons ---


class DifferenceRow(msgspec.Struct, frozen=True):
    """One difference, as NDJSON has it. ``event`` is the event of the log that caused the expected message."""

    kind: DifferenceKind
    channel: str
    expected: TraceMessage | None
    actual: TraceMessage | None
    after: TraceMessage | None
    event: AnyEvent | None
    detail: str


class SummaryRow(msgspec.Struct, frozen=True):
    """The last object of the NDJSON: the verdict and what was counted. ``left_out`` counts the differences that are
    not among the objects before it.

    ``skipped`` and ``unreadable`` are of both sides. ``ahead`` is by how many seconds the clock of the actual side
    seems to be ahead, ``cut`` how many handles were compared with the likeliest channels only.
    """

    kind: Literal["summary"]
    conforms: bool
    expected: int
    actual: int
    matched: int
    announced: int
    compared_without_reason: int
    channels: int
    channels_differing: int
    too_different: int
    differences: dict[str, int]
    left_out: int
    skipped: dict[str, int]
    unreadable: int
    handles: Literal["inferred", "given", "named"]
    ahead: float
    cut: int
