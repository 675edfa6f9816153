"""SOURCEs and trace files → two sides → what came of comparing them (docs/reference/comparison.md)."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from cti_es.logs.bytes_in import UNPACK_LIMIT, OpenStream, UnpackLimit, is_piped, kept, name_of, open_bytes
from cti_es.logs.file_log import FileLog
from cti_es.logs.open import is_store, open_log, parse_address
from cti_es.traces.diff.checks import check_sides, check_times, handles_of_nothing
from cti_es.traces.diff.compare import Comparison, DiffOptions, compare
from cti_es.traces.forms.common import TraceOptions
from cti_es.traces.recognise import LOOKED_AT, TRACE_FORMATS, TraceReading, read_trace, recognise
from cti_es.traces.sides import EVERYTHING, LogSide, Selection, Side, Trace, TraceSide
from cti_es.vocabulary.errors import InputError, NothingExpected
from cti_es.vocabulary.tapi import TraceMessage
from cti_es.vocabulary.text_lines import ByteStream, start_as_utf8


class SideOptions(NamedTuple):
    """How to open a side: which part of it counts, the format of a trace (None: as its content shows), how to read it.

    ``limit`` is how much may come out of gzip.
    """

    selection: Selection = EVERYTHING
    format: str | None = None
    reading: TraceOptions = TraceOptions()
    limit: UnpackLimit = UNPACK_LIMIT


class NamedTrace(Trace, Protocol):
    """A trace that knows its name."""

    @property
    def name(self) -> str:
        """What it is called where it is spoken of."""


@contextmanager
def open_side(source: str, options: SideOptions) -> Iterator[Side]:
    """The side that a SOURCE or a trace file is; what it is is decided by its content, unless a format is given."""
    with open_sides([source], options) as side:
        yield side


@contextmanager
def open_sides(sources: Sequence[str | NamedTrace], options: SideOptions) -> Iterator[Side]:
    """The side that a SOURCE is, or a trace, or several traces, which are merged by time.

    What each is is decided by its content, unless a format is given; a trace that has been read is what it is. Raises
    :class:`InputError` for a log among others.
    """
    with ExitStack() as stack:
        opened = [_opened(stack, source, options) for source in sources]
        [first, *others] = opened
        if isinstance(first, LogSide) and not others:
            yield first
            return
        logs = [one.name for one in opened if isinstance(one, LogSide)]
        if logs:
            raise InputError("a log among several files", where=logs[0], expected="traces alone, or one log alone")
        yield TraceSide([one for one in opened if not isinstance(one, LogSide)], options.selection)


def _opened(stack: ExitStack, source: str | NamedTrace, options: SideOptions) -> LogSide | tuple[str, Trace]:
    if not isinstance(source, str):
        return source.name, source
    if is_piped(source):
        return _file(stack, name_of(source), stack.enter_context(kept(source, options.limit)), options)
    store = parse_address(source).store
    path = Path(store)
    if not path.is_file() or (options.format is None and is_store(store)):
        return LogSide(stack.enter_context(open_log(source, limit=options.limit)), options.selection)
    return _file(stack, source, partial(open_bytes, path, options.limit), options)


def _file(stack: ExitStack, name: str, open_: OpenStream, options: SideOptions) -> LogSide | tuple[str, Trace]:
    with open_() as stream:
        start = _start(stream)
    if options.format is None and b'"type"' in start_as_utf8(start) and recognise(start) is None:
        return LogSide(FileLog(name, open_), options.selection)
    reading = read_trace(stack.enter_context(open_()), name, options.format, options.reading, open_)
    if reading.format is None:
        raise InputError(
            "nothing in it", where=name, expected=f"a trace ({', '.join(TRACE_FORMATS)}), a log or a store"
        )
    return name, reading


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
    _read_once(expected, actual)
    left, right = expected.in_order(), actual.in_order()
    if app := _only_app(left, right):
        left = [[one for one in batch if one.app == app] for batch in left]
        actual.warnings.append(f"{actual.name} is of {app} alone, so only that application is compared")
    found = compare(left, right, options, expected.opens if isinstance(expected, LogSide) else None)
    _check_silence(expected, actual)
    check_sides(found, expected.apps if isinstance(expected, LogSide) else ())
    actual.warnings += handles_of_nothing(found, options.handles or {})
    if options.time_tolerance is not None:
        check_times(found)
    return found


def _read_once(expected: Side, actual: Side) -> None:
    """Have the lines that two traces have in common read once."""
    traces = [side.traces for side in (expected, actual) if isinstance(side, TraceSide)]
    match [reading for some in traces if len(some) == 1 for _, reading in some]:
        case [TraceReading() as there, TraceReading() as here]:
            here.read_beside(there)


def warnings_of(sides: Iterable[Side]) -> list[str]:
    """What a reader should know of sides that have been compared, each once: both may be the same log."""
    return list(dict.fromkeys(text for side in sides for text in side.warnings))


def _check_silence(expected: Side, actual: Side) -> None:
    """Raise an error if there is nothing to compare.

    A log that causes no message is an expectation all the same: that nothing comes.
    """
    if not expected.messages and not isinstance(expected, LogSide) and not expected.is_silent():
        raise NothingExpected("no message to expect", where=expected.name, expected="at least one")
    if not expected.messages and not actual.messages and not actual.is_silent():
        raise NothingExpected("no message to expect, and none came", where=expected.name, expected="at least one")


def _only_app(expected: Iterable[Sequence[TraceMessage]], actual: Iterable[Sequence[TraceMessage]]) -> str | None:
    """The one application that all actual messages are for, if the expected ones are for it and others."""
    [there, *others] = {one.app for batch in actual for one in batch} or {None}
    if there is None or others:
        return None
    apps = {one.app for batch in expected for one in batch}
    return there if there in apps and len(apps) > 1 else None


def _compare_what_both_can_tell(sides: tuple[Side, Side]) -> None:
    """Leave out of each side what the formats of the other cannot have."""
    for one, other in (sides, sides[::-1]):
        one.untold = frozenset().union(*(TRACE_FORMATS[name].untold for name in other.formats))


def sure_of_reasons(sides: Iterable[Side]) -> bool:
    """Whether the formats of all sides have the reasons that TAPI has, so that another one is a difference."""
    return all(TRACE_FORMATS[name].sure_of_reasons for side in sides for name in side.formats)
