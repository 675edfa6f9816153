"""The example pages of the documentation, from what they are made, and their screenshots.

``python tests/support/pages.py`` writes docs/pictures anew. The screenshots need Chromium and Playwright.
"""

import gzip
import re
import sys
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
OUTAGE = ROOT / "fixtures" / "real" / "constructed-outage"


class Example(NamedTuple):
    """An example page: the files that ``report`` is given, by name; the first is EXPECTED."""

    name: str
    files: Callable[[], dict[str, bytes]]


class Shot(NamedTuple):
    """A screenshot: of which page, how large the window is, which colours, at which place of the page."""

    name: str
    page: str
    width: int
    height: int
    colours: str = "light"
    fragment: str = ""
    selector: str | None = None


def _worked_example() -> dict[str, bytes]:
    from cti_es.testing.worked_example import EVENTS

    return {"events.ndjson": EVENTS}


def _failover() -> dict[str, bytes]:
    from support import failover

    return {"failover.ndjson": failover.events()}


def _outage() -> dict[str, bytes]:
    return {name: (OUTAGE / name).read_bytes() for name in ("expected-log.ndjson", "cucm-sub2.log")}


def _first_session() -> dict[str, bytes]:
    """The events that docs/start/first-session.md appends, and what its application received: all but message 7."""
    import cti_es
    from cti_es.logs.ndjson import write_events

    text = (ROOT / "docs" / "start" / "first-session.md").read_text("utf-8")
    log = cti_es.Log()
    for event_type, words in re.findall(r"(?m)^\$ cti-es append lab\.db (\w+) (.*)\n(?=appended)", text):
        fields: dict[str, Any] = dict(word.split("=", 1) for word in words.split())
        lists = {name: fields[name].split(",") for name in ("lines", "group") if name in fields}
        log.append(event_type, **{**fields, **lists})
    received = [msgspec.json.encode(message) + b"\n" for message in log.messages() if message.seq != 7]
    return {
        "lab.ndjson": write_events([stored.event for stored in log.events()]),
        "received.ndjson": b"".join(received),
    }


EXAMPLES = (
    Example("first-session", _first_session),
    Example("worked-example", _worked_example),
    Example("failover", _failover),
    Example("outage", _outage),
)

SHOTS = (
    Shot("outage", "outage", 1280, 860),
    Shot("outage-dark", "outage", 1280, 860, "dark"),
    Shot("outage-narrow", "outage", 390, 844),
    Shot("ladder", "outage", 1280, 860, selector="#ladder"),
    Shot("failover", "failover", 1280, 860),
    Shot("first-session", "first-session", 1280, 760),
)


def unpacked(page: bytes) -> str:
    """A page with its data as JSON: what has to be the same whatever zlib packed it."""
    text = page.decode()
    return re.sub(r'(?<=id="data">)[^<]*', lambda found: gzip.decompress(b64decode(found[0])).decode(), text, count=1)


def write(example: Example, run: Callable[..., Any], folder: Path) -> bytes:
    """The page of an example; ``run`` runs cti-es with its arguments in ``folder``."""
    files = example.files()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    run("report", *files, "-o", "page.html")
    return (folder / "page.html").read_bytes()


def shoot(browser: Any, shot: Shot) -> bytes:
    """A screenshot as PNG."""
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height}, color_scheme=shot.colours, reduced_motion="reduce"
    )
    try:
        page = context.new_page()
        page.goto((PICTURES / f"{shot.page}.html").as_uri() + shot.fragment)
        page.wait_for_selector("#stage[data-painted]")
        where = page.locator(shot.selector) if shot.selector else page
        return bytes(where.screenshot(animations="disabled"))
    finally:
        context.close()


def _main() -> None:
    import subprocess

    from playwright.sync_api import sync_playwright

    for example in EXAMPLES:
        with TemporaryDirectory() as folder:

            def run(*arguments: str, folder: str = folder) -> None:
                code = subprocess.run(
                    [sys.executable, "-m", "cti_es_cli", *arguments], cwd=folder, check=False
                ).returncode
                assert code in (0, 1), code

            (PICTURES / f"{example.name}.html").write_bytes(write(example, run, Path(folder)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for shot in SHOTS:
            (PICTURES / f"{shot.name}.png").write_bytes(shoot(browser, shot))
        browser.close()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests"))
    PICTURES.mkdir(exist_ok=True)
    _main()
