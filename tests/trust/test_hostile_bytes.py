"""Hostile characters in every place where a name can stand: the short form of tests/campaigns/hostile_bytes.py."""

from pathlib import Path

from campaigns import hostile_bytes
from campaigns.running import Ran

ROUNDS = 60


def test_hostile_bytes(tmp_path: Path) -> None:
    """Wherever they stand they are refused or escaped, and no command ends in a traceback."""
    report = hostile_bytes.campaign(tmp_path, ROUNDS, 20260101)

    assert report.failures == []
    assert [report.counts[f"places: {place.__name__}"] for place in hostile_bytes.PLACES] == [10] * 6


def test_what_is_raw_would_be_found() -> None:
    """A command that shows a zero width space in text, or an escape sequence in an error, is reported."""
    assert hostile_bytes._wrong(Ran(("log", "x"), 0, "a\u200b".encode(), ""))
    assert hostile_bytes._wrong(Ran(("log", "x", "--ndjson"), 2, b"", "\x1b[31m"))
    assert hostile_bytes._wrong(Ran(("log", "x", "--ndjson"), 0, "a\u200b".encode(), "")) is None
