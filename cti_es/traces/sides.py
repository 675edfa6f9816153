"""One side of a comparison: a log that is replayed or a trace that is read, as messages to compare."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from cti_es.logs.reading import Cut, Log, Reading, check_end, event_at, events_at, resumed, resumed_at
from cti_es.model.homes import Home, home
from cti_es.model.replay import MisfitReport
from cti_es.model.steps import Opened
from cti_es.traces.diff.channels import Key
from cti_es.traces.diff.states import is_of_another_state, one_compared_state, other_state
from cti_es.traces.several import in_order
from cti_es.traces.time_order import TimeOrder
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Event
from cti_es.vocabulary.tapi import Message, TraceMessage
from cti_es.vocabulary.times import sort_key


class Selection(NamedTuple):
    """Which part of a trace to compare."""

    app: str | None = None
    from_version: int = 1
    to_version: int | None = None
    since: str | None = None
    until: str | None = None

    def has(self, message: TraceMessage) -> bool:
        """Whether the message belongs to the part, as far as it tells."""
        return (
            (self.app is None or message.app in (None, self.app))
            and (message.version is None or message.version >= self.from_version)
            and (message.version is None or self.to_version is None or message.version <= self.to_version)
            and (message.at is None or self.since is None or sort_key(message.at) >= sort_key(self.since))
            and (message.at is None or self.until is None or sort_key(message.at) <= sort_key(self.until))
        )


EVERYTHING = Selection()
AT_LEAST_ONE = "at least one PHONE_STATE, LINE_LINEDEVSTATE or CLOSE"


class Trace(Protocol):
    """A trace: the messages of a :class:`~cti_es.traces.recognise.TraceReading`, or of something that has been read."""

    @property
    def format(self) -> str | None:
        """The name of its format; None if there is nothing in it."""

    @property
    def skipped(self) -> dict[str, int]:
        """Messages of other kinds: how many of each name."""

    @property
    def bad(self) -> int:
        """How many messages could not be read and were left out."""

    def batches(self) -> Iterator[Sequence[TraceMessage]]:
        """The messages, in batches."""


class Side(ABC):
    """One side of a comparison. ``formats`` are those of its traces; none if it is a log.

    ``messages`` counts those that have been given out, ``read`` all that were read; ``warnings`` is what a reader
    should know beside them, once they have been. ``untold`` are the states that are left out, as (message,
    parameter 1).
    """

    def __init__(self, name: str, formats: tuple[str, ...], selection: Selection) -> None:
        self.name = name
        self.formats = formats
        self.messages = 0
        self.read = 0
        self.warnings: list[str] = []
        self.untold: frozenset[tuple[str, int | None]] = frozenset()
        self._selection = selection
        self._other: Counter[str] = Counter()

    @abstractmethod
    def _all(self) -> Iterator[Sequence[TraceMessage]]:
        """Every message that there is, in batches."""

    @property
    def kind(self) -> str:
        """What it is, in a word: ``replayed``, or the formats of its traces."""
        return ", ".join(dict.fromkeys(self.formats)) or "replayed"

    def batches(self) -> Iterator[Sequence[TraceMessage]]:
        """The messages to compare, in batches. Messages about other states (RINGING, …) are counted and left out."""
        return map(self._kept, self._all())

    def in_order(self) -> list[Sequence[TraceMessage]]:
        """The same, in the order in which they were received; their ``place`` grows."""
        return list(self.batches())

    def as_received(self) -> Iterator[Sequence[TraceMessage]]:
        """The same, as they come, without holding all of them: a trace whose newest come first is turned round."""
        return self.batches()

    def where(self, place: int) -> str:
        """Where the message with this place stands: a line, with the name of its file if there are several."""
        return str(place)

    def _kept(self, batch: Sequence[TraceMessage]) -> Sequence[TraceMessage]:
        kept = batch if self._is_whole(batch) else [one for message in batch if (one := self._compared(message))]
        self.read += len(batch)
        self.messages += len(kept)
        return kept

    def is_silent(self) -> bool:
        """Whether it was read and says nothing that is compared: it has messages of other kinds alone."""
        return not self.messages and bool(self.skipped())

    def skipped(self) -> dict[str, int]:
        """What was not compared, by name."""
        return dict(self._other)

    def unreadable(self) -> int:
        """How many message lines could not be read and were left out."""
        return 0

    def events(self, versions: set[int]) -> dict[int, Event]:
        """The events with these versions, if there is a log behind this side."""
        return {}

    def _is_whole(self, batch: Sequence[TraceMessage]) -> bool:
        """Whether all of a batch is compared: nearly always so, and faster to see of what it says as a whole."""
        return (
            self._selection == EVERYTHING
            and not self.untold
            and not any(is_of_another_state(*says) for says in {(message.message, message.param1) for message in batch})
        )

    def _compared(self, message: TraceMessage) -> TraceMessage | None:
        """The message with the one of its states that is compared; None if it is left out."""
        if is_of_another_state(message.message, message.param1):
            state = one_compared_state(message)
            if state is None:
                self._other[other_state(message)] += 1
                return None
            message = replace(message, param1=state)
        if what := self._untold(message):
            self._other[f"{message.message} {what}"] += 1
            return None
        return message if self._selection.has(message) else None

    def _untold(self, message: TraceMessage) -> str:
        """Why a message is left out since a trace cannot have it; empty if it can."""
        if (message.message, None) in self.untold:
            return "that a trace cannot tell"
        return "of a state that a trace cannot tell" if (message.message, message.param1) in self.untold else ""


class Before(NamedTuple):
    """What a log has before a point: the last event, and where a device is then."""

    version: int
    event: Event
    home: Home | None


def _opened(step: Opened) -> Iterator[Key]:
    """The names of the channels whose handles were opened."""
    if step.phone:
        yield "phone", step.app, step.device, None
    yield from (("line", step.app, step.device, line) for line in step.lines)


class LogSide(Side):
    """``log``, replayed. ``apps`` are the applications that it has, once it has been."""

    def __init__(self, log: Log, selection: Selection = EVERYTHING) -> None:
        super().__init__(log.name, (), selection)
        self.apps: list[str] = []
        self.log = log

    def _all(self) -> Iterator[list[TraceMessage]]:
        log, cut = self.log, Cut(version=self._selection.to_version)
        replay, timeline = resumed(log, version=self._selection.from_version - 1)
        reading = Reading(log, replay.version + 1, cut, timeline)
        first: MisfitReport | None = None
        misfits = 0
        for batch in reading.batches():
            yield [received(message) for message in replay.messages(batch.events)]
            found = replay.taken_misfits()
            first, misfits = first or next(iter(found), None), misfits + len(found)
        check_end(log, cut, reading.end)
        self.apps = list(replay.book.apps)
        self.warnings += reading.warnings
        if first:
            what = f"{misfits} events do not fit" if misfits > 1 else "1 event does not fit"
            self.warnings.append(f"{what} in {log.name}, the first is {first.version}: {first.text}")

    def opens(self) -> dict[Key, list[int]]:
        """When each handle was opened: the names of a channel → the versions of the events that opened its handles."""
        replay, _ = resumed(self.log, version=self._selection.from_version - 1)
        found: dict[Key, list[int]] = {}
        for batch in Reading(self.log, replay.version + 1, Cut(version=self._selection.to_version)).batches():
            for happening in replay.happenings(batch.events):
                for step in happening.steps:
                    if isinstance(step, Opened):
                        for name in _opened(step):
                            found.setdefault(name, []).append(happening.version)
        return found

    def events(self, versions: set[int]) -> dict[int, Event]:
        """The events with these versions."""
        return events_at(self.log, versions) if versions else {}

    def before(self, version: int | None, at: str | None, device: str | None) -> Before | None:
        """The last event up to a time, or else a version, and the home of a device after it; None before the first.

        The event is not earlier than ``version``, whatever the time is.
        """
        replay, _ = resumed_at(self.log, Cut(moment=at) if at else Cut(version=version or 0))
        if version is not None and replay.version < version:
            replay, _ = resumed_at(self.log, Cut(version=version))
        if not replay.version:
            return None
        there = replay.cluster.devices.get(device or "")
        event = event_at(self.log, replay.version)
        return Before(replay.version, event, home(replay.cluster, there) if there else None)


class TraceSide(Side):
    """A trace, or several that are merged by time: ``traces``, with their names."""

    def __init__(self, traces: Sequence[tuple[str, Trace]], selection: Selection = EVERYTHING) -> None:
        names, formats = [name for name, _ in traces], tuple(trace.format or "empty" for _, trace in traces)
        super().__init__(", ".join(names), formats, selection)
        self.traces = traces
        self._places: list[str] = []

    def _all(self) -> Iterator[Sequence[TraceMessage]]:
        return chain.from_iterable(trace.batches() for _, trace in self.traces)

    def in_order(self) -> list[Sequence[TraceMessage]]:
        """The messages to compare, in the order in which they were received.

        Raises :class:`InputError` if there is none of any kind in the traces, or none with a time to merge them by.
        """
        found, self._places, warnings = in_order([(name, map(self._kept, one.batches())) for name, one in self.traces])
        if not self.read and not self.is_silent():
            raise _nothing_in(self)
        self.warnings += warnings
        return [found]

    def as_received(self) -> Iterator[Sequence[TraceMessage]]:
        """The messages of one trace after the other, each in the order in which they were received."""
        for name, trace in self.traces:
            order = TimeOrder()
            yield from order.of(map(self._kept, trace.batches()))
            self.warnings += order.warnings(name)

    def where(self, place: int) -> str:
        """Where the message with this place stands: a line, with the name of its file if there are several."""
        return self._places[place - 1] if self._places else str(place)

    def skipped(self) -> dict[str, int]:
        """What was not compared, by name."""
        counts = [Counter(trace.skipped) for _, trace in self.traces]
        return dict(sum(counts, Counter()) + self._other)

    def unreadable(self) -> int:
        """How many message lines could not be read and were left out."""
        return sum(trace.bad for _, trace in self.traces)


class MessageSide(Side):
    """Messages that somebody has already. ``kind`` says in a word what they are."""

    kind = ""

    def __init__(
        self, name: str, kind: str, messages: Sequence[TraceMessage], selection: Selection = EVERYTHING
    ) -> None:
        super().__init__(name, (), selection)
        self.kind = kind
        self._messages = messages

    def _all(self) -> Iterator[Sequence[TraceMessage]]:
        return iter([self._messages])


def _nothing_in(side: Side) -> InputError:
    if set(side.formats) == {"cucm-alarms"}:
        expected = "CtiDeviceOutofService, CtiDeviceInService or another alarm of CTI, as each CTI Manager logs them"
        return InputError("no CTI alarm in it", where=side.name, expected=expected)
    return InputError("no message in it", where=side.name, expected=AT_LEAST_ONE)


def received(message: Message) -> TraceMessage:
    """A replayed message as the expectation of a comparison."""
    return TraceMessage(
        place=message.seq,
        message=message.message,
        param1=message.param1,
        param2=message.param2,
        app=message.app,
        device=message.device,
        line=message.line,
        handle=None if message.handle is None else str(message.handle),
        at=message.at,
        version=message.version,
        rule=message.rule,
    )
