"""The schema of a PostgreSQL store (docs/reference/store.md#postgresql), and how a store is compared with it.

Everything stands in a schema of its own, ``cti_es``. What is written here is what the server itself says of each
object when it is asked, from PostgreSQL 15 on, so that it can be compared letter by letter.
"""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from cti_es.logs.store.base import Difference, Fault

SCHEMA_VERSION = 1
"""The schema version of a store that this release writes. A newer one is refused."""

MARK = "cti-es store, schema version "
"""How the comment on the schema begins: it says that the schema is ours, and its version."""

CREATING = 0x43544945
"""The advisory lock of whoever makes the schema: the letters CTIE."""

TABLES = {
    # The counter of a log: where it ends. It moves with the rows, in their transaction, and in no other way.
    "logs": """\
  log text COLLATE "C" NOT NULL,
  begun timestamp with time zone NOT NULL,
  "position" bigint NOT NULL,
  version bigint NOT NULL,
  hash text NOT NULL""",
    "batches": """\
  "position" bigint NOT NULL,
  log text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  count bigint NOT NULL,
  events text NOT NULL,
  recorded_at text NOT NULL,
  source text NOT NULL,
  hash text NOT NULL""",
    "ids": """\
  log text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  version bigint NOT NULL""",
    "snapshots": """\
  log text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  hash text NOT NULL,
  fold bigint NOT NULL,
  messages bigint NOT NULL,
  latest text COLLATE "C" NOT NULL,
  backwards bigint NOT NULL,
  state bytea NOT NULL,
  digest text NOT NULL""",
    "ingests": """\
  log text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  hash text NOT NULL,
  state bytea NOT NULL,
  digest text NOT NULL""",
}
"""Table → its columns. A table that is added here needs a new schema version and a right in the how-to page."""

CONSTRAINTS = {
    ("logs", "logs_key"): "PRIMARY KEY (log)",
    ("batches", "batches_key"): "PRIMARY KEY (log, version)",
    ("batches", "batches_log"): "CHECK ((log <> ''::text))",
    ("batches", "batches_count"): "CHECK ((count > 0))",
    ("batches", "batches_events"): "CHECK ((json_array_length((events)::json) = count))",
    ("batches", "batches_hash"): "CHECK ((hash ~ '^[0-9a-f]{64}$'::text))",
    ("ids", "ids_key"): "PRIMARY KEY (log, id)",
    ("ids", "ids_version"): "CHECK ((version > 0))",
    ("snapshots", "snapshots_key"): "PRIMARY KEY (log, fold, version)",
    ("snapshots", "snapshots_version"): "CHECK ((version > 0))",
    ("ingests", "ingests_key"): "PRIMARY KEY (log)",
}
"""(table, name) → the constraint."""

_SAFE = "SET search_path TO 'pg_catalog', 'pg_temp'"
"""What a function finds does not depend on who calls it."""

FUNCTIONS = {
    "refuse": """\
CREATE OR REPLACE FUNCTION cti_es.refuse()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION 'cti-es: the log is append-only';
END
$function$
""",
    "lock_log": f"""\
CREATE OR REPLACE FUNCTION cti_es.lock_log(name text, OUT "position" bigint, OUT version bigint, OUT hash text)
 RETURNS record
 LANGUAGE plpgsql
 {_SAFE}
AS $function$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(name, {CREATING}));
  SELECT logs."position", logs.version, logs.hash INTO lock_log."position", lock_log.version, lock_log.hash
    FROM cti_es.logs WHERE log = name;
  IF NOT FOUND THEN
    SELECT 0, 0, '' INTO "position", version, hash;
  END IF;
END
$function$
""",
    "continue_log": f"""\
CREATE OR REPLACE FUNCTION cti_es.continue_log()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 {_SAFE}
AS $function$
BEGIN
  IF TG_RELID <> 'cti_es.batches'::regclass THEN
    RAISE EXCEPTION 'cti-es: only a row moves the counter of its log';
  END IF;
  UPDATE cti_es.logs SET "position" = NEW."position", version = NEW.version + NEW.count - 1, hash = NEW.hash
    WHERE log = NEW.log AND "position" = NEW."position" - 1 AND version = NEW.version - 1;
  IF NOT FOUND AND NEW."position" = 1 AND NEW.version = 1 THEN
    INSERT INTO cti_es.logs VALUES (NEW.log, clock_timestamp(), 1, NEW.count, NEW.hash) ON CONFLICT DO NOTHING;
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'cti-es: a row must continue its log';
  END IF;
  RETURN NEW;
END
$function$
""",
    "move_counter": """\
CREATE OR REPLACE FUNCTION cti_es.move_counter()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF pg_catalog.pg_trigger_depth() = 1 THEN
    RAISE EXCEPTION 'cti-es: only a row moves the counter of its log';
  END IF;
  RETURN NULL;
END
$function$
""",
}
"""Name → the function. Who calls ``lock_log`` waits for the other writers of a log, and is told where it ends.

``continue_log`` moves counters with the rights of the owner, so nobody may hang it on a table of his own.
"""


def _refusing(table: str, *deeds: str) -> dict[tuple[str, str], str]:
    """A trigger on a table for each deed that it refuses."""
    return {
        (table, f"{table}_no_{deed.lower()}"): f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON"
        f" cti_es.{table} FOR EACH STATEMENT EXECUTE FUNCTION cti_es.refuse()"
        for deed in deeds
    }


TRIGGERS = {
    **_refusing("batches", "UPDATE", "DELETE", "TRUNCATE"),
    **_refusing("ids", "UPDATE", "DELETE", "TRUNCATE"),
    **_refusing("logs", "DELETE", "TRUNCATE"),
    ("batches", "batches_continue"): "CREATE TRIGGER batches_continue BEFORE INSERT ON cti_es.batches FOR EACH ROW"
    " EXECUTE FUNCTION cti_es.continue_log()",
    ("logs", "logs_counted"): "CREATE TRIGGER logs_counted BEFORE UPDATE ON cti_es.logs FOR EACH STATEMENT"
    " EXECUTE FUNCTION cti_es.move_counter()",
}
"""(table, name) → the trigger."""

# json keeps the text of an event as it is, jsonb would not.
_VIEW = """\
 SELECT batches.log,
    ((batches.version + event.number) - 1) AS version,
    (event.data ->> 'type'::text) AS type,
    (event.data ->> 'at'::text) AS at,
    (event.data ->> 'id'::text) AS id,
    event.data
   FROM cti_es.batches,
    LATERAL json_array_elements((batches.events)::json) WITH ORDINALITY event(data, number);"""

OBJECTS: dict[tuple[str, str], str] = {
    **{("table", name): columns for name, columns in TABLES.items()},
    **{("constraint", name): text for (_, name), text in CONSTRAINTS.items()},
    **{("function", name): text for name, text in FUNCTIONS.items()},
    **{("trigger", name): text for (_, name), text in TRIGGERS.items()},
    ("view", "events"): _VIEW,
}
"""(kind, name) → what the server says of it."""

# A table that others have put a rule, a policy or a table below is no table that could be read as it stands. PostgreSQL
# 18 counts NOT NULL among the constraints ('n'); the columns say it everywhere. An object that is switched off ends
# in an exclamation mark.
_FOUND = """\
WITH ours AS (SELECT oid, relname::text, relkind, relrowsecurity FROM pg_class
  WHERE relnamespace = to_regnamespace('cti_es') AND relname = ANY(%s))
SELECT 'table', relname, CASE WHEN relkind <> 'r' OR relrowsecurity
    OR EXISTS (SELECT FROM pg_rewrite WHERE ev_class = ours.oid)
    OR EXISTS (SELECT FROM pg_inherits WHERE inhparent = ours.oid) THEN 'no table'
  ELSE (SELECT string_agg('  ' || quote_ident(attname) || ' ' || format_type(atttypid, atttypmod)
      || CASE WHEN attcollation <> typcollation THEN ' COLLATE ' || quote_ident(collname) ELSE '' END
      || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
      || CASE WHEN atthasdef THEN ' DEFAULT' ELSE '' END, E',\\n' ORDER BY attnum)
    FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid LEFT JOIN pg_collation ON pg_collation.oid = attcollation
    WHERE attrelid = ours.oid AND attnum > 0 AND NOT attisdropped) END
FROM ours WHERE relname <> 'events'
UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(pg_constraint.oid)
  || CASE WHEN convalidated THEN '' ELSE '!' END
FROM pg_constraint JOIN ours ON ours.oid = conrelid WHERE contype <> 'n'
UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(pg_trigger.oid)
  || CASE WHEN tgenabled IN ('O', 'A') THEN '' ELSE '!' END
FROM pg_trigger JOIN ours ON ours.oid = tgrelid WHERE NOT tgisinternal
UNION ALL SELECT 'view', relname, CASE relkind WHEN 'v' THEN pg_get_viewdef(oid) ELSE 'no view' END
FROM ours WHERE relname = 'events'
UNION ALL SELECT 'function', proname, pg_get_functiondef(oid)
FROM pg_proc WHERE pronamespace = to_regnamespace('cti_es') AND prokind = 'f' AND proname = ANY(%s)"""

_LOST = (
    ("ids", "the table 'ids' knows a log that is not there"),
    ("snapshots", "the table 'snapshots' knows a log that is not there"),
    ("ingests", "the table 'ingests' knows a log that is not there"),
    ("batches", "the log has no counter"),
)


def mark(connection: Connection[Any]) -> str | None:
    """The comment on the schema ``cti_es`` (empty: there is none); None if there is no such schema."""
    row = connection.execute(
        "SELECT COALESCE(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname = 'cti_es'"
    ).fetchone()
    return str(row[0]) if row else None


def create(connection: Connection[Any]) -> None:
    """Make the schema, inside the transaction that the caller has begun; unless another writer was faster.

    Who comes second waits here until the first is done.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (CREATING,))
    if mark(connection) is not None:
        return
    connection.execute(";\n".join(_made()))


def _made() -> Iterator[str]:
    """The statements that make the schema."""
    yield "CREATE SCHEMA cti_es"
    yield from (f"CREATE TABLE cti_es.{name} (\n{columns})" for name, columns in TABLES.items())
    for (table, name), text in CONSTRAINTS.items():
        yield f"ALTER TABLE cti_es.{table} ADD CONSTRAINT {name} {text}"
    yield from (*FUNCTIONS.values(), *TRIGGERS.values())
    yield f"CREATE VIEW cti_es.events AS {_VIEW.removesuffix(';')}"
    yield "REVOKE EXECUTE ON FUNCTION cti_es.lock_log(text), cti_es.continue_log() FROM PUBLIC"
    yield f"COMMENT ON SCHEMA cti_es IS '{MARK}{SCHEMA_VERSION}'"


def differences(connection: Connection[Any]) -> Iterator[Difference]:
    """What differs from the schema: objects that are missing or altered, and strange ones that touch ours.

    Tables, views and functions of others beside ours are their business, and so are their indexes on ours.
    """
    rows = connection.execute(_FOUND, ([*TABLES, "events"], list(FUNCTIONS)))
    found = {(str(kind), str(name)): str(text) for kind, name, text in rows}
    for (kind, name), text in OBJECTS.items():
        if (kind, name) not in found:
            yield Difference(f"the {kind} '{name}' is missing", kind == "table")
        elif found[kind, name] != text:
            yield Difference(f"the {kind} '{name}' is not as cti-es made it", kind == "table")
    for kind, name in sorted(found.keys() - OBJECTS):
        yield Difference(f"the {kind} '{name}' is not from cti-es", False)


def faults(connection: Connection[Any]) -> Iterator[Fault]:
    """What is wrong with the schema; then with what the tables say of each other, if they are ours."""
    found = list(differences(connection))
    for one in found:
        yield Fault(None, None, one.text)
    if (said := mark(connection)) != f"{MARK}{SCHEMA_VERSION}":
        yield Fault(None, None, f"the comment on the schema is '{said}', not '{MARK}{SCHEMA_VERSION}'")
    if not any(one.is_read for one in found):
        yield from _lost_rows(connection)


def _lost_rows(connection: Connection[Any]) -> Iterator[Fault]:
    for table, what in _LOST:
        lost = f"SELECT DISTINCT log FROM cti_es.{table} WHERE log NOT IN (SELECT log FROM cti_es.logs)"
        for (log,) in connection.execute(lost):
            yield Fault(log, None, what)
    moved = (
        "SELECT log FROM cti_es.logs LEFT JOIN LATERAL (SELECT b.position, b.version + b.count - 1 AS version, b.hash"
        " FROM cti_es.batches b WHERE b.log = logs.log ORDER BY b.version DESC LIMIT 1) last ON true"
        " WHERE (logs.position, logs.version, logs.hash) IS DISTINCT FROM"
        " (COALESCE(last.position, 0), COALESCE(last.version, 0), COALESCE(last.hash, ''))"
    )
    for (log,) in connection.execute(moved):
        yield Fault(log, None, "the counter of the log does not stand at its last row")
