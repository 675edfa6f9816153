"""The CTI alarms of a CUCM log as a trace of messages."""

import io

import pytest
from conftest import FIXTURES

from cti_es.traces.forms.common import TraceOptions
from cti_es.traces.recognise import read_trace, recognise
from cti_es.vocabulary.errors import InputError

OUTAGE = FIXTURES / "real" / "constructed-outage"


def read(text, **options):
    """The messages of a log."""
    data = text.encode() if isinstance(text, str) else text
    reading = read_trace(io.BytesIO(data), "x.log", None, TraceOptions(**options))
    messages = [message for batch in reading for message in batch]
    return messages, reading


def alarm(name, seq=1, **tags):
    """A line with an alarm."""
    text = "".join(f"[{key}={value}]" for key, value in tags.items())
    return f"{seq}: cm2: Mar 02 2026 09:15:02.480 UTC : %UC_CTI-6-{name}: %[CTIconnectionId=7]{text}[NodeID=cm2]: x\n"


OPENED = alarm("CtiProviderOpened", LoginUserId="ivr")

MEANINGS = [
    ("CtiDeviceOutofService", {}, ("PHONE_STATE", 0x40000, None, None)),
    ("CtiDeviceInService", {}, ("PHONE_STATE", 0x80000, 0, None)),
    ("CtiLineOutOfService", {"DirNum": "5001"}, ("LINE_LINEDEVSTATE", 0x80, None, "5001")),
    ("CtiDeviceClosed", {"Reason": 3}, ("PHONE_CLOSE", None, 0, None)),
    ("CtiLineClosed", {"Reason": 3, "DirNum": "5001"}, ("LINE_CLOSE", None, 0, "5001")),
]


@pytest.mark.parametrize(("name", "tags", "meaning"), MEANINGS)
def test_what_an_alarm_stands_for(name, tags, meaning):
    """Message, state, reason (None where it cannot tell) and line of each alarm, for the application of its connection."""
    [message], reading = read(OPENED + alarm(name, 2, DeviceName="P", **tags))
    found = (message.message, message.param1 or None, message.param2, message.line)

    assert found == meaning
    assert (message.app, message.device, message.at) == ("ivr", "P", "2026-03-02T09:15:02.480000Z")
    assert reading.format == "cucm-alarms"


@pytest.mark.parametrize("node", ["CM2", "cm2.example.com", "Cm2.Example.com"])
def test_a_node_however_it_is_written(node):
    """The application of a connection is known, whether its node is written in capitals or with its domain."""
    [message], _ = read(OPENED + alarm("CtiDeviceInService", 2, DeviceName="P").replace("NodeID=cm2", f"NodeID={node}"))

    assert message.app == "ivr"


def test_what_is_no_message():
    """What the application closed itself, the line in service without a name, copies and repetitions."""
    out = alarm("CtiDeviceOutofService", 5, DeviceName="P")
    text = [
        alarm("CtiDeviceClosed", 2, DeviceName="P", Reason=5), alarm("CtiLineClosed", 3, DeviceName="P", DirNum="1", Reason=6),
        alarm("CtiLineInService", 4, LineId=3), out, "<189>" + out, alarm("CtiDeviceOpened", 6, DeviceName="P"), "some text\n",
    ]  # fmt: skip
    messages, reading = read("".join(text))

    assert [(one.message, one.place, one.app) for one in messages] == [("PHONE_STATE", 4, None)]
    assert reading.skipped == {
        "CtiDeviceClosed by the application": 1, "CtiLineClosed by the application": 1, "CtiLineInService": 1,
    }  # fmt: skip


def test_lines_that_cannot_be_read():
    """A CTI alarm that is cut off is an error with its line, or counted."""
    text = OPENED + alarm("CtiDeviceOutofService", 2, DeviceName="P")[:-20] + "\n" + alarm("CtiDeviceInService", 3)

    with pytest.raises(InputError, match=r"x.log:2: CtiDeviceOutofService is cut off"):
        read(text)
    messages, reading = read(text, skip_bad=True)
    assert (messages, reading.bad, reading.first_bad) == ([], 2, 2)


def test_recognised_by_content():
    """A CUCM log is one whatever it is called, and no other trace is taken for one."""
    assert recognise((OUTAGE / "cucm-sub2.log").read_bytes()) == "cucm-alarms"
    assert recognise(b"07:15:02 |x\n" + OPENED.encode()) == "cucm-alarms"
    others = list((FIXTURES / "traces").glob("*.txt"))
    assert others
    assert "cucm-alarms" not in {recognise(path.read_bytes()) for path in others}


def test_stamps_without_a_year():
    """The year comes from the date that is given."""
    text = alarm("CtiDeviceOutofService", DeviceName="P").replace(" 2026", "")

    assert read(text)[0][0].at is None
    assert read(text, date="2025-03-01")[0][0].at == "2025-03-02T09:15:02.480000Z"
