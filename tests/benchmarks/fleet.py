"""Measure many logs at once: ``python tests/benchmarks/fleet.py``; ``--dask`` measures a cluster beside it.

The same command on 64 logs of 20,000 events: in one process, in two and in three, and one log a process by ``xargs -P
2``, in turns. Machines are shared and noisy: what counts are the ratios of the best rounds. The digests of any number of
processes must be the same; a difference ends the run.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from logs import call_heavy

_CTI_ES = (sys.executable, "-m", "cti_es_cli")
COMMANDS = (("replay", "--digest"), ("outages", "--ndjson"))


def main() -> None:
    """Make the logs, run each way in turns, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=int, default=64)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dask", action="store_true")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="cti-es-bench-") as folder, _cluster(options.dask) as scheduler:
        os.chdir(folder)
        for number in range(options.logs):
            _write(Path(f"{number:03}.ndjson"), options.events, number)
        print("| command | how | seconds | times one process |\n|---|---|---|---|")
        for command in COMMANDS:
            _print(command, _ways(command, scheduler), options.rounds)


def _write(path: Path, events: int, seed: int) -> None:
    with path.open("w") as file:
        file.writelines(f"{line}\n" for line in call_heavy(events, seed))


def _ways(command: tuple[str, ...], scheduler: str | None) -> dict[str, list[str]]:
    """The ways to run a command on all logs of this folder."""
    whole = [*_CTI_ES, command[0], ".", *command[1:]]
    each = " ".join([*_CTI_ES, command[0], "{}", *command[1:]])
    ways = {f"--jobs {jobs}": [*whole, "--jobs", str(jobs)] for jobs in (1, 2, 3)}
    ways["xargs -P 2, one log a process"] = ["sh", "-c", f"ls *.ndjson | xargs -P 2 -I {{}} {each}"]
    if scheduler:
        ways["--scheduler, two workers"] = [*whole, "--scheduler", scheduler]
    return ways


def _print(command: tuple[str, ...], ways: dict[str, list[str]], rounds: int) -> None:
    found: dict[str, list[float]] = {way: [] for way in ways}
    outputs = {}
    for _ in range(rounds):
        for way, words in ways.items():
            began = time.perf_counter()
            outputs[way] = subprocess.run(words, check=True, capture_output=True).stdout
            found[way].append(time.perf_counter() - began)
    del outputs["xargs -P 2, one log a process"]  # a digest of each log, and rows without a SOURCE
    assert len(set(outputs.values())) == 1, "not the same bytes"
    one = min(found["--jobs 1"])
    for way, seconds in found.items():
        print(f"| `{' '.join(command)}` | {way} | {min(seconds):.1f} | {one / min(seconds):.2f} × as fast |")


@contextmanager
def _cluster(wanted: bool) -> Iterator[str | None]:
    """The address of a scheduler with two workers on this machine, for the time of the benchmark."""
    if not wanted:
        yield None
        return
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:  # type: ignore[no-untyped-call]
        yield cluster.scheduler_address


if __name__ == "__main__":
    main()
