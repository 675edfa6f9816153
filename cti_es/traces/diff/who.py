"""Which handle stands for which channel, by what they say (docs/reference/comparison.md#handles).

What decides, in this order: the fewest edits over all pairs together; then the smallest distance in time; then the
order: the place in a burst beside handles that are known, and first appearance.

1. Channels that say the same in the same bursts are one group: they are interchangeable, and cost nothing.
2. A handle that says exactly what a group says belongs to it; nothing can be better. These are the anchors: what a
   burst sends, it sends in one order. One that is out of that order among them is put among those that are left.
3. Every handle that is left gets a bounded number of candidates: the groups that have most in common with it, the
   rarest of what it says first. Over these the assignment is optimal. Who is still left gets others, and so on.
4. Inside a group, handles and channels are paired in the order in which they appear.
5. Now all are known. Those that stand out of the order of the others are assigned anew, as in 3.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

from cti_es.traces.diff.align import Masks, Match, Times, align
from cti_es.traces.diff.anchors import Anchors, Placed
from cti_es.traces.diff.assign import assigned
from cti_es.traces.diff.channels import TELLS_STATE, Channel, Compared, Token
from cti_es.traces.diff.clocks import Clocks, nearest

CANDIDATES = 12
"""With so many groups a handle is compared in one round."""

AGAIN = 2
"""So many times the handles that stand where others should are assigned anew, with all the others as anchors."""

LIKELY = 32
"""Of so many groups that share most messages and bursts with it, these are those with most messages in order."""

LOOKED_AT = 4_000
"""So many groups are looked at for them, one for each message that they share."""

_MICROSECOND = 1 << 40
"""What a microsecond counts, in places: more than any distance in order."""

_EDIT = _MICROSECOND << 70
"""What an edit counts: more than any distance in time."""


class Matching(NamedTuple):
    """Which channels belong together; ``cut`` counts the handles that were not compared with all they could be."""

    pairs: list[tuple[Channel, Channel]]
    cut: int


def matching(expected: list[Channel], actual: list[Channel], compared: Compared, clocks: Clocks) -> Matching:
    """Pair expected and actual channels, one to one. What has nothing in common with any other stays alone."""
    if len(expected) == len(actual) == 1:
        return Matching([(expected[0], actual[0])], 0)
    return _Matching(_expected_groups(expected, compared, clocks), actual, compared, clocks).run()


class _Group(NamedTuple):
    """Channels that say the same at the same times; ``bursts`` are the times of the expected bursts.

    The channels of an expected group stay; ``sorted_places`` is what was asked of their places. Those of an actual one
    are given away.
    """

    says: tuple[Token, ...]
    times: Sequence[int]
    bursts: tuple[int, ...]
    channels: list[Channel]
    sorted_places: dict[int, list[int]]

    def features(self) -> Iterator[Hashable]:
        """What a handle that has lost some of it may still have in common with it."""
        for token, burst in zip(self.says, self.bursts, strict=True):
            yield token[:2], burst
        for token in dict.fromkeys(self.says):
            yield token[:2]
        yield self.says

    def places(self, index: int) -> list[int]:
        """Where the messages with this index stand in their trace, ascending: of an expected group."""
        if index not in self.sorted_places:
            self.sorted_places[index] = sorted(channel.messages[index].place for channel in self.channels)
        return self.sorted_places[index]

    def first_place(self, index: int) -> int:
        """Where the first of the messages with this index in what the group says stands in its trace."""
        return min([channel.messages[index - len(self.says)].place for channel in self.channels])

    def without_first(self) -> "_Group":
        """The same without its first message."""
        return _Group(self.says[1:], self.times[1:], self.bursts[1:], self.channels, {})


def _expected_groups(channels: list[Channel], compared: Compared, clocks: Clocks) -> list[_Group]:
    groups: dict[Hashable, _Group] = {}
    for channel in channels:
        says, times = tuple(compared.tokens(channel.messages)), tuple(clocks.expected(channel.messages))
        groups.setdefault((says, times), _Group(says, times, times, [], {})).channels.append(channel)
    return list(groups.values())


class _Matching:
    """A matching in the making: expected groups, actual groups, and how many of which belong to which."""

    def __init__(self, groups: list[_Group], channels: list[Channel], compared: Compared, clocks: Clocks) -> None:
        self._expected = groups
        self._announces = compared.announced
        self._room = [len(group.channels) for group in groups]
        self._number = {(group.says, group.bursts): number for number, group in enumerate(groups)}
        self._bursts = _Bursts(groups)
        self._actual = self._actual_groups(channels, compared, clocks)
        self._arrived: list[list[tuple[_Group, Channel]]] = [[] for _ in groups]
        self._anchors = Anchors([])
        self._cut = 0

    def run(self) -> Matching:
        left = self._assigned(self._twins())
        for _ in range(AGAIN):
            if doubtful := self._doubtful():
                left = self._assigned(left + doubtful)
        return Matching([pair for _, _, pair in self._pairs()], self._cut)

    def _pairs(self) -> Iterator[tuple[_Group, _Group, tuple[Channel, Channel]]]:
        """The channels that belong together, with the groups of both."""
        for group, arrived in zip(self._expected, self._arrived, strict=True):
            groups = {channel: one for one, channel in arrived}
            for pair in _in_order_of_appearance(group, arrived):
                yield group, groups[pair[1]], pair

    def _actual_groups(self, channels: list[Channel], compared: Compared, clocks: Clocks) -> list[_Group]:
        groups: dict[Hashable, _Group] = {}
        for channel in channels:
            says, times = tuple(compared.tokens(channel.messages)), clocks.actual(channel.messages)
            bursts = tuple(map(self._bursts.nearest, says, times))
            groups.setdefault((says, bursts), _Group(says, times, bursts, [], {})).channels.append(channel)
        return list(groups.values())

    # --- equal ones -------------------------------------------------------------------------------------------------

    def _twins(self) -> list[_Group]:
        """Give the handles that say exactly what a group says to it; the others.

        First those for all of which there is room; these are the anchors, which decide about others. Only then those
        that say it after a first state, which tells what a handle knows; where no other handle that is left says it
        without one.
        """
        left = self._given_to(lambda group: self._twin(group) if self._has_room(group) else None, self._actual)
        anchors = Anchors(self._known() if left else ())
        self._anchors = Anchors(()) if anchors.in_disorder else anchors
        left = self._given_to(self._twin, left)
        plain = {group.says for group in left}
        self._given_to(lambda group: None if group.says[1:] in plain else self._announced_twin(group), left)
        return [group for group in left if group.channels] + self._taken_back()

    def _taken_back(self) -> list[_Group]:
        """Handles that say what a group says, but where another one should stand: they may have lost the rest."""
        back: list[_Group] = []
        for number, arrived in enumerate(self._arrived):
            doubtful = [(group, channel) for group, channel in arrived if channel in self._anchors.doubtful]
            if doubtful:
                self._arrived[number] = [one for one in arrived if one[1] not in self._anchors.doubtful]
                self._room[number] += len(doubtful)
                back += (group._replace(channels=[channel]) for group, channel in doubtful)
        return back

    def _doubtful(self) -> list[_Group]:
        """Handles that stand where another one should, now that all are known."""
        if not self._anchors.known:
            return []
        self._anchors = Anchors(
            (actual.messages[other].place, expected.messages[one].place, actual)
            for group, came, (expected, actual) in self._pairs()
            for one, other in _matches(group, came)
        )
        return self._taken_back()

    def _has_room(self, group: _Group) -> bool:
        twin = self._twin(group)
        return twin is not None and len(group.channels) <= self._room[twin]

    def _given_to(self, twin: Callable[[_Group], int | None], groups: list[_Group]) -> list[_Group]:
        """Give handles to the group that is their twin, as many as it has room for; the groups with others."""
        for group in groups:
            if (number := twin(group)) is not None:
                if len(group.channels) > self._room[number]:
                    group.channels.sort(key=partial(self._out_of_order, self._expected[number]))
                self._give(group, number, min(len(group.channels), self._room[number]))
        return [group for group in groups if group.channels]

    def _out_of_order(self, expected: _Group, channel: Channel) -> int:
        """How far from its place a handle is that says what a group says."""
        places = map(expected.places, range(len(expected.says)))
        came = channel.messages[-len(expected.says) :]
        return sum(self._anchors.apart(one.place, some) for one, some in zip(came, places, strict=True))

    def _twin(self, group: _Group) -> int | None:
        return self._number.get((group.says, group.bursts))

    def _announced_twin(self, group: _Group) -> int | None:
        return self._twin(group.without_first()) if self._announces and _tells_state(group.says) else None

    def _give(self, group: _Group, number: int, count: int) -> None:
        """So many channels of an actual group belong to an expected one."""
        self._arrived[number] += [(group, channel) for channel in group.channels[:count]]
        self._room[number] -= count
        del group.channels[:count]

    def _known(self) -> Iterator[Placed]:
        """The messages of the groups of which every handle has come, and says all."""
        for group, arrived in zip(self._expected, self._arrived, strict=True):
            if len(arrived) == len(group.channels) and all(one.says == group.says for one, _ in arrived):
                for expected, actual in _in_order_of_appearance(group, arrived):
                    for message, came in zip(expected.messages, actual.messages, strict=True):
                        yield came.place, message.place, actual

    # --- the others -------------------------------------------------------------------------------------------------

    def _assigned(self, left: list[_Group]) -> list[_Group]:
        """Assign handles as long as some find a channel; who is left."""
        while left and self._assign(left):
            left = [group for group in left if group.channels]
        return left

    def _assign(self, left: list[_Group]) -> int:
        """One round: candidates for every handle that is left, and the best assignment over these; how many it has."""
        found = _Candidates(self._expected, self._room)
        numbers = found.numbers
        gains = [self._gains(group, found.of(group)) for group in left]
        self._cut = max(self._cut, found.cut)
        flows = assigned([len(group.channels) for group in left], [self._room[number] for number in numbers], gains)
        for group, flow in zip(left, flows, strict=True):
            for place, count in flow.items():
                self._give(group, numbers[place], count)
        return sum(sum(flow.values()) for flow in flows)

    def _gains(self, group: _Group, candidates: list[tuple[int, int]]) -> dict[int, int]:
        by = gain if self._announces else saved
        gains = {place: by(self._expected[number], group, self._anchors) for place, number in candidates}
        return {place: gained for place, gained in gains.items() if gained > 0}


class _Bursts:
    """The times at which each state is expected."""

    def __init__(self, groups: list[_Group]) -> None:
        times: dict[Token, set[int]] = defaultdict(set)
        for group in groups:
            for token, at in zip(group.says, group.bursts, strict=True):
                times[token[:2]].add(at)
        self._times = {state: sorted(some) for state, some in times.items()}

    def nearest(self, token: Token, at: int) -> int:
        """The expected time that is nearest; the time itself if that state is never expected."""
        times = self._times.get(token[:2])
        return nearest(times, at) if times else at


class _Candidates:
    """Which expected groups with room have something in common with a handle."""

    def __init__(self, groups: list[_Group], room: list[int]) -> None:
        with_room = (number for number, free in enumerate(room) if free)
        self.numbers = sorted(with_room, key=lambda number: len(groups[number].says))
        """The groups with room, those with the fewest messages first: of equally good ones, they have lost the least.

        A candidate is a place in this list, and the number of its group.
        """
        self.cut = 0
        self._masks = [Masks.of(groups[number].says) for number in self.numbers]
        self._places: dict[Hashable, list[int]] = defaultdict(list)
        for place, number in enumerate(self.numbers):
            for feature in dict.fromkeys(groups[number].features()):
                self._places[feature].append(place)

    def of(self, group: _Group) -> list[tuple[int, int]]:
        """Those that say the same at other times, and those that have most in common, the rarest looked at first."""
        found = sorted((self._places[one] for one in dict.fromkeys(group.features()) if one in self._places), key=len)
        common: Counter[int] = Counter()
        common.update(dict.fromkeys(self._places.get(group.says, [])[:LIKELY], len(group.says)))
        budget = LOOKED_AT
        for places in found:
            common.update(places[:budget])
            budget -= min(len(places), budget)
        if len(common) > CANDIDATES or sum(map(len, found)) > LOOKED_AT:
            self.cut += len(group.channels)
        best = sorted(common, key=lambda place: (-common[place], place))
        if len(best) > CANDIDATES:
            in_order = {place: self._masks[place].in_common(group.says) for place in best[:LIKELY]}
            best = sorted(in_order, key=lambda place: (-in_order[place], -common[place], place))[:CANDIDATES]
        return [(place, self.numbers[place]) for place in best]


def gain(expected: _Group, actual: _Group, anchors: Anchors) -> int:
    """What is gained if these belong together, where handles may be announced.

    A first state that only tells what a handle knows is no edit: not where the handle stays alone, nor where it
    belongs to a channel that does not begin so.
    """
    gained = saved(expected, actual, anchors)
    if not _tells_state(actual.says):
        return gained
    if len(actual.says) > 1 and expected.says[0] != actual.says[0]:
        return max(gained - _EDIT, saved(expected, actual.without_first(), anchors))
    return gained - _EDIT


def saved(expected: _Group, actual: _Group, anchors: Anchors) -> int:
    """The edits that are saved if these belong together; of these the nearer in time; of these the nearer in order."""
    matches = _matches(expected, actual)
    apart = sum(abs(expected.times[one] - actual.times[other]) for one, other in matches)
    places = sum(anchors.apart(actual.first_place(other), expected.places(one)) for one, other in matches)
    return 2 * len(matches) * _EDIT - apart * _MICROSECOND - places


def _matches(expected: _Group, actual: _Group) -> list[Match]:
    times: Times = expected.times, actual.times
    return align(expected.says, actual.says, times).matches


def _tells_state(says: Sequence[Token]) -> bool:
    return says[0][:2] in TELLS_STATE


# --- the order of first appearance ----------------------------------------------------------------------------------


def _in_order_of_appearance(group: _Group, arrived: list[tuple[_Group, Channel]]) -> Iterator[tuple[Channel, Channel]]:
    """Pair the channels of a group with the handles that belong to it.

    A handle that has lost its first message appears late: its place is looked for where the others have the first one
    that it has.
    """
    whole = [channel for one, channel in arrived if one.says == group.says]

    @lru_cache(None)
    def places(column: int) -> list[int]:
        return sorted(channel.messages[column].place for channel in whole)

    def rank(one: tuple[_Group, Channel]) -> tuple[int, int]:
        actual, channel = one
        matches = [(0, 0)] if actual.says == group.says else _matches(group, actual)
        column, index = matches[0] if matches else (0, 0)
        place = channel.messages[index].place
        return bisect_left(places(column), place), place

    ordered = sorted(arrived, key=rank) if len(arrived) > 1 else arrived
    yield from zip(group.channels, (channel for _, channel in ordered), strict=False)
