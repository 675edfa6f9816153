"""Alignment: the shortest edit script, trimmed and capped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti_es.traces.diff.align import MAX_EDITS, align, distance

SHORT = st.lists(st.integers(0, 2), max_size=9)


def longest_common(left, right):
    """The length of the longest common subsequence, by the textbook table."""
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) - 1, -1, -1):
        for j in range(len(right) - 1, -1, -1):
            same = left[i] == right[j]
            table[i][j] = 1 + table[i + 1][j + 1] if same else max(table[i + 1][j], table[i][j + 1])
    return table[0][0]


@given(SHORT, SHORT)
def test_matches_are_a_longest_common_subsequence(left, right):
    """What is matched is equal, in order on both sides, and as long as it can be."""
    found = align(left, right)

    assert found.complete
    assert all(left[i] == right[j] for i, j in found.matches)
    assert all(a < c and b < d for (a, b), (c, d) in zip(found.matches, found.matches[1:], strict=False))
    assert len(found.matches) == longest_common(left, right)
    assert distance(left, right) == len(left) + len(right) - 2 * longest_common(left, right)


def test_past_the_cap_only_the_equal_start_is_matched():
    """Two sequences that are too different are not aligned for ever: what lies before the first divergence counts."""
    found = align(["a", "b", *range(100)], ["a", "b", *range(200, 300)], max_edits=20)

    assert found == ([(0, 0), (1, 1)], False)


# What mutation testing found that no other test noticed.


@pytest.mark.parametrize(("more", "complete"), [(0, True), (1, False)])
def test_as_many_edits_as_are_looked_for_are_found_and_not_one_more(more: int, complete: bool) -> None:
    """Two sequences without anything in common are aligned up to 1,000 edits, and given up past that."""
    expected, actual = [f"e{n}" for n in range(500 + more)], [f"a{n}" for n in range(500)]

    assert MAX_EDITS == 1_000
    assert align(expected, actual) == ([], complete)


@pytest.mark.parametrize("more", [1, 2_000])
def test_what_only_one_side_has_is_no_reason_to_give_up(more: int) -> None:
    """However many messages are missing or new at one place, what stands around them is matched."""
    whole = ["first", *(f"e{n}" for n in range(more)), "last"]
    matches = [(0, 0), (1, more + 1)]

    assert align(["first", "last"], whole) == (matches, True)
    assert align(whole, ["first", "last"]) == ([(right, left) for left, right in matches], True)


def test_the_distance_of_what_is_too_different_is_everything() -> None:
    """Past the cap nothing counts as matched, not even equal ends."""
    expected, actual = ["same", "a", "b", "end"], ["same", "x", "y", "end"]

    assert distance(expected, actual, 4) == 4
    assert distance(expected, actual, 3) == 8
