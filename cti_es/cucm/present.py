"""The state at the end of a log: what fits is added to it, everything else is told why it does not."""

from typing import NamedTuple

from cti_es.cucm.claims import SkipReason
from cti_es.cucm.translation import Candidate
from cti_es.model.cluster import Cluster
from cti_es.model.replay import MisfitReport, Replay
from cti_es.vocabulary import events

Verdict = MisfitReport | SkipReason | None
"""None for a candidate that fits, else why it is not stored."""


class Registered(NamedTuple):
    """The node that has said last that a device registered there, and where the log had the device then.

    A device moves before the node that it left gives it up, and that node knows nothing of the move.
    """

    node: str
    home: str | None


class Present:
    """A fold to which candidates are added one by one. ``registered`` is where devices have registered, by name."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.registered: dict[str, Registered] = {}

    def settled(self, candidate: Candidate) -> Candidate | SkipReason:
        """What a login is: of an application that has a provider it begins no second one.

        It is linked there already, or it comes back or goes elsewhere (``provider_linked``). A connection beside
        another one that lasts, or at a CTI Manager that is not in the provider's list, is no event.
        """
        event = candidate.event
        if type(event) is not events.ProviderOpened or candidate.session is None:
            return candidate
        provider, [node] = self.replay.book.providers.get(event.app), event.cti_managers
        if provider is None:
            return candidate
        if provider.link == node:
            return "linked_there"
        if node not in provider.cti_managers:
            return "outside_list"
        nodes, has_begun = candidate.session
        if provider.link is None or (has_begun and provider.link not in nodes):
            linked = events.ProviderLinked(app=event.app, node=node, at=event.at, id=event.id)
            return candidate._replace(event=linked)
        return "second_connection"

    def take(self, candidate: Candidate) -> Verdict:
        """Add a candidate, which is settled, if it says something new and fits; else say why not."""
        if candidate.is_witness:
            return "consequence"
        if (why := _needless(candidate, self.replay.cluster, self.registered)) is not None:
            return why
        verdict = self.replay.offer(candidate.event)
        self.learn(candidate)
        return verdict

    def elsewhere(self, candidate: Candidate) -> str | None:
        """Where the log has the device of a candidate, if the candidate says that it is at another node."""
        device = self.replay.cluster.devices.get(getattr(candidate.event, "device", ""))
        if type(candidate.event) is not events.DeviceRecovered or candidate.node is None or device is None:
            return None
        if device.state == "unregistered" or device.home == candidate.node:
            return None
        return device.home or "out of service"

    def learn(self, candidate: Candidate) -> None:
        """Remember where a device has registered, if that is what has happened last."""
        if type(candidate.event) is events.DeviceRecovered and candidate.node is not None:
            device = self.replay.cluster.devices.get(candidate.event.device)
            if device is not None:
                self.registered[device.name] = Registered(candidate.node, device.home)


def _needless(candidate: Candidate, cluster: Cluster, registered: dict[str, Registered]) -> SkipReason | None:
    """Why the state makes a candidate say nothing new, although it would fit."""
    event = candidate.event
    if type(event) is events.OpenAllowed:
        return None if _is_refused(event, cluster) else "consequence"
    if type(event) is events.DeviceFailed and (device := cluster.devices.get(event.device)) is not None:
        if device.state == "unregistered":
            return "consequence"  # a port that nobody has open any more unregisters
        last = registered.get(device.name)
        node = last.node if last and last.home == device.home else device.home
        if node is not None and candidate.node not in (None, node):
            return "elsewhere"
    return None


def _is_refused(event: events.OpenAllowed, cluster: Cluster) -> bool:
    device = cluster.devices.get(event.device)
    if device is None:
        return False
    if event.line is None:
        return bool(device.refused_by)
    return event.line in device.lines and bool(device.lines[event.line].refused_by)
