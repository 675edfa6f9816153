"""What is out of service at the moment, and each outage as it ends (docs/reference/commands/outages.md)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import msgspec

from cti_es.model.book import Book
from cti_es.model.cluster import Cluster, Device
from cti_es.model.replay import Happening
from cti_es.model.steps import LineLost, OpenedIn, OpenedOut, Step, Suspended
from cti_es.vocabulary.events import Kind, type_of
from cti_es.vocabulary.tapi import Message
from cti_es.vocabulary.times import duration_text, seconds_between


class Outage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An interval in which a device or, with ``line``, a line of it was out of service, as NDJSON has it.

    ``from_version`` is the event that took it out, ``until_version`` the one that ended that (null: it lasts);
    ``seconds`` is the time between them, null without times. ``cause`` is the type of the first event. ``home_after``
    is null for what lasts, and for what was closed, given back or removed. ``calls`` counts the call legs on the device
    when it went, ``handles`` those that were told by the first event.

    ``observed_from_at``, ``observed_until_at`` and ``observed_seconds`` (left out unless a trace is given) are what a
    trace has of it, null where it has nothing.
    """

    device: str
    kind: Kind
    from_version: int
    from_at: str | None
    until_version: int | None
    until_at: str | None
    seconds: float | None
    reason: str | None
    cause: str
    home_before: str | None
    home_after: str | None
    calls: int
    handles: int
    observed_from_at: str | msgspec.UnsetType | None = msgspec.UNSET
    observed_until_at: str | msgspec.UnsetType | None = msgspec.UNSET
    observed_seconds: float | msgspec.UnsetType | None = msgspec.UNSET
    line: str | None = None

    @property
    def lasts(self) -> bool:
        """Whether it has not ended."""
        return self.until_version is None

    @property
    def at_once(self) -> bool:
        """Whether one event both began and ended it: the model moves devices at once."""
        return self.from_version == self.until_version

    @property
    def took(self) -> float | None:
        """How many seconds it was, as a trace has it if one does."""
        return self.seconds if self.observed_seconds in (None, msgspec.UNSET) else self.observed_seconds

    @property
    def length(self) -> str:
        """How long it was, in words."""
        if self.lasts:
            return "still out"
        if self.at_once:
            return "at once (model)"
        return "-" if self.seconds is None else duration_text(self.seconds)


Key = tuple[str, str | None]
"""A device (None), or a line of it."""

Told = dict[str | None, str | None]
"""Handles that were told to be out of service: of lines, and of the phone device (None); each with the reason."""

OUT = ("PHONESTATE_SUSPEND", "LINEDEVSTATE_OUTOFSERVICE")
IN = ("PHONESTATE_RESUME", "LINEDEVSTATE_INSERVICE")


class Watching(Protocol):
    """Sees what each event has done, and says which outages it has ended."""

    def ended(self, done: Happening) -> Iterator[Outage]:
        """The outages that this event has ended, in the order in which it did."""

    def lasting(self) -> list[Outage]:
        """Those that have not ended, as they began."""


class _Open:
    """What is out at the moment: per device, the outage of the device itself (None) and those of its lines."""

    def __init__(self) -> None:
        self._out: dict[str, dict[str | None, Outage]] = {}

    def lines(self, device: str) -> list[str]:
        """The lines of the device that are out."""
        return [line for line in self._out.get(device, ()) if line is not None]

    def reason(self, key: Key) -> str | None:
        """Why this is out, if it is."""
        device, line = key
        found = self._out.get(device, {}).get(line)
        return found.reason if found else None

    def has(self, key: Key) -> bool:
        """Whether this is out."""
        return key[1] in self._out.get(key[0], ())

    def begin(self, one: Outage) -> None:
        """This is out from now on."""
        self._out.setdefault(one.device, {})[one.line] = one

    def end(self, key: Key, done: Happening, home: str | None) -> Outage:
        """This is out no more: the whole outage."""
        device, line = key
        one = self._out[device].pop(line)
        if not self._out[device]:
            del self._out[device]
        seconds = seconds_between(one.from_at, done.event.at)
        return msgspec.structs.replace(
            one, until_version=done.version, until_at=done.event.at, seconds=seconds, home_after=home
        )

    def lasting(self) -> list[Outage]:
        """What is out, as it began."""
        return sorted((one for lines in self._out.values() for one in lines.values()), key=lambda one: one.from_version)


class _Signs(msgspec.Struct, gc=False):
    """What the steps of an event say about a device.

    The home that it lost, why, and the lines that ``went`` with it; ``lines`` that were out when they were opened, with
    the reason; those that the system closed (``lost``).
    """

    suspended: bool = False
    home: str | None = None
    reason: str | None = None
    went: tuple[str, ...] = ()
    lines: dict[str, str] = {}
    lost: tuple[str, ...] = ()


def _signs(done: Happening) -> dict[str, _Signs]:
    """The devices that an event was about, in order, with what its steps say about each."""
    found: dict[str, _Signs] = {}
    for step in done.steps:
        if (device := getattr(step, "device", None)) is None:
            continue
        if (signs := found.get(device)) is None:
            signs = found[device] = _Signs()
        if (read := _SAYS.get(type(step))) is not None:
            read(signs, step)
    return found


def _suspended(signs: _Signs, step: Suspended) -> None:
    signs.suspended, signs.home, signs.reason, signs.went = True, step.home, step.reason, step.lines


def _opened_out(signs: _Signs, step: OpenedOut) -> None:
    signs.reason = step.reason
    signs.lines |= dict.fromkeys(step.lines, step.reason)


def _opened_in(signs: _Signs, step: OpenedIn) -> None:
    signs.lines |= dict.fromkeys(step.out, "Unknown")


def _line_lost(signs: _Signs, step: LineLost) -> None:
    signs.lost = (*signs.lost, step.line)


_SAYS: dict[type[Step], Callable[[_Signs, Any], None]] = {
    Suspended: _suspended,
    OpenedOut: _opened_out,
    OpenedIn: _opened_in,
    LineLost: _line_lost,
}
"""The steps that say something about a device beside that it was concerned."""


def _told_out(messages: Iterable[Message]) -> dict[Key, int]:
    """How many handles were told out of service: per line, and (None) per device in all."""
    told: dict[Key, int] = {}
    for one in messages:
        if one.param1_name in OUT:
            for line in (None,) if one.line is None else (None, one.line):
                told[one.device, line] = told.get((one.device, line), 0) + 1
    return told


class InTheCluster:
    """Outages as they are: of devices that are registered, and of lines there that somebody has open, or of a phone.

    ``begun`` are those that the last event has begun, also those that it has ended.
    """

    def __init__(self, cluster: Cluster, lines: bool) -> None:
        self.begun: list[Outage] = []
        self._cluster = cluster
        self._lines = lines
        self._open = _Open()

    def ended(self, done: Happening) -> Iterator[Outage]:
        """Compare what is out now with what was, for every device that the event was about."""
        self.begun = []
        signs = _signs(done)
        if self._lines:  # the closes of a reconnect are no steps of the cluster
            signs |= {one.device: _Signs() for one in done.messages if one.device not in signs}
        told = _told_out(done.messages)
        for name, sign in signs.items():
            device = self._cluster.devices.get(name)
            things = self._things(name, device, sign, told) if self._lines else ((None, sign.suspended),)
            for line, went in things:
                key = name, line
                out = device is not None and _is_out(device, line)
                if self._open.has(key):
                    if not out:
                        yield self._open.end(key, done, _home_of(device, line))
                elif device and (went or out):
                    self.begun.append(one := self._beginning(done, device, line, sign, told.get(key, 0), out))
                    if out:
                        self._open.begin(one)
                    else:
                        yield one

    def lasting(self) -> list[Outage]:
        """What is out of service at the end."""
        return self._open.lasting()

    def _things(
        self, name: str, device: Device | None, sign: _Signs, told: dict[Key, int]
    ) -> Iterator[tuple[str | None, bool]]:
        """The device, and its lines; each with whether it was suspended while it was held."""
        yield None, sign.suspended
        lines = dict.fromkeys([*(device.lines if device else ()), *self._open.lines(name)])
        for line in lines:
            held = device is not None and (_counts(device, line) or line in sign.lost or (name, line) in told)
            yield line, line in sign.went and held

    def _beginning(
        self, done: Happening, device: Device, line: str | None, sign: _Signs, told: int, out: bool
    ) -> Outage:
        """What this event has begun; and ended, if it is not ``out`` any more: nearly all are moves of the model."""
        version, at = done.version, done.event.at
        reason = sign.reason if line is None or line in sign.went else sign.lines.get(line)
        return Outage(
            device.name,
            device.kind,
            version,
            at,
            None if out else version,
            None if out else at,
            None if out or at is None else 0.0,
            reason or self._open.reason((device.name, None)) or "NoCallManagerAvailable",
            type_of[type(done.event)],
            sign.home,
            None if out else _home_of(device, line),
            device.calls,
            told,
            line=line,
        )


def _home_of(device: Device | None, line: str | None) -> str | None:
    """Where a device, or a line of it, is in service; None if it is nowhere."""
    served = device and (line is None or (line in device.lines and device.lines[line].in_service))
    return device.home if device and served else None


def _is_out(device: Device, line: str | None) -> bool:
    if line is None:
        return device.state == "out_of_service"
    return device.state != "unregistered" and _counts(device, line) and not device.lines[line].in_service


def _counts(device: Device, line: str) -> bool:
    """Whether anybody would miss a line: somebody has it open, or it is one of a phone."""
    return line in device.lines and (device.registers_itself or device.lines[line].handles > 0)


class AsTold:
    """Outages as one application was told of them: from its SUSPEND or OUTOFSERVICE to its RESUME or INSERVICE.

    A device is out while its phone handle is; where the application has only lines open, while one of those is.
    """

    def __init__(self, cluster: Cluster, book: Book, app: str, lines: bool) -> None:
        self._cluster = cluster
        self._book = book
        self._app = app
        self._lines = lines
        self._open = _Open()
        self._told: dict[str, Told] = {}

    def ended(self, done: Happening) -> Iterator[Outage]:
        """Compare what the application was told before with what this event told it, and with what it still has."""
        mine = [one for one in done.messages if one.app == self._app]
        signs, told, went = _signs(done), _told_out(mine), self._hear(mine)
        back = {(one.device, line) for one in mine if one.param1_name in IN for line in (None, one.line)}
        for name in dict.fromkeys([*(one.device for one in mine), *(one for one in signs if one in self._told)]):
            self._forget(name)
            yield from self._changes(done, name, went.get(name, {}), signs.get(name), told, back)

    def lasting(self) -> list[Outage]:
        """What the application was last told to be out of service."""
        return self._open.lasting()

    def _hear(self, messages: list[Message]) -> dict[str, Told]:
        """Remember what the application is told; gives what these messages took out of service."""
        went: dict[str, Told] = {}
        for one in messages:
            told = self._told.setdefault(one.device, {})
            if one.param1_name in OUT:
                told.setdefault(one.line, one.param2_name)
                went.setdefault(one.device, {}).setdefault(one.line, one.param2_name)
            elif one.param1_name in IN:
                told.pop(one.line, None)
        return went

    def _forget(self, name: str) -> None:
        """What the application has open no more is not out of service for it, whether it can be told that or not."""
        held = self._book.held_on(name, self._app)
        told = self._told.get(name, {})
        for line in [line for line in told if held is None or held.handle(line) is None]:
            del told[line]

    def _changes(
        self,
        done: Happening,
        name: str,
        went: Told,
        sign: _Signs | None,
        told: dict[Key, int],
        back: set[Key],
    ) -> Iterator[Outage]:
        """Compare what the application was last told of a device, and of its lines, with what it was told before."""
        out = self._told.get(name, {})
        lines = [one for one in {**went, **out} if one is not None]
        by_phone = self._has_phone(name) or None in out or None in went
        kept = dict.fromkeys([*lines, *self._open.lines(name)]) if self._lines else ()
        for line in (None, *kept):
            deciding = frozenset([line] if line is not None or by_phone else lines)
            key, reasons = (name, line), [why for one, why in {**out, **went}.items() if one in deciding]
            if reasons and not self._open.has(key):
                self._open.begin(self._beginning(done, key, reasons[0], sign, told.get(key, 0)))
            if self._open.has(key) and deciding.isdisjoint(out):
                yield self._open.end(key, done, self._home_after(key, back))
        if not out:
            self._told.pop(name, None)

    def _has_phone(self, name: str) -> bool:
        held = self._book.held_on(name, self._app)
        return held is not None and held.phone is not None

    def _home_after(self, key: Key, back: set[Key]) -> str | None:
        """Where the device is, if the application was told that it is back."""
        return self._cluster.devices[key[0]].home if key in back and key[0] in self._cluster.devices else None

    def _beginning(self, done: Happening, key: Key, reason: str | None, sign: _Signs | None, told: int) -> Outage:
        name, line = key
        device = self._cluster.devices[name]
        home = sign.home if sign and sign.suspended else device.home
        return Outage(
            name, device.kind, done.version, done.event.at, None, None, None, reason, type_of[type(done.event)],
            home, None, device.calls, told, line=line,
        )  # fmt: skip
