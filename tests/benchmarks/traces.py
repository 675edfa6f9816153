"""The traces that the benchmarks compare, as ``replay --ndjson`` writes them, and what a comparison of them reports."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from logs import time_of

from cti_es.vocabulary import tapi
from cti_es.vocabulary.events import encode
from cti_es.vocabulary.tapi import Message, TraceMessage

sys.path.append(str(Path(__file__).parent.parent))

from support.injected import Edit, injected, interleaved, trace

__all__ = ["Edit", "injected", "interleaved", "reported", "trace", "write"]


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
