"""The messages of a log in real time, with the gaps that its events have (docs/reference/commands/play.md).

The schedule knows nothing of where messages go or which clock runs: both are given, so that a test can have a clock of
its own.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from statistics import median
from typing import NamedTuple

import msgspec

from cti_es.logs.reading import Log, Reading, resumed
from cti_es.model.replay import Replay
from cti_es.report import one_line, tapi_browser
from cti_es.report.handle_numbers import HandleNumbers
from cti_es.vocabulary.errors import NoGaps
from cti_es.vocabulary.tapi import Message
from cti_es.vocabulary.times import duration_text, sort_key

FORMS = ("ndjson", "one-line", "tapi-browser")
"""How messages can be written. All but the first have numbers for handles."""


class Chosen(NamedTuple):
    """Which messages are played: of one application (None: of all), from a version on, from a time on."""

    app: str | None = None
    from_version: int = 1
    since: str | None = None

    def has(self, message: Message) -> bool:
        """Whether the message is among them."""
        return (
            self.app in (None, message.app)
            and message.version >= self.from_version
            and (self.since is None or (message.at is not None and sort_key(message.at) >= sort_key(self.since)))
        )


class Due(NamedTuple):
    """A message to be sent: when (None: the log does not say), and its text."""

    at: str | None
    text: bytes


class Played:
    """A log being played.

    ``apps`` are the applications that it has, and ``warnings`` what a reader should know, once all has been read.
    """

    def __init__(self, log: Log, chosen: Chosen, form: str) -> None:
        self.apps: list[str] = []
        self.warnings: list[str] = []
        self._log = log
        self._chosen = chosen
        self._form = form

    def due(self) -> Iterator[Due]:
        """The messages, each at its time."""
        start = self._chosen.from_version - 1 if self._form == "ndjson" else 0
        replay, timeline = resumed(self._log, version=start)
        write = _writer(self._form, replay)
        reading = Reading(self._log, replay.version + 1, timeline=timeline)
        for batch in reading.batches():
            for message in filter(self._chosen.has, replay.messages(batch.events)):
                yield Due(message.at, write(message))
        self.apps = list(replay.book.apps)
        self.warnings += reading.warnings
        if found := replay.taken_misfits():
            self.warnings.append(f"misfits in {self._log.name}: {len(found)}, the first is {found[0].version}")


def _writer(form: str, replay: Replay) -> Callable[[Message], bytes]:
    """How a message is written; to be asked while the replay stands behind the event that caused it."""
    if form == "ndjson":
        return lambda message: msgspec.json.encode(message) + b"\n"
    numbers = HandleNumbers(replay)
    write = one_line.write if form == "one-line" else tapi_browser.write
    return lambda message: b"".join(write([message], numbers.of))


class Clock(NamedTuple):
    """A clock that only runs forward: the seconds that it shows, and how to wait for so many."""

    seconds: Callable[[], float]
    wait: Callable[[float], None]


LONGEST_WAIT = 3600.0
"""So many seconds are waited at a time; a clock of the system cannot wait for centuries."""


class Player:
    """Sends messages when they are due.

    ``speed`` is how many times faster than in the log (None: without any gap). ``sent`` counts what has been sent, and
    ``lateness`` says how late.
    """

    def __init__(self, clock: Clock, send: Callable[[bytes], None], speed: float | None = 1.0) -> None:
        self.sent = 0
        self._clock = clock
        self._send = send
        self._speed = speed
        self._late = array("d")

    def play(self, messages: Iterable[Due]) -> None:
        """Send messages: the first at once, each later one as long after it as in the log.

        What is older than one before it is sent at once. Raises :class:`NoGaps` for a message without a time, unless
        there are to be no gaps.
        """
        begin = first = None
        for one in messages:
            if self._speed is not None:
                at = _moment(one.at)
                if begin is None or first is None:
                    begin, first = self._clock.seconds(), at
                self._wait_until(begin + (at - first).total_seconds() / self._speed)
            self._send(one.text)
            self.sent += 1

    def _wait_until(self, due: float) -> None:
        while (left := due - self._clock.seconds()) > 0:
            self._clock.wait(min(left, LONGEST_WAIT))
        self._late.append(-left)

    def lateness(self) -> str:
        """How late messages were sent, in words; empty if that was not measured."""
        if not self._late:
            return ""
        return f"late by {_short(max(self._late))} at most, {_short(median(self._late))} in the median"


def _moment(at: str | None) -> datetime:
    if at is None:
        raise NoGaps("a message without a time", expected="events with a time (at)")
    return datetime.fromisoformat(at)


def _short(seconds: float) -> str:
    return duration_text(round(seconds, 4))
