"""``import``: real cluster logs into a log."""

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from msgspec.structs import replace

from cti_es.cucm.claims import NodeRef
from cti_es.cucm.files import File
from cti_es.cucm.stamps import LogLineOptions
from cti_es.logs.append import Appended, AppendOptions
from cti_es.logs.bytes_in import is_piped, name_of, no_file, open_bytes
from cti_es.logs.open import is_store, only_log, open_to_write, parse_address
from cti_es.logs.store import MemoryStore, Store
from cti_es.logs.store.sqlite_new import create
from cti_es.vocabulary.errors import CtiEsError, InputError, NotAStore
from cti_es.vocabulary.events import Event
from cti_es.vocabulary.names import check_name, printable
from cti_es.vocabulary.times import FIRST_YEAR, LAST_YEAR
from cti_es_cli.appending import done_text
from cti_es_cli.cluster_views import FINDINGS
from cti_es_cli.options import DayType, Seconds, TimeType, stamp_tz_option, wait_option
from cti_es_cli.output import Output, opened, output_options, shown, warn
from cti_es_cli.progress import counted
from cti_es_cli.sources import InFile, names_of, unpack_limit, unpack_option
from cti_es_cli.times import tz_option

if TYPE_CHECKING:
    from cti_es.cucm.findings import Finding
    from cti_es.cucm.importing import Import, Imported
    from cti_es.cucm.past import TooOld
    from cti_es.cucm.recognise import Nothing
    from cti_es.cucm.unknowns import OutagesLost

MENDS = {
    "node": "--nodes says what nodes are called in the files",
    "zone": "--stamp-tz says what a time zone is",
    "year": "--year is that of stamps without one",
    "date": "--date is the day on which an SDL trace begins",
}
"""What is unknown → the option that helps."""

WAYS_OUT = {
    "no_year": "give it with --year",
    "no_date": "give the first with --date",
    "unknown_zone": "give its offset with --stamp-tz",
    "unknown_node": "see --nodes",
    "ambiguous_node": "see --nodes",
}
"""Why lines were left out → the option that would have helped."""

IGNORED: dict["Nothing", str] = {
    "nodes": "--nodes FILE reads it",
    "events": "--with FILE reads them, append stores them",
}
"""Why a file has nothing for an import → what reads it."""

LONGEST_GRACE = 86_400.0
"""A call is not doubted for a failure on another day."""

A_LOG = "a CUCM syslog, an SDL trace, a CDR file, a folder or archive of them, or - for standard input"


# What ingest takes, too.
nodes_option = click.option(
    "--nodes",
    "nodes_file",
    type=InFile(),
    metavar="FILE",
    help="CSV: node, number, hosts, addresses. What the nodes of the log are called in the files.",
)
year_option = click.option(
    "--year", type=click.IntRange(FIRST_YEAR, LAST_YEAR), metavar="YYYY", help="The year of stamps that have none."
)
grace_option = click.option(
    "--grace",
    type=Seconds(),
    default="5s",
    show_default=True,
    metavar="TIME",
    help="How near to the failure of a device's node the end of its call is doubted.",
)


@click.command(
    short_help="Import real cluster logs: CUCM syslog, SDL alarms and CDR.",
    epilog="""\b
Examples:
  cti-es import site.db cm1.log cm2.log.gz cdr_StandAloneCluster_01_202603021200_1
  cti-es import site.db --nodes nodes.csv --dry-run cm1.log
  cti-es import site.db collected.zip 'cdr_*'""",
)
@click.argument("store", metavar="STORE[#LOG]", type=InFile())
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=InFile())
@nodes_option
@year_option
@click.option("--date", "day", type=DayType(), help="The day on which an SDL trace begins.")
@stamp_tz_option("What a time zone of the stamps is, or every unknown one.")
@click.option(
    "--with",
    "extra",
    type=InFile(),
    multiple=True,
    metavar="FILE",
    help="NDJSON: events that the logs do not tell of, merged with them by time.",
)
@click.option("--at", type=TimeType(stored=True), help="Since when the topology in these files has been so.")
@click.option("--only-controlled", is_flag=True, help="Of the devices in tables, only those that a user may control.")
@click.option("--update-lines", is_flag=True, help="Other lines of a device in a table become lines_changed.")
@grace_option
@click.option("--allow-unknown", is_flag=True, help="Store the rest, if failures or recoveries cannot be placed.")
@click.option("--dry-run", is_flag=True, help="Print the new events as NDJSON, store nothing.")
@click.option("--source", metavar="TEXT", help="Where the events come from, kept with them.")
@wait_option
@tz_option
@unpack_option
@output_options
def command(
    store: str,
    files: tuple[str, ...],
    nodes_file: str | None,
    year: int | None,
    day: str | None,
    zones: tuple[tuple[str, str], ...],
    extra: tuple[str, ...],
    at: str | None,
    only_controlled: bool,
    update_lines: bool,
    grace: float,
    allow_unknown: bool,
    dry_run: bool,
    source: str | None,
    wait: float,
    format: str,
    path: str | None,
) -> None:
    """Import what a cluster really wrote into a log that knows its nodes and devices, and report what was found.

    Each FILE is recognised by its content: CUCM syslog, SDL trace with alarms, CDR, and what says which nodes and
    devices there are (tables of run sql, answers of AXL and RisPort); gzip too, and folders, .zip and .tar.gz of such
    files. Logs are merged by time; - is standard input. All or nothing: what a FILE repeats is stored once, and
    importing it again changes nothing.
    """
    from cti_es.cucm.importing import Import
    from cti_es.cucm.members import files_of
    from cti_es.cucm.past import TooOld
    from cti_es.cucm.topology_events import TopologyOptions

    _check(files)
    if source:
        check_name(source, "--source")
    address = parse_address(store)
    options = AppendOptions("import", source or names_of(files), dry_run=dry_run)
    lines = LogLineOptions(year, day, {zone: means for zone, means in zones if zone}, dict(zones).get(""))
    names = sorted(files, key=lambda name: not is_piped(name))  # what comes once is read first

    def run_on(target: Store) -> Appended:
        log = address.log or only_log(target)
        what = Import(
            files_of(names, A_LOG, unpack_limit()),
            partial(nodes_given, nodes_file),
            lines,
            allow_unknown,
            _events(extra),
            files_of([name for name in names if not is_piped(name)], A_LOG, unpack_limit()),
            TopologyOptions(at, only_controlled, update_lines),
            timedelta(seconds=min(grace, LONGEST_GRACE)),
        )
        try:
            return _import(target, log, what, options, output)
        except TooOld as error:
            raise _over_again(error, target.address, log) from None

    with opened("ndjson" if dry_run else format, path) as output:
        done = _in_store(address.store, dry_run, wait, run_on)
    warn(done_text(done, dry_run))


def _in_store(name: str, dry_run: bool, wait: float, run_on: Callable[[Store], Appended]) -> Appended:
    """Run an import on a store; a file that is not there is made if the files say what the topology is."""
    from cti_es.cucm.topology_import import NoTopology

    path = Path(name)
    if not is_store(name) and not path.exists():
        try:
            if dry_run:
                return run_on(MemoryStore())
            if (done := create(path, lambda new: run_on(cast(Store, new)), wait)) is not None:
                return done
        except NoTopology:
            raise InputError("no such store", where=name, expected=_A_STORE, hint=_TOPOLOGY_FIRST) from None
    with closing(store_to_import(name, wait)) as store:
        return run_on(store)


def store_to_import(name: str, wait: float) -> Store:
    """A store to import into. Raises what says that there is none."""
    try:
        return open_to_write(name, wait)
    except NotAStore as error:
        raise NotAStore(error.what, where=error.where, expected=_A_STORE, hint=_TOPOLOGY_FIRST) from None


def _import(store: Store, log: str, what: "Import", options: AppendOptions, output: Output) -> Appended:
    from cti_es.cucm.files import NothingToImport
    from cti_es.cucm.importing import run
    from cti_es.cucm.recognise import NOTHING
    from cti_es.cucm.unknowns import OutagesLost

    see = partial(_print, output) if options.dry_run else _nothing
    try:
        found = run(store, log, what, options, see, lambda some: counted(some, len, "read", "lines"))
    except NothingToImport as error:
        error.hint = ", ".join(text for why, text in IGNORED.items() if NOTHING[why] in error.reasons)
        raise
    except OutagesLost as lost:
        raise InputError(lost.what, hint=f"{mends(lost)}; --allow-unknown stores the rest") from None
    if options.dry_run:
        output.flush()
        for row in advised(found.findings):
            warn("  ".join(FINDINGS.cells(row)).rstrip())
    else:
        _report(output, found)
    for name, why in found.broken:
        warn(f"warning: {name} was not read: {printable(why)}")
    return found.appended


def _over_again(error: "TooOld", store: str, log: str) -> CtiEsError:
    """The same error, with the command that starts over."""
    if error.before_imports is None:
        return error
    start = f"cti-es export '{store}#{log}' --to-version {error.before_imports} | cti-es append new.db --from -"
    hint = f"{error.hint}: {start}"
    return InputError(error.what, where=error.where, expected=error.expected, hint=hint)


def _events(names: tuple[str, ...]) -> list[File]:
    """The files of events."""
    for name in names:
        if name != "-" and not is_piped(name) and not Path(name).is_file():
            raise no_file(Path(name), "an NDJSON file of events")
    return [File(shown(name_of(name)), partial(open_bytes, name, unpack_limit())) for name in names]


def _report(output: Output, found: "Imported") -> None:
    """Print what was found. What was imported stays, even if this fails."""
    try:
        output.rows(FINDINGS, [advised(found.findings)])
        output.flush()
    except OSError:
        warn(f"{found.appended}; but the report could not be written")
        raise


def advised(findings: list["Finding"]) -> list["Finding"]:
    """The report, with the options that would help."""
    from cti_es.cucm.recognise import NOTHING

    ignored = {NOTHING[why]: text for why, text in IGNORED.items()}
    ways = [WAYS_OUT.get(one.name) if one.kind == "skipped" else ignored.get(one.text) for one in findings]
    return [replace(one, text=f"{one.text} ({way})") if way else one for one, way in zip(findings, ways, strict=True)]


def _nothing(events: list[Event]) -> None:
    """Nobody wants to see the events."""


def _print(output: Output, events: list[Event]) -> None:
    from cti_es.logs.ndjson import write_events

    output.write(write_events(events))


_A_STORE = "a store with the nodes and devices"
_TOPOLOGY_FIRST = (
    "append the topology first: cti-es append STORE --from topology.ndjson; or import tables of it with the logs"
)


def _check(files: tuple[str, ...]) -> None:
    """Refuse what is no file to import before anything is read."""
    from cti_es.cucm.members import check_names

    for name in files:
        if is_store(name):
            raise InputError("a store", where=name_of(name), expected=A_LOG)
    check_names(files, A_LOG)


def mends(lost: "OutagesLost") -> str:
    """What helps where failures and recoveries cannot be placed."""
    helps = [text for thing, text in MENDS.items() if thing in {one.thing for one in lost.unknown}]
    return f"{lost.hint}; {', '.join(helps)}"


def nodes_given(nodes_file: str | None, known: Iterable[str]) -> dict[NodeRef, str]:
    """What the nodes of a log are called in the files, by what a file of nodes says."""
    from cti_es.cucm.nodes import read_nodes

    return read_nodes(nodes_file, known, unpack_limit()) if nodes_file is not None else {}
