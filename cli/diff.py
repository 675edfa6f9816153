"""``diff``: expected against actual."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import click

from cti_es_cli.output import Output, opened
from cti_es_cli.trace_options import TimeType, trace_options


@click.command(
    short_help="Compare the expected messages with those that really came.",
    epilog="""\b
Examples:
  cti-es diff site.db tb20.log
  cti-es diff events.ndjson received.ndjson --app ivr --order device
  cti-es diff site.db tb20.log --junit diff.xml --max 5""",
)
@click.argument("expected", metavar="EXPECTED", type=click.Path(allow_dash=True))
@click.argument("actual", metavar="ACTUAL", type=click.Path(allow_dash=True))
@click.option("--app", metavar="NAME", help="Compare only the messages to this application.")
@click.option("--from-version", type=click.IntRange(min=1), metavar="N", default=1, help="Expect only from this version on.")
@click.option("--to-version", type=click.IntRange(min=0), metavar="N", help="Expect only up to this version.")
@click.option("--since", type=TimeType(), help="Compare only messages from this time on, where they have times.")
@click.option("--until", type=TimeType(), help="Compare only messages up to this time, where they have times.")
@click.option("--order", type=click.Choice(["channel", "device", "total"]), default="channel", show_default=True,
              help="What has an order: a handle, a device, or the whole trace.")  # fmt: skip
@click.option("--ignore", type=click.Choice(["reason"]), help="Leave the reason (parameter 2) out.")
@click.option("--time-tolerance", metavar="TIME", type=str, help="Compare times, too, with this tolerance (5s).")
@click.option("--strict", is_flag=True, help="A first INSERVICE or RESUME that is not expected is a difference.")
@click.option("--handles", metavar="FILE", type=click.Path(dir_okay=False),
              help="A CSV file that names the handles of ACTUAL: handle, app, device, line.")  # fmt: skip
@click.option("--show-handles", is_flag=True, help="Print which handle was taken for which channel.")
@click.option("--max", "most", type=click.IntRange(min=1), default=20, show_default=True, help="Print at most so many differences.")
@click.option("--junit", metavar="FILE", type=click.Path(dir_okay=False), help="Write JUnit XML, one test case a channel.")
@trace_options("expected", "actual")
@click.option("--format", type=click.Choice(["text", "ndjson"]), default="text", show_default=True, help="How to print it.")
@click.option("--ndjson", "format", flag_value="ndjson", help="Short for --format ndjson.")
@click.option("-o", "--output", "path", type=click.Path(dir_okay=False), metavar="FILE", help="Write to a file.")
def command(expected: str, actual: str, format: str, path: str | None, junit: str | None, **given: Any) -> int:
    """Compare what EXPECTED causes with what ACTUAL says: exit 0 when it conforms, 1 when it differs.

    Each is a SOURCE, which is replayed, or a message trace: NDJSON, CSV, TAPI Browser, one line a message, or the form
    of the developers guide. Order counts on each handle; between handles it does not.
    """
    from cti_es_cli.diff_report import Report, write_junit
    from cti_es_cli.main import ClosedPipe

    if expected == actual == "-":
        raise click.UsageError("only one of EXPECTED and ACTUAL can be standard input")
    with ExitStack() as stack:
        report = Report.of(stack, expected, actual, given)
        verdict = 0 if report.comparison.conforms else 1
        if junit:
            with opened("text", junit) as file:
                write_junit(file, report)
        try:
            with opened(format, path) as output:
                cast(Output, output)
                report.print(output, given["most"], given["show_handles"])
        except ClosedPipe:
            raise ClosedPipe(verdict) from None
    return verdict


__all__ = ["Path", "command"]
