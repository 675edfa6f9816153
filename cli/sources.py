"""SOURCEs of a command line: the argument, the option that goes with it, and how far a log has been read."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click

from cti_es.logs import open as library
from cti_es.logs.bytes_in import UNPACK_LIMIT, UnpackLimit, is_piped
from cti_es.logs.reading import Batch, Log, Wait
from cti_es.vocabulary.names import printable
from cti_es_cli.progress import counted
from cti_es_cli.times import tz_option

_UNPACK_LIMIT = "cti_es.unpack_limit"
_KEPT = "cti_es.kept"
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def open_log(source: str, again: bool = False) -> AbstractContextManager[Log]:
    """The log that a SOURCE names, within the bounds of ``--unpack-limit``. ``again``: it will be read once more."""
    if (kept := kept_log(source)) is not None:
        return nullcontext(kept)
    return library.open_log(source, again, unpack_limit())


def open_log_early(source: str, context: click.Context) -> AbstractContextManager[Log]:
    """The log that the only SOURCE names, before the command reads it. A pipe is kept for :func:`open_log`."""
    if is_piped(source) and _KEPT not in context.meta:
        context.meta[_KEPT] = {source: context.with_resource(library.open_log(source, True, unpack_limit()))}
    return open_log(source)


def kept_log(source: str) -> Log | None:
    """The log of a pipe that has been read already, to find out what a time of day means; None if it has not."""
    context = click.get_current_context(silent=True)
    found: Log | None = context.meta.get(_KEPT, {}).get(source) if context else None
    return found


def unpack_limit() -> UnpackLimit:
    """What the command that runs was given as ``--unpack-limit``."""
    context = click.get_current_context(silent=True)
    limit = context.meta.get(_UNPACK_LIMIT) if context else None
    return limit if isinstance(limit, UnpackLimit) else UNPACK_LIMIT


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
        return counted(self._log.batches(version, wait), lambda batch: len(batch.events), "read")


def _only_once(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse to read standard input, or a pipe, for two SOURCEs: the second would be empty."""
    for source in set(value):
        if value.count(source) > 1 and is_piped(source):
            name = "standard input" if source == "-" else f"the pipe {source}"
            raise click.UsageError(f"{name} can be read only once; give one SOURCE that is '{source}'")
    return value


def source_argument(many: bool = False) -> Callable[[Any], Any]:
    """The SOURCE argument, one or several, with completion of file names; ``--tz`` and ``--unpack-limit``."""
    metavar = "SOURCE..." if many else "SOURCE"
    once = _only_once if many else None
    argument = click.argument("sources" if many else "source", nargs=-1 if many else 1, required=True,
                              metavar=metavar, type=InFile(), callback=once,
                              is_eager=True)  # fmt: skip
    return lambda command: argument(tz_option(unpack_option(command)))
