"""A log in memory, for programs that make one event by event. Times that are missing stay missing, as in a file."""

from collections.abc import Iterator, Sequence

from cti_es.logs.append import misfits_refused, same_event
from cti_es.logs.reading import Batch, Wait
from cti_es.logs.store.base import Snapshot
from cti_es.model.replay import MisfitReport, Replay
from cti_es.vocabulary.errors import Conflict, CtiEsError
from cti_es.vocabulary.events import Event


class MemoryLog:
    """Events in a list, with the fold at their end. An event costs the same however many there are before it."""

    name = "the log in memory"

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._versions: dict[str, int] = {}
        self._replay = Replay()

    def batches(self, version: int = 1, wait: Wait | None = None) -> Iterator[Batch]:
        """Its events from ``version`` on."""
        if version <= len(self._events):
            yield Batch(version, self._events[version - 1 :])

    def snapshot(self, **at_most: int | str) -> Snapshot | None:
        """None: there are no snapshots."""
        return None

    def append(self, events: Sequence[Event], allow_misfits: bool = False) -> list[int]:
        """Append events, all or none of them; the version of each. What has its id already keeps its version.

        Raises :class:`~cti_es.vocabulary.errors.Conflict` for an id that stands for another event, and
        :class:`~cti_es.vocabulary.errors.MisfitsRefused`.
        """
        start = len(self._events)
        try:
            return [self._append(number, event, allow_misfits) for number, event in enumerate(events, 1)]
        except CtiEsError:
            if len(self._events) > start:
                self._forget_after(start)
            raise

    def _append(self, number: int, event: Event, allow_misfits: bool) -> int:
        if event.id is not None and event.id in self._versions:
            return self._known(number, event, self._versions[event.id])
        misfit = self._take(event, allow_misfits)
        if misfit:
            raise misfits_refused("", [number], [misfit])
        self._events.append(event)
        if event.id is not None:
            self._versions[event.id] = len(self._events)
        return len(self._events)

    def _take(self, event: Event, allow_misfits: bool) -> MisfitReport | None:
        if not allow_misfits:
            self._replay.hints = 1
            return self._replay.offer(event)
        self._replay.advance([event])
        self._replay.taken_misfits()
        return None

    def _known(self, number: int, event: Event, version: int) -> int:
        if not same_event(event, self._events[version - 1]):
            what = f"the id '{event.id}' stands for another event at version {version}"
            raise Conflict(what, index=number, expected="the same content under the same id")
        return version

    def _forget_after(self, version: int) -> None:
        del self._events[version:]
        self._versions = {id_: there for id_, there in self._versions.items() if there <= version}
        self._replay = Replay()
        self._replay.advance(self._events)
        self._replay.taken_misfits()
