"""Every form of log file that is accepted, and the one canonical form that comes out.

Specified in docs/reference/log-format.md#canonical-form.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest

from cti_es.vocabulary.events import EVENT_TYPES

AT = '"at":"2026-01-01T08:00:00Z"'
TWO = f'{{"type":"node_added","node":"cm1",{AT}}}\n{{"type":"node_added","node":"Köln",{AT}}}\n'

FORMS = {
    "as it should be": TWO.encode(),
    "UTF-8 with a byte-order mark": b"\xef\xbb\xbf" + TWO.encode(),
    "UTF-16 little-endian": b"\xff\xfe" + TWO.encode("utf-16-le"),
    "UTF-16 big-endian": b"\xfe\xff" + TWO.encode("utf-16-be"),
    "UTF-16 with CRLF": b"\xff\xfe" + TWO.replace("\n", "\r\n").encode("utf-16-le"),
    "CRLF": TWO.replace("\n", "\r\n").encode(),
    "CRLF and a byte-order mark": b"\xef\xbb\xbf" + TWO.replace("\n", "\r\n").encode(),
    "blank lines": b"\n \n" + TWO.replace("\n", "\n\t\n\r\n\n").encode(),
    "no newline at the end": TWO.encode().removesuffix(b"\n"),
    "blanks between tokens": TWO.replace(":", " :\t ").replace(" :\t 00", ":00").replace(",", " ,  ").encode(),
    "blanks around lines": TWO.replace("{", "  {").replace("}", "}\t ").encode(),
    "escapes": TWO.replace("Köln", "K\\u00f6ln").replace("cm1", "\\u0063m1").encode(),
    "fields in another order": "".join(
        json.dumps(dict(reversed(json.loads(line).items()))) + "\n" for line in TWO.splitlines()
    ).encode(),
    "null is left out": TWO.replace("}", ',"id":null}').encode(),
}

TIMES = {
    # as sent: as stored
    "2026-03-01T10:00:00+05:30": "2026-03-01T04:30:00Z",
    "2026-03-01T10:00:00-23:59": "2026-03-02T09:59:00Z",
    "2026-03-01T10:00:00+23:59": "2026-02-28T10:01:00Z",
    "2026-03-01T10:00:00+00:00": "2026-03-01T10:00:00Z",
    "2026-03-01T10:00:00-00:00": "2026-03-01T10:00:00Z",
    "2026-03-01T10:00:00.0Z": "2026-03-01T10:00:00Z",
    "2026-03-01T10:00:00.000000Z": "2026-03-01T10:00:00Z",
    "2026-03-01T10:00:00.5Z": "2026-03-01T10:00:00.500000Z",
    "2026-03-01T10:00:00.000001Z": "2026-03-01T10:00:00.000001Z",
    "2026-03-01T10:00:00.120+01:00": "2026-03-01T09:00:00.120000Z",
    "2024-02-29T23:59:59Z": "2024-02-29T23:59:59Z",
    "2025-12-31T23:30:00-01:00": "2026-01-01T00:30:00Z",
    "1970-01-01T00:00:00Z": "1970-01-01T00:00:00Z",
    "9998-12-31T23:59:59.999999Z": "9998-12-31T23:59:59.999999Z",
}

NAMES = [
    "5001",
    "null",
    "Ä",
    "日本",
    "👩‍🚀",
    "a b",
    " ",
    '"',
    "\\",
    "/",
    "x" * 128,
    "ü" * 128,
    "cm#1",
    "=",
    ",",
    "[",
    "-",
]

EVERY_TYPE = """\
{"type":"node_added","node":"cm1"}
{"type":"node_added","node":"cm2"}
{"type":"device_added","device":"P","kind":"cti_port","lines":["1","2"],"group":["cm1","cm2"]}
{"type":"device_added","device":"Q","kind":"phone","lines":[]}
{"type":"device_added","device":"R","kind":"route_point"}
{"type":"device_opened","device":"P","app":"ivr","lines":[]}
{"type":"device_opened","device":"R"}
{"type":"line_opened","device":"P","line":"2","app":"ivr"}
{"type":"line_opened","device":"P","line":"2"}
{"type":"call_started","call":"c1","device":"P","line":"1"}
{"type":"call_started","call":"c1","device":"Q"}
{"type":"node_failed","node":"cm1"}
{"type":"node_recovered","node":"cm1"}
{"type":"open_refused","device":"P","line":"1","nodes":["cm1"]}
{"type":"open_refused","device":"Q"}
{"type":"open_allowed","device":"P","line":"1","nodes":["cm1"]}
{"type":"call_ended","call":"c1","device":"P"}
{"type":"call_ended","call":"c1"}
{"type":"line_closed","device":"P","line":"2"}
{"type":"device_closed","device":"P","app":"ivr"}
{"type":"cti_manager_added","node":"cm1"}
{"type":"cti_manager_added","node":"cm2"}
{"type":"provider_opened","app":"recorder","cti_managers":["cm1","cm2"]}
{"type":"behaviour_set","announce_open":true}
{"type":"behaviour_set","announce_open":false,"phones_wait_for_calls":true,"drop_calls_in_setup":true}
{"type":"device_opened","device":"P","app":"recorder","lines":["2","1"],"ext_version":2148204544}
{"type":"line_opened","device":"P","line":"1","ext_version":0}
{"type":"status_messages_set","app":"recorder","device":"P","states":[]}
{"type":"status_messages_set","device":"P","line":"1","states":["OUTOFSERVICE"]}
{"type":"call_started","call":"c2","device":"P"}
{"type":"call_started","call":"c2","device":"Q"}
{"type":"call_connected","call":"c2","device":"P"}
{"type":"call_connected","call":"c2"}
{"type":"node_failed","node":"cm1","scope":"call_manager"}
{"type":"node_failed","node":"cm1","scope":"node"}
{"type":"node_recovered","node":"cm1","scope":"call_manager"}
{"type":"cti_manager_recovered","node":"cm1"}
{"type":"cti_manager_failed","node":"cm2"}
{"type":"device_failed","device":"P"}
{"type":"device_recovered","device":"P"}
{"type":"device_failed","device":"Q","reason":"EnergyWisePowerSavePlus"}
{"type":"device_removed","device":"Q"}
{"type":"lines_changed","device":"P","added":["3"]}
{"type":"lines_changed","device":"P","added":[],"removed":["3","2"]}
{"type":"control_withdrawn","app":"recorder","device":"P"}
{"type":"control_granted","app":"recorder","device":"P"}
{"type":"provider_link_lost","app":"recorder"}
{"type":"provider_linked","app":"recorder","node":"cm1"}
{"type":"provider_link_lost","app":"recorder","node":"cm1"}
{"type":"provider_closed","app":"recorder"}
"""
"""Every event type, with and without what may be left out; canonical, but for times."""


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_file(form, quick, write, site):
    """Whatever form a file has, append stores the canonical one and export gives it back."""
    quick("append", "site.db#new", "--from", write(FORMS[form]))

    assert quick("export", "site.db#new").stdout == TWO.encode()


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_bare_file(form, quick, write):
    """A bare file is read in the same forms."""
    assert quick("export", write(FORMS[form])).stdout == TWO.encode()


@pytest.mark.parametrize("form", ["UTF-16 little-endian", "CRLF and a byte-order mark"])
def test_forms_of_standard_input(form, cti_es):
    """Standard input is read in the same forms, whether it is appended or read as a SOURCE."""
    cti_es("append", "site.db", "--from", "-", input=FORMS[form])

    assert cti_es("export", "site.db").stdout == TWO.encode()
    assert cti_es("export", "-", input=FORMS[form]).stdout == TWO.encode()


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n \t\n\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbb\xbf\n"])
def test_no_events_at_all(data, quick, write):
    """A file without events is an empty log, not an error."""
    result = quick("log", write(data), "--ndjson")

    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


@pytest.mark.parametrize("at", TIMES)
def test_times_become_canonical(at, quick, write, site):
    """An offset becomes UTC, a fraction six digits or none: in a store and from a bare file."""
    file = write('{"type":"node_added","node":"cm1","at":"%s"}' % at)
    quick("append", "site.db#new", "--from", file)
    canonical = b'{"type":"node_added","node":"cm1","at":"%b"}\n' % TIMES[at].encode()

    assert quick("export", "site.db#new").stdout == canonical
    assert quick("export", file).stdout == canonical


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_allowed(name, quick, write, site):
    """Any text of 1 to 128 characters that no terminal trips over is a name and comes back as it was, unescaped."""
    file = write(json.dumps({"type": "node_added", "node": name, "at": "2026-01-01T08:00:00Z", "id": name}))
    quick("append", "site.db#new", "--from", file)
    exported = quick("export", "site.db#new").stdout.decode()

    assert json.loads(exported)["node"] == name
    assert exported == json.dumps(json.loads(exported), ensure_ascii=False, separators=(",", ":")) + "\n"


def test_every_type_comes_back(quick, write):
    """Every event type comes back as it was sent: defaults that were given stay, what was left out stays out."""
    sent = EVERY_TYPE.replace("}\n", f",{AT}}}\n")
    result = quick("append", "site.db", "--from", write(sent))

    assert b"appended 50, duplicates 0, misfits 0" in result.stderr
    assert quick("export", "site.db").stdout.decode() == sent
    assert {json.loads(line)["type"] for line in sent.splitlines()} == set(EVENT_TYPES)


def test_an_app_that_is_the_default_stays(quick, write):
    """``app`` given as the default ``app`` is kept, ids stand last."""
    sent = (
        f'{{"type":"node_added","node":"cm1",{AT}}}\n'
        f'{{"type":"device_added","device":"P","kind":"cti_port",{AT}}}\n'
        f'{{"type":"device_opened","device":"P","app":"app",{AT},"id":"x"}}\n'
    )
    quick("append", "site.db", "--from", write(sent))

    assert quick("export", "site.db").stdout.decode() == sent


def test_an_export_appends_to_the_same_bytes(quick, big_file):
    """Export → append → export gives the same bytes, also for a log of several rows."""
    quick("append", "first.db", "--from", big_file)
    exported = quick("export", "first.db").stdout
    quick("append", "second.db", "--from", "-", input=exported)

    with open(big_file, "rb") as file:
        assert exported == file.read()
    assert quick("export", "second.db").stdout == exported


def test_a_line_of_almost_a_mebibyte(quick, write):
    """1 MiB is the longest line; one that just fits is read."""
    line = b'{"type":"node_added","node":"cm1"' + b" " * (1 << 20)
    file = write(line[: (1 << 20) - 1] + b"}\n")

    assert quick("log", file).returncode == 0


def test_a_missing_time_is_the_time_of_appending(quick, write):
    """A store stamps what is missing with the time of appending, the same for a whole file, and keeps what was sent."""
    file = write(f'{{"type":"node_added","node":"cm1"}}\n{{"type":"node_added","node":"cm2",{AT}}}\n')
    write('{"type":"node_added","node":"a"}\n{"type":"node_added","node":"b","at":null}\n', "more.ndjson")
    begin = datetime.now(UTC)
    quick("append", "site.db", "--from", file)
    quick("append", "site.db", "--from", "more.ndjson")
    times = [json.loads(line)["at"] for line in quick("export", "site.db").stdout.splitlines()]

    assert times[1] == "2026-01-01T08:00:00Z"
    assert times[2] == times[3]
    for at in (times[0], times[2]):
        assert begin <= datetime.fromisoformat(at) <= begin + timedelta(seconds=60)


def test_a_bare_file_may_lack_times(quick, write, ndjson):
    """Messages and events of a bare file without times carry none."""
    file = write(
        '{"type":"node_added","node":"cm1"}\n{"type":"device_added","device":"P","kind":"phone"}\n'
        '{"type":"device_opened","device":"P"}\n{"type":"node_failed","node":"cm1"}\n'
    )

    assert [message["at"] for message in ndjson("replay", file)] == [None]
    assert "at" not in ndjson("log", file)[0]
    assert b"-" in quick("replay", file).stdout.splitlines()[1].split()


# --- ids ------------------------------------------------------------------------------------------------------------

WITH_IDS = '{"type":"node_added","node":"cm1","at":"2026-01-01T08:00:00Z","id":"a"}\n{"type":"node_added","node":"cm2","id":"b"}\n'


def test_a_retry_stores_nothing(quick, write, site, rows):
    """The same file again is all duplicates: accepted, counted, not stored."""
    write(WITH_IDS)
    quick("append", "site.db#ids", "--from", "events.ndjson")
    before = rows(site)
    result = quick("append", "site.db#ids", "--from", "events.ndjson")

    assert result.returncode == 0
    assert b"appended 0, duplicates 2, misfits 0, head 2:sha256:" in result.stderr
    assert rows(site) == before


@pytest.mark.parametrize("expect", ["none", "0"])
def test_a_retry_succeeds_although_something_was_expected(expect, quick, write):
    """Ids are looked up before --expect, so that the very same command succeeds a second time."""
    command = ("append", "site.db", "--from", write(WITH_IDS), "--expect", expect)

    assert quick(*command).returncode == 0
    result = quick(*command)
    assert (result.returncode, result.stdout) == (0, b"")
    assert b"appended 0, duplicates 2, misfits 0" in result.stderr


def test_a_retry_may_leave_the_time_out_if_it_did(quick, write):
    """``at`` is compared only if it was sent: an event that was stamped is the same when it is sent again without."""
    write(WITH_IDS)
    quick("append", "site.db", "--from", "events.ndjson")
    again = quick("append", "site.db", "node_added", "node=cm2", "id=b")

    assert again.returncode == 0
    assert b"appended 0, duplicates 1" in again.stderr


def test_a_retry_with_another_offset_is_the_same(quick, write):
    """Times are compared in canonical form: the same moment in another zone is the same content."""
    quick("append", "site.db", "--from", write(WITH_IDS))
    again = quick("append", "site.db", "node_added", "node=cm1", "at=2026-01-01T10:00:00+02:00", "id=a")

    assert again.returncode == 0
    assert b"appended 0, duplicates 1" in again.stderr


def test_a_retry_with_another_time_is_another_event(quick, write, refused):
    """The same id with another time is other content."""
    quick("append", "site.db", "--from", write(WITH_IDS))

    refused(quick("append", "site.db", "node_added", "node=cm1", "at=2026-01-01T08:00:01Z", "id=a"), "'a'", "version 1")


def test_duplicates_within_one_file(quick, write, ndjson):
    """A file that repeats an event under the same id holds it once."""
    file = write(WITH_IDS + WITH_IDS + '{"type":"node_added","node":"cm3","id":"c"}\n')
    result = quick("append", "site.db", "--from", file)

    assert b"appended 3, duplicates 2, misfits 0, head 3:" in result.stderr
    assert [event["node"] for event in ndjson("log", "site.db")] == ["cm1", "cm2", "cm3"]


def test_duplicates_far_apart_in_one_file(quick, write, big_file, ndjson):
    """Duplicates of one file are found across its rows, too."""
    first = '{"type":"node_added","node":"first","id":"x"}\n'
    with open(big_file) as file:
        write(first + file.read() + first, "long.ndjson")
    result = quick("append", "site.db", "--from", "long.ndjson")

    assert b"appended 9001, duplicates 1, misfits 0" in result.stderr


def test_a_partial_retry_adds_the_rest(quick, write):
    """A file of old and new events stores the new ones."""
    quick("append", "site.db", "--from", write(WITH_IDS))
    result = quick("append", "site.db", "--from", write(WITH_IDS + '{"type":"node_failed","node":"cm1","id":"c"}\n'))

    assert b"appended 1, duplicates 2, misfits 0, head 3:" in result.stderr


def test_an_id_belongs_to_one_log(quick, write):
    """Ids are unique per log: another log of the store may use the same."""
    quick("append", "site.db#one", "--from", write(WITH_IDS))
    result = quick("append", "site.db#two", "node_added", "node=other", "id=a")

    assert b"appended 1, duplicates 0" in result.stderr


def test_a_bare_file_is_replayed_as_it_stands(write, ndjson):
    """In a bare file ids mean nothing: a repeated event is there twice, and a misfit."""
    file = write(WITH_IDS + WITH_IDS)

    assert [event["version"] for event in ndjson("log", file)] == [1, 2, 3, 4]
    assert [misfit["version"] for misfit in ndjson("replay", file, "--misfits")] == [3, 4]
