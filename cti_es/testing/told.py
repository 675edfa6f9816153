"""What a test expects an application to be told, compared with what it is told; the failure reads like ``diff``."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice

from msgspec.structs import replace

from cti_es.api import Log
from cti_es.report.diff_text import text_report
from cti_es.report.rows import details
from cti_es.testing.words import in_words
from cti_es.traces.diff.compare import DiffOptions, Order, compare
from cti_es.traces.diff.differences import Difference
from cti_es.traces.sides import MessageSide, received
from cti_es.vocabulary.events import type_of
from cti_es.vocabulary.tapi import Message, TraceMessage

SHOWN = 20
"""So many differences, and so many messages that came, are shown."""


def check_told(app: str, expected: list[TraceMessage], told: Sequence[Message], order: Order, log: Log) -> None:
    """Raise AssertionError, with the report, unless an application is told just these messages.

    A reason that ``expected`` leaves out (None) is not compared.
    """
    came = [replace(received(message), handle=None) for message in told]
    if not expected and not came:
        return
    options = DiffOptions(order, strict=True)
    wanted = MessageSide("the test", "is_told", _with_reasons(expected, came))
    sides = wanted, MessageSide(log.name, "replayed", came)
    found = compare(sides[0].batches(), sides[1].batches(), options)
    if not found.conforms:
        head, report = f"{app}: {first_difference(found.differences)}", text_report(sides, options, found, SHOWN)
        raise AssertionError("\n".join([head, "", report, "", *_told(app, told, log)]))


def _with_reasons(expected: list[TraceMessage], came: list[TraceMessage]) -> list[TraceMessage]:
    """What is expected, with the reasons that are left out as they came: the n-th SUSPEND of a handle as the n-th."""
    reasons: dict[Hashable, list[int | None]] = defaultdict(list)
    for one in reversed(came):
        reasons[_says_to(one)].append(one.param2)
    found = []
    for one in expected:
        left = reasons[_says_to(one)]
        reason = left.pop() if left else 0
        found.append(replace(one, param2=reason) if one.param2 is None else one)
    return found


def _says_to(message: TraceMessage) -> Hashable:
    return message.device, message.line, message.message, message.param1


def first_difference(differences: Sequence[Difference]) -> str:
    """The first difference in one line, for a summary."""
    one = differences[0]
    said = list(dict.fromkeys(in_words(message) for message in (one.expected, one.actual) if message))
    words = f": expected {said[0]}, came {said[1]}" if len(said) == 2 else f" {said[0]}"
    detail = f", {one.detail}" if one.detail else ""
    more = f" (and {len(differences) - 1:,} more)" if len(differences) > 1 else ""
    return f"{one.kind}{words}{detail}{more}"


def _told(app: str, told: Sequence[Message], log: Log) -> Iterator[str]:
    """What an application is told, in the words of ``is_told``, with the event that causes each."""
    if not told:
        yield f"{app} is told nothing"
        return
    events = {one.version: one.event for one in log.events()}
    width = max(len(in_words(message)) for message in told[:SHOWN])
    yield f"{app} is told:"
    for message in islice(told, SHOWN):
        event = events[message.version]
        yield f"  {in_words(message):<{width}}  event {message.version}: {type_of[type(event)]} {details(event)}"
    if len(told) > SHOWN:
        yield f"  … and {len(told) - SHOWN:,} more"
