"""The pytest plugin: its fixture, its explanations, scenarios as tests, and what it costs.

It stands alone, so that it can also be run by the lowest pytest that is supported (test_pytest_versions.py).
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SCENARIOS = Path(__file__).parents[2] / "fixtures"

GIVEN = """
    import cti_es

    def given(cti):
        cti.given(nodes="cm1 cm2", port="CTIP01 5001", opened_by="ivr")
        cti.when.node_failed("cm1")
"""


@pytest.fixture(autouse=True)
def run(pytester, monkeypatch):
    """Run pytest in the folder of the test, with this plugin and no other that is installed."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    return lambda *words: pytester.runpytest_inprocess("-p", "cti_es.testing.pytest_plugin", *words)


@pytest.fixture
def scenario(pytester):
    """A folder with the worked example as a scenario, which the settings name."""
    pytester.makeini("[pytest]\ncti_scenarios = scenarios")
    folder = pytester.path / "scenarios" / "failover"
    shutil.copytree(SCENARIOS / "01-worked-example", folder)
    return folder


def test_the_fixture(pytester, run):
    """A test that takes ``cti`` passes or fails, and the line of the summary says what differs first."""
    pytester.makepyfile(
        GIVEN
        + """
    def test_right(cti):
        given(cti)
        cti.then.app("ivr").is_told("SUSPEND", "OUTOFSERVICE 5001", "RESUME", "INSERVICE 5001")

    def test_wrong(cti):
        given(cti)
        cti.then.app("ivr").is_told("SUSPEND", "OUTOFSERVICE 5001", "RESUME")
    """
    )
    result = run()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            '>       cti.then.app("ivr").is_told("SUSPEND", "OUTOFSERVICE 5001", "RESUME")',
            "E       AssertionError: ivr: unexpected INSERVICE CTIP01/5001*",
            "E       DIFFERS: 3 of 3 expected messages matched",
            "E         RESUME CTIP01 * event 5: node_failed node=cm1",
            "FAILED *::test_wrong - AssertionError: ivr: unexpected INSERVICE CTIP01/5001*",
        ]
    )
    result.stdout.no_fnmatch_line("*check_told*")


def test_errors_of_a_test_point_at_its_line(pytester, run):
    """A name or a message that cannot be is an error at the line of the test, without a look into cti-es."""
    wrong = {
        'cti.when.node_failed("cm22")': "*MisfitsRefused: misfit 6 unknown_node *did you mean 'cm2'?",
        'cti.then.app("irv")': "*InputError: there is no application 'irv'*",
        'cti.then.app("ivr").is_told("SUSPEND 5001")': "*InputError: 'SUSPEND 5001': SUSPEND is about a device*",
        'cti.then.device("CTIP01").is_at("cm1")': "AssertionError: CTIP01 is in service at cm2 *",
        'cti.given(log="nothing.ndjson")': "*InputError: nothing.ndjson: no such file*",
        'cti.trace("nothing.log")': "*InputError: nothing.log: no such file*",
    }
    tests = [f"    def test_{number}(cti):\n        given(cti)\n        {line}\n" for number, line in enumerate(wrong)]
    pytester.makepyfile(GIVEN + "\n" + "\n".join(tests))
    result = run()

    result.assert_outcomes(failed=len(wrong))
    result.stdout.fnmatch_lines(
        [text for line, said in wrong.items() for text in (f">       {line}", f"E       {said}")]
    )
    assert not [line for line in result.outlines if "cti_es/" in line]


def test_equal_traces_are_explained(pytester, run):
    """``assert trace == expected`` is true if diff finds nothing; else it shows the first difference first."""
    pytester.makepyfile(
        GIVEN
        + """
    import msgspec

    def read(messages):
        with open("received.log", "wb") as file:
            file.writelines(msgspec.json.encode(message) + b"\\n" for message in messages)
        return cti_es.read_trace("received.log")

    def test_right(cti):
        given(cti)
        trace = read(cti.log.messages())
        assert trace == cti.log
        assert cti.log == trace
        assert trace == cti.log.messages(app="ivr")
        assert trace == read(cti.log.messages())
        assert trace != []
        assert trace != "received.log"

    def test_log(cti):
        given(cti)
        assert cti.log == read(cti.log.messages()[:3])

    def test_trace(cti):
        given(cti)
        trace = read(cti.log.messages()[1:])
        assert trace == read(cti.log.messages())

    def test_lists(cti):
        given(cti)
        assert cti.log.messages()[:3] == cti.log.messages()

    def test_else(cti):
        given(cti)
        assert cti.log.messages()[0] == cti.log.messages()[1]
    """
    )
    result = run("-vv")

    result.assert_outcomes(passed=1, failed=4)
    result.stdout.fnmatch_lines(
        [
            "E       *assert missing INSERVICE CTIP01/5001*",
            "E         First divergence: missing in CTIP01/5001 of ivr handle 4",
            "E           caused by   event 5: node_failed node=cm1",
            "FAILED *::test_log - *missing INSERVICE CTIP01/5001*",
            "FAILED *::test_trace - *missing SUSPEND CTIP01*",
            "FAILED *::test_lists - *missing INSERVICE CTIP01/5001*",
            "FAILED *::test_else - *Message(*",
        ]
    )


def test_scenarios_are_tests(scenario, run):
    """Each file of what is expected is a test; a failure is the report, with the first difference in the summary."""
    assert run().parseoutcomes() == {"passed": 2}

    messages = (scenario / "messages.ndjson").read_text().splitlines(keepends=True)
    (scenario / "messages.ndjson").write_text("".join(messages[1:]))
    homes = (scenario / "homes.ndjson").read_text()
    (scenario / "homes.ndjson").write_text(homes.replace('"home":"cm1"', '"home":"cm2"', 1))
    result = run()

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*failover: messages*",
            "*unexpected SUSPEND CTIP_IVR_01 (CallManagerFailure)",
            "Expected: messages.ndjson (ndjson), 19 messages",
            "*CTIP_IVR_01: home is cm1, expected cm2",
            "FAILED scenarios/failover/log.ndjson::messages - Failed: unexpected SUSPEND CTIP_IVR_01*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_other_folders_are_left_alone(scenario, pytester, run):
    """Without the setting, and outside the folders that it names, a log is no test."""
    other = pytester.mkdir("data")
    shutil.copy(scenario / "log.ndjson", other)

    assert run().parseoutcomes() == {"passed": 2}
    assert run(other).parseoutcomes() == {}
    pytester.makeini("[pytest]")
    assert run().parseoutcomes() == {}


def test_an_update_writes_and_shows_what_changed(scenario, run):
    """``--cti-update`` makes the files what the log gives, byte for byte, and says what is expected now."""
    files = [scenario / "messages.ndjson", scenario / "homes.ndjson"]
    right = [path.read_bytes() for path in files]
    files[0].write_bytes(b"".join(right[0].splitlines(keepends=True)[1:]))
    files[1].write_bytes(right[1].replace(b'"home":"cm1"', b'"home":"cm2"', 1))
    result = run("--cti-update")

    assert [path.read_bytes() for path in files] == right
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "*cti-es: what scenarios expect now*",
            "scenarios/failover/log.ndjson::messages",
            "unexpected SUSPEND CTIP_IVR_01 (CallManagerFailure)",
            "scenarios/failover/log.ndjson::homes",
            "CTIP_IVR_01: home is cm1, expected cm2",
        ]
    )
    run("--cti-update").stdout.no_fnmatch_line("*what scenarios expect now*")


def test_an_update_makes_the_messages_of_a_new_scenario(scenario, run):
    """A log alone fails and says how to make the rest; the homes are kept only where there is a file of them."""
    (scenario / "messages.ndjson").unlink()
    (scenario / "homes.ndjson").unlink()
    run().stdout.fnmatch_lines(["*messages.ndjson: no such file; pytest --cti-update makes it, to be read and kept"])
    run("--cti-update").stdout.fnmatch_lines(["messages.ndjson is new"])

    assert sorted(path.name for path in scenario.iterdir()) == ["README.md", "log.ndjson", "messages.ndjson"]
    assert run().parseoutcomes() == {"passed": 1}


def test_an_update_of_a_log_with_misfits_is_refused(scenario, run):
    """Nothing is written; the error says to mend the log, or which line says that it is meant."""
    with (scenario / "log.ndjson").open("a") as log:
        log.write('{"type":"node_failed","node":"cm7"}\n')
    before = (scenario / "messages.ndjson").read_bytes()
    (scenario / "messages.ndjson").write_bytes(b"")
    refused = run("--cti-update")

    refused.assert_outcomes(failed=2)
    refused.stdout.fnmatch_lines(
        [
            "*log.ndjson: misfit 11 unknown_node unknown node 'cm7'; mend the log; or, if it is meant not to fit,"
            ' write the line {"version":11,"code":"unknown_node"} into misfits.ndjson'
        ]
    )
    assert (scenario / "messages.ndjson").read_bytes() == b""
    (scenario / "misfits.ndjson").write_text('{"version":11,"code":"unknown_node"}\n')
    run("--cti-update").assert_outcomes(passed=2)
    assert (scenario / "messages.ndjson").read_bytes() == before
    (scenario / "misfits.ndjson").write_text('{"version":11,"code":"unknown_node"}\n{"version":4,"code":"empty"}\n')
    run().stdout.fnmatch_lines(["*misfits.ndjson: no misfit empty at version 4 of log.ndjson; take the line out *"])


def test_files_that_cannot_be_read(scenario, run):
    """What is no log, no message and no home is an error with its line; an update replaces the last two."""
    (scenario / "messages.ndjson").write_text("nonsense\n")
    (scenario / "homes.ndjson").write_text('{"device":1}\n')
    result = run()
    result.stdout.fnmatch_lines(["*messages.ndjson: no known trace format*", "*homes.ndjson:1: *"])
    result.stdout.no_fnmatch_line("*Traceback*")
    run("--cti-update").assert_outcomes(passed=2)
    assert run().parseoutcomes() == {"passed": 2}
    (scenario / "log.ndjson").write_text('{"type":"nod_failed"}\n')
    run("--cti-update").stdout.fnmatch_lines(["*log.ndjson:1: *unknown event type 'nod_failed'; did you mean*"])


def test_a_folder_that_cannot_be_written_to(scenario, run, monkeypatch):
    """The error names the file, nothing is left behind, and the old file is as it was."""
    old = (scenario / "messages.ndjson").read_bytes()[:-2]
    (scenario / "messages.ndjson").write_bytes(old)

    def refuse(self, target):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "replace", refuse)
    result = run("--cti-update", "-p", "no:cacheprovider")

    result.stdout.fnmatch_lines(["scenarios/failover/messages.ndjson: Permission denied"])
    assert (scenario / "messages.ndjson").read_bytes() == old
    assert len(list(scenario.iterdir())) == 4


def test_a_silent_scenario(scenario, run):
    """A log that causes nothing is expected to: an empty file of messages is right for it, and wrong for others."""
    (scenario / "messages.ndjson").write_text("")
    run().stdout.fnmatch_lines(["DIFFERS: 0 of 0 expected messages matched"])
    (scenario / "log.ndjson").write_text('{"type":"node_added","node":"cm1"}\n')
    (scenario / "homes.ndjson").unlink()

    assert run().parseoutcomes() == {"passed": 1}


def test_it_costs_nothing_where_it_is_not_used():
    """Importing the plugin imports pytest and the empty packages around it, and nothing else."""
    code = "import pytest, sys; before = set(sys.modules); import cti_es.testing.pytest_plugin; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["cti_es", "cti_es.testing", "cti_es.testing.pytest_plugin"]
