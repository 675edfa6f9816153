"""Traces with known edits: what a comparison must find, and nothing else (docs/reference/comparison.md#kinds).

Every edit can be told from its result alone. There is at most one in a channel, none at its first message (which may
be there only to announce a state), and nothing is left out of, or put into, a run of equal messages, where it would
have no place of its own.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from msgspec.structs import replace

from cti_es.vocabulary.tapi import REASONS, TraceMessage

STATES = {"phone": ("PHONE_STATE", 0x40000, 0x80000), "line": ("LINE_LINEDEVSTATE", 0x80, 0x40)}
"""The message of a phone and of a line, its state out of service, and in service again."""

_OUT = {states[1] for states in STATES.values()}


class Edit(NamedTuple):
    """A difference that is there: its kind, and the places of its messages in the two traces."""

    kind: str
    expected: int | None
    actual: int | None


def trace(random: Random, messages: int, channels: int) -> list[TraceMessage]:
    """Phones and their lines that go out of service and come in again, interleaved."""
    is_out = [random.random() < 0.5 for _ in range(channels)]
    reasons = list(REASONS.values())
    found = []
    for place in range(1, messages + 1):
        number = random.randrange(channels)
        is_out[number] = not is_out[number]
        device, is_line = divmod(number, 2)
        message, out, in_ = STATES["line" if is_line else "phone"]
        says = (message, out, random.choice(reasons)) if is_out[number] else (message, in_, 0)
        line = str(5000 + device) if is_line else None
        found.append(TraceMessage(place, *says, "ivr", f"CTIP{device:04}", line, str(device + 1), version=place))
    return found


def injected(messages: Sequence[TraceMessage], random: Random, count: int) -> tuple[list[TraceMessage], list[Edit]]:
    """A copy with so many edits, of each kind in turn, and the edits as they are reported: other reasons at the end."""
    long_enough = [ones for ones in _channels(messages).values() if len(ones) > 3]
    stead: _Stead = {}
    made = []
    for number, ones in enumerate(random.sample(long_enough, count)):
        edit = _EDITS[number % len(_EDITS)]
        made.append(edit(stead, ones[random.randrange(1, len(ones) - 2) :], random))
    actual = [message for one in messages for message in stead.get(one.place, (one,))]
    places = {id(message): place for place, message in enumerate(actual, 1)}
    edits = [
        Edit(kind, expected and expected.place, got and places[id(got)])
        for _, kind, expected, got in sorted(made, key=lambda one: (one[1] == "reason", one[0]))
    ]
    return _numbered(actual), edits


def interleaved(messages: Sequence[TraceMessage], random: Random) -> list[TraceMessage]:
    """The same messages in another order, each channel in its own."""
    channels = {name: iter(ones) for name, ones in _channels(messages).items()}
    turns = [_channel(message) for message in messages]
    random.shuffle(turns)
    return _numbered([next(channels[name]) for name in turns])


def _numbered(messages: Sequence[TraceMessage]) -> list[TraceMessage]:
    return [replace(message, place=place) for place, message in enumerate(messages, 1)]


def _channel(message: TraceMessage) -> tuple[str | None, ...]:
    return message.device, message.line


def _channels(messages: Sequence[TraceMessage]) -> dict[tuple[str | None, ...], list[TraceMessage]]:
    found = defaultdict(list)
    for message in messages:
        found[_channel(message)].append(message)
    return found


def _says(message: TraceMessage) -> tuple[str, int | None, int | None]:
    return message.message, message.param1, message.param2


# --- edits: each takes the rest of a channel, at least three messages -----------------------------------------------

_Stead = dict[int, tuple[TraceMessage, ...]]
"""What stands instead of the message at a place."""

_Made = tuple[int, str, TraceMessage | None, TraceMessage | None]
"""Where it is in the expected trace, the kind, and the expected and the actual message."""


def _drop(stead: _Stead, rest: Sequence[TraceMessage], random: Random) -> _Made:
    one = rest[0]
    stead[one.place] = ()
    return one.place, "missing", one, None


def _insert(stead: _Stead, rest: Sequence[TraceMessage], random: Random) -> _Made:
    """One that goes out of service once more, for another reason than its neighbours."""
    one = rest[0]
    out = next(message for message in rest if message.param1 in _OUT)
    new = replace(one, param1=out.param1, param2=_other_reason(out, random))
    stead[one.place] = one, new
    return one.place, "unexpected", None, new


def _other_reason_given(stead: _Stead, rest: Sequence[TraceMessage], random: Random) -> _Made:
    one = next(message for message in rest if message.param1 in _OUT)
    new = replace(one, param2=_other_reason(one, random))
    stead[one.place] = (new,)
    return one.place, "reason", one, new


def _swap(stead: _Stead, rest: Sequence[TraceMessage], random: Random) -> _Made:
    one, other = rest[0], random.choice([message for message in rest if _says(message) != _says(rest[0])])
    stead[one.place], stead[other.place] = (other,), (one,)
    return one.place, "moved", one, one


def _other_reason(message: TraceMessage, random: Random) -> int:
    return random.choice([reason for reason in REASONS.values() if reason != message.param2])


_EDITS: tuple[Callable[[_Stead, Sequence[TraceMessage], Random], _Made], ...] = (
    _drop,
    _insert,
    _other_reason_given,
    _swap,
)
