"""The schema of a SQLite store, version by version (docs/reference/store.md), and how a store is compared with it."""

import re
from collections.abc import Iterator
from sqlite3 import Connection

from cti_es.logs.store.base import Difference, Fault

SCHEMA_VERSION = 1
"""``PRAGMA user_version`` of a store that this release writes. A newer one is refused."""

APPLICATION_ID = 0x43544945
"""``PRAGMA application_id``: the letters CTIE."""

_APPEND_ONLY = "cti-es: the log is append-only"


# An event that can be looked into. An escaped half of a surrogate pair would be text that nobody can read.
_READABLE = r"event.type = 'object' AND instr(replace(event.value, '\\', ''), '\ud') = 0"


def _text(field: str) -> str:
    """A column of the view: a field of an event as text."""
    return f"iif({_READABLE}, json_extract(event.value, '$.{field}'), NULL) AS {field}"


# json_array_length() is 0 for what is no array and an error for what is no JSON; the view does not stumble over
# elements that are no objects. No row that gets past this can break the view for the logs beside it, but for bytes
# that are no UTF-8: SQL cannot keep those out; verify finds them.
OBJECTS: dict[tuple[str, str], str] = {
    ("table", "batches"): """\
CREATE TABLE batches (
  position INTEGER PRIMARY KEY CHECK (position > 0),
  log TEXT NOT NULL CHECK (log <> ''),
  version INTEGER NOT NULL CHECK (version > 0),
  count INTEGER NOT NULL CHECK (count > 0),
  events TEXT NOT NULL CHECK (json_array_length(events) = count),
  recorded_at TEXT NOT NULL,
  source TEXT NOT NULL,
  hash TEXT NOT NULL CHECK (length(hash) = 64 AND hash NOT GLOB '*[^0-9a-f]*')
) STRICT""",
    ("index", "batches_by_version"): "CREATE UNIQUE INDEX batches_by_version ON batches (log, version)",
    ("table", "ids"): """\
CREATE TABLE ids (
  log TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  PRIMARY KEY (log, id)
) STRICT, WITHOUT ROWID""",
    ("table", "snapshots"): """\
CREATE TABLE snapshots (
  log TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  hash TEXT NOT NULL,
  fold INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  latest TEXT NOT NULL,
  backwards INTEGER NOT NULL,
  state BLOB NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (log, fold, version)
) STRICT""",
    ("view", "events"): f"""\
CREATE VIEW events AS
SELECT batches.log AS log,
       batches.version + event.key AS version,
       {_text("type")},
       {_text("at")},
       {_text("id")},
       event.value AS data
FROM batches, json_each(batches.events) AS event""",
    ("trigger", "batches_no_update"): f"""\
CREATE TRIGGER batches_no_update BEFORE UPDATE ON batches
BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END""",
    ("trigger", "batches_no_delete"): f"""\
CREATE TRIGGER batches_no_delete BEFORE DELETE ON batches
BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END""",
    ("trigger", "batches_continue"): """\
CREATE TRIGGER batches_continue BEFORE INSERT ON batches
WHEN NEW.position IS NOT (SELECT COALESCE(MAX(position), 0) + 1 FROM batches)
  OR NEW.version IS NOT COALESCE(
    (SELECT version + count FROM batches WHERE log = NEW.log ORDER BY version DESC LIMIT 1), 1)
BEGIN SELECT RAISE(ABORT, 'cti-es: a row must continue the store and its log'); END""",
    ("trigger", "ids_no_update"): f"""\
CREATE TRIGGER ids_no_update BEFORE UPDATE ON ids
BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END""",
    ("trigger", "ids_no_delete"): f"""\
CREATE TRIGGER ids_no_delete BEFORE DELETE ON ids
BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END""",
    ("trigger", "ids_no_replace"): f"""\
CREATE TRIGGER ids_no_replace BEFORE INSERT ON ids
WHEN EXISTS (SELECT 1 FROM ids WHERE log = NEW.log AND id = NEW.id)
BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END""",
}
"""(kind, name) → the SQL that made it, in the order in which it is made."""

OPTIONAL: dict[tuple[str, str], str] = {
    ("table", "ingests"): """\
CREATE TABLE ingests (
  log TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  hash TEXT NOT NULL,
  state BLOB NOT NULL,
  digest TEXT NOT NULL
) STRICT""",
}
"""What only some stores have: the first ingest makes it. Releases that know nothing of it leave it alone."""

TABLES = tuple(name for kind, name in OBJECTS if kind == "table")
_READ = ("table", "index")
_OUR_NAMES = re.compile(r"\b(batches|ids|snapshots|events|ingests)\b", re.IGNORECASE)
_HIDING = ("json_each", "json_tree")
_PREFIXES = {
    "table": ("CREATE TABLE ", "CREATE VIRTUAL TABLE "),
    "index": ("CREATE INDEX ", "CREATE UNIQUE INDEX "),
    "view": ("CREATE VIEW ",),
    "trigger": ("CREATE TRIGGER ",),
}
"""How SQLite itself begins the text that it keeps of each kind of object."""


_IN_PAGES = "*** in database main ***\n"
"""How SQLite begins what it says of pages, before it looks at their rows: those may then come without end."""


def create(connection: Connection) -> None:
    """Make the schema, inside the transaction that the caller has begun; unless another writer was faster."""
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        return
    for sql in OBJECTS.values():
        connection.execute(sql)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def has_ingests(connection: Connection) -> bool:
    """Whether an ingest has been at this store."""
    return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'ingests'").fetchone())


def make_ingests(connection: Connection) -> None:
    """Make the table of the ingests, inside the transaction of the caller, if it is not there."""
    if not has_ingests(connection):
        connection.execute(OPTIONAL["table", "ingests"])


def differences(connection: Connection) -> list[Difference]:
    """What differs from the schema: objects that are missing or altered, and strange ones that touch ours.

    Only the texts are read; nothing that they say is done. Tables, views and triggers of others that do not touch ours
    are their business.
    """
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    found = {(str(kind), str(name).lower()): str(sql) for kind, name, sql in rows}
    return [*_not_ours(found), *_strange(found)]


def _not_ours(found: dict[tuple[str, str], str]) -> Iterator[Difference]:
    for (kind, name), sql in OBJECTS.items():
        if (kind, name) not in found:
            yield Difference(f"the {kind} '{name}' is missing", kind in _READ)
        elif found[kind, name] != sql:
            yield Difference(f"the {kind} '{name}' is not as cti-es made it", kind in _READ)
    for (kind, name), sql in OPTIONAL.items():
        if found.get((kind, name), sql) != sql:
            yield Difference(f"the {kind} '{name}' is not as cti-es made it", False)


def _strange(found: dict[tuple[str, str], str]) -> Iterator[Difference]:
    for (kind, name), sql in sorted(found.items()):
        if (kind, name) in OBJECTS or (kind, name) in OPTIONAL:
            continue
        if not sql.startswith(_PREFIXES.get(kind, ())):
            yield Difference(f"the {kind} '{name}' is no {kind}", True)
        elif name in _HIDING:
            yield Difference(f"the {kind} '{name}' hides the function of that name from the view 'events'", False)
        elif kind in ("trigger", "index") and (ours := _OUR_NAMES.search(sql)):
            yield Difference(f"the {kind} '{name}' on '{ours[0].lower()}' is not from cti-es", kind in _READ)


def faults(connection: Connection) -> Iterator[Fault]:
    """What is wrong with the schema, then with the tables as SQLite sees them, if they are ours."""
    found = differences(connection)
    for one in found:
        yield Fault(None, None, one.text)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        yield Fault(None, None, f"user_version is {version}, not {SCHEMA_VERSION}")
    if not any(one.is_read for one in found):
        yield from _faults_of_tables(connection)


def _faults_of_tables(connection: Connection) -> Iterator[Fault]:
    is_sound = True
    tables = [*TABLES, "ingests"] if has_ingests(connection) else TABLES
    for table in tables:
        for (line,) in connection.execute(f"PRAGMA integrity_check('{table}')"):
            if line != "ok":
                yield from (Fault(None, None, f"SQLite: {one}") for one in line.removeprefix(_IN_PAGES).split("\n"))
            if line.startswith(_IN_PAGES):
                is_sound = False
                break
    if is_sound:
        yield from _lost_rows(connection, [table for table in tables if table != "batches"])


def _lost_rows(connection: Connection, tables: list[str]) -> Iterator[Fault]:
    for table in tables:
        lost = connection.execute(f"SELECT DISTINCT log FROM {table} WHERE log NOT IN (SELECT log FROM batches)")
        for (log,) in lost:
            yield Fault(log, None, f"the table '{table}' knows a log that is not there")
    rows, last = connection.execute("SELECT COUNT(*), COALESCE(MAX(position), 0) FROM batches").fetchone()
    if rows != last:
        yield Fault(None, None, f"the last row has position {last}, but there are {rows} rows")
