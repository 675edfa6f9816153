"""Scenarios: a folder with a log and what is expected of it (docs/reference/testing.md#scenarios).

``log.ndjson`` is the log, ``messages.ndjson`` and ``homes.ndjson`` are what ``replay`` and ``homes`` print of it,
``misfits.ndjson`` the version and code of each event that is meant not to fit.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from cti_es.api import Home, Log, Misfit, read_trace
from cti_es.api import open as open_log
from cti_es.report.diff_text import text_report
from cti_es.testing.told import first_difference
from cti_es.traces.diff.compare import DiffOptions, compare
from cti_es.traces.sides import MessageSide, received
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import TraceMessage

SHOWN = 20


def check(log: Path, what: str) -> None:
    """Raise AssertionError, with a report, unless a file of a scenario is what its log gives.

    ``what`` is ``messages`` or ``homes``. Raises :class:`InputError` if there is no such file, or if an event of the
    log does not fit without being meant not to.
    """
    path = log.with_name(f"{what}.ndjson")
    if not path.exists():
        raise InputError("no such file", where=str(path), hint="pytest --cti-update makes it, to be read and kept")
    if changed := _DIFFERS[what](_opened(log), path):
        raise AssertionError(changed)


def update(log: Path, what: str) -> str:
    """Rewrite a file of a scenario as its log gives it. Returns what changed, in words; empty if nothing did.

    Nothing is written, and :class:`InputError` raised, if an event of the log does not fit without being meant not to.
    """
    path = log.with_name(f"{what}.ndjson")
    found = _opened(log)
    new = b"".join(msgspec.json.encode(row) + b"\n" for row in _ROWS[what](found))
    old = path.read_bytes() if path.exists() else None
    if new == old:
        return ""
    try:
        changed = _DIFFERS[what](found, path) if old is not None else f"{path.name} is new"
    except InputError as error:  # what cannot be read is replaced, and said
        changed = f"{error}"
    _replace(path, new)
    return changed or f"{path.name}: nothing that is compared"


def _replace(path: Path, data: bytes) -> None:
    """Make a file that is whole or as it was. Raises OSError that names the file."""
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}.new")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        draft.unlink(missing_ok=True)


def _opened(path: Path) -> Log:
    """The log. Raises :class:`InputError` unless its misfits are those that misfits.ndjson names."""
    log = open_log(path, allow_misfits=True)
    listed = path.with_name("misfits.ndjson")
    meant = [(one.get("version"), one.get("code")) for one in _objects(listed)] if listed.exists() else []
    found = log.misfits()
    for one in found:
        if (one.version, one.code) not in meant:
            raise _unmeant(path, listed, one)
    for version, code in meant:
        if (version, code) not in [(one.version, one.code) for one in found]:
            hint = f"take the line out of {listed.name}, or mend the log"
            raise InputError(f"no misfit {code} at version {version} of {path.name}", where=str(listed), hint=hint)
    return log


def _unmeant(path: Path, listed: Path, one: Misfit) -> InputError:
    line = msgspec.json.encode({"version": one.version, "code": one.code}).decode()
    hint = f"mend the log; or, if it is meant not to fit, write the line {line} into {listed.name}"
    return InputError(f"misfit {one.version} {one.code} {one.text}", where=str(path), hint=hint)


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if line.strip():
            yield _decoded(line, f"{path}:{number}", dict[str, Any])


def _decoded(line: bytes, where: str, type_: Any) -> Any:
    try:
        return msgspec.json.decode(line, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(str(error), where=where, expected="a line as cti-es prints it") from None


# --- messages -------------------------------------------------------------------------------------------------------


def _messages_differ(log: Log, path: Path) -> str:
    """What the log gives otherwise than the file expects, as a report; empty if nothing."""
    expected = MessageSide(path.name, "ndjson", _expected(path))
    actual = MessageSide(log.name, "replayed", [received(one) for one in log.messages()])
    options = DiffOptions(strict=True)
    found = compare(expected.batches(), actual.batches(), options)
    if found.conforms:
        return ""
    report = text_report((expected, actual), options, found, SHOWN)
    return f"{first_difference(found.differences)}\n\n{report}"


def _expected(path: Path) -> list[TraceMessage]:
    """The messages of a file; none if there is nothing in it."""
    return list(read_trace(path)) if path.read_bytes().strip() else []


# --- homes ----------------------------------------------------------------------------------------------------------


def _homes_differ(log: Log, path: Path) -> str:
    """Which devices are elsewhere than the file expects, a line each; empty if none."""
    lines = enumerate(path.read_bytes().splitlines(), 1)
    expected = {one.device: one for number, line in lines for one in [_decoded(line, f"{path}:{number}", Home)]}
    homes = log.homes()
    return "\n".join(
        text for device in expected | homes for text in _elsewhere(device, expected.get(device), homes.get(device))
    )


def _elsewhere(device: str, expected: Home | None, found: Home | None) -> Iterator[str]:
    if expected is None or found is None:
        yield f"{device}: {'not expected' if found else 'expected'}, and {'there' if found else 'not there'}"
        return
    for field, value in msgspec.structs.asdict(expected).items():
        if value != (is_ := getattr(found, field)):
            yield f"{device}: {field} is {_word(is_)}, expected {_word(value)}"


def _word(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


_DIFFERS: dict[str, Callable[[Log, Path], str]] = {"messages": _messages_differ, "homes": _homes_differ}
_ROWS: dict[str, Callable[[Log], Any]] = {"messages": Log.messages, "homes": lambda log: log.homes().values()}
