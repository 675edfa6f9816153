"""The fold against the rules: misfits, the naive fold on random logs, what must hold after every event, liveness."""

from collections import Counter
from functools import cache
from typing import Any, get_args

import msgspec
import naive
import pytest
from hypothesis import given
from strategies import LOG_EXAMPLES, Json, corpus, decoded, fold, logs, placed, run

from cti_es.events import EVENT_TYPES
from cti_es.recovery import MisfitCode
from cti_es.replay import Replay

IN, OUT = "in_service", "out_of_service"

SITE: list[Json] = [
    {"type": "node_added", "node": "cm1"},
    {"type": "node_added", "node": "cm2"},
    {"type": "node_added", "node": "cm3"},
    {"type": "device_added", "device": "P", "kind": "cti_port", "lines": ["1", "2"], "group": ["cm1", "cm2"]},
    {"type": "device_added", "device": "S", "kind": "phone", "lines": ["1", "3"]},
    {"type": "device_opened", "device": "P", "lines": ["1"]},
    {"type": "line_opened", "device": "S", "line": "3", "app": "ivr"},
    {"type": "call_started", "call": "c1", "device": "P", "line": "1"},
    {"type": "call_started", "call": "c1", "device": "S"},
    {"type": "node_failed", "node": "cm3"},
    {"type": "open_refused", "device": "S", "line": "3", "nodes": ["cm2"]},
]

MISFITS: list[tuple[str, Json]] = [
    ("unknown_node", {"type": "node_failed", "node": "cm9"}),
    ("unknown_node", {"type": "node_recovered", "node": "cm9"}),
    ("unknown_node", {"type": "device_added", "device": "N", "kind": "phone", "group": ["cm1", "cm9"]}),
    ("unknown_node", {"type": "open_refused", "device": "P", "nodes": ["cm1", "cm9"]}),
    ("unknown_node", {"type": "open_allowed", "device": "P", "nodes": ["cm9"]}),
    ("unknown_device", {"type": "device_opened", "device": "N"}),
    ("unknown_device", {"type": "line_opened", "device": "N", "line": "1"}),
    ("unknown_device", {"type": "device_closed", "device": "N"}),
    ("unknown_device", {"type": "line_closed", "device": "N", "line": "1"}),
    ("unknown_device", {"type": "open_refused", "device": "N"}),
    ("unknown_device", {"type": "open_allowed", "device": "N"}),
    ("unknown_device", {"type": "call_started", "call": "c2", "device": "N"}),
    ("unknown_device", {"type": "call_ended", "call": "c1", "device": "N"}),
    ("unknown_line", {"type": "device_opened", "device": "P", "lines": ["2", "3"]}),
    ("unknown_line", {"type": "line_opened", "device": "P", "line": "3"}),
    ("unknown_line", {"type": "line_closed", "device": "P", "line": "3"}),
    ("unknown_line", {"type": "open_refused", "device": "P", "line": "3"}),
    ("unknown_line", {"type": "open_allowed", "device": "P", "line": "3"}),
    ("unknown_line", {"type": "call_started", "call": "c2", "device": "P", "line": "3"}),
    ("unknown_call", {"type": "call_ended", "call": "c2"}),
    ("unknown_call", {"type": "call_ended", "call": "c2", "device": "P"}),
    ("node_exists", {"type": "node_added", "node": "cm1"}),
    ("node_exists", {"type": "node_added", "node": "cm3"}),
    ("device_exists", {"type": "device_added", "device": "P", "kind": "cti_port"}),
    ("call_exists", {"type": "call_started", "call": "c1", "device": "P"}),
    ("already_failed", {"type": "node_failed", "node": "cm3"}),
    ("already_in_service", {"type": "node_recovered", "node": "cm1"}),
    ("already_open", {"type": "device_opened", "device": "P", "lines": ["1"]}),
    ("already_open", {"type": "device_opened", "device": "P", "lines": []}),
    ("already_open", {"type": "device_opened", "device": "P", "lines": ["1"], "app": "app"}),
    ("already_open", {"type": "line_opened", "device": "P", "line": "1"}),
    ("already_open", {"type": "line_opened", "device": "S", "line": "3", "app": "ivr"}),
    ("not_open", {"type": "device_closed", "device": "S"}),
    ("not_open", {"type": "device_closed", "device": "P", "app": "ivr"}),
    ("not_open", {"type": "line_closed", "device": "P", "line": "2"}),
    ("not_open", {"type": "line_closed", "device": "S", "line": "3"}),
    ("repeated", {"type": "device_added", "device": "N", "kind": "phone", "lines": ["1", "2", "1"]}),
    ("repeated", {"type": "device_added", "device": "N", "kind": "phone", "group": ["cm1", "cm1"]}),
    ("repeated", {"type": "device_opened", "device": "P", "lines": ["2", "2"]}),
    ("repeated", {"type": "open_refused", "device": "P", "nodes": ["cm1", "cm1"]}),
    ("repeated", {"type": "open_allowed", "device": "P", "line": "1", "nodes": ["cm2", "cm1", "cm2"]}),
    ("empty", {"type": "device_added", "device": "N", "kind": "route_point", "group": []}),
    ("empty", {"type": "open_refused", "device": "P", "nodes": []}),
    ("empty", {"type": "open_allowed", "device": "P", "line": "1", "nodes": []}),
    ("outside_group", {"type": "open_refused", "device": "P", "nodes": ["cm1", "cm3"]}),
    ("outside_group", {"type": "open_allowed", "device": "P", "line": "1", "nodes": ["cm3"]}),
]

NO_MISFITS: list[Json] = [
    {"type": "device_opened", "device": "P"},
    {"type": "device_opened", "device": "P", "lines": ["2", "1"]},
    {"type": "device_opened", "device": "P", "lines": [], "app": "ivr"},
    {"type": "device_opened", "device": "S", "app": "ivr"},
    {"type": "line_opened", "device": "S", "line": "3"},
    {"type": "device_closed", "device": "S", "app": "ivr"},
    {"type": "open_refused", "device": "S", "line": "3", "nodes": ["cm2"]},
    {"type": "open_refused", "device": "S", "line": "3"},
    {"type": "open_allowed", "device": "S", "line": "1"},
    {"type": "open_allowed", "device": "P"},
    {"type": "call_started", "call": "c2", "device": "P", "line": "2"},
    {"type": "call_ended", "call": "c1"},
    {"type": "call_ended", "call": "c1", "device": "S"},
    {"type": "device_added", "device": "N", "kind": "route_point"},
    {"type": "device_added", "device": "N", "kind": "phone", "lines": [], "group": ["cm3"]},
]


def told(event: Json) -> str:
    """An event in a test's name."""
    return " ".join(map(str, event.values()))


@pytest.mark.parametrize(("code", "event"), MISFITS, ids=lambda value: value if isinstance(value, str) else told(value))
def test_misfit_has_its_code_and_changes_nothing(code: str, event: Json) -> None:
    """Each event of the exhaustive list is reported with version and code, sends nothing and leaves no trace."""
    before = run(decoded(SITE))[1].encoded()
    messages, replay = run(decoded([event]), before)

    assert [(one.version, one.code, one.type) for one in replay.misfits] == [(len(SITE) + 1, code, event["type"])]
    assert replay.misfits[0].text
    assert messages == []
    assert without_version(replay.encoded()) == without_version(before)


@pytest.mark.parametrize("event", NO_MISFITS, ids=told)
def test_what_is_no_misfit_fits(event: Json) -> None:
    """Opening the rest, refusing or allowing again, calls in any state: these fit, and something has happened."""
    replay = run(decoded([*SITE, event]))[1]

    assert replay.misfits == []
    assert naive.fold([*SITE, event]).misfits == []


def test_every_code_is_in_the_table() -> None:
    """The table of misfits has every code of the closed list."""
    codes = {code for code, _ in MISFITS}

    assert codes == set(get_args(MisfitCode))


def test_group_left_out_before_any_node_is_empty() -> None:
    """Without a node yet the default group is empty, and an empty group is a misfit."""
    _, replay = run(decoded([{"type": "device_added", "device": "P", "kind": "phone"}]))

    assert [one.code for one in replay.misfits] == ["empty"]


def without_version(state: bytes) -> bytes:
    """An encoded state behind its first field, the version, which a misfit takes as any event does."""
    start, _, rest = state.partition(b",")
    assert start.startswith(b'{"version":')
    return rest


# Random logs: the naive fold.


@LOG_EXAMPLES
@given(logs)
def test_naive_fold_agrees(log: list[Json]) -> None:
    """Messages with their rules, homes and misfits of any log are those of the naive fold."""
    real, simple = fold(log), naive.fold(log)

    assert real.messages == simple.messages
    assert real.homes == simple.homes
    assert real.misfits == simple.misfits


def test_naive_fold_agrees_on_the_corpus() -> None:
    """The same for a thousand longer logs, each named by its seed; the order of fields is the same, too."""
    differ = [seed for seed, log in enumerate(corpus()) if tuple(map(repr, fold(log))) != facts(naive.fold(log))]

    assert differ == []


def facts(found: naive.Result) -> tuple[str, ...]:
    """What the naive fold has found, with the order of all fields."""
    return repr(found.messages), repr(found.homes), repr(found.misfits)


def test_misfits_of_the_corpus_leave_no_trace() -> None:
    """A log without its misfits comes to the same homes, and sends the same but for the versions."""
    different = []
    for seed, log in enumerate(corpus()):
        whole = fold(log)
        kept = fold([event for version, event in enumerate(log, 1) if version not in whole.misfits])
        if (
            kept.homes != whole.homes
            or kept.misfits
            or list(map(said, kept.messages)) != list(map(said, whole.messages))
        ):
            different.append(seed)

    assert different == []


def said(message: Json) -> list[Any]:
    """A message without the versions in it."""
    return [value for field, value in message.items() if field not in ("version", "handle")]


# What must hold after every event of every log.


class Watch:
    """Follows a log event by event with a book of its own; ``faults`` is what must not be."""

    def __init__(self) -> None:
        self.replay = Replay()
        self.handles: dict[tuple[str, str, str | None], int] = {}
        self.out: set[tuple[str, str, str | None]] = set()
        self.calls: Counter[str] = Counter()
        self.legs: set[tuple[str, str]] = set()
        self.faults: list[str] = []

    def take(self, event: Json) -> None:
        """One more event."""
        known = len(self.replay.misfits)
        messages = msgspec.to_builtins(list(self.replay.messages(decoded([event]))))
        if len(self.replay.misfits) == known:
            getattr(self, event["type"], lambda event: None)({k: v for k, v in event.items() if v is not None})
        for message in messages:
            self.hear(message)
        for home in placed(self.replay):
            self.look(home)

    def must(self, holds: object, what: str) -> None:
        """Note a fault unless this holds."""
        if not holds:
            self.faults.append(f"version {self.replay.version}: {what}")

    # The book: handles and call legs, from the events that fit.

    def device_opened(self, event: Json) -> None:
        """Handles that the application does not have yet are new."""
        lines = list(self.replay.cluster.devices[event["device"]].lines)
        for line in [None, *event.get("lines", lines)]:
            self.handles.setdefault((event.get("app", "app"), event["device"], line), self.replay.version)

    def line_opened(self, event: Json) -> None:
        """One new handle."""
        self.handles[event.get("app", "app"), event["device"], event["line"]] = self.replay.version

    def device_closed(self, event: Json) -> None:
        """The application's handles on the device are gone."""
        for handle in [one for one in self.handles if one[:2] == (event.get("app", "app"), event["device"])]:
            self.forget(handle)

    def line_closed(self, event: Json) -> None:
        """One handle is gone."""
        self.forget((event.get("app", "app"), event["device"], event["line"]))

    def call_started(self, event: Json) -> None:
        """One more leg."""
        self.legs.add((event["call"], event["device"]))
        self.calls[event["device"]] += 1

    def call_ended(self, event: Json) -> None:
        """The leg, or every leg of the call, is gone."""
        for leg in [one for one in self.legs if one[0] == event["call"] and event.get("device", one[1]) == one[1]]:
            self.legs.remove(leg)
            self.calls[leg[1]] -= 1

    def forget(self, handle: tuple[str, str, str | None]) -> None:
        """A handle is gone."""
        self.handles.pop(handle, None)
        self.out.discard(handle)

    # What is checked.

    def hear(self, message: Json) -> None:
        """A message goes to an open handle, is news to it, and does not move a device that has a call."""
        handle = message["app"], message["device"], message["line"]
        self.must(self.handles.get(handle) == message["handle"], f"{handle} is not open")
        self.must(message["version"] == self.replay.version, "a message of another event")
        if message["param1_name"] is None:
            self.forget(handle)
        elif message["param1_name"] in ("PHONESTATE_SUSPEND", "LINEDEVSTATE_OUTOFSERVICE"):
            self.must(handle not in self.out, f"{handle} goes out twice")
            self.out.add(handle)
        else:
            self.must(handle in self.out, f"{handle} comes in twice")
            self.out.discard(handle)
        if message["param2_name"] == "ReHomeToHigherPriorityCM":
            self.must(self.calls[message["device"]] == 0, f"{message['device']} is moved during a call")

    def look(self, home: Json) -> None:
        """A device's state, home, lines and calls fit each other, the nodes and the handles."""
        name = home["device"]
        device, nodes = self.replay.cluster.devices[name], self.replay.cluster.nodes
        held = [handle for handle in self.handles if handle[1] == name]
        self.must((home["state"] == IN) == (home["home"] is not None), f"{name}: state and home")
        self.must(home["home"] is None or (home["home"] in device.group and nodes[home["home"]]), f"{name}: its home")
        self.must(home["state"] == IN or IN not in home["lines"].values(), f"{name}: a line in service without it")
        self.must(
            home["state"] != OUT or self.replay.cluster.best(device) is None, f"{name} waits though a node is there"
        )
        self.must(home["rehome_to"] is None or home["calls"], f"{name}: a move is due that nothing holds up")
        self.must(home["calls"] == self.calls[name], f"{name}: calls")
        self.must(home["kind"] == "phone" or (home["state"] == "unregistered") == (not held), f"{name}: registered")
        self.must(home["kind"] != "phone" or home["state"] != "unregistered", f"{name}: an unregistered phone")
        for app, _, line in held:
            out = home["state"] == OUT if line is None else home["lines"][line] == OUT
            self.must(((app, name, line) in self.out) == out, f"{app}, {name}, {line}: told otherwise")


def watched(log: list[Json]) -> Watch:
    """A log followed from its first event to its last."""
    watch = Watch()
    for event in log:
        watch.take(event)
    return watch


@LOG_EXAMPLES
@given(logs)
def test_nothing_is_ever_inconsistent(log: list[Json]) -> None:
    """Handles, alternating states, homes, moves, calls: all of it holds after every event of any log."""
    assert watched(log).faults == []


def test_nothing_is_ever_inconsistent_in_the_corpus() -> None:
    """The same for the first few hundred logs of the corpus."""
    faults = {seed: watch.faults for seed, log in enumerate(corpus()[:300]) if (watch := watched(log)).faults}

    assert faults == {}


def test_watch_can_find_a_fault() -> None:
    """The check above is able to fail: it notices a handle that is told twice."""
    watch = watched([*SITE, {"type": "node_failed", "node": "cm1"}, {"type": "node_failed", "node": "cm2"}])
    message = {"version": watch.replay.version, "app": "app", "device": "P", "line": None, "handle": 6}
    watch.hear({**message, "param1_name": "PHONESTATE_SUSPEND", "param2_name": "CallManagerFailure"})

    assert watch.faults == [f"version {len(SITE) + 2}: ('app', 'P', None) goes out twice"]


# Liveness: when everything is well again, so is every device.


def healed(replay: Replay) -> list[Json]:
    """The events that recover every node, end every call and allow everything."""
    cluster = replay.cluster
    lines = [(name, line) for name, device in cluster.devices.items() for line in (None, *device.lines)]
    return [
        *({"type": "node_recovered", "node": node} for node, up in cluster.nodes.items() if not up),
        *({"type": "open_allowed", "device": name, "line": line} for name, line in lines),
        *({"type": "call_ended", "call": call} for call in cluster.calls),
    ]


def test_everything_comes_home_when_all_is_well_again() -> None:
    """All nodes back, nothing refused, no call: every device in use is in service at its original node, lines too."""
    lost = []
    for seed, log in enumerate(corpus()):
        replay = run(decoded(log))[1]
        replay.misfits.clear()
        replay.advance(decoded(healed(replay)))
        lost += [(seed, home) for home in placed(replay) if not at_home(home) and is_used(replay, home)]
        lost += [(seed, misfit) for misfit in replay.misfits]

    assert lost == []


def at_home(home: Json) -> bool:
    """Whether a device is where it belongs, with all its lines."""
    states = {home["state"], *home["lines"].values()}
    return home["home"] == home["original"] and states == {IN} and home["rehome_to"] is None and home["calls"] == 0


def is_used(replay: Replay, home: Json) -> bool:
    """Whether a device should be registered: phones always, others if anybody has them open."""
    return bool(home["kind"] == "phone" or replay.book.held.get(home["device"]))


def test_healing_tells_every_handle_that_it_is_in_service() -> None:
    """After the same events no handle was last told that it is out of service."""
    still_out = {seed: watch.out for seed, log in enumerate(corpus()[:300]) if (watch := cured(log)).out}

    assert still_out == {}


def cured(log: list[Json]) -> Watch:
    """A log followed to its end and beyond, until all is well."""
    watch = watched(log)
    for event in healed(watch.replay):
        watch.take(event)
    return watch


# Sometimes: the random logs come everywhere.


@cache
def seen() -> Counter[tuple[str, ...]]:
    """How often event types meet each state of the nodes and of a device in the corpus, and the codes of misfits."""
    found: Counter[tuple[str, ...]] = Counter()
    for log in corpus():
        replay = Replay()
        for event, decoded_event in zip(log, decoded(log), strict=True):
            found[event["type"], node_state(replay)] += 1
            if device := replay.cluster.devices.get(event.get("device") or ""):
                found[event["type"], device.kind, device.state] += 1
            list(replay.messages([decoded_event]))
        found.update(("misfit", misfit.type, misfit.code) for misfit in replay.misfits)
    return found


def node_state(replay: Replay) -> str:
    """How the nodes are, in one word."""
    up = list(replay.cluster.nodes.values())
    return "all up" if all(up) else "some failed" if any(up) else "all failed"


@pytest.mark.parametrize("nodes", ["all up", "some failed", "all failed"])
@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_event_meets_every_state_of_the_nodes(event_type: str, nodes: str) -> None:
    """Each event type occurs with all nodes up, some failed, all failed."""
    assert seen()[event_type, nodes] > 0


KINDS_AND_STATES = [
    (kind, state)
    for kind in ("cti_port", "route_point", "phone")
    for state in (IN, OUT, "unregistered")
    if (kind, state) != ("phone", "unregistered")
]


@pytest.mark.parametrize(("kind", "state"), KINDS_AND_STATES)
@pytest.mark.parametrize("event_type", [name for name in EVENT_TYPES if "node" not in name and name != "device_added"])
def test_every_event_meets_every_kind_and_state_of_a_device(event_type: str, kind: str, state: str) -> None:
    """Each event about a device occurs on a port, a route point and a phone in every state they can have."""
    assert seen()[event_type, kind, state] > 0


@pytest.mark.parametrize(("event_type", "code"), sorted({(event["type"], code) for code, event in MISFITS}))
def test_every_misfit_occurs(event_type: str, code: str) -> None:
    """Each pair of event type and code of the table of misfits occurs at random, too."""
    assert seen()["misfit", event_type, code] > 0


def test_no_other_misfit_occurs() -> None:
    """And no pair occurs that is not in the table."""
    found = {(one[1], one[2]) for one in seen() if one[0] == "misfit"}

    assert found == {(event["type"], code) for code, event in MISFITS}
