"""What fails: the parts of a cluster that can fail by themselves, and the failures that a log tells of.

Shared by what tells of failures: incidents, and the page of ``report``.
"""

from typing import Any, Literal

import msgspec

from cti_es.model.book import Book
from cti_es.model.cluster import Cluster
from cti_es.vocabulary import events
from cti_es.vocabulary.events import Event, type_of
from cti_es.vocabulary.times import seconds_between

What = Literal["node", "call_manager", "cti_manager", "device", "link"]
"""What fails: a node with its CTI Manager, its call processing alone, its CTI Manager alone, a device, a connection."""


class Failure(msgspec.Struct, frozen=True):
    """A failure, as NDJSON has it: its event, what failed and its name, and the event that ended it (null: none did).

    ``name`` is that of the node or the device, or of the application that lost its own connection; ``reason`` why a
    device was away; ``seconds`` the time between the two events, null without times.
    """

    version: int
    at: str | None
    event: str
    what: What
    name: str
    reason: str | None
    until_version: int | None = None
    until_at: str | None = None
    seconds: float | None = None


_OF_NODES = (events.NodeFailed, events.NodeRecovered, events.CtiManagerFailed, events.CtiManagerRecovered)
_OF_DEVICES = (events.DeviceFailed, events.DeviceRecovered, events.DeviceRemoved)
_OF_LINKS = (events.ProviderLinkLost, events.ProviderLinked, events.ProviderClosed)
MARKS: frozenset[type[Event]] = frozenset((*_OF_NODES, *_OF_DEVICES, *_OF_LINKS))
"""The events with which something may fail, or be failed no more."""

PartKind = Literal["call_manager", "cti_manager", "device", "link"]
Part = tuple[PartKind, str]
"""What can fail by itself: the call processing or the CTI Manager of a node, a device, the connection of an app."""


def parts(event: Any, cluster: Cluster, book: Book) -> dict[Part, bool]:
    """The parts that one of :data:`MARKS` may be about; whether each is failed now."""
    if isinstance(event, _OF_NODES):
        node = event.node
        return {
            ("call_manager", node): cluster.nodes.get(node) is False,
            ("cti_manager", node): cluster.cti_managers.get(node) is False,
        }
    if isinstance(event, _OF_DEVICES):
        device = cluster.devices.get(event.device)
        return {("device", event.device): device is not None and device.away is not None}
    provider = book.providers.get(event.app)
    return {("link", event.app): provider is not None and provider.adrift}


def _failure(version: int, event: Any) -> Failure:
    """What an event has made fail."""
    what: What
    if isinstance(event, events.NodeFailed):
        what, name = "call_manager" if event.scope == "call_manager" else "node", event.node
    elif isinstance(event, events.CtiManagerFailed):
        what, name = "cti_manager", event.node
    elif isinstance(event, events.DeviceFailed):
        what, name = "device", event.device
    else:
        what, name = "link", event.app
    reason = (event.reason or "DeviceFailure") if isinstance(event, events.DeviceFailed) else None
    return Failure(version, event.at, type_of[type(event)], what, name, reason)


class Failures:
    """The failures of an incident, and what is failed at the moment."""

    def __init__(self) -> None:
        self.rows: list[Failure] = []
        self._down: dict[Part, int] = {}

    def __bool__(self) -> bool:
        """Whether anything is failed."""
        return bool(self._down)

    def take(self, version: int, event: Event, parts: dict[Part, bool]) -> None:
        """Something may have failed, or be failed no more."""
        if new := [part for part, failed in parts.items() if failed and part not in self._down]:
            self._down |= dict.fromkeys(new, len(self.rows))
            self.rows.append(_failure(version, event))
        over = [self._down.pop(part) for part, failed in parts.items() if not failed and part in self._down]
        for index in set(over).difference(self._down.values()):
            one = self.rows[index]
            self.rows[index] = msgspec.structs.replace(
                one, until_version=version, until_at=event.at, seconds=seconds_between(one.at, event.at)
            )
