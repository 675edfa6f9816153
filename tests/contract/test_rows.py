"""What a store keeps: rows of events, versions, heads, the hash chain (docs/reference/store.md)."""

from hashlib import sha256

import pytest

from cti_es.logs.store import Head, Row, base
from cti_es.vocabulary.events import DeviceAdded, NodeAdded, decode_events, encode

AT = "2026-01-01T08:00:00Z"
AT_LATER = "2026-01-01T09:00:00Z"


def nodes(*names):
    return [NodeAdded(node=name, at=AT) for name in names]


def wide(name, count):
    """An event of any length: a device with ``count`` lines of long names."""
    return DeviceAdded(device=name, kind="phone", lines=("5" * 128,) * count, at=AT)


def put(store, log, *batches, source="test"):
    """One transaction, one write for each batch; the head afterwards."""
    with store.writing(log) as writer:
        for events in batches:
            writer.write(events, AT_LATER, source)
    return writer.head


def events_of(store, log, version=1):
    return [event for row in store.rows(log, version) for event in decode_events(row.events)]


def versions_of(store, log, version=1):
    return [row.version for row in store.rows(log, version)]


def netstrings(*values):
    """Bernstein's netstrings, written here once more: length, colon, bytes, comma."""
    parts = [value if isinstance(value, bytes) else str(value).encode("utf-8") for value in values]
    return b"".join(str(len(part)).encode() + b":" + part + b"," for part in parts)


def recomputed(rows):
    """The hashes of a log's rows as docs/reference/store.md#the-hash-chain says, from nothing but the page."""
    previous, hashes = "", []
    for _, log, version, count, events, recorded_at, source, _ in rows:
        text = netstrings("cti-es:batch:v1", previous, log, version, count, recorded_at, source, events)
        previous = sha256(text).hexdigest()
        hashes.append(previous)
    return hashes


# --- reading back ---------------------------------------------------------------------------------------------------


def test_a_new_store_is_empty(store):
    """An empty store has no logs, no rows, and every log of it is at version 0."""
    assert store.logs() == []
    assert list(store.rows("default")) == []
    assert store.head("default") == Head(0, "")


def test_what_was_written_is_read(store):
    """A row keeps the events in canonical form with the time and the source of the append."""
    put(store, "default", nodes("cm1", "cm2"), source="a file")

    (row,) = store.rows("default")

    assert (row.position, row.log, row.version, row[3]) == (1, "default", 1, 2)
    assert row.events == encode(nodes("cm1", "cm2"))
    assert (row.recorded_at, row.source) == (AT_LATER, "a file")


def test_every_kind_of_row_field_is_of_its_type(store):
    """Rows are the same from every store: numbers are int, texts str, the events bytes."""
    put(store, "default", nodes("cm1"))

    (row,) = store.rows("default")

    assert [type(value) for value in row] == [int, str, int, int, bytes, str, str, str]
    assert isinstance(row, Row)


@pytest.mark.parametrize(
    "name",
    ["Zürich-Käfig", "機器", "🙂" * 128, 'quote " and \\ backslash', "a#b", " ", "'; --", "C:\\users", "\\\\u12\\"],
)
def test_any_name_survives(store, name):
    """Names of events, ids, logs and sources come back as they were, whatever characters they have."""
    event = NodeAdded(node=name, at=AT, id=name)
    put(store, name, [event], source=name)

    assert events_of(store, name) == [event]
    assert store.find_ids(name, [name]) == {name: 1}
    assert [(info.name, info.last.source) for info in store.logs()] == [(name, name)]


def test_versions_are_contiguous_from_1(store):
    """Over several appends of several sizes no version is missing or repeated."""
    for size in (1, 3, 2, 1):
        put(store, "default", nodes(*map(str, range(size))))

    rows = list(store.rows("default"))

    assert [row.version for row in rows] == [1, 2, 5, 7]
    assert [row.last for row in rows] == [1, 4, 6, 7]


def test_several_writes_in_one_transaction_follow_each_other(store):
    """A transaction of several writes gives contiguous versions, and its writer's head is the log's."""
    head = put(store, "default", nodes("a"), nodes("b", "c"), nodes("d"))

    assert versions_of(store, "default") == [1, 2, 4]
    assert head == store.head("default")
    assert head.version == 4


def test_logs_do_not_see_each_other(store, positions):
    """Logs that are written in turn each have their own events, versions and chain."""
    for name in ("a1", "b1", "a2", "b2", "b3"):
        put(store, name[0], nodes(name))

    assert [event.node for event in events_of(store, "a")] == ["a1", "a2"]
    assert [event.node for event in events_of(store, "b")] == ["b1", "b2", "b3"]
    assert [row.position for row in store.rows("b")] == positions([2, 4, 5], [1, 2, 3])
    assert [row.hash for row in store.rows("b")] == recomputed(store.rows("b"))


def test_logs_stand_in_the_order_in_which_they_were_begun(store):
    """``logs`` is ordered by each log's first row, whatever the names and whatever came later."""
    for log in ("zeta", "alpha", "mid", "alpha", "zeta"):
        put(store, log, nodes("n"))

    assert [info.name for info in store.logs()] == ["zeta", "alpha", "mid"]


def test_names_are_those_of_the_logs(store):
    """``names`` gives the logs by name alone, in the same order."""
    for log in ("z", "a", "z", "m"):
        put(store, log, nodes("n"))

    assert store.names() == [info.name for info in store.logs()] == ["z", "a", "m"]


def test_logs_know_their_first_and_last_row(store):
    """``logs`` gives the rows at both ends of a log and its head."""
    put(store, "default", nodes("a"), nodes("b", "c"))
    put(store, "default", nodes("d", "e"))

    (info,) = store.logs()
    rows = list(store.rows("default"))

    assert (info.first, info.last) == (rows[0], rows[-1])
    assert info.head == store.head("default") == Head(5, rows[-1].hash)


@pytest.mark.parametrize(
    ("version", "first"), [(0, 1), (1, 1), (2, 1), (3, 1), (4, 4), (5, 5), (6, 5), (7, 5), (8, 5), (9, 9)]
)
def test_rows_from_a_version(store, version, first):
    """``rows`` begins with the row that holds the version, be it the row's first, last or one in between."""
    put(store, "default", nodes(*"abc"), nodes("d"), nodes(*"efgh"), nodes("i"))
    put(store, "other", nodes(*"xyz"))

    assert versions_of(store, "default", version) == [one for one in (1, 4, 5, 9) if one >= first]


@pytest.mark.parametrize("version", [4, 5, 1_000])
def test_no_row_holds_a_version_past_the_end(store, version):
    """Past the end of a log there are no rows: "the rows of a log, from the one that holds ``version`` on"."""
    put(store, "default", nodes("a", "b", "c"))

    assert versions_of(store, "default", version) == []


def test_an_unknown_log_has_no_rows(store):
    """A log that was never written is empty, beside others that are not."""
    put(store, "default", nodes("a"))

    assert list(store.rows("lab")) == []
    assert store.head("lab") == Head()


def test_rows_can_be_read_twice_at_a_time(store):
    """Two readers of one store object do not take rows from each other."""
    put(store, "default", nodes("a"), nodes("b"), nodes("c"))

    pairs = list(zip(store.rows("default"), store.rows("default"), strict=True))

    assert [one == other for one, other in pairs] == [True] * 3


def test_reading_may_be_left_unfinished(store):
    """A reader that stops in the middle of the rows is not in a later writer's way."""
    put(store, "default", nodes("a"), nodes("b"), nodes("c"))
    begun = iter(store.rows("default"))
    next(begun)

    put(store, "default", nodes("d"))

    assert store.head("default").version == 4


# --- the chain ------------------------------------------------------------------------------------------------------


def test_the_chain_is_the_one_that_the_contract_describes(store):
    """Every hash is SHA-256 over the netstrings of docs/reference/store.md#the-hash-chain, recomputed here; the head is the last one."""
    put(store, "lab", nodes("Zürich", "cm2"), nodes("cm3"), source="Käse.ndjson")
    put(store, "lab", nodes("cm4"), source="")

    hashes = recomputed(store.rows("lab"))

    assert [row.hash for row in store.rows("lab")] == hashes
    assert store.head("lab").hash == hashes[-1]


def test_the_chain_of_every_log_begins_anew(store):
    """Two logs of the same content differ in their hashes only because their names do."""
    put(store, "a", nodes("cm1"))
    put(store, "b", nodes("cm1"))

    (one,), (other,) = store.rows("a"), store.rows("b")

    assert one.hash != other.hash
    assert recomputed([one._replace(log="b")]) == [other.hash]


def test_the_head_is_written_as_the_contract_says(store):
    """A head is shown as ``VERSION:sha256:HEX``, and that text means the same head."""
    head = put(store, "default", nodes("cm1"))

    assert str(head) == f"1:sha256:{recomputed(store.rows('default'))[0]}"
    assert base.parse_head(str(head)) == head


# --- sizes ----------------------------------------------------------------------------------------------------------


def test_a_large_append_is_cut_at_the_number_of_events(store):
    """One write of many events becomes rows of at most ROW_EVENTS, with nothing lost between them."""
    events = nodes(*(f"n{number}" for number in range(2 * base.ROW_EVENTS + 5)))
    put(store, "default", events)

    assert [row[3] for row in store.rows("default")] == [base.ROW_EVENTS, base.ROW_EVENTS, 5]
    assert events_of(store, "default") == events
    assert [row.hash for row in store.rows("default")] == recomputed(store.rows("default"))


def test_exactly_a_row_is_not_cut(store):
    """ROW_EVENTS events are one row."""
    put(store, "default", nodes(*map(str, range(base.ROW_EVENTS))))

    assert versions_of(store, "default") == [1]


def test_a_row_is_cut_at_its_bytes(store):
    """Fewer events than ROW_EVENTS are cut, too, where their text is longer than ROW_BYTES."""
    events = [wide(f"d{number}", 20) for number in range(1_000)]
    put(store, "default", events)

    rows = list(store.rows("default"))

    assert len(rows) > 2
    assert all(len(row.events) <= base.ROW_BYTES for row in rows)
    assert events_of(store, "default") == events


def test_one_event_is_never_cut(store):
    """A single event that is longer than ROW_BYTES is a row of its own, between its neighbours."""
    small, huge = wide("small", 1), wide("huge", 9_000)
    put(store, "default", [small, huge, small])

    assert max(len(row.events) for row in store.rows("default")) > base.ROW_BYTES
    assert [row[3] for row in store.rows("default") if len(row.events) > base.ROW_BYTES] == [1]
    assert events_of(store, "default") == [small, huge, small]


def test_large_appends_one_after_the_other(store):
    """Appends of tens of thousands of events in one transaction and in several are read back whole."""
    first, second = (nodes(*(f"{name}{number}" for number in range(15_000))) for name in "ab")
    put(store, "default", first[:9_000], first[9_000:])
    head = put(store, "default", second)

    assert head.version == 30_000
    assert events_of(store, "default") == first + second
    assert [event.node for event in events_of(store, "default", 28_000)][-1] == "b14999"
