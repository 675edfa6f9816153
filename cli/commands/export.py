"""``export``: canonical NDJSON, what ``append --from`` takes; the same with aliases; tables for SQL."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from cti_es.logs.bytes_in import name_of
from cti_es.logs.ndjson import write_events
from cti_es.logs.open import A_SOURCE
from cti_es.logs.reading import Cut, Log, LogPart
from cti_es.logs.store.servers import without_password
from cti_es.traces.sides import EVERYTHING, LogSide, Side, TraceSide
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.words import counted
from cti_es_cli.fleet import are_several
from cti_es_cli.options import OutFile, as_of_option
from cti_es_cli.out_file import drafted, target_of
from cti_es_cli.output import opened, shown, warn, warn_of
from cti_es_cli.sources import CountedLog, kept_log, names_of, open_log, source_argument, unpack_limit

if TYPE_CHECKING:
    from cti_es.report.anonymous import Aliases
    from cti_es.report.rows import DifferenceRow, SummaryRow


@click.command(
    short_help="Print a log as canonical NDJSON, to be appended elsewhere.",
    epilog="""\b
Examples:
  cti-es export site.db -o events.ndjson
  cti-es export site.db --to-version 411 | cti-es append mended.db --from -
  cti-es export site.db --to analysis.db --trace tb20.log
  cti-es export 'stores/*.db' --to analysis.db
  cti-es export site.db --anonymous --key names.key -o ticket.ndjson
  cti-es export tb20.log --anonymous --key names.key -o ticket-trace.ndjson""",
)
@source_argument(many=True, workers=False)
@click.option("--to-version", type=click.IntRange(min=0), metavar="N", help="Only up to this version.")
@as_of_option("The log as it was at this version or time.")
@click.option("--to", "tables", type=OutFile(), metavar="FILE.db", help="Write tables for SQL into a new file.")
@click.option("--trace", type=click.Path(allow_dash=True), metavar="FILE", help="With --to: compare with this trace.")
@click.option("--force", is_flag=True, help="With --to: replace the tables that are there.")
@click.option("--anonymous", is_flag=True, help="Aliases instead of names. SOURCE may also be a trace.")
@click.option("--key", type=OutFile(), metavar="FILE", help="What aliases are made with; made if it is not there.")
@click.option("-o", "--output", "path", type=OutFile(), metavar="FILE", help="Write to a file.")
def command(
    sources: tuple[str, ...],
    to_version: int | None,
    as_of: Cut | None,
    tables: str | None,
    trace: str | None,
    force: bool,
    anonymous: bool,
    key: str | None,
    path: str | None,
) -> None:
    """Print the events of a log as canonical NDJSON: what append --from takes, and gives back byte for byte.

    Nothing is ever deleted from a log. To undo a wrong append, export up to the version before it into a new store.

    With --to the log, or several, become tables with views and keys, in a SQLite file for sqlite-utils and Datasette.
    With --anonymous all names become aliases, the same for the same name and key.
    """
    _check(tables, path, {"--trace": trace, "--force": force}, anonymous, key)
    if as_of is not None and to_version is not None:
        raise click.UsageError("--as-of and --to-version cut the same end; give one of them")
    cut = as_of or Cut(version=to_version)
    aliases = _aliases(key) if anonymous else None
    if are_several(sources):
        _export_several(sources, tables, cut, as_of is not None, aliases, force, trace)
        return
    [source] = sources
    with _opened(source, aliases, again=tables is not None) as side:
        if isinstance(side, TraceSide):
            if tables or cut != Cut():
                raise InputError("a trace", where=name_of(source), expected=A_SOURCE)
            _print_trace(side, path)
            return
        log = LogPart(side.log, cut, strict=as_of is not None)
        if tables is not None:
            _write_tables(tables, force, shown(log.name), partial(_one, log, trace, aliases))
            return
        with opened("ndjson", path, in_place=True) as output:
            for batch in log.batches():
                output.write(write_events(batch.events))


def _check(
    tables: str | None, path: str | None, for_tables: dict[str, str | bool | None], anonymous: bool, key: str | None
) -> None:
    """Refuse words of the command line that exclude or need each other."""
    for option in [one for one, value in for_tables.items() if value and tables is None]:
        raise click.UsageError(f"{option} goes with --to")
    if key is not None and not anonymous:
        raise click.UsageError("--key goes with --anonymous")
    if tables is not None and path is not None:
        raise click.UsageError("--to writes a file of its own; -o does not go with it")
    if "-" in (tables, key):
        raise click.UsageError("--to and --key name files; standard input and output are none")


def _aliases(key: str | None) -> "Aliases":
    from cti_es.report.anonymous import Aliases, key_in, new_key

    return Aliases(new_key() if key is None else key_in(Path(key)))


@contextmanager
def _opened(source: str, aliases: "Aliases | None", again: bool) -> Iterator[LogSide | TraceSide]:
    """The log of a SOURCE, perhaps to be read ``again``; with aliases it may also be a trace."""
    if aliases is None:
        with open_log(source, again) as log:
            yield LogSide(log)
        return
    with _anonymous(source, aliases) as side:
        yield side


@contextmanager
def _anonymous(source: str, aliases: "Aliases") -> Iterator[LogSide | TraceSide]:
    from cti_es.report.anonymous import AnonymousLog, AnonymousTrace
    from cti_es.traces.comparing import SideOptions, open_side

    if (kept := kept_log(source)) is not None:
        yield LogSide(AnonymousLog(kept, aliases))
        return
    with open_side(source, SideOptions(limit=unpack_limit())) as side:
        if isinstance(side, LogSide):
            yield LogSide(AnonymousLog(side.log, aliases))
        elif isinstance(side, TraceSide):
            yield TraceSide([(name, AnonymousTrace(one, aliases)) for name, one in side.traces])


def _print_trace(side: TraceSide, path: str | None) -> None:
    from cti_es.report.anonymous import trace_row
    from cti_es.traces.recognise import head

    with opened("ndjson", path, in_place=True) as output:
        output.write(head(side.formats[0]))
        for batch in side.in_order():
            output.write(b"".join(map(trace_row, batch)))
    warn_of(side.warnings)
    if skipped := ", ".join(f"{number:,} {name}" for name, number in side.skipped().items()):
        warn(f"left out: {skipped}")


# --- tables ---------------------------------------------------------------------------------------------------------


def _export_several(
    sources: tuple[str, ...], tables: str | None, cut: Cut, strict: bool, aliases: "Aliases | None", force: bool,
    trace: str | None,
) -> None:  # fmt: skip
    """Write the tables of several logs. If one of them cannot be read there are none."""
    if tables is None:
        raise click.UsageError("an export is one log, as append takes it; several SOURCEs go with --to")
    if trace is not None:
        raise click.UsageError("--trace stands beside one SOURCE")

    def logs() -> Iterator[tuple[str, Log]]:
        for source in sources:
            with _opened(source, aliases, again=True) as side:
                if isinstance(side, TraceSide):
                    raise InputError("a trace", where=source, expected=A_SOURCE)
                yield shown(without_password(source)), CountedLog(LogPart(side.log, cut, strict=strict))

    def write(path: Path) -> dict[str, int]:
        from cti_es.report.analysis import write_analyses

        return write_analyses(path, logs())

    _write_tables(tables, force, names_of(map(without_password, sources)), write, several=True)


def _one(log: Log, trace: str | None, aliases: "Aliases | None", path: Path) -> dict[str, int]:
    """Write the tables of a log into a new file; how many rows each has."""
    from cti_es.report.analysis import write_analysis

    return write_analysis(path, CountedLog(log), None if trace is None else _differences(log, trace, aliases))


def _write_tables(
    tables: str, force: bool, source: str, write: Callable[[Path], dict[str, int]], several: bool = False
) -> None:
    """Write the tables and what Datasette should know of them: both files whole, or none."""
    from cti_es.report.analysis import is_analysis, is_metadata, metadata

    target = target_of(tables, "--to")
    about = target.with_suffix(".metadata.json")
    _check_free(target, force, is_analysis)
    _check_free(about, force, is_metadata)
    with (
        drafted(target, tables) as draft,
        drafted(about, str(about)) as beside,
        TemporaryDirectory(prefix=".cti-es-", dir=target.parent) as folder,
    ):
        made = Path(folder) / "analysis.db"
        counts = write(made)
        with made.open("rb") as stream:
            copyfileobj(stream, draft)
        beside.write(metadata(target.stem, source, several))
    rows = (counted(count, name.removesuffix("s")) for name, count in counts.items() if count)
    warn(f"wrote {tables}: {', '.join(rows)}")
    warn(f"wrote {about.name}: the questions, for datasette {target.name} --metadata {about.name}")


def _check_free(file: Path, force: bool, is_ours: Callable[[Path], bool]) -> None:
    if not file.exists():
        return
    if not file.is_file() or (file.stat().st_size and not is_ours(file)):
        raise InputError("there is something else", where=str(file), expected="a new name")
    if not force:
        raise InputError("there is such a file", where=str(file), expected="a new name", hint="--force replaces it")


def _differences(log: Log, trace: str, aliases: "Aliases | None") -> "list[DifferenceRow | SummaryRow]":
    """What ``diff`` finds between a log and a trace."""
    from cti_es.report.diff_text import Report
    from cti_es.traces.comparing import SideOptions, compare_sides, open_side, sure_of_reasons
    from cti_es.traces.diff.compare import DiffOptions

    if aliases is not None:
        opened_trace: AbstractContextManager[Side] = _anonymous(trace, aliases)
    else:
        opened_trace = open_side(trace, SideOptions(limit=unpack_limit()))
    with opened_trace as actual:
        sides = LogSide(log), actual
        options = DiffOptions(ignore_reason=not sure_of_reasons(sides), note_reasons=True)
        found = compare_sides(sides, options)
        warn_of(actual.warnings)
        return list(Report(sides, EVERYTHING, options, found, len(found.differences)).rows())
