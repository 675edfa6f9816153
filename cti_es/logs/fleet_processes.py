"""Many logs in processes of this machine (docs/reference/fleets.md#processes).

A process writes what comes of a log into a file and goes on with the next log, so that nothing is held in memory
however much it is, and none waits until somebody has read it.
"""

import os
import signal
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, NamedTuple

from cti_es.logs.bytes_in import is_piped
from cti_es.logs.fleet import EVERY, Progress, Task, tell_nobody
from cti_es.logs.fleet_items import read_items, write_items
from cti_es.vocabulary.errors import WorkerDied, blamed_on

_SPAWN = get_context("spawn")  # a new process knows only what it is given, on every system


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


def run_in_processes(
    addresses: Sequence[str], task: Task, jobs: int, progress: Progress | None, again: bool
) -> Generator[Iterable[Any]]:
    """As :func:`~cti_es.logs.fleet.run_many` does, in so many processes."""
    with (
        TemporaryDirectory(prefix="cti-es-", ignore_cleanup_errors=True) as folder,
        closing(_Team(_Work(task, addresses, folder), jobs, progress, again)) as team,
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

    def __init__(self, work: _Work, size: int, progress: Progress | None, again: bool) -> None:
        self._work = work
        self._progress = progress
        self._again = again
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
        if number in self._retried or not self._again:
            file.write_bytes(b"")
            what = f"its process {how}{', twice' if self._again else ''}"
            self._done[number] = WorkerDied(what, where=self._work.addresses[number])
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
