"""The three forms in which TAPI messages are printed as text (docs/reference/traces.md#formats)."""

from datetime import timedelta, timezone
from io import BytesIO

import pytest
from conftest import FIXTURES
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import EXAMPLES

from cti_es.report.tapi_browser import Key, handle_number, key, write
from cti_es.traces.recognise import TraceOptions, read_trace, recognise
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import MESSAGE_IDS, Message, TraceMessage

TRACES = FIXTURES / "traces"


def read(data: bytes | str, format: str | None = None, **options: object) -> list[TraceMessage]:
    data = data.encode() if isinstance(data, str) else data
    trace = read_trace(BytesIO(data), "trace.txt", format, TraceOptions(**options))  # type: ignore[arg-type]
    return [message for batch in trace for message in batch]


def refused(data: bytes | str, format: str | None = None, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read(data, format, **options)
    return str(caught.value)


# --- one line a message ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("one-line-1-in-service", TraceMessage(1, "LINE_LINEDEVSTATE", 0x40, 0, handle="10056")),
        ("one-line-2-out-of-service", TraceMessage(1, "LINE_LINEDEVSTATE", 0x80, 5, handle="10056")),
        ("one-line-3-suspend", TraceMessage(1, "PHONE_STATE", 0x40000, 5, handle="100ab")),
        ("one-line-4-create", TraceMessage(1, "LINE_CREATE", 0x45, 0)),
        ("one-line-5-other", TraceMessage(1, "LINE_LINEDEVSTATE", 1, 1, handle="10388")),
    ],
)
def test_published_lines(name: str, expected: TraceMessage) -> None:
    """The five complete lines that were published are read, also as they stand there: in brackets, after text."""
    line = (TRACES / f"{name}.txt").read_bytes()
    assert line.endswith(b" \n")
    assert read(line) == [expected]
    assert read(b"At login we get this (" + line[:-1] + b") and then nothing.\n") == [expected]


def test_cut_off_line() -> None:
    """The sixth line there is cut off: it starts like a message and cannot be read."""
    error = refused((TRACES / "one-line-6-cut-off.txt").read_bytes())
    assert error.startswith("trace.txt:1: LINE_CLOSE with 'device=10056, message=3 ...'")


def test_all_published_lines_together() -> None:
    """The lines make one trace; without the numbers of param3, which is not compared."""
    data = b"".join(path.read_bytes() for path in sorted(TRACES.glob("one-line-*.txt")))
    assert refused(data).startswith("trace.txt:6: ")
    assert [one.place for one in read(data, skip_bad=True)] == [1, 2, 3, 4, 5]


def test_several_on_a_line() -> None:
    """Text may hold more than one message on a line."""
    line = "(PHONE_STATE device=1, message=12, i=0, param1=80000, param2=0, param3=0 )"
    assert [(one.place, one.param1) for one in read(f"first {line} then {line}\n")] == [(1, 0x80000)] * 2


def test_message_number_must_fit() -> None:
    """A number that is not the message's shows that the numbers are not hexadecimal: nothing is guessed."""
    error = refused("PHONE_STATE device=1, message=18, i=0, param1=262144, param2=0, param3=0")
    assert error == "trace.txt:1: PHONE_STATE with message=18; expected message=12 (hexadecimal)"


@pytest.mark.parametrize(
    "end", ["dev", "devi", "devic", "device", "device ", "device=", "device=1005", "device=10056, mess"]
)
@pytest.mark.parametrize("newline", ["", "\n", "\r\n"])
def test_a_trace_that_ends_inside_a_message(end: str, newline: str) -> None:
    """One message a line: wherever it is cut off behind its name, that is said, and not a message lost without a word."""
    whole = "PHONE_STATE device=100AB, message=12, i=0, param1=40000, param2=1, param3=0\n"

    assert refused(f"{whole}LINE_LINEDEVSTATE {end}{newline}".encode()).startswith(
        "trace.txt:2: LINE_LINEDEVSTATE with"
    )


def test_prose_is_no_message() -> None:
    """A name in a sentence does not start a message."""
    assert read("After LINE_CLOSE the device= field is empty. PHONE_STATE is for phones.\n", "one-line") == []


# --- TAPI Browser ----------------------------------------------------------------------------------------------------


def message(number: int = 0, **fields: object) -> Message:
    name = str(fields.get("message", "PHONE_STATE"))
    given_ = {"seq": number, "version": 9, "at": None, "app": "app", "device": "P", "line": None, "handle": 5,
              "message": name, "msg": MESSAGE_IDS[name], "param1_name": None, "param1": 0, "param2_name": None,
              "param2": 0, "param3": 0, "rule": "node_failed/suspend"}  # fmt: skip
    return Message(**{**given_, **fields})  # type: ignore[arg-type]


def written(*messages: Message, **options: object) -> str:
    numbers = {key(one): place for place, one in reversed(list(enumerate(messages)))}
    return b"".join(write(messages, lambda one: handle_number(numbers[one]), **options)).decode()  # type: ignore[arg-type]


def test_browser_example() -> None:
    """The example of the reference is read, and written to the byte."""
    text = (TRACES / "tapi-browser.txt").read_bytes()
    assert read(text) == [
        TraceMessage(1, "LINE_LINEDEVSTATE", 0x80, 1, handle="10056"),
        TraceMessage(7, "PHONE_STATE", 0x40000, 0x101, handle="100ab"),
    ]
    numbers: dict[Key, int] = {(5, "app", "P", "5001"): 0x10056, (5, "app", "P", None): 0x100AB}
    line = message(message="LINE_LINEDEVSTATE", line="5001", param1=0x80, param2=1)
    assert b"".join(write([line, message(param1=0x40000, param2=0x101)], numbers.__getitem__)) == text


@pytest.mark.parametrize("name", ["PHONE_CREATE", "LINE_CREATE", "PHONE_REMOVE", "LINE_REMOVE"])
def test_browser_writes_what_has_no_handle(name: str) -> None:
    """A message that is for no handle has device=x0, and nobody is asked for its number; it is read back without one."""
    numbers: dict[Key, int] = {}
    one = message(message=name, line="5001" if name.startswith("LINE") else None, param1=0x11)
    text = b"".join(write([one], numbers.__getitem__))
    assert text.startswith(b"received %b\n  device=x0\n" % name.encode())
    assert read(text) == [TraceMessage(1, name, 0x11, 0)]


NAMES = st.sampled_from(["LINE_LINEDEVSTATE", "PHONE_STATE", "LINE_CLOSE", "PHONE_CLOSE"])
DWORD = st.integers(0, 0xFFFFFFFF)
TIMES = st.times().map(lambda time: f"2026-03-01T{time.replace(microsecond=0)}Z")
MESSAGES = st.builds(message, message=NAMES, param1=DWORD, param2=DWORD, handle=st.integers(1, 4), at=TIMES)


@given(st.lists(MESSAGES, min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
@EXAMPLES
def test_round_trip(messages: list[Message], end: str, stamps: bool) -> None:
    """Whatever is written is read back: message, parameters, handle, and the time of day if a date is given."""
    messages.sort(key=lambda one: one.at or "")
    text = written(*messages, stamps=timezone(timedelta(0)) if stamps else None).replace("\n", end)
    found = read(text, date="2026-03-01")
    numbers = {key(one): place for place, one in reversed(list(enumerate(messages)))}
    assert [(one.message, one.param1, one.param2, one.handle, one.at) for one in found] == [
        (one.message, one.param1, one.param2, f"{handle_number(numbers[key(one)]):x}", one.at if stamps else None)
        for one in messages
    ]


def stamped(*stamps: str) -> str:
    return "".join(f"{stamp} : {written(message(param1=0x40000))}" for stamp in stamps)


def test_stamps() -> None:
    """A time of day becomes a time with a date and an offset; without a date there is none."""
    text = stamped("9:5.3.42")
    assert [one.at for one in read(text)] == [None]
    assert [one.at for one in read(text, date="2026-03-01", zones={"": "+01:00"})] == ["2026-03-01T08:05:03.042000Z"]


def test_midnight() -> None:
    """The next day begins when the time of day goes back by more than half a day, also between other messages."""
    text = stamped("10:0.0.0", "9:59.0.0", "23:0.0.0", "1:0.0.0", "12:0.0.0").replace("PHONE_STATE", "PHONE_BUTTON")
    assert [one.at for one in read(text + stamped("11:0.0.0"), "tapi-browser", date="2026-02-28")] == [
        "2026-03-01T11:00:00Z"
    ]


def test_wrong_stamps_and_dates() -> None:
    """A time of day that does not exist and a date that does not are errors."""
    assert refused(stamped("25:0.0.0"), date="2026-03-01") == "trace.txt:1: 25:0.0.0 is no time of day"
    assert refused(stamped("5:0.0.0"), date="2026-02-30") == "'2026-02-30' is no day; expected a day such as 2026-01-31"


def test_browser_between_calls() -> None:
    """What the Browser prints about calls and functions does not disturb, nor does a message it has no name for."""
    calls = "9:5.3.40 : Calling lineOpen\n    param1=x5\n9:5.3.41 : lineOpen returned SUCCESS\n"
    unknown = "ERROR! callback received unknown msg=x19\n  hDev=x0,  cbInst=x0, p1=x45, p2=x0, p3=x0\n"
    reply = written(message(message="LINE_REPLY", param1=1, param2=0x80000042)) + "    LINEERR_NODEVICE\n"
    found = read(calls + written(message(param1=0x80000)) + calls + reply + unknown + calls)
    assert [(one.message, one.param1) for one in found] == [("PHONE_STATE", 0x80000), ("LINE_REMOVE", 0x45)]


def test_browser_quoted_and_broken() -> None:
    """A quoted post is read; a message without a field it must have is an error on the line where it starts."""
    text = written(message(param1=0x40000))
    assert len(read("".join(f"> {line}\n" for line in text.splitlines()))) == 1
    assert refused(text + text.replace("  param2=x0, \n", "")).startswith("trace.txt:7: PHONE_STATE without param2")
    cut = refused(text + text[: text.index("  param1")])
    assert cut.startswith("trace.txt:7: the trace ends inside a message: PHONE_STATE without param1")
    assert refused(text + "received PHONE_STATE (again)\n").startswith("trace.txt:7: PHONE_STATE followed by '(again)'")


# --- the developers guide --------------------------------------------------------------------------------------------


def test_guide_examples() -> None:
    """The guide's own forms, one of each."""
    assert read((TRACES / "guide.txt").read_bytes()) == [
        TraceMessage(1, "LINE_LINEDEVSTATE", 0x40, 0),
        TraceMessage(2, "PHONE_STATE", 0x40000, 6),
        TraceMessage(3, "LINE_LINEDEVSTATE", 0x40),
        TraceMessage(4, "LINE_LINEDEVSTATE", 0x40),
    ]


@pytest.mark.parametrize("line", range(2))
@pytest.mark.parametrize("end", [" ", "\n", "\n\n", "\r\n  ", ",\n"])
def test_guide_on_several_lines(line: int, end: str) -> None:
    """A message may stand on one line or on several, with commas or without."""
    text = (TRACES / "guide.txt").read_text().splitlines()[line]
    for field in ("device", "cbInst", "param1", "param2", "param3"):
        text = text.replace(f" {field}", end + field)
    [one] = read(text + "\nThe line is in service again.\n")
    assert (one.param1, one.param2) == [(0x40, 0), (0x40000, 6)][line]
    assert read(text.replace("_ Energy", "_\nEnergy")) == [one]


def state(text: str, name: str = "LINE_LINEDEVSTATE") -> tuple[int | None, int | None]:
    [one] = read(f"received {name} device = xxx cbInst = x0 {text}\n")
    return one.param1, one.param2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("param1 = LINEDEVSTATE_OUTOFSERVICE param2 = x0, param3 = x0", (0x80, 0)),
        ("param1 = x80, OUTOFSERVICE param2 = x5", (0x80, 5)),
        ("param1 = 0x00000080(LINEDEVSTATE_OUTOFSERVICE) param2 = 0", (0x80, 0)),
        ("param1 = LINEDEVSTATE_NEW (0x02000000) param2 = x0", (0x2000000, 0)),
        ("param1 = LINEDEVSTATE_INSERVICE | LINEDEVSTATE_OUTOFSERVICE param2 = x0", (0xC0, 0)),
        ("param1 = OutOfService param2 = CiscoLineDevStateOutOfServiceReason_CallManagerFailure", (0x80, 1)),
        ("param1 = x80 param2 = NoCallManagerAvailable param3 = x0", (0x80, 3)),
        ("param1 = LINEDEVSTATE_CLOSE param2 = CiscoLineDevStateCloseReason_EMActivity", (0x400, 2)),
        ("param1 = LINEDEVSTATE_OTHER param2 = CiscoLineDevStateOtherReason_OtherLineInactive", (1, 1)),
        ("param1 = x80 param2 = CiscoLineDevStateOutOfServiceReason_EMLogin", (0x80, None)),
        ("param1 = xxx param2 = xxx", (None, None)),
    ],
)
def test_guide_values(text: str, expected: tuple[int | None, int | None]) -> None:
    """Values are numbers, names with or without prefix, or masked; two reasons are known by name only."""
    assert state(text) == expected


def test_guide_same_bit_of_a_phone() -> None:
    """The name of a flag is looked up for the message: 0x40000 is SUSPEND for a phone and REINIT for a line."""
    assert state("param1 = PHONESTATE_SUSPEND", "PHONE_STATE") == (0x40000, None)
    assert state("param1 = LINEDEVSTATE_REINIT") == (0x40000, None)
    assert "param1 = 'PHONESTATE_SUSPEND'" in refused("received LINE_LINEDEVSTATE param1 = PHONESTATE_SUSPEND")


def test_guide_close_has_no_parameters() -> None:
    """A close carries enough without parameters, a state does not."""
    assert read("EVENT = LINE_CLOSE\n") == [TraceMessage(1, "LINE_CLOSE")]
    without = "LINE_LINEDEVSTATE without param1"
    assert refused("EVENT = LINE_LINEDEVSTATE\n").startswith(f"trace.txt:1: the trace ends inside a message: {without}")
    assert refused("EVENT = LINE_LINEDEVSTATE\nEVENT = LINE_CLOSE\n").startswith(f"trace.txt:1: {without}")


def test_guide_fields_of_something_else() -> None:
    """Fields after another kind of event are not taken for those of the message before it."""
    text = "Event = LINE_CLOSE\nEvent = CALL_X dwParam1 = x5\n"
    assert [one.param1 for one in read(text)] == [None]
    assert [one.param1 for one in read("LINE_LINEDEVSTATE dwParam1 = x40\nsee also param2 = x9\n")] == [0x40]


def test_guide_handles() -> None:
    """A handle that the guide shows is taken, a masked one is none, anything else is an error."""
    form = "received LINE_CLOSE device = {} cbInst = x0 param1 = x0 param2 = x0\n"
    assert [read(form.format(text))[0].handle for text in ("x10056", "0x100AB", "xxx", "x0")] == [
        "10056", "100ab", None, None
    ]  # fmt: skip
    assert refused(form.format("hLine")).startswith("trace.txt:1: device = 'hLine'")


def test_guide_prose() -> None:
    """A name in the middle of a sentence is no message."""
    text = "The application then receives LINE_CLOSE, or has received PHONE_CLOSE before.\n"
    assert read(text, "guide") == []


# --- behind the stamp of an application's own log -------------------------------------------------------------------


@pytest.mark.parametrize(
    "stamp", ["2026-03-02 09:44:03,123 [7] INFO tapi: ", "Mar 02 2026 09:44:03.123 UTC ", "[09:44:03.123] "]
)
@pytest.mark.parametrize("every_line", [True, False])
def test_own_stamps(stamp: str, every_line: bool) -> None:
    """What an application logs of TAPI Browser's and the guide's forms is read, and its stamp is the time."""
    browser = written(message(param1=0x40000))
    guide = "received PHONE_STATE\ndevice = x10\nparam1 = PHONESTATE_SUSPEND\nparam2 = x0\nparam3 = x0\n"
    one_line = "received PHONE_STATE device = x10 param1 = PHONESTATE_SUSPEND param2 = x0 param3 = x0\n"
    for text, format in ((browser, "tapi-browser"), (guide, "guide"), (one_line, "guide")):
        first, *others = text.splitlines()
        data = "".join(f"{stamp}{line}\n" for line in [first, *(others if every_line else [])])
        data += "" if every_line else "".join(f"{line}\n" for line in others)
        assert recognise(data.encode()) == format
        [found] = read(data, date="2026-03-02")
        assert (found.param1, found.param2, found.at) == (0x40000, 0, "2026-03-02T09:44:03.123000Z")


def test_prose_behind_a_stamp() -> None:
    """A sentence that names a message behind a stamp is text."""
    data = (
        written(message(param1=0x40000)) + "2026-03-02 09:44:05 the phone has received PHONE_STATE again, see above\n"
    )
    assert [len(read(data, format)) for format in ("tapi-browser", "guide")] == [1, 1]


def test_no_break_spaces() -> None:
    """The no-break spaces of a web page are spaces, in every form."""
    for name in ("one-line-3-suspend.txt", "tapi-browser.txt", "guide.txt"):
        text = (TRACES / name).read_text()
        assert read(text.replace(" ", "\u00a0")) == read(text)
    data = '{"message":"PHONE_STATE","param1":1,"param2":1,"handle":"1"}\n'
    assert read("\u00a0" + data.replace(":", ":\u00a0")) == read(data)
