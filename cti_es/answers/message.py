"""Why a message came, and why a device is where it is: the event, the rule, the state before and after."""

import msgspec

from cti_es.answers.notes import has_waited, notes_on
from cti_es.logs.reading import Cut, Log, event_at, resumed, resumed_at
from cti_es.model.cluster import Cluster
from cti_es.model.homes import Home, home
from cti_es.model.replay import Replay
from cti_es.model.rules import RULES
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import AnyEvent
from cti_es.vocabulary.tapi import Message


class Explanation(msgspec.Struct, frozen=True):
    """One message explained, as NDJSON has it.

    ``event`` caused it or, if it ``waited`` for a link, delivered it; ``why`` is its rule in words; ``before`` and
    ``after`` are the home of the device around the event. ``messages`` are all that the event sent about the device,
    so that the message can be seen in its place. ``notes`` say where a link, a told state, a filter or an extension
    version has decided what was sent, and what was not.
    """

    message: Message
    event: AnyEvent
    why: str
    before: Home | None
    after: Home | None
    messages: list[Message]
    waited: bool
    notes: list[str]


def explain_message(log: Log, seq: int) -> Explanation:
    """Explain message number ``seq`` of a log's replay. Raises :class:`InputError` when there is no such message."""
    message, others = _find(log, seq)
    replay, _ = resumed_at(log, Cut(version=message.version - 1))
    event = event_at(log, message.version)
    before, unfiltered = Replay(replay.encoded()), wanting_everything(replay, message.device)
    replay.advance([event])
    would = [one for one in unfiltered.messages([event]) if one.device == message.device]
    return Explanation(
        message=message,
        event=event,  # type: ignore[arg-type]
        why=RULES[message.rule],
        before=_home(before.cluster, message.device),
        after=_home(replay.cluster, message.device),
        messages=others,
        waited=has_waited(message, before.book),
        notes=list(notes_on(message, others, would, before.book, replay.book)),
    )


def wanting_everything(replay: Replay, device: str) -> Replay:
    """A copy of a replay in which every handle on the device wants every state message."""
    copy = Replay(replay.encoded())
    for held in copy.book.held.get(device, {}).values():
        for handle in held.handles():
            handle.wants = None
    return copy


def _find(log: Log, seq: int) -> tuple[Message, list[Message]]:
    """The message with this number, and all messages of its event about its device."""
    replay, _ = resumed(log, messages=seq - 1)
    for batch in log.batches(replay.version + 1):
        messages = list(replay.messages(batch.events)) if replay.seq < seq else []
        replay.taken_misfits()
        for message in messages:
            if message.seq == seq:
                return message, [m for m in messages if (m.version, m.device) == (message.version, message.device)]
    raise InputError(
        f"there is no message {seq}",
        where=log.name,
        expected=f"a number from 1 to {replay.seq}" if replay.seq else "a log that causes messages",
    )


def _home(cluster: Cluster, name: str) -> Home | None:
    return home(cluster, cluster.devices[name]) if name in cluster.devices else None
