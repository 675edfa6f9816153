"""The fold and the naive one agree on every event of logs made with knowledge of the state."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from support.machine import FoldMachine
from support.strategies import EXAMPLES

from cti_es.model.tsp import Tsp
from cti_es.vocabulary.events import EVENT_TYPES

FEW = settings(
    EXAMPLES,
    max_examples=max(40, EXAMPLES.max_examples // 5),
    stateful_step_count=40,
    suppress_health_check=list(HealthCheck),
)


def test_the_fold_agrees_with_the_naive_one() -> None:
    """After every event messages, homes and misfits are the same; every type of event comes, and most of them fit."""
    types: Counter[str] = Counter()
    fitting: Counter[str] = Counter()

    class Counting(FoldMachine):
        def teardown(self) -> None:
            super().teardown()
            types.update(event["type"] for event in self.log)
            fitting.update(one["type"] for version, one in enumerate(self.log, 1) if version not in self.misfits)

    run_state_machine_as_test(Counting, settings=FEW)

    assert set(fitting) == set(EVENT_TYPES)
    assert fitting.total() > 0.7 * types.total()


def test_the_machine_finds_a_broken_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold that forgets to resynchronise applications is found out."""
    monkeypatch.setattr(Tsp, "_reopen", lambda *_: None)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(FoldMachine, settings=settings(FEW, phases=[Phase.generate]))
