"""A trace that begins later or ends earlier than what is expected: what lies outside is said once, not one by one.

Specified in docs/reference/comparison.md#outside.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cti_es.traces.diff.channels import Channel
from cti_es.traces.diff.differences import Difference
from cti_es.vocabulary.tapi import TraceMessage

MANY = 10
"""So many expected messages, of two events at least, are a part that the trace does not have; fewer may be lost."""

Matched = tuple[TraceMessage, TraceMessage]
"""An expected message and the one that came."""


class Outside(NamedTuple):
    """What is missing ``before`` the first message of ACTUAL and ``after`` its last one, and these two messages."""

    before: Sequence[Difference] = ()
    after: Sequence[Difference] = ()
    first: TraceMessage | None = None
    last: TraceMessage | None = None


def outside(differences: Iterable[Difference], matched: Iterable[Matched], actual: Iterable[Channel]) -> Outside:
    """What ACTUAL does not have because it begins later or ends earlier.

    ``matched`` are the first and the last matches of each channel, ``actual`` all channels. Where the first or the
    last message that came is none that was expected, the trace goes on there.
    """
    ends = sorted((one.place, other.place) for one, other in matched)
    came = [message for one in actual for message in (one.messages[:1] + one.messages[-1:])]
    if not ends or not came:
        return Outside()
    first, last = min(came, key=_place), max(came, key=_place)
    known = {place for _, place in ends}
    missing = [one for one in differences if one.kind == "missing"]
    before = [one for one in missing if one.expected and one.expected.place < ends[0][0]]
    after = [one for one in missing if one.expected and one.expected.place > ends[-1][0]]
    return Outside(
        before if first.place in known and _is_a_part(before) else (),
        after if last.place in known and _is_a_part(after) else (),
        first,
        last,
    )


def _place(message: TraceMessage) -> int:
    return message.place


def _is_a_part(missing: list[Difference]) -> bool:
    causes = {one.expected.version or one.expected.at for one in missing if one.expected}
    return len(missing) >= MANY and len(causes) > 1
