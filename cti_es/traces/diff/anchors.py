"""Order as evidence: what a burst sends, it sends in one order, so handles that are known tell where others stand.

Between devices nobody promises an order. So it decides only where edits and times leave several channels equally good,
and says nothing where the messages that are known stand in another order than expected.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

from cti_es.traces.diff.channels import Channel

DISORDER = 10
"""If one in so many of the known handles is out of place, the order says nothing."""

IN_PLACE = 3
"""A message out of place says as much as so many in their places: many places are right for several handles."""

Placed = tuple[int, int, Channel]
"""A message of a pair of channels: its place in the actual trace, in the expected one, and the actual channel."""


class Anchors:
    """The channels of which it is known which belong together, as places in both traces.

    ``doubtful`` are the actual ones that stand elsewhere than their neighbours say, ``known`` the others.
    """

    def __init__(self, placed: Iterable[Placed]) -> None:
        ordered = sorted(placed, key=lambda one: one[0])
        self.doubtful = _out_of_order(ordered)
        self.known = {channel for *_, channel in ordered} - self.doubtful
        certain = [one for one in ordered if one[2] in self.known]
        self._came = [place for place, _, _ in certain]
        self._expected = [place for _, place, _ in certain]

    @property
    def in_disorder(self) -> bool:
        """Whether so many channels are out of order that the order says nothing."""
        return len(self.doubtful) * DISORDER > len(self.doubtful) + len(self.known)

    def apart(self, came: int, places: list[int]) -> int:
        """How many places the nearest of some expected messages is from where an actual one should be.

        It should be between its known neighbours. ``places`` ascend.
        """
        index = bisect_left(self._came, came)
        first = self._expected[index - 1] if index else 0
        last = self._expected[index] if index < len(self._expected) else max(first, places[-1])
        if first > last:
            return 0
        after = bisect_left(places, first)
        before = first - places[after - 1] if after else None
        behind = max(0, places[after] - last) if after < len(places) else None
        return min(one for one in (before, behind) if one is not None)


def _out_of_order(known: list[Placed]) -> set[Channel]:
    """The channels of which too many messages stand outside their neighbours, where these are in order."""
    votes: Counter[Channel] = Counter()
    for (_, before, _), (_, place, channel), (_, after, _) in zip(known, known[1:], known[2:], strict=False):
        if before < after:
            votes[channel] += -1 if before < place < after else IN_PLACE
    return {channel for channel, count in votes.items() if count > 0}
