"""What every trace must keep, with no log at hand (docs/reference/commands/lint.md#rules)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from cti_es.traces.diff.channels import CLOSES, Channel, Name, split
from cti_es.traces.diff.states import told_by
from cti_es.vocabulary.tapi import REASON_NAMES, TraceMessage

Rule = Literal["alternates", "after_close", "closed_alone", "unknown_reason", "still_out"]

CHECKS: dict[Rule, str] = {
    "alternates": "SUSPEND and RESUME take turns on a phone handle, OUTOFSERVICE and INSERVICE on a line handle",
    "after_close": "nothing follows a CLOSE on its handle",
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
    channels = split(trace, by_handle=True)
    found = [one for channel in channels for check in _CHECKS for one in check(channel)]
    found += _closed_alone(channels)
    found += [_still_out(channel, strict) for channel in channels if _state(channel) == "out"]
    return sorted(found, key=lambda one: (one.place, one.channel))


def _violation(rule: Rule, channel: Channel, message: TraceMessage, text: str, warning: bool = False) -> Violation:
    return Violation(rule, message.place, str(channel.name), message.message, text, warning)


def _alternates(channel: Channel) -> Iterator[Violation]:
    told: str | None = None
    for message in channel.messages:
        state = told_by(message)
        if state is not None and state == told:
            words = {"in": "in service", "out": "out of service"}[state]
            yield _violation("alternates", channel, message, f"told to be {words} twice in a row")
        if message.message in CLOSES:
            told = None
        told = state or told


def _after_close(channel: Channel) -> Iterator[Violation]:
    """Names without handles do not say whether the handle is a new one."""
    if channel.name.handle is None:
        return
    closed: TraceMessage | None = None
    for message in channel.messages:
        if closed is not None:
            yield _violation("after_close", channel, message, f"comes after the {closed.message} at {closed.place}")
        if message.message in CLOSES:
            closed = message


def _unknown_reason(channel: Channel) -> Iterator[Violation]:
    for message in channel.messages:
        out = told_by(message) == "out"
        if out and message.param2 is not None and message.param2 not in REASON_NAMES:
            yield _violation("unknown_reason", channel, message, f"the reason 0x{message.param2:x} is not a known one")


_CHECKS: tuple[Callable[[Channel], Iterator[Violation]], ...] = (_alternates, _after_close, _unknown_reason)


def _closed_alone(channels: list[Channel]) -> Iterator[Violation]:
    """Only where devices have names: handles alone do not say which lines belong to a phone."""
    lines: dict[tuple[str | None, ...], list[Channel]] = defaultdict(list)
    for channel in channels:
        if channel.name.kind == "line" and channel.name.device is not None:
            lines[_device(channel.name)].append(channel)
    for channel in channels:
        for close in channel.messages:
            if close.message == "PHONE_CLOSE":
                for line in lines[_device(channel.name)]:
                    if _stays_open(line, close.place):
                        text = f"line {line.name.line} was open with it and gets no LINE_CLOSE"
                        yield _violation("closed_alone", channel, close, text)


def _device(name: Name) -> tuple[str | None, ...]:
    return name.app, name.device


def _stays_open(line: Channel, place: int) -> bool:
    """Whether a line had messages before a place, was not closed by then, and is not closed next."""
    before = [message for message in line.messages if message.place < place]
    after = [message for message in line.messages if message.place > place]
    if not before or before[-1].message == "LINE_CLOSE":
        return False
    return not after or after[0].message != "LINE_CLOSE"


def _state(channel: Channel) -> str | None:
    last = channel.messages[-1]
    return None if last.message in CLOSES else told_by(last)


def _still_out(channel: Channel, strict: bool) -> Violation:
    what = "suspended" if channel.name.kind == "phone" else "out of service"
    return _violation("still_out", channel, channel.messages[-1], f"is still {what} at the end", warning=not strict)
