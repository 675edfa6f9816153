"""A trace → its channels: the messages of one handle, in order (docs/reference/comparison.md#channels).

Inside a channel the order counts, between channels it does not. A CLOSE ends a channel: what follows under the same
handle, or under the same names where there are no handles, is another one. CREATE and REMOVE have no handle: they are
one channel per application.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from cti_es.vocabulary.tapi import TraceMessage

ChannelKind = Literal["phone", "line", "configuration"]

CLOSES = frozenset({"PHONE_CLOSE", "LINE_CLOSE"})
CONFIGURATION = frozenset({"PHONE_CREATE", "LINE_CREATE", "PHONE_REMOVE", "LINE_REMOVE"})

TELLS_STATE = frozenset({("LINE_LINEDEVSTATE", 0x40), ("PHONE_STATE", 0x80000)})
"""INSERVICE and RESUME: as the first message of a channel they may only tell the state that a handle has anyway."""

Trace = Iterable[Sequence[TraceMessage]]
"""The messages of a trace, in batches."""

Token = tuple[str | int | None, ...]
"""What is compared of a message."""

Key = tuple[str | None, ...]


class Name(NamedTuple):
    """What a channel is called: by names as far as the trace has them, by a handle as far as it has one.

    ``number`` counts the channels of the same handle, or of the same names where there are no handles, that a CLOSE
    has ended before.
    """

    kind: ChannelKind
    app: str | None = None
    device: str | None = None
    line: str | None = None
    handle: str | None = None
    number: int = 0

    @property
    def names(self) -> Key:
        """What it is called apart from its handle."""
        return self.kind, self.app, self.device, self.line

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
        if self.number:
            parts.append(f"opened again ({self.number + 1})")
        return " ".join(parts) or self.kind


class Channel:
    """The messages of one handle, in order."""

    def __init__(self, name: Name, messages: list[TraceMessage] | None = None) -> None:
        self.name = name
        self.messages: list[TraceMessage] = [] if messages is None else messages


class Compared(NamedTuple):
    """What of a message is compared: param2 or not, and which (message, param1) cannot tell it.

    ``announced``: a first state that is not expected only tells what a handle knows, and is no difference.
    """

    reason: bool = True
    untold: frozenset[tuple[str, int | None]] = frozenset()
    names: bool = True
    announced: bool = True

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


def split(trace: Trace, by_handle: bool = True) -> list[Channel]:
    """The channels of a trace in the order of their first messages. ``by_handle``: by handles as well as by names."""
    splitter = _Splitter(by_handle)
    for batch in trace:
        splitter.take(batch)
    return splitter.channels


class _Splitter:
    """Channels in the making. What is looked up for nearly every message is found at once, by all that it says."""

    def __init__(self, by_handle: bool) -> None:
        self.channels: list[Channel] = []
        self._by_handle = by_handle
        self._of: dict[Key, list[TraceMessage]] = {}
        self._open: dict[Name, Channel] = {}
        self._closed: dict[Name, int] = {}

    def take(self, batch: Sequence[TraceMessage]) -> None:
        of, by_handle = self._of, self._by_handle
        for message in batch:
            handle = message.handle if by_handle else None
            key = message.message, message.app, message.device, message.line, handle
            messages = of.get(key)
            if messages is None:
                messages = self._messages(key, message)
            messages.append(message)

    def _messages(self, key: Key, message: TraceMessage) -> list[TraceMessage]:
        """Where a message belongs that is a CLOSE, or of a channel or kind that is new."""
        kind = kind_of(message.message)
        name = (
            Name(kind, message.app, message.device, message.line, key[-1])
            if kind != "configuration"
            else Name(kind, message.app)
        )
        channel = self._open.get(name)
        if channel is None:
            channel = self._open[name] = Channel(name._replace(number=self._closed.get(name, 0)))
            self.channels.append(channel)
        if message.message in CLOSES:
            self._closed[name] = channel.name.number + 1
            del self._open[name]
            self._of.pop((_STATE_OF[name.kind], *key[1:]), None)
        else:
            self._of[key] = channel.messages
        return channel.messages


_STATE_OF = {"phone": "PHONE_STATE", "line": "LINE_LINEDEVSTATE"}


def kind_of(message: str) -> ChannelKind:
    """The kind of the channel that a message belongs to."""
    if message in CONFIGURATION:
        return "configuration"
    return "phone" if message.startswith("PHONE") else "line"


def all_named(*sides: Iterable[Channel]) -> bool:
    """Whether the names of all channels say which they are."""
    return all(channel.name.is_named for side in sides for channel in side)


def in_order(channels: Iterable[Channel]) -> list[TraceMessage]:
    """All messages of some channels, in the order of their trace."""
    return sorted((message for one in channels for message in one.messages), key=lambda message: message.place)


def untold(*traces: Iterable[Channel]) -> frozenset[tuple[str, int | None]]:
    """The (message, param1) of which some trace cannot tell a parameter: these are compared without param2."""
    return frozenset(
        (message.message, message.param1)
        for trace in traces
        for channel in trace
        for message in channel.messages
        if message.param2 is None or message.param1 is None
    )
