"""The TSP: the fold's steps → TAPI messages for each application that holds a handle (recovery-rules §4, §6).

The TSP knows which application holds which handle, and what it was last told about it. A message goes to an
application for one of its handles; it says something only if it is news. Messages of one step go out application by
application, in the order in which they first opened anything; for each first the phone device, then its lines in
order.

The handles are a second book of what ``recovery`` knows as "opened by": kept here from the steps alone, so that a
step read later still finds the handles it was about.
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from cti_es import tapi
from cti_es.recovery import (
    STEP_NAMES,
    Closed,
    GivenBack,
    LineClosed,
    LineInService,
    Opened,
    OpenedOut,
    Resumed,
    Step,
    Suspended,
)
from cti_es.tapi import Message, Signal


class Handle(msgspec.Struct):
    """A handle: the version of the event that opened it, and the last state the application was told."""

    version: int
    told: Literal["in", "out"] = "in"


class Held(msgspec.Struct):
    """What one application holds on one device."""

    phone: Handle | None = None
    lines: dict[str, Handle] = {}


class Book(msgspec.Struct):
    """The TSP's state. ``apps``: application → its place in the order of first opens. ``held``: device → application."""

    apps: dict[str, int] = {}
    held: dict[str, dict[str, Held]] = {}


class Cause(NamedTuple):
    """The event behind some steps: its version, time and type."""

    version: int
    at: str | None
    event_type: str


class _Notice(NamedTuple):
    """A message before it has its place in a sequence."""

    app: str
    line: str | None
    handle: Handle
    signal: Signal
    reason: str | None = None


class Tsp:
    """Turns steps into messages. ``seq`` is the number of the last message."""

    def __init__(self, book: Book, seq: int) -> None:
        self.book = book
        self.seq = seq

    def messages(self, steps: list[Step], cause: Cause) -> Iterator[Message]:
        """The messages that these steps of one event send, in order. The book follows the steps as they are read."""
        for step in steps:
            notices = _TELL[type(step)](self.book, step, cause)
            for notice in notices:
                self.seq += 1
                yield _message(self.seq, step, notice, cause)


def _message(seq: int, step: Step, notice: _Notice, cause: Cause) -> Message:
    signal = notice.signal
    return Message(
        seq=seq,
        version=cause.version,
        at=cause.at,
        app=notice.app,
        device=step.device,
        line=notice.line,
        handle=notice.handle.version,
        message=signal.message,
        msg=signal.msg,
        param1_name=signal.param1_name,
        param1=signal.param1,
        param2_name=notice.reason,
        param2=tapi.REASONS[notice.reason] if notice.reason else 0,
        param3=0,
        rule=f"{cause.event_type}/{STEP_NAMES[type(step)]}",
    )


# --- what each step tells -------------------------------------------------------------------------------------------


def _suspended(book: Book, step: Suspended, _: Cause) -> Iterator[_Notice]:
    for app, held in _holders(book, step.device):
        yield from _news(app, held, True, step.lines, "out", step.reason)


def _resumed(book: Book, step: Resumed, _: Cause) -> Iterator[_Notice]:
    for app, held in _holders(book, step.device):
        yield from _news(app, held, True, step.lines, "in")


def _line_in_service(book: Book, step: LineInService, _: Cause) -> Iterator[_Notice]:
    for app, held in _holders(book, step.device):
        yield from _news(app, held, False, (step.line,), "in")


def _opened_out(book: Book, step: OpenedOut, _: Cause) -> Iterator[_Notice]:
    held = book.held[step.device][step.app]
    yield from _news(step.app, held, step.phone, step.lines, "out", step.reason)


def _closed(book: Book, step: Closed, _: Cause) -> Iterator[_Notice]:
    for app, held in _holders(book, step.device):
        if held.phone:
            yield _Notice(app, None, held.phone, tapi.PHONE_CLOSE)
        for line in step.lines:
            if handle := held.lines.get(line):
                yield _Notice(app, line, handle, tapi.LINE_CLOSE)
    book.held.pop(step.device, None)


def _line_closed(book: Book, step: LineClosed, _: Cause) -> Iterator[_Notice]:
    for app, held in _holders(book, step.device):
        if handle := held.lines.get(step.line):
            yield _Notice(app, step.line, handle, tapi.LINE_CLOSE)
            _take(book, step.device, app, False, (step.line,))


def _opened(book: Book, step: Opened, cause: Cause) -> Iterator[_Notice]:
    book.apps.setdefault(step.app, len(book.apps))
    held = book.held.setdefault(step.device, {}).setdefault(step.app, Held())
    if step.phone:
        held.phone = Handle(cause.version)
    for line in step.lines:
        held.lines[line] = Handle(cause.version)
    return iter(())


def _given_back(book: Book, step: GivenBack, _: Cause) -> Iterator[_Notice]:
    _take(book, step.device, step.app, step.phone, step.lines)
    return iter(())


_TELL: dict[type[Step], Callable[[Book, Any, Cause], Iterator[_Notice]]] = {
    Suspended: _suspended,
    Resumed: _resumed,
    LineInService: _line_in_service,
    OpenedOut: _opened_out,
    Closed: _closed,
    LineClosed: _line_closed,
    Opened: _opened,
    GivenBack: _given_back,
}


# --- what they share ------------------------------------------------------------------------------------------------

_PHONE_SIGNAL = {"in": tapi.RESUME, "out": tapi.SUSPEND}
_LINE_SIGNAL = {"in": tapi.INSERVICE, "out": tapi.OUTOFSERVICE}


def _news(
    app: str, held: Held, phone: bool, lines: tuple[str, ...], state: Literal["in", "out"], reason: str | None = None
) -> Iterator[_Notice]:
    """Tell one application the state of its phone handle and these lines, where it has them and it is news."""
    if phone and held.phone and held.phone.told != state:
        held.phone.told = state
        yield _Notice(app, None, held.phone, _PHONE_SIGNAL[state], reason)
    for line in lines:
        handle = held.lines.get(line)
        if handle and handle.told != state:
            handle.told = state
            yield _Notice(app, line, handle, _LINE_SIGNAL[state], reason)


def _holders(book: Book, device: str) -> list[tuple[str, Held]]:
    """The applications that hold something on the device, in the order in which they first opened anything."""
    held = book.held.get(device, {})
    return sorted(held.items(), key=lambda item: book.apps[item[0]])


def _take(book: Book, device: str, app: str, phone: bool, lines: tuple[str, ...]) -> None:
    """Take handles away from an application."""
    held = book.held[device][app]
    if phone:
        held.phone = None
    for line in lines:
        del held.lines[line]
    if held.phone is None and not held.lines:
        del book.held[device][app]
    if not book.held[device]:
        del book.held[device]
