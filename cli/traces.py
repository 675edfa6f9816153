"""SOURCEs and trace files of a command line → the sides of a comparison."""

from contextlib import ExitStack
from functools import partial

from cti_es.logs.bytes_in import OpenStream, is_piped, kept, name_of, open_bytes
from cti_es.logs.file_log import FileLog
from cti_es.logs.open import parse_address
from cti_es.logs.store.sqlite import is_sqlite
from cti_es.traces.forms.common import TraceOptions
from cti_es.traces.recognise import LOOKED_AT, TRACE_FORMATS, read_trace, recognise
from cti_es.traces.sides import Selection, Side
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.text_lines import ByteStream, start_as_utf8
from cti_es_cli.sources import open_log, unpack_limit


def open_side(stack: ExitStack, source: str, selection: Selection, format: str | None, options: TraceOptions) -> Side:
    """The side that a SOURCE or a trace file is; what it is is decided by its content, unless ``format`` says."""
    if is_piped(source):
        open_ = stack.enter_context(kept(source, unpack_limit()))
        return _file_side(stack, name_of(source), open_, selection, format, options)
    path = parse_address(source).path
    if not path.is_file() or (format is None and is_sqlite(path)):
        log = stack.enter_context(open_log(source))
        return Side(log.name, "replayed", log, selection)
    return _file_side(stack, source, partial(open_bytes, path, unpack_limit()), selection, format, options)


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
