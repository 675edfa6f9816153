"""Options of the commands that read traces."""

from collections.abc import Callable
from typing import Any

import click

from cti_es.traces.forms.common import TraceOptions, first_day


def trace_options(*sides: str) -> Callable[[Any], Any]:
    """``--expected-format`` and ``--actual-format`` (or ``--trace-format``), ``--skip-bad``, ``--date``, ``--tz``."""
    from cti_es.traces.recognise import TRACE_FORMATS

    options = [
        click.option(
            f"--{side}-format", type=click.Choice(list(TRACE_FORMATS)), help=f"Read {side.upper()} as this format."
        )
        for side in sides
    ]
    options += [
        click.option(
            "--skip-bad", is_flag=True, help="Count message lines that cannot be read instead of refusing them."
        ),
        click.option("--date", metavar="YYYY-MM-DD", help="The day on which a trace with times of day begins."),
        click.option("--tz", metavar="±HH:MM|Z", default="Z", show_default=True, help="Its offset from UTC."),
    ]

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def reading_options(skip_bad: bool, date: str | None, tz: str) -> TraceOptions:
    """How to read the traces of a command. Raises InputError for a date that is none."""
    options = TraceOptions(skip_bad, date, tz)
    first_day(options)
    return options
