"""The page: complete without JavaScript, safe whatever the names are, the same bytes each time."""

import gzip
import re
from base64 import b64decode
from html.parser import HTMLParser
from itertools import accumulate

import msgspec
from support.listed import ListedLog
from support.strategies import decoded, whole_corpus

from cti_es.answers.incidents import IncidentReading
from cti_es.model.replay import replay
from cti_es.report.picture import write_page
from cti_es.report.picture_html import Html, joined, tag
from cti_es.testing.random_logs import Plan, generate
from cti_es.testing.worked_example import EVENTS
from cti_es.vocabulary.events import decode_event
from cti_es.vocabulary.times import zone_of

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "&amp;{}${x}",
)


def example():
    """The worked example as a log."""
    return ListedLog([decode_event(line) for line in EVENTS.splitlines()])


class Words(HTMLParser):
    """The elements and attributes of a page, and its words."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.attributes, self.words = set(), set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.words += data


def outages(page):
    """The section of the outages."""
    return page[page.index('<section id="outages">') : page.index("<footer>")]


def data(page):
    """What the script of a page draws."""
    packed = re.search(r'id="data">([^<]*)<', page)[1]
    return msgspec.json.decode(gzip.decompress(b64decode(packed)))


def test_the_page_says_what_failed_and_when():
    """In words, without JavaScript: the failure, how long, every outage."""
    page = Words(write_page(example()).decode())

    assert "cm1 failed at 09:44:03 on 2026-03-02 UTC" in page.words
    assert "back after 8m37s" in page.words
    assert outages(write_page(example()).decode()).count("at once (model)") == 4


def test_the_times_are_those_of_a_zone():
    """In sentences, tables, ticks and data: every time is that of the zone, with its offset; the footer says whose."""
    text = write_page(example(), zone=zone_of("Europe/Berlin")).decode()
    page = Words(text)

    assert "cm1 failed at 10:44:03 on 2026-03-02 +01:00" in page.words
    assert "times are those of Europe/Berlin" in page.words
    assert not re.search(r"[0-9]Z|UTC", page.words[: page.words.index("About this page")])
    assert outages(text).count("2026-03-02T10:44:03+01:00") == outages(write_page(example()).decode()).count(
        "T09:44:03Z"
    )
    assert ">10:44" in text
    assert data(text)["offsets"] == [[0, 3_600_000]]
    assert {cell[-6:] for row in data(text)["outages"] for cell in row if cell.startswith("2026")} == {"+01:00"}


def test_times_of_an_offset_and_of_this_machine():
    """The footer says which they are."""
    assert "times are UTC+05:30." in Words(write_page(example(), zone=zone_of("+05:30")).decode()).words
    assert (
        "times are those of the machine that wrote this page."
        in Words(write_page(example(), zone=zone_of("local")).decode()).words
    )


def test_where_summer_time_begins_in_a_log():
    """The offset is that of each moment: to the millisecond in what the script has, and on the ticks."""
    lines = (
        b'{"type":"node_added","node":"a","at":"2026-03-27T12:00:00Z"}',
        b'{"type":"node_failed","node":"a","at":"2026-03-29T00:30:00Z"}',
        b'{"type":"node_recovered","node":"a","at":"2026-03-29T02:30:00Z"}',
    )
    text = write_page(ListedLog([decode_event(line) for line in lines]), zone=zone_of("Europe/Berlin")).decode()
    begin = (36 + 1) * 3_600_000

    assert data(text)["offsets"] == [[0, 3_600_000], [begin, 7_200_000]]
    assert "2026-03-29T01:30:00+01:00" in text
    assert "2026-03-29T04:30:00+02:00" in text


def test_the_page_loads_nothing():
    """One script and one style, each named in the policy by its hash; no attribute that loads or runs anything."""
    text = write_page(example()).decode()
    page = Words(text)

    assert "default-src 'none'; script-src 'sha256-" in text
    assert not page.elements & {"link", "img", "iframe", "object", "embed", "base", "image", "use"}
    assert not page.attributes & {"src", "style", "srcset", "srcdoc", "action"}
    assert not [one for one in page.attributes if one.startswith("on")]
    assert set(re.findall(r'href="([^"]*)', text)) <= {"#difference-1"}


def test_every_id_is_there_once():
    """A node that fails with its CTI Manager is two failures of one event."""
    text = write_page(ListedLog(list(generate(Plan(seed=2, events=600, tsp=True, apps=3))))).decode()
    ids = re.findall(r' id="([^"]+)"', text)

    assert len(ids) == len(set(ids))


def test_hostile_names_are_words():
    """Whatever a device, node or application is called, the page has the elements that it always has."""
    usual = Words(write_page(example()).decode())
    for name in HOSTILE:
        renamed = EVENTS.replace(b'"RP_SALES"', msgspec.json.encode(name)).replace(
            b'"cm1"', msgspec.json.encode(name + "n")
        )
        page = Words(write_page(ListedLog([decode_event(line) for line in renamed.splitlines()])).decode())

        assert page.elements == usual.elements
        assert page.attributes == usual.attributes
        assert name in page.words


def test_the_same_log_gives_the_same_bytes():
    """No clock, no chance, no order of a set."""
    events = list(generate(Plan(seed=3, events=500, tsp=True, apps=2)))

    assert write_page(ListedLog(events)) == write_page(ListedLog(events))


def test_the_data_are_the_messages_of_the_replay():
    """Column by column: numbers, names, states, reasons and rules, event by event."""
    events = list(generate(Plan(seed=2, events=600, tsp=True, apps=3)))
    found = data(write_page(ListedLog(events)).decode())
    columns, versions = found["messages"], list(accumulate(found["events"]["version"]))
    seqs, places = accumulate(columns["seq"]), accumulate(columns["event"])
    rows = [
        (
            seq,
            versions[place],
            found["devices"][device][0],
            found["apps"][app][0],
            columns["lines"][line] if line >= 0 else None,
            *columns["signals"][signal][:2],
            columns["reasons"][reason] if reason >= 0 else None,
            columns["rules"][rule][0],
            handle,
        )
        for seq, place, device, app, line, signal, reason, rule, handle in zip(
            seqs,
            places,
            *(columns[name] for name in ("device", "app", "line", "signal", "reason", "rule", "handle")),
            strict=True,
        )
    ]

    assert rows == [
        (
            m.seq,
            m.version,
            m.device,
            m.app,
            m.line,
            m.message,
            m.param1_name or "",
            m.param2_name,
            m.rule,
            m.handle or 0,
        )
        for m in replay(events)
    ]


def test_rows_that_are_left_out_are_counted():
    """A table has 200 rows at most, and says how many more there are; the drawing has not one element per message."""
    text = write_page(ListedLog(list(generate(Plan(seed=1, events=3000, devices=60))))).decode()
    left_out = re.search(r"([0-9,]+) more are left out here", outages(text))[1]

    assert outages(text).count("<tr>") - 1 == 200
    assert len(data(text)["outages"]) == 200 + int(left_out.replace(",", ""))
    assert text.count("<path") < 2_000


def test_elements_escape_what_is_no_html():
    """Text and attributes are escaped once, HTML is not escaped again."""
    assert tag("p", {"id": '"<'}, "a<b", Html("<br>")) == '<p id="&quot;&lt;">a&lt;b<br></p>'
    assert joined("<", Html("<br>")) == "&lt;<br>"
    assert tag("p", None, "a\u202eb") == "<p>a\\u202eb</p>"


def test_incidents_stand_as_they_began():
    """One from which something returns late is known late; on the page it stands where it began."""
    logs = [ListedLog(decoded(log)) for log in whole_corpus()]
    late = [log for log in logs if (numbers := completed(log)) != sorted(numbers)][:5]

    assert late
    for log in late:
        titles = re.findall(r"<h3>Incident ([0-9]+)", write_page(log).decode())
        assert titles == [str(number) for number in sorted(completed(log))][: len(titles)]
        assert len(titles) > 1


def completed(log):
    """The numbers of the incidents of a log, as all of them is known."""
    return [one.number for batch in IncidentReading(log).batches() for one in batch]
