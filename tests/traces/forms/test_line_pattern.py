"""Any text as a trace: the user's expressions, what their groups may hold, and that no line or expression takes long."""

import time
from io import BytesIO

import pytest

from cti_es.traces.forms.common import TraceOptions
from cti_es.traces.recognise import TraceReading, read_trace
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import TraceMessage

pytest.importorskip("re2", reason="needs google-re2: pip install 'cti-es[patterns]'")

STATE = r"state (?P<param1>\w+) of (?P<device>\w+)(?:/(?P<line>\w+))?(?: because (?P<param2>\S+))?"


def reading(text: str, *patterns: str, **options: object) -> tuple[TraceReading, list[TraceMessage]]:
    given = TraceOptions(line_patterns=patterns, **options)  # type: ignore[arg-type]
    trace = read_trace(BytesIO(text.encode()), "app.log", "line-pattern", given)
    return trace, [message for batch in trace for message in batch]


def read(text: str, *patterns: str, **options: object) -> list[TraceMessage]:
    return reading(text, *patterns, **options)[1]


def refused(text: str, *patterns: str) -> str:
    with pytest.raises(InputError) as caught:
        read(text, *patterns)
    return str(caught.value)


def test_an_applications_own_log() -> None:
    """States and reasons by name say which message it is; the stamp of the line is the time, other lines are text."""
    text = "2026-03-02 09:44:03,120 WARN state SUSPEND of P1 because CallManagerFailure\nstarted\nstate OutOfService of P1/5001\n"
    assert read(text, STATE) == [
        TraceMessage(1, "PHONE_STATE", 0x40000, 1, device="P1", at="2026-03-02T09:44:03.120000Z"),
        TraceMessage(3, "LINE_LINEDEVSTATE", 0x80, None, device="P1", line="5001"),
    ]


def test_numbers() -> None:
    """Messages, states, reasons and handles may be numbers, decimal or with 0x; the handle 0 is none."""
    pattern = r"m=(?P<message>\S+) h=(?P<handle>\S+) p=(?P<param1>\S+),(?P<param2>\S+) by (?P<app>\w+) at (?P<at>.*)"
    text = (
        "m=18 h=0x10000 p=0x40000,5 by ivr at 2026-03-02T09:44:03+01:00\nm=LINE_CLOSE h=0 p=0,0 by ivr at 9 o'clock\n"
    )
    assert read(text, pattern) == [
        TraceMessage(1, "PHONE_STATE", 0x40000, 5, app="ivr", handle="0x10000", at="2026-03-02T08:44:03Z"),
        TraceMessage(2, "LINE_CLOSE", 0, 0, app="ivr"),
    ]


def test_several_patterns() -> None:
    """The first expression that fits a line counts, all its matches; messages of other kinds are counted."""
    closed = r"closed (?P<device>\w+) (?P<message>\w+)"
    trace, messages = reading(
        "closed P1 PHONE_CLOSE closed P2 PHONE_CLOSE\ncalled P1 LINE_REPLY\nstate RESUME of P1",
        closed,
        closed.replace("closed", "called"),
        STATE,
    )
    assert [(one.message, one.device) for one in messages] == [
        ("PHONE_CLOSE", "P1"),
        ("PHONE_CLOSE", "P2"),
        ("PHONE_STATE", "P1"),
    ]
    assert trace.skipped == {"LINE_REPLY": 1}


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"(?P<state>\w+)", "the group 'state' in a pattern; expected named groups"),
        (r"(?P<parma1>\w+)", "did you mean 'param1'?"),
        (r"(?P<device>\w+)", "without message and param1; expected named groups"),
        (r"(?P<message>\w+", "the pattern '(?P<message>\\\\w+': missing )"),
        (r"(?P<message>\w+)(?=x)", "expected a regular expression of RE2"),
        (r"(?P<message>(\w+){1000}{1000})", "expected a regular expression of RE2"),
    ],
)
def test_wrong_patterns(pattern: str, words: str) -> None:
    """What is no expression, and groups that mean nothing, are refused with what is allowed."""
    assert words in refused("state SUSPEND of P1\n", pattern)


def test_no_pattern() -> None:
    """The format by itself reads nothing."""
    assert refused("x\n").startswith("app.log: no pattern for the lines; expected one with named groups")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("state ASLEEP of P1", "app.log:2: param1 is 'ASLEEP'; expected the name of a state"),
        ("state CONNECTED of P1", "app.log:2: param1 is 'CONNECTED'; expected the name of a state"),
        ("state SUSPEND of P1 because Rain", "app.log:2: param2 is 'Rain'; expected a number"),
        ("2026-02-30 10:00:00 state SUSPEND of P1", "is not a time"),
    ],
)
def test_wrong_lines(line: str, words: str) -> None:
    """A line that matches and cannot be read is an error with its number; skip_bad counts it."""
    text = f"state RESUME of P1\n{line}\n"
    assert words in refused(text, STATE)
    trace, messages = reading(text, STATE, skip_bad=True)
    assert (len(messages), trace.bad, trace.first_bad) == (1, 1, 2)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?P<message>(a+)+)$",
        r"(?P<message>(a|aa)+)!",
        r"(.*)(.*)(.*)(.*)(.*)(?P<message>b)",
        r"(?P<message>a?)" + "a?" * 200 + "a" * 200,
    ],
)
def test_hostile_lines_and_patterns(pattern: str) -> None:
    """Expressions that take a backtracking matcher for ever take no time here, on lines that are made for it."""
    start = time.process_time()
    found, _ = reading(f"{'a' * 1_000_000}!\n" * 3, pattern, skip_bad=True)
    assert time.process_time() - start < 20
    assert found.format == "line-pattern"
