"""What tests of the answers share: the scenarios as events and as homes, and the command itself."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from conftest import SCENARIOS
from support.strategies import Json, placed, run

from cti_es.logs.append import AppendOptions, append
from cti_es.logs.ndjson import read_events
from cti_es.logs.reading import StoredLog
from cti_es.logs.store import MemoryStore
from cti_es.vocabulary.events import Event, NumberedEvents
from cti_es_cli.main import main

each = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
WORKED = SCENARIOS[0] / "log.ndjson"


@cache
def events_of(scenario: Path) -> list[Event]:
    """The events of a scenario."""
    with (scenario / "log.ndjson").open("rb") as stream:
        return [event for lines in read_events(stream, "log") for event in lines.events]


@cache
def homes_at(scenario: Path, version: int) -> dict[str, Json]:
    """Where every device is at a version, by folding from the start."""
    return {found["device"]: found for found in placed(run(events_of(scenario)[:version])[1])}


def cti_es(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def plain(found: Any) -> Any:
    """A Struct as plain data."""
    return msgspec.to_builtins(found)


def stored(events: list[Event]) -> StoredLog:
    """A log in memory."""
    store = MemoryStore()
    append(store, "lab", [NumberedEvents(range(1, len(events) + 1), events)], AppendOptions("log", allow_misfits=True))
    return StoredLog(store, "lab", "memory:#lab")
