"""The page of ``report`` in a real browser: what a person sees and does."""

import json
import re

import msgspec
import pytest
from support import failover
from support.pages import OUTAGE

from cti_es.testing.worked_example import EVENTS

pytestmark = pytest.mark.browser

HOSTILE = "</script><img src=x onerror=document.title='owned'>\"'${x}"


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where the pages are."""
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="session")
def worked(folder, run):
    """The worked example, of which messages 4 and 12 did not come and one came twice; its page, messages, differences."""
    log, received, page = folder / "log.ndjson", folder / "received.ndjson", folder / "worked.html"
    log.write_bytes(EVENTS)
    rows = run("replay", str(log), "--ndjson").splitlines(keepends=True)
    received.write_bytes(b"".join([*rows[:3], *rows[4:11], *rows[12:], rows[-1]]))
    run("report", str(log), str(received), "-o", str(page))
    differences = [json.loads(row) for row in run("diff", str(log), str(received), "--ndjson").splitlines()]
    return page, [json.loads(row) for row in rows], differences[:-1]


@pytest.fixture(scope="session")
def large(folder, run):
    """The failover of 2,000 devices."""
    log, page = folder / "failover.ndjson", folder / "failover.html"
    log.write_bytes(failover.events())
    run("report", str(log), "-o", str(page))
    return page


@pytest.fixture(scope="session")
def outage(folder, run):
    """The constructed outage beside the alarms of its CTI Manager."""
    page = folder / "outage.html"
    run("report", str(OUTAGE / "expected-log.ndjson"), str(OUTAGE / "cucm-sub2.log"), "-o", str(page))
    return page


@pytest.fixture(scope="session")
def elsewhere(folder, run):
    """The worked example as clocks in Berlin have it."""
    log, page = folder / "berlin.ndjson", folder / "berlin.html"
    log.write_bytes(EVENTS)
    run("report", str(log), "-o", str(page), "--tz", "Europe/Berlin")
    return page


def rows(page, section):
    """The cells of a table."""
    return [row.locator("td").all_inner_texts() for row in page.locator(f"#{section} tbody tr").all()]


def test_it_opens_on_the_first_divergence_without_an_error_or_a_request(worked, opened):
    """The first divergence is chosen, its sentence is said, its ladder is open; nothing is loaded."""
    page = opened(worked[0])

    assert "app was not told OUTOFSERVICE (CallManagerFailure) on RP_SALES/6000" in page.locator(".status").inner_text()
    assert page.locator("#ladder").is_visible()
    assert page.locator("#ladder tr.chosen").count() == 1


def test_the_script_has_the_times_of_the_zone(elsewhere, opened):
    """What the script says of an event has the time and the offset that the page has without it."""
    page = opened(elsewhere)

    assert "at 2026-03-02T10:44:03+01:00: node_failed node=cm1" in page.locator(".status").inner_text()


def test_it_opens_on_the_first_failure_where_nothing_is_compared(large, opened):
    """The failure is chosen; a message is not shown for each of thousands."""
    page = opened(large)

    assert "node_failed node=cm1" in page.locator(".status").inner_text()
    assert page.locator("#ladder tbody tr").count() == 200
    assert "more messages of this event are left out" in page.locator("#ladder").inner_text()


def test_numbers_on_the_screen_are_those_of_ndjson(worked, opened):
    """The differences, and the ladder of every event, are what diff and replay print."""
    page = opened(worked[0])
    _, messages, differences = worked
    titled = [cells[1] for cells in rows(page, "differences")]

    assert titled == [one["kind"] for one in differences]
    for version in {one["version"] for one in messages}:
        page.goto(f"{worked[0].as_uri()}#event-{version}")
        page.wait_for_function(f"document.querySelector('.status').textContent.startsWith('event {version} ')")
        shown = re.findall(r"message (\d+), handle (\d+)", page.locator("#ladder").inner_text())
        assert shown == [(str(one["seq"]), str(one["handle"])) for one in messages if one["version"] == version]


def test_the_ladder_has_what_came_beside_what_was_expected(worked, opened):
    """Each rung says whether the message came; one that nothing causes has a rung of its own."""
    page = opened(worked[0], fragment="#event-10")

    assert page.locator("#ladder td.good").count() == 6
    assert page.locator("#ladder td.bad").all_inner_texts() == [
        f"✗ unexpected: {rows(page, 'differences')[-1][4]}",
    ]


def test_keys_go_through_events_and_differences(worked, opened):
    """N and p go round the differences, the arrows go from event to event, Escape closes the ladder."""
    page = opened(worked[0])
    page.locator("canvas").focus()
    said = page.locator(".status")
    page.keyboard.press("n")
    assert said.inner_text().startswith("Difference 2:")
    assert page.url.endswith("#difference-2")
    page.keyboard.press("p")
    page.keyboard.press("p")
    assert said.inner_text().startswith("Difference 3:")
    page.keyboard.press("ArrowLeft")
    assert said.inner_text().startswith("event 9 ")
    page.keyboard.press("Escape")
    assert not page.locator("#ladder").is_visible()


def test_a_fragment_leads_to_its_place(worked, opened):
    """A link to an event or a difference opens there, also when the page is open already."""
    page = opened(worked[0], fragment="#event-9")
    assert page.locator("#ladder h2").inner_text().startswith("event 9 ")
    page.evaluate("location.hash = '#difference-2'")
    page.wait_for_function("document.querySelector('.status').textContent.startsWith('Difference 2')")


def test_a_click_chooses_and_a_pointer_explains(outage, opened):
    """The diamond of a difference leads to it; what is pointed at is explained."""
    page = opened(outage)
    page.keyboard.press("Escape")
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 62)
    assert "sub1: failed" in page.locator(".tip").inner_text()
    page.mouse.click(box["x"] + box["width"] * 0.86, box["y"] + 190)
    assert "event 25" in page.locator("#ladder h2").inner_text()


def test_wheel_drag_and_keys_move_the_view(large, opened):
    """Zoomed in there are other marks; 0 is the overview again, to the pixel."""
    page = opened(large)
    canvas = page.locator("canvas")
    canvas.focus()
    before = canvas.screenshot()

    def differs():
        page.wait_for_timeout(120)
        return canvas.screenshot() != before

    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 700, box["y"] + 200)
    page.mouse.wheel(0, -300)
    assert differs()
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 200, steps=4)
    page.mouse.up()
    assert differs()
    page.mouse.move(2, 2)
    page.keyboard.press("0")
    assert not differs()


def test_filters_leave_lanes_and_rungs_out(large, opened):
    """By device, node and message; what is filtered out is not in the ladder either."""
    page = opened(large)
    height = page.locator("canvas").bounding_box()["height"]
    page.get_by_role("searchbox", name="Device").fill("ctip00003")
    page.wait_for_function(f"document.querySelector('canvas').getBoundingClientRect().height < {height}")
    page.get_by_role("combobox", name="Message").select_option("resume")
    told = page.locator("#ladder tbody tr td:nth-child(2) span").all_inner_texts()

    assert told
    assert all("RESUME" in one for one in told)


def test_all_rows_of_a_table_are_in_the_data(large, opened):
    """A button shows those that were left out."""
    page = opened(large)
    left = int(re.search(r"([\d,]+) more", page.locator("#outages-left").text_content())[1].replace(",", ""))
    page.get_by_role("button", name="Show all").click()

    assert page.locator("#outages tbody tr").count() == 200 + left


def test_without_javascript_it_is_complete(worked, opened):
    """The drawing, the verdict, the differences and the outages are there; a difference in the drawing leads to its row."""
    page = opened(worked[0], java_script_enabled=False)

    assert page.locator("#overview").is_visible()
    assert "DIFFERS" in page.locator(".verdict").inner_text()
    assert len(rows(page, "outages")) == 4
    page.locator("#overview a.difference").first.click()
    assert page.url.endswith("#difference-1")


def test_names_are_words(folder, run, opened):
    """Names that look like HTML, script or a template stand on the page as they are, in the drawing too."""
    log, page_file = folder / "hostile.ndjson", folder / "hostile.html"
    name = msgspec.json.encode(HOSTILE)
    log.write_bytes(EVENTS.replace(b'"RP_SALES"', name).replace(b'"cm1"', name))
    run("report", str(log), "-o", str(page_file))
    page = opened(page_file)

    assert HOSTILE in page.locator("#ladder").inner_text()
    assert page.title() == f"{HOSTILE} failed"
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("width", [320, 768, 1440, 3840])
def test_no_screen_is_too_small_or_too_large(outage, opened, width):
    """The page never has to be scrolled sideways; only tables are."""
    page = opened(outage, viewport={"width": width, "height": 900})

    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("look", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}])
def test_no_serious_finding_of_axe(outage, opened, npm, look):
    """In light, dark and forced colours, with the ladder open."""
    page = opened(outage, bypass_csp=True, **look)
    page.evaluate(npm("axe-core/axe.min.js"))
    found = page.evaluate("axe.run().then((result) => result.violations)")

    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []


def test_it_is_printed_whole(outage, opened, tmp_path):
    """The overview and every table are in the PDF, the controls are not."""
    page = opened(outage)
    page.emulate_media(media="print")

    assert page.locator("#overview").is_visible()
    assert not page.locator(".controls").is_visible()
    assert not page.locator("canvas").is_visible()
    assert page.pdf(path=tmp_path / "page.pdf").startswith(b"%PDF")
