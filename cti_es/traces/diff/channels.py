"""A trace → its channels: the messages of one handle, in order (docs/reference/comparison.md#channels).

Inside a channel the order counts, between channels it does not. Where a trace has names but no handles, a CLOSE ends a
channel. CREATE and REMOVE have no handle: they are one channel per application.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from cti_es.vocabulary.tapi import TraceMessage

ChannelKind = Literal["phone", "line", "configuration"]

CLOSES = frozenset({"PHONE_CLOSE", "LINE_CLOSE"})
CONFIGURATION = frozenset({"PHONE_CREATE", "LINE_CREATE", "PHONE_REMOVE", "LINE_REMOVE"})

Token = tuple[str | int | None, ...]
"""What is compared of a message."""


class Name(NamedTuple):
    """What a channel is called: by names as far as the trace has them, by a handle as far as it has one.

    ``number`` counts the channels of the same names that followed each other where there are no handles.
    """

    kind: ChannelKind
    app: str | None = None
    device: str | None = None
    line: str | None = None
    handle: str | None = None
    number: int = 0

    @property
    def is_named(self) -> bool:
        """Whether the names say which channel it is: those of JTAPI have a line without its device."""
        return self.kind == "configuration" or self.device is not None or self.line is not None

    def __str__(self) -> str:
        if self.kind == "configuration":
            return "configuration" + (f" of {self.app}" if self.app else "")
        names = "/".join(name for name in (self.device, self.line) if name is not None)
        parts = [f"line {names}" if self.device is None else names] if names else []
        if self.app:
            parts.append(f"of {self.app}")
        if self.handle is not None:
            parts.append(f"handle {self.handle}")
        elif self.number:
            parts.append(f"opened again ({self.number + 1})")
        return " ".join(parts) or self.kind


class Channel:
    """The messages of one handle, in order."""

    def __init__(self, name: Name) -> None:
        self.name = name
        self.messages: list[TraceMessage] = []


class Compared(NamedTuple):
    """What of a message is compared: param2 or not, and which (message, param1) cannot tell it."""

    reason: bool = True
    untold: frozenset[tuple[str, int | None]] = frozenset()
    names: bool = True

    def token(self, message: TraceMessage) -> Token:
        """The comparable part of a message."""
        if message.message in CONFIGURATION:
            return (message.message, message.device, message.line) if self.names else (message.message,)
        if message.message in CLOSES:  # all 0 (docs/reference/tapi.md#parameters), so a trace may leave them out
            return (message.message, message.param1 or 0, message.param2 or 0 if self.reason else 0)
        if not self.reason or (message.message, message.param1) in self.untold:
            return (message.message, message.param1)
        return (message.message, message.param1, message.param2)

    def tokens(self, messages: Sequence[TraceMessage]) -> list[Token]:
        """The comparable parts of messages; at once where each is all that a message says, as it mostly is."""
        if self.reason and not self.untold and CONFIGURATION.isdisjoint([message.message for message in messages]):
            return [(message.message, message.param1, message.param2) for message in messages]
        return [self.token(message) for message in messages]


def split(trace: Iterable[Sequence[TraceMessage]], by_handle: bool) -> list[Channel]:
    """The channels of a trace, given in batches, in the order of their first messages.

    ``by_handle``: a handle makes a channel; otherwise names do, and a CLOSE ends one.
    """
    splitter = _ByHandle() if by_handle else _ByName()
    for batch in trace:
        splitter.take(batch)
    return list(splitter.channels())


class _ByHandle:
    """Channels of a trace that has handles."""

    def __init__(self) -> None:
        self._channels: dict[tuple[str | None, ...], Channel] = {}
        self._of: dict[tuple[str | None, ...], list[TraceMessage]] = {}

    def take(self, batch: Sequence[TraceMessage]) -> None:
        of = self._of
        for message in batch:
            key = message.message, message.app, message.device, message.line, message.handle
            messages = of.get(key)
            if messages is None:
                messages = of[key] = self._channel(message).messages
            messages.append(message)

    def _channel(self, message: TraceMessage) -> Channel:
        key = _grouped(message, (message.app, message.device, message.line, message.handle, message.message[:1]))
        return self._channels.setdefault(key, Channel(_name(message)))

    def channels(self) -> Iterator[Channel]:
        return iter(self._channels.values())


def _grouped(message: TraceMessage, key: tuple[str | None, ...]) -> tuple[str | None, ...]:
    return ("configuration", message.app) if message.message in CONFIGURATION else key


class _ByName:
    """Channels of a trace that has names alone."""

    def __init__(self) -> None:
        self._open: dict[tuple[str | None, ...], Channel] = {}
        self._closed: dict[tuple[str | None, ...], int] = {}
        self._all: list[Channel] = []

    def take(self, batch: Sequence[TraceMessage]) -> None:
        for message in batch:
            key = _grouped(message, (message.app, message.device, message.line, message.message[:1]))
            channel = self._open.get(key)
            if channel is None:
                channel = self._open[key] = Channel(
                    _name(message)._replace(handle=None, number=self._closed.get(key, 0))
                )
                self._all.append(channel)
            channel.messages.append(message)
            if message.message in CLOSES:
                del self._open[key]
                self._closed[key] = self._closed.get(key, 0) + 1

    def channels(self) -> Iterator[Channel]:
        return iter(self._all)


def _name(message: TraceMessage) -> Name:
    if message.message in CONFIGURATION:
        return Name("configuration", message.app)
    kind: ChannelKind = "phone" if message.message.startswith("PHONE") else "line"
    return Name(kind, message.app, message.device, message.line, message.handle)


def untold(*traces: Iterable[Channel]) -> frozenset[tuple[str, int | None]]:
    """The (message, param1) of which some trace cannot tell a parameter: these are compared without param2."""
    return frozenset(
        (message.message, message.param1)
        for trace in traces
        for channel in trace
        for message in channel.messages
        if message.param2 is None or message.param1 is None
    )
