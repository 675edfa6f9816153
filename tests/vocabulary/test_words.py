"""Numbers in sentences."""

from cti_es.vocabulary.words import counted, verb


def test_one_and_several() -> None:
    """One is singular; none and several are plural, thousands with commas."""
    assert [counted(number, "message") for number in (0, 1, 2000)] == ["0 messages", "1 message", "2,000 messages"]
    assert [verb(number, "differ") for number in (0, 1, 2)] == ["differ", "differs", "differ"]
