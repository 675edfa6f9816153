"""Handles that were opened and told nothing: their announcements in a trace of names.

Specified in docs/reference/comparison.md#who.

A TSP may tell a handle its state after each opening. Where the trace has names but no handles, only the log knows that
a device was opened again: each handle that the expectation never mentions may have been announced once, at its time.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

from cti_es.traces.diff.align import align
from cti_es.traces.diff.channels import TELLS_STATE, Channel, Compared, Key, in_order
from cti_es.traces.diff.clocks import Clocks
from cti_es.traces.diff.reopened import by_key, shared_key

Opens = Callable[[], Mapping[Key, Sequence[int]]]
"""Gives, for the names of a channel, the versions of the events that opened its handles, in order."""


def drop_silent_announcements(
    expected: list[Channel], actual: list[Channel], compared: Compared, when: Clocks, opens: Opens
) -> int:
    """Remove from ``actual`` the announcements of handles of which nothing is expected. Returns how many there were.

    Both sides have names; ``expected`` has handles, ``actual`` has none.
    """
    apps = all(one.name.app is not None for one in actual)
    theirs, mine = by_key(expected, apps), by_key(actual, apps)
    count = 0
    for key, versions in _keyed(opens(), apps):
        told = {one.name.handle for one in theirs.get(key, [])}
        silent = [version for version in versions if str(version) not in told]
        if silent and key in mine:
            gone = set(_announced(theirs.get(key, []), mine[key], silent, compared, when))
            for one in mine[key]:
                one.messages = [message for message in one.messages if message.place not in gone]
            count += len(gone)
    actual[:] = [one for one in actual if one.messages]
    return count


def _keyed(opens: Mapping[Key, Sequence[int]], apps: bool) -> Iterator[tuple[Key, list[int]]]:
    """The versions of the opens by the names that both sides have."""
    found: dict[Key, list[int]] = {}
    for names, versions in opens.items():
        found.setdefault(shared_key(names, apps), []).extend(versions)
    return ((key, sorted(versions)) for key, versions in found.items())


def _announced(
    theirs: list[Channel], mine: list[Channel], silent: list[int], compared: Compared, when: Clocks
) -> Iterator[int]:
    """The places of the messages that only announce a handle that was opened in between.

    In a run of equal messages it cannot be told which of them is the expected one, so the run is looked at as a whole.
    """
    left, right = in_order(theirs), in_order(mine)
    tokens = compared.tokens(right)
    matches = align(compared.tokens(left), tokens, (when.expected(left), when.actual(right))).matches
    aligned = [other for _, other in matches]
    versions = [left[one].version or 0 for one, _ in matches]
    start = 0
    for token, run in groupby(tokens):
        end = start + len(list(run))
        before, after = bisect_left(aligned, start), bisect_left(aligned, end)
        if token[:2] in TELLS_STATE:
            earliest = bisect_left(silent, versions[before - 1] + 1) if before else 0
            latest = bisect_left(silent, versions[after]) if after < len(versions) else len(silent)
            matched = set(aligned[before:after])
            extra = [index for index in range(start, end) if index not in matched][: max(0, latest - earliest)]
            yield from (right[index].place for index in extra)
            del silent[earliest : earliest + len(extra)]
        start = end
