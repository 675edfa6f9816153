"""``replay --format ladder``: every message on a rung of its own, in 80 columns."""

from cti_es.model.replay import Replay
from cti_es.report.ladder import APP, HEAD, TSP, ladder
from cti_es.report.mermaid import mermaid
from cti_es.testing.random_logs import Plan, generate
from cti_es.testing.worked_example import EVENTS
from cti_es.vocabulary.events import decode_event


def told(events):
    """What some events have done."""
    return Replay().happenings(list(events))


def test_each_message_has_a_rung_and_each_step_one_before_it():
    """The worked example from its first event: 20 messages in 8 groups, each behind what was done to its device."""
    lines = list(ladder(told(decode_event(line) for line in EVENTS.splitlines())))
    rungs = [line for line in lines if line.startswith("|  ")]

    assert len(rungs) == 20
    assert sum(line.startswith("|- ") for line in lines) == 8
    assert rungs[1] == "|                  |- 5001 OUTOFSERVICE CallManagerFailure -------->| app"


def test_rungs_stand_below_the_titles_in_80_columns():
    """Whatever is told, the three posts stand where the titles do, and the arrows lead from one to the next."""
    lines = [HEAD, *ladder(told(generate(Plan(seed=4, events=800, tsp=True, apps=2, lines=2))))]
    rungs = [line for line in lines if line.startswith("|")]

    assert rungs
    assert {(line[TSP], line[APP]) for line in rungs} == {("|", "|")}
    assert (HEAD[TSP:].startswith("TSP"), HEAD[APP:].startswith("application")) == (True, True)
    assert max(map(len, lines)) <= 80


def test_times_are_written_as_they_are_wanted():
    """Of each event, in a ladder as in a diagram."""
    worked = list(told(decode_event(line) for line in EVENTS.splitlines()))
    lines = [*ladder(worked, time=lambda at: f"<{at}>"), *mermaid(worked, time=lambda at: f"({at})")]

    assert sum(line.startswith("event ") and " at <2026-" in line for line in lines) == len(worked)
    assert sum(line.startswith("    Note over") and " at (2026-" in line for line in lines) == len(worked)
