"""``incident``: the summary of each incident, for the ticket."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any

import click

from cti_es.answers.incidents import Incident, IncidentReading, in_order
from cti_es.answers.observed import Observed
from cti_es.answers.window import Window
from cti_es.logs.reading import Cut
from cti_es.report.markdown import escaped
from cti_es_cli.answer_views import INCIDENTS
from cti_es_cli.fleet import Rows, are_several, of_sources, one_read_here
from cti_es_cli.observing import beside_options, observed_beside
from cti_es_cli.options import TimeType, as_of_option
from cti_es_cli.output import Output, joined, opened, output_options, warn_of
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
@source_argument(many=True)
@click.option("--since", type=TimeType(), help="Only incidents that still lasted at this time, or began later.")
@click.option("--until", type=TimeType(), help="Only incidents that had begun by this time.")
@as_of_option("The log as it was at this version or time.")
@beside_options
@lambda command: output_options(command, FORMATS)
def command(
    sources: tuple[str, ...],
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
    if traces:
        one_read_here(sources, "--trace stands beside")
    observed = observed_beside(traces, handles, **how_to_read)
    rows = partial(_rows, window=Window(since, until), cut=as_of or Cut(), observed=observed)
    view, batches = of_sources(sources, rows, format)
    with opened(format, path) as output:
        if format == "ndjson":
            output.rows(view, batches)
        else:
            _print(output, batches, are_several(sources))


def _rows(source: str, window: Window, cut: Cut, observed: Observed | None) -> Rows:
    def batches() -> Iterator[Sequence[Incident]]:
        with open_log(source, again=observed is not None) as log:
            reading = IncidentReading(CountedLog(log), window, cut, observed)
            yield from reading.batches()
        warn_of(reading.warnings)

    return INCIDENTS, batches()


def _print(output: Output, batches: Iterable[Iterable[Any]], several: bool) -> None:
    """The report of a log; of several, that of each log that has incidents, under its name."""
    from cti_es.report.incident_text import incidents_markdown, incidents_text, with_times

    lines = {"text": incidents_text, "markdown": incidents_markdown}[output.format]
    rows = joined(batches)
    groups: Iterable[tuple[str, Iterable[Incident]]] = [("", rows)]
    if several:
        groups = ((source, (row for _, row in pairs)) for source, pairs in groupby(rows, key=itemgetter(0)))
    count = 0
    for count, (source, incidents) in enumerate(groups, 1):
        if count > 1:
            output.line("")
        if several:
            output.line(f"# {escaped(source)}" if output.format == "markdown" else source)
        for line in lines([with_times(one, shown_time) for one in in_order(incidents)]):
            output.line(line)
    if not count:
        output.line("no incidents")
