"""What each kind of event costs by itself, as the fold takes it, with few devices and with many: a Markdown table.

    python tests/benchmarks/parts.py

Processor time in microseconds, without decoding, the least of five rounds. Of failures it is that of a message.
"""

import json
import time
from typing import Any

from cti_es.model.replay import Replay
from cti_es.vocabulary.events import Event, decode_events

ROUNDS = 5
ROW = 4_000
NODES = 8
SIZES = ((2_000, 1), (2_000, 4), (40_000, 1), (40_000, 4))
"""Devices, and lines of each."""

AT = "2026-01-01T00:00:00Z"


def main() -> None:
    """Measure and print."""
    print(
        "| devices, each of them with lines | `device_added` | `device_opened` | a message | `call_started` | `call_ended` |"
    )
    print("|---|---|---|---|---|---|")
    for devices, lines in SIZES:
        rounds = [measured(devices, lines) for _ in range(ROUNDS)]
        cells = [f"{min(one[part] for one in rounds):.1f} µs" for part in range(5)]
        print(f"| {devices:,}, {lines} | {' | '.join(cells)} |")


def measured(devices: int, lines: int) -> list[float]:
    """Microseconds for each part."""
    replay = Replay()
    added, opened, failed, started, ended = parts(devices, lines)
    replay.advance(events("node_added", [{"node": f"cm{node}"} for node in range(NODES)]))
    found = [taken(replay, some) / len(some) for some in (added, opened)]
    before = replay.seq
    took = taken(replay, failed)
    return [*found, took / (replay.seq - before), *(taken(replay, some) / len(some) for some in (started, ended))]


def parts(devices: int, lines: int) -> list[list[Event]]:
    """Devices join and are opened, most nodes fail, each device has a call."""
    names = [f"CTIP{number:05}" for number in range(devices)]
    groups = [[f"cm{(number + index) % NODES}" for index in range(3)] for number in range(devices)]
    added = [
        {"device": name, "kind": "cti_port", "lines": [f"{name}*{index}" for index in range(lines)], "group": group}
        for name, group in zip(names, groups, strict=True)
    ]
    calls = [{"call": f"c{name}", "device": name} for name in names]
    return [
        events("device_added", added),
        events("device_opened", [{"device": name} for name in names]),
        events("node_failed", [{"node": f"cm{node}"} for node in range(NODES - 2)]),
        events("call_started", calls),
        events("call_ended", calls),
    ]


def events(event_type: str, fields: list[dict[str, Any]]) -> list[Event]:
    """Events of one type."""
    return decode_events(json.dumps([{"type": event_type, **one, "at": AT} for one in fields]).encode())


def taken(replay: Replay, some: list[Event]) -> float:
    """Microseconds to take them, with what they tell, as many at a time as a store has in a row."""
    start = time.process_time()
    for row in range(0, len(some), ROW):
        for _ in replay.messages(some[row : row + ROW]):
            pass
    return (time.process_time() - start) * 1e6


if __name__ == "__main__":
    main()
