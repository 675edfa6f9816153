"""``logs``: what a store holds."""

import click

from cti_es.logs.open import open_store
from cti_es.report.rows import log_row
from cti_es_cli.log_views import LOGS
from cti_es_cli.output import opened, output_options
from cti_es_cli.sources import InFile
from cti_es_cli.times import tz_option


@click.command(
    short_help="List the logs of a store.",
    epilog="""\b
Examples:
  cti-es logs site.db
  cti-es logs site.db --ndjson > heads.ndjson""",
)
@click.argument("store", metavar="STORE", type=InFile())
@tz_option
@output_options
def command(store: str, format: str, path: str | None) -> None:
    """List the logs of a store: events, first and last time, head.

    Keep a head somewhere else: it is the only thing that shows, later, that the end of a log was cut off
    (cti-es verify --head).
    """
    reader = open_store(store)
    try:
        with opened(format, path) as output:
            output.rows(LOGS, [[log_row(info) for info in reader.logs()]])
    finally:
        reader.close()
