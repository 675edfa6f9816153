"""The result of a comparison as text, NDJSON and JUnit XML (diff.md §5). No time of day, no host name."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Literal
from xml.etree import ElementTree

import msgspec

from cti_es.diff.compare import ChannelResult, Comparison, Options, counts
from cti_es.diff.differences import Difference, DifferenceKind, says
from cti_es.errors import InputError
from cti_es.events import AnyEvent, Event, encode, type_of
from cti_es.rules import RULES
from cti_es.tapi import Received
from cti_es_cli.output import Output, shown
from cti_es_cli.traces import Selection, Side
from cti_es_cli.views import details


class DifferenceRow(msgspec.Struct, frozen=True):
    """One difference, as NDJSON has it. ``event`` is the event of the log that caused the expected message."""

    kind: DifferenceKind
    channel: str
    expected: Received | None
    actual: Received | None
    after: Received | None
    event: AnyEvent | None
    detail: str


class SummaryRow(msgspec.Struct, frozen=True):
    """The last object of the NDJSON: the verdict and what was counted. ``left_out``: differences past ``--max``."""

    kind: Literal["summary"]
    conforms: bool
    expected: int
    actual: int
    matched: int
    announced: int
    compared_without_reason: int
    channels: int
    channels_differing: int
    too_different: int
    differences: dict[str, int]
    left_out: int
    skipped: dict[str, int]
    unreadable: int
    handles: Literal["inferred", "given", "named"]


class Report:
    """A comparison to be printed. ``most`` is how many differences are printed."""

    def __init__(
        self, sides: tuple[Side, Side], selection: Selection, options: Options, comparison: Comparison, most: int
    ) -> None:
        self.comparison = comparison
        self._expected, self._actual = sides
        self._selection = selection
        self._options = options
        self._shown = comparison.differences[:most]
        self._left_out = len(comparison.differences) - len(self._shown)
        versions = {one.expected.version for one in self._shown if one.expected and one.expected.version}
        self._events: dict[int, Event] = self._expected.events(versions)

    # NDJSON.

    def ndjson(self, output: Output) -> None:
        """One object a difference, then the summary."""
        for one in self._shown:
            output.write(encode(self._row(one)) + b"\n")
        output.write(encode(self.summary()) + b"\n")

    def _row(self, one: Difference) -> DifferenceRow:
        event = self._event(one.expected)
        return DifferenceRow(one.kind, one.channel, one.expected, one.actual, one.after, event, one.detail)  # type: ignore[arg-type]

    def summary(self) -> SummaryRow:
        """The verdict and the counts."""
        found = self.comparison
        return SummaryRow(
            kind="summary",
            conforms=found.conforms,
            expected=found.expected,
            actual=found.actual,
            matched=found.matched,
            announced=found.announced,
            compared_without_reason=found.without_reason,
            channels=len(found.channels),
            channels_differing=sum(1 for channel in found.channels if channel.differences),
            too_different=sum(1 for channel in found.channels if channel.not_compared),
            differences=counts(found.differences),
            left_out=self._left_out,
            skipped=dict(Counter(self._expected.skipped()) + Counter(self._actual.skipped())),
            unreadable=self._actual.unreadable(),
            handles=self._how(),
        )

    def _how(self) -> Literal["inferred", "given", "named"]:
        ways = {one.how for one in self.comparison.pairs}
        return "inferred" if "inferred" in ways else "given" if "given" in ways else "named"

    # Text.

    def text(self, output: Output, show_handles: bool) -> None:
        """Options, verdict, first divergence, the rest by channel."""
        for line in self._lines(show_handles):
            output.line(line)

    def _lines(self, show_handles: bool) -> Iterator[str]:
        yield from self._head()
        yield ""
        yield from self._verdict()
        if show_handles:
            yield ""
            yield from self._handles()
        if self._shown:
            yield ""
            yield from self._first(self._shown[0])
        if len(self._shown) > 1:
            yield ""
            yield from self._rest()
        if self._left_out:
            yield ""
            yield f"… and {self._left_out:,} more differences (--max)"

    def _head(self) -> Iterator[str]:
        options, selection = self._options, self._selection
        words = [f"order by {options.order}"]
        words += ["reasons ignored"] * options.ignore_reason + ["strict"] * options.strict
        if options.time_tolerance is not None:
            words.append(f"times within {options.time_tolerance:g} s")
        words += [f"application {selection.app}"] * (selection.app is not None)
        words += [f"from version {selection.from_version}"] * (selection.from_version > 1)
        words += [f"up to version {selection.to_version}"] * (selection.to_version is not None)
        words += [f"since {selection.since}"] * (selection.since is not None)
        words += [f"until {selection.until}"] * (selection.until is not None)
        yield f"Expected: {self._expected.name} ({self._expected.kind}), {_many(self.comparison.expected, 'message')}"
        yield f"Actual:   {self._actual.name} ({self._actual.kind}), {_many(self.comparison.actual, 'message')}"
        yield f"Options:  {', '.join(words)}; handles {_HOW[self._how()]}"

    def _verdict(self) -> Iterator[str]:
        found = self.summary()
        verdict = "CONFORMS" if found.conforms else "DIFFERS"
        yield f"{verdict}: {found.matched:,} of {_many(found.expected, 'expected message')} matched"
        kinds = [f"{number:,} {kind}" for kind, number in found.differences.items() if number]
        if kinds:
            yield f"  {', '.join(kinds)}; {found.channels_differing:,} of {_many(found.channels, 'channel')} differ"
        if found.announced:
            yield f"  {_many(found.announced, 'first message')} announced: the handle had that state anyway"
        if found.compared_without_reason:
            yield f"  {_many(found.compared_without_reason, 'message')} compared without a reason: a trace has none"
        if found.skipped:
            yield f"  skipped: {', '.join(f'{number:,} {name}' for name, number in found.skipped.items())}"
        if found.unreadable:
            yield f"  {_many(found.unreadable, 'unreadable message line')} skipped (--skip-bad)"
        for channel in self.comparison.channels:
            if channel.not_compared:
                left, right = channel.not_compared
                yield f"  {channel.name}: too different; {left:,} expected and {right:,} actual messages not compared"

    def _handles(self) -> Iterator[str]:
        yield "Handles:"
        for one in self.comparison.pairs:
            expected = str(one.expected.name) if one.expected else "-"
            actual = str(one.actual.name) if one.actual else "-"
            yield f"  {actual}  =  {expected}  ({one.how})"

    def _first(self, one: Difference) -> Iterator[str]:
        yield f"First divergence: {one.kind} in {one.channel}"
        yield f"  expected    {self._expected_words(one)}"
        yield f"  came        {_came(one)}"
        if one.expected and one.expected.rule:
            yield f"  rule        {one.expected.rule}: {RULES.get(one.expected.rule, '')}"
        if one.expected and one.expected.version:
            event = self._event(one.expected)
            words = f": {type_of[type(event)]} {details(event)}" if event else ""
            at = f" at {one.expected.at}" if one.expected.at else ""
            yield f"  caused by   event {one.expected.version}{at}{words}"
        yield f"  last match  {_place(one.after) if one.after else 'none in this channel'}"

    def _expected_words(self, one: Difference) -> str:
        if one.expected is None:
            return "nothing there" if one.kind != "alias" else "one handle for one channel"
        return _place(one.expected) + (f" ({one.detail})" if one.detail else "")

    def _rest(self) -> Iterator[str]:
        grouped: dict[str, list[Difference]] = defaultdict(list)
        for one in self._shown[1:]:
            grouped[one.channel].append(one)
        yield "Then:"
        for channel, differences in grouped.items():
            yield f"  {channel}"
            for one in differences:
                yield f"    {one.kind:<10}  {_WORDS[one.kind](one)}"

    def _event(self, message: Received | None) -> Event | None:
        return self._events.get(message.version) if message and message.version else None


_HOW = {"inferred": "inferred from the messages", "given": "from a file", "named": "by name"}


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _place(message: Received) -> str:
    at = f" at {message.at}" if message.at else ""
    return f"{message.place}  {says(message)}{at}"


def _came(one: Difference) -> str:
    if one.actual is None:
        return "nothing"
    return _place(one.actual) + (f" ({one.detail})" if one.kind == "alias" else "")


def _both(one: Difference) -> str:
    expected = _place(one.expected) if one.expected else "nothing"
    return f"{expected}; came {_came(one)}" + (f" ({one.detail})" if one.detail else "")


_WORDS: dict[DifferenceKind, Callable[[Difference], str]] = {
    "missing": lambda one: _place(one.expected) if one.expected else "",
    "unexpected": _came,
    "changed": _both,
    "moved": _both,
    "late": _both,
    "early": _both,
    "alias": _came,
}


def junit_xml(comparison: Comparison) -> bytes:
    """JUnit XML: one test case per channel."""
    failing = sum(1 for channel in comparison.channels if channel.differences)
    loose = [one for one in comparison.differences if one.kind == "alias"]
    total, failures = len(comparison.channels) + bool(loose), failing + bool(loose)
    attributes = {"tests": str(total), "failures": str(failures), "errors": "0", "skipped": "0"}
    root = ElementTree.Element("testsuites", attributes)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "cti-es diff", **attributes})
    for channel in comparison.channels:
        _case(suite, shown(channel.name), channel.differences, channel)
    if loose:
        _case(suite, "handles", loose, None)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(suite: ElementTree.Element, name: str, differences: list[Difference], channel: ChannelResult | None) -> None:
    case = ElementTree.SubElement(suite, "testcase", {"classname": "cti-es.diff", "name": name})
    if differences:
        message = ", ".join(f"{number} {kind}" for kind, number in counts(differences).items() if number)
        failure = ElementTree.SubElement(case, "failure", {"message": message, "type": differences[0].kind})
        failure.text = "\n".join(shown(f"{one.kind}: {_WORDS[one.kind](one)}") for one in differences)
        if channel and channel.not_compared:
            failure.text += "\ntoo different: {} expected and {} actual messages not compared".format(
                *channel.not_compared
            )


def check_sides(sides: tuple[Side, Side], found: Comparison) -> None:
    """Raise :class:`InputError` for what cannot be compared: an empty side, two different applications."""
    for side, count in zip(sides, (found.expected, found.actual), strict=True):
        if not count and side is sides[0]:
            raise InputError(
                "no message to expect", where=side.name, expected="at least one", hint="check --app, versions and times"
            )
    apps = [_apps(found, index) for index in (0, 1)]
    if apps[0] and apps[1] and not apps[0] & apps[1]:
        raise InputError(
            f"two traces of different applications: {', '.join(sorted(apps[0]))} and {', '.join(sorted(apps[1]))}",
            expected="messages to the same application",
            hint="see --app",
        )


def _apps(found: Comparison, side: int) -> set[str]:
    """The applications that a side names."""
    channels = [(one.expected, one.actual)[side] for one in found.pairs]
    return {channel.name.app for channel in channels if channel and channel.name.app is not None}
