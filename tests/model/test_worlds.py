"""Small worlds: every sequence of inputs up to a depth keeps what the rules promise; a broken fold is found out.

Deeper: ``tests/campaigns/worlds.py``. Its counts are in docs/explanation/trust.md.
"""

import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from support.worlds import WORLDS, Broken, Wrong, check_drained, compare, explore, normalised, walk

from cti_es.logs.ndjson import read_events
from cti_es.model.cluster import Cluster
from cti_es.model.recovery import Recovery
from cti_es.model.replay import Replay
from cti_es.model.tsp import Tsp
from cti_es.vocabulary.events import Event


@pytest.mark.parametrize("fewer", [1, pytest.param(0, marks=pytest.mark.slow)], ids=["shallow", "deep"])
@pytest.mark.parametrize("name", WORLDS)
def test_nothing_goes_wrong_in_a_small_world(name: str, fewer: int) -> None:
    """Every transition, every state and every drain of the world keeps the invariants, up to the world's depth."""
    world = WORLDS[name]
    seen = explore(world, world.depth - fewer, every=200)

    assert (seen.depth, seen.complete) == (world.depth - fewer, False)
    assert seen.transitions > seen.states > (20 if fewer else 200)
    assert 0 < seen.misfits < seen.transitions
    assert seen.drained > seen.states


def test_a_tiny_world_is_complete() -> None:
    """Where no state is new any more exploring ends, however deep it might go; what was merged had come before."""
    world = WORLDS["port"]
    tiny = world._replace(inputs=[one for one in world.inputs if "node" in one["type"]])
    seen = explore(tiny, 99)

    assert seen.complete
    assert (seen.states, seen.transitions) == (4, 16)
    assert seen.misfits == 8


def test_merging_forgets_versions_and_nothing_else() -> None:
    """Two logs that differ in versions only come to one normalised state; another refusal makes another state."""
    site = WORLDS["port"].setup
    opened = {"type": "device_opened", "device": "P"}
    closed = {"type": "device_closed", "device": "P"}
    line = {"type": "line_opened", "device": "P", "line": "1"}
    refused = {"type": "open_refused", "device": "P", "line": "2", "nodes": ["cm2"]}
    once, twice = walk([*site, opened]), walk([*site, opened, closed, opened])

    assert once == twice
    assert once != walk([*site, line, opened])
    assert once != walk([*site, opened, refused])
    assert Replay(once).encoded() == once == normalised(Replay(once))


# The checks are able to fail. Each of these folds is broken in one place; a log is found that shows it.


def no_settling(self: Recovery, device: Any, *_: Any) -> None:
    """Lines that are out of service stay out."""


def impatient(self: Recovery, device: Any) -> None:
    """Re-homing does not wait for calls."""
    if device.state == "out_of_service":
        self.attempt(device)
    elif node := self.cluster.better(device):
        self.suspend(device, "ReHomeToHigherPriorityCM")
        self.resume(device, node)
    self.settle(device)


def settled_down(self: Recovery, device: Any) -> None:
    """Nothing is re-homed any more."""
    if device.state == "out_of_service":
        self.attempt(device)
    self.settle(device)


def patient_ports(self: Recovery, device: Any) -> None:
    """What no node takes is never closed."""
    if (node := self.cluster.best(device)) is not None:
        self.resume(device, node)


def refused_too(self: Cluster, device: Any) -> str | None:
    """The best node may be one that refuses the device."""
    return next((node for node in device.group if self.nodes[node]), None)


def grudge(self: Recovery, event: Any) -> None:
    """Refusals are never lifted."""
    self.consider(self._refusals(event)[0])


def any_call(self: Recovery, events: Any) -> Event | None:
    """Calls are taken in bulk also where a device waits for their end."""
    for event in events:
        if type(event).__name__ != "CallEnded" or event.call not in self.cluster.calls:
            return event  # type: ignore[no-any-return]
        self._end_legs(event.call, self.cluster.named(self.cluster.calls[event.call]))
    return None


def silent(self: Tsp, step: Any) -> None:
    """Handles are gone and nobody is told."""
    self.book.take_all(step.device)


def twice(self: Tsp, step: Any) -> None:
    """Everybody is told twice that a device is back."""
    for _ in range(2):
        for app, held in self.book.holders(step.device):
            if held.phone:
                held.phone.told = "out"
            self._tell_state(step.device, app, held, True, step.lines, "in")


def deaf(self: Tsp, app: str, device: Any, held: Any) -> None:
    """Nothing is said about what happened while there was no link."""


def parked(self: Tsp, app: str, provider: Any) -> None:
    """What waited for a link goes on waiting."""


BREAKS: dict[str, tuple[str, type, str, Callable[..., Any], str]] = {
    # what is broken: (world, class, its method, what it is instead, what is found)
    "settle": ("port", Recovery, "settle", no_settling, "P: line 1 waits for nothing"),
    "a call does not hold up re-homing": ("port", Recovery, "consider", impatient, "P is re-homed while a call is active"),
    "no re-homing": ("three nodes", Recovery, "consider", settled_down, "P: re-homing is due and no call is active"),
    "no closing": (
        "route point and port", Recovery, "attempt", patient_ports, "R: waits though every node is up and none takes it"
    ),
    "refusals are ignored": ("port", Cluster, "best", refused_too, "the naive fold says something else"),
    "refusals stay": ("port", Recovery, "open_allowed", grudge, "P is not back at its original node"),
    "calls in bulk": ("phone", Recovery, "ordinary_calls", any_call, "S: re-homing is due and no call is active"),
    "closed in silence": ("port", Tsp, "_closed", silent, "('app', 'P', None) was opened, is not open and was not told"),
    "told twice": ("port", Tsp, "_resumed", twice, "PHONESTATE_RESUME twice for one handle"),
    "no resynchronisation": ("links", Tsp, "_reopen", deaf, "('app', 'P', None) was told what is not so"),
    "the queue is kept": ("configuration", Tsp, "_deliver", parked, "app has a link and something waits"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_fold_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cti_es: Run) -> None:
    """A fold that is broken in one place is found out, by a log that shows it again and that the true fold passes."""
    world, owner, method, instead, what = BREAKS[name]
    with monkeypatch.context() as broken_fold:
        broken_fold.setattr(owner, method, instead)
        with pytest.raises(Broken) as found:
            explore(WORLDS[world], 5, every=1 if "naive" in what else 0)
        text = found.value.ndjson()
        log = [event for lines in read_events(BytesIO(text.encode()), "broken") for event in lines.events]
        again = shows_it(found.value)

    assert (found.value.what, again) == (what, what)
    assert shows_it(found.value) is None
    assert len(log) == len(found.value.log) > len(WORLDS[world].setup)
    (tmp_path / "broken.ndjson").write_text(text, "utf-8")
    done: subprocess.CompletedProcess[bytes] = cti_es("replay", "broken.ndjson", "--digest")
    assert done.returncode == 0
    assert len(done.stdout) == 65


def shows_it(broken: Broken) -> str | None:
    """What is wrong with the log of a finding, if anything is."""
    try:
        if "naive" in broken.what:
            compare(broken.log)
        state = walk(broken.log)
        if "not back" in broken.what:
            check_drained(Replay(state))
    except Broken as found:
        return found.what
    except Wrong as wrong:
        return str(wrong)
    return None
