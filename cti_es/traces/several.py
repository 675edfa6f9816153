"""The messages of a trace, or of several, in the order in which they were received.

Specified in docs/reference/comparison.md#several-files.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from cti_es.traces.time_order import TimeOrder
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import TraceMessage
from cti_es.vocabulary.times import sort_key

Batches = Iterable[Sequence[TraceMessage]]


class Ordered(NamedTuple):
    """Messages in order. ``places``: where each stands in its file, if they had to be numbered anew; else empty."""

    messages: Sequence[TraceMessage]
    places: list[str]
    warnings: list[str]


def in_order(files: Sequence[tuple[str, Batches]]) -> Ordered:
    """The messages of files, each with its name: one file as it stands, or from its end if its newest come first.

    Several files are merged by time. Raises :class:`InputError` for a message without a time then.
    """
    turned, warnings = [], []
    for name, batches in files:
        order = TimeOrder()
        messages = [message for batch in order.of(batches) for message in batch]
        turned.append((name, messages, order.newest_first))
        warnings += order.warnings(name)
    if len(turned) > 1:
        return _merged([(name, one) for name, messages, _ in turned for one in messages], warnings)
    [(_, messages, newest_first)] = turned
    if newest_first:
        return Ordered(_numbered(messages), [str(one.place) for one in messages], warnings)
    return Ordered(messages, [], warnings)


def _merged(messages: list[tuple[str, TraceMessage]], warnings: list[str]) -> Ordered:
    for name, one in messages:
        if one.at is None:
            raise InputError(
                f"{one.message} without a time", where=f"{name}:{one.place}", expected="times, to merge several files"
            )
    messages.sort(key=lambda pair: sort_key(pair[1].at or ""))
    places = [f"{name}:{one.place}" for name, one in messages]
    return Ordered(_numbered([one for _, one in messages]), places, warnings)


def _numbered(messages: list[TraceMessage]) -> list[TraceMessage]:
    return [replace(one, place=number) for number, one in enumerate(messages, 1)]
