"""The traces that the benchmarks compare, and what a comparison of them reports.

``python tests/benchmarks/traces.py [--messages N]`` compares traces of every shape, of N, 2 N and 4 N messages, and
prints a Markdown table: processor time and memory of ``cti-es diff`` beside ``diff -u``, and of ``cti-es lint``.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

from logs import time_of
from msgspec.structs import replace

from cti_es.report import one_line, tapi_browser
from cti_es.vocabulary import tapi
from cti_es.vocabulary.events import encode
from cti_es.vocabulary.tapi import Message, TraceMessage

sys.path.append(str(Path(__file__).parent.parent))

from support.injected import Edit, injected, interleaved, trace

__all__ = ["Edit", "injected", "interleaved", "reported", "trace", "write"]

EDITS = 100
CHANNELS = 2_200


def reported(output: bytes) -> list[Edit]:
    """The differences that ``diff --ndjson`` has printed, in its order."""
    *rows, summary = map(json.loads, output.splitlines())
    if summary["kind"] != "summary" or summary["left_out"]:
        raise ValueError(f"not all differences: {summary}")
    return [Edit(row["kind"], *(row[side] and row[side]["place"] for side in ("expected", "actual"))) for row in rows]


def write(path: Path, messages: Iterable[TraceMessage]) -> None:
    """Write a trace. What an edit left alone is the same line in both traces, as ``diff -u`` needs it."""
    with path.open("wb") as file:
        file.writelines(encode(_as_replayed(one)) + b"\n" for one in messages)


def _as_replayed(one: TraceMessage) -> Message:
    seq = one.version or 0
    prefix, flags = tapi.STATE_FLAGS[one.message]
    state = next(name for name, bit in flags.items() if bit == one.param1)
    return Message(
        seq=seq,
        version=seq,
        at=time_of(seq),
        app=one.app or "",
        device=one.device or "",
        line=one.line,
        handle=int(one.handle or 0),
        message=one.message,
        msg=tapi.MESSAGE_IDS[one.message],
        param1_name=prefix + state,
        param1=one.param1 or 0,
        param2_name=tapi.REASON_NAMES[one.param2 or 0],
        param2=one.param2 or 0,
        param3=0,
        rule="node_failed/suspend",
    )


# --- every shape of trace -------------------------------------------------------------------------------------------


class Shape(NamedTuple):
    """A shape of trace: how it is written, how many handles it has, and what the second trace lacks."""

    name: str
    written: Callable[[Iterable[Message]], Iterator[bytes]]
    channels: int = CHANNELS
    change: Callable[[Sequence[TraceMessage], Random], Sequence[TraceMessage]] = lambda messages, random: injected(
        messages, random, EDITS
    )[0]


def _ndjson(messages: Iterable[Message]) -> Iterator[bytes]:
    return (encode(one) + b"\n" for one in messages)


def _handles_only(messages: Iterable[Message]) -> Iterator[bytes]:
    """NDJSON without names, each handle with a number of its own."""
    number = _numbers()
    for one in messages:
        row = {"message": one.message, "param1": one.param1, "param2": one.param2, "at": one.at}
        yield json.dumps({**row, "handle": number(tapi_browser.key(one))}).encode() + b"\n"


def _numbers() -> Callable[[tapi_browser.Key], int]:
    known: dict[tapi_browser.Key, int] = {}
    return lambda key: known.setdefault(key, tapi_browser.handle_number(len(known)))


def _lost(messages: Sequence[TraceMessage], random: Random) -> Sequence[TraceMessage]:
    """One message in a hundred lost."""
    return [one for one in messages if random.random() >= 0.01]


def _other_clock(messages: Sequence[TraceMessage], random: Random) -> Sequence[TraceMessage]:
    """No line is the same: all is said a little later."""
    return [replace(one, version=(one.version or 0) + 1) for one in injected(messages, random, EDITS)[0]]


SHAPES = (
    Shape("NDJSON", _ndjson),
    Shape("NDJSON, no line the same", _ndjson, change=_other_clock),
    Shape("NDJSON, 1 % lost", _ndjson, change=_lost),
    Shape("NDJSON, handles only, 1 % lost", _handles_only, change=_lost),
    Shape("NDJSON, two handles", _ndjson, channels=2, change=_lost),
    Shape("one line a message", lambda messages: one_line.write(messages, _numbers())),
    Shape("TAPI Browser", lambda messages: tapi_browser.write(messages, _numbers())),
)


class Cost(NamedTuple):
    """Processor time in seconds, and the most memory in MiB."""

    seconds: float
    peak: int


_COST = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss >> 10)
"""


def cost(*command: str) -> Cost:
    """What a command costs; what it prints goes nowhere. A small program starts it: memory of this one would count."""
    done = subprocess.run([sys.executable, "-c", _COST, *command], check=True, capture_output=True, text=True)
    seconds, peak = done.stdout.split()
    return Cost(float(seconds), int(peak))


def rows(messages: int, folder: Path) -> Iterator[Sequence[str]]:
    """For each shape and size what the commands cost."""
    cti_es, files = (sys.executable, "-m", "cti_es_cli"), (str(folder / "left"), str(folder / "right"))
    for shape in SHAPES:
        for size in (messages, 2 * messages, 4 * messages):
            random = Random(1)
            whole = trace(random, size, shape.channels)
            for file, some in zip(files, (whole, shape.change(whole, random)), strict=True):
                Path(file).write_bytes(b"".join(shape.written(map(_as_replayed, some))))
            theirs, ours = cost("diff", "-u", *files), cost(*cti_es, "diff", *files)
            lint = cost(*cti_es, "lint", files[0])
            yield (shape.name, f"{size:,}", f"{theirs.seconds:.2f} s", f"{ours.seconds:.2f} s",
                   f"{ours.seconds / theirs.seconds:.1f}", f"{1e6 * ours.seconds / size:.1f} µs", f"{ours.peak} MiB",
                   f"{1e6 * lint.seconds / size:.1f} µs", f"{lint.peak} MiB")  # fmt: skip


def main() -> None:
    """Run and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000)
    options = parser.parse_args()
    print("| shape | messages | `diff -u` | `cti-es diff` | × | a message | peak | `lint`, a message | peak |")
    print("|---|---|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for row in rows(options.messages, Path(folder)):
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
