"""``diff``: expected against actual."""

from functools import partial
from pathlib import Path

import click

from cti_es_cli.comparison import DIFFERS, Asked, compared, comparison_options
from cti_es_cli.options import OutFile
from cti_es_cli.output import opened, output_options
from cti_es_cli.sources import InFile
from cti_es_cli.times import shown_time


@click.command(
    short_help="Compare the expected messages with those that really came.",
    epilog="""\b
Examples:
  cti-es diff site.db tb20.log
  cti-es diff events.ndjson received.ndjson --app ivr --order device
  cti-es diff site.db tb20.log --junit diff.xml --max 5""",
)
@click.argument("expected", metavar="EXPECTED", type=InFile())
@click.argument("actual", metavar="ACTUAL...", nargs=-1, required=True, type=InFile())
@comparison_options
@click.option("--show-handles", is_flag=True, help="Print which handle was taken for which channel.")
@click.option("--max", "most", type=click.IntRange(min=1), metavar="N", default=20, show_default=True,
              help="Print at most so many differences.")  # fmt: skip
@click.option("--junit", metavar="FILE", type=OutFile(), help="Write JUnit XML, a test case per channel.")
@partial(output_options, formats=("text", "ndjson"), what="it")
def command(
    expected: str,
    actual: tuple[str, ...],
    asked: Asked,
    show_handles: bool,
    most: int,
    junit: str | None,
    format: str,
    path: str | None,
) -> int:
    """Compare what EXPECTED causes with what ACTUAL says: exit 0 when it conforms, 1 when it differs.

    Each is a SOURCE, which is replayed, or a message trace: NDJSON, CSV, TAPI Browser, one line a message, the form of
    the developers guide, the log of a JTAPI application, or a CUCM syslog with CTI alarms. Order counts on each handle;
    between handles it does not.
    """
    from cti_es.report.diff_text import Report
    from cti_es.report.junit import junit_xml
    from cti_es.vocabulary.events import encode
    from cti_es_cli.exits import ClosedPipe

    if junit and path and Path(junit).resolve() == Path(path).resolve():
        raise click.UsageError(f"--junit and -o are the same file: {path}")
    with compared(expected, actual, asked) as (sides, options, found):
        report = Report(sides, asked.selection, options, found, most, shown_time)
        verdict = 0 if found.conforms else DIFFERS
        if junit:
            with opened("text", junit, option="--junit") as file:
                file.write(junit_xml(found, *(side.where for side in sides)))
        try:
            with opened(format, path) as output:
                if format == "ndjson":
                    for row in report.rows():
                        output.write(encode(row) + b"\n")
                else:
                    for line in report.lines(show_handles):
                        output.line(*line)
                output.flush()
        except ClosedPipe:
            raise ClosedPipe(verdict) from None
    return verdict
