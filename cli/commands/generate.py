"""``generate``: a synthetic log; or a trace with known faults."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cti_es.vocabulary.errors import did_you_mean
from cti_es_cli.options import OutFile, Seconds, TimeType
from cti_es_cli.output import batched, opened
from cti_es_cli.sources import open_log, unpack_option
from cti_es_cli.times import tz_option

if TYPE_CHECKING:
    from cti_es.testing.faulty_trace import Wanted

FAULTS = ("drop", "duplicate", "swap", "late", "reason")


class FaultsType(click.ParamType["Wanted"]):
    """``--faults``: kinds of faults with how many of each."""

    name = "KIND=N,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Wanted":
        """The counts, and by how much what is late is late: ``late=5s`` is one message, ``late=3x5s`` are three."""
        from cti_es.testing.faulty_trace import Wanted

        counts: dict[Any, int] = {}
        late = Wanted({}).late
        for word in str(value).split(","):
            kind, _, count = (part.strip() for part in word.partition("="))
            if kind not in FAULTS:
                hint = did_you_mean(kind, FAULTS)
                self.fail(f"no fault '{kind}'; expected {', '.join(FAULTS)}" + (f"; {hint}" if hint else ""))
            if kind in counts:
                self.fail(f"'{kind}' stands twice")
            if kind == "late" and (found := re.fullmatch(r"(?:([0-9]+)x)?([0-9.]+(?:ms|s|m))", count)):
                count = found[1] or "1"
                late = timedelta(seconds=Seconds().convert(found[2], param, ctx))
            if not re.fullmatch("[0-9]{1,9}", count):
                by = ", a duration (5s), or both (3x5s)" if kind == "late" else ""
                self.fail(f"'{word}' is not how many; expected {kind}=N{by}")
            counts[kind] = int(count)
        if not late:
            self.fail("a message that is late by nothing is not late")
        return Wanted(counts, late)


Option = Callable[[Any], Any]


def _options(*options: Option) -> Option:
    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _count(name: str, lowest: int, highest: int, default: int, text: str) -> Option:
    return click.option(name, type=click.IntRange(lowest, highest), default=default, show_default=True, help=text)


def _number(name: str, highest: float, default: float, text: str) -> Option:
    return click.option(name, type=click.FloatRange(0, highest), default=default, show_default=True, help=text)


_LOG = _options(
    _count("--events", 0, 1_000_000_000, 1000, "How many events in all."),
    _count("--nodes", 1, 1000, 3, "Nodes of the cluster."),
    _count("--devices", 1, 1_000_000, 10, "CTI ports, route points and phones."),
    _count("--lines", 0, 1000, 2, "The most lines of a device."),
    _count("--apps", 1, 1000, 1, "Applications that open devices."),
    click.option(
        "--calls",
        type=click.FloatRange(0, 1),
        default=0.8,
        show_default=True,
        help="The share of calls among what happens.",
    ),
    click.option(
        "--start",
        type=TimeType(stored=True),
        default="2026-01-01T00:00:00Z",
        show_default=True,
        help="When the log begins.",
    ),
    click.option("--tsp", is_flag=True, help="Also CTI Managers, providers, filters, device failures, configuration."),
)

_TRACE = _options(
    click.option("--trace", metavar="SOURCE", help="Make a trace of this log, with faults, instead of a log."),
    click.option("--faults", type=FaultsType(), help="drop, duplicate, swap, late, reason: drop=2,late=5s."),
    click.option("--list", "listed", type=OutFile(), metavar="FILE", help="Write what the faults are to a file."),
    click.option("--app", metavar="NAME", help="Only messages to this application."),
    click.option(
        "--format",
        type=click.Choice(("ndjson", "one-line", "tapi-browser")),
        default="ndjson",
        show_default=True,
        help="How to write the trace.",
    ),
)

_PROFILE = _options(
    click.option(
        "--profile",
        type=click.Choice(("contact-center", "office", "recorder")),
        help="Make the log of a whole site under load.",
    ),
    _number("--calls-per-hour", 10_000_000, 5000, "How many calls arrive in an hour."),
    _count("--outages", 0, 1000, 1, "How many times a node or a CTI Manager fails."),
    _number("--hours", 10_000, 1, "How long calls arrive."),
)

OF_A_LOG = ("events", "nodes", "devices", "lines", "apps", "calls", "start", "tsp")
OF_A_TRACE = ("trace", "faults", "listed", "app", "format")
OF_A_PROFILE = ("profile", "nodes", "devices", "start", "calls_per_hour", "outages", "hours")
"""The parameters of each way to use it, to refuse those of another one."""


@click.command(
    short_help="Make a synthetic log, or a trace with known faults.",
    epilog="""\b
Examples:
  cti-es generate --events 200 | cti-es replay -
  cti-es generate --seed 7 --nodes 4 --devices 50 --apps 2 -o events.ndjson
  cti-es generate --profile contact-center --devices 40000 --outages 3 -o load.ndjson
  cti-es generate --trace site.db --faults drop=2,late=5s --list faults.ndjson -o trace.ndjson""",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed and options give the same.")
@_LOG
@_PROFILE
@_TRACE
@tz_option
@unpack_option
@click.option("-o", "--output", "path", type=OutFile(), metavar="FILE", help="Write to a file.")
def command(trace: str | None, profile: str | None, seed: int, path: str | None, **options: Any) -> None:
    """Make a synthetic log, as canonical NDJSON that append takes.

    First the nodes, devices and opens, then what happens: calls, failures and recoveries of nodes, opens and closes,
    refusals; with --tsp all that an application can be told about. No event is a misfit. With --profile it is the log
    of a whole site: many devices, applications and calls, few outages.

    With --trace a trace of a log that exists, with faults that are known: to test what looks for faults.
    """
    _check_numbers(options)
    if trace is not None:
        _only(OF_A_TRACE, "--trace makes a trace of a log that is there")
        _trace(trace, seed, path, **{name: options[name] for name in OF_A_TRACE if name in options})
    elif profile is not None:
        _only(OF_A_PROFILE, "--profile makes the log of a site")
        _site(profile, seed, path, options)
    else:
        _only(OF_A_LOG, "without --trace SOURCE or --profile it is a log at random")
        _log(seed, path, **{name: options[name] for name in OF_A_LOG})


def _only(own: tuple[str, ...], why: str) -> None:
    """Refuse options of another way to use the command."""
    known = {*OF_A_LOG, *OF_A_TRACE, *OF_A_PROFILE}
    for parameter in click.get_current_context().command.params:
        if parameter.name in known - {*own} and _is_given(parameter.name):
            raise click.UsageError(f"{why}, so {parameter.opts[0]} does not go with it")


def _check_numbers(options: dict[str, Any]) -> None:
    """Refuse nan, which is between all bounds."""
    for name, value in options.items():
        if value != value:
            raise click.BadParameter("nan is no number", param_hint=f"--{name.replace('_', '-')}")


def _is_given(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _site(profile: str, seed: int, path: str | None, options: dict[str, Any]) -> None:
    from cti_es.logs.ndjson import write_events
    from cti_es.testing.load import Size, load

    given = {name: options[name] for name in ("nodes", "devices") if _is_given(name)}
    others = {name: options[name] for name in ("calls_per_hour", "outages", "hours", "start")}
    made = load(profile, Size(**given, **others), seed)
    with opened("ndjson", path) as output:
        for batch in batched(made):
            output.write(write_events(batch))


def _log(
    seed: int,
    path: str | None,
    events: int,
    nodes: int,
    devices: int,
    lines: int,
    apps: int,
    calls: float,
    start: str,
    tsp: bool,
) -> None:
    from cti_es.logs.ndjson import write_events
    from cti_es.testing.random_logs import Plan, generate

    plan = Plan(seed, events, nodes, devices, lines, apps, calls, start, tsp)
    with opened("ndjson", path) as output:
        for batch in batched(generate(plan)):
            output.write(write_events(batch))


def _trace(
    source: str, seed: int, path: str | None, faults: "Wanted | None", listed: str | None, app: str | None, format: str
) -> None:
    import msgspec

    from cti_es.testing.faulty_trace import FaultyTrace

    if faults is None:
        raise click.UsageError("--trace without --faults; what replay prints is the trace without any")
    if faults.faults.get("late") and format == "one-line":
        raise click.UsageError("late needs times, and one-line has none; take --format ndjson or tapi-browser")
    if listed is not None and listed == (path or "-"):
        raise click.UsageError("--list and the trace would go to the same place")
    with open_log(source) as log:
        made = FaultyTrace(log, app, faults, seed)
    with opened("ndjson", path) as output:
        for batch in batched(made.text(format)):
            output.write(b"".join(batch))
    if listed is not None:
        with opened("ndjson", listed, option="--list") as output:
            output.write(b"".join(msgspec.json.encode(one) + b"\n" for one in made.made()))
