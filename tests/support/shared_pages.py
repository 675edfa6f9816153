"""Forge SQLite files whose pages are used again and again: rows without end in a few kilobytes."""

import sqlite3
import struct
from contextlib import closing
from pathlib import Path

TABLE, INDEX = 5, 2
"""How a page of branches begins."""

WIDTH = 100
"""So many branches of a page lead to one page below."""


def share_pages(path: Path, name: str, depth: int = 3) -> None:
    """Put so many levels of branches over the tree of a table or an index, all of them to the one page below.

    The tree then has up to ``WIDTH ** depth`` times as many rows. ``sqlite_master`` is the schema itself.
    """
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        found = plain.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    root = found[0] - 1 if found else 0
    data = path.read_bytes()
    (size,) = struct.unpack_from(">H", data, 16)
    pages = [data[start : start + size] for start in range(0, len(data), size)]
    head, top = (data[:100], data[100:112] + data[112:size]) if root == 0 else (b"", pages[root])
    entry = _first_entry(pages, top) if top[0] in (INDEX, 10) else None
    pages.append(_moved(top, size))
    for level in range(depth):
        page = _branches(len(pages), entry, size, head if level == depth - 1 else b"")
        if level == depth - 1:
            pages[root] = page
        else:
            pages.append(page)
    forged = bytearray(b"".join(pages))
    struct.pack_into(">I", forged, 28, len(pages))
    path.write_bytes(forged)


def _moved(page: bytes, size: int) -> bytes:
    """The first page of a file begins with the head of the file: the page that it becomes has none."""
    if len(page) == size:
        return page
    start = 8 if page[0] == 13 else 12
    (cells,) = struct.unpack_from(">H", page, 3)
    pointers = page[: start + 2 * cells]
    return pointers + bytes(size - len(page)) + page[len(pointers) :]


def _first_entry(pages: list[bytes], page: bytes) -> bytes:
    """What the first entry of an index says, to be said by the branches, too."""
    while page[0] == INDEX:
        (at,) = struct.unpack_from(">H", page, 12)
        page = pages[struct.unpack_from(">I", page, at)[0] - 1]
    (at,) = struct.unpack_from(">H", page, 8)
    length, start = _varint(page, at)
    most, least = (len(page) - 12) * 64 // 255 - 23, (len(page) - 12) * 32 // 255 - 23
    if length <= most:
        return page[at : start + length]
    kept = least + (length - least) % (len(page) - 4)  # the rest is on pages of its own; their number is behind it
    return page[at : start + (kept if kept <= most else least) + 4]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number as SQLite writes it, and where it ends."""
    number = 0
    while True:
        number, at = number << 7 | data[at] & 127, at + 1
        if data[at - 1] < 128:
            return number, at


def _branches(below: int, entry: bytes | None, size: int, head: bytes) -> bytes:
    """A page whose branches lead to the page ``below``."""
    width = WIDTH if entry is None else min(WIDTH, (size - 200) // (len(entry) + 6))
    cells = [struct.pack(">I", below) + (bytes([number]) if entry is None else entry) for number in range(1, width)]
    ends = [size - sum(map(len, cells[: number + 1])) for number in range(len(cells))]
    begin = struct.pack(">BHHHBI", TABLE if entry is None else INDEX, 0, len(cells), ends[-1], 0, below)
    begin = head + begin + struct.pack(f">{len(ends)}H", *ends)
    return begin + bytes(ends[-1] - len(begin)) + b"".join(reversed(cells))
