"""``report``: the page of what happened, to be attached to a ticket."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from cti_es.logs.reading import Log
from cti_es.report.diff_text import Report
from cti_es.traces.comparing import open_side
from cti_es.traces.sides import LogSide, Side
from cti_es.vocabulary.errors import InputError
from cti_es_cli.comparison import DIFFERS, Asked, compared, comparison_options
from cti_es_cli.options import OutFile
from cti_es_cli.output import opened
from cti_es_cli.sources import InFile
from cti_es_cli.times import given_zone, shown_time


@click.command(
    short_help="Write a page that shows what failed, and what was missed.",
    epilog="""\b
Examples:
  cti-es report site.db -o outage.html
  cti-es report site.db tb20.log -o outage.html
  cti-es report site.db#lab received.ndjson --app ivr --since 2026-03-01T09:00:00Z -o outage.html""",
)
@click.argument("expected", metavar="EXPECTED", type=InFile())
@click.argument("actual", metavar="[ACTUAL]...", nargs=-1, type=InFile())
@comparison_options
@click.option(
    "-o",
    "--output",
    "path",
    type=OutFile(),
    metavar="FILE",
    required=True,
    help="The file to write (-: standard output).",
)
def command(expected: str, actual: tuple[str, ...], asked: Asked, path: str) -> int:
    """Write one HTML file that shows what failed and when, and what applications should have been told.

    EXPECTED is a SOURCE. With ACTUAL, the trace of an application, the page also has the verdict of diff, the first
    divergence with its cause and every other difference. The file needs no network, and no JavaScript.

    Exit 0, or 1 if ACTUAL differs.
    """
    from cti_es.report.picture import write_page

    with _log_and_report(expected, actual, asked) as (log, report):
        page = write_page(log, asked.selection, report, given_zone().zone)
        with opened("text", path) as output:
            output.write(page)
        return DIFFERS if report and not report.comparison.conforms else 0


@contextmanager
def _log_and_report(expected: str, actual: tuple[str, ...], asked: Asked) -> Iterator[tuple[Log, Report | None]]:
    """The log of EXPECTED, and the comparison with ACTUAL, if it is given."""
    if not actual:
        with open_side(expected, asked.side(asked.expected_format)) as side:
            yield _log(side), None
        return
    with compared(expected, actual, asked) as (sides, options, found):
        yield _log(sides[0]), Report(sides, asked.selection, options, found, len(found.differences), shown_time)


def _log(side: Side) -> Log:
    if not isinstance(side, LogSide):
        raise InputError(
            "a trace",
            where=side.name,
            expected="a log: the page is drawn from its events",
            hint="compare two traces with cti-es diff",
        )
    return side.log
