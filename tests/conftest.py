"""What every test may use."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A process per core for the whole suite; none beside this one for a part of it, which would wait for their start."""
    whole = config.args_source is not pytest.Config.ArgsSource.ARGS and not config.option.keyword
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if whole and cores > 1 else 0
