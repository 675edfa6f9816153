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


# --- lines that nobody has published: by their names and handles ----------------------------------------------------

SENT, ASKED = "[CTIHandler::OutputCtiMessage ]", "[CTIHandler::processIncomingMessage]"
LOGIN = [(ASKED, "ProviderOpenRequest ( seq#=2 provider=UCProvider login=user1 heartbeat=60)"),
         (SENT, "ProviderOpenResponse (seq#=2) provider id=16777223 FIPSMode = 0")]  # fmt: skip
OPEN = [(ASKED, "DeviceOpenRequest ( seq#=4 device name= SEP1)"),
        (SENT, "DeviceOpenResponse ( seq#=4 result=0 DH=1|38 deviceName= SEP1 deviceType=7)")]  # fmt: skip
LINE = [
    (ASKED, "LineOpenRequest ( seq#=5 DH=1|38 lineName= 1001 partition= )"),
    (SENT, "LineOpenResponse ( seq#=5 result=0 LH=1|7)"),
]
OPENED = [
    Claim("provider_opened", ("number 1",), connection="1 7", app="user1"),
    Claim("device_opened", device="SEP1", connection="1 7"),
]
LINE_OPENED = Claim("line_opened", device="SEP1", line="1001", connection="1 7")


def trace(*messages, handler="CTIHandler(1,200,22,7)"):
    """A trace in which a signal to a handler is before each message."""
    lines = []
    for number, (way, message) in enumerate(messages, 1):
        stamp = f"|09:00:00.{number:03} |"
        lines.append(f"{number:08}.000 {stamp}SdlSig |Signal |ready |{handler} |{handler} |1,200,13,8.3^*^* |[R:N-H:0]")
        lines.append(f"{number:08}.001 {stamp}AppInfo |[CTI-APP] {way} CTI {message}")
    return "\n".join(lines).encode()


def test_a_login_is_one_when_something_is_opened_or_it_is_complete():
    """The response to a login may be followed by a refusal, so it alone is no login."""
    complete = (
        SENT,
        "ProviderOpenCompletedEvent (seq#=2) provider id=16777223 CM Version=14.0.1 error code=0 description=",
    )

    assert claims(trace(*LOGIN)) == []
    assert claims(trace(*LOGIN, complete)) == OPENED[:1]
    assert claims(trace(*LOGIN, complete, *OPEN)) == OPENED
    assert claims(trace(*LOGIN, *OPEN)) == OPENED


def test_a_refused_login():
    """The published event of a refusal: who, where and why; the alarm that says the same is not counted again."""
    refused = (SENT, "ProviderOpenCompletedEvent (seq#=2) provider id=16777428 CM Version=14.0.1 error code=2362179701"
                     " description=Directory login failed - timeout enableIpv6=0 NoOfDaysPwdToExp=4294967295")  # fmt: skip
    alarm = (b"\n00000003.004 |09:00:00.005 |AppInfo |CtiProviderOpenFailure - CTI application failed to open provider; "
             b"application startup failed CTIconnectionId:%d Reason code.:-1932787595 IPAddress: 192.0.2.1")  # fmt: skip
    found = Claim("login_refused", ("number 1",), app="user1", reason="2362179701")

    assert claims(trace(*LOGIN, refused)) == [found]
    assert claims(trace(*LOGIN, refused) + alarm % 7) == [found]
    assert len(claims(trace(*LOGIN, refused) + alarm % 8)) == 2
    assert claims(trace(LOGIN[0], (SENT, "ProviderOpenResponse (seq#=2 result=2362179680)"))) == [
        Claim("login_refused", ("number 1",), app="user1", reason="2362179680")
    ]


def test_opens_and_closes_of_lines_and_devices():
    """A response has the names of its request. What the application closes is an event, what the system closes none."""
    close_line = [(ASKED, "LineCloseRequest ( seq#=6 LH=1|7)"), (SENT, "LineCloseResponse ( seq#=6 result=0)")]
    close = [(ASKED, "DeviceCloseRequest ( seq#=7 DH=1|38)"), (SENT, "DeviceCloseResponse ( seq#=7 result=0)")]
    logout = [(ASKED, "ProviderCloseRequest ( seq#=8)"), (SENT, "ProviderCloseResponse ( seq#=8 result=0)")]
    opened = [*OPENED, LINE_OPENED]

    assert claims(trace(*LOGIN, *OPEN, *LINE)) == opened
    assert claims(trace(*LOGIN, *OPEN, *LINE, *close_line, *close, *logout)) == [
        *opened,
        Claim("line_closed", device="SEP1", line="1001", connection="1 7"),
        Claim("device_closed", device="SEP1", connection="1 7"),
        Claim("provider_closed", connection="1 7", app="user1"),
    ]
    assert claims(trace(*LOGIN, *OPEN, *LINE, (SENT, "LineClosedEvent ( LH=1|7 )"), (SENT, "DeviceClosedEvent ( DH=1|38 )"))) == [
        *opened, "consequence", "consequence"
    ]  # fmt: skip


def test_what_is_refused_or_not_known_closes_nothing():
    """A close that failed, a second one, and one by a handle that the trace has not opened."""
    failed = [(ASKED, "DeviceCloseRequest ( seq#=7 DH=1|38)"), (SENT, "DeviceCloseResponse ( seq#=7 result=-1)")]
    close = (SENT, "DeviceCloseResponse ( seq#=9 result=0 DH=1|38)")

    assert claims(trace(*LOGIN, *OPEN, *failed)) == OPENED
    assert len(claims(trace(*LOGIN, *OPEN, close, close))) == 3
    assert claims(trace(*LOGIN, *OPEN, (SENT, "DeviceCloseResponse ( seq#=9 result=0 DH=1|39)"))) == OPENED


def test_a_refused_line():
    """The result of the response, with the names of the request."""
    refused = [LINE[0], (SENT, "LineOpenResponse ( seq#=5 result=-1932787501)")]

    assert claims(trace(*LOGIN, *OPEN, *refused))[-1] == Claim("open_refused", device="SEP1", line="1001")


def test_lines_as_a_trace():
    """Out of service and closed, of lines and devices; which lines are in service again is not compared."""
    events = ["LineOutOfServiceEvent ( LH=1|7 reason=1)", "DeviceOutOfServiceEvent ( DH=1|38 )", "LineInServiceEvent (LH=1|7)",
              "LineClosedEvent ( LH=1|7 )", "DeviceClosedEvent ( DH=1|38 )"]  # fmt: skip
    text = trace(*LOGIN, *OPEN, *LINE, *((SENT, event) for event in events))
    reading = read_trace(io.BytesIO(text), "x", None, TraceOptions(date="2026-03-02"))
    messages = [(one.app, one.device, one.line, one.message) for batch in reading for one in batch]

    assert messages == [
        ("user1", "SEP1", "1001", "LINE_LINEDEVSTATE"), ("user1", "SEP1", None, "PHONE_STATE"),
        ("user1", "SEP1", "1001", "LINE_CLOSE"), ("user1", "SEP1", None, "PHONE_CLOSE"),
    ]  # fmt: skip
    assert dict(reading.skipped)["CtiLineInService"] == 1
