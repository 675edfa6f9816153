"""A Chromium for all tests of this folder, driven by Playwright. Where there is none they are skipped, but not in CI.

CTI_ES_NPM is a folder with packages from npm: axe-core and mermaid.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cti_es_cli.main import main

REQUIRED = os.environ.get("CTI_ES_BROWSER") == "required"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def missing(what: str) -> None:
    """Skip a test for what is not here; where it must be, fail."""
    (pytest.fail if REQUIRED else pytest.skip)(f"{what} is not installed (CONTRIBUTING.md#the-page-in-a-browser)")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright")
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def npm() -> Callable[[str], str]:
    """The text of a file of a package from npm."""

    def text(path: str) -> str:
        file = Path(os.environ.get("CTI_ES_NPM", "")) / path
        if not os.environ.get("CTI_ES_NPM") or not file.is_file():
            missing(path.partition("/")[0])
        return file.read_text("utf-8")

    return text


@pytest.fixture(scope="session")
def run() -> Callable[..., bytes]:
    """Run cti-es in this process, in the folder of the last word; what it printed."""

    def command(*words: str) -> bytes:
        done = CliRunner().invoke(main, words)
        assert done.exit_code in (0, 1), done.output
        return done.stdout_bytes

    return command


class Opened:
    """A page in the browser, and what went wrong in it: console errors, requests other than for itself."""

    def __init__(self, browser: Any, file: Path, **options: Any) -> None:
        fragment = options.pop("fragment", "")
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", lambda said: self.wrong.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", lambda asked: self._asked(asked.url, file.as_uri()))
        self.page.goto(file.as_uri() + fragment)
        if options.get("java_script_enabled", True):
            self.page.wait_for_selector("#stage[data-painted]")

    def _asked(self, url: str, own: str) -> None:
        if url.partition("#")[0] != own:
            self.wrong.append(f"request: {url}")


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Opened]]:
    """Open a page; what went wrong in it fails the test."""
    pages: list[Opened] = []

    def open_(file: Path, **options: Any) -> Any:
        pages.append(Opened(browser, file, **options))
        return pages[-1].page

    yield open_
    for one in pages:
        one.context.close()
    assert [line for one in pages for line in one.wrong] == []
