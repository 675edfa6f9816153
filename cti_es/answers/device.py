"""Why a device is where it is: the event that brought it there, what it waits for, who has it open."""

from collections.abc import Iterator

import msgspec

from cti_es.answers.names import check_known
from cti_es.logs.reading import Cut, Log, event_at, resumed_at
from cti_es.model.book import Book, Told
from cti_es.model.cluster import Cluster, Device
from cti_es.model.homes import Home, home
from cti_es.vocabulary.events import AnyEvent, AwayReason, DeviceFailed, Event


class OpenHandle(msgspec.Struct, frozen=True, omit_defaults=True):
    """A handle, as NDJSON has it: what the application was last told of it, and what else decides about messages.

    ``link`` is the CTI Manager that the application is linked to, ``link_since`` the version of the event that last
    changed that (both null without a provider), ``reachable`` whether it can be told anything; ``wants`` are the state
    messages that it wants (null: all). ``adrift`` (left out when false): it lost its own connection, and takes no CTI
    Manager until the log says which.
    """

    app: str
    line: str | None
    handle: int
    told: Told
    reachable: bool
    link: str | None
    link_since: int | None
    wants: tuple[str, ...] | None
    ext_version: int | None
    adrift: bool = False


class Withdrawal(msgspec.Struct, frozen=True):
    """An application whose user may not control a device, and the version of the event that withdrew it."""

    app: str
    since: int


class Placement(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a device was at a version, as NDJSON has it.

    ``since`` and ``event`` are the version and the event that last changed its state or home, ``why`` says how;
    ``refused_by`` the nodes that refuse the device, ``lines_refused_by`` those that refuse a line of it; ``waits_for``
    what would have to happen for it to move or come back (empty: nothing is due). ``away`` is why the device itself
    is away, if it is; ``handles`` are those that are open on it; ``withdrawn`` (left out when empty) are the
    applications whose users may not control it.
    """

    version: int
    home: Home
    since: int
    event: AnyEvent
    why: str
    refused_by: list[str]
    lines_refused_by: dict[str, list[str]]
    waits_for: str
    away: AwayReason | None
    handles: list[OpenHandle]
    withdrawn: list[Withdrawal] = []


def explain_device(log: Log, name: str, cut: Cut) -> tuple[Placement, list[str]]:
    """Where a device is at a version or time of a log, and why; and warnings about reading up to there.

    Raises :class:`InputError` if the log knows no such device there.
    """
    replay, warnings = resumed_at(log, cut)
    cluster = replay.cluster
    check_known("device", [name], cluster.devices, f"in {log.name} at version {replay.version}")
    device = cluster.devices[name]
    event = event_at(log, device.since)
    placement = Placement(
        version=replay.version,
        home=home(cluster, device),
        since=device.since,
        event=event,  # type: ignore[arg-type]
        why=_why(cluster, device, event),
        refused_by=list(device.refused_by),
        lines_refused_by={number: list(line.refused_by) for number, line in device.lines.items() if line.refused_by},
        waits_for=waits_for(cluster, name),
        away=device.away,
        handles=list(_handles(replay.book, device)),
        withdrawn=[
            Withdrawal(app, provider.withdrawn[name])
            for app, provider in replay.book.connected()
            if name in provider.withdrawn
        ],
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
    "reconnect": "Its home refused to open it again for the last application that had it open, whose TSP reconnected.",
    "lines": "The last line of it that was open left it, so no application has it open any more.",
    "control": "The user of the last application that had it open may not control it any more.",
    "call": "It went out of service; a call is active on it, and phones are opened again only without one.",
    "was_away": "The device itself was away, and since it came back no node of its group was in service and took it.",
    "away": "The device itself is away ({away}).",
    "give_back": "The last application that had it open gave it back.",
}
"""The last change of a device's state or home (Device.because), in words."""


def _why(cluster: Cluster, device: Device, event: Event) -> str:
    because: str = device.because
    if device.state == "out_of_service" and device.away:
        because = "away"
    elif device.state == "out_of_service" and cluster.waits_for_calls(device) and cluster.best(device):
        because = "call"
    elif device.because == "suspend" and isinstance(event, DeviceFailed):
        because = "was_away"
    return _BECAUSE[because].format(home=device.home, away=device.away)


def waits_for(cluster: Cluster, name: str) -> str:
    """What would have to happen for a device to move or come back, in words; empty if nothing is due."""
    device = cluster.devices[name]
    if device.away and device.state == "out_of_service":
        return "the device itself to come back"
    if device.state == "out_of_service" and cluster.waits_for_calls(device) and (node := cluster.best(device)):
        return f"{_calls_to_end(device)}, as phones do here, to be opened at {node}"
    if node := cluster.better(device):
        return f"{_calls_to_end(device)}, to be re-homed to {node}"
    if device.state == "out_of_service":
        return f"a node of its group ({', '.join(device.group)}) that is in service and takes it"
    return ""


def _calls_to_end(device: Device) -> str:
    return "its last call to end" if device.calls == 1 else f"its {device.calls} calls to end"


def _handles(book: Book, device: Device) -> Iterator[OpenHandle]:
    """What is open on a device: application by application, the phone device first, then its lines in order."""
    for app, held in book.holders(device.name):
        provider = book.providers.get(app)
        link, since, adrift = (provider.link, provider.since, provider.adrift) if provider else (None, None, False)
        for line in (None, *device.lines):
            if one := held.handle(line):
                yield OpenHandle(
                    app, line, one.version, one.told, book.reaches(app), link, since, one.wants, one.ext_version, adrift
                )


def home_in_words(home: Home | None) -> str:
    """A home in one line of words."""
    return "; ".join(_words(home)) if home else "not in the configuration"


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
