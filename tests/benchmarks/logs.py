"""The log that the benchmarks use: call-heavy, as a busy cluster writes it, made without the fold (fast)."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

NODES, DEVICES = 8, 2_000
GROUP = 3
OUTAGE_EVERY = 25_000
"""A node fails, or the failed one comes back, every so many events."""


def call_heavy(events: int, seed: int = 1) -> Iterator[str]:
    """NDJSON lines: the configuration, every port opened, then calls and now and then an outage. No ids, no misfits."""
    random = Random(seed)
    yield from _configuration()
    active: list[tuple[int, int]] = []
    calls = 0
    for number in range(events - NODES - 2 * DEVICES):
        at = time_of(number)
        if number % OUTAGE_EVERY == 0:
            outage, back = divmod(number // OUTAGE_EVERY, 2)
            event = "node_recovered" if back else "node_failed"
            yield f'{{"type":"{event}","node":"cm{outage % NODES + 1}","at":"{at}"}}'
        elif len(active) < 500 or (len(active) < 1500 and random.random() < 0.5):
            calls += 1
            device = random.randrange(DEVICES)
            active.append((calls, device))
            yield f'{{"type":"call_started","call":"c{calls}","device":"CTIP{device:04}","at":"{at}"}}'
        else:
            call, device = active.pop(random.randrange(len(active)))
            yield f'{{"type":"call_ended","call":"c{call}","device":"CTIP{device:04}","at":"{at}"}}'


def _configuration() -> Iterator[str]:
    at = "2026-01-01T00:00:00Z"
    for node in range(NODES):
        yield f'{{"type":"node_added","node":"cm{node + 1}","at":"{at}"}}'
    for device in range(DEVICES):
        group = ",".join(f'"cm{(device + index) % NODES + 1}"' for index in range(GROUP))
        lines = f'"{5000 + device}"'
        yield (
            f'{{"type":"device_added","device":"CTIP{device:04}","kind":"cti_port","lines":[{lines}],'
            f'"group":[{group}],"at":"{at}"}}'
        )
        yield f'{{"type":"device_opened","device":"CTIP{device:04}","at":"{at}"}}'


def time_of(number: int) -> str:
    tenths = number % 10
    seconds = number // 10
    fraction = f".{tenths}00000" if tenths else ""
    day, rest = divmod(seconds, 86_400)
    hour, rest = divmod(rest, 3_600)
    return f"2026-01-{day + 2:02}T{hour:02}:{rest // 60:02}:{rest % 60:02}{fraction}Z"


def write(path: Path, events: int) -> None:
    """Write such a log to a file."""
    with path.open("w", newline="\n") as file:
        file.writelines(f"{line}\n" for line in call_heavy(events))
