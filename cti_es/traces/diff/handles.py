"""Which channel of the actual trace is which of the expected one, one to one (docs/reference/comparison.md#handles).

By a file of handles; those it does not name by names, where both traces have them; else inferred: line channels only
to line channels, phone to phone. What may stand for several is decided by what it says.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Literal, NamedTuple, TypeVar

from cti_es.traces.diff.channels import Channel, Compared, Name, all_named
from cti_es.traces.diff.clocks import Clocks
from cti_es.traces.diff.who import matching

How = Literal["given", "named", "inferred", "alone"]
Key = TypeVar("Key", bound=Hashable)


class Pair(NamedTuple):
    """A channel of each side, or of one; ``how`` says why they belong together."""

    expected: Channel | None
    actual: Channel | None
    how: How

    @property
    def name(self) -> Name:
        """What the pair is called: as it is expected, else as it came."""
        one = self.expected or self.actual
        return one.name if one else Name("line")


class Given(NamedTuple):
    """A line of a handle file: the channel that a handle stands for. ``app`` empty: any."""

    app: str | None
    device: str
    line: str | None


class Pairing:
    """Channels being paired; what has found its partner is out of the way.

    ``cut`` counts the handles that were not compared with all channels that they could stand for.
    """

    def __init__(self, expected: list[Channel], actual: list[Channel], compared: Compared, clocks: Clocks) -> None:
        self.cut = 0
        self._all = expected
        self._compared = compared
        self._clocks = clocks
        self._expected = dict.fromkeys(expected)
        self._actual = dict.fromkeys(actual)
        self._found: dict[Channel, tuple[Channel, How]] = {}
        self._aside: list[Channel] = []

    def run(self, given: Mapping[str, Given] | None) -> list[Pair]:
        """The pairs, in the order of the expected channels, then the actual channels that are left."""
        if given is not None:
            self._by_file(given)
        if all_named(self._expected, self._actual):
            self._by_key(lambda name: name)
            self._by_key(lambda name: name.names)
            self._by_key(lambda name: (name.kind, name.device, name.line))
            self._by_number()
        else:
            self._infer()
        self._configuration()
        pairs = [
            Pair(channel, *self._found[channel]) if channel in self._found else Pair(channel, None, "alone")
            for channel in self._all
        ]
        return pairs + [Pair(None, channel, "alone") for channel in [*self._aside, *self._actual]]

    def join(self, expected: Channel, actual: Channel, how: How) -> None:
        """These two belong together."""
        self._found[expected] = actual, how
        del self._expected[expected]
        del self._actual[actual]

    def _by_file(self, given: Mapping[str, Given]) -> None:
        """Handles that a file names, to a channel of that name; where there is none they stay alone."""
        stands = {one: name for one in self._actual if (name := given.get(bare(one.name.handle))) is not None}
        waiting = _grouped(self._expected, lambda one: (one.name.device, one.name.line))
        groups = _grouped(stands, stands.__getitem__)
        for name in sorted(groups, key=lambda name: name.app is None):  # who may be anybody takes what is left
            there = waiting.get((name.device, name.line), [])
            self._match([one for one in there if name.app in (None, one.name.app)], groups[name], "given")
        for channel in stands:
            if channel in self._actual:
                self._aside.append(channel)
                del self._actual[channel]

    def _by_key(self, key: Callable[[Name], Hashable]) -> None:
        """Channels with the same key."""
        waiting = _grouped(self._expected, lambda one: key(one.name))
        for same, actual in _grouped(self._actual, lambda one: key(one.name)).items():
            self._match(waiting.get(same, []), actual, "named")

    def _by_number(self) -> None:
        """Lines without a device, as JTAPI names them, to a line of that number."""
        lines = [[one for one in side if one.name.kind == "line"] for side in (self._expected, self._actual)]
        if all(one.name.device is not None for side in lines for one in side):
            return
        expected, actual = (_grouped(side, lambda one: one.name.line) for side in lines)
        for number, same in actual.items():
            self._match(expected.get(number, []), same, "named")

    def _match(self, expected: list[Channel], actual: list[Channel], how: How) -> None:
        """Channels that belong together, as many as there are on both sides; which with which, they say."""
        self._by_what_they_say(expected, actual, how)
        left = [one for one in expected if one in self._expected]
        right = [one for one in actual if one in self._actual]
        for one, other in zip(left, right, strict=False):
            self.join(one, other, how)

    def _infer(self) -> None:
        """All that are left, by what they say."""
        for kind in ("phone", "line"):
            expected = [one for one in self._expected if one.name.kind == kind]
            actual = [one for one in self._actual if one.name.kind == kind]
            self._by_what_they_say(expected, actual, "inferred")

    def _by_what_they_say(self, some: list[Channel], others: list[Channel], how: How) -> None:
        expected = [one for one in some if one in self._expected]
        actual = [one for one in others if one in self._actual]
        if not expected or not actual:
            return
        found = matching(expected, actual, self._compared, self._clocks)
        self.cut += found.cut
        for one, other in found.pairs:
            self.join(one, other, how)

    def _configuration(self) -> None:
        """CREATE and REMOVE need no handle: what is left of them belongs together, in order."""
        expected = [channel for channel in self._expected if channel.name.kind == "configuration"]
        actual = [channel for channel in self._actual if channel.name.kind == "configuration"]
        for one, other in zip(expected, actual, strict=False):
            self.join(one, other, "named")


def _grouped(channels: Iterable[Channel], key: Callable[[Channel], Key]) -> dict[Key, list[Channel]]:
    """Channels by a key, in order of first appearance."""
    groups: dict[Key, list[Channel]] = {}
    for channel in channels:
        groups.setdefault(key(channel), []).append(channel)
    return groups


def bare(handle: str | None) -> str:
    """A handle in lower case, without its prefix and leading zeros: as handle files are read."""
    return (handle or "").lower().removeprefix("0x").removeprefix("x").lstrip("0")
