"""``explain``: why a message came, and why a device is where it is."""

import json

import pytest

from cti_es.model.rules import RULES


@pytest.fixture(params=["store", "bare file"])
def source(request, site, log_file):
    """The worked example in a store and as a bare file."""
    return "site.db" if request.param == "store" else log_file


@pytest.mark.parametrize("seq", range(1, 21))
def test_every_message_can_be_explained(seq, site, ndjson, example):
    """Explain SOURCE SEQ gives message, event, rule in words, state before and after: what replay, log, homes say."""
    (found,) = ndjson("explain", "site.db", str(seq))
    message = ndjson("replay", "site.db")[seq - 1]
    version = message["version"]

    assert list(found) == ["message", "event", "why", "before", "after", "messages", "waited", "notes"]
    assert found["message"] == message
    assert found["event"] == json.loads(example.splitlines()[version - 1])
    assert found["why"] == RULES[message["rule"]]
    assert found["before"] in ndjson("homes", "site.db", "--as-of", str(version - 1))
    assert found["after"] in ndjson("homes", "site.db", "--as-of", str(version))
    assert message in found["messages"]
    assert found["notes"] == []
    assert {(one["version"], one["device"]) for one in found["messages"]} == {(version, message["device"])}


def test_a_message_in_words(source, quick):
    """The text names message, application, device, event, rule and its words, the state before and after."""
    text = quick("explain", source, "3").stdout.decode()

    for words in (
        "Message 3",
        "PHONESTATE_SUSPEND (0x40000)",
        "CallManagerFailure (1)",
        "application app",
        "RP_SALES",
        "event 8",
        "2026-03-02T09:44:03Z",
        "node_failed node=cm1",
        "Rule node_failed/suspend",
        RULES["node_failed/suspend"],
        "Before: RP_SALES in service at cm1",
        "After:  RP_SALES in service at cm2",
    ):
        assert words in text


@pytest.mark.parametrize("seq", ["21", "99", "9" * 20])
def test_a_message_that_there_is_not(seq, source, quick, refused):
    """A number past the last message is refused with the numbers that there are."""
    refused(quick("explain", source, seq), seq, "1 to 20")


def test_a_log_without_messages(quick, refused, write):
    """A log that causes no messages has none to explain, and that is said without nonsense such as 1 to 0."""
    text = refused(quick("explain", write('{"type":"node_added","node":"cm1"}'), "1"), "message")

    assert "1 to 0" not in text


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("0",),
        ("-1",),
        ("x",),
        ("1", "--device", "RP_SALES"),
        ("1", "--as-of", "3"),
        ("--as-of", "3"),
        ("1", "--format", "csv"),
        ("--device", "RP_SALES", "--as-of", "soon"),
    ],
    ids=str,
)
def test_usage(arguments, site, quick, refused):
    """A message by its number or a device, not both and not neither; --as-of only with a device."""
    refused(quick("explain", "site.db", *arguments))


PLACES = {
    # --as-of: (device, version it was decided at, home, state, waits for)
    ("CTIP_IVR_01", "4"): (3, None, "unregistered", ""),
    ("CTIP_IVR_01", "5"): (5, "cm1", "in_service", ""),
    ("CTIP_IVR_01", "8"): (8, "cm2", "in_service", ""),
    ("CTIP_IVR_01", "9"): (9, "cm1", "in_service", ""),
    ("CTIP_IVR_01", "10"): (9, "cm1", "in_service", ""),
    ("RP_SALES", "9"): (8, "cm2", "in_service", "cm1"),
    ("RP_SALES", "10"): (10, "cm1", "in_service", ""),
    ("RP_SALES", "2026-03-02T09:52:40Z"): (8, "cm2", "in_service", "cm1"),
}


@pytest.mark.parametrize(("device", "as_of"), PLACES)
def test_where_a_device_was(device, as_of, source, ndjson, example):
    """Explain --device D --as-of T gives the home as homes does, the event that decided it, and what it waits for."""
    since, home, state, waits_for = PLACES[device, as_of]
    (found,) = ndjson("explain", source, "--device", device, "--as-of", as_of)

    assert (found["since"], found["home"]["home"], found["home"]["state"]) == (since, home, state)
    assert found["event"] == json.loads(example.splitlines()[since - 1])
    assert found["home"] in ndjson("homes", source, "--as-of", as_of)
    assert waits_for in found["waits_for"]
    assert bool(waits_for) == bool(found["waits_for"])
    assert found["away"] is None


def test_where_a_device_is_now(source, quick):
    """Without --as-of it is the end of the log; the text says where, since when and why."""
    text = quick("explain", source, "--device", "RP_SALES").stdout.decode()

    assert "RP_SALES (route_point)" in text
    assert "version 10" in text
    assert "in service at cm1" in text
    assert "Since event 10 at 2026-03-02T09:57:15Z: call_ended call=20417" in text
    assert "Why: " in text


def test_what_a_device_waits_for(source, quick):
    """A device that waits says what for, in words."""
    text = quick("explain", source, "--device", "RP_SALES", "--as-of", "9").stdout.decode()

    assert "Waits for: its last call to end, to be re-homed to cm1" in text


def test_who_refuses(write, quick, ndjson):
    """Nodes that refuse the device or a line of it are named."""
    file = write(
        '{"type":"node_added","node":"cm1"}\n{"type":"node_added","node":"cm2"}\n'
        '{"type":"device_added","device":"P","kind":"cti_port","lines":["1","2"]}\n{"type":"device_opened","device":"P"}\n'
        '{"type":"open_refused","device":"P","nodes":["cm2"]}\n{"type":"open_refused","device":"P","line":"2"}\n'
        '{"type":"node_failed","node":"cm1"}\n'
    )
    (found,) = ndjson("explain", file, "--device", "P")
    text = quick("explain", file, "--device", "P").stdout.decode()

    assert (found["refused_by"], found["lines_refused_by"]) == (["cm2"], {"2": ["cm1", "cm2"]})
    assert "Refused by: cm2" in text
    assert "Line 2 refused by: cm1, cm2" in text
    assert "out of service" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--device", "RP_SALE"), "did you mean 'RP_SALES'?"),
        (("--device", "zzz"), "'zzz'"),
        (("--device", "RP_SALES", "--as-of", "3"), "'RP_SALES'"),
        (("--device", "RP_SALES", "--as-of", "0"), "'RP_SALES'"),
        (("--device", "RP_SALES", "--as-of", "11"), "past the end"),
        (("--device", "RP_SALES", "--as-of", "9" * 20), "past the end"),
    ],
    ids=str,
)
def test_a_device_that_there_is_not(arguments, words, source, quick, refused):
    """A device that is not there, or not yet, is refused, with what is near."""
    refused(quick("explain", source, *arguments), words)


def test_times_that_go_backwards(write, quick):
    """--as-of TIME warns here, too."""
    lines = [
        f'{{"type":"device_added","device":"{name}","kind":"phone","at":"2026-01-01T08:{minute}:00Z"}}'
        for name, minute in (("P", "10"), ("Q", "05"))
    ]
    file = write('{"type":"node_added","node":"a","at":"2026-01-01T08:00:00Z"}\n' + "\n".join(lines))
    result = quick("explain", file, "--device", "P", "--as-of", "2026-01-01T08:20:00Z")

    assert result.returncode == 0
    assert b"times go backwards at version 3" in result.stderr


# --- what decided who was told --------------------------------------------------------------------------------------

LINKS = """\
{"type":"node_added","node":"cm1"}
{"type":"node_added","node":"cm2"}
{"type":"cti_manager_added","node":"cm1"}
{"type":"cti_manager_added","node":"cm2"}
{"type":"provider_opened","app":"ivr","cti_managers":["cm1","cm2"]}
{"type":"provider_opened","app":"board","cti_managers":["cm1"]}
{"type":"device_added","device":"P","kind":"cti_port","lines":["1"]}
{"type":"device_opened","device":"P","app":"ivr"}
{"type":"device_opened","device":"P","app":"board"}
{"type":"cti_manager_failed","node":"cm1"}
{"type":"node_failed","node":"cm1"}
{"type":"device_failed","device":"P"}
{"type":"device_removed","device":"P"}
{"type":"cti_manager_recovered","node":"cm1"}
"""
"""The CTI Manager of both applications fails (10); only one has another. The node fails (11), the device goes (12, 13)
while the other has no link; then it has one again (14)."""

FILTERED = """\
{"type":"node_added","node":"cm1"}
{"type":"device_added","device":"P","kind":"cti_port","lines":["1"]}
{"type":"device_opened","device":"P","app":"old","ext_version":2148139008}
{"type":"device_opened","device":"P","app":"new","ext_version":2148204544}
{"type":"device_opened","device":"P","app":"quiet"}
{"type":"status_messages_set","app":"quiet","device":"P","states":["RESUME"]}
{"type":"status_messages_set","app":"quiet","device":"P","line":"1","states":[]}
{"type":"node_failed","node":"cm1"}
"""
"""Three applications: one with an extension version that is too low for reasons, one that wants few messages."""


@pytest.fixture
def notes(quick, ndjson):
    """The notes on the first message of a log that is for an application, of a version, and of a name."""

    def on(file, version, app, name):
        rows = ndjson("replay", file, "--from-version", str(version), "--app", app)
        seq = next(str(row["seq"]) for row in rows if name in (row["message"], row["param1_name"]))
        (found,) = ndjson("explain", file, seq)
        text = quick("explain", file, seq).stdout.decode().splitlines()
        after_rule = text[text.index(next(line for line in text if line.startswith("Rule "))) + 1 :]
        assert after_rule[: len(found["notes"]) + 1] == [*found["notes"], ""]
        return found["notes"]

    return on


def test_notes_on_a_link_that_was_lost(write, notes):
    """SUSPEND because of a lost link names the CTI Manager that is gone and those that there are."""
    found = notes(write(LINKS), 10, "board", "PHONESTATE_SUSPEND")

    assert any("board" in note and "lost" in note and "cm1" in note for note in found)
    assert not any("cm2" in note for note in found)


def test_notes_on_a_reconnection(write, notes):
    """RESUME through another CTI Manager names the old and the new one."""
    found = " ".join(notes(write(LINKS), 10, "ivr", "PHONESTATE_RESUME"))

    assert "lost its link to the CTI Manager of cm1" in found
    assert "linked to the CTI Manager of cm2" in found


def test_notes_on_who_has_no_link(write, notes):
    """What one application is told says why another that has the device open is told nothing, and since when."""
    found = notes(write(LINKS), 11, "ivr", "PHONESTATE_SUSPEND")

    assert [note for note in found if note.startswith("board ")] == [
        "board was told nothing: it has had no link since event 10."
    ]


@pytest.mark.parametrize("name", ["LINE_CLOSE", "PHONE_CLOSE", "LINE_REMOVE", "PHONE_REMOVE"])
def test_notes_on_a_message_that_has_waited(name, write, notes, ndjson):
    """A message that waited for a link says so, and which event it comes from; it has that event's rule."""
    file = write(LINKS)
    found = " ".join(notes(file, 14, "board", name))
    (message,) = [row for row in ndjson("replay", file, "--from-version", "14") if row["message"] == name]

    assert "waited until board had a link again" in found
    assert "device_removed" in found
    assert (message["version"], message["rule"]) == (14, "device_removed/configure")


def test_notes_on_a_message_that_has_not_waited(write, notes):
    """The same message to an application with a link has no such note."""
    assert "waited" not in " ".join(notes(write(LINKS), 13, "ivr", "LINE_CLOSE"))


def test_notes_on_what_is_not_wanted(write, notes):
    """Who does not want a state message, on which handle, and what it wants instead."""
    found = notes(write(FILTERED), 8, "new", "PHONESTATE_SUSPEND")

    assert [note for note in found if note.startswith("quiet ")] == [
        "quiet was not told SUSPEND on its phone handle: of the state messages it wants RESUME.",
        "quiet was not told OUTOFSERVICE on its handle of line 1: of the state messages it wants none.",
    ]


def test_notes_on_what_is_not_wanted_twice_in_one_event(write, notes):
    """Also where the device is back in the same event."""
    file = write(FILTERED.replace("\n", '\n{"type":"node_added","node":"cm2"}\n', 1))
    found = notes(file, 9, "new", "PHONESTATE_SUSPEND")

    assert any(
        note.startswith("quiet was not told OUTOFSERVICE and INSERVICE on its handle of line 1") for note in found
    )


def test_notes_on_an_extension_version(write, notes):
    """SUSPEND without a reason says that the handle's extension version is too low for one."""
    found = notes(write(FILTERED), 8, "old", "PHONESTATE_SUSPEND")

    assert any("0x800A0000" in note and "0x000B0000" in note for note in found)


def test_no_note_on_an_extension_version_where_there_is_no_reason_anyway(write, notes):
    """RESUME has no reason for anybody."""
    file = write(FILTERED + '{"type":"node_recovered","node":"cm1"}\n')

    assert not any("extension version" in note for note in notes(file, 9, "old", "PHONESTATE_RESUME"))


def test_notes_on_an_extension_version_at_the_open(write, notes):
    """Who opens something that is out of service with a low extension version gets the note at once."""
    line = '{"type":"device_opened","device":"P","app":"late","ext_version":655360}\n'
    found = notes(write(FILTERED + line), 9, "late", "PHONESTATE_SUSPEND")

    assert any("0x000A0000" in note and "0x000B0000" in note for note in found)
    assert not any("late was told nothing" in note for note in found)


def test_the_handles_of_a_device(write, ndjson, quick):
    """Explain --device lists what is open: what was last told, the link, what is wanted, the extension version."""
    (found,) = ndjson("explain", write(LINKS), "--device", "P", "--as-of", "11")
    fields = ("app", "line", "handle", "told", "reachable", "link", "link_since", "wants", "ext_version")

    assert [tuple(handle) for handle in found["handles"]] == [fields] * 4
    assert [tuple(handle.values()) for handle in found["handles"]] == [
        ("ivr", None, 8, "in", True, "cm2", 10, None, None),
        ("ivr", "1", 8, "in", True, "cm2", 10, None, None),
        ("board", None, 9, "out", False, None, 10, None, None),
        ("board", "1", 9, "out", False, None, 10, None, None),
    ]
    (found,) = ndjson("explain", write(FILTERED), "--device", "P")
    assert [(one["app"], one["told"], one["wants"], one["ext_version"]) for one in found["handles"]] == [
        *[("old", "out", None, 0x800A0000)] * 2,
        *[("new", "out", None, 0x800B0000)] * 2,
        ("quiet", "out", ["RESUME"], None),
        ("quiet", "out", [], None),
    ]
    text = quick("explain", "events.ndjson", "--device", "P").stdout.decode()
    assert "Open: old, line 1, handle 3, last told out of service; extension version 0x800A0000\n" in text
    assert "Open: quiet, phone device, handle 5, last told out of service; wants RESUME\n" in text
    assert "wants no state messages\n" in text


def test_a_device_that_is_away(write, ndjson, quick):
    """A device that is away says why, and that it waits for itself."""
    file = write(LINKS)
    (found,) = ndjson("explain", file, "--device", "P", "--as-of", "12")
    text = quick("explain", file, "--device", "P", "--as-of", "12").stdout.decode()

    assert (found["away"], found["home"]["state"], found["since"]) == ("DeviceFailure", "out_of_service", 12)
    assert "Why: The device itself is away (DeviceFailure)." in text
    assert "Waits for: the device itself to come back" in text


def test_a_phone_that_waits_for_its_call(write, ndjson):
    """A phone that is not attempted because of a call says what it waits for."""
    file = write(
        '{"type":"node_added","node":"cm1"}\n{"type":"node_added","node":"cm2"}\n'
        '{"type":"behaviour_set","phones_wait_for_calls":true}\n'
        '{"type":"device_added","device":"P","kind":"phone"}\n{"type":"call_started","call":"c","device":"P"}\n'
        '{"type":"node_failed","node":"cm1"}\n{"type":"call_ended","call":"c"}\n'
    )
    (waiting,) = ndjson("explain", file, "--device", "P", "--as-of", "6")
    (after,) = ndjson("explain", file, "--device", "P")

    assert (waiting["home"]["state"], waiting["home"]["calls"]) == ("out_of_service", 1)
    assert "last call to end" in waiting["waits_for"]
    assert "cm2" in waiting["waits_for"]
    assert (after["home"]["home"], after["waits_for"]) == ("cm2", "")


def test_a_create_is_for_no_handle(write, ndjson, quick):
    """CREATE and REMOVE have no handle: the device id stands in its place, and before or after there was no device."""
    (found,) = ndjson("explain", write(LINKS), "1")
    text = quick("explain", "events.ndjson", "1").stdout.decode()

    assert (found["message"]["message"], found["message"]["handle"], found["before"]) == ("PHONE_CREATE", None, None)
    assert "to application ivr, device P, no handle\n" in text
    assert "Before: P not in the configuration\n" in text


CONTROLLED = """\
{"type":"node_added","node":"cm1"}
{"type":"cti_manager_added","node":"cm1"}
{"type":"device_added","device":"P","kind":"cti_port","lines":["1"]}
{"type":"provider_opened","app":"ivr","cti_managers":["cm1"]}
{"type":"provider_opened","app":"board","cti_managers":["cm1"]}
{"type":"provider_opened","app":"desk","cti_managers":["cm1"]}
{"type":"device_opened","device":"P","app":"plain"}
{"type":"device_opened","device":"P","app":"desk"}
{"type":"control_withdrawn","app":"board","device":"P"}
{"type":"provider_link_lost","app":"desk"}
{"type":"lines_changed","device":"P","added":["2"]}
"""
"""A line joins a device (11) that one application controls; one may not, one is adrift, one has no provider."""


def test_notes_on_who_was_not_told_of_a_new_line(write, notes):
    """Each application that was told nothing is named, with what stands against it and since which event."""
    assert notes(write(CONTROLLED), 11, "ivr", "LINE_CREATE") == [
        "board was told nothing: event 9 withdrew P from what its user may control.",
        "desk will be told when it has a link again: it has been adrift since event 10.",
        "plain was told nothing: it has no provider, and only applications with one are told.",
    ]


def test_a_device_says_who_is_adrift_and_who_may_not_control_it(write, quick, ndjson):
    """Text and NDJSON name the withdrawal with its event, and say adrift, not that there is no link."""
    log = write(CONTROLLED)
    text = quick("explain", log, "--device", "P").stdout.decode()
    (found,) = ndjson("explain", log, "--device", "P")

    assert "Not controlled by: board, since event 9 withdrew it\n" in text
    assert "adrift since event 10" in text
    assert found["withdrawn"] == [{"app": "board", "since": 9}]
    assert [one.get("adrift") for one in found["handles"] if one["app"] == "desk"] == [True, True]
