"""Where in a log a moment is: times that go forwards, backwards, or are missing.

Specified in docs/reference/commands/replay.md#as-of-a-time.
"""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from support.strategies import EXAMPLES

from cti_es.logs.timeline import Timeline, first_later
from cti_es.vocabulary.events import NodeAdded

TIMES = [
    "2025-12-31T23:59:59.999999Z",
    "2026-01-01T08:00:00Z",
    "2026-01-01T08:00:00.000001Z",
    "2026-01-01T08:00:00.250000Z",
    "2026-01-01T08:00:00.900000Z",
    "2026-01-01T08:00:01Z",
    "2026-01-01T08:00:10Z",
]
"""Canonical times in their true order; as texts they sort differently (``Z`` comes after ``.``)."""

events = st.lists(st.sampled_from([None, *TIMES]), max_size=12).map(
    lambda times: [NodeAdded(node="n", at=at) for at in times]
)


def rank(at):
    """A time as a number: its place among TIMES."""
    return TIMES.index(at)


def naive(found):
    """The latest time so far and the first version that lies before an earlier one, one event after the other."""
    latest, backwards = -1, 0
    for version, event in enumerate(found, 1):
        if event.at is not None and rank(event.at) < latest and not backwards:
            backwards = version
        if event.at is not None:
            latest = max(latest, rank(event.at))
    return (TIMES[latest][:-1] if latest >= 0 else ""), backwards


def split(found, cuts):
    """Events in batches, each with the version of its first."""
    ends = sorted({min(cut, len(found)) for cut in cuts} | {0, len(found)})
    return [(start + 1, found[start:end]) for start, end in pairwise(ends)]


def test_times_are_not_in_the_order_of_their_texts():
    """The times of these tests show what they are for: comparing them as texts would be wrong."""
    assert sorted(TIMES) != TIMES


def test_an_empty_log_has_no_time():
    """Before the first event, and while no event has a time, there is no latest time and nothing goes backwards."""
    timeline = Timeline()
    timeline.take(1, [])
    timeline.take(1, [NodeAdded(node="n")])

    assert (timeline.latest, timeline.backwards) == ("", 0)


def test_equal_times_do_not_go_backwards():
    """Events of the same moment are in order, whichever came first."""
    timeline = Timeline()
    timeline.take(1, [NodeAdded(node="n", at=TIMES[1])] * 3)
    timeline.take(4, [NodeAdded(node="n", at=TIMES[1])])

    assert timeline.backwards == 0


def test_the_first_step_back_counts():
    """``backwards`` is the version of the first event before an earlier one, and stays it."""
    timeline = Timeline()
    timeline.take(1, [NodeAdded(node="n", at=at) for at in (TIMES[5], TIMES[6], TIMES[2], TIMES[1])])
    timeline.take(5, [NodeAdded(node="n", at=TIMES[0])])

    assert (timeline.latest, timeline.backwards) == (TIMES[6][:-1], 3)


@EXAMPLES
@given(events, st.lists(st.integers(0, 12), max_size=4))
def test_a_timeline_is_what_a_loop_finds(found, cuts):
    """However a log is cut into batches, a timeline knows the latest time and the first step back."""
    timeline = Timeline()
    for version, batch in split(found, cuts):
        timeline.take(version, batch)

    assert (timeline.latest, timeline.backwards) == naive(found)


@EXAMPLES
@given(events, st.integers(0, 12))
def test_a_timeline_can_be_taken_up_again(found, cut):
    """A timeline made from what a snapshot keeps of another goes on as that one would."""
    first = Timeline()
    first.take(1, found[:cut])
    second = Timeline(first.latest, first.backwards)
    second.take(len(found[:cut]) + 1, found[cut:])

    assert (second.latest, second.backwards) == naive(found)


@EXAMPLES
@given(events, st.sampled_from(TIMES))
def test_the_first_later_event(found, moment):
    """``first_later`` is the index of the first event that has a later time, if there is one."""
    later = [index for index, event in enumerate(found) if event.at is not None and rank(event.at) > rank(moment)]

    assert first_later(found, moment) == (later[0] if later else None)
