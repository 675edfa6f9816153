"""Alignment: the shortest edit script, trimmed and capped."""

from hypothesis import given
from hypothesis import strategies as st

from cti_es.diff.align import align, distance

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
