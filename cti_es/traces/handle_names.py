"""A file that names the handles of a trace: which application, device and line each stands for. CSV.

Specified in docs/reference/comparison.md#the-file-of-handles.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from cti_es.logs.bytes_in import UNPACK_LIMIT, UnpackLimit, no_file, open_bytes
from cti_es.traces.diff.handles import Given, bare
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.text_lines import ByteStream, FileWords, chunks, numbered

COLUMNS = ("handle", "app", "device", "line")

_HEADER = ",".join(COLUMNS)
_WORDS = FileWords(f"CSV with the columns {_HEADER}", "a handle a line", "is this a file of handles?")


def read_handles(path: str | Path, limit: UnpackLimit = UNPACK_LIMIT) -> dict[str, Given]:
    """Handle (hexadecimal without prefix, lower case) → channel.

    ``limit`` is how much may come out of gzip. Raises OSError, and :class:`InputError` with the line.
    """
    if not Path(path).is_file() and not Path(path).is_fifo():
        raise no_file(Path(path), f"CSV with the columns {_HEADER}")
    found: dict[str, Given] = {}
    with open_bytes(Path(path), limit) as file:
        rows = _rows(file, str(path))
        where, header = next(rows, (f"{path}:1", []))
        if tuple(header) != COLUMNS:
            raise InputError(f"the columns {', '.join(header) or '(none)'}", where=where, expected=_HEADER)
        for where, cells in rows:
            handle, channel = _handle(cells, where)
            if handle in found:
                raise InputError(
                    f"the handle '{cells[0]}' stands twice", where=where, expected="one channel for one handle"
                )
            found[handle] = channel
    return found


def _rows(file: ByteStream, name: str) -> Iterator[tuple[str, list[str]]]:
    """Where each row is, and its cells; blank lines left out."""
    for first, lines in numbered(chunks(file, name, _WORDS)):
        for number, line in enumerate(lines, first):
            where = f"{name}:{number}"
            try:
                cells = next(csv.reader([line.decode().strip()], strict=True), [])
            except (UnicodeDecodeError, csv.Error) as error:
                raise InputError(f"not CSV: {error}", where=where, expected=_HEADER) from None
            if cells:
                yield where, [cell.strip() for cell in cells]


def _handle(cells: list[str], where: str) -> tuple[str, Given]:
    expected = f"{_HEADER} (app and line may be empty)"
    if len(cells) != len(COLUMNS):
        raise InputError(f"{len(cells)} cells", where=where, expected=expected)
    handle, app, device, line = cells
    if not handle or not device:
        raise InputError(f"no {'device' if handle else 'handle'}", where=where, expected=expected)
    return bare(handle), Given(app or None, device, line or None)
