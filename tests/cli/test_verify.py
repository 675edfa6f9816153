"""``verify``: a good store is called good, and every change behind the back of cti-es is a fault with its place."""

import json
import sqlite3
from contextlib import closing

import pytest


@pytest.fixture
def head(site, ndjson):
    """The head of the worked example's log."""
    return ndjson("logs", "site.db")[0]["head"]


def test_a_good_store(site, quick, head):
    """Nothing wrong: exit 0, no rows, and each log with its head on standard error."""
    quick("append", "site.db#lab", "node_added", "node=cm1")
    result = quick("verify", "site.db")

    assert (result.returncode, result.stdout) == (0, b"")
    assert head in result.stderr.decode()
    assert "lab" in result.stderr.decode()


def test_a_long_store(busy, quick):
    """A store of several rows with snapshots and ids is good as append leaves it."""
    quick("append", "busy.db", "node_added", "node=x", "id=1")

    assert quick("verify", "busy.db").returncode == 0


TAMPERINGS = {
    # what is done to the store: (log, version of the fault, a word of it)
    "an event is changed": (
        "UPDATE batches SET events = replace(events, 'RP_SALES', 'RP_SALEZ') WHERE log = 'default' AND version = 1",
        ("default", 1, "hash"),
    ),
    "a later event is changed": (
        "UPDATE batches SET events = replace(events, 'cm4', 'cm9') WHERE log = 'default' AND version = 11",
        ("default", 11, "hash"),
    ),
    "a hash is changed": (
        "UPDATE batches SET hash = replace(hash, substr(hash, 1, 8), '00000000') WHERE log = 'default' AND version = 1",
        ("default", 1, "hash"),
    ),
    "the source is changed": ("UPDATE batches SET source = 'me' WHERE log = 'lab'", ("lab", 1, "hash")),
    "the time of recording is changed": (
        "UPDATE batches SET recorded_at = '2020-01-01T00:00:00Z' WHERE log = 'lab'",
        ("lab", 1, "hash"),
    ),
    "a row in the middle is gone": ("DELETE FROM batches WHERE log = 'default' AND version = 11", ("default", 12, "")),
    "the first row is gone": ("DELETE FROM batches WHERE log = 'default' AND version = 1", ("default", 11, "")),
    "an event is no event": (
        "UPDATE batches SET events = replace(events, 'node_failed', 'node_fbiled') WHERE version = 1 AND log = 'default'",
        ("default", 1, ""),
    ),
    "an id is gone": ("DELETE FROM ids", ("default", None, "id")),
}


@pytest.fixture
def history(site, quick):
    """The store of the worked example with two more events, one of them with an id, and a second log."""
    quick("append", "site.db", "node_added", "node=cm4")
    quick("append", "site.db", "node_added", "node=cm5", "id=x")
    quick("append", "site.db#lab", "node_added", "node=cm1")
    return site


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering(name, history, quick, ndjson, tamper):
    """What was done to a log behind our back, triggers put back in place, is a fault with log and version: exit 1."""
    statement, (log, version, word) = TAMPERINGS[name]
    with_triggers_away(history, tamper, statement)
    result = quick("verify", "site.db")
    faults = ndjson_of(quick("verify", "site.db", "--ndjson"))

    assert result.returncode == 1
    assert [
        fault
        for fault in faults
        if fault["log"] == log and (version is None or fault["version"] == version) and word in fault["fault"]
    ], faults


def ndjson_of(result):
    """The rows of a run of verify, which may exit with 1."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def with_triggers_away(path, tamper, statement):
    """Change a store as somebody would who knows how: without its triggers, which are put back afterwards."""
    with closing(sqlite3.connect(path)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    tamper(path, *[f"DROP TRIGGER {name}" for name, _ in triggers], statement, *[sql for _, sql in triggers])


def test_a_flipped_bit(site, quick):
    """One bit of a stored event, flipped in the file, which SQLite does not notice, is a fault of its row."""
    data = bytearray(site.read_bytes())
    data[data.index(b"CTIP_IVR_01")] ^= 1
    site.write_bytes(data)
    result = quick("verify", "site.db")

    assert result.returncode == 1
    assert b"default" in result.stdout
    assert b"hash" in result.stdout


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("DROP TRIGGER batches_no_update", "batches_no_update"),
        ("DROP TRIGGER batches_no_delete", "batches_no_delete"),
        ("DROP TRIGGER batches_continue", "batches_continue"),
        ("DROP VIEW events", "events"),
        ("CREATE TRIGGER mine AFTER INSERT ON batches BEGIN SELECT 1; END", "mine"),
    ],
)
def test_the_schema(statement, name, site, quick, tamper):
    """A trigger or view that is missing, or one too many, is a fault by its name: exit 1."""
    tamper(site, statement)
    result = quick("verify", "site.db")

    assert result.returncode == 1
    assert name.encode() in result.stdout
    assert quick("verify", "site.db", "--format", "csv").stdout.count(b"\n") == 2


def test_a_trigger_with_its_teeth_pulled(site, quick, tamper):
    """A trigger of the right name that does nothing is a fault."""
    tamper(
        site,
        "DROP TRIGGER batches_no_delete",
        "CREATE TRIGGER batches_no_delete BEFORE DELETE ON batches BEGIN SELECT 1; END",
    )

    assert quick("verify", "site.db").returncode == 1


def test_a_kept_head_that_is_still_there(history, quick, head):
    """--head with the head of today is fine, and so are those of yesterday: the log has grown since."""
    assert quick("verify", "site.db", "--head", f"default={head}").returncode == 0


def test_heads_of_several_logs(history, quick, ndjson):
    """--head can be given for each log."""
    heads = [f"--head={row['log']}={row['head']}" for row in ndjson("logs", "site.db")]

    assert len(heads) == 2
    assert quick("verify", "site.db", *heads).returncode == 0


def test_a_tail_that_was_cut_off(history, quick, ndjson, tamper):
    """A cut tail cannot be seen in the file, only with a head that was kept elsewhere: exit 1 with log and version."""
    kept = next(row["head"] for row in ndjson("logs", "site.db") if row["log"] == "default")
    for statement in (
        "DELETE FROM batches WHERE log = 'lab'",
        "DELETE FROM batches WHERE version = 12",
        "DELETE FROM ids",
    ):
        with_triggers_away(history, tamper, statement)
    result = quick("verify", "site.db", "--head", f"default={kept}")

    assert quick("verify", "site.db").returncode == 0
    assert result.returncode == 1
    assert ndjson_of(quick("verify", "site.db", "--head", f"default={kept}", "--ndjson"))[0]["log"] == "default"
    assert b"cut off" in result.stdout
    assert b"12" in result.stdout


@pytest.mark.parametrize(
    "head",
    ["default=10:sha256:" + "0" * 64, "default=3:sha256:" + "0" * 64, "defalt=1:sha256:" + "0" * 64],
)
def test_a_head_of_another_log(head, site, quick):
    """A head that is not on the log, or of a log that is not there, is a fault."""
    result = quick("verify", "site.db", "--head", head)

    assert result.returncode == 1
    assert head.split("=")[0].encode() in result.stdout


def test_the_head_of_an_empty_log(site, quick):
    """The head that append reports when a log is empty, 0:sha256:, is the beginning of every log."""
    report = quick("append", "new.db", "--from", "-").stderr.decode()
    head = report.split("head ")[1].strip()

    assert head == "0:sha256:"
    assert quick("verify", "site.db", "--head", f"default={head}").returncode == 0


@pytest.mark.parametrize(
    "head",
    [
        "",
        "default",
        "default=",
        "=10:sha256:" + "0" * 64,
        "default=10",
        "default=x:sha256:" + "0" * 64,
        "default=-1:sha256:" + "0" * 64,
        "default=10:sha256:" + "0" * 63,
        "default=10:sha256:" + "A" * 64,
        "default=10:sha256:",
        "default=10:md5:" + "0" * 64,
        "default=" + "9" * 40 + ":sha256:" + "0" * 64,
    ],
)
def test_a_malformed_head(head, site, quick, refused):
    """What is no head is a usage error, exit 2, not a fault of the store."""
    refused(quick("verify", "site.db", "--head", head), "--head", "VERSION:sha256:")


def test_the_help_says_what_a_chain_cannot_do(quick):
    """The documentation says that a cut tail needs a head that was kept elsewhere."""
    assert "cut off" in quick("verify", "--help").stdout.decode()


def test_a_damaged_snapshot(busy, quick, tamper):
    """A snapshot that was tampered with is a fault; what is printed does not depend on it."""
    homes = quick("homes", "busy.db").stdout
    tamper(busy, "UPDATE snapshots SET state = x'00'")

    assert quick("verify", "busy.db").returncode == 1
    assert quick("homes", "busy.db").stdout == homes


# --- heads in a file ------------------------------------------------------------------------------------------------


def test_the_heads_that_logs_printed(quick, site, write):
    """What logs --ndjson printed once is kept, and verify checks each log of it, from a file or standard input."""
    for log in ("lab", "east"):
        quick("append", f"site.db#{log}", "node_added", "node=n1")
    kept = quick("logs", "site.db", "--ndjson").stdout
    file = write(kept, "heads.ndjson")

    assert quick("verify", "site.db", "--heads", file).returncode == 0
    assert quick("verify", "site.db", "--heads", "-", input=kept).returncode == 0


def test_a_log_that_is_not_as_the_heads_say(quick, site, write, tmp_path):
    """A log that was cut off, and one that is gone, are a fault each, the second with what is near."""
    quick("append", "site.db#lab", "node_added", "node=n1")
    file = write(quick("logs", "site.db", "--ndjson").stdout.replace(b'"lab"', b'"lap"'), "heads.ndjson")
    cut = quick("export", "site.db#default", "--to-version", "9").stdout
    quick("append", "cut.db", "--from", "-", input=cut)
    quick("append", "cut.db#lab", "node_added", "node=n1")
    ran = quick("verify", "cut.db", "--heads", file)

    assert ran.returncode == 1
    assert b"the log is not there" in ran.stdout
    assert b"did you mean 'lab'?" in ran.stdout
    assert b"default  10       the end of the log was cut off" in ran.stdout


def test_a_head_of_the_command_line_goes_before_the_file(quick, site, write):
    """--head says of its log what counts; the other logs are as the file has them."""
    file = write('{"log":"default","head":"3:sha256:' + "0" * 64 + '"}', "heads.ndjson")
    head = json.loads(quick("logs", "site.db", "--ndjson").stdout)["head"]

    assert quick("verify", "site.db", "--heads", file).returncode == 1
    assert quick("verify", "site.db", "--heads", file, "--head", f"default={head}").returncode == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no head in it"),
        ("\n\n", "no head in it"),
        ('{"log":"a"}', "heads.ndjson:1: not a head"),
        ('\n{"log":"a","head":"x"}', "heads.ndjson:2: $.head: 'x' is not a head"),
        ("default 10:sha256:00", "heads.ndjson:1: not a head"),
    ],
)
def test_a_file_of_no_heads(quick, refused, site, write, text, said):
    """What logs did not print is refused with its line; an empty file is no file of heads."""
    refused(quick("verify", "site.db", "--heads", write(text, "heads.ndjson")), said)


def test_a_file_of_heads_that_is_not_there(quick, refused, site, write):
    """A missing file is named, with what is near."""
    write("x", "heads.ndjson")
    refused(quick("verify", "site.db", "--heads", "head.ndjson"), "no such file", "did you mean 'heads.ndjson'?")
