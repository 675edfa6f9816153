"""SOURCEs of a command line: the argument, the option that goes with it, and how far a log has been read."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import click

from cti_es.logs import clock
from cti_es.logs import open as library
from cti_es.logs.addresses import Addresses, expanded
from cti_es.logs.bytes_in import UNPACK_LIMIT, UnpackLimit, is_piped
from cti_es.logs.fleet import EVERY, Tell, Workers
from cti_es.logs.reading import Batch, Log, Wait
from cti_es.logs.store.servers import is_server
from cti_es.vocabulary.names import printable
from cti_es_cli.progress import counted
from cti_es_cli.times import GivenZone, tz_option, use_zone

_UNPACK_LIMIT = "cti_es.unpack_limit"
_KEPT = "cti_es.kept"
_FOLDER = "cti_es.folder"
_TELL = "cti_es.tell"
_WORKERS = "cti_es.workers"
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@contextmanager
def open_log(source: str, again: bool = False) -> Iterator[Log]:
    """The log that a SOURCE names, within the bounds of ``--unpack-limit``. ``again``: it will be read once more."""
    if (kept := kept_log(source)) is not None:
        yield kept
        return
    folder, tell = _meta(_FOLDER), _meta(_TELL)
    with library.open_log(source if folder is None else _in_folder(folder, source), again, unpack_limit()) as log:
        yield log if tell is None else _ToldLog(log, tell)


def open_log_early(source: str, context: click.Context) -> AbstractContextManager[Log]:
    """The log that the only SOURCE names, before the command reads it. A pipe is kept for :func:`open_log`."""
    if is_piped(source) and _KEPT not in context.meta:
        context.meta[_KEPT] = {source: context.with_resource(library.open_log(source, True, unpack_limit()))}
    return open_log(source)


def kept_log(source: str) -> Log | None:
    """The log of a pipe that has been read already, to find out what a time of day means; None if it has not."""
    found: Log | None = (_meta(_KEPT) or {}).get(source)
    return found


def unpack_limit() -> UnpackLimit:
    """What the command that runs was given as ``--unpack-limit``."""
    limit = _meta(_UNPACK_LIMIT)
    return limit if isinstance(limit, UnpackLimit) else UNPACK_LIMIT


def _meta(key: str) -> Any:
    """What the command that runs keeps under a key; None if that is nothing."""
    context = click.get_current_context(silent=True)
    return context.meta.get(key) if context else None


class InFile(click.Path):
    """The name of a file to read, of a store, or ``-`` for standard input where a command takes that."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """The name as it was given; an empty one (a variable of the shell that is not set) is none."""
        if not str(value):
            self.fail("an empty name; expected the name of a file", param, ctx)
        return super().convert(value, param, ctx)


class UnpackLimitType(click.ParamType[UnpackLimit]):
    """``--unpack-limit``: a size in bytes, with a unit if need be, or ``none``."""

    name = "SIZE|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UnpackLimit:
        """The limit that the text means."""
        if isinstance(value, UnpackLimit):
            return value
        text = str(value)
        if text == "none":
            return UnpackLimit(None, None)
        digits, unit = text.rstrip("KMGT"), text.lstrip("0123456789")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 15 and unit in _UNITS):
            self.fail(f"'{text}' is no size; expected for example 20G, 500M, a number of bytes, or none", param, ctx)
        return UnpackLimit(int(digits) * _UNITS[unit], None)


def unpack_option(command: Any) -> Any:
    """``--unpack-limit``, for every command that reads files; :func:`unpack_limit` has what was given."""
    return click.option(
        "--unpack-limit",
        type=UnpackLimitType(),
        is_eager=True,  # a time of day is read by the log
        expose_value=False,
        callback=_remember,
        help="How much may come out of a gzip file (20G), or none for no limit. Default: 8G, and 100 bytes for each.",
    )(command)


def _remember(ctx: click.Context, param: click.Parameter, value: UnpackLimit | None) -> None:
    ctx.meta[_UNPACK_LIMIT] = value


def names_of(files: Iterable[str]) -> str:
    """What is kept as the source of events: the names of their files, as far as they fit; shown harmlessly."""
    names = ", ".join(printable(Path(file).name) for file in files)
    return names if len(names) <= 100 else f"{names[:99]}…"


class CountedLog:
    """A log that shows on a terminal how far it has been read, for commands that print only at the end."""

    def __init__(self, log: Log) -> None:
        self.name = log.name
        self.snapshot = log.snapshot
        self._log = log

    def batches(self, version: int = 1, wait: Wait | None = None) -> Iterator[Batch]:
        """Its events from ``version`` on."""
        batches = self._log.batches(version, wait)
        return batches if _meta(_TELL) else counted(batches, lambda batch: len(batch.events), "read")


# --- in another process ---------------------------------------------------------------------------------------------


class Elsewhere(NamedTuple):
    """What a command was given and another process has to know.

    ``folder`` is the one that names of files start from, where that is not the one of the process.
    """

    limit: UnpackLimit
    zone: GivenZone
    folder: str | None


@contextmanager
def elsewhere(place: Elsewhere, tell: Tell) -> Iterator[None]:
    """Work for a command of another process; ``tell`` is called with the number of events that were read."""
    with click.Context(click.Command("elsewhere")) as context:
        context.meta.update({_UNPACK_LIMIT: place.limit, _FOLDER: place.folder, _TELL: tell})
        use_zone(context, place.zone)
        yield


def _in_folder(folder: str, source: str) -> str:
    return source if is_server(source) else os.path.join(folder, source)


class _ToldLog:
    """A log whose user is told how far it has been read."""

    def __init__(self, log: Log, tell: Tell) -> None:
        self.name = log.name
        self.snapshot = log.snapshot
        self._log = log
        self._tell = tell

    def batches(self, version: int = 1, wait: Wait | None = None) -> Iterator[Batch]:
        """Its events from ``version`` on."""
        count, due = 0, clock.seconds() + EVERY
        for batch in self._log.batches(version, wait):
            yield batch
            count += len(batch.events)
            if clock.seconds() >= due:
                self._tell(count)
                count, due = 0, clock.seconds() + EVERY
        self._tell(count)


# --- the argument ---------------------------------------------------------------------------------------------------


def _expanded(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> Addresses:
    """The logs that the SOURCEs mean. Refuses to read standard input, or a pipe, twice: it would be empty then."""
    for source in set(value):
        if value.count(source) > 1 and is_piped(source):
            name = "standard input" if source == "-" else f"the pipe {source}"
            raise click.UsageError(f"{name} can be read only once; give one SOURCE that is '{source}'")
    addresses = expanded(value)
    warn_of_passed_over(addresses.passed_over)
    return addresses


def warn_of_passed_over(files: Collection[str]) -> None:
    """Name the files of folders that are no logs."""
    if files:
        from cti_es_cli.output import warn

        warn(f"warning: no logs, passed over: {names_of(files)}")


def source_argument(many: bool = False, workers: bool = True) -> Callable[[Any], Any]:
    """The SOURCE argument, one or several, with completion of file names; ``--tz`` and ``--unpack-limit``.

    With several, ``--jobs``, ``--scheduler`` and ``--insecure``, too, if ``workers`` can work on them:
    :func:`workers` has what was given.
    """
    metavar = "SOURCE..." if many else "SOURCE"
    argument = click.argument("sources" if many else "source", nargs=-1 if many else 1, required=True,
                              metavar=metavar, type=InFile(), callback=_expanded if many else None,
                              is_eager=True)  # fmt: skip
    return lambda command: argument(tz_option(unpack_option(_worker_options(command) if many and workers else command)))


jobs_option = click.option("--jobs", type=click.IntRange(min=0), metavar="N", default=1, show_default=True,
                           help="Work on so many logs at once; 0: as many as there are cores.")  # fmt: skip


def _worker_options(command: Any) -> Any:
    options = (
        jobs_option,
        click.option("--scheduler", metavar="tls://HOST:PORT", help="Work on the Dask cluster of this scheduler."),
        click.option("--insecure", is_flag=True, help="Let --scheduler be tcp:// beyond this machine."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)

    @wraps(command)
    def with_workers(jobs: int, scheduler: str | None, insecure: bool, **values: Any) -> Any:
        if scheduler is not None and jobs != 1:
            raise click.UsageError("--jobs are processes of this machine; --scheduler has its own workers")
        if insecure and scheduler is None:
            raise click.UsageError("--insecure goes with --scheduler")
        click.get_current_context().meta[_WORKERS] = Workers(jobs, scheduler, insecure)
        return command(**values)

    return with_workers


def workers() -> Workers:
    """Who works on the SOURCEs of the command that runs."""
    found = _meta(_WORKERS)
    return found if isinstance(found, Workers) else Workers()
