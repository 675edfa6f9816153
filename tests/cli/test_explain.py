"""``explain``: why a message came, and why a device is where it is."""

import json

import pytest

from cti_es.rules import RULES


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

    assert list(found) == ["message", "event", "why", "before", "after", "messages"]
    assert found["message"] == message
    assert found["event"] == json.loads(example.splitlines()[version - 1])
    assert found["why"] == RULES[message["rule"]]
    assert found["before"] in ndjson("homes", "site.db", "--as-of", str(version - 1))
    assert found["after"] in ndjson("homes", "site.db", "--as-of", str(version))
    assert message in found["messages"]
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
