"""Many files into many logs, each into the one named after it (docs/reference/commands/append.md#many-files)."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from cti_es.logs.append import Appended, AppendOptions
from cti_es.logs.bytes_in import OpenStream, UnpackLimit, name_of, no_file, open_bytes
from cti_es.logs.fleet import Tell
from cti_es.logs.ndjson import read_events
from cti_es.logs.open import A_SOURCE, is_store, make_or_append, parse_address
from cti_es.logs.store.servers import is_server
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import NumberedEvents
from cti_es.vocabulary.names import check_name

NAME = "*"
"""What stands in the address of a store or a log for the name of a file."""


class Targets(NamedTuple):
    """What is to be appended: file → the address of its log.

    ``one_writer``: all logs are in one SQLite store, so they are written one after the other.
    """

    logs: dict[str, str]
    one_writer: bool


def named_after(address: str, files: Iterable[str]) -> Targets:
    """The log for each file: ``*`` in the address is the name of the file without its folder and its endings.

    Raises :class:`InputError` unless there is one ``*``, and for two files that would have the same log.
    """
    if address.count(NAME) != 1:
        raise InputError("not one *", where=address, expected="for example site.db#* or stores/*.db")
    logs: dict[str, str] = {}
    of_log: dict[str, str] = {}
    for file in files:
        log = address.replace(NAME, _name(file))
        if (other := of_log.setdefault(log, file)) != file:
            raise InputError(f"both {other} and {file} would go there", where=log, expected="names of their own")
        logs[file] = log
    return Targets(logs, NAME not in parse_address(address).store and not is_server(address))


def _name(file: str) -> str:
    """``logs/berlin.ndjson.gz`` → ``berlin``."""
    name = Path(file).name.removesuffix(".gz")
    return Path(name).stem


def append_file(
    file: str, tell: Tell, targets: Targets, options: AppendOptions, wait: float, limit: UnpackLimit
) -> Iterator[Appended]:
    """Append a file to its log, all or nothing: a task for :func:`~cti_es.logs.fleet.run_many`."""
    address = parse_address(targets.logs[file])
    if address.log is not None:
        check_name(address.log, f"{file}: the name of the log")
    check_events_file(file)
    options = options._replace(name=file, source=options.source or Path(file).name)
    batches = EventsOfFile(file, partial(open_bytes, Path(file), limit), partial(_told, tell))
    yield make_or_append(address, batches, options, wait)


def _told(tell: Tell, batches: Iterator[NumberedEvents]) -> Iterator[NumberedEvents]:
    for lines in batches:
        yield lines
        tell(len(lines.events))


class EventsOfFile:
    """The events of a file, readable again from the start when another program made the store meanwhile.

    ``name`` is what errors call it; ``passed`` is given the batches as they are read, and passes them on.
    """

    def __init__(
        self, name: str, open_: OpenStream, passed: Callable[[Iterator[NumberedEvents]], Iterator[NumberedEvents]]
    ) -> None:
        self._name = name
        self._open = open_
        self._passed = passed

    def __iter__(self) -> Iterator[NumberedEvents]:
        with self._open() as stream:
            yield from self._passed(read_events(stream, self._name))


def check_events_file(file: str) -> None:
    """Raise :class:`InputError` for what cannot be an NDJSON event log to append."""
    if is_store(file):
        name = name_of(file)
        hint = f"cti-es export {name} | cti-es append … --from -"
        raise InputError("a store", where=name, expected="an NDJSON event log", hint=hint)
    if not Path(file).is_file():
        raise no_file(Path(file), A_SOURCE)
