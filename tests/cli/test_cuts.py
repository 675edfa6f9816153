"""Parts of a log: --as-of, versions, applications, devices, types, misfits; the digest; and seq that never changes."""

import hashlib
import os
import sqlite3
from contextlib import closing

import pytest

HUGE = "9" * 20


def times(*minutes):
    """A log of nodes added at these minutes past eight."""
    lines = (
        f'{{"type":"node_added","node":"cm{number}","at":"2026-01-01T08:{minute:02}:00Z"}}\n'
        for number, minute in enumerate(minutes, 1)
    )
    return "".join(lines).encode()


@pytest.fixture(params=["store", "bare file"])
def source(request, site, log_file):
    """The worked example in a store and as a bare file: what is asked of it has the same answer."""
    return "site.db" if request.param == "store" else log_file


# --- --as-of --------------------------------------------------------------------------------------------------------

AS_OF = {
    # --as-of: (messages, (home of each device))
    "0": (0, []),
    "2": (0, []),
    "4": (0, [None, None]),
    "6": (0, ["cm1", "cm1"]),
    "8": (10, ["cm2", "cm2"]),
    "9": (14, ["cm1", "cm2"]),
    "10": (20, ["cm1", "cm1"]),
    "010": (20, ["cm1", "cm1"]),
    "2026-03-02T07:59:59.999999Z": (0, []),
    "2026-03-02T08:00:00Z": (0, []),
    "2026-03-02T08:01:10Z": (0, [None]),
    "2026-03-02T09:44:02.999999Z": (0, ["cm1", "cm1"]),
    "2026-03-02T09:44:03Z": (10, ["cm2", "cm2"]),
    "2026-03-02T10:52:40+01:00": (14, ["cm1", "cm2"]),
    "2026-03-02T09:57:15Z": (20, ["cm1", "cm1"]),
    "9998-12-31T23:59:59Z": (20, ["cm1", "cm1"]),
    "1970-01-01T00:00:00Z": (0, []),
}


@pytest.mark.parametrize("as_of", AS_OF)
def test_as_of(as_of, source, ndjson):
    """All digits are a version, 0 the empty log; a time is the log up to it, the moment itself included."""
    messages, homes = AS_OF[as_of]

    assert len(ndjson("replay", source, "--as-of", as_of)) == messages
    assert [home["home"] for home in ndjson("homes", source, "--as-of", as_of)] == homes


@pytest.mark.parametrize("command", ["homes", "replay", "replay --digest", "replay --misfits"])
@pytest.mark.parametrize("as_of", ["11", "2026"])
def test_as_of_past_the_end(as_of, command, source, quick):
    """A version past the end is exit 2, saying where the end is."""
    name, *options = command.split()
    result = quick(name, source, *options, "--as-of", as_of)

    assert result.returncode == 2
    assert b"past the end" in result.stderr
    assert b"10" in result.stderr


@pytest.mark.parametrize("as_of", [HUGE, "9" * 5000], ids=len)
def test_as_of_far_past_the_end(as_of, source, quick, refused):
    """A version with more digits than any number has is past the end like any other."""
    refused(quick("homes", source, "--as-of", as_of), "past the end")


@pytest.mark.parametrize("as_of", ["", "-1", "+3", "1.0", "٣", "yesterday", "2026-03-02", "2026-03-02T9", "0x10"])
@pytest.mark.parametrize("command", ["replay", "homes"])
def test_as_of_what(as_of, command, site, quick, refused):
    """What is neither a version nor a time is refused, saying what both look like."""
    refused(quick(command, "site.db", "--as-of", as_of), "--as-of", "a version or", "09:17")


def test_as_of_is_the_longest_prefix(write, quick, ndjson):
    """A time cuts before the first event later than it, and nothing behind that counts; a warning says so."""
    file = write(times(0, 10, 5, 20, 15))
    result = quick("replay", file, "--as-of", "2026-01-01T08:06:00Z")

    assert (result.returncode, result.stdout) == (0, b"")
    assert b"warning: times go backwards at version 3" in result.stderr


@pytest.mark.parametrize(
    ("minute", "warned"),
    [(0, True), (5, True), (9, True), (10, True), (15, True), (20, True), (59, True)],
)
def test_times_that_go_backwards_are_warned_of(minute, warned, write, quick):
    """--as-of TIME warns when times go backwards: before the cut, or behind it with an event not later than the time."""
    file = write(times(10, 0, 20))
    result = quick("homes", file, "--as-of", f"2026-01-01T08:{minute:02}:00Z")

    assert result.returncode == 0
    assert (b"times go backwards at version 2" in result.stderr) == warned


@pytest.mark.parametrize(
    "arguments", [("homes", "--as-of", "2"), ("homes",), ("replay", "--to-version", "1")], ids=" ".join
)
def test_no_warning_without_a_time(arguments, write, quick):
    """Where devices are needs no clock: no warning, whatever the times do; nor does a replay that ends before they do."""
    command, *options = arguments

    assert quick(command, write(times(10, 0, 20)), *options).stderr == b""


def test_no_warning_for_times_in_order(write, quick):
    """Times that only run forward, standing still included, give no warning."""
    assert quick("homes", write(times(0, 0, 5, 5, 9)), "--as-of", "2026-01-01T08:05:00Z").stderr == b""


def test_fractions_of_seconds_are_in_order(write, ndjson, quick):
    """08:00:00Z is before 08:00:00.5Z, although the text is not."""
    file = write(
        '{"type":"node_added","node":"a","at":"2026-01-01T08:00:00Z"}\n'
        '{"type":"device_added","device":"P","kind":"phone","at":"2026-01-01T08:00:00.5Z"}\n'
    )

    assert ndjson("homes", file, "--as-of", "2026-01-01T08:00:00Z") == []
    assert ndjson("homes", file, "--as-of", "2026-01-01T08:00:00.499999Z") == []
    assert len(ndjson("homes", file, "--as-of", "2026-01-01T08:00:00.500000Z")) == 1
    assert quick("homes", file, "--as-of", "2026-01-01T08:00:00.2Z").stderr == b""


def test_events_without_a_time_belong_to_the_one_before(write, ndjson):
    """An event of a bare file without a time is never later than anything."""
    file = write(
        '{"type":"node_added","node":"a","at":"2026-01-01T08:00:00Z"}\n{"type":"device_added","device":"P","kind":"phone"}\n'
        '{"type":"device_added","device":"Q","kind":"phone","at":"2026-01-01T09:00:00Z"}\n'
    )

    assert [home["device"] for home in ndjson("homes", file, "--as-of", "2026-01-01T08:00:00Z")] == ["P"]


# --- versions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "versions"),
    [
        ((), range(1, 11)),
        (("--from-version", "1"), range(1, 11)),
        (("--from-version", "8"), range(8, 11)),
        (("--to-version", "3"), range(1, 4)),
        (("--from-version", "4", "--to-version", "6"), range(4, 7)),
        (("--from-version", "10", "--to-version", "10"), range(10, 11)),
        (("--from-version", "7", "--to-version", "3"), ()),
        (("--from-version", "11"), ()),
        (("--to-version", "0"), ()),
        (("--to-version", "99"), range(1, 11)),
        (("--from-version", HUGE), ()),
        (("--to-version", HUGE), range(1, 11)),
    ],
    ids=str,
)
def test_versions_of_log(options, versions, source, ndjson):
    """--from-version and --to-version cut both ends of log, both included."""
    assert [event["version"] for event in ndjson("log", source, *options)] == list(versions)


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (("--from-version", "8"), range(1, 21)),
        (("--from-version", "9"), range(11, 21)),
        (("--to-version", "8"), range(1, 11)),
        (("--from-version", "9", "--to-version", "9"), range(11, 15)),
        (("--from-version", "9", "--as-of", "9"), range(11, 15)),
        (("--from-version", "11"), ()),
        (("--to-version", "7"), ()),
        (("--from-version", HUGE), ()),
    ],
    ids=str,
)
def test_versions_of_replay(options, numbers, source, ndjson):
    """--from-version and --to-version choose messages by the event that caused them; seq stays."""
    assert [message["seq"] for message in ndjson("replay", source, *options)] == list(numbers)


@pytest.mark.parametrize("to", ["0", "1", "9", "10"])
def test_versions_of_export(to, source, example, quick):
    """--to-version of export is how to undo a wrong append: the first lines, byte for byte."""
    lines = example.splitlines(keepends=True)[: int(to)]

    assert quick("export", source, "--to-version", to).stdout == b"".join(lines)


@pytest.mark.parametrize(
    "arguments",
    [
        ("log", "--from-version", "0"),
        ("log", "--from-version", "x"),
        ("replay", "--to-version", "-1"),
        ("export", "--to-version", "1.5"),
        ("replay", "--as-of", "3", "--to-version", "3"),
    ],
    ids=" ".join,
)
def test_versions_that_make_no_sense(arguments, site, quick, refused):
    """Versions count from 1 in whole numbers, and two ways to cut the same end contradict each other."""
    command, *options = arguments

    refused(quick(command, "site.db", *options))


# --- filters --------------------------------------------------------------------------------------------------------

TWO_APPS = (
    '{"type":"node_added","node":"cm1"}\n'
    '{"type":"device_added","device":"P","kind":"cti_port","lines":["1"]}\n'
    '{"type":"device_added","device":"Q","kind":"cti_port","lines":["2"]}\n'
    '{"type":"device_opened","device":"P"}\n'
    '{"type":"device_opened","device":"P","app":"rec"}\n'
    '{"type":"device_opened","device":"Q","app":"rec"}\n'
    '{"type":"node_failed","node":"cm1"}\n'
)
FILTERS = [
    # (options, seq, app, device of the first message, and the seqs of all)
    ((), [1, 2, 3, 4, 5, 6]),
    (("--app", "app"), [1, 2]),
    (("--app", "rec"), [3, 4, 5, 6]),
    (("--app", "rec", "--app", "app"), [1, 2, 3, 4, 5, 6]),
    (("--device", "Q"), [5, 6]),
    (("--device", "Q", "--device", "P"), [1, 2, 3, 4, 5, 6]),
    (("--device", "P", "--app", "rec"), [3, 4]),
    (("--device", "Q", "--app", "app"), []),
    (("--device", "P", "--from-version", "8"), []),
    (("--app", "nobody"), []),
]


@pytest.mark.parametrize(("options", "numbers"), FILTERS, ids=str)
def test_filters_of_replay(options, numbers, write, ndjson):
    """--app and --device choose messages, together and again for more, and never renumber them."""
    file = write(TWO_APPS)
    everything = {message["seq"]: message for message in ndjson("replay", file)}

    assert ndjson("replay", file, *options) == [everything[number] for number in numbers]


@pytest.mark.parametrize(
    ("options", "versions"),
    [
        (("--type", "node_failed"), [8]),
        (("--type", "node_failed", "--type", "node_recovered"), [8, 9]),
        (("--device", "RP_SALES"), [4, 6, 7]),
        (("--device", "RP_SALES", "--device", "CTIP_IVR_01"), [3, 4, 5, 6, 7]),
        (("--device", "RP_SALES", "--type", "device_opened"), [6]),
        (("--device", "RP_SALES", "--from-version", "5", "--to-version", "6"), [6]),
        (("--type", "open_refused"), []),
        (("--device", "nothing"), []),
    ],
    ids=str,
)
def test_filters_of_log(options, versions, source, ndjson):
    """--type and --device choose events and never renumber them."""
    assert [event["version"] for event in ndjson("log", source, *options)] == versions


def test_a_type_that_there_is_not(site, quick, refused):
    """--type of a type that there is not is refused, with what there is."""
    refused(quick("log", "site.db", "--type", "node_faild"), "'node_faild'", "node_failed")


# --- misfits --------------------------------------------------------------------------------------------------------

ODD = (
    b'{"type":"node_added","node":"cm1","at":"2026-01-01T08:00:00Z"}\n'
    b'{"type":"node_failed","node":"cm2","at":"2026-01-01T08:01:00Z"}\n'
    b'{"type":"device_added","device":"P","kind":"phone","at":"2026-01-01T08:02:00Z"}\n'
    b'{"type":"device_opened","device":"P","at":"2026-01-01T08:03:00Z"}\n'
    b'{"type":"node_failed","node":"cm1","at":"2026-01-01T08:04:00Z"}\n'
    b'{"type":"node_failed","node":"cm1","at":"2026-01-01T08:05:00Z"}\n'
)


@pytest.fixture(params=["store", "bare file"])
def odd(request, write, quick):
    """A log with two misfits, in a store and as a bare file."""
    file = write(ODD)
    if request.param == "bare file":
        return file
    quick("append", "odd.db", "--from", file, "--allow-misfits")
    return "odd.db"


def test_replay_names_misfits(odd, quick):
    """A log with misfits replays all the same, exit 0; each is named on standard error: misfit VERSION CODE text."""
    result = quick("replay", odd, "--ndjson")
    lines = result.stderr.decode().splitlines()

    assert result.returncode == 0
    assert result.stdout.count(b"\n") == 1
    assert [line.split(" ")[:3] for line in lines] == [
        ["misfit", "2", "unknown_node"],
        ["misfit", "6", "already_failed"],
    ]


def test_misfits_instead_of_messages(odd, quick, ndjson):
    """--misfits prints those instead, and then standard error is silent."""
    assert quick("replay", odd, "--misfits").stderr == b""
    assert [(row["version"], row["at"], row["type"], row["code"]) for row in ndjson("replay", odd, "--misfits")] == [
        (2, "2026-01-01T08:01:00Z", "node_failed", "unknown_node"),
        (6, "2026-01-01T08:05:00Z", "node_failed", "already_failed"),
    ]


@pytest.mark.parametrize(
    ("options", "versions"),
    [
        (("--from-version", "3"), [6]),
        (("--to-version", "5"), [2]),
        (("--from-version", "3", "--to-version", "5"), []),
        (("--as-of", "2026-01-01T08:04:30Z"), [2]),
        (("--as-of", "6"), [2, 6]),
    ],
    ids=str,
)
def test_misfits_of_a_part(options, versions, odd, ndjson):
    """Misfits are cut as messages are."""
    assert [row["version"] for row in ndjson("replay", odd, "--misfits", *options)] == versions


@pytest.mark.parametrize("command", ["homes", "log", "export"])
def test_others_do_not_mind_misfits(command, odd, quick):
    """Misfits change nothing, so only replay speaks of them."""
    result = quick(command, odd)

    assert (result.returncode, result.stderr) == (0, b"")


def test_no_filters_of_misfits(odd, quick, refused):
    """--misfits are events of the log; --app and --device, which choose messages, do not go with it."""
    refused(quick("replay", odd, "--misfits", "--app", "x"), "--misfits")
    refused(quick("replay", odd, "--misfits", "--device", "P"), "--misfits")


# --- digest ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--from-version", "9"),
        ("--device", "RP_SALES"),
        ("--app", "nobody"),
        ("--as-of", "8"),
        ("--to-version", "9"),
        ("--misfits",),
        ("--as-of", "2026-03-02T09:50:00Z"),
    ],
    ids=str,
)
def test_digest(options, source, quick):
    """--digest is the bare hex SHA-256 of the NDJSON that would be printed, a line of its own."""
    printed = quick("replay", source, *options, "--ndjson").stdout

    assert quick("replay", source, *options, "--digest").stdout.decode() == hashlib.sha256(printed).hexdigest() + "\n"


def test_digest_of_several_sources(site, log_file, quick):
    """With several SOURCEs, too, the digest is of what NDJSON would print."""
    printed = quick("replay", "site.db", log_file, "--ndjson").stdout

    assert (
        quick("replay", "site.db", log_file, "--digest").stdout.decode() == hashlib.sha256(printed).hexdigest() + "\n"
    )


@pytest.mark.parametrize("format", ["text", "csv", "ndjson"])
def test_digest_knows_no_format(format, site, quick):
    """--digest is of the NDJSON, whatever format is asked for."""
    assert (
        quick("replay", "site.db", "--digest", "--format", format).stdout
        == quick("replay", "site.db", "--digest").stdout
    )


def test_digest_of_misfits_is_loud(odd, quick):
    """--digest of a log with misfits names them on standard error and succeeds."""
    result = quick("replay", odd, "--digest")

    assert result.returncode == 0
    assert len(result.stdout) == 65
    assert result.stderr.count(b"misfit ") == 2


def test_the_same_bytes_from_everywhere(big_file, quick, cti_es):
    """A log with times gives the same messages from its file, from standard input and from a store."""
    quick("append", "site.db", "--from", big_file)
    with open(big_file, "rb") as file:
        data = file.read()
    digests = {
        quick("replay", big_file, "--digest").stdout,
        quick("replay", "site.db", "--digest").stdout,
        quick("replay", "-", "--digest", input=data).stdout,
        cti_es("replay", "site.db", "--digest", env={**os.environ, "PYTHONHASHSEED": "1"}).stdout,
    }

    assert len(digests) == 1


def test_snapshots_change_nothing(busy, quick, tamper):
    """A store that has snapshots, and starts from them, gives the same bytes as without them."""
    with closing(sqlite3.connect(busy)) as connection:
        (version,) = connection.execute("SELECT MIN(version) FROM snapshots").fetchone()
    questions = [
        ("replay", "busy.db", "--from-version", str(version + 1), "--digest"),
        ("homes", "busy.db"),
        ("homes", "busy.db", "--as-of", str(version)),
    ]
    before = [quick(*question) for question in questions]
    tamper(busy, "DELETE FROM snapshots")
    after = [quick(*question) for question in questions]

    assert 1 < version < 603
    assert [(one.returncode, one.stdout, one.stderr) for one in before] == [
        (one.returncode, one.stdout, one.stderr) for one in after
    ]
    assert [one.returncode for one in after] == [0] * len(questions)


# --- standard input -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("log", "-", "--ndjson"),
        ("replay", "-"),
        ("replay", "-", "--digest"),
        ("homes", "-", "--as-of", "9"),
        ("homes", "-", "--as-of", "2026-03-02T09:52:40Z"),
        ("export", "-"),
        ("explain", "-", "15", "--ndjson"),
        ("explain", "-", "--device", "RP_SALES", "--as-of", "9", "--ndjson"),
    ],
    ids=" ".join,
)
def test_standard_input_is_a_source(arguments, log_file, example, quick):
    """- is standard input for every command that takes a SOURCE, with the same result as the file."""
    piped = quick(*arguments, input=example)
    direct = quick(*[log_file if argument == "-" else argument for argument in arguments])

    assert (piped.returncode, piped.stderr) == (0, b"")
    assert piped.stdout == direct.stdout
