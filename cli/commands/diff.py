"""``diff``: expected against actual."""

import gc
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import click

from cti_es_cli.options import OutFile, Seconds, Shift, TimeType, format_by, reading_options, trace_options
from cti_es_cli.output import opened, warn
from cti_es_cli.sources import unpack_limit, unpack_option

DIFFERS = 1


@click.command(
    short_help="Compare the expected messages with those that really came.",
    epilog="""\b
Examples:
  cti-es diff site.db tb20.log
  cti-es diff events.ndjson received.ndjson --app ivr --order device
  cti-es diff site.db tb20.log --junit diff.xml --max 5""",
)
@click.argument("expected", metavar="EXPECTED", type=click.Path(allow_dash=True))
@click.argument("actual", metavar="ACTUAL...", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--app", metavar="NAME", help="Compare only the messages to this application.")
@click.option(
    "--from-version", type=click.IntRange(min=1), metavar="N", default=1, help="Expect only from this version on."
)
@click.option("--to-version", type=click.IntRange(min=0), metavar="N", help="Expect only up to this version.")
@click.option("--since", type=TimeType(), help="Compare only messages from this time on, where they have times.")
@click.option("--until", type=TimeType(), help="Compare only messages up to this time, where they have times.")
@click.option("--order", type=click.Choice(["channel", "device", "total"]), default="channel", show_default=True,
              help="What has an order: each handle, each device, or the whole trace.")  # fmt: skip
@click.option("--ignore", type=click.Choice(["reason"]), help="Leave the reason (parameter 2) out.")
@click.option("--compare", type=click.Choice(["reason"]), help="Compare reasons also with a JTAPI trace.")
@click.option("--time-tolerance", type=Seconds(), help="Compare times, too, with this tolerance (5s).")
@click.option("--shift", type=Shift(), help="How much the clock of ACTUAL is ahead, where times are compared (auto).")
@click.option("--strict", is_flag=True, help="A first INSERVICE or RESUME that is not expected is a difference.")
@click.option("--handles", metavar="FILE", type=click.Path(),
              help="CSV that names the handles of ACTUAL: handle,app,device,line.")  # fmt: skip
@click.option("--show-handles", is_flag=True, help="Print which handle was taken for which channel.")
@click.option("--max", "most", type=click.IntRange(min=1), metavar="N", default=20, show_default=True,
              help="Print at most so many differences.")  # fmt: skip
@click.option("--junit", metavar="FILE", type=OutFile(), help="Write JUnit XML, a test case per channel.")
@trace_options("expected", "actual")
@unpack_option
@click.option(
    "--format", type=click.Choice(["text", "ndjson"]), default="text", show_default=True, help="How to print it."
)
@click.option("--ndjson", "format", flag_value="ndjson", help="Short for --format ndjson.")
@click.option("-o", "--output", "path", type=OutFile(), metavar="FILE", help="Write to a file.")
def command(
    expected: str,
    actual: tuple[str, ...],
    app: str | None,
    from_version: int,
    to_version: int | None,
    since: str | None,
    until: str | None,
    order: Literal["channel", "device", "total"],
    ignore: str | None,
    compare: str | None,
    time_tolerance: float | None,
    shift: Literal["auto"] | float | None,
    strict: bool,
    handles: str | None,
    show_handles: bool,
    most: int,
    junit: str | None,
    expected_format: str | None,
    actual_format: str | None,
    skip_bad: bool,
    date: str | None,
    zones: tuple[tuple[str, str], ...],
    patterns: tuple[str, ...],
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
    from cti_es.traces.comparing import SideOptions, compare_sides, open_side, open_sides, sure_of_reasons
    from cti_es.traces.diff.compare import DiffOptions
    from cti_es.traces.handle_names import read_handles
    from cti_es.traces.sides import Selection
    from cti_es.vocabulary.events import encode
    from cti_es_cli.exits import ClosedPipe

    _check_usage((expected, *actual), (junit, path), (ignore, compare))
    given = read_handles(handles, unpack_limit()) if handles else None
    selection = Selection(app, from_version, to_version, since, until)
    reading = reading_options(skip_bad, date, zones, patterns)
    with ExitStack() as stack:
        # Millions of messages stay until the end, none of them in a cycle: to look for garbage is a waste of time.
        gc.disable()
        stack.callback(gc.enable)
        sides = (
            stack.enter_context(open_side(expected, SideOptions(selection, expected_format, reading, unpack_limit()))),
            stack.enter_context(
                open_sides(actual, SideOptions(selection, format_by(actual_format, patterns), reading, unpack_limit()))
            ),
        )
        reasons_decide = compare == "reason" or (ignore is None and sure_of_reasons(sides))
        options = DiffOptions(
            order, not reasons_decide, strict, time_tolerance, given, shift=shift, note_reasons=ignore is None
        )
        try:
            found = compare_sides(sides, options)
        finally:
            for warning in [*sides[0].warnings, *sides[1].warnings]:
                warn(f"warning: {warning}")
        report = Report(sides, selection, options, found, most)
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


def _check_usage(
    sides: tuple[str, ...], files: tuple[str | None, str | None], reasons: tuple[str | None, str | None]
) -> None:
    """Refuse words of the command line that exclude each other."""
    junit, output = files
    if sides.count("-") > 1:
        raise click.UsageError("only one of EXPECTED and ACTUAL can be standard input")
    if junit and output and Path(junit).resolve() == Path(output).resolve():
        raise click.UsageError(f"--junit and -o are the same file: {output}")
    if all(reasons):
        raise click.UsageError("--ignore reason and --compare reason exclude each other")
