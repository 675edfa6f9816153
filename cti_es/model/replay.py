"""Drives a log through the fold: events in, messages, misfits or homes out.

Specified in docs/reference/rules.md and docs/reference/tsp.md.

A :class:`Replay` owns its state. It takes events in batches, as stores and files give them, and can be encoded
between two events and taken up again later: ``fold(all) == resume(fold(prefix), rest)`` at every split point. The
same events always give the same messages, misfits and state, byte for byte.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from hashlib import sha256
from operator import length_hint

import msgspec

from cti_es.model.book import Book
from cti_es.model.cluster import Cluster, Misfit, MisfitCode
from cti_es.model.recovery import Recovery
from cti_es.model.steps import Step
from cti_es.model.tsp import Cause, Tsp
from cti_es.vocabulary.errors import StoreError, did_you_mean
from cti_es.vocabulary.events import Event, type_of
from cti_es.vocabulary.tapi import Message

FOLD_VERSION = 5
"""Counts changes of what the fold computes or of how its state is encoded. Snapshots of another one are not used."""


class State(msgspec.Struct):
    """Everything a replay needs to go on: the last version and message number, the cluster, the TSP's book."""

    version: int = 0
    seq: int = 0
    cluster: Cluster = msgspec.field(default_factory=Cluster)
    book: Book = msgspec.field(default_factory=Book)


class MisfitReport(msgspec.Struct, frozen=True):
    """A misfit of a log, as NDJSON has it: its version and time, event type, code (closed list) and reason."""

    version: int
    at: str | None
    type: str
    code: MisfitCode
    text: str


class Happening(msgspec.Struct, frozen=True, gc=False):
    """What an event has done, if it has done more than bookkeeping: the steps that it took, and what they told."""

    version: int
    event: Event
    steps: Sequence[Step]
    messages: Sequence[Message]


Watch = Callable[[int, Sequence[Step]], None]
"""A function that is called with the version and the steps of an event, before the TSP reads the steps."""

_decode_state = msgspec.json.Decoder(State).decode


class Replay:
    """A fold in progress.

    ``state`` is a state to go on from, as it is or encoded (:meth:`encoded`); None: the empty log. ``misfits`` collects
    what did not fit until it is taken (:meth:`taken_misfits`); ``hints`` adds to their reasons which known name is
    near.
    ``work`` counts the steps taken and the events of :meth:`advance` since this object was made, or since its state
    was kept. ``watch``, if set, is shown the steps of every event that takes any.
    """

    def __init__(self, state: bytes | State | None = None, hints: int = 0) -> None:
        start = _decoded(state) if isinstance(state, bytes) else state or State()
        self._recovery = Recovery(start.cluster, start.book)
        self._recovery.version = start.version
        self._tsp = Tsp(start.book, start.seq, self._recovery)
        self.hints = hints
        self.misfits: list[MisfitReport] = []
        self.watch: Watch | None = None
        self.work = 0

    @property
    def version(self) -> int:
        """The version of the last event that was read; 0 before the first."""
        return self._recovery.version

    @property
    def seq(self) -> int:
        """The number of the last message."""
        return self._tsp.seq

    @property
    def cluster(self) -> Cluster:
        """The cluster after the last event. To look at, not to change."""
        return self._recovery.cluster

    @property
    def book(self) -> Book:
        """Who holds which handle after the last event. To look at, not to change."""
        return self._tsp.book

    def messages(self, events: Sequence[Event]) -> Iterator[Message]:
        """Take the next events of the log and yield the messages that they cause, in order.

        Events are taken as the messages are read: whoever stops early leaves the replay between two events.
        """
        for happening in self.happenings(events):
            yield from happening.messages

    def happenings(self, events: Sequence[Event]) -> Iterator[Happening]:
        """Take the next events of the log and yield what they have done, for those that take any step.

        Whoever has been given one finds ``cluster`` and ``book`` as they are after its event.
        """
        recovery, steps, handlers = self._recovery, self._recovery.steps, self._tsp.handlers
        end = self.version + len(events)
        rest = iter(events)
        while (event := recovery.ordinary_calls(rest)) is not None:
            recovery.version = end - length_hint(rest)
            try:
                handlers[type(event)](event)
            except Misfit as misfit:
                self.misfits.append(self._report(event, misfit))
            if steps:
                self.work += len(steps)
                if self.watch:
                    self.watch(recovery.version, steps)
                taken = tuple(steps)
                told = self._tsp.messages(steps, Cause(recovery.version, event.at, type_of[type(event)]))
                steps.clear()
                yield Happening(recovery.version, event, taken, told)
        recovery.version = end

    def advance(self, events: Sequence[Event]) -> None:
        """Take the next events of the log without giving their messages away; they are numbered all the same."""
        self.work += len(events)
        for _ in self.happenings(events):
            pass

    def offer(self, event: Event) -> MisfitReport | None:
        """Take one more event, but only if it fits.

        Returns None then. Else returns its misfit, and the replay is as before: no version was used up.
        """
        before = self.version
        self.advance([event])
        for misfit in self.taken_misfits():
            self._recovery.version = before
            return misfit
        return None

    def taken_misfits(self) -> list[MisfitReport]:
        """The misfits since this was last called. They are handed over, not kept."""
        taken, self.misfits = self.misfits, []
        return taken

    def encoded(self) -> bytes:
        """The state after the last event as bytes; the same state always gives the same bytes."""
        return msgspec.json.encode(State(self.version, self.seq, self.cluster, self.book))

    def trial(self, devices: Collection[str]) -> "Replay":
        """A replay that goes on from here by itself, for events that can touch no devices but these.

        It shares all others with this replay, so that it is ready at once however large the cluster is.
        """
        return Replay(State(self.version, self.seq, self.cluster.copied(devices), self.book.copied(devices)))

    def _report(self, event: Event, misfit: Misfit) -> MisfitReport:
        text = misfit.reason
        if self.hints:
            self.hints -= 1
            if near := did_you_mean(misfit.found, misfit.known):
                text += f"; {near}"
        return MisfitReport(self.version, event.at, type_of[type(event)], misfit.code, text)


def _decoded(state: bytes) -> State:
    try:
        return _decode_state(state)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        hint = "the store is damaged; see cti-es verify"
        raise StoreError(f"the state of a snapshot cannot be read: {error}", hint=hint) from None


def replay(events: Sequence[Event]) -> Iterator[Message]:
    """The messages of a whole log."""
    return Replay().messages(events)


def digest(rows: Iterable[msgspec.Struct]) -> str:
    """The SHA-256 (64 lower-case hex digits) of these rows as NDJSON."""
    encoder = msgspec.json.Encoder()
    total = sha256()
    for row in rows:
        total.update(encoder.encode(row))
        total.update(b"\n")
    return total.hexdigest()
