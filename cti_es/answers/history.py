"""Every change of a device, also where nobody was told of it (docs/reference/commands/history.md)."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from cti_es.answers.names import unknown
from cti_es.logs.reading import WHOLE, Cut, Log, Reading, check_end
from cti_es.model.cluster import Because, DeviceState
from cti_es.model.homes import Home, home
from cti_es.model.replay import Happening, Replay
from cti_es.vocabulary.events import LinesChanged, type_of
from cti_es.vocabulary.tapi import Message


class Change(msgspec.Struct, frozen=True):
    """A change of a device's state, home or lines, as NDJSON has it: how the device is after an event that changed it.

    ``event`` is the type of the event, ``because`` the step that did it; ``state`` is null once the device is removed;
    ``calls`` counts the active call legs; ``told`` are the messages about the device that the event sent.
    """

    version: int
    at: str | None
    event: str
    device: str
    state: DeviceState | None
    home: str | None
    because: Because | Literal["removed"]
    lines: dict[str, Literal["in_service", "out_of_service"]]
    calls: int
    told: list[Message]


class HistoryReading:
    """The changes of some devices in a log up to a cut, read once.

    When that is done, ``warnings`` are filled, and ``known`` are the devices that the log has at the cut.
    """

    def __init__(self, log: Log, devices: tuple[str, ...], cut: Cut = WHOLE) -> None:
        self.warnings: list[str] = []
        self.known: list[str] = []
        self._log = log
        self._cut = cut
        self._devices = frozenset(devices)
        self._before: dict[str, Home | None] = {}

    def batches(self) -> Iterator[list[Change]]:
        """The changes, batch by batch of the log."""
        replay, reading = Replay(), Reading(self._log, 1, self._cut)
        for batch in reading.batches():
            yield [one for done in replay.happenings(batch.events) for one in self._changes(replay, done)]
            replay.taken_misfits()
        check_end(self._log, self._cut, reading.end)
        self.warnings += reading.warnings
        self.known = list(replay.cluster.devices)
        self.warnings += unknown("device", sorted(self._devices - self._before.keys()), self.known, self._log.name)

    def _changes(self, replay: Replay, done: Happening) -> Iterator[Change]:
        """Compare the devices that an event was about with how they were."""
        for name in dict.fromkeys(getattr(one, "device", None) for one in (*done.steps, *done.messages)):
            if name not in self._devices:
                continue
            device = replay.cluster.devices.get(name)
            before, now = self._before.get(name), home(replay.cluster, device) if device else None
            self._before[name] = now
            if _essence(before) == _essence(now):
                continue
            moved = before is None or now is None or (before.state, before.home) != (now.state, now.home)
            because = _because(done) if not moved else device.because if device else "removed"
            yield Change(
                done.version,
                done.event.at,
                type_of[type(done.event)],
                name,
                now.state if now else None,
                now.home if now else None,
                because,
                now.lines if now else {},
                now.calls if now else 0,
                [one for one in done.messages if one.device == name],
            )


def _essence(found: Home | None) -> tuple[object, ...] | None:
    return (found.state, found.home, found.lines) if found else None


def _because(done: Happening) -> Because:
    """Why lines have changed on a device that stayed where it was."""
    return "lines" if isinstance(done.event, LinesChanged) else "settle"
