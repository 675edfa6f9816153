"""``outages``: rows, sums, options and what is refused."""

import json

import pytest

DARK = b"""\
{"type":"node_added","node":"cm1","at":"2026-03-02T09:00:00Z"}
{"type":"device_added","device":"P","kind":"cti_port","lines":["1"],"at":"2026-03-02T09:00:00Z"}
{"type":"device_added","device":"Q","kind":"phone","at":"2026-03-02T09:00:00Z"}
{"type":"device_opened","device":"P","app":"ivr","at":"2026-03-02T09:01:00Z"}
{"type":"node_failed","node":"cm1","at":"2026-03-02T09:10:00Z"}
{"type":"device_closed","device":"P","app":"ivr","at":"2026-03-02T09:14:12Z"}
"""
"""The only node fails and stays failed; the port is given back."""


@pytest.fixture
def dark(write):
    """The name of a log with an outage that ended and one that lasts."""
    return write(DARK, "dark.ndjson")


def test_rows_of_ndjson(dark, ndjson):
    """Exactly the fields that are promised, in this order; line only where it is one."""
    first, second = ndjson("outages", dark)

    assert list(first.items()) == [
        ("device", "P"),
        ("kind", "cti_port"),
        ("from_version", 5),
        ("from_at", "2026-03-02T09:10:00Z"),
        ("until_version", 6),
        ("until_at", "2026-03-02T09:14:12Z"),
        ("seconds", 252.0),
        ("reason", "CallManagerFailure"),
        ("cause", "node_failed"),
        ("home_before", "cm1"),
        ("home_after", None),
        ("calls", 0),
        ("handles", 2),
    ]
    assert (second["device"], second["until_version"], second["seconds"]) == ("Q", None, None)
    assert [one.get("line") for one in ndjson("outages", dark, "--lines")] == [None, "1", None]


def test_text_has_lengths_and_sums(dark, quick):
    """Durations for people, what lasts, and one line of sums."""
    lines = quick("outages", dark).stdout.decode().splitlines()

    assert "4m12s" in lines[1]
    assert "still out" in lines[2]
    assert lines[3] == "2 outages of 2 devices, longest 4m12s (P), total 4m12s, 1 still out"


def test_moves_are_at_once(site, quick):
    """The model moves devices at once, and text says that it is the model that does."""
    lines = quick("outages", "site.db").stdout.decode().splitlines()

    assert all("at once (model)" in line for line in lines[1:-1])
    assert lines[-1] == "4 outages of 2 devices, 0 still out"


@pytest.mark.parametrize(
    ("options", "devices"),
    [
        ((), ["P", "Q"]),
        (("--still",), ["Q"]),
        (("--device", "P"), ["P"]),
        (("--device", "P", "--device", "Q"), ["P", "Q"]),
        (("--min", "5m"), ["Q"]),
        (("--min", "252s"), ["P", "Q"]),
        (("--app", "ivr"), ["P"]),
        (("--since", "2026-03-02T09:15:00Z"), ["Q"]),
        (("--until", "2026-03-02T09:09:00Z"), []),
        (("--as-of", "4"), []),
        (("--as-of", "5", "--still"), ["P", "Q"]),
    ],
)
def test_what_is_asked_for(options, devices, dark, ndjson):
    """Each option alone leaves what it says."""
    assert [one["device"] for one in ndjson("outages", dark, *options)] == devices


def test_a_window_that_ends_before_it_begins(dark, quick, refused):
    """Is refused before anything is printed."""
    window = ("--since", "2026-03-02T09:15:00Z", "--until", "2026-03-02T09:14:00Z")

    refused(quick("outages", dark, *window), "the window ends before it begins")


def test_names_that_nothing_has(dark, quick):
    """Are warned of, with what is near, once a log has been read."""
    error = quick("outages", dark, "--device", "PP", "--app", "ivrr").stderr.decode().splitlines()

    assert error == [
        "warning: there is no device 'PP' (did you mean 'P'?) in dark.ndjson",
        "warning: there is no application 'ivrr' (did you mean 'ivr'?) in dark.ndjson",
    ]


def test_a_log_without_times(write, quick):
    """Says so once; lengths are null."""
    events = [json.loads(line) for line in DARK.splitlines()]
    name = write("".join(json.dumps({k: v for k, v in one.items() if k != "at"}) + "\n" for one in events))
    result = quick("outages", name, "--ndjson")

    assert [json.loads(line)["seconds"] for line in result.stdout.splitlines()] == [None, None]
    assert result.stderr.decode().count("have no times") == 1


def test_several_sources(dark, site, quick, ndjson):
    """Each row says where it is from; the sums are over all."""
    assert {one["source"] for one in ndjson("outages", dark, "site.db")} == {"dark.ndjson", "site.db"}
    assert quick("outages", dark, "site.db").stdout.decode().splitlines()[-1].startswith("6 outages of 4 devices")


# --- beside a trace ----------------------------------------------------------------------------------------------------

TRACE = """\
{"device":"P","app":"ivr","message":"PHONE_STATE","param1":"SUSPEND","param2":1,"at":"2026-03-02T09:10:07Z"}
{"device":"P","app":"ivr","message":"PHONE_STATE","param1":"RESUME","param2":0,"at":"2026-03-02T09:12:00Z"}
{"device":"Z","app":"ivr","message":"PHONE_STATE","param1":"SUSPEND","param2":0,"at":"2026-03-02T10:00:00Z"}
"""
"""What the application really saw: P came back, and a device that the log does not have."""


def test_beside_a_trace(dark, write, ndjson):
    """What was observed of each outage; then what only the trace has, with null where only a log knows."""
    first, second, third = ndjson("outages", dark, "--trace", write(TRACE, "tb.ndjson"))

    assert [first[one] for one in ("observed_from_at", "observed_until_at", "observed_seconds")] == [
        "2026-03-02T09:10:07Z", "2026-03-02T09:12:00Z", 113.0,
    ]  # fmt: skip
    assert (second["device"], second["observed_from_at"]) == ("Q", None)
    assert list(third) == list(first)
    assert (third["device"], third["kind"], third["from_version"], third["observed_until_at"]) == (
        "Z",
        None,
        None,
        None,
    )


def test_text_beside_a_trace(dark, write, quick):
    """Both lengths, and how many were seen."""
    lines = quick("outages", dark, "--trace", write(TRACE, "tb.ndjson")).stdout.decode().splitlines()

    assert ["4m12s" in lines[1], "1m53s" in lines[1], "not seen" in lines[2], "no end seen" in lines[3]] == [True] * 4
    assert lines[4].endswith("1 seen in the trace, 1 not, 1 only there")


def test_cti_alarms_and_named_handles(write, site, ndjson):
    """A syslog with CTI alarms is a trace; a file names the handles of a trace that has no names."""
    alarms = (
        "2026-03-02T09:44:09Z cm2 : 1: cm2: Mar 02 2026 09:44:09 UTC : %UC_CTI-3-CtiDeviceOutofService: "
        "%[CTIconnectionId=5][DeviceName=CTIP_IVR_01][UNKNOWN_PARAMNAME:DeviceName=CTIP_IVR_01][App ID=Cisco CTIManager]"
        "[ClusterID=c][NodeID=cm2]: out\n"
    )
    handles = write("handle,app,device,line\n0x1A,,CTIP_IVR_01,\n", "handles.csv")
    trace = TRACE.replace('"device":"P",', '"handle":"0x1A",').replace("09:10:07", "09:44:05").splitlines()[0]
    rows = {
        name: {one["device"]: one["observed_from_at"] for one in ndjson("outages", "site.db", *options)[:2]}
        for name, options in {
            "alarms": ("--trace", write(alarms, "cm2.log")),
            "handles": ("--trace", write(trace, "tb.ndjson"), "--handles", handles),
        }.items()
    }

    assert rows["alarms"]["CTIP_IVR_01"] == "2026-03-02T09:44:09Z"
    assert rows["handles"]["CTIP_IVR_01"] == "2026-03-02T09:44:05Z"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TRACE.replace('"at"', '"seen"'), ("no message with a time", "tb.ndjson")),
        (TRACE.replace('"device":"', '"handle":"0'), ("no message with a device",)),
        ("", ("nothing in it",)),
    ],
    ids=["without times", "without devices", "empty"],
)
def test_traces_that_tell_nothing(text, words, dark, write, quick, refused):
    """Are refused: nothing could be joined."""
    refused(quick("outages", dark, "--trace", write(text, "tb.ndjson")), *words)


def test_options_of_a_trace(dark, site, write, quick, refused):
    """They go with --trace, which stands beside one SOURCE."""
    refused(quick("outages", dark, "--skip-bad"), "goes with --trace")
    refused(quick("outages", dark, "site.db", "--trace", write(TRACE, "tb.ndjson")), "one SOURCE")
    refused(quick("outages", dark, "--trace", "none.ndjson"), "none.ndjson: no such file")
