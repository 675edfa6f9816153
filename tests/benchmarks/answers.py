"""Measure the answers on a log of one million events and 40,000 devices: ``python tests/benchmarks/answers.py``.

``--events N`` and ``--devices N`` make it smaller. Machines are shared and noisy: what counts are the ratios to a
replay of the same log, measured in turns.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from logs import PLAIN, write

ROUNDS = 3
_CTI_ES = (sys.executable, "-m", "cti_es_cli")

COMMANDS = {
    "replay": ("replay", "--ndjson"),
    "outages": ("outages", "--ndjson"),
    "incident": ("incident", "--ndjson"),
    "outages of lines": ("outages", "--lines", "--ndjson"),
    "history of a device": ("history", "--device", "CTIP0001", "--ndjson"),
    "impact of 8 nodes alone": ("impact", "--ndjson"),
}
"""What is measured, the first as the measure of the others."""


def main() -> None:
    """Make the log, run each command in turns, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--devices", type=int, default=40_000)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="cti-es-bench-") as folder:
        file, store = Path(folder, "log.ndjson"), Path(folder, "log.db")
        write(file, options.events, PLAIN._replace(devices=options.devices))
        subprocess.run([*_CTI_ES, "append", str(store), "--from", str(file)], check=True, capture_output=True)
        rounds = [{name: _measured(store, *words) for name, words in COMMANDS.items()} for _ in range(ROUNDS)]
    print("| what | seconds | times a replay | MiB |\n|---|---|---|---|")
    for name in COMMANDS:
        seconds, memory = min(one[name] for one in rounds)
        ratio = seconds / min(one["replay"] for one in rounds)[0]
        print(f"| {name} | {seconds:.1f} | {ratio:.2f} | {memory / 1024:.0f} |")


def _measured(store: Path, command: str, *options: str) -> tuple[float, int]:
    """The seconds and the peak memory (KiB) of one run."""
    began = time.perf_counter()
    process = subprocess.Popen([*_CTI_ES, command, str(store), *options], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return time.perf_counter() - began, usage.ru_maxrss


if __name__ == "__main__":
    main()
