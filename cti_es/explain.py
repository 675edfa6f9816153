"""Why a message came, and why a device is where it is: the event, the rule, the state before and after."""

from collections.abc import Iterator

import msgspec

from cti_es.cluster import Cluster
from cti_es.errors import InputError, did_you_mean
from cti_es.events import AnyEvent
from cti_es.homes import Home, home
from cti_es.reading import Cut, Log, event_at, folded
from cti_es.replay import Replay
from cti_es.rules import RULES
from cti_es.tapi import Message


class Explanation(msgspec.Struct, frozen=True):
    """One message explained, as NDJSON has it.

    ``event`` caused it; ``why`` is its rule in words; ``before`` and ``after`` are the home of the device around the
    event. ``messages`` are all that the event sent about the device, so that the message can be seen in its place.
    """

    message: Message
    event: AnyEvent
    why: str
    before: Home | None
    after: Home | None
    messages: list[Message]


class Placement(msgspec.Struct, frozen=True):
    """Where a device was at a version, as NDJSON has it.

    ``since`` and ``event`` are the version and the event that last changed its state or home, ``why`` says how;
    ``refused_by`` the nodes that refuse the device, ``lines_refused_by`` those that refuse a line of it; ``waits_for``
    what would have to happen for it to move or come back (empty: nothing is due).
    """

    version: int
    home: Home
    since: int
    event: AnyEvent
    why: str
    refused_by: list[str]
    lines_refused_by: dict[str, list[str]]
    waits_for: str


def explain_message(log: Log, seq: int) -> Explanation:
    """Explain message number ``seq`` of a log's replay. Raises :class:`InputError` when there is no such message."""
    message, others = _find(log, seq)
    before, _ = folded(log, Cut(version=message.version - 1))
    event = event_at(log, message.version)
    was = _home(before.cluster, message.device)
    before.advance([event])
    now = _home(before.cluster, message.device)
    return Explanation(message, event, RULES[message.rule], was, now, others)  # type: ignore[arg-type]


def _find(log: Log, seq: int) -> tuple[Message, list[Message]]:
    """The message with this number, and all messages of its event about its device."""
    kept = log.snapshot(messages=seq - 1)
    replay = Replay(kept.state if kept else None)
    for batch in log.batches(replay.version + 1):
        messages = list(replay.messages(batch.events)) if replay.seq < seq else []
        replay.misfits.clear()
        for message in messages:
            if message.seq == seq:
                return message, [m for m in messages if (m.version, m.device) == (message.version, message.device)]
    raise InputError(
        f"there is no message {seq}",
        where=log.name,
        expected=f"a number from 1 to {replay.seq}" if replay.seq else "a log that causes messages",
    )


def explain_device(log: Log, name: str, cut: Cut) -> tuple[Placement, list[str]]:
    """Where a device is at a cut and why, and the warnings of reading up to there. Raises :class:`InputError`."""
    replay, warnings = folded(log, cut)
    cluster = replay.cluster
    device = cluster.devices.get(name)
    if device is None:
        near = did_you_mean(name, cluster.devices)
        raise InputError(f"there is no device '{name}' in {log.name} at version {replay.version}", hint=near)
    placement = Placement(
        version=replay.version,
        home=home(cluster, device),
        since=device.since,
        event=event_at(log, device.since),  # type: ignore[arg-type]
        why=_BECAUSE[device.because].format(home=device.home),
        refused_by=list(device.refused_by),
        lines_refused_by={number: list(line.refused_by) for number, line in device.lines.items() if line.refused_by},
        waits_for=_waits_for(cluster, name),
    )
    return placement, warnings


_BECAUSE = {
    "added": "It was added; no application has had it open since.",
    "register": "It registered at {home}, the first node of its group that was in service and took it.",
    "wait": "No node of its group was in service and took it.",
    "suspend": "It lost its home, and no other node of its group was in service and took it.",
    "resume": "It was opened at {home}, the first node of its group that was in service and took it.",
    "close": "The system closed it: every node of its group was in service, and none took it.",
    "settle": "The system closed its last open line, so no application has it open any more.",
    "give_back": "The last application that had it open gave it back.",
}
"""The last change of a device's state or home (Device.because), in words."""


def _waits_for(cluster: Cluster, name: str) -> str:
    device = cluster.devices[name]
    if node := cluster.better(device):
        calls = "its last call to end" if device.calls == 1 else f"its {device.calls} calls to end"
        return f"{calls}, to be re-homed to {node}"
    if device.state == "out_of_service":
        return f"a node of its group ({', '.join(device.group)}) that is in service and takes it"
    return ""


def _home(cluster: Cluster, name: str) -> Home | None:
    return home(cluster, cluster.devices[name]) if name in cluster.devices else None


def words(placement: Home | None) -> str:
    """A home in one line of words."""
    return "; ".join(_words(placement)) if placement else "not there yet"


def _words(at: Home) -> Iterator[str]:
    where = {"in_service": f"in service at {at.home}", "out_of_service": "out of service"}.get(at.state, "unregistered")
    yield f"{where} (original node {at.original})"
    for state in ("in_service", "out_of_service"):
        if numbers := [number for number, found in at.lines.items() if found == state]:
            yield f"{'line' if len(numbers) == 1 else 'lines'} {', '.join(numbers)} {state.replace('_', ' ')}"
    if at.calls:
        yield f"{at.calls} active call{'s' if at.calls > 1 else ''}"
    if at.rehome_to:
        yield f"re-homing to {at.rehome_to} is due"
