"""Faults for traces: what is done is what is listed, and nothing else."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from cti_es.model.replay import Replay
from cti_es.testing.faults import FAULTS, TOLD, handle_of, with_clear_faults, with_faults
from cti_es.testing.random_logs import Plan, generate
from cti_es.testing.worked_example import EVENTS
from cti_es.traces.diff.compare import DiffOptions, compare
from cti_es.traces.sides import received
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.event_text import read_event

MESSAGES = list(Replay().messages(list(generate(Plan(seed=4, events=600, devices=8)))))


def test_the_same_seed_gives_the_same_faults():
    """Faults are as random as their seed: the same one makes the same trace and list, another one another."""
    one, again, other = (with_faults(MESSAGES, dict.fromkeys(FAULTS, 2), seed) for seed in (1, 1, 2))

    assert one == again
    assert one.done != other.done


def test_what_is_lost_and_what_comes_twice():
    """A dropped message is not there, a doubled one is there twice in a row, all others are as they were."""
    found = with_faults(MESSAGES, {"drop": 3, "duplicate": 2}, 5)
    dropped, doubled = ([one.number for one in found.done if one.fault == fault] for fault in ("drop", "duplicate"))
    whole = sorted([*range(len(MESSAGES)), *doubled])

    assert (len(dropped), len(doubled)) == (3, 2)
    assert found.origins == [number for number in whole if number not in dropped]
    assert found.messages == [MESSAGES[number] for number in found.origins]


def test_a_swap_changes_what_comes_first_on_a_handle():
    """Two messages of one handle that say different things change places, each at the time of the other."""
    found = with_faults(MESSAGES, {"swap": 1}, 3)
    (done,) = found.done
    one, other = MESSAGES[done.number], MESSAGES[done.other]

    assert handle_of(one) == handle_of(other)
    assert (one.message, one.param1, one.param2) != (other.message, other.param1, other.param2)
    assert (found.origins[done.number], found.origins[done.other]) == (done.other, done.number)
    assert (found.messages[done.number].at, found.messages[done.number].param1) == (one.at, other.param1)


def test_late_messages_stand_where_they_come():
    """A late message comes a minute later, behind what came in between, and before the next one of its handle."""
    found = with_faults(MESSAGES, {"late": 2}, 6)
    times = [message.at[:-1] for message in found.messages]

    assert times == sorted(times)
    for done in found.done:
        place = found.origins.index(done.number)
        assert found.messages[place].at != MESSAGES[done.number].at
        rest = [n for n in found.origins[:place] if handle_of(MESSAGES[n]) == handle_of(MESSAGES[done.number])]
        assert all(number < done.number for number in rest)


def test_other_reasons():
    """Another reason is a known one, and not the one that was there."""
    found = with_faults(MESSAGES, {"reason": 2}, 6)

    assert len(found.done) == 2
    for done in found.done:
        was, came = MESSAGES[done.number], found.messages[done.number]
        assert (came.param1, came.at) == (was.param1, was.at)
        assert came.param2 not in (0, was.param2)


def test_too_many_faults():
    """More faults than there is room for are refused, with how many there is room for."""
    with pytest.raises(InputError, match="faults 'drop'"):
        with_faults(MESSAGES[:3], {"drop": 9}, 1)


TSP = list(Replay().messages(list(generate(Plan(seed=2, events=600, devices=8, apps=2, tsp=True)))))
EXAMPLE = list(Replay().messages([read_event(line, "") for line in EVENTS.splitlines()]))
FEW = {"drop": 2, "duplicate": 1, "swap": 1, "late": 1, "reason": 3}


@pytest.mark.parametrize("messages", [EXAMPLE, MESSAGES, TSP], ids=["example", "random", "tsp"])
@pytest.mark.parametrize("seed", range(8))
def test_clear_faults_are_just_what_a_comparison_finds(messages, seed):
    """Each fault is one difference of its kind, at its message, and there is no other."""
    late = timedelta(seconds=5)
    made = with_clear_faults(messages, FEW, seed, late)
    came = [replace(received(message), place=place) for place, message in enumerate(made.messages)]
    found = compare([[received(one) for one in messages]], [came], DiffOptions(time_tolerance=1))
    told = [
        (one.kind, one.expected.place if one.expected else messages[made.origins[one.actual.place]].seq)
        for one in found.differences
    ]

    assert sorted(told) == sorted((TOLD[done.fault], messages[done.number].seq) for done in made.done)
    assert len(told) == sum(FEW.values())
    assert found.announced == 0


def test_clear_faults_have_less_room():
    """A place where a fault would be told in other words is not taken; the error says how many places there are."""
    with pytest.raises(InputError, match=r"99 faults 'drop'; expected at most \d+: the trace has no more room"):
        with_clear_faults(EXAMPLE, {"drop": 99}, 1)
