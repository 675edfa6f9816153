"""Options that several commands share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from cti_es.answers.window import Window
from cti_es.logs import clock
from cti_es.logs.reading import Cut, Wait, last_time, parse_as_of
from cti_es.traces.forms.common import TraceOptions
from cti_es.vocabulary.errors import CtiEsError, InputError
from cti_es.vocabulary.times import canonical_time, said_time, stamp_zone
from cti_es_cli.sources import open_log_early
from cti_es_cli.times import given_zone

FOLLOW_SECONDS = 0.2
"""How often ``--follow`` looks whether something has been appended."""


_WITH_DAY = "a time with its day, such as 2026-03-02 09:17"


class TimeType(click.ParamType[str]):
    """A time as people say it, given to the command in canonical form.

    ``stored``: it will be stored. Then a time without a day is today, and the environment says nothing about its zone:
    what is inherited never changes what is stored. Otherwise it is on the day of the log's last event.
    """

    name = "TIME"

    def __init__(self, stored: bool = False) -> None:
        self._read = stored_time if stored else asked_time

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The canonical time."""
        try:
            return self._read(str(value))
        except CtiEsError as error:
            if error.where:  # it is not the time that is wrong
                raise
            return self.fail(f"{error.what}; expected {error.expected}", param, ctx)


class AsOf(click.ParamType[Cut]):
    """``--as-of``: a version or a time."""

    name = "VERSION|TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Cut:
        """The cut that the text names."""
        if isinstance(value, Cut):
            return value
        text = str(value)
        try:
            return parse_as_of(text) if text.isascii() and text.isdigit() else Cut(moment=asked_time(text))
        except CtiEsError as error:
            if error.where:
                raise
            self.fail(f"{error.what}; expected a version or {error.expected}", param, ctx)


def asked_time(text: str) -> str:
    """The canonical time that somebody asks about. Without a day it is on the day of the log's last event."""
    return said_time(text).moment(given_zone().zone, _last_time)


def stored_time(text: str) -> str:
    """The canonical time that somebody wants to be stored. Without a day it is today."""
    said, given = said_time(text), given_zone()
    if said.offset is None and given.inherited:
        expected = "one, or --tz: the zone of the environment counts for nothing that is stored"
        raise InputError(f"{text!r} has no offset", expected=expected)
    return said.moment(given.zone, clock.now)


def _last_time() -> str:
    """The time of the last event of the log that the command reads; the present if it has none."""
    context = click.get_current_context()
    given = context.params.get("sources") or (context.params.get("source"),)
    [source, *others] = given
    if others or source is None:
        raise InputError("a time without its day, and no log alone that has one", expected=_WITH_DAY)
    with open_log_early(source, context) as log:
        return last_time(log) or clock.now()


def as_of_option(text: str) -> Callable[[Any], Any]:
    """``--as-of``, given to the command as a :class:`~cti_es.logs.reading.Cut`."""
    return click.option("--as-of", type=AsOf(), help=text)


def window_options(what: str) -> Callable[[Any], Any]:
    """``--since`` and ``--until`` for rows that each have one time. The command gets them as ``window``."""

    def add(command: Callable[..., Any]) -> Any:
        @wraps(command)
        def in_window(since: str | None, until: str | None, **values: Any) -> Any:
            window = Window(since, until)
            window.check()
            return command(window=window, **values)

        until = click.option("--until", type=TimeType(), help=f"Only {what} at this time or before.")
        since = click.option("--since", type=TimeType(), help=f"Only {what} at this time or later.")
        return since(until(in_window))

    return add


def version_options(command: Any) -> Any:
    """``--from-version`` and ``--to-version``."""
    command = click.option("--to-version", type=click.IntRange(min=0), metavar="N", help="Only up to this version.")(
        command
    )
    return click.option(
        "--from-version", type=click.IntRange(min=1), metavar="N", default=1, help="Only from this version on."
    )(command)


def wait_option(command: Any) -> Any:
    """``--wait``: how long to wait for another writer, in seconds."""
    return click.option("--wait", type=Seconds(), envvar="CTI_ES_WAIT", show_envvar=True, default="30s",
                        show_default=True, metavar="TIME",
                        help="How long to wait for another writer.")(command)  # fmt: skip


class OutFile(click.ParamType[str]):
    """The name of a file to write, or ``-`` for standard output."""

    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as it was given."""
        text = str(value)
        if not text:
            self.fail("an empty name; expected the name of a file", param, ctx)
        if Path(text).is_dir():
            self.fail(f"'{text}' is a folder; expected the name of a file", param, ctx)
        return text


class DayType(click.ParamType[str]):
    """``--date``: a day."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The day, as it was given."""
        try:
            canonical_time(f"{value}T00:00:00Z")
        except CtiEsError:
            self.fail(f"'{value}' is no day; expected for example 2026-01-31", param, ctx)
        return str(value)


class StampZone(click.ParamType[tuple[str, str]]):
    """``--stamp-tz``: the offset or the name of a zone, for one zone of the stamps or for all that are unknown."""

    name = "[ZONE=]±HH:MM|NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The zone (empty: all that are unknown) and what it is."""
        try:
            return stamp_zone(str(value))
        except CtiEsError as error:
            hint = f"; {error.hint}" if error.hint else ""
            return self.fail(f"{error.what}; expected {error.expected}, or ZONE= before one{hint}", param, ctx)


def stamp_tz_option(text: str) -> Callable[[Any], Any]:
    """``--stamp-tz``, given to the command as ``zones``: pairs of a zone and what it is."""
    return click.option("--stamp-tz", "zones", type=StampZone(), multiple=True, help=text)


LONGEST_DURATION = 1e10
"""Seconds, some 300 years: with much longer ones no calendar can count."""


class Seconds(click.ParamType[float]):
    """A duration: ``30s``, ``500ms``, ``2m``, or seconds without a unit."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The duration in seconds."""
        if isinstance(value, float):
            return value
        text = str(value)
        for unit, factor in (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("", 1.0)):
            number = text.removesuffix(unit)
            if text.endswith(unit) and number.replace(".", "", 1).isdecimal() and number.isascii():
                return self._within_bounds(float(number) * factor, param, ctx)
        return self.fail(f"'{text}' is not a duration; expected for example 30s, 500ms or 2m", param, ctx)

    def _within_bounds(self, seconds: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if seconds > LONGEST_DURATION:
            self.fail(f"longer than any log; expected up to {LONGEST_DURATION:,.0f} seconds", param, ctx)
        return seconds


class Shift(Seconds):
    """By how much a clock is ahead: ``auto``, or a duration with a sign, such as ``+180s`` or ``-2m``."""

    name = "auto|±TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """``auto``, or the seconds."""
        text = str(value)
        if text == "auto" or isinstance(value, float):
            return value
        seconds = super().convert(text[1:] if text[:1] in "+-" else text, param, ctx)
        return -seconds if text.startswith("-") else seconds


def follow_option(command: Any) -> Any:
    """``--follow``: go on printing what is appended, until Ctrl-C. The command gets what to do at the end, or None."""
    return click.option(
        "-f",
        "--follow",
        is_flag=True,
        callback=lambda ctx, param, value: _wait_a_little if value else None,
        help="Go on printing what is appended, until Ctrl-C.",
    )(command)


def cut_at(as_of: Cut | None, to_version: int | None, follow: Wait | None) -> Cut:
    """Where to stop reading. Refuses two ends, and an end of what has none."""
    if as_of is not None and to_version is not None:
        raise click.UsageError("--as-of and --to-version cut the same end; give one of them")
    if follow and (as_of is not None or to_version is not None):
        raise click.UsageError("--follow has no end, so it does not go with --as-of or --to-version")
    return as_of or Cut(version=to_version)


def one_source_to_follow(sources: tuple[str, ...], follow: Wait | None) -> None:
    """Refuse to follow more than one SOURCE: the first never ends."""
    if follow is not None and len(sources) > 1:
        raise click.UsageError("--follow takes one SOURCE: its rows never end")


def _wait_a_little() -> None:
    clock.pause(FOLLOW_SECONDS)


@contextmanager
def until_interrupted(follow: Wait | None) -> Iterator[None]:
    """Ctrl-C is how ``--follow`` ends, and no error there."""
    try:
        yield
    except KeyboardInterrupt:
        if follow is None:
            raise


def trace_options(*sides: str) -> Callable[[Any], Any]:
    """The options that say how to read a trace, with ``--SIDE-format`` for each of ``sides``."""
    from cti_es.traces.recognise import TRACE_FORMATS

    options = [
        click.option(
            f"--{side}-format", type=click.Choice(list(TRACE_FORMATS)), help=f"Read {side.upper()} as this format."
        )
        for side in sides
    ]
    options += [
        click.option(
            "--skip-bad", is_flag=True, help="Count message lines that cannot be read instead of refusing them."
        ),
        click.option("--date", type=DayType(), help="The day on which a trace with times of day begins."),
        stamp_tz_option("What a time zone of its stamps is, or every unknown one (UTC)."),
        click.option(
            "--line-pattern",
            "patterns",
            metavar="REGEX",
            multiple=True,
            help=f"Read {sides[-1].upper()} by this expression, with named groups.",
        ),
    ]

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def reading_options(
    skip_bad: bool, date: str | None, zones: tuple[tuple[str, str], ...], patterns: tuple[str, ...]
) -> TraceOptions:
    """How to read the traces of a command, by the values of :func:`trace_options`."""
    return TraceOptions(skip_bad, date, dict(zones), patterns)


def format_by(format: str | None, patterns: tuple[str, ...]) -> str | None:
    """The format of the side that ``--line-pattern`` is about."""
    if patterns and format not in (None, "line-pattern"):
        raise click.UsageError(f"--line-pattern is the format line-pattern, not {format}")
    return "line-pattern" if patterns else format
