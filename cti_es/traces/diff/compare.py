"""Two traces → a verdict: pair their channels, compare each pair, put the differences in order.

Specified in docs/reference/comparison.md.

What comes first is what went wrong first: differences stand in the order of the expected messages; an unexpected
message stands after the last one that matched before it.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from cti_es.traces.diff.align import MAX_EDITS, distance
from cti_es.traces.diff.channels import CONFIGURATION, Channel, Compared, Name, Token, split, untold
from cti_es.traces.diff.differences import Comparing, Difference, Found, lone_swap
from cti_es.traces.diff.handles import TELLS_STATE, Given, How, Pair, pair
from cti_es.vocabulary.tapi import TraceMessage

Order = Literal["channel", "device", "total"]
Trace = Iterable[Sequence[TraceMessage]]


class DiffOptions(NamedTuple):
    """How to compare. ``time_tolerance`` is in seconds (None: times are not compared)."""

    order: Order = "channel"
    ignore_reason: bool = False
    strict: bool = False
    time_tolerance: float | None = None
    handles: Mapping[str, Given] | None = None
    max_edits: int = MAX_EDITS


class ChannelResult(NamedTuple):
    """What came of one channel (of one group of channels with another order)."""

    name: str
    actual: Name | None
    how: How
    expected: int
    matched: int
    differences: list[Difference]
    not_compared: tuple[int, int] | None


class Comparison(NamedTuple):
    """What came of it all. ``announced`` counts messages that only told a handle the state that it had anyway."""

    expected: int
    actual: int
    matched: int
    announced: int
    without_reason: int
    differences: list[Difference]
    channels: list[ChannelResult]
    pairs: list[Pair]

    @property
    def conforms(self) -> bool:
        """Whether nothing is different."""
        return not self.differences


def compare(expected: Trace, actual: Trace, options: DiffOptions) -> Comparison:
    """Compare two traces. Both are read to their ends first."""
    left, right = _split_alike(expected, actual)
    counts = tuple(sum(len(channel.messages) for channel in side) for side in (left, right))
    compared = _compared(left, right, options)
    pairs = pair(left, right, compared, options.handles)
    aliases = _merge_second_handles(pairs, compared)
    announced = 0 if options.strict else _drop_announcements(pairs, compared)
    groups = _groups(pairs, options.order)
    done = [(*_run(group, compared, options), group) for group in groups]
    differences = aliases + [one for result, _, _ in done for one in result.differences]
    return Comparison(
        expected=counts[0],
        actual=counts[1],
        matched=sum(result.matched for result, _, _ in done),
        announced=announced,
        without_reason=_without_reason(done, compared),
        differences=_in_order(differences, done),
        channels=[result for result, _, _ in done],
        pairs=pairs,
    )


class _Group(NamedTuple):
    """Messages of both sides that are compared in one sequence, each with the channel that it belongs to."""

    name: str
    pair: Pair
    expected: list[TraceMessage]
    actual: list[TraceMessage]
    channels: tuple[list[int], list[int]] | None = None


# --- preparation ----------------------------------------------------------------------------------------------------


def _split_alike(expected: Trace, actual: Trace) -> tuple[list[Channel], list[Channel]]:
    """The channels of both traces; by names alone where both have names and one has no handles."""
    left, right = split(expected, by_handle=True), split(actual, by_handle=True)
    names = _needs_names(left), _needs_names(right)
    if names[0] or (names[1] and _is_named(left)):
        left = _by_name(left)
    if names[1] or (names[0] and _is_named(right)):
        right = _by_name(right)
    configuration = [one for one in [*left, *right] if one.name.kind == "configuration"]
    if any(one.name.app is None for one in configuration):
        left, right = _one_configuration(left), _one_configuration(right)
    return left, right


def _one_configuration(channels: list[Channel]) -> list[Channel]:
    """All CREATE and REMOVE in one channel: a trace that does not name its application cannot tell them apart."""
    apart = [one for one in channels if one.name.kind == "configuration"]
    if len(apart) < 2:
        return channels
    whole = Channel(Name("configuration"))
    whole.messages = sorted((m for one in apart for m in one.messages), key=lambda message: message.place)
    return [*(one for one in channels if one not in apart), whole]


def _needs_names(channels: list[Channel]) -> bool:
    """Whether there are no handles to go by: some messages have none and all have names, or none has a handle."""
    lacks = [channel.name.handle is None for channel in channels if channel.name.kind != "configuration"]
    return all(lacks) or (any(lacks) and _is_named(channels))


def _is_named(channels: list[Channel]) -> bool:
    return all(channel.name.is_named for channel in channels)


def _by_name(channels: list[Channel]) -> list[Channel]:
    messages = sorted((m for channel in channels for m in channel.messages), key=lambda message: message.place)
    return split([messages], by_handle=False)


def _compared(left: list[Channel], right: list[Channel], options: DiffOptions) -> Compared:
    configuration = [one for one in [*left, *right] if one.name.kind == "configuration"]
    named = all(message.device is not None for one in configuration for message in one.messages)
    return Compared(not options.ignore_reason, untold(left, right), named)


def _merge_second_handles(pairs: list[Pair], compared: Compared) -> list[Difference]:
    """A handle that is left over though its names belong to a channel that has one: an alias, read as that channel.

    One that only tells its state, which the channel does not miss, is none: it was opened, and no more came on it.
    """
    whole: dict[tuple[str | None, ...], Pair] = {}
    for one in pairs:
        if one.expected and one.actual:
            whole[_names(one.actual.name)] = one
    aliases = []
    for one in list(pairs):
        first = None if one.expected or not one.actual else whole.get(_names(one.actual.name))
        if one.actual is None or first is None or first.actual is None or one.actual.name.device is None:
            continue
        merged = sorted(first.actual.messages + one.actual.messages, key=lambda m: m.place)
        if _only_tells_state(one.actual, merged, first, compared):
            continue
        detail = f"stands for the channel that handle {first.actual.name.handle} stands for"
        aliases.append(Difference("alias", str(one.actual.name), None, one.actual.messages[0], None, detail))
        first.actual.messages = merged
        pairs.remove(one)
    return aliases


def _only_tells_state(channel: Channel, merged: list[TraceMessage], first: Pair, compared: Compared) -> bool:
    """Whether a channel has nothing but a state, and the other one does not fit better with it."""
    if [token[:2] in TELLS_STATE for token in compared.tokens(channel.messages)] != [True]:
        return False
    whole = [first.expected, first.actual]
    expected, actual = (compared.tokens(one.messages if one else []) for one in whole)
    return distance(expected, compared.tokens(merged)) >= distance(expected, actual)


def _names(name: Name) -> tuple[str | None, ...]:
    return name.kind, name.app, name.device, name.line


def _drop_announcements(pairs: list[Pair], compared: Compared) -> int:
    """Take away first messages that only tell a state that the expectation does not tell there; how many."""
    count = 0
    for one in pairs:
        if one.actual is None or one.actual.name.kind == "configuration":
            continue
        expected = one.expected.messages if one.expected else []
        if _tells_more(expected[:1], one.actual.messages[:1], compared) and _is_extra(
            compared.tokens(expected), compared.tokens(one.actual.messages)
        ):
            del one.actual.messages[0]
            count += 1
    return count


def _tells_more(expected: list[TraceMessage], actual: list[TraceMessage], compared: Compared) -> bool:
    """Whether a channel starts with a state that the expected one does not start with."""
    first = compared.tokens(actual)
    return first[0][:2] in TELLS_STATE and first != compared.tokens(expected)


def _is_extra(expected: list[Token], actual: list[Token]) -> bool:
    """Whether the first actual message is better left out than matched: there is one edit less without it.

    Where it only changed places with another one, that says more than that it came unasked.
    """
    return not lone_swap(expected, actual) and distance(expected, actual[1:]) < distance(expected, actual)


# --- comparison -----------------------------------------------------------------------------------------------------


def _groups(pairs: list[Pair], order: Order) -> list[_Group]:
    """What is compared in one sequence: a channel, all channels of a device, or everything."""
    if order == "channel":
        return [
            _Group(
                str((one.expected or one.actual or _NOTHING).name),
                one,
                one.expected.messages if one.expected else [],
                one.actual.messages if one.actual else [],
            )
            for one in pairs
        ]
    gathered: dict[str, list[tuple[int, Pair]]] = defaultdict(list)
    for number, one in enumerate(pairs):
        gathered[_group_name((one.expected or one.actual or _NOTHING).name, order)].append((number, one))
    return [_gathered(name, members) for name, members in gathered.items()]


_NOTHING = Channel(Name("line"))


def _group_name(name: Name, order: Order) -> str:
    if order == "total":
        return "the whole trace"
    return f"{name.device or name.handle or name.kind}" + (f" of {name.app}" if name.app else "")


def _gathered(name: str, members: list[tuple[int, Pair]]) -> _Group:
    """The messages of several channels in the order of their trace, each with the number of its channel."""
    sides: list[list[tuple[int, int, TraceMessage]]] = [[], []]
    for number, one in members:
        for side, channel in zip(sides, (one.expected, one.actual), strict=True):
            side.extend((message.place, number, message) for message in (channel.messages if channel else []))
    for side in sides:
        side.sort(key=lambda entry: entry[:2])
    left, right = ([entry[2] for entry in side] for side in sides)
    numbers = [entry[1] for entry in sides[0]], [entry[1] for entry in sides[1]]
    return _Group(name, members[0][1], left, right, numbers)


def _run(group: _Group, compared: Compared, options: DiffOptions) -> tuple[ChannelResult, Found]:
    tokens = compared.tokens(group.expected), compared.tokens(group.actual)
    if group.channels:
        tokens = _told_apart(tokens[0], group.channels[0]), _told_apart(tokens[1], group.channels[1])
    found = Comparing(group.name, group.expected, group.actual, tokens).run(options.max_edits)
    differences = found.differences + _out_of_time(group, found, options.time_tolerance)
    actual = group.pair.actual.name if group.pair.actual else None
    result = ChannelResult(
        group.name, actual, group.pair.how, len(group.expected), len(found.matches), differences, found.not_compared
    )
    return result, found


def _told_apart(tokens: list[Token], channels: list[int]) -> list[Token]:
    """Tokens of several channels: the same message of two channels is not the same."""
    return [(f"{channel}:{token[0]}", *token[1:]) for channel, token in zip(channels, tokens, strict=True)]


def _out_of_time(group: _Group, found: Found, tolerance: float | None) -> list[Difference]:
    """Matched messages whose times are further apart than allowed."""
    if tolerance is None:
        return []
    differences = []
    for one, other in found.matches:
        expected, actual = group.expected[one], group.actual[other]
        if expected.at is None or actual.at is None:
            continue
        seconds = (datetime.fromisoformat(actual.at) - datetime.fromisoformat(expected.at)).total_seconds()
        if abs(seconds) > tolerance:
            kind: Literal["late", "early"] = "late" if seconds > 0 else "early"
            differences.append(Difference(kind, group.name, expected, actual, expected, f"by {abs(seconds):g} s"))
    return differences


# --- the result -----------------------------------------------------------------------------------------------------

Compares = list[tuple[ChannelResult, Found, _Group]]


def _in_order(differences: list[Difference], groups: Compares) -> list[Difference]:
    """By the place of the expected message; unexpected ones after what came before them on their channel."""
    homeless = any(one.expected is None and one.after is None for one in differences)
    places = _matched_places(groups) if homeless else []
    changed: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in differences:
        if one.kind == "changed" and one.expected and one.actual:
            changed[one.channel].append((one.actual.place, one.expected.place))

    def key(one: Difference) -> tuple[int, int, int]:
        came = one.actual.place if one.actual else 0
        if one.expected is not None:
            return one.expected.place, 0, came
        before = [expected for actual, expected in changed[one.channel] if actual < came]
        if one.after is not None:
            before.append(one.after.place)
        if not before and (matched := bisect_left(places, (came,))):
            before.append(places[matched - 1][1])
        return max(before, default=0), 1, came

    return sorted(differences, key=key)


def _matched_places(groups: Compares) -> list[tuple[int, int]]:
    """(actual place, expected place) of every match, by the actual place."""
    return sorted(
        (group.actual[other].place, group.expected[one].place)
        for _, found, group in groups
        for one, other in found.matches
    )


def _without_reason(groups: Compares, compared: Compared) -> int:
    """How many matches were made without their reason, because a trace cannot tell it."""
    if not compared.untold:
        return 0
    return sum(
        1
        for _, found, group in groups
        for one, _ in found.matches
        if (group.expected[one].message, group.expected[one].param1) in compared.untold
        and group.expected[one].message not in CONFIGURATION
    )


def counts(differences: Iterable[Difference]) -> dict[str, int]:
    """How many differences of each kind, in the order of the kinds."""
    from cti_es.traces.diff.differences import KINDS

    found = Counter(one.kind for one in differences)
    return {kind: found[kind] for kind in KINDS}
