"""SOURCE or trace file → messages to compare (diff.md, introduction and §4)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from cti_es import tapi
from cti_es.errors import CtiEsError, InputError
from cti_es.events import Event
from cti_es.formats.eventlog import ByteStream
from cti_es.formats.trace import TRACE_FORMATS, TraceOptions, TraceReading, read_trace, recognise
from cti_es.reading import Cut, Log, Reading, check_end
from cti_es.replay import Replay
from cti_es.store.sqlite import is_sqlite
from cti_es.tapi import Message, Received
from cti_es.times import sort_key
from cti_es_cli.sources import STDIN, open_file, open_log, parse_address, spooled, stdin

_START = 1 << 16


class Selection(NamedTuple):
    """Which part of a trace to compare."""

    app: str | None = None
    from_version: int = 1
    to_version: int | None = None
    since: str | None = None
    until: str | None = None

    def has(self, message: Received) -> bool:
        """Whether the message belongs to the part, as far as it tells."""
        return (
            (self.app is None or message.app in (None, self.app))
            and (message.version is None or message.version >= self.from_version)
            and (message.version is None or self.to_version is None or message.version <= self.to_version)
            and (message.at is None or self.since is None or sort_key(message.at) >= sort_key(self.since))
            and (message.at is None or self.until is None or sort_key(message.at) <= sort_key(self.until))
        )

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self == Selection()


class Side(NamedTuple):
    """One side of a comparison. ``events`` gives the events with these versions, if there is a log behind it."""

    name: str
    kind: str
    batches: Iterator[Sequence[Received]]
    reading: "TraceReading | None"
    events: Callable[[set[int]], dict[int, Event]]


@contextmanager
def open_side(source: str, selection: Selection, format: str | None, options: TraceOptions) -> Iterator[Side]:
    """A SOURCE to replay or a trace to read; what it is is decided by its content, unless ``format`` says."""
    if source == "-":
        with spooled(stdin()) as again:
            yield from _opened(STDIN, again, source, selection, format, options)
        return
    path = parse_address(source).path
    if format is None and (not path.is_file() or is_sqlite(path)):
        with open_log(source) as log:
            yield _replayed(log, selection)
        return
    if not path.is_file():
        with open_log(source):  # says what is wrong
            return
    yield from _opened(source, lambda: open_file(path), source, selection, format, options)


def _opened(
    name: str,
    again: Callable[[], AbstractContextManager[ByteStream]],
    source: str,
    selection: Selection,
    format: str | None,
    options: TraceOptions,
) -> Iterator[Side]:
    with again() as stream:
        start = _start(stream)
    found = format or recognise(start)
    if found is None:
        if not _is_event_log(start):
            raise InputError(
                "neither an event log nor a trace in a known format",
                where=name,
                expected=f"an event log, a store, or one of {', '.join(TRACE_FORMATS)}",
            )
        from cti_es_cli.sources import FileLog

        yield _replayed(FileLog(name, again), selection)
        return
    with again() as stream:
        reading = read_trace(stream, name, found, options)
        batches = _selected(reading, selection)
        yield Side(name, found, batches, reading, lambda versions: {})


def _start(stream: ByteStream) -> bytes:
    start = b""
    while len(start) < _START and (data := stream.read1(_START)):
        start += data
    return start


def _is_event_log(start: bytes) -> bool:
    return b'"type"' in start or not start.strip()


def _selected(batches: Iterable[Sequence[Received]], selection: Selection) -> Iterator[Sequence[Received]]:
    for batch in batches:
        yield batch if selection.is_all else [message for message in batch if selection.has(message)]


def _replayed(log: Log, selection: Selection) -> Side:
    return Side(
        log.name, "replayed", _selected(_messages(log, selection), selection), None, lambda versions: events_at(log, versions)
    )


def _messages(log: Log, selection: Selection) -> Iterator[list[Received]]:
    cut = Cut(version=selection.to_version)
    kept = log.snapshot(version=selection.from_version - 1) if selection.from_version > 1 else None
    replay = Replay(kept.state if kept else None)
    reading = Reading(log, replay.version + 1, cut)
    for batch in reading.batches():
        yield [received(message) for message in replay.messages(batch.events)]
        replay.misfits.clear()
    check_end(log, cut, reading.end)


def received(message: Message) -> Received:
    """A replayed message as the expectation of a comparison."""
    return Received(
        place=message.seq,
        message=message.message,
        param1=message.param1,
        param2=message.param2,
        app=message.app,
        device=message.device,
        line=message.line,
        handle=str(message.handle),
        at=message.at,
        version=message.version,
        rule=message.rule,
    )


def events_at(log: Log, versions: set[int]) -> dict[int, Event]:
    """The events with these versions, in one pass from the first of them to the last."""
    if not versions:
        return {}
    found: dict[int, Event] = {}
    for batch in log.batches(min(versions)):
        for version in versions & set(range(batch.version, batch.version + len(batch.events))):
            found[version] = batch.events[version - batch.version]
        if len(found) == len(versions):
            break
    return found


__all__ = ["CtiEsError", "Selection", "Side", "open_side", "tapi"]
