"""``lint``: what every trace must keep, with no log at hand."""

import click

from cti_es_cli.options import format_by, reading_options, trace_options
from cti_es_cli.output import opened, output_options, warn, warn_of
from cti_es_cli.sources import InFile, unpack_limit, unpack_option

BROKEN = 1


@click.command(
    short_help="Check a trace against rules that every trace must keep.",
    epilog="""\b
Examples:
  cti-es lint tb20.log
  cti-es lint received.ndjson --strict --ndjson""",
)
@click.argument("trace", metavar="TRACE", type=InFile())
@click.option("--strict", is_flag=True, help="A handle that is still out of service at the end is a violation.")
@trace_options("trace")
@unpack_option
@output_options
def command(
    trace: str,
    strict: bool,
    trace_format: str | None,
    skip_bad: bool,
    date: str | None,
    zones: tuple[tuple[str, str], ...],
    patterns: tuple[str, ...],
    format: str,
    path: str | None,
) -> int:
    """Check a trace without a log: exit 0 when it keeps the rules, 1 when it breaks one. Warnings change nothing."""
    from cti_es.traces.checking import check_side
    from cti_es.traces.comparing import SideOptions, open_side
    from cti_es.traces.sides import EVERYTHING
    from cti_es_cli.exits import ClosedPipe
    from cti_es_cli.trace_views import VIOLATIONS

    options = SideOptions(
        EVERYTHING, format_by(trace_format, patterns), reading_options(skip_bad, date, zones, patterns), unpack_limit()
    )
    with open_side(trace, options) as side:
        found, left_out = check_side(side, strict)
    if left_out:
        warn(f"left out of {side.name}: {left_out}")
    warn_of(side.warnings)
    verdict = BROKEN if any(not one.warning for one in found) else 0
    try:
        with opened(format, path) as output:
            output.rows(VIOLATIONS, [found])
            output.flush()
    except ClosedPipe:
        raise ClosedPipe(verdict) from None
    return verdict
