"""How TAPI Browser wraps parameters and numbers handles. What it writes is read back in tests/traces/forms."""

import pytest

from cti_es.report.tapi_browser import handle_number, param_lines, write
from cti_es.vocabulary.tapi import LINEDEVSTATE, MESSAGE_IDS, PHONESTATE, Message


def test_handle_numbers() -> None:
    """The n-th handle that was opened is 0x10000 + 16·n, n from 0."""
    assert [f"{handle_number(place):x}" for place in (0, 1, 2, 16)] == ["10000", "10010", "10020", "10100"]


def test_wrapping() -> None:
    """The wrap example: a line over 50 characters is full, unnamed bits come last."""
    assert param_lines(1, 0x20208CC, LINEDEVSTATE) == [
        "  param1=x20208cc, CONNECTED DISCONNECTED INSERVICE ",
        "    OUTOFSERVICE NUMCALLS DEVSPECIFIC <unknown flag(s)>",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, ["  param1=x0, "]),
        (0x80000000, ["  param1=x80000000, <unknown flag(s)>"]),
        (0x8C, ["  param1=x8c, CONNECTED DISCONNECTED OUTOFSERVICE "]),
        (0x88C, ["  param1=x88c, CONNECTED DISCONNECTED OUTOFSERVICE ", "    NUMCALLS "]),
        (0x188, ["  param1=x188, DISCONNECTED OUTOFSERVICE MAINTENANCE "]),
        (0x40000188, ["  param1=x40000188, DISCONNECTED OUTOFSERVICE MAINTENANCE ", "<unknown flag(s)>"]),
    ],
    ids=["none", "unnamed only", "50 characters", "51 characters", "full at the end", "unnamed after a full line"],
)
def test_wrapping_by_length(value: int, expected: list[str]) -> None:
    """Flags are appended while a line is at most 50 characters long; a full last line leaves no other behind it."""
    assert param_lines(1, value, LINEDEVSTATE) == expected


def phone_state(param1: int, param2: int) -> str:
    """What is written for a PHONE_STATE."""
    one = Message(
        1, 9, None, "app", "P", None, 5, "PHONE_STATE", MESSAGE_IDS["PHONE_STATE"], None, param1, None, param2, 0, "x"
    )
    return b"".join(write([one], lambda key: 0x10000)).decode()


def test_hook_switch() -> None:
    """Parameter 2 of a PHONE_STATE has names only if parameter 1 is exactly one hook switch."""
    hook = PHONESTATE["HEADSETHOOKSWITCH"]
    assert "  param2=x1, ONHOOK \n" in phone_state(hook, 1)
    assert "  param2=x1, \n" in phone_state(hook | PHONESTATE["SUSPEND"], 1)
