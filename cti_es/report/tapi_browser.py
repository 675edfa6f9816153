"""Messages as TAPI Browser (tb20.exe) prints them (docs/reference/traces/tapi-browser.md)."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, tzinfo

from cti_es.traces.forms.common import HOOK_MODES, HOOK_STATES, WITHOUT_HANDLE
from cti_es.vocabulary.tapi import STATE_FLAGS, Message

Key = tuple[int | None, str, str, str | None]
"""A handle of a replay: the version of the event that opened it, application, device and line (None: the phone)."""

_MAX_WIDTH = 50
_TAB = "  "
_NO_FLAGS: dict[str, int] = {}


def handle_number(place: int) -> int:
    """The number of the handle that was opened after ``place`` others (docs/reference/traces/tapi-browser.md)."""
    return 0x10000 + 16 * place


def key(message: Message) -> Key:
    """The handle that a message is for."""
    return (message.handle, message.app, message.device, message.line)


def write(
    messages: Iterable[Message], number_of: Callable[[Key], int], stamps: tzinfo | None = None
) -> Iterator[bytes]:
    """Messages as TAPI Browser prints them, one by one.

    ``number_of`` gives the number of each handle; a message that is for none has 0. With ``stamps`` every message that
    has a time begins with the time of day in that zone.
    """
    bodies: dict[tuple[str, int, int, int], str] = {}
    for message in messages:
        what = (message.message, message.param1, message.param2, message.param3)
        body = bodies.get(what) or bodies.setdefault(what, _body(*what))
        stamp = _stamp(message.at, stamps) if stamps and message.at else ""
        number = 0 if message.message in WITHOUT_HANDLE else number_of(key(message))
        handle = f"{_TAB}device=x{number:x}\n"
        yield f"{stamp}received {message.message}\n{handle}{body}".encode()


def _stamp(at: str, zone: tzinfo) -> str:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC).astimezone(zone)
    return f"{moment.hour}:{moment.minute}.{moment.second}.{moment.microsecond // 1000} : "


def _body(message: str, param1: int, param2: int, param3: int) -> str:
    _, states = STATE_FLAGS.get(message, ("", _NO_FLAGS))
    modes = HOOK_MODES if message == "PHONE_STATE" and param1 in HOOK_STATES else _NO_FLAGS
    lines = [f"{_TAB}cbInst=x0"]
    for number, (value, flags) in enumerate(((param1, states), (param2, modes), (param3, _NO_FLAGS)), 1):
        lines += param_lines(number, value, flags)
    return "\n".join(lines) + "\n"


def param_lines(number: int, value: int, flags: dict[str, int]) -> list[str]:
    """The lines of a parameter: its number and the names of its flags, wrapped as the Browser does it.

    A line is full once it is longer than 50 characters. Bits without a name come last, without a margin of their own.
    """
    lines, line = [], f"{_TAB}param{number}=x{value:x}, "
    for name, bit in flags.items():
        if value & bit:
            line = (line or 2 * _TAB) + name + " "
            value &= ~bit
        if len(line) > _MAX_WIDTH:
            lines.append(line)
            line = ""
    if value and flags:
        line += "<unknown flag(s)>"
    return [*lines, line] if line else lines
