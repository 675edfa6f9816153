"""``ingest``: a constructed outage through watched folders, and how it ends."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import FIXTURES

OUTAGE = FIXTURES / "real" / "constructed-outage"
INGEST = ("ingest", "site.db", "--watch", "logs", "--nodes", "nodes.csv")


@pytest.fixture
def outage(tmp_path, quick):
    """The topology in ``site.db``, the files of the constructed outage in the folder ``logs``."""
    shutil.copytree(OUTAGE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "logs").mkdir()
    for file in (*tmp_path.glob("*.log"), *tmp_path.glob("cdr_*")):
        file.rename(tmp_path / "logs" / file.name)
    assert quick("append", "site.db", "--from", "topology.ndjson").returncode == 0
    return tmp_path


def golden(name):
    """What an import of the same files makes."""
    return (OUTAGE / f"expected-{name}.ndjson").read_bytes()


def test_the_constructed_outage(outage, quick):
    """The same log as an import makes, and nothing more when it is looked at again."""
    first, second = quick(*INGEST, "--no-more"), quick(*INGEST, "--once")

    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stderr.startswith(b"appended 17, duplicates 0, misfits 0, head 26:sha256:")
    assert (second.stdout, second.stderr) == (b"", b"")
    assert quick("export", "site.db").stdout == golden("log")
    assert quick("verify", "site.db").returncode == 0


def test_a_log_made_once_more(outage, quick):
    """--rebuild makes a new log of the same store."""
    quick(*INGEST, "--no-more")
    result = quick(*INGEST, "--rebuild", "site.db#again")

    assert result.returncode == 0, result.stderr
    assert quick("export", "site.db#again").stdout == golden("log")
    assert quick(*INGEST, "--rebuild", "site.db#again").returncode == 2


def test_a_rebuild_loses_no_outage(outage, quick):
    """Without the names of the nodes nothing is made, and the way out is said."""
    quick(*INGEST, "--no-more")
    result = quick("ingest", "site.db", "--watch", "logs", "--rebuild", "site.db#again")

    assert result.returncode == 2
    assert b"would be lost" in result.stderr
    assert b"--nodes says what nodes are called in the files" in result.stderr
    assert quick("export", "site.db#again").returncode == 2


def test_what_came_late_is_said(outage, quick):
    """Late lines are counted with their place, and said to be kept aside."""
    late = outage / "logs" / "cucm-sub2.log"
    late.rename(outage / "late.log")
    quick(*INGEST, "--no-more")
    (outage / "late.log").rename(late)
    result = quick(*INGEST, "--no-more", "--aside", "kept", "--ndjson")

    assert b"came too late: kept aside in kept" in result.stderr
    assert b'"kind":"late"' in result.stdout
    assert (outage / "kept" / "late.log").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ingest", "site.db", "--watch", "nowhere"), b"nowhere: no such folder; expected a folder to watch"),
        (("ingest", "site.db", "--watch", "nodes.csv"), b"nodes.csv: not a folder; expected a folder to watch"),
        (("ingest", "none.db", "--watch", "logs"), b"none.db: no such file; expected a store"),
        (("ingest", "site.db#new", "--watch", "logs", "--once"), b"the log 'new' has no nodes yet"),
        (("ingest", "nodes.csv", "--watch", "logs"), b"nodes.csv: not a store"),
        (("ingest", "site.db"), b"--watch is missing"),
        (("ingest", "site.db", "--watch", "logs", "--once", "--rebuild", "a.db"), b"--rebuild ends by itself"),
    ],
)
def test_what_cannot_be(arguments, said, outage, quick):
    """Each is an error with where and what was expected; nothing is stored."""
    result = quick(*arguments)

    assert (result.returncode, result.stdout) == (2, b"")
    assert said in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a program could hear")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_well(number, outage, quick):
    """Ctrl-C and SIGTERM end after the pass that runs, with exit code 0 and the report."""
    command = [sys.executable, "-m", "cti_es", *INGEST, "--lateness", "0", "--interval", "100ms"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=outage) as process:
        first = process.stderr.readline()
        time.sleep(0.2)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, b"")
    assert first.startswith(b"appended 17,")
    assert b"node_recovered" in out
    assert quick("export", "site.db").stdout == golden("log")
