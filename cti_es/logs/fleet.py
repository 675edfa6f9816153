"""Many logs: a task for each of them, here, in processes of this machine or on a Dask cluster.

Specified in docs/reference/fleets.md.

What comes of the tasks is given in the order of the logs.
"""

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from cti_es.logs.bytes_in import is_piped

EVERY = 0.25
"""Seconds between two looks at how far the work is."""

Tell = Callable[[int], None]
"""Is called with the number of events that a task has read."""

Task = Callable[[str, Tell], Iterable[Any]]
"""What is done with a log: a function of its address. What it gives can be pickled, and so can it be itself."""

Progress = Callable[[int, int], None]
"""Is called with the number of logs that are done and of events that were read."""


class Workers(NamedTuple):
    """Who works: so many processes of this machine (0: one for each core), or the Dask cluster of a scheduler.

    ``insecure``: what the scheduler sends and is sent may pass unencrypted through a network.
    """

    jobs: int = 1
    scheduler: str | None = None
    insecure: bool = False


def run_many(
    addresses: Sequence[str],
    task: Task,
    workers: Workers,
    progress: Progress | None = None,
    again: bool = True,
) -> Generator[Iterable[Any]]:
    """What a task gives for each log, in their order; iterating one raises what its task raised, after what it gave.

    Pipes are read here. What a process that dies was at is done once more (not ``again``: if it can not be done twice),
    then it is :class:`~cti_es.vocabulary.errors.WorkerDied`. Closing the iterator ends all processes.
    """
    if workers.scheduler is not None:
        from cti_es.logs.fleet_dask import run_on_dask

        return run_on_dask(addresses, task, workers.scheduler, workers.insecure, progress)
    jobs = min(workers.jobs or cores(), sum(1 for address in addresses if not is_piped(address)))
    if jobs <= 1:
        return (task(address, tell_nobody) for address in addresses)
    from cti_es.logs.fleet_processes import run_in_processes

    return run_in_processes(addresses, task, jobs, progress, again)


def cores() -> int:
    """How many processes can run at once here."""
    with suppress(AttributeError):  # Windows, macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def tell_nobody(count: int) -> None:
    """A :data:`Tell` for work that nobody waits for."""
