"""Names → aliases, so that a log or a trace can be shown to others.

Specified in docs/reference/commands/export.md#aliases-instead-of-names.

An alias is made of a name by a hash with a secret key. The same key gives the same aliases, in logs and in traces;
without the key nobody can tell which name an alias stands for, nor try names until one fits.
"""

import hmac
import os
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import shake_256
from pathlib import Path
from secrets import token_bytes

import msgspec

from cti_es.logs.reading import Batch, Log, Wait
from cti_es.model.recovery import DEFAULT_APP
from cti_es.model.rules import RULES
from cti_es.model.tsp import STATES
from cti_es.traces.forms.common import WITHOUT_HANDLE
from cti_es.traces.sides import Trace
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Event, encode
from cti_es.vocabulary.tapi import TraceMessage

LETTERS = "bcdfghjkmnpqrstvwxz23456789"
"""What aliases are made of: no vowels, so that no words come of it, and nothing that looks like something else."""

LENGTHS = (16, 32, 64, 128)
"""An alias is as long as the first of these that its name fits into."""

KINDS = {
    "node": "node", "group": "node", "nodes": "node", "cti_managers": "node",
    "device": "dev", "line": "line", "lines": "line", "added": "line", "removed": "line",
    "app": "app", "call": "call", "id": "id", "handle": "handle", "states": "state",
}  # fmt: skip
"""Field of an event or a message → what its names are names of. It stands before each alias."""

SAID = {
    "app": {DEFAULT_APP},
    "states": set().union(*STATES.values()),
}
"""Words of ours and of TAPI, which are nobody's names."""

KEY_BYTES = 32

_NUMBER = re.compile("(0?x)?[0-9a-f]{1,16}", re.IGNORECASE)
_KEY = re.compile(rb"cti-es aliases 1 ([0-9a-f]{64})\s*")


class Aliases:
    """The aliases that a secret key gives; see :func:`new_key`."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._alias = lru_cache(maxsize=100_000)(self._made)

    def of(self, field: str, name: str) -> str:
        """The alias of a name that stands in this field of an event or a message."""
        return name if name in SAID.get(field, ()) else self._alias(KINDS[field], name)

    def event(self, event: Event) -> Event:
        """The event with aliases for all its names, its id included. Times and all else stay."""
        given = ((field, getattr(event, field)) for field in (*event.names, "id"))
        changed = {
            field: tuple(self.of(field, one) for one in names) if isinstance(names, tuple) else self.of(field, names)
            for field, names in given
            if names is not None
        }
        return msgspec.structs.replace(event, **changed)

    def message(self, message: TraceMessage) -> TraceMessage:
        """The message with aliases for its names, and for its handle unless that is a number."""
        names = {field: getattr(message, field) for field in ("app", "device", "line", "handle")}
        if _NUMBER.fullmatch(names["handle"] or "") and list(names.values()).count(names["handle"]) == 1:
            del names["handle"]
        changed = {field: self.of(field, name) for field, name in names.items() if name is not None}
        return msgspec.structs.replace(message, **changed, rule=message.rule if message.rule in RULES else None)

    def _made(self, kind: str, name: str) -> str:
        sealed = hmac.digest(self._key, f"{kind}\0{name}".encode(), "sha256")
        length = next(length for length in LENGTHS if len(name) <= length) - len(kind) - 1
        letters = shake_256(sealed).digest(length)
        return f"{kind}-" + "".join(LETTERS[letter % len(LETTERS)] for letter in letters)


# --- keys -----------------------------------------------------------------------------------------------------------


def new_key() -> bytes:
    """A key that nobody has: aliases made with it cannot be made again."""
    return token_bytes(KEY_BYTES)


def key_in(path: Path) -> bytes:
    """The key that a file keeps; the file is made, with a new key and for its owner alone, if it is not there.

    Raises OSError, and :class:`InputError` for a file with anything else in it.
    """
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _kept_key(path)
    key = new_key()
    with os.fdopen(number, "wb") as file:
        file.write(b"cti-es aliases 1 " + key.hex().encode() + b"\n")
    return key


def _kept_key(path: Path) -> bytes:
    if not path.is_file():
        raise InputError("no file", where=str(path), expected=_A_KEY)
    with path.open("rb") as file:
        found = _KEY.fullmatch(file.read(200))
    if found is None:
        raise InputError("no key for aliases", where=str(path), expected=_A_KEY)
    return bytes.fromhex(found[1].decode())


_A_KEY = "a file with a key that cti-es has made, or a new name"


# --- logs and traces ------------------------------------------------------------------------------------------------


class AnonymousLog:
    """A log with aliases for all names, for whatever reads logs. ``name`` says nothing of where it is kept."""

    name = "an anonymous log"

    def __init__(self, log: Log, aliases: Aliases) -> None:
        self._log = log
        self._aliases = aliases

    def batches(self, version: int = 1, wait: Wait | None = None) -> Iterator[Batch]:
        """Its events from ``version`` on."""
        for batch in self._log.batches(version, wait):
            yield Batch(batch.version, [self._aliases.event(event) for event in batch.events])

    def snapshot(self, **at_most: int | str) -> None:
        """None: the snapshots of the log have its names."""


class AnonymousTrace:
    """A trace with aliases for all names, for whatever reads traces."""

    def __init__(self, trace: Trace, aliases: Aliases) -> None:
        self._trace = trace
        self._aliases = aliases

    @property
    def format(self) -> str | None:
        """The format of the trace itself."""
        return self._trace.format

    @property
    def skipped(self) -> dict[str, int]:
        """Messages of other kinds."""
        return self._trace.skipped

    @property
    def bad(self) -> int:
        """Messages that could not be read."""
        return self._trace.bad

    def batches(self) -> Iterator[Sequence[TraceMessage]]:
        """Its messages."""
        for batch in self._trace.batches():
            yield [self._aliases.message(one) for one in batch]


class Row(msgspec.Struct, frozen=True):
    """A message of an anonymous trace, as NDJSON has it: what ``diff`` reads of a trace."""

    message: str
    param1: int | None
    param2: int | None
    app: str | None
    device: str | None
    line: str | None
    handle: str | None
    at: str | None
    version: int | None
    rule: str | None


def trace_row(one: TraceMessage) -> bytes:
    """A message as a line of an NDJSON trace. There it needs names or a handle: a line without its device is one."""
    handle = one.handle or _stands_for(one)
    row = Row(one.message, one.param1, one.param2, one.app, one.device, one.line, handle, one.at, one.version, one.rule)
    return encode(row) + b"\n"


def _stands_for(one: TraceMessage) -> str | None:
    """What stands for the handle of a message that has none and not all of its names, either."""
    if one.message in WITHOUT_HANDLE or (one.device and (one.line or not one.message.startswith("LINE_"))):
        return None
    return one.line or one.device or "unknown"
