"""When a call ended whose record is no witness of it: its node died."""

from datetime import timedelta
from functools import partial

import pytest
from support.cluster_lines import GIVEN, LINES, alarm, back, events, files, link, new_store, stream

from cti_es.cucm.cdr import NEEDED
from cti_es.cucm.files import File
from cti_es.cucm.importing import GRACE, Import, run
from cti_es.logs.append import AppendOptions

NINE = 1772442000  # 2026-03-02T09:00:00Z
HEADER = ",".join([*NEEDED, "origNodeId", "destNodeId"])
FAILED = link(60, "cm2", "cm1")


@pytest.fixture
def store():
    """A store with three nodes, a port and a phone."""
    return new_store()


def record(call, start, end, writer=1, home=1):
    """The record of a call of the phone; times count from 09:00."""
    return f"1,{writer},{call},1,2,{NINE + start},{NINE + start},{NINE + end},SEP1,trunk,{home},0"


def bring(store, lines, *records, grace=GRACE):
    """Import lines and records; when calls ended, and what else was found, as (kind, name) → text."""
    cdr = File("x.cdr", partial(stream, "\n".join([HEADER, *records])))
    what = Import([*files(lines), cdr], lambda known: GIVEN, LINES, grace=grace)
    done = run(store, "default", what, AppendOptions("import"))
    ends = {event.call.split()[0]: event.at[14:19] for event in events(store) if type(event).__name__ == "CallEnded"}
    return ends, {(one.kind, one.name): one.text for one in done.findings}


@pytest.mark.parametrize(
    ("lines", "more", "end"),
    [
        ([back(90, "cm2")], [], "01:30"),
        ([back(62, "cm1"), back(90, "cm2")], [], "01:30"),
        ([], [record(8, 100, 110, 2, 2)], "01:40"),
        ([back(120, "cm2")], [record(8, 100, 110, 2, 2)], "01:40"),
        ([back(120, "cm2")], [record(8, 130, 140, 2, 2)], "02:00"),
    ],
)
def test_the_first_proof(lines, more, end, store):
    """The phone registers elsewhere, or begins its next call, whichever comes first; not its own node's word."""
    ends, found = bring(store, [FAILED, *lines], record(7, 10, 58), *more)

    assert ends["1/7"] == end
    assert ("corrected", "SEP1") in found
    assert ("doubtful", "SEP1") not in found


def test_without_proof(store):
    """What nothing proves stays as the record has it, and is reported."""
    ends, found = bring(store, [FAILED, back(20, "cm2")], record(7, 30, 58))

    assert ends == {"1/7": "00:58"}
    assert "nothing after it proves it" in found["doubtful", "SEP1"]


@pytest.mark.parametrize(
    ("row", "is_doubted"),
    [
        (record(7, 10, 300), True),  # written by a node that died during the call
        (record(7, 10, 54), False),  # it ended before
        (record(7, 10, 55), True),
        (record(7, 10, 64, 2, 1), True),  # another node wrote it, but the phone was at the one that died
        (record(7, 10, 66, 2, 1), False),
        (record(7, 10, 58, 2, 2), False),
        (record(7, 10, 58, 2, 0), True),  # the record does not say where the phone was: where the log has it
        (record(7, 70, 90), False),  # the node was back, although no line says so
    ],
)
def test_whose_record_is_doubted(row, is_doubted, store):
    """Its writer failed during the call, or the node of the device just when it ended."""
    _, found = bring(store, [FAILED], row)

    assert (("doubtful", "SEP1") in found) == is_doubted


@pytest.mark.parametrize(("grace", "is_doubted"), [(0, False), (2, True)])
def test_how_near_is_near(grace, is_doubted, store):
    """The bound is the caller's."""
    _, found = bring(store, [FAILED], record(7, 10, 58), grace=timedelta(seconds=grace))

    assert (("doubtful", "SEP1") in found) == is_doubted


def test_the_same_again(store):
    """The same files add nothing, and neither does the record without the lines that proved its end."""
    lines = [FAILED, back(90, "cm2")]
    bring(store, lines, record(7, 10, 58))
    before = events(store)

    assert bring(store, lines, record(7, 10, 58))[0] == {"1/7": "01:30"}
    assert bring(store, [alarm(0, "other")], record(7, 10, 58))[0] == {"1/7": "01:30"}
    assert events(store) == before


def test_a_proof_that_comes_later(store):
    """What the log has already stays, and the report says that it differs."""
    bring(store, [FAILED], record(7, 10, 58))
    before = events(store)
    _, found = bring(store, [FAILED, back(90, "cm2")], record(7, 10, 58))

    assert ("differs", "SEP1") in found
    assert events(store) == before


def test_many_calls_of_one_phone(store):
    """Each call has its own proof, whatever the others say."""
    rows = [record(number, 10 + number, 58 + number % 3) for number in range(40)]
    ends, _ = bring(store, [FAILED, back(90, "cm2")], *rows)

    assert ends == {f"1/{number}": "01:30" for number in range(40)}
