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
    channels = split(trace)
    found = [one for channel in channels for check in _CHECKS for one in check(channel)]
    found += [*_after_close(channels), *_closed_alone(channels)]
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


def _after_close(channels: list[Channel]) -> Iterator[Violation]:
    """Names without handles do not say whether the handle is a new one."""
    closes: dict[Name, TraceMessage] = {}
    for channel in channels:
        first, last, handle = channel.messages[0], channel.messages[-1], channel.name._replace(number=0)
        if channel.name.number and channel.name.handle is not None and first.message in CLOSES:
            closed = closes[handle]
            yield _violation("after_close", channel, first, f"comes after the {closed.message} at {closed.place}")
        closes[handle] = last


def _unknown_reason(channel: Channel) -> Iterator[Violation]:
    for message in channel.messages:
        out = told_by(message) == "out"
        if out and message.param2 is not None and message.param2 not in REASON_NAMES:
            yield _violation("unknown_reason", channel, message, f"the reason 0x{message.param2:x} is not a known one")


_CHECKS: tuple[Callable[[Channel], Iterator[Violation]], ...] = (_alternates, _unknown_reason)


def _closed_alone(channels: list[Channel]) -> Iterator[Violation]:
    """Only where devices have names: handles alone do not say which lines belong to a phone."""
    devices: dict[tuple[str | None, str], list[Channel]] = defaultdict(list)
    for channel in channels:
        if channel.name.device is not None:
            devices[channel.name.app, channel.name.device].append(channel)
    for device in devices.values():
        yield from _closed_alone_on(device)


def _closed_alone_on(device: list[Channel]) -> Iterator[Violation]:
    """The lines that were told something before a PHONE_CLOSE, and whose next message is no LINE_CLOSE."""
    messages = sorted(
        (m.place, number, index) for number, one in enumerate(device) for index, m in enumerate(one.messages)
    )
    open_lines: dict[int, int] = {}
    for _, number, index in messages:
        channel = device[number]
        message = channel.messages[index]
        if message.message == "PHONE_CLOSE":
            for line, last in open_lines.items():
                if not _is_closed_after(device[line], last):
                    text = f"line {device[line].name.line} was open with it and gets no LINE_CLOSE"
                    yield _violation("closed_alone", channel, message, text)
            open_lines.clear()
        elif message.message == "LINE_CLOSE":
            open_lines.pop(number, None)
        elif channel.name.kind == "line":
            open_lines[number] = index


def _is_closed_after(line: Channel, index: int) -> bool:
    after = line.messages[index + 1 : index + 2]
    return [message.message for message in after] == ["LINE_CLOSE"]


def _state(channel: Channel) -> str | None:
    last = channel.messages[-1]
    return None if last.message in CLOSES else told_by(last)


def _still_out(channel: Channel, strict: bool) -> Violation:
    what = "suspended" if channel.name.kind == "phone" else "out of service"
    return _violation("still_out", channel, channel.messages[-1], f"is still {what} at the end", warning=not strict)
