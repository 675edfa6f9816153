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


class Anchors:
    """The channels of which it is known which belong together, as places in both traces.

    ``doubtful`` are the actual ones that stand elsewhere than their neighbours say.
    """

    def __init__(self, pairs: Iterable[tuple[Channel, Channel]]) -> None:
        known = sorted(
            ((came.place, message.place, actual)
             for expected, actual in pairs
             for message, came in zip(expected.messages, actual.messages, strict=True)),
            key=lambda one: one[0],
        )  # fmt: skip
        self.doubtful = _out_of_order(known)
        if len(self.doubtful) * DISORDER > len({channel for *_, channel in known}):
            self.doubtful, known = set(), []
        known = [one for one in known if one[2] not in self.doubtful]
        self._came = [place for place, _, _ in known]
        self._expected = [place for _, place, _ in known]

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


def _out_of_order(known: list[tuple[int, int, Channel]]) -> set[Channel]:
    """The channels of which more messages than not stand outside their neighbours, where these are in order."""
    votes: Counter[Channel] = Counter()
    for (_, before, _), (_, place, channel), (_, after, _) in zip(known, known[1:], known[2:], strict=False):
        if before < after:
            votes[channel] += -1 if before < place < after else 1
    return {channel for channel, count in votes.items() if count > 0}
