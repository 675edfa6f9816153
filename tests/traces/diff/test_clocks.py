"""When messages were: clocks that are off, and traces without times."""

import pytest

from cti_es.traces.diff.clocks import SECOND, estimated_offset, microseconds, nearest

OUT, IN = ("LINE_LINEDEVSTATE", 0x80), ("LINE_LINEDEVSTATE", 0x40)
OUTAGES = [(OUT, 0), (IN, 7), (OUT, 1_000), (IN, 1_031), (OUT, 4_000), (IN, 4_200), (OUT, 9_000), (IN, 9_005)]


def sample(ahead=0, without=()):
    """The outages, of three lines each, on a clock that is so many seconds ahead; some of them not there."""
    return [(says, (at + ahead) * SECOND) for number, (says, at) in enumerate(OUTAGES) for _ in range(3)
            if number not in without]  # fmt: skip


@pytest.mark.parametrize("ahead", [0, 1, -1, 180, -3_600, 7_200])
@pytest.mark.parametrize("lost", [(), (0, 1), (2, 5)])
def test_most_bursts_agree(ahead, lost):
    """However much the clock is off, and though some bursts are lost, the others say by how much."""
    assert estimated_offset(sample(), sample(ahead, lost)) == ahead * SECOND


def test_nobody_agrees():
    """Bursts at quite other distances say nothing of the clock."""
    other = [
        (says, at * SECOND)
        for says, at in zip([OUT, IN] * 4, (3, 50, 333, 777, 1_500, 2_222, 3_100, 5_500), strict=True)
    ]

    assert estimated_offset(sample(), other) == 0
    assert estimated_offset(sample(), []) == 0


def test_times_as_numbers():
    """A canonical time is so many microseconds from 1970 on."""
    assert microseconds("1970-01-01T00:00:01.000002Z") == SECOND + 2
    assert [nearest([10, 20], at) for at in (0, 14, 15, 16, 99)] == [10, 10, 10, 20, 20]
