"""What ``diff`` and ``report`` have in common: the options of a comparison, and the comparison itself."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, Literal, NamedTuple

import click

from cti_es.traces.comparing import SideOptions, compare_sides, open_side, open_sides, sure_of_reasons, warnings_of
from cti_es.traces.diff.compare import Comparison, DiffOptions
from cti_es.traces.handle_names import read_handles
from cti_es.traces.sides import Selection, Side
from cti_es_cli.options import Seconds, Shift, TimeType, format_by, reading_options, trace_options
from cti_es_cli.output import warn_of
from cti_es_cli.sources import InFile, unpack_limit, unpack_option
from cti_es_cli.times import tz_option

DIFFERS = 1
"""The exit code when what came is not what was expected."""


class Asked(NamedTuple):
    """What the options say about a comparison: the values of :func:`comparison_options`, by their names."""

    app: str | None
    from_version: int
    to_version: int | None
    since: str | None
    until: str | None
    order: Literal["channel", "device", "total"]
    ignore: str | None
    compare: str | None
    time_tolerance: float | None
    shift: Literal["auto"] | float | None
    strict: bool
    handles: str | None
    expected_format: str | None
    actual_format: str | None
    skip_bad: bool
    date: str | None
    zones: tuple[tuple[str, str], ...]
    patterns: tuple[str, ...]

    @property
    def selection(self) -> Selection:
        """Which part of both sides counts."""
        return Selection(self.app, self.from_version, self.to_version, self.since, self.until)

    def side(self, format: str | None) -> SideOptions:
        """How to open a side."""
        reading = reading_options(self.skip_bad, self.date, self.zones, self.patterns)
        return SideOptions(self.selection, format, reading, unpack_limit())


_OPTIONS = (
    click.option("--app", metavar="NAME", help="Compare only the messages to this application."),
    click.option(
        "--from-version", type=click.IntRange(min=1), metavar="N", default=1, help="Expect only from this version on."
    ),
    click.option("--to-version", type=click.IntRange(min=0), metavar="N", help="Expect only up to this version."),
    click.option("--since", type=TimeType(), help="Compare only messages from this time on, where they have times."),
    click.option("--until", type=TimeType(), help="Compare only messages up to this time, where they have times."),
    click.option("--order", type=click.Choice(["channel", "device", "total"]), default="channel", show_default=True,
                 help="What has an order: each handle, each device, or the whole trace."),
    click.option("--ignore", type=click.Choice(["reason"]), help="Leave the reason (parameter 2) out."),
    click.option("--compare", type=click.Choice(["reason"]), help="Compare reasons also with a JTAPI trace."),
    click.option("--time-tolerance", type=Seconds(), help="Compare times, too, with this tolerance (5s)."),
    click.option("--shift", type=Shift(),
                 help="How much the clock of ACTUAL is ahead, where times are compared (auto)."),
    click.option("--strict", is_flag=True, help="A first INSERVICE or RESUME that is not expected is a difference."),
    click.option("--handles", metavar="FILE", type=InFile(),
                 help="CSV that names the handles of ACTUAL: handle,app,device,line."),
    trace_options("expected", "actual"),
    tz_option,
    unpack_option,
)  # fmt: skip


def comparison_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a comparison. The command is given their values together, as ``asked``."""

    @wraps(command)
    def gathered(**values: Any) -> Any:
        asked = Asked(**{name: values.pop(name) for name in Asked._fields})
        if asked.ignore and asked.compare:
            raise click.UsageError("--ignore reason and --compare reason exclude each other")
        return command(asked=asked, **values)

    for option in reversed(_OPTIONS):
        gathered = option(gathered)
    return gathered


class Compared(NamedTuple):
    """Two sides, the options of their comparison, and what came of it."""

    sides: tuple[Side, Side]
    options: DiffOptions
    found: Comparison


@contextmanager
def compared(expected: str, actual: Sequence[str], asked: Asked) -> Iterator[Compared]:
    """Open EXPECTED and ACTUAL and compare them. What a reader should know beside goes to standard error."""
    if (expected, *actual).count("-") > 1:
        raise click.UsageError("only one of EXPECTED and ACTUAL can be standard input")
    given = read_handles(asked.handles, unpack_limit()) if asked.handles else None
    with ExitStack() as stack:
        # Millions of messages stay until the end, none of them in a cycle: to look for garbage is a waste of time.
        gc.disable()
        stack.callback(gc.enable)
        sides = (
            stack.enter_context(open_side(expected, asked.side(asked.expected_format))),
            stack.enter_context(open_sides(actual, asked.side(format_by(asked.actual_format, asked.patterns)))),
        )
        reasons_decide = asked.compare == "reason" or (asked.ignore is None and sure_of_reasons(sides))
        options = DiffOptions(
            asked.order, not reasons_decide, asked.strict, asked.time_tolerance, given,
            shift=asked.shift, note_reasons=asked.ignore is None,
        )  # fmt: skip
        try:
            found = compare_sides(sides, options)
        finally:
            warn_of(warnings_of(sides))
        yield Compared(sides, options, found)
