"""``append``: events into a log, one by one or from a file, all or nothing."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, cast

import click

from cti_es.logs.addresses import means_many
from cti_es.logs.append import Appended, AppendOptions, Expect, parse_expect
from cti_es.logs.append_files import NAME, EventsOfFile, check_events_file
from cti_es.logs.bytes_in import is_piped, kept, name_of, open_bytes
from cti_es.logs.open import make_or_append, parse_address
from cti_es.vocabulary.errors import CtiEsError, InputError, did_you_mean
from cti_es.vocabulary.event_text import event_from_fields, unknown_type
from cti_es.vocabulary.events import EVENT_TYPES, NumberedEvents, encode, fields_of
from cti_es.vocabulary.names import check_name
from cti_es_cli.appending import append_many, done_text, warn_of_events
from cti_es_cli.options import stored_time, wait_option
from cti_es_cli.output import Output, opened, warn
from cti_es_cli.progress import counted
from cti_es_cli.sources import InFile, jobs_option, names_of, unpack_limit, unpack_option
from cti_es_cli.times import tz_option

HERE = "event"


class ExpectType(click.ParamType[Expect]):
    """``--expect``: a version, ``none`` or ``exists``."""

    name = "N|none|exists"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Expect:
        """What the text means."""
        try:
            return parse_expect(str(value))
        except CtiEsError as error:
            self.fail(f"{error.what}; expected {error.expected}", param, ctx)


def complete_type(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Event types for the shell."""
    return [name for name in EVENT_TYPES if name.startswith(incomplete)]


def complete_field(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The fields of the event type that are not given yet, for the shell."""
    event_type = ctx.params.get("event_type")
    if event_type not in EVENT_TYPES:
        return []
    given = {assignment.partition("=")[0] for assignment in ctx.params.get("assignments") or ()}
    return [f"{name}=" for name in fields_of(event_type) if name not in given and name.startswith(incomplete)]


@click.command(
    short_help="Append events to a log, one by one or from a file.",
    epilog="""\b
Examples:
  cti-es append site.db node_added node=cm1
  cti-es append site.db device_added device=CTIP01 kind=cti_port lines=5001,5002
  cti-es append site.db#lab --from events.ndjson --expect none
  cti-es append 'site.db#*' --from 'logs/*.ndjson'""",
)
@click.argument("store", metavar="STORE[#LOG]", type=InFile())
@click.argument("event_type", metavar="[TYPE]", required=False, shell_complete=complete_type)
@click.argument("assignments", metavar="[FIELD=VALUE]...", nargs=-1, shell_complete=complete_field)
@click.option(
    "--from",
    "file",
    metavar="FILE",
    type=InFile(),
    help="Append all events of an NDJSON file (or -); of many, see above.",
)
@click.option(
    "--expect",
    type=ExpectType(),
    metavar="N|none|exists",
    help="Refuse unless the log is at version N, does not exist, or exists.",
)
@click.option("--allow-misfits", is_flag=True, help="Store events that do not fit, too.")
@click.option("--dry-run", is_flag=True, help="Check everything, store nothing.")
@click.option("--ndjson", is_flag=True, help="Print what was done as one NDJSON object.")
@click.option("--source", metavar="TEXT", help="Where the events come from, kept with them.")
@wait_option
@jobs_option
@tz_option
@unpack_option
def command(
    store: str,
    event_type: str | None,
    assignments: tuple[str, ...],
    file: str | None,
    expect: Expect,
    allow_misfits: bool,
    dry_run: bool,
    ndjson: bool,
    source: str | None,
    wait: float,
    jobs: int,
) -> None:
    """Append one event, or all events of a file, to a log; the store is made if it is not there.

    All or nothing: if one event cannot be stored, none is. Times default to now. A VALUE that begins with [ is JSON;
    lists are split at commas.

    With a * in the name of the store or of the log, --from is a folder or a pattern in quotes: each file goes into the
    log of its own name.
    """
    if (event_type is None) == (file is None):
        in_quotes = "; a pattern stands in quotes" if NAME in store else ""
        raise click.UsageError(f"give either an event TYPE or --from FILE{in_quotes}")
    if NAME in store or (file is not None and means_many(file)):
        many = AppendOptions("", source or "", expect, allow_misfits, dry_run)
        append_many(store, file, many, wait, jobs, ndjson)
        return
    address = parse_address(store)
    if address.log is not None:
        check_name(address.log, f"{name_of(store)}: the name of the log")
    with (
        opened("ndjson", None) if ndjson else nullcontext() as output,  # it must be there before anything is stored
        _input(event_type, assignments, file) as (name, batches),
    ):
        options = AppendOptions(name, _source(source, file), expect, allow_misfits, dry_run)
        done = make_or_append(address, batches, options, wait)
    warn_of_events(done)
    if output:
        _print(output, done, dry_run)
    else:
        warn(done_text(done, dry_run))


def _print(output: Output, done: Appended, dry_run: bool) -> None:
    """Print what was done. It stays done, and exit code 2 would say that it was not, even if this fails."""
    from cti_es.report.rows import appended_row

    try:
        output.write(encode(appended_row(done, dry_run)) + b"\n")
        output.flush()
    except OSError as error:
        warn(f"{done}; but that could not be printed: {error.strerror}")


def _input(
    event_type: str | None, assignments: tuple[str, ...], file: str | None
) -> AbstractContextManager[tuple[str, Any]]:
    if event_type is not None:
        event = event_from_fields(event_type, _fields(event_type, assignments), HERE)
        return nullcontext(("", [NumberedEvents(range(1, 2), [event])]))
    if assignments:
        raise click.UsageError("FIELD=VALUE goes with an event TYPE, not with --from")
    return _file(cast(str, file))


@contextmanager
def _file(file: str) -> Iterator[tuple[str, EventsOfFile]]:
    if is_piped(file):
        with kept(file, unpack_limit()) as again:
            yield name_of(file), EventsOfFile(name_of(file), again, _shown)
        return
    check_events_file(file)
    yield file, EventsOfFile(file, partial(open_bytes, Path(file), unpack_limit()), _shown)


def _shown(batches: Iterator[NumberedEvents]) -> Iterator[NumberedEvents]:
    return counted(batches, lambda lines: len(lines.events), "read")


def _source(source: str | None, file: str | None) -> str:
    if source:
        check_name(source, "--source")
        return source
    return names_of([file]) if file else "command line"


def _fields(event_type: str, assignments: tuple[str, ...]) -> dict[str, Any]:
    if event_type not in EVENT_TYPES:
        raise unknown_type(event_type, HERE)
    known = fields_of(event_type)
    fields: dict[str, Any] = {}
    for assignment in assignments:
        field, equals, value = assignment.partition("=")
        if not equals:
            raise InputError(f"'{assignment}'", where=HERE, expected="FIELD=VALUE", hint=did_you_mean(field, known))
        if field == "type":
            raise InputError("the field 'type'", where=HERE, expected="the event type before the fields")
        if field in fields:
            raise InputError(f"the field '{field}' stands twice", where=HERE, expected="each field once")
        fields[field] = _value(value, field, known.get(field))
    return fields


def _value(value: str, field: str, annotation: Any) -> Any:
    """A VALUE as JSON has it: by the type of the field, or as JSON if it looks like a list. Numbers may be 0x…."""
    if field == "at":
        return _time(value)
    if value.startswith("["):
        import msgspec

        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            raise InputError(
                f"'{value}' is not a JSON list", where=f"{HERE}: $.{field}", expected='for example ["5001","5002"]'
            ) from None
    kind = str(annotation)
    if "tuple" in kind:
        return value.split(",") if value else []
    if "bool" in kind:
        return _TRUTH.get(value.lower(), value)
    if "int" in kind and _NUMBER.fullmatch(value):
        return int(value, 0)
    return value


def _time(value: str) -> str:
    try:
        return stored_time(value)
    except InputError as error:
        raise InputError(error.what, where=f"{HERE}: $.at", expected=error.expected) from None


_TRUTH = {"true": True, "false": False}
_NUMBER = re.compile("[1-9][0-9]{0,18}|0|0[xX][0-9a-fA-F]{1,16}")
