"""What the tests of the command line share: files, stores, refusals, processes that go on, terminals.

Nothing here is imported from the command line itself; it is met as a user meets it, as a process.
"""

import ctypes
import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.forked import ask

from cti_es.testing.worked_example import EVENTS

CLI = (sys.executable, "-m", "cti_es_cli")
PATIENCE = 20.0
"""Seconds to wait for what must come before a test gives up."""


FOREIGN = ("NO_COLOR", "FORCE_COLOR", "TERM", "PYTHONUNBUFFERED")
"""What the machine that runs the tests may have set and a user has not: it would hide what buffering does."""


def _environment(changes: dict[str, str] | None = None) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    return {**kept, "TERM": "xterm", **(changes or {})}


@pytest.fixture
def environment() -> Callable[..., dict[str, str]]:
    """The environment of a user, with changes: for processes that a test starts by itself."""
    return _environment


# --- files and stores -----------------------------------------------------------------------------------------------


@pytest.fixture
def example() -> bytes:
    """The worked example as canonical NDJSON: 10 events that cause 20 messages."""
    return EVENTS


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write a file into the folder of the test; gives its name."""

    def to_file(data: bytes | str, name: str = "events.ndjson") -> str:
        (tmp_path / name).write_bytes(data.encode() if isinstance(data, str) else data)
        return name

    return to_file


@pytest.fixture
def log_file(write: Callable[..., str]) -> str:
    """The worked example as a bare file."""
    return write(EVENTS)


@pytest.fixture(scope="session")
def _site_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [*CLI, "append", "site.db", "--from", "-"], cwd=folder, input=EVENTS, check=True, capture_output=True
    )
    return (folder / "site.db").read_bytes()


@pytest.fixture
def site(tmp_path: Path, _site_bytes: bytes) -> Path:
    """A store ``site.db`` with the worked example in its only log, ``default``."""
    path = tmp_path / "site.db"
    path.write_bytes(_site_bytes)
    return path


@pytest.fixture
def rows() -> Callable[[Path], list[Any]]:
    """Everything that a store holds in its batches, as SQLite gives it."""

    def of(path: Path) -> list[Any]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute("SELECT * FROM batches ORDER BY position").fetchall()

    return of


@pytest.fixture
def tamper() -> Callable[..., None]:
    """Run SQL on a store behind the back of cti-es; CHECKs do not stop whoever does that."""

    def run(path: Path, *statements: str, values: tuple[object, ...] = ()) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            for statement in statements:
                connection.execute(statement, values)

    return run


@pytest.fixture(scope="session")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a log of 9,000 events: more than one chunk of a file, one row of a store or one pipe buffer."""
    path = tmp_path_factory.mktemp("big") / "big.ndjson"
    subprocess.run([*CLI, "generate", "--events", "9000", "-o", str(path)], check=True)
    return str(path)


@pytest.fixture(scope="session")
def _busy_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("busy")
    phones = [{"type": "device_added", "device": f"SEP{number}", "kind": "phone"} for number in range(300)]
    turns = [{"type": ("node_failed", "node_recovered")[turn % 2], "node": "cm1"} for turn in range(300)]
    begin = [{"type": "node_added", "node": node} for node in ("cm1", "cm2")]
    events = [*begin, *phones, {"type": "device_opened", "device": "SEP7"}, *turns]
    for part in (events[:560], events[560:]):  # the first part takes some 150,000 steps, the second 30,000
        data = "\n".join(json.dumps({**event, "at": "2026-01-01T08:00:00Z"}) for event in part)
        command = [*CLI, "append", "busy.db", "--from", "-"]
        subprocess.run(command, cwd=folder, input=data.encode(), check=True, capture_output=True)
    return (folder / "busy.db").read_bytes()


@pytest.fixture
def busy(tmp_path: Path, _busy_bytes: bytes) -> Path:
    """A store ``busy.db`` whose log moves 300 phones so often that there are snapshots at version 560 and at its end, 603."""
    path = tmp_path / "busy.db"
    path.write_bytes(_busy_bytes)
    return path


# --- many runs ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _streams(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("streams")
    return [str(folder / name) for name in ("in", "out", "err")]


@pytest.fixture
def quick(forked: str, tmp_path: Path, _streams: list[str]) -> Callable[..., "subprocess.CompletedProcess[bytes]"]:
    """Run cti-es as the fixture ``cti_es`` does, but forked from a process that has imported it already."""

    def run(*arguments: str, input: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        Path(_streams[0]).write_bytes(input)
        with open(_streams[0], "rb") as stdin, open(_streams[1], "wb") as stdout, open(_streams[2], "wb") as stderr:
            streams = [stream.fileno() for stream in (stdin, stdout, stderr)]
            code = ask(forked, ["cti-es", *arguments], str(tmp_path), _environment(), streams)
        return subprocess.CompletedProcess(arguments, code, *(Path(file).read_bytes() for file in _streams[1:]))

    return run


# --- what an error must be ------------------------------------------------------------------------------------------


@pytest.fixture
def refused() -> Callable[..., str]:
    """Assert that a run was refused as users are owed: exit 2, nothing printed, no traceback; gives standard error."""

    def check(result: "subprocess.CompletedProcess[bytes]", *words: str) -> str:
        text = result.stderr.decode()

        assert result.returncode == 2, text
        assert result.stdout == b""
        assert "Traceback" not in text
        assert "fault of cti-es" not in text
        assert [word for word in words if word not in text] == [], text
        return text

    return check


@pytest.fixture
def ndjson(quick: Callable[..., Any]) -> Callable[..., list[Any]]:
    """Run a command that must succeed and read its NDJSON."""

    def run(*arguments: str) -> list[Any]:
        result = quick(*arguments, "--ndjson")

        assert result.returncode == 0, result.stderr.decode()
        return [json.loads(line) for line in result.stdout.splitlines()]

    return run


# --- processes that go on -------------------------------------------------------------------------------------------


def _takes(number: int, status: str) -> bool:
    """Whether a process handles this signal itself, by what /proc says of it; one that has ended takes none."""
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), None)
    return caught is None or bool(int(caught, 16) >> (number - 1) & 1) or "State:\tZ" in status


class Started:
    """A cti-es that runs beside the test."""

    def __init__(self, arguments: tuple[str, ...], folder: Path, **options: Any) -> None:
        settings = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        self.process = subprocess.Popen([*CLI, *arguments], cwd=folder, **{"env": _environment(), **settings})
        self.seen = b""

    def lines(self, count: int, patience: float = PATIENCE) -> list[bytes]:
        """The first ``count`` lines of its output, as soon as they are there; fewer if they do not come."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + patience
        while self.seen.count(b"\n") < count and (left := deadline - time.monotonic()) > 0:
            if not select.select([self.process.stdout], [], [], left)[0]:
                break
            if not (data := os.read(self.process.stdout.fileno(), 1 << 16)):
                break
            self.seen += data
        return self.seen.splitlines()[:count]

    def settle(self) -> None:
        """Give it the time to come to where it waits or works: it has no way to tell that it is there.

        Linux tells when it has begun to take signals; until then a signal would end Python, not cti-es.
        """
        status = Path(f"/proc/{self.process.pid}/status")
        deadline = time.monotonic() + PATIENCE
        while status.exists() and not _takes(signal.SIGTERM, status.read_text()) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.5)

    def interrupt(self, number: int = signal.SIGINT) -> int:
        """Press Ctrl-C (or send another signal) and wait for the end; the exit code. ``seen`` and ``errors`` are all."""
        self.process.send_signal(number)
        return self.end()

    def end(self) -> int:
        """Wait for the end; the exit code."""
        output, errors = self.process.communicate(timeout=PATIENCE)
        self.seen += output or b""
        self.errors = (errors or b"").decode()
        # Ctrl-C within an exec (of an import) makes `python -m` end itself by the signal, though it was handled: 130 to shells.
        return 130 if self.process.returncode == -signal.SIGINT else self.process.returncode


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """Start cti-es and go on; what still runs at the end of the test is ended."""
    running: list[Started] = []

    def start(*arguments: str, **options: Any) -> Started:
        running.append(Started(arguments, tmp_path, **options))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
        for stream in (one.process.stdin, one.process.stdout, one.process.stderr):
            if stream:
                stream.close()


# --- terminals and permissions --------------------------------------------------------------------------------------


@pytest.fixture
def on_terminal(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run cti-es with all of its output on a terminal; the exit code and what the terminal got."""

    def run(*arguments: str, **environment: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [*CLI, *arguments],
            cwd=tmp_path,
            env=_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        text = b""
        while data := _read(ours):
            text += data
        os.close(ours)
        return process.wait(PATIENCE), text.decode().replace("\r\n", "\n")

    return run


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # EIO: the other end is closed
        return b""


def _obey_permissions() -> None:
    """In a child of root: give up the right to ignore permissions (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)."""
    library = ctypes.CDLL(None)
    for capability in (1, 2):
        if library.prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
            raise OSError("the capability cannot be dropped")


@pytest.fixture
def obeying() -> dict[str, Any]:
    """Options for a run to which the permissions of files matter, also when the tests run as root."""
    if os.geteuid() != 0:
        return {}
    if sys.platform != "linux":
        pytest.skip("root ignores permissions, and only Linux lets a process give that up")
    try:
        subprocess.run(["/bin/true"], preexec_fn=_obey_permissions, check=True)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("root ignores permissions, and this root may not give that up")
    return {"preexec_fn": _obey_permissions}
