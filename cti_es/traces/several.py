"""The messages of a trace, or of several, in the order in which they were received.

Specified in docs/reference/comparison.md#several-files.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from operator import ge, le
from typing import NamedTuple

from msgspec.structs import replace

from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import TraceMessage
from cti_es.vocabulary.times import sort_key

JUMP = 1.0
"""By so many seconds times may go back without a word: programs that log with several threads do so."""


class Ordered(NamedTuple):
    """Messages in order. ``places``: where each stands in its file, if they had to be numbered anew; else empty."""

    messages: Sequence[TraceMessage]
    places: list[str]
    warnings: list[str]


def in_order(files: list[tuple[str, list[TraceMessage]]]) -> Ordered:
    """The messages of files, each with its name: one file as it stands, or from its end if its newest come first.

    Several files are merged by time. Raises :class:`InputError` for a message without a time then.
    """
    warnings: list[str] = []
    turned = [(name, _oldest_first(name, messages, warnings)) for name, messages in files]
    if len(files) == 1:
        [(_, before)], [(_, after)] = files, turned
        if after is before:
            return Ordered(before, [], warnings)
        return Ordered(_numbered(after), [str(one.place) for one in after], warnings)
    both = [(name, one) for name, messages in turned for one in messages]
    for name, one in both:
        if one.at is None:
            raise InputError(
                f"{one.message} without a time", where=f"{name}:{one.place}", expected="times, to merge several files"
            )
    both.sort(key=lambda pair: sort_key(pair[1].at or ""))
    return Ordered(_numbered([one for _, one in both]), [f"{name}:{one.place}" for name, one in both], warnings)


def _numbered(messages: list[TraceMessage]) -> list[TraceMessage]:
    return [replace(one, place=number) for number, one in enumerate(messages, 1)]


def _oldest_first(name: str, messages: list[TraceMessage], warnings: list[str]) -> list[TraceMessage]:
    """The messages, turned round if their times only go back; a warning if times go back here and there."""
    times = [sort_key(one.at) for one in messages if one.at is not None]
    if all(map(le, times, islice(times, 1, None))):
        return messages
    if all(map(ge, times, islice(times, 1, None))):
        warnings.append(f"the newest messages of {name} come first: it was read from its end")
        return messages[::-1]
    timed = [one for one in messages if one.at is not None]
    back = (timed[at - 1 : at + 1] for at in range(1, len(timed)) if times[at] < times[at - 1])
    jump = next((one for before, one in back if _seconds(before) - _seconds(one) > JUMP), None)
    if jump is not None:
        warnings.append(f"times go back at {name}:{jump.place}; the order of its lines counts")
    return messages


def _seconds(message: TraceMessage) -> float:
    return datetime.fromisoformat(message.at or "").timestamp()
