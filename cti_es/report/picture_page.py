"""A log, and perhaps what came of comparing it → one self-contained HTML page (docs/reference/commands/report.md).

The page is complete without JavaScript. It loads nothing, and its content security policy lets it load nothing: names
come from customers, and the page is opened years later.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import NamedTuple

from cti_es.answers.out_of_service import Outage
from cti_es.model.rules import RULES
from cti_es.report.diff_text import Report
from cti_es.report.picture_axis import Axis
from cti_es.report.picture_html import Html, joined, tag
from cti_es.report.picture_lanes import Failure, Lanes
from cti_es.report.picture_svg import Placed, letters, overview
from cti_es.report.rows import details
from cti_es.traces.diff.differences import Difference, DifferenceKind, about, says
from cti_es.vocabulary.events import type_of
from cti_es.vocabulary.tapi import TraceMessage
from cti_es.vocabulary.times import duration_text, seconds_between

MOST_ROWS = 200
"""So many rows of a table are on the page; all are in its data."""

MOST_FAILURES = 8


class Picture(NamedTuple):
    """What a page shows: a log and its name, its outages, and the comparison of what really came, if there is one."""

    name: str
    lanes: Lanes
    outages: Sequence[Outage]
    report: Report | None = None
    warnings: Sequence[str] = ()


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
        self._axis = Axis(picture.lanes)
        self._differences = list(self._placed())

    def _placed(self) -> Iterator[Placed]:
        """Each difference at the event of its expected message, or of the one before it."""
        found = self._picture.report.comparison.differences if self._picture.report else []
        for number, one in enumerate(found, 1):
            version = next((m.version for m in (one.expected, one.after) if m and m.version), None)
            yield Placed(number, one, self._axis.of(version or 1))

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
            self._table_of_outages(),
            self._about(),
        )

    def data(self) -> str:
        return ""

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
        words = f"{_what(one)} failed" + (f" at {_at(self._lanes, one.since)}" if self._axis.timed else "")
        if len(failures) > 1:
            words += f", and {len(failures) - 1:,} more"
        return words

    def _cards(self) -> Html:
        second = self._missed() if self._picture.report else self._told()
        third = self._why() if self._picture.report else self._left()
        return tag("div", {"class": "cards"}, self._failed(), second, third)

    def _failed(self) -> Html:
        rows = [
            tag("li", {"id": f"event-{one.since}"}, tag("strong", None, _what(one)), prose(f" {self._how_long(one)}"))
            for one in self._lanes.failures[:MOST_FAILURES]
        ]
        more = len(self._lanes.failures) - len(rows)
        return _card(
            "What failed", tag("ul", None, *rows) if rows else tag("p", None, "Nothing, in this log."), _more(more)
        )

    def _how_long(self, one: Failure) -> str:
        began, ended = (self._lanes.times.get(version or 0) for version in (one.since, one.until))
        at = f"at {began}" if began else f"in event {one.since}"
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
        yield from (tag("p", None, line.strip()) for line in counts)

    def _why(self) -> Html:
        rows = dict(self._picture.report.first()) if self._picture.report else {}
        if not rows:
            return _card("Why", tag("p", None, "Every message that the log causes came."))
        rule, _, why = rows.pop("rule", "").partition(": ")
        title = "Why it should have come" if why else "What the log says"
        sentence = [tag("p", {"class": "first"}, why)] if why else []
        rows |= {"rule": rule} if rule else {}
        pairs = (
            pair for title, words in rows.items() for pair in (tag("dt", None, title), tag("dd", None, prose(words)))
        )
        return _card(title, *sentence, tag("dl", None, *pairs))

    def _told(self) -> Html:
        counts: dict[str, int] = {}
        for one in self._lanes.messages:
            reason = f" ({one.param2_name})" if one.param2_name else ""
            state = (one.param1_name or one.message).partition("_")[2]
            counts[f"{one.app}: {state}{reason}"] = counts.get(f"{one.app}: {state}{reason}", 0) + 1
        rows = [
            tag("li", None, tag("strong", None, f"{count:,}"), f" {words}")
            for words, count in list(counts.items())[:10]
        ]
        more = len(counts) - len(rows)
        return _card(
            "What applications should be told",
            tag("p", {"class": "verdict"}, f"{len(self._lanes.messages):,} messages"),
            tag("ul", None, *rows),
            _more(more),
        )

    def _left(self) -> Html:
        out = [one for one in self._picture.outages if one.lasts]
        words = [
            f"{len(self._picture.outages):,} outages of {len({one.device for one in self._picture.outages}):,} devices"
        ]
        words.append(f"{len(out):,} still out at the end" if out else "Nothing is out at the end")
        rows = [tag("li", None, tag("strong", None, one.device), f" since event {one.from_version}") for one in out[:5]]
        return _card(
            "How it ended",
            *(tag("p", None, one) for one in words),
            tag("ul", None, *rows) if rows else "",
            _more(len(out) - len(rows)),
        )

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
            tag("ul", {"class": "legend"}, *nodes, *_LEGEND),
        )

    # Tables.

    def _table_of_differences(self) -> Html:
        if self._picture.report is None:
            return Html("")
        rows = [self._difference_row(one) for one in self._differences[:MOST_ROWS]]
        titles = ("#", "what", "channel", "expected", "came", "event", "rule")
        return _section(
            "differences", "Differences", titles, rows, len(self._differences) - len(rows), "No difference."
        )

    def _difference_row(self, placed: Placed) -> Html:
        one = placed.one
        event = self._lanes.events.get(one.expected.version or 0) if one.expected else None
        cause = f"{one.expected.version} {type_of[type(event)]} {details(event)}" if event and one.expected else "–"
        return tag(
            "tr",
            {"id": f"difference-{placed.number}"},
            _cell(f"{placed.number:,}", "number"),
            _cell(one.kind),
            _cell(one.channel),
            _cell(_words(one, "expected") or "–"),
            _cell(_words(one, "actual") or "nothing"),
            _cell(cause),
            _cell(one.expected.rule if one.expected and one.expected.rule else "–"),
        )

    def _table_of_outages(self) -> Html:
        titles = ("device", "from", "until", "length", "reason", "cause", "before", "after", "calls")
        rows = [self._outage_row(one) for one in self._picture.outages[:MOST_ROWS]]
        left = len(self._picture.outages) - len(rows)
        return _section("outages", "Outages", titles, rows, left, "No device was out of service.")

    def _outage_row(self, one: Outage) -> Html:
        until = "still out" if one.lasts else one.until_at or f"event {one.until_version}"
        length = "–" if one.seconds is None else "at once (model)" if one.at_once else duration_text(one.seconds)
        return tag(
            "tr",
            None,
            _cell(one.device),
            _cell(one.from_at or f"event {one.from_version}"),
            _cell(until),
            _cell(length, "number"),
            _cell(one.reason or "–"),
            _cell(one.cause),
            _cell(one.home_before or "–"),
            _cell(one.home_after or "–"),
            _cell(f"{one.calls:,}", "number"),
        )

    # What the page was made of.

    def _about(self) -> Html:
        lines = list(self._picture.report.head()) if self._picture.report else [f"Log: {self._picture.name}"]
        counts = (self._lanes.last, "events"), (len(self._lanes.messages), "messages"), (self._lanes.misfits, "misfits")
        lines.append("Read: " + ", ".join(f"{number:,} {what}" for number, what in counts))
        lines += [f"Warning: {one}" for one in self._picture.warnings]
        axis = (
            "times are UTC" if self._axis.timed else "the axis is the order of the log, which has no times everywhere"
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


def _more(number: int) -> Html:
    return tag("p", {"class": "more"}, f"and {number:,} more") if number > 0 else Html("")


def _section(name: str, title: str, titles: Iterable[str], rows: Sequence[Html], left: int, none: str) -> Html:
    """A table with its title, or the words that say that it is empty."""
    head = tag("thead", None, tag("tr", None, *(tag("th", {"scope": "col"}, one) for one in titles)))
    table = tag(
        "div",
        {"class": "wide", "tabindex": 0, "role": "region", "aria-label": title},
        tag("table", None, head, tag("tbody", None, *rows)),
    )
    left_out = tag("p", {"class": "more"}, f"{left:,} more are left out here.") if left else Html("")
    return tag(
        "section", {"id": name}, tag("h2", None, title), *([table, left_out] if rows else [tag("p", None, none)])
    )


def _cell(words: str, look: str | None = None) -> Html:
    return tag("td", {"class": look}, prose(words))


def _what(one: Failure) -> str:
    return {
        "node": one.name,
        "CTI Manager": f"CTI Manager of {one.name}",
        "device": one.name,
        "link": f"link of {one.name}",
    }[one.kind]


def _at(lanes: Lanes, version: int) -> str:
    at = lanes.times.get(version)
    return f"{datetime.fromisoformat(at):%H:%M:%S on %Y-%m-%d} UTC" if at else f"event {version}"


def prose(words: str) -> Html:
    """Words in which no time is broken at the end of a line."""
    parts = _TIME.split(words)
    return joined(*(tag("span", {"class": "time"}, part) if number % 2 else part for number, part in enumerate(parts)))


def in_a_sentence(one: Difference) -> str:
    """A difference as a sentence about an application: what it was not told, or was told and should not have been."""
    message = one.expected or one.actual
    app = message.app if message and message.app else "The application"
    said, came = (_state(side) if side else "" for side in (one.expected, one.actual))
    where = f" on {about(message)}" if message and about(message) else ""
    words = _SENTENCES[one.kind].format(app=app, said=said, came=came, where=where)
    return words + (f" ({one.detail})" if one.detail else "")


_SENTENCES: dict[DifferenceKind, str] = {
    "missing": "{app} was not told {said}{where}",
    "unexpected": "{app} was told {came}{where}, which nothing in the log causes",
    "changed": "{app} was told {came} instead of {said}{where}",
    "reason": "{app} was told {came} instead of {said}{where}",
    "moved": "{app} was told {said}{where} in another order",
    "late": "{app} was told {said}{where} too late",
    "early": "{app} was told {said}{where} too early",
    "alias": "{app} uses one handle for several channels{where}",
}

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z)")


def _state(message: TraceMessage) -> str:
    """What a message says, in short: ``OUTOFSERVICE (CallManagerFailure)``."""
    words = says(message)
    return re.sub(r"^\w+ (?:PHONESTATE|LINEDEVSTATE)_", "", words)


def _words(one: Difference, side: str) -> str:
    message = one.expected if side == "expected" else one.actual
    if message is None:
        return ""
    at = f" at {message.at}" if message.at else ""
    return says(message) + at + (f" ({one.detail})" if one.detail and side == "actual" else "")


_LEGEND = (
    tag("li", None, tag("span", {"class": "key out"}, "///"), " out of service, failed"),
    tag("li", None, "▼ SUSPEND  ▲ RESUME"),
    tag("li", None, "■ OUTOFSERVICE  ● INSERVICE"),
    tag("li", None, "✕ CLOSE  ✚ other"),
    tag("li", None, tag("span", {"class": "key call"}, "—"), " call"),
    tag("li", None, tag("span", {"class": "key due-key"}, "┄"), " re-homing due"),
    tag("li", None, tag("span", {"class": "key diamond"}, "◆!"), " difference"),
)
