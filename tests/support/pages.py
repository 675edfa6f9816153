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


EXAMPLES = (
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
