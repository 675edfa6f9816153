"""A store on a server while its writers, and the server itself, are killed, and while many write and follow."""

import os
import shutil
from contextlib import closing

import pytest
from campaigns import crashes, postgres, writers
from campaigns.running import Report, run, trouble
from support.postgres_server import Server, missing, programs_with_tls

from cti_es.logs.reading import StoredLog
from cti_es.logs.store.postgres import PostgresStore


@pytest.fixture
def own_server():
    """A server that may be killed, with fsync as servers have it."""
    if why := missing():
        pytest.skip(why)
    server = Server()
    yield server
    server.stop()


@pytest.mark.slow
def test_eight_writers_and_their_followers(tmp_path, database):
    """Eight processes append to two logs, with and without --expect; what followers printed is what a reader prints."""
    report = Report()
    writers.crowd(tmp_path, 12, 20260101, report, followers=4, store=database)

    assert report.failures == []
    assert report.counts["appends of eight processes"] == 8 * 12
    assert report.counts["followers of log"] == report.counts["followers of replay"] == 2


def test_eight_make_one_store(tmp_path, database):
    """Eight processes begin the same store at one moment: the schema is made once, and all they have sent is in it."""
    report = Report()
    writers.creation(tmp_path, False, report, database)

    assert report.failures == []


def test_one_of_eight_wins(tmp_path, database):
    """Of eight that expect the same version one is served; the others are refused with exit 2."""
    report = Report()
    writers.one_wins(tmp_path, report, database)

    assert report.failures == []


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, crashes.BULK], ids=["one event", "bulk"])
@pytest.mark.parametrize("new", [True, False], ids=["new store", "store is there"])
def test_a_writer_is_killed_at_a_statement(size, new, tmp_path, database):
    """A writer is killed before one of its statements, then at a later one: its append is there whole or not at all."""
    report = Report()
    postgres.points(tmp_path, database, size, new, report, step=7 if new else 3)

    assert report.failures == []
    assert sum(report.counts.values()) >= 3


@pytest.mark.slow
def test_the_server_is_killed(tmp_path, own_server):
    """The server dies while three processes append: what was reported is there, and retries are recognised."""
    report = Report()
    postgres.server_dies(tmp_path, own_server, 3, 20260101, report)

    assert report.failures == []
    assert report.counts["writers whose server was killed"] == 9


@pytest.mark.slow
def test_a_standby_server_is_read_and_followed(own_server):
    """A server that repeats another can be read and followed like it; appending to it is refused."""
    primary, standby = own_server.url(), None
    run("append", primary, "node_added", "node=cm1")
    try:
        standby = Server.standby(own_server)
        refused = run("append", standby.url(), "node_added", "node=cm2")
        with closing(PostgresStore(standby.url())) as reader:
            names = []
            for batch in StoredLog(reader, "default", "").batches(wait=lambda: None):
                names += [event.node for event in batch.events]
                if names == ["cm1"]:
                    run("append", primary, "node_added", "node=cm3")
                elif len(names) == 2:
                    break
        verdict = run("verify", standby.url())
    finally:
        if standby is not None:
            standby.stop()

    assert (refused.code, "can only be read; append to the primary server" in refused.err) == (2, True)
    assert names == ["cm1", "cm3"]
    assert verdict.code == 0


SECRET = "Gurkensalat"


@pytest.fixture
def libpq(tmp_path, monkeypatch):
    """A client for whom nothing of libpq is set."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))


def printed(said):
    """All that commands have printed, none of which has gone wrong in a way of its own."""
    assert [trouble(one) for one in said] == [None] * len(said)
    return "".join(one.err + one.out.decode() for one in said)


@pytest.mark.slow
def test_passwords_are_those_of_libpq(libpq, tmp_path, monkeypatch):
    """A password is found where psql finds it: address, environment, password file, service file; and never printed."""
    if why := missing():
        pytest.skip(why)
    server = Server(SECRET)
    try:
        bare = f"postgresql://postgres@127.0.0.1:{server.port}/postgres"
        said = [run("append", f"{bare}#lab", "node_added", "node=cm0")]
        said.append(run("log", server.url(password="Wassermelone")))
        with monkeypatch.context() as context:
            context.setenv("PGPASSWORD", SECRET)
            said.append(run("append", f"{bare}#lab", "node_added", "node=cm1"))
        file = tmp_path / "pgpass"
        file.write_text(f"127.0.0.1:{server.port}:postgres:postgres:{SECRET}\n")
        file.chmod(0o600)
        said.append(run("append", f"{bare}#lab", "node_added", "node=cm2"))
        file.unlink()
        place = f"host=127.0.0.1\nport={server.port}\ndbname=postgres\nuser=postgres"
        (tmp_path / "services").write_text(f"[voice]\n{place}\npassword={SECRET}\n")
        said.append(run("append", "postgresql:///?service=voice#lab", "node_added", "node=cm3"))
        said.append(run("verify", server.url()))
        there = run("export", server.url()).out.decode()
    finally:
        server.stop()

    assert [one.code for one in said] == [2, 2, 0, 0, 0, 0]
    assert "password authentication failed" in said[1].err
    assert not any(word in printed(said) for word in (SECRET, "Wassermelone"))
    assert [f'"node":"cm{number}"' in there for number in range(4)] == [False, True, True, True]


@pytest.mark.slow
def test_tls_is_as_strict_as_asked(libpq, tmp_path):
    """With sslmode=verify-full a server is believed whose certificate is, and no other."""
    if (folder := programs_with_tls()) is None or not shutil.which("openssl"):
        pytest.skip("needs openssl, and a PostgreSQL that can encrypt: Debian's package postgresql")
    server = Server(SECRET, folder)
    try:
        server.encrypt()
        certificate = shutil.copy(server.folder / "server.crt", tmp_path)
        strict = f"{server.url()}?sslmode=verify-full"
        said = [
            run("append", f"{strict}&sslrootcert={certificate}#lab", "node_added", "node=cm1"),
            run("append", f"{strict}#lab", "node_added", "node=cm2"),
            run("append", f"{server.url()}?sslmode=require#lab", "node_added", "node=cm3"),
        ]
    finally:
        server.stop()

    assert [one.code for one in said] == [0, 2, 0]
    assert "root certificate" in said[1].err
    assert SECRET not in printed(said)
