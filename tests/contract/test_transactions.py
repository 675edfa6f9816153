"""All or nothing, ids, and writes of nothing, in every store (docs/reference/store.md)."""

import pytest

from cti_es.logs.store import Head, Snapshot
from cti_es.vocabulary.events import NodeAdded

AT = "2026-01-01T08:00:00Z"


class Stop(Exception):
    """What goes wrong in the middle of a transaction."""


def node(name, id_=None):
    return NodeAdded(node=name, at=AT, id=id_)


def put(store, log, *events):
    with store.writing(log) as writer:
        writer.write(list(events), AT, "test")
    return writer.head


def fail(store, log, *events, error=Stop):
    """A transaction that writes, keeps a snapshot, and then fails."""

    def work(writer):
        writer.write(list(events), AT, "test")
        writer.keep(Snapshot(log, writer.head.version, writer.head.hash, 1, 0, "", 0, b"{}"))

    fail_after(store, log, work, error)


def fail_after(store, log, work, error=Stop):
    """A transaction that does some work and then fails."""

    def transaction():
        with store.writing(log) as writer:
            work(writer)
            raise error

    with pytest.raises(error):
        transaction()


def seen(store, *logs):
    """Everything a reader can see of a store."""
    return store.logs(), [
        (list(store.rows(log)), store.head(log), store.id_count(log), list(store.snapshots(log))) for log in logs
    ]


# --- all or nothing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_nothing_of_a_failed_transaction_is_stored(store, error):
    """Whatever ends a transaction, neither rows nor ids nor snapshots of it are there, and the error comes out."""
    put(store, "default", node("cm1", "one"))
    before = seen(store, "default")

    fail(store, "default", node("cm2", "two"), node("cm3", "three"), error=error)

    assert seen(store, "default") == before
    assert store.find_ids("default", ["one", "two", "three"]) == {"one": 1}


def test_a_failed_first_append_leaves_no_log(store):
    """A log whose first transaction failed does not exist."""
    fail(store, "default", node("cm1", "one"))

    assert seen(store, "default") == ([], [([], Head(), 0, [])])


def test_the_store_can_be_written_after_a_failure(store):
    """After a failed transaction versions and positions go on without a hole, and its ids are free again."""
    put(store, "default", node("cm1"))
    fail(store, "default", node("lost", "one"))
    fail(store, "other", node("lost"))
    put(store, "default", node("cm2", "one"))

    assert [(row.position, row.version) for row in store.rows("default")] == [(1, 1), (2, 2)]
    assert store.find_ids("default", ["one"]) == {"one": 2}


def test_several_writes_fail_together(store):
    """An exception after several writes takes back all of them."""

    def work(writer):
        for number in range(5):
            writer.write([node(f"cm{number}", f"id{number}")], AT, "test")

    fail_after(store, "default", work)

    assert seen(store, "default") == ([], [([], Head(), 0, [])])


def test_an_old_snapshot_survives_a_failed_replacement(store):
    """A snapshot that a failed transaction has replaced is the old one again."""
    head = put(store, "default", node("cm1"))
    old = Snapshot("default", 1, head.hash, 1, 0, "", 0, b"old")
    with store.writing("default") as writer:
        writer.keep(old)

    fail_after(store, "default", lambda writer: writer.keep(old._replace(state=b"new")))

    assert store.snapshot("default", 1) == old


def test_a_writer_sees_what_it_has_written(store):
    """Within a transaction the store's own readers see its rows and ids: appending looks for duplicates that way."""
    with store.writing("default") as writer:
        writer.write([node("cm1", "one")], AT, "test")

        assert store.find_ids("default", ["one"]) == {"one": 1}
        assert [row.version for row in store.rows("default")] == [1]


def test_the_writer_begins_at_the_head(store):
    """A transaction's head is the log's before the first write, and that of the log it is for."""
    head = put(store, "default", node("cm1"), node("cm2"))

    with store.writing("default") as writer:
        assert writer.head == head
    with store.writing("other") as writer:
        assert writer.head == Head()


# --- nothing --------------------------------------------------------------------------------------------------------


def test_writing_no_events_writes_nothing(store):
    """An empty list of events makes no row and no log, alone or between others."""
    put(store, "empty")
    with store.writing("default") as writer:
        for events in ([], [node("cm1")], [], [node("cm2")], []):
            writer.write(events, AT, "test")

    assert [info.name for info in store.logs()] == ["default"]
    assert [row.version for row in store.rows("default")] == [1, 2]
    assert store.head("empty") == Head()


def test_a_transaction_without_a_write_changes_nothing(store):
    """Beginning and ending a transaction leaves the store as it was."""
    put(store, "default", node("cm1"))
    before = seen(store, "default")
    with store.writing("default"):
        pass

    assert seen(store, "default") == before


# --- ids ------------------------------------------------------------------------------------------------------------


def test_ids_are_found_with_their_versions(store):
    """``find_ids`` gives the version of each id that the log has, and says nothing of the others."""
    put(store, "default", node("cm1", "one"), node("cm2"), node("cm3", "three"))
    put(store, "default", node("cm4"), node("cm5", "five"))

    found = store.find_ids("default", ["five", "one", "two", "three", "One"])

    assert found == {"one": 1, "three": 3, "five": 5}
    assert store.id_count("default") == 3


def test_ids_belong_to_their_log(store):
    """The same id in two logs stands for two events."""
    put(store, "a", node("cm1"), node("cm2", "one"))
    put(store, "b", node("cm3", "one"))

    assert (store.find_ids("a", ["one"]), store.find_ids("b", ["one"])) == ({"one": 2}, {"one": 1})
    assert [store.id_count(log) for log in "abc"] == [1, 1, 0]


def test_many_ids_are_found_at_once(store):
    """Thousands of ids can be asked for in one call, in any iterable, with and without hits."""
    put(store, "default", *(node(f"n{number}", f"id{number}") for number in range(2_500)))

    found = store.find_ids("default", (f"id{number}" for number in range(0, 5_000, 2)))

    assert found == {f"id{number}": number + 1 for number in range(0, 2_500, 2)}
    assert store.find_ids("default", []) == {}


def test_ids_are_compared_byte_by_byte(store):
    """Neither letter case nor blanks nor Unicode normalisation make two ids one."""
    ids = ["a", "A", "a ", "ä", "a\u0308", "%", "_", "0", "00", "1e1", "10"]
    put(store, "default", *(node(f"n{index}", id_) for index, id_ in enumerate(ids)))

    assert store.find_ids("default", ids) == {id_: version for version, id_ in enumerate(ids, 1)}
