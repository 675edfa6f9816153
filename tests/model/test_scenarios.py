"""Every folder of fixtures/: the log gives exactly the messages, homes and misfits that lie beside it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from conftest import SCENARIOS
from support import naive, refresh_scenarios
from support.strategies import placed

from cti_es.logs.ndjson import read_events, write_events
from cti_es.model.replay import Replay
from cti_es.model.rules import RULES
from cti_es.testing.worked_example import EVENTS
from cti_es_cli.main import main

FEWEST = 119
each = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
with_misfits = pytest.mark.parametrize(
    "scenario", [path for path in SCENARIOS if (path / "misfits.ndjson").exists()], ids=lambda path: path.name
)


def rows(path: Path) -> list[dict[str, Any]]:
    """The objects of an NDJSON file; none if there is no such file."""
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def cti_es(*arguments: object) -> Result:
    """Run a command that must end well."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


def stored(scenario: Path, folder: Path) -> Path:
    """The scenario's log in a store."""
    store = folder / "site.db"
    cti_es("append", store, "--from", scenario / "log.ndjson", "--allow-misfits")
    return store


@each
def test_library_gives_the_messages_homes_and_misfits(scenario: Path) -> None:
    """Reading the bare file and folding it with the library gives the three files."""
    replay = Replay()
    messages = []
    with (scenario / "log.ndjson").open("rb") as stream:
        for lines in read_events(stream, scenario.name):
            messages += msgspec.to_builtins(list(replay.messages(lines.events)))

    assert messages == rows(scenario / "messages.ndjson")
    assert placed(replay) == rows(scenario / "homes.ndjson")
    assert [{"version": one.version, "code": one.code} for one in replay.misfits] == rows(scenario / "misfits.ndjson")


@each
def test_naive_fold_gives_the_same(scenario: Path) -> None:
    """The expected files are also what the second implementation computes, so they do not rest on one reading."""
    found = naive.fold(rows(scenario / "log.ndjson"))

    assert found.messages == rows(scenario / "messages.ndjson")
    assert found.homes == rows(scenario / "homes.ndjson")
    assert found.misfits == [one["version"] for one in rows(scenario / "misfits.ndjson")]


@each
@pytest.mark.parametrize("kept", ["file", "store"])
def test_command_line_prints_the_files_byte_for_byte(scenario: Path, kept: str, tmp_path: Path) -> None:
    """``replay --ndjson`` and ``homes --ndjson`` print the files, from a bare file and from a store."""
    source = scenario / "log.ndjson" if kept == "file" else stored(scenario, tmp_path)

    assert cti_es("replay", source, "--ndjson").stdout_bytes == (scenario / "messages.ndjson").read_bytes()
    assert cti_es("homes", source, "--ndjson").stdout_bytes == (scenario / "homes.ndjson").read_bytes()


@each
def test_log_is_canonical_and_comes_back_from_a_store(scenario: Path, tmp_path: Path) -> None:
    """A scenario's log is in canonical form, so export gives it back byte for byte."""
    log = (scenario / "log.ndjson").read_bytes()
    with (scenario / "log.ndjson").open("rb") as stream:
        canonical = b"".join(write_events(lines.events) for lines in read_events(stream, ""))

    assert canonical == log
    assert cti_es("export", stored(scenario, tmp_path)).stdout_bytes == log


@with_misfits
def test_misfits_are_printed_with_version_code_and_reason(scenario: Path) -> None:
    """``replay --misfits`` prints them; plain ``replay`` names the same ones on standard error and exits 0."""
    source = scenario / "log.ndjson"
    found = [
        msgspec.json.decode(line) for line in cti_es("replay", source, "--misfits", "--ndjson").stdout.splitlines()
    ]
    warnings = cti_es("replay", source).stderr.splitlines()

    assert [{"version": one["version"], "code": one["code"]} for one in found] == rows(scenario / "misfits.ndjson")
    assert warnings == [f"misfit {one['version']} {one['code']} {one['text']}" for one in found]


@with_misfits
def test_log_with_misfits_is_appended_only_if_they_are_allowed(scenario: Path, tmp_path: Path) -> None:
    """Without ``--allow-misfits`` the append exits 2, names each misfit and makes no store."""
    store = tmp_path / "site.db"
    refused = CliRunner().invoke(main, ["append", str(store), "--from", str(scenario / "log.ndjson")])
    there = store.exists()
    allowed = cti_es("append", store, "--from", scenario / "log.ndjson", "--allow-misfits")
    misfits = rows(scenario / "misfits.ndjson")

    assert (refused.exit_code, there) == (2, False)
    assert all(f"misfit {one['version']} {one['code']} " in refused.stderr for one in misfits)
    assert f"misfits {len(misfits)}, " in allowed.stderr


def test_there_are_enough_scenarios_and_misfits_among_them() -> None:
    """The folders are found at all, and some of them hold misfits."""
    misfits = [path for path in SCENARIOS if (path / "misfits.ndjson").exists()]

    assert len(SCENARIOS) >= FEWEST
    assert misfits


@each
def test_readme_is_one_line(scenario: Path) -> None:
    """One line says what the scenario shows."""
    text = (scenario / "README.md").read_text(encoding="utf-8")

    assert text.strip()
    assert text.count("\n") == 1
    assert text.endswith("\n")


def test_every_rule_has_a_scenario() -> None:
    """Every rule identifier occurs in a scenario, and no other does."""
    found = {message["rule"] for scenario in SCENARIOS for message in rows(scenario / "messages.ndjson")}

    assert found == set(RULES)


def test_first_scenario_is_the_worked_example() -> None:
    """What ``demo`` runs is the first scenario."""
    log = SCENARIOS[0] / "log.ndjson"

    assert log.read_bytes() == EVENTS


def test_the_index_and_the_links_of_the_rules_are_those_of_the_scenarios() -> None:
    """fixtures/README.md and the page of the rules are what tests/support/refresh_scenarios.py writes."""
    found = refresh_scenarios.rules_of_scenarios()
    page = refresh_scenarios.RULES_PAGE.read_text("utf-8")

    assert refresh_scenarios.INDEX.read_text("utf-8") == refresh_scenarios.index(found)
    assert page == refresh_scenarios.linked(page, found)
    assert page.count("* **Scenarios:** ") == len(RULES)
