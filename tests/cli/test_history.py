"""``history``, and ``explain --event``: what is printed, and what is refused."""

FIELDS = ["version", "at", "event", "device", "state", "home", "because", "lines", "calls", "told"]


def test_rows_of_ndjson(site, ndjson):
    """Exactly the fields that are promised, in this order; the messages in full."""
    rows = ndjson("history", "site.db", "--device", "RP_SALES")

    assert [list(one) for one in rows] == [FIELDS] * 4
    assert [(one["version"], one["home"], len(one["told"])) for one in rows] == [
        (4, None, 0),
        (6, "cm1", 0),
        (8, "cm2", 6),
        (10, "cm1", 6),
    ]
    assert rows[2]["told"] == [
        one for one in ndjson("replay", "site.db", "--device", "RP_SALES") if one["version"] == 8
    ]


def test_text_counts_who_was_told(site, quick):
    """By application; a dash where nobody was."""
    lines = quick("history", "site.db", "--device", "RP_SALES").stdout.decode().splitlines()

    assert lines[1].endswith(" -")
    assert lines[3].endswith(" app 6")


def test_a_device_is_needed(site, quick, refused):
    """History is about devices that are named; a name that nothing has is warned of."""
    refused(quick("history", "site.db"), "--device")
    error = quick("history", "site.db", "--device", "RP_SALE").stderr.decode()
    assert error == "warning: there is no device 'RP_SALE' (did you mean 'RP_SALES'?) in site.db#default\n"


def test_explain_an_event(site, quick, ndjson):
    """Why an event told nothing about a device, in text and as data."""
    arguments = ("explain", "site.db", "--device", "RP_SALES", "--event", "9")
    text = quick(*arguments).stdout.decode()

    assert "Sent about RP_SALES: nothing" in text
    assert text.splitlines()[-1] == "Not told: It waits for its last call to end, to be re-homed to cm1."
    [found] = ndjson(*arguments)
    assert found["not_told"] == [
        {
            "app": None,
            "line": None,
            "why": "waits_for_calls",
            "text": "It waits for its last call to end, to be re-homed to cm1.",
        }
    ]


def test_explain_an_event_is_asked_for_rightly(site, quick, refused):
    """An event goes with a device, not with a message or a time, and has to be there."""
    refused(quick("explain", "site.db", "--event", "9", "3"), "--device")
    refused(quick("explain", "site.db", "--device", "RP_SALES", "--event", "9", "--as-of", "3"), "--as-of")
    refused(quick("explain", "site.db", "--device", "RP_SALES", "--event", "99"), "no version 99")
    refused(quick("explain", "site.db", "--device", "RP_SALE", "--event", "9"), "did you mean 'RP_SALES'?")


def test_a_log_without_times(write, ndjson):
    """Has the same changes in the same order; their times are null."""
    name = write('{"type":"node_added","node":"cm1"}\n{"type":"device_added","device":"P","kind":"phone"}\n'
                 '{"type":"node_failed","node":"cm1"}\n')  # fmt: skip

    assert [(one["version"], one["at"], one["home"]) for one in ndjson("history", name, "--device", "P")] == [
        (2, None, "cm1"),
        (3, None, None),
    ]
