"""The order inside a burst as evidence for which handle is which."""

from random import Random

from msgspec.structs import replace

from cti_es.traces.diff.anchors import Anchors, Placed
from cti_es.traces.diff.channels import Channel, Name
from cti_es.traces.diff.compare import DiffOptions, compare
from cti_es.vocabulary.tapi import TraceMessage

OUT, IN = 0x40000, 0x80000


def test_a_message_belongs_between_its_known_neighbours():
    """What stands between the third and the ninth expected message is no place from there, others are some."""
    anchors = Anchors([_placed(3, 1), _placed(9, 5)])
    assert [anchors.apart(2, [place]) for place in (1, 3, 6, 9, 12)] == [2, 0, 0, 0, 3]
    assert anchors.apart(2, [1, 11]) == 2
    assert anchors.apart(7, [4]) == 5


def test_one_that_is_out_of_order_is_no_anchor():
    """Of twenty known handles one stands elsewhere: it is doubtful, and does not speak for others."""
    placed = [_placed(place, place) for place in range(1, 21)]
    placed[9] = _placed(18, 10)
    anchors = Anchors(placed)
    assert anchors.doubtful == {placed[9][2]}
    assert not anchors.in_disorder
    assert anchors.apart(10, [10]) == 0


def test_a_message_out_of_place_weighs_more_than_one_in_place():
    """A handle of three messages, one of them where another one should be: it is doubtful."""
    other = _channel()
    placed = [_placed(place, place) for place in range(1, 40) if place % 10]
    placed += [(10, 10, other), (20, 20, other), (30, 35, other)]
    assert Anchors(placed).doubtful == {other}


def test_where_nobody_keeps_an_order_it_says_nothing():
    """Known handles in quite another order than expected are in disorder; without any, no place is better."""
    shuffled = list(range(1, 101))
    Random(1).shuffle(shuffled)
    assert Anchors([_placed(place, came) for came, place in enumerate(shuffled, 1)]).in_disorder
    assert {Anchors(()).apart(place, [5]) for place in range(110)} == {0}


def test_the_place_in_a_burst_tells_channels_apart_that_fit_equally_well():
    """X is not in the trace at all, and Y lost what tells it from X: it stands where Y should stand, so it is Y."""
    outages = {"A": (1, 2, 5), "X": (1, 2, 3), "B": (1, 2, 6), "Y": (1, 2, 4), "C": (1, 2, 7)}
    expected = _messages(outages)
    actual = [
        replace(one, place=place, device=None, handle=one.device)
        for place, one in enumerate(_messages({**outages, "X": (), "Y": (1, 2)}), 1)
    ]
    found = compare([expected], [actual], DiffOptions())
    taken = {pair.actual.name.handle: pair.name.device for pair in found.pairs if pair.actual}
    assert taken == {name: name for name in "ABYC"}


def _messages(outages: dict[str, tuple[int, ...]]) -> list[TraceMessage]:
    """Phones that go out and come in again, all that have an outage in one burst."""
    says = [
        (number, state, phone)
        for number in range(1, 8)
        for phone, numbers in outages.items()
        if number in numbers
        for state in (OUT, IN)
    ]
    return [
        TraceMessage(place, "PHONE_STATE", state, 1, device=phone, at=f"2026-01-01T0{number}:00:00Z")
        for place, (number, state, phone) in enumerate(says, 1)
    ]


def _channel() -> Channel:
    return Channel(Name("phone"))


def _placed(expected: int, came: int) -> Placed:
    """The message of a channel that is expected at one place, and came at another."""
    return came, expected, _channel()
