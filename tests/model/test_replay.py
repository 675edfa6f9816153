"""The replay: taken up again at any split, the same in any batches and in any process, misfits with their reasons."""

import os
import subprocess
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from conftest import ROOT, Run
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import LOG_EXAMPLES, Json, as_json, corpus, decoded, fold, logs, random_log, run

from cti_es.model.recovery import Recovery
from cti_es.model.replay import MisfitReport, Replay, State, digest, replay
from cti_es.testing.random_logs import Plan, generate
from cti_es.vocabulary.events import Event

SPLITS = 60


def reports(replayed: Replay) -> list[Json]:
    """The misfits of a replay as plain data."""
    found: list[Json] = msgspec.to_builtins(replayed.misfits)
    return found


def test_a_trial_is_a_replay_of_its_own() -> None:
    """It goes on as a replay from the encoded state does, and the one that it is from stays where it is."""
    for log in corpus():
        events = decoded(log)
        half = len(events) // 2
        begun = run(events[:half])[1]
        state, other = begun.encoded(), begun.trial(begun.cluster.devices)
        other.advance(events[half:])

        assert other.encoded() == run(events)[1].encoded()
        assert begun.encoded() == state


# Split anywhere.


@pytest.mark.parametrize("first", range(0, SPLITS, 10))
def test_fold_can_be_taken_up_again_at_every_split(first: int) -> None:
    """fold(all) == resume(fold(prefix), rest) at every split: messages, misfits and, byte for byte, the state."""
    for log in corpus()[first : first + 10]:
        events = decoded(log)
        whole, end = run(events)
        for split in range(len(events) + 1):
            head, before = run(events[:split])
            tail, after = run(events[split:], before.encoded())

            assert head + tail == whole
            assert reports(before) + reports(after) == reports(end)
            assert after.encoded() == end.encoded()
            assert (after.version, after.seq) == (len(events), len(whole))


def carried(state: State) -> set[str]:
    """What a state carries to the next event, beyond nodes, devices, calls and handles."""
    handles = [
        handle
        for holders in state.book.held.values()
        for held in holders.values()
        for handle in (held.phone, *held.lines.values())
        if handle
    ]
    found = {
        "something queued": any(one.queue for one in state.book.providers.values()),
        "a link": any(one.link for one in state.book.providers.values()),
        "no link": any(one.link is None for one in state.book.providers.values()),
        "a failed CTI Manager": not all(state.cluster.cti_managers.values()),
        "told out": any(handle.told == "out" for handle in handles),
        "a filter": any(handle.wants is not None for handle in handles),
        "an extension version": any(handle.ext_version is not None for handle in handles),
        "a device that is away": any(device.away for device in state.cluster.devices.values()),
        "a device removed": state.cluster.devices_added > len(state.cluster.devices),
        "a call with media": any(any(device.legs.values()) for device in state.cluster.devices.values()),
        "announce_open": state.cluster.behaviours.announce_open,
        "phones_wait_for_calls": state.cluster.behaviours.phones_wait_for_calls,
        "drop_calls_in_setup": state.cluster.behaviours.drop_calls_in_setup,
    }
    return {what for what, holds in found.items() if holds} or {"nothing of that"}


def test_splits_come_where_something_is_carried() -> None:
    """Among the states at those splits are some with each thing that docs/reference/tsp.md adds, and some with none."""
    found: Counter[str] = Counter()
    for log in corpus()[:SPLITS]:
        replayed = Replay()
        for event in decoded(log):
            replayed.advance([event])
            found.update(carried(msgspec.json.decode(replayed.encoded(), type=State)))

    assert len(found) == 14
    assert min(found.values()) >= 20


@LOG_EXAMPLES
@given(logs, st.integers(0, 60), st.integers(0, 60))
def test_fold_can_be_taken_up_again_twice(log: list[Json], one: int, two: int) -> None:
    """Two splits anywhere give the same as none."""
    first, second = sorted((min(one, len(log)), min(two, len(log))))
    events = decoded(log)
    whole, end = run(events)
    head, before = run(events[:first])
    middle, between = run(events[first:second], before.encoded())
    tail, after = run(events[second:], between.encoded())

    assert head + middle + tail == whole
    assert after.encoded() == end.encoded()


def test_a_state_survives_its_encoding() -> None:
    """Decoding and encoding a state gives the same bytes, so nothing of it is lost."""
    for log in corpus()[::10]:
        state = run(decoded(log))[1].encoded()

        assert Replay(state).encoded() == state


def test_a_replay_does_not_change_the_state_it_started_from() -> None:
    """Two replays from one state do not disturb each other, and neither do two from nothing."""
    events = decoded(random_log(7, 80))
    state = run(events[:40])[1].encoded()
    first, second = run(events[40:], state), run(events[40:], state)

    assert first[0] == second[0]
    assert first[1].encoded() == second[1].encoded()
    assert Replay().encoded() == Replay().encoded() == run([])[1].encoded()


# The fast way through ordinary calls.


def call_heavy() -> list[list[Event]]:
    """Logs of mostly calls: generated ones, and random ones in which every event of a call stands twice."""
    generated = [list(generate(Plan(seed=seed, events=400, calls=0.95, apps=2))) for seed in range(10)]
    doubled = [
        decoded([again for event in log for again in [event] * (1 + event["type"].startswith("call_"))])
        for log in corpus()[:200]
    ]
    return generated + doubled


def outcome(events: list[Event]) -> tuple[list[Json], list[Json], bytes]:
    """Messages, misfits and state."""
    messages, replayed = run(events)
    return messages, reports(replayed), replayed.encoded()


def test_ordinary_calls_do_what_the_handlers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking calls many at a time gives the same messages, misfits and state as taking each event by its handler."""
    many = [*call_heavy(), *map(decoded, corpus())]
    fast = [outcome(events) for events in many]
    monkeypatch.setattr(Recovery, "ordinary_calls", lambda self, events: next(events, None))
    slow = [outcome(events) for events in many]

    assert fast == slow


def test_ordinary_calls_are_taken_in_bulk() -> None:
    """Calls on an idle device never reach a handler, so the comparison above does compare two ways."""
    site: list[Json] = [
        {"type": "node_added", "node": "cm1"},
        {"type": "device_added", "device": "P", "kind": "cti_port"},
        {"type": "device_opened", "device": "P"},
    ]
    calls = [{"type": f"call_{what}", "call": "c", "device": "P"} for what in ("started", "ended")]
    recovery = run(decoded(site))[1]._recovery

    assert recovery.ordinary_calls(iter(decoded(calls * 100))) is None
    assert recovery.cluster.calls == {}


# The same in any batches and in any process.


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_batches_make_no_difference(size: int) -> None:
    """A log in batches of any size gives the same messages, misfits and state."""
    for log in corpus()[:100]:
        events = decoded(log)
        whole, end = run(events)
        batched = Replay()
        messages = [
            message
            for start in range(0, len(events), size)
            for message in batched.messages(events[start : start + size])
        ]

        assert msgspec.to_builtins(messages) == whole
        assert (reports(batched), batched.encoded()) == (reports(end), end.encoded())


@pytest.mark.parametrize("kind", [list, tuple])
def test_events_may_be_any_sequence(kind: type) -> None:
    """Versions are counted right whatever sequence the events come in, also where calls are taken in bulk."""
    for log in corpus()[:50]:
        replayed = Replay()
        messages = msgspec.to_builtins(list(replayed.messages(kind(decoded(log)))))

        assert messages == fold(log).messages


def test_advance_does_all_but_tell() -> None:
    """``advance`` comes to the same state as reading the messages."""
    for log in corpus()[:100]:
        advanced = Replay()
        advanced.advance(decoded(log))

        assert advanced.encoded() == run(decoded(log))[1].encoded()


DIGESTS = """
import sys, hashlib, msgspec
sys.path.insert(0, sys.argv[1])
from support.strategies import corpus, decoded, run
from cti_es.model.replay import digest, replay
for log in corpus()[:60]:
    state = run(decoded(log))[1].encoded()
    print(digest(replay(decoded(log))), hashlib.sha256(state).hexdigest())
"""


def test_hash_seed_makes_no_difference() -> None:
    """Messages and states have the same digests in processes that order sets differently."""
    found = [
        subprocess.run(
            [sys.executable, "-c", DIGESTS, str(ROOT / "tests")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    ]
    here = [(digest(replay(decoded(log))), sha256(run(decoded(log))[1].encoded()).hexdigest()) for log in corpus()[:60]]

    assert found[0].decode().split() == [one for pair in here for one in pair]
    assert found[1] == found[0]


def test_command_line_digest_is_the_same_for_every_hash_seed(cti_es: Run, tmp_path: Path) -> None:
    """``replay --digest`` prints the library's digest of the messages, whatever the hash seed."""
    log = random_log(11, 300)
    (tmp_path / "log.ndjson").write_bytes(b"".join(as_json(event) + b"\n" for event in log))
    found = {
        cti_es("replay", "log.ndjson", "--digest", env={**os.environ, "PYTHONHASHSEED": seed}).stdout
        for seed in ("0", "1")
    }

    assert found == {digest(replay(decoded(log))).encode() + b"\n"}


def test_digest_is_that_of_the_ndjson() -> None:
    """``digest`` is the SHA-256 of the rows as NDJSON; of nothing, that of no bytes."""
    messages = list(replay(decoded(random_log(5, 100))))
    text = b"".join(msgspec.json.encode(message) + b"\n" for message in messages)

    assert messages
    assert digest(messages) == sha256(text).hexdigest()
    assert digest([]) == sha256(b"").hexdigest()


# Misfits.


def test_misfit_report_has_version_time_type_code_and_reason() -> None:
    """A report says which event it was, when, what was wrong; the fold goes on behind it."""
    log: list[Json] = [
        {"type": "node_added", "node": "cm1"},
        {"type": "node_failed", "node": "cm2", "at": "2026-01-01T00:00:00Z"},
        {"type": "node_failed", "node": "cm1"},
    ]
    replayed = run(decoded(log))[1]
    report = MisfitReport(2, "2026-01-01T00:00:00Z", "node_failed", "unknown_node", "unknown node 'cm2'")

    assert replayed.misfits == [report]
    assert replayed.cluster.nodes == {"cm1": False}


@pytest.mark.parametrize(
    ("event", "near"),
    [
        ({"type": "node_failed", "node": "cm01"}, "did you mean 'cm1'?"),
        ({"type": "device_opened", "device": "CTIP01x"}, "did you mean 'CTIP01'?"),
        ({"type": "line_opened", "device": "CTIP01", "line": "500"}, "did you mean '5001'?"),
        ({"type": "device_opened", "device": "something else"}, None),
    ],
    ids=["node", "device", "line", "nothing near"],
)
def test_hints_name_what_is_near(event: Json, near: str | None) -> None:
    """With hints the reason of a misfit ends with a near name; without, it is the bare reason."""
    log: list[Json] = [
        {"type": "node_added", "node": "cm1"},
        {"type": "device_added", "device": "CTIP01", "kind": "cti_port", "lines": ["5001"]},
        event,
    ]
    plain, hinted = Replay(), Replay(hints=1)
    plain.advance(decoded(log))
    hinted.advance(decoded(log))

    assert hinted.misfits[0].text == "; ".join(filter(None, [plain.misfits[0].text, near]))


def test_only_so_many_misfits_are_given_hints() -> None:
    """Looking for a near name takes long among many, and nobody reads a thousand of them."""
    replay = Replay(hints=2)
    replay.advance(decoded([{"type": "node_added", "node": "cm1"}, *[{"type": "node_failed", "node": "cm2"}] * 4]))

    assert ["did you mean" in one.text for one in replay.misfits] == [True, True, False, False]
