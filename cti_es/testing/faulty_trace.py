"""A trace with known faults, to test a checker with (docs/reference/commands/generate.md#traces-with-faults)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, timedelta
from typing import NamedTuple

import msgspec

from cti_es.answers.names import check_known
from cti_es.logs.reading import Log, Reading
from cti_es.model.replay import Replay
from cti_es.report import one_line, tapi_browser
from cti_es.report.handle_numbers import HandleNumbers
from cti_es.report.tapi_browser import Key, key
from cti_es.testing.faults import LATE, TOLD, Done, Fault, Faulty, with_clear_faults
from cti_es.traces.diff.differences import DifferenceKind
from cti_es.traces.forms.common import WITHOUT_HANDLE
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import REASON_NAMES, Message


class Wanted(NamedTuple):
    """How many faults of each kind, and by how much what is late is late."""

    faults: Mapping[Fault, int]
    late: timedelta = LATE


class MadeFault(msgspec.Struct, frozen=True):
    """A fault of a trace, as NDJSON has it.

    ``kind`` is what ``diff`` calls it; ``seq`` and the fields behind it are those of the message that it was made of.
    ``other`` is the seq of the message that this one changed places with, ``seconds`` by how much it is late,
    ``reason`` the reason that came; null where there is none.
    """

    fault: Fault
    kind: DifferenceKind
    seq: int
    version: int
    at: str | None
    app: str
    device: str
    line: str | None
    message: str
    param1_name: str | None
    other: int | None
    seconds: float | None
    reason: str | None


class FaultyTrace:
    """The messages that a log causes for one application (None: for all), with faults. It is read at once.

    Raises :class:`InputError` for an application that is not there, and for more faults than the messages have room
    for.
    """

    def __init__(self, log: Log, app: str | None, wanted: Wanted, seed: int) -> None:
        replay = Replay()
        numbers = HandleNumbers(replay)
        self._numbers: dict[Key, int] = {}
        self._messages: list[Message] = []
        for batch in Reading(log).batches():
            for message in replay.messages(batch.events):
                if app in (None, message.app):
                    self._messages.append(message)
                    if message.message not in WITHOUT_HANDLE:
                        self._numbers[key(message)] = numbers.of(key(message))
        check_known("application", [app] if app else [], replay.book.apps, f"in {log.name}")
        if not self._messages:
            raise InputError("no message to make a trace of", where=log.name, expected="a log that causes messages")
        self._late = wanted.late
        self._faulty: Faulty[Message] = with_clear_faults(self._messages, wanted.faults, seed, wanted.late)

    def text(self, form: str) -> Iterator[bytes]:
        """The trace, message by message, as ``ndjson``, ``one-line`` or ``tapi-browser`` (with times, in UTC)."""
        messages, number_of = self._faulty.messages, self._numbers.__getitem__
        if form == "one-line":
            return one_line.write(messages, number_of)
        if form == "tapi-browser":
            return tapi_browser.write(messages, number_of, UTC)
        return (msgspec.json.encode(message) + b"\n" for message in messages)

    def made(self) -> Iterator[MadeFault]:
        """What was done, in the order of the messages."""
        came = dict(zip(self._faulty.origins, self._faulty.messages, strict=True))
        for done in self._faulty.done:
            yield self._made(done, came)

    def _made(self, done: Done, came: Mapping[int, Message]) -> MadeFault:
        one = self._messages[done.number]
        return MadeFault(
            done.fault, TOLD[done.fault], one.seq, one.version, one.at, one.app, one.device, one.line, one.message,
            one.param1_name,
            other=None if done.other is None else self._messages[done.other].seq,
            seconds=self._late.total_seconds() if done.fault == "late" else None,
            reason=REASON_NAMES[came[done.number].param2] if done.fault == "reason" else None,
        )  # fmt: skip
