"""Which application a CTI connection belongs to, and what each connection has open.

A connection is known by its number on a CTI Manager, which is given again after it has closed. The events speak of
applications, and an application may have several connections at once (a second login, a try that failed, one that
nobody has noticed yet to be dead). So what one connection closes is closed for the application only when no other
connection of it has it open.
"""

import msgspec

_MOST = 100_000

Thing = tuple[str, ...]
"""What is open: (application,), (application, device) or (application, device, line)."""


class OpenConnections(msgspec.Struct, frozen=True):
    """The connections at a moment, to go on from there: each with application and node, and what each has open."""

    begun: tuple[tuple[str, str, str | None], ...] = ()
    open: tuple[tuple[str, tuple[Thing, ...]], ...] = ()
    known: tuple[str, ...] = ()


class Connections:
    """The CTI connections that the lines so far have told of."""

    def __init__(self) -> None:
        self._apps: dict[str, str] = {}
        self._nodes: dict[str, str | None] = {}
        self._open: dict[str, set[Thing]] = {}
        self._holders: dict[Thing, set[str]] = {}
        self._known: set[str] = set()

    def now(self) -> OpenConnections:
        """The connections as they are."""
        return OpenConnections(
            tuple((one, app, self._nodes.get(one)) for one, app in self._apps.items()),
            tuple((one, tuple(sorted(things))) for one, things in self._open.items() if things),
            tuple(sorted(self._known)),
        )

    def go_on(self, before: OpenConnections) -> None:
        """Go on with connections as they were."""
        for connection, app, node in before.begun:
            self._apps[connection], self._nodes[connection] = app, node
        for connection, things in before.open:
            for thing in things:
                self.open(connection, thing)
        self._known.update(before.known)

    def begin(self, connection: str, app: str, node: str | None) -> None:
        """An application connects, at the CTI Manager of ``node``."""
        self.end(connection)
        if len(self._apps) >= _MOST:
            self.end(next(iter(self._apps)))
        self._apps[connection], self._nodes[connection] = app, node
        if len(self._known) < _MOST:
            self._known.add(app)
        self.open(connection, (app,))

    def app(self, connection: str) -> str | None:
        """The application of a connection; None if it has not begun in these lines, or has ended."""
        return self._apps.get(connection)

    def has_begun(self, app: str) -> bool:
        """Whether any connection of the application has begun in the lines so far."""
        return app in self._known

    def at(self, app: str) -> frozenset[str]:
        """The nodes at whose CTI Managers the application has a connection now."""
        return frozenset(node for one in self._holders.get((app,), ()) if (node := self._nodes.get(one)))

    def has_open(self, connection: str, thing: Thing) -> bool:
        """Whether the connection itself has something open already."""
        return thing in self._open.get(connection, ())

    def open(self, connection: str, thing: Thing) -> None:
        """The connection opens something."""
        self._open.setdefault(connection, set()).add(thing)
        self._holders.setdefault(thing, set()).add(connection)

    def close(self, connection: str, thing: Thing) -> bool:
        """The connection closes something. Returns whether no other connection has it open any more."""
        self._open.get(connection, set()).discard(thing)
        holders = self._holders.get(thing, set())
        holders.discard(connection)
        if not holders:
            self._holders.pop(thing, None)
        return not holders

    def end(self, connection: str) -> None:
        """The connection is gone, with all that it had open."""
        self._drop(connection)
        self._apps.pop(connection, None)
        self._nodes.pop(connection, None)

    def end_at(self, node: str) -> None:
        """A CTI Manager has failed: its connections hold nothing any more.

        Whose they were is remembered: a late report of the failure must not make strangers of those that came since.
        """
        for connection, where in self._nodes.items():
            if where == node:
                self._drop(connection)

    def _drop(self, connection: str) -> None:
        for thing in list(self._open.pop(connection, ())):
            self.close(connection, thing)
