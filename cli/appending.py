"""What ``append`` says that it did; and many files into many logs, each into the log that is named after it."""

from collections.abc import Iterable
from contextlib import closing, nullcontext
from functools import partial

import click

from cti_es.logs.addresses import expanded
from cti_es.logs.append import Appended, AppendOptions
from cti_es.logs.append_files import append_file, named_after
from cti_es.logs.fleet import Workers, run_many
from cti_es.logs.open import is_store, parse_address
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import encode
from cti_es.vocabulary.names import check_name
from cti_es_cli.complaints import failed, take_failure
from cti_es_cli.output import Output, opened, warn
from cti_es_cli.progress import LogsDone
from cti_es_cli.sources import unpack_limit, warn_of_passed_over


def warn_of_events(done: Appended, before: str = "") -> None:
    """Name the misfits that were stored, and the first event that is older than one before it."""
    for misfit in done.misfits:
        warn(f"{before}misfit {misfit.version} {misfit.code} {misfit.text}")
    if done.older:
        warn(
            f"{before}warning: version {done.older.version} at {done.older.at} is older than an event before it, at"
            f" {done.older.latest}; the order of the log counts, not the times"
        )


def done_text(done: Appended, dry_run: bool) -> str:
    """What was done, or would have been, in a line."""
    return f"would have {done.counts()}, at version {done.head.version}" if dry_run else str(done)


def append_many(store: str, given: str | None, options: AppendOptions, wait: float, jobs: int, ndjson: bool) -> None:
    """Append each file of a folder or a pattern to its log. One that cannot be stored does not keep the others out."""
    if given is None:
        raise click.UsageError("* in the name of a log goes with --from: it is the name of the file")
    if given == "-":
        raise click.UsageError("* in the name of a log is the name of a file, and standard input has none")
    if options.source:
        check_name(options.source, "--source")
    found = expanded([given])
    stores = {one: is_store(parse_address(one).store) for one in found}
    warn_of_passed_over([*found.passed_over, *(one for one in found if stores[one])])
    files = [one for one in found if not stores[one]]
    if not files:
        raise InputError("stores alone", where=given, expected="NDJSON event logs")
    targets = named_after(store, files)
    task = partial(append_file, targets=targets, options=options, wait=wait, limit=unpack_limit())
    workers = Workers(1 if targets.one_writer else jobs)
    line = LogsDone(len(files))
    with (
        opened("ndjson", None) if ndjson else nullcontext() as output,
        closing(run_many(files, task, workers, line.show, again=False)) as results,
    ):
        for file, result in zip(files, results, strict=True):
            line.hide()
            _tell(targets.logs[file], file, result, options.dry_run, output)
    if count := failed():
        warn(f"{count} of {len(files)} files could not be stored")


def _tell(log: str, file: str, result: Iterable[Appended], dry_run: bool, output: Output | None) -> None:
    from cti_es.report.rows import appended_row

    try:
        [done] = result
    except Exception as error:
        take_failure(error, file)
        return
    warn_of_events(done, f"{log}: ")
    if output:
        output.write(b'{"source":' + encode(file) + b"," + encode(appended_row(done, dry_run))[1:] + b"\n")
    else:
        warn(f"{log}: {done_text(done, dry_run)}")
