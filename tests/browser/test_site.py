"""The site of the documentation, opened as a file: its search needs a worker, which browsers start for no file."""

from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.browser

WORKER = "self.onmessage = (event) => self.postMessage({ said: event.data.word.toUpperCase(), array: Array.isArray(event.data.list) })"
PAGE = """<!doctype html><title>no answer</title><body><script src="iframe-worker.js"></script><script>
const worker = new Worker("worker.js")
let within = true
worker.onmessage = (event) => { document.title = JSON.stringify([event.data, within]) }
worker.postMessage({ word: "suspend", list: [1] })
within = false
</script>"""


def test_a_worker_answers_a_page_that_is_a_file(browser, tmp_path: Path):
    """It is asked and answers as a worker does: with copies of what it is sent, and never before the question is over."""
    (tmp_path / "iframe-worker.js").write_bytes((ROOT / "docs" / "site" / "iframe-worker.js").read_bytes())
    (tmp_path / "worker.js").write_text(WORKER)
    (tmp_path / "page.html").write_text(PAGE)
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_function("document.title !== 'no answer'")
    assert page.title() == '[{"said":"SUSPEND","array":true},false]'
    page.close()
