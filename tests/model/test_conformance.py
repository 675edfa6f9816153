"""The conformance logs, made by an independent implementation: equal in every field but ``rule``."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from conftest import ROOT
from support import naive
from support.strategies import placed

from cti_es.logs.ndjson import read_events
from cti_es.model.replay import Replay
from cti_es_cli.main import main

FOLDER = ROOT.parent / "shared" / "conformance"
LOGS = [log for part in ("base", "tsp", "links", "config") for log in sorted((FOLDER / part).glob("*.log.ndjson"))]
without = pytest.mark.skipif(not LOGS, reason=f"the conformance logs are not part of the project: no {FOLDER}")
each = pytest.mark.parametrize("log", LOGS, ids=lambda path: f"{path.parent.name}-{path.name.split('.')[0]}")


def rows(text: bytes) -> list[dict[str, Any]]:
    """The objects of some NDJSON, without the field that the conformance logs do not have."""
    found = [msgspec.json.decode(line) for line in text.splitlines()]
    return [{name: value for name, value in row.items() if name != "rule"} for row in found]


def expected(log: Path, what: str) -> list[dict[str, Any]]:
    """The messages or homes that belong to a log."""
    return rows(log.with_name(log.name.replace(".log.", f".{what}.")).read_bytes())


@without
@each
def test_library_conforms(log: Path) -> None:
    """The library's messages and homes of the bare file are those of the independent implementation."""
    replay = Replay()
    messages = []
    with log.open("rb") as stream:
        for lines in read_events(stream, log.name):
            messages += [msgspec.json.encode(message) for message in replay.messages(lines.events)]

    assert rows(b"\n".join(messages)) == expected(log, "messages")
    assert placed(replay) == expected(log, "homes")


@without
@each
def test_store_conforms(log: Path, tmp_path: Path) -> None:
    """So are those that the commands print from a store."""
    store = str(tmp_path / "site.db")
    commands = [
        ["append", store, "--from", str(log), "--allow-misfits"],
        ["replay", store, "--ndjson"],
        ["homes", store, "--ndjson"],
    ]
    appended, replayed, homes = [CliRunner().invoke(main, command) for command in commands]

    assert (appended.exit_code, replayed.exit_code, homes.exit_code) == (0, 0, 0)
    assert rows(replayed.stdout_bytes) == expected(log, "messages")
    assert rows(homes.stdout_bytes) == expected(log, "homes")


@without
@each
def test_naive_fold_conforms(log: Path) -> None:
    """The naive fold, which checks the real one on random logs, agrees with the independent implementation, too."""
    found = naive.fold([msgspec.json.decode(line) for line in log.read_bytes().splitlines()])

    assert rows(b"\n".join(map(msgspec.json.encode, found.messages))) == expected(log, "messages")
    assert found.homes == expected(log, "homes")
