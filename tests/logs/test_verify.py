"""Is a store whole and unchanged? Damage, tampering, and what only a kept head can show.

Specified in docs/reference/commands/verify.md.
"""

import random
import sqlite3
from contextlib import closing

import pytest
from msgspec.structs import replace

import cti_es.logs.append
from cti_es.logs.append import AppendOptions, append
from cti_es.logs.ndjson import write_events
from cti_es.logs.reading import Cut, Reading, StoredLog, resumed_at
from cti_es.logs.store import Fault, Head, MemoryStore, SqliteStore
from cti_es.logs.store.base import chain_hash
from cti_es.logs.verify import verify
from cti_es.model.homes import homes
from cti_es.model.replay import FOLD_VERSION, Replay
from cti_es.testing.random_logs import Plan, generate
from cti_es.vocabulary.errors import CtiEsError, StoreError
from cti_es.vocabulary.events import NodeAdded, NumberedEvents, decode_events, encode

AT = "2026-01-01T08:00:00Z"


def events_for(seed, count):
    """A generated log, every fifth event with an id."""
    events = generate(Plan(seed=seed, events=count, nodes=2, devices=3, calls=0.3))
    return [replace(event, id=f"id{n}") if n % 5 == 0 else event for n, event in enumerate(events)]


def fill(store, log, events, size=20):
    for start in range(0, len(events), size):
        part = events[start : start + size]
        append(store, log, [NumberedEvents(range(1, len(part) + 1), part)], AppendOptions(source="test"))


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A small store: the logs main (100 events in 5 rows) and lab (20), with ids, and two snapshots of main."""
    monkeypatch.setattr(cti_es.logs.append, "SNAPSHOT_WORK", 50)
    path = tmp_path / "site.db"
    with closing(SqliteStore(path, write=True)) as store:
        fill(store, "main", events_for(1, 60))
        fill(store, "lab", events_for(2, 20))
        fill(store, "main", events_for(1, 100)[60:])
    return path


@pytest.fixture
def heads(path):
    """The heads of the whole store, kept elsewhere."""
    with closing(SqliteStore(path)) as store:
        return {info.name: info.head for info in store.logs()}


def faults(path, heads=None):
    with closing(SqliteStore(path)) as store:
        return list(verify(store, heads or {}))


def tamper(path, *statements):
    """Do what the triggers forbid, as somebody would who knows about them, and put them back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        triggers = plain.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        plain.execute("PRAGMA ignore_check_constraints = ON")
        for name, _ in triggers:
            plain.execute(f"DROP TRIGGER {name}")
        for statement, *values in statements:
            plain.execute(statement, values)
        for _, sql in triggers:
            plain.execute(sql)


def rewrite(path, log, old, new):
    """Change a log's events and recompute every hash after them: a rewrite that keeps to the rules."""
    with closing(SqliteStore(path)) as store:
        rows, previous = list(store.rows(log)), ""
    for row in rows:
        changed = row._replace(events=row.events.replace(old, new))
        previous = chain_hash(previous, changed)
        text = changed.events.decode()
        tamper(path, ("UPDATE batches SET events = ?, hash = ? WHERE position = ?", text, previous, row.position))


def seen(store):
    """Everything that a reader can see: every log's export, messages, misfits, homes, head, at the end and midway."""
    found = []
    for info in store.logs():
        log = StoredLog(store, info.name, "x")
        export = b"".join(write_events(batch.events) for batch in Reading(log).batches())
        replay = Replay()
        messages = [m for batch in log.batches() for m in replay.messages(batch.events)]
        states = [resumed_at(log, Cut(version=version))[0].encoded() for version in (0, info.head.version // 2)]
        ids = store.find_ids(info.name, [f"id{n}" for n in range(0, 100, 5)])
        home = encode(list(homes(resumed_at(log)[0].cluster)))
        found.append((info, export, encode(messages), states, home, len(replay.misfits), ids))
    return found


# --- nothing wrong --------------------------------------------------------------------------------------------------


def test_a_whole_store_has_no_faults(path, heads):
    """Nothing is found in what append has written, with kept heads and without."""
    assert faults(path) == faults(path, heads) == []


def test_a_store_in_memory_can_be_verified():
    """The same checks run on a store in memory."""
    store = MemoryStore()
    fill(store, "main", events_for(1, 40))

    assert list(verify(store, {"main": store.head("main")})) == []


def test_an_empty_store_has_no_faults(tmp_path):
    """A store without a log is whole."""
    SqliteStore(tmp_path / "site.db", write=True).close()

    assert faults(tmp_path / "site.db") == []


def test_misfits_are_no_faults(path):
    """Events that do not fit are part of a log like others."""
    with closing(SqliteStore(path, write=True)) as store:
        lines = [NumberedEvents(range(1), [NodeAdded(node="cm1", at=AT)])]
        append(store, "main", lines, AppendOptions(allow_misfits=True))

    assert faults(path) == []


# --- flipped bits (more of them in trust/test_damage.py) ------------------------------------------------------------


def test_reading_what_a_flipped_bit_left_is_an_error_with_words(path, tmp_path):
    """Readers of a log with a bit flipped in its events raise a CtiEsError, or read another event; nothing else."""
    whole, chance = path.read_bytes(), random.Random(20260102)
    start = whole.index(b'[{"type":')
    copy = tmp_path / "flipped.db"
    for _ in range(60):
        position, bit = start + chance.randrange(1_500), chance.randrange(8)
        copy.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << bit]) + whole[position + 1 :])
        try:
            with closing(SqliteStore(copy)) as store:
                seen(store)
        except CtiEsError:
            pass


def test_appending_to_a_damaged_log_is_an_error_with_words(path):
    """A log whose newest row is no longer events cannot be appended to: a StoreError, and nothing is stored."""
    tamper(path, ("UPDATE batches SET events = '[{}]', count = 1 WHERE log = 'lab'",), ("DELETE FROM snapshots",))
    with closing(SqliteStore(path, write=True)) as store, pytest.raises(StoreError):
        fill(store, "lab", [NodeAdded(node="new", at=AT)])

    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("SELECT COUNT(*) FROM batches WHERE log = 'lab'").fetchone() == (1,)


# --- edited rows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("events = replace(events, 'cm1', 'cm9')", "hash of the row"),
        ("events = replace(events, '{\"type\"', '{ \"type\"')", "not in canonical form"),
        ("events = replace(events, '00Z', '00+00:00')", "hash of the row"),
        ("events = json_remove(events, '$[0]'), count = count - 1", "hash of the row"),
        ("source = 'somebody'", "hash of the row"),
        ("recorded_at = '2020-01-01T00:00:00Z'", "hash of the row"),
        ("hash = '" + "0" * 64 + "'", "hash of the row"),
        ('events = \'[{"type":"unheard"}]\', count = 1', "cannot be read"),
        ("events = '[1]', count = 1", "cannot be read"),
        ("events = '[' || json_extract(events, '$[0]') || ']', count = 1", "hash of the row"),
    ],
)
def test_an_edited_row_is_found(path, change, fault):
    """Whatever is changed in a row, its log has a fault that says what does not match; the other log has none."""
    tamper(path, (f"UPDATE batches SET {change} WHERE log = 'lab'",))
    found = faults(path)

    assert any(fault in one.fault for one in found)
    assert {one.log for one in found} == {"lab"}


def test_a_fault_names_the_row(path):
    """The fault of an edited row has the version of its first event."""
    tamper(path, ("UPDATE batches SET source = 'x' WHERE log = 'main' AND version = 41",))

    assert faults(path)[0] == Fault("main", 41, "the hash of the row (versions 41 to 60) does not match")


def test_a_missing_row_is_found(path):
    """A row that was taken out of the middle leaves a hole in positions, versions and chain."""
    tamper(path, ("DELETE FROM batches WHERE log = 'main' AND version = 21",))
    found = [fault.fault for fault in faults(path)]

    assert "the row follows version 20; versions are missing or repeated" in found
    assert any("position" in fault for fault in found)


def test_a_log_without_its_beginning_is_found(path):
    """A log whose first row was taken away, with all traces of it beside the log, is still a log, and a faulty one."""
    tamper(
        path,
        ("DELETE FROM batches WHERE log = 'main' AND version < 61",),
        ("DELETE FROM ids WHERE log = 'main' AND version < 61",),
        ("DELETE FROM snapshots",),
        *((f"UPDATE batches SET position = position - 3 WHERE position = {position}",) for position in (4, 5, 6)),
    )

    assert any(fault.log == "main" for fault in faults(path))


def test_swapped_rows_are_found(path):
    """Two rows of a log that have changed places no longer follow each other."""
    tamper(
        path,
        ("UPDATE batches SET version = 1000 WHERE log = 'main' AND version = 21",),
        ("UPDATE batches SET version = 21 WHERE log = 'main' AND version = 41",),
        ("UPDATE batches SET version = 41 WHERE log = 'main' AND version = 1000",),
    )

    assert any("hash" in fault.fault for fault in faults(path))


def test_an_event_that_append_would_not_store_is_found(path):
    """With a chain that matches, too: a time that is none, and a name that turns the reading direction."""
    rewrite(path, "lab", b'"at":"2026', b'"at":"26')
    bad_times = faults(path)
    rewrite(path, "lab", b'"node":"cm1"', '"node":"c\u202e1"'.encode())

    assert any("not what append would store" in fault.fault for fault in bad_times)
    assert any("U+202E" in fault.fault for fault in faults(path))


def test_an_event_without_a_time_is_found(path):
    """A store stamps what comes without a time; an event that has none was not stored by append."""
    with closing(SqliteStore(path, write=True)) as store, store.writing("lab") as writer:
        writer.write([NodeAdded(node="new")], AT, "test")

    assert faults(path) == [Fault("lab", 21, "the event has no time")]


# --- what only a kept head shows ------------------------------------------------------------------------------------


def test_a_cut_tail_is_seen_with_a_kept_head_only(path, heads):
    """A log whose last rows are gone, with their ids and snapshots, is whole in itself; the kept head tells."""
    tamper(
        path,
        ("DELETE FROM ids WHERE log = 'main' AND version > 60",),
        ("DELETE FROM snapshots WHERE log = 'main' AND version > 60",),
        ("DELETE FROM batches WHERE log = 'main' AND version > 60",),
    )

    assert faults(path) == []
    (fault,) = faults(path, heads)
    assert (fault.log, fault.version) == ("main", 100)
    assert "cut off" in fault.fault


def test_a_rewritten_log_is_seen_with_a_kept_head_only(path, heads):
    """A log that was changed and rehashed from its start is whole in itself; the kept head tells."""
    rewrite(path, "lab", b"cm1", b"cm9")

    assert faults(path) == []
    (fault,) = faults(path, heads)
    assert (fault.log, fault.version) == ("lab", 20)
    assert "another one" in fault.fault


def test_a_log_that_is_gone_is_seen_with_a_kept_head_only(path, heads):
    """A log that was taken out completely is missed by its head."""
    tamper(
        path,
        *((f"DELETE FROM {table} WHERE log = 'lab'",) for table in ("ids", "snapshots", "batches")),
        *((f"UPDATE batches SET position = {position} WHERE position = {position + 1}",) for position in (4, 5)),
    )

    assert faults(path) == []
    assert [(fault.log, "not there" in fault.fault) for fault in faults(path, heads)] == [("lab", True)]


def test_the_heads_are_those_that_were_checked(path):
    """What somebody appends while verify runs is not among what it has found nothing wrong with."""
    ends = {}

    def meanwhile(rows):
        with closing(SqliteStore(path, write=True)) as other:
            append(
                other, "main", [NumberedEvents(range(1), [NodeAdded(node=f"meanwhile{len(ends)}")])], AppendOptions()
            )
        return rows

    with closing(SqliteStore(path)) as store:
        before = {info.name: info.head for info in store.logs()}
        assert list(verify(store, {}, meanwhile, ends)) == []
        assert ends == before
        assert store.head("main").version > before["main"].version


def test_an_older_head_is_still_on_the_log(path, heads):
    """A head that was kept before later appends is still one of the log's."""
    with closing(SqliteStore(path, write=True)) as store:
        fill(store, "main", [NodeAdded(node="new", at=AT)])

    assert faults(path, heads) == []


def test_a_head_of_another_store_is_not_on_the_log(path, heads):
    """A head with the right version and another hash is a fault, and so is one past the end."""
    other, beyond = Head(100, "0" * 64), Head(101, heads["main"].hash)

    assert [fault.version for fault in faults(path, {"main": other})] == [100]
    assert [fault.version for fault in faults(path, {"main": beyond})] == [101]


def test_the_head_of_an_empty_log_is_on_every_log(path):
    """``0:sha256:`` is what append reports of a log without events; every log has been there."""
    assert faults(path, {"main": Head(), "never begun": Head()}) == []


# --- snapshots ------------------------------------------------------------------------------------------------------


def forge(path, **changed):
    """Put a snapshot of main with these fields changed, its digest recomputed, in place of the newest one."""
    with closing(SqliteStore(path, write=True)) as store:
        true = store.snapshot("main", FOLD_VERSION)
        with store.writing("main") as writer:
            writer.keep(true._replace(**changed))
    return true


def test_a_forged_state_is_found(path):
    """A snapshot that is intact in itself but not what the log leads to is a fault."""
    with closing(SqliteStore(path)) as store:
        state = store.snapshot("main", FOLD_VERSION).state
    forge(path, state=state.replace(b"cm1", b"cm2"))

    assert any("snapshot" in fault.fault for fault in faults(path))


@pytest.mark.parametrize("changed", [{"messages": 1}, {"latest": "1999-01-01T00:00:00"}, {"backwards": 3}])
def test_every_forged_field_is_found(path, changed):
    """The number of messages and the times of a snapshot decide what readers get, so they are checked as well."""
    true = forge(path, **changed)

    assert [(one.log, one.version) for one in faults(path)] == [("main", true.version)]


def test_a_snapshot_of_another_fold_hides_no_other(path):
    """A forged snapshot is found beside one of another fold version at the same version of the log."""
    with closing(SqliteStore(path)) as store:
        state = store.snapshot("main", FOLD_VERSION).state
    forge(path, state=state.replace(b"cm1", b"cm2"))
    for fold in (FOLD_VERSION - 1, FOLD_VERSION + 1):
        forge(path, fold=fold)

    assert any("not the state" in fault.fault for fault in faults(path))


@pytest.mark.parametrize("column", ["state", "digest", "hash", "messages", "latest", "backwards"])
def test_a_damaged_snapshot_is_found(path, column):
    """A snapshot of which anything was changed without its digest is damaged."""
    value = {"state": "x'00'", "messages": "messages + 1", "backwards": "backwards + 1"}.get(column, "'x'")
    tamper(path, (f"UPDATE snapshots SET {column} = {value} WHERE version = (SELECT MAX(version) FROM snapshots)",))

    assert ["the snapshot is damaged" in fault.fault for fault in faults(path)] == [True]


def test_a_snapshot_in_the_middle_of_a_row_is_found(path):
    """A snapshot belongs to the end of a row."""
    forge(path, version=55)

    assert [(fault.log, fault.version) for fault in faults(path)] == [("main", 55)]


# --- the index of ids -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ids WHERE log = 'main' AND id = 'id5'",
        "UPDATE ids SET version = 7 WHERE log = 'main' AND id = 'id5'",
        "UPDATE ids SET id = 'other' WHERE log = 'main' AND id = 'id5'",
        "INSERT INTO ids VALUES ('main', 'other', 7)",
        "INSERT INTO ids VALUES ('main', 'other', 7000)",
        "DELETE FROM ids WHERE log = 'main'",
    ],
)
def test_a_wrong_index_of_ids_is_found(path, statement):
    """An id that is missing, stands elsewhere, or belongs to no event is a fault of its log."""
    tamper(path, (statement,))
    found = faults(path)

    assert found
    assert all(fault.log == "main" and "id" in fault.fault for fault in found)


def test_ids_of_a_log_that_is_not_there_are_found(path):
    """Ids can be put in for a log that nobody has begun; the first event that has one of them would fail on it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        plain.execute("INSERT INTO ids VALUES ('new', 'one', 1)")

    assert faults(path)


# --- verify itself --------------------------------------------------------------------------------------------------


def test_a_fault_in_one_log_does_not_end_the_check(path):
    """Faults of every log are found in one go."""
    tamper(path, ("UPDATE batches SET events = '[1]', count = 1 WHERE version = 1",))

    assert {fault.log for fault in faults(path)} == {"main", "lab"}


def test_verify_reads_what_the_caller_passes_on(path):
    """The rows of each log go through the caller's hands, to count them."""
    passed = []
    with closing(SqliteStore(path)) as store:
        list(verify(store, {}, lambda rows: (passed.append(row.log) or row for row in rows)))

    assert passed == ["main"] * 5 + ["lab"]


def test_every_event_is_in_the_store_as_it_was_sent(path):
    """The fixture of this file is what it says: without it the tests above would show nothing."""
    with closing(SqliteStore(path)) as store:
        rows = {log: list(store.rows(log)) for log in ("main", "lab")}
        snapshots = [snapshot.version for snapshot, _ in store.snapshots("main")]

    assert [event for row in rows["main"] for event in decode_events(row.events)] == events_for(1, 100)
    assert [row.version for row in rows["main"]] == [1, 21, 41, 61, 81]
    assert len(snapshots) >= 1
