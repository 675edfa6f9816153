"""``providers``: which application is connected to which CTI Manager."""

from collections.abc import Iterator

import click

from cti_es.providers import ProviderRow, providers
from cti_es.reading import Cut, folded
from cti_es_cli.options import as_of_option
from cti_es_cli.output import batched, of_sources, opened, output_options, warn
from cti_es_cli.sources import CountedLog, open_log, source_argument
from cti_es_cli.views import PROVIDERS


@click.command(
    short_help="Print which application is connected to which CTI Manager.",
    epilog="""\b
Examples:
  cti-es providers site.db
  cti-es providers site.db --as-of 2026-03-01T10:15:00Z --ndjson""",
)
@source_argument(many=True)
@as_of_option("The providers at this version or time, not at the end.")
@output_options
def command(sources: tuple[str, ...], as_of: Cut | None, format: str, path: str | None) -> None:
    """Print the provider of every application that has one: its CTI Managers, the one it is linked to, since when."""

    def batches_of(source: str) -> Iterator[list[ProviderRow]]:
        with open_log(source) as log:
            replay, warnings = folded(CountedLog(log), as_of or Cut())
        for warning in warnings:
            warn(f"warning: {warning}")
        yield from batched(providers(replay.book))

    with opened(format, path) as output:
        output.rows(*of_sources(sources, PROVIDERS, batches_of))
