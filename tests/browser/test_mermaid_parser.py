"""What ``replay --format mermaid`` prints is read and drawn by Mermaid itself."""

import msgspec
import pytest

from cti_es.testing.worked_example import EVENTS

pytestmark = pytest.mark.browser

HOSTILE = "end; #35; -->>T: <b>%%{init}<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("name", ["RP_SALES", "end", "König & Söhne", HOSTILE])
def test_mermaid_draws_it(name, browser, npm, run, tmp_path):
    """Parsed by its parser, and drawn: every name is there as it is, and none has become an element."""
    log = tmp_path / "log.ndjson"
    log.write_bytes(EVENTS.replace(b'"RP_SALES"', msgspec.json.encode(name)))
    diagram = run("replay", str(log), "--format", "mermaid").decode()
    context = browser.new_context()
    page = context.new_page()
    page.add_script_tag(content=npm("mermaid/dist/mermaid.min.js"))
    page.evaluate("mermaid.initialize({ startOnLoad: false })")
    kind = page.evaluate("(text) => mermaid.parse(text).then((found) => found.diagramType)", diagram)
    svg = page.evaluate("(text) => mermaid.render('drawn', text).then((found) => found.svg)", diagram)
    page.set_content(svg)
    shown = page.locator("svg").text_content()
    images = page.locator("img").count()
    context.close()

    assert kind == "sequence"
    assert images == 0
    assert shown.count(f"{name}: RESUME") == 2
