"""Compare the fold with the naive one on many logs: random ones, and logs made with knowledge of the state.

    python tests/campaigns/folds.py --rounds 20000 --machine 2000 --seed 1

Random logs are those of ``tests/support/strategies.py`` with new seeds, the others are made by hypothesis
(``tests/support/machine.py``). Messages with their rules, homes and misfits must be the same. Prints how much was compared;
exits with 1 and writes the log to broken.ndjson if they differ.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from support.machine import FoldMachine
from support.strategies import random_log
from support.worlds import Broken, compare

from cti_es.vocabulary.events import EVENT_TYPES

FIRST = 1_000_000
"""The first seed: the logs of the test suite have small ones."""

STEPS = 80


def main() -> None:
    """Compare, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=2_000, help="random logs")
    parser.add_argument("--machine", type=int, default=500, help="logs made with knowledge of the state")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        random_logs(options.seed, options.rounds)
    except Broken as broken:
        Path("broken.ndjson").write_text(broken.ndjson(), "utf-8")
        sys.exit(f"{broken.what}: the log is in broken.ndjson")
    machine(options.seed, options.machine)


def random_logs(first: int, rounds: int) -> None:
    """Random logs, one by one."""
    types: Counter[str] = Counter()
    for number in range(rounds):
        events = random_log(FIRST * first + number)
        compare(events)
        types.update(event["type"] for event in events)
    report("random logs", rounds, types)


def machine(number: int, rounds: int) -> None:
    """Logs that hypothesis makes. It shrinks and prints one that shows a difference."""
    types: Counter[str] = Counter()
    fitting = logs = 0

    class Counting(FoldMachine):
        def teardown(self) -> None:
            super().teardown()
            nonlocal fitting, logs
            logs += 1
            types.update(event["type"] for event in self.log)
            fitting += len(self.log) - len(self.misfits)

    few = settings(
        max_examples=rounds, stateful_step_count=STEPS, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )  # fmt: skip
    run_state_machine_as_test(seed(number)(Counting), settings=few)
    report("logs by the machine", logs, types)
    print(f"{fitting:,} of their events fitted")


def report(what: str, logs: int, types: Counter[str]) -> None:
    """What was compared, and whether anything was missing."""
    print(
        f"{logs:,} {what}, {types.total():,} events of {len(types)} of {len(EVENT_TYPES)} types: no difference",
        flush=True,
    )


if __name__ == "__main__":
    main()
