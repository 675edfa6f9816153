"""A soak of ``ingest``: nodes write, files are rotated and packed, the process is killed; nothing is lost or twice.

    nice python tests/campaigns/ingest.py --minutes 30

Three nodes and a billing server write into a folder for so many minutes. In the first half ``ingest`` is killed with
kill -9 now and then, in the second half its memory and its open files are measured. At the end the log must be the one
that a single import of all lines makes. Exit code 1 if it is not, or if memory or open files have grown.
"""

import argparse
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.cluster_lines import GIVEN, TOPOLOGY
from support.collector import CDR, Collector, Line, lines_of

LATENESS = 150
"""Longer than the calls of the collector."""

SETTLE = 0.25
"""The share of the second half in which memory may still grow."""


class Process:
    """``ingest`` as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = (folder / "said.txt").open("ab")
        self.deaths = 0
        self._process = self._begun()

    def kill(self) -> None:
        """Kill it with kill -9, and begin again."""
        self._process.kill()
        self._process.wait()
        self.deaths += 1
        self._process = self._begun()

    def size(self) -> tuple[int, int]:
        """Resident memory in KiB, and how many files are open."""
        proc = Path("/proc", str(self._process.pid))
        status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        return int(status["VmRSS"].split()[0]), len(list((proc / "fd").iterdir()))

    def end(self) -> int:
        """End it well; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    def _begun(self) -> "subprocess.Popen[bytes]":
        command = [*cti_es("ingest"), "site.db", *OPTIONS, "--interval", "500ms", "--lateness", f"{LATENESS}s"]
        return subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=self._log)


OPTIONS = ("--watch", "logs", "--nodes", "nodes.csv")


def cti_es(command: str) -> list[str]:
    """The command line of a command."""
    return [sys.executable, "-m", "cti_es", command]


def run(folder: Path, *arguments: str) -> bytes:
    """What a command prints; its errors are shown."""
    return subprocess.run(
        [*cti_es(arguments[0]), *arguments[1:]], cwd=folder, check=True, stdout=subprocess.PIPE
    ).stdout


def prepare(folder: Path) -> None:
    """Two stores with the topology, and the file of nodes."""
    import json

    lines = [json.dumps({**event, "at": "2026-03-01T00:00:00Z"}) for event in TOPOLOGY]
    (folder / "topology.ndjson").write_text("\n".join(lines))
    rows = [f"{node},{ref.removeprefix('number ')}" for ref, node in GIVEN.items()]
    (folder / "nodes.csv").write_text("\n".join(["node,number", *rows, ""]))
    for store in ("site.db", "once.db"):
        run(folder, "append", store, "--from", "topology.ndjson")


def play(
    folder: Path, lines: list[Line], seconds: float, chance: random.Random
) -> tuple[Process, list[tuple[int, int]]]:
    """Write the lines when their time has come, rotate, kill; the sizes of the process in the second half."""
    collector = Collector(folder / "logs", chance)
    for file in ("cm1", "cm2", "cm3"):
        collector.write(file, b"1: nobody: Mar 02 2026 09:00:00.000 UTC : %UC_X-3-Other: %[NodeID=cm1]: t\n")
    collector.write("cdr", CDR.encode() + b"\n")
    behind = {file: chance.uniform(0, 5) for file in ("cm1", "cm2", "cm3", "cdr")}
    waiting = sorted(lines, key=lambda line: -(line.second + behind[line.file]))
    process, begun = Process(folder), time.monotonic()
    sizes: list[tuple[int, int]] = []
    next_death, next_size = chance.uniform(5, 15), seconds / 2
    while waiting:
        now = time.monotonic() - begun
        while waiting and waiting[-1].second + behind[waiting[-1].file] <= now:
            line = waiting.pop()
            data = line.text.encode() + b"\n"
            cut = chance.randrange(len(data)) if chance.random() < 0.02 else len(data)
            collector.write(line.file, data[:cut])
            if cut < len(data):
                time.sleep(0.6)
                collector.write(line.file, data[cut:])
            if chance.random() < 0.002:
                collector.rotate(line.file)
        if next_death < now < seconds / 2:
            process.kill()
            next_death = now + chance.uniform(5, 30)
        if now >= next_size:
            sizes.append(process.size())
            next_size = now + 1
        time.sleep(0.05)
    return process, sizes


def compare(folder: Path, lines: list[Line]) -> bool:
    """Whether the log is that of one import of all lines."""
    files = {}
    for line in lines:
        files.setdefault(line.file, [CDR] if line.file == "cdr" else []).append(line.text)
    for name, some in files.items():
        (folder / f"all-{name}").write_text("\n".join(some) + "\n")
    run(folder, "import", "once.db", "--nodes", "nodes.csv", "--allow-unknown", *(f"all-{name}" for name in files))
    run(folder, "verify", "site.db")
    return run(folder, "export", "site.db") == run(folder, "export", "once.db")


def main() -> int:
    """Run the soak, say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=20.0, help="lines a second")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance, seconds = random.Random(given.seed), min(given.minutes, 55) * 60
    count = int(seconds * given.rate)
    drawn = lines_of(chance, count, 0.1, last=seconds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        process, sizes = play(folder, drawn, seconds, chance)
        code = process.end()
        run(folder, "ingest", "site.db", *OPTIONS, "--no-more")
        is_same = compare(folder, drawn)
        said = (folder / "said.txt").read_text()
        events = run(folder, "export", "site.db").count(b"\n")
        late = [path.name for path in folder.glob("*.aside/*")]
    settled = sizes[int(len(sizes) * SETTLE) :]
    half = len(settled) // 2
    before, after = (statistics.median(rss for rss, _ in some) for some in (settled[:half], settled[half:]))
    handles = {count for _, count in settled}
    print(f"{given.minutes:g} minutes, {count:,} lines, {events:,} events, {process.deaths} times killed, exit {code}")
    print(
        f"the log is that of one import: {is_same}; kept aside: {late or 'nothing'}; traceback: {'Traceback' in said}"
    )
    print(f"memory {before / 1024:.1f} MiB, later {after / 1024:.1f} MiB; open files {min(handles)} to {max(handles)}")
    is_flat = after <= before * 1.05 and max(handles) <= min(handles) + 2
    return 0 if is_same and is_flat and not late and code == 0 and "Traceback" not in said else 1


if __name__ == "__main__":
    sys.exit(main())
