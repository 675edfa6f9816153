"""Comparison: every injected edit is found, nothing else is reported."""

from random import Random

import pytest
from msgspec.structs import replace

from cti_es.traces.diff.compare import DiffOptions, compare
from cti_es.traces.diff.handles import Given
from cti_es.vocabulary.tapi import TraceMessage

STATES = {
    True: (("LINE_LINEDEVSTATE", 0x80), ("LINE_LINEDEVSTATE", 0x40)),
    False: (("PHONE_STATE", 0x40000), ("PHONE_STATE", 0x80000)),
}


def trace(random, messages=2_000, channels=60):
    """A trace of handles that go out and come in again, interleaved."""
    told: dict[int, int] = {}
    found = []
    for place in range(1, messages + 1):
        channel = random.randrange(channels)
        state = told[channel] = 1 - told.get(channel, 1)
        message, param1 = STATES[channel % 2 == 1][state]
        reason = random.choice([1, 2, 3]) if state == 0 else 0
        line = str(channel) if channel % 2 else None
        device = f"D{channel // 2}"
        found.append(TraceMessage(place, message, param1, reason, "app", device, line, str(channel // 2)))
    return found


def channel(message):
    return message.device, message.line


def spoilt(messages, random, edits=10):
    """A copy with known edits, at most one a channel, and their kinds in the order of the trace."""
    copy, done, kinds = list(messages), set(), []
    for place in sorted(random.sample(range(len(copy)), edits), reverse=True):
        message = copy[place]
        if channel(message) in done:
            continue
        done.add(channel(message))
        kinds.append(EDITS[random.choice(sorted(EDITS))](copy, place, message))
    return [replace(message, place=number) for number, message in enumerate(copy, 1)], kinds[::-1]


def drop(copy, place, message):
    del copy[place]
    return "missing"


def insert(copy, place, message):
    copy.insert(place, replace(message, param2=7))
    return "unexpected"


def other_reason(copy, place, message):
    copy[place] = replace(message, param2=message.param2 + 4)
    return "reason"


def swap(copy, place, message):
    later = (
        index
        for index in range(place + 1, len(copy))
        if channel(copy[index]) == channel(message) and copy[index].param1 != message.param1
    )
    other = next(later, None)
    if other is None:
        return drop(copy, place, message)
    copy[place], copy[other] = copy[other], copy[place]
    return "moved"


EDITS = {"drop": drop, "insert": insert, "other reason": other_reason, "swap": swap}


def anonymous(messages):
    """The same trace with TAPI handles instead of names."""
    numbers: dict[tuple[str | None, ...], int] = {}
    found = []
    for message in messages:
        number = numbers.setdefault(channel(message), len(numbers))
        handle = f"{0x10000 + 16 * number:x}"
        found.append(replace(message, app=None, device=None, line=None, handle=handle))
    return found


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("known_by", ["names", "handles"])
def test_injected_edits_are_exactly_the_ones_reported(seed, known_by):
    """Drops, insertions, other reasons and swaps: as many differences as edits, each of its kind; also by handles."""
    random = Random(seed)
    expected = trace(random)
    actual, kinds = spoilt(expected, random)
    if known_by == "handles":
        actual = anonymous(actual)
    found = compare([expected], [actual], DiffOptions(strict=True))

    assert sorted(one.kind for one in found.differences) == sorted(kinds)
    assert kinds


@pytest.mark.parametrize("order", ["channel", "device", "total"])
def test_a_trace_conforms_to_itself(order):
    """Whatever has an order, equal traces conform and every message is matched."""
    messages = trace(Random(1))
    found = compare([messages], [messages], DiffOptions(order=order))

    assert found.conforms
    assert found.matched == len(messages)


def test_order_between_channels_does_not_count():
    """Channels may interleave in any way; only --order total minds."""
    random = Random(2)
    messages = trace(random)
    by_channel = sorted(messages, key=lambda message: (channel(message)[0], channel(message)[1] or ""))
    shuffled = [replace(message, place=place) for place, message in enumerate(by_channel, 1)]

    assert compare([messages], [shuffled], DiffOptions()).conforms
    assert not compare([messages], [shuffled], DiffOptions(order="total")).conforms


def test_a_first_state_is_announced_unless_strict():
    """A first INSERVICE that only tells the state that a handle has anyway is counted; with strict it is a difference."""
    out = TraceMessage(1, "LINE_LINEDEVSTATE", 0x80, 1, "app", "D", "1", "5")
    first = replace(out, param1=0x40, param2=0)
    actual = [first, replace(out, place=2)]

    assert compare([[out]], [actual], DiffOptions()).announced == 1
    assert compare([[out]], [actual], DiffOptions()).conforms
    assert [one.kind for one in compare([[out]], [actual], DiffOptions(strict=True)).differences] == ["unexpected"]


def test_times_are_compared_when_asked():
    """A matched message that came too late is late, by how much."""
    message = TraceMessage(1, "PHONE_CLOSE", 0, 0, "app", "D", None, "5", "2026-01-01T08:00:00Z")
    later = replace(message, at="2026-01-01T08:00:09Z")
    found = compare([[message]], [[later]], DiffOptions(time_tolerance=5)).differences

    assert [(one.kind, one.detail) for one in found] == [("late", "by 9 s")]
    assert compare([[message]], [[later]], DiffOptions(time_tolerance=10)).conforms


def test_a_second_handle_for_one_channel_is_an_alias():
    """A message under another handle of the same line is one alias, not one missing and one unexpected message."""
    out = TraceMessage(1, "LINE_LINEDEVSTATE", 0x80, 1, "app", "D", "1", "5")
    back = replace(out, place=2, param1=0x40, param2=0)
    found = compare([[out, back]], [[out, replace(back, handle="7")]], DiffOptions(strict=True)).differences

    assert [one.kind for one in found] == ["alias"]


SUSPEND, RESUME = 0x40000, 0x80000


def phone(place, param1, param2=0, handle="h"):
    """One PHONE_STATE message."""
    return TraceMessage(place, "PHONE_STATE", param1, param2, "app", "D", None, handle)


def test_an_unexpected_message_stands_after_what_came_before_it():
    """RESUME is missing and a close came that nobody expects, in the same gap: first what is missing; reasons last."""
    close = TraceMessage(2, "PHONE_CLOSE", 0, 0, "app", "D", None, "h")
    found = compare([[phone(1, SUSPEND, 1), phone(2, RESUME)]], [[phone(1, SUSPEND, 3), close]], DiffOptions())

    assert [one.kind for one in found.differences] == ["missing", "unexpected", "reason"]


def test_a_swap_at_the_start_is_no_announcement():
    """RESUME and SUSPEND changed places: one move, though RESUME stands first now."""
    found = compare(
        [[phone(1, SUSPEND, 1), phone(2, RESUME)]], [[phone(1, RESUME), phone(2, SUSPEND, 1)]], DiffOptions()
    )

    assert [one.kind for one in found.differences] == ["moved"]
    assert found.announced == 0


def test_handles_that_a_file_does_not_name_are_inferred():
    """A file for one handle of two: the other one is found by what it says, and the file's stays where it belongs."""
    expected = [phone(1, SUSPEND, 1, "1"), phone(2, RESUME, 0, "1"), replace(phone(3, SUSPEND, 2, "2"), device="E")]
    came = [replace(one, app=None, device=None, handle="1" + one.handle) for one in expected]
    found = compare([expected], [came], DiffOptions(handles={"11": Given(None, "D", None)}))

    assert found.conforms
    assert [one.how for one in found.pairs] == ["given", "inferred"]


def line(place, param1, param2=0, handle="h", app=None, name="1"):
    """One LINE_LINEDEVSTATE message."""
    return TraceMessage(place, "LINE_LINEDEVSTATE", param1, param2, app, "D", name, handle)


OUT, IN = 0x80, 0x40
WITHOUT_NAMES = {"app": None, "device": None, "line": None}


@pytest.mark.parametrize("names", [{}, {"app": None}, WITHOUT_NAMES])
@pytest.mark.parametrize("given", [None, {"10": Given(None, "D", "1"), "30": Given(None, "D", "1")}])
def test_of_several_handles_of_a_line_what_they_say_decides(names, given):
    """A device was closed and opened again: the first handle was announced, all else came on the second."""
    expected = [line(1, OUT, 1, "6", "app"), line(2, IN, 0, "6", "app")]
    came = [line(1, IN, 0, "10", "app"), line(2, IN, 0, "30", "app"), line(3, OUT, 1, "30", "app"),
            line(4, IN, 0, "30", "app")]  # fmt: skip
    found = compare([expected], [[replace(one, **names) for one in came]], DiffOptions(handles=given))

    assert found.differences == []
    assert found.announced == 2


def test_two_applications_in_a_trace_that_names_none():
    """Which of two handles of a device belongs to whom shows in what they say, not in which came first."""
    expected = [line(1, OUT, 1, "5", "a"), line(2, OUT, 0, "6", "b"), line(3, IN, 0, "5", "a")]
    came = [line(1, OUT, 0, "20", None), line(2, OUT, 1, "10", None), line(3, IN, 0, "10", None)]

    assert compare([expected], [came], DiffOptions()).conforms


@pytest.mark.parametrize("params", [{"param1": None}, {"param2": None}, {"param1": None, "param2": None}])
@pytest.mark.parametrize("options", [DiffOptions(), DiffOptions(ignore_reason=True)])
def test_a_close_needs_no_parameters(params, options):
    """They are all 0, so a trace may leave them out; a CLOSE is compared by its name."""
    close = TraceMessage(1, "PHONE_CLOSE", 0, 0, "app", "D", None, "5")

    assert compare([[close]], [[replace(close, **params)]], options).conforms
    assert not compare([[close]], [[replace(close, message="LINE_CLOSE", **params)]], options).conforms


def test_one_message_without_a_handle_leaves_the_others_theirs():
    """Where messages have handles and no names, one that has a name instead is one that does not fit."""
    expected = [line(number, state, reason, f"{number % 5}", "app", f"{number % 5}")
                for number, (state, reason) in enumerate([(OUT, 1)] * 5 + [(IN, 0)] * 5)]  # fmt: skip
    came = [replace(one, **WITHOUT_NAMES) for one in expected[:-1]]
    found = compare([expected], [[*came, replace(expected[-1], handle=None)]], DiffOptions())

    assert [one.kind for one in found.differences] == ["missing"]
    assert found.announced == 1


def test_a_file_that_names_the_application_of_some():
    """Who may be of any application takes the channel that is left, whoever came first."""
    expected = [line(1, OUT, 1, "5", "a"), line(2, OUT, 1, "6", "b")]
    came = [replace(line(place, OUT, 1, handle), **WITHOUT_NAMES) for place, handle in ((1, "20"), (2, "10"))]
    found = compare([expected], [came], DiffOptions(handles={"20": Given(None, "D", "1"), "10": Given("a", "D", "1")}))

    assert [(one.expected.name.app, one.actual.name.handle) for one in found.pairs] == [("a", "10"), ("b", "20")]


def lines(*says, handle="h", app=None, name="1", places=None):
    """A line's messages with the given states, in order; reason 1 where it goes out."""
    return [line(place, state, 1 if state == OUT else 0, handle, app, name) if state else
            replace(line(place, 0, 0, handle, app, name), message="LINE_CLOSE") for place, state in enumerate(says, 1)]  # fmt: skip


CLOSE = 0


def by_names(messages):
    """The same messages without their handles."""
    return [replace(one, handle=None, place=place) for place, one in enumerate(messages, 1)]


def opened_twice():
    """A line that is closed and opened again: two handles of the same name."""
    first, second = lines(OUT, IN, CLOSE, handle="1"), lines(OUT, IN, OUT, handle="5")
    return [*first, *(replace(one, place=one.place + 3) for one in second)]


@pytest.mark.parametrize(
    ("change", "kinds", "announced"),
    [
        (lambda came: came, [], 0),
        (lambda came: came[:2] + came[3:], ["missing"], 0),
        (lambda came: came[:3] + came[2:], ["unexpected"], 0),
        (lambda came: [*came[:3], came[1], *came[3:]], [], 1),
        (lambda came: [*came[:2], came[1], *came[3:]], ["missing"], 1),
    ],
    ids=["as expected", "a lost CLOSE", "a doubled CLOSE", "announced", "announced after a lost CLOSE"],
)
def test_names_without_handles(change, kinds, announced):
    """What comes after a reopening belongs to the new handle; a CLOSE that is lost or doubled moves nothing."""
    expected = opened_twice()
    found = compare([expected], [by_names(change(expected))], DiffOptions())

    assert [one.kind for one in found.differences] == kinds
    assert found.announced == announced


def test_an_announcement_before_the_same_state():
    """A handle that is expected to hear INSERVICE first may be announced before; one that hears it thrice was not."""
    expected = lines(IN, OUT, IN)

    assert compare([expected], [lines(IN, IN, OUT, IN)], DiffOptions()).announced == 1
    assert not compare([expected], [lines(IN, IN, IN, OUT, IN)], DiffOptions()).conforms
    assert [one.kind for one in compare([expected], [lines(IN, IN)], DiffOptions()).differences] == ["missing"]


def test_of_equal_states_between_two_handles_the_last_announces_the_second():
    """The first handle hears that it is in service and is closed without a CLOSE; the second one is announced."""
    first, second = lines(OUT, IN, handle="1"), lines(OUT, handle="5")
    expected = [*first, *(replace(one, place=one.place + 2) for one in second)]
    came = [*first, first[1], *second]
    found = compare([expected], [by_names(came)], DiffOptions())

    assert (found.differences, found.announced) == ([], 1)


def test_a_handle_number_that_is_used_again():
    """A handle ends with its CLOSE: the same number afterwards is another channel, and the trace conforms."""
    expected = opened_twice()
    came = [replace(one, handle="10000", device=None, line=None) for one in expected]

    assert compare([expected], [came], DiffOptions()).conforms


def at(message, seconds):
    """The message at so many seconds after eight o'clock."""
    return replace(message, at=f"2026-01-01T08:{seconds // 60:02}:{seconds % 60:02}Z")


def three_outages():
    """Three equal outages of a line, ten minutes apart."""
    says = lines(OUT, IN, OUT, IN, OUT, IN)
    return [at(one, when) for one, when in zip(says, (0, 5, 600, 605, 1200, 1205), strict=True)]


@pytest.mark.parametrize("names", [{}, WITHOUT_NAMES])
@pytest.mark.parametrize("ahead", [0, 180])
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_times_say_which_of_equal_outages_is_missing(lost, ahead, names):
    """Of three equal outages one is not in the trace: it is the one that is named, whatever the clock of the trace."""
    expected = [*three_outages(), *[at(replace(one, line="2", place=one.place + 6), 900 + one.place)
                                    for one in lines(OUT, IN, OUT, IN, name="2")]]  # fmt: skip
    left = [one for one in expected if one.line == "2" or one.place not in (2 * lost + 1, 2 * lost + 2)]
    came = [at(one, seconds_of(one) + ahead) for one in left]
    came = [replace(one, **{**names, **({"handle": f"{one.line}0"} if names else {})}) for one in came]
    found = compare([expected], [came], DiffOptions(time_tolerance=2, shift="auto"))

    assert [(one.kind, one.expected.place) for one in found.differences] == [
        ("missing", 2 * lost + 1), ("missing", 2 * lost + 2)
    ]  # fmt: skip
    assert found.ahead == ahead


def seconds_of(message):
    """The seconds after eight o'clock."""
    return 60 * int(message.at[14:16]) + int(message.at[17:19])


def test_without_times_the_others_say_which_outage_is_missing():
    """Three outages of ten lines: the line that is silent in the second burst lost its messages there."""
    expected = [
        replace(line(0, state, 1 if state == OUT else 0, name, None, name), version=burst)
        for burst, state in enumerate([OUT, IN] * 3, 1)
        for name in map(str, range(10))
    ]
    expected = [replace(one, place=place) for place, one in enumerate(expected, 1)]
    came = [one for one in expected if one.line != "4" or one.version not in (3, 4)]
    came = [replace(one, **WITHOUT_NAMES, version=None) for one in came]
    found = compare([expected], [came], DiffOptions())

    assert [(one.kind, one.expected.line, one.expected.version) for one in found.differences] == [
        ("missing", "4", 3), ("missing", "4", 4)
    ]  # fmt: skip


@pytest.mark.parametrize("swaps", [200, 300])
def test_many_swaps_in_one_order_are_as_many_moves(swaps):
    """Swaps all over a trace of ten thousand messages are found, however many: it is compared piece by piece."""
    random = Random(swaps)
    expected = trace(random, 10_000, 500)
    came = list(expected)
    for place in random.sample(range(0, 9_998, 3), swaps):
        if channel(came[place]) != channel(came[place + 1]):
            came[place : place + 2] = came[place + 1], came[place]
    moved = sum(1 for one, other in zip(expected, came, strict=True) if one is not other) // 2
    came = [replace(one, place=place) for place, one in enumerate(came, 1)]
    found = compare([expected], [came], DiffOptions(order="total"))

    assert [one.kind for one in found.differences] == ["moved"] * moved
    assert moved > 0.9 * swaps
