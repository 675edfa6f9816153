"""A trace that begins later or ends earlier than what is expected: what lies outside is told once."""

import pytest

from cti_es.traces.diff.compare import Comparison, DiffOptions, compare
from cti_es.traces.diff.ends import MANY
from cti_es.vocabulary.tapi import TraceMessage

OUTAGES = 8
WHOLE = [
    TraceMessage(2 * outage + back + 1, "PHONE_STATE", 0x80000 if back else 0x40000, outage, "app", "D", None, "1",
                 version=2 * outage + back + 9)
    for outage in range(OUTAGES) for back in (0, 1)
]  # fmt: skip


def compared(came: list[TraceMessage], expected: list[TraceMessage] = WHOLE) -> Comparison:
    return compare([expected], [came], DiffOptions(strict=True))


@pytest.mark.parametrize(("start", "end"), [(0, 16), (0, 4), (4, 16), (0, 7), (12, 16), (6, 10)])
def test_what_lies_outside(start: int, end: int) -> None:
    """All that is missing before the first and after the last message that came, if it is much; the counts stay."""
    found = compared(WHOLE[start:end])
    before, after = WHOLE[:start], WHOLE[end:]

    assert [one.expected for one in found.outside.before] == (before if len(before) >= MANY else [])
    assert [one.expected for one in found.outside.after] == (after if len(after) >= MANY else [])
    assert (found.outside.first, found.outside.last) == (WHOLE[start], WHOLE[end - 1])
    assert len(found.differences) == len(before) + len(after)


def test_a_trace_that_goes_on() -> None:
    """Where something came after the last message that matches, the trace does not end there."""
    other = TraceMessage(99, "PHONE_STATE", 0x40000, 5, "app", "D", None, "1")

    assert compared(WHOLE[:4]).outside.after
    assert not compared([*WHOLE[:4], other]).outside.after


def test_one_event_is_no_end() -> None:
    """All messages of the last event are missing: they are told, however many there are."""
    burst = [TraceMessage(place, "PHONE_STATE", 0x40000, 1, "app", f"D{place}", None, "1", version=99)
             for place in range(17, 40)]  # fmt: skip

    assert not compared(WHOLE, WHOLE + burst).outside.after


def test_nothing_came() -> None:
    """Silence neither begins nor ends anywhere."""
    assert compared([]).outside == ((), (), None, None)
