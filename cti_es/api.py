"""What a program can do with cti-es: the names that ``import cti_es`` gives (docs/reference/library.md).

Everything here is a few lines over what the commands use, too. Nothing waits to be iterated: a call reads all that it
has to read, and raises if it cannot.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from math import inf, isfinite
from pathlib import Path
from types import NoneType, TracebackType
from typing import Self, get_args, overload

from cti_es.answers.history import Change, HistoryReading
from cti_es.answers.impact import Asked, DeviceImpact, ImpactScope, Scenario, Weakness, impact
from cti_es.answers.incidents import Incident, IncidentReading, in_order
from cti_es.answers.names import check_known
from cti_es.answers.observed import Observed, ObservedReading, OnlyObserved
from cti_es.answers.out_of_service import Outage
from cti_es.answers.outages import OutageReading, Wanted
from cti_es.answers.window import Window
from cti_es.logs import reading
from cti_es.logs.bytes_in import is_piped, name_of, no_file, open_bytes
from cti_es.logs.open import A_SOURCE, is_store
from cti_es.logs.places import InFile, InMemory, Place, StoredEvent, place_of
from cti_es.logs.reading import Cut, Reading, StoredLog, check_end, parse_as_of, resumed_at
from cti_es.model.homes import Home
from cti_es.model.homes import homes as homes_of
from cti_es.model.providers import ProviderRow as Provider
from cti_es.model.providers import providers as providers_of
from cti_es.model.replay import MisfitReport as Misfit
from cti_es.model.replay import Replay
from cti_es.report.diff_text import Report
from cti_es.report.junit import junit_xml
from cti_es.report.rows import SummaryRow as Summary
from cti_es.traces import recognise
from cti_es.traces.checking import check_side
from cti_es.traces.comparing import SideOptions, compare_sides, open_sides, sure_of_reasons, warnings_of
from cti_es.traces.diff.compare import Comparison, DiffOptions, Order, Shift
from cti_es.traces.diff.differences import Difference
from cti_es.traces.diff.lint import Violation
from cti_es.traces.forms.common import TraceOptions
from cti_es.traces.handle_names import read_handles
from cti_es.traces.observing import observed_in
from cti_es.traces.recognise import TraceReading
from cti_es.traces.sides import EVERYTHING, LogSide, MessageSide, Selection, Side, received
from cti_es.vocabulary.errors import (
    Conflict,
    CtiEsError,
    InputError,
    MisfitsRefused,
    NotAStore,
    StoreError,
)
from cti_es.vocabulary.event_text import event_from_fields
from cti_es.vocabulary.events import Event
from cti_es.vocabulary.names import printable
from cti_es.vocabulary.tapi import Message, TraceMessage
from cti_es.vocabulary.times import canonical_time

AsOf = int | str | datetime | None
"""A point in a log: a version, a time (RFC 3339 text, or a datetime with a zone), or None for the end."""

Messages = list[Message] | list[TraceMessage] | tuple[Message | TraceMessage, ...]
"""Messages that a program has already."""

_PLAIN = (str, int, float, NoneType)  # what JSON has besides lists; bool is an int

__all__ = [
    "AsOf", "Change", "Conflict", "CtiEsError", "DeviceImpact", "DiffResult", "Difference", "Home", "Incident",
    "InputError", "Log", "Message", "Misfit", "MisfitsRefused", "NotAStore", "OnlyObserved", "Outage", "Provider",
    "Scenario", "StoreError", "StoredEvent", "Summary", "Trace", "TraceMessage", "Violation", "Weakness", "diff",
    "lint", "open", "read_trace",
]  # fmt: skip


# --- logs -----------------------------------------------------------------------------------------------------------


class Log:
    """A log of cluster events. ``Log()`` is a new one in memory; :func:`open` gives one that is in a store or a file.

    What is appended is kept at once. It can be used with ``with``, which closes it at the end.
    """

    def __init__(self) -> None:
        self._place: Place = InMemory()

    @property
    def name(self) -> str:
        """What errors and reports call it."""
        with self._place.reading() as log:
            return log.name

    @property
    def version(self) -> int:
        """The version of its last event; 0 if there is none."""
        with self._place.reading() as log:
            if isinstance(log, StoredLog):
                return log.store.head(log.log).version
            return sum(len(batch.events) for batch in log.batches())

    def append(self, event_type: str, /, *, allow_misfits: bool = False, **fields: object) -> StoredEvent:
        """Append one event and return what was stored. Its fields are those of its type; ``at`` may be a datetime.

        An event whose id is in the log already, with the same content, is not stored again: the one in the log is
        returned. Raises :class:`MisfitsRefused` for an event that does not fit the state of the log, unless that is
        allowed, :class:`InputError` for an unknown type, field or value, :class:`Conflict` for the id of another event.
        """
        return self._place.append([_event(event_type, fields, "append")], allow_misfits)[0]

    def extend(
        self, events: Iterable[StoredEvent | Mapping[str, object]], *, allow_misfits: bool = False
    ) -> list[StoredEvent]:
        """Append events, all of them or none, and return what was stored; see :meth:`append`.

        Each is a mapping with the ``type`` and the fields, or an event of another log.
        """
        return self._place.append([_any_event(one, number) for number, one in enumerate(events, 1)], allow_misfits)

    def events(self, *, as_of: AsOf = None) -> list[StoredEvent]:
        """Its events, up to a version or a time."""
        with self._place.reading() as log:
            return [
                StoredEvent(version, event)
                for batch in _batches(log, _cut(as_of))
                for version, event in enumerate(batch.events, batch.version)
            ]

    def messages(self, *, as_of: AsOf = None, app: str | None = None, device: str | None = None) -> list[Message]:
        """The TAPI messages that its events cause, in order, up to a version or a time.

        ``app`` and ``device`` leave out messages to others and about others; ``seq`` remains the number in the whole
        replay. Raises :class:`InputError` for an application or a device that the log does not have.
        """
        replay = Replay()
        with self._place.reading() as log:
            found = [one for batch in _batches(log, _cut(as_of)) for one in replay.messages(batch.events)]
        check_known("application", _named(app), replay.book.apps)
        check_known("device", _named(device), replay.cluster.devices)
        return [one for one in found if app in (None, one.app) and device in (None, one.device)]

    def misfits(self, *, as_of: AsOf = None) -> list[Misfit]:
        """The events that did not fit the state they met, up to a version or a time: those that were allowed."""
        replay = Replay()
        with self._place.reading() as log:
            for batch in _batches(log, _cut(as_of)):
                replay.advance(batch.events)
        return replay.taken_misfits()

    def homes(self, *, as_of: AsOf = None) -> dict[str, Home]:
        """The home of each device by its name, at a version or a time."""
        return {one.device: one for one in homes_of(self._state(as_of).cluster)}

    def providers(self, *, as_of: AsOf = None) -> dict[str, Provider]:
        """The provider of each application that has one, by the name of the application, at a version or a time."""
        return {one.app: one for one in providers_of(self._state(as_of).book)}

    def outages(
        self,
        *,
        as_of: AsOf = None,
        lines: bool = False,
        app: str | None = None,
        device: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
    ) -> list[Outage]:
        """What was out of service, as it ended, then what is still out, up to a version or a time.

        ``lines``: lines as well as devices. ``app``: as that application was told. ``device``: of this device only.
        ``since`` and ``until``: what touches the time between them. Raises :class:`InputError` for a window that ends
        before it begins; Python's ``warnings`` say of names that the log does not have, and of missing times.
        """
        devices = () if device is None else (device,)
        wanted = Wanted(lines, app, devices, _moment_or_none(since), _moment_or_none(until))
        with self._place.reading() as log:
            found = OutageReading(log, wanted, _cut(as_of))
            outages = [one for batch in found.batches() for one in batch]
        _warn(found.warnings)
        return outages

    def observed_outages(
        self,
        trace: "Trace | str | Path",
        *,
        handles: str | Path | None = None,
        as_of: AsOf = None,
        lines: bool = False,
        app: str | None = None,
        device: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
    ) -> list[Outage | OnlyObserved]:
        """The outages as :meth:`outages` gives them, with what a trace has of each; then those that only it has.

        ``handles`` is a CSV file that names the handles of the trace. Raises :class:`InputError` also for a trace
        without messages that have a time and a device.
        """
        wanted = Wanted(lines, app, () if device is None else (device,), _moment_or_none(since), _moment_or_none(until))
        observed, told = _observed(trace, handles, app, lines)
        with self._place.reading() as log:
            reading = ObservedReading(log, observed, wanted, _cut(as_of))
            outages = [one for batch in reading.batches() for one in batch]
        _warn([*told, *reading.warnings])
        return outages

    def incidents(
        self,
        *,
        as_of: AsOf = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        trace: "Trace | str | Path | None" = None,
        handles: str | Path | None = None,
    ) -> list[Incident]:
        """The summary of each incident, as they began, up to a version or a time.

        Failures that overlap are one incident. ``since`` and ``until``: those that touch the time between them.
        ``trace`` and ``handles`` as in :meth:`observed_outages`. Raises :class:`InputError` for a window that ends
        before it begins; Python's ``warnings`` say of missing times.
        """
        window = Window(_moment_or_none(since), _moment_or_none(until))
        observed, told = (None, []) if trace is None else _observed(trace, handles)
        with self._place.reading() as log:
            found = IncidentReading(log, window, _cut(as_of), observed)
            incidents = in_order(one for batch in found.batches() for one in batch)
        _warn([*told, *found.warnings])
        return incidents

    def history(self, device: str, *, as_of: AsOf = None) -> list[Change]:
        """Every change of a device's state, home and lines, in order, up to a version or a time.

        Raises :class:`InputError` for a device that the log never had.
        """
        with self._place.reading() as log:
            reading = HistoryReading(log, (device,), _cut(as_of))
            changes = [one for batch in reading.batches() for one in batch]
            if not changes:
                check_known("device", [device], reading.known)
        _warn(reading.warnings)
        return changes

    def impact(
        self,
        *,
        as_of: AsOf = None,
        fail: Iterable[Iterable[str]] | None = None,
        pairs: bool = False,
        scope: ImpactScope = "node",
        and_back: bool = False,
        devices: bool = False,
    ) -> list[Scenario | DeviceImpact | Weakness]:
        """What would happen if every node alone failed at the end, or at a version or a time; the log is not touched.

        ``fail``: sets of nodes that fail together; ``pairs``: every two nodes. ``scope``: nodes with their CTI Managers
        (``node``), call processing alone (``call_manager``) or CTI Managers alone (``cti_manager``). ``and_back``: they
        recover, too. ``devices``: each device that changes as well. Raises :class:`InputError` for unknown nodes.
        """
        sets = None if fail is None else [tuple(nodes) for nodes in fail]
        with self._place.reading() as log:
            rows, found = impact(log, Asked(sets, pairs, scope, and_back, devices), _cut(as_of))
        _warn(found)
        return list(rows)

    def _state(self, as_of: AsOf) -> Replay:
        with self._place.reading() as log:
            replay, found = resumed_at(log, _cut(as_of))
        _warn(found)
        return replay

    def close(self) -> None:
        """Let go of what is open. A log in memory can still be used afterwards."""
        self._place.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<cti_es.Log {self.name}>"


def open(  # noqa: A001 - it opens a log, as cti_es.open
    source: str | Path, *, create: bool = False, allow_misfits: bool = False, wait: float = 30.0
) -> Log:
    """The log that a SOURCE names: ``site.db``, ``site.db#lab``, a bare NDJSON file, ``-`` for standard input.

    ``create``: the store, or the log in it, is made by the first append if it is not there. The events of a bare file
    have to fit, unless ``allow_misfits``. ``wait`` is how many seconds to wait for another writer.

    Raises :class:`InputError`, :class:`MisfitsRefused` and :class:`StoreError`.
    """
    log = Log()
    log._place = place_of(_name(source, A_SOURCE), create, wait)
    if isinstance(log._place, InFile) and not allow_misfits and (found := log.misfits()):
        what = f"{len(found)} events do not fit" if len(found) > 1 else "1 event does not fit"
        text = f"{source}: {what}, the first is {found[0].version}: {found[0].code} {found[0].text}"
        raise MisfitsRefused(text, [one.version for one in found], found)
    return log


def _observed(
    trace: "Trace | str | Path", handles: str | Path | None, app: str | None = None, lines: bool = False
) -> tuple[Observed, list[str]]:
    """The outages that a trace has, and warnings about reading it."""
    with ExitStack() as stack:
        side = _side(stack, trace, EVERYTHING)
        observed = observed_in(side, read_handles(handles) if handles is not None else None, app, lines)
    return observed, side.warnings


def _event(event_type: str, fields: Mapping[str, object], where: str) -> Event:
    at = fields.get("at")
    given = {**fields, "at": _moment(at)} if isinstance(at, datetime) else dict(fields)
    for field, value in given.items():
        for one in value if isinstance(value, list | tuple) else (value,):
            if not isinstance(one, _PLAIN):
                expected = "text, numbers, true or false, lists of them"
                raise InputError(f"found {type(one).__name__}", where=f"{where}: $.{field}", expected=expected)
    return event_from_fields(event_type, given, where)


def _any_event(one: StoredEvent | Mapping[str, object], number: int) -> Event:
    if isinstance(one, StoredEvent):
        return one.event
    fields = dict(one) if isinstance(one, Mapping) else {}
    event_type = fields.pop("type", None)
    if not isinstance(event_type, str):
        found = "a mapping without a type" if isinstance(one, Mapping) else f"a {type(one).__name__}"
        raise InputError(found, where=f"event {number}", expected="a mapping with the type of the event")
    return _event(event_type, fields, f"event {number}")


def _batches(log: reading.Log, cut: Cut) -> Iterator[reading.Batch]:
    """The batches up to a cut."""
    found = Reading(log, 1, cut)
    yield from found.batches()
    check_end(log, cut, found.end)
    _warn(found.warnings)


def _warn(texts: list[str]) -> None:
    for text in texts:
        warnings.warn(text, stacklevel=4)


def _cut(as_of: AsOf) -> Cut:
    if as_of is None:
        return Cut()
    if isinstance(as_of, datetime):
        return Cut(moment=_moment(as_of))
    return parse_as_of(str(as_of))


def _named(name: str | None) -> list[str]:
    """The names to look for; None is no wish."""
    return [] if name is None else [name]


def _moment(at: str | datetime) -> str:
    """A time in canonical form. Raises :class:`InputError`, also for a datetime without a zone."""
    if isinstance(at, datetime) and at.utcoffset() is None:
        raise InputError(f"'{at.isoformat()}' is not a time", expected="a datetime with a zone: datetime.now(UTC)")
    return canonical_time(at.isoformat() if isinstance(at, datetime) else at)


def _name(source: object, expected: str) -> str:
    """The text of a path. Raises :class:`InputError` for anything else."""
    if not isinstance(source, str | Path):
        raise InputError(f"found {type(source).__name__}", expected=expected)
    return str(source)


# --- traces ---------------------------------------------------------------------------------------------------------


class Trace(Sequence[TraceMessage]):
    """The messages of a trace, read to its end. It is a sequence of :class:`TraceMessage`.

    ``format`` is the format it is in; ``skipped`` counts the messages of other kinds by name, ``bad`` those that could
    not be read and were left out (``skip_bad``).
    """

    def __init__(self, name: str, reading: TraceReading) -> None:
        self.name = name
        self._messages = [message for batch in reading for message in batch]
        self.format = reading.format or "empty"
        self.skipped = reading.skipped
        self.bad = reading.bad

    @overload
    def __getitem__(self, index: int) -> TraceMessage: ...
    @overload
    def __getitem__(self, index: slice) -> list[TraceMessage]: ...
    def __getitem__(self, index: int | slice) -> TraceMessage | list[TraceMessage]:
        return self._messages[index]

    def __len__(self) -> int:
        return len(self._messages)

    def __eq__(self, other: object) -> bool:
        """Whether :func:`diff` finds no difference. Expected is a log, another trace, or a list of messages."""
        if not isinstance(other, Log | Trace | list | tuple):
            return NotImplemented
        if isinstance(other, list | tuple) and not other:
            return not self._messages
        return diff(other, self).conforms

    def __repr__(self) -> str:
        return f"<cti_es.Trace {self.name} ({self.format}), {len(self)} messages>"

    def batches(self) -> Iterator[Sequence[TraceMessage]]:
        """All messages at once, as :class:`~cti_es.traces.sides.TraceSide` takes them."""
        yield self._messages


def read_trace(
    path: str | Path,
    *,
    format: str | None = None,
    skip_bad: bool = False,
    date: str | None = None,
    zones: Mapping[str, str] | None = None,
) -> Trace:
    """Read the messages that an application received: NDJSON, CSV, TAPI Browser, … (docs/reference/traces.md).

    The format is the one that the content shows, unless ``format`` names one. ``skip_bad`` counts what cannot be read
    instead of refusing it. ``date`` (``2026-01-31``) is the day on which a trace with times of day begins; ``zones``
    is what zones of stamps mean: ``{"": "Europe/Berlin"}`` for those that name none.

    Raises OSError, and :class:`InputError` for what cannot be read, and for a file with nothing in it.
    """
    name = _name(path, "the name of a trace")
    if not is_piped(name) and is_store(name):
        raise InputError(
            "a store", where=name_of(name), expected="a trace", hint="diff and open take a store by its name"
        )
    if not is_piped(name) and not Path(name).is_file():
        raise no_file(Path(name), "a trace")
    options = TraceOptions(skip_bad, date, dict(zones or {}))
    with open_bytes(path) as stream:
        trace = Trace(name, recognise.read_trace(stream, name, format, options))
    if not trace and not trace.skipped and not trace.bad:
        raise InputError("no message in it", where=name, expected="a trace")
    return trace


class DiffResult(str):
    """What came of a comparison. It is the text of the report; ``print(result)`` shows it.

    ``conforms`` is the verdict, ``differences`` all that differs, ``summary`` what was counted, ``warnings`` what a
    reader should know beside it. Ask for ``conforms``: a text is neither true nor false.
    """

    conforms: bool
    differences: list[Difference]
    summary: Summary
    warnings: list[str]
    _comparison: Comparison
    _where: tuple[Callable[[int], str], Callable[[int], str]]

    def __bool__(self) -> bool:
        raise TypeError("the result of a comparison is neither true nor false; ask for its .conforms")

    def junit(self) -> bytes:
        """The result as JUnit XML: one test case a channel."""
        return junit_xml(self._comparison, *self._where)


Comparable = Log | Trace | Messages | str | Path
"""A side of a comparison: a log, a trace, messages, or the name of a file as ``cti-es diff`` takes it."""


def diff(
    expected: Comparable,
    actual: Comparable | Sequence[Trace | str | Path],
    *,
    handles: str | Path | None = None,
    app: str | None = None,
    from_version: int = 1,
    to_version: int | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    order: Order = "channel",
    ignore_reason: bool | None = None,
    time_tolerance: float | None = None,
    shift: Shift | None = None,
    strict: bool = False,
    shown: int = 20,
) -> DiffResult:
    """Compare what a log causes with what an application received (docs/reference/comparison.md).

    Each side is a :class:`Log`, a :class:`Trace`, a list of messages (``log.messages(app="ivr")``), or the name of a
    file as ``cti-es diff`` takes it; ``actual`` may be a list of traces, which are merged by time. ``handles`` is a CSV
    file that names the handles of ``actual``. ``time_tolerance`` is in seconds; ``shift`` is by how many the clock of
    ``actual`` is ahead, or ``"auto"``. ``shown`` is how many differences the text shows. ``ignore_reason``: reasons do
    not decide; None leaves it to the formats, of which some cannot tell them. The other arguments are the options of
    that name of ``cti-es diff``.

    Raises :class:`InputError` for what cannot be read or compared.
    """
    _check_arguments(
        order=order, from_version=from_version, to_version=to_version, time_tolerance=time_tolerance, shift=shift
    )
    selection = Selection(app, from_version, to_version, _moment_or_none(since), _moment_or_none(until))
    named = read_handles(handles) if handles is not None else None
    with ExitStack() as stack:
        both = _side(stack, expected, selection), _side(stack, actual, selection)
        unsure = not sure_of_reasons(both) if ignore_reason is None else ignore_reason
        options = DiffOptions(
            order, unsure, strict, time_tolerance, named, shift=shift, note_reasons=ignore_reason is None
        )
        found = compare_sides(both, options)
        return _diff_result(both, found, Report(both, selection, options, found, shown))


def _diff_result(sides: tuple[Side, Side], found: Comparison, report: Report) -> DiffResult:
    told = warnings_of(sides)
    lines = [*(f"warning: {text}" for text in told), *(text for text, _ in report.lines())]
    result = DiffResult("\n".join(map(printable, lines)))
    result.conforms, result.differences = found.conforms, found.differences
    result.summary, result.warnings, result._comparison = report.summary(), told, found
    result._where = sides[0].where, sides[1].where
    return result


def _check_arguments(**given: object) -> None:
    """Refuse values of :func:`diff` that would be taken as something else."""
    for argument, value in given.items():
        is_right, wanted = _ARGUMENTS[argument]
        if not is_right(value):
            raise InputError(f"found {value!r}", where=argument, expected=wanted)


_ARGUMENTS: dict[str, tuple[Callable[[object], bool], str]] = {
    "order": (lambda one: one in get_args(Order), "channel, device or total"),
    "from_version": (lambda one: isinstance(one, int), "a version"),
    "to_version": (lambda one: one is None or isinstance(one, int), "a version, or None"),
    "time_tolerance": (lambda one: one is None or _is_number(one, 0), "seconds, or None"),
    "shift": (lambda one: one in (None, "auto") or _is_number(one), "seconds, 'auto', or None"),
}
"""Arguments of :func:`diff`: what is right, and what is wanted, in words."""


def lint(trace: Trace | str | Path, *, strict: bool = False) -> list[Violation]:
    """What a trace breaks of the rules that every trace must keep (docs/reference/commands/lint.md).

    ``strict``: a handle that is still out of service at the end is more than a warning. Raises :class:`InputError`.
    """
    with ExitStack() as stack:
        side = _side(stack, trace, EVERYTHING)
        return check_side(side, strict).violations


def _received(one: object) -> TraceMessage:
    if not isinstance(one, Message | TraceMessage):
        raise InputError(f"found {type(one).__name__}", expected="a Message or a TraceMessage")
    return received(one) if isinstance(one, Message) else one


def _is_number(value: object, least: float = -inf) -> bool:
    return isinstance(value, int | float) and isfinite(value) and value >= least


def _moment_or_none(at: str | datetime | None) -> str | None:
    return None if at is None else _moment(at)


def _side(stack: ExitStack, one: Comparable | Sequence[Trace | str | Path], selection: Selection) -> Side:
    if isinstance(one, Log):
        return LogSide(stack.enter_context(one._place.reading()), selection)
    if not isinstance(one, list | tuple):
        name = (
            one if isinstance(one, Trace) else _name(one, "a Log, a Trace, a list of messages, or the name of a file")
        )
        return stack.enter_context(open_sides([name], SideOptions(selection)))
    if one and isinstance(one[0], Trace | str | Path):
        several = [each if isinstance(each, Trace) else _name(each, "a Trace, or the name of a file") for each in one]
        return stack.enter_context(open_sides(several, SideOptions(selection)))
    return MessageSide("the messages", "given", [_received(message) for message in one], selection)
