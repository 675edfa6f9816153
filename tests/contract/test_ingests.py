"""How far an ingest has come: kept beside a log, in the transaction of its events, a cache."""

import pytest

from cti_es.vocabulary.events import NodeAdded

AT = "2026-01-01T08:00:00Z"


def kept(store, log="lab"):
    """What is kept for a log, if it is whole."""
    found = store.ingest_state(log)
    return found and (found[0].version, found[0].state, found[0].digest() == found[1])


def write(store, state, node="cm1", log="lab"):
    """Append an event and keep a state with it."""
    with store.writing(log) as writer:
        writer.write([NodeAdded(node=node, at=AT)], AT, "test")
        assert writer.keep_ingest(state)


def test_nothing_is_kept_at_first(new_store):
    """A store that no ingest has been at keeps nothing."""
    assert kept(new_store()) is None


def test_a_state_comes_back(new_store):
    """What was kept comes back, with the version and the hash that the log had then."""
    store = new_store()
    write(store, b"one")

    assert kept(store) == (1, b"one", True)
    assert store.ingest_state("lab")[0].hash == store.head("lab").hash


def test_a_state_replaces_the_one_before(new_store):
    """There is one for each log."""
    store = new_store()
    write(store, b"one")
    write(store, b"other", log="other")
    write(store, b"two", "cm2")

    assert kept(store) == (2, b"two", True)
    assert kept(store, "other") == (1, b"other", True)


def test_a_state_without_events(new_store):
    """What was read without anything to store can be kept, too."""
    store = new_store()
    write(store, b"one")
    with store.writing("lab") as writer:
        writer.keep_ingest(b"two")

    assert kept(store) == (1, b"two", True)
    assert store.head("lab").version == 1


def test_a_transaction_that_fails_keeps_nothing(new_store):
    """Events and state go in together, or neither."""
    store = new_store()
    write(store, b"one")
    with pytest.raises(RuntimeError), store.writing("lab") as writer:  # noqa: PT012
        writer.write([NodeAdded(node="cm2", at=AT)], AT, "test")
        writer.keep_ingest(b"two")
        raise RuntimeError

    assert kept(store) == (1, b"one", True)
    assert store.head("lab").version == 1
