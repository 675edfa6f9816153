"""What holds for every trace of every log: it conforms to itself, and handles are found by what they say."""

from collections import Counter
from io import BytesIO
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.strategies import EXAMPLES, LOG_EXAMPLES, decoded, logs

from cti_es.model.replay import Replay
from cti_es.report.handle_numbers import HandleNumbers
from cti_es.report.tapi_browser import write
from cti_es.traces.diff.channels import CONFIGURATION
from cti_es.traces.diff.compare import DiffOptions, compare
from cti_es.traces.recognise import read_trace
from cti_es.traces.sides import received
from cti_es.vocabulary.tapi import TraceMessage
from cti_es_cli.output import Output
from cti_es_cli.views import MESSAGES

FEWER = settings(LOG_EXAMPLES, max_examples=EXAMPLES.max_examples * 2 // 5)
"""Each example here is compared several times."""


def as_rows(format):
    """Write the messages of a log as replay --format does."""

    def written(log):
        stream = BytesIO()
        Output(format, stream, colours=False).rows(MESSAGES, [list(Replay().messages(decoded(log)))])
        return stream.getvalue()

    return written


def as_browser(log):
    replay = Replay()
    numbers = HandleNumbers(replay)
    return b"".join(write(replay.messages(decoded(log)), numbers.of))


WRITTEN = {"ndjson": as_rows("ndjson"), "csv": as_rows("csv"), "tapi-browser": as_browser}


def expected(log):
    """The messages of a log as diff expects them."""
    return [received(message) for message in Replay().messages(decoded(log))]


def read(data):
    return [message for batch in read_trace(BytesIO(data), "trace.txt") for message in batch]


@pytest.mark.parametrize("format", WRITTEN)
@given(log=logs, strict=st.booleans())
@FEWER
def test_a_trace_conforms_to_its_log_and_to_itself(format, log, strict):
    """In every format that is written and in every order: all is matched, nothing is announced, nothing differs."""
    messages = expected(log)
    assume(messages)
    data = WRITTEN[format](log)
    trace = read(data)
    sides = product(((messages, trace), (trace, messages), (trace, trace)), ("channel", "device", "total"))
    for (left, right), order in sides:
        found = compare([left], [right], DiffOptions(order=order, strict=strict))

        assert found.differences == []
        assert (found.matched, found.announced) == (len(messages), 0)


def channel(message):
    """The kind and names of a channel, as both sides of a comparison call it."""
    return message.message[0], message.app, message.device, message.line, message.handle


def sequences(messages):
    """Channel → what it says, its kind first."""
    found = {}
    for one in messages:
        found.setdefault(channel(one), [one.message[0]]).append((one.message, one.param1, one.param2))
    return {name: tuple(says) for name, says in found.items()}


@st.composite
def renamed(draw):
    """The messages of a log; a trace of them with other handles for names, interleaved anew; handle → channel."""
    messages = [one for one in expected(draw(logs)) if one.message not in CONFIGURATION]
    names = list(sequences(messages))
    numbers = draw(st.lists(st.integers(1, 0xFFFFFFFF), min_size=len(names), max_size=len(names), unique=True))
    handles = dict(zip(names, (f"{number:x}" for number in numbers), strict=True))
    turns = draw(st.permutations([channel(one) for one in messages])) if draw(st.booleans()) else None
    waiting = {name: iter([one for one in messages if channel(one) == name]) for name in names}
    trace = messages if turns is None else [next(waiting[name]) for name in turns]
    anonymous = [
        replace(one, place=place, app=None, device=None, line=None, handle=handles[channel(one)], rule=None)
        for place, one in enumerate(trace, 1)
    ]
    return messages, anonymous, {handle: name for name, handle in handles.items()}


def name_of(channel):
    return channel.name.kind[0].upper(), *channel.name[1:5]


@given(renamed())
@FEWER
def test_handles_are_found_by_what_they_say(case):
    """A handle that says what no other says is found, whatever its number; of those that say the same any will do."""
    messages, trace, truth = case
    assume(messages)
    found = compare([messages], [trace], DiffOptions(strict=True))
    says = sequences(messages)
    times = Counter(says.values())

    assert found.conforms
    assert len(found.pairs) == len(truth)
    for one in found.pairs:
        right, taken = truth[one.actual.name.handle], name_of(one.expected)
        assert says[taken] == says[right]
        assert taken == right or times[says[right]] > 1
        assert one.how == "inferred"


def test_a_lost_first_message_leaves_the_handle_known():
    """The SUSPEND is lost and the RESUME came: that is the same channel, and one missing message."""
    suspend = TraceMessage(1, "PHONE_STATE", 0x40000, 1, "app", "D", None, "5")
    resume = replace(suspend, place=2, param1=0x80000, param2=0)
    came = replace(resume, place=1, app=None, device=None, handle="10000")
    found = compare([[suspend, resume]], [[came]], DiffOptions(strict=True))

    assert [one.kind for one in found.differences] == ["missing"]


@given(renamed(), st.data())
@FEWER
def test_a_lost_message_is_found_whatever_the_handles(case, data):
    """One message less is one missing message, and never a difference that was not there."""
    messages, trace, _ = case
    assume(len(messages) > 1)
    lost = data.draw(st.integers(0, len(trace) - 1))
    rest = [replace(one, place=place) for place, one in enumerate(trace[:lost] + trace[lost + 1 :], 1)]
    found = compare([messages], [rest], DiffOptions(strict=True))

    assert [one.kind for one in found.differences] == ["missing"]
    assert found.matched == len(messages) - 1


@given(renamed(), st.sampled_from(["names and handles", "names", "handles"]))
@FEWER
def test_a_doubled_trace(case, known):
    """Each message came twice: all are matched, and each second one is unexpected, whatever the trace knows."""
    messages, trace, _ = case
    assume(messages)
    if known != "handles":
        trace = [replace(one, handle=one.handle if known != "names" else None) for one in messages]
    doubled = [replace(one, place=place) for place, one in enumerate((one for one in trace for _ in "12"), 1)]
    found = compare([messages], [doubled], DiffOptions(strict=True))

    assert found.matched == len(messages)
    assert [one.kind for one in found.differences] == ["unexpected"] * len(messages)
