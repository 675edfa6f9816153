"""``homes``: where every device is."""

from collections.abc import Iterator

import click

from cti_es.homes import Home, homes
from cti_es.reading import Cut, folded
from cti_es_cli.options import as_of_option
from cti_es_cli.output import batched, of_sources, opened, output_options, warn
from cti_es_cli.sources import CountedLog, open_log, source_argument
from cti_es_cli.views import HOMES


@click.command(
    short_help="Print where every device is homed.",
    epilog="""\b
Examples:
  cti-es homes site.db
  cti-es homes site.db --as-of 2026-03-01T10:15:00Z
  cti-es homes events.ndjson --as-of 7 --ndjson""",
)
@source_argument(many=True)
@as_of_option("The homes at this version or time, not at the end.")
@output_options
def command(sources: tuple[str, ...], as_of: Cut | None, format: str, path: str | None) -> None:
    """Print where every device is homed: state, home and original node, active calls, re-homing that is due, lines."""

    def batches_of(source: str) -> Iterator[list[Home]]:
        with open_log(source) as log:
            replay, warnings = folded(CountedLog(log), as_of or Cut())
        for warning in warnings:
            warn(f"warning: {warning}")
        yield from batched(homes(replay.cluster))

    with opened(format, path) as output:
        output.rows(*of_sources(sources, HOMES, batches_of))
