"""The call-heavy log with events of the whole TSP in it: every twentieth, mostly legs that connect.

Specified in docs/reference/tsp.md.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

from logs import DEVICES, call_heavy

EVERY = 20
LINKS_EVERY = 100_000
"""A CTI Manager fails, or the failed one comes back, every so many events."""

_CALL = re.compile('"call":"([^"]+)","device":"([^"]+)".*?"at":"([^"]+)"')


def with_the_whole_tsp(events: int, seed: int = 1) -> Iterator[str]:
    """NDJSON lines; no misfits."""
    mixing = _Mixing(seed)
    own = 2 + 1 + (events // EVERY)
    for number, line in enumerate(call_heavy(events - own, seed)):
        yield line
        if number == 1:
            yield from mixing.beginning()
        elif number > 2 * DEVICES + 20 and number % (EVERY - 1) == 0:
            yield mixing.something(number, line)


class _Mixing:
    """Proposes one new event after another."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._away: list[str] = []
        self._wants: dict[str, int] = {}
        self._link_lost = False
        self._last_link = 0

    def beginning(self) -> Iterator[str]:
        """Two CTI Managers, and the provider of the application that opens everything."""
        for node in ("cm1", "cm2"):
            yield f'{{"type":"cti_manager_added","node":"{node}"}}'
        yield '{"type":"provider_opened","app":"app","cti_managers":["cm1","cm2"]}'

    def something(self, number: int, line: str) -> str:
        """An event after ``line``."""
        if number - self._last_link > LINKS_EVERY:
            self._last_link, self._link_lost = number, not self._link_lost
            return f'{{"type":"cti_manager_{"failed" if self._link_lost else "recovered"}","node":"cm1"}}'
        call = _CALL.search(line)
        dice = self._random.random()
        if "call_started" in line and call:
            return f'{{"type":"call_connected","call":"{call[1]}","device":"{call[2]}","at":"{call[3]}"}}'
        device = f"CTIP{self._random.randrange(DEVICES):04}"
        if dice < 0.5:
            wants = self._wants[device] = (self._wants.get(device, -1) + 1) % 3
            states = ",".join(f'"{state}"' for state in ("SUSPEND", "RESUME")[:wants])
            return f'{{"type":"status_messages_set","app":"app","device":"{device}","states":[{states}]}}'
        if self._away and dice < 0.8:
            return f'{{"type":"device_recovered","device":"{self._away.pop()}"}}'
        if device in self._away:
            device = self._away.pop(self._away.index(device))
            return f'{{"type":"device_recovered","device":"{device}"}}'
        self._away.append(device)
        return f'{{"type":"device_failed","device":"{device}"}}'


def write(path: Path, events: int) -> None:
    """Write such a log to a file."""
    with path.open("w", newline="\n") as file:
        file.writelines(f"{line}\n" for line in with_the_whole_tsp(events))
