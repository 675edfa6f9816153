"""Where a test is: the tests of ``cti_es/a/b.py`` are ``tests/a/test_b.py``, of ``cli/commands/c.py`` ``tests/cli/test_c.py``.

What is tested as a whole, or together with its neighbours, stands in the two tables here.
"""

from pathlib import Path

import pytest
from conftest import ROOT

TESTS = ROOT / "tests"

TOGETHER = {
    "answers/failures": "answers/test_incidents",
    "answers/names": "answers/test_outages",
    "answers/notes": "answers/test_message",
    "answers/out_of_service": "answers/test_outages",
    "answers/window": "answers/test_outages",
    "cli/comparison": "cli/test_diff",
    "cli/observing": "cli/test_outages",
    "traces/observing": "cli/test_outages",
    "cli/appending": "cli/test_append",
    "cli/complaints": "cli/test_bad_input",
    "cli/exits": "cli/test_bad_input",
    "cli/hints": "cli/test_bad_input",
    "cli/main": "cli/test_help",
    "cli/options": "cli/test_help",
    "cli/output": "cli/test_formats",
    "cli/progress": "cli/test_formats",
    "cli/sources": "cli/test_stores",
    "cli/cluster_views": "cli/test_import",
    "cli/answer_views": "cli/test_formats",
    "cli/log_views": "cli/test_formats",
    "cli/trace_views": "cli/test_formats",
    "cli/views": "cli/test_formats",
    "cli/demo": "cli/test_good_input",
    "cli/lint": "cli/test_diff",
    "cli/log": "cli/test_follow",
    "cli/logs": "cli/test_stores",
    "cli/replay": "cli/test_replay_trace",
    "cucm/claims": "cucm/test_alarms",
    "cucm/connections": "cucm/test_importing",
    "cucm/cti_alarms": "cucm/test_alarms",
    "cucm/discover_queries": "cucm/test_discover",
    "cucm/discover_skeleton": "cucm/test_discover",
    "cucm/file_readers": "cucm/test_importing",
    "cucm/files": "cucm/test_importing",
    "cucm/findings": "cucm/test_importing",
    "cucm/origins": "cucm/test_log_lines",
    "cucm/parts": "cucm/test_log_lines",
    "cucm/past": "cucm/test_importing",
    "cucm/plan": "cucm/test_importing",
    "cucm/present": "cucm/test_importing",
    "cucm/records": "cucm/test_log_lines",
    "cucm/sdl_lines": "cucm/test_log_lines",
    "cucm/sequences": "cucm/test_alarms",
    "cucm/stamps": "cucm/test_log_lines",
    "cucm/topology_events": "cucm/test_topology",
    "cucm/topology_files": "cucm/test_topology",
    "cucm/topology_import": "cucm/test_topology",
    "cucm/topology_rows": "cucm/test_topology",
    "cucm/topology_xml": "cucm/test_topology",
    "cucm/translation": "cucm/test_importing",
    "cucm/unknowns": "cucm/test_importing",
    "cucm/unrecovered": "cucm/test_importing",
    "logs/append_files": "cli/test_append",
    "logs/fleet_items": "logs/test_fleet",
    "logs/fleet_processes": "logs/test_fleet",
    "logs/file_log": "logs/test_reading",
    "logs/memory_log": "test_api",
    "logs/open": "cli/test_stores",
    "logs/places": "cli/test_stores",
    "logs/store/base": "contract/test_rows",
    "logs/store/memory": "contract/test_rows",
    "logs/store/sqlite": "contract/test_rows",
    "model/book": "model/test_recovery",
    "model/providers": "model/test_tsp",
    "model/steps": "model/test_recovery",
    "report/diff_text": "cli/test_diff_report",
    "report/incident_text": "cli/test_incident",
    "report/junit": "cli/test_diff_report",
    "report/picture_axis": "report/test_picture",
    "report/picture_data": "report/test_picture",
    "report/picture_html": "report/test_picture",
    "report/picture_page": "report/test_picture",
    "report/picture_svg": "report/test_picture",
    "report/picture_words": "report/test_picture",
    "report/rows": "cli/test_schema",
    "cli/play": "testing/test_play",
    "report/one_line": "testing/test_play",
    "testing/faulty_trace": "cli/test_generate",
    "testing/loopback": "testing/test_play",
    "testing/explained": "testing/test_pytest_plugin",
    "testing/scenarios": "testing/test_pytest_plugin",
    "testing/told": "testing/test_given",
    "testing/words": "testing/test_given",
    "testing/worked_example": "model/test_scenarios",
    "traces/diff/channels": "traces/diff/test_compare",
    "traces/diff/checks": "traces/diff/test_lint",
    "traces/diff/differences": "traces/diff/test_compare",
    "traces/diff/handles": "traces/diff/test_compare",
    "traces/diff/states": "traces/diff/test_compare",
    "traces/forms/common": "traces/test_recognise",
    "traces/forms/csv_table": "traces/test_recognise",
    "traces/forms/guide": "traces/forms/test_tapi_traces",
    "traces/forms/ndjson": "traces/test_recognise",
    "traces/forms/one_line": "traces/forms/test_tapi_traces",
    "traces/forms/stamps": "traces/forms/test_tapi_traces",
    "traces/forms/tapi_browser": "traces/forms/test_tapi_traces",
    "traces/forms/values": "traces/forms/test_tapi_traces",
    "traces/handle_names": "cli/test_diff",
    "traces/sides": "cli/test_diff",
    "vocabulary/event_text": "vocabulary/test_events",
    "vocabulary/tapi": "model/test_tsp",
    "vocabulary/text_lines": "logs/test_ndjson",
    "traces/diff/reopened": "traces/diff/test_compare",
}
"""Module → the tests that meet it, for modules that have no file of tests of their own."""

WHOLE = {
    "browser": "mermaid_parser page pictures site",
    "cli": "bad_input cuts diff_files diff_hostile diff_report follow formats good_input gzip help names_wanted pipes replay_trace security stores widths",
    "contract": "ingests model rows snapshots transactions",
    "logs/store": "append_only readers view writers",
    "model": "conformance determinism machine scenarios tsp_behaviour worlds",
    "traces": "hostile",
    "traces/diff": "injected properties",
    "traces/forms": "tapi_traces",
    "trust": "crashes damage fuzz growth hostile_bytes hostile_schemas postgres shared_pages syscalls writers",
    "testing": "pytest_versions",
    "": "citations docs mirror packaging purity site without_python",
}
"""Folder → tests of more than one module: what users meet, what every store keeps, what holds for the whole model."""


def modules() -> set[str]:
    """Every module, as ``a/b``: of the command line ``cli/b``, wherever it is there."""
    library = {path.relative_to(ROOT / "cti_es").with_suffix("").as_posix() for path in (ROOT / "cti_es").rglob("*.py")}
    line = {f"cli/{path.stem.rstrip('_')}" for path in (ROOT / "cli").rglob("*.py")}
    return {one for one in library | line if not one.endswith(("__init", "__init__", "__main", "__main__"))}


def files() -> set[str]:
    """Every file of tests, as ``a/test_b``."""
    return {path.relative_to(TESTS).with_suffix("").as_posix() for path in TESTS.rglob("test_*.py")}


def own(module: str) -> str:
    """The file of tests of a module."""
    path = Path(module)
    return path.with_name(f"test_{path.name}").as_posix()


@pytest.mark.parametrize("module", sorted(modules()))
def test_the_tests_of_a_module_are_found_by_its_name(module: str) -> None:
    """A module has a file of tests of its name, or the table says which meet it, or those of its folder do."""
    folder = module.rpartition("/")[0]
    others = {TOGETHER[module]} if module in TOGETHER else {one for one in files() if one.rpartition("/")[0] == folder}

    assert own(module) in files() or others & files()
    assert not (own(module) in files() and module in TOGETHER)


@pytest.mark.parametrize("file", sorted(files()))
def test_a_file_of_tests_has_the_name_of_a_module(file: str) -> None:
    """Or it is about more than one, and stands in the list of those."""
    folder, _, name = file.rpartition("/")

    assert (file in map(own, modules())) != (name.removeprefix("test_") in WHOLE.get(folder, "").split())


def test_the_tables_name_nothing_that_is_gone() -> None:
    """A line of a table is about a module or a file that is there."""
    whole = {f"{folder}/test_{name}".lstrip("/") for folder, names in WHOLE.items() for name in names.split()}

    assert TOGETHER.keys() <= modules()
    assert whole <= files()
