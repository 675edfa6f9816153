"""``replay``: the TAPI messages that a log causes."""

from collections.abc import Iterable, Iterator
from functools import partial
from hashlib import sha256
from typing import Any, cast

import click

from cti_es.answers.names import unknown
from cti_es.logs.reading import Cut, Log, Reading, Wait, check_end, resumed
from cti_es.model.replay import MisfitReport, Replay
from cti_es.report import tapi_browser
from cti_es.report.handle_numbers import HandleNumbers
from cti_es.vocabulary.tapi import Message
from cti_es_cli.options import as_of_option, follow_option, one_source_to_follow, until_interrupted, version_options
from cti_es_cli.output import FORMATS, Output, Row, View, of_sources, opened, output_options, warn, wide_option
from cti_es_cli.sources import open_log, source_argument
from cti_es_cli.views import MESSAGES, MISFITS

TAPI_BROWSER = "tapi-browser"


@click.command(
    short_help="Print the TAPI messages that a log causes.",
    epilog="""\b
Examples:
  cti-es replay site.db
  cti-es replay events.ndjson --device CTIP01 --ndjson
  cti-es replay site.db --as-of 2026-03-01T10:15:00Z
  cti-es replay site.db --digest
  cti-es replay site.db --app ivr --format tapi-browser -o expected.txt""",
)
@source_argument(many=True)
@click.option(
    "--app", "apps", multiple=True, metavar="NAME", help="Only messages to this application (again for more)."
)
@click.option(
    "--device", "devices", multiple=True, metavar="DEVICE", help="Only messages about this device (again for more)."
)
@version_options
@as_of_option("Replay the log as it was at this version or time.")
@follow_option
@click.option("--misfits", is_flag=True, help="Print the events that do not fit instead of the messages.")
@click.option("--digest", is_flag=True, help="Print only the SHA-256 of the NDJSON that would be printed.")
@wide_option
@partial(output_options, formats=(*FORMATS, TAPI_BROWSER))
def command(
    sources: tuple[str, ...],
    apps: tuple[str, ...],
    devices: tuple[str, ...],
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
    if as_of is not None and to_version is not None:
        raise click.UsageError("--as-of and --to-version cut the same end; give one of them")
    if follow and (digest or as_of is not None or to_version is not None):
        raise click.UsageError("--follow has no end, so it does not go with --digest, --as-of or --to-version")
    if misfits and (apps or devices):
        raise click.UsageError("--misfits are events, not messages; --app and --device do not go with it")
    one_source_to_follow(sources, follow)
    as_trace = format == TAPI_BROWSER and not digest
    if as_trace and misfits:
        raise click.UsageError("--misfits are events, not messages; --format tapi-browser does not go with it")
    if as_trace and len(sources) > 1:
        raise click.UsageError("--format tapi-browser takes one SOURCE: a trace has nothing to tell several apart")
    wanted = _Wanted(frozenset(apps), frozenset(devices), from_version)
    cut = as_of or Cut(version=to_version)

    def batches_of(source: str) -> Iterator[Iterable[Any]]:
        with open_log(source) as log:
            replaying = _Replaying(log, wanted, cut, strict=as_of is not None, follow=follow, numbered=as_trace)
            yield from replaying.misfits() if misfits else replaying.trace() if as_trace else replaying.messages()

    rows = of_sources(sources, cast(View[Any], MISFITS if misfits else MESSAGES), batches_of)
    with (
        opened("ndjson" if digest else format, path, live=follow is not None, wide=wide) as output,
        until_interrupted(follow),
    ):
        if digest:
            _Digest(output).rows(*rows)
        elif as_trace:
            for messages in rows[1]:
                output.write(b"".join(messages))
        else:
            output.rows(*rows)


class _Wanted:
    """Which messages to print."""

    def __init__(self, apps: frozenset[str], devices: frozenset[str], from_version: int) -> None:
        self.from_version = from_version
        self._apps = apps
        self._devices = devices
        self._all = not apps and not devices and from_version == 1

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
        )


class _Replaying:
    """One log being replayed: from the nearest snapshot before what is wanted, up to the cut.

    ``numbered``: from version 1 on, because the handles are counted from there.
    """

    def __init__(self, log: Log, wanted: _Wanted, cut: Cut, strict: bool, follow: Wait | None, numbered: bool) -> None:
        self._log = log
        self._wanted = wanted
        self._cut = cut
        self._strict = strict
        start = 0 if numbered else wanted.from_version - 1
        self._replay, timeline = resumed(log, **cut.at_most | {"version": start})
        self._reading = Reading(log, self._replay.version + 1, cut, timeline, wait=follow)

    def messages(self) -> Iterator[Iterable[Message]]:
        """The wanted messages, batch by batch; misfits are named on standard error."""
        for batch in self._reading.batches():
            yield self._wanted.of(self._replay.messages(batch.events))
            for misfit in self._new_misfits():
                warn(f"misfit {misfit.version} {misfit.code} {misfit.text}")
        self._finish()

    def trace(self) -> Iterator[Iterable[bytes]]:
        """The wanted messages as TAPI Browser prints them, batch by batch. Only if ``numbered``."""
        numbers = HandleNumbers(self._replay)
        for messages in self.messages():
            yield tapi_browser.write(messages, numbers.of)

    def misfits(self) -> Iterator[list[MisfitReport]]:
        """The misfits, batch by batch."""
        for batch in self._reading.batches():
            self._replay.advance(batch.events)
            yield self._new_misfits()
        self._finish()

    def _new_misfits(self) -> list[MisfitReport]:
        return [one for one in self._replay.taken_misfits() if one.version >= self._wanted.from_version]

    def _finish(self) -> None:
        for warning in self._reading.warnings:
            warn(f"warning: {warning}")
        for text in self._wanted.unknown(self._replay, self._log.name):
            warn(f"warning: {text}")
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
        self._output.line(self._sum.hexdigest())

    def write(self, data: bytes) -> None:
        """Add to the sum."""
        self._sum.update(data)
