"""Stores: which log is meant, what is no store, locks, permissions, and that who reads leaves no trace."""

import os
import socket
import sqlite3
import time
from contextlib import closing

import pytest

READERS = ("logs", "log", "replay", "homes", "export", "verify")
NODE = ("node_added", "node=new")


def state(folder):
    """Name, bytes and time of change of every file of a folder."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(folder.iterdir())}


@pytest.fixture
def logs(quick, site):
    """Adds named logs to the store of the worked example."""

    def add(*names):
        for name in names:
            quick("append", f"site.db#{name}", "node_added", f"node={name}")

    return add


# --- which log ------------------------------------------------------------------------------------------------------


def test_the_only_log_is_meant(quick, ndjson):
    """Without # a store's only log is meant, whatever its name, for readers and for append."""
    quick("append", "site.db#lab", *NODE)

    assert len(ndjson("log", "site.db")) == 1
    assert b"head 2:" in quick("append", "site.db", "node_added", "node=second").stderr
    assert [row["log"] for row in ndjson("logs", "site.db")] == ["lab"]


def test_default_is_meant_among_several(logs, ndjson, quick):
    """Without # the log named default is meant when there are several."""
    logs("lab")

    assert len(ndjson("log", "site.db")) == 10
    assert b"head 11:" in quick("append", "site.db", *NODE).stderr


def test_a_new_store_gets_a_log_named_default(quick, ndjson):
    """Append without # makes the log default."""
    quick("append", "site.db", *NODE)

    assert [row["log"] for row in ndjson("logs", "site.db")] == ["default"]


@pytest.mark.parametrize("command", ["log", "replay", "homes", "export", "explain"])
def test_which_log(command, quick, refused):
    """Several logs and none named default: exit 2 with the list, for readers."""
    quick("append", "site.db#lab", *NODE)
    quick("append", "site.db#live", *NODE)

    refused(quick(command, "site.db", *(["1"] if command == "explain" else [])), "lab", "live", "site.db#")


def test_which_log_to_append_to(quick, refused, rows, tmp_path):
    """… and for append, which does not guess either."""
    quick("append", "site.db#lab", *NODE)
    quick("append", "site.db#live", *NODE)
    before = rows(tmp_path / "site.db")

    refused(quick("append", "site.db", *NODE), "lab", "live", "site.db#")
    assert rows(tmp_path / "site.db") == before


@pytest.mark.parametrize(("name", "words"), [("lba", "did you mean 'lab'?"), ("zzz", "default, lab")])
def test_a_log_that_is_not_there(name, words, logs, quick, refused):
    """A log that a store does not have: what is near, or the list."""
    logs("lab")

    refused(quick("homes", f"site.db#{name}"), "site.db", f"'{name}'", words)


def test_logs_do_not_mix(quick, logs, ndjson):
    """Every log has versions, nodes and homes of its own."""
    logs("one", "two")
    quick("append", "site.db#one", "node_failed", "node=one")

    assert [event["type"] for event in ndjson("log", "site.db#one")] == ["node_added", "node_failed"]
    assert [event["version"] for event in ndjson("log", "site.db#two")] == [1]
    assert [(row["log"], row["versions"]) for row in ndjson("logs", "site.db")] == [
        ("default", 10),
        ("one", 2),
        ("two", 1),
    ]
    assert quick("verify", "site.db").returncode == 0


@pytest.mark.parametrize("name", ["Köln", "a b", "a.b", "2026-01", "x" * 128])
def test_names_of_logs(name, quick, ndjson):
    """A log may have any name that a thing may have."""
    assert quick("append", f"site.db#{name}", *NODE).returncode == 0
    assert [row["log"] for row in ndjson("logs", "site.db")] == [name]
    assert len(ndjson("log", f"site.db#{name}")) == 1


def test_a_hash_in_the_name_of_a_store(site, quick, ndjson):
    """A file of the whole name is meant if there is one, # or not; the last # splits what is longer."""
    site.rename(site.with_name("a#b.db"))
    quick("append", "a#b.db#lab", *NODE)

    assert len(ndjson("log", "a#b.db")) == 10
    assert len(ndjson("log", "a#b.db#lab")) == 1
    assert [row["log"] for row in ndjson("logs", "a#b.db")] == ["default", "lab"]


def test_a_hash_in_the_name_of_a_bare_file(write, example, quick):
    """A bare file may have a # in its name."""
    write(example, "events#1.ndjson")

    assert quick("export", "events#1.ndjson").stdout == example
    assert quick("append", "new.db", "--from", "events#1.ndjson").returncode == 0


def test_the_name_decides_nothing(write, site, example, quick):
    """Content tells a store from a log file, never the name."""
    write(example, "really.db")
    site.rename(site.with_name("store.ndjson"))

    assert quick("export", "really.db").stdout == example
    assert quick("export", "store.ndjson").stdout == example


def test_a_bare_file_has_no_named_logs(log_file, quick, refused):
    """# after a bare file is an error that says why."""
    refused(quick("log", f"{log_file}#lab"), log_file, "not a store")


def test_a_path_with_special_characters(site, quick):
    """Names that would mean something in a URI are plain file names."""
    for name in ("100% #1?.db", "a&mode=rw.db", "a b;c.db"):
        site.with_name(name).write_bytes(site.read_bytes())

        assert quick("append", name, *NODE).returncode == 0
        assert quick("log", name, "--from-version", "11", "--ndjson").stdout.startswith(b'{"version":11,')


# --- no store, or not a good one ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["logs", "verify"])
@pytest.mark.parametrize("data", [b"hello\n", b"", b'{"type":"node_added","node":"cm1"}\n', b"SQLite format 2\0"])
def test_not_a_store(command, data, write, quick, refused):
    """A file that is no store is called that."""
    refused(quick(command, write(data, "site.db")), "site.db", "not a store")


@pytest.mark.parametrize("data", [b"hello\n", b'{"type":"node_added","node":"cm1"}\n'])
def test_append_overwrites_no_other_file(data, write, quick, refused, tmp_path):
    """Append into a file that is no store leaves that file as it is."""
    refused(quick("append", write(data, "site.db"), *NODE), "site.db", "not a store")
    assert {name: bytes_ for name, (bytes_, _) in state(tmp_path).items()} == {"site.db": data}


@pytest.mark.parametrize("command", [*READERS, "append"])
def test_a_strange_database(command, quick, refused, tamper, tmp_path):
    """Another program's SQLite database is recognised as such and stays as it is."""
    tamper(tmp_path / "site.db", "CREATE TABLE addresses (name TEXT)", "INSERT INTO addresses VALUES ('x')")
    before = state(tmp_path)

    refused(quick(command, "site.db", *(NODE if command == "append" else ())), "site.db", "not a cti-es store")
    assert state(tmp_path) == before


@pytest.mark.parametrize("command", [*READERS, "append"])
def test_a_newer_schema(command, site, quick, refused, tamper, tmp_path):
    """A store of a newer schema is refused by everybody, and not touched."""
    tamper(site, "PRAGMA user_version = 99")
    before = state(tmp_path)

    refused(quick(command, "site.db", *(NODE if command == "append" else ())), "site.db", "99", "newer")
    assert state(tmp_path) == before


@pytest.mark.parametrize("command", ["logs", "log", "replay", "homes", "export", "append"])
@pytest.mark.parametrize("length", [16, 100, 5000, 8192, 20000])
def test_a_store_cut_short(command, length, site, quick, refused):
    """A store whose file was cut short is damaged: exit 2 and a sentence."""
    site.write_bytes(site.read_bytes()[:length])

    refused(quick(command, "site.db", *(NODE if command == "append" else ())), "site.db", "damaged")


@pytest.mark.parametrize("length", [16, 100, 5000, 8192, 20000])
def test_verify_of_a_store_cut_short(length, site, quick):
    """Verify of a file that was cut short does not say that all is well, and shows no traceback."""
    site.write_bytes(site.read_bytes()[:length])
    result = quick("verify", "site.db")

    assert result.returncode in (1, 2)
    assert b"damaged" in result.stdout + result.stderr
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["logs", "log", "replay", "homes", "export", "append"])
def test_a_table_is_missing(command, site, quick, refused, tamper):
    """A store without one of its tables is damaged: exit 2 and a sentence."""
    tamper(site, "DROP TABLE batches")

    refused(quick(command, "site.db", *(NODE if command == "append" else ())), "site.db", "batches")


DAMAGE = {
    # what a few flipped bits make of the events, unnoticed by SQLite: (before, after)
    "no event": (b"node_failed", b"node_fbiled"),
    "no JSON": (b'"call_ended"', b'"call_ended\x02'),
    "no UTF-8": (b"node_failed", b"node_f\xe1iled"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("arguments", [("log",), ("homes",), ("explain", "1"), ("append", *NODE)], ids=" ".join)
def test_flipped_bits(damage, arguments, site, quick):
    """Events of a store that cannot be read any more: exit 2 and a sentence about the store, not a fault of cti-es."""
    site.write_bytes(site.read_bytes().replace(*DAMAGE[damage]))
    command, *rest = arguments
    result = quick(command, "site.db", *rest)
    text = result.stderr.decode()

    assert result.returncode == 2
    assert "site.db" in text
    assert "damaged" in text
    assert "fault of cti-es" not in text


@pytest.mark.parametrize("command", [*READERS, "append"])
def test_what_is_no_file(command, tmp_path, quick, refused):
    """A socket or the like is refused instead of hanging or failing strangely."""
    with closing(socket.socket(socket.AF_UNIX)) as server:
        here = os.getcwd()
        os.chdir(tmp_path)
        try:
            server.bind("site.db")
        finally:
            os.chdir(here)

        refused(quick(command, "site.db", *(NODE if command == "append" else ())), "site.db")


# --- locks ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def locked(site):
    """The store, while another connection is in the middle of writing to it."""
    with closing(sqlite3.connect(site, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield site
        connection.execute("ROLLBACK")


def test_append_waits_and_gives_up(locked, cti_es, refused):
    """A locked store is waited for as long as --wait says, then exit 2 and a sentence with the way out."""
    begin = time.monotonic()
    result = cti_es("append", "site.db", *NODE, "--wait", "200ms")

    refused(result, "site.db", "0.2 s", "--wait")
    assert 0.2 <= time.monotonic() - begin < 10


def test_append_waits_long_enough(site, started, ndjson):
    """A store that is free again in time is appended to."""
    with closing(sqlite3.connect(site, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        append = started("append", "site.db", *NODE, "--wait", "30s")
        time.sleep(0.6)
        connection.execute("COMMIT")

    assert append.end() == 0
    assert len(ndjson("log", "site.db")) == 11


@pytest.mark.parametrize("command", READERS)
def test_a_lock_does_not_stop_readers(command, locked, quick):
    """Somebody who writes does not keep others from reading."""
    assert quick(command, "site.db").returncode == 0


@pytest.mark.parametrize("wait", ["0", "5", "1.5s", "250ms", "2m"])
def test_forms_of_wait(wait, site, quick):
    """--wait takes seconds, or a number with its unit."""
    assert quick("append", "site.db", *NODE, "--wait", wait).returncode == 0


# --- who reads leaves no trace --------------------------------------------------------------------------------------

READING = [
    ("logs", "site.db"),
    ("log", "site.db"),
    ("replay", "site.db"),
    ("replay", "site.db", "--from-version", "9"),
    ("replay", "site.db", "--misfits"),
    ("replay", "site.db", "--digest"),
    ("homes", "site.db", "--as-of", "5"),
    ("export", "site.db"),
    ("explain", "site.db", "3"),
    ("explain", "site.db", "--device", "RP_SALES"),
    ("verify", "site.db"),
    ("log", "site.db#nowhere"),
    ("homes", "site.db", "--as-of", "99"),
]


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_readers_change_nothing(arguments, site, quick, tmp_path):
    """Reading leaves bytes and times of the store and the listing of its folder as they were."""
    before = state(tmp_path)
    quick(*arguments)

    assert state(tmp_path) == before


@pytest.mark.parametrize("arguments", READING[:11], ids=" ".join)
def test_a_store_that_somebody_has_open(arguments, site, quick, tmp_path):
    """A store with a -wal is read with what the -wal holds, and neither of them is changed."""
    with closing(sqlite3.connect(site)) as connection:
        connection.execute("SELECT COUNT(*) FROM batches").fetchone()
        quick("append", "site.db", *NODE)
        before = {name: (site.with_name(name)).read_bytes() for name in ("site.db", "site.db-wal")}
        result = quick(*arguments)

        assert (result.returncode, before["site.db-wal"] != b"") == (0, True)
        assert {name: (site.with_name(name)).read_bytes() for name in before} == before
    assert os.listdir(tmp_path) == ["site.db"]


def test_what_is_in_the_wal_is_read(site, quick, ndjson):
    """An event that another connection's -wal still holds is part of the log."""
    with closing(sqlite3.connect(site)) as connection:
        connection.execute("SELECT COUNT(*) FROM batches").fetchone()
        quick("append", "site.db", *NODE)

        assert [event["version"] for event in ndjson("log", "site.db", "--from-version", "11")] == [11]


def test_a_copy_with_its_wal(site, quick, ndjson, tmp_path):
    """A store that was copied, or left by a crash, together with its -wal is whole."""
    copy = tmp_path / "copy"
    copy.mkdir()
    with closing(sqlite3.connect(site)) as connection:
        connection.execute("SELECT COUNT(*) FROM batches").fetchone()
        quick("append", "site.db", *NODE)
        for name in ("site.db", "site.db-wal"):
            (copy / name).write_bytes(site.with_name(name).read_bytes())

    assert len(ndjson("log", "copy/site.db")) == 11
    assert quick("append", "copy/site.db", "node_added", "node=newer").returncode == 0
    assert os.listdir(copy) == ["site.db"]


@pytest.fixture
def read_only(request, site, obeying, tmp_path):
    """The store in a folder of its own, with the file, the folder or both read-only; options to obey that."""
    folder = tmp_path / "folder"
    folder.mkdir()
    site.rename(folder / "site.db")
    if "file" in request.param:
        (folder / "site.db").chmod(0o444)
    if "folder" in request.param:
        folder.chmod(0o555)
    yield {**obeying, "cwd": folder}
    folder.chmod(0o755)


@pytest.mark.parametrize("read_only", ["file", "folder", "file and folder"], indirect=True)
@pytest.mark.parametrize("command", ["logs", "replay", "verify"])
def test_a_read_only_store_can_be_read(command, read_only, cti_es):
    """A store that must not be written to, or lies in such a folder, can be read, and nothing is left behind."""
    before = state(read_only["cwd"])
    result = cti_es(command, "site.db", **read_only)

    assert result.returncode == 0, result.stderr
    assert state(read_only["cwd"]) == before


@pytest.mark.parametrize("read_only", ["file and folder"], indirect=True)
@pytest.mark.parametrize("command", ["logs", "export", "verify"])
def test_a_read_only_store_behind_a_link(command, read_only, cti_es, tmp_path):
    """A link to a store is the store, also while somebody writes to it: the -wal lies beside the file, not the link."""
    folder = read_only["cwd"]
    (tmp_path / "link.db").symlink_to(folder / "site.db")
    options = {**read_only, "cwd": tmp_path}
    folder.chmod(0o755)
    (folder / "site.db").chmod(0o644)
    with closing(sqlite3.connect(folder / "site.db")) as other:
        other.execute("SELECT COUNT(*) FROM batches").fetchone()  # so that the -wal stays
        assert cti_es("append", "folder/site.db", *NODE, cwd=tmp_path).returncode == 0
        (folder / "site.db").chmod(0o444)
        folder.chmod(0o555)
        found = [cti_es(command, name, **options) for name in ("folder/site.db", "link.db")]

    assert [one.returncode for one in found] == [0, 0], found[1].stderr
    assert found[0].stdout == found[1].stdout
    assert b'"node":"new"' in found[1].stdout + found[1].stderr or command != "export"


@pytest.mark.parametrize("read_only", ["file", "folder", "file and folder"], indirect=True)
def test_a_read_only_store_cannot_be_appended_to(read_only, cti_es, refused):
    """Append to a store that must not be written to: exit 2, a sentence, and nothing left behind."""
    before = state(read_only["cwd"])

    refused(cti_es("append", "site.db", *NODE, **read_only), "site.db", "permission")
    assert state(read_only["cwd"]) == before


@pytest.mark.parametrize("read_only", ["folder"], indirect=True)
@pytest.mark.parametrize("arguments", [("append", "new.db", *NODE), ("log", "site.db", "-o", "new.db")], ids=" ".join)
def test_nothing_can_be_made_in_a_read_only_folder(arguments, read_only, cti_es, refused):
    """A new file in a folder that must not be written to: the error names the file that was asked for, not a draft."""
    text = refused(cti_es(*arguments, **read_only), "new.db")

    assert ".new.db." not in text


@pytest.mark.parametrize("arguments", [("logs", "site.db"), ("replay", "site.db"), ("append", "site.db", *NODE)])
def test_an_unreadable_store(arguments, site, obeying, cti_es, refused):
    """A store that may not even be read: exit 2 and a sentence."""
    site.chmod(0)

    refused(cti_es(*arguments, **obeying), "site.db")


def test_an_unreadable_input(log_file, obeying, cti_es, refused, tmp_path):
    """A file to append from that may not be read: exit 2 and a sentence; no store is made."""
    (tmp_path / log_file).chmod(0)

    refused(cti_es("append", "new.db", "--from", log_file, **obeying), log_file)
    assert os.listdir(tmp_path) == [log_file]
