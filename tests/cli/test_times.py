"""Times on the command line: as people say them, in which zone, and what the environment may say."""

import json

import pytest

BERLIN = "Europe/Berlin"


def test_a_time_of_day_is_that_of_the_last_day(log_file, quick):
    """09:45 is on the day of the log's last event, in the zone of --tz."""
    at_once = quick("homes", log_file, "--as-of", "2026-03-02T09:45:00Z").stdout

    assert quick("homes", log_file, "--as-of", "09:45").stdout == at_once
    assert quick("homes", log_file, "--as-of", "10:45", "--tz", BERLIN).stdout == at_once
    assert quick("homes", log_file, "--as-of", "10:45+01:00").stdout == at_once
    assert quick("homes", log_file, "--as-of", "2026-03-02 10:45", "--tz", "+01:00").stdout == at_once
    assert at_once != quick("homes", log_file, "--as-of", "09:57:15").stdout


def test_the_options_may_stand_in_any_order(log_file, quick):
    """--tz counts for the times before it, and the log for those before it, too."""
    expected = quick("homes", log_file, "--tz", BERLIN, "--as-of", "10:45").stdout

    assert quick("homes", "--as-of", "10:45", "--tz", BERLIN, log_file).stdout == expected


def test_a_time_of_day_in_a_store(site, quick):
    """A store knows its last event without being read."""
    assert quick("homes", "site.db", "--as-of", "09:45").stdout == (
        quick("homes", "site.db", "--as-of", "2026-03-02T09:45:00Z").stdout
    )


def test_a_time_of_day_of_standard_input(example, quick):
    """Standard input is read once, and kept for the command."""
    asked = quick("outages", "-", "--since", "09:50", "--until", "09:55", "--ndjson", input=example)

    assert [json.loads(line)["from_version"] for line in asked.stdout.splitlines()] == [9]


def test_in_an_empty_log_it_is_today(write, quick):
    """A log without a time has no day: the time is taken as today's, and nothing is in it."""
    assert quick("homes", write(""), "--as-of", "09:17", "--ndjson").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("homes", "events.ndjson", "events.ndjson", "--as-of", "09:17"), "its day, such as 2026-03-02 09:17"),
        (("diff", "events.ndjson", "events.ndjson", "--since", "09:17"), "its day, such as 2026-03-02 09:17"),
        (("outages", "events.ndjson", "--since", "soon"), "09:17, 2026-03-02 09:17"),
        (("outages", "events.ndjson", "--since", "2026-02-30 09:17"), "'2026-02-30T09:17:00' is not a time"),
        (("outages", "events.ndjson", "--tz", "Europe/Berln"), "did you mean 'Europe/Berlin'?"),
        (("outages", "nowhere.ndjson", "--since", "09:17"), "nowhere.ndjson: no such file"),
        (("outages", "events.ndjson", "--since", "2026-10-25 02:30", "--tz", BERLIN), "2026-10-25T02:30:00+01:00"),
        (("outages", "events.ndjson", "--since", "2026-03-29 02:30", "--tz", BERLIN), "clocks skip"),
    ],
    ids=str,
)
def test_times_that_cannot_be_meant(arguments, words, log_file, quick, refused):
    """What is no time, or could be several, is exit 2 and says what would do."""
    refused(quick(*arguments), words)


SHOWN = {
    ("log",): b"2026-03-02T10:44:03+01:00  node_failed",
    ("replay",): b"2026-03-02T10:44:03+01:00  app",
    ("outages",): b"2026-03-02T10:44:03+01:00",
    ("history", "--device", "RP_SALES"): b"2026-03-02T10:44:03+01:00",
    ("incident",): b"2026-03-02T10:44:03+01:00",
    ("explain", "3"): b"at 2026-03-02T10:44:03+01:00: node_failed",
}


@pytest.mark.parametrize("command", SHOWN, ids=" ".join)
def test_text_has_times_in_the_zone(command, log_file, quick):
    """With --tz text shows the time there and its offset; NDJSON and CSV stay as they are."""
    name, *rest = command
    text = quick(name, log_file, *rest, "--tz", BERLIN).stdout

    assert SHOWN[command] in text
    assert b"09:44:03Z" not in text
    for plain in (["--ndjson"], ["--format", "csv"])[: 1 if name in ("explain", "incident") else 2]:
        assert (
            quick(name, log_file, *rest, *plain, "--tz", BERLIN).stdout == quick(name, log_file, *rest, *plain).stdout
        )


def test_the_report_of_a_comparison_has_times_in_the_zone(log_file, write, quick):
    """Diff says its times in the zone, too."""
    lines = quick("replay", log_file, "--ndjson").stdout.splitlines(keepends=True)
    report = quick("diff", log_file, write(b"".join(lines[1:]), "trace.ndjson"), "--tz", BERLIN).stdout

    assert b"at 2026-03-02T10:44:03+01:00" in report
    assert b"09:44:03Z" not in report


def test_logs_has_times_in_the_zone(site, quick):
    """The first and last time of a log are shown in the zone."""
    assert b"2026-03-02T09:00:00+01:00  2026-03-02T10:57:15+01:00" in quick("logs", "site.db", "--tz", BERLIN).stdout


# --- what is stored -------------------------------------------------------------------------------------------------


def stored(quick, store="new.db"):
    """The times of a store's events."""
    return [json.loads(line)["at"] for line in quick("export", store).stdout.splitlines()]


def test_what_is_stored_is_in_utc(quick):
    """at= takes times as people say them, and stores them in UTC."""
    for number, given in enumerate(["at=2026-03-02 09:17", "at=2026-03-02T09:17:30", "at=2026-03-02 09:18+00:30"]):
        assert quick("append", "new.db", "node_added", f"node=cm{number}", given, "--tz", BERLIN).returncode == 0

    assert stored(quick) == ["2026-03-02T08:17:00Z", "2026-03-02T08:17:30Z", "2026-03-02T08:48:00Z"]


def test_a_time_of_day_is_stored_as_today(quick):
    """A time without a day is today's for at=, whatever the day of the log."""
    quick("append", "new.db", "node_added", "node=cm1")
    quick("append", "new.db", "node_added", "node=cm2", "at=00:00Z")

    now, midnight = stored(quick)
    assert midnight[:10] >= now[:10]
    assert midnight[10:] == "T00:00:00Z"


@pytest.mark.parametrize("given", ["at=09:17", "at=2026-03-02 09:17"])
def test_an_inherited_zone_stores_nothing(given, cti_es, refused, tmp_path, environment):
    """CTI_ES_TZ never decides what is stored: a time without an offset is refused until --tz says it, too."""
    inherited = environment({"CTI_ES_TZ": BERLIN})
    refused(cti_es("append", "new.db", "node_added", "node=cm1", given, env=inherited), "--tz")
    assert not (tmp_path / "new.db").exists()

    assert cti_es("append", "new.db", "node_added", "node=cm1", given, "--tz", BERLIN, env=inherited).returncode == 0


def test_the_environment_may_say_the_zone(log_file, cti_es, environment, refused):
    """CTI_ES_TZ is the default of --tz, and what is wrong with it names the variable."""
    expected = cti_es("log", log_file, "--tz", BERLIN).stdout
    inherited = environment({"CTI_ES_TZ": BERLIN})
    assert cti_es("log", log_file, env=inherited).stdout == expected
    assert cti_es("log", log_file, "--tz", "UTC", env=inherited).stdout != expected

    refused(cti_es("log", log_file, env=environment({"CTI_ES_TZ": "Moon"})), "CTI_ES_TZ")


# --- windows --------------------------------------------------------------------------------------------------------

WINDOW = ("--since", "09:44", "--until", "10:52:40+01:00")


@pytest.mark.parametrize(
    ("command", "key", "kept"),
    [
        (("log",), "version", {8, 9}),
        (("replay",), "version", {8, 9}),
        (("history", "--device", "RP_SALES", "--device", "CTIP_IVR_01"), "version", {8, 9}),
        (("outages",), "from_version", {8, 9}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_window(command, key, kept, log_file, quick):
    """--since and --until keep what happened between them, both included; what is kept keeps its numbers."""
    name, *options = command
    rows = [json.loads(line) for line in quick(name, log_file, *options, "--ndjson").stdout.splitlines()]
    found = [json.loads(line) for line in quick(name, log_file, *options, *WINDOW, "--ndjson").stdout.splitlines()]

    assert found == [row for row in rows if row[key] in kept] != []


@pytest.mark.parametrize(
    "command", [("log",), ("replay",), ("history", "--device", "RP_SALES"), ("outages",)], ids=" ".join
)
def test_a_window_that_ends_before_it_begins(command, log_file, quick, refused):
    """A window without any time in it is a mistake, not an empty answer."""
    name, *options = command
    refused(quick(name, log_file, *options, "--since", "10:00", "--until", "09:00"), "ends before it begins")


def test_what_has_no_time_is_in_no_window(write, quick):
    """An event without a time is left out of every window, and only there."""
    file = write('{"type":"node_added","node":"cm1"}\n{"type":"node_added","node":"cm2","at":"2026-03-02T09:00:00Z"}\n')

    assert quick("log", file, "--since", "08:00", "--ndjson").stdout.count(b"\n") == 1
    assert quick("log", file, "--ndjson").stdout.count(b"\n") == 2


def test_events_of_an_application(log_file, quick):
    """Log --app: what an application did; where an event names none, app is meant; a wrong name is warned of."""
    assert quick("log", log_file, "--app", "app", "--ndjson").stdout.count(b"\n") == 2
    warned = quick("log", log_file, "--app", "apo")
    assert b"did you mean 'app'?" in warned.stderr
    assert warned.stdout == b""


def test_log_as_of(log_file, quick, refused):
    """Log --as-of ends where replay --as-of does; a version past the end is an error."""
    assert quick("log", log_file, "--as-of", "09:44", "--ndjson").stdout.count(b"\n") == 7
    assert quick("log", log_file, "--as-of", "99").returncode == 2
    refused(quick("log", log_file, "--as-of", "3", "--to-version", "3"), "cut the same end")
    refused(quick("log", log_file, "--as-of", "3", "--follow"), "--follow has no end")


def test_the_provider_of_an_application(write, quick, refused):
    """Providers --app names one of several, and a wrong name is refused with what is near."""
    events = [
        {"type": "node_added", "node": "cm1"},
        {"type": "cti_manager_added", "node": "cm1"},
        *({"type": "provider_opened", "app": app, "cti_managers": ["cm1"]} for app in ("ivr", "board")),
    ]
    file = write("".join(f"{json.dumps(one)}\n" for one in events))

    [row] = quick("providers", file, "--app", "board", "--ndjson").stdout.splitlines()
    assert json.loads(row)["app"] == "board"
    refused(quick("providers", file, "--app", "bord"), "did you mean 'board'?")
