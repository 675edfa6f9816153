"""Every store against the simplest thing that could be one: a list for each log."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cti_es.logs.store import Head, base
from cti_es.vocabulary.events import NodeAdded, decode_events

AT = "2026-01-01T09:00:00Z"
LOGS = st.sampled_from(["default", "lab", "Ä"])
NAMES = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8)
TIMES = st.sampled_from([None, "2026-01-01T08:00:00Z", "2026-01-01T07:00:00.250000Z"])
BATCH = st.lists(st.tuples(NAMES, TIMES, st.booleans()), max_size=9)
BATCHES = st.lists(BATCH, max_size=3)


class Stop(Exception):
    """What goes wrong in the middle of a transaction."""


class StoreMachine(RuleBasedStateMachine):
    """A store and, beside it, a list of events for each log, in the order in which the logs were begun."""

    def __init__(self, new_store, positions):
        super().__init__()
        self.positions = positions
        self.store = new_store()
        self.model = {}
        self.given_ids = 0

    def teardown(self):
        self.store.close()

    def events(self, batch):
        made = []
        for name, at, with_id in batch:
            self.given_ids += with_id
            made.append(NodeAdded(node=name, at=at, id=f"id{self.given_ids}" if with_id else None))
        return made

    @rule(log=LOGS, batches=BATCHES)
    def append(self, log, batches):
        made = [self.events(batch) for batch in batches]
        with self.store.writing(log) as writer:
            for events in made:
                writer.write(events, AT, "machine")
        if any(made):
            self.model.setdefault(log, []).extend(event for events in made for event in events)

        assert writer.head == self.store.head(log)

    @rule(log=LOGS, batches=BATCHES, when=st.integers(0, 3))
    def fail(self, log, batches, when):
        try:
            with self.store.writing(log) as writer:
                for events in map(self.events, batches[:when]):
                    writer.write(events, AT, "machine")
                raise Stop
        except Stop:
            pass

    @rule(log=LOGS, numbers=st.lists(st.integers(0, 40), max_size=12))
    def find(self, log, numbers):
        asked = [f"id{number}" for number in numbers]
        known = {event.id: version for version, event in enumerate(self.model.get(log, []), 1) if event.id}

        assert self.store.find_ids(log, asked) == {one: known[one] for one in asked if one in known}
        assert self.store.id_count(log) == len(known)

    @rule(log=LOGS, data=st.data())
    def read(self, log, data):
        events = self.model.get(log, [])
        version = data.draw(st.integers(0, len(events) + 2), label="version")
        rows = list(self.store.rows(log, version))
        read = [(row.version + index, event) for row in rows for index, event in enumerate(decode_events(row.events))]
        start = rows[0].version if rows else len(events) + 1

        assert start <= max(version, 1) or (version > len(events) and not rows)
        assert not rows or rows[0].last >= version
        assert read == list(enumerate(events[start - 1 :], start))

    @invariant()
    def heads(self):
        for log, events in self.model.items():
            assert self.store.head(log).version == len(events)
        assert self.store.head("never written") == Head()

    @invariant()
    def logs(self):
        assert [info.name for info in self.store.logs()] == list(self.model)

    @invariant()
    def positions(self):
        of_log = [[row.position for row in self.store.rows(log)] for log in self.model]
        of_store = [sorted(position for log in of_log for position in log)]
        for numbers in self.positions(of_store, of_log):
            assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def chain(self):
        for log in self.model:
            previous = ""
            for row in self.store.rows(log):
                assert row.hash == base.chain_hash(previous, row)
                previous = row.hash


def test_a_store_does_what_a_list_does(new_store, kind, positions, monkeypatch):
    """Whatever is appended, refused, looked up and read, a store and a plain list of events agree."""
    monkeypatch.setattr(base, "ROW_EVENTS", 3)

    run_state_machine_as_test(
        lambda: StoreMachine(new_store, positions),
        settings=settings(
            max_examples=4 if kind == "postgres" else 40,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
