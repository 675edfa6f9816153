"""What a file is, its content says; and what both sides can tell decides what is compared."""

from pathlib import Path

import pytest

from cti_es.traces.comparing import SideOptions, compare_sides, open_side, open_sides, sure_of_reasons, warnings_of
from cti_es.traces.diff.compare import Comparison, DiffOptions
from cti_es.traces.sides import LogSide, Side
from cti_es.vocabulary.errors import InputError, NothingExpected

LOG = """\
{"type":"node_added","node":"cm1","at":"2026-01-01T08:00:00Z"}
{"type":"node_added","node":"cm2","at":"2026-01-01T08:00:00Z"}
"""
TRACE = """\
message,param1,param2,app,device,line,at
LINE_LINEDEVSTATE,128,3,a,D,1,2026-01-01T08:00:00Z
LINE_LINEDEVSTATE,64,0,a,D,1,2026-01-01T08:00:09Z
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log, a trace, and an empty file."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("log", LOG), ("trace", TRACE), ("empty", "")):
        Path(name).write_text(text)


def compared(expected: str, *actual: str) -> tuple[tuple[Side, Side], Comparison]:
    with open_side(expected, SideOptions()) as one, open_sides(actual, SideOptions()) as other:
        return (one, other), compare_sides((one, other), DiffOptions())


@pytest.mark.parametrize(("name", "kind"), [("log", "replayed"), ("trace", "csv")])
def test_the_content_decides(name: str, kind: str) -> None:
    """A log is replayed, a trace is read in the format that it shows."""
    with open_side(name, SideOptions()) as side:
        assert (side.kind, isinstance(side, LogSide)) == (kind, kind == "replayed")


@pytest.mark.parametrize(
    ("names", "what"),
    [(["empty"], "nothing in it"), (["trace", "log"], "a log among several files")],
)
def test_what_is_no_side(names: list[str], what: str) -> None:
    """An empty file and a log among traces are refused."""
    with pytest.raises(InputError, match=what), open_sides(names, SideOptions()):
        pass


def test_a_log_that_causes_nothing_expects_silence() -> None:
    """Whatever came is unexpected; silence on both sides is nothing to compare."""
    _, found = compared("log", "trace")

    assert [one.kind for one in found.differences] == ["unexpected", "unexpected"]
    with pytest.raises(NothingExpected):
        compared("log", "log")


def test_one_application_of_several() -> None:
    """A trace of one application is compared with the messages to that one, and a warning says so."""
    Path("both").write_text(TRACE + "PHONE_STATE,262144,3,b,E,,2026-01-01T08:00:09Z\n")
    sides, found = compared("both", "trace")

    assert (found.conforms, found.expected) == (True, 2)
    assert warnings_of(sides) == ["trace is of a alone, so only that application is compared"]


def test_a_warning_is_said_once() -> None:
    """A log whose times go backwards, compared with itself, is one log."""
    added = '{"type":"device_added","device":"D","kind":"cti_port","group":["cm1"],"lines":["1"]}\n'
    opened = '{"type":"device_opened","app":"a","device":"D"}\n'
    failed = '{"type":"node_failed","node":"cm1","at":"2026-01-01T07:00:00Z"}\n'
    Path("back").write_text(LOG + added + opened + failed)
    sides, found = compared("back", "back")

    assert found.matched > 0
    assert [one.warnings for one in sides] == [warnings_of(sides)] * 2
    assert len(warnings_of(sides)) == 1


def test_reasons_of_a_log_are_sure() -> None:
    """Only formats that cannot tell reasons leave them open."""
    with open_side("log", SideOptions()) as one, open_side("trace", SideOptions()) as other:
        assert sure_of_reasons((one, other))
