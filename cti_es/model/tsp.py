"""The TSP: the steps of the fold → the TAPI messages that each application is sent.

The rules are docs/reference/tsp.md, and docs/reference/rules.md#steps for who is told in which order. In short:

A step is told application by application, in the order in which they first opened anything: first for the phone handle,
then for the lines in order. Which messages are sent, and when:

* A state (SUSPEND, RESUME, OUTOFSERVICE, INSERVICE) goes to an application that can be reached, for a handle that it
  has, if it is not what this handle was told last. A handle that does not want the message counts as told all the same.
* A CLOSE, CREATE or REMOVE always goes. While the application has no link, it waits in a queue.

An application with a provider is linked to one CTI Manager of its list, or to none. One without a provider can always
be reached.

* link_lost: the application is told that all it has open is out of service. Its devices stay where they are.
* reconnect: the application takes the first CTI Manager of its list that is in service. What waited is delivered; then
  each device in service is opened again for it, and closed for it where the home refuses that by now. An application
  that has lost a connection of its own is *adrift*: it does not reconnect until an event says where it is.
* announce: if ``announce_open`` is on, a line that is opened is told INSERVICE if it is in service.
* configure: devices and lines join or leave the configuration, or what an application's user may control. What is
  open on those that leave is closed, and the applications with a provider are told CREATE and REMOVE.

The events about an application and not about the cluster (its provider, what its user may control, which messages it
wants) are handled here, too, and checked before they change anything. Handles stand in the book (``book.py``); the
cluster only counts them. The book changes only when a step is read, so each step still finds the handles that it is
about, although the fold has gone on since.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import msgspec

from cti_es.model.book import Book, Handle, Held, Provider, Told, Waiting
from cti_es.model.cluster import Device, Misfit, Reason, known_line, once_each
from cti_es.model.recovery import DEFAULT_APP, Recovery
from cti_es.model.steps import (
    ANNOUNCE,
    STEP_NAMES,
    Closed,
    ControlGiven,
    ControlTaken,
    DeviceEntered,
    DeviceLeft,
    GivenBack,
    LineInService,
    LineLost,
    LinesEntered,
    LinesLeft,
    Linked,
    LinkLost,
    LinksLost,
    LinksWanted,
    Opened,
    OpenedIn,
    OpenedOut,
    Resumed,
    Step,
    Suspended,
)
from cti_es.vocabulary import events, tapi
from cti_es.vocabulary.tapi import Message, Signal

MAX_CTI_MANAGERS = 3
"""Primary, backup and tertiary."""


class Cause(msgspec.Struct, frozen=True, gc=False):
    """The event behind some steps: its version, time and type."""

    version: int
    at: str | None
    event_type: str


class Tsp:
    """Turns steps into messages. ``seq`` is the number of the last message.

    ``handlers`` is the whole table of what each event type does: that of ``recovery``, and what is the TSP's own.
    """

    def __init__(self, book: Book, seq: int, recovery: Recovery) -> None:
        self.book = book
        self.seq = seq
        self._recovery = recovery
        self._cluster = recovery.cluster
        self._cause = Cause(0, None, "")
        self._rule = ""
        self._told: list[Message] = []
        self.handlers: dict[type[events.Event], Callable[[Any], None]] = recovery.handlers | {
            events.DeviceOpened: self._permitted(recovery.device_opened),
            events.LineOpened: self._permitted(recovery.line_opened),
            events.ProviderOpened: self.provider_opened,
            events.ProviderClosed: self.provider_closed,
            events.ProviderLinkLost: self.provider_link_lost,
            events.ProviderLinked: self.provider_linked,
            events.ControlWithdrawn: self.control_withdrawn,
            events.ControlGranted: self.control_granted,
            events.StatusMessagesSet: self.status_messages_set,
        }
        self._tell: dict[type[Step], Callable[[Any], None]] = {
            Suspended: self._suspended,
            Resumed: self._resumed,
            LineInService: self._line_in_service,
            OpenedIn: self._opened_in,
            OpenedOut: self._opened_out,
            Closed: self._closed,
            LineLost: self._line_lost,
            Opened: self._opened,
            GivenBack: self._given_back,
            DeviceEntered: self._device_entered,
            DeviceLeft: self._device_left,
            LinesEntered: self._lines_entered,
            LinesLeft: self._lines_left,
            ControlGiven: self._control_given,
            ControlTaken: self._control_taken,
            LinksLost: self._links_lost,
            LinkLost: self._link_lost,
            Linked: self._linked,
            LinksWanted: self._links_wanted,
        }

    def messages(self, steps: list[Step], cause: Cause) -> list[Message]:
        """The messages that the steps of one event send, in order."""
        self._cause = cause
        self._told = []
        for step in steps:
            self._rule = _rule(cause.event_type, type(step))
            self._tell[type(step)](step)
        return self._told

    # The events that are the TSP's own business (docs/reference/tsp.md#events).

    def _permitted(self, opens: Callable[[Any], None]) -> Callable[[Any], None]:
        """A handler that opens something, for an application that may control it and can be reached."""

        def handler(event: events.DeviceOpened | events.LineOpened) -> None:
            app = event.app or DEFAULT_APP
            if provider := self.book.providers.get(app):
                if event.device in provider.withdrawn:
                    raise Misfit("not_controlled", f"'{event.device}' is withdrawn from what '{app}' may control")
                if provider.link is None:
                    raise Misfit("no_link", f"the provider of '{app}' is not linked to any CTI Manager")
            opens(event)

        return handler

    def provider_opened(self, event: events.ProviderOpened) -> None:
        """The application, which has nothing open, connects to the first of its CTI Managers that is in service."""
        book, managers = self.book, event.cti_managers
        for node in managers:
            self._cluster.known_cti_manager(node)
        once_each(managers)
        if not managers:
            raise Misfit("empty", "no node in cti_managers")
        if len(managers) > MAX_CTI_MANAGERS:
            raise Misfit("too_many", f"{len(managers)} CTI Managers; a provider has up to {MAX_CTI_MANAGERS}")
        if event.app in book.providers:
            raise Misfit("has_provider", f"application '{event.app}' has a provider already")
        if any(book.held_by(event.app)):
            raise Misfit("has_handles", f"application '{event.app}' has something open without a provider")
        book.meet(event.app)
        book.providers[event.app] = Provider(managers, self._in_service(managers), self._recovery.version)

    def provider_closed(self, event: events.ProviderClosed) -> None:
        """The application gives back everything; what waits for it is dropped."""
        self._known_provider(event.app)
        self._recovery.give_back_all(event.app)
        del self.book.providers[event.app]

    def provider_link_lost(self, event: events.ProviderLinkLost) -> None:
        """The application is adrift until the log says where it is connected."""
        provider = self._known_provider(event.app)
        if provider.link is None:
            raise Misfit("no_link", f"the provider of '{event.app}' is not linked to any CTI Manager")
        if event.node not in (None, provider.link):
            raise Misfit("other_link", f"'{event.app}' is linked to the CTI Manager of '{provider.link}'")
        self._recovery.steps.append(LinkLost(event.app))

    def provider_linked(self, event: events.ProviderLinked) -> None:
        """The application is connected, whatever it was before: another connection is dropped first."""
        provider = self._known_provider(event.app)
        if event.node not in provider.cti_managers:
            reason = f"'{event.node}' is none of the CTI Managers of '{event.app}'"
            raise Misfit("outside_list", reason, event.node, provider.cti_managers)
        if not self._cluster.cti_managers[event.node]:
            raise Misfit("not_in_service", f"the CTI Manager of '{event.node}' is not in service")
        if event.node == provider.link:
            raise Misfit("already_linked", f"'{event.app}' is linked to the CTI Manager of '{event.node}' already")
        if provider.link is not None:
            self._recovery.steps.append(LinkLost(event.app))
        self._recovery.steps.append(Linked(event.app, event.node))

    def control_withdrawn(self, event: events.ControlWithdrawn) -> None:
        """What the application has open on the device is closed, and it can open nothing on it any more."""
        provider = self._known_provider(event.app)
        device = self._cluster.known_device(event.device)
        if device.name in provider.withdrawn:
            raise Misfit("not_controlled", f"'{device.name}' is withdrawn from what '{event.app}' may control already")
        self._recovery.withdraw(device, event.app)

    def control_granted(self, event: events.ControlGranted) -> None:
        """The application may open the device again; it opens nothing by itself."""
        provider = self._known_provider(event.app)
        device = self._cluster.known_device(event.device)
        if device.name not in provider.withdrawn:
            raise Misfit("controlled", f"'{event.app}' may control '{device.name}' already")
        self._recovery.steps.append(ControlGiven(event.app, device.name, device.number, device.line_ids))

    def status_messages_set(self, event: events.StatusMessagesSet) -> None:
        """The application says which state messages it wants for one handle."""
        app = event.app or DEFAULT_APP
        device = self._cluster.known_device(event.device)
        line = known_line(device, event.line) if event.line is not None else None
        handle = self.book.handle(device.name, app, line)
        if handle is None:
            what = f"'{device.name}'" if line is None else f"line '{line}' of '{device.name}'"
            raise Misfit("not_open", f"application '{app}' does not have {what} open")
        known = STATES["phone" if line is None else "line"]
        for state in event.states:
            if state not in known:
                raise Misfit("wrong_state", f"'{state}' is none of {', '.join(known)}", state, known)
        once_each(event.states)
        if sorted(event.states) == sorted(known if handle.wants is None else handle.wants):
            raise Misfit("unchanged", f"application '{app}' wants just these already")
        handle.wants = event.states

    # What each step tells.

    def _suspended(self, step: Suspended) -> None:
        for app, held in self.book.holders(step.device):
            self._tell_state(step.device, app, held, True, step.lines, "out", step.reason)

    def _resumed(self, step: Resumed) -> None:
        for app, held in self.book.holders(step.device):
            self._tell_state(step.device, app, held, True, step.lines, "in")

    def _line_in_service(self, step: LineInService) -> None:
        for app, held in self.book.holders(step.device):
            self._tell_state(step.device, app, held, False, (step.line,), "in")

    def _opened_in(self, step: OpenedIn) -> None:
        """Line by line: out of service is told at once; in service is announced, if that is asked for.

        See docs/reference/tsp.md#announce_open.
        """
        held = self.book.held[step.device][step.app]
        open_rule = self._rule
        for line in step.lines:
            if line in step.out:
                self._tell_state(step.device, step.app, held, False, (line,), "out", "Unknown")
            elif self._cluster.behaviours.announce_open:
                self._rule = f"{self._cause.event_type}/{ANNOUNCE}"
                self._emit(step.app, step.device, line, held.lines[line].version, tapi.INSERVICE)
                self._rule = open_rule

    def _opened_out(self, step: OpenedOut) -> None:
        held = self.book.held[step.device][step.app]
        self._tell_state(step.device, step.app, held, step.phone, step.lines, "out", step.reason)

    def _closed(self, step: Closed) -> None:
        for app, held in self.book.holders(step.device):
            self._tell_closed(step.device, app, held.phone, tapi.PHONE_CLOSE)
            for line in step.lines:
                self._tell_closed(step.device, app, held.lines.get(line), tapi.LINE_CLOSE, line)
        self.book.take_all(step.device)

    def _line_lost(self, step: LineLost) -> None:
        for app, held in self.book.holders(step.device):
            if handle := held.lines.get(step.line):
                self._tell_closed(step.device, app, handle, tapi.LINE_CLOSE, step.line)
                self.book.take(step.device, app, False, (step.line,))

    def _opened(self, step: Opened) -> None:
        self.book.meet(step.app)

        version, ext_version = self._cause.version, step.ext_version
        phone = Handle(version, ext_version=ext_version) if step.phone else None
        lines = {line: Handle(version, ext_version=ext_version) for line in step.lines}
        self.book.give(step.device, step.app, phone, lines)

    def _given_back(self, step: GivenBack) -> None:
        self.book.take(step.device, step.app, step.phone, step.lines)

    # The configuration and who may control it (docs/reference/tsp.md#the-configuration).

    def _device_entered(self, step: DeviceEntered) -> None:
        for app in self.book.controlling(step.device):
            self._tell_created(app, step.device, step.number, step.lines)

    def _device_left(self, step: DeviceLeft) -> None:
        """Lines before the phone device here, as documented (docs/reference/tsp.md#the-configuration)."""
        for app, held in self.book.holders(step.device):
            self._tell_all_closed(app, step.device, held, step.lines)
        self.book.take_all(step.device)
        for app in self.book.controlling(step.device):
            self._tell_removed(app, step.device, step.number, step.lines)
        for provider in self.book.providers.values():
            provider.withdrawn.pop(step.device, None)

    def _lines_entered(self, step: LinesEntered) -> None:
        for app in self.book.controlling(step.device):
            self._tell_created(app, step.device, None, step.lines)

    def _lines_left(self, step: LinesLeft) -> None:
        for app, held in self.book.holders(step.device):
            lines = [line for line in step.lines if line in held.lines]
            for line in lines:
                self._tell_closed(step.device, app, held.lines[line], tapi.LINE_CLOSE, line)
            self.book.take(step.device, app, False, lines)
        for app in self.book.controlling(step.device):
            self._tell_removed(app, step.device, None, step.lines)

    def _control_taken(self, step: ControlTaken) -> None:
        if held := self.book.held_on(step.device, step.app):
            self._tell_all_closed(step.app, step.device, held, step.lines)
            self.book.take(step.device, step.app, held.phone is not None, list(held.lines))
        self._tell_removed(step.app, step.device, step.number, step.lines)
        self.book.providers[step.app].withdrawn[step.device] = self._cause.version

    def _control_given(self, step: ControlGiven) -> None:
        del self.book.providers[step.app].withdrawn[step.device]
        self._tell_created(step.app, step.device, step.number, step.lines)

    # Links (docs/reference/tsp.md#a-cti-manager-fails).

    def _links_lost(self, step: LinksLost) -> None:
        for app, provider in self.book.connected():
            if provider.link == step.node:
                self._lose_link(app, provider)

    def _links_wanted(self, _: LinksWanted) -> None:
        for app, provider in self.book.connected():
            wants = provider.link is None and not provider.adrift
            if wants and (node := self._in_service(provider.cti_managers)):
                self._reconnect(app, provider, node)

    def _link_lost(self, step: LinkLost) -> None:
        provider = self.book.providers[step.app]
        self._lose_link(step.app, provider)
        provider.adrift = True

    def _linked(self, step: Linked) -> None:
        self._reconnect(step.app, self.book.providers[step.app], step.node)

    def _lose_link(self, app: str, provider: Provider) -> None:
        """Tell the application that everything it has open is out of service; then it has no link."""
        for device, held in self._devices_of(app):
            self._tell_state(device.name, app, held, True, tuple(device.lines), "out", "CtiLinkFailure")
        self._link(provider, None)

    def _reconnect(self, app: str, provider: Provider, node: str) -> None:
        """Link the application to this CTI Manager: what waited for it is delivered, what it has is opened again."""
        self._link(provider, node)
        self._deliver(app, provider)
        for device, held in self._devices_of(app):
            if device.state == "in_service":
                self._reopen(app, device, held)

    def _link(self, provider: Provider, node: str | None) -> None:
        provider.link, provider.since, provider.adrift = node, self._cause.version, False

    def _deliver(self, app: str, provider: Provider) -> None:
        """What has waited, each message under the rule that it comes from."""
        reconnect = self._rule
        for one in provider.queue:
            self._rule = one.rule
            self._emit(app, one.device, one.line, one.handle, one.signal)
        provider.queue, self._rule = [], reconnect

    def _reopen(self, app: str, device: Device, held: Held) -> None:
        """Open again what an application has on a device in service. Phones are never closed."""
        refusable = not device.registers_itself
        if refusable and device.home in device.refused_by:
            lines = tuple(line for line in device.lines if line in held.lines)
            self._refused(app, device, held, held.phone is not None, lines)
            return
        self._tell_state(device.name, app, held, True, (), "in")
        for number, line in list(device.lines.items()):
            if number in held.lines and line.in_service:
                if refusable and device.home in line.refused_by:
                    self._refused(app, device, held, False, (number,))
                else:
                    self._tell_state(device.name, app, held, False, (number,), "in")

    def _refused(self, app: str, device: Device, held: Held, phone: bool, lines: tuple[str, ...]) -> None:
        """The home has refused to open these again: the application is told, and has them no more."""
        self._tell_closed(device.name, app, held.phone if phone else None, tapi.PHONE_CLOSE)
        for line in lines:
            self._tell_closed(device.name, app, held.lines[line], tapi.LINE_CLOSE, line)
        self.book.take(device.name, app, phone, lines)
        self._recovery.take_refused_handles(device, phone, lines)

    # Whom and what there is.

    def _known_provider(self, app: str) -> Provider:
        """The provider of an application. Raises :class:`Misfit`."""
        if app not in self.book.providers:
            raise Misfit("no_provider", f"application '{app}' has no provider")
        return self.book.providers[app]

    def _in_service(self, cti_managers: tuple[str, ...]) -> str | None:
        return next((node for node in cti_managers if self._cluster.cti_managers[node]), None)

    def _devices_of(self, app: str) -> Iterator[tuple[Device, Held]]:
        """The devices on which the application has something open, in order, and what it has."""
        for device in self._cluster.named(self.book.devices.get(app, ())):
            yield device, self.book.held[device.name][app]

    # Telling.

    def _tell_state(
        self,
        device: str,
        app: str,
        held: Held,
        phone: bool,
        lines: tuple[str, ...],
        state: Told,
        reason: Reason | None = None,
    ) -> None:
        """Tell one application the state of its phone handle and of these lines, where it has them and it is news."""
        if self.book.providers and not self.book.reaches(app):
            return
        if phone and held.phone and held.phone.told != state:
            self._mark_told(app, device, None, held.phone, state, _PHONE_SIGNAL[state], reason)
        for line in lines:
            handle = held.lines.get(line)
            if handle and handle.told != state:
                self._mark_told(app, device, line, handle, state, _LINE_SIGNAL[state], reason)

    def _mark_told(
        self,
        app: str,
        device: str,
        line: str | None,
        handle: Handle,
        state: Told,
        signal: Signal,
        reason: Reason | None,
    ) -> None:
        """The application has been told, even if it does not want the message."""
        handle.told = state
        if handle.ext_version is not None and not handle.tells_reasons:
            reason = None
        if handle.wants is None or _STATE_OF[signal] in handle.wants:
            self._emit(app, device, line, handle.version, signal, reason)

    def _tell_closed(
        self, device: str, app: str, handle: Handle | None, signal: Signal, line: str | None = None
    ) -> None:
        if handle:
            self._emit_or_queue(app, device, line, handle.version, signal)

    def _tell_all_closed(self, app: str, device: str, held: Held, lines: Iterable[str]) -> None:
        """Everything that the application holds on a device is closed: lines before the phone device here."""
        for line in lines:
            self._tell_closed(device, app, held.lines.get(line), tapi.LINE_CLOSE, line)
        self._tell_closed(device, app, held.phone, tapi.PHONE_CLOSE)

    def _tell_created(self, app: str, device: str, number: int | None, lines: dict[str, int]) -> None:
        """PHONE_CREATE, if there is a ``number`` (the TAPI device id) for it, then LINE_CREATE for each line."""
        if number is not None:
            self._emit_or_queue(app, device, None, None, Signal(*tapi.PHONE_CREATE, None, number))
        for line, line_number in lines.items():
            self._emit_or_queue(app, device, line, None, Signal(*tapi.LINE_CREATE, None, line_number))

    def _tell_removed(self, app: str, device: str, number: int | None, lines: dict[str, int]) -> None:
        """LINE_REMOVE for each line, then PHONE_REMOVE, if there is a ``number`` (the TAPI device id) for it."""
        for line, line_number in lines.items():
            self._emit_or_queue(app, device, line, None, Signal(*tapi.LINE_REMOVE, None, line_number))
        if number is not None:
            self._emit_or_queue(app, device, None, None, Signal(*tapi.PHONE_REMOVE, None, number))

    def _emit_or_queue(self, app: str, device: str, line: str | None, handle: int | None, signal: Signal) -> None:
        """A message that always goes, now or with the next link."""
        if self.book.reaches(app):
            self._emit(app, device, line, handle, signal)
        else:
            self.book.providers[app].queue.append(Waiting(device, line, handle, signal, self._rule))

    def _emit(
        self, app: str, device: str, line: str | None, handle: int | None, signal: Signal, reason: Reason | None = None
    ) -> None:
        """One message: the fields in the order of :class:`~cti_es.vocabulary.tapi.Message`."""
        self.seq += 1
        version, at, rule = self._cause.version, self._cause.at, self._rule
        number = tapi.REASONS[reason] if reason else 0
        self._told.append(Message(self.seq, version, at, app, device, line, handle, *signal, reason, number, 0, rule))


@cache
def _rule(event_type: str, step: type[Step]) -> str:
    """The identifier of what a step tells (docs/reference/rules.md#rule-identifiers)."""
    return f"{event_type}/{STEP_NAMES.get(step)}"


STATES: dict[str, tuple[str, str]] = {"phone": ("SUSPEND", "RESUME"), "line": ("INSERVICE", "OUTOFSERVICE")}
"""The state messages of a phone handle and of a line handle that an application may want."""

_PHONE_SIGNAL: dict[Told, Signal] = {"in": tapi.RESUME, "out": tapi.SUSPEND}
_LINE_SIGNAL: dict[Told, Signal] = {"in": tapi.INSERVICE, "out": tapi.OUTOFSERVICE}
_STATE_OF: dict[Signal, str] = {
    tapi.RESUME: "RESUME",
    tapi.SUSPEND: "SUSPEND",
    tapi.INSERVICE: "INSERVICE",
    tapi.OUTOFSERVICE: "OUTOFSERVICE",
}
