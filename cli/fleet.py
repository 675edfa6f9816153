"""Rows of several SOURCEs: what is printed of each, in their order, whoever works on it (docs/reference/fleets.md).

What a command prints of a log is a function of its address that can be pickled (``functools.partial`` of a function of
the command's module): it is called here, in another process, or on another machine.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from cti_es.logs.addresses import Addresses
from cti_es.logs.fleet import Tell, Workers, run_many
from cti_es.logs.reading import Cut, resumed_at
from cti_es.logs.store.servers import without_password
from cti_es.model.replay import Replay
from cti_es_cli.complaints import failed, take_failure
from cti_es_cli.output import ENCODED, View, batched, encoded, heard, opened, shown, sourced, warn, warn_of
from cti_es_cli.progress import LogsDone
from cti_es_cli.sources import CountedLog, Elsewhere, elsewhere, open_log, unpack_limit, workers
from cti_es_cli.times import given_zone

Rows = tuple[View[Any], Iterable[Iterable[Any]]]
"""A view, and batches of rows that are read when they are asked for."""

RowsOf = Callable[[str], Rows]
"""What to print of a log, by its address."""

Seen = Callable[[str, Iterable[Any]], None]
"""Is called with a SOURCE and each batch of its rows before it is printed."""


def of_sources(sources: tuple[str, ...], rows_of: RowsOf, format: str, seen: Seen | None = None) -> Rows:
    """What to print of one SOURCE or of several, in ``format``.

    One alone ends with its error. Of several, each that cannot be read is named on standard error, the others are
    printed all the same, and the exit code is 2. ``seen`` is called for formats with rows.
    """
    view = rows_of(sources[0])[0]
    batches = _each(sources, rows_of, format, are_several(sources), seen)
    click.get_current_context().call_on_close(batches.close)
    return sourced(view) if are_several(sources) else view, batches


def are_several(sources: tuple[str, ...]) -> bool:
    """Whether each row says which SOURCE it is from: also where a folder or a pattern means but one."""
    return isinstance(sources, Addresses) and sources.several


def print_sources(sources: tuple[str, ...], rows_of: RowsOf, format: str, path: str | None, wide: bool = False) -> None:
    """Print what ``rows_of`` gives of each source."""
    with opened(format, path, wide=wide) as output:
        output.rows(*of_sources(sources, rows_of, format))


def one_read_here(sources: tuple[str, ...], what: str) -> str:
    """The only source, which no other machine reads. Raises a usage error that begins with ``what`` otherwise."""
    if len(sources) > 1:
        raise click.UsageError(f"{what} one SOURCE")
    if workers().scheduler is not None:
        raise click.UsageError(f"{what} a SOURCE that is read here; --scheduler does not go with it")
    return sources[0]


def states(source: str, as_of: Cut | None, rows: Callable[[Replay], Iterable[Any]]) -> Iterator[list[Any]]:
    """``rows`` of the fold of a source at a cut (None: at its end)."""
    with open_log(source) as log:
        replay, warnings = resumed_at(CountedLog(log), as_of or Cut())
    warn_of(warnings)
    yield from batched(rows(replay))


def _each(
    sources: tuple[str, ...], rows_of: RowsOf, format: str, several: bool, seen: Seen | None
) -> Generator[Iterable[Any]]:
    for source, found in zip(sources, _found(sources, rows_of, format, several), strict=True):
        try:
            for item in found:
                if isinstance(item, _Beside):
                    warn(item.line)
                elif isinstance(item, bytes):
                    yield item
                else:
                    if seen:
                        seen(source, item)
                    yield _with(source, item) if several else item
        except Exception as error:
            if not several:
                raise
            take_failure(error, source)
    if count := failed():
        warn(f"{count} of {len(sources)} logs could not be read to their end")


def _with(source: str, batch: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    name = shown(without_password(source))
    return ((name, row) for row in batch)


def _found(sources: tuple[str, ...], rows_of: RowsOf, format: str, several: bool) -> Iterator[Iterable[Any]]:
    """What there is to print of each source: batches of rows, here; elsewhere what :func:`_elsewhere` makes of them."""
    team = workers()
    if (len(sources) == 1 and team.scheduler is None) or team == Workers():
        yield from (rows_of(source)[1] for source in sources)
        return
    folder = str(Path.cwd()) if team.scheduler else None
    task = partial(_elsewhere, rows_of, format, several, Elsewhere(unpack_limit(), given_zone(), folder))
    line = LogsDone(len(sources))
    with closing(run_many(sources, task, team, line.show)) as found:
        for items in found:
            line.hide()
            yield items


class _Beside(NamedTuple):
    """A line for standard error from a process that has none."""

    line: str


def _elsewhere(
    rows_of: RowsOf, format: str, several: bool, place: Elsewhere, source: str, tell: Tell
) -> Iterator[_Beside | bytes | list[Any]]:
    """What another process does with a log: it gives rows, and what there is for standard error.

    Where rows need not be aligned with those of other logs, it gives lines of data.
    """
    failure = None
    with elsewhere(place, tell), heard() as lines:
        try:
            for item in _items(rows_of, format, several, source):
                yield from map(_Beside, lines)
                lines.clear()
                yield item
        except Exception as error:
            failure = error
        yield from map(_Beside, lines)
    if failure:
        raise failure


def _items(rows_of: RowsOf, format: str, several: bool, source: str) -> Iterator[bytes | list[Any]]:
    view, batches = rows_of(source)
    view = sourced(view) if several else view
    for batch in batches:
        if format in ENCODED:
            yield encoded(format, view, _with(source, batch) if several else batch)
        else:
            yield list(batch)
