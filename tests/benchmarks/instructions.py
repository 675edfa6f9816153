"""How many instructions reading, replaying and appending a small log of each shape takes, counted by callgrind.

    python tests/benchmarks/instructions.py [--check | --update]

Instructions do not depend on how busy the machine is. Each is the difference between a process that does the work and
one that does everything but the work. ``--check`` compares with ``instructions.json`` and exits with 1 where something
takes more than 1.2 times as many; ``--update`` writes that file anew, for a change that is worth them. Interpreters
differ, too: what is compared is how many times a plain loop of Python, counted in the same run.
"""

import argparse
import gc
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from shutil import which
from typing import Any

from logs import SHAPES, Shape, Site, lines

from cti_es.logs.append import AppendOptions, append
from cti_es.logs.ndjson import read_events
from cti_es.logs.store.memory import MemoryStore
from cti_es.model.replay import Replay
from cti_es.vocabulary.events import decode_events

COMMITTED = Path(__file__).with_suffix(".json")
EVENTS = 2_000
OUTAGE_EVERY = 500
WORSE = 1.2
ROW = 500
LOOPS = 100_000
PIECES = ("decode", "replay", "append")


def small(shape: Shape | Site) -> Shape | Site:
    """The shape with a twentieth or a hundredth of its devices, and outages that a small log meets, too."""
    if isinstance(shape, Site):
        return shape._replace(devices=shape.devices // 20, calls_per_hour=shape.calls_per_hour // 20)
    devices = 100 if shape.devices <= 2_000 else 400
    return shape._replace(devices=devices, outage_every=OUTAGE_EVERY if shape.outage_every > 5_000 else 100)


def work(log: list[bytes]) -> dict[str, Callable[[], object]]:
    """What is counted of a log, by name."""
    rows = [b"[%b]" % b",".join(log[start : start + ROW]) for start in range(0, len(log), ROW)]
    decoded = [decode_events(row) for row in rows]
    text = b"".join(line + b"\n" for line in log)

    def replayed() -> None:
        replay = Replay()
        for events in decoded:
            for _ in replay.messages(events):
                pass

    def appended() -> None:
        append(MemoryStore(), "default", read_events(BytesIO(text), "log"), AppendOptions(allow_misfits=True))

    return {"decode": lambda: [decode_events(row) for row in rows], "replay": replayed, "append": appended}


def counted() -> None:
    """Fork a process for each piece of work, and one that does nothing: callgrind counts each when it ends."""
    gc.disable()
    for piece in (lambda: None, plain_loop):
        alone(piece)
    for piece in work([b'{"type":"node_added","node":"cm1"}']).values():
        piece()  # what is imported late is there
    for shape in SHAPES.values():
        pieces = work([line.encode() for line in lines(EVENTS, small(shape))])
        for piece in (lambda: None, *pieces.values()):
            alone(piece)


def alone(piece: Callable[[], object]) -> None:
    """Do some work in a process of its own."""
    if pid := os.fork():
        os.waitpid(pid, 0)
    else:
        piece()
        os._exit(0)


def plain_loop() -> None:
    """What every interpreter can do."""
    found: dict[int, str] = {}
    for number in range(LOOPS):
        found[number % 100] = "even" if number % 2 else found.get(number - 1, "odd")


def counts() -> tuple[int, dict[str, dict[str, int]]]:
    """Instructions of a turn of the plain loop, and shape → piece of work → instructions an event."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, __file__, "--count"]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr
    nothing, loop, *numbers = [int(number) for number in re.findall(r"Collected : (\d+)", said)]
    shapes = dict(zip(SHAPES, _differences(numbers), strict=True))
    return round((loop - nothing) / LOOPS), shapes


def _differences(numbers: list[int]) -> Iterator[dict[str, int]]:
    size = 1 + len(PIECES)
    for start in range(0, size * len(SHAPES), size):
        nothing, *others = numbers[start : start + size]
        yield {piece: round((other - nothing) / EVENTS) for piece, other in zip(PIECES, others, strict=True)}


def worse(now: tuple[int, dict[str, dict[str, int]]], before: dict[str, Any]) -> list[str]:
    """What takes more instructions than it did, measured in turns of the plain loop."""
    turn, shapes = now
    return [
        f"{shape}: {piece} takes {number / turn:.0f} turns of the plain loop an event, {there / before['loop']:.0f} before"
        for shape, pieces in shapes.items()
        for piece, number in pieces.items()
        if (there := before["shapes"].get(shape, {}).get(piece)) and number / turn > WORSE * there / before["loop"]
    ]


def main() -> None:
    """Count and print, check, or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--check", "--update", "--count"):
        parser.add_argument(option, action="store_true")
    options = parser.parse_args()
    if options.count:
        counted()
        return
    if which("valgrind") is None:
        print("no valgrind here: instructions are not counted")
        return
    now = counts()
    print(f"| instructions an event (a turn of the plain loop: {now[0]}) | {' | '.join(PIECES)} |\n|---|---|---|---|")
    for shape, pieces in now[1].items():
        print(f"| {shape} | {' | '.join(f'{number:,}' for number in pieces.values())} |")
    if options.update:
        COMMITTED.write_text(json.dumps({"loop": now[0], "shapes": now[1]}, indent=2, ensure_ascii=False) + "\n")
    if options.check and (found := worse(now, json.loads(COMMITTED.read_text()))):
        sys.exit(
            "\n".join([*found, f"more than {WORSE} times as many: mend it, or run this with --update and say why"])
        )


if __name__ == "__main__":
    main()
