"""Traces of JTAPI applications: the published lines, the forms of causes and stamps, what is left out."""

from io import BytesIO

import pytest
from conftest import FIXTURES

from cti_es.traces.forms.common import TraceOptions
from cti_es.traces.recognise import TraceReading, read_trace, recognise
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import TraceMessage

TRACES = FIXTURES / "traces"
TERM = "CiscoTermOutOfServiceEv Term: CTIP01"


def reading(text: str | bytes, **options: object) -> tuple[TraceReading, list[TraceMessage]]:
    data = text if isinstance(text, bytes) else text.encode()
    trace = read_trace(BytesIO(data), "trace.txt", "jtapi", TraceOptions(**options))  # type: ignore[arg-type]
    return trace, [message for batch in trace for message in batch]


def read(text: str | bytes, **options: object) -> list[TraceMessage]:
    return reading(text, **options)[1]


def refused(text: str | bytes, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read(text, **options)
    return str(caught.value)


def test_the_published_crash() -> None:
    """The trace of a gateway whose ports lost their node: three events, and what only repeats them is counted."""
    data = (TRACES / "jtapi-jgw.log").read_bytes()
    trace, messages = reading(data, date="2019-07-12", zones={"": "America/New_York"})
    assert recognise(data) == "jtapi"
    assert messages == [
        TraceMessage(1, "PHONE_STATE", 0x40000, 5, device="LCP50000002", at="2019-07-12T16:33:20.028000Z"),
        TraceMessage(4, "PHONE_STATE", 0x40000, 5, device="LCP50000001", at="2019-07-12T16:33:19.564000Z"),
        TraceMessage(7, "LINE_LINEDEVSTATE", 0x80, 1, line="20001", at="2019-07-12T16:33:19.564000Z"),
    ]
    assert trace.skipped == {"CiscoTermOutOfServiceEv with Sending": 2, "MsgAddressOutOfService": 3}


@pytest.mark.parametrize("name", ["jtapi-ciscojtapi.log", "jtapi-uccx.log"])
def test_logs_without_an_event(name: str) -> None:
    """A log of CiscoJtapi or UCCX in which no device or line is spoken of is called that."""
    data = (TRACES / name).read_bytes()
    assert recognise(data) == "jtapi"
    assert refused(data).startswith("trace.txt: no device or line event in this JTAPI log")


def test_the_four_events() -> None:
    """A terminal is a device, an address a line of which no device is told; what is in service has no reason."""
    text = (
        "CiscoTermInServiceEv Term: P\nCiscoAddrInServiceEv Addr: +4930123\nCiscoAddrOutOfServiceEv Addr=1,Cause=1003\n"
    )
    assert [(one.message, one.param1, one.param2, one.device, one.line) for one in read(text)] == [
        ("PHONE_STATE", 0x80000, 0, "P", None),
        ("LINE_LINEDEVSTATE", 0x40, 0, None, "+4930123"),
        ("LINE_LINEDEVSTATE", 0x80, 3, None, "1"),
    ]


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (" Cause: CALLMANAGER_FAILURE", 1),
        (" Cause: CAUSE_REHOME_TO_HIGHER_PRIORITY_CM", 2),
        (", cause: x", None),
        (", Cause: NoCallManager_Available", 3),
        (" Cause: CTIMANAGER_FAILURE", 0x101),
        (" Cause: 1001", 1),
        (" Cause: 1257", 0x101),
        (" Cause: 1000", None),
        (" Cause: 1099", None),
        (" Cause: 5", None),
        (" Cause: LINE_RESTRICTED", None),
        ("", None),
    ],
)
def test_causes(cause: str, reason: int | None) -> None:
    """A cause is a reason by its name or by its number and 1,000; one that TAPI does not have is not known."""
    assert [one.param2 for one in read(TERM + cause)] == [reason]


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("12:33:20:028 PG1A-jgw1 Trace: ", "2026-03-02T12:33:20.028000Z"),
        ("[9:05:03.5] ", "2026-03-02T09:05:03.500000Z"),
        ("9364: Nov 23 07:09:02.973 EST %JTAPI-CTI-7-UNK:(P1-) ", "2025-11-23T12:09:02.973000Z"),
        ("9364: Nov 23 2024 07:09:02.973 EST %JTAPI-CTI-7-UNK:(P1-) ", "2024-11-23T12:09:02.973000Z"),
        ("9364: Mar 03 07:09:02.973 COT %JTAPI-CTI-7-UNK:(P1-) ", "2026-03-03T12:09:02.973000Z"),
        ("9364: Mar 03 07:09:02.973 XYZ %JTAPI-CTI-7-UNK:(P1-) ", None),
        ("2026-03-01 08:00:00,250 INFO [main] ", "2026-03-01T08:00:00.250000Z"),
        ("2026-03-01T08:00:00.250+01:00 ", "2026-03-01T07:00:00.250000Z"),
        ("2026/03/01 08:00:00 +0100 ", "2026-03-01T07:00:00Z"),
        ("2026-03-01 08:00:00 CET INFO ", "2026-03-01T07:00:00Z"),
        ("", None),
        ("thread 12: ", None),
    ],
)
def test_stamps(stamp: str, at: str | None) -> None:
    """The stamp at the beginning of a line makes the time, with what the options give for what it leaves out."""
    assert [one.at for one in read(stamp + TERM, date="2026-03-02", zones={"COT": "-05:00"})] == [at]


def test_stamps_without_a_date() -> None:
    """Without a date a time of day is none, nor is a day without a year; a time that does not exist is an error."""
    assert [one.at for one in read(f"12:33:20:028 {TERM}\nNov 23 07:09:02.973 UTC {TERM}\n")] == [None, None]
    assert refused(f"{TERM}\n25:00:00:000 {TERM}\n").startswith("trace.txt:2: 25:0.0.0 is no time of day")
    assert refused(f"2026-02-30 10:00:00 {TERM}\n").startswith("trace.txt:1: '2026-02-30T10:00:00.0Z' is not a time")


def test_years_go_on() -> None:
    """Days without a year follow each other over New Year, and 29 February is one where the year has it."""
    text = "".join(f"1: {day} 10:00:00.000 UTC %JTAPI-CTI-7-UNK: {TERM}\n" for day in ("Dec 31", "Jan 01", "Feb 29"))
    assert [one.at and one.at[:10] for one in read(text, date="2023-12-31")] == [
        "2023-12-31",
        "2024-01-01",
        "2024-02-29",
    ]


def test_other_words_are_counted() -> None:
    """An event that is only spoken of, or a class with a longer name, is no message; the first is counted."""
    text = f"queuing CiscoTermOutOfServiceEv[3]\nat CiscoTermOutOfServiceEvImpl.run\n{TERM}\n"
    trace, messages = reading(text)
    assert (len(messages), trace.skipped) == (1, {"CiscoTermOutOfServiceEv with other words": 1})


@pytest.mark.parametrize("end", ["", " ", " Term", " Term:", " Term: "])
def test_cut_off(end: str) -> None:
    """A line that ends before the name is an error; skip_bad counts it."""
    text = f"{TERM}\nCiscoTermOutOfServiceEv{end}\n"
    assert refused(text).startswith("trace.txt:2: CiscoTermOutOfServiceEv without a name")
    trace, messages = reading(text, skip_bad=True)
    assert (len(messages), trace.bad) == (1, 1)


def test_several_events_on_a_line() -> None:
    """What a collector has joined is read, each event for itself."""
    assert [one.device for one in read(f"{TERM} Cause: 1001 {TERM.replace('01', '02')} Cause: 1001")] == [
        "CTIP01",
        "CTIP02",
    ]
