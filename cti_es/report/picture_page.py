"""A log, and perhaps what came of comparing it → one self-contained HTML page (docs/reference/commands/report.md).

The page is complete without JavaScript. It loads nothing, and its content security policy lets it load nothing: names
come from customers, and the page is opened years later.
"""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timezone
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import NamedTuple

from cti_es.answers.incidents import Incident
from cti_es.model.rules import RULES
from cti_es.report.diff_text import Report
from cti_es.report.incident_text import SHOWN, summary, with_times
from cti_es.report.incident_text import tables as tables_of
from cti_es.report.incident_text import title as title_of
from cti_es.report.picture_axis import Axis
from cti_es.report.picture_data import Compared, packed
from cti_es.report.picture_html import Html, joined, tag
from cti_es.report.picture_lanes import Failure, Lanes
from cti_es.report.picture_svg import Placed, letters, overview
from cti_es.report.picture_words import (
    DIFFERENCE_TITLES,
    OUTAGE_TITLES,
    at_or_event,
    cause,
    difference_cells,
    failed,
    in_a_sentence,
    outage_cells,
    short,
)
from cti_es.traces.sides import EVERYTHING, Selection
from cti_es.vocabulary.times import Zone, duration_text, in_zone, seconds_between
from cti_es.vocabulary.words import counted

MOST_ROWS = 200
"""So many rows of a table are on the page; all are in its data."""

MOST_FAILURES = 6
MOST_SAID = 6
"""So many failures, kinds of message and devices that are still out are named at the top."""

MOST_INCIDENTS = 20
"""So many incidents are told at length."""


class Picture(NamedTuple):
    """What a page shows: a log and its name, its incidents, and the comparison of what really came, if there is one."""

    name: str
    lanes: Lanes
    incidents: Sequence[Incident] = ()
    selection: Selection = EVERYTHING
    report: Report | None = None
    zone: Zone = UTC


def page(picture: Picture) -> str:
    """The whole page. The same picture gives the same text."""
    style, script = _asset("picture.css"), _asset("picture.js")
    page = _Page(picture)
    return Template(_asset("picture.html")).substitute(
        policy=_POLICY.format(script=_hash(script), style=_hash(style)),
        title=tag("title", None, page.title()),
        style=style,
        main=page.main(),
        data=page.data(),
        script=script,
    )


_POLICY = "default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'"


@cache
def _asset(name: str) -> str:
    return files("cti_es.report").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """How a content security policy names the one text that it allows."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


class _Page:
    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._lanes = picture.lanes
        self._axis = Axis(picture.lanes, picture.selection, picture.zone)
        self._time = partial(in_zone, zone=picture.zone)
        self._differences = list(self._placed())

    def _placed(self) -> Iterator[Placed]:
        """Each difference at the event of its expected message, or of the one before it, or before its time."""
        found = self._picture.report.comparison.differences if self._picture.report else []
        for number, one in enumerate(found, 1):
            version = next((m.version for m in (one.expected, one.after) if m and m.version), None)
            if version is None and one.actual:
                version = self._axis.before(one.actual.at)
            yield Placed(number, one, version or min(self._lanes.events, default=1))

    def title(self) -> str:
        """What failed, as the title of the window."""
        failed = [f"{one.name} failed" for one in self._lanes.failures[:2]]
        more = len(self._lanes.failures) - len(failed)
        return (
            ", ".join([*failed, *([f"and {more:,} more"] if more else [])]) or f"{self._picture.name}: nothing failed"
        )

    def main(self) -> Html:
        return joined(
            tag("header", None, self._headline(), self._cards()),
            self._drawing(),
            self._table_of_differences(),
            self._incidents(),
            self._table_of_outages(),
            self._about(),
        )

    def data(self) -> str:
        """What the script draws."""
        report = self._picture.report
        compared = Compared(report.apps(), report.untold()) if report else None
        return packed(self._lanes, self._axis, self._differences, compared, self._time)

    # What an engineer sees first.

    def _headline(self) -> Html:
        return joined(
            tag("p", {"class": "source"}, f"cti-es report of {self._picture.name}"),
            tag("h1", None, self._headline_words()),
        )

    def _headline_words(self) -> str:
        failures = self._lanes.failures
        if not failures:
            return "Nothing failed"
        one = failures[0]
        words = f"{failed(one)} failed" + (f" at {self._at(one.since)}" if self._axis.timed else "")
        if len(failures) > 1:
            words += f", then {counted(len(failures) - 1, 'more failure')}"
        return words

    def _at(self, version: int) -> str:
        at = self._lanes.times.get(version)
        if at is None:
            return f"event {version}"
        there = self._time(at)
        offset = "UTC" if there.endswith("Z") else there[-6:]
        return f"{datetime.fromisoformat(there):%H:%M:%S on %Y-%m-%d} {offset}"

    def _cards(self) -> Html:
        second = self._missed() if self._picture.report else self._told()
        third = self._why() if self._picture.report else self._left()
        return tag("div", {"class": "cards"}, self._failed(), second, third)

    def _failed(self) -> Html:
        named = self._lanes.failures[:MOST_FAILURES]
        first = {one.since: one for one in reversed(named)}  # one event may make several fail
        rows = [
            tag(
                "li",
                {"id": f"event-{one.since}" if first[one.since] is one else None},
                tag("strong", None, failed(one)),
                prose(f" {self._how_long(one)}"),
            )
            for one in named
        ]
        more = len(self._lanes.failures) - len(rows)
        return _card(
            "What failed", tag("ul", None, *rows) if rows else tag("p", None, "Nothing, in this log."), _more(more)
        )

    def _how_long(self, one: Failure) -> str:
        began, ended = (self._lanes.times.get(version or 0) for version in (one.since, one.until))
        at = f"at {self._time(began)}" if began else f"in event {one.since}"
        if one.until is None:
            return f"{at}, and is not back"
        seconds = seconds_between(began, ended)
        return (
            f"{at}, back after {duration_text(seconds)}" if seconds is not None else f"{at}, back in event {one.until}"
        )

    def _missed(self) -> Html:
        report = self._picture.report
        if report is None or report.comparison.conforms:
            return _card("What the application got", *self._verdict("good"))
        first = self._differences[0]
        link = tag("a", {"href": f"#difference-{first.number}"}, in_a_sentence(first.one))
        return _card("What went wrong first", tag("p", {"class": "first"}, link), *self._verdict("bad"))

    def _verdict(self, look: str) -> Iterator[Html]:
        verdict, *counts = self._picture.report.verdict() if self._picture.report else [""]
        yield tag("p", {"class": f"verdict {look}"}, verdict)
        yield from (tag("p", {"class": "small"}, line.strip()) for line in counts)

    def _why(self) -> Html:
        rows = dict(self._picture.report.first()) if self._picture.report else {}
        if not rows:
            return _card("Why", tag("p", None, "Every message that the log causes came."))
        rule, _, why = rows.pop("rule", "").partition(": ")
        for said_already in ("expected", "came"):
            rows.pop(said_already)
        title = "Why it should have come" if why else "What the log says"
        sentence = [tag("p", {"class": "first"}, why)] if why else []
        rows |= {"rule": rule} if rule else {}
        if event := cause(self._differences[0].one, self._lanes.events):
            at = self._lanes.times[self._differences[0].version]
            rows["caused by"] = f"event {event}" + (f" at {self._time(at)}" if at else "")
        pairs = (
            pair for title, words in rows.items() for pair in (tag("dt", None, title), tag("dd", None, prose(words)))
        )
        return _card(title, *sentence, tag("dl", {"class": "small"}, *pairs))

    def _told(self) -> Html:
        counts = Counter((one.app, one.message, one.param1_name, one.param2_name) for one in self._lanes.messages)
        said = sorted(counts.items(), key=lambda item: item[0][2] is None)  # what is no state stands behind what is
        rows = [
            _number(count, f"{app}: {short(message, state, reason)}")
            for (app, message, state, reason), count in said[:MOST_SAID]
        ]
        number = counted(len(self._lanes.messages), "message")
        more = _more(len(said) - len(rows))
        return _card(
            "What applications should be told", tag("p", {"class": "verdict"}, number), tag("ul", None, *rows), more
        )

    def _left(self) -> Html:
        outages = self._lanes.outages
        out = [one for one in outages if one.lasts]
        still = f"{len(out):,} still out at the end" if out else "Nothing is out at the end"
        devices = {one.device for one in outages}
        count = f"{counted(len(outages), 'outage')} of {counted(len(devices), 'device')}"
        rows = [
            tag(
                "li",
                None,
                tag("strong", None, one.device),
                prose(f" since {at_or_event(one.from_at, one.from_version, self._time)}"),
            )
            for one in out[:MOST_SAID]
        ]
        words = tag("p", {"class": "verdict bad" if out else "verdict good"}, still), tag("p", None, count)
        return _card("How it ended", *words, tag("ul", None, *rows), _more(len(out) - len(rows)))

    # The drawing.

    def _drawing(self) -> Html:
        nodes = [
            tag("li", None, tag("span", {"class": f"key k{number % 8}"}, letter), f" at {name}")
            for number, (name, letter) in enumerate(list(letters(self._lanes.nodes).items())[:12])
        ]
        return tag(
            "section",
            {"id": "drawing"},
            tag("h2", None, "What happened"),
            tag("div", {"id": "stage"}, overview(self._lanes, self._axis, self._differences)),
            tag("ul", {"class": "legend", "id": "legend"}, *nodes, *_LEGEND),
        )

    # Tables.

    def _table_of_differences(self) -> Html:
        if self._picture.report is None:
            return Html("")
        events = self._lanes.events
        rows = [(one.number, difference_cells(one.one, events, self._time)) for one in self._differences[:MOST_ROWS]]
        left = len(self._differences) - len(rows)
        trs = [_row((f"{number:,}", *cells), f"difference-{number}") for number, cells in rows]
        return _section("differences", "Differences", ("#", *DIFFERENCE_TITLES), trs, left, "No difference.")

    def _table_of_outages(self) -> Html:
        rows = [_row(outage_cells(one, self._time)) for one in self._lanes.outages[:MOST_ROWS]]
        left = len(self._lanes.outages) - len(rows)
        return _section("outages", "Outages", OUTAGE_TITLES, rows, left, "No device was out of service.")

    def _incidents(self) -> Html:
        """The summary of each incident, as ``incident`` prints it."""
        found = self._picture.incidents
        parts = [_incident(with_times(one, self._time)) for one in found[:MOST_INCIDENTS]]
        left = _more(len(found) - len(parts), "incidents")
        return tag("section", {"id": "incidents"}, tag("h2", None, "Incidents"), *parts, left) if parts else Html("")

    # What the page was made of.

    def _about(self) -> Html:
        lines = list(self._picture.report.head()) if self._picture.report else [f"Log: {self._picture.name}"]
        counts = (self._lanes.last, "event"), (len(self._lanes.messages), "message"), (self._lanes.misfits, "misfit")
        lines.append("Read: " + ", ".join(counted(number, what) for number, what in counts))
        lines += [f"Warning: {one}" for one in self._lanes.warnings]
        axis = (
            f"times are {_zone_words(self._picture.zone)}"
            if self._axis.timed
            else "the axis is the order of the log, which has no times everywhere"
        )
        rules = sorted({one.rule for one in self._lanes.messages if one.rule in RULES})
        return tag(
            "footer",
            None,
            tag("h2", None, "About this page"),
            *(tag("p", None, line) for line in [*lines, f"The model moves devices at once; {axis}."]),
            tag(
                "details",
                None,
                tag("summary", None, "Rules"),
                tag(
                    "dl",
                    None,
                    *(pair for rule in rules for pair in (tag("dt", None, rule), tag("dd", None, RULES[rule]))),
                ),
            )
            if rules
            else Html(""),
        )


def _card(title: str, *children: str) -> Html:
    return tag("section", {"class": "card"}, tag("h2", None, title), *children)


def _number(count: int, words: str) -> Html:
    return tag("li", None, tag("strong", None, f"{count:,}"), f" {words}")


def _more(number: int, what: str = "") -> Html:
    return tag("p", {"class": "more"}, f"and {number:,} more {what}".strip()) if number > 0 else Html("")


def _section(name: str, title: str, titles: Iterable[str], rows: Sequence[Html], left: int, none: str) -> Html:
    """A table under its title, or the words that say that it is empty."""
    table = _table(title, titles, rows) if rows else tag("p", None, none)
    left_out = (
        tag("p", {"class": "more", "id": f"{name}-left"}, f"{left:,} more are left out here.") if left else Html("")
    )
    return tag("section", {"id": name}, tag("h2", None, title), table, left_out)


def _table(title: str, titles: Iterable[str], rows: Sequence[Html]) -> Html:
    """A table that can be scrolled sideways where the screen is too narrow for it."""
    head = tag("thead", None, tag("tr", None, *(tag("th", {"scope": "col"}, one) for one in titles)))
    caption = tag("caption", None, title)
    region = {"class": "wide", "tabindex": 0, "role": "region", "aria-label": title}
    return tag("div", region, tag("table", None, caption, head, tag("tbody", None, *rows)))


def _row(cells: Sequence[str], name: str | None = None) -> Html:
    return tag("tr", {"id": name}, *(tag("td", None, prose(cell)) for cell in cells))


def _incident(one: Incident) -> Html:
    sentences = (tag("li", None, prose(sentence)) for sentence in summary(one))
    tables = (
        joined(_table(table.title, map(_title, table.columns), [_row(cells) for cells in table.rows[:SHOWN]]))
        for table in tables_of(one)
    )
    words = tag("ul", {"class": "said"}, *sentences)
    return tag(
        "div", {"class": "incident"}, tag("h3", None, title_of(one)), words, tag("div", {"class": "tables"}, *tables)
    )


def _zone_words(zone: Zone) -> str:
    """Whose times they are."""
    if zone is None:
        return "those of the machine that wrote this page"
    return str(zone) if isinstance(zone, timezone) else f"those of {zone}"


def _title(column: str) -> str:
    """The title of a column, which text has in capitals."""
    return column.capitalize() if column.isupper() else column


def prose(words: str) -> Html:
    """Words in which no time is broken at the end of a line."""
    parts = _TIME.split(words)
    return joined(*(tag("span", {"class": "time"}, part) if number % 2 else part for number, part in enumerate(parts)))


_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2}))")


_LEGEND = (
    tag("li", None, tag("span", {"class": "key out"}, "///"), " out of service, failed"),
    tag("li", None, "▼ SUSPEND  ▲ RESUME"),
    tag("li", None, "■ OUTOFSERVICE  ● INSERVICE"),
    tag("li", None, "✕ CLOSE  ✚ other"),
    tag("li", None, tag("span", {"class": "key call"}, "—"), " call"),
    tag("li", None, tag("span", {"class": "key due-key"}, "┄"), " re-homing due"),
    tag("li", None, tag("span", {"class": "key diamond"}, "◆!"), " difference"),
)
