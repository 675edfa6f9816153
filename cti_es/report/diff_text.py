"""The result of a comparison, as text for people and as rows. The same input gives the same bytes."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from cti_es.answers.device import home_in_words
from cti_es.model.rules import RULES
from cti_es.report.columns import WIDTH, wrapped
from cti_es.report.rows import DifferenceRow, SummaryRow, details
from cti_es.traces.diff.channels import Channel
from cti_es.traces.diff.clocks import microseconds
from cti_es.traces.diff.compare import Comparison, DiffOptions, counts
from cti_es.traces.diff.differences import Difference, about, says
from cti_es.traces.diff.handles import bare
from cti_es.traces.sides import EVERYTHING, LogSide, Selection, Side
from cti_es.vocabulary.events import Event, type_of
from cti_es.vocabulary.tapi import REASON_NAMES, TraceMessage
from cti_es.vocabulary.words import counted, verb

Where = Callable[[int], str]
Time = Callable[[str], str]
"""How text has a canonical time."""

Line = tuple[str, str | None]
"""A line of text, and its colour on a terminal (None: plain)."""


class Report:
    """A comparison to be shown, with at most ``most`` of its differences; ``time`` says how text has times."""

    def __init__(
        self,
        sides: tuple[Side, Side],
        selection: Selection,
        options: DiffOptions,
        comparison: Comparison,
        most: int,
        time: Time = str,
    ) -> None:
        self.comparison = comparison
        self._expected, self._actual = sides
        self._selection = selection
        self._options = options
        self._shown = comparison.differences[:most]
        self._left_out = len(comparison.differences) - len(self._shown)
        self._inside = _inside(comparison)
        self._told = self._inside[:most]
        shown = [*self._shown, *self._told]
        versions = {one.expected.version for one in shown if one.expected and one.expected.version}
        self._events: dict[int, Event] = self._expected.events(versions)
        self._places = (self._expected.where, self._actual.where)
        self._time = time
        self._there = list(self._around(self._told[0])) if self._told else []

    def rows(self) -> Iterator[DifferenceRow | SummaryRow]:
        """The report as rows, for NDJSON: one for each difference, then the summary."""
        yield from map(self._row, self._shown)
        yield self.summary()

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
            too_different=sum(1 for channel in found.channels if channel.pieces > 1),
            differences=counts(found.differences),
            left_out=self._left_out,
            skipped=dict(Counter(self._expected.skipped()) + Counter(self._actual.skipped())),
            unreadable=self._expected.unreadable() + self._actual.unreadable(),
            handles=self._how(),
            ahead=found.ahead,
            cut=found.cut,
        )

    def apps(self) -> frozenset[str]:
        """The applications whose expected messages were compared."""
        return frozenset(
            one.expected.name.app for one in self.comparison.pairs if one.expected and one.expected.name.app
        )

    def untold(self) -> frozenset[tuple[str, int | None]]:
        """The expected states that were left out, since the format of a trace cannot tell them."""
        return self._expected.untold

    def _how(self) -> Literal["inferred", "given", "named"]:
        if any(one.how == "inferred" for one in self.comparison.pairs):
            return "inferred"
        return "named" if self._options.handles is None else "given"

    def lines(self, show_handles: bool = False) -> Iterator[Line]:
        """The report as text: options, verdict, first divergence, then the other differences by channel.

        With ``show_handles`` it also lists which handle was taken for which channel.
        """
        verdict = "green" if self.comparison.conforms else "red"
        for text in self._lines(show_handles):
            colour = verdict if text.startswith((_CONFORMS, _DIFFERS)) else None
            yield from ((line, colour) for line in wrapped(text, _indent(text)))

    def _lines(self, show_handles: bool) -> Iterator[str]:
        yield from self.head()
        yield ""
        yield from self.verdict()
        if show_handles:
            yield ""
            yield from self._handles()
        if self._told:
            yield ""
            yield from self._first(self._told[0])
        shifted = self._all_shifted()
        rest = [one for one in self._told[1:] if one.kind != "reason" and one not in shifted]
        if rest:
            yield ""
            yield from self._rest(rest)
        if shifted:
            yield ""
            kind = shifted[0].kind
            yield f"All {len(shifted):,} {kind} messages are {kind} {shifted[0].detail}, to a second."
        reasons = [one for one in self.comparison.differences if one.kind == "reason"]
        if reasons and reasons != self._told[:1]:
            yield ""
            yield from _other_reasons("Other reasons:", reasons, self._actual.where)
        if self.comparison.noted:
            yield ""
            yield from _other_reasons(
                "Other reasons, which decide nothing here:", self.comparison.noted, self._actual.where
            )
        if left_out := len(self._inside) - len(self._told):
            are = "is" if len(self._told) == 1 else "are"
            yield ""
            yield f"… and {counted(left_out, 'more difference')}; {len(self._told):,} {are} shown"

    def head(self) -> Iterator[str]:
        """The two sides and the options, a line each, and what should be known before the verdict."""
        options, selection = self._options, self._selection
        words = ["order of the whole trace" if options.order == "total" else f"order by {options.order}"]
        words += ["reasons ignored"] * options.ignore_reason + ["strict"] * options.strict
        if options.time_tolerance is not None:
            words.append(f"times within {options.time_tolerance:g} s")
        if options.shift is not None:
            words.append(f"clocks shifted by {_shift(options, self.comparison):g} s")
        words += [f"application {selection.app}"] * (selection.app is not None)
        words += [f"from version {selection.from_version}"] * (selection.from_version > 1)
        words += [f"up to version {selection.to_version}"] * (selection.to_version is not None)
        words += [f"since {self._time(selection.since)}"] if selection.since else []
        words += [f"until {self._time(selection.until)}"] if selection.until else []
        expected, actual = (counted(number, "message") for number in (self.comparison.expected, self.comparison.actual))
        yield f"Expected: {self._expected.name} ({self._expected.kind}), {expected}"
        yield f"Actual:   {self._actual.name} ({self._actual.kind}), {actual}"
        yield f"Options:  {', '.join(words)}; handles {self._handles_from()}"
        yield from self._beside()

    def _beside(self) -> Iterator[str]:
        """What a reader should know of the two sides before the verdict."""
        found = self.comparison
        if abs(found.ahead) > CLOCKS_AGREE:
            yield f"Clocks:   ACTUAL is {abs(found.ahead):g} s {'ahead' if found.ahead > 0 else 'behind'}"
        if found.cut:
            yield f"Handles:  {counted(found.cut, 'handle')} compared with the likeliest channels only, not with all"
        if not found.expected and self._expected.kind == "replayed":
            yield "Silence:  no event of the log causes a message here"
        yield from self._outside()

    def _outside(self) -> Iterator[str]:
        """That ACTUAL begins later, or ends earlier, than what is expected."""
        found = self.comparison.outside
        if found.before and found.first:
            yield f"Begins:   ACTUAL begins at {self._moment(found.first)}; {_so_many(found.before)} before it"
        if found.after and found.last:
            yield f"Ends:     ACTUAL ends at {self._moment(found.last)}; {_so_many(found.after)} after it"

    def _moment(self, message: TraceMessage) -> str:
        """Where an actual message stands, and when it came."""
        where = self._actual.where(message.place)
        what = "line " if where.isdigit() and self._actual.formats else "message " if where.isdigit() else ""
        return f"{what}{where}" + (f", {self._time(message.at)}" if message.at else "")

    def _handles_from(self) -> str:
        if self._options.handles is None:
            return _HOW[self._how()]
        actual = [one.actual.name.handle for one in self.comparison.pairs if one.actual]
        named = sum(1 for handle in actual if bare(handle) in self._options.handles)
        names = "" if named == len(actual) else f", which names {named:,} of {len(actual):,}"
        return f"from a file{names}" + (", others inferred" if self._how() == "inferred" else "")

    def verdict(self) -> Iterator[str]:
        """The verdict in a line, then the counts, a line each."""
        found = self.summary()
        verdict = _CONFORMS if found.conforms else _DIFFERS
        yield f"{verdict}: {found.matched:,} of {counted(found.expected, 'expected message')} matched"
        kinds = [f"{number:,} {kind}" for kind, number in found.differences.items() if number]
        if kinds:
            yield f"  {', '.join(kinds)}{self._of_how_many(found)}"
        if found.announced:
            yield f"  {counted(found.announced, 'first message')} announced: the handle had that state anyway"
        if found.compared_without_reason:
            yield f"  {counted(found.compared_without_reason, 'message')} compared without a reason: a trace has none"
        if found.skipped:
            yield f"  skipped: {', '.join(f'{number:,} {name}' for name, number in found.skipped.items())}"
        if self._options.order != "channel" and found.handles == "inferred" and found.differences["moved"]:
            yield "  handles are inferred: moved ones may only be handles that say the same (a file of handles tells)"
        if found.unreadable:
            yield f"  {counted(found.unreadable, 'unreadable message line')} skipped"
        if found.too_different:
            yield f"  too different to be compared as a whole: {found.too_different:,}, compared piece by piece"

    def _of_how_many(self, found: SummaryRow) -> str:
        if self._options.order == "total":
            return ""
        differ = verb(found.channels_differing, "differ")
        return f"; {found.channels_differing:,} of {counted(found.channels, self._options.order)} {differ}"

    def _handles(self) -> Iterator[str]:
        yield "Handles:"
        rows = [
            (
                str(one.actual.name) if one.actual else "-",
                str(one.expected.name) if one.expected else "-",
                one.how if one.expected and one.actual else "nothing came" if one.expected else "not expected",
            )
            for one in self.comparison.pairs
        ]
        width = max(len(actual) for actual, _, _ in rows)
        for actual, expected, how in rows:
            yield f"  {actual:<{width}}  =  {expected}  ({how})"

    def _first(self, one: Difference) -> Iterator[str]:
        yield f"First divergence: {one.kind} in {one.channel}"
        for title, words in self.first():
            yield f"  {title:<10}  {words}"

    def first(self) -> Iterator[tuple[str, str]]:
        """The first divergence as (title, words): what was expected, what came, the rule, the cause, what is near."""
        for one in self._told[:1]:
            yield "expected", self._expected_words(one)
            yield "came", self._said(one.actual, one, 1) if one.actual else "nothing"
            if one.expected and one.expected.rule:
                yield "rule", f"{one.expected.rule}: {RULES.get(one.expected.rule, '')}"
            if one.expected and one.expected.version:
                event = self._event(one.expected)
                words = f": {type_of[type(event)]} {details(event)}" if event else ""
                at = f" at {self._time(one.expected.at)}" if one.expected.at else ""
                yield "caused by", f"event {one.expected.version}{at}{words}"
            yield "last match", self._said(one.after, one, 0) if one.after else _NO_MATCH[self._options.order]
            yield from self._there

    def _around(self, one: Difference) -> Iterator[tuple[str, str]]:
        """What the log has where a message came that nothing in it causes: the event before, the device, the like."""
        if one.kind != "unexpected" or one.actual is None or not isinstance(self._expected, LogSide):
            return
        channel = next((pair.expected for pair in self.comparison.pairs if _has(pair.actual, one.actual)), None)
        device = one.actual.device or (channel.name.device if channel else None)
        found = self._expected.before(one.after.version if one.after else None, one.actual.at, device)
        if found is not None:
            at = f" at {self._time(found.event.at)}" if found.event.at else ""
            yield "log before", f"event {found.version}{at}: {type_of[type(found.event)]} {details(found.event)}"
        if found is not None and device is not None:
            yield "device", f"{device} is {home_in_words(found.home)}"
        alike = [] if channel is None else [m for m in channel.messages if _says_as(m, one.actual)]
        if alike:
            yield "nearest", self._said(_nearest(alike, one), one, 0)
        elif channel is not None:
            yield "nearest", "the log has no such message for it"

    def _said(self, message: TraceMessage, one: Difference, side: Literal[0, 1]) -> str:
        return _place(message, one, self._places[side], self._time)

    def _expected_words(self, one: Difference) -> str:
        if one.expected is None:
            return "nothing there" if one.kind != "alias" else "one handle for one channel"
        return self._said(one.expected, one, 0)

    def _rest(self, differences: list[Difference]) -> Iterator[str]:
        grouped: dict[str, list[Difference]] = defaultdict(list)
        for one in differences:
            grouped[one.channel].append(one)
        yield "Then:"
        for channel, differences in grouped.items():
            yield f"  {channel}"
            for one in differences:
                for what, words in in_words(one, *self._places, self._time):
                    title = "  came" if what == "came" else what
                    yield f"    {title:<10}  {words}"

    def _all_shifted(self) -> list[Difference]:
        """The late or early ones, if they all are so by the same time, to a second, and there are several."""
        found = [one for one in self.comparison.differences if one.kind in ("late", "early")]
        seconds = [_seconds_apart(one) for one in found]
        return found if len(found) > 1 and max(seconds) - min(seconds) <= 1 else []

    def _event(self, message: TraceMessage | None) -> Event | None:
        return self._events.get(message.version) if message and message.version else None


def text_report(sides: tuple[Side, Side], options: DiffOptions, found: Comparison, most: int) -> str:
    """The report of a comparison of two whole sides as one text."""
    return "\n".join(text for text, _ in Report(sides, EVERYTHING, options, found, most).lines())


def _inside(found: Comparison) -> list[Difference]:
    """The differences to tell one by one: not what is missing because ACTUAL begins later or ends earlier.

    If there are no others, or other reasons alone, the first of these stands for all.
    """
    outside = {id(one) for one in (*found.outside.before, *found.outside.after)}
    inside = [one for one in found.differences if id(one) not in outside]
    return inside if inside[:1] and inside[0].kind != "reason" else found.differences[: bool(outside)] + inside


def _so_many(missing: Sequence[Difference]) -> str:
    return f"{counted(len(missing), 'expected message')} {verb(len(missing), 'come')}"


def _shift(options: DiffOptions, found: Comparison) -> float:
    return found.ahead if options.shift == "auto" or options.shift is None else options.shift


def _other_reasons(title: str, differences: list[Difference], where: Where) -> Iterator[str]:
    """Messages with other reasons, each pair of reasons once, with its first place."""
    yield title
    gathered: dict[str, list[Difference]] = defaultdict(list)
    for one in differences:
        gathered[f"{_reason(one.expected)} → {_reason(one.actual)}"].append(one)
    for what, some in gathered.items():
        yield f"  {what}, {counted(len(some), 'time')}"
        yield f"    first     {_in_channel(some[0], where)}"


def _reason(message: TraceMessage | None) -> str:
    number = message.param2 if message else None
    return "none" if number is None else REASON_NAMES.get(number, hex(number))


def _in_channel(one: Difference, where: Where) -> str:
    """The actual message of a difference, and its channel."""
    return f"{_place(one.actual, one, where)} in {one.channel}" if one.actual else one.channel


CLOCKS_AGREE = 2
"""Clocks that are not further apart than this, in seconds, are not worth a word."""

_NO_MATCH = {"channel": "none in this channel", "device": "none of this device", "total": "none"}
_CONFORMS, _DIFFERS = "CONFORMS", "DIFFERS"
_HOW = {"inferred": "inferred from the messages", "given": "from a file", "named": "by name"}


def _indent(text: str) -> int:
    """Where the second line of a text begins: below the words behind its title, if it has one."""
    title = re.match(r" *\S+(?: \S+)*  +", text)
    return title.end() if title and title.end() < WIDTH // 2 else len(text) - len(text.lstrip()) + 2


def _has(channel: Channel | None, message: TraceMessage) -> bool:
    return channel is not None and any(one is message for one in channel.messages)


def _nearest(messages: list[TraceMessage], one: Difference) -> TraceMessage:
    """The message that is nearest to what came: in time, or else to the last one that matched."""
    at = one.actual.at if one.actual else None
    if at is not None and all(message.at for message in messages):
        return min(messages, key=lambda message: abs(microseconds(message.at or "") - microseconds(at)))
    place = one.after.place if one.after else 0
    return min(messages, key=lambda message: abs(message.place - place))


def _says_as(one: TraceMessage, other: TraceMessage) -> bool:
    return (one.message, one.param1) == (other.message, other.param1)


def _seconds_apart(one: Difference) -> float:
    at = [message.at for message in (one.expected, one.actual) if message and message.at]
    return (microseconds(at[1]) - microseconds(at[0])) / 1_000_000


def _place(message: TraceMessage, one: Difference, where: Where = str, time: Time = str) -> str:
    """A message of a difference: its place, what it says; its handle, unless that is what the difference is in."""
    what = about(message)
    on = f" on {what}" if what and not f"{one.channel} ".startswith(f"{what} ") else ""
    detail = f" ({one.detail})" if one.detail and message is one.actual else ""
    return f"{where(message.place)}  {says(message)}{on}" + (f" at {time(message.at)}" if message.at else "") + detail


def in_words(
    one: Difference, expected: Where = str, actual: Where = str, time: Time = str
) -> Iterator[tuple[str, str]]:
    """A difference as (word, message) pairs: the kind and the expected message, then ``came`` and what came.

    A difference with one message has one pair. ``expected`` and ``actual`` say where a message of that side stands, by
    its place, ``time`` how text has times.
    """
    if one.expected is not None:
        yield one.kind, _place(one.expected, one, expected, time)
    if one.actual is not None:
        yield "came" if one.expected else one.kind, _place(one.actual, one, actual, time)
