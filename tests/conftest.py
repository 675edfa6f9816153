"""What every test may use."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "fixtures"
SCENARIOS = sorted(path.parent for path in FIXTURES.glob("*/log.ndjson"))

HIDDEN = ("NO_COLOR", "FORCE_COLOR", "PYTHONUNBUFFERED")
"""What a developer may have set and a test must not depend on."""

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def cti_es(tmp_path: Path) -> Run:
    """Run cti-es as a real process in a folder of its own; ``input`` is its standard input."""

    def run(*arguments: str, **options: object) -> "subprocess.CompletedProcess[bytes]":
        environment = {key: value for key, value in os.environ.items() if key not in HIDDEN}
        settings = {"cwd": tmp_path, "env": environment, "capture_output": True, "timeout": 60, **options}
        if "input" not in settings and "stdin" not in settings:
            settings["stdin"] = subprocess.DEVNULL
        return subprocess.run([sys.executable, "-m", "cti_es_cli", *arguments], check=False, **settings)  # type: ignore[call-overload,no-any-return]

    return run


@pytest.fixture(scope="session")
def forked() -> Iterator[str]:
    """The socket of a process that runs cti-es for those who ask it: see tests/support/forked.py."""
    from support import forked

    with TemporaryDirectory(prefix="cti") as folder:
        socket = f"{folder}/s"
        command = [sys.executable, forked.__file__, "--listen", socket]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline() == b"ready\n"
            yield socket
            process.stdin.close()


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Any]:
    """Empty databases on a real PostgreSQL server: see tests/support/postgres_server.py."""
    from support import postgres_server

    pytest.importorskip("psycopg", reason="needs psycopg: pip install 'cti-es[postgres]'")
    if not os.environ.get("CTI_ES_TEST_POSTGRES") and (why := postgres_server.missing()):
        pytest.skip(why)
    alone = worker_id == "master"
    folder = tmp_path_factory.getbasetemp()
    server = postgres_server.shared(folder if alone else folder.parent, os.getpid() if alone else os.getppid())
    made = postgres_server.Databases(server, f"{os.getpid()}")
    yield made
    made.close()


@pytest.fixture
def database(databases: Any) -> Iterator[str]:
    """The address of an empty database."""
    address = databases.take()
    yield address
    databases.give_back(address)


# --- how much is run (CONTRIBUTING.md) --------------------------------------------------------------------------------

IN_CI = bool(os.environ.get("CI"))
"""CI draws the same examples each time: what it refuses can be had again, and what it passed it passes."""

settings.register_profile("quick", max_examples=50, derandomize=IN_CI)
settings.register_profile("thorough", max_examples=200, derandomize=IN_CI)
settings.load_profile("quick")


def pytest_configure(config: pytest.Config) -> None:
    """Without a word from you what is slow, or needs a browser, is left to CI. Whatever you name is run."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS and not config.option.markexpr:
        config.option.markexpr = "not slow and not browser"


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A process per core for folders; none beside this one for files and words, which would wait for their start."""
    few = config.option.keyword or any(".py" in argument for argument in config.args)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if cores > 1 and not few else 0
