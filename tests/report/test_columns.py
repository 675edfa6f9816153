"""How wide a text is on a terminal, and where it is cut."""

import pytest

from cti_es.report.columns import padded, width, wrapped


@pytest.mark.parametrize(
    ("text", "columns"),
    [("", 0), ("CTIP01", 6), ("Zürich", 6), ("e\u0301", 1), ("日本", 4), ("ｶﾅ", 2), ("a\u200db", 2), ("受付1", 5)],
)
def test_width(text: str, columns: int) -> None:
    """East Asian wide characters take two columns, what is put on top of others or joins them takes none."""
    assert width(text) == columns
    assert width(padded(text, 8)) == 8


def test_what_is_too_wide_is_not_cut() -> None:
    """A cell that is wider than its column stays whole."""
    assert padded("CTIP01", 3) == "CTIP01"


def test_wrapping() -> None:
    """Lines are cut at blanks, the second and later ones stand in; blanks at the start and inside stay."""
    assert wrapped("  rule  one two three", 8, 14) == ["  rule  one", "        two", "        three"]
    assert wrapped("short", 8, 14) == ["short"]


def test_a_long_word_stays_whole() -> None:
    """A name that is longer than a line is printed whole, on a line of its own."""
    assert wrapped("on SEP001122334455/5001 there", 2, 10) == ["on", "  SEP001122334455/5001", "  there"]


def test_a_time_stays_with_its_at() -> None:
    """No line ends in ``at``."""
    assert wrapped("came here at 09:15", 2, 14) == ["came here", "  at 09:15"]
