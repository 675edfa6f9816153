"""What an event did to a device, and why an application was not told anything (docs/reference/commands/explain.md)."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

from cti_es.answers.device import waits_for
from cti_es.answers.message import wanting_everything
from cti_es.answers.names import check_known
from cti_es.logs.reading import Cut, Log, event_at, resumed_at
from cti_es.model.book import Handle, Told
from cti_es.model.cluster import Cluster, Device
from cti_es.model.homes import Home, home
from cti_es.model.replay import Happening, Replay
from cti_es.model.steps import Suspended
from cti_es.vocabulary.events import AnyEvent, Event, NodeFailed, NodeRecovered
from cti_es.vocabulary.tapi import Message

Why = Literal["misfit", "no_handle", "no_link", "filter", "told_already", "waits_for_calls", "nothing_changed"]


class NotTold(msgspec.Struct, frozen=True):
    """Why nothing was said: to anybody (``app`` null), or to an application about a device (``line`` null) or line."""

    app: str | None
    line: str | None
    why: Why
    text: str


class Effect(msgspec.Struct, frozen=True):
    """What an event did to a device, as NDJSON has it.

    ``before`` and ``after`` are the home of the device around the event (null: it is not in the configuration),
    ``messages`` what was said about it, ``not_told`` why other handles, or nobody, were told anything.
    """

    version: int
    event: AnyEvent
    device: str
    before: Home | None
    after: Home | None
    messages: list[Message]
    not_told: list[NotTold]


def explain_event(log: Log, name: str, version: int) -> Effect:
    """What event ``version`` did to a device, and why it told nothing, where it did not.

    Raises :class:`InputError` if there is no such event, or no such device before it and after it.
    """
    event = event_at(log, version)
    after, _ = resumed_at(log, Cut(version=version - 1))
    before, unfiltered = Replay(after.encoded()), wanting_everything(after, name)
    happenings = list(after.happenings([event]))
    found = _Around(name, event, before, after, happenings, list(unfiltered.messages([event])))
    known = before.cluster.devices | after.cluster.devices
    check_known("device", [name], known, f"in {log.name} at version {version}")
    return Effect(
        version=version,
        event=event,  # type: ignore[arg-type]
        device=name,
        before=_home(before.cluster, name),
        after=_home(after.cluster, name),
        messages=found.messages,
        not_told=list(_not_told(found)),
    )


def _home(cluster: Cluster, name: str) -> Home | None:
    return home(cluster, cluster.devices[name]) if name in cluster.devices else None


class _Around(NamedTuple):
    """A device before and after an event; ``would`` is what had been sent if every handle wanted every message."""

    name: str
    event: Event
    before: Replay
    after: Replay
    happenings: list[Happening]
    would: list[Message]

    @property
    def messages(self) -> list[Message]:
        """What was said about the device."""
        return [one for done in self.happenings for one in done.messages if one.device == self.name]

    @property
    def moved(self) -> bool:
        """Whether the device was taken out of service, if only for a moment."""
        steps = [step for done in self.happenings for step in done.steps]
        return any(isinstance(one, Suspended) and one.device == self.name for one in steps)

    def state(self, replay: Replay, line: str | None) -> object:
        """What an application could be told of the device or a line."""
        device = replay.cluster.devices.get(self.name)
        if device is None or line is None:
            return device and (device.state, device.home)
        return line in device.lines and device.lines[line].in_service


def _not_told(found: _Around) -> Iterator[NotTold]:
    misfits = found.after.taken_misfits()
    if misfits:
        yield NotTold(None, None, "misfit", f"The event did not fit ({misfits[0].text}) and changed nothing.")
        return
    silent = list(_silent_handles(found))
    yield from silent
    if found.messages or silent:
        return
    device = found.after.cluster.devices.get(found.name)
    if device and found.state(found.before, None) == found.state(found.after, None):
        yield _nothing_changed(found, device)
    elif not any(found.after.book.holders(found.name)):
        yield NotTold(None, None, "no_handle", "No application has a handle on it.")
    else:
        yield NotTold(None, None, "nothing_changed", "Nothing has changed for what applications have open on it.")


def _silent_handles(found: _Around) -> Iterator[NotTold]:
    """The handles about which something has changed, or would have been said, and nothing was."""
    told = {(one.app, one.line) for one in found.messages}
    for app, held in found.after.book.holders(found.name):
        lines = found.after.cluster.devices[found.name].lines
        for line in (None, *lines):
            handle = held.handle(line)
            changed = found.moved or found.state(found.before, line) != found.state(found.after, line)
            would = any((one.app, one.line) == (app, line) for one in found.would if one.device == found.name)
            if handle and (app, line) not in told and (changed or would):
                yield NotTold(app, line, *_why_silent(found, app, line, handle, would))


def _why_silent(found: _Around, app: str, line: str | None, handle: Handle, would: bool) -> tuple[Why, str]:
    earlier = found.before.book.handle(found.name, app, line)
    if earlier is None or earlier.version != handle.version:
        return "nothing_changed", f"{app} has just opened it in service, which is not announced."
    if earlier.told == _told_now(found, line):
        return "told_already", f"{app} had been told {_IN_WORDS[earlier.told]} already."
    provider = found.after.book.providers.get(app)
    if provider and provider.link is None:
        state = "it has been adrift" if provider.adrift else "it has had no link"
        return "no_link", f"{app} cannot be told: {state} since event {provider.since}."
    if would:
        return "filter", f"{app} wants only {' and '.join(handle.wants or ()) or 'no state messages'}."
    return "nothing_changed", f"Nothing has changed for what {app} has open."


_IN_WORDS: dict[Told, str] = {"in": "in service", "out": "out of service"}


def _told_now(found: _Around, line: str | None) -> Told:
    """What there is to tell of a device or line after the event."""
    device = found.after.cluster.devices[found.name]
    served = device.state == "in_service" if line is None else device.lines[line].in_service
    return "in" if served else "out"


def _nothing_changed(found: _Around, device: Device) -> NotTold:
    """Why a device is as it was: it waits for its calls, or the event was not about it."""
    cluster, event = found.after.cluster, found.event
    waiting = waits_for(cluster, device.name)
    if device.calls and "call" in waiting:
        return NotTold(None, None, "waits_for_calls", f"It waits for {waiting}.")
    text = "The event has changed nothing for it."
    if isinstance(event, NodeFailed) and device.home:
        text = f"It is in service at {device.home}, not at {event.node}."
    elif isinstance(event, NodeRecovered):
        text = _why_not_to(device, event.node)
    return NotTold(None, None, "nothing_changed", text)


def _why_not_to(device: Device, node: str) -> str:
    """Why a node that came back did not take a device."""
    if node not in device.group:
        return f"{node} is not in its group ({', '.join(device.group)})."
    if node in device.refused_by:
        return f"{node} refuses it."
    if device.state == "unregistered":
        return "No application has it open, so it is not registered."
    if device.away:
        return f"The device itself is away ({device.away})."
    return f"It is in service at {device.home}, which stands before {node} in its group."
