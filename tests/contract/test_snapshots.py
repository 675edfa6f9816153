"""Snapshots: a cache beside the log, in every store (docs/reference/store.md#snapshots)."""

import pytest

from cti_es.logs.store import Snapshot
from cti_es.vocabulary.events import NodeAdded

AT = "2026-01-01T08:00:00Z"
FOLD = 7


def write(store, log="default", count=1):
    """Append some events; the log's head."""
    with store.writing(log) as writer:
        writer.write([NodeAdded(node="n", at=AT)] * count, AT, "test")
    return writer.head


def keep(store, log="default", **values):
    """Append two events and keep a snapshot there; its fields are made up unless given."""
    head = write(store, log, 2)
    made = {"fold": FOLD, "messages": 10 * head.version, "latest": "", "backwards": 0, "state": b'{"a":"\xc3\xa4"}\x00'}
    snapshot = Snapshot(log, head.version, head.hash, **{**made, **values})
    with store.writing(log) as writer:
        writer.keep(snapshot)
    return snapshot


@pytest.fixture
def kept(store):
    """Snapshots at versions 2, 4 and 6, with events after the last."""
    times = ("2026-01-01T08:00:00", "2026-01-01T08:00:00.500000", "2026-01-01T08:00:01")
    snapshots = [keep(store, latest=latest) for latest in times]
    write(store)
    return snapshots


def test_a_snapshot_comes_back_as_it_was(store):
    """Every field and every byte of the state survive, and the digest kept with it is its own."""
    snapshot = keep(store, messages=3, latest="2026-01-01T08:00:00", backwards=2, state=bytes(range(256)) * 50)

    assert store.snapshot("default", FOLD) == snapshot
    assert list(store.snapshots("default")) == [(snapshot, snapshot.digest())]


def test_no_snapshot_is_no_error(store):
    """A log without snapshots, or that is not there, has none."""
    write(store)

    assert store.snapshot("default", FOLD) is None
    assert store.snapshot("nowhere", FOLD, version=5) is None
    assert list(store.snapshots("default")) == []


def test_the_newest_is_taken(store, kept):
    """Without a bound the snapshot of the highest version is given."""
    assert store.snapshot("default", FOLD) == kept[-1]


@pytest.mark.parametrize(("version", "index"), [(1, None), (2, 0), (3, 0), (4, 1), (5, 1), (6, 2), (7, 2), (99, 2)])
def test_bounded_by_version(store, kept, version, index):
    """The newest snapshot whose version is at most the bound."""
    assert store.snapshot("default", FOLD, version=version) == (None if index is None else kept[index])


@pytest.mark.parametrize(("messages", "index"), [(0, None), (19, None), (20, 0), (39, 0), (40, 1), (60, 2), (100, 2)])
def test_bounded_by_messages(store, kept, messages, index):
    """The newest snapshot with at most so many messages."""
    assert store.snapshot("default", FOLD, messages=messages) == (None if index is None else kept[index])


@pytest.mark.parametrize(
    ("latest", "index"),
    [
        ("2025-12-31T23:59:59", None),
        ("2026-01-01T08:00:00", 0),
        ("2026-01-01T08:00:00.499999", 0),
        ("2026-01-01T08:00:00.500000", 1),
        ("2026-01-01T08:00:00.999999", 1),
        ("2026-01-01T08:00:01", 2),
    ],
)
def test_bounded_by_the_latest_time(store, kept, latest, index):
    """The newest snapshot whose latest event is not later than the bound; fractions sort between whole seconds."""
    assert store.snapshot("default", FOLD, latest=latest) == (None if index is None else kept[index])


def test_all_bounds_hold_together(store, kept):
    """Of two bounds the tighter one decides."""
    assert store.snapshot("default", FOLD, version=99, messages=40) == kept[1]
    assert store.snapshot("default", FOLD, version=3, messages=40) == kept[0]


def test_a_snapshot_without_times_is_before_every_moment(store):
    """The latest time of events without any is empty, and that is before all times."""
    snapshot = keep(store, latest="")

    assert store.snapshot("default", FOLD, latest="1970-01-01T00:00:00") == snapshot


def test_a_snapshot_is_replaced(store):
    """A second snapshot of the same log, version and fold stands in the place of the first."""
    old = keep(store, state=b"old")
    new = old._replace(state=b"new", messages=3)
    with store.writing("default") as writer:
        writer.keep(new)

    assert store.snapshot("default", FOLD) == new
    assert [one for one, _ in store.snapshots("default")] == [new]


def test_those_of_another_fold_version_are_not_used(store):
    """A snapshot that another version of the fold has made is never given, even where it is the newer one."""
    mine = keep(store)
    other = keep(store, fold=FOLD + 1)

    assert store.snapshot("default", FOLD) == mine
    assert store.snapshot("default", FOLD + 1) == other
    assert store.snapshot("default", FOLD + 2) is None


def test_two_fold_versions_side_by_side(store):
    """Snapshots of two fold versions at one version of the log do not replace each other."""
    mine = keep(store)
    other = mine._replace(fold=FOLD + 1, state=b"other")
    with store.writing("default") as writer:
        writer.keep(other)

    assert store.snapshot("default", FOLD) == mine
    assert sorted(one.fold for one, _ in store.snapshots("default")) == [FOLD, FOLD + 1]


def test_snapshots_belong_to_their_log(store):
    """A log is never given another log's snapshot."""
    one, other = keep(store, "a"), keep(store, "b")

    assert (store.snapshot("a", FOLD), store.snapshot("b", FOLD)) == (one, other)
    assert [snapshot.log for snapshot, _ in store.snapshots("a")] == ["a"]


def test_all_snapshots_are_listed_by_version(store, kept):
    """``snapshots`` lists those of a log in the order of their versions, whenever they were kept."""
    with store.writing("default") as writer:
        writer.keep(kept[0])

    assert [one for one, _ in store.snapshots("default")] == kept


@pytest.mark.parametrize("field", Snapshot._fields)
def test_the_digest_covers_every_field(field):
    """Whatever is changed in a snapshot, its digest is another one."""
    snapshot = Snapshot("log", 2, "ab" * 32, 1, 5, "2026-01-01T08:00:00", 0, b"{}")
    value = getattr(snapshot, field)
    changed = value + {int: 1, str: "x", bytes: b"x"}[type(value)]

    assert snapshot._replace(**{field: changed}).digest() != snapshot.digest()
