"""``generate``: seeded logs that fit, and ``demo``: the worked example for a newcomer."""

import hashlib
import json
import re
import subprocess
import sys
from itertools import cycle

import pytest
from click.testing import CliRunner

from cti_es.testing.worked_example import EVENTS
from cti_es.vocabulary.events import EVENT_TYPES
from cti_es_cli.main import main

OPTIONS = [
    (),
    ("--nodes", "1"),
    ("--nodes", "8"),
    ("--devices", "1"),
    ("--devices", "1", "--lines", "0", "--nodes", "1"),
    ("--devices", "60"),
    ("--lines", "0"),
    ("--lines", "1"),
    ("--lines", "6"),
    ("--apps", "4"),
    ("--calls", "0"),
    ("--calls", "1"),
    ("--calls", "0.1", "--apps", "2", "--nodes", "4"),
    ("--start", "2026-03-01T10:00:00.5+01:00"),
    ("--events", "0"),
    ("--events", "1"),
    ("--events", "5"),
    ("--tsp",),
    ("--tsp", "--calls", "0", "--apps", "3"),
    ("--tsp", "--nodes", "1", "--devices", "1", "--lines", "0"),
    ("--events", "7", "--tsp", "--nodes", "8"),
]
SEEDS = list(zip(range(24), cycle(OPTIONS)))


TSP_TYPES = {
    "cti_manager_added",
    "cti_manager_failed",
    "cti_manager_recovered",
    "provider_opened",
    "provider_closed",
    "status_messages_set",
    "device_failed",
    "device_recovered",
    "device_removed",
    "call_connected",
    "behaviour_set",
    "provider_link_lost",
    "provider_linked",
    "lines_changed",
    "control_withdrawn",
    "control_granted",
}
"""The event types that only occur with --tsp."""

WITHOUT_TSP = {
    # options: SHA-256 of what the last release without --tsp made
    ("--events", "1500", "--seed", "1"): "48030afe41f6fe8b0c08a77fd2d74596a2c4f2d3ca8b9a7ee8378e68c080e1d5",
    ("--events", "1500", "--seed", "2", "--apps", "2", "--calls", "0.3", "--devices", "20"): (
        "5d520404e3f59f4bb6cc5fb1ef9074a46e900eb9453d58122574fbdf7a833f39"
    ),
}


def test_the_same_seed_gives_the_same_bytes(cti_es, environment):
    """The same seed and options give the same bytes, whatever PYTHONHASHSEED is; another seed gives others."""
    first, second = (
        cti_es("generate", "--seed", "7", "--events", "300", env=environment({"PYTHONHASHSEED": seed})).stdout
        for seed in "12"
    )

    assert first == second
    assert first != cti_es("generate", "--seed", "8", "--events", "300").stdout


def test_the_start_of_a_longer_log_is_the_shorter_one(quick):
    """--events only says where to stop."""
    short, long = (quick("generate", "--seed", "3", "--events", count).stdout for count in ("100", "200"))

    assert long.startswith(short)


@pytest.mark.parametrize(("seed", "options"), SEEDS, ids=str)
def test_it_passes_append(seed, options, quick):
    """What generate writes is canonical, has as many events as asked for, and no misfit."""
    made = quick("generate", "--seed", str(seed), "--events", "200", *options)
    count = made.stdout.count(b"\n")
    result = quick("append", "site.db", "--from", "-", input=made.stdout)

    assert made.returncode == 0, made.stderr
    assert count == int(options[1] if "--events" in options else 200)
    assert f"appended {count}, duplicates 0, misfits 0, ".encode() in result.stderr
    if count:
        assert quick("export", "site.db").stdout == made.stdout


def test_everything_occurs(quick):
    """An ordinary log has every event type, every kind of device, refusals of devices and of lines, and moves."""
    made = quick("generate", "--events", "3000", "--devices", "20", "--calls", "0.6", "--apps", "2").stdout
    events = [json.loads(line) for line in made.splitlines()]
    messages = quick("replay", "-", "--ndjson", input=made).stdout

    assert {event["type"] for event in events} == set(EVENT_TYPES) - TSP_TYPES
    assert {event.get("kind") for event in events} == {"cti_port", "route_point", "phone", None}
    assert {"line" in event for event in events if event["type"] == "open_refused"} == {True, False}
    assert {"nodes" in event for event in events if event["type"] == "open_refused"} == {True, False}
    assert {event.get("app", "app") for event in events if event["type"] == "device_opened"} >= {"app", "app2"}
    for reason in (b"CallManagerFailure", b"ReHomeToHigherPriorityCM", b"NoCallManagerAvailable", b"LINE_CLOSE"):
        assert reason in messages


@pytest.mark.parametrize("options", WITHOUT_TSP, ids=" ".join)
def test_without_tsp_nothing_has_changed(options, quick):
    """Without --tsp a seed gives the log that it has always given."""
    assert hashlib.sha256(quick("generate", *options).stdout).hexdigest() == WITHOUT_TSP[options]


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_tsp_has_no_misfits(seed, quick):
    """With --tsp, too, nothing is a misfit, however much fails and is removed."""
    options = ("--tsp", "--seed", seed, "--events", "1500", "--apps", "2", "--calls", "0.3")
    made = quick("generate", *options).stdout

    assert made.count(b"\n") == 1500
    assert quick("replay", "-", "--misfits", input=made).stdout == b""


def test_tsp_gives_the_same_bytes_and_others_than_without(cti_es, environment):
    """--tsp keeps to the seed, whatever PYTHONHASHSEED is, and makes another log."""
    options = ("--seed", "7", "--events", "300", "--apps", "2", "--calls", "0.3")
    first, second = (
        cti_es("generate", *options, "--tsp", env=environment({"PYTHONHASHSEED": seed})).stdout for seed in "12"
    )

    assert first == second
    assert first != cti_es("generate", *options).stdout


def test_the_start_of_a_longer_log_with_tsp(quick):
    """--events only says where to stop, here too."""
    short, long = (quick("generate", "--tsp", "--events", count).stdout for count in ("100", "200"))

    assert long.startswith(short)


def test_everything_occurs_with_tsp(quick):
    """A log with --tsp has every event type and option, and causes every sort of message that there is."""
    options = ("--tsp", "--events", "3000", "--devices", "12", "--calls", "0.4", "--apps", "2")
    made = quick("generate", *options).stdout
    events = [json.loads(line) for line in made.splitlines()]
    messages = [json.loads(line) for line in quick("replay", "-", "--ndjson", input=made).stdout.splitlines()]

    def given(event_type, field):
        return {str(event.get(field)) for event in events if event["type"] == event_type}

    assert {event["type"] for event in events} == set(EVENT_TYPES)
    assert given("node_failed", "scope") >= {"None", "call_manager"}
    assert given("device_failed", "reason") == {
        "None", "DeviceFailure", "DeviceUnregistered", "EnergyWisePowerSavePlus"
    }  # fmt: skip
    assert len(given("status_messages_set", "line")) > 1
    assert {message["message"] for message in messages} == {
        *("PHONE_STATE", "PHONE_CLOSE", "PHONE_CREATE", "PHONE_REMOVE"),
        *("LINE_LINEDEVSTATE", "LINE_CLOSE", "LINE_CREATE", "LINE_REMOVE"),
    }
    assert {message["param2_name"] for message in messages} >= {"CtiLinkFailure", "DeviceFailure", "CallManagerFailure"}
    assert {message["rule"].partition("/")[2] for message in messages} == {
        *("suspend", "resume", "close", "settle", "open", "announce", "link_lost", "reconnect", "configure")
    }


def test_counts_are_kept(quick):
    """--nodes, --devices and --lines are what the log has."""
    options = ("--nodes", "5", "--devices", "12", "--lines", "4")
    events = [json.loads(line) for line in quick("generate", *options).stdout.splitlines()]
    devices = [event for event in events if event["type"] == "device_added"]

    assert len([event for event in events if event["type"] == "node_added"]) == 5
    assert len(devices) == 12
    assert max(len(device["lines"]) for device in devices) == 4


def test_times_only_run_forward(quick):
    """The log begins not before --start, and its times are in order."""
    events = [json.loads(line) for line in quick("generate", "--start", "2027-05-01T00:00:00Z").stdout.splitlines()]
    times = [event["at"].rstrip("Z") for event in events]

    assert times == sorted(times)
    assert times[0] >= "2027-05-01T00:00:00"


def test_the_end_of_time(quick, refused):
    """A log that would run past the last year is refused in a sentence."""
    result = quick("generate", "--start", "9998-12-31T23:59:59Z", "-o", "out.ndjson")

    refused(result, "9998")


# --- demo -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """What demo prints, into one stream, as a terminal shows it."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "cti_es_cli", "demo"]
    result = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    assert list(folder.iterdir()) == []
    return result.stdout.decode()


def test_demo_shows_the_worked_example(demo):
    """Demo prints the 20 messages of the worked example in order."""
    found = re.findall(r"^\d+ +(\d+) .* (PHONESTATE|LINEDEVSTATE)_(\w+) +(\S+)", demo, re.MULTILINE)

    assert [(version, state, reason.strip("-")) for version, _, state, reason in found] == [
        *[
            ("8", state, "CallManagerFailure")
            for state in ("SUSPEND", "OUTOFSERVICE", "SUSPEND", "OUTOFSERVICE", "OUTOFSERVICE")
        ],
        *[("8", state, "") for state in ("RESUME", "INSERVICE", "RESUME", "INSERVICE", "INSERVICE")],
        *[("9", state, "ReHomeToHigherPriorityCM") for state in ("SUSPEND", "OUTOFSERVICE")],
        *[("9", state, "") for state in ("RESUME", "INSERVICE")],
        *[("10", state, "ReHomeToHigherPriorityCM") for state in ("SUSPEND", "OUTOFSERVICE", "OUTOFSERVICE")],
        *[("10", state, "") for state in ("RESUME", "INSERVICE", "INSERVICE")],
    ]


def test_demo_shows_its_commands(demo):
    """Demo shows each command that it runs: append, replay and homes are among them, in this order."""
    commands = re.findall(r"^\$ cti-es (\w+)", demo, re.MULTILINE)

    assert [name for name in commands if name in ("append", "replay")] == ["append", "replay"]
    assert commands[-1] == "homes"


def test_demo_keeps_the_order_of_what_it_shows(demo):
    """What a command reports on standard error stands behind that command, not somewhere else."""
    assert re.search(r"^\$ cti-es append .*\nappended 10, duplicates 0, misfits 0, head 10:sha256:", demo, re.MULTILINE)


def test_demo_ends_with_the_homes(demo):
    """Demo ends with both devices back on cm1."""
    homes = demo.split("$ cti-es homes site.db\n")[-1].splitlines()[1:]

    assert [line.split()[:4] for line in homes] == [
        ["CTIP_IVR_01", "cti_port", "in_service", "cm1"],
        ["RP_SALES", "route_point", "in_service", "cm1"],
    ]


# --- traces with faults -----------------------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path):
    """The worked example as a file."""
    path = tmp_path / "events.ndjson"
    path.write_bytes(EVENTS)
    return path


def faulty(*words: str):
    """Run ``generate`` for a trace."""
    return CliRunner().invoke(main, ["generate", *words])


@pytest.mark.parametrize("form", ["ndjson", "tapi-browser"])
def test_the_list_of_faults_is_what_diff_finds(form, log, tmp_path):
    """``diff`` of the log and the trace reports the very faults of the list: by name, and where handles are numbers."""
    trace, listed = str(tmp_path / "trace"), tmp_path / "faults.ndjson"
    faults = "drop=1,duplicate=1,swap=1,late=5s,reason=2"
    made = faulty(
        "--trace", str(log), "--faults", faults, "--seed", "4", "--format", form, "--list", str(listed), "-o", trace
    )
    words = ["--time-tolerance", "1s", "--ndjson", *(["--date", "2026-03-02"] if form == "tapi-browser" else [])]
    *found, summary = map(json.loads, CliRunner().invoke(main, ["diff", str(log), trace, *words]).stdout.splitlines())
    rows = [json.loads(line) for line in listed.read_text().splitlines()]

    assert made.exit_code == 0
    assert sorted(row["kind"] for row in rows) == sorted(one["kind"] for one in found)
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)
    if form == "ndjson":
        expected = {(one["kind"], one["expected"]["place"]) for one in found if one["expected"]}
        assert {(row["kind"], row["seq"]) for row in rows if row["fault"] != "duplicate"} == expected


def test_what_the_list_says_of_each_fault(log, tmp_path):
    """With which message a swap was, by how much a late one is late, which reason came; nothing of that of the others."""
    listed = tmp_path / "faults.ndjson"
    faulty(
        "--trace", str(log), "--faults", "swap=1,late=2x3s,reason=1", "--list", str(listed), "-o", str(tmp_path / "t")
    )
    rows = [json.loads(line) for line in listed.read_text().splitlines()]

    assert [row["seconds"] for row in rows if row["fault"] == "late"] == [3, 3]
    assert [row["other"] is None for row in rows] == [row["fault"] != "swap" for row in rows]
    assert [row["reason"] is None for row in rows] == [row["fault"] != "reason" for row in rows]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--faults", "drp=1"), "no fault 'drp'; expected drop, duplicate, swap, late, reason; did you mean 'drop'?"),
        (("--faults", "drop=x"), "'drop=x' is not how many; expected drop=N"),
        (("--faults", "late=5h"), "'late=5h' is not how many; expected late=N, a duration .5s., or both .3x5s."),
        (("--faults", "drop=1,drop=2"), "'drop' stands twice"),
        (("--faults", "late=0s"), "late by nothing"),
        (("--faults", "drop=99"), "99 faults 'drop'; expected at most"),
        ((), "--trace without --faults"),
        (("--faults", "drop=1", "--events", "5"), "--events does not go with it"),
        (("--faults", "late=5s", "--format", "one-line"), "one-line has none"),
        (("--faults", "drop=1", "--app", "ap"), "there is no application 'ap' in .*; did you mean 'app'?"),
        (("--faults", "drop=1", "--list", "-"), "would go to the same place"),
    ],
)
def test_faults_that_cannot_be_made(words, what, log):
    """Each is an error that says what is expected."""
    done = faulty("--trace", str(log), *words)

    assert (done.exit_code, done.stdout) == (2, "")
    assert re.search(what, done.stderr)


def test_faults_without_a_trace():
    """The options of a trace do not go with a synthetic log."""
    assert "it is a log at random, so --faults does not go with it" in faulty("--faults", "drop=1").stderr


def test_a_log_without_messages(log):
    """There is nothing to put faults into, and the error says so."""
    log.write_text('{"type":"node_added","node":"cm1"}\n')

    assert "no message to make a trace of" in faulty("--trace", str(log), "--faults", "drop=1").stderr


# --- profiles ---------------------------------------------------------------------------------------------------------


def test_a_site_of_a_profile(tmp_path):
    """The log of a site, with the options that it shares with other logs."""
    words = [
        "--devices",
        "50",
        "--nodes",
        "2",
        "--calls-per-hour",
        "60",
        "--outages",
        "0",
        "--start",
        "2026-03-02T08:00:00Z",
    ]
    rows = [json.loads(line) for line in faulty("--profile", "recorder", *words).stdout.splitlines()]

    assert [row["type"] for row in rows[:4]] == ["node_added"] * 2 + ["cti_manager_added"] * 2
    assert rows[0]["at"] == "2026-03-02T08:00:00.001000Z"
    assert sum(row["type"] == "device_added" for row in rows) == 50


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (
            ("--profile", "offic"),
            "unknown value 'offic'; expected contact-center, office, recorder; did you mean 'office'?",
        ),
        (
            ("--profile", "office", "--events", "5"),
            "--profile makes the log of a site, so --events does not go with it",
        ),
        (("--profile", "office", "--faults", "drop=1"), "so --faults does not go with it"),
        (("--outages", "5"), "so --outages does not go with it"),
        (("--profile", "office", "--hours", "nan"), "nan is no number"),
        (("--profile", "office", "--devices", "100", "--calls-per-hour", "5000"), "expected fewer calls an hour"),
    ],
)
def test_sites_that_cannot_be_made(words, what):
    """Each is an error that says what is wrong, and nothing is printed."""
    done = faulty(*words)

    assert (done.exit_code, done.stdout) == (2, "")
    assert what in " ".join(done.stderr.split())
