"""``history``: every change of a device."""

from collections.abc import Iterator
from functools import partial

import click

from cti_es.answers.history import Change, HistoryReading
from cti_es.answers.window import Window
from cti_es.logs.reading import Cut
from cti_es_cli.answer_views import HISTORY
from cti_es_cli.fleet import Rows, print_sources
from cti_es_cli.options import as_of_option, window_options
from cti_es_cli.output import output_options, warn_of, wide_option
from cti_es_cli.sources import open_log, source_argument


@click.command(
    short_help="Print every change of a device, also where nobody was told.",
    epilog="""\b
Examples:
  cti-es history site.db --device CTIP01
  cti-es history events.ndjson --device CTIP01 --device SEP02 --ndjson""",
)
@source_argument(many=True)
@click.option(
    "--device", "devices", multiple=True, required=True, metavar="DEVICE", help="Of this device (again for more)."
)
@window_options("what changed")
@as_of_option("The log as it was at this version or time.")
@wide_option
@output_options
def command(
    sources: tuple[str, ...],
    devices: tuple[str, ...],
    window: Window,
    as_of: Cut | None,
    wide: bool,
    format: str,
    path: str | None,
) -> None:
    """Print every change of a device's state, home and lines: the event, what it did, and how many were told.

    Changes of which nobody was told are there, too; explain --device D --event N says why.
    """
    rows = partial(_rows, devices=devices, window=window, cut=as_of or Cut())
    print_sources(sources, rows, format, path, wide)


def _rows(source: str, devices: tuple[str, ...], window: Window, cut: Cut) -> Rows:
    def batches() -> Iterator[list[Change]]:
        with open_log(source) as log:
            reading = HistoryReading(log, devices, cut)
            for batch in reading.batches():
                yield [one for one in batch if window.has(one.at)]
        warn_of(reading.warnings)

    return HISTORY, batches()
