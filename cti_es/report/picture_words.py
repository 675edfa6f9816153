"""What a page says in words: differences as sentences, the cells of its tables, what failed."""

import re
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from cti_es.answers.out_of_service import Outage
from cti_es.report.picture_lanes import Failure
from cti_es.report.rows import details
from cti_es.traces.diff.differences import Difference, DifferenceKind, about, says
from cti_es.vocabulary.events import Event, type_of
from cti_es.vocabulary.tapi import TraceMessage

Time = Callable[[str], str]
"""How a canonical time is written: in UTC, or as another zone has it."""

DIFFERENCE_TITLES = ("what", "channel", "expected", "came", "event", "rule")
OUTAGE_TITLES = ("device", "from", "until", "length", "reason", "cause", "before", "after", "calls")
NONE = "–"
"""What stands in a cell of which there is nothing to say."""

_SENTENCES: dict[DifferenceKind, str] = {
    "missing": "{app} was not told {said}{where}",
    "unexpected": "{app} was told {came}{where}, which nothing in the log causes",
    "changed": "{app} was told {came} instead of {said}{where}",
    "reason": "{app} was told {came} instead of {said}{where}",
    "moved": "{app} was told {said}{where} in another order",
    "late": "{app} was told {said}{where} too late",
    "early": "{app} was told {said}{where} too early",
    "alias": "{app} uses one handle for several channels{where}",
}

_FAILED = {"node": "{}", "CTI Manager": "CTI Manager of {}", "device": "{}", "link": "link of {}"}


def in_a_sentence(one: Difference) -> str:
    """A difference as a sentence about an application: what it was not told, or was told and should not have been."""
    message = one.expected or one.actual
    app = message.app if message and message.app else "The application"
    said, came = (_state(side) if side else "" for side in (one.expected, one.actual))
    where = f" on {about(message)}" if message and about(message) else ""
    words = _SENTENCES[one.kind].format(app=app, said=said, came=came, where=where)
    return words + (f" ({one.detail})" if one.detail else "")


def _state(message: TraceMessage) -> str:
    """What a message says, in short: ``OUTOFSERVICE (CallManagerFailure)``."""
    return re.sub(r"^\w+ (?:PHONESTATE|LINEDEVSTATE)_", "", says(message))


def event_words(event: Event) -> str:
    """The type of an event and its fields, but not its id: that is for machines."""
    return f"{type_of[type(event)]} {details(replace(event, id=None))}".rstrip()


def cause(one: Difference, events: Mapping[int, Event]) -> str:
    """The event of the expected message, with its version; empty if there is none."""
    version = one.expected.version if one.expected else None
    event = events.get(version or 0)
    return f"{version} {event_words(event)}" if event else ""


def short(message: str, state: str | None, reason: str | None) -> str:
    """What a message says, without the prefixes: ``OUTOFSERVICE CallManagerFailure``."""
    return (state.partition("_")[2] if state else message) + (f" {reason}" if reason else "")


def difference_cells(one: Difference, events: Mapping[int, Event], time: Time = str) -> tuple[str, ...]:
    """The cells of a difference, by their titles; ``time`` says how a time is written."""
    rule = one.expected.rule if one.expected else None
    came = _said(one.actual, time) + (f" ({one.detail})" if one.actual and one.detail else "")
    return (
        one.kind,
        one.channel,
        _said(one.expected, time) or NONE,
        came or "nothing",
        cause(one, events) or NONE,
        rule or NONE,
    )


def _said(message: TraceMessage | None, time: Time) -> str:
    if message is None:
        return ""
    return says(message) + (f" at {time(message.at)}" if message.at else "")


def outage_cells(one: Outage, time: Time = str) -> tuple[str, ...]:
    """The cells of an outage, by their titles; ``time`` says how a time is written."""
    until = "still out" if one.lasts else at_or_event(one.until_at, one.until_version, time)
    begin = at_or_event(one.from_at, one.from_version, time)
    length = NONE if one.lasts else one.length
    homes = one.home_before or NONE, one.home_after or NONE
    return one.device, begin, until, length, one.reason or NONE, one.cause, *homes, f"{one.calls:,}"


def at_or_event(at: str | None, version: int | None, time: Time = str) -> str:
    """When an event was: at its time, or in which place of the log."""
    return time(at) if at else f"event {version}"


def failed(one: Failure) -> str:
    """What failed."""
    return _FAILED[one.kind].format(one.name)
