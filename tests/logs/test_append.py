"""Appending: duplicates, expected versions, misfits, dry runs, snapshots (docs/reference/commands/append.md)."""

import io
import sqlite3
from contextlib import closing

import pytest
from freezegun import freeze_time
from msgspec.structs import replace

from cti_es.answers.message import explain_message
from cti_es.logs import append as appending
from cti_es.logs.append import MISFITS_SHOWN, AppendOptions, append, parse_expect
from cti_es.logs.ndjson import read_events, write_events
from cti_es.logs.reading import Cut, StoredLog, resumed_at
from cti_es.logs.store import Head, MemoryStore, SqliteStore
from cti_es.logs.verify import verify
from cti_es.model.homes import homes
from cti_es.model.replay import FOLD_VERSION, Replay
from cti_es.testing.random_logs import Plan, generate
from cti_es.vocabulary.errors import Conflict, CtiEsError, InputError, MisfitsRefused
from cti_es.vocabulary.events import (
    CallEnded,
    CallStarted,
    DeviceAdded,
    DeviceOpened,
    NodeAdded,
    NodeFailed,
    NodeRecovered,
    NumberedEvents,
    decode_events,
    encode,
)

AT = "2026-01-01T08:00:00Z"
LATER = "2026-01-01T09:00:00Z"


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    """An empty store of each kind."""
    with closing(MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "site.db", write=True)) as made:
        yield made


def lines(*events, first=1):
    return NumberedEvents(range(first, first + len(events)), list(events))


def put(store, *events, log="default", **options):
    """Append events given as Structs."""
    return append(store, log, [lines(*events)], AppendOptions(**options))


def put_text(store, text, log="default", **options):
    """Append a file of this text."""
    return append(store, log, read_events(io.BytesIO(text.encode()), "f"), AppendOptions(name="f", **options))


def events_of(store, log="default"):
    return [event for row in store.rows(log) for event in decode_events(row.events)]


def contents(store, log="default"):
    return list(store.rows(log)), store.id_count(log), list(store.snapshots(log))


def node(name, id_=None, at=AT):
    return NodeAdded(node=name, at=at, id=id_)


def counts(done):
    return done.appended, done.duplicates, len(done.misfits)


# --- what is reported -----------------------------------------------------------------------------------------------


def test_an_append_says_what_it_did(store):
    """The report has the numbers and the head as docs/reference/commands/append.md shows them, and the head is the store's."""
    done = put(store, node("cm1"), node("cm2"))

    assert counts(done) == (2, 0, 0)
    assert done.head == store.head("default")
    assert str(done) == f"appended 2, duplicates 0, misfits 0, head 2:sha256:{store.head('default').hash}"


def test_appending_nothing_writes_nothing(store):
    """No events, or a file of blank lines, is no error, and no log comes from it."""
    assert put(store) == (0, 0, [], Head(), None)
    assert put_text(store, "\n\n  \n") == (0, 0, [], Head(), None)
    assert store.logs() == []


def test_memory_and_sqlite_do_the_same(tmp_path):
    """The same appends give the same reports, rows, ids and hashes in both stores, failures included."""
    batches = [list(generate(Plan(seed=4, events=300, devices=5)))[start : start + 37] for start in range(0, 300, 37)]
    seen = []
    for store in (MemoryStore(), SqliteStore(tmp_path / "site.db", write=True)):
        with closing(store), freeze_time(LATER), pytest.MonkeyPatch.context() as patch:
            patch.setattr(appending, "SNAPSHOT_WORK", 100)
            done = [put(store, *batch, source="g") for batch in batches]
            done.append(put(store, NodeAdded(node="new", id="x"), NodeAdded(node="new", id="x")))
            with pytest.raises(MisfitsRefused) as refused:
                put(store, NodeAdded(node="other", id="y"), NodeAdded(node="new"))
            seen.append((done, str(refused.value), contents(store), store.find_ids("default", ["x", "y"])))

    assert seen[0] == seen[1]
    assert len(seen[0][2][2]) > 1


def test_the_same_events_can_be_appended_once_more(store):
    """Events are not changed by a try, so that the next one (another program was first) finds what was sent."""
    sent = [NumberedEvents(range(1, 2), [NodeAdded(node="cm1", id="1")])]
    done = [append(store, "default", sent, AppendOptions()) for _ in range(2)]

    assert [(one.appended, one.duplicates) for one in done] == [(1, 0), (0, 1)]
    assert sent[0].events == [NodeAdded(node="cm1", id="1")]


def test_what_is_appended_is_whole(store):
    """A file in every allowed spelling is stored in canonical form, and verify finds nothing."""
    put_text(
        store,
        '{"node":"cm1", "type":"node_added", "id":null}\n\n'
        '{"at":"2026-01-01T09:00:00.50+01:00","type":"node_added","node":"K\\u00e4se"}\r\n'
        '{"type":"node_failed","node":"cm1","at":"2026-01-01T08:00:00.000Z","id":"1"}',
    )

    assert list(verify(store, {})) == []
    assert [event.at for event in events_of(store)][1:] == ["2026-01-01T08:00:00.500000Z", "2026-01-01T08:00:00Z"]


@pytest.mark.parametrize(
    "times", [["", AT], [AT + AT, AT], [AT + "2026-01-01T09:00:00.250000Z"], ["2026-01-01T08:", "00:00Z"], ["", ""]]
)
def test_a_time_that_is_none_is_refused_wherever_it_stands(times):
    """Every ``at`` is a time by itself: not nothing, not two, not half of one with its rest on the next line."""
    text = "".join(f'{{"type":"node_added","node":"n{n}","at":"{at}"}}\n' for n, at in enumerate(times))

    with pytest.raises(InputError, match=r"f:1: \$\.at"):
        put_text(MemoryStore(), text)


def test_a_bad_line_takes_back_everything_before_it(store):
    """If the last line of a long file is no event, nothing of the file is stored."""
    text = "".join(f'{{"type":"node_added","node":"n{n}","id":"{n}"}}\n' for n in range(20_000))

    with pytest.raises(InputError, match=r"f:20001"):
        put_text(store, text + '{"type":"node_aded"}\n')
    assert (store.logs(), store.id_count("default")) == ([], 0)


# --- duplicates -----------------------------------------------------------------------------------------------------


def test_an_event_that_is_there_is_a_duplicate(store):
    """The same id with the same content in a later append is counted and not stored."""
    put(store, node("cm1", "one"), node("cm2", "two"))
    before = contents(store)

    assert counts(put(store, node("cm2", "two"), node("cm1", "one"))) == (0, 2, 0)
    assert contents(store) == before


def test_duplicates_within_one_file(store):
    """The second of two equal lines with an id is a duplicate, and what stands between is stored."""
    done = put(store, node("cm1", "one"), node("cm2"), node("cm1", "one"), node("cm1", "one"))

    assert counts(done) == (2, 2, 0)
    assert [event.node for event in events_of(store)] == ["cm1", "cm2"]


def test_duplicates_across_the_batches_of_one_file(store):
    """Equal lines that are read in different batches of one file are found in what is not committed yet."""
    batches = [lines(node("cm1", "one")), lines(node("cm2"), first=2), lines(node("cm1", "one"), node("cm3"), first=3)]

    assert counts(append(store, "default", batches, AppendOptions())) == (3, 1, 0)
    assert [event.node for event in events_of(store)] == ["cm1", "cm2", "cm3"]


def test_a_long_file_of_duplicates(store):
    """A file of thousands of events with ids can be appended twice, and once more with something new in the middle."""
    made = [f'{{"type":"node_added","node":"n{n}","id":"i{n}","at":"{AT}"}}\n' for n in range(9_000)]
    put_text(store, "".join(made))

    assert counts(put_text(store, "".join(made))) == (0, 9_000, 0)
    made.insert(5_000, '{"type":"node_added","node":"new"}\n')
    assert counts(put_text(store, "".join(made))) == (1, 9_000, 0)


def test_without_a_time_it_is_still_a_duplicate(store):
    """``at`` is compared only if it was sent: an event that was stamped on its first arrival comes again unstamped."""
    with freeze_time("2026-01-01T10:00:00Z"):
        put(store, NodeAdded(node="cm1", id="one"))
        first = put(store, node("cm2", "two"))
    with freeze_time("2026-01-02T10:00:00Z"):
        again = put(store, NodeAdded(node="cm1", id="one"), NodeAdded(node="cm2", id="two"))

    assert (counts(again), again.head) == ((0, 2, 0), first.head)


def test_the_time_that_was_stored_is_the_same_content(store):
    """An event that was stamped may be sent again with the time that it got, in another spelling even."""
    with freeze_time("2026-01-01T10:00:00Z"):
        put(store, NodeAdded(node="cm1", id="one"))
    again = put_text(store, '{"type":"node_added","node":"cm1","at":"2026-01-01T11:00:00+01:00","id":"one"}')

    assert counts(again) == (0, 1, 0)


def test_the_same_id_in_another_log_is_no_duplicate(store):
    """Ids are unique per log."""
    put(store, node("cm1", "one"), log="a")

    assert counts(put(store, node("cm1", "one"), log="b")) == (1, 0, 0)


@pytest.mark.parametrize(
    "other",
    [node("cm2", "one"), node("cm1", "one", LATER), NodeFailed(node="cm1", id="one"), node("CM1", "one")],
)
def test_other_content_under_the_same_id_is_a_conflict(store, other):
    """Another name, time or type under a known id stops the append; nothing of it is stored."""
    put(store, node("cm1", "one"))
    before = contents(store)

    with pytest.raises(Conflict, match="the id 'one' stands for another event at version 1"):
        put(store, node("new", "new"), other)
    assert contents(store) == before


def test_other_content_within_one_file_is_a_conflict(store):
    """Two lines with one id and different content: an error that names the second line, and nothing is stored."""
    with pytest.raises(Conflict, match=r"f:4: the id 'one' stands for another event") as refused:
        put_text(
            store,
            '{"type":"node_added","node":"cm1","id":"one"}\n\n{"type":"node_added","node":"cm2"}\n'
            '{"type":"node_added","node":"cm3","id":"one"}\n',
        )
    assert refused.value.index == 4
    assert store.logs() == []


def test_other_content_across_batches_is_a_conflict(store):
    """The same where the two lines are read in different batches."""
    with pytest.raises(Conflict, match="at version 1"):
        append(store, "default", [lines(node("cm1", "one")), lines(node("cm2", "one"), first=2)], AppendOptions())
    assert store.logs() == []


def test_a_duplicate_is_looked_up_before_misfits(store):
    """An event that would be a misfit by now is a duplicate all the same, so that a retry succeeds."""
    put(store, node("cm1", "one"), NodeFailed(node="cm1", at=AT, id="two"))

    assert counts(put(store, node("cm1", "one"), NodeFailed(node="cm1", at=AT, id="two"))) == (0, 2, 0)


def test_an_id_that_points_nowhere_is_an_error_with_words(tmp_path):
    """An index of ids that somebody has tampered with leads to a CtiEsError, not to a traceback."""
    path = tmp_path / "site.db"
    with closing(SqliteStore(path, write=True)) as store:
        put(store, node("cm1"))
        with closing(sqlite3.connect(path, isolation_level=None)) as plain:
            plain.execute("INSERT INTO ids VALUES ('default', 'x', 77)")

        with pytest.raises(CtiEsError):
            put(store, node("cm2", "x"))


# --- the expected version -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("versions", "expect", "fits"),
    [
        (0, None, True), (0, "none", True), (0, 0, True), (0, "exists", False), (0, 1, False),
        (2, None, True), (2, "exists", True), (2, 2, True), (2, "none", False), (2, 0, False), (2, 1, False),
        (2, 3, False),
    ],
)  # fmt: skip
def test_expect(store, versions, expect, fits):
    """``--expect`` N, none or exists is compared with the log before anything is stored."""
    put(store, *(node(f"cm{n}") for n in range(versions)))
    before = contents(store)
    if fits:
        assert put(store, node("new"), expect=expect).head.version == versions + 1
        return

    with pytest.raises(Conflict, match=r"there is no log 'default' yet|is at version 2"):
        put(store, node("new"), expect=expect)
    assert contents(store) == before


def test_expect_is_about_its_own_log(store):
    """Another log of the store has nothing to do with it."""
    put(store, node("cm1"), log="other")

    assert put(store, node("cm1"), expect="none").head.version == 1


def test_expect_is_about_the_log_before_the_append(store):
    """In an append of several batches only the version before the first counts."""
    put(store, node("cm0"))
    batches = [lines(node("cm1")), lines(node("cm2"), first=2)]

    assert append(store, "default", batches, AppendOptions(expect=1)).head.version == 3


@pytest.mark.parametrize("expect", [0, 1, "none"])
def test_a_retry_with_a_stale_expect_succeeds(store, expect):
    """Sending again what is stored already is no conflict, whatever version the sender still believes in."""
    put(store, node("cm1", "one"), node("cm2", "two"), node("cm3"))

    assert counts(put(store, node("cm1", "one"), node("cm2", "two"), expect=expect)) == (0, 2, 0)


def test_a_stale_expect_with_anything_new_is_a_conflict(store):
    """One new event among the duplicates, and the expected version counts again; nothing is stored."""
    put(store, node("cm1", "one"))
    before = contents(store)

    with pytest.raises(Conflict, match="is at version 1; expected version 0"):
        put(store, node("cm1", "one"), node("cm2"), expect=0)
    assert contents(store) == before


def test_an_expected_version_is_checked_before_misfits(store):
    """A stale sender hears that it is stale, not that its events do not fit."""
    put(store, node("cm1"))

    with pytest.raises(Conflict):
        put(store, node("cm1"), expect=0)


@pytest.mark.parametrize(("text", "expect"), [("none", "none"), ("exists", "exists"), ("0", 0), ("0012", 12)])
def test_expect_is_read(text, expect):
    """``N``, ``none`` and ``exists`` are what --expect takes."""
    assert parse_expect(text) == expect


@pytest.mark.parametrize("text", ["", "-1", "1.0", "None", "any", "²", "٣", " 1", "9" * 5_000])
def test_expect_that_is_none_is_refused(text):
    """Anything else is an InputError."""
    with pytest.raises(InputError):
        parse_expect(text)


# --- misfits --------------------------------------------------------------------------------------------------------


def test_misfits_are_refused_with_their_lines(store):
    """Nothing of a file with misfits is stored; each is named with file, line, version, code and what is near."""
    text = (
        '{"type":"node_added","node":"cm1"}\n\n{"type":"node_added","node":"cm1"}\n'
        '{"type":"node_added","node":"cm2"}\n{"type":"node_failed","node":"cn2"}\n'
    )

    with pytest.raises(MisfitsRefused) as refused:
        put_text(store, text)
    assert str(refused.value).splitlines() == [
        "f:3: misfit 2 node_exists node 'cm1' exists already",
        "f:5: misfit 4 unknown_node unknown node 'cn2'; did you mean 'cm2'?",
        "2 misfits: nothing was stored",
    ]
    assert refused.value.indexes == [3, 5]
    assert [(one.version, one.code) for one in refused.value.misfits] == [(2, "node_exists"), (4, "unknown_node")]
    assert store.logs() == []


def test_duplicates_do_not_shift_the_lines_of_misfits(store):
    """Lines that are duplicates take no version, but they stay lines."""
    put_text(store, '{"type":"node_added","node":"cm1","id":"one"}\n')

    with pytest.raises(MisfitsRefused, match=r"f:4: misfit 3 node_exists"):
        put_text(
            store,
            '{"type":"node_added","node":"cm1","id":"one"}\n{"type":"node_added","node":"cm2"}\n'
            '{"type":"node_added","node":"cm1","id":"one"}\n{"type":"node_added","node":"cm2"}\n',
        )


def test_a_single_event_has_no_line(store):
    """A misfit that was not read from a file is named without a place."""
    with pytest.raises(MisfitsRefused, match=r"^misfit 1 unknown_node unknown node 'cm1'\n1 misfit: nothing"):
        put(store, NodeFailed(node="cm1"))


def test_many_misfits_are_not_all_shown(store):
    """Of a file that does not fit at all the first misfits are shown and the others counted."""
    events = [NodeFailed(node="cm1")] * (MISFITS_SHOWN + 5)

    with pytest.raises(MisfitsRefused) as refused:
        put(store, *events, name="f")
    assert str(refused.value).count("unknown_node") == MISFITS_SHOWN
    assert "… and 5 more" in str(refused.value)


def test_allowed_misfits_are_stored_and_reported(store):
    """With allow_misfits everything is stored, in order, and the misfits are reported by version."""
    done = put(store, node("cm1"), node("cm1"), NodeFailed(node="cm2"), node("cm3"), allow_misfits=True)

    assert counts(done) == (4, 0, 2)
    assert [(one.version, one.code) for one in done.misfits] == [(2, "node_exists"), (3, "unknown_node")]
    assert str(done).startswith("appended 4, duplicates 0, misfits 2, head 4:sha256:")


def test_misfits_of_every_batch_are_reported(store):
    """Allowed misfits of all batches of a file are in the report."""
    batches = [lines(node("cm1"), node("cm1")), lines(node("cm2"), first=3), lines(node("cm2"), first=4)]
    done = append(store, "default", batches, AppendOptions(allow_misfits=True))

    assert [one.version for one in done.misfits] == [2, 4]


def test_old_misfits_are_not_reported_again(store):
    """A log with misfits can be appended to: only new ones are refused or reported."""
    put(store, node("cm1"), node("cm1"), allow_misfits=True)

    assert counts(put(store, node("cm2"))) == (1, 0, 0)
    assert counts(put(store, node("cm2"), allow_misfits=True)) == (1, 0, 1)


def test_events_of_one_file_fit_each_other(store):
    """A file is checked event by event: what an earlier line makes true is true for the later ones."""
    events = [node("cm1"), NodeFailed(node="cm1"), NodeRecovered(node="cm1"), NodeFailed(node="cm1")]

    assert counts(put(store, *events)) == (4, 0, 0)


# --- dry runs -------------------------------------------------------------------------------------------------------


def test_a_dry_run_stores_nothing(store):
    """A dry run reports what would have happened, head included, and the store is as it was."""
    put(store, node("cm1", "one"))
    before, logs = contents(store), store.logs()
    events = [node("cm1", "one"), node("cm2"), node("cm2")]
    with freeze_time(LATER):
        rehearsed = put(store, *events, allow_misfits=True, dry_run=True)

    assert counts(rehearsed) == (2, 1, 1)
    assert (contents(store), store.logs()) == (before, logs)
    with freeze_time(LATER):
        assert put(store, *events, allow_misfits=True) == rehearsed


def test_a_dry_run_begins_no_log(store):
    """A dry run into a log that is not there leaves it so."""
    put(store, node("cm1", "one"), dry_run=True)

    assert (store.logs(), store.id_count("default")) == ([], 0)


def test_a_dry_run_checks_everything(store):
    """Misfits, conflicts and expectations fail a dry run as they would fail the append."""
    put(store, node("cm1", "one"))

    for events, options in (
        ([node("cm1")], {}),
        ([node("cm2", "one")], {}),
        ([node("cm2")], {"expect": 7}),
    ):
        with pytest.raises(CtiEsError):
            put(store, *events, dry_run=True, **options)


def test_a_dry_run_takes_no_snapshot(store, monkeypatch):
    """A snapshot that came due in a dry run is undone with it."""
    monkeypatch.setattr(appending, "SNAPSHOT_WORK", 1)
    put(store, node("cm1"), dry_run=True)

    assert list(store.snapshots("default")) == []


# --- snapshots ------------------------------------------------------------------------------------------------------


def test_snapshots_are_taken_when_due(store, monkeypatch):
    """A snapshot is kept as soon as so much would have to be folded again, and then after as much again."""
    monkeypatch.setattr(appending, "SNAPSHOT_WORK", 10)
    for number in range(24):
        put(store, node(f"cm{number}"))

    assert [snapshot.version for snapshot, _ in store.snapshots("default")] == [10, 20]


def test_a_large_append_takes_several_snapshots(store, monkeypatch):
    """Within one append of many batches snapshots are taken on the way."""
    monkeypatch.setattr(appending, "SNAPSHOT_WORK", 10)
    append(store, "default", [lines(node(f"a{n}"), node(f"b{n}")) for n in range(12)], AppendOptions())

    assert [snapshot.version for snapshot, _ in store.snapshots("default")] == [10, 20]


def test_a_long_append_leaves_a_snapshot_at_its_end(store, monkeypatch):
    """Unless there is little left to fold: less than the state is worth, which counts its devices by halves."""
    monkeypatch.setattr(appending, "WORK_LEFT", 10)
    put(store, *[node(f"cm{number}") for number in range(9)])
    put(store, *[DeviceAdded(device=f"P{number}", kind="cti_port") for number in range(8)])
    first = [snapshot.version for snapshot, _ in store.snapshots("default")]
    for number in range(8):
        put(store, CallStarted(call=f"c{number}", device="P0"))
    put(store, *[CallStarted(call=f"d{number}", device="P0") for number in range(9)])
    put(store, *[CallStarted(call=f"e{number}", device="P0") for number in range(20)], dry_run=True)

    assert first == [17]
    assert [snapshot.version for snapshot, _ in store.snapshots("default")] == [17, 34]


def test_steps_count_as_work(store, monkeypatch):
    """A failure that moves many devices is as much work as many events."""
    events = list(generate(Plan(seed=1, events=26, nodes=2, devices=12, calls=0)))[:26]
    replay = Replay()
    replay.advance(events)
    monkeypatch.setattr(appending, "SNAPSHOT_WORK", replay.work + 14)
    put(store, *events)
    for _ in range(4):
        failed = next(n for n, up in resumed_at(StoredLog(store, "default", "x"))[0].cluster.nodes.items() if up)
        put(store, NodeFailed(node=failed), allow_misfits=True)
        put(store, NodeRecovered(node=failed), allow_misfits=True)

    assert 26 < next(store.snapshots("default"))[0].version < 34


def test_a_snapshot_is_the_state_of_the_fold(store, monkeypatch):
    """What is kept is the fold's own state at that version, with its fold version and the log's hash there."""
    monkeypatch.setattr(appending, "SNAPSHOT_WORK", 3)
    put(store, node("cm1"), node("cm2", at=LATER), node("cm3"))

    replay = Replay()
    replay.advance(events_of(store))
    ((snapshot, digest),) = store.snapshots("default")

    assert snapshot.state == replay.encoded()
    assert (snapshot.version, snapshot.hash, snapshot.fold) == (3, store.head("default").hash, FOLD_VERSION)
    assert (snapshot.latest, snapshot.backwards, snapshot.messages) == (LATER[:-1], 3, 0)
    assert digest == snapshot.digest()


@pytest.mark.parametrize("work", [1, 2, 50_000])
def test_misfits_right_after_a_restart(tmp_path, monkeypatch, work):
    """A writer that opens the store anew, with a snapshot at the head or without, knows what fits and what does not."""
    monkeypatch.setattr(appending, "SNAPSHOT_WORK", work)
    events = [node("cm1"), node("cm2"), NodeFailed(node="cm1"), NodeRecovered(node="cm1"), NodeFailed(node="cm2")]
    for version, event in enumerate(events, 1):
        with closing(SqliteStore(tmp_path / "site.db", write=True)) as store:
            assert put(store, event).head.version == version
    with closing(SqliteStore(tmp_path / "site.db", write=True)) as store:
        with pytest.raises(MisfitsRefused, match="misfit 6 already_failed"):
            put(store, NodeFailed(node="cm2"))
        with pytest.raises(MisfitsRefused, match="misfit 7 already_in_service"):
            put(store, NodeRecovered(node="cm2"), NodeRecovered(node="cm1"))
        with pytest.raises(MisfitsRefused, match="misfit 6 unknown_call"):
            put(store, CallEnded(call="c1"))


def a_log(backwards=False):
    """A log of some 200 events in which every kind of thing happens; perhaps with times that go backwards."""
    events = list(generate(Plan(seed=11, events=200, nodes=3, devices=6, apps=2, calls=0.4)))
    if backwards:
        times = [event.at for event in events]
        for index in (90, 150, 151):
            times[index], times[index - 40] = times[index - 40], times[index]
        events = [replace(event, at=at) for event, at in zip(events, times, strict=True)]
    return events


class Truth:
    """A log folded once from its start, event by event: what every other way must come to."""

    def __init__(self, events):
        self.events = events
        self.messages = []
        replay = Replay()
        self.states, self.homes = [replay.encoded()], [b""]
        for event in events:
            self.messages += replay.messages([event])
            self.states.append(replay.encoded())
            self.homes.append(encode(list(homes(replay.cluster))))
        self.states[0], self.homes[0] = Replay().encoded(), encode([])


def fill(store, events, size=17):
    for start in range(0, len(events), size):
        put(store, *events[start : start + size])


def damage(store):
    """Flip one bit in the middle of the state of every other snapshot."""
    with closing(sqlite3.connect(store.address, isolation_level=None)) as plain:
        for version, state in plain.execute("SELECT version, state FROM snapshots ORDER BY version").fetchall()[::2]:
            middle = len(state) // 2
            flipped = state[:middle] + bytes([state[middle] ^ 4]) + state[middle + 1 :]
            plain.execute("UPDATE snapshots SET state = ? WHERE version = ?", (flipped, version))


def forget(store):
    """Delete every snapshot: they are a cache."""
    if isinstance(store, MemoryStore):
        store._snapshots.clear()
        return
    with closing(sqlite3.connect(store.address, isolation_level=None)) as plain:
        plain.execute("DELETE FROM snapshots")


DONE_TO_SNAPSHOTS = {"kept": lambda store: None, "deleted": forget, "damaged": damage}


@pytest.fixture(params=["memory, kept", "memory, deleted", "sqlite, kept", "sqlite, deleted", "sqlite, damaged"])
def snapshotted(request, tmp_path, monkeypatch):
    """Fills a store with a log so that it has many snapshots, one of them at its head, or had them until now."""
    monkeypatch.setattr(appending, "SNAPSHOT_WORK", 1)
    kind, snapshots = request.param.split(", ")
    opened = []

    def filled(events):
        opened.append(MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "site.db", write=True))
        fill(opened[0], events)
        assert len(list(opened[0].snapshots("default"))) >= 10
        DONE_TO_SNAPSHOTS[snapshots](opened[0])
        return StoredLog(opened[0], "default", "x")

    yield filled
    for store in opened:
        store.close()


def test_snapshots_change_no_version(snapshotted):
    """State, homes and version at every single version are those of a fold from the start, snapshots or not."""
    truth = Truth(a_log())
    log = snapshotted(truth.events)
    for version in range(len(truth.events) + 1):
        replay, warnings = resumed_at(log, Cut(version=version))

        assert (replay.version, warnings) == (version, [])
        assert replay.encoded() == truth.states[version]
        assert encode(list(homes(replay.cluster))) == truth.homes[version]


@pytest.mark.parametrize("backwards", [False, True])
def test_snapshots_change_no_moment(snapshotted, backwards):
    """The fold at every time of the log, and between, is the one of the prefix before the first later event."""
    truth = Truth(a_log(backwards))
    log = snapshotted(truth.events)
    for event in truth.events[::3]:
        moment = event.at
        later = [index for index, one in enumerate(truth.events) if one.at[:-1] > moment[:-1]]
        version = later[0] if later else len(truth.events)
        replay, warnings = resumed_at(log, Cut(moment=moment))

        assert replay.encoded() == truth.states[version]
        assert bool(warnings) is _goes_backwards(truth.events, version, moment)


def _goes_backwards(events, version, moment):
    """Whether times go backwards before the cut, or an event behind it is not later than the moment."""
    before = [event.at[:-1] for event in events[:version]]
    return before != sorted(before) or any(event.at[:-1] <= moment[:-1] for event in events[version:])


def test_snapshots_change_no_message(snapshotted):
    """All messages from every other version on, taken up at the snapshot before it, are those of the whole replay."""
    truth = Truth(a_log())
    log = snapshotted(truth.events)
    for version in range(1, len(truth.events) + 2, 2):
        kept = log.snapshot(version=version - 1)
        replay = Replay(kept.state if kept else None)
        messages = [m for batch in log.batches(replay.version + 1) for m in replay.messages(batch.events)]

        assert [m for m in messages if m.version >= version] == [m for m in truth.messages if m.version >= version]


def test_snapshots_change_no_explanation(snapshotted):
    """Messages are explained with their own event and the homes before and after it, snapshots or not."""
    truth = Truth(a_log())
    log = snapshotted(truth.events)
    for message in truth.messages[::3]:
        found = explain_message(log, message.seq)
        same = [m for m in truth.messages if (m.version, m.device) == (message.version, message.device)]

        assert (found.message, found.messages) == (message, same)
        assert found.event == truth.events[message.version - 1]
        assert encode(found.before) in truth.homes[message.version - 1]
        assert encode(found.after) in truth.homes[message.version]


@pytest.mark.parametrize("until", [["--as-of", "2026-01-01T05:00:00Z"], ["--to-version", "6"], ["--as-of", "7"], []])
def test_snapshots_change_no_replay_command(cti_es, tmp_path, monkeypatch, until):
    """``replay --from-version`` up to a moment or a version prints and warns the same from a store as from a file."""
    monkeypatch.setattr(appending, "SNAPSHOT_WORK", 1)
    hours = {NodeFailed(node="cm1"): 9, NodeRecovered(node="cm1"): 2, NodeFailed(node="cm2"): 3}
    begin = [node("cm1"), node("cm2"), DeviceAdded(device="P", kind="phone"), DeviceOpened(device="P")]
    events = [replace(event, at="2026-01-01T01:00:00Z") for event in begin]
    events += [replace(event, at=f"2026-01-01T{hour:02}:00:00Z") for event, hour in hours.items()]
    (tmp_path / "site").write_bytes(write_events(events))
    with closing(SqliteStore(tmp_path / "site.db", write=True)) as store:
        fill(store, events, 1)
    stored, bare = (
        cti_es("replay", source, "--from-version", "6", "--ndjson", *until) for source in ("site.db", "site")
    )

    assert (stored.returncode, stored.stdout) == (bare.returncode, bare.stdout)
    assert stored.stderr.replace(b"site.db#default", b"site") == bare.stderr


def test_snapshots_change_no_append(snapshotted):
    """What fits after the log fits with snapshots, without, and with damaged ones, and what does not does not."""
    truth = Truth(a_log())
    log = snapshotted(truth.events)
    busy = Replay(truth.states[-1])
    call, legs = next(iter(busy.cluster.calls.items()))

    with pytest.raises(MisfitsRefused, match=f"misfit {len(truth.events) + 1} call_exists"):
        put(log.store, CallStarted(call=call, device=next(iter(legs))))
    assert counts(put(log.store, CallEnded(call=call))) == (1, 0, 0)


def test_only_damaged_snapshots_are_passed_over(tmp_path, monkeypatch):
    """The newest snapshot that is whole is used where newer ones are damaged."""
    monkeypatch.setattr(appending, "SNAPSHOT_WORK", 1)
    with closing(SqliteStore(tmp_path / "site.db", write=True)) as store:
        for number in range(5):
            put(store, node(f"cm{number}"))
        damage(store)

        assert store.snapshot("default", FOLD_VERSION).version == 4
        assert store.snapshot("default", FOLD_VERSION, version=3).version == 2


def test_a_snapshot_of_another_log_state_is_passed_over(tmp_path, monkeypatch):
    """A snapshot whose hash is not the log's there, although intact in itself, is not used."""
    monkeypatch.setattr(appending, "SNAPSHOT_WORK", 1)
    with closing(SqliteStore(tmp_path / "site.db", write=True)) as store:
        put(store, node("cm1"))
        true = store.snapshot("default", FOLD_VERSION)
        with store.writing("default") as writer:
            writer.keep(true._replace(hash="0" * 64))

        assert store.snapshot("default", FOLD_VERSION) is None


def test_a_snapshot_of_an_older_fold_is_passed_over(store, monkeypatch):
    """After an update that changes the fold, old snapshots are not used, and new ones are taken beside them."""
    monkeypatch.setattr(appending, "SNAPSHOT_WORK", 1)
    with monkeypatch.context() as old:
        old.setattr(appending, "FOLD_VERSION", FOLD_VERSION - 1)
        put(store, node("cm1"))
    put(store, node("cm2"))

    assert [one.fold for one, _ in store.snapshots("default")] == [FOLD_VERSION - 1, FOLD_VERSION]
    assert store.snapshot("default", FOLD_VERSION, version=1) is None
    assert resumed_at(StoredLog(store, "default", "x"))[0].version == 2


def test_events_that_are_older_than_the_end(store):
    """The first new event that is older than one before it is named with both times; one without a time never is."""
    put(store, node("cm1", at=LATER))

    assert put(store, node("cm2", at=None)).older is None
    done = put(store, node("cm3", at="2027-01-01T00:00:00Z"), node("cm4"), node("cm5"))

    assert done.older == (4, AT, "2027-01-01T00:00:00Z")
    assert put(store, node("cm6", at="2027-01-01T00:00:00Z")).older is None
