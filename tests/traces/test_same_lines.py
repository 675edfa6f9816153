"""What two traces have in common is read once, and what comes of it is what comes of reading both."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import EXAMPLES

from cti_es.model.replay import Replay
from cti_es.report.diff_text import Report
from cti_es.testing.faults import with_faults
from cti_es.testing.random_logs import Plan, generate
from cti_es.traces import comparing
from cti_es.traces.comparing import SideOptions, compare_sides, open_side, warnings_of
from cti_es.traces.diff.compare import DiffOptions
from cti_es.traces.forms.common import TraceOptions
from cti_es.traces.same_lines import in_common
from cti_es.traces.sides import EVERYTHING
from cti_es.vocabulary.events import encode
from cti_es.vocabulary.tapi import MESSAGE_IDS, Message

OTHER_LINES = [
    b"",
    b"some words",
    b'{"message":"LINE_CALLSTATE","param1":1,"param2":0,"handle":7}',
    b'{"message":"PHONE_STATE","param1":"RESUME|CONNECTED","param2":0,"handle":7}',
    b'{"message":"LINE_LINEDEVSTATE","param1":1}',
    b"LINE_CALLSTATE device=10056, message=2, i=0, param1=80, param2=5, param3=0",
    b"LINE_LINEDEVSTATE device=",
    b"LINE_CLOSE device=7, message=3, i=0, param1=0, param2=0, param3=0 LINE_CLOSE device=8, message=3, i=0,"
    b" param1=0, param2=0, param3=0",
]
"""Lines between messages: none, another one, one of several states, one that cannot be read, two on a line."""

lines = st.lists(st.integers(0, 9).map(lambda number: b"%d" % number), max_size=200)


def in_chunks(all_lines: Sequence[bytes], size: int) -> list[list[bytes]]:
    return [list(all_lines[at : at + size]) for at in range(0, len(all_lines), size)]


@given(mine=lines, theirs=lines, sizes=st.tuples(st.integers(1, 99), st.integers(1, 99)))
@EXAMPLES
def test_pieces(mine: list[bytes], theirs: list[bytes], sizes: tuple[int, int]) -> None:
    """The pieces are all lines in order, each with its number; what is said to stand in the other trace, stands there."""
    pieces = list(in_common(iter(in_chunks(mine, sizes[0])), iter(in_chunks(theirs, sizes[1]))))

    assert [line for piece in pieces for line in piece.lines] == mine
    for number, (first, some, there) in enumerate(pieces):
        assert first == 1 + sum(len(piece.lines) for piece in pieces[:number])
        assert there is None or theirs[there - 1 : there - 1 + len(some)] == some


def test_most_lines_are_found() -> None:
    """Of a long trace from which lines are lost, into which others came, nearly all are found in the first one."""
    random, theirs = Random(1), [b"%d" % number for number in range(20_000)]
    mine = [line for line in theirs if random.random() > 0.01]
    for place in sorted(random.sample(range(len(mine)), 100), reverse=True):
        mine.insert(place, b"new")
    pieces = in_common(iter(in_chunks(mine, 900)), iter(in_chunks(theirs, 800)))

    assert sum(len(piece.lines) for piece in pieces if piece.there is None) == 100


def as_ndjson(message: Message) -> bytes:
    return encode(message)


def as_one_line(message: Message) -> bytes:
    """As a program logs it that knows no names."""
    number = MESSAGE_IDS[message.message]
    return (
        f"app: {message.message} device={message.handle or 0:x}, message={number:x}, i=0, param1={message.param1:x},"
        f" param2={message.param2:x}, param3=0"
    ).encode()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("written", [as_ndjson, as_one_line])
def test_the_same_report(written, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """Traces with faults and other lines between: the report, its counts and warnings are those of reading both."""
    random = Random(seed)
    messages = list(Replay().messages(list(generate(Plan(events=600, devices=20, seed=seed)))))
    faulty = with_faults(messages, {"drop": 5, "duplicate": 5, "swap": 5, "reason": 5, "late": 5}, seed).messages
    for name, some in (("expected", messages), ("actual", faulty)):
        text = [written(message) for message in some]
        for place in sorted(random.sample(range(len(text)), 6), reverse=True) if seed % 2 else []:
            text.insert(place, random.choice(OTHER_LINES))
        tmp_path.joinpath(name).write_bytes(b"\n".join([*text, b""]))
    monkeypatch.chdir(tmp_path)
    tolerance = 1.0 if written is as_ndjson else None
    once = reported(tolerance)
    monkeypatch.setattr(comparing, "_read_once", lambda expected, actual: None)

    assert once == reported(tolerance)


def reported(tolerance: float | None) -> object:
    """All that is said of the two traces."""
    options = SideOptions(reading=TraceOptions(skip_bad=True))
    with open_side("expected", options) as expected, open_side("actual", options) as actual:
        sides = expected, actual
        found = compare_sides(sides, DiffOptions(time_tolerance=tolerance))
        report = Report(sides, EVERYTHING, DiffOptions(), found, 1_000, str)
        counts = [(side.messages, side.read, side.skipped(), side.unreadable()) for side in sides]
        return list(report.lines(True)), list(report.rows()), counts, warnings_of(sides)
