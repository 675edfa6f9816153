"""``export``: canonical NDJSON, what ``append --from`` takes."""

import click

from cti_es.logs.ndjson import write_events
from cti_es.logs.reading import Cut, Reading
from cti_es_cli.options import OutFile
from cti_es_cli.output import opened
from cti_es_cli.sources import open_log, source_argument


@click.command(
    short_help="Print a log as canonical NDJSON, to be appended elsewhere.",
    epilog="""\b
Examples:
  cti-es export site.db -o events.ndjson
  cti-es export site.db --to-version 411 | cti-es append mended.db --from -""",
)
@source_argument()
@click.option("--to-version", type=click.IntRange(min=0), metavar="N", help="Only up to this version.")
@click.option("-o", "--output", "path", type=OutFile(), metavar="FILE", help="Write to a file.")
def command(source: str, to_version: int | None, path: str | None) -> None:
    """Print the events of a log as canonical NDJSON: what append --from takes, and gives back byte for byte.

    Nothing is ever deleted from a log. To undo a wrong append, export up to the version before it into a new store.
    """
    with opened("ndjson", path, in_place=True) as output, open_log(source) as log:
        for batch in Reading(log, cut=Cut(version=to_version)).batches():
            output.write(write_events(batch.events))
