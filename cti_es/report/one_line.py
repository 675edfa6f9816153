"""Messages with one on each line, as applications write them (docs/reference/traces/one-line.md)."""

from collections.abc import Callable, Iterable, Iterator

from cti_es.report.tapi_browser import Key, key
from cti_es.traces.forms.common import WITHOUT_HANDLE
from cti_es.vocabulary.tapi import Message


def write(messages: Iterable[Message], number_of: Callable[[Key], int]) -> Iterator[bytes]:
    """Messages, a line each. ``number_of`` gives the number of each handle; a message that is for none has 0."""
    for one in messages:
        device = 0 if one.message in WITHOUT_HANDLE else number_of(key(one))
        params = f"param1={one.param1:X}, param2={one.param2:X}, param3={one.param3:X}"
        yield f"{one.message} device={device:X}, message={one.msg:X}, i=0, {params}\n".encode()
