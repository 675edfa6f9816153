"""``generate``: a synthetic log."""

import click

from cti_es_cli.options import OutFile, TimeType
from cti_es_cli.output import batched, opened
from cti_es_cli.times import tz_option


@click.command(
    short_help="Make a synthetic log.",
    epilog="""\b
Examples:
  cti-es generate --events 200 | cti-es replay -
  cti-es generate --seed 7 --nodes 4 --devices 50 --apps 2 -o events.ndjson""",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed and options give the same log.")
@click.option("--events", type=click.IntRange(min=0), default=1000, show_default=True, help="How many events in all.")
@click.option("--nodes", type=click.IntRange(1, 1000), default=3, show_default=True, help="Nodes of the cluster.")
@click.option(
    "--devices",
    type=click.IntRange(1, 1_000_000),
    default=10,
    show_default=True,
    help="CTI ports, route points and phones.",
)
@click.option("--lines", type=click.IntRange(0, 1000), default=2, show_default=True, help="The most lines of a device.")
@click.option(
    "--apps", type=click.IntRange(1, 1000), default=1, show_default=True, help="Applications that open devices."
)
@click.option(
    "--calls",
    type=click.FloatRange(0, 1),
    default=0.8,
    show_default=True,
    help="The share of calls among what happens.",
)
@click.option(
    "--start",
    type=TimeType(stored=True),
    default="2026-01-01T00:00:00Z",
    show_default=True,
    metavar="TIME",
    help="When the log begins.",
)
@tz_option
@click.option("--tsp", is_flag=True, help="Also CTI Managers, providers, filters, device failures, configuration.")
@click.option("-o", "--output", "path", type=OutFile(), metavar="FILE", help="Write to a file.")
def command(
    seed: int,
    events: int,
    nodes: int,
    devices: int,
    lines: int,
    apps: int,
    calls: float,
    start: str,
    tsp: bool,
    path: str | None,
) -> None:
    """Make a synthetic log, as canonical NDJSON that append takes.

    First the nodes, devices and opens, then what happens: calls, failures and recoveries of nodes, opens and closes,
    refusals; with --tsp all that an application can be told about. No event is a misfit.
    """
    from cti_es.logs.ndjson import write_events
    from cti_es.testing.random_logs import Plan, generate

    if calls != calls:
        raise click.BadParameter("nan is no share", param_hint="--calls")
    plan = Plan(seed, events, nodes, devices, lines, apps, calls, start, tsp)
    with opened("ndjson", path) as output:
        for batch in batched(generate(plan)):
            output.write(write_events(batch))
