"""Many logs on a Dask cluster: a scheduler and workers of its own kind, started for the test, on this machine."""

import socket
import subprocess
import sys
import time

import pytest

from cti_es.logs.fleet_dask import check_scheduler
from cti_es.vocabulary.errors import InputError, UnencryptedRefused

CLI = (sys.executable, "-m", "cti_es_cli")
PATIENCE = 60.0


@pytest.mark.parametrize(
    "scheduler",
    [
        "tcp://127.0.0.1:8786",
        "tcp://127.9.9.9:1",
        "tcp://[::1]:8786",
        "tcp://localhost:8786",
        "tls://dask.example:8786",
    ],
)
def test_addresses(scheduler):
    """On this machine a connection may be unencrypted; an encrypted one may go anywhere."""
    assert check_scheduler(scheduler, insecure=False) is None


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "dask.example", "localhost.example", "[fe80::1]", "0.0.0.0", "127.0.0.1.example"]
)
def test_beyond_this_machine(host):
    """Anywhere else it may not, unless that is asked for."""
    assert check_scheduler(f"tcp://{host}:8786", insecure=True) is None
    with pytest.raises(UnencryptedRefused):
        check_scheduler(f"tcp://{host}:8786", insecure=False)


@pytest.mark.parametrize(
    "scheduler", ["", "localhost", "tcp://", "tcp://:8786", "http://localhost:1", "tcp://[::1", "tcp://a:b"]
)
def test_no_address(scheduler):
    """What is no address of a scheduler is refused, whatever is allowed."""
    with pytest.raises(InputError, match="no address of a scheduler"):
        check_scheduler(scheduler, insecure=True)


# --- a cluster ------------------------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found


class Cluster:
    """A scheduler and two workers."""

    def __init__(self, folder, scheme="tcp", *options):
        self.port = free_port()
        self.address = f"{scheme}://127.0.0.1:{self.port}"
        self.log = folder / "dask.txt"
        self._folder = folder
        self._options = options
        self.processes = []
        self._start("scheduler", "--host", f"{scheme}://127.0.0.1", "--port", str(self.port), "--no-dashboard")
        wait_for(lambda: "Scheduler at" in self.log.read_text())
        self.worker()
        self.worker()

    def worker(self):
        """Start a worker without a nanny, so that nobody starts it again when it dies."""
        before = self.log.read_text().count("Registered to")
        self._start(
            "worker",
            self.address,
            "--no-nanny",
            "--nthreads",
            "1",
            "--no-dashboard",
            "--local-directory",
            str(self._folder),
        )
        wait_for(lambda: self.log.read_text().count("Registered to") > before)

    def _start(self, *arguments):
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "dask", *arguments, *self._options]
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd="/"))

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait(PATIENCE)


@pytest.fixture
def logs(tmp_path, monkeypatch):
    """The folder of a test, with three logs, one of them broken in its last line."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    for seed in (1, 2, 3):
        subprocess.run(
            [*CLI, "generate", "--events", "3000", "--seed", str(seed), "-o", f"logs/{seed}.ndjson"], check=True
        )
    with open("logs/2.ndjson", "ab") as file:
        file.write(b"{\n")
    return tmp_path / "logs"


def run(*arguments):
    return subprocess.run([*CLI, *arguments], capture_output=True)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["replay", "outages"])
def test_the_same_as_here(command, logs, tmp_path):
    """A cluster gives the same bytes as one process, in text and in NDJSON; a bad log is named and the exit code is 2."""
    pytest.importorskip("distributed", reason="pip install 'cti-es[dask]'")
    cluster = Cluster(tmp_path)
    try:
        for format in ("text", "ndjson"):
            here = run(command, "logs", "--format", format)
            there = run(command, "logs", "--format", format, "--scheduler", cluster.address)

            assert (there.stdout, there.returncode) == (here.stdout, here.returncode)
            assert here.returncode == 2
            assert there.stderr.decode().replace(f"{tmp_path}/", "") == here.stderr.decode()
            assert b"logs/2.ndjson:3001" in here.stderr
    finally:
        cluster.close()


@pytest.mark.slow
def test_no_certificates(tmp_path):
    """An encrypted connection without certificates is refused with the place where they belong."""
    pytest.importorskip("distributed", reason="pip install 'cti-es[dask]'")
    (tmp_path / "a.ndjson").write_bytes(b"")
    refused = run("homes", str(tmp_path / "a.ndjson"), "--scheduler", "tls://localhost:8786")

    assert (refused.returncode, refused.stdout) == (2, b"")
    assert refused.stderr.startswith(
        b"cti-es: tls://localhost:8786: no certificates are configured; expected distributed.comm.tls"
    )
    assert b"Traceback" not in refused.stderr
