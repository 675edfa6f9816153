"""Options of the commands that read traces."""

from collections.abc import Callable
from typing import Any

import click

from cti_es.errors import CtiEsError
from cti_es.times import canonical_time


class TimeType(click.ParamType[str]):
    """An RFC 3339 time, given to the command in canonical form."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The canonical time."""
        try:
            return canonical_time(str(value))
        except CtiEsError as error:
            return self.fail(f"{error.what}; expected {error.expected}", param, ctx)


def trace_options(*sides: str) -> Callable[[Any], Any]:
    """``--expected-format`` and ``--actual-format`` (or ``--trace-format``), ``--skip-bad``, ``--date``, ``--tz``."""
    from cti_es.formats.trace import TRACE_FORMATS

    options = [
        click.option(f"--{side}-format", type=click.Choice(list(TRACE_FORMATS)), help=f"Read {side.upper()} as this format.")
        for side in sides
    ]
    options += [
        click.option("--skip-bad", is_flag=True, help="Count message lines that cannot be read instead of refusing them."),
        click.option("--date", metavar="YYYY-MM-DD", help="The day on which a trace with times of day begins."),
        click.option("--tz", metavar="±HH:MM", default="+00:00", show_default=True, help="Its offset from UTC."),
    ]

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add
