"""How the work of every command grows with the log: the short form of tests/campaigns/growth.py."""

from pathlib import Path

import pytest
from campaigns import growth

QUICK = "lines"


@pytest.mark.parametrize(
    "shape", [shape if shape == QUICK else pytest.param(shape, marks=pytest.mark.slow) for shape in growth.SHAPES]
)
def test_twice_the_events_are_about_twice_the_work(shape: str, tmp_path: Path) -> None:
    """No command does the square of what it is given, counted in lines of Python that it runs."""
    found = growth.growth(tmp_path, shape, 50)

    assert list(found) == list(growth.COMMANDS)
    assert [problem for problem in found.values() if problem] == []


def test_the_square_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that goes through all pairs of events is reported."""

    def pairs(folder: Path, *arguments: str) -> tuple[int, str | None]:
        events = (folder / "log.ndjson").read_bytes().count(b"\n")
        return events * events, None

    monkeypatch.setattr(growth, "counted", pairs)

    assert all(growth.growth(tmp_path, "calls", 50).values())
