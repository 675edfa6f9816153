"""Traces whose times run backwards: turned round when they do so throughout, else left alone and named."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import EXAMPLES

from cti_es.traces.time_order import TimeOrder
from cti_es.vocabulary.tapi import TraceMessage


def trace(*seconds: float | None) -> list[TraceMessage]:
    return [TraceMessage(place, "PHONE_STATE", at=time(one)) for place, one in enumerate(seconds, 1)]


def time(second: float | None) -> str | None:
    return None if second is None else f"2026-03-02T10:00:{int(second):02}{'.500000' if second % 1 else ''}Z"


def ordered(messages: list[TraceMessage], size: int = 2) -> tuple[TimeOrder, list[int]]:
    order = TimeOrder()
    batches = [messages[start : start + size] for start in range(0, len(messages), size)]
    return order, [one.place for batch in order.of(batches) for one in batch]


@pytest.mark.parametrize(
    ("seconds", "places"),
    [
        ((9, 8, 8, 7, 3), [5, 4, 3, 2, 1]),
        ((9, None, 8), [3, 2, 1]),
        ((6, 5.5, 5), [3, 2, 1]),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_newest_first(seconds: tuple[float | None, ...], places: list[int], size: int) -> None:
    """Times that run backwards throughout: the messages are turned round, those of one moment too."""
    order, found = ordered(trace(*seconds), size)
    assert (found, order.newest_first) == (places, True)


@pytest.mark.parametrize(
    ("seconds", "goes_back"),
    [
        ((1, 2, 3, 4), None),
        ((1, 1, 1), None),
        ((), None),
        ((None, 9, 7), 3),
        ((None, None), None),
        ((5, 5.5, 6), None),
        ((9, 7, 5, 7), 2),
        ((1, 4, 2, 5, 4), 3),
        ((5, None, 3, 5), 3),
        ((3, 2, 4, 3.5), None),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_lines_in_their_order(seconds: tuple[float | None, ...], goes_back: int | None, size: int) -> None:
    """Times that only jump, or are not there at the beginning: the lines count; the first jump over a second is named."""
    order, found = ordered(trace(*seconds), size)
    assert (found, order.newest_first) == (list(range(1, len(seconds) + 1)), False)
    assert order.goes_back == goes_back


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 5))
@EXAMPLES
def test_nothing_is_lost(seconds: list[int], size: int) -> None:
    """Whatever the times and batches, every message comes once, and turned round exactly if none goes forward."""
    order, found = ordered(trace(*seconds), size)
    pairs = list(pairwise(seconds))
    backwards = any(one > other for one, other in pairs) and not any(one < other for one, other in pairs)
    assert sorted(found) == list(range(1, len(seconds) + 1))
    assert order.newest_first == backwards
    assert order.goes_back == next((place for place, (one, other) in enumerate(pairs, 2) if other < one - 1), None)


def test_a_trace_in_order_is_not_held_back() -> None:
    """Messages are given out as they come, as soon as one is younger than the one before it."""
    messages = trace(1, 2, 3)
    taken: list[int] = []

    def batches():
        for one in messages:
            taken.append(one.place)
            yield [one]

    found = TimeOrder().of(batches())
    assert [one.place for one in next(found)] == [1]
    assert taken == [1, 2]
