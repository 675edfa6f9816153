"""``--handles FILE``: which handle of a trace stands for which channel (diff.md §3). CSV: handle, app, device, line."""

import csv
from pathlib import Path

from cti_es.diff.handles import Given
from cti_es.errors import InputError

COLUMNS = ("handle", "app", "device", "line")


def read_handles(path: Path) -> dict[str, Given]:
    """Handle (hexadecimal without prefix, lower case) → channel. Raises :class:`InputError` with the line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _read(csv.reader(file), str(path))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"not CSV: {error}", where=str(path), expected=",".join(COLUMNS)) from None


def _read(lines: "csv._reader", name: str) -> dict[str, Given]:  # type: ignore[name-defined]
    header = tuple(next(lines, ()))
    if header != COLUMNS:
        raise InputError(f"the columns {', '.join(header) or '(none)'}", where=f"{name}:1", expected=",".join(COLUMNS))
    found: dict[str, Given] = {}
    for cells in lines:
        where = f"{name}:{lines.line_num}"
        if not cells:
            continue
        if len(cells) != len(COLUMNS) or not cells[0] or not cells[2]:
            raise InputError(
                f"{len(cells)} cells", where=where, expected="handle,app,device,line (app and line may be empty)"
            )
        handle = cells[0].lower().removeprefix("0x").removeprefix("x")
        if handle in found:
            raise InputError(
                f"the handle '{cells[0]}' stands twice", where=where, expected="one channel for one handle"
            )
        found[handle] = Given(cells[1] or None, cells[2], cells[3] or None)
    return found
