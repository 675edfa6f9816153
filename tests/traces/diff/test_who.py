"""Which handle is which: the assignment is the best there is, as the documentation says what is best."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from support.strategies import EXAMPLES

from cti_es.traces.diff.channels import Channel, Compared, Name
from cti_es.traces.diff.clocks import clocks
from cti_es.traces.diff.who import matching
from cti_es.vocabulary.tapi import TraceMessage

MOST = 5
"""So many channels on a side: of all assignments of these the best can be found by trying each."""

STATES = (0x40000, 0x80000)
COMPARED = Compared(announced=False)


class Says(NamedTuple):
    """What a channel is told, and in which second."""

    state: int
    reason: int
    second: int


Told = tuple[Says, ...]

says = st.builds(Says, st.sampled_from(STATES), st.integers(1, 2), st.integers(0, 4).map(lambda minute: 60 * minute))
told = st.lists(says, min_size=1, max_size=4).map(lambda some: tuple(sorted(some, key=lambda one: one.second)))


@st.composite
def faulty(draw: st.DrawFn) -> tuple[list[Told], list[Told]]:
    """Channels, and what came of them, in another order: some messages are lost, some came twice."""
    expected = draw(st.lists(told, min_size=1, max_size=MOST))
    came = []
    for channel in expected:
        times = draw(st.lists(st.sampled_from((1, 1, 1, 0, 2)), min_size=len(channel), max_size=len(channel)))
        came.append(tuple(one for one, count in zip(channel, times, strict=True) for _ in range(count)))
    return expected, draw(st.permutations([one for one in came if one]))


def channels(some: list[Told]) -> list[Channel]:
    """The channels of a trace in the order of its times."""
    found = [Channel(Name("phone", handle=str(number))) for number in range(len(some))]
    ordered = sorted((one.second, number, index) for number, told in enumerate(some) for index, one in enumerate(told))
    for place, (second, number, index) in enumerate(ordered, 1):
        one, at = some[number][index], f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z"
        found[number].messages.append(TraceMessage(place, "PHONE_STATE", one.state, one.reason, at=at))
    return found


@cache
def cost(expected: Told, actual: Told) -> tuple[int, int]:
    """The fewest edits between two channels, and with these the least distance in time, in seconds."""
    if not expected or not actual:
        return len(expected) + len(actual), 0
    left, right = cost(expected[1:], actual), cost(expected, actual[1:])
    ways = [(left[0] + 1, left[1]), (right[0] + 1, right[1])]
    if expected[0][:2] == actual[0][:2]:
        edits, apart = cost(expected[1:], actual[1:])
        ways.append((edits, apart + abs(expected[0].second - actual[0].second)))
    return min(ways)


def total(pairs: list[tuple[Told, Told]]) -> tuple[int, int]:
    """Edits and seconds of all pairs together."""
    costs = [cost(*pair) for pair in pairs]
    return sum(edits for edits, _ in costs), sum(apart for _, apart in costs)


def assignments(expected: list[Told], actual: list[Told]) -> Iterator[list[tuple[Told, Told]]]:
    """Every way to pair two sides, one to one, each with a partner or alone."""
    if not expected:
        yield [((), one) for one in actual]
        return
    first, *others = expected
    for pairs in assignments(others, actual):
        yield [(first, ()), *pairs]
    for index, partner in enumerate(actual):
        for pairs in assignments(others, actual[:index] + actual[index + 1 :]):
            yield [(first, partner), *pairs]


def taken(expected: list[Told], actual: list[Told]) -> list[tuple[Told, Told]]:
    """The pairs that a comparison takes, and who stays alone."""
    left, right = channels(expected), channels(actual)
    when = clocks(left, right, COMPARED, named=False, ahead=0)
    pairs = [
        (int(one.name.handle or 0), int(other.name.handle or 0))
        for one, other in matching(left, right, COMPARED, when).pairs
    ]
    alone = [(one, ()) for number, one in enumerate(expected) if number not in {pair[0] for pair in pairs}]
    return [
        *((expected[one], actual[other]) for one, other in pairs),
        *alone,
        *(((), one) for number, one in enumerate(actual) if number not in {pair[1] for pair in pairs}),
    ]


@given(st.lists(told, min_size=1, max_size=4), st.lists(told, min_size=1, max_size=4))
@EXAMPLES
def test_the_fewest_edits_of_all(expected: list[Told], actual: list[Told]) -> None:
    """Of traces that have nothing to do with each other, no assignment has fewer edits."""
    best = min(total(pairs) for pairs in assignments(expected, actual))

    assert total(taken(expected, actual))[0] == best[0]


@given(faulty())
@EXAMPLES
def test_then_the_nearest_in_time(case: tuple[list[Told], list[Told]]) -> None:
    """Of a trace with faults, no assignment has fewer edits, and none with as few is nearer in time."""
    expected, actual = case
    best = min(total(pairs) for pairs in assignments(expected, actual))

    assert total(taken(expected, actual)) == best
