"""``outages``: what was out of service, when, for how long and why."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import click

from cti_es.answers.observed import Observed, ObservedReading, OnlyObserved
from cti_es.answers.out_of_service import Outage
from cti_es.answers.outages import OutageReading, Totals, Wanted
from cti_es.logs.reading import Cut
from cti_es_cli.answer_views import outages_view
from cti_es_cli.fleet import Rows, of_sources, one_read_here
from cti_es_cli.observing import beside_options, observed_beside
from cti_es_cli.options import Seconds, TimeType, as_of_option
from cti_es_cli.output import FOR_PEOPLE, opened, output_options, warn_of, wide_option
from cti_es_cli.sources import open_log, source_argument


@click.command(
    short_help="Print what was out of service, when, how long and why.",
    epilog="""\b
Examples:
  cti-es outages site.db
  cti-es outages site.db --since 2026-03-01T09:15:00Z --until 2026-03-01T09:20:00Z
  cti-es outages site.db --app ivr --lines --min 5s
  cti-es outages site.db --still --ndjson
  cti-es outages site.db --trace tb20.log --min 5s""",
)
@source_argument(many=True)
@click.option("--lines", is_flag=True, help="Outages of lines, too.")
@click.option("--app", metavar="NAME", help="As this application was told, and only what it has open.")
@click.option("--device", "devices", multiple=True, metavar="DEVICE", help="Only of this device (again for more).")
@click.option("--since", type=TimeType(), help="Only what was still out at this time, or went out later.")
@click.option("--until", type=TimeType(), help="Only what was out at this time, or had been before.")
@click.option("--min", "least", type=Seconds(), metavar="TIME", help="Only of at least this length, or that last.")
@click.option("--still", is_flag=True, help="Only what is out of service at the end.")
@as_of_option("The log as it was at this version or time.")
@beside_options
@wide_option
@output_options
def command(
    sources: tuple[str, ...],
    lines: bool,
    app: str | None,
    devices: tuple[str, ...],
    since: str | None,
    until: str | None,
    least: float | None,
    still: bool,
    as_of: Cut | None,
    traces: tuple[str, ...],
    handles: str | None,
    wide: bool,
    format: str,
    path: str | None,
    **how_to_read: Any,
) -> None:
    """Print every interval in which a device that somebody had open, or a phone, was out of service.

    The model moves devices at once: a move is an outage of no length. What is still out at the end comes last.
    With --trace: what was really observed of each, then what only the trace has.
    """
    if traces:
        one_read_here(sources, "--trace stands beside")
    wanted, cut = Wanted(lines, app, devices, since, until, least, still), as_of or Cut()
    observed = observed_beside(traces, handles, app, lines, **how_to_read)
    totals = Totals()
    notes: list[str] = []
    rows = partial(_rows, wanted=wanted, cut=cut, observed=observed, notes=notes)
    with opened(format, path, wide=wide) as output:
        output.rows(*of_sources(sources, rows, format, totals.add))
        if format in FOR_PEOPLE:
            output.note("; ".join([totals.text(), *notes]))


def _rows(source: str, wanted: Wanted, cut: Cut, observed: Observed | None, notes: list[str]) -> Rows:
    """The outages of a source; what is to be said of the trace beside it is added to ``notes``."""

    def batches() -> Iterator[Sequence[Outage | OnlyObserved]]:
        with open_log(source, again=observed is not None) as log:
            reading = ObservedReading(log, observed, wanted, cut) if observed else OutageReading(log, wanted, cut)
            yield from reading.batches()
        warn_of(reading.warnings)
        notes.extend([reading.text()] if isinstance(reading, ObservedReading) else [])

    return outages_view(wanted.lines, observed is not None), batches()
