"""Alignment: the fewest edits, of those the nearest in time, and cut where it is too much."""

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import EXAMPLES

from cti_es.traces.diff.align import align, distance

SHORT = st.lists(st.integers(0, 2), max_size=9)
DATED = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), max_size=8).map(sorted)
"""Times that never go back, each with what was said."""


def best_by_trying_all(left, right):
    """The fewest edits and then the smallest distance in time, by trying every alignment."""

    @cache
    def rest(i, j):
        if i == len(left) or j == len(right):
            return len(left) - i + len(right) - j, 0
        ways = [(edits + 1, apart) for edits, apart in (rest(i + 1, j), rest(i, j + 1))]
        if left[i][1] == right[j][1]:
            edits, apart = rest(i + 1, j + 1)
            ways.append((edits, apart + abs(left[i][0] - right[j][0])))
        return min(ways)

    return rest(0, 0)


@given(DATED, DATED)
@EXAMPLES
def test_no_alignment_is_better(left, right):
    """What is matched is equal and in order; no other alignment has fewer edits, or as few and is nearer in time."""
    (times, expected), (others, actual) = (
        ([at for at, _ in side], [says for _, says in side]) for side in (left, right)
    )
    matches = align(expected, actual, (times, others)).matches
    edits = len(left) + len(right) - 2 * len(matches)

    assert all(expected[i] == actual[j] for i, j in matches)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(matches))
    assert (edits, sum(abs(times[i] - others[j]) for i, j in matches)) == best_by_trying_all(left, right)


@given(SHORT, SHORT)
@EXAMPLES
def test_without_times_the_edits_count(left, right):
    """Without times the matches are as many as can be, and the number of edits is known without them."""
    dated = [[(0, says) for says in side] for side in (left, right)]
    fewest, _ = best_by_trying_all(*dated)

    assert len(left) + len(right) - 2 * len(align(left, right).matches) == fewest
    assert distance(left, right) == fewest


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_of_equal_outages_the_one_that_is_missing_is_named(lost):
    """Three equal outages, one of them not in the trace: the times say which."""
    expected, times = ["out", "in"] * 3, [0, 5, 100, 105, 200, 205]
    actual, came = expected[2:], times[: 2 * lost] + times[2 * lost + 2 :]

    found = align(expected, actual, (times, came)).matches

    assert {one for one, _ in found} == set(range(6)) - {2 * lost, 2 * lost + 1}


def test_what_is_too_different_is_cut_at_its_equal_runs():
    """Past the bound the sequences are cut where much is equal, and compared piece by piece to their ends."""
    expected = [n % 7 for n in range(4_000)]
    actual = [n if place % 20 else "other" for place, n in enumerate(expected)]
    found = align(expected, actual)

    assert len(found.matches) == 3_800
    assert found.pieces > 1


# What mutation testing found that no other test noticed.


@pytest.mark.parametrize("more", [1, 2_000])
def test_what_only_one_side_has_is_no_reason_to_give_up(more: int) -> None:
    """However many messages are missing or new at one place, what stands around them is matched."""
    whole = ["first", *(f"e{n}" for n in range(more)), "last"]
    matches = [(0, 0), (1, more + 1)]

    assert align(["first", "last"], whole).matches == matches
    assert align(whole, ["first", "last"]).matches == [(right, left) for left, right in matches]


def test_the_edits_between_long_sequences():
    """A hundred thousand elements with an edit here and there: as many edits as were made, bit by bit or not."""
    some = [number % 7 for number in range(100_000)]
    other = [one for number, one in enumerate(some) if number % 10_000 != 5_000]

    assert distance(some, other) == distance(other, some) == 10
    assert distance(some, some) == 0
    assert distance(some[:4_000], other[:4_000]) == 0
