"""Traces: recognised by content, read whatever way their text came, refused with a place when they cannot be read."""

import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from conftest import FIXTURES
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import EXAMPLES

from cti_es.traces.forms import ndjson
from cti_es.traces.forms.common import WITHOUT_HANDLE
from cti_es.traces.recognise import TRACE_FORMATS, TraceOptions, TraceReading, read_trace, recognise
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import COMPARED, TraceMessage

TRACES = FIXTURES / "traces"
SUSPEND = {"message": "PHONE_STATE", "param1": 0x40000, "param2": 1}
NDJSON = b'{"message":"PHONE_STATE","param1":262144,"param2":1,"handle":"100ab"}\n'
SAMPLES = {
    "ndjson": NDJSON,
    "csv": b"seq,message,param1,param2,handle\n1,PHONE_STATE,262144,1,100ab\n",
    "one-line": b"PHONE_STATE device=100AB, message=12, i=0, param1=40000, param2=1, param3=0\n",
    "tapi-browser": b"received PHONE_STATE\n  device=x100ab\n  cbInst=x0\n  param1=x40000, SUSPEND \n  param2=x1, \n"
    b"  param3=x0, \n",
    "guide": b"received PHONE_STATE device = x100ab cbInst = x0 param1 = PHONESTATE_SUSPEND param2 = x1 param3 = x0\n",
}
"""One and the same message in every format."""

each_format = pytest.mark.parametrize("format", SAMPLES)


def reading(data: bytes, format: str | None = None, **options: object) -> tuple[TraceReading, list[TraceMessage]]:
    trace = read_trace(BytesIO(data), "trace.txt", format, TraceOptions(**options))  # type: ignore[arg-type]
    return trace, [message for batch in trace for message in batch]


def read(data: bytes, format: str | None = None, **options: object) -> list[TraceMessage]:
    return reading(data, format, **options)[1]


def refused(data: bytes, format: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read(data, format)
    return str(caught.value)


def plain(messages: list[TraceMessage]) -> list[tuple[str, int | None, int | None, str | None]]:
    return [(one.message, one.param1, one.param2, one.handle) for one in messages]


ONE = [("PHONE_STATE", 0x40000, 1, "100ab")]


# --- every format ---------------------------------------------------------------------------------------------------


@each_format
def test_recognised_by_content(format: str) -> None:
    """Each format is told from the others by what stands in it."""
    assert recognise(SAMPLES[format]) == format
    assert plain(read(SAMPLES[format])) == ONE


def test_every_format_has_a_sample() -> None:
    """The tests here are about all formats that there are, but for those without handles: test_cucm_alarms, test_jtapi."""
    assert {*SAMPLES, "cucm-alarms", "jtapi", "line-pattern"} == set(TRACE_FORMATS)


@each_format
def test_leading_text(format: str) -> None:
    """Text before the first message does not hide the format."""
    data = b"Hello,\n\nthis is what I got on Monday:\n\n" + SAMPLES[format]
    trace, messages = reading(data)
    assert (trace.format, plain(messages)) == (format, ONE)
    assert messages[0].place == data[: data.rindex(b"PHONE_STATE")].count(b"\n") + 1


@each_format
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\n".join(line.rstrip() for line in text.split("\n")),
        lambda text: text.replace("\n", "  \n"),
        lambda text: "\n".join(line.lstrip() for line in text.split("\n")),
        lambda text: text.rstrip("\n"),
        lambda text: "\n\n" + text,
    ],
    ids=["CRLF", "stripped blanks", "more blanks", "collapsed indentation", "no last newline", "blank lines"],
)
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_white_space_and_encodings(format: str, change: Callable[[str], str], coding: str) -> None:
    """White space that editors and posts change, and a byte-order mark, make no difference."""
    data = change(SAMPLES[format].decode()).encode(coding)
    assert recognise(data) == format
    assert plain(read(data)) == ONE


@each_format
def test_text_between_messages(format: str) -> None:
    """Text that is no message is passed over."""
    text = b"10:14 INFO reconnecting, 3 of 5 \xff\xe9\n\n"
    assert plain(read(SAMPLES[format] + text + SAMPLES[format] + text)) == ONE * 2


@each_format
def test_other_messages_are_counted(format: str) -> None:
    """Messages of other kinds are counted by name and left out, those of availability are not."""
    data = SAMPLES[format]
    other = data.replace(b"PHONE_STATE", b"LINE_CALLSTATE").replace(b"PHONESTATE_SUSPEND", b"x4000")
    trace, messages = reading(data + other + data + other)
    assert trace.skipped == {"LINE_CALLSTATE": 2}
    assert (plain(messages), trace.messages, trace.bad) == (ONE * 2, 2, 0)


@each_format
def test_unknown_message(format: str) -> None:
    """A message that TAPI does not have is an error that names the line and what may have been meant."""
    error = refused(SAMPLES[format] + SAMPLES[format].replace(b"PHONE_STATE", b"PHONE_STATES"))
    line = SAMPLES[format].count(b"\n") + 1 + (format == "csv")
    assert error.startswith(f"trace.txt:{line}: unknown message 'PHONE_STATES'")
    assert "did you mean 'PHONE_STATE'?" in error


UNREADABLE = {
    "ndjson": b'{"message":"PHONE_STATE","param1":26\n',
    "csv": b"1,PHONE_STATE,much,1,100ab\n",
    "one-line": b"PHONE_STATE device=100AB, message=12, i=0, param1=4\n",
    "tapi-browser": b"received PHONE_STATE\n  device=x100ab\n  cbInst=x0\n  param1=SUSPEND \n",
    "guide": b"received PHONE_STATE device = xxx cbInst = x0 param1 = PHONESTATE_SUSPENDED\n",
}


@each_format
def test_unreadable_message(format: str) -> None:
    """What starts like a message and cannot be read is an error with its line; skip_bad counts it instead."""
    data = SAMPLES[format] + UNREADABLE[format] + SAMPLES[format] + UNREADABLE[format]
    line = SAMPLES[format].count(b"\n") + 1
    assert refused(data).startswith(f"trace.txt:{line}: ")
    trace, messages = reading(data, skip_bad=True)
    assert (plain(messages), trace.bad, trace.first_bad) == (ONE * 2, 2, line)


def test_unknown_text() -> None:
    """Text in none of the formats is an error that lists them."""
    assert refused(b"nothing of the kind\n").startswith(
        "trace.txt: no known trace format; expected a message of one of"
    )
    assert recognise(b'{"type":"node_failed","node":"cm1"}\n') is None


@pytest.mark.parametrize("data", [b"", b"\n \r\n", b"\xef\xbb\xbf"])
def test_empty(data: bytes) -> None:
    """A trace without text has no messages; what to make of that is for the caller."""
    trace, messages = reading(data)
    assert (trace.format, messages, trace.messages) == (None, [], 0)


def test_forced_format() -> None:
    """A format can be forced; then text without a message of it has none, and an unknown name is an error."""
    assert read(b"nothing\n", "one-line") == []
    assert "did you mean 'tapi-browser'?" in refused(NDJSON, "tapi-browsr")


def test_long_line_and_binary_file() -> None:
    """A line over 1 MiB and a binary file are refused, whatever the format."""
    assert refused(SAMPLES["guide"] + b"x" * (1 << 20) + b"x\n").startswith("trace.txt:2: a line over 1 MiB")
    assert refused(b"\x00\x01").startswith("trace.txt: a binary file")


class Trickle:
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self._stream = BytesIO(data)
        self._size = size

    def read1(self, size: int = -1, /) -> bytes:
        return self._stream.read1(self._size)


@each_format
@pytest.mark.parametrize("size", [1, 7, 64])
def test_slow_pipe(format: str, size: int) -> None:
    """However the bytes come, the messages are the same."""
    data = b"some text\n" * 50 + SAMPLES[format] * 30
    trace = read_trace(Trickle(data, size), "-")
    assert plain([message for batch in trace for message in batch]) == ONE * 30


HOSTILE = [
    b"received " * 100_000,
    b"received LINE_" + b"A" * 1_000_000,
    b"received PHONE_STATE" + b" " * 1_000_000,
    b"PHONE_STATE " * 80_000,
    b"PHONE_STATE device=1, " * 45_000,
    b"PHONE_STATE device = x1 " * 40_000,
    b"LINE_LINEDEVSTATE->" * 50_000,
    b"LINE_CLOSE" + b" " * 1_000_000 + b"device=1",
    b"received PHONE_STATE device = xxx param1 = " + b"A|" * 500_000,
    b"received PHONE_STATE param1 = " + b"_ " * 500_000,
    b"received PHONE_STATE\n" + b",  " * 300_000,
    b"1:" * 500_000,
    b"> " * 500_000,
    b"," * 1_000_000,
    b'"' * 1_000_000,
    b'{"message":"LINE_' * 60_000,
    b"[" * 1_000_000,
    b'{"message":' * 90_000,
    b"received PHONE_STATE\n" * 45_000,
    b"\n" * 1_000_000,
]


@each_format
@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_lines(format: str, number: int) -> None:
    """No line, however odd, takes long: a second at most for a million bytes."""
    data = SAMPLES[format] + HOSTILE[number] + b"\n" + SAMPLES[format]
    start = time.process_time()
    reading(data, format, skip_bad=True)
    recognise(HOSTILE[number])
    assert time.process_time() - start < 5  # far from a second even on a busy machine; minutes if it were quadratic


WORDS = st.sampled_from(
    [word for sample in SAMPLES.values() for word in sample.split(b" ")]
    + [b"received", b"Event =", b"\n", b"\r\n", b" ", b",", b"x", b"_", b"|", b'"', b"{", b"}", b"\\", b"\xff", b"\x00"]
    + [
        b"9:5.3.42 : ",
        b"99:99.99.999 : ",
        b"ERROR! callback received unknown msg=x19\n",
        b"hDev=x0,  cbInst=x0, p1=x45",
    ]
)


@given(st.one_of(st.binary(max_size=300), st.lists(WORDS, max_size=40).map(b" ".join)), st.booleans())
@EXAMPLES
def test_arbitrary_bytes(data: bytes, skip_bad: bool) -> None:
    """Whatever the bytes, nothing but an InputError comes out, in a forced format or not."""
    recognise(data)
    for name in (None, *TRACE_FORMATS):
        with suppress(InputError):
            assert all(one.message in COMPARED for one in read(data, name, skip_bad=skip_bad, date="2026-03-01"))


# --- NDJSON and CSV -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*/messages.ndjson")), ids=lambda path: path.parent.name)
def test_what_replay_writes(path: Path) -> None:
    """Messages of a replay are read back field by field, the same from NDJSON, from shuffled fields and from CSV."""
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    expected = [
        TraceMessage(place, row["message"], row["param1"], row["param2"], row["app"], row["device"], row["line"],
                 None if row["handle"] is None else str(row["handle"]), row["at"], row["version"], row["rule"])
        for place, row in enumerate(rows, 1)
    ]  # fmt: skip
    assert read(path.read_bytes(), "ndjson") == expected
    shuffled = [dict(random.Random(place).sample(list(row.items()), len(row))) for place, row in enumerate(rows)]
    assert read("\n".join(map(json.dumps, shuffled)).encode(), "ndjson") == expected
    if rows:
        lines = [",".join(rows[0])] + [
            ",".join("" if cell is None else str(cell) for cell in row.values()) for row in rows
        ]
        assert [without_place(one) for one in read("\n".join(lines).encode())] == [
            without_place(one) for one in expected
        ]


def without_place(one: TraceMessage) -> tuple[object, ...]:
    return tuple(getattr(one, field) for field in TraceMessage.__struct_fields__ if field != "place")


def line_of(**fields: object) -> bytes:
    return json.dumps({**SUSPEND, "handle": "1", **fields}).encode() + b"\n"


def test_extra_fields_and_types() -> None:
    """Fields that are not ours are ignored, whatever they are; version and rule too if they are not like ours."""
    [one] = read(line_of(thread=7, version="1.0", rule={"a": 1}, source=None, text='caf\u00e9 \\ "x"'))
    assert (one.version, one.rule, one.handle) == (None, None, "1")


def test_handle_may_be_a_number() -> None:
    """A handle is text or a number, and becomes text."""
    assert [one.handle for one in read(line_of(handle=65622) + line_of(handle="x10056"))] == ["65622", "x10056"]


def test_unknown_parameters() -> None:
    """A parameter that is null is one that the trace cannot tell."""
    [one] = read(line_of(param1=None, param2=None))
    assert (one.param1, one.param2) == (None, None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"param1": "40000"}, "param1 is the text '40000'; expected a whole number from 0 on, a name, or null"),
        ({"param1": -1}, "param1 is -1; expected a whole number from 0 on"),
        ({"param1": 1.5}, "param1 is 1.5; expected a whole number"),
        ({"param1": True}, "param1 is true; expected a whole number"),
        ({"param1": [1]}, "param1 is a list; expected a whole number"),
        ({"param1": "LINEDEVSTATE_INSERVICE"}, "param1 is 'LINEDEVSTATE_INSERVICE'; expected a number, decimal or 0x…"),
        ({"param1": "PHONESTATE_SUSPENT"}, "the name of a state; did you mean 'PHONESTATE_SUSPEND'?"),
        ({"param2": "CallManagerFailur"}, "the name of a reason; did you mean 'CallManagerFailure'?"),
        ({"message": 18}, "message is 18; expected a JSON object with message"),
        ({"device": 5001}, "device is 5001; expected a name, as text"),
        ({"handle": {}}, "handle is an object; expected text or a whole number"),
        ({"at": 5}, "at is 5; expected a time, as text"),
        ({"handle": None}, "PHONE_STATE without names or a handle; expected device, or handle"),
        ({"handle": None, "message": "LINE_CLOSE", "device": "P"}, "expected device and line, or handle"),
        ({"device": "P\u202e"}, "the character U+202E in a name"),
        ({"device": ""}, "an empty name"),
        ({"device": "x" * 129}, "a name of 129 characters"),
        ({"at": "10:14"}, "'10:14' is not a time"),
    ],
)
def test_wrong_fields(fields: dict[str, object], expected: str) -> None:
    """A message with a field that cannot be is an error with its line and the field."""
    error = refused(NDJSON + line_of(**fields))
    assert error.startswith("trace.txt:2: ")
    assert expected in error


def test_missing_fields() -> None:
    """message, param1 and param2 must be there; a logger's prefix before the object is not passed over in silence."""
    assert "PHONE_STATE without param2" in refused(b'{"message":"PHONE_STATE","param1":1,"handle":1}', "ndjson")
    assert "no message; expected a JSON object with message" in refused(NDJSON + b"{}")
    assert "a message that does not start the line" in refused(NDJSON + b"10:14 " + NDJSON)


def test_states_and_reasons_by_name() -> None:
    """States and reasons may stand there by name, with a prefix or without, in NDJSON and in CSV."""
    names = [("LINEDEVSTATE_OUTOFSERVICE", "CallManagerFailure"), ("Out of Service", "callmanagerfailure")]
    fields = [{"message": "LINE_LINEDEVSTATE", "param1": state, "param2": reason} for state, reason in names]
    fields.append({"message": "LINE_LINEDEVSTATE", "param1": "0x80", "param2": "0x1"})
    rows = [",".join(map(str, (*one.values(), "1"))) for one in fields]
    expected = [("LINE_LINEDEVSTATE", 0x80, 1, "1")] * 3
    assert plain(read(b"".join(line_of(**one) for one in fields))) == expected
    assert plain(read("\n".join(["message,param1,param2,handle", *rows]).encode())) == expected
    assert "did you mean 'LINEDEVSTATE_INSERVICE'?" in refused(
        b"message,param1,param2,handle\nLINE_LINEDEVSTATE,LINEDEVSTATE_INSERVIS,0,1\n"
    )


@pytest.mark.parametrize("field", ["message", "param1", "device", "at", "version", "handle"])
@pytest.mark.parametrize("lines", [0, 5_000], ids=["alone", "after many"])
def test_a_field_that_stands_twice(field: str, lines: int) -> None:
    """A field that stands twice is refused, as in logs, also behind thousands of ordinary lines."""
    value = {"message": '"PHONE_STATE"', "device": '"P"', "at": '"2026-03-01T08:00:00Z"'}.get(field, "1")
    whole = '{"message":"PHONE_STATE","param1":1,"param2":1,"device":"P","handle":1,"version":1,"at":"2026-03-01T08:00:00Z"}'
    twice = whole[:-1] + f',"{field}":{value}}}'
    spaced = twice.replace(f'"{field}":', f'"{field}" :')
    for bad in (twice, spaced):
        data = "\n".join([whole] * lines + [bad, whole]).encode()
        assert refused(data) == f"trace.txt:{lines + 1}: the field '{field}' stands twice; expected each field once"


def test_fields_of_others_may_stand_twice() -> None:
    """What is not looked at may be there as it likes, and a value may be called as a field is."""
    assert read(
        b'{"message":"PHONE_STATE","param1":1,"param2":1,"device":"line","app":"app","x":{"line":1,"line":2},"x":3}'
    )


def test_what_a_spreadsheet_writes() -> None:
    """Semicolons or tabs, a byte-order mark, headers and cells with capitals and blanks, no-break spaces too."""
    text = "sep\n\ufeffSeq; Message ;Param1;PARAM2\u00a0;Handle\n1; PHONE_STATE\u00a0;262144 ;1;100ab\n"
    for delimiter in ";\t,":
        for coding in ("utf-8-sig", "utf-16"):
            data = text.removeprefix("sep\n\ufeff").replace(";", delimiter).encode(coding)
            assert plain(read(data)) == ONE
    assert plain(read(b'Message;Param1;Param2;Handle\r\n"PHONE_STATE";"262144";1;"100ab"\r\n')) == ONE


def test_a_column_that_stands_twice() -> None:
    """A column that counts and stands twice is refused; one that is not looked at is not."""
    assert refused(b"message,param1,param2,handle,Handle\n") == (
        "trace.txt:1: the column 'handle' stands twice; expected each column once"
    )
    assert plain(read(b"message,param1,param2,handle,x,x\nPHONE_STATE,262144,1,100ab,,\n")) == ONE


def test_times_become_canonical() -> None:
    """Any RFC 3339 time is taken and made canonical, in lines like ours, too."""
    assert read(line_of(at="2026-03-01T09:00:00.25+01:00"))[0].at == "2026-03-01T08:00:00.250000Z"
    head = b'{"seq":1,"version":1,"at":"2026-03-01T09:00:00+01:00","app":"a","device":"D","line":null,"handle":1,'
    assert read(head + b'"message":"PHONE_STATE","param1":1,"param2":0}\n')[0].at == "2026-03-01T08:00:00Z"


def test_half_a_name() -> None:
    """Half a name is none beside a handle; a line beside a PHONE_… message is not part of its handle's name."""
    [one] = read(line_of(message="LINE_CLOSE", device="P"))
    assert (one.device, one.line, one.handle) == (None, None, "1")
    [one] = read(line_of(device="P", line="5001"))
    assert (one.device, one.line) == ("P", None)


def test_messages_without_a_handle() -> None:
    """PHONE_CREATE and its like are for no handle, so they need none and have none."""
    assert frozenset({"PHONE_STATE", "PHONE_CLOSE", "LINE_LINEDEVSTATE", "LINE_CLOSE"}) == COMPARED - WITHOUT_HANDLE
    for message in WITHOUT_HANDLE:
        assert [one.handle for one in read(line_of(message=message) + line_of(message=message, handle=None))] == [
            None
        ] * 2


PARTS = st.sampled_from(
    [
        *b'{ } , " "app": "seq":1 "version":2 "at":null "device":"D" "message":"PHONE_STATE"'.split(),
        *b'"param1":1 "handle":3 "x":{'.split(),
    ]
)


@given(st.lists(PARTS, max_size=16))
@EXAMPLES
def test_reading_at_once_is_the_careful_way(parts: list[bytes]) -> None:
    """A line that is read at once is read by the careful way, too, with the same result."""
    head = b'{"seq":1,"version":2,"at":null'
    tail = b',"app":"a","device":"D","line":null,"param1":1,"param2":2,"message":"PHONE_STATE",'
    for line in (b"".join(parts), head + b"".join(parts), head + tail + b",".join(parts) + b"}"):
        if fast := trace_fast(line):
            assert [without_place(one) for one in fast] == [without_place(one) for one in careful(line)]


def trace_fast(line: bytes) -> list[TraceMessage] | None:
    return ndjson._at_once([line], 1, ndjson._Sayings())


def careful(line: bytes) -> list[TraceMessage]:
    # A line that is no object sends its whole chunk the careful way.
    return read(b"{}\n" + line, "ndjson", skip_bad=True)


def test_csv_header() -> None:
    """The header is needed, its columns may stand in any order, and others are ignored."""
    assert refused(b"1,2,3\n", "csv").startswith("trace.txt: no header; expected a line with message,param1,param2")
    data = b"source,param2,handle,message,param1\nlab,0x1,100ab,PHONE_STATE,0x40000\n"
    assert plain(read(data + data)) == ONE * 2


def test_csv_rows() -> None:
    """Cells may be quoted; a row with too few or too many cells is an error."""
    header = b"message,param1,param2,device,app\n"
    [one] = read(header + b'PHONE_STATE,1,,"P, the ""first""",\n')
    assert (one.device, one.param1, one.param2, one.app) == ('P, the "first"', 1, None, None)
    assert "trace.txt:2: a row that has 2 cells; expected 5 cells" in refused(header + b"PHONE_STATE,1\n")
    assert "a row that cannot be taken apart" in refused(header + b'PHONE_STATE,"1\n')
    assert "param1 is '1_0'" in refused(header + b"PHONE_STATE,1_0,0,P,\n")


def test_ndjson_speed(record_property: Callable[[str, object], None]) -> None:
    """Notes how long 100,000 lines take; nothing is asked of it here (1 million in 1.3 s when this was written)."""
    line = b'{"seq":1,"version":7,"at":"2026-03-02T10:12:48Z","app":"ivr","device":"P%d","line":null,"handle":5,"message":"PHONE_STATE","msg":18,"param1_name":"PHONESTATE_SUSPEND","param1":262144,"param2_name":"CallManagerFailure","param2":1,"param3":0,"rule":"node_failed/suspend"}\n'
    data = b"".join(line % (number % 1_000) for number in range(100_000))
    start = time.perf_counter()
    assert len(read(data)) == 100_000
    record_property("seconds", time.perf_counter() - start)
