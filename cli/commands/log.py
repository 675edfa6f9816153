"""``log``: the events of a log."""

from collections.abc import Iterator

import click

from cti_es.answers.names import unknown
from cti_es.logs.reading import Batch, Cut, Reading, Wait
from cti_es.report.rows import EventRow
from cti_es.vocabulary.events import EVENT_TYPES, Event
from cti_es_cli.options import follow_option, one_source_to_follow, until_interrupted, version_options
from cti_es_cli.output import of_sources, opened, output_options, warn
from cti_es_cli.sources import open_log, source_argument
from cti_es_cli.views import EVENTS


@click.command(
    "log",
    short_help="Print the events of a log.",
    epilog="""\b
Examples:
  cti-es log site.db --type node_failed --type node_recovered
  cti-es log site.db --device CTIP01 --ndjson
  cti-es log site.db --follow""",
)
@source_argument(many=True)
@click.option("--type", "types", type=click.Choice(list(EVENT_TYPES)), multiple=True, metavar="TYPE",
              help="Only events of this type (again for more).")  # fmt: skip
@click.option(
    "--device", "devices", multiple=True, metavar="DEVICE", help="Only events of this device (again for more)."
)
@version_options
@follow_option
@output_options
def command(
    sources: tuple[str, ...],
    types: tuple[str, ...],
    devices: tuple[str, ...],
    from_version: int,
    to_version: int | None,
    follow: Wait | None,
    format: str,
    path: str | None,
) -> None:
    """Print the events of a log with their versions.

    NDJSON is the version and then the event in its canonical form.
    """
    one_source_to_follow(sources, follow)
    wanted = {EVENT_TYPES[name] for name in types}

    def batches_of(source: str) -> Iterator[list[EventRow]]:
        seen: set[str] = set()
        with open_log(source) as log:
            for batch in Reading(log, from_version, Cut(version=to_version), wait=follow).batches():
                if devices:
                    seen.update(map(_device, batch.events))
                yield [row for row in _rows(batch) if _is_wanted(row.event, wanted, devices)]
            for text in unknown("event of a device", sorted(set(devices)), seen, log.name):
                warn(f"warning: {text}")

    with opened(format, path, live=follow is not None) as output, until_interrupted(follow):
        output.rows(*of_sources(sources, EVENTS, batches_of))


def _rows(batch: Batch) -> Iterator[EventRow]:
    return (EventRow(version, event) for version, event in enumerate(batch.events, batch.version))


def _is_wanted(event: Event, types: set[type[Event]], devices: tuple[str, ...]) -> bool:
    return (not types or type(event) in types) and (not devices or _device(event) in devices)


def _device(event: Event) -> str:
    """The device of an event; an empty text if it is about none."""
    return getattr(event, "device", None) or ""
