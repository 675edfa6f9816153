"""When something was stored: the time that ``cti_es.logs.clock`` gives, frozen here."""

from contextlib import closing

import pytest
from freezegun import freeze_time

from cti_es.logs import clock
from cti_es.logs.append import AppendOptions, append
from cti_es.logs.store import MemoryStore, SqliteStore
from cti_es.vocabulary.events import NodeAdded, NumberedEvents, decode_events

GIVEN = "2020-05-05T05:05:05Z"


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    """An empty store of each kind."""
    made = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "site.db", write=True)
    with closing(made):
        yield made


def put(store, *events):
    append(store, "default", [NumberedEvents(range(1, len(events) + 1), list(events))], AppendOptions())


def stored(store):
    return [(event.at, row.recorded_at) for row in store.rows("default") for event in decode_events(row.events)]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z"),
        ("2026-03-02T08:00:00.25Z", "2026-03-02T08:00:00.250000Z"),
        ("2026-03-02T08:00:00.000001Z", "2026-03-02T08:00:00.000001Z"),
        ("2026-12-31T23:30:00-05:00", "2027-01-01T04:30:00Z"),
    ],
)
def test_events_are_stamped_with_the_time_of_appending(store, moment, text):
    """An event without a time gets the frozen one, canonical, and its row is recorded at the same moment."""
    with freeze_time(moment):
        put(store, NodeAdded(node="cm1"))

    assert stored(store) == [(text, text)]


def test_a_time_that_was_sent_is_kept(store):
    """Only what is missing is stamped: beside it stands the sender's time, and the row's time is ours."""
    with freeze_time("2026-03-02T08:00:00Z"):
        put(store, NodeAdded(node="cm1", at=GIVEN), NodeAdded(node="cm2"))

    assert stored(store) == [(GIVEN, "2026-03-02T08:00:00Z"), ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z")]


def test_one_append_has_one_time(store):
    """The clock is asked once: every event and row of an append has the same time though it goes on."""
    with freeze_time("2026-03-02T08:00:00Z", auto_tick_seconds=60):
        append(store, "default", [NumberedEvents([n], [NodeAdded(node=f"cm{n}")]) for n in (1, 2, 3)], AppendOptions())

    assert len(set(stored(store))) == 1


def test_the_clock_gives_what_an_event_may_have():
    """The present moment is a canonical event time."""
    from cti_es.vocabulary.times import canonical_time

    now = clock.now()

    assert canonical_time(now) == now
