"""What ``diff`` prints and takes beside the two traces: handles, --max, JUnit XML, options in force, the same bytes."""

import json

import pytest
from conftest import FIXTURES
from junitparser import Failure, JUnitXml

TRACE = ("--format", "tapi-browser")
HANDLES = {"10000": "app,CTIP_IVR_01,", "10010": "app,CTIP_IVR_01,5001", "10020": "app,RP_SALES,",
           "10030": "app,RP_SALES,6000", "10040": "app,RP_SALES,6001"}  # fmt: skip
"""The handles of the worked example, in the order in which they are opened."""


@pytest.fixture
def expected(log_file, quick, write):
    """The worked example as a log and as a trace of each kind; the rows of its messages."""
    write(quick("replay", log_file, *TRACE).stdout, "trace.txt")
    lines = quick("replay", log_file, "--ndjson").stdout
    write(lines, "trace.ndjson")
    return [json.loads(line) for line in lines.splitlines()]


@pytest.fixture
def bad(expected, write):
    """A trace with a difference of each kind that does not need times; its name."""
    rows = [dict(row) for row in expected]
    rows[2]["param2"] = 4
    rows[10], rows[12] = rows[12], rows[10]
    rows[15]["handle"] = 77
    del rows[17]
    rows.insert(5, rows[4])
    return write("".join(map(as_line, rows)), "bad.ndjson")


def as_line(row):
    return json.dumps(row) + "\n"


def csv_of(handles, form="{}"):
    return "handle,app,device,line\n" + "".join(f"{form.format(one)},{name}\n" for one, name in handles.items())


def text(result):
    assert result.returncode in (0, 1), result.stderr
    return result.stdout.decode()


def differences(result):
    """The rows of NDJSON and the summary."""
    *rows, summary = map(json.loads, text(result).splitlines())
    return rows, summary


# --- handles --------------------------------------------------------------------------------------------------------


def shown_handles(report):
    """The lines below Handles:."""
    lines = report.partition("\nHandles:\n")[2].partition("\n\n")[0].splitlines()
    return [tuple(part.strip() for part in line.replace("(", "=").rstrip(")").split("=")) for line in lines]


def test_inferred_handles_are_shown(expected, quick):
    """--show-handles says which handle was taken for which channel, and that it was inferred; without it nothing does."""
    report = text(quick("diff", "events.ndjson", "trace.txt", "--show-handles"))

    assert "handles inferred from the messages\n" in report
    assert shown_handles(report) == [
        ("handle 10000", "CTIP_IVR_01 of app handle 5", "inferred"),
        ("handle 10010", "CTIP_IVR_01/5001 of app handle 5", "inferred"),
        ("handle 10020", "RP_SALES of app handle 6", "inferred"),
        ("handle 10030", "RP_SALES/6000 of app handle 6", "inferred"),
        ("handle 10040", "RP_SALES/6001 of app handle 6", "inferred"),
    ]
    assert "Handles:" not in text(quick("diff", "events.ndjson", "trace.txt"))


@pytest.mark.parametrize("form", ["x{}", "0x000{}", "0x{}", "{}", "X{}", "0X{}", " x{} "])
def test_handles_from_a_file(form, expected, quick, write):
    """A file names the handles, written in any of the usual ways: nothing is inferred."""
    write(csv_of(HANDLES, form), "handles.csv")
    report = text(quick("diff", "events.ndjson", "trace.txt", "--handles", "handles.csv", "--show-handles"))

    assert "CONFORMS: 20 of 20" in report
    assert "handles from a file\n" in report
    assert [how for _, _, how in shown_handles(report)] == ["given"] * 5


def test_letters_of_a_handle(quick, log_file, expected, write):
    """Capital and small letters of a hexadecimal number are the same."""
    write(text(quick("replay", log_file, *TRACE)).replace("=x10000", "=x1000ab"), "letters.txt")
    write(csv_of({"0X1000AB" if one == "10000" else one: name for one, name in HANDLES.items()}), "handles.csv")

    assert quick("diff", "events.ndjson", "letters.txt", "--handles", "handles.csv").returncode == 0


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
def test_a_file_of_handles_from_windows(coding, expected, quick, write):
    """A byte-order mark, UTF-16, CRLF, quoted cells, blank lines and an application left out are all fine."""
    quoted = csv_of(HANDLES).replace("RP_SALES", '"RP_SALES"').replace("app,CTIP", ",CTIP").replace("\n", "\r\n\r\n")
    write(quoted.encode(coding), "handles.csv")

    assert quick("diff", "events.ndjson", "trace.txt", "--handles", "handles.csv").returncode == 0


def test_a_file_decides_against_the_messages(expected, quick, write):
    """Two handles that say the same are what the file says, not what comes first."""
    swapped = {**HANDLES, "10030": HANDLES["10040"], "10040": HANDLES["10030"]}
    write(csv_of(swapped), "handles.csv")
    report = text(quick("diff", "events.ndjson", "trace.txt", "--handles", "handles.csv", "--show-handles"))

    assert ("handle 10040", "RP_SALES/6000 of app handle 6", "given") in shown_handles(report)


def test_a_file_that_does_not_name_all(expected, quick, write):
    """The report says how many of the handles the file names."""
    write(csv_of({"10000": HANDLES["10000"], "99999": HANDLES["10010"]}), "handles.csv")

    assert "handles from a file, which names 1 of 5, others\n          inferred\n" in text(
        quick("diff", "events.ndjson", "trace.txt", "--handles", "handles.csv")
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (csv_of({"x10000": "app,D,", "0x10000": "app,E,"}), ("handles.csv:3", "'0x10000' stands twice")),
        (csv_of({"10000": "app,D,", "X10000": "app,D,"}), ("handles.csv:3", "stands twice")),
        ("handle,device,line\nx1,D,\n", ("handles.csv:1", "the columns handle, device, line")),
        ("handle,app,device,line,kind\n", ("handles.csv:1", "the columns", "expected handle,app,device,line")),
        ("app,handle,device,line\n", ("handles.csv:1", "expected handle,app,device,line")),
        (csv_of({"x1": "D"}), ("handles.csv:2", "2 cells")),
        (csv_of({"x1": "app,,5001"}), ("handles.csv:2", "no device")),
        (csv_of({"": "app,D,5001"}), ("handles.csv:2", "no handle")),
        (csv_of({"x1": '"app,D,'}), ("handles.csv:2", "not CSV")),
        (b"handle,app,device,line\n\xff\xfe,app,D,\n", ("handles.csv:2", "not CSV")),
        (b"\x00\x01\x02", ("handles.csv", "a binary file")),
        ("", ("handles.csv:1", "(none)")),
        ("\n\n", ("handles.csv:1", "(none)")),
    ],
    ids=str,
)
def test_bad_files_of_handles(content, words, expected, quick, write, refused):
    """A file of handles that says two things of one handle, or is none, is refused with the line."""
    write(content, "handles.csv")
    refused(quick("diff", "events.ndjson", "trace.txt", "--handles", "handles.csv"), *words)


def test_no_file_of_handles(expected, quick, refused):
    """A file of handles that is not there is refused."""
    refused(quick("diff", "events.ndjson", "trace.txt", "--handles", "nowhere.csv"), "nowhere.csv")


# --- the report -----------------------------------------------------------------------------------------------------


def test_kinds_and_order(bad, quick):
    """Each injected difference is there once, with its kind, by the expected message; both messages are shown."""
    result = quick("diff", "events.ndjson", bad, "--ndjson")
    rows, summary = differences(result)

    assert result.returncode == 1
    assert [row["kind"] for row in rows] == ["unexpected", "moved", "alias", "missing", "reason"]
    assert summary["differences"] == {
        "missing": 1, "unexpected": 1, "changed": 0, "reason": 1, "moved": 1, "late": 0, "early": 0, "alias": 1
    }  # fmt: skip
    report = text(quick("diff", "events.ndjson", bad))
    assert "  1 missing, 1 unexpected, 1 reason, 1 moved, 1 alias; 3 of 5 channels differ\n" in report
    assert "Other reasons:\n  CallManagerFailure → DeviceFailure, 1 time\n    first     3  PHONE_STATE" in report
    assert "    missing     18  PHONE_STATE PHONESTATE_RESUME at 2026-03-02T09:57:15Z\n" in report


@pytest.mark.parametrize("most", [1, 2, 5, 6])
def test_max(most, bad, quick):
    """--max cuts what is printed, not what is counted; what was left out is counted, in text and in NDJSON."""
    rows, summary = differences(quick("diff", "events.ndjson", bad, "--max", str(most), "--ndjson"))
    report = text(quick("diff", "events.ndjson", bad, "--max", str(most)))
    left = max(0, 5 - most)

    assert (len(rows), summary["left_out"], sum(summary["differences"].values())) == (5 - left, left, 5)
    shown = "1 is" if most == 1 else f"{most} are"
    assert (f"\n… and {left} more differences; {shown} shown\n" in report) is (left > 0)


def test_max_is_20_at_first(expected, quick, write):
    """Twenty differences are printed when nobody says how many."""
    write('{"message":"PHONE_STATE","param1":262144,"param2":1,"device":"D"}\n' * 30, "other.ndjson")
    rows, summary = differences(quick("diff", "events.ndjson", "other.ndjson", "--ndjson"))

    assert (len(rows), summary["left_out"]) == (20, 30)


def test_max_must_be_some(expected, quick, refused):
    """--max 0 would hide the verdict's reasons."""
    refused(quick("diff", "events.ndjson", "trace.txt", "--max", "0"), "--max")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "order by channel; handles by name"),
        (("--order", "device"), "order by device; handles by name"),
        (("--order", "total"), "order of the whole trace; handles by name"),
        (("--ignore", "reason"), "order by channel, reasons ignored; "),
        (("--strict",), "order by channel, strict; "),
        (("--time-tolerance", "1500ms"), ", times within 1.5 s; "),
        (("--app", "app"), ", application app; "),
        (("--from-version", "2"), ", from version 2; "),
        (("--to-version", "10"), ", up to version 10; "),
        (("--since", "2026-01-01T01:00:00+01:00"), ", since 2026-01-01T00:00:00Z; "),
        (("--until", "2027-01-01T00:00:00Z"), ", until 2027-01-01T00:00:00Z; "),
    ],
    ids=" ".join,
)
def test_options_in_force(options, words, expected, quick):
    """The head of the report names every option that changes what is compared."""
    lines = text(quick("diff", "events.ndjson", "trace.ndjson", *options)).splitlines()

    assert lines[0] == "Expected: events.ndjson (replayed), 20 messages"
    assert lines[1] == "Actual:   trace.ndjson (ndjson), 20 messages"
    assert lines[2].startswith("Options:  order ")
    assert words in lines[2] + "; "
    assert lines[3:5] == ["", "CONFORMS: 20 of 20 expected messages matched"]


@pytest.mark.parametrize("order", ["device", "total"])
def test_a_message_names_its_line(order, expected, quick, write):
    """Where a sequence is of more than one channel, each message says which it is for."""
    write("".join(map(as_line, expected[:4] + expected[5:])), "cut.ndjson")
    report = text(quick("diff", "events.ndjson", "cut.ndjson", "--order", order))

    assert "OUTOFSERVICE (CallManagerFailure) on RP_SALES/6001 at" in " ".join(report.split())


def test_a_message_that_names_nothing(expected, quick, write):
    """A trace without names and handles (the guide masks them) is reported without any."""
    write("received PHONE_STATE device = xxx cbInst = x0 param1 = PHONESTATE_RESUME param2 = x9\n", "guide.txt")
    report = text(quick("diff", "events.ndjson", "guide.txt", "--strict"))

    assert "PHONESTATE_RESUME (0x9)\n" in report
    assert "None" not in report


def test_a_late_message(expected, quick, write):
    """With a tolerance a message that came late is shown with both times and by how much."""
    row = {**expected[0], "at": "2026-03-02T09:44:23Z"}
    write("".join(map(as_line, [row, *expected[1:]])), "late.ndjson")
    report = text(quick("diff", "events.ndjson", "late.ndjson", "--time-tolerance", "5s"))

    assert "First divergence: late in CTIP_IVR_01 of app handle 5\n" in report
    assert " at 2026-03-02T09:44:03Z came " in " ".join(report.split())
    assert " at 2026-03-02T09:44:23Z (by 20 s) " in " ".join(report.split())
    assert quick("diff", "events.ndjson", "late.ndjson", "--time-tolerance", "20").returncode == 0


@pytest.mark.parametrize("sides", [("bad.txt", "trace.txt"), ("trace.txt", "bad.txt"), ("bad.txt", "bad.txt")])
def test_what_was_not_read_is_counted(sides, expected, quick, write, tmp_path):
    """Message lines left out with --skip-bad are counted, of whichever side; other messages, too."""
    good = (tmp_path / "trace.txt").read_bytes()
    other = good[: good.index(b"received", 1)].replace(b"PHONE_STATE", b"LINE_CALLSTATE")
    write(good + other + b"received PHONE_STATE\n  device=x1\n", "bad.txt")
    result = quick("diff", *sides, "--skip-bad")
    count = sides.count("bad.txt")

    assert result.returncode == 0
    assert f"  {count} unreadable message line{'s' * (count > 1)} skipped\n" in text(result)
    assert f"  skipped: {count} LINE_CALLSTATE\n" in text(result)


def test_the_verdict_is_coloured(expected, bad, on_terminal):
    """On a terminal the verdict is green or red, and NO_COLOR is honoured."""
    assert "\x1b[32mCONFORMS: " in on_terminal("diff", "events.ndjson", "trace.txt")[1]
    assert "\x1b[31mDIFFERS: " in on_terminal("diff", "events.ndjson", bad)[1]
    assert "\x1b" not in on_terminal("diff", "events.ndjson", bad, NO_COLOR="1")[1]


# --- lines that come and go, and control ----------------------------------------------------------------------------

CHANGES = """\
{"type":"node_added","node":"cm1"}
{"type":"cti_manager_added","node":"cm1"}
{"type":"device_added","device":"RP_SALES","kind":"route_point","lines":["6000","6001"]}
{"type":"provider_opened","app":"acd","cti_managers":["cm1"]}
{"type":"device_opened","device":"RP_SALES","app":"acd"}
{"type":"lines_changed","device":"RP_SALES","added":["6002"]}
{"type":"lines_changed","device":"RP_SALES","removed":["6000"]}
{"type":"control_withdrawn","app":"acd","device":"RP_SALES"}
{"type":"control_granted","app":"acd","device":"RP_SALES"}
{"type":"device_removed","device":"RP_SALES"}
"""


@pytest.fixture
def told(quick, write):
    """A log of lines and control that come and go; the rows of its messages."""
    return [json.loads(line) for line in quick("replay", write(CHANGES), "--ndjson").stdout.splitlines()]


def test_device_ids_are_the_tsps_own(told, quick, write):
    """A trace whose CREATE and REMOVE have other TAPI device ids conforms."""
    for row in told:
        if row["handle"] is None:
            row["param1"] += 70
    _, summary = differences(
        quick("diff", "events.ndjson", write("".join(map(as_line, told)), "got.ndjson"), "--ndjson")
    )

    assert (summary["conforms"], summary["matched"]) == (True, 14)


@pytest.mark.parametrize(
    ("version", "message", "line", "event"),
    [
        (6, "LINE_CREATE", "6002", "lines_changed device=RP_SALES added=6002"),
        (7, "LINE_CLOSE", "6000", "lines_changed device=RP_SALES removed=6000"),
        (7, "LINE_REMOVE", "6000", "lines_changed device=RP_SALES removed=6000"),
        (8, "PHONE_CLOSE", None, "control_withdrawn app=acd device=RP_SALES"),
        (8, "LINE_REMOVE", "6002", "control_withdrawn app=acd device=RP_SALES"),
        (8, "PHONE_REMOVE", None, "control_withdrawn app=acd device=RP_SALES"),
        (9, "PHONE_CREATE", None, "control_granted app=acd device=RP_SALES"),
        (9, "LINE_CREATE", "6001", "control_granted app=acd device=RP_SALES"),
        (10, "LINE_REMOVE", "6001", "device_removed device=RP_SALES"),
        (10, "PHONE_REMOVE", None, "device_removed device=RP_SALES"),
    ],
)
def test_a_lost_change_names_its_event(version, message, line, event, told, quick, write):
    """A CLOSE, CREATE or REMOVE that did not come is missing, by device and line, and the report says which event causes it."""
    got = [row for row in told if (row["version"], row["message"], row["line"]) != (version, message, line)]
    assert len(got) == len(told) - 1
    actual = write("".join(map(as_line, got)), "got.ndjson")
    (row,), _ = differences(quick("diff", "events.ndjson", actual, "--ndjson"))

    assert (row["kind"], row["actual"]) == ("missing", None)
    assert [row["expected"][key] for key in ("version", "message", "device", "line")] == [
        version, message, "RP_SALES", line]  # fmt: skip
    assert f"  caused by   event {version}: {event}\n" in text(quick("diff", "events.ndjson", actual))


def test_a_line_that_is_not_the_expected_one(told, quick, write):
    """A CREATE of another line of the same device is a difference, caused by the event that adds the line."""
    assert (told[0]["message"], told[0]["line"]) == ("LINE_CREATE", "6002")
    told[0]["line"] = "6003"
    actual = write("".join(map(as_line, told)), "got.ndjson")
    rows, summary = differences(quick("diff", "events.ndjson", actual, "--ndjson"))

    assert (summary["conforms"], summary["matched"]) == (False, 13)
    assert (rows[0]["expected"]["line"], rows[-1]["actual"]["line"]) == ("6002", "6003")
    assert rows[0]["event"] == {"type": "lines_changed", "device": "RP_SALES", "added": ["6002"]}


def test_a_change_that_no_event_tells_of(told, quick, write):
    """A REMOVE of a line that both sides know, and that nothing in the log causes, is unexpected."""
    told.insert(1, told[0] | {"message": "LINE_REMOVE", "msg": 25, "line": "6001", "param1": 1})
    actual = write("".join(map(as_line, told)), "got.ndjson")
    (row,), _ = differences(quick("diff", "events.ndjson", actual, "--ndjson"))

    assert (row["kind"], row["event"]) == ("unexpected", None)
    assert (row["actual"]["message"], row["actual"]["line"]) == ("LINE_REMOVE", "6001")


def test_changes_without_names(told, quick, write):
    """A trace that has no names tells of a CREATE, but not of which line: the kind and the order are compared."""
    trace = quick("replay", "events.ndjson", *TRACE).stdout
    _, summary = differences(quick("diff", "events.ndjson", write(trace, "got.txt"), "--ndjson"))
    assert (summary["conforms"], summary["matched"]) == (True, 14)

    lost = b"".join(line for line in trace.splitlines(keepends=True) if b"PHONE_CREATE" not in line)
    (row,), _ = differences(quick("diff", "events.ndjson", write(lost, "got.txt"), "--ndjson"))
    assert (row["kind"], row["event"]["type"]) == ("missing", "control_granted")


# --- JUnit XML ------------------------------------------------------------------------------------------------------


def test_junit_is_read_by_others(bad, quick, tmp_path):
    """Another reader finds a case per channel, and a failure with its text where one differs."""
    assert quick("diff", "events.ndjson", bad, "--junit", "diff.xml").returncode == 1
    found = JUnitXml.fromfile(str(tmp_path / "diff.xml"))
    [suite] = found
    cases = list(suite)
    failed = {case.name: case.result[0] for case in cases if case.result}

    assert (found.tests, found.failures, found.errors, found.skipped) == (6, 4, 0, 0)
    assert (suite.name, suite.tests, suite.failures) == ("cti-es diff", 6, 4)
    assert len({case.name for case in cases}) == 6
    assert {name: (one.type, one.message) for name, one in failed.items()} == {
        "CTIP_IVR_01 of app handle 5": ("moved", "1 moved"),
        "RP_SALES of app handle 6": ("missing", "1 missing, 1 reason"),
        "RP_SALES/6001 of app handle 6": ("unexpected", "1 unexpected"),
        "handles": ("alias", "1 alias"),
    }
    assert all(isinstance(one, Failure) and one.text.startswith(one.type) for one in failed.values())
    assert not [case for case in cases if case.time]


def test_junit_of_what_conforms(expected, quick, tmp_path):
    """Where nothing differs there are cases, and none fails; --max does not cut them."""
    assert quick("diff", "events.ndjson", "trace.txt", "--junit", "diff.xml", "--max", "1").returncode == 0
    found = JUnitXml.fromfile(str(tmp_path / "diff.xml"))

    assert (found.tests, found.failures) == (5, 0)


def test_junit_of_awkward_names(quick, write, tmp_path):
    """Whatever a name is, the XML can be read, and says it; what XML cannot say is no name."""
    names = ["<&>\"']]>", "Zürich 電話 \U0001f4de"]
    row = {"message": "PHONE_STATE", "param1": 262144, "param2": 1}
    write("".join(as_line({**row, "device": name}) for name in names), "names.ndjson")
    write(as_line({**row, "device": names[0], "param2": 2}), "one.ndjson")
    assert quick("diff", "names.ndjson", "one.ndjson", "--junit", "diff.xml").returncode == 1

    [suite] = JUnitXml.fromfile(str(tmp_path / "diff.xml"))
    assert [case.name for case in suite] == names


# --- the same bytes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("--ndjson",), ("--order", "device", "--show-handles")], ids=str)
@pytest.mark.parametrize("actual", ["bad.ndjson", "bad.txt"])
def test_the_same_input_gives_the_same_bytes(actual, options, bad, cti_es, environment, tmp_path, write):
    """Two processes with other hash seeds, time zones and languages print the same report and the same XML."""
    trace = (tmp_path / "trace.txt").read_bytes()
    write(trace.replace(b"param2=x1", b"param2=x4", 3), "bad.txt")
    found = []
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"), ("3", "America/New_York")):
        changes = environment({"PYTHONHASHSEED": seed, "TZ": zone, "LANG": "tr_TR.UTF-8"})
        result = cti_es("diff", "events.ndjson", actual, "--junit", "diff.xml", *options, env=changes)
        found.append((text(result), (tmp_path / "diff.xml").read_bytes()))

    assert len(set(found)) == 1
    assert str(tmp_path) not in found[0][0]


def test_a_file_with_names_that_are_not_expected(expected, quick, write):
    """Mistyped names in a file of handles are warned of, with what is near; the messages stay where the file puts them."""
    write(csv_of({handle: name.replace("RP_SALES", "RP_SALE") for handle, name in HANDLES.items()}), "handles.csv")
    result = quick("diff", "events.ndjson", "trace.txt", "--handles", "handles.csv")

    assert result.returncode == 1
    assert b"handles from a file\n" in result.stdout
    assert (
        b"3 stand for channels without an expected message, the first for RP_SALE of app; did you mean 'RP_SALES'?"
        in (result.stderr)
    )


def test_a_guess_is_called_one(expected, quick, write):
    """Whoever reads the counts by machine learns that handles were inferred, though a file was given."""
    write(csv_of({"10000": HANDLES["10000"]}), "handles.csv")
    result = quick("diff", "events.ndjson", "trace.txt", "--handles", "handles.csv", "--ndjson")

    assert b'"handles":"inferred"' in result.stdout.splitlines()[-1]


def test_a_guess_by_order_of_appearance(quick):
    """Handles that say the same are told apart by the order in which they appear: nothing only seems to have moved."""
    failing = FIXTURES / "traces" / "failing-test"
    files = (f"{failing}-log.ndjson", f"{failing}.txt")
    given = text(quick("diff", *files, "--order", "total", "--handles", f"{failing}-handles.csv"))
    guessed = text(quick("diff", *files, "--order", "total"))

    assert "  1 missing\n" in given
    assert "  1 missing\n" in guessed


# --- a part of a trace ----------------------------------------------------------------------------------------------


@pytest.fixture
def outages(write, quick):
    """Many outages: the rows of a log's messages, and their lines."""
    quick("generate", "--seed", "3", "--events", "300", "--calls", "0.5", "-o", "many.ndjson")
    return quick("replay", "many.ndjson", "--ndjson").stdout.decode().splitlines(keepends=True)


def test_a_trace_that_is_a_part_of_the_whole(outages, quick, write):
    """It says once where the trace begins and ends and how much is outside, and lists what is missing inside."""
    part = write("".join(outages[100:110] + outages[111:150]), "part.ndjson")
    report = text(quick("diff", "many.ndjson", part))
    words = " ".join(report.split())

    assert f"Begins: ACTUAL begins at line 1, {json.loads(outages[100])['at']}; 100 expected messages come" in words
    assert f"Ends: ACTUAL ends at line 49, {json.loads(outages[149])['at']}; {len(outages) - 150} expected" in words
    assert f"{len(outages) - 49} missing" in report
    assert "\n  expected    111  " in report
    assert "Then:" not in report
    assert "more difference" not in report
    rows, _ = differences(quick("diff", "many.ndjson", part, "--ndjson", "--max", "1000"))
    assert len(rows) == len(outages) - 49


def test_a_trace_that_is_cut_inside_a_message(outages, quick, write):
    """It is refused: where, that the trace ends there, and how to leave the message out; then it says where it ends."""
    trace = quick("replay", "many.ndjson", *TRACE).stdout.decode()
    cut = write(trace[: trace.index("  param1", 3_000)], "cut.txt")
    line = trace[:3_000].count("\n") + 1
    refused = quick("diff", "many.ndjson", cut)

    assert refused.returncode == 2
    for words in (f"cut.txt:{line}: the trace ends inside a message: ", "; --skip-bad of diff and lint leaves such"):
        assert words in refused.stderr.decode()
    report = text(quick("diff", "many.ndjson", cut, "--skip-bad"))
    assert "1 unreadable message line skipped" in report
    assert "Ends:     ACTUAL ends at line" in report
