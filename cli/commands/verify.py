"""``verify``: is a store whole and unchanged?"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import click

from cti_es.logs.bytes_in import is_piped, name_of, no_file, open_bytes
from cti_es.logs.open import open_store
from cti_es.logs.store import Fault, Head, parse_head
from cti_es.report.rows import fault_row
from cti_es.vocabulary.errors import CtiEsError, InputError
from cti_es_cli.exits import ClosedPipe
from cti_es_cli.log_views import FAULTS
from cti_es_cli.output import opened, output_options, warn
from cti_es_cli.progress import counted
from cti_es_cli.sources import InFile, unpack_limit, unpack_option

FAULTY = 1


class LogHead(click.ParamType[tuple[str, Head]]):
    """The value of ``--head``: ``LOG=VERSION:sha256:HEX``, a log and its head."""

    name = "LOG=HEAD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Head]:
        """The log and its head."""
        log, equals, head = str(value).rpartition("=")
        try:
            if not equals or not log:
                raise InputError(f"'{value}' names no log", expected="LOG=VERSION:sha256:HEX")
            return log, parse_head(head)
        except CtiEsError as error:
            self.fail(f"{error.what}; expected {error.expected}", param, ctx)


@click.command(
    short_help="Check that a store is whole and unchanged.",
    epilog="""\b
Examples:
  cti-es verify site.db
  cti-es verify site.db --head default=1187:sha256:9f2c…
  cti-es verify site.db --heads heads.ndjson""",
)
@click.argument("store", metavar="STORE", type=InFile())
@click.option(
    "--head", "heads", type=LogHead(), multiple=True, help="A head that was kept elsewhere (again for more logs)."
)
@click.option(
    "--heads",
    "kept",
    metavar="FILE",
    type=InFile(),
    help="A file of heads that were kept elsewhere: what logs --ndjson printed.",
)
@unpack_option
@output_options
def command(store: str, heads: tuple[tuple[str, Head], ...], kept: str | None, format: str, path: str | None) -> int:
    """Check every log of a store: schema, versions, hash chain, events, ids, snapshots. Exit 1 if anything is wrong.

    The chain lies in the same file, so it cannot show that the end of a log was cut off or that all of it was
    rewritten. A head that was kept elsewhere (from append or logs) can: give it with --head or --heads.
    """
    from cti_es.logs.verify import verify

    if len(dict(heads)) < len(set(heads)):
        raise click.UsageError("two different heads of one log; give one --head for each log")
    wanted = {**(_kept_heads(kept) if kept is not None else {}), **dict(heads)}
    reader = open_store(store, suspect=True)
    ends: dict[str, Head] = {}
    found = _Counted(verify(reader, wanted, lambda rows: counted(rows, lambda row: row.size, "checked"), ends))
    try:
        with opened(format, path) as output:
            output.rows(FAULTS, ([fault_row(fault)] for fault in found))
            output.flush()
    except ClosedPipe:
        raise ClosedPipe(FAULTY if found.any() else 0) from None
    finally:
        found.close()
        reader.close()
    if found.count:
        return FAULTY
    for log, head in ends.items():
        warn(f"{log}: {head.version} events, head {head}: nothing wrong")
    return 0


def _kept_heads(file: str) -> dict[str, Head]:
    from cti_es.logs.heads import read_heads

    if not is_piped(file) and not Path(file).is_file():
        raise no_file(Path(file), "what logs --ndjson printed")
    with open_bytes(file, unpack_limit()) as stream:
        return read_heads(stream, name_of(file))


class _Counted:
    """Faults, counted as they pass."""

    def __init__(self, faults: Generator[Fault]) -> None:
        self.count = 0
        self._faults = faults

    def __iter__(self) -> Iterator[Fault]:
        for fault in self._faults:
            self.count += 1
            yield fault

    def any(self) -> bool:
        """Whether there are any, passed on or not."""
        return self.count > 0 or next(iter(self), None) is not None

    def close(self) -> None:
        """Stop looking for more."""
        self._faults.close()
