"""``impact``: what would happen if nodes or CTI Managers failed."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import click

from cti_es.answers.impact import Asked, DeviceImpact, ImpactScope, Row, Scenario, Weakness, impact
from cti_es.logs.reading import Cut
from cti_es_cli.answer_views import IMPACT_ROWS, device_impacts_view, scenarios_view
from cti_es_cli.exits import ClosedPipe
from cti_es_cli.fleet import Rows, are_several, of_sources
from cti_es_cli.options import as_of_option
from cti_es_cli.output import Output, View, batched, joined, opened, output_options, sourced, warn_of, wide_option
from cti_es_cli.sources import CountedLog, open_log, source_argument

LEFT_WITHOUT = 1


@click.command(
    short_help="Print what would happen if nodes or CTI Managers failed.",
    epilog="""\b
Examples:
  cti-es impact site.db
  cti-es impact site.db --fail cm1,cm2 --devices
  cti-es impact site.db --pairs --and-back
  cti-es impact topology.ndjson --check""",
)
@source_argument(many=True)
@click.option(
    "--fail", "sets", multiple=True, metavar="NODE,...", help="These together, not every node alone (again for more)."
)
@click.option("--pairs", is_flag=True, help="Every two nodes together, not every node alone.")
@click.option(
    "--scope",
    type=click.Choice(["node", "call_manager"]),
    default="node",
    show_default=True,
    help="A node with its CTI Manager, or its call processing alone.",
)
@click.option("--cti-manager", is_flag=True, help="CTI Managers fail, not nodes.")
@click.option("--and-back", is_flag=True, help="They recover, too: say what does not return.")
@click.option("--devices", is_flag=True, help="A row for each device that changes, too.")
@click.option("--check", is_flag=True, help="Exit code 1 if anything is left out of service, closed or without a link.")
@as_of_option("From the state at this version or time, not at the end.")
@wide_option
@output_options
def command(
    sources: tuple[str, ...],
    sets: tuple[str, ...],
    pairs: bool,
    scope: ImpactScope,
    cti_manager: bool,
    and_back: bool,
    devices: bool,
    check: bool,
    as_of: Cut | None,
    wide: bool,
    format: str,
    path: str | None,
) -> int:
    """Print what would happen if nodes failed now: every node alone, or those that --fail and --pairs name.

    Nothing is written to the log. What is weak without any failure stands at the head.
    """
    if sets and pairs:
        raise click.UsageError("--fail names the nodes, --pairs takes every two; give one of them")
    if cti_manager and scope != "node":
        raise click.UsageError("--cti-manager is about the CTI Manager alone; --scope does not go with it")
    asked = Asked(
        [_nodes(one) for one in sets] or None, pairs, "cti_manager" if cti_manager else scope, and_back, devices
    )
    # Rows as they are, whatever the format: each of them is looked at here.
    _, batches = of_sources(sources, partial(_rows, asked=asked, cut=as_of or Cut()), "text")
    seen = _Seen(joined(batches), are_several(sources))
    try:
        with opened(format, path, wide=wide) as output:
            {"ndjson": _ndjson, "csv": _csv}.get(format, _for_people)(output, seen, asked)
            output.flush()
    except ClosedPipe:
        raise ClosedPipe(_verdict(check, seen)) from None
    return _verdict(check, seen)


def _rows(source: str, asked: Asked, cut: Cut) -> Rows:
    def batches() -> Iterator[Iterable[Row]]:
        with open_log(source) as log:
            found, warnings = impact(CountedLog(log), asked, cut)
        warn_of(warnings)
        yield from batched(found)

    return IMPACT_ROWS, batches()


def _verdict(check: bool, seen: "_Seen") -> int:
    """What ``--check`` says, when all scenarios have been seen."""
    for _ in seen if check else ():
        pass
    return LEFT_WITHOUT if check and seen.harm else 0


def _nodes(text: str) -> list[str]:
    nodes = text.split(",")
    if "" in nodes:
        raise click.UsageError(f"--fail {text}: a name is missing; expected for example cm1,cm2")
    return nodes


class _Seen:
    """The rows as they come, with their SOURCE if there are several.

    ``harm``: whether any scenario has left something without service or link.
    """

    def __init__(self, rows: Iterable[Any], several: bool) -> None:
        self.harm = False
        self.several = several
        self._rows = iter(rows)

    def __iter__(self) -> Iterator[Any]:
        for one in self._rows:
            row = self.bare(one)
            self.harm |= isinstance(row, Scenario) and not row.harmless
            yield one

    def bare(self, one: Any) -> Row:
        """A row without its SOURCE."""
        row: Row = one[1] if self.several else one
        return row

    def view(self, view: View[Any]) -> View[Any]:
        """The view of such rows."""
        return sourced(view) if self.several else view


def _ndjson(output: Output, rows: _Seen, asked: Asked) -> None:
    output.rows(rows.view(IMPACT_ROWS), batched(rows))


def _csv(output: Output, rows: _Seen, asked: Asked) -> None:
    """Of the scenarios or, if they are asked for, of the devices: a table has one kind of row."""
    view: Any = (device_impacts_view if asked.devices else scenarios_view)(asked.and_back)
    kind = DeviceImpact if asked.devices else Scenario
    output.rows(rows.view(view), batched(one for one in rows if isinstance(rows.bare(one), kind)))


def _for_people(output: Output, rows: _Seen, asked: Asked) -> None:
    scenarios: list[Any] = []
    changed: list[Any] = []
    for one in rows:
        row = rows.bare(one)
        if isinstance(row, Weakness):
            output.note(f"finding: {f'{one[0]}: ' if rows.several else ''}{row.text}", "yellow")
        else:
            (scenarios if isinstance(row, Scenario) else changed).append(one)
    output.rows(rows.view(scenarios_view(asked.and_back)), [scenarios])
    if asked.devices:
        if output.format == "text":
            output.line("")
        output.rows(rows.view(device_impacts_view(asked.and_back)), [changed])
