"""``--trace`` of the answers: what applications were really told, beside the log. The options, and what is read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from cti_es_cli.options import format_by, reading_options, trace_options
from cti_es_cli.output import warn_of
from cti_es_cli.sources import unpack_limit

if TYPE_CHECKING:
    from cti_es.answers.observed import Observed


def beside_options(command: Any) -> Any:
    """``--trace``, ``--handles`` and how to read a trace; :func:`observed_beside` takes what was given."""
    options = (
        click.option(
            "--trace", "traces", multiple=True, metavar="FILE",
            help="What was really told, to stand beside the log (again for more).",
        ),
        click.option("--handles", metavar="FILE", help="CSV that names the handles of the trace: app, device, line."),
    )  # fmt: skip
    command = trace_options("trace")(command)
    for option in reversed(options):
        command = option(command)
    return command


def observed_beside(
    traces: Sequence[str],
    handles: str | None,
    app: str | None = None,
    lines: bool = False,
    *,
    trace_format: str | None,
    skip_bad: bool,
    date: str | None,
    zones: tuple[tuple[str, str], ...],
    patterns: tuple[str, ...],
) -> "Observed | None":
    """The outages that the traces have; None if there are no traces."""
    if not traces:
        if any((handles, trace_format, skip_bad, date, zones, patterns)):
            raise click.UsageError("what says how to read a trace goes with --trace")
        return None
    from cti_es.traces.comparing import SideOptions, open_sides
    from cti_es.traces.handle_names import read_handles
    from cti_es.traces.observing import observed_in
    from cti_es.traces.sides import EVERYTHING

    reading = reading_options(skip_bad, date, zones, patterns)
    options = SideOptions(EVERYTHING, format_by(trace_format, patterns), reading, unpack_limit())
    given = read_handles(handles, unpack_limit()) if handles else None
    with open_sides(traces, options) as side:
        found = observed_in(side, given, app, lines)
    warn_of(side.warnings)
    return found
