"""Many logs: a task for each of them, here, in processes of this machine or on a Dask cluster.

Specified in docs/reference/fleets.md.

What comes of the tasks is given in the order of the logs. A process writes it into a file of its own and goes on with
the next log, so that nothing is held in memory however much it is, and none waits until somebody has read it.
"""

import os
import pickle
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, BinaryIO, NamedTuple

from cti_es.logs.bytes_in import is_piped
from cti_es.vocabulary.errors import WorkerDied, blamed_on

EVERY = 0.25
"""Seconds between two looks at how far the processes are."""

_SPAWN = get_context("spawn")  # a new process knows only what it is given, on every system

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
    addresses: Sequence[str], task: Task, workers: Workers, progress: Progress | None = None
) -> Generator[Iterable[Any]]:
    """What a task gives for each log, in their order; iterating one raises what its task raised, after what it gave.

    Pipes are read here. A process that dies is tried once more, then it is
    :class:`~cti_es.vocabulary.errors.WorkerDied`. Closing the iterator ends all processes.
    """
    if workers.scheduler is not None:
        from cti_es.logs.fleet_dask import run_on_dask

        return run_on_dask(addresses, task, workers.scheduler, workers.insecure, progress)
    jobs = min(workers.jobs or cores(), sum(1 for address in addresses if not is_piped(address)))
    if jobs <= 1:
        return (task(address, tell_nobody) for address in addresses)
    return _in_processes(addresses, task, jobs, progress)


def cores() -> int:
    """How many processes can run at once here."""
    with suppress(AttributeError):  # Windows, macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def tell_nobody(count: int) -> None:
    """A :data:`Tell` for work that nobody waits for."""


def portable(error: Exception) -> Exception:
    """The error, or one with its words if it cannot be sent to another process."""
    try:
        return error if type(pickle.loads(pickle.dumps(error))) is type(error) else RuntimeError(str(error))  # noqa: S301
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")


def write_items(stream: BinaryIO, items: Iterable[Any]) -> Exception | None:
    """Write what a task gives; the error that ended it, if one did."""
    try:
        for item in items:
            pickle.dump(item, stream, pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        return portable(error)
    return None


def read_items(stream: BinaryIO, error: Exception | None) -> Iterator[Any]:
    """What :func:`write_items` wrote; then raises the error that it gave."""
    with suppress(EOFError):
        while True:
            yield pickle.load(stream)  # noqa: S301  (written by our own process, in a folder that is ours alone)
    if error is not None:
        raise error


# --- in a process ---------------------------------------------------------------------------------------------------


class _Work(NamedTuple):
    """What every process is given: the task, all logs, and the folder of the files for what comes of each."""

    task: Task
    addresses: Sequence[str]
    folder: str

    def file(self, number: int) -> Path:
        """The file for a log; whoever makes it works on that log."""
        return Path(self.folder, str(number))


class _Said(NamedTuple):
    """What a process says: which log it has begun or is done with, and how many events it has read since."""

    number: int
    events: int = 0
    done: bool = False
    error: Exception | None = None


def _work(pipe: "Connection[_Said, None]", work: _Work, numbers: Iterable[int]) -> None:
    """Do the first log of these that nobody has begun, then the next, until there is none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that started us, and it ends us
    Thread(target=_end_with, args=(pipe,), daemon=True).start()
    for number in numbers:
        try:
            stream = work.file(number).open("xb")
        except FileExistsError:
            continue
        with stream:
            pipe.send(_Said(number))
            items = work.task(work.addresses[number], lambda count, at=number: pipe.send(_Said(at, count)))  # type: ignore[misc]
            error = write_items(stream, items)
            with blamed_on(work.folder):
                stream.close()
        pipe.send(_Said(number, 0, True, error))


def _end_with(pipe: "Connection[_Said, None]") -> None:
    """When the program that started us is gone, so are we."""
    with suppress(EOFError, OSError):
        pipe.recv()
    os._exit(1)


# --- here -----------------------------------------------------------------------------------------------------------


def _in_processes(
    addresses: Sequence[str], task: Task, jobs: int, progress: Progress | None
) -> Generator[Iterable[Any]]:
    with (
        TemporaryDirectory(prefix="cti-es-", ignore_cleanup_errors=True) as folder,
        closing(_Team(_Work(task, addresses, folder), jobs, progress)) as team,
    ):
        for number, address in enumerate(addresses):
            if is_piped(address):
                yield task(address, tell_nobody)
            else:
                yield team.result(number)


class _Member:
    """A process: its pipe, the log that it is at, and how many events it has read."""

    def __init__(self, work: _Work, numbers: Iterable[int]) -> None:
        self.at: int | None = None
        self.pipe, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_work, args=(theirs, work, numbers), daemon=True)
        with theirs, _deaf_to_interrupts():
            self.process.start()

    def end(self) -> None:
        """End the process, whatever it is at."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


class _Team:
    """The processes, and what they have done."""

    def __init__(self, work: _Work, size: int, progress: Progress | None) -> None:
        self._work = work
        self._progress = progress
        self._numbers = [number for number, address in enumerate(work.addresses) if not is_piped(address)]
        self._members: dict[Any, _Member] = {}
        self._done: dict[int, Exception | None] = {}
        self._retried: set[int] = set()
        self._events = 0
        for _ in range(size):
            self._start(self._numbers)

    def result(self, number: int) -> Iterator[Any]:
        """What came of a log, as soon as it is done. Its file is empty afterwards."""
        while number not in self._done:
            if not self._members:  # all are gone, and none has got so far
                self._lost(number, "could not be started")
            self._listen()
        return self._given(number)

    def close(self) -> None:
        """End all processes."""
        for member in self._members.values():
            member.end()
        self._members.clear()

    def _given(self, number: int) -> Iterator[Any]:
        file = self._work.file(number)
        with file.open("rb") as stream:
            yield from read_items(stream, self._done[number])
        file.write_bytes(b"")

    def _start(self, numbers: Iterable[int]) -> None:
        member = _Member(self._work, numbers)
        self._members[member.pipe] = member

    def _listen(self) -> None:
        for pipe in wait(list(self._members), EVERY):
            member = self._members[pipe]
            try:
                self._heard(member, member.pipe.recv())
            except (EOFError, OSError):
                self._gone(self._members.pop(pipe))
        if self._progress:
            self._progress(len(self._done), self._events)

    def _heard(self, member: _Member, said: _Said) -> None:
        self._events += said.events
        member.at = None if said.done else said.number
        if said.done:
            self._done[said.number] = said.error

    def _gone(self, member: _Member) -> None:
        """A process has ended: there is no log left that nobody has begun, or it died."""
        member.process.join()
        code = member.process.exitcode or 0
        member.pipe.close()
        if member.at is not None:
            self._lost(member.at, f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}")

    def _lost(self, number: int, how: str) -> None:
        """The process that worked on a log died: another one begins with it, or with what is left after it."""
        file = self._work.file(number)
        if number in self._retried:
            file.write_bytes(b"")
            self._done[number] = WorkerDied(f"its process {how}, twice", where=self._work.addresses[number])
        else:
            self._retried.add(number)
            file.unlink(missing_ok=True)
        self._start([number, *self._numbers])


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """A process that is started here does not hear Ctrl-C, from its first moment on."""
    if os.name != "posix":
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # would listen to interrupts again in the midst of what follows
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
