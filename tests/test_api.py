"""``import cti_es``: what its page says is what it does, and mistakes are errors that speak."""

import ast
import doctest
import io
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import FIXTURES, ROOT

import cti_es
from cti_es import api
from cti_es.model.replay import Replay
from cti_es.report.handle_numbers import HandleNumbers
from cti_es.report.tapi_browser import write

PAGE = (ROOT / "docs" / "reference" / "library.md").read_text("utf-8")
TWO_NODES = [
    {"type": "node_added", "node": "cm1"},
    {"type": "node_added", "node": "cm2"},
    {"type": "device_added", "device": "CTIP01", "kind": "cti_port", "lines": ["5001"], "group": ["cm1", "cm2"]},
    {"type": "device_opened", "device": "CTIP01"},
    {"type": "node_failed", "node": "cm1"},
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own, with the worked example as a log, the traces that the page reads, and its file of handles."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.ndjson").write_bytes((FIXTURES / "01-worked-example" / "log.ndjson").read_bytes())
    (tmp_path / "ivr.log").write_bytes(browser_trace(cti_es.open("events.ndjson")))
    (tmp_path / "tb20.log").write_bytes(browser_trace(two_nodes()))
    (tmp_path / "handles.csv").write_text("handle,app,device,line\n10000,app,CTIP01,\n10010,app,CTIP01,5001\n")
    return tmp_path


def two_nodes() -> cti_es.Log:
    log = cti_es.Log()
    log.extend(TWO_NODES)
    return log


def browser_trace(log: cti_es.Log) -> bytes:
    """The messages of a log as TAPI Browser prints them."""
    replay = Replay()
    numbers = HandleNumbers(replay)
    return b"".join(write(replay.messages([one.event for one in log.events()]), numbers.of))


# --- the page -------------------------------------------------------------------------------------------------------


def fenced(language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", PAGE)


def test_the_program_of_the_page_runs() -> None:
    """What the page shows first runs as it stands there, from an empty process."""
    [program] = fenced("python")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "0 4"


def test_the_sessions_of_the_page_are_true() -> None:
    """Every >>> of the page gives what stands below it."""
    names: dict[str, object] = {}
    for number, session in enumerate(fenced("pycon"), 1):
        test = doctest.DocTestParser().get_doctest(session, names, f"library.md, session {number}", None, None)
        printed = io.StringIO()
        failed, tried = doctest.DocTestRunner(optionflags=0).run(test, out=printed.write, clear_globs=False)
        names = test.globs
        assert tried
        assert not failed, printed.getvalue()


def test_every_public_name_is_on_the_page() -> None:
    """A name that is promised is documented: in a heading or in the table of errors."""
    documented = set(re.findall(r"(?m)^#+ (\w+)$", PAGE)) | set(re.findall(r"(?m)^\| `(\w+)` \|", PAGE))

    assert set(cti_es.__all__) - documented == set()


def test_every_method_of_a_log_is_on_the_page() -> None:
    """So are the methods and attributes of a log."""
    documented = set(re.findall(r"(?m)^\| `(\w+)[`(]", PAGE))

    assert {name for name in dir(cti_es.Log) if not name.startswith("_")} - documented == set()


def test_every_argument_is_on_the_page() -> None:
    """And the arguments of its functions."""
    for function in (cti_es.open, cti_es.read_trace, cti_es.diff, cti_es.lint):
        names = function.__code__.co_varnames[: function.__code__.co_argcount + function.__code__.co_kwonlyargcount]
        assert [name for name in names if not re.search(rf"\b{name}\b", PAGE)] == []


# --- importing ------------------------------------------------------------------------------------------------------


def test_names_are_those_of_the_api() -> None:
    """``__all__``, the API and what type checkers see have the same names, and each is there."""
    tree = ast.parse(Path(cti_es.__file__).read_text("utf-8"))
    for_checkers = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "cti_es.api"
        for alias in node.names
    }

    assert sorted(cti_es.__all__) == sorted(api.__all__) == sorted(for_checkers)
    assert all(getattr(cti_es, name) is getattr(api, name) for name in cti_es.__all__)
    assert set(cti_es.__all__) <= set(dir(cti_es))


def test_importing_costs_nothing() -> None:
    """``import cti_es`` imports no other module of its own or of others until something is used."""
    program = "import sys; before = set(sys.modules); import cti_es; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["cti_es"]


def test_a_name_that_is_none() -> None:
    """A mistyped name says where the names are."""
    with pytest.raises(AttributeError, match=r"has no attribute 'Logg'; its public names are in cti_es\.__all__"):
        cti_es.Logg  # type: ignore[attr-defined]  # noqa: B018


def test_python_m_cti_es() -> None:
    """``python -m cti_es`` is the command line."""
    done = subprocess.run([sys.executable, "-m", "cti_es", "--version"], capture_output=True, text=True, check=True)

    assert done.stdout.startswith(f"cti-es {cti_es.__version__}")


# --- logs -----------------------------------------------------------------------------------------------------------


def places() -> dict[str, cti_es.Log]:
    """An empty log in each place that can be appended to."""
    return {
        "memory": cti_es.Log(),
        "store": cti_es.open("new.db", create=True),
        "log": cti_es.open("new.db#lab", create=True),
    }


@pytest.fixture(params=["memory", "store", "log"])
def log(request: pytest.FixtureRequest) -> cti_es.Log:
    return places()[request.param]


def test_append_gives_what_was_stored(log: cti_es.Log) -> None:
    """The event with its version and its fields in canonical form; the events of the log are just these."""
    at = datetime(2026, 3, 1, 9, 15, tzinfo=UTC)
    stored = [log.append("node_added", node="cm1", at=at), *log.extend(TWO_NODES[1:])]

    assert [one.version for one in stored] == [1, 2, 3, 4, 5]
    assert stored[0].event.at == "2026-03-01T09:15:00Z"
    assert (stored[4].type, stored[4].event.node) == ("node_failed", "cm1")  # type: ignore[attr-defined]
    assert log.events() == stored
    assert log.version == 5


def test_the_same_answers_everywhere(log: cti_es.Log) -> None:
    """Wherever a log is: the same messages and homes, at its end and before."""
    log.extend(TWO_NODES)
    messages = [(one.device, one.line, one.param1_name) for one in log.messages()]

    assert messages == [(one.device, one.line, one.param1_name) for one in two_nodes().messages()]
    assert log.messages(as_of=4) == []
    assert (log.homes()["CTIP01"].home, log.homes(as_of=4)["CTIP01"].home) == ("cm2", "cm1")
    assert log.misfits() == []
    assert log.providers() == {}


def test_an_empty_log_speaks(log: cti_es.Log) -> None:
    """Nothing in it: empty answers, version 0, and an error for a version that is not there."""
    assert (log.version, log.events(), log.messages(), log.homes(), log.extend([])) == (0, [], [], {}, [])
    with pytest.raises(cti_es.InputError, match="version 1 is past the end"):
        log.homes(as_of=1)


def test_a_misfit_raises_unless_it_is_allowed(log: cti_es.Log) -> None:
    """Nothing is stored of it, nor of what came with it; allowed, it is stored and listed."""
    wrong = {"type": "node_failed", "node": "cm1"}
    with pytest.raises(cti_es.MisfitsRefused, match="misfit 2 unknown_node unknown node 'cm1'") as caught:
        log.extend([{"type": "node_added", "node": "cm2"}, wrong])

    assert [one.code for one in caught.value.misfits] == ["unknown_node"]
    assert log.version == 0
    assert log.append("node_failed", node="cm1", allow_misfits=True).version == 1
    assert [(one.version, one.code) for one in log.misfits()] == [(1, "unknown_node")]
    assert log.append("node_added", node="cm2").version == 2


def test_the_state_is_whole_after_a_refusal(log: cti_es.Log) -> None:
    """What was refused has left no trace in what comes after it."""
    log.extend(TWO_NODES[:2])
    with pytest.raises(cti_es.MisfitsRefused):
        log.extend([*TWO_NODES[2:], {"type": "node_failed", "node": "cm1"}])
    log.extend(TWO_NODES[2:])

    assert [(one.seq, one.param1_name) for one in log.messages()] == [
        (one.seq, one.param1_name) for one in two_nodes().messages()
    ]


def test_ids(log: cti_es.Log) -> None:
    """The same event again is the one in the log; another under its id is a conflict; both together go in as they should."""
    first = log.append("node_added", node="cm1", id="a")
    new = {"type": "node_added", "node": "cm2", "id": "b"}

    assert log.append("node_added", node="cm1", id="a") == first
    assert [one.version for one in log.extend([new, {**TWO_NODES[0], "id": "a"}, new])] == [2, 1, 2]
    with pytest.raises(cti_es.Conflict, match="the id 'a' stands for another event at version 1"):
        log.append("node_added", node="cm3", id="a")
    assert log.version == 2


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (("node_faild", {}), "unknown event type 'node_faild'; did you mean 'node_failed'?"),
        (("node_failed", {"nod": "cm1"}), "unknown field 'nod' of node_failed"),
        (("node_failed", {"node": 7}), r"append: \$.node"),
        (("node_failed", {"node": object()}), r"append: \$\.node: found object; expected text, numbers, true or false"),
        (("node_failed", {"node": b"cm1"}), r"append: \$\.node: found bytes; expected text"),
        (("node_failed", {"node": ["cm1", b"cm1"]}), r"append: \$\.node: found bytes; expected text"),
        (("node_failed", {"node": 1 << 70}), r"append: \$.node: found a number; expected text"),
        (("node_failed", {"node": date(2026, 1, 1)}), r"append: \$\.node: found date; expected text"),
        (("node_failed", {"node": "cm1", "at": "now"}), r"append: \$.at: 'now' is not a time"),
        (
            ("node_failed", {"node": "cm1", "at": datetime(2026, 1, 1)}),
            "is not a time; expected a datetime with a zone",
        ),
    ],
)
def test_what_is_wrong_with_an_event(fields: tuple[str, dict[str, object]], text: str) -> None:
    """The error says where, what was found and what is expected."""
    with pytest.raises(cti_es.InputError, match=text):
        two_nodes().append(fields[0], **fields[1])  # type: ignore[arg-type]


def test_what_is_no_event() -> None:
    """Neither a text nor a mapping without a type is one; the error says which it was."""
    with pytest.raises(cti_es.InputError, match="event 1: a str; expected a mapping with the type"):
        two_nodes().extend("abc")  # type: ignore[arg-type]
    with pytest.raises(cti_es.InputError, match="event 2: a mapping without a type"):
        two_nodes().extend([{"type": "node_added", "node": "cm9"}, {"node": "cm1"}])


@pytest.mark.parametrize("as_of", [True, -1, "yesterday", 1.5, datetime(2026, 1, 1)])
def test_what_is_no_point_in_a_log(as_of: object) -> None:
    """Neither a truth, nor a negative number, nor a time without a zone."""
    with pytest.raises(cti_es.InputError, match="is not a time"):
        two_nodes().homes(as_of=as_of)  # type: ignore[arg-type]


def test_as_of_a_time() -> None:
    """RFC 3339 text or a datetime with a zone; if times go backwards, a warning says so."""
    log = cti_es.open("events.ndjson")
    time = datetime(2026, 3, 2, 9, 44, 3, tzinfo=UTC)

    assert log.messages(as_of=time) == log.messages(as_of="2026-03-02T09:44:03Z") != log.messages()
    backwards = cti_es.Log()
    backwards.append("node_added", node="cm1", at="2026-01-02T00:00:00Z")
    backwards.append("node_added", node="cm2", at="2026-01-01T00:00:00Z")
    with pytest.warns(UserWarning, match="times go backwards at version 2"):
        assert backwards.homes(as_of="2026-01-01T12:00:00Z") == {}
    backwards.append("device_added", device="P", kind="phone")
    with pytest.warns(UserWarning, match="times go backwards at version 2"):
        assert len(backwards.history("P")) == 1


def test_filters() -> None:
    """An application, a device; one that is not there is an error that names what is near."""
    log = cti_es.open("events.ndjson")

    assert {one.device for one in log.messages(device="RP_SALES")} == {"RP_SALES"}
    assert log.messages(app="app") == log.messages()
    with pytest.raises(cti_es.InputError, match=r"there is no device 'RP_SALE'; did you mean 'RP_SALES'\?"):
        log.messages(device="RP_SALE")
    with pytest.raises(cti_es.InputError, match="there is no application 'ivr'"):
        log.messages(app="ivr")


# --- places ---------------------------------------------------------------------------------------------------------


def test_a_bare_file_is_only_read(folder: Path) -> None:
    """An append is refused; so is a file with events that do not fit, unless they are allowed."""
    with pytest.raises(
        cti_es.NotAStore, match=r"events\.ndjson: a bare file is only read; expected a store to append to"
    ):
        cti_es.open("events.ndjson").append("node_added", node="x")
    (folder / "odd.ndjson").write_text('{"type":"node_failed","node":"cm1"}\n')
    with pytest.raises(cti_es.MisfitsRefused, match=r"odd\.ndjson: 1 event does not fit, the first is 1: unknown_node"):
        cti_es.open("odd.ndjson")
    assert len(cti_es.open("odd.ndjson", allow_misfits=True).misfits()) == 1


@pytest.mark.parametrize(
    ("source", "create", "text"),
    [
        ("nothing.db", False, "nothing.db: no such file"),
        ("there.db#la", False, "there.db: no log 'la'; did you mean 'lab'?"),
        ("no/folder/x.db", True, "no/folder: no such folder"),
        (".", True, "a folder"),
        ("tb20.log", False, "tb20.log:1: not JSON"),
        ("new.db#a\x1bb", True, "the name of the log: the character U\\+001B"),
    ],
)
def test_what_cannot_be_opened(source: str, create: bool, text: str) -> None:
    """It is said at once, or with the first append when it was to be made."""
    cti_es.open("there.db#lab", create=True).append("node_added", node="cm1")
    with pytest.raises(cti_es.CtiEsError, match=text):
        cti_es.open(source, create=create).append("node_added", node="cm1")


def test_nothing_is_made_without_an_append(folder: Path) -> None:
    """A log that is opened and looked at makes no file."""
    cti_es.open("new.db", create=True).homes()

    assert not (folder / "new.db").exists()


def test_what_others_append_is_seen() -> None:
    """A store is asked anew for each answer."""
    mine, theirs = (cti_es.open("shared.db", create=True) for _ in range(2))
    theirs.append("node_added", node="cm1")

    assert mine.version == 1


def test_after_close() -> None:
    """A log that has been closed says so; one in memory has nothing to close."""
    with cti_es.open("events.ndjson") as file, cti_es.open("s.db", create=True) as store, cti_es.Log() as memory:
        pass
    for log in (file, store):
        with pytest.raises(cti_es.CtiEsError, match="this log has been closed"):
            log.messages()
    with pytest.raises(cti_es.StoreError, match="this log has been closed"):
        store.append("node_added", node="cm1")
    assert memory.messages() == []


def test_a_pipe_is_read_as_often_as_it_is_asked() -> None:
    """Standard input comes only once; the log that it is can be asked again."""
    program = "import cti_es; log = cti_es.open('-'); print(log.version, len(log.messages()), len(log.messages()))"
    data = Path("events.ndjson").read_bytes()
    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, check=True)

    version, first, second = done.stdout.split()
    assert (version, first) == (b"10", b"20")
    assert first == second


# --- traces ---------------------------------------------------------------------------------------------------------


def test_a_trace_is_a_sequence() -> None:
    """It has a length, an order, a first message; its format and name are known."""
    trace = cti_es.read_trace("tb20.log")

    assert (len(trace), trace.format, trace.skipped, trace.bad) == (4, "tapi-browser", {}, 0)
    assert [trace[0], *trace[1:]] == list(trace)
    assert repr(trace) == "<cti_es.Trace tb20.log (tapi-browser), 4 messages>"


@pytest.mark.parametrize(
    ("text", "error"), [("", "no message in it"), ("\n\n", "no message in it"), ("hello\n", "no known trace format")]
)
def test_a_trace_without_a_message(text: str, error: str) -> None:
    """An empty file is no trace, and neither is a text that looks like none."""
    Path("empty.log").write_text(text)
    with pytest.raises(cti_es.InputError, match=f"empty.log: {error}"):
        cti_es.read_trace("empty.log")


@pytest.fixture
def lost(folder: Path) -> cti_es.Trace:
    """The trace of the two nodes without its second message."""
    messages = (folder / "tb20.log").read_text().split("received ")
    (folder / "lost.log").write_text("received ".join([*messages[:2], *messages[3:]]))
    return cti_es.read_trace("lost.log")


def test_the_result_of_a_comparison(lost: cti_es.Trace) -> None:
    """Its verdict, what differs, what was counted; it is the text of the report, as the command prints it."""
    result = cti_es.diff(two_nodes(), lost, handles="handles.csv")

    assert (result.conforms, result.summary.differences["missing"], result.summary.matched) == (False, 1, 3)
    assert [(one.kind, one.actual) for one in result.differences] == [("missing", None)]
    assert "DIFFERS: 3 of 4 expected messages matched\n" in result
    assert "caused by   event 5: node_failed node=cm1" in str(result)
    assert b'type="missing"' in result.junit()


def test_a_failing_assert_shows_the_report(lost: cti_es.Trace) -> None:
    """``assert result.conforms, result``: the message is the whole report."""
    result = cti_es.diff(two_nodes(), lost, handles="handles.csv")
    with pytest.raises(AssertionError, match="First divergence: missing in CTIP01/5001") as caught:
        assert result.conforms, result
    assert "last match" in str(caught.value)


def test_a_result_is_neither_true_nor_false() -> None:
    """``if result`` would always be true; it is an error instead."""
    with pytest.raises(TypeError, match=r"ask for its \.conforms"):
        bool(cti_es.diff(two_nodes(), "tb20.log"))


def test_warnings_stand_in_the_report() -> None:
    """Handles of a file that stand for nothing: a warning, and the first line of the text."""
    Path("handles.csv").write_text("handle,app,device,line\n10000,app,CTIP1,\n10010,app,CTIP01,5001\n")
    result = cti_es.diff(two_nodes(), "tb20.log", handles="handles.csv")

    assert len(result.warnings) == 1
    assert result.splitlines()[0] == f"warning: {result.warnings[0]}"


def test_several_traces(folder: Path) -> None:
    """A list is merged by time; a log is none of several."""
    rows = ["message,param1,param2,app,device,line,at\n"]
    rows += [f"{one.message},{one.param1},{one.param2},{one.app},{one.device},{one.line or ''},{at}\n"
             for one, at in zip(two_nodes().messages(), ("2026-01-01T08:00:00Z", "2026-01-01T08:00:01Z"), strict=False)]  # fmt: skip
    (folder / "phone.csv").write_text("".join(rows[:2]))
    (folder / "line.csv").write_text("".join([rows[0], rows[2]]))
    result = cti_es.diff(two_nodes(), [cti_es.read_trace("line.csv"), "phone.csv"])

    assert (result.summary.matched, result.summary.actual) == (2, 2)
    with pytest.raises(cti_es.InputError, match="found Log; expected a Trace, or the name of a file"):
        cti_es.diff(two_nodes(), ["phone.csv", two_nodes()])  # type: ignore[list-item]


def test_what_cannot_be_compared() -> None:
    """Times of a trace without times, a file that is not there."""
    with pytest.raises(cti_es.InputError, match="ACTUAL has no times"):
        cti_es.diff("events.ndjson", "ivr.log", time_tolerance=5)
    with pytest.raises(cti_es.InputError, match=r"nothing\.log: no such file"):
        cti_es.diff("events.ndjson", "nothing.log")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"order": "line"}, "order: found 'line'; expected channel, device or total"),
        ({"shift": "x"}, "shift: found 'x'; expected seconds, 'auto', or None"),
        ({"shift": float("nan")}, "shift: found nan"),
        ({"time_tolerance": -1}, "time_tolerance: found -1; expected seconds, or None"),
        ({"from_version": "1"}, "from_version: found '1'; expected a version"),
        ({"to_version": 1.5}, "to_version: found 1.5; expected a version, or None"),
        ({"since": datetime(2026, 1, 1)}, "is not a time; expected a datetime with a zone"),
    ],
    ids=str,
)
def test_options_that_make_no_sense(options: dict[str, Any], text: str) -> None:
    """Each is refused by its name, with what may stand there; nothing is compared in another way than was asked for."""
    with pytest.raises(cti_es.InputError, match=text):
        cti_es.diff("events.ndjson", "ivr.log", **options)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("ivr.lgo", "ivr.lgo: no such file; expected a trace; did you mean 'ivr.log'?"),
        (".", r"\.: a folder; expected a trace"),
        ("kept.db", "kept.db: a store; expected a trace; diff and open take a store by its name"),
        (None, "found NoneType; expected the name of a trace"),
    ],
)
def test_what_is_no_trace(path: Any, text: str) -> None:
    """A file that is not there, a folder, a store, no name at all: what was found, and the way out."""
    cti_es.open("kept.db", create=True).append("node_added", node="cm1")
    with pytest.raises(cti_es.InputError, match=text):
        cti_es.read_trace(path)


def test_what_is_no_side() -> None:
    """What is neither a log, nor a trace, nor a name is refused, and not looked for as a file of that name."""
    for use in (cti_es.open, cti_es.lint, lambda one: cti_es.diff(one, one)):
        with pytest.raises(cti_es.InputError, match="found NoneType; expected a"):
            use(None)  # type: ignore[operator]


def test_lint(lost: cti_es.Trace) -> None:
    """What a trace breaks, of a file or of a trace that was read."""
    text = Path("tb20.log").read_text()
    Path("twice.log").write_text(text + text.split("received ")[1].join(["received ", ""]))

    assert cti_es.lint("tb20.log") == []
    assert {one.rule for one in cti_es.lint("twice.log", strict=True)} == {"still_out"}
    assert cti_es.lint(cti_es.read_trace("twice.log")) == cti_es.lint("twice.log")


# --- answers --------------------------------------------------------------------------------------------------------


def test_outages_and_history_of_a_log() -> None:
    """What the commands print, as lists; names that a log does not have are told of."""
    log = cti_es.Log()
    log.append("node_added", node="cm1", at="2026-01-01T08:00:00Z")
    log.append("device_added", device="P", kind="phone", at="2026-01-01T08:00:00Z")
    log.append("node_failed", node="cm1", at="2026-01-01T09:00:00Z")
    log.append("node_recovered", node="cm1", at="2026-01-01T09:01:00Z")

    [outage] = log.outages(device="P")
    assert (outage.from_version, outage.until_version, outage.seconds) == (3, 4, 60)
    assert log.outages(until="2026-01-01T08:59:59Z") == []
    assert [(one.version, one.home) for one in log.history("P")] == [(2, "cm1"), (3, None), (4, "cm1")]
    with pytest.raises(cti_es.InputError, match="no device 'Q'"):
        log.history("Q")
    with pytest.warns(UserWarning, match="no device 'Q'"):
        assert log.outages(device="Q") == []


def test_incidents_of_a_log() -> None:
    """As they began, though the first is known in whole only at the end; a window and missing times are told of."""
    log = cti_es.Log()
    log.append("node_added", node="cm1", at="2026-01-01T08:00:00Z")
    log.append("node_added", node="cm2", at="2026-01-01T08:00:00Z")
    log.append("device_added", device="P", kind="phone", at="2026-01-01T08:00:00Z")
    log.append("call_started", call="c", device="P", at="2026-01-01T08:30:00Z")
    for day in ("01", "02"):
        log.append("node_failed", node="cm1", at=f"2026-01-{day}T09:00:00Z")
        log.append("node_recovered", node="cm1", at=f"2026-01-{day}T09:01:00Z")

    first, second = log.incidents()
    assert (first.number, first.seconds, first.moved, first.lasts) == (1, 60, {"phone": {"cm2": 1}}, False)
    assert [one.device for one in first.not_back] == ["P"]
    assert (second.number, second.moved) == (2, {})
    assert log.incidents(since="2026-01-02T00:00:00Z") == [second]
    with pytest.raises(cti_es.InputError, match="the window ends before it begins"):
        log.incidents(since="2026-01-02T00:00:00Z", until="2026-01-01T00:00:00Z")


def test_outages_beside_a_trace(tmp_path: Path) -> None:
    """What a trace has of each outage, what only it has; the worst of an incident likewise."""
    log = cti_es.Log()
    log.append("node_added", node="cm1", at="2026-01-01T08:00:00Z")
    log.append("node_added", node="cm2", at="2026-01-01T08:00:00Z")
    log.append("device_added", device="P", kind="phone", at="2026-01-01T08:00:00Z")
    log.append("node_failed", node="cm1", at="2026-01-01T09:00:00Z")
    (tmp_path / "seen.csv").write_text(
        "at,device,message,param1,param2\n"
        "2026-01-01T09:00:05Z,P,PHONE_STATE,0x40000,1\n2026-01-01T09:00:25Z,P,PHONE_STATE,0x80000,0\n"
        "2026-01-01T10:00:00Z,P,PHONE_STATE,0x40000,1\n"
    )
    trace = cti_es.read_trace(tmp_path / "seen.csv")

    first, second = log.observed_outages(trace)
    assert (first.from_version, first.observed_seconds) == (4, 20)
    assert isinstance(second, cti_es.OnlyObserved)
    assert log.observed_outages(tmp_path / "seen.csv", since="2026-01-01T09:30:00Z") == [second]
    assert [one.observed_seconds for one in log.incidents(trace=trace)[0].outages] == [20]
