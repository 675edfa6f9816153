"""A side that is checked: in the order in which its messages were received, and never passed over in silence."""

from io import BytesIO

import pytest

from cti_es.traces.checking import Checked, check_side
from cti_es.traces.recognise import read_trace
from cti_es.traces.sides import EVERYTHING, TraceSide
from cti_es.vocabulary.errors import InputError

OUT, IN, RINGING = "LINE_LINEDEVSTATE,128,3", "LINE_LINEDEVSTATE,64,0", "LINE_LINEDEVSTATE,2,0"


def checked(*rows: str) -> tuple[Checked, list[str]]:
    """What is found in a trace of one handle, one message a second, and its warnings."""
    text = "\n".join(["message,param1,param2,handle,at", *rows, ""])
    side = TraceSide([("t.csv", read_trace(BytesIO(text.encode()), "t.csv"))], EVERYTHING)
    return check_side(side), side.warnings


def at(second: int, says: str) -> str:
    return f"{says},1,2026-01-01T08:00:{second:02}Z"


def test_newest_first() -> None:
    """A trace whose newest messages come first is read from its end, and says so; places are those of the file."""
    newest_first = [at(9, OUT), at(5, OUT), at(2, IN), at(1, OUT)]
    found, warnings = checked(*newest_first)

    assert [(one.rule, one.place) for one in found.violations] == [("alternates", 2), ("still_out", 2)]
    assert warnings == ["the newest messages of t.csv come first: it was read from its end"]


def test_a_jump_in_time() -> None:
    """Where times go back here and there, the order of the lines counts, and the first place is named."""
    found, warnings = checked(at(1, OUT), at(9, IN), at(5, OUT), at(6, IN))

    assert found.violations == []
    assert warnings == ["times go back at t.csv:4; the order of its lines counts"]


def test_other_messages_are_counted() -> None:
    """What is not checked is said; a trace of nothing else was not checked at all."""
    assert checked(at(1, OUT), at(2, RINGING), at(3, IN))[0].left_out == "1 LINEDEVSTATE_RINGING"
    with pytest.raises(InputError, match=r"no message to check \(1 LINEDEVSTATE_RINGING\)"):
        checked(at(2, RINGING))
