"""``replay``: the TAPI messages that a log causes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple, cast

import click
from msgspec.structs import replace

from cti_es.answers.names import unknown
from cti_es.answers.window import ALWAYS, Window
from cti_es.logs.reading import Cut, Log, Reading, Wait, check_end, resumed
from cti_es.model.replay import Happening, MisfitReport, Replay
from cti_es.report import tapi_browser
from cti_es.report.handle_numbers import HandleNumbers
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Event
from cti_es.vocabulary.tapi import Message
from cti_es_cli.complaints import failed
from cti_es_cli.fleet import Rows, of_sources
from cti_es_cli.options import (
    as_of_option,
    cut_at,
    follow_option,
    one_source_to_follow,
    until_interrupted,
    version_options,
    window_options,
)
from cti_es_cli.output import FORMATS, Output, Row, View, opened, output_options, warn, warn_of, wide_option
from cti_es_cli.sources import open_log, source_argument
from cti_es_cli.times import shown_time
from cti_es_cli.views import MESSAGES, MISFITS

TAPI_BROWSER, LADDER, MERMAID = "tapi-browser", "ladder", "mermaid"
NO_ROWS = (TAPI_BROWSER, LADDER, MERMAID)
"""Formats of messages that are no rows; of one SOURCE each."""


@click.command(
    short_help="Print the TAPI messages that a log causes.",
    epilog="""\b
Examples:
  cti-es replay site.db
  cti-es replay events.ndjson --device CTIP01 --ndjson
  cti-es replay site.db --as-of 2026-03-01T10:15:00Z
  cti-es replay site.db --digest
  cti-es replay site.db --app ivr --format tapi-browser -o expected.txt
  cti-es replay site.db --device CTIP01 --from-version 20 --format ladder""",
)
@source_argument(many=True)
@click.option(
    "--app", "apps", multiple=True, metavar="NAME", help="Only messages to this application (again for more)."
)
@click.option(
    "--device", "devices", multiple=True, metavar="DEVICE", help="Only messages about this device (again for more)."
)
@window_options("what happened")
@version_options
@as_of_option("Replay the log as it was at this version or time.")
@follow_option
@click.option("--misfits", is_flag=True, help="Print the events that do not fit instead of the messages.")
@click.option("--digest", is_flag=True, help="Print only the SHA-256 of the NDJSON that would be printed.")
@wide_option
@partial(output_options, formats=(*FORMATS, *NO_ROWS))
def command(
    sources: tuple[str, ...],
    apps: tuple[str, ...],
    devices: tuple[str, ...],
    window: Window,
    from_version: int,
    to_version: int | None,
    as_of: Cut | None,
    follow: Wait | None,
    misfits: bool,
    digest: bool,
    wide: bool,
    format: str,
    path: str | None,
) -> None:
    """Print the TAPI messages that a log causes, in order.

    Filters never renumber: seq is the number of the message in the whole replay. Events that do not fit are named on
    standard error and change nothing.
    """
    one_source_to_follow(sources, follow)
    cut = cut_at(as_of, to_version, follow)
    no_rows = None if digest or format not in NO_ROWS else format
    _refuse(
        (follow and digest, "--follow has no end, so it does not go with --digest"),
        (follow and no_rows == MERMAID, "--follow has no end, so it does not go with --format mermaid"),
        (misfits and (apps or devices), "--misfits are events, not messages; --app and --device do not go with it"),
        (misfits and no_rows, f"--misfits are events, not messages; --format {format} does not go with it"),
        (no_rows and len(sources) > 1,
         f"--format {format} takes one SOURCE: a trace has nothing to tell several apart"),
    )  # fmt: skip
    wanted = _Wanted(frozenset(apps), frozenset(devices), from_version, window)

    asked = _Asked(wanted, cut, as_of is not None, follow, "misfits" if misfits else no_rows or "messages")
    printed = "ndjson" if digest else format
    rows = of_sources(sources, asked.rows, printed)
    with opened(printed, path, live=follow is not None, wide=wide) as output, until_interrupted(follow):
        if digest:
            _Digest(output).rows(*rows)
        elif no_rows:
            for lines in rows[1]:
                output.write(b"".join(lines))
        else:
            output.rows(*rows)


def _refuse(*usages: tuple[object, str]) -> None:
    """Refuse words of the command line that exclude each other: the first that does, with the words that say so."""
    for excluded, words in usages:
        if excluded:
            raise click.UsageError(words)


class _Wanted:
    """Which messages to print."""

    def __init__(self, apps: frozenset[str], devices: frozenset[str], from_version: int, window: Window) -> None:
        self.from_version = from_version
        self.window = window
        self._apps = apps
        self._devices = devices
        self._all = not apps and not devices and from_version == 1 and window == ALWAYS

    def unknown(self, replay: Replay, log: str) -> Iterator[str]:
        """What is wanted but not there, with what is near."""
        yield from unknown("application", sorted(self._apps), replay.book.apps, log)
        yield from unknown("device", sorted(self._devices), replay.cluster.devices, log)

    def of(self, messages: Iterable[Message]) -> Iterable[Message]:
        """Those that are wanted."""
        return messages if self._all else filter(self._has, messages)

    def _has(self, message: Message) -> bool:
        return (
            message.version >= self.from_version
            and (not self._apps or message.app in self._apps)
            and (not self._devices or message.device in self._devices)
            and self.window.has(message.at)
        )


class _Asked(NamedTuple):
    """What to print of a log: which messages, up to where, and in which form (``messages``: as rows; ``misfits``)."""

    wanted: _Wanted
    cut: Cut
    strict: bool
    follow: Wait | None
    form: str

    def rows(self, source: str) -> Rows:
        """The rows of a source."""
        return cast(View[Any], MISFITS if self.form == "misfits" else MESSAGES), self._batches(source)

    def _batches(self, source: str) -> Iterator[Iterable[Any]]:
        with open_log(source) as log:
            replaying = _Replaying(log, self)
            form = {"messages": replaying.messages, "misfits": replaying.misfits}.get(self.form)
            yield from form() if form else replaying.written(self.form)


class _Replaying:
    """One log being replayed: from the nearest snapshot before what is wanted, up to the cut."""

    def __init__(self, log: Log, asked: _Asked) -> None:
        self._log = log
        self._wanted = asked.wanted
        self._cut = asked.cut
        self._strict = asked.strict
        start = 0 if asked.form == TAPI_BROWSER else asked.wanted.from_version - 1  # handles are counted from there
        self._replay, timeline = resumed(log, **asked.cut.at_most | {"version": start})
        self._reading = Reading(log, self._replay.version + 1, asked.cut, timeline, wait=asked.follow)

    def messages(self) -> Iterator[Iterable[Message]]:
        """The wanted messages, batch by batch."""
        return self._each(lambda events: self._wanted.of(self._replay.messages(events)))

    def written(self, form: str) -> Iterator[Iterable[bytes]]:
        """The wanted messages in one of the forms that are no rows, batch by batch."""
        return {TAPI_BROWSER: self._trace, LADDER: self._ladder, MERMAID: self._mermaid}[form]()

    def _trace(self) -> Iterator[Iterable[bytes]]:
        numbers = HandleNumbers(self._replay)
        for messages in self.messages():
            yield tapi_browser.write(messages, numbers.of)

    def _ladder(self) -> Iterator[Iterable[bytes]]:
        from cti_es.report.ladder import HEAD, ladder

        yield [HEAD.encode() + b"\n"]
        for told in self._each(self._told):
            yield (line.encode() + b"\n" for line in ladder(told, shown_time))

    def _mermaid(self) -> Iterator[Iterable[bytes]]:
        from cti_es.report.mermaid import MOST_MESSAGES, mermaid

        found = [one for told in self._each(self._told) for one in told]
        if (count := sum(len(one.messages) for one in found)) > MOST_MESSAGES:
            raise InputError(
                f"{count:,} messages", where="--format mermaid", expected=f"at most {MOST_MESSAGES} in one diagram",
                hint="narrow it down with --device, --app, --from-version and --to-version",
            )  # fmt: skip
        yield (line.encode() + b"\n" for line in mermaid(found, shown_time))

    def _told(self, events: Sequence[Event]) -> Iterator[Happening]:
        """The events that sent wanted messages, with these alone."""
        for one in self._replay.happenings(events):
            if messages := list(self._wanted.of(one.messages)):
                yield replace(one, messages=messages)

    def _each(self, made: Callable[[Sequence[Event]], Iterable[Row]]) -> Iterator[Iterable[Row]]:
        """What is made of each batch of events; misfits are named on standard error when it has been taken."""
        for batch in self._reading.batches():
            yield made(batch.events)
            for misfit in self._new_misfits():
                warn(f"misfit {misfit.version} {misfit.code} {misfit.text}")
        self._finish()

    def misfits(self) -> Iterator[list[MisfitReport]]:
        """The misfits, batch by batch."""
        for batch in self._reading.batches():
            self._replay.advance(batch.events)
            yield self._new_misfits()
        self._finish()

    def _new_misfits(self) -> list[MisfitReport]:
        wanted = self._wanted
        taken = self._replay.taken_misfits()
        return [one for one in taken if one.version >= wanted.from_version and wanted.window.has(one.at)]

    def _finish(self) -> None:
        warn_of(self._reading.warnings)
        warn_of(self._wanted.unknown(self._replay, self._log.name))
        if self._strict:
            check_end(self._log, self._cut, self._reading.end)


class _Digest(Output):
    """Takes NDJSON and prints only its SHA-256."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._sum = sha256()
        self.format = "ndjson"

    def rows(self, view: View[Row], batches: Iterable[Iterable[Row]]) -> None:
        """The bare sum of what these rows would be."""
        super().rows(view, batches)
        if failed():
            raise InputError("no digest", expected="all logs, and there are some that could not be read")
        self._output.line(self._sum.hexdigest())

    def write(self, data: bytes) -> None:
        """Add to the sum."""
        self._sum.update(data)
