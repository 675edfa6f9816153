"""Several traces are one, in the order of their times; one is as it stands, or turned round."""

import pytest

from cti_es.traces.several import Ordered, in_order
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import TraceMessage


def trace(*seconds: int | None) -> list[list[TraceMessage]]:
    """Messages at these seconds, one in a batch."""
    times = ["" if one is None else f"2026-03-02T10:00:{one:02}Z" for one in seconds]
    return [[TraceMessage(place, "PHONE_STATE", at=at or None)] for place, at in enumerate(times, 1)]


def seconds(found: Ordered) -> list[int]:
    return [int(one.at[-3:-1]) for one in found.messages if one.at]


def test_one_file_stands_as_it_is() -> None:
    """Its messages keep their places, and nothing is said."""
    found = in_order([("a", trace(1, 2, 2))])

    assert [one.place for one in found.messages] == [1, 2, 3]
    assert (found.places, found.warnings) == ([], [])


def test_one_file_from_its_end() -> None:
    """Newest first: turned round, numbered anew, and ``places`` tells where each stands."""
    found = in_order([("a", trace(9, None, 5))])

    assert seconds(found) == [5, 9]
    assert [one.place for one in found.messages] == [1, 2, 3]
    assert (found.places, found.warnings) == (
        ["3", "2", "1"], ["the newest messages of a come first: it was read from its end"],
    )  # fmt: skip


def test_a_jump_is_named() -> None:
    """The order of the lines counts; the first place where a time is older by more than a second is named."""
    found = in_order([("a", trace(5, 4, 6, 2, 7))])

    assert seconds(found) == [5, 4, 6, 2, 7]
    assert found.warnings == ["times go back at a:4; the order of its lines counts"]


def test_several_are_merged() -> None:
    """By time; of the same time the file that was named first; each turned round first if its newest come first."""
    found = in_order([("a", trace(1, 4)), ("b", trace(4, 3, 1))])

    assert seconds(found) == [1, 1, 3, 4, 4]
    assert [one.place for one in found.messages] == [1, 2, 3, 4, 5]
    assert found.places == ["a:1", "b:3", "b:2", "a:2", "b:1"]
    assert found.warnings == ["the newest messages of b come first: it was read from its end"]


def test_without_a_time_nothing_is_merged() -> None:
    """The error says which message of which file has none."""
    with pytest.raises(InputError, match="PHONE_STATE without a time") as error:
        in_order([("a", trace(1)), ("b", trace(1, None))])

    assert error.value.where == "b:2"
