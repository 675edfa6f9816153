"""``discover``: what files know of a cluster, and what to ask it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cti_es.cucm.stamps import LogLineOptions
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.times import FIRST_YEAR, LAST_YEAR
from cti_es_cli.options import DayType, stamp_tz_option
from cti_es_cli.output import format_option, opened, warn
from cti_es_cli.sources import InFile, unpack_limit, unpack_option
from cti_es_cli.times import tz_option

if TYPE_CHECKING:
    from cti_es.cucm.discover import Discovery

A_FILE = "a CUCM syslog, an SDL trace, a CDR file, tables of run sql, a folder or archive of them, or -"


@click.command(
    short_help="Print what files know of a cluster; the questions to ask it.",
    epilog="""\b
Examples:
  cti-es discover cm1.log cm2.log cdr_*
  cti-es discover collected.zip -o cluster
  cti-es discover --queries --app ivr""",
)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=InFile())
@click.option("--queries", is_flag=True, help="Print the SQL to paste into the command line of the publisher.")
@click.option("--app", metavar="USER", help="With --queries: only devices that this application user may control.")
@click.option(
    "--year", type=click.IntRange(FIRST_YEAR, LAST_YEAR), metavar="YYYY", help="The year of stamps that have none."
)
@click.option("--date", "day", type=DayType(), help="The day on which an SDL trace begins.")
@stamp_tz_option("What a time zone of the stamps is, or every unknown one.")
@tz_option
@unpack_option
@format_option
@click.option(
    "-o", "--output", "folder", type=InFile(), metavar="FOLDER", help="Write topology.ndjson and nodes.csv there."
)
def command(
    files: tuple[str, ...],
    queries: bool,
    app: str | None,
    year: int | None,
    day: str | None,
    zones: tuple[tuple[str, str], ...],
    format: str,
    folder: str | None,
) -> None:
    """Print what logs and tables know of a cluster, without a store: hosts, devices, lines, users, times, gaps.

    With -o also a topology to be completed: what the files cannot know is "?" in it, which append and import refuse.
    """
    from cti_es.cucm.discover import discover
    from cti_es.cucm.members import check_names, files_of
    from cti_es_cli.cluster_views import DISCOVERED

    if queries:
        _print_queries(files, app)
        return
    if app is not None:
        raise click.UsageError("--app goes with --queries")
    if not files:
        raise click.UsageError("give files of a cluster, or --queries")
    check_names(files, A_FILE)
    targets = _targets(folder)
    options = LogLineOptions(year, day, {zone: means for zone, means in zones if zone}, dict(zones).get(""))
    found = discover(files_of(files, A_FILE, unpack_limit()), options)
    with opened(format, None) as output:
        output.rows(DISCOVERED, [found.rows()])
        output.flush()
    if targets:
        _write(found, *targets)


def _print_queries(files: tuple[str, ...], app: str | None) -> None:
    from cti_es.cucm.discover_queries import queries

    if files:
        raise click.UsageError("--queries reads no files")
    with opened("text", None) as output:
        for query in queries(app):
            output.line(query)


def _targets(folder: str | None) -> tuple[Path, ...]:
    """The files to write; none of them is there yet."""
    if folder is None:
        return ()
    targets = (Path(folder, "topology.ndjson"), Path(folder, "nodes.csv"))
    if Path(folder).exists() and not Path(folder).is_dir():
        raise InputError("not a folder", where=folder, expected="the name of a folder, or a new one")
    for target in targets:
        if target.exists():
            raise InputError("there is such a file", where=str(target), expected="a folder without it",
                             hint="somebody may have filled it in")  # fmt: skip
    return targets


def _write(found: "Discovery", topology_file: Path, nodes_file: Path) -> None:
    from cti_es.cucm.discover_skeleton import nodes_csv, topology

    topology_file.parent.mkdir(parents=True, exist_ok=True)
    for path, data in ((topology_file, topology(found)), (nodes_file, nodes_csv(found))):
        with opened("text", str(path)) as output:
            output.write(data)
        unknown = data.count(b'"?"') + (data.count(b",?") if path is nodes_file else 0)
        warn(f"wrote {path}: {unknown} unknown" if unknown else f"wrote {path}")
