"""Two traces → a verdict: pair their channels, compare each pair, put the differences in order.

What comes first is what went wrong first: differences stand in the order of the expected messages; an unexpected
message stands after the last one that matched before it. What the rules are: docs/reference/comparison.md.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from cti_es.traces.diff.align import MAX_EDITS, Match, distance
from cti_es.traces.diff.channels import (
    CONFIGURATION,
    TELLS_STATE,
    Channel,
    Compared,
    Name,
    Token,
    Trace,
    all_named,
    in_order,
    split,
    untold,
)
from cti_es.traces.diff.clocks import SECOND, Clocks, clocks, microseconds
from cti_es.traces.diff.differences import KINDS, Difference, Sequences, lone_swap
from cti_es.traces.diff.ends import Matched, Outside, outside
from cti_es.traces.diff.handles import Given, How, Pair, Pairing
from cti_es.traces.diff.reopened import fitted, lacks_handles
from cti_es.traces.diff.silent import Opens, drop_silent_announcements
from cti_es.vocabulary.tapi import TraceMessage

Order = Literal["channel", "device", "total"]
Shift = Literal["auto"] | float


class DiffOptions(NamedTuple):
    """How to compare.

    ``time_tolerance`` is in seconds (None: times are not compared). ``shift`` is by how many seconds the clock of
    ACTUAL is ahead, which is taken out before times are compared; ``auto``: as it seems to be. ``note_reasons``: where
    reasons are ignored, other ones are noted all the same, and decide nothing.
    """

    order: Order = "channel"
    ignore_reason: bool = False
    strict: bool = False
    time_tolerance: float | None = None
    handles: Mapping[str, Given] | None = None
    max_edits: int = MAX_EDITS
    shift: Shift | None = None
    note_reasons: bool = False


class ChannelResult(NamedTuple):
    """What came of one channel (of one group of channels with another order).

    ``pieces``: into how many it had to be cut, because it is too different to be compared as a whole.
    """

    name: str
    actual: Name | None
    how: How
    expected: int
    matched: int
    differences: list[Difference]
    pieces: int


class Comparison(NamedTuple):
    """What came of it all.

    ``announced`` counts messages that only told a handle the state that it had anyway. ``ahead`` is by how many
    seconds the clock of ACTUAL seems to be ahead of that of EXPECTED. ``cut`` counts the handles that were compared
    with the likeliest channels only, because there are so many. ``noted`` are matched messages with other reasons that
    decide nothing. ``outside`` is what is missing because ACTUAL begins later or ends earlier.
    """

    expected: int
    actual: int
    matched: int
    announced: int
    without_reason: int
    differences: list[Difference]
    channels: list[ChannelResult]
    pairs: list[Pair]
    ahead: float
    cut: int
    noted: list[Difference]
    outside: Outside

    @property
    def conforms(self) -> bool:
        """Whether nothing is different."""
        return not self.differences


def compare(expected: Trace, actual: Trace, options: DiffOptions, opens: Opens | None = None) -> Comparison:
    """Compare two traces. Both are read to their ends first.

    ``opens`` tells when the handles of EXPECTED were opened, if it is a log. It is asked only where ACTUAL has names
    without handles.
    """
    left, right = _one_configuration(split(expected), split(actual))
    counts = tuple(sum(len(channel.messages) for channel in side) for side in (left, right))
    compared = _compared(left, right, options)
    when = clocks(left, right, compared, all_named(left, right), _given_offset(options))
    announced = 0
    if opens and not options.strict and all_named(left, right) and lacks_handles(right):
        announced = drop_silent_announcements(left, right, compared, when, opens)
    pairs, cut = _paired(left, right, compared, when, options)
    pairs, aliases = _second_handles(pairs, compared)
    announced += 0 if options.strict else _drop_announcements(pairs, compared)
    done = [_compare(group, compared, when, options) for group in _groups(pairs, options.order)]
    differences = _in_order(aliases + [found for one in done for found in one.result.differences], done)
    return Comparison(
        expected=counts[0],
        actual=counts[1],
        matched=sum(one.result.matched for one in done),
        announced=announced,
        without_reason=_without_reason(done, compared),
        differences=differences,
        channels=[one.result for one in done],
        pairs=pairs,
        ahead=when.ahead / SECOND,
        cut=cut,
        noted=list(_other_reasons(done)) if options.ignore_reason and options.note_reasons else [],
        outside=outside(differences, _first_and_last(done), [one.actual for one in pairs if one.actual]),
    )


class _Group(NamedTuple):
    """Messages of both sides that are compared in one sequence, each with the channel that it belongs to."""

    name: str
    pair: Pair
    expected: list[TraceMessage]
    actual: list[TraceMessage]
    channels: tuple[list[int], list[int]] | None = None


class _Done(NamedTuple):
    """A group that has been compared."""

    group: _Group
    matches: Sequence[Match]
    result: ChannelResult


# --- preparation ----------------------------------------------------------------------------------------------------


def _one_configuration(*sides: list[Channel]) -> Iterator[list[Channel]]:
    """All CREATE and REMOVE in one channel: a trace that does not name its application cannot tell them apart."""
    nameless = any(one.name == Name("configuration") for side in sides for one in side)
    for side in sides:
        apart = [one for one in side if nameless and one.name.kind == "configuration"]
        rest = [one for one in side if not nameless or one.name.kind != "configuration"]
        yield [*rest, Channel(Name("configuration"), in_order(apart))] if apart else side


def _compared(left: list[Channel], right: list[Channel], options: DiffOptions) -> Compared:
    configuration = [one for one in [*left, *right] if one.name.kind == "configuration"]
    named = all(message.device is not None for one in configuration for message in one.messages)
    return Compared(not options.ignore_reason, untold(left, right), named, not options.strict)


def _given_offset(options: DiffOptions) -> int | None:
    return int(options.shift * SECOND) if isinstance(options.shift, (int, float)) else None


def _paired(
    left: list[Channel], right: list[Channel], compared: Compared, when: Clocks, options: DiffOptions
) -> tuple[list[Pair], int]:
    """The pairs of channels, and how many handles were compared with the likeliest only."""
    known: list[tuple[Channel, Channel]] = []
    by_names = all_named(left, right) and (lacks_handles(left) or lacks_handles(right))
    if by_names:
        left, right, known = fitted(left, right, compared, when)
    pairing = Pairing(left, right, compared, when)
    for one, other in known:
        pairing.join(one, other, "named")
    return pairing.run(options.handles), pairing.cut


def _second_handles(pairs: list[Pair], compared: Compared) -> tuple[list[Pair], list[Difference]]:
    """A handle that is left over though its names belong to a channel that has one: an alias, read as that channel.

    One that only tells its state, which the channel does not miss, is none: it was opened, and no more came on it. Nor
    is what came on the same handle after its CLOSE. The pairs without these, and the aliases.
    """
    by_names = {one.actual.name.names: one.actual for one in pairs if one.expected and one.actual}
    owner = {one.actual.name: one.actual for one in pairs if one.expected and one.actual}
    expected = {one.actual.name: one.expected for one in pairs if one.expected and one.actual}
    more: dict[Name, list[Channel]] = defaultdict(list)
    left, aliases = [], []
    for one in pairs:
        extra = None if one.expected else one.actual
        first = extra and (owner.get(_before(extra.name)) or by_names.get(extra.name.names))
        if not extra or not first or extra.name.device is None:
            left.append(one)
        elif extra.name.handle == first.name.handle:
            owner[extra.name] = first
            more[first.name].append(extra)
        elif _only_tells_state(extra, first, expected[first.name], compared):
            left.append(one)
        else:
            detail = f"stands for the channel that handle {first.name.handle} stands for"
            aliases.append(Difference("alias", str(extra.name), None, extra.messages[0], None, detail))
            more[first.name].append(extra)
    for name, extras in more.items():
        owner[name].messages = in_order([owner[name], *extras])
    return left, aliases


def _before(name: Name) -> Name:
    """The channel of the same handle that a CLOSE ended before this one."""
    return name._replace(number=name.number - 1)


def _only_tells_state(channel: Channel, first: Channel, expected: Channel, compared: Compared) -> bool:
    """Whether a channel has nothing but a state, and the other one does not fit better with it."""
    if [token[:2] in TELLS_STATE for token in compared.tokens(channel.messages)] != [True]:
        return False
    wanted, without, merged = (
        compared.tokens(messages) for messages in (expected.messages, first.messages, in_order([first, channel]))
    )
    return distance(wanted, merged) >= distance(wanted, without)


def _drop_announcements(pairs: list[Pair], compared: Compared) -> int:
    """Remove announcements (a first INSERVICE or RESUME that is not expected there). Returns how many there were."""
    count = 0
    for one in pairs:
        if one.actual is None or one.actual.name.kind == "configuration":
            continue
        expected = compared.tokens(one.expected.messages) if one.expected else []
        if _tells_more(expected, compared.tokens(one.actual.messages)):
            del one.actual.messages[0]
            count += 1
    return count


def _tells_more(expected: list[Token], actual: list[Token]) -> bool:
    """Whether a channel starts with a state that the expected one does not have there, or not so often."""
    if actual[0][:2] not in TELLS_STATE or (expected[:1] == actual[:1] and _repeated(expected) >= _repeated(actual)):
        return False
    return _is_extra(expected, actual)


def _repeated(tokens: list[Token]) -> int:
    """How often the first one is said before another one."""
    return next((index for index, token in enumerate(tokens) if token != tokens[0]), len(tokens))


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
                str(one.name),
                one,
                one.expected.messages if one.expected else [],
                one.actual.messages if one.actual else [],
            )
            for one in pairs
        ]
    gathered: dict[str, list[tuple[int, Pair]]] = defaultdict(list)
    for number, one in enumerate(pairs):
        gathered[_group_name(one.name, order)].append((number, one))
    return [_gathered(name, members) for name, members in gathered.items()]


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


def _compare(group: _Group, compared: Compared, when: Clocks, options: DiffOptions) -> _Done:
    tokens = compared.tokens(group.expected), compared.tokens(group.actual)
    if group.channels:
        tokens = _told_apart(tokens[0], group.channels[0]), _told_apart(tokens[1], group.channels[1])
    found = Sequences(group.name, group.expected, group.actual, tokens, when).compare(options.max_edits)
    differences = sorted(found.differences, key=lambda one: one.kind == "reason")
    if options.time_tolerance is not None:
        differences += list(_out_of_time(group, found.matches, options.time_tolerance, _shift(options, when)))
    actual = group.pair.actual.name if group.pair.actual else None
    result = ChannelResult(
        group.name, actual, group.pair.how, len(group.expected), len(found.matches), differences, found.pieces
    )
    return _Done(group, found.matches, result)


def _shift(options: DiffOptions, when: Clocks) -> int:
    """By how many microseconds ACTUAL is ahead where times are compared."""
    return when.ahead if options.shift == "auto" else _given_offset(options) or 0


def _told_apart(tokens: list[Token], channels: list[int]) -> list[Token]:
    """Tokens of several channels: the same message of two channels is not the same."""
    return [(f"{channel}:{token[0]}", *token[1:]) for channel, token in zip(channels, tokens, strict=True)]


def _out_of_time(group: _Group, matches: Sequence[Match], tolerance: float, ahead: int) -> Iterator[Difference]:
    """Matched messages whose times are further apart than ``tolerance`` seconds, ``ahead`` microseconds taken out."""
    after = None
    for one, other in matches:
        expected, actual = group.expected[one], group.actual[other]
        if expected.at is not None and actual.at is not None:
            late = (microseconds(actual.at) - ahead - microseconds(expected.at)) / SECOND
            if abs(late) > tolerance:
                kind: Literal["late", "early"] = "late" if late > 0 else "early"
                yield Difference(kind, group.name, expected, actual, after, f"by {abs(late):g} s")
        after = expected


# --- the result -----------------------------------------------------------------------------------------------------


def _in_order(differences: list[Difference], done: list[_Done]) -> list[Difference]:
    """By the place of the expected message, unexpected ones behind what came before them; other reasons at the end."""
    homeless = any(one.expected is None and one.behind is None for one in differences)
    places = _matched_places(done) if homeless else []

    def key(one: Difference) -> tuple[bool, int, bool, int]:
        came = one.actual.place if one.actual else 0
        if one.expected is not None:
            return one.kind == "reason", one.expected.place, False, came
        behind = one.behind
        if behind is None and (matched := bisect_left(places, (came,))):
            behind = places[matched - 1][1]
        return False, behind or 0, True, came

    return sorted(differences, key=key)


def _matched_places(done: list[_Done]) -> list[Match]:
    """(actual place, expected place) of every match, by the actual place."""
    return sorted(
        (one.group.actual[right].place, one.group.expected[left].place) for one in done for left, right in one.matches
    )


def _first_and_last(done: list[_Done]) -> Iterator[Matched]:
    """The first and the last match of each group."""
    for one in done:
        for left, right in (*one.matches[:1], *one.matches[-1:]):
            yield one.group.expected[left], one.group.actual[right]


def _without_reason(done: list[_Done], compared: Compared) -> int:
    """How many matches were made without their reason, because a trace cannot tell it."""
    if not compared.untold:
        return 0
    matched = (one.group.expected[left] for one in done for left, _ in one.matches)
    return sum(
        1 for one in matched if (one.message, one.param1) in compared.untold and one.message not in CONFIGURATION
    )


def _other_reasons(done: list[_Done]) -> Iterator[Difference]:
    """Matched messages that tell a reason on both sides, and not the same one."""
    for one in done:
        for left, right in one.matches:
            expected, actual = one.group.expected[left], one.group.actual[right]
            if expected.param2 and actual.param2 and expected.param2 != actual.param2:
                yield Difference("reason", one.group.name, expected, actual, None)


def counts(differences: Iterable[Difference]) -> dict[str, int]:
    """How many differences of each kind, in the order of the kinds."""
    found = Counter(one.kind for one in differences)
    return {kind: found[kind] for kind in KINDS}
