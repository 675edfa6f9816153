"""Hostile characters in every place where a name can stand: refused or escaped, never raw, never a traceback.

The places are fields of events in files, VALUEs, names of logs, sources, stores that somebody has forged, names of
files, files of handles and nodes, and any word of a trace or of what a cluster wrote. The characters are the first and
the last of each range that no name may have, joiners and selectors in wrong places, escape sequences, and bytes that
are no text.

    python tests/campaigns/hostile_bytes.py --rounds 2000 --seed 1
"""

import json
import os
import random
import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent))

from campaigns.running import Ran, Report, run, script, trouble

from cti_es.testing.worked_example import EVENTS
from cti_es.vocabulary.names import REFUSED, printable

HOSTILE = (
    *sorted({chr(end) for first, last, _ in REFUSED for end in (first, last)}),
    "\x1b[31m", "\x1b]0;title\x07", "\x9b2J", "\r", "\n", "\udcff", "\udcc3\udc28", "\u200d", "\u200c", "\ufe0f",
    "\U000e0100", "\U0001f3f4\U000e0067\U000e007f",
)  # fmt: skip
FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
REAL = [path for name in ("real", "traces") for path in sorted((FIXTURES / name).rglob("*")) if path.is_file()]
TEXT = re.compile(rb"\w+")

Place = Callable[[Path, str, random.Random], list[Ran]]


def bytes_of(text: str) -> bytes:
    """A text as a file or a command line has it: half surrogate pairs are the bytes that they stand for, if they do."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def argument(text: str) -> str:
    """A text as a command line can hold it: bytes without NUL."""
    return os.fsdecode(bytes_of(text).replace(b"\0", b""))


def field(folder: Path, text: str, chance: random.Random) -> list[Ran]:
    """A name in a field of an event in a file, raw or escaped as JSON has it."""
    events = [json.loads(line) for line in EVENTS.splitlines()]
    event = chance.choice(events)
    event["id"] = "id"
    name = chance.choice([name for name, value in event.items() if value])
    value = event[name]
    event[name] = [*value[:-1], value[-1] + text] if isinstance(value, list) else f"{value}{text}"
    lines = "".join(json.dumps(one, ensure_ascii=chance.random() < 0.5) + "\n" for one in events)
    (folder / "log.ndjson").write_bytes(bytes_of(lines))
    log = str(folder / "log.ndjson")
    return [run(name, log) for name in ("log", "replay", "homes", "export")] + [
        run("append", str(folder / "new.db"), "--from", log, "--allow-misfits")
    ]


def value(folder: Path, text: str, chance: random.Random) -> list[Ran]:
    """A VALUE, the name of a log, a source, what an option is given."""
    store, text = str(folder / "site.db"), argument(text)
    add = ("node_added", f"node=x{chance.random()}")
    return [
        run("append", store, "node_added", f"node=x{text}"),
        run("append", store, "node_added", f"x{text}=x"),
        run("append", store, "device_added", "device=P", "kind=phone", f'lines=["1{text}"]'),
        run("append", f"{store}#x{text}", *add),
        run("append", store, *add, "--source", f"x{text}"),
        run("append", store, *add, f"id=x{text}"),
        run("log", store, "--device", f"x{text}"),
        run("log", f"{store}#x{text}"),
        run("replay", store, "--app", f"x{text}"),
        run("homes", store, "--as-of", f"x{text}"),
        run("explain", store, "--device", f"x{text}", "--as-of", "5"),
        run("verify", store, "--head", f"x{text}=1:sha256:{'0' * 64}"),
        run(f"x{text}"),
    ]


def forged(folder: Path, text: str, chance: random.Random) -> list[Ran]:
    """Names, the name of the log and the source in a store that another program has written: readers show them escaped."""
    text = bytes_of(text).decode("utf-8", "ignore").replace("\0", "")
    events = EVENTS.decode().replace("CTIP", json.dumps(text, ensure_ascii=False)[1:-1] + "CTIP").splitlines()
    store = folder / "site.db"
    row = (f"lab{text}", 1, len(events), f"[{','.join(events)}]", "2026-01-01T00:00:00Z", f"by{text}", "0" * 64)
    with closing(sqlite3.connect(store, isolation_level=None)) as plain:
        plain.execute("PRAGMA ignore_check_constraints = ON")
        plain.execute("INSERT INTO batches VALUES ((SELECT max(position) + 1 FROM batches),?,?,?,?,?,?,?)", row)
    source = f"{store}#lab{text}"
    commands = ("log", "replay", "homes", "providers")
    return [*(run(name, source) for name in commands), run("explain", source, "1"), run("logs", str(store)),
            run("verify", str(store)), run("log", str(store))]  # fmt: skip


def file_name(folder: Path, text: str, chance: random.Random) -> list[Ran]:
    """The name of a file: of a log, a store, a trace, what -o is given."""
    name = str(folder / f"f{argument(text)}")
    try:
        Path(name).write_bytes(EVENTS)
    except OSError:
        return []  # this file system has no such names
    store = f"{name}.db"
    (folder / "site.db").replace(store)
    return [
        run("log", name), run("log", name, store), run("log", name, store, "--ndjson"), run("log", name, store, "--format", "csv"),
        run("diff", name, store), run("diff", store, name, "--format", "ndjson"), run("diff", name, name, "--junit", f"{name}.xml"),
        run("explain", name, "1"), run("lint", name), run("export", f"{name}.none"), run("verify", store), run("logs", store),
        run("append", store, "--from", name, "--allow-misfits"), run("verify", store), run("import", store, name),
        run("log", store, "-o", f"{name}.out"), run("diff", name, name, "--handles", name), run("import", store, name, "--nodes", name),
    ]  # fmt: skip


def table(folder: Path, text: str, chance: random.Random) -> list[Ran]:
    """The files of --handles and --nodes."""
    store, path = str(folder / "site.db"), folder / "table.csv"
    head, row = chance.choice((("handle,app,device,line", "5,app,CTIP_IVR_01,"), ("node,name", "1,cm1"), ("", "cm1,1")))
    cells = row.split(",")
    cells[chance.randrange(len(cells))] += text
    path.write_bytes(bytes_of(f"{head}\n{','.join(cells)}\n"))
    syslog = str(chance.choice(REAL))
    return [
        run("diff", store, store, "--handles", str(path)),
        run("import", store, syslog, "--nodes", str(path), "--dry-run"),
    ]


def trace(folder: Path, text: str, chance: random.Random) -> list[Ran]:
    """Any word of a trace, or of a log of a cluster."""
    store, path = str(folder / "site.db"), folder / "trace"
    data = chance.choice([run("replay", store, "--format", name).out for name in ("ndjson", "csv", "tapi-browser")]
                         + [one.read_bytes() for one in REAL])[:20_000]  # fmt: skip
    words = list(TEXT.finditer(data)) or [re.match(b"", b"")]
    at = chance.choice(words).end()
    path.write_bytes(data[:at] + bytes_of(text) + data[at:])
    return [run("lint", str(path)), run("diff", store, str(path)), run("diff", store, str(path), "--format", "ndjson"),
            run("import", store, str(path), "--allow-unknown")]  # fmt: skip


PLACES: tuple[Place, ...] = (field, value, forged, file_name, table, trace)


def campaign(folder: Path, rounds: int, seed: int) -> Report:
    """So many times a hostile text in a place; places and texts take turns, so that all pairs come."""
    report, chance = Report(), random.Random(seed)
    assert run("append", str(folder / "whole.db"), "--from", "-", stdin=EVENTS).code == 0
    whole = (folder / "whole.db").read_bytes()
    for number in range(rounds):
        place, text = PLACES[number % len(PLACES)], HOSTILE[number // len(PLACES) % len(HOSTILE)]
        with TemporaryDirectory(dir=folder) as here:
            (Path(here) / "site.db").write_bytes(whole)
            runs = place(Path(here), text, chance)
        report.counts["commands"] += len(runs)
        wrong = next(filter(None, map(_wrong, runs)), None)
        report.count(f"places: {place.__name__}", wrong and f"{place.__name__} with {text!a}: {wrong}")
    return report


def _wrong(ran: Ran) -> str | None:
    """A traceback, another exit code; something raw on standard error, or in text."""
    is_data = ran.arguments[0] == "export" or {"ndjson", "csv", "--ndjson", "--dry-run"} & {*ran.arguments}
    said = ran.err + ("" if is_data else ran.out.decode())
    raw = next((line for line in said.split("\n") if printable(line) != line), None)
    return trouble(ran) or (raw and f"{ran.arguments!a} shows {raw!a}")


if __name__ == "__main__":
    with TemporaryDirectory() as here:
        script(__doc__, 6 * len(HOSTILE) * 4, lambda rounds, seed: campaign(Path(here), rounds, seed))
