"""Faults for traces: what a comparison should find, made on purpose, with the list of what was done.

Each fault is put into a message that no other one is put into. The same messages, faults and seed always give the same
trace and the same list. :func:`with_faults` makes them anywhere; some of many may then undo each other, or be told in
other words. :func:`with_clear_faults` makes only those that can be told in one way.
Messages are any structs with ``message``, ``param2`` and ``at``, such as
:class:`~cti_es.vocabulary.tapi.Message` and :class:`~cti_es.vocabulary.tapi.TraceMessage`.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Generic, Literal, NamedTuple, TypeVar

from msgspec.structs import replace

from cti_es.traces.diff.channels import CONFIGURATION
from cti_es.traces.diff.compare import DiffOptions, compare
from cti_es.traces.diff.differences import Difference, DifferenceKind
from cti_es.traces.sides import received
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import REASONS, Message, TraceMessage
from cti_es.vocabulary.times import canonical_time

Fault = Literal["drop", "duplicate", "swap", "late", "reason"]
Any = TypeVar("Any", bound="Message | TraceMessage")

FAULTS: dict[Fault, str] = {
    "drop": "a message is lost",
    "duplicate": "a message comes twice",
    "swap": "a message changes places with the next one of its handle that says something else",
    "late": "a message comes later, by a minute if nothing else is said, and before the next one of its handle",
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


def with_faults(messages: Sequence[Any], faults: Mapping[Fault, int], seed: int, late: timedelta = LATE) -> Faulty[Any]:
    """A copy of a trace with so many faults of each kind, at random.

    Raises :class:`InputError` if the trace has too few messages to put them in.
    """
    random = Random(seed)
    made: _Made[Any] = _Made(messages, late)
    for fault, count in faults.items():
        for index in _chosen(made, fault, count, random):
            _MAKE[fault](made, index, random)
    return made.result()


def with_clear_faults(
    messages: Sequence[Any], faults: Mapping[Fault, int], seed: int, late: timedelta = LATE
) -> Faulty[Any]:
    """The same, with faults that :func:`~cti_es.traces.diff.compare.compare` tells just as they were made.

    A place where a fault would undo another one, or be told in other words, is left out: after each fault the messages
    of its device or line are compared with what they were. Raises :class:`InputError` if the trace has too few places.
    """
    random = Random(seed)
    made: _Made[Any] = _Made(messages, late)
    named = _by_name(messages)
    for fault, count in faults.items():
        places = [index for index in range(len(messages)) if _FITS[fault](made, index)]
        random.shuffle(places)
        clear = (index for index in places if _is_clear(made, fault, index, named[_named(messages[index])], random))
        if (found := len(list(islice(clear, count)))) < count:
            raise _no_room(fault, count, found)
    return made.result()


class _Made(Generic[Any]):
    """Faults being made: for each message what comes instead of it."""

    def __init__(self, messages: Sequence[Any], late: timedelta) -> None:
        self.messages: Sequence[Any] = messages
        self.late = late
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
        raise _no_room(fault, count, len(found))
    return found


def _no_room(fault: Fault, count: int, most: int) -> InputError:
    return InputError(f"{count} faults '{fault}'", expected=f"at most {most}: the trace has no more room")


def _fits_swap(made: "_Made[Any]", index: int) -> bool:
    other = made.next[index]
    return other is not None and _says(made.messages[other]) != _says(made.messages[index])


def _fits_late(made: "_Made[Any]", index: int) -> bool:
    """It has a time, and nothing else comes on its handle until then."""
    at, other = made.messages[index].at, made.next[index]
    if at is None:
        return False
    later = made.messages[other].at if other is not None else None
    return later is None or datetime.fromisoformat(later) - datetime.fromisoformat(at) > made.late


def _fits_reason(made: "_Made[Any]", index: int) -> bool:
    return bool(made.messages[index].param2)


def _says(message: Message | TraceMessage) -> tuple[object, ...]:
    return message.message, message.param1, message.param2


def _drop(made: "_Made[Any]", index: int, random: Random) -> None:
    made.stead[index] = []
    made.touch("drop", index)


def _duplicate(made: "_Made[Any]", index: int, random: Random) -> None:
    made.stead[index] = 2 * made.stead[index]
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
    at = datetime.fromisoformat(str(message.at)) + made.late
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


# --- faults that can be told in one way -----------------------------------------------------------------------------

TOLD: dict[Fault, DifferenceKind] = {
    "drop": "missing", "duplicate": "unexpected", "swap": "moved", "late": "late", "reason": "reason",
}  # fmt: skip
"""Fault → the kind of difference that a comparison tells (docs/reference/comparison.md#kinds)."""


def _named(message: Message | TraceMessage) -> Hashable:
    """Of what a message is: a device or line of an application, however often opened; CREATE and REMOVE as one."""
    if message.message in CONFIGURATION:
        return "configuration", message.app
    return message.app, message.device, message.line, message.message.partition("_")[0]


def _by_name(messages: Sequence[Message | TraceMessage]) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = defaultdict(list)
    for index, message in enumerate(messages):
        found[_named(message)].append(index)
    return found


def _is_clear(made: "_Made[Any]", fault: Fault, index: int, indexes: list[int], random: Random) -> bool:
    """Make a fault; whether these messages are then told to differ as they were made to. If not, it is undone."""
    if index in made.touched:
        return False
    other = made.next[index]
    before = {one: made.stead[one] for one in (index, other) if one is not None}
    untouched, done = before.keys() - made.touched, len(made.done)
    _MAKE[fault](made, index, random)
    if len(made.done) > done and _told(made, indexes) == _done(made, indexes):
        return True
    for one, stead in before.items():
        made.stead[one] = stead
    made.touched -= untouched
    del made.done[done:]
    return False


def _done(made: "_Made[Any]", indexes: list[int]) -> list[tuple[str, int]]:
    """What was made among some messages, as a comparison should tell it: the kind, and which message."""
    there = set(indexes)
    return sorted((TOLD[one.fault], one.number) for one in made.done if one.number in there)


def _told(made: "_Made[Any]", indexes: list[int]) -> list[tuple[str, int]]:
    """What a comparison tells of them; what it takes for an announcement is told by nothing."""
    came = _by_time([one for index in indexes for one in made.stead[index]])
    expected = [_placed(made.messages[index], index) for index in indexes]
    actual = [_placed(message, place) for place, (message, _) in enumerate(came)]
    found = compare([expected], [actual], DiffOptions(time_tolerance=made.late.total_seconds() / 2))
    announced = [("announced", -1)] * found.announced
    return sorted(announced + [(one.kind, _number(one, came)) for one in found.differences])


def _placed(message: Message | TraceMessage, place: int) -> TraceMessage:
    return replace(received(message) if isinstance(message, Message) else message, place=place)


def _number(one: Difference, came: list[tuple[Any, int]]) -> int:
    """Which of the messages a difference is about: an unexpected one is one that came twice."""
    if one.expected is not None:
        return one.expected.place
    return came[one.actual.place][1] if one.actual else -1
