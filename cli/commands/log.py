"""``log``: the events of a log."""

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import click

from cti_es.answers.names import unknown
from cti_es.answers.window import Window
from cti_es.logs.reading import Batch, Cut, Reading, Wait, check_end
from cti_es.model.recovery import DEFAULT_APP
from cti_es.report.rows import EventRow
from cti_es.vocabulary.events import EVENT_TYPES, Event
from cti_es_cli.fleet import Rows, of_sources
from cti_es_cli.log_views import EVENTS
from cti_es_cli.options import (
    as_of_option,
    cut_at,
    follow_option,
    one_source_to_follow,
    until_interrupted,
    version_options,
    window_options,
)
from cti_es_cli.output import opened, output_options, warn_of
from cti_es_cli.sources import open_log, source_argument


@click.command(
    "log",
    short_help="Print the events of a log.",
    epilog="""\b
Examples:
  cti-es log site.db --type node_failed --type node_recovered
  cti-es log site.db --device CTIP01 --ndjson
  cti-es log site.db --since 09:15 --until 09:20 --tz local
  cti-es log site.db --follow""",
)
@source_argument(many=True)
@click.option("--type", "types", type=click.Choice(list(EVENT_TYPES)), multiple=True, metavar="TYPE",
              help="Only events of this type (again for more).")  # fmt: skip
@click.option(
    "--device", "devices", multiple=True, metavar="DEVICE", help="Only events of this device (again for more)."
)
@click.option("--app", "apps", multiple=True, metavar="NAME", help="Only events of this application (again for more).")
@window_options("what happened")
@version_options
@as_of_option("The log as it was at this version or time.")
@follow_option
@output_options
def command(
    sources: tuple[str, ...],
    types: tuple[str, ...],
    devices: tuple[str, ...],
    apps: tuple[str, ...],
    window: Window,
    from_version: int,
    to_version: int | None,
    as_of: Cut | None,
    follow: Wait | None,
    format: str,
    path: str | None,
) -> None:
    """Print the events of a log with their versions.

    NDJSON is the version and then the event in its canonical form.
    """
    one_source_to_follow(sources, follow)
    cut = cut_at(as_of, to_version, follow)
    wanted = _Wanted({EVENT_TYPES[name] for name in types}, frozenset(devices), frozenset(apps), window)
    asked = _Asked(wanted, from_version, cut, as_of is not None, follow)
    with opened(format, path, live=follow is not None) as output, until_interrupted(follow):
        output.rows(*of_sources(sources, asked.rows, format))


def _rows(batch: Batch) -> Iterator[EventRow]:
    return (EventRow(version, event) for version, event in enumerate(batch.events, batch.version))


class _Wanted(NamedTuple):
    """Which events to print: of these types, devices and applications (empty: of all), in this window of time."""

    types: Collection[type[Event]]
    devices: Collection[str]
    apps: Collection[str]
    window: Window

    def has(self, event: Event) -> bool:
        """Whether an event is wanted."""
        return (
            (not self.types or type(event) in self.types)
            and (not self.devices or _device(event) in self.devices)
            and (not self.apps or _app(event) in self.apps)
            and self.window.has(event.at)
        )


class _Asked(NamedTuple):
    """What to print of a log: which events, from where, up to where."""

    wanted: _Wanted
    start: int
    cut: Cut
    strict: bool
    follow: Wait | None

    def rows(self, source: str) -> Rows:
        """The rows of a source."""
        return EVENTS, self._batches(source)

    def _batches(self, source: str) -> Iterator[list[EventRow]]:
        wanted = self.wanted
        seen: dict[Callable[[Event], str], set[str]] = {_device: set(), _app: set()}
        with open_log(source) as log:
            for batch in (reading := Reading(log, self.start, self.cut, wait=self.follow)).batches():
                for name_of, names in seen.items() if wanted.devices or wanted.apps else ():
                    names.update(map(name_of, batch.events))
                yield [row for row in _rows(batch) if wanted.has(row.event)]
            if self.strict:
                check_end(log, self.cut, reading.end)
            warn_of(unknown("event of a device", sorted(wanted.devices), seen[_device], log.name))
            warn_of(unknown("event of an application", sorted(wanted.apps), seen[_app], log.name))


def _device(event: Event) -> str:
    """The device of an event; an empty text if it is about none."""
    return getattr(event, "device", None) or ""


def _app(event: Event) -> str:
    """The application of an event; an empty text if it is about none."""
    return (event.app or DEFAULT_APP) if hasattr(event, "app") else ""
