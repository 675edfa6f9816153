"""Names without handles: which message of a name is for which of its handles (docs/reference/comparison.md#handles).

A device that is closed and opened again has another handle under the same names. Where one trace tells the handles of
a name apart and the other does not, all messages of the name are aligned at once, and what belongs together belongs to
the same handle. So neither a CLOSE that is lost nor one that is doubled moves what follows.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cti_es.traces.diff.align import align
from cti_es.traces.diff.channels import (
    CLOSES,
    TELLS_STATE,
    Channel,
    Compared,
    Key,
    Name,
    Token,
    all_named,
    in_order,
    split,
)  # fmt: skip
from cti_es.traces.diff.clocks import Clocks, Dated
from cti_es.vocabulary.tapi import TraceMessage


class _Dates(NamedTuple):
    """When the messages of the trace with handles were, and those of the other one; whether both have times."""

    theirs: Dated
    mine: Dated
    timed: bool


def cut_as(
    handles: Sequence[Channel], messages: Sequence[TraceMessage], compared: Compared, dated: _Dates
) -> Iterator[tuple[Channel | None, Channel]]:
    """Cut the messages of a name into channels, each with the handle that it stands for.

    ``handles`` are the channels of that name on the other side, whose messages are dated first. What follows the last
    handle after a CLOSE is a channel for itself.
    """
    theirs, tokens = in_order(handles), compared.tokens(messages)
    owner = {message.place: number for number, one in enumerate(handles) for message in one.messages}
    times = dated.theirs(theirs), dated.mine(messages)
    matches = align(compared.tokens(theirs), tokens, times).matches
    same_time = times[1] if dated.timed else [0] * len(messages)
    places = _earliest([index for _, index in matches], list(zip(tokens, same_time, strict=True)))
    owners = [(place, owner[theirs[other].place]) for place, (other, _) in zip(places, matches, strict=True)]
    parts: dict[int, list[TraceMessage]] = {}
    for message, number in zip(messages, _numbers(messages, owners, len(handles)), strict=True):
        parts.setdefault(number, []).append(message)
    name = _without_handle(handles[0].name, messages[0])
    for number in sorted(parts):
        handle = handles[number] if number < len(handles) else None
        yield handle, Channel(name._replace(number=number), parts[number])


def _earliest(aligned: list[int], says: Sequence[tuple[Token, int]]) -> Iterator[int]:
    """The places of aligned messages, each as early as may be among equal ones that tell a state.

    What is left over of a run of these is then its last: that announces the next handle, if there is one.
    """
    before = -1
    for place in aligned:
        while place - 1 > before and says[place - 1] == says[place] and says[place][0][:2] in TELLS_STATE:
            place -= 1
        yield place
        before = place


def _without_handle(name: Name, message: TraceMessage) -> Name:
    return Name(name.kind, message.app, message.device, message.line)


def _numbers(messages: Sequence[TraceMessage], owners: list[tuple[int, int]], handles: int) -> Iterator[int]:
    """For each message the number of its handle: that of what it is aligned with.

    One that is not aligned stands between two handles: it is for the second if it tells the state of a handle that
    is new, or comes after a CLOSE, else for the first.
    """
    aligned = [index for index, _ in owners]
    number, closed = owners[0][1] if owners else 0, False
    for index, message in enumerate(messages):
        place = bisect_right(aligned, index)
        is_aligned = bool(place) and aligned[place - 1] == index
        if is_aligned:
            number, closed = owners[place - 1][1], False
        elif closed or (message.message, message.param1) in TELLS_STATE:
            following = owners[place][1] if place < len(owners) else handles if closed else number
            if closed and message.message in CLOSES:
                following = number
            number, closed = following, closed and following == number
        closed = closed or message.message in CLOSES
        yield number


class Fitted(NamedTuple):
    """Both sides in channels that fit each other; ``pairs`` are those of which that is known already."""

    expected: list[Channel]
    actual: list[Channel]
    pairs: list[tuple[Channel, Channel]]


def fitted(expected: list[Channel], actual: list[Channel], compared: Compared, clocks: Clocks) -> Fitted:
    """Two traces with names, of which one or both have no handles to go by."""
    if lacks_handles(actual):
        dated = _Dates(clocks.expected, clocks.actual, clocks.timed)
        parts = list(_parts(expected, _by_names(actual), compared, dated))
        return Fitted(expected, [part for _, part in parts], [(one, part) for one, part in parts if one])
    dated = _Dates(clocks.actual, clocks.expected, clocks.timed)
    parts = list(_parts(actual, _by_names(expected), compared, dated))
    return Fitted([part for _, part in parts], actual, [(part, one) for one, part in parts if one])


def _by_names(channels: list[Channel]) -> list[Channel]:
    """The channels by names alone; the same ones where there are no handles at all."""
    if all(channel.name.handle is None for channel in channels):
        return channels
    return split([in_order(channels)], by_handle=False)


def _parts(
    handles: list[Channel], channels: list[Channel], compared: Compared, dated: _Dates
) -> Iterator[tuple[Channel | None, Channel]]:
    """The channels, those of each name cut as the handles of that name are."""
    apps = all(one.name.app is not None for one in [*handles, *channels])
    known, mine = by_key(handles, apps), by_key(channels, apps)
    for key, ones in mine.items():
        theirs = known.get(key, [])
        if key[0] == "configuration" or not theirs:
            yield from ((None, one) for one in ones)
        elif len(theirs) == len(ones) == 1:
            yield theirs[0], ones[0]
        else:
            yield from cut_as(theirs, in_order(ones), compared, dated)


def by_key(channels: list[Channel], apps: bool) -> dict[Key, list[Channel]]:
    """The channels of each name; applications are part of it only where both sides name them (``apps``)."""
    groups: dict[Key, list[Channel]] = {}
    for one in channels:
        groups.setdefault(shared_key(one.name.names, apps), []).append(one)
    return groups


def shared_key(names: Key, apps: bool) -> Key:
    """The names of a channel as both sides have them: without the application unless both name it (``apps``)."""
    return names if apps else (names[0], *names[2:])


def lacks_handles(channels: list[Channel]) -> bool:
    """Whether there are no handles to go by: some messages have none and all have names, or none has a handle."""
    lacks = [channel.name.handle is None for channel in channels if channel.name.kind != "configuration"]
    return all(lacks) or (any(lacks) and all_named(channels))
