"""Feed cti-es damaged stores, damaged logs and odd VALUEs: every run ends with 0, 1 or 2 and a sentence.

No traceback, no "this is a fault of cti-es", no control character that reaches a terminal, and no run that writes to
what it only reads. A damaged log that is accepted is exported canonically: reading the export gives the same export.

    python tests/campaigns/fuzz.py --rounds 3000 --seed 1
"""

import json
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent))

from campaigns.running import HEADER, Ran, Report, make_store, run, script, trouble

from cti_es.vocabulary.events import EVENT_TYPES, fields_of

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
STEERING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
NASTY = ("\x1b[31m", "\x1b]0;x\x07", "\x9b2J", "\u202e", "\u2066", "\x01", "\x7f", "\r", "\n", "\u200b", "\u2028", "\ufeff",
         "\U000e0041", "\udcff")  # fmt: skip

# --- stores ---------------------------------------------------------------------------------------------------------

PAGE = 8192
Damage = Callable[[bytearray, random.Random], bytes]


def _truncated(data: bytearray, chance: random.Random) -> bytes:
    return bytes(data[: chance.randrange(len(data))])


def _noise(data: bytearray, chance: random.Random) -> bytes:
    for _ in range(chance.randrange(1, 200)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def _run_of_noise(data: bytearray, chance: random.Random) -> bytes:
    start, size = chance.randrange(len(HEADER), len(data)), chance.randrange(1, 3 * PAGE)
    data[start : start + size] = chance.randbytes(len(data[start : start + size]))
    return bytes(data)


def _nothing_but_the_header(data: bytearray, chance: random.Random) -> bytes:
    return HEADER + chance.randbytes(chance.choice((0, 1, 84, 100, 5_000)))


def _header_field(data: bytearray, chance: random.Random) -> bytes:
    start, size = chance.choice(((16, 2), (18, 1), (19, 1), (20, 1), (24, 4), (28, 4), (44, 4), (52, 4), (56, 4)))
    data[start : start + size] = chance.choice((bytes(size), b"\xff" * size, chance.randbytes(size)))
    return bytes(data)


def _application_id(data: bytearray, chance: random.Random) -> bytes:
    data[68:72] = chance.choice((bytes(4), b"GPKG", chance.randbytes(4)))
    return bytes(data)


def _user_version(data: bytearray, chance: random.Random) -> bytes:
    data[60:64] = chance.choice((2, 0, 2**31 - 1, 2**31, 2**32 - 1, 99)).to_bytes(4, "big")
    return bytes(data)


def _pages_swapped(data: bytearray, chance: random.Random) -> bytes:
    pages = [bytes(data[start : start + PAGE]) for start in range(0, len(data), PAGE)]
    for _ in range(chance.randrange(1, 4)):
        one, other = chance.randrange(len(pages)), chance.randrange(1, len(pages))
        pages[one], pages[other] = chance.choice(((pages[other], pages[one]), (pages[other], pages[other])))
    return b"".join(pages)


def _pages_gone(data: bytearray, chance: random.Random) -> bytes:
    start = PAGE * chance.randrange(len(data) // PAGE)
    data[start : start + PAGE] = b"" if chance.random() < 0.5 else bytes(PAGE)
    return bytes(data)


DAMAGES: tuple[Damage, ...] = (
    _truncated, _noise, _run_of_noise, _nothing_but_the_header, _header_field, _application_id, _user_version,
    _pages_swapped, _pages_gone,
)  # fmt: skip

READING = (
    ("verify", "{}"), ("logs", "{}"), ("logs", "{}", "--ndjson"), ("log", "{}#main"), ("export", "{}#lab"),
    ("replay", "{}#main", "--format", "csv"), ("replay", "{}#main", "--from-version", "60"), ("homes", "{}#main"),
    ("homes", "{}#main", "--as-of", "2026-01-01T00:05:00Z"), ("providers", "{}#lab"), ("explain", "{}#main", "1"),
    ("explain", "{}#main", "--device", "CTIP0001", "--as-of", "50"), ("replay", "{}#main", "--digest"), ("homes", "{}"),
)  # fmt: skip


def stores(folder: Path, rounds: int, chance: random.Random, report: Report) -> None:
    """Damaged stores, read by every command, then appended to."""
    whole = make_store(folder / "whole.db").read_bytes()
    path = folder / "store.db"
    for number in range(rounds):
        damage = DAMAGES[number % len(DAMAGES)]
        data = damage(bytearray(whole), chance)
        path.write_bytes(data)
        name, *rest = chance.choice(READING)
        runs = [run("verify", str(path)), run(name, *(one.format(path) for one in rest))]
        changed = path.read_bytes() != data
        runs.append(run("append", f"{path}#main", "node_added", "node=new", f"id=id{5 * chance.randrange(30)}"))
        runs.append(run("verify", str(path)))
        wrong = _wrong(runs) or ("a reader has written to the store" if changed else None)
        report.count(
            f"stores: {damage.__name__[1:].replace('_', ' ')}", wrong and f"store {number} ({damage.__name__}): {wrong}"
        )
        for left in folder.glob("store.db-*"):
            left.unlink()


# --- logs -----------------------------------------------------------------------------------------------------------

CHUNKS = (
    b"\n", b"\r\n", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"-1", b"1e999", b"0x1F", b"\x00",
    b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1b[31m", b"\xc2\x9b", b'"\\ud800"', b'"\\u0000"', b"\xed\xa0\x80",
    b"99999999999999999999", b"[" * 2_000, b'{"a":' * 500, b'"at":', b'"type":', b'"id":"x",', b"9999-12-31T23:59:59Z",
    b" " * 300, b"a" * 129, b"\xe2\x80\xae", b"SQLite format 3\x00",
)  # fmt: skip


def mutated(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """A log with lines that have changed places, or with bytes overwritten, cut out, doubled, and odd pieces put in."""
    if chance.random() < 0.4:
        lines = data.splitlines(keepends=True)
        for _ in range(chance.randrange(1, 4)):
            lines.insert(chance.randrange(len(lines)), lines.pop(chance.randrange(len(lines))))
            lines += [chance.choice(chance.choice(others).splitlines(keepends=True))] * (chance.random() < 0.5)
        return b"".join(lines)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 1, 1, 2, 8, 60, 400)))
        piece = chance.choice((
            b"", bytes([chance.randrange(256)]), chance.choice(CHUNKS), data[start:end] * 2, chance.randbytes(4),
            chance.choice(chance.choice(others).splitlines() or [b""]), bytes([chance.choice(b"abcm0123456789")]),
        ))  # fmt: skip
        data = data[:start] + piece + data[end:]
    return data


FILES = (
    ("log", "{}", "--ndjson"), ("log", "{}"), ("replay", "{}", "--ndjson"), ("replay", "{}", "--misfits"),
    ("homes", "{}"), ("explain", "{}", "3"), ("providers", "{}", "--format", "csv"), ("lint", "{}"),
    ("diff", "{}", "{}"), ("replay", "{}", "--as-of", "2026-03-02T09:44:03Z"), ("verify", "{}"), ("logs", "{}"),
)  # fmt: skip


def logs(folder: Path, rounds: int, chance: random.Random, report: Report) -> None:
    """Damaged NDJSON, read by a command, exported and appended; what is accepted comes back byte for byte."""
    real = [path.read_bytes() for path in sorted(FIXTURES.glob("*/log.ndjson"))]
    path, store = folder / "log.ndjson", folder / "new.db"
    for number in range(rounds):
        path.write_bytes(mutated(chance.choice(real), chance, real))
        name, *rest = chance.choice(FILES)
        runs = [run(name, *(one.format(path) for one in rest)), run("export", str(path))]
        runs.append(run("append", str(store), "--from", str(path), "--allow-misfits"))
        wrong = _wrong(runs)
        if not wrong and runs[1].code == 0:
            wrong = _does_not_come_back(runs[1].out, runs[2], store)
        what = ("accepted", "", "refused")[runs[2].code]
        report.count(f"logs: {what}", wrong and f"log {number}: {wrong}")
        store.unlink(missing_ok=True)


def _does_not_come_back(export: bytes, appended: Ran, store: Path) -> str | None:
    if run("export", "-", stdin=export).out != export:
        return "the export of the export is another one"
    if appended.code == 0 and export:
        lines = [json.loads(line) for line in export.splitlines()]
        if len({line.get("id", n) for n, line in enumerate(lines)}) < len(lines) or not all(
            "at" in one for one in lines
        ):
            return None  # duplicates are left out, and missing times filled in
        if run("export", str(store)).out != export or run("verify", str(store)).code:
            return "what was stored is not what was sent"
    return None


# --- values ---------------------------------------------------------------------------------------------------------

VALUES = (
    "", "cm1", "P0", "5001,5002", "[", "[]", '["5001"]', '["a","a"]', "[1]", "[null]", "[[[", "[" * 5_000, "0", "-1",
    "0x", "0x1F", "0x" + "F" * 16, "0x" + "F" * 17, "9" * 19, "9" * 5_000, "true", "TRUE", "yes", "null", ",", ",,,",
    "a" * 128, "a" * 129, "ä", "e\u0301", "2026-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "9999-12-31T23:59:60Z", "now",
    "'; DROP TABLE batches; --", "\" OR 1=1", "%s%n", "{}", "{0.__class__}", "../../etc/passwd", "x=y", "=", "１２", "٣",
)  # fmt: skip


def values(folder: Path, rounds: int, chance: random.Random, report: Report) -> None:
    """Odd VALUEs, fields and types of append, and odd names of logs."""
    store = folder / "values.db"
    run("append", str(store), "node_added", "node=cm1")
    for number in range(rounds):
        event = chance.choice([*EVENT_TYPES, "node_added", "nod_added"])
        fields = [*(fields_of(event) if event in EVENT_TYPES else ()), "at", "id"]
        odd = chance.choice((0, 0.1, 0.5))
        given = [f"{field}={_plausible(field, chance, odd)}" for field in fields if field not in ("at", "id")]
        given += [f"{field}={_value(chance)}" for field in ("at", "id") if chance.random() < odd]
        given += [_value(chance)] * (chance.random() < odd / 5)
        log = chance.choice(("", "#lab", "#" + _value(chance)))
        rest = chance.choice(([], ["--allow-misfits"], ["--dry-run"], ["--source", _value(chance)]))
        ran = run("append", str(store) + log, event, *rest, "--", *given)
        wrong = _wrong([ran, run("verify", str(store))])
        report.count(f"values: {('accepted', '', 'refused')[ran.code]}", wrong and f"value {number}: {wrong}")
    ran = run("verify", str(store))
    report.count("values: the store afterwards", None if ran.code == 0 else f"verify: {ran.out!r}")


PLAUSIBLE = {
    "node": ("cm1", "cm2", "cm3"), "nodes": ("cm1", "cm1,cm2"), "cti_managers": ("cm1", "cm2,cm1"),
    "kind": ("cti_port", "phone", "route_point"), "lines": ("5001", "5002,5001", ""), "line": ("5001", "5002"),
}  # fmt: skip


def _plausible(field: str, chance: random.Random, odd: float) -> str:
    if chance.random() < odd:
        return _value(chance)
    return chance.choice((*PLAUSIBLE.get(field, ("P0", "P1", "true", "0", "0x00030000")), *NAMES))


NAMES = ("ä", "a b", "'; DROP TABLE batches; --", "%s", "../x", "#")
"""Names that are odd and good."""


def _value(chance: random.Random) -> str:
    text = chance.choice((*VALUES, *NASTY))
    return text + chance.choice((*VALUES, *NASTY)) if chance.random() < 0.2 else text


# --- all of it ------------------------------------------------------------------------------------------------------


def _wrong(runs: list[Ran]) -> str | None:
    """What is wrong with the first of these that did something that no run may do."""
    for ran in runs:
        text = trouble(ran)
        if not text and (found := STEERING.search(ran.err)):
            text = f"{ran.arguments!a} shows {found[0]!a} on standard error"
        if not text and not {"--ndjson", "csv", "export"} & {*ran.arguments}:
            found = STEERING.search(ran.out.decode())
            text = f"{ran.arguments!a} shows {found[0]!a}" if found else None
        if text:
            return text
    return None


def campaign(folder: Path, rounds: int, seed: int) -> Report:
    """So many stores, logs and values."""
    report = Report()
    for number, work in enumerate((stores, logs, values)):
        place = folder / work.__name__
        place.mkdir()
        work(place, rounds, random.Random(seed + number), report)
    return report


if __name__ == "__main__":
    with TemporaryDirectory() as here:
        script(__doc__, 3_000, lambda rounds, seed: campaign(Path(here), rounds, seed))
