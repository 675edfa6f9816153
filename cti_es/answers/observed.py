"""What applications were really told, beside the outages of a log (docs/reference/commands/outages.md#beside-a-trace).

A trace is read first; then a log says which of its outages each observation belongs to. What is remembered is the
trace, and of the log the outages of devices that are in the trace.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from cti_es.answers.out_of_service import Key, Outage
from cti_es.answers.outages import ALL, OutageReading, Wanted
from cti_es.answers.window import Window
from cti_es.logs.reading import WHOLE, Cut, Log
from cti_es.vocabulary.events import Kind
from cti_es.vocabulary.tapi import INSERVICE, OUTOFSERVICE, REASON_NAMES, RESUME, SUSPEND, TraceMessage
from cti_es.vocabulary.times import duration_text, seconds_between, sort_key

NEAR = 300.0
"""Seconds by which an outage may begin earlier or later in the trace than in the log."""


class Observation(NamedTuple):
    """An outage as a trace has it: from the first OUT or SUSPEND to the IN or RESUME, or the end of the handle.

    ``until_at`` is None if the trace does not have that.
    """

    from_at: str
    until_at: str | None
    reason: str | None

    @property
    def seconds(self) -> float | None:
        """How long it was; None if the trace does not have its end."""
        return seconds_between(self.from_at, self.until_at)


class OnlyObserved(msgspec.Struct, frozen=True, omit_defaults=True):
    """An outage that only the trace has, as NDJSON has it: the fields of an outage, null where only a log knows them.

    ``kind`` is null for a device that the log does not have.
    """

    device: str
    kind: Kind | None
    from_version: None
    from_at: None
    until_version: None
    until_at: None
    seconds: None
    reason: str | None
    cause: None
    home_before: None
    home_after: None
    calls: None
    handles: None
    observed_from_at: str
    observed_until_at: str | None
    observed_seconds: float | None
    line: str | None = None

    @property
    def lasts(self) -> bool:
        """Whether the trace does not have its end."""
        return self.observed_until_at is None

    @property
    def at_once(self) -> bool:
        """It is none of the model."""
        return False

    @property
    def took(self) -> float | None:
        """How many seconds it was in the trace."""
        return self.observed_seconds

    @property
    def length(self) -> str:
        """The log has none."""
        return "-"


def only_observed(key: Key, kind: Kind | None, one: Observation) -> OnlyObserved:
    """The row of an outage that only the trace has."""
    return OnlyObserved(
        key[0], kind, None, None, None, None, None, one.reason, None, None, None, None, None,
        one.from_at, one.until_at, one.seconds, key[1],
    )  # fmt: skip


def observed_text(row: Outage | OnlyObserved) -> str:
    """How long an outage was in the trace, in words."""
    if not row.observed_from_at:
        return "not seen"
    return "no end seen" if row.observed_seconds is None else duration_text(row.observed_seconds or 0)


# --- the trace ------------------------------------------------------------------------------------------------------

_OUT = {(one.message, one.param1) for one in (SUSPEND, OUTOFSERVICE)}
_IN = {(one.message, one.param1) for one in (RESUME, INSERVICE)}
_CLOSES = ("PHONE_CLOSE", "LINE_CLOSE")


class _Handle(NamedTuple):
    app: str | None
    line: str | None


class Observed:
    """The outages that the messages of a trace tell, by device and, with ``lines``, by line.

    A device is out while a phone handle of it is; where the trace has no message about one, while a line is. ``app``:
    as this application was told. ``without_time`` and ``without_device`` count messages that cannot be used.
    """

    def __init__(self, messages: Iterable[TraceMessage], app: str | None = None, lines: bool = False) -> None:
        self.without_time = 0
        self.without_device = 0
        told: dict[str, list[TraceMessage]] = {}
        for one in messages:
            self.without_time += one.at is None
            self.without_device += one.device is None
            if one.at is not None and one.device is not None and app in (None, one.app or app):
                told.setdefault(one.device, []).append(one)
        self.outages = dict(self._all(told, lines))

    @staticmethod
    def _all(told: Mapping[str, list[TraceMessage]], lines: bool) -> Iterator[tuple[Key, list[Observation]]]:
        for device, messages in told.items():
            has_phone = any(one.message == SUSPEND.message for one in messages)
            yield (device, None), list(_outages(one for one in messages if not has_phone or one.line is None))
            of_lines: dict[str, list[TraceMessage]] = {}
            for one in messages if lines else ():
                if one.line is not None:
                    of_lines.setdefault(one.line, []).append(one)
            for line, some in of_lines.items():
                yield (device, line), list(_outages(some))


def _outages(messages: Iterable[TraceMessage]) -> Iterator[Observation]:
    """The times in which any of some handles was out.

    A handle that goes out while it is out was given back before, which no message tells, and opened again.
    """
    out: set[_Handle] = set()
    began: TraceMessage | None = None
    for one in messages:
        handle = _Handle(one.app, one.line)
        if (one.message, one.param1) in _OUT:
            if began and out == {handle}:
                yield _observation(began, None)
                began = None
            began = began or one
            out.add(handle)
        elif (one.message, one.param1) in _IN or one.message in _CLOSES:
            out.discard(handle)
            if began and not out:
                yield _observation(began, one.at)
                began = None
    if began:
        yield _observation(began, None)


def _observation(began: TraceMessage, until_at: str | None) -> Observation:
    return Observation(began.at or "", until_at, REASON_NAMES.get(began.param2) if began.param2 else None)


# --- beside the log -------------------------------------------------------------------------------------------------


class Matched:
    """Which observation belongs to which outage of a log. ``left`` are those that belong to none, as they began.

    An observation belongs to the outage of the same device or line that begins nearest to it, each to one, and to none
    if they begin more than :data:`NEAR` seconds apart.
    """

    def __init__(self, observed: Observed, outages: Iterable[Outage]) -> None:
        begun: dict[Key, list[tuple[float, int]]] = {}
        for one in outages:
            if (one.device, one.line) in observed.outages and one.from_at is not None:
                begun.setdefault((one.device, one.line), []).append((_seconds(one.from_at), one.from_version))
        self._found: dict[tuple[Key, int], Observation] = {}
        self.left: list[tuple[Key, Observation]] = []
        for key, seen in observed.outages.items():
            self._match(key, sorted(begun.get(key, [])), seen)
        self.left.sort(key=lambda item: sort_key(item[1].from_at))

    def of(self, one: Outage) -> Outage:
        """The outage with what was observed of it; null if nothing was."""
        found = self._found.get(((one.device, one.line), one.from_version))
        return msgspec.structs.replace(
            one,
            observed_from_at=found.from_at if found else None,
            observed_until_at=found.until_at if found else None,
            observed_seconds=found.seconds if found else None,
        )

    def _match(self, key: Key, begun: list[tuple[float, int]], seen: list[Observation]) -> None:
        """Go along both, as they began; of two that would fit one, the nearer does."""
        times, model = [_seconds(one.from_at) for one in seen], 0
        for index, at in enumerate(times):
            while model < len(begun) and _is_past(begun, model, at):
                model += 1
            after = times[index + 1] if index + 1 < len(times) else None
            if model < len(begun) and _is_nearest(begun[model][0], at, after):
                self._found[key, begun[model][1]] = seen[index]
                model += 1
            else:
                self.left.append((key, seen[index]))


def _is_past(begun: list[tuple[float, int]], model: int, at: float) -> bool:
    """Whether an outage of the log is too early for what was observed at a time, or the next one is nearer."""
    here = abs(at - begun[model][0])
    return at - begun[model][0] > NEAR or (model + 1 < len(begun) and abs(at - begun[model + 1][0]) < here)


def _is_nearest(begun: float, at: float, after: float | None) -> bool:
    """Whether what was observed at a time is near enough to an outage of the log, and the next one is not nearer."""
    return abs(at - begun) <= NEAR and (after is None or abs(at - begun) <= abs(after - begun))


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def matched(log: Log, observed: Observed, wanted: Wanted = ALL, cut: Cut = WHOLE) -> Matched:
    """Read a log, to say which of its outages each observation belongs to."""
    reading = OutageReading(log, wanted, cut)
    return Matched(observed, (one for batch in reading.batches() for one in batch))


class ObservedReading:
    """The outages of a log up to a cut with what a trace has of them, then those that only the trace has.

    The log is read twice. ``warnings`` are filled when that is done; ``seen``, ``unseen`` and ``only`` count the rows
    of the log that the trace has and has not, and those that only the trace has. Raises :class:`InputError` for a
    window that ends before it begins.
    """

    def __init__(self, log: Log, observed: Observed, wanted: Wanted = ALL, cut: Cut = WHOLE) -> None:
        self._window = Window(wanted.since, wanted.until)
        self._window.check()
        self.warnings: list[str] = []
        self.seen = self.unseen = self.only = 0
        self._log = log
        self._observed = observed
        self._wanted = wanted
        self._cut = cut

    def batches(self) -> Iterator[Sequence[Outage | OnlyObserved]]:
        """What is asked for; lengths and windows are asked of the log and of the trace."""
        all_of_them = self._wanted._replace(since=None, until=None, least=None, lasting=False)
        beside = matched(self._log, self._observed, all_of_them, self._cut)
        reading = OutageReading(self._log, all_of_them, self._cut)
        for batch in reading.batches():
            rows = [row for one in batch if self._has(row := beside.of(one))]
            self.seen += sum(1 for row in rows if row.observed_from_at)
            self.unseen += sum(1 for row in rows if not row.observed_from_at)
            yield rows
        devices = reading.devices
        left = (
            only_observed(key, devices[key[0]].kind if key[0] in devices else None, one) for key, one in beside.left
        )
        only = [row for row in left if self._has(row)]
        self.only += len(only)
        yield only
        self.warnings += reading.warnings

    def text(self) -> str:
        """The counts in one line."""
        return f"{self.seen:,} seen in the trace, {self.unseen:,} not, {self.only:,} only there"

    def _has(self, row: Outage | OnlyObserved) -> bool:
        wanted, seen_at, seen_until = self._wanted, row.observed_from_at or None, row.observed_until_at or None
        lengths = (row.seconds, row.observed_seconds or None)
        return (
            (not wanted.devices or row.device in wanted.devices)
            and (row.lasts or not wanted.lasting)
            and (row.lasts or any((length or 0) >= (wanted.least or 0) for length in lengths))
            and (
                self._window.touches(row.from_at, row.until_at, row.lasts)
                or self._window.touches(seen_at, seen_until, seen_until is None)
            )
        )
