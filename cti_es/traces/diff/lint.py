"""What every trace must keep, with no log at hand (docs/reference/commands/lint.md#rules).

A trace is read once. What is kept of it is the last message of each handle, and what it breaks: a handle may be told
something any number of times.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from cti_es.traces.diff.channels import CLOSES, CONFIGURATION, Key, Name, kind_of
from cti_es.traces.diff.states import told_by
from cti_es.vocabulary.tapi import REASON_NAMES, TraceMessage

Rule = Literal["alternates", "after_close", "closed_alone", "unknown_reason", "still_out"]

CHECKS: dict[Rule, str] = {
    "alternates": "SUSPEND and RESUME take turns on a phone handle, OUTOFSERVICE and INSERVICE on a line handle",
    "after_close": "a handle is closed once; the same number afterwards is a new handle",
    "closed_alone": "a PHONE_CLOSE comes with the LINE_CLOSE of the lines of that device that were open with it",
    "unknown_reason": "the reason is one of the known ones",
    "still_out": "at the end every handle has been told that it is in service again (a warning)",
}
"""The rules of lint, each with what it asks for."""


class Violation(msgspec.Struct, frozen=True):
    """A rule that a trace breaks, as NDJSON has it. ``warning`` says that the trace may be right all the same."""

    rule: Rule
    place: int
    channel: str
    message: str
    text: str
    warning: bool = False


def lint(trace: Iterable[Sequence[TraceMessage]], strict: bool = False) -> list[Violation]:
    """What a trace breaks, in its order. ``strict``: a handle that is still out at the end is more than a warning."""
    handles = _Handles()
    for batch in trace:
        handles.take(batch)
    return handles.violations(strict)


class _Handle:
    """What is known of an open handle: what it was told last, and which PHONE_CLOSE wants its LINE_CLOSE next."""

    __slots__ = ("closed_with", "last", "name", "order", "told")

    def __init__(self, name: Name, order: int, first: TraceMessage) -> None:
        self.name = name
        self.order = order
        self.last = first
        self.told: Literal["in", "out"] | None = None
        self.closed_with: tuple[int, Name, TraceMessage] | None = None


class _Handles:
    """The handles of a trace as it is read, and what they break, each with the number of its message."""

    def __init__(self) -> None:
        self._number = 0
        self._of: dict[Key, _Handle] = {}
        self._closes: dict[Name, TraceMessage] = {}
        self._times_closed: dict[Name, int] = defaultdict(int)
        self._open_lines: dict[tuple[str | None, str], dict[Key, _Handle]] = defaultdict(dict)
        self._found: list[tuple[int, Violation]] = []

    def take(self, batch: Sequence[TraceMessage]) -> None:
        """Look at the next messages."""
        for message in batch:
            self._number += 1
            if message.message not in CONFIGURATION:
                key = message.message[0], message.app, message.device, message.line, message.handle
                handle = self._of.get(key) or self._opened(key, message)
                self._look_at(handle, key, message)

    def violations(self, strict: bool) -> list[Violation]:
        """All that was broken, in the order of the trace, which is at its end."""
        found = list(self._found)
        for handle in self._of.values():
            found += self._not_closed(handle)
            if told_by(handle.last) == "out":
                what = "suspended" if handle.name.kind == "phone" else "out of service"
                text = f"is still {what} at the end"
                found.append((handle.order, _violation("still_out", handle.name, handle.last, text, not strict)))
        return [one for _, one in sorted(found, key=lambda pair: (pair[0], pair[1].channel))]

    def _opened(self, key: Key, message: TraceMessage) -> _Handle:
        """A handle of which nothing came so far, or nothing after its CLOSE."""
        name = Name(kind_of(message.message), message.app, message.device, message.line, message.handle)
        times = self._times_closed[name]
        handle = self._of[key] = _Handle(name._replace(number=times), self._number, message)
        # Names without handles do not say whether the handle is a new one.
        if times and name.handle is not None and message.message in CLOSES:
            closed = self._closes[name]
            self._add("after_close", handle, message, f"comes after the {closed.message} at {closed.place}")
        return handle

    def _look_at(self, handle: _Handle, key: Key, message: TraceMessage) -> None:
        if handle.closed_with and message.message != "LINE_CLOSE":
            self._found += self._not_closed(handle)
        handle.closed_with = None
        handle.last, handle.order = message, self._number
        if message.message in CLOSES:
            self._closed(handle, key, message)
            return
        if handle.name.kind == "line" and message.device is not None:
            self._open_lines[message.app, message.device][key] = handle
        state = told_by(message)
        if state is None:
            return
        if state == handle.told:
            words = {"in": "in service", "out": "out of service"}[state]
            self._add("alternates", handle, message, f"told to be {words} twice in a row")
        if state == "out" and message.param2 is not None and message.param2 not in REASON_NAMES:
            self._add("unknown_reason", handle, message, f"the reason 0x{message.param2:x} is not a known one")
        handle.told = state

    def _closed(self, handle: _Handle, key: Key, message: TraceMessage) -> None:
        name = handle.name._replace(number=0)
        self._closes[name] = message
        self._times_closed[name] += 1
        del self._of[key]
        # Only where devices have names: handles alone do not say which lines belong to a phone.
        if message.device is None:
            return
        lines = self._open_lines[message.app, message.device]
        if handle.name.kind == "line":
            lines.pop(key, None)
            return
        for line in lines.values():
            line.closed_with = self._number, handle.name, message
        lines.clear()

    def _not_closed(self, line: _Handle) -> list[tuple[int, Violation]]:
        """That a line was open when its phone was closed, and what came next was no LINE_CLOSE."""
        if not line.closed_with:
            return []
        number, phone, message = line.closed_with
        text = f"line {line.name.line} was open with it and gets no LINE_CLOSE"
        return [(number, _violation("closed_alone", phone, message, text))]

    def _add(self, rule: Rule, handle: _Handle, message: TraceMessage, text: str) -> None:
        self._found.append((self._number, _violation(rule, handle.name, message, text)))


def _violation(rule: Rule, name: Name, message: TraceMessage, text: str, warning: bool = False) -> Violation:
    return Violation(rule, message.place, str(name), message.message, text, warning)
