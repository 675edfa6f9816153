"""Faults for traces: what a comparison should find, made on purpose, with the list of what was done.

Each fault is put into a message that no other one is put into. The same messages, faults and seed always give the same
trace and the same list. Messages are any structs with ``message``, ``param2`` and ``at``, such as
:class:`~cti_es.vocabulary.tapi.Message` and :class:`~cti_es.vocabulary.tapi.TraceMessage`.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Generic, Literal, NamedTuple, TypeVar

from msgspec.structs import replace

from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import REASONS, Message, TraceMessage
from cti_es.vocabulary.times import canonical_time

Fault = Literal["drop", "duplicate", "swap", "late", "reason"]
Any = TypeVar("Any", bound="Message | TraceMessage")

FAULTS: dict[Fault, str] = {
    "drop": "a message is lost",
    "duplicate": "a message comes twice",
    "swap": "a message changes places with the next one of its handle that says something else",
    "late": "a message comes later by a minute; what its handle is told afterwards waits for it",
    "reason": "a SUSPEND or OUTOFSERVICE has another reason",
}
"""The faults, each with what it does."""

LATE = timedelta(seconds=60)


class Done(NamedTuple):
    """A fault that was made: what, in which of the messages that were given (from 0), with which other one (swap)."""

    fault: Fault
    number: int
    other: int | None = None


class Faulty(NamedTuple, Generic[Any]):
    """Messages with faults, and what was done, in the order of the messages.

    ``origins`` are the indexes of the messages from which these come.
    """

    messages: list[Any]
    done: list[Done]
    origins: list[int]


def with_faults(messages: Sequence[Any], faults: Mapping[Fault, int], seed: int) -> Faulty[Any]:
    """A copy of a trace with so many faults of each kind, at random.

    Raises :class:`InputError` if the trace has too few messages to put them in.
    """
    random = Random(seed)
    made: _Made[Any] = _Made(messages)
    for fault, count in faults.items():
        for index in _chosen(made, fault, count, random):
            _MAKE[fault](made, index, random)
    return made.result()


class _Made(Generic[Any]):
    """Faults being made: for each message what comes instead of it."""

    def __init__(self, messages: Sequence[Any]) -> None:
        self.messages: Sequence[Any] = messages
        self.stead: list[list[tuple[Any, int]]] = [[(message, index)] for index, message in enumerate(messages)]
        self.next: list[int | None] = _next_on_handle(messages)
        self.touched: set[int] = set()
        self.done: list[Done] = []

    def touch(self, fault: Fault, index: int, other: int | None = None) -> None:
        """Note what was done."""
        self.touched.add(index)
        if other is not None:
            self.touched.add(other)
        self.done.append(Done(fault, index, other))

    def result(self) -> Faulty[Any]:
        """The messages that come, in the order of their times."""
        whole = [one for some in self.stead for one in some]
        if any(one.fault == "late" for one in self.done):
            whole = _by_time(whole)
        messages: list[Any] = [message for message, _ in whole]
        return Faulty(
            messages,
            sorted(self.done, key=lambda one: one.number),
            [origin for _, origin in whole],
        )


def _by_time(whole: list[tuple[Any, int]]) -> list[tuple[Any, int]]:
    return sorted(whole, key=lambda one: datetime.fromisoformat(one[0].at) if one[0].at else datetime.min)


def handle_of(message: Message | TraceMessage) -> Hashable:
    """What the order of messages counts in: a handle."""
    return message.app, message.device, message.line, message.handle, message.message.partition("_")[0]


def _next_on_handle(messages: Sequence[Message | TraceMessage]) -> list[int | None]:
    """For each message the next one for the same handle."""
    after: dict[Hashable, int] = {}
    found: list[int | None] = [None] * len(messages)
    for index in range(len(messages) - 1, -1, -1):
        handle = handle_of(messages[index])
        found[index] = after.get(handle)
        after[handle] = index
    return found


def _chosen(made: "_Made[Any]", fault: Fault, count: int, random: Random) -> list[int]:
    """Where to make so many faults of a kind; no two of them next to each other on a handle."""
    possible = [index for index in range(len(made.messages)) if _FITS[fault](made, index)]
    random.shuffle(possible)
    found: list[int] = []
    for index in possible:
        if len(found) == count:
            break
        if index not in made.touched and made.next[index] not in made.touched:
            found.append(index)
            made.touched.add(index)
    if len(found) < count:
        raise InputError(f"{count} faults '{fault}'", expected=f"at most {len(found)}: the trace has no more room")
    return found


def _fits_swap(made: "_Made[Any]", index: int) -> bool:
    other = made.next[index]
    return other is not None and _says(made.messages[other]) != _says(made.messages[index])


def _fits_late(made: "_Made[Any]", index: int) -> bool:
    """It has a time, and nothing else comes on its handle until then."""
    at, other = made.messages[index].at, made.next[index]
    if at is None:
        return False
    later = made.messages[other].at if other is not None else None
    return later is None or datetime.fromisoformat(later) - datetime.fromisoformat(at) > LATE


def _fits_reason(made: "_Made[Any]", index: int) -> bool:
    return bool(made.messages[index].param2)


def _says(message: Message | TraceMessage) -> tuple[object, ...]:
    return message.message, message.param1, message.param2


def _drop(made: "_Made[Any]", index: int, random: Random) -> None:
    made.stead[index] = []
    made.touch("drop", index)


def _duplicate(made: "_Made[Any]", index: int, random: Random) -> None:
    made.stead[index] *= 2
    made.touch("duplicate", index)


def _swap(made: "_Made[Any]", index: int, random: Random) -> None:
    other = made.next[index]
    if other is None or other in made.touched:  # taken by now: leave this one as it is
        return
    one, two = made.messages[index], made.messages[other]
    made.stead[index] = [(replace(two, at=one.at), other)]
    made.stead[other] = [(replace(one, at=two.at), index)]
    made.touch("swap", index, other)


def _late(made: "_Made[Any]", index: int, random: Random) -> None:
    message = made.messages[index]
    at = datetime.fromisoformat(str(message.at)) + LATE
    made.stead[index] = [(replace(message, at=canonical_time(at.isoformat())), index)]
    made.touch("late", index)


def _reason(made: "_Made[Any]", index: int, random: Random) -> None:
    message = made.messages[index]
    other = random.choice([reason for reason in REASONS.values() if reason not in (0, message.param2)])
    given = {"param2": other}
    made.stead[index] = [(replace(message, **given), index)]
    made.touch("reason", index)


_MAKE: dict[Fault, Callable[..., None]] = {
    "drop": _drop, "duplicate": _duplicate, "swap": _swap, "late": _late, "reason": _reason,
}  # fmt: skip

_FITS: dict[Fault, Callable[..., bool]] = {
    "drop": lambda made, index: True,
    "duplicate": lambda made, index: True,
    "swap": _fits_swap,
    "late": _fits_late,
    "reason": _fits_reason,
}
