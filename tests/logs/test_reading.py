"""Reading a log up to a version or a moment, from the start or from a snapshot.

Specified in docs/reference/commands/replay.md#as-of-a-time.
"""

from contextlib import closing, suppress
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import EXAMPLES

import cti_es.logs.append
from cti_es.answers.device import explain_device
from cti_es.answers.message import explain_message
from cti_es.logs.append import AppendOptions, append
from cti_es.logs.reading import WHOLE, Batch, Cut, Reading, StoredLog, event_at, parse_as_of, resumed_at
from cti_es.logs.store import MemoryStore, SqliteStore
from cti_es.model.replay import Replay
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import CallStarted, DeviceAdded, NodeAdded, NodeFailed, NumberedEvents

TIMES = [
    "2026-01-01T08:00:00Z",
    "2026-01-01T08:00:00.500000Z",
    "2026-01-01T08:00:01Z",
    "2026-01-01T08:00:02Z",
    "2026-01-01T08:00:02.000001Z",
    "2026-01-01T08:00:03Z",
]
"""Canonical times in their true order."""

MOMENTS = ["1999-12-31T23:59:59Z", *TIMES, "2027-01-01T00:00:00.100000Z"]
SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=5)


class ListLog:
    """A log that is a list, read in batches of these sizes over and over: what a bare file looks like to a reader."""

    name = "list"

    def __init__(self, events, sizes=(2,)):
        self.events = events
        self.sizes = sizes

    def batches(self, version=1, wait=None):
        start = 0
        while start < len(self.events):
            for size in self.sizes:
                batch = self.events[start : start + size]
                skip = max(0, version - start - 1)
                if batch[skip:]:
                    yield Batch(start + skip + 1, batch[skip:])
                start += size

    def snapshot(self, **at_most):
        return None


def a_log(times):
    """One event for each of these times (None: without one)."""
    return [NodeAdded(node=f"n{index}", at=at) for index, at in enumerate(times)]


def stored(events, sizes, store=None):
    """The same log in a store, appended in parts of these sizes, with a snapshot after every part."""
    store = store or MemoryStore()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cti_es.logs.append, "SNAPSHOT_WORK", 1)
        rest, part = iter(events), 0
        while batch := list(islice(rest, sizes[part % len(sizes)])):
            append(store, "default", [NumberedEvents(range(1, len(batch) + 1), batch)], AppendOptions())
            part += 1
    return StoredLog(store, "default", "store")


def rank(at):
    """A time as a number: its place among MOMENTS."""
    return MOMENTS.index(at)


def naive_cut(events, moment):
    """The length of the longest prefix without an event later than the moment: every prefix is tried."""
    fitting = [
        length
        for length in range(len(events) + 1)
        if all(event.at is None or rank(event.at) <= rank(moment) for event in events[:length])
    ]
    return max(fitting)


def naive_warning(events, moment):
    """Whether a reader has to be warned: times go backwards before the cut, or across it, as seen from the moment."""
    cut = naive_cut(events, moment)
    before = [rank(event.at) for event in events[:cut] if event.at is not None]
    after = [rank(event.at) for event in events[cut:] if event.at is not None]
    return before != sorted(before) or any(time <= rank(moment) for time in after)


def read(log, cut, **options):
    """What a reading gives: versions, events, its end, its warnings."""
    reading = Reading(log, cut=cut, **options)
    pairs = [(batch.version + n, event) for batch in reading.batches() for n, event in enumerate(batch.events)]
    return [version for version, _ in pairs], [event for _, event in pairs], reading.end, reading.warnings


def state_of(events):
    replay = Replay()
    replay.advance(events)
    return replay.encoded()


# --- cuts -----------------------------------------------------------------------------------------------------------


@EXAMPLES
@given(st.integers(0, 9), SIZES, st.integers(0, 12))
def test_a_cut_by_version_is_a_prefix(count, sizes, version):
    """Reading up to a version gives the first so many events and their versions, however the log is cut in batches."""
    events = a_log([None] * count)
    end = min(version, count)

    assert read(ListLog(events, sizes), Cut(version=version)) == (
        list(range(1, end + 1)), events[:end], end, []
    )  # fmt: skip


@EXAMPLES
@given(st.lists(st.sampled_from([None, *TIMES]), max_size=10), SIZES, st.sampled_from(MOMENTS))
def test_a_cut_by_time_is_the_longest_prefix(times, sizes, moment):
    """Reading up to a moment gives the longest prefix without a later event, and warns exactly when it has to."""
    events = a_log(times)
    end = naive_cut(events, moment)
    versions, found, last, warnings = read(ListLog(events, sizes), Cut(moment=moment))

    assert (versions, found, last) == (list(range(1, end + 1)), events[:end], end)
    assert bool(warnings) is naive_warning(events, moment)


@EXAMPLES
@given(st.lists(st.sampled_from(TIMES), max_size=10), SIZES, st.sampled_from(MOMENTS))
def test_a_cut_by_time_from_a_snapshot(times, sizes, moment):
    """The fold at a moment is that of the prefix, from whatever snapshot it starts, with the same warnings."""
    events = a_log(times)
    replay, warnings = resumed_at(stored(events, sizes), Cut(moment=moment))
    end = naive_cut(events, moment)

    assert (replay.version, replay.encoded()) == (end, state_of(events[:end]))
    assert bool(warnings) is naive_warning(events, moment)
    assert [text.replace("store", "list") for text in warnings] == resumed_at(ListLog(events), Cut(moment=moment))[1]


@EXAMPLES
@given(st.lists(st.sampled_from(TIMES), max_size=10), SIZES, st.integers(0, 10))
def test_a_cut_by_version_from_a_snapshot(times, sizes, version):
    """The fold at a version is that of the prefix, and times do not matter to it."""
    events = a_log(times)
    log = stored(events, sizes)
    if version > len(events):
        with pytest.raises(InputError, match="past the end"):
            resumed_at(log, Cut(version=version))
        return

    replay, warnings = resumed_at(log, Cut(version=version))

    assert (replay.version, replay.encoded(), warnings) == (version, state_of(events[:version]), [])


def test_no_cut_is_the_whole_log():
    """Without a cut all events are read."""
    events = a_log([TIMES[0], TIMES[3], None])

    assert read(ListLog(events), WHOLE) == ([1, 2, 3], events, 3, [])


def test_reading_from_a_version():
    """A reading may begin anywhere before its cut."""
    events = a_log([None] * 6)

    assert read(ListLog(events), Cut(version=5), start=3) == ([3, 4, 5], events[2:5], 5, [])
    assert read(ListLog(events), Cut(version=2), start=3) == ([], [], 2, [])


def test_version_0_is_the_empty_log():
    """The fold at version 0 knows nothing, in a store and in a file."""
    events = a_log(TIMES)

    for log in (ListLog(events), stored(events, [2])):
        replay, warnings = resumed_at(log, Cut(version=0))

        assert (replay.version, replay.encoded(), warnings) == (0, Replay().encoded(), [])


def test_a_moment_before_everything_is_the_empty_log():
    """Before the first event there is nothing, and that is no reason to warn."""
    replay, warnings = resumed_at(ListLog(a_log(TIMES)), Cut(moment=MOMENTS[0]))

    assert (replay.version, warnings) == (0, [])


# --- warnings -------------------------------------------------------------------------------------------------------


def test_the_warning_names_the_first_step_back():
    """Times that go backwards before the cut are named by version and log."""
    log = ListLog(a_log([TIMES[2], TIMES[0], TIMES[1], TIMES[4]]))

    (warning,) = resumed_at(log, Cut(moment=TIMES[3]))[1]

    assert warning.startswith("times go backwards at version 2 of list")


def test_a_whole_log_that_goes_backwards_is_warned_of():
    """Who reads to the end or to a version is told, too, unless the first step back comes later."""
    log = ListLog(a_log([TIMES[2], None, TIMES[0], TIMES[4]]))

    assert len(read(log, WHOLE)[3]) == len(read(log, Cut(version=3))[3]) == 1
    assert read(log, Cut(version=2))[3] == []


def test_the_warning_names_an_event_left_out():
    """An event behind the cut that is not later than the moment is named, and where reading stopped."""
    log = ListLog(a_log([TIMES[0], TIMES[5], TIMES[4], TIMES[1]]))
    (warning,) = resumed_at(log, Cut(moment=TIMES[2]))[1]

    assert warning.startswith("times go backwards at version 4 of list")
    assert f"not later than {TIMES[2]}" in warning
    assert "after version 1" in warning


def test_times_that_go_backwards_later_are_no_warning():
    """Steps back between events that are all later than the moment change nothing."""
    log = ListLog(a_log([TIMES[0], TIMES[5], TIMES[4], TIMES[5]]))

    assert resumed_at(log, Cut(moment=TIMES[1]))[1] == []


# --- past the end ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=["list", "memory", "sqlite"])
def short_log(request, tmp_path):
    """A log of six events in two batches: a list, and stores with a snapshot at their head."""
    events = a_log(TIMES)
    if request.param == "list":
        yield ListLog(events, [3])
        return
    with closing(
        MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "site.db", write=True)
    ) as store:
        yield stored(events, [3], store)


@pytest.mark.parametrize("version", [7, 100, 10**20, 10**30])
def test_a_version_past_the_end_is_an_error(short_log, version):
    """``--as-of`` a version that the log does not have yet: an InputError that says how far it goes."""
    with pytest.raises(InputError, match=r"past the end of .*expected a version up to 6"):
        resumed_at(short_log, Cut(version=version))


@pytest.mark.parametrize("version", [0, 7, 100, 10**20])
def test_there_is_no_event_outside_the_log(short_log, version):
    """``event_at`` of a version that is not there is an InputError."""
    with pytest.raises(InputError, match=f"there is no version {version}"):
        event_at(short_log, version)


def test_every_event_can_be_had(short_log):
    """``event_at`` gives each event of the log by its version."""
    assert [event_at(short_log, version).node for version in range(1, 7)] == [f"n{n}" for n in range(6)]


@pytest.mark.parametrize("seq", [0, -1, 1, 10**20])
def test_there_is_no_message_outside_the_replay(short_log, seq):
    """A message number that the replay does not reach is an InputError."""
    with pytest.raises(InputError, match=f"there is no message {seq}"):
        explain_message(short_log, seq)


@pytest.mark.parametrize("version", [7, 8, 20])
def test_nothing_is_read_past_the_end(short_log, version):
    """From a version past the end there is nothing to read."""
    assert [batch for batch in short_log.batches(version) if batch.events] == []
    assert read(short_log, WHOLE, start=version)[:2] == ([], [])


@pytest.mark.parametrize("version", range(1, 8))
def test_batches_begin_where_they_are_asked_to(short_log, version):
    """The first batch begins with the version that was asked for, in the middle of a row as well."""
    batches = list(short_log.batches(version))

    assert [batch.version + n for batch in batches for n in range(len(batch.events))] == list(range(version, 7))


# --- following ------------------------------------------------------------------------------------------------------


class Enough(Exception):
    """Thrown by a reader that has waited long enough."""


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("start", [1, 2, 4, 7])
def test_following_a_store(tmp_path, kind, start):
    """A reader that follows sees what is appended later, each event once and none before the one it asked for."""
    with closing(MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "site.db", write=True)) as store:
        log, later = stored(a_log(TIMES[:3]), [3], store), iter([[4], [], [5, 6], [7]])

        def wait():
            if (names := next(later, None)) is None:
                raise Enough
            events = [NodeAdded(node=f"later{n}", at=TIMES[-1]) for n in names]
            append(store, "default", [NumberedEvents(range(1, len(events) + 1), events)], AppendOptions())

        versions = []
        with suppress(Enough):
            for batch in Reading(log, start, wait=wait).batches():
                versions += [batch.version + n for n in range(len(batch.events))]

    assert versions == list(range(start, 8))


# --- --as-of --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("0", Cut(version=0)),
        ("12", Cut(version=12)),
        ("0012", Cut(version=12)),
        ("2026", Cut(version=2026)),
        ("2026-01-01T08:00:00Z", Cut(moment="2026-01-01T08:00:00Z")),
        ("2026-01-01T09:00:00.5+01:00", Cut(moment="2026-01-01T08:00:00.500000Z")),
    ],
)
def test_as_of_is_read(text, cut):
    """All digits is a version, else it is a time, made canonical."""
    assert parse_as_of(text) == cut


@pytest.mark.parametrize("text", ["", "-1", "1.5", "now", "2026-01-01", "2026-01-01T25:00:00Z", "٣", "v3"])
def test_as_of_that_is_neither_is_refused(text):
    """What is no version and no time is an InputError that says what would be."""
    with pytest.raises(InputError, match="expected a version or"):
        parse_as_of(text)


def test_as_of_with_very_many_digits():
    """More digits than Python turns into a number are a version past every end, or an InputError; no traceback."""
    try:
        cut = parse_as_of("9" * 5_000)
    except InputError:
        return

    assert cut.version > 10**15


# --- explaining at a cut --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[1], [2], [4], [9]])
def test_a_device_is_explained_at_a_moment(sizes):
    """Where a device was at a moment is taken from the prefix, and the warnings of reading come with it."""
    events = [
        NodeAdded(node="cm1", at=TIMES[0]),
        DeviceAdded(device="P", kind="phone", lines=("1",), at=TIMES[1]),
        CallStarted(call="c", device="P", at=TIMES[3]),
        NodeFailed(node="cm1", at=TIMES[2]),
    ]
    log = stored(events, sizes)
    (early, no_warning), (late, warning) = (explain_device(log, "P", Cut(moment=at)) for at in (TIMES[1], TIMES[5]))

    assert (early.version, early.home.home, no_warning) == (2, "cm1", [])
    assert (late.version, late.home.state, late.since, len(warning)) == (4, "out_of_service", 4, 1)
