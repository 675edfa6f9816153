"""The log replayed once more, with claims in their places that are older than its last event.

What is older than the last event of a log cannot be put into it any more. Such a claim must be a duplicate, or the log
must say the same: it does not fit the state of the log at that time, or it is an earlier report of what the log says
next. To see that, the past is replayed with these claims in their places. Anything else is refused: what belongs
together is imported together. So importing a file again, or others that overlap with it, changes nothing. (At the very
moment of the last event the log may still grow, by what stands behind that event in the order of the spool.)
"""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from cti_es.cucm.present import Present, Registered, Verdict
from cti_es.cucm.spool import Place
from cti_es.cucm.translation import Candidate
from cti_es.logs.reading import StoredLog, resumed
from cti_es.logs.store.base import StoreReader, events_of
from cti_es.vocabulary import events
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Event, encode, type_of
from cti_es.vocabulary.times import sort_key


class TooOld(InputError):
    """A claim that is older than the end of the log and not in it.

    ``before_imports`` is the version up to which the log has only what was not imported: from there the import can
    start over. None if something younger was appended by hand.
    """

    def __init__(self, before_imports: int | None, what: str, *, where: str, expected: str, hint: str) -> None:
        super().__init__(what, where=where, expected=expected, hint=hint)
        self.before_imports = before_imports


class Past:
    """The log from before the first older claim on. ``place`` says where a claim stands."""

    def __init__(self, store: StoreReader, name: str, first: Candidate, place: Callable[[Place], str]) -> None:
        self._store, self._name, self._place = store, name, place
        self._begin = sort_key(next(_events(store, name, 1))[1].at or "")
        self._present = Present(resumed(StoredLog(store, name, name), latest=time_of(first)).replay)
        self._log = _events(store, name, self._present.replay.version + 1)
        self._next = next(self._log, None)
        self._early: dict[bytes, Candidate] = {}

    def take(self, candidate: Candidate) -> Verdict:
        """Why the log does not need this candidate; None if it fits there, so that it has to say the same later on.

        Raises :class:`TooOld` for one that is older than the first event of the log.
        """
        time = time_of(candidate)
        if time < self._begin:
            raise self.too_old(candidate)
        self._up_to(lambda version, event: event.at is None or sort_key(event.at) < time)
        if candidate.is_witness:
            return "consequence"
        if not candidate.is_sure:
            return "unknown_connection"
        settled = self._present.settled(candidate)
        if isinstance(settled, str):
            return settled
        candidate = self._as_in_the_log(settled)
        verdict = self._present.take(candidate)
        if verdict is None:
            self._early[_content(candidate.event)] = candidate
        return verdict

    def _as_in_the_log(self, candidate: Candidate) -> Candidate:
        """An earlier login with the list of CTI Managers that the log has for it: what follows depends on that."""
        event = candidate.event
        if type(event) is not events.ProviderOpened or event.app in self._present.replay.book.providers:
            return candidate
        for _, later in _events(self._store, self._name, self._next[0]) if self._next else ():
            if type(later) is events.ProviderOpened and later.app == event.app:
                return candidate._replace(event=replace(event, cti_managers=later.cti_managers))
        return candidate

    def pass_by(self, candidate: Candidate, version: int) -> None:
        """A candidate is in the log at this version: go on to behind it."""
        self._up_to(lambda at, event: at <= version)
        self._present.learn(candidate)

    def as_settled(self, candidate: Candidate, version: int) -> Candidate:
        """A candidate as the log has it at this version: a login that was settled there to be no first one."""
        event = candidate.event
        if type(event) is events.ProviderOpened:
            _, stored = next(_events(self._store, self._name, version))
            linked = events.ProviderLinked(app=event.app, node=event.cti_managers[0], at=event.at, id=event.id)
            return candidate._replace(event=linked) if type(stored) is events.ProviderLinked else candidate
        return candidate

    def end(self) -> dict[str, Registered]:
        """Read the log to its end, and say where devices registered before it."""
        self._up_to(lambda version, event: bool(self._early))
        return self._present.registered

    def missing(self) -> list[Candidate]:
        """After the end: the candidates that the log does not have at all."""
        return list(self._early.values())

    def _up_to(self, belongs: Callable[[int, Event], bool]) -> None:
        while self._next is not None and belongs(*self._next):
            _, event = self._next
            self._present.replay.advance([event])
            if self._present.replay.taken_misfits():  # a candidate has said it before
                self._early.pop(_content(event), None)
            self._next = next(self._log, None)

    def too_old(self, candidate: Candidate) -> "TooOld":
        """What to say of a candidate that cannot be put into the log any more."""
        event = candidate.event
        version, last = next(reversed([*_events(self._store, self._name, self._store.head(self._name).version)]))
        is_topology = isinstance(last, _TOPOLOGY)
        return TooOld(
            None if is_topology else before_imports(self._store, self._name),
            f"{type_of[type(event)]} at {event.at} is older than the end of the log, and not in it",
            where=self._place(candidate.place),
            expected=f"what comes after its last event ({version}, {type_of[type(last)]} at {last.at})",
            hint=_TOPOLOGY_FIRST if is_topology else _TOGETHER,
        )


def before_imports(store: StoreReader, log: str) -> int:
    """The version of the last event of a log before the first one that was imported."""
    for version, event in _events(store, log, 1):
        if event.id is not None and event.id.startswith(_IMPORTED):
            return version - 1
    return store.head(log).version


_IMPORTED = ("alarm:", "cdr:", "with:")
_TOPOLOGY = (events.NodeAdded, events.DeviceAdded, events.DeviceRemoved, events.CtiManagerAdded, events.BehaviourSet)
_TOPOLOGY_FIRST = 'what is appended by hand has to be older than what the cluster wrote: give it an earlier "at"'
_TOGETHER = "what belongs together is imported together, into a log that has only the topology"


def time_of(candidate: Candidate) -> str:
    """A text that sorts as the time of a candidate does."""
    return sort_key(candidate.event.at or "")


def _content(event: Event) -> bytes:
    """What an event says has happened, whoever says it and when, and for what reason or by which way."""
    return encode(replace(event, at=None, id=None, **_DETAILS.get(type(event), {})))


_DETAILS: dict[type[Event], dict[str, Any]] = {
    events.ProviderOpened: {"cti_managers": ()},
    events.DeviceFailed: {"reason": None},
}


def _events(store: StoreReader, name: str, start: int) -> Iterator[tuple[int, Event]]:
    for row in store.rows(name, start):
        for version, event in enumerate(events_of(row, store.address), row.version):
            if version >= start:
                yield version, event
