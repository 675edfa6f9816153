"""One side of a comparison: a log that is replayed or a trace that is read, as messages to compare."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from cti_es.logs.bytes_in import UNPACK_LIMIT, OpenStream, UnpackLimit, is_piped, kept, name_of, open_bytes
from cti_es.logs.file_log import FileLog
from cti_es.logs.open import open_log, parse_address
from cti_es.logs.reading import Cut, Log, Reading, check_end, events_at, resumed
from cti_es.logs.store.sqlite_connection import is_sqlite
from cti_es.model.replay import MisfitReport
from cti_es.traces.diff.checks import check_sides, check_times, handles_of_nothing
from cti_es.traces.diff.compare import Comparison, DiffOptions, compare
from cti_es.traces.diff.states import COMPARED_STATES, is_of_another_state, one_compared_state, other_state
from cti_es.traces.forms.common import TraceOptions
from cti_es.traces.recognise import LOOKED_AT, TRACE_FORMATS, read_trace, recognise
from cti_es.vocabulary.errors import InputError, NothingExpected
from cti_es.vocabulary.events import Event
from cti_es.vocabulary.tapi import Message, TraceMessage
from cti_es.vocabulary.text_lines import ByteStream, start_as_utf8
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
    """One side of a comparison. ``kind`` says what it is in a word: ``replayed``, or the format of a trace.

    ``messages`` counts those that have been given out, ``read`` all that were read; ``warnings`` is what a reader
    should know beside them, once they have been. ``untold`` are the states that are left out, as (message,
    parameter 1).
    """

    def __init__(self, name: str, kind: str, selection: Selection) -> None:
        self.name = name
        self.kind = kind
        self.messages = 0
        self.read = 0
        self.warnings: list[str] = []
        self.untold: frozenset[tuple[str, int | None]] = frozenset()
        self._selection = selection
        self._other: Counter[str] = Counter()

    @abstractmethod
    def _all(self) -> Iterator[Sequence[TraceMessage]]:
        """Every message that there is, in batches."""

    def batches(self) -> Iterator[Sequence[TraceMessage]]:
        """The messages to compare, in batches. Messages about other states (RINGING, …) are counted and left out."""
        for batch in self._all():
            kept = batch if self._is_whole(batch) else [one for message in batch if (one := self._compared(message))]
            self.read += len(batch)
            self.messages += len(kept)
            yield kept

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


class LogSide(Side):
    """A log that is replayed."""

    def __init__(self, log: Log, selection: Selection = EVERYTHING) -> None:
        super().__init__(log.name, "replayed", selection)
        self._log = log

    def _all(self) -> Iterator[list[TraceMessage]]:
        log, cut = self._log, Cut(version=self._selection.to_version)
        replay, _ = resumed(log, version=self._selection.from_version - 1)
        reading = Reading(log, replay.version + 1, cut)
        first: MisfitReport | None = None
        misfits = 0
        for batch in reading.batches():
            yield [received(message) for message in replay.messages(batch.events)]
            found = replay.taken_misfits()
            first, misfits = first or next(iter(found), None), misfits + len(found)
        check_end(log, cut, reading.end)
        if first:
            what = f"{misfits} events do not fit" if misfits > 1 else "1 event does not fit"
            self.warnings.append(f"{what} in {log.name}, the first is {first.version}: {first.text}")

    def events(self, versions: set[int]) -> dict[int, Event]:
        """The events with these versions."""
        return events_at(self._log, versions) if versions else {}


class TraceSide(Side):
    """A trace, as it is read or after that. One without any message is trouble, whichever side it is."""

    def __init__(self, name: str, trace: Trace, selection: Selection = EVERYTHING) -> None:
        super().__init__(name, trace.format or "empty", selection)
        self._trace = trace

    def _all(self) -> Iterator[Sequence[TraceMessage]]:
        return self._trace.batches()

    def skipped(self) -> dict[str, int]:
        """What was not compared, by name."""
        return {**self._trace.skipped, **self._other}

    def unreadable(self) -> int:
        """How many message lines could not be read and were left out."""
        return self._trace.bad


class SideOptions(NamedTuple):
    """How to open a side: which part of it counts, the format of a trace (None: as its content shows), how to read it.

    ``limit`` is how much may come out of gzip.
    """

    selection: Selection = EVERYTHING
    format: str | None = None
    reading: TraceOptions = TraceOptions()
    limit: UnpackLimit = UNPACK_LIMIT


@contextmanager
def open_side(source: str, options: SideOptions) -> Iterator[Side]:
    """The side that a SOURCE or a trace file is; what it is is decided by its content, unless a format is given."""
    with ExitStack() as stack:
        yield _side(stack, source, options)


def _side(stack: ExitStack, source: str, options: SideOptions) -> Side:
    if is_piped(source):
        return _file_side(stack, name_of(source), stack.enter_context(kept(source, options.limit)), options)
    path = parse_address(source).path
    if not path.is_file() or (options.format is None and is_sqlite(path)):
        log = stack.enter_context(open_log(source, limit=options.limit))
        return LogSide(log, options.selection)
    return _file_side(stack, source, partial(open_bytes, path, options.limit), options)


def _file_side(stack: ExitStack, name: str, open_: OpenStream, options: SideOptions) -> Side:
    with open_() as stream:
        start = _start(stream)
    if options.format is None and b'"type"' in start_as_utf8(start) and recognise(start) is None:
        return LogSide(FileLog(name, open_), options.selection)
    reading = read_trace(stack.enter_context(open_()), name, options.format, options.reading)
    if reading.format is None:
        raise InputError(
            "nothing in it", where=name, expected=f"a trace ({', '.join(TRACE_FORMATS)}), a log or a store"
        )
    return TraceSide(name, reading, options.selection)


def _start(stream: ByteStream) -> bytes:
    start = b""
    while len(start) < LOOKED_AT and (data := stream.read1(LOOKED_AT)):
        start += data
    return start


def compare_sides(sides: tuple[Side, Side], options: DiffOptions) -> Comparison:
    """Compare an expected side with an actual one, both read to their ends; afterwards they have their ``warnings``.

    Raises :class:`InputError` for what cannot be read or compared.
    """
    _compare_what_both_can_tell(sides)
    expected, actual = sides
    found = compare(expected.batches(), actual.batches(), options)
    _check_silence(expected, actual)
    check_sides(found)
    actual.warnings += handles_of_nothing(found, options.handles or {})
    if options.time_tolerance is not None:
        check_times(found)
    return found


def _check_silence(expected: Side, actual: Side) -> None:
    """Raise an error if a trace has no message at all, or if there is nothing to compare.

    A log that causes no message is an expectation all the same: that nothing comes.
    """
    if not expected.messages and isinstance(expected, TraceSide) and not expected.is_silent():
        raise NothingExpected("no message to expect", where=expected.name, expected="at least one")
    if isinstance(actual, TraceSide) and not actual.read and not actual.is_silent():
        raise InputError("no message in it", where=actual.name, expected=_AT_LEAST_ONE)
    if not expected.messages and not actual.messages and not actual.is_silent():
        raise NothingExpected("no message to expect, and none came", where=expected.name, expected="at least one")


_AT_LEAST_ONE = "at least one PHONE_STATE, LINE_LINEDEVSTATE or CLOSE"


def _compare_what_both_can_tell(sides: tuple[Side, Side]) -> None:
    """Leave out of each side what the format of the other cannot have."""
    for one, other in (sides, sides[::-1]):
        if other.kind in TRACE_FORMATS:
            one.untold = TRACE_FORMATS[other.kind].untold


def sure_of_reasons(sides: Iterable[Side]) -> bool:
    """Whether the formats of all sides have the reasons that TAPI has, so that another one is a difference."""
    return all(TRACE_FORMATS[side.kind].sure_of_reasons for side in sides if side.kind in TRACE_FORMATS)


def leave_out_half_told(side: Side) -> None:
    """Leave out states of which the format of a trace cannot tell the other half: they never take turns there."""
    half = {message for message, _ in TRACE_FORMATS[side.kind].untold} if side.kind in TRACE_FORMATS else set()
    side.untold = frozenset((message, state) for message, state in COMPARED_STATES if message in half)


def left_out_of(side: Side) -> str:
    """What was left out of a trace that has been read, in words: empty if nothing was.

    Raises :class:`InputError` if there was nothing else in the trace.
    """
    left_out = [f"{count} {name}" for name, count in side.skipped().items()]
    left_out += [f"{side.unreadable()} that cannot be read"] if side.unreadable() else []
    if not side.messages:
        found = f"no message to check ({', '.join(left_out)})" if left_out else "no message to check"
        raise InputError(found, where=side.name, expected=_AT_LEAST_ONE)
    return ", ".join(left_out)


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
