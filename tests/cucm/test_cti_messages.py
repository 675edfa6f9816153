"""What a CTI Manager and an application say to each other in an SDL trace, in the words of the alarms."""

import io

from conftest import FIXTURES

from cti_es.cucm.alarms import claim_of, rule_of
from cti_es.cucm.claims import Claim
from cti_es.cucm.log_lines import AlarmReader
from cti_es.cucm.stamps import LogLineOptions
from cti_es.traces.forms.common import TraceOptions
from cti_es.traces.recognise import read_trace

TRACE = (FIXTURES / "real" / "cases" / "cti-manager-sdl.txt").read_bytes()


def claims(text):
    """What the lines of a trace claim."""
    [records] = AlarmReader(LogLineOptions(date="2026-03-02")).records([text.split(b"\n")])
    return [claim_of(record, rule_of(record.mnemonic)) for record in records]


def test_a_login_and_an_open():
    """The response to an open says who has what open; the activity that says the same again is none."""
    assert claims(TRACE) == [
        Claim("provider_opened", ("number 1",), connection="1 7", app="user1"),
        Claim("device_opened", device="SEP001122334455", connection="1 7"),
        "consequence",
    ]


def test_an_activity_alone():
    """Where the response is not in the trace, the activity counts."""
    lines = [line for line in TRACE.split(b"\n") if b"DeviceOpenResponse" not in line]
    text = b"\n".join(lines).replace(b"00895331.000 |08:59:17.340 |AppInfo", b"00895329.004 |08:59:17.340 |AppInfo")

    assert claims(text)[1:] == [Claim("device_opened", device="SEP001122334455", connection="1 7")]


def test_a_refused_open():
    """A result that is not zero is a refusal."""
    assert claims(TRACE.replace(b"result=0 ", b"result=-1932787494 "))[0] == Claim(
        "open_refused", device="SEP001122334455"
    )


def test_handles_are_those_of_a_handler():
    """The same handle of another handler is another device, here one that nobody has opened."""
    other = TRACE.replace(b"00895336.000 |08:59:17.343 |SdlSig |CtiDeviceInServiceNotify |ready |CTIHandler(1,200,22,7)",
                          b"00895336.000 |08:59:17.343 |SdlSig |CtiDeviceInServiceNotify |ready |CTIHandler(1,200,22,8)")  # fmt: skip

    assert other != TRACE
    assert len(claims(other)) == 2


def test_as_a_trace():
    """What the CTI Manager sent is what the application was told."""
    out = TRACE.replace(b"CTI DeviceInServiceEvent", b"CTI DeviceOutOfServiceEvent")
    reading = read_trace(io.BytesIO(out + TRACE.split(b"\n")[-2]), "x", None, TraceOptions(date="2026-03-02"))
    messages = [message for batch in reading for message in batch]

    assert reading.format == "cucm-alarms"
    assert [(one.app, one.device, one.message, one.param1) for one in messages] == [
        ("user1", "SEP001122334455", "PHONE_STATE", 0x40000), ("user1", "SEP001122334455", "PHONE_STATE", 0x80000),
    ]  # fmt: skip
