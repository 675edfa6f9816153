"""Lint: what every trace must keep."""

import pytest

from cti_es.traces.diff.lint import lint
from cti_es.vocabulary.tapi import TraceMessage

OUT, IN = ("LINE_LINEDEVSTATE", 0x80), ("LINE_LINEDEVSTATE", 0x40)
SUSPEND, RESUME = ("PHONE_STATE", 0x40000), ("PHONE_STATE", 0x80000)
CLOSE, PHONE_CLOSE = ("LINE_CLOSE", 0), ("PHONE_CLOSE", 0)


def trace(*messages, reason=1):
    """A trace of one device with one line, all under handle 5."""
    return [
        TraceMessage(place, name, param1, reason if (name, param1) in (OUT, SUSPEND) else 0, "app", "D",
                 "1" if name.startswith("LINE") else None, "5")
        for place, (name, param1) in enumerate(messages, 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("messages", "rules"),
    [
        ([SUSPEND, OUT, RESUME, IN], []),
        ([IN, OUT, IN], []),
        ([OUT, OUT, IN], ["alternates"]),
        ([OUT, IN, IN], ["alternates"]),
        ([OUT, CLOSE, OUT, IN], []),
        ([OUT, CLOSE, IN], []),
        ([OUT, CLOSE, CLOSE], ["after_close"]),
        ([OUT, PHONE_CLOSE, CLOSE], []),
        ([OUT, IN, PHONE_CLOSE], ["closed_alone"]),
        ([OUT, CLOSE, PHONE_CLOSE], []),
    ],
    ids=str,
)
def test_rules(messages, rules):
    """Each rule is broken by what breaks it and by nothing else."""
    assert [one.rule for one in lint([trace(*messages)])] == rules


def test_still_out_is_a_warning_unless_strict():
    """A handle that is still out at the end may come back after the trace."""
    messages = trace(OUT)

    assert [(one.rule, one.warning) for one in lint([messages])] == [("still_out", True)]
    assert [(one.rule, one.warning) for one in lint([messages], strict=True)] == [("still_out", False)]


def test_an_unknown_reason_is_named_by_its_number():
    """A reason outside the known table is shown in hexadecimal."""
    (found,) = lint([trace(OUT, IN, reason=0x42)])

    assert found.rule == "unknown_reason"
    assert "0x42" in found.text
