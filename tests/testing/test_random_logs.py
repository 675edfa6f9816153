"""Synthetic logs: the same for the same options, exactly as long as asked for, and without a misfit."""

import json
import os
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import Run
from hypothesis import given
from hypothesis import strategies as st
from support import naive
from support.strategies import EXAMPLES, run

from cti_es.logs.ndjson import write_events
from cti_es.testing.random_logs import GROUP, Plan, generate
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.event_text import read_event
from cti_es.vocabulary.events import DeviceAdded, Event, NodeAdded, encode
from cti_es.vocabulary.times import canonical_time, sort_key
from cti_es_cli.main import main

PLANS = {
    "as it comes": Plan(),
    "one node": Plan(nodes=1),
    "many nodes": Plan(nodes=9),
    "one device": Plan(devices=1, events=300),
    "many devices": Plan(devices=120),
    "no lines": Plan(lines=0),
    "many lines": Plan(lines=12),
    "applications": Plan(apps=5),
    "no calls": Plan(calls=0),
    "nothing but calls": Plan(calls=1),
    "one of everything": Plan(nodes=1, devices=1, lines=1, apps=1, events=500),
    "as little as can be": Plan(nodes=1, devices=1, lines=0, calls=0, events=500),
    "early": Plan(start="1970-01-01T00:00:00+00:00"),
    "with a fraction": Plan(start="2026-06-30T12:00:00.123456+02:00"),
}
each = pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)

plans = st.builds(
    Plan,
    seed=st.integers(0, 1 << 32),
    events=st.integers(1, 150),
    nodes=st.integers(1, 6),
    devices=st.integers(1, 12),
    lines=st.integers(0, 4),
    apps=st.integers(1, 4),
    calls=st.floats(0, 1),
    start=st.just(Plan().start),
)


def faults(plan: Plan) -> list[Any]:
    """What is wrong with the log of a plan."""
    events = list(generate(plan))
    found: list[Any] = list(run(events)[1].misfits)
    found += [event for event in events if encode(read_event(encode(event), "")) != encode(event)]
    found += [pair for pair in pairwise(map(at, events)) if pair[0] >= pair[1]]
    return [*found, len(events)] if len(events) != plan.events else found


def at(event: Event) -> str:
    """What orders an event by time."""
    return sort_key(event.at or "")


@each
def test_log_is_as_long_as_asked_for_and_fits(plan: Plan) -> None:
    """Every option gives a log of exactly that many canonical events, in order of time, without a misfit."""
    assert faults(plan) == []


def test_every_seed_fits() -> None:
    """So does every seed, with refusals and failures, and for the naive fold, too."""
    for seed in range(100):
        plan = Plan(seed=seed, events=150, calls=0.4, apps=2, devices=6)
        log = [json.loads(encode(event)) for event in generate(plan)]

        assert faults(plan) == []
        assert naive.fold(log).misfits == []


@EXAMPLES
@given(plans)
def test_any_plan_fits(plan: Plan) -> None:
    """And so does any mixture of options."""
    assert faults(plan) == []


@pytest.mark.parametrize("count", [0, 1, 2, 3, 13, 14, 1000])
def test_count_is_exact(count: int) -> None:
    """The number of events counts all of them, the configuration included, however few."""
    events = list(islice(generate(Plan(events=count)), count + 1))

    assert len(events) == count


def test_shorter_log_is_the_beginning_of_a_longer_one() -> None:
    """More events of the same options continue the log; they do not change it."""
    short, long = (list(generate(Plan(events=count))) for count in (100, 300))

    assert long[:100] == short


@each
def test_same_options_give_the_same_log(plan: Plan) -> None:
    """A log is determined by its options."""
    assert write_events(list(generate(plan))) == write_events(list(generate(plan)))


def test_another_seed_gives_another_log() -> None:
    """Seeds matter."""
    found = {write_events(list(generate(Plan(seed=seed, events=100)))) for seed in range(20)}

    assert len(found) == 20


@each
def test_options_are_heeded(plan: Plan) -> None:
    """Nodes, devices, lines, applications and the start are those that were asked for."""
    events = list(generate(plan))
    devices = [event for event in events if isinstance(event, DeviceAdded)]
    apps = {event.app for event in events if hasattr(event, "app")}
    start = canonical_time(plan.start)

    assert sum(isinstance(event, NodeAdded) for event in events) == plan.nodes
    assert len(devices) == plan.devices
    assert all(len(device.lines or ()) <= plan.lines for device in devices)
    assert all(1 <= len(device.group or ()) <= GROUP for device in devices)
    assert len(apps) <= plan.apps
    assert at(events[0]) >= sort_key(start)
    assert events[0].at is not None
    assert events[0].at[:10] == start[:10]


def test_everything_happens() -> None:
    """A generated log of some length has every event type, every kind of device, and every application."""
    events = list(generate(Plan(events=5_000, apps=3, calls=0.5)))
    names = {type(event).__struct_config__.tag for event in events}
    kinds = {event.kind for event in events if isinstance(event, DeviceAdded)}

    assert len(names) == 12
    assert kinds == {"cti_port", "route_point", "phone"}
    assert {event.app for event in events if hasattr(event, "app")} == {None, "app2", "app3"}


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_share_of_calls(share: float) -> None:
    """The share of calls among what happens after the configuration is about what was asked for."""
    events = list(generate(Plan(events=4_000, calls=share, devices=20)))[100:]
    calls = sum(type(event).__struct_config__.tag in ("call_started", "call_ended") for event in events)

    assert abs(calls / len(events) - share) < 0.15


@pytest.mark.parametrize("start", ["yesterday", "2026-01-01", "9999-01-01T00:00:00Z"])
def test_start_that_is_no_time(start: str) -> None:
    """A start that is no time is an error of the input."""
    with pytest.raises(InputError):
        list(generate(Plan(start=start)))


def test_log_that_runs_out_of_time() -> None:
    """A log that would run past the last year that a time may have is an error of the input, too."""
    with pytest.raises(InputError):
        list(generate(Plan(start="9998-12-31T23:59:59Z")))


# The command.


def generated(*options: str) -> bytes:
    """What the command prints."""
    result = CliRunner().invoke(main, ["generate", *options])
    assert result.exit_code == 0, result.output
    return result.stdout_bytes


@pytest.mark.parametrize(
    ("options", "plan"),
    [
        ([], Plan()),
        (["--seed", "7", "--events", "50"], Plan(seed=7, events=50)),
        (["--nodes", "5", "--devices", "20", "--lines", "3"], Plan(nodes=5, devices=20, lines=3)),
        (["--apps", "2", "--calls", "0.2", "--start", "2020-02-29T00:00:00Z"],
         Plan(apps=2, calls=0.2, start="2020-02-29T00:00:00Z")),
    ],
    ids=["none", "seed and events", "nodes, devices and lines", "applications, calls and start"],
)  # fmt: skip
def test_command_prints_the_log(options: list[str], plan: Plan) -> None:
    """The command prints the library's log of the same options as canonical NDJSON."""
    assert generated(*options) == write_events(list(generate(plan)))


def test_command_prints_nothing_when_nothing_is_asked_for() -> None:
    """No events are no events."""
    assert generated("--events", "0") == b""


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_append_takes_what_generate_writes(seed: str, tmp_path: Path) -> None:
    """A generated log passes ``append`` as it is and comes back from the store byte for byte."""
    log, store = tmp_path / "log.ndjson", tmp_path / "site.db"
    log.write_bytes(generated("--seed", seed, "--events", "300", "--apps", "2"))
    appended = CliRunner().invoke(main, ["append", str(store), "--from", str(log)])
    exported = CliRunner().invoke(main, ["export", str(store)])

    assert (appended.exit_code, exported.exit_code) == (0, 0)
    assert appended.stderr.startswith("appended 300, duplicates 0, misfits 0, ")
    assert exported.stdout_bytes == log.read_bytes()


def test_hash_seed_makes_no_difference(cti_es: Run) -> None:
    """The same options give the same log in every process."""
    options = ("generate", "--events", "400", "--apps", "3", "--calls", "0.3")
    found = {cti_es(*options, env={**os.environ, "PYTHONHASHSEED": seed}).stdout for seed in ("1", "2")}

    assert found == {generated(*options[1:])}
