"""``homes``: where every device is."""

from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import click

from cti_es.answers.names import check_known
from cti_es.answers.selection import HomeSelection, count_by_node
from cti_es.logs.bytes_in import is_piped, name_of, no_file, open_bytes
from cti_es.logs.reading import Cut, resumed_at
from cti_es.model.cluster import DeviceState
from cti_es.model.homes import homes
from cti_es.model.replay import Replay
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Kind
from cti_es_cli.exits import ClosedPipe
from cti_es_cli.fleet import Rows, one_read_here, print_sources, states
from cti_es_cli.options import as_of_option
from cti_es_cli.output import View, opened, output_options, shown, warn, warn_of, wide_option
from cti_es_cli.sources import CountedLog, open_log, source_argument, unpack_limit
from cti_es_cli.views import HOMES, NODE_COUNTS

DIFFERENT = 1

if TYPE_CHECKING:
    from cti_es.cucm.nodes import Nodes
    from cti_es.cucm.registrations import Compared, Registrations


@click.command(
    short_help="Print where every device is homed.",
    epilog="""\b
Examples:
  cti-es homes site.db
  cti-es homes site.db --as-of 2026-03-01T10:15:00Z
  cti-es homes site.db --node cm2 --not-original
  cti-es homes site.db --count
  cti-es homes site.db --against risport.xml
  cti-es homes site.db --against cm1=phones1.txt --against cm2=phones2.txt""",
)
@source_argument(many=True)
@as_of_option("The homes at this version or time, not at the end.")
@click.option(
    "--against",
    multiple=True,
    metavar="[NODE=]FILE",
    help="What the cluster says: an answer of RisPort to selectCmDevice, or show risdb query phone of NODE.",
)
@click.option("--all", "all_rows", is_flag=True, help="With --against: print the devices that are the same, too.")
@click.option(
    "--node", "nodes", multiple=True, metavar="NODE", help="Only what is homed at this node (again for more)."
)
@click.option("--state", type=click.Choice(get_args(DeviceState)), help="Only what is in this state.")
@click.option("--device", "devices", multiple=True, metavar="DEVICE", help="Only this device (again for more).")
@click.option("--kind", type=click.Choice(get_args(Kind)), help="Only devices of this kind.")
@click.option("--not-original", is_flag=True, help="Only what is in service elsewhere than at its original node.")
@click.option("--count", is_flag=True, help="A row for each node: how many devices and calls it has.")
@wide_option
@output_options
def command(
    sources: tuple[str, ...],
    as_of: Cut | None,
    nodes: tuple[str, ...],
    state: DeviceState | None,
    devices: tuple[str, ...],
    kind: Kind | None,
    not_original: bool,
    count: bool,
    against: tuple[str, ...],
    all_rows: bool,
    wide: bool,
    format: str,
    path: str | None,
) -> int:
    """Print where every device is homed: state, home and original node, active calls, re-homing that is due, lines.

    With --against: the devices that the cluster has elsewhere. Exit code 0: none; 1: some; 2: trouble.
    """
    if not against:
        if all_rows:
            raise click.UsageError("--all goes with --against")
        wanted = HomeSelection(nodes, state, devices, kind, not_original)
        print_sources(sources, partial(_rows, as_of=as_of, wanted=wanted, count=count), format, path, wide)
        return 0
    if any((nodes, state, devices, kind, not_original, count)):
        raise click.UsageError("--against compares all homes; the options that select some do not go with it")
    return _against(one_read_here(sources, "--against takes"), as_of, against, all_rows, format, path, wide)


def _rows(source: str, as_of: Cut | None, wanted: HomeSelection, count: bool) -> Rows:
    def rows(replay: Replay) -> Iterable[Any]:
        check_known("node", wanted.nodes, replay.cluster.nodes)
        check_known("device", wanted.devices, replay.cluster.devices)
        found = filter(wanted.has, homes(replay.cluster))
        return count_by_node(replay.cluster.nodes, found) if count else found

    return cast(View[Any], NODE_COUNTS if count else HOMES), states(source, as_of, rows)


def _against(
    source: str, as_of: Cut | None, against: tuple[str, ...], all_rows: bool, format: str, path: str | None, wide: bool
) -> int:
    """Print the homes of a log beside those that files say; 1 if they differ."""
    from cti_es.cucm.registrations import DIFFERENCES
    from cti_es_cli.cluster_views import COMPARED, VERDICTS

    rows = _compared(source, as_of, against)
    counts = Counter(row.verdict for row in rows)
    verdict = DIFFERENT if DIFFERENCES & counts.keys() else 0
    try:
        with opened(format, path, wide=wide) as output:
            output.rows(COMPARED, [[row for row in rows if all_rows or row.verdict != "same"]])
            output.flush()
    except ClosedPipe:
        raise ClosedPipe(verdict) from None
    warn(", ".join(f"{counts[one]} {VERDICTS[one]}" for one in VERDICTS if counts[one]))
    return verdict


def _compared(source: str, as_of: Cut | None, against: tuple[str, ...]) -> list["Compared"]:
    from cti_es.cucm.nodes import Nodes
    from cti_es.cucm.registrations import compared

    with open_log(source) as log:
        replay, warnings = resumed_at(CountedLog(log), as_of or Cut())
    warn_of(warnings)
    cluster = replay.cluster
    nodes = Nodes(cluster.nodes)
    said = _said(against, nodes, list(cluster.nodes))
    rows = list(compared(cluster, nodes, said.where()))
    if all(row.verdict in ("only_ours", "only_theirs") for row in rows):
        raise InputError("no device that both the log and these files know", where=name_of(source),
                         expected="the answer of the cluster that the log is of",
                         hint=f"the log has {len(cluster.devices)}, the files {len(said.where())}")  # fmt: skip
    return rows


def _said(against: tuple[str, ...], nodes: "Nodes", known: list[str]) -> "Registrations":
    """What the files of ``--against`` say."""
    from cti_es.cucm.registrations import EXPECTED, Registrations, UnknownPlace, node_of

    said = Registrations()
    for one in dict.fromkeys(against):
        name, path = (None, one) if is_piped(one) or Path(one).exists() else _split(one)
        if not is_piped(path) and not Path(path).is_file():
            raise no_file(Path(path), EXPECTED)
        node = node_of(nodes, known, name) if name else None
        try:
            with open_bytes(path, unpack_limit()) as stream:
                said.read(stream, shown(name_of(path)), known, node)
        except UnknownPlace as error:
            hint = f"say it: --against NODE={path}"
            raise InputError(error.what, where=error.where, expected=error.expected, hint=hint) from None
    for silent in said.silent:
        warn(f"warning: a node did not answer: {shown(silent)}")
    if said.bad_rows:
        warn(f"warning: {len(said.bad_rows)} rows that cannot be read, the first at {said.bad_rows[0]}")
    return said


def _split(text: str) -> tuple[str | None, str]:
    """``NODE=FILE``."""
    node, equals, path = text.partition("=")
    return (node, path) if equals else (None, text)
