"""``incident``: the summary of each incident, for the ticket."""

from typing import Any

import click

from cti_es.answers.incidents import IncidentReading, in_order
from cti_es.answers.window import Window
from cti_es.logs.reading import Cut
from cti_es_cli.answer_views import INCIDENTS
from cti_es_cli.observing import beside_options, observed_beside
from cti_es_cli.options import TimeType, as_of_option
from cti_es_cli.output import joined, opened, output_options, warn_of
from cti_es_cli.sources import CountedLog, open_log, source_argument
from cti_es_cli.times import shown_time

FORMATS = ("text", "markdown", "ndjson")


@click.command(
    short_help="Print the summary of each incident, for the ticket.",
    epilog="""\b
Examples:
  cti-es incident site.db
  cti-es incident site.db --since 2026-03-01T09:00:00Z --format markdown
  cti-es incident site.db --ndjson""",
)
@source_argument()
@click.option("--since", type=TimeType(), help="Only incidents that still lasted at this time, or began later.")
@click.option("--until", type=TimeType(), help="Only incidents that had begun by this time.")
@as_of_option("The log as it was at this version or time.")
@beside_options
@lambda command: output_options(command, FORMATS)
def command(
    source: str,
    since: str | None,
    until: str | None,
    as_of: Cut | None,
    traces: tuple[str, ...],
    handles: str | None,
    format: str,
    path: str | None,
    **how_to_read: Any,
) -> None:
    """Print what failed, for how long, what that did to devices, what was told, and what has not returned.

    Failures of nodes, CTI Managers, devices and connections that overlap are one incident. It ends when nothing that
    failed in it is failed any more. With --trace: the worst outages as they were really observed.
    """
    from cti_es.report.incident_text import incidents_markdown, incidents_text, with_times

    observed = observed_beside(traces, handles, **how_to_read)
    with open_log(source, again=observed is not None) as log, opened(format, path) as output:
        reading = IncidentReading(CountedLog(log), Window(since, until), as_of or Cut(), observed)
        if format == "ndjson":
            output.rows(INCIDENTS, reading.batches())
        else:
            lines = {"text": incidents_text, "markdown": incidents_markdown}[format]
            for line in lines([with_times(one, shown_time) for one in in_order(joined(reading.batches()))]):
                output.line(line)
    warn_of(reading.warnings)
