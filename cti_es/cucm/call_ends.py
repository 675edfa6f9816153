"""Call records that are no witness of when the call ended (docs/reference/imports.md#the-record-of-a-node-that-died).

A node that dies cannot say when its calls end, and a call may outlive the node of its device. What proves that a call
has ended is what its device cannot do during one: register at another node, or begin the next call.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from cti_es.cucm.claims import Claim, NodeRef
from cti_es.cucm.spool import CALL_ENDS, END_PROOFS, NODE_FAILURES, Claimed, Spool
from cti_es.vocabulary.times import sort_key

FindNode = Callable[[NodeRef], str | None]
HomeOf = Callable[[str], str | None]
_Failures = dict[str, list[datetime]]
_NEXT_CALL = ""


class Doubt(NamedTuple):
    """The claim that a call ended, and the time of the first proof that it had; None without a proof."""

    claimed: Claimed
    proof: str | None


class _Open(NamedTuple):
    """A doubt to be settled by the first proof after a time; ``home`` is the node of the device."""

    after: datetime
    claimed: Claimed
    home: str | None


def doubts(spool: Spool, find: FindNode, home_of: HomeOf, grace: timedelta, start: str = "") -> Iterator[Doubt]:
    """The ends of calls, from a time on, that records give, but do not witness.

    ``find`` says which node a reference means; ``home_of`` where the log has a device, if its record does not say so.
    """
    failures = _failures(spool, find)
    waiting: dict[str, list[_Open]] = {}
    for claimed in spool.looked_ahead(CALL_ENDS, start) if failures else ():
        if (doubt := _doubt(claimed, failures, find, home_of, grace)) is not None:
            waiting.setdefault(claimed.claim.device or "", []).append(doubt)
    for some in waiting.values():
        some.sort(key=lambda one: one.after)
    yield from _settled(spool, find, waiting)


def _failures(spool: Spool, find: FindNode) -> _Failures:
    """When each node has failed, in order."""
    failures: _Failures = {}
    for claimed in spool.looked_ahead(NODE_FAILURES):
        if (node := _first(claimed.claim.nodes, find)) is not None:
            failures.setdefault(node, []).append(_time(claimed.at))
    return {node: times[::-1] for node, times in failures.items()}


def _doubt(claimed: Claimed, failures: _Failures, find: FindNode, home_of: HomeOf, grace: timedelta) -> _Open | None:
    """Why an end is doubted: its writer failed during the call, or the home of the device just when it ended."""
    claim, end = claimed.claim, _time(claimed.at)
    began = _time(claim.since or claimed.at)
    writer, *at = claim.nodes
    home = _first(tuple(at), find) or home_of(claim.device or "")
    failed = [
        _between(failures.get(find(writer) or "", []), began, end + grace),
        _between(failures.get(home or "", []), end - grace, end + grace),
    ]
    times = [time for time in failed if time is not None]
    return _Open(max(began, min([end, *times])), claimed, home) if times else None


def _settled(spool: Spool, find: FindNode, waiting: dict[str, list[_Open]]) -> Iterator[Doubt]:
    """Go back in time: the proof seen last is the first one after a call."""
    seen: dict[str, dict[str, str]] = {}
    for claimed in spool.looked_ahead(END_PROOFS) if waiting else ():
        device = claimed.claim.device or ""
        if not (some := waiting.get(device)):
            continue
        at = _time(claimed.at)
        while some and some[-1].after >= at:
            yield _settle(some.pop(), seen.get(device, {}))
        if (proof := _proof(claimed.claim, find)) is not None:
            seen.setdefault(device, {})[proof] = claimed.at
    for device, some in waiting.items():
        for one in some:
            yield _settle(one, seen.get(device, {}))


def _settle(one: _Open, seen: dict[str, str]) -> Doubt:
    return Doubt(one.claimed, min((at for node, at in seen.items() if node != one.home), key=sort_key, default=None))


def _proof(claim: Claim, find: FindNode) -> str | None:
    """The node at which the device has registered, or that it began a call; None if that is not known."""
    return _NEXT_CALL if claim.what == "call_started" else _first(claim.nodes, find)


def _first(nodes: tuple[NodeRef, ...], find: FindNode) -> str | None:
    return next((node for ref in nodes if (node := find(ref)) is not None), None)


def _between(times: list[datetime], first: datetime, last: datetime) -> datetime | None:
    index = bisect_left(times, first)
    return times[index] if index < len(times) and times[index] <= last else None


def _time(at: str) -> datetime:
    return datetime.fromisoformat(at)
