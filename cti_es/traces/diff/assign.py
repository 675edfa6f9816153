"""Who belongs to whom: the assignment with the greatest gain of all.

Each source has some units to give, each target takes some, and some pairs gain something; a unit may also stay alone.
One source after another is put in, on the way that costs least over all, those that are in already moving over where
that pays (successive shortest paths, with prices that keep all lengths from being negative: R. Jonker and A. Volgenant,
"A Shortest Augmenting Path Algorithm for Dense and Sparse Linear Assignment Problems", Computing 38, 1987). The result
is optimal; of equally good ones the first that is found is taken, so the same input gives the same result.
"""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

ALONE = -1
"""The target of those who stay alone."""


def assigned(
    supplies: Sequence[int], capacities: Sequence[int], gains: Sequence[Mapping[int, int]]
) -> list[dict[int, int]]:
    """For each source, how many of its units go to which target. ``gains``: for each source, target → gain (> 0)."""
    assignment = _Assignment(capacities, gains)
    for source, units in enumerate(supplies):
        while units:
            units -= assignment.put_in(source, units)
    return [dict(sorted(flow.items())) for flow in assignment.flows]


class _Assignment:
    """An assignment in the making. ``flows`` are units by source and target."""

    def __init__(self, capacities: Sequence[int], gains: Sequence[Mapping[int, int]]) -> None:
        self._gains = gains
        self._room = list(capacities)
        self._price = [0] * len(capacities)
        self._worth = [0] * len(gains)
        """What a unit of each source costs at the prices; staying alone costs 0."""
        self._at: list[dict[int, None]] = [{} for _ in capacities]
        self.flows: list[dict[int, int]] = [{} for _ in gains]

    def put_in(self, source: int, units: int) -> int:
        """Put in up to so many units of a source; how many."""
        way = _Way(source)
        self._reach(way, source, 0, min([0, *(self._price[t] - gain for t, gain in self._gains[source].items())]))
        end, length = self._shortest(way)
        self._reprice(way, length)
        return self._push(way, end, units)

    def _shortest(self, way: "_Way") -> tuple[tuple[int, int], int]:
        """Where the shortest way ends: a source that stays alone (ALONE, it), or a target with room (it, 0)."""
        while True:
            length, kind, target, by = heappop(way.heap)
            if kind == 0:
                return (ALONE, by), length
            if target in way.settled:
                continue
            way.settled[target] = length
            way.came_by[target] = by
            if self._room[target]:
                return (target, 0), length
            for source in self._at[target]:
                if source not in way.sources:
                    way.moved_from[source] = target
                    self._reach(way, source, length, self._worth[source])

    def _reach(self, way: "_Way", source: int, length: int, worth: int) -> None:
        """What can be reached by moving a unit of a source."""
        way.sources[source] = length
        self._worth[source] = worth
        heappush(way.heap, (length - worth, 0, ALONE, source))
        for target, gain in self._gains[source].items():
            if target not in way.settled:
                heappush(way.heap, (length + self._price[target] - gain - worth, 1, target, source))

    def _reprice(self, way: "_Way", length: int) -> None:
        for source, reached in way.sources.items():
            self._worth[source] += length - reached
        for target, reached in way.settled.items():
            self._price[target] += length - reached

    def _push(self, way: "_Way", end: tuple[int, int], units: int) -> int:
        """Move as many units along the way as fit."""
        steps = list(way.steps(end))
        last = end[0]
        most = min([units, *(self.flows[source][old] for source, old, _ in steps if old != ALONE)])
        if last != ALONE:
            most = min(most, self._room[last])
            self._room[last] -= most
        for source, old, new in steps:
            self._change(source, old, -most)
            self._change(source, new, most)
        return most

    def _change(self, source: int, target: int, units: int) -> None:
        if target == ALONE:
            return
        flow = self.flows[source]
        flow[target] = flow.get(target, 0) + units
        if flow[target]:
            self._at[target][source] = None
        else:
            del flow[target], self._at[target][source]


class _Way:
    """A search for the shortest way for one source."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.heap: list[tuple[int, int, int, int]] = []
        self.sources: dict[int, int] = {}
        self.settled: dict[int, int] = {}
        self.came_by: dict[int, int] = {}
        self.moved_from: dict[int, int] = {}

    def steps(self, end: tuple[int, int]) -> list[tuple[int, int, int]]:
        """(source, where its units leave, where they go), from the end back to the start."""
        target, source = end
        if target != ALONE:
            source = self.came_by[target]
        found = []
        while True:
            old = self.moved_from.get(source, ALONE)
            found.append((source, old, target))
            if source == self.start and old == ALONE:
                return found
            target, source = old, self.came_by[old]
