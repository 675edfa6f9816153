"""Many logs at once: folders and patterns, --jobs, one bad log among others, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cti_es_cli.progress import LogsDone

PATIENCE = 20.0


@pytest.fixture
def fleet(site, write, example, tmp_path):
    """A folder with a store of two logs, three bare logs of which one is broken in its fifth line, and a read-me."""
    (tmp_path / "logs").mkdir()
    lines = example.splitlines(keepends=True)
    site.rename(tmp_path / "logs" / "site.db")
    for name, data in {
        "a.ndjson": example,
        "broken.ndjson": b"".join([*lines[:4], b"{\n"]),
        "c.ndjson": b"".join(lines[:8]),
        "misfit.ndjson": example + b'{"type":"node_failed","node":"gone","at":"2026-03-02T10:00:00Z"}\n',
        "read.me": b"about the logs",
    }.items():
        write(data, f"logs/{name}")
    return "logs"


def sources(result):
    return list(dict.fromkeys(json.loads(line)["source"] for line in result.stdout.splitlines()))


def test_a_folder(fleet, quick):
    """All logs of a folder, by name; what is no log is named, and so is the one that is broken; the others are read."""
    result = quick("log", fleet, "--ndjson")

    assert sources(result) == [f"logs/{name}" for name in ("a.ndjson", "c.ndjson", "misfit.ndjson", "site.db")]
    assert result.returncode == 2
    assert result.stderr.decode().splitlines() == [
        "warning: no logs, passed over: read.me",
        "cti-es: logs/broken.ndjson:5: not JSON: the line ends in the middle of a JSON value; expected one JSON object a line",
        "1 of 5 logs could not be read to their end",
    ]


def test_patterns(fleet, quick):
    """A quoted pattern is what a shell makes of it, also of the names of logs; a row says its SOURCE even of one log."""
    assert sources(quick("homes", "logs/[ac]*", "--ndjson")) == ["logs/a.ndjson", "logs/c.ndjson"]
    assert sources(quick("homes", "logs/site.db#d*", "--ndjson")) == ["logs/site.db#default"]
    assert quick("homes", "logs/z*").returncode == 2


@pytest.mark.parametrize(
    ("command", "format"),
    [
        ("replay", "text"),
        ("outages", "ndjson"),
        *(
            pytest.param(command, format, marks=pytest.mark.slow)
            for command in ("replay", "outages", "log")
            for format in ("text", "markdown", "ndjson", "csv")
        ),
    ],
)
def test_the_same_from_any_number_of_processes(command, format, fleet, quick):
    """Results, warnings, errors and exit code are those of one process, byte for byte."""
    alone, *others = [quick(command, fleet, "--format", format, "--jobs", jobs) for jobs in ("1", "2", "3")]

    assert alone.returncode == 2
    assert (b"misfit 11" in alone.stderr) == (command == "replay")
    assert [(one.stdout, one.stderr, one.returncode) for one in others] == [(alone.stdout, alone.stderr, 2)] * 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("log", "--type", "node_failed"),
        pytest.param(("homes", "--count"), marks=pytest.mark.slow),
        ("homes", "--as-of", "2026-03-02T09:50:00", "--tz", "+01:00"),
        pytest.param(("history", "--device", "CTIP_IVR_01"), marks=pytest.mark.slow),
        pytest.param(("replay", "--digest"), marks=pytest.mark.slow),
        pytest.param(("replay", "--misfits"), marks=pytest.mark.slow),
        pytest.param(("incident",), marks=pytest.mark.slow),
        pytest.param(("incident", "--format", "markdown"), marks=pytest.mark.slow),
        pytest.param(("impact", "--devices"), marks=pytest.mark.slow),
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_every_command_in_processes(arguments, fleet, quick):
    """Whatever a command is asked, other processes are told: filters, cuts and the time zone of text."""
    logs = ["logs/a.ndjson", "logs/c.ndjson", "logs/misfit.ndjson", "logs/site.db"]
    alone, two = (quick(arguments[0], *logs, *arguments[1:], "--jobs", jobs) for jobs in ("1", "2"))

    assert (alone.returncode, two.returncode) == (0, 0), alone.stderr
    assert alone.stdout
    assert (two.stdout, two.stderr) == (alone.stdout, alone.stderr)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_no_digest_of_a_part(jobs, fleet, quick, refused):
    """A digest that lacks a log would be taken for one of all; so there is none."""
    refused(quick("replay", fleet, "--digest", "--jobs", jobs), "broken.ndjson:5", "no digest")


def test_a_file_has_what_could_be_read(fleet, quick, tmp_path):
    """-o gets the others of a fleet in which one log is bad; the exit code says so."""
    printed = quick("homes", fleet)
    result = quick("homes", fleet, "-o", "homes.txt")

    assert (printed.returncode, result.returncode) == (2, 2)
    assert (tmp_path / "homes.txt").read_bytes() == printed.stdout != b""


def test_an_error_names_its_log(fleet, quick):
    """An error that knows no log, such as a device that one of them lacks, is said with its SOURCE."""
    result = quick("homes", "logs/a.ndjson", "logs/c.ndjson", "--device", "CTIP_GONE")

    assert [line.split(": ")[1] for line in result.stderr.decode().splitlines()[:2]] == [
        "logs/a.ndjson",
        "logs/c.ndjson",
    ]


def test_standard_input_among_others(fleet, example, quick):
    """A pipe is read by the process that has it, in its turn."""
    alone, two = (
        quick("homes", "logs/a.ndjson", "-", "logs/c.ndjson", "--jobs", jobs, input=example) for jobs in ("1", "2")
    )

    assert alone.returncode == 0
    assert (two.stdout, two.stderr) == (alone.stdout, b"")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--scheduler", "tcp://10.0.0.1:8786"), ("tcp://10.0.0.1:8786", "tls://", "--insecure")),
        (("--scheduler", "tcp://dask.example:8786"), ("dask.example", "--insecure")),
        (("--scheduler", "10.0.0.1:8786"), ("no address of a scheduler",)),
        (("--scheduler", "http://localhost:8786"), ("no address of a scheduler",)),
        (("--scheduler", "tcp://localhost"), ("no address of a scheduler",)),
        (("--scheduler", "tcp://localhost:8786", "--jobs", "2"), ("--jobs",)),
        (("--insecure",), ("--scheduler",)),
    ],
    ids=str,
)
def test_a_scheduler_that_is_refused(arguments, words, fleet, quick, refused):
    """Nothing is sent unencrypted beyond this machine without --insecure; an address is a scheme, a host and a port."""
    refused(quick("homes", "logs/a.ndjson", "logs/c.ndjson", *arguments), *words)


def test_incidents_of_several_logs(fleet, quick):
    """The report of each log that has had an incident stands under its name; a log without one is not named."""
    result = quick("incident", "logs/a.ndjson", "logs/c.ndjson", "--since", "2026-03-02T09:50:00Z")
    lines = result.stdout.decode().splitlines()

    assert result.returncode == 0
    assert lines[:2] == ["logs/a.ndjson", "Incident 1: node cm1 failed"]
    assert lines[lines.index("logs/c.ndjson") - 1] == ""
    assert (
        quick("incident", "logs/a.ndjson", "logs/c.ndjson", "--until", "2020-01-01T00:00:00Z").stdout
        == b"no incidents\n"
    )


def test_impact_on_several_logs(fleet, quick):
    """A table of all logs, each row with its SOURCE; --check looks at all of them, in other processes, too."""
    alone = quick("impact", "logs/a.ndjson", "--check")
    two = quick("impact", "logs/a.ndjson", "logs/site.db", "--check")

    assert two.returncode == alone.returncode
    assert two.stdout.decode().split()[0] == "SOURCE"
    assert sources(quick("impact", "logs/a.ndjson", "logs/site.db", "--ndjson", "--jobs", "2")) == [
        "logs/a.ndjson",
        "logs/site.db",
    ]


# --- processes ------------------------------------------------------------------------------------------------------


def children(process):
    """The process ids of the processes that work for a process."""
    pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def wait_for(condition):
    """Wait until something is the case; whether it is."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


@pytest.fixture
def busy_fleet(big_file, started, environment, tmp_path):
    """A run of two processes on many logs, and a folder for its temporary files."""
    (tmp_path / "temporary").mkdir()
    arguments = ("history", *[big_file] * 400, "--device", "SEP00110009", "--jobs", "2", "--ndjson")
    run = started(*arguments, env=environment({"TMPDIR": str(tmp_path / "temporary")}))
    assert wait_for(lambda: len(children(run.process)) == 2)
    return run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_end_leaves_nothing_behind(number, busy_fleet, tmp_path):
    """Ctrl-C, kill and a closed terminal end all processes and take the temporary files away; nothing more is said."""
    busy_fleet.settle()
    pids = children(busy_fleet.process)

    assert busy_fleet.interrupt(number) == 128 + number
    assert wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    assert os.listdir(tmp_path / "temporary") == []
    assert busy_fleet.errors.strip() == ""


def test_processes_do_not_outlive_the_one_that_started_them(busy_fleet):
    """When the command is killed in a way that it cannot answer, its processes end by themselves."""
    pids = children(busy_fleet.process)
    busy_fleet.process.kill()

    assert wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def test_a_closed_pipe(big_file, tmp_path, environment):
    """Who reads only the head of the output ends the command quietly."""
    command = [sys.executable, "-m", "cti_es_cli", "replay", *[big_file] * 20, "--jobs", "2"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=environment()
    ) as run:
        first = run.stdout.readline()
        run.stdout.close()
        errors = run.stderr.read()

    assert (first[:6], run.wait(), errors) == (b"SOURCE", 0, b"")


def test_progress(monkeypatch):
    """On a terminal a line says how many logs are done, once it takes longer than a second, and is taken away."""
    written = []
    seconds = iter(range(100))
    monkeypatch.setattr("cti_es.logs.clock.seconds", lambda: float(next(seconds)))
    monkeypatch.setattr("sys.stdout", Terminal(written))
    monkeypatch.setattr("sys.stderr", Terminal(written))
    line = LogsDone(64)
    line.show(12, 1_200_000)
    line.hide()

    assert written == ["\r12 of 64 logs, 1,200,000 events", "\r                               \r"]


class Terminal:
    """A stream that says it is a terminal, and keeps what is written."""

    def __init__(self, written):
        self.write = written.append

    def isatty(self):
        return True

    def flush(self):
        """Nothing is held back."""
