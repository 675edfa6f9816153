"""Measures a page of 100,000 messages on 400 devices: ``python tests/benchmarks/page.py``. Needs Chromium and Playwright.

The figures stand in docs/reference/commands/report.md. Processor time, since machines are shared.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from cti_es.model.replay import Replay
from cti_es.testing.random_logs import Plan, generate
from cti_es.vocabulary.events import encode

MESSAGES = 100_000
ZOOM = """
async (steps) => {
  const canvas = document.querySelector("canvas"), stage = document.getElementById("stage"), box = canvas.getBoundingClientRect();
  for (let step = 0; step < steps; step++) {
    const before = stage.dataset.painted, deltaY = step < steps / 2 ? -100 : 100;
    canvas.dispatchEvent(new WheelEvent("wheel", { deltaY, cancelable: true, clientX: box.x + 700, clientY: box.y + 100 }));
    while (stage.dataset.painted === before) await new Promise(requestAnimationFrame);
  }
}
"""


def _log(file: Path) -> None:
    replay = Replay()
    with file.open("wb") as out:
        for event in generate(Plan(seed=5, events=1_000_000, devices=400, calls=0.9, apps=2)):
            replay.advance([event])
            out.write(encode(event) + b"\n")
            if replay.seq >= MESSAGES:
                break
    print(f"{replay.version:,} events, {replay.seq:,} messages")


def _command(*words: str) -> float:
    """Run cti-es; its processor time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "cti_es_cli", *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _processes() -> dict[int, tuple[int, int]]:
    """Each process with its parent and its processor time in ticks."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[int(folder.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    return found


def _below() -> float:
    """The processor time of all processes below this one."""
    processes, total = _processes(), 0
    for process, (parent, ticks) in processes.items():
        while parent in processes and parent != os.getpid():
            parent = processes[parent][0]
        total += ticks if parent == os.getpid() and process != os.getpid() else 0
    return total / os.sysconf("SC_CLK_TCK")


def _open(page_file: Path, steps: int = 24) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto("about:blank")
        before, began = _below(), time.monotonic()
        page.goto(page_file.as_uri())
        page.wait_for_selector("#stage[data-painted]")
        print(f"opened: {_below() - before:.2f} s of processor time, {time.monotonic() - began:.2f} s")
        before = _below()
        page.evaluate(ZOOM, steps)
        print(f"zoom: {(_below() - before) / steps * 1000:.0f} ms of processor time a step")
        browser.close()


def main() -> None:
    """Print all figures."""
    with TemporaryDirectory() as folder:
        log, page = Path(folder) / "log.ndjson", Path(folder) / "page.html"
        _log(log)
        print(f"replay: {_command('replay', str(log), '--digest'):.2f} s of processor time")
        print(f"report: {_command('report', str(log), '-o', str(page)):.2f} s of processor time")
        print(f"page: {page.stat().st_size / 1e6:.2f} MB")
        _open(page)


if __name__ == "__main__":
    main()
