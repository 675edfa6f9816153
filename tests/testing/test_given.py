"""Given / when / then: what a test says, what it is told when it is wrong, and the page about it."""

import doctest
import io
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT
from test_docs import blocks

from cti_es.logs.ndjson import write_events
from cti_es.testing import Cti
from cti_es.vocabulary.errors import InputError, MisfitsRefused
from cti_es_cli.main import main

PAGE = ROOT / "docs" / "reference" / "testing.md"


@pytest.fixture
def cti() -> Cti:
    """Two nodes, a port that an IVR has opened, and cm1 has failed."""
    cti = Cti()
    cti.given(nodes="cm1 cm2", port="CTIP01 5001", opened_by="ivr")
    cti.when.node_failed("cm1")
    return cti


def received(cti: Cti, path: Path, left_out: int | None = None) -> Path:
    """A trace of what an application received; the message with this number is lost."""
    log = path.with_suffix(".ndjson")
    log.write_bytes(write_events([one.event for one in cti.log.events()]))
    lines = CliRunner().invoke(main, ["replay", str(log), "--ndjson"]).stdout.splitlines(keepends=True)
    path.write_text("".join(line for number, line in enumerate(lines, 1) if number != left_out))
    return path


def test_the_example_of_the_issue(cti, tmp_path, monkeypatch):
    """A failover in five lines: what is there, what happens, what the application is told and received."""
    monkeypatch.chdir(tmp_path)
    received(cti, tmp_path / "received.log")

    cti.then.app("ivr").is_told("SUSPEND", "OUTOFSERVICE 5001", "RESUME", "INSERVICE 5001")
    assert cti.trace("received.log").conforms()


def test_a_test_that_expects_something_else_fails_with_a_report(cti):
    """The failure begins with the first difference, has the report of diff, and says what the application is told."""
    with pytest.raises(AssertionError) as failure:
        cti.then.app("ivr").is_told("SUSPEND", "OUTOFSERVICE 5001 (DeviceFailure)", "INSERVICE 5001")
    first, *rest = str(failure.value).split("\n")

    assert first == "ivr: unexpected RESUME CTIP01 (and 1 more)"
    assert "DIFFERS: 2 of 3 expected messages matched" in rest
    assert "  DeviceFailure → CallManagerFailure, 1 time" in rest
    assert rest[-2] == "  RESUME CTIP01                                  event 5: node_failed node=cm1"


def test_what_is_told_can_be_expected_in_the_words_of_the_report(cti):
    """The list at the end of a failure is what is_told takes, reasons and all."""
    with pytest.raises(AssertionError) as failure:
        cti.then.app("ivr").is_told_nothing()
    told = str(failure.value).partition("ivr is told:\n")[2].split("\n")

    cti.then.app("ivr").is_told(*(line.partition("  event ")[0].strip() for line in told))


def test_a_reason_that_is_left_out_is_not_compared(cti):
    """With and without reasons in one expectation: those that are given count, the others are as they came."""
    cti.when.node_recovered("cm1")
    told = cti.then.app("ivr").is_told
    move = ["OUTOFSERVICE 5001", "RESUME", "INSERVICE 5001"]

    told("SUSPEND (CallManagerFailure)", *move, "SUSPEND", *move)
    told("SUSPEND", *move, "SUSPEND (ReHomeToHigherPriorityCM)", *move)
    with pytest.raises(AssertionError, match=r"reason: expected SUSPEND CTIP01 .*NoCallManagerAvailable"):
        told("SUSPEND", *move, "SUSPEND (NoCallManagerAvailable)", *move)


def test_order_counts_within_a_handle_or_over_all(cti):
    """Between handles nothing has an order, unless the test says that it has."""
    words = ("OUTOFSERVICE 5001", "SUSPEND", "RESUME", "INSERVICE 5001")

    cti.then.app("ivr").is_told(*words)
    with pytest.raises(AssertionError, match=r"moved OUTOFSERVICE .*changed places with .*SUSPEND"):
        cti.then.app("ivr").is_told(*words, order="total")


def test_when_after_then_begins_anew(cti):
    """Two events before a then are asked about together, an event after it alone; given is never asked about."""
    cti.when.node_failed("cm2")
    cti.then.app("ivr").is_told("SUSPEND", "OUTOFSERVICE 5001", "RESUME", "INSERVICE 5001",
                                "SUSPEND", "OUTOFSERVICE 5001")  # fmt: skip
    cti.when.node_recovered("cm2")
    cti.then.app("ivr").is_told("RESUME", "INSERVICE 5001")
    cti.then.device("CTIP01").is_at("cm2")
    cti.given.node_recovered("cm1")
    cti.when.call_started("c1", "CTIP01")
    cti.then.app("ivr").is_told_nothing()


def test_what_a_cluster_can_be_given():
    """Nodes, CTI Managers, providers, devices of every kind with their groups, applications, and a whole log."""
    cti = Cti()
    cti.given(log=ROOT / "fixtures" / "01-worked-example" / "log.ndjson")
    cti.given(nodes=["cm3"], cti_managers="cm1 cm2", provider=["ivr cm1 cm2", "desk cm2"])
    cti.given(port=["A 1 2", "B"], route_point="R 3", phone="P 4", group="cm2 cm3", opened_by="ivr desk")
    homes = cti.log.homes()

    assert {name: (one.kind, one.original, list(one.lines)) for name, one in homes.items() if name in "ABRP"} == {
        "A": ("cti_port", "cm2", ["1", "2"]), "B": ("cti_port", "cm2", []),
        "R": ("route_point", "cm2", ["3"]), "P": ("phone", "cm2", ["4"]),
    }  # fmt: skip
    assert {name: one.link for name, one in cti.log.providers().items()} == {"ivr": "cm1", "desk": "cm2"}
    assert [one.event.app for one in cti.log.events() if one.type == "device_opened"][-8:] == 4 * ["ivr"] + 4 * ["desk"]


def test_configuration_is_told_to_applications_with_a_provider():
    """CREATE, REMOVE and CLOSE have words, too; the TAPI device id is not compared."""
    cti = Cti()
    cti.given(nodes="cm1", cti_managers="cm1", provider="ivr cm1", port="A 1", opened_by="ivr")
    cti.when.device_added("B", "cti_port", ["2", "3"])
    cti.then.app("ivr").is_told("PHONE_CREATE B", "LINE_CREATE 2", "LINE_CREATE B/3")
    cti.when.device_removed("A")
    cti.then.app("ivr").is_told("LINE_CLOSE 1", "PHONE_CLOSE A", "LINE_REMOVE 1", "PHONE_REMOVE A")


def test_where_a_device_is(cti):
    """A device is at a node, out of service or unregistered; a failure says where it is, and why."""
    cti.then.device("CTIP01").is_at("cm2")
    with pytest.raises(AssertionError) as failure:
        cti.then.device("CTIP01").is_at("cm1")
    cti.when.node_failed("cm2")
    cti.then.device("CTIP01").is_out_of_service()
    cti.when.device_closed("CTIP01", "ivr")
    cti.then.device("CTIP01").is_unregistered()

    assert str(failure.value).split("\n") == [
        "CTIP01 is in service at cm2 (original node cm1); line 5001 in service; expected in service at cm1",
        "",
        "  since       event 5: node_failed node=cm1",
        "  why         It was opened at cm2, the first node of its group that was in service and took it.",
    ]


def test_a_trace_that_differs_fails_with_a_report(cti, tmp_path):
    """Conforms raises with the first difference and the whole report; diff gives the result to look at."""
    trace = cti.trace(received(cti, tmp_path / "received.log", left_out=4))
    with pytest.raises(AssertionError) as failure:
        trace.conforms()
    first, *rest = str(failure.value).split("\n")

    assert first.endswith("received.log: missing INSERVICE CTIP01/5001")
    assert "  caused by   event 5: node_failed node=cm1" in rest
    assert [one.kind for one in trace.diff().differences] == ["missing"]
    assert len(trace.trace) == 3


CANNOT_BE_TOLD = {
    "SUSPEND 5001": "SUSPEND is about a device, and 5001 is a line; of a line it is 'OUTOFSERVICE 5001'",
    "INSERVICE CTIP01": "INSERVICE is about a line, and CTIP01 is a device; of the device it is 'RESUME CTIP01'",
    "SUSPND": "no message 'SUSPND'; .*did you mean 'SUSPEND'?",
    "RINGING 5001": "no message 'RINGING'; expected SUSPEND, RESUME, OUTOFSERVICE, INSERVICE, PHONE_CLOSE",
    "RESUME (CallManagerFailure)": "RESUME carries no reason",
    "SUSPEND (CallManager)": "no reason 'CallManager'; .*did you mean 'CallManagerFailure'?",
    "SUSPEND CTIP1": "there is no device 'CTIP1'; expected CTIP01, CTIP02; did you mean 'CTIP01'?",
    "INSERVICE 50001": "there is no line '50001'; expected 5001, 5002; did you mean '5001'?",
    "SUSPEND CTIP02": "ivr has never opened CTIP02; open it first: cti.given.device_opened\\('CTIP02', 'ivr'\\)",
    "INSERVICE 5002": "ivr has never opened line 5002 of CTIP02; .*line_opened\\('CTIP02', '5002', 'ivr'\\)",
    "PHONE_CREATE CTIP01": "only an application with a provider is told so, .*provider='ivr cm1'",
}  # fmt: skip
"""Words of a test that nobody can ever be told → what it is told about them."""


@pytest.mark.parametrize("word", CANNOT_BE_TOLD)
def test_what_nobody_can_be_told_is_an_error_with_a_way_out(cti, word):
    """Not a test that fails: the word is quoted, with what is wrong with it and what to do."""
    cti.given(port="CTIP02 5002")
    cti.when.node_recovered("cm1")
    with pytest.raises(InputError, match=CANNOT_BE_TOLD[word]) as error:
        cti.then.app("ivr").is_told(word)

    assert str(error.value).startswith(f"'{word}': ")


def test_a_word_that_may_mean_two_devices():
    """What is left out must be clear: else the candidates are named, and how to say which."""
    cti = Cti()
    cti.given(nodes="cm1", port=["A 1", "B 1"], opened_by="ivr")
    cti.when.node_failed("cm1")

    with pytest.raises(InputError, match="which device is meant; expected A, B; say which: 'SUSPEND A'"):
        cti.then.app("ivr").is_told("SUSPEND")
    with pytest.raises(InputError, match="which line is meant; expected A/1, B/1; say which: 'OUTOFSERVICE A/1'"):
        cti.then.app("ivr").is_told("OUTOFSERVICE 1")


def test_names_that_do_not_exist(cti):
    """Nodes, applications, devices, event types: what is near is named."""
    then = cti.then
    for action, error, text in (
        (lambda: cti.when.node_failed("cm22"), MisfitsRefused, "unknown node 'cm22'; did you mean 'cm2'?"),
        (lambda: cti.when.node_fails("cm2"), AttributeError, "unknown event type 'node_fails'; did you mean 'node_failed'?"),
        (lambda: cti.when.node_failed(nod="cm2"), InputError, "unknown field 'nod' of node_failed; .*did you mean 'node'?"),
        (lambda: cti.when.node_failed("cm2", "node", 3), InputError, "3 values for node_failed; expected at most node, scope"),
        (lambda: then.app("irv"), InputError, "there is no application 'irv'; expected ivr; did you mean 'ivr'?"),
        (lambda: then.device("CTIP1"), InputError, "there is no device 'CTIP1'; expected CTIP01; did you mean 'CTIP01'?"),
        (lambda: then.device("CTIP01").is_at("cm3"), InputError, "there is no node 'cm3'; expected cm1, cm2"),
        (lambda: cti.trace("nothing.log"), InputError, "nothing.log: no such file; expected a trace"),
        (lambda: then.app("ivr").is_told(order="totl"), InputError, "found 'totl'; expected channel, device or total"),
        (lambda: cti.given(opened_by="ivr"), InputError, "opened_by without a device"),
    ):  # fmt: skip
        with pytest.raises(error, match=text):
            action()


def test_nothing_has_happened():
    """A then before any when says so, instead of passing."""
    cti = Cti()
    cti.given(nodes="cm1", port="A 1", opened_by="ivr")

    with pytest.raises(InputError, match=r"nothing has happened; .*cti.when.node_failed"):
        cti.then.app("ivr").is_told_nothing()


def test_every_event_type_is_offered(cti):
    """Editors and dir() see the methods that exist."""
    assert {"node_failed", "provider_linked", "app"} - set(dir(cti.when)) == {"app"}
    assert not hasattr(cti.when, "_nothing")


def test_the_page_runs(cti, tmp_path, monkeypatch):
    """The example of the reference page is a test that passes, and its sessions print what they show."""
    monkeypatch.chdir(tmp_path)
    received(cti, tmp_path / "received.log")
    (example, *_) = [block for block in blocks(PAGE) if block.language == "python"]
    names: dict[str, object] = {"cti": Cti()}
    exec("\n".join([*example.lines, "test_failover(cti)"]), names)
    shown = "\n".join(line for block in blocks(PAGE) if block.language == "pycon" for line in block.lines)
    session = doctest.DocTestParser().get_doctest(shown, {}, PAGE.name, None, None)
    printed = io.StringIO()
    failed, tried = doctest.DocTestRunner().run(session, out=printed.write)
    assert (failed, tried > 0) == (0, True), printed.getvalue()
