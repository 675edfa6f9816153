"""The plugin with the lowest pytest that is supported; the newest is the one that runs these tests."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT

LOWEST = "8.0.0"


@pytest.mark.slow
def test_the_plugin_on_the_lowest_pytest(tmp_path):
    """The tests of the plugin pass there, too: pytest 8.0 stands before the one of this environment."""
    there = tmp_path / "lowest"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", str(there)]
    subprocess.run([*pip, f"pytest=={LOWEST}"], check=True)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    tests = Path(__file__).with_name("test_pytest_plugin.py")
    words = ["-c", str(tmp_path / "pytest.ini"), "--noconftest", "-p", "cti_es.testing.pytest_plugin", "-v", str(tests)]
    environment = os.environ | {"PYTHONPATH": str(there), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], env=environment, cwd=tmp_path, capture_output=True, text=True
    )

    assert f"pytest-{LOWEST}" in done.stdout
    assert done.returncode == 0, done.stdout


def test_pytest_finds_the_plugin():
    """Whoever installs cti-es has the plugin: the entry point is a module of the library."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (module,) = project["entry-points"]["pytest11"].values()

    assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
