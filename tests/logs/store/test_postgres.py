"""A store in a PostgreSQL database: addresses, the schema, rights, forgeries, errors (docs/how-to/postgresql.md)."""

import json
import os
import re
import sys
import threading
from contextlib import closing, contextmanager

import pytest
from campaigns.running import run, trouble
from conftest import FIXTURES, ROOT
from support.postgres_server import database as other_database

from cti_es.logs.store.servers import split_log, without_password, without_passwords
from cti_es.vocabulary.errors import InputError, StoreError, StoreLocked

EXAMPLE = FIXTURES / "01-worked-example" / "log.ndjson"
SECRET = "Gurkensalat"

psycopg = pytest.importorskip("psycopg", reason="needs psycopg: pip install 'cti-es[postgres]'")

from cti_es.logs.store.postgres import PostgresStore  # noqa: E402 (it needs psycopg)


@contextmanager
def connected(address):
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        yield connection


def execute(address, *statements):
    """Do as somebody who may do everything, without the triggers: a forger, or a careless administrator."""
    with connected(address) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            connection.execute(statement)


def faults(address, *options):
    """What verify finds, without the log and the version that it names."""
    ran = run("verify", address, "--ndjson", *options)
    assert (ran.code, trouble(ran)) == (int(bool(ran.out)), None)
    return [json.loads(line)["fault"] for line in ran.out.splitlines()]


def as_user(address, user):
    """The address of the same database for another role."""
    return re.sub("//[^@]*@", f"//{user}@", address)


@pytest.fixture
def filled(database):
    """The address of a store with the worked example in the log ``default``."""
    assert run("append", database, "--from", str(EXAMPLE)).code == 0
    return database


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (f"postgresql://u:{SECRET}@h/db#lab", "postgresql://u@h/db#lab"),
        (f"postgres://u:{SECRET}@h:5432/db", "postgres://u@h:5432/db"),
        (f"postgresql://u:{SECRET}@x@h/db", "postgresql://u@h/db"),
        (f"postgresql://u:a/{SECRET}@h/db", "postgresql://u@h/db"),
        (f"postgresql://u:a?{SECRET}@h/db", "postgresql://u@h/db"),
        (f"postgresql://u:a#{SECRET}@h/db", "postgresql://u@h/db"),
        (f"postgresql://u:a\n{SECRET}@h/db", "postgresql://u@h/db"),
        (f"postgresql://h/db?password={SECRET}&host=x#lab", "postgresql://h/db?host=x#lab"),
        (f"postgresql://h/db?p%61ssword={SECRET}", "postgresql://h/db"),
        (f"postgresql://h/db?sslmode=require&sslpassword={SECRET}", "postgresql://h/db"),
        ("postgresql:///?service=voice#lab", "postgresql:///?service=voice#lab"),
        (f"postgresql:/u:{SECRET}@h/db", "postgresql:/u@h/db"),
        ("site.db#lab", "site.db#lab"),
    ],
)
def test_a_password_is_not_shown(address, shown):
    """What may be printed of an address has no password, however it was written, and still says where it leads."""
    assert without_password(address) == shown
    assert SECRET not in without_passwords(f"before {address.replace(chr(10), '')} behind")


@pytest.mark.parametrize(
    ("address", "halves"),
    [
        ("postgresql://h/db#lab", ("postgresql://h/db", "lab")),
        ("postgresql://h/db", ("postgresql://h/db", None)),
        ("postgresql://h:5432/db#a@b", ("postgresql://h:5432/db", "a@b")),
        ("postgresql://u@h/db?service=x#lab", ("postgresql://u@h/db?service=x", "lab")),
    ],
)
def test_the_log_stands_behind_the_last_hash(address, halves):
    """An address is split at its last #; one of a password is not taken for it."""
    assert split_log(address) == halves
    with pytest.raises(InputError, match="names no log"):
        split_log("postgresql://h/db#")
    with pytest.raises(InputError, match="not an address"):
        split_log(f"postgresql://u:{SECRET}#rest@h/db")


WRONG = [
    "postgresql://u:{}@127.0.0.1:1/db",
    "postgresql://u:{}@127.0.0.1:1/db#lab",
    "postgresql://u:{}%zz@127.0.0.1:1/db",
    "postgresql://u:{}@x@127.0.0.1:1/db",
    "postgresql://u:1/{}@127.0.0.1:1/db",
    "postgresql://u:{}/x@127.0.0.1:1/db",
    "postgresql://u:{}#x@127.0.0.1:1/db",
    "postgresql://u:{}?x@127.0.0.1:1/db",
    "postgresql://127.0.0.1:1/db?password={}",
    "postgresql://127.0.0.1:1/db?password={}&nonsense=1",
    "postgresql://127.0.0.1:1/db?passwort={}",
    "postgresql://[::1/db?password={}",
]
COMMANDS = [
    ("append", "{}", "node_added", "node=cm1"),
    ("append", "site.db", "--from", "{}"),
    ("import", "{}", str(EXAMPLE)),
    ("import", "site.db", "{}"),
    ("logs", "{}"),
    ("verify", "{}"),
    ("verify", "site.db", "--heads", "{}"),
    ("log", "{}", "--debug"),
    ("homes", "{}", "{}"),
    ("outages", str(EXAMPLE), "{}"),
    ("replay", "{}", "-o", "{}"),
    ("diff", "{}", "{}"),
    ("lint", "{}"),
    ("explain", "{}", "1", "{}"),
    ("export", "{}", "--anonymous"),
    ("report", "{}", "-o", "out.html"),
    ("demo", "{}"),
]


@pytest.mark.parametrize(
    "command", [*COMMANDS[:3], *(pytest.param(one, marks=pytest.mark.slow) for one in COMMANDS[3:])], ids=" ".join
)
def test_no_command_prints_a_password(command, tmp_path, monkeypatch):
    """Whatever is wrong with an address, and whichever word of a command it is: an error, and no password in it."""
    monkeypatch.chdir(tmp_path)
    for wrong in WRONG:
        ran = run(*(word.replace("{}", wrong.format(SECRET)) for word in command))

        assert SECRET not in ran.err + ran.out.decode()
        assert ran.code == 2
        assert "--debug" in command or trouble(ran) is None


def test_rows_of_several_sources_have_no_password(filled):
    """The column of the SOURCE shows addresses without their passwords, as NDJSON and as a table."""
    secret = filled.replace("postgres@", f"postgres:{SECRET}@")
    for form in ("text", "ndjson", "csv"):
        ran = run("homes", secret, str(EXAMPLE), "--format", form)

        assert ran.code == 0
        assert SECRET.encode() not in ran.out
        assert filled.encode() in ran.out
    for command in (("logs",), ("verify",), ("export",), ("log",), ("report", "-o", "-")):
        ran = run(command[0], secret, *command[1:])

        assert ran.code == 0
        assert SECRET not in ran.err + ran.out.decode()


def test_a_log_is_no_store(filled):
    """Commands about a whole store refuse the address of a log in it."""
    for command in ("logs", "verify"):
        ran = run(command, f"{filled}#default")

        assert (ran.code, f"{filled}#default: a log; expected a store" in ran.err) == (2, True)


def test_a_store_is_no_file_of_events(filled, tmp_path):
    """Where a file is wanted, an address is refused as a store is, with the command that helps."""
    ran = run("append", str(tmp_path / "site.db"), "--from", filled)

    assert ran.code == 2
    assert f"a store; expected an NDJSON event log; cti-es export {filled} | cti-es append" in ran.err
    assert "a store" in run("import", str(tmp_path / "site.db"), filled).err


# --- the same as in a file ------------------------------------------------------------------------------------------------


def test_a_store_moves_whole(database, tmp_path):
    """What a store exports another takes: the same events, the same messages; sent again, they are duplicates."""
    site = str(tmp_path / "site.db")
    lines = b"".join(
        line[:-1] + f',"id":"id{number}"}}\n'.encode() for number, line in enumerate(EXAMPLE.read_bytes().splitlines())
    )
    assert run("append", site, "--from", "-", stdin=lines).code == 0
    exported = run("export", site).out
    ran = run("append", f"{database}#lab", "--from", "-", stdin=exported)

    assert f"appended {lines.count(b'}')}, duplicates 0" in ran.err
    assert run("export", database).out == exported
    assert run("replay", f"{database}#lab", "--digest").out == run("replay", site, "--digest").out
    assert "appended 0, duplicates" in run("append", f"{database}#lab", "--from", "-", stdin=exported).err
    assert faults(database) == []


READING = [
    "log", "log --as-of 5 --ndjson", "replay", "homes", "providers", "outages", "history --device CTIP_IVR_01",
    "explain 1", "incident", "impact", "export", "play --speed max",
]  # fmt: skip


def test_every_reading_command_takes_an_address(filled, tmp_path):
    """A command prints the same of a store on a server as of one in a file, but for its name."""
    site = str(tmp_path / "site.db")
    run("append", site, "--from", str(EXAMPLE))
    for command in READING:
        name, *options = command.split()
        ours, theirs = (run(name, source, *options) for source in (filled, site))

        assert (ours.code, trouble(ours)) == (theirs.code, None)
        assert ours.out.decode().replace(filled, site) == theirs.out.decode()
        assert ours.err.replace(filled, site) == theirs.err


def test_an_import_goes_to_a_server(database):
    """Import makes the same log on a server as in a file, adds nothing the second time, and wants a topology first."""
    folder = FIXTURES / "real" / "constructed-outage"
    files = [str(folder / name) for name in ("cucm-pub.log", "cucm-sub1.log", "cucm-sub2.log")]
    nodes = ("--nodes", str(folder / "nodes.csv"))
    cdr = str(folder / "cdr_StandAloneCluster_02_202603020935_1")
    too_early = run("import", f"{database}#lab", *files, *nodes)
    run("append", f"{database}#lab", "--from", str(folder / "topology.ndjson"))
    rehearsed = run("import", f"{database}#lab", *files, cdr, *nodes, "--dry-run")
    done = [run("import", f"{database}#lab", *files, cdr, *nodes).err for _ in range(2)]

    assert (too_early.code, "has no nodes yet" in too_early.err) == (2, True)
    assert "would have appended 17, duplicates 0" in rehearsed.err
    assert "appended 17, duplicates 0" in done[0]
    assert "appended 0, duplicates 17" in done[1]
    assert run("export", database).out == (folder / "expected-log.ndjson").read_bytes()


def test_the_library_takes_an_address(database):
    """cti_es.open makes, appends to and reads a log of a server."""
    import cti_es

    with cti_es.open(f"{database}#lab", create=True) as log:
        assert len(list(log.events())) == 0
        log.append("node_added", node="cm1", at="2026-01-01T08:00:00Z")
        assert [stored.version for stored in log.events()] == [1]
    with pytest.raises(InputError, match="did you mean 'lab'"):
        cti_es.open(f"{database}#lib")


# --- the schema --------------------------------------------------------------------------------------------------------


def schemas(address):
    with connected(address) as connection:
        return connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'cti_es'").fetchone()[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("node_failed", "node=nobody"),
        ("node_added", "node=cm1", "--dry-run"),
        ("node_added", "node=cm1", "--expect", "3"),
        ("--from", "-"),
    ],
    ids=" ".join,
)
def test_nothing_stored_makes_no_schema(database, arguments):
    """Where an append stores nothing, nothing of it is left in the database."""
    ran = run("append", database, *arguments)

    assert trouble(ran) is None
    assert schemas(database) == 0
    assert "a PostgreSQL database without a store" in run("logs", database).err


def test_two_that_make_a_store_at_one_moment(database):
    """Who comes second waits for the schema that the first is making, and then appends; a third gives up waiting."""
    first, second, third = (PostgresStore(database, write=True, wait=wait) for wait in (30, 30, 0.05))
    with closing(first), closing(second), closing(third):
        done = threading.Thread(target=append_one, args=(second, "b"))
        with first.writing("a") as writer:
            done.start()
            with pytest.raises(StoreLocked, match=r"within 0\.05 s"):
                append_one(third, "c")
            write(writer, "cm1")
        done.join()
        assert sorted(first.names()) == sorted(third.names()) == ["a", "b"] or third.names() == []


def write(writer, name):
    from cti_es.vocabulary.events import NodeAdded

    at = "2026-01-01T08:00:00Z"
    writer.write([NodeAdded(node=name, at=at, id=name)], at, "test")


def append_one(store, log, name="cm1"):
    with store.writing(log) as writer:
        write(writer, name)


def test_others_are_left_alone(filled):
    """Tables beside ours, and views and indexes on ours, are neither refused nor touched."""
    execute(
        filled,
        "CREATE TABLE public.batches (mine int)",
        "CREATE VIEW public.v AS SELECT * FROM cti_es.batches",
        "CREATE INDEX mine ON cti_es.batches (recorded_at)",
    )
    assert run("append", filled, "node_added", "node=cm9").code == 0
    assert faults(filled) == []
    execute(filled, "DROP VIEW public.v", "DROP TABLE public.batches")


REFUSED = {
    "ALTER TABLE cti_es.batches DISABLE TRIGGER batches_no_update": "the trigger 'batches_no_update' is not as",
    "DROP TRIGGER batches_continue ON cti_es.batches": "the trigger 'batches_continue' is missing",
    "ALTER TABLE cti_es.batches DROP CONSTRAINT batches_events": "the constraint 'batches_events' is missing",
    "CREATE OR REPLACE FUNCTION cti_es.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'":
        "the function 'refuse' is not as",
    "CREATE OR REPLACE VIEW cti_es.events AS SELECT log, version, type, at, id, NULL::json AS data FROM cti_es.batches,"
    " LATERAL (SELECT '' AS type, '' AS at, '' AS id) x": "the view 'events' is not as",
    "CREATE TRIGGER mine BEFORE INSERT ON cti_es.ids FOR EACH ROW EXECUTE FUNCTION cti_es.refuse()":
        "the trigger 'mine' is not from cti-es",
}  # fmt: skip
UNREAD = {
    "ALTER TABLE cti_es.batches ENABLE ROW LEVEL SECURITY": "the table 'batches' is not as",
    "ALTER TABLE cti_es.batches ALTER hash TYPE varchar": "the table 'batches' is not as",
    "ALTER TABLE cti_es.batches ADD mine int": "the table 'batches' is not as",
    "CREATE TABLE cti_es.more () INHERITS (cti_es.batches)": "the table 'batches' is not as",
    "CREATE RULE mine AS ON INSERT TO cti_es.batches DO INSTEAD NOTHING": "the table 'batches' is not as",
    "ALTER TABLE cti_es.ids RENAME TO others": "the table 'ids' is missing",
}


@pytest.mark.slow
@pytest.mark.parametrize("statement", [*REFUSED, *UNREAD])
def test_a_changed_schema(filled, statement):
    """Writers refuse a schema that is not ours; readers where it is the tables; verify names what is different."""
    execute(filled, statement)
    what = {**REFUSED, **UNREAD}[statement]
    ran, read = run("append", filled, "node_added", "node=cm9"), run("log", filled)

    assert ran.code == 2
    assert what in ran.err
    assert read.code == (2 if statement in UNREAD else 0)
    assert any(what in fault for fault in faults(filled))


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("'cti-es store, schema version 2'", "a store of schema version 2; this cti-es knows up to 1"),
        ("NULL", "its schema cti_es is not from cti-es"),
        ("'ours'", "its schema cti_es is not from cti-es"),
    ],
)
def test_a_schema_of_somebody_else(filled, comment, said):
    """A newer schema, and one that is not marked as ours, is used by nobody."""
    execute(filled, f"COMMENT ON SCHEMA cti_es IS {comment}")
    for command in (("append", filled, "node_added", "node=cm9"), ("log", filled), ("verify", filled)):
        ran = run(*command)

        assert (ran.code, trouble(ran)) == (2, None)
        assert said in ran.err


def test_a_server_that_is_too_old(database, monkeypatch):
    """A server whose words for a schema were never compared with ours is refused."""
    monkeypatch.setattr("cti_es.logs.store.postgres_connection.OLDEST", 99)
    ran = run("append", database, "node_added", "node=cm1")

    assert (ran.code, bool(re.search(r"PostgreSQL \d\d is too old; expected 99 or newer", ran.err))) == (2, True)


def test_a_database_in_another_encoding(database, databases):
    """Only UTF8 keeps every name."""
    name = f"cti_es_latin{os.getpid()}"
    latin = other_database(database, name)
    with connected(database) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    ran = run("append", latin, "node_added", "node=cm1")
    with connected(database) as connection:
        connection.execute(f"DROP DATABASE {name}")

    assert (ran.code, "a database in LATIN1; expected a database in UTF8" in ran.err) == (2, True)


def test_the_view_has_the_events(filled):
    """The view events has a row for each event, with the text that export prints."""
    with connected(filled) as connection:
        rows = connection.execute("SELECT version, type, at, data::text FROM cti_es.events ORDER BY version").fetchall()
    lines = run("export", filled).out.decode().splitlines()

    assert [row[3] for row in rows] == lines
    assert [(row[0], row[1], row[2]) for row in rows] == [
        (number, event["type"], event["at"]) for number, event in enumerate(map(json.loads, lines), 1)
    ]


# --- append-only, by triggers and by rights ---------------------------------------------------------------------------

CHANGES = [
    "UPDATE cti_es.batches SET source = ''",
    "DELETE FROM cti_es.batches",
    "TRUNCATE cti_es.batches",
    "UPDATE cti_es.ids SET version = 1",
    "DELETE FROM cti_es.ids",
    "TRUNCATE cti_es.ids",
    "UPDATE cti_es.logs SET version = 1",
    "UPDATE cti_es.logs SET begun = now()",
    "DELETE FROM cti_es.logs",
    "TRUNCATE cti_es.logs",
    "INSERT INTO cti_es.batches SELECT position + 1, log, version, count, events, recorded_at, source, hash FROM cti_es.batches",
    "INSERT INTO cti_es.batches SELECT position + 2, log, version + count, count, events, recorded_at, source, hash FROM cti_es.batches",
    "INSERT INTO cti_es.batches SELECT position, log, version, count, events, recorded_at, source, hash FROM cti_es.batches"
    " ON CONFLICT (log, version) DO UPDATE SET source = ''",
    "MERGE INTO cti_es.batches b USING cti_es.logs l ON b.log = l.log WHEN MATCHED THEN UPDATE SET source = ''",
]


def test_the_owner_is_stopped_by_triggers(filled):
    """Whoever may do everything is told that the log is append-only, as long as the triggers are there."""
    with connected(filled) as connection:
        for statement in CHANGES:
            with pytest.raises(psycopg.errors.RaiseException, match="cti-es: "):
                connection.execute(statement)
    assert faults(filled) == []


@pytest.fixture
def roles(filled):
    """The roles of docs/how-to/postgresql.md, as the page makes them, and a role for a program with each right.

    Roles belong to the whole server: tests at the same time have names of their own.
    """
    page = (ROOT / "docs" / "how-to" / "postgresql.md").read_text("utf-8")
    (script,) = re.findall("(?s)```sql\n(.*?)```", page)
    reader, writer, anna, bert = (f"cti_es_{name}{os.getpid()}" for name in ("reader", "writer", "anna", "bert"))
    script = script.replace("cti_es_reader", reader).replace("cti_es_writer", writer)
    with connected(filled) as connection:
        for statement in filter(str.strip, script.split(";")):
            connection.execute(statement)
        connection.execute(f"CREATE ROLE {anna} LOGIN IN ROLE {reader}")
        connection.execute(f"CREATE ROLE {bert} LOGIN IN ROLE {writer}")
    yield as_user(filled, anna), as_user(filled, bert)
    with connected(filled) as connection:
        connection.execute(f"DROP OWNED BY {reader}, {writer}")
        for name in (reader, writer, anna, bert):
            connection.execute(f"DROP ROLE {name}")


def no_rights(connection, statement):
    """A statement is refused for want of a right, whatever triggers would say."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_what_the_roles_may(roles, monkeypatch):
    """A writer appends, begins logs and keeps snapshots, and changes nothing; a reader reads, follows and verifies."""
    monkeypatch.setattr("cti_es.logs.append.SNAPSHOT_WORK", 1)
    reader, writer = roles
    for log in ("default", "new"):
        assert "appended 1, " in run("append", f"{writer}#{log}", "node_added", "node=cm8", "id=x").err
    with connected(writer) as connection:
        for statement in (*CHANGES[:10], CHANGES[13], "DROP TRIGGER batches_continue ON cti_es.batches"):
            no_rights(connection, statement)
        no_rights(connection, "INSERT INTO cti_es.logs VALUES ('forged', now(), 0, 0, '')")
        no_rights(connection, "SET session_replication_role = replica")
        no_rights(connection, "CREATE TABLE cti_es.mine ()")
        for statement in CHANGES[10:12]:
            with pytest.raises(psycopg.errors.RaiseException, match="a row must continue its log"):
                connection.execute(statement)
        no_rights(connection, CHANGES[12])
        connection.execute("DELETE FROM cti_es.snapshots")
    refused = run("append", f"{reader}#default", "node_added", "node=cm9")
    assert (refused.code, "no permission: permission denied for function lock_log" in refused.err) == (2, True)
    assert run("log", f"{reader}#default").out.count(b"\n") > 10
    assert faults(reader) == faults(writer) == []


def test_the_counter_cannot_be_moved_by_another_table(filled, roles):
    """A writer cannot have its own table move the counter of a log, nor can whoever may use the trigger's function."""
    reader, writer = roles
    mine = "CREATE TEMP TABLE mine (LIKE cti_es.batches)"
    hang = "CREATE TRIGGER mine BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION cti_es.continue_log()"
    with connected(writer) as connection:
        connection.execute(mine)
        no_rights(connection, hang)
    with connected(filled) as connection:
        connection.execute(mine)
        connection.execute(hang)
        with pytest.raises(psycopg.errors.RaiseException, match="only a row moves the counter"):
            connection.execute("INSERT INTO mine SELECT 2, log, version + count, count, events, recorded_at, source, hash"
                               " FROM cti_es.batches")  # fmt: skip

    assert faults(filled) == []


def test_who_may_make_nothing(filled, roles, databases):
    """A role without the right to make a schema is told so, and nothing is left."""
    empty = databases.take()
    ran = run("append", as_user(empty, f"cti_es_bert{os.getpid()}"), "node_added", "node=cm1")

    assert (ran.code, "no permission: permission denied for database" in ran.err) == (2, True)
    assert schemas(empty) == 0
    databases.give_back(empty)


def test_snapshots_without_the_right_to_them(filled, roles, monkeypatch):
    """A writer that may keep no snapshots appends all the same: they are only a cache."""
    monkeypatch.setattr("cti_es.logs.append.SNAPSHOT_WORK", 1)
    with connected(filled) as connection:
        connection.execute(f"REVOKE ALL ON cti_es.snapshots FROM cti_es_writer{os.getpid()}")
    before = run("verify", filled).code

    assert "appended 1, " in run("append", roles[1], "node_added", "node=cm8").err
    assert (before, faults(filled)) == (0, [])


# --- forgeries --------------------------------------------------------------------------------------------------------

FORGERIES = {
    "UPDATE cti_es.batches SET events = replace(events, 'cm1', 'cm7') WHERE version = 1": "the hash of the row",
    "UPDATE cti_es.batches SET source = 'x' WHERE version = 1": "the hash of the row",
    "UPDATE cti_es.batches SET recorded_at = 'x' WHERE version = 1": "the time at which the row was appended",
    "DELETE FROM cti_es.batches WHERE version = 1": "versions are missing or repeated",
    "DELETE FROM cti_es.batches WHERE version > 1": "the counter of the log does not stand at its last row",
    "DELETE FROM cti_es.ids": "an id of the row is missing",
    "INSERT INTO cti_es.ids VALUES ('default', 'y', 1)": "the index of ids does not belong to the events",
    "INSERT INTO cti_es.ids VALUES ('gone', 'y', 1)": "the table 'ids' knows a log that is not there",
    "UPDATE cti_es.logs SET version = 3": "the counter of the log does not stand at its last row",
    "UPDATE cti_es.logs SET hash = ''": "the counter of the log does not stand at its last row",
    "DELETE FROM cti_es.logs": "the log has no counter",
    "UPDATE cti_es.batches SET position = 9 WHERE version > 1": "the counter of the log does not stand",
    "UPDATE cti_es.batches SET position = 1": "the row stands before the row that it follows",
    "UPDATE cti_es.snapshots SET messages = messages + 1": "the snapshot is damaged",
    "UPDATE cti_es.snapshots SET state = '\\x00'": "the snapshot is damaged",
}


@pytest.mark.slow
@pytest.mark.parametrize("statement", FORGERIES)
def test_a_forgery_is_found(database, statement, monkeypatch):
    """What a superuser changes without the triggers, verify names."""
    monkeypatch.setattr("cti_es.logs.append.SNAPSHOT_WORK", 1)
    run("append", f"{database}#default", "node_added", "node=cm1", "id=x")
    run("append", f"{database}#default", "--from", str(EXAMPLE), "--allow-misfits")
    assert faults(database) == []
    execute(database, statement)

    assert any(FORGERIES[statement] in fault for fault in faults(database))


def test_a_cut_tail_is_found_with_a_head(database):
    """Rows, counter and ids cut off together are whole again; only a head that was kept elsewhere shows it."""
    for name in ("cm1", "cm2"):
        run("append", f"{database}#default", "node_added", f"node={name}")
    head = json.loads(run("logs", database, "--ndjson").out)["head"]
    execute(
        database,
        "DELETE FROM cti_es.batches WHERE version = 2",
        "UPDATE cti_es.logs SET (position, version, hash) = (SELECT position, version, hash FROM cti_es.batches)",
    )

    assert faults(database) == []
    assert "the end of the log was cut off" in faults(database, "--head", f"default={head}")[0]


def test_values_too_large_are_not_fetched(filled, monkeypatch):
    """A row larger than any that is written ends in a sentence, before it comes over the wire."""
    from cti_es.logs.store import postgres

    monkeypatch.setattr(postgres, "_ROWS", postgres._ROWS.replace(str(postgres._LARGEST_ROW), "1000"))
    execute(filled, "UPDATE cti_es.batches SET source = repeat('x', 5000)")

    assert "a column has a value of the wrong type or size" in run("log", filled).err
    assert any("wrong type or size" in fault for fault in faults(filled))


# --- following --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "not told"])
def test_a_follower_gets_each_event_once(database, is_told, monkeypatch):
    """Events that come while a reader waits are read once and in order, told of or not."""
    from cti_es.logs.reading import StoredLog
    from cti_es.logs.store import postgres

    monkeypatch.setattr(postgres, "TOLD_SECONDS", 10.0 if is_told else 0.01)
    if not is_told:
        monkeypatch.setattr(postgres, "_TELL", "SELECT '{}'")
    with closing(PostgresStore(database, write=True)) as writer:
        append_one(writer, "default", "n0")
        with closing(PostgresStore(database)) as reader:
            appending = threading.Thread(target=lambda: [append_one(writer, "default", f"n{n}") for n in range(1, 30)])
            names = []
            for batch in StoredLog(reader, "default", "").batches(wait=lambda: None):
                if not names:
                    appending.start()
                names += [event.node for event in batch.events]
                if len(names) == 30:
                    break
            appending.join()

    assert names == [f"n{n}" for n in range(30)]


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_no_server_and_no_database(database):
    """A server that is not there, and a database that is not there, each end in a sentence."""
    nowhere = run("log", "postgresql://127.0.0.1:1/voice")
    missing = run("append", other_database(database, "nosuch"), "node_added", "node=cm1")

    assert (nowhere.code, trouble(nowhere)) == (2, None)
    assert nowhere.err.startswith("cti-es: postgresql://127.0.0.1:1/voice: cannot connect: ")
    assert (missing.code, trouble(missing)) == (2, None)
    assert 'there is no such database: database "nosuch" does not exist; createdb makes one' in missing.err


def test_a_server_that_is_gone(database):
    """A connection that breaks in a transaction ends in a sentence; the next append works."""
    with closing(PostgresStore(database, write=True)) as store:
        append_one(store, "default", "n0")
        with pytest.raises(StoreError, match="the connection to the server was lost"):
            cut_off_while_writing(database, store, "n2")
    with closing(PostgresStore(database, write=True)) as store:
        with pytest.raises(StoreError, match="before the server said that it has stored the events"):
            cut_off_while_writing(database, store)
    with closing(PostgresStore(database, write=True)) as store:
        append_one(store, "default", "n1")
        assert store.head("default").version == 2


def test_a_transaction_in_which_something_failed(database):
    """Whoever hides an error in a transaction is not told that it was stored."""
    with closing(PostgresStore(database, write=True)) as store:
        with pytest.raises(StoreError, match="the server did not store the events"):
            hide_an_error(store)
        assert store.names() == []


def hide_an_error(store):
    with store.writing("default") as writer:
        write(writer, "cm1")
        with pytest.raises(psycopg.Error):
            store._connection.execute("SELECT 1 / 0")


def test_nobody_can_be_told(filled, monkeypatch):
    """Where the server has no room for more messages, what was stored is stored, and reported as that."""
    from cti_es.logs.store import postgres

    monkeypatch.setattr(postgres, "_TELL", "SELECT 1 / 0, '{}'")
    ran = run("append", filled, "node_added", "node=cm9")
    monkeypatch.setattr(postgres, "_TELL", "nonsense '{}'")

    assert (ran.code, "appended 1, " in ran.err) == (0, True)
    assert "the server refused: syntax error" in run("append", filled, "node_added", "node=cm10").err
    assert b"cm9" in run("export", filled).out
    assert b"cm10" not in run("export", filled).out


def cut_off_while_writing(address, store, *more):
    with store.writing("default") as writer:
        write(writer, "n1")
        cut_off(address, store)
        for name in more:
            write(writer, name)


def cut_off(address, store):
    with connected(address) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (store._connection.info.backend_pid,))


def test_a_locked_log_is_waited_for(filled):
    """Who waits too long for another writer is told so; writers of another log do not wait at all."""
    with closing(PostgresStore(filled, write=True)) as store, store.writing("default") as writer:
        write(writer, "n1")
        locked = run("append", f"{filled}#default", "node_added", "node=cm9", "--wait", "0.1s")
        other = run("append", f"{filled}#other", "node_added", "node=cm9", "--wait", "0.1s")

    assert (locked.code, "did not finish within 0.1 s" in locked.err, "--wait" in locked.err) == (2, True, True)
    assert other.code == 0


def test_a_server_that_can_only_be_read(filled):
    """Appending to a database that is read-only ends in a sentence; reading works."""
    name = filled.rpartition("/")[2]
    execute(filled, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    ran, read = run("append", filled, "node_added", "node=cm9"), run("log", filled)
    with connected(filled) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")

    assert (ran.code, "can only be read" in ran.err, read.code) == (2, True, 0)


def test_without_psycopg(monkeypatch):
    """Who has no psycopg is told what to install, and needs it only for an address."""
    for module in [one for one in sys.modules if one.startswith(("psycopg", "cti_es.logs.store.postgres"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    ran = run("log", "postgresql://h/db")

    assert (ran.code, "pip install 'cti-es[postgres]'" in ran.err) == (2, True)
    assert run("log", str(EXAMPLE)).code == 0
