"""Suggestions: which known name is near (cti_es/vocabulary/errors.py)."""

import pytest

from cti_es.vocabulary.errors import did_you_mean

PORTS = [f"CTIP{number:05}" for number in range(20_000)]


@pytest.mark.parametrize(
    ("found", "near"),
    [("TIP01230", "CTIP01230"), ("XTIP12345", "CTIP12345"), ("CTIP-01234", "CTIP01234"), ("ctip19999", "CTIP19999")],
    ids=["a letter missing", "the first one wrong", "one too many", "small letters"],
)
def test_the_near_name_is_found_among_very_many(found: str, near: str) -> None:
    """Only some names are compared letter by letter: those that share most with what was found at either end."""
    assert did_you_mean(found, PORTS) == f"did you mean '{near}'?"


def test_a_name_that_is_near_to_nothing() -> None:
    """No suggestion is better than a far one."""
    assert did_you_mean("SEP001122334455", PORTS) == ""
