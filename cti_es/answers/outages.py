"""What was out of service, when, for how long and why (docs/reference/commands/outages.md).

A projection over what each event has done: it remembers what is out at the moment, and nothing of what has ended.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from cti_es.answers.names import unknown
from cti_es.answers.out_of_service import AsTold, InTheCluster, Outage, Watching
from cti_es.answers.window import Window
from cti_es.logs.reading import WHOLE, Cut, Log, Reading, check_end
from cti_es.model.cluster import Device
from cti_es.model.replay import Replay
from cti_es.vocabulary.times import duration_text
from cti_es.vocabulary.words import counted


class Wanted(NamedTuple):
    """Which outages are asked for.

    ``lines``: those of lines, too; ``app``: as that application was told; ``devices``: of these only (empty: of all);
    ``since`` and ``until``: those that touch the time between them, in canonical form; ``least``: so many seconds or
    more; ``lasting``: those that have not ended.
    """

    lines: bool = False
    app: str | None = None
    devices: Collection[str] = ()
    since: str | None = None
    until: str | None = None
    least: float | None = None
    lasting: bool = False

    @property
    def has_all(self) -> bool:
        """Whether nothing is left out."""
        return not (self.devices or self.since or self.until or self.least is not None or self.lasting)

    def has(self, one: Outage) -> bool:
        """Whether an outage is asked for. One that lasts has every length; one without times touches no window."""
        return (
            (not self.devices or one.device in self.devices)
            and (one.lasts or not self.lasting)
            and (self.least is None or one.lasts or (one.seconds is not None and one.seconds >= self.least))
            and Window(self.since, self.until).touches(one.from_at, one.until_at, one.lasts)
        )


ALL = Wanted()


class OutageReading:
    """The outages of a log up to a cut, read once.

    ``warnings`` and ``devices``, those that the log has then, are filled when it has been read to the end.

    Raises :class:`InputError` for a window that ends before it begins.
    """

    def __init__(self, log: Log, wanted: Wanted = ALL, cut: Cut = WHOLE) -> None:
        Window(wanted.since, wanted.until).check()
        self.warnings: list[str] = []
        self._log = log
        self._wanted = wanted
        self._cut = cut
        self._devices: set[str] = set()
        self._without_times = False
        self.devices: Mapping[str, Device] = {}

    def batches(self) -> Iterator[list[Outage]]:
        """The outages that are asked for: batch by batch of the log those that ended, then those that last."""
        replay, reading = Replay(), Reading(self._log, 1, self._cut)
        seeing = watching(replay, self._wanted)
        for batch in reading.batches():
            ended = (one for done in replay.happenings(batch.events) for one in seeing.ended(done))
            yield self._kept(ended)
            replay.taken_misfits()
        check_end(self._log, self._cut, reading.end)
        yield self._kept(seeing.lasting())
        self.warnings += reading.warnings
        self.devices = replay.cluster.devices
        self._warn(replay)

    def _kept(self, found: Iterable[Outage]) -> list[Outage]:
        kept = list(found)
        self._without_times = self._without_times or any(one.from_at is None for one in kept)
        if self._wanted.devices:
            self._devices.update(one.device for one in kept if one.device in self._wanted.devices)
        return kept if self._wanted.has_all else [one for one in kept if self._wanted.has(one)]

    def _warn(self, replay: Replay) -> None:
        name = self._log.name
        if self._without_times:
            self.warnings.append(f"events of {name} have no times: how long something was out is unknown there")
        devices = [one for one in self._wanted.devices if one not in self._devices]
        self.warnings += unknown("device", devices, replay.cluster.devices, name)
        if self._wanted.app is not None:
            self.warnings += unknown("application", [self._wanted.app], replay.book.apps, name)


class Sized(Protocol):
    """An outage, as sums need it: of a log, or of a trace."""

    @property
    def device(self) -> str:
        """Its device."""

    @property
    def lasts(self) -> bool:
        """Whether it has not ended."""

    @property
    def took(self) -> float | None:
        """How many seconds it was, as a trace has it if one does."""


class Totals:
    """Sums over outages, of one log or of several: their number, devices, longest, total, and how many last."""

    def __init__(self) -> None:
        self.number = 0
        self.lasting = 0
        self.seconds = 0.0
        self.longest: tuple[float, str] = (0.0, "")
        self._devices: set[tuple[str, str]] = set()

    def add(self, log: str, outages: Iterable[Sized]) -> None:
        """Count some outages of a log."""
        for one in outages:
            self.number += 1
            self.lasting += one.lasts
            self._devices.add((log, one.device))
            if took := one.took:
                self.seconds += took
                if took > self.longest[0]:
                    self.longest = took, one.device

    def text(self) -> str:
        """The sums in one line."""
        if not self.number:
            return "no outages"
        parts = [f"{counted(self.number, 'outage')} of {counted(len(self._devices), 'device')}"]
        if self.longest[0]:
            parts.append(f"longest {duration_text(self.longest[0])} ({self.longest[1]})")
            parts.append(f"total {duration_text(self.seconds)}")
        return ", ".join([*parts, f"{self.lasting} still out"])


def watching(replay: Replay, wanted: Wanted) -> Watching:
    """What sees the outages of a replay: of the cluster, or as one application is told."""
    if wanted.app is None:
        return InTheCluster(replay.cluster, wanted.lines)
    return AsTold(replay.cluster, replay.book, wanted.app, wanted.lines)
