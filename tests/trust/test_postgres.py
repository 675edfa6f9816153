"""A store on a server while its writers, and the server itself, are killed, and while many write and follow."""

import pytest
from campaigns import crashes, postgres, writers
from campaigns.running import Report
from support.postgres_server import Server, missing


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
