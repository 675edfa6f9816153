"""``homes``: where every device is."""

import click

from cti_es.logs.reading import Cut
from cti_es.model.homes import homes
from cti_es_cli.options import as_of_option
from cti_es_cli.output import output_options, print_states, wide_option
from cti_es_cli.sources import source_argument
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
@wide_option
@output_options
def command(sources: tuple[str, ...], as_of: Cut | None, wide: bool, format: str, path: str | None) -> None:
    """Print where every device is homed: state, home and original node, active calls, re-homing that is due, lines."""
    print_states(sources, as_of, HOMES, lambda replay: homes(replay.cluster), format, path, wide)
