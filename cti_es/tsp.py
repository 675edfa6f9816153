"""The TSP: the fold's steps → TAPI messages for each application that holds a handle (recovery-rules §4, §6).

The TSP knows which application holds which handle, and what it was last told about it. A message goes to an
application for one of its handles; it says something only if it is news. Messages of one step go out application by
application, in the order in which they first opened anything; for each first the phone device, then its lines in
order.

The handles are a second book of what ``recovery`` knows as "opened by": kept here from the steps alone, so that a
step read later still finds the handles it was about.
"""

from collections.abc import Callable
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

Told = Literal["in", "out"]
"""The last state that an application was told of a handle; a new handle starts at "in"."""


class Handle(msgspec.Struct):
    """A handle: the version of the event that opened it, and what was last told about it."""

    version: int
    told: Told = "in"


class Held(msgspec.Struct):
    """What one application holds on one device."""

    phone: Handle | None = None
    lines: dict[str, Handle] = {}


class Book(msgspec.Struct):
    """The TSP's state: the applications in the order of their first opens, and per device what each of them holds."""

    apps: dict[str, int] = {}
    held: dict[str, dict[str, Held]] = {}


class Cause(NamedTuple):
    """The event behind some steps: its version, time and type."""

    version: int
    at: str | None
    event_type: str


class Tsp:
    """Turns steps into messages. ``seq`` is the number of the last message."""

    def __init__(self, book: Book, seq: int) -> None:
        self.book = book
        self.seq = seq
        self._cause = Cause(0, None, "")
        self._rule = ""
        self._told: list[Message] = []
        self._tell: dict[type[Step], Callable[[Any], None]] = {
            Suspended: self._suspended,
            Resumed: self._resumed,
            LineInService: self._line_in_service,
            OpenedOut: self._opened_out,
            Closed: self._closed,
            LineClosed: self._line_closed,
            Opened: self._opened,
            GivenBack: self._given_back,
        }

    def messages(self, steps: list[Step], cause: Cause) -> list[Message]:
        """The messages that the steps of one event send, in order."""
        self._cause = cause
        self._told = []
        for step in steps:
            self._rule = f"{cause.event_type}/{STEP_NAMES.get(type(step))}"
            self._tell[type(step)](step)
        return self._told

    # What each step tells.

    def _suspended(self, step: Suspended) -> None:
        for app, held in self._holders(step.device):
            self._news(step.device, app, held, True, step.lines, "out", step.reason)

    def _resumed(self, step: Resumed) -> None:
        for app, held in self._holders(step.device):
            self._news(step.device, app, held, True, step.lines, "in")

    def _line_in_service(self, step: LineInService) -> None:
        for app, held in self._holders(step.device):
            self._news(step.device, app, held, False, (step.line,), "in")

    def _opened_out(self, step: OpenedOut) -> None:
        held = self.book.held[step.device][step.app]
        self._news(step.device, step.app, held, step.phone, step.lines, "out", step.reason)

    def _closed(self, step: Closed) -> None:
        for app, held in self._holders(step.device):
            if held.phone:
                self._say(step.device, app, None, held.phone, tapi.PHONE_CLOSE)
            for line in step.lines:
                if handle := held.lines.get(line):
                    self._say(step.device, app, line, handle, tapi.LINE_CLOSE)
        self.book.held.pop(step.device, None)

    def _line_closed(self, step: LineClosed) -> None:
        for app, held in self._holders(step.device):
            if handle := held.lines.get(step.line):
                self._say(step.device, app, step.line, handle, tapi.LINE_CLOSE)
                self._take(step.device, app, False, (step.line,))

    def _opened(self, step: Opened) -> None:
        apps = self.book.apps
        apps.setdefault(step.app, len(apps))
        held = self.book.held.setdefault(step.device, {}).setdefault(step.app, Held())
        if step.phone:
            held.phone = Handle(self._cause.version)
        for line in step.lines:
            held.lines[line] = Handle(self._cause.version)

    def _given_back(self, step: GivenBack) -> None:
        self._take(step.device, step.app, step.phone, step.lines)

    # What they share.

    def _holders(self, device: str) -> list[tuple[str, Held]]:
        """The applications that hold something on the device, in the order in which they first opened anything."""
        held = list(self.book.held.get(device, {}).items())
        if len(held) > 1:
            held.sort(key=lambda item: self.book.apps[item[0]])
        return held

    def _news(
        self,
        device: str,
        app: str,
        held: Held,
        phone: bool,
        lines: tuple[str, ...],
        state: Told,
        reason: str | None = None,
    ) -> None:
        """Tell one application the state of its phone handle and of these lines, where it has them and it is news."""
        if phone and held.phone and held.phone.told != state:
            held.phone.told = state
            self._say(device, app, None, held.phone, _PHONE_SIGNAL[state], reason)
        for line in lines:
            handle = held.lines.get(line)
            if handle and handle.told != state:
                handle.told = state
                self._say(device, app, line, handle, _LINE_SIGNAL[state], reason)

    def _say(
        self, device: str, app: str, line: str | None, handle: Handle, signal: Signal, reason: str | None = None
    ) -> None:
        """One message: the fields in the order of :class:`~cti_es.tapi.Message`."""
        self.seq += 1
        version, at, _ = self._cause
        number = tapi.REASONS[reason] if reason else 0
        self._told.append(
            Message(self.seq, version, at, app, device, line, handle.version, *signal, reason, number, 0, self._rule)
        )

    def _take(self, device: str, app: str, phone: bool, lines: tuple[str, ...]) -> None:
        """Take handles away from an application."""
        held = self.book.held[device][app]
        if phone:
            held.phone = None
        for line in lines:
            del held.lines[line]
        if held.phone is None and not held.lines:
            del self.book.held[device][app]
        if not self.book.held[device]:
            del self.book.held[device]


_PHONE_SIGNAL: dict[Told, Signal] = {"in": tapi.RESUME, "out": tapi.SUSPEND}
_LINE_SIGNAL: dict[Told, Signal] = {"in": tapi.INSERVICE, "out": tapi.OUTOFSERVICE}
