"""Let system calls fail: each call of a kind in turn, the first, the second, and so on, while cti-es appends or reads.

strace makes the call fail (Debian's package of that name). After each fault: the exit code is 0 or 2 with a sentence,
what was reported is there, the append is there whole or not at all, ``verify`` finds nothing, and the same append again
works. ``--rounds`` bounds how many calls of a kind are failed.

    python tests/campaigns/syscalls.py --rounds 100
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from campaigns.running import Ran, Report, run, script, trouble


class Fault(NamedTuple):
    """A kind of system call, the error it ends with, and whether only calls on the store's own files count."""

    call: str
    error: str
    own: bool = False


WRITING = (
    Fault("pwrite64", "ENOSPC"),
    Fault("pwrite64", "EIO"),
    Fault("fdatasync", "EIO"),
    Fault("fsync", "EIO"),
    Fault("ftruncate", "EIO"),
    Fault("link", "EPERM"),
    Fault("link", "ENOSPC"),
    Fault("unlink", "EACCES"),
    Fault("mmap", "ENOMEM", own=True),
    Fault("openat", "EACCES", own=True),
    Fault("openat", "EMFILE", own=True),
    Fault("pread64", "EIO", own=True),
)
READING = tuple(fault for fault in WRITING if fault.own)

FILES = ("site.db", "site.db-wal", "site.db-shm", "site.db-journal")
EVENTS = [{"type": "node_added", "node": f"cm{number}", "id": f"id{number}"} for number in range(40)]


def lines(events: list[dict[str, str]]) -> bytes:
    """Events as a file has them."""
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def is_here() -> bool:
    """Whether strace is there and may look at a process."""
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


def failing(folder: Path, fault: Fault, number: int, *arguments: str) -> tuple[Ran, bool]:
    """Run cti-es in a folder with a fault in the call of this number; how it ended, and whether it came to that call."""
    own = [word for name in FILES for word in ("-P", str(folder / name))] if fault.own else []
    inject = f"inject={fault.call}:error={fault.error}:when={number}"
    command = ["strace", "-f", "-qq", "-o", "trace", *own, "-e", f"trace={fault.call}", "-e", inject]
    done = subprocess.run(
        [*command, sys.executable, "-m", "cti_es_cli", *arguments], cwd=folder, capture_output=True, timeout=120, check=False
    )  # fmt: skip
    met = "(INJECTED)" in (folder / "trace").read_text("utf-8", "replace")
    return Ran(arguments, done.returncode, done.stdout, done.stderr.decode()), met


def prepared(folder: Path, stored: int) -> None:
    """A folder with a file of all events, and a store with the first of them; none if ``stored`` is 0."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "events.ndjson").write_bytes(lines(EVENTS))
    if stored:
        run("append", str(folder / "site.db"), "--from", "-", stdin=lines(EVENTS[:stored]))


def stored(folder: Path) -> int:
    """How many events the store has; -1 if they are not the first ones in their order."""
    if not (folder / "site.db").exists():
        return 0
    ids = [json.loads(line)["id"] for line in run("export", str(folder / "site.db")).out.splitlines()]
    return len(ids) if ids == [event["id"] for event in EVENTS[: len(ids)]] else -1


def wrong_after(folder: Path, ran: Ran, before: int) -> str | None:
    """What is wrong after an append with a fault; ``before`` events were stored."""
    there = stored(folder)
    if problem := trouble(ran, (0, 2)):
        return problem
    if there not in (before, len(EVENTS)) or (ran.code == 0 and there != len(EVENTS)):
        return f"exit {ran.code}, but {there} events: {ran.err!a}"
    if there and run("verify", str(folder / "site.db")).code:
        return f"verify finds a fault after {ran.err!a}"
    again = run("append", str(folder / "site.db"), "--from", str(folder / "events.ndjson"))
    if again.code or stored(folder) != len(EVENTS):
        return f"the same append again: {again.err!a} after {ran.err!a}"
    return None


def appends(folder: Path, fault: Fault, before: int, numbers: range) -> Iterator[str | None]:
    """Append with a fault in each of these calls, as long as there are so many; what went wrong each time."""
    for number in numbers:
        prepared(folder, before)
        ran, met = failing(folder, fault, number, "append", "site.db", "--from", "events.ndjson")
        if not met:
            return
        problem = wrong_after(folder, ran, before)
        yield problem and f"{fault.call} {fault.error} {number}, {before} before: {problem}"


def reads(folder: Path, fault: Fault, numbers: range) -> Iterator[str | None]:
    """Read with a fault in each of these calls: exit 0 with all that there is, or 2 with a sentence."""
    prepared(folder, len(EVENTS))
    for number in numbers:
        ran, met = failing(folder, fault, number, "export", "site.db")
        if not met:
            return
        short = ran.code == 0 and ran.out.count(b"\n") != len(EVENTS)
        problem = trouble(ran, (0, 2)) or ("exit 0, but not all events" if short else None)
        yield problem and f"export: {fault.call} {fault.error} {number}: {problem}"


def campaign(rounds: int, _: int) -> Report:
    """Every kind of fault, into a new store, into one that is there, and while one is read."""
    report = Report()
    numbers = range(1, rounds + 1)
    with TemporaryDirectory() as name:
        folder = Path(name) / "work"
        for fault in WRITING:
            for before, what in ((0, "new store"), (3, "store is there")):
                for problem in appends(folder, fault, before, numbers):
                    report.count(f"append, {what}: {fault.call} {fault.error}", problem)
        for fault in READING:
            for problem in reads(folder, fault, numbers):
                report.count(f"export: {fault.call} {fault.error}", problem)
    return report


if __name__ == "__main__":
    script(__doc__, 100, campaign)
