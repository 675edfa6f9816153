"""How the work of every command grows: logs of n, 2n and 4n events of several shapes, counted in lines of Python run.

Lines are counted, not seconds, so that a busy machine makes no difference; what a function of C does for many
elements at once counts as one. Work that is linear doubles; n log n grows a little more; the square quadruples.

    python tests/campaigns/growth.py --rounds 100
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from campaigns.running import Report, run, script, trouble

FACTOR = 2.5
"""So many times the work may twice the events take."""

Json = dict[str, Any]
SITE = [{"type": "node_added", "node": "cm1"}, {"type": "node_added", "node": "cm2"}]
PORT = [*SITE, {"type": "device_added", "device": "P", "kind": "cti_port", "lines": ["1"]}]


def devices(count: int) -> list[Json]:
    """Many ports, all open, and a failure of their node."""
    names = [f"P{number}" for number in range(count // 2)]
    added = [{"type": "device_added", "device": name, "kind": "cti_port", "lines": [name]} for name in names]
    opened = [{"type": "device_opened", "device": name} for name in names]
    return [*SITE, *added, *opened, {"type": "node_failed", "node": "cm1"}]


def lines(count: int) -> list[Json]:
    """One port with many lines, each opened by itself, and a failure."""
    numbers = [str(number) for number in range(count)]
    port = {"type": "device_added", "device": "P", "kind": "cti_port", "lines": numbers}
    opened = [{"type": "line_opened", "device": "P", "line": number} for number in numbers]
    return [*SITE, port, *opened, {"type": "node_failed", "node": "cm1"}]


def failures(count: int) -> list[Json]:
    """One open port that goes from node to node."""
    turns = [{"type": ("node_failed", "node_recovered")[turn % 2], "node": "cm1"} for turn in range(count)]
    return [*PORT, {"type": "device_opened", "device": "P"}, *turns]


def calls(count: int) -> list[Json]:
    """Many calls on one open port, all at a time, and a failure while they go on."""
    names = [f"c{number}" for number in range(count // 2)]
    begun = [{"type": "call_started", "call": name, "device": "P"} for name in names]
    ended = [{"type": "call_ended", "call": name} for name in names]
    return [*PORT, {"type": "device_opened", "device": "P"}, *begun, {"type": "node_failed", "node": "cm1"}, *ended]


def reopened(count: int) -> list[Json]:
    """One port that is opened and closed again and again."""
    turns = [{"type": ("device_opened", "device_closed")[turn % 2], "device": "P"} for turn in range(count)]
    return [*PORT, *turns]


def applications(count: int) -> list[Json]:
    """Many applications on one port, and a failure."""
    opened = [{"type": "device_opened", "device": "P", "app": f"app{number}"} for number in range(count)]
    return [*PORT, *opened, {"type": "node_failed", "node": "cm1"}]


SHAPES: dict[str, Callable[[int], list[Json]]] = {
    shape.__name__: shape for shape in (devices, lines, failures, calls, reopened, applications)
}

COMMANDS = {
    "append": ("append", "new.db", "--from", "log.ndjson"),
    "append to a store": ("append", "site.db", "node_added", "node=late"),
    "logs": ("logs", "site.db"),
    "log": ("log", "site.db"),
    "log of one device": ("log", "site.db", "--device", "P"),
    "replay": ("replay", "site.db"),
    "replay of one device": ("replay", "site.db", "--device", "P"),
    "replay of a file": ("replay", "log.ndjson", "--ndjson"),
    "homes": ("homes", "site.db"),
    "homes as of": ("homes", "site.db", "--as-of", "4"),
    "providers": ("providers", "site.db"),
    "explain": ("explain", "site.db", "1"),
    "diff": ("diff", "log.ndjson", "trace.ndjson"),
    "diff without names": ("diff", "log.ndjson", "trace.txt"),
    "lint": ("lint", "trace.ndjson"),
    "export": ("export", "site.db"),
    "verify": ("verify", "site.db"),
}
"""Commands that read or write a log, as they are run in a folder with one."""


def counted(folder: Path, *arguments: str) -> tuple[int, str | None]:
    """How many lines of Python a command runs, and what was wrong with it."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    places = [str(folder / one) if "." in one and not one.startswith("-") else one for one in arguments]
    kept = sys.gettrace()
    sys.settrace(trace)
    try:
        ran = run(*places)
    finally:
        sys.settrace(kept)
    return count, trouble(ran)


def prepared(folder: Path, events: list[Json]) -> Path:
    """A folder with a log as a file and a store, and its messages as a trace with and without names."""
    folder.mkdir()
    (folder / "log.ndjson").write_bytes(b"".join(json.dumps(event).encode() + b"\n" for event in events))
    run("append", str(folder / "site.db"), "--from", str(folder / "log.ndjson"), "--allow-misfits")
    for name, form in (("trace.ndjson", "ndjson"), ("trace.txt", "tapi-browser")):
        (folder / name).write_bytes(run("replay", str(folder / "log.ndjson"), "--format", form).out)
    return folder


def work(folder: Path, shape: str, size: int) -> dict[str, tuple[int, str | None]]:
    """Command → the work that it has with a log of this shape and size, and what was wrong."""
    place = prepared(folder / f"{shape}-{size}", SHAPES[shape](size))
    return {name: counted(place, *arguments) for name, arguments in COMMANDS.items()}


def growth(folder: Path, shape: str, size: int) -> dict[str, str | None]:
    """Command → what is wrong: an error, or more than FACTOR times the work for the last doubling."""
    for name, arguments in COMMANDS.items():  # what is imported at the first call is no work of the log
        counted(prepared(folder / f"warm {name}", SHAPES[shape](4)), *arguments)
    small, middle, large = (work(folder, shape, size * times) for times in (1, 2, 4))
    found: dict[str, str | None] = {}
    for name in COMMANDS:
        counts = [one[name][0] for one in (small, middle, large)]
        grows = counts[2] - counts[1] > FACTOR * max(counts[1] - counts[0], size)
        wrong = large[name][1] or (f"{counts}" if grows else None)
        found[name] = wrong and f"{shape}: {name}: {wrong}"
    return found


def campaign(rounds: int, _: int) -> Report:
    """Every command with every shape, from ``rounds`` events on."""
    report = Report()
    for shape in SHAPES:
        with TemporaryDirectory() as folder:
            for problem in growth(Path(folder), shape, rounds).values():
                report.count(f"commands with {shape}", problem)
    return report


if __name__ == "__main__":
    script(__doc__, 100, campaign)
