"""The TSP's book: who holds which handle, what was last told for it, and how each application is connected.

The book is the TSP's part of the state: plain data that can be encoded, restored and compared. It answers who holds
what, and in which order. ``tsp`` changes it, everybody else only looks.
"""

from collections.abc import Iterable, Iterator
from copy import copy
from typing import Literal

import msgspec

from cti_es.vocabulary.tapi import Signal

Told = Literal["in", "out"]
"""The last state that an application was told of a handle; a new handle starts at "in"."""

REASONS_FROM = 0x000B0000
"""The extension version from which on a handle is told reasons (docs/reference/tapi.md#reasons)."""

_VERSION_BITS = 0x7FFFFFFF


class Handle(msgspec.Struct, array_like=True, gc=False):
    """A handle of an application. Its ``version`` is that of the event that opened it, and names it.

    ``told`` is the last state that the application was told for it; ``wants`` are the state messages that the
    application wants for it (None: all); ``ext_version`` is the extension version that it was opened with.
    """

    version: int
    told: Told = "in"
    wants: tuple[str, ...] | None = None
    ext_version: int | None = None

    @property
    def tells_reasons(self) -> bool:
        """Whether messages for this handle give a reason (docs/reference/tsp.md#extension-versions)."""
        return self.ext_version is None or self.ext_version & _VERSION_BITS >= REASONS_FROM


class Held(msgspec.Struct, array_like=True, gc=False):
    """What one application holds on one device: its phone handle, if it has one, and its line handles by line."""

    phone: Handle | None = None
    lines: dict[str, Handle] = {}

    def handles(self) -> list[Handle]:
        """All these handles, that of the phone device first."""
        return [*([self.phone] if self.phone else []), *self.lines.values()]

    def copied(self) -> "Held":
        """Handles of their own that are as these are now."""
        return Held(copy(self.phone), {line: copy(handle) for line, handle in self.lines.items()})

    def handle(self, line: str | None) -> Handle | None:
        """The handle of a line, or (None) of the phone device; None if there is no such handle."""
        return self.phone if line is None else self.lines.get(line)


NOTHING = Held()
"""What an application holds on a device on which it holds nothing. To look at, not to change."""


class Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A message that waits until its application has a link. It gets its number, version and time when it is sent."""

    device: str
    line: str | None
    handle: int | None
    signal: Signal
    rule: str


class Provider(msgspec.Struct):
    """An application's connection: the nodes of its CTI Managers, best first, and the one it is linked to (None: none).

    ``since`` is the version of the event that last changed the link; ``queue`` is what waits for the next one.
    ``adrift``: its own connection was lost, and it takes no CTI Manager until the log says which. ``withdrawn`` are the
    devices that its user may not control, each with the version of the event that withdrew it.
    """

    cti_managers: tuple[str, ...]
    link: str | None
    since: int
    queue: list[Waiting] = []
    adrift: bool = False
    withdrawn: dict[str, int] = {}

    def copied(self) -> "Provider":
        """A provider of its own that is as this one is now."""
        found = copy(self)
        found.queue, found.withdrawn = self.queue[:], dict(self.withdrawn)
        return found


class Book(msgspec.Struct):
    """The TSP's state.

    ``apps`` numbers the applications in the order in which they first opened anything; ``held`` has, per device, what
    each application holds on it; ``devices``, per application, the devices on which it holds something (as keys);
    ``providers`` those applications that have a provider.
    """

    apps: dict[str, int] = {}
    held: dict[str, dict[str, Held]] = {}
    devices: dict[str, dict[str, None]] = {}
    providers: dict[str, Provider] = {}

    # Who holds what, in which order.

    def in_order(self, apps: Iterable[str]) -> list[str]:
        """Applications in the order in which they first opened anything."""
        return sorted(apps, key=self.apps.__getitem__)

    def holders(self, device: str) -> list[tuple[str, Held]]:
        """The applications that hold something on the device, in order, and what each of them holds."""
        held = list(self.held.get(device, {}).items())
        if len(held) > 1:
            held.sort(key=lambda item: self.apps[item[0]])
        return held

    def connected(self) -> list[tuple[str, Provider]]:
        """The applications with a provider, in order, and their providers."""
        return [(app, self.providers[app]) for app in self.in_order(self.providers)]

    def controlling(self, device: str) -> list[str]:
        """The applications with a provider whose users may control the device, in order."""
        if not self.providers:
            return []
        return [app for app, provider in self.connected() if device not in provider.withdrawn]

    def held_on(self, device: str, app: str) -> Held | None:
        """What the application holds on the device; None if it holds nothing there."""
        return self.held.get(device, {}).get(app)

    def held_by(self, app: str) -> Iterator[Held]:
        """What the application holds, device by device."""
        return (self.held[device][app] for device in self.devices.get(app, ()))

    def handle(self, device: str, app: str, line: str | None) -> Handle | None:
        """The application's handle of a line of the device, or (None) of the phone device; None if it has none."""
        held = self.held_on(device, app)
        return held.handle(line) if held else None

    def handles(self) -> Iterator[tuple[str, str, str | None, Handle]]:
        """Every handle that is open: its device, application and line (None: the phone device), and the handle."""
        for device, apps in self.held.items():
            for app, held in apps.items():
                if held.phone:
                    yield device, app, None, held.phone
                for line, handle in held.lines.items():
                    yield device, app, line, handle

    def reaches(self, app: str) -> bool:
        """Whether the application can be told a state: it has no provider, or a link."""
        provider = self.providers.get(app)
        return provider is None or provider.link is not None

    def copied(self, devices: Iterable[str]) -> "Book":
        """A book of its own that is as this one is now, but shares with it what is held on all devices except these."""
        held = ((name, self.held[name]) for name in devices if name in self.held)
        own = {name: {app: one.copied() for app, one in apps.items()} for name, apps in held}
        providers = {app: provider.copied() for app, provider in self.providers.items()}
        devices = {app: dict(held) for app, held in self.devices.items()}
        return Book(dict(self.apps), self.held | own, devices, providers)

    # What changes it.

    def meet(self, app: str) -> None:
        """The application opens something; the first time gives it its place in the order."""
        self.apps.setdefault(app, len(self.apps))

    def give(self, device: str, app: str, phone: Handle | None, lines: dict[str, Handle]) -> None:
        """The application has opened these handles on the device."""
        if held := self.held_on(device, app):
            held.phone = phone or held.phone
            held.lines |= lines
        else:
            self.held.setdefault(device, {})[app] = Held(phone, lines)
            self.devices.setdefault(app, {})[device] = None

    def take(self, device: str, app: str, phone: bool, lines: Iterable[str]) -> None:
        """Take from the application the handle of the phone device (``phone``) and those of these lines."""
        held = self.held[device][app]
        if phone:
            held.phone = None
        for line in lines:
            del held.lines[line]
        if held.phone is None and not held.lines:
            del self.held[device][app]
            self._forget(device, app)
        if not self.held[device]:
            del self.held[device]

    def take_all(self, device: str) -> None:
        """Take every handle on the device from everybody."""
        for app in self.held.pop(device, ()):
            self._forget(device, app)

    def _forget(self, device: str, app: str) -> None:
        """The application holds nothing on the device any more."""
        del self.devices[app][device]
        if not self.devices[app]:
            del self.devices[app]
