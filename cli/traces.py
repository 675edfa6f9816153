"""A SOURCE to replay, or a trace file to read → messages to compare (diff.md, introduction and §4)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from msgspec.structs import replace

from cti_es.logs.reading import Cut, Log, Reading, check_end, resumed
from cti_es.logs.store.sqlite import is_sqlite
from cti_es.model.replay import MisfitReport
from cti_es.traces.diff.lint import COMPARED_STATES
from cti_es.traces.forms.common import TraceOptions
from cti_es.traces.recognise import LOOKED_AT, TRACE_FORMATS, TraceReading, read_trace, recognise
from cti_es.vocabulary import tapi
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Event
from cti_es.vocabulary.tapi import Message, TraceMessage
from cti_es.vocabulary.text_lines import ByteStream, start_as_utf8
from cti_es.vocabulary.times import sort_key
from cti_es_cli.output import warn
from cti_es_cli.sources import FileLog, OpenStream, is_piped, kept, name_of, open_file, open_log, parse_address


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


class Side:
    """One side of a comparison: a log that is replayed, or a trace. ``kind`` says which, in a word.

    ``messages`` counts those that have been given out.
    """

    def __init__(self, name: str, kind: str, source: "Log | TraceReading", selection: Selection) -> None:
        self.name = name
        self.kind = kind
        self.messages = 0
        self._source = source
        self._selection = selection
        self._other: Counter[str] = Counter()
        self.untold: frozenset[tuple[str, int]] = frozenset()
        self._misfits = 0

    def batches(self) -> Iterator[Sequence[TraceMessage]]:
        """The messages to compare, in batches. Messages about other states (RINGING, …) are counted and left out."""
        source = self._source
        whole: Iterable[list[TraceMessage]] = source if isinstance(source, TraceReading) else self._replayed(source)
        for batch in whole:
            kept = batch if self._is_whole(batch) else [one for message in batch if (one := self._compared(message))]
            self.messages += len(kept)
            yield kept

    def _is_whole(self, batch: list[TraceMessage]) -> bool:
        """Whether all of a batch is compared: nearly always so, and faster to see of what it says as a whole."""
        return (
            self._selection == EVERYTHING
            and not self.untold
            and not any(map(_is_of_another_state, {(message.message, message.param1) for message in batch}))
        )

    def _compared(self, message: TraceMessage) -> TraceMessage | None:
        """The message with the one of its states that is compared; None if it is left out."""
        if _is_of_another_state((message.message, message.param1)):
            state = _one_state(message)
            if state is None:
                unknown = "an unknown state" if message.param1 is None else "other states"
                self._other[f"{message.message} of {unknown}"] += 1
                return None
            message = replace(message, param1=state)
        if (message.message, message.param1) in self.untold:
            self._other[f"{message.message} of a state that a trace cannot tell"] += 1
            return None
        return message if self._selection.has(message) else None

    def _replayed(self, log: Log) -> Iterator[list[TraceMessage]]:
        cut, start = Cut(version=self._selection.to_version), self._selection.from_version
        replay, _ = resumed(log, version=start - 1)
        reading = Reading(log, replay.version + 1, cut)
        misfits: list[MisfitReport] = []
        for batch in reading.batches():
            yield [received(message) for message in replay.messages(batch.events)]
            found = replay.taken_misfits()
            misfits, self._misfits = misfits or found[:1], self._misfits + len(found)
        check_end(log, cut, reading.end)
        if misfits:
            what = f"{self._misfits} events do not fit" if self._misfits > 1 else "1 event does not fit"
            warn(f"warning: {what} in {log.name}, the first is {misfits[0].version}: {misfits[0].text}")

    def skipped(self) -> dict[str, int]:
        """What was not compared, by name."""
        source = self._source
        return {**(source.skipped if isinstance(source, TraceReading) else {}), **self._other}

    def unreadable(self) -> int:
        """Message lines that could not be read (``--skip-bad``)."""
        return self._source.bad if isinstance(self._source, TraceReading) else 0

    def events(self, versions: set[int]) -> dict[int, Event]:
        """The events with these versions, if there is a log behind this side."""
        return {} if isinstance(self._source, TraceReading) or not versions else _events_at(self._source, versions)


def compare_what_both_can_tell(sides: tuple[Side, Side]) -> None:
    """Leave out of each side what the format of the other cannot have."""
    for one, other in (sides, sides[::-1]):
        if other.kind in TRACE_FORMATS:
            one.untold = TRACE_FORMATS[other.kind].untold


def leave_out_half_told(side: Side) -> None:
    """Leave out states of which the format of a trace cannot tell the other half: they never take turns there."""
    half = {message for message, _ in TRACE_FORMATS[side.kind].untold} if side.kind in TRACE_FORMATS else set()
    side.untold = frozenset(
        (message, state) for message, state in COMPARED_STATES if message in half and state is not None
    )


def _is_of_another_state(says: tuple[str, int | None]) -> bool:
    """Whether a message is about a state that is not compared (RINGING, …)."""
    return says[0] in tapi.STATE_FLAGS and says not in COMPARED_STATES


def _one_state(message: TraceMessage) -> int | None:
    """The compared state in a message that tells several at once; None if there is none, or more than one."""
    bits = message.param1 or 0
    found = [state for name, state in COMPARED_STATES if name == message.message and state is not None and bits & state]
    return found[0] if len(found) == 1 else None


def check_read(side: Side) -> None:
    """Say what was left out of a trace. Raises :class:`InputError` if there was nothing else in it."""
    left_out = [f"{count} {name}" for name, count in side.skipped().items()]
    left_out += [f"{side.unreadable()} that cannot be read"] if side.unreadable() else []
    if not side.messages:
        found = f"no message to check ({', '.join(left_out)})" if left_out else "no message to check"
        raise InputError(found, where=side.name, expected="at least one PHONE_STATE, LINE_LINEDEVSTATE or CLOSE")
    if left_out:
        warn(f"left out of {side.name}: {', '.join(left_out)}")


def open_side(stack: ExitStack, source: str, selection: Selection, format: str | None, options: TraceOptions) -> Side:
    """The side that a SOURCE or a trace file is; what it is is decided by its content, unless ``format`` says."""
    if is_piped(source):
        return _file_side(stack, name_of(source), stack.enter_context(kept(source)), selection, format, options)
    path = parse_address(source).path
    if not path.is_file() or (format is None and is_sqlite(path)):
        log = stack.enter_context(open_log(source))
        return Side(log.name, "replayed", log, selection)
    return _file_side(stack, source, lambda: open_file(path), selection, format, options)


def _file_side(
    stack: ExitStack, name: str, open_: OpenStream, selection: Selection, format: str | None, options: TraceOptions
) -> Side:
    with open_() as stream:
        start = _start(stream)
    if format is None and b'"type"' in start_as_utf8(start) and recognise(start) is None:
        return Side(name, "replayed", FileLog(name, open_), selection)
    reading = read_trace(stack.enter_context(open_()), name, format, options)
    if reading.format is None:
        raise InputError(
            "nothing in it", where=name, expected=f"a trace ({', '.join(TRACE_FORMATS)}), a log or a store"
        )
    return Side(name, reading.format, reading, selection)


def _start(stream: ByteStream) -> bytes:
    start = b""
    while len(start) < LOOKED_AT and (data := stream.read1(LOOKED_AT)):
        start += data
    return start


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


def _events_at(log: Log, versions: set[int]) -> dict[int, Event]:
    """In one pass, from the first of them to the last."""
    found: dict[int, Event] = {}
    for batch in log.batches(min(versions)):
        for version in versions.intersection(range(batch.version, batch.version + len(batch.events))):
            found[version] = batch.events[version - batch.version]
        if len(found) == len(versions):
            break
    return found
