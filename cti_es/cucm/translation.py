"""Claims → the events that they would be, mostly one each: nodes by their names in the log, applications by connection.

Whether they fit is for ``cti_es.cucm.importing``.
"""

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from cti_es.cucm.claims import SkipReason
from cti_es.cucm.connections import Connections, Thing
from cti_es.cucm.nodes import Nodes
from cti_es.cucm.spool import Claimed, Place
from cti_es.vocabulary import events
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Event, decode_event
from cti_es.vocabulary.names import check_name

CALL_MANAGER: events.Scope = "call_manager"
"""What alarms say of a node is its call processing alone; its CTI Manager has alarms of its own."""


class Session(NamedTuple):
    """What the lines tell of an application that logs in: where it has other connections, and whether it had any."""

    nodes: frozenset[str]
    has_begun: bool


class Candidate(NamedTuple):
    """An event that a line claims, and where the line stands.

    ``node`` is where a device has registered, if the line is about that. ``only_if_refused``: see
    :class:`Translation`. ``is_sure`` is False if whose connection it is about is not known. ``is_witness``: it only
    says where the device is. ``session`` is what is known of the other connections of an application that logs in;
    ``is_again`` is True if the same connection has opened the same before.
    """

    event: Event
    place: Place
    node: str | None = None
    only_if_refused: bool = False
    is_sure: bool = True
    is_witness: bool = False
    session: Session | None = None
    is_again: bool = False


class Unknown(Exception):
    """Thrown where a claim names something that cannot be understood: why, and its name if that may be mended."""

    def __init__(self, reason: SkipReason, name: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.name = name


_REGISTRATIONS = ("device_failed", "device_recovered", "in_service")


class Translation:
    """Claims in the order of their times → candidates. It remembers who opened what by which connection.

    ``nodes`` are those of the log, by all that they are called; ``connections`` are those of the applications.
    """

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self.connections = Connections()
        self._session: Session | None = None
        self._is_again = False
        self._makers: dict[str, Callable[[Claimed], list[Event]]] = {
            "node_failed": lambda c: [events.NodeFailed(node=self._node(c), scope=CALL_MANAGER)],
            "node_recovered": lambda c: [events.NodeRecovered(node=self._node(c), scope=CALL_MANAGER)],
            "cti_manager_failed": self._cti_manager_failed,
            "cti_manager_recovered": lambda c: [events.CtiManagerRecovered(node=self._node(c))],
            "provider_opened": self._provider_opened,
            "provider_closed": self._provider_closed,
            "connection_lost": self._connection_lost,
            "device_opened": self._device_opened,
            "device_closed": self._device_closed,
            "line_opened": self._line_opened,
            "line_closed": self._line_closed,
            "open_refused": lambda c: [events.OpenRefused(device=_device(c), line=c.claim.line)],
            "device_failed": lambda c: [events.DeviceFailed(device=_device(c), reason=c.claim.reason)],  # type: ignore[arg-type]
            "device_recovered": lambda c: [events.DeviceRecovered(device=_device(c))],
            "service_started": lambda c: [events.NodeRecovered(node=self._node(c), scope=CALL_MANAGER)],
            "given": lambda c: [decode_event((c.claim.event or "").encode())],
            "in_service": lambda c: [events.DeviceRecovered(device=_device(c))],
            "call_started": lambda c: [events.CallStarted(call=_name(c.claim.call), device=_device(c))],
            "call_ended": lambda c: [events.CallEnded(call=_name(c.claim.call), device=c.claim.device)],
        }

    def candidates(self, claimed: Claimed) -> list[Candidate]:
        """The events of a claim, mostly one, with time and identifier. Raises :class:`Unknown`."""
        is_sure = claimed.claim.what != "provider_closed" or self.connections.app(_connection(claimed)) is not None
        self._session, self._is_again = None, False
        *first, last = self._makers[claimed.claim.what](claimed)
        node = self._home(claimed)
        before = [Candidate(replace(event, at=claimed.at, id=f"{claimed.id}:allowed"), claimed.place, None, True)
                  for event in first]  # fmt: skip
        is_witness = claimed.claim.what == "in_service"
        last = replace(last, at=claimed.at, id=claimed.id)
        whole = Candidate(last, claimed.place, node, False, is_sure, is_witness, self._session, self._is_again)
        return [*before, whole]

    def node(self, claimed: Claimed) -> str | None:
        """The node that a claim is about, if the log knows it."""
        return self.nodes.find(claimed.claim.nodes)[0]

    def _node(self, claimed: Claimed) -> str:
        node, why = self.nodes.find(claimed.claim.nodes)
        if node is None:
            raise Unknown(why, claimed.claim.nodes[0] if claimed.claim.nodes else "")
        return node

    def _home(self, claimed: Claimed) -> str | None:
        """The node that lost or got a device, as far as it is known."""
        return self.nodes.find(claimed.claim.nodes)[0] if claimed.claim.what in _REGISTRATIONS else None

    def _cti_manager_failed(self, claimed: Claimed) -> list[Event]:
        node = self._node(claimed)
        self.connections.end_at(node)
        return [events.CtiManagerFailed(node=node)]

    def _app(self, claimed: Claimed) -> str:
        app = self.connections.app(_connection(claimed))
        if app is None:
            raise Unknown("unknown_connection", _connection(claimed))
        return app

    def _provider_opened(self, claimed: Claimed) -> list[Event]:
        app, node = _name(claimed.claim.app), self.nodes.find(claimed.claim.nodes)[0]
        self.connections.end(_connection(claimed))
        self._session = Session(self.connections.at(app), self.connections.has_begun(app))
        self.connections.begin(_connection(claimed), app, node)
        return [events.ProviderOpened(app=app, cti_managers=(self._node(claimed),))]

    def _provider_closed(self, claimed: Claimed) -> list[Event]:
        app, connection = _name(claimed.claim.app), _connection(claimed)
        try:
            self._close(connection, (app,))
        finally:
            self.connections.end(connection)
        return [events.ProviderClosed(app=app)]

    def _connection_lost(self, claimed: Claimed) -> list[Event]:
        """The application's own link is lost, unless it has another connection to that CTI Manager."""
        app, node = _name(claimed.claim.app), self.nodes.find(claimed.claim.nodes)[0]
        self.connections.end(_connection(claimed))
        if node is not None and node in self.connections.at(app):
            raise Unknown("other_connection")
        return [events.ProviderLinkLost(app=app, node=self._node(claimed))]

    def _device_opened(self, claimed: Claimed) -> list[Event]:
        """An open that succeeds says that whoever refused the device before accepts it again."""
        device, app = _device(claimed), self._app(claimed)
        self._open(_connection(claimed), (app, device))
        return [events.OpenAllowed(device=device), events.DeviceOpened(device=device, app=app, lines=())]

    def _device_closed(self, claimed: Claimed) -> list[Event]:
        device, app = _device(claimed), self._app(claimed)
        self._close(_connection(claimed), (app, device))
        return [events.DeviceClosed(device=device, app=app)]

    def _line_opened(self, claimed: Claimed) -> list[Event]:
        device, line, app = _device(claimed), _name(claimed.claim.line), self._app(claimed)
        self._open(_connection(claimed), (app, device, line))
        return [
            events.OpenAllowed(device=device, line=line),
            events.LineOpened(device=device, line=line, app=app),
        ]

    def _line_closed(self, claimed: Claimed) -> list[Event]:
        device, line, app = _device(claimed), _name(claimed.claim.line), self._app(claimed)
        self._close(_connection(claimed), (app, device, line))
        return [events.LineClosed(device=device, line=line, app=app)]

    def _open(self, connection: str, thing: Thing) -> None:
        self._is_again = self.connections.has_open(connection, thing)
        self.connections.open(connection, thing)

    def _close(self, connection: str, thing: Thing) -> None:
        """Raises :class:`Unknown` if another connection still has it open."""
        if not self.connections.close(connection, thing):
            raise Unknown("other_connection")


def _connection(claimed: Claimed) -> str:
    return claimed.claim.connection or ""


def _device(claimed: Claimed) -> str:
    return _name(claimed.claim.device)


def _name(text: str | None) -> str:
    try:
        check_name(text or "", "")
    except InputError:
        raise Unknown("bad_name") from None
    return text or ""
