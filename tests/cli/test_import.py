"""``import``: a constructed outage from files to diff, and everything that files can be instead."""

import gzip
import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import FIXTURES

OUTAGE = FIXTURES / "real" / "constructed-outage"
LOGS = ("cucm-pub.log", "cucm-sub1.log", "cucm-sub2.log", "cdr_StandAloneCluster_02_202603020935_1")
IMPORT = ("import", "site.db", "--nodes", "nodes.csv")


@pytest.fixture
def outage(tmp_path, quick):
    """The constructed outage in the folder of the test, its topology in ``site.db``."""
    shutil.copytree(OUTAGE, tmp_path, dirs_exist_ok=True)
    assert quick("append", "site.db", "--from", "topology.ndjson").returncode == 0
    return tmp_path


def golden(name):
    """What must come out."""
    return (OUTAGE / f"expected-{name}.ndjson").read_bytes()


def test_the_constructed_outage(outage, cti_es):
    """From the files of a cluster to the log, the messages and the first thing that went wrong: as kept beside them."""
    imported = cti_es(*IMPORT, *LOGS, "--ndjson")
    diff = cti_es("diff", "site.db", "cucm-sub2.log", "--ndjson")

    assert (imported.returncode, imported.stdout) == (0, golden("report"))
    assert imported.stderr.startswith(b"appended 17, duplicates 0, misfits 0, head 26:sha256:")
    assert cti_es("export", "site.db").stdout == golden("log")
    assert cti_es("replay", "site.db", "--ndjson").stdout == golden("messages")
    assert (diff.returncode, diff.stdout) == (1, golden("diff"))
    assert cti_es("verify", "site.db").returncode == 0


def test_the_diff_says_what_was_compared(outage, quick):
    """The report counts messages without reason, and what the alarms cannot tell."""
    quick(*IMPORT, *LOGS)
    text = " ".join(quick("diff", "site.db", "cucm-sub2.log").stdout.decode().split())

    assert "9 messages compared without a reason" in text
    assert "6 LINE_LINEDEVSTATE of a state that a trace cannot tell, 6 CtiLineInService" in text
    assert "missing in CTIP_IVR_01/5002 of ivr" in text


def test_lint_of_alarms(outage, quick):
    """The phone messages of a CUCM log take turns; lines, which it tells only by halves, are left alone."""
    assert quick("lint", "cucm-sub2.log").stdout == b""
    lines = (outage / "cucm-sub2.log").read_text().splitlines(keepends=True)
    (outage / "less.log").write_text("".join(line for line in lines if "CtiDeviceInService" not in line))
    result = quick("lint", "less.log")

    assert result.returncode == 1
    assert b"told to be out of service twice in a row" in result.stdout


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_standard_input(packed, outage, cti_es):
    """What comes by a pipe is a file like any other, packed or not; it has no name, so the report gives it one."""
    piped = packed((outage / "cucm-sub2.log").read_bytes())
    result = cti_es(*IMPORT, LOGS[0], LOGS[1], "-", LOGS[3], input=piped)

    assert result.returncode == 0, result.stderr
    assert b"<stdin>:9" in result.stdout
    assert cti_es("export", "site.db").stdout == golden("log")


def test_lines_of_other_programs(outage, quick, write):
    """A file of a syslog server has lines of others, perhaps many of them first."""
    other = b"Mar  2 09:00:00 web1 sshd[1]: session opened for user root\n" * 10_000
    write(other + (outage / "cucm-sub1.log").read_bytes(), "messages")
    result = quick(*IMPORT, "messages", "--ndjson")

    skipped = next(json.loads(row) for row in result.stdout.splitlines() if b"no_log_line" in row)
    assert (skipped["count"], skipped["first"]) == (10_000, "messages:1")
    assert b"appended 2," in result.stderr


def test_again_in_any_order(outage, quick):
    """The same files again, in another order or one alone, and packed: nothing changes."""
    quick(*IMPORT, *LOGS)
    before = quick("export", "site.db").stdout
    (outage / "packed").write_bytes(gzip.compress((outage / LOGS[2]).read_bytes()))

    for files in (LOGS, LOGS[::-1], LOGS[:1], LOGS[1:2], ("packed",), ("packed", *LOGS)):
        result = quick(*IMPORT, *files)
        assert result.stderr.startswith(b"appended 0, "), result.stderr
    assert quick("export", "site.db").stdout == before == golden("log")


def test_dry_run(outage, quick):
    """The events are printed, the report goes to standard error, the store keeps its bytes."""
    before = (outage / "site.db").read_bytes()
    result = quick(*IMPORT, *LOGS, "--dry-run")

    assert result.returncode == 0
    assert result.stdout == b"".join(golden("log").splitlines(keepends=True)[9:])
    assert b"would have appended 17" in result.stderr
    assert b"merged" in result.stderr
    assert (outage / "site.db").read_bytes() == before


def test_the_report_in_other_forms(outage, quick):
    """Text, CSV and a file."""
    text = quick(*IMPORT, *LOGS).stdout.decode()
    quick(*IMPORT, *LOGS, "--format", "csv", "-o", "report.csv")

    assert text.splitlines()[0].split() == ["KIND", "NAME", "COUNT", "FIRST", "TEXT"]
    assert "cut off inside its parameters" in text
    assert (outage / "report.csv").read_text().startswith("kind,name,count,first,text\nread,cucm-pub.log,6,,syslog\n")


def test_numbers_and_addresses_need_no_file_of_nodes(outage, quick, write):
    """Where nodes are called like their hosts, numbers are learnt from the log."""
    write(
        (outage / "topology.ndjson").read_text().replace('"pub"', '"cucm-pub"').replace('"sub', '"cucm-sub'), "t.ndjson"
    )
    quick("append", "other.db", "--from", "t.ndjson")
    link = (
        "50: cucm-sub1: Mar 02 2026 09:40:00.000 UTC : %UC_CALLMANAGER-5-SDLLinkISV: %[RemoteIPAddress=10.20.0.11]"
        "[LinkID=1][LocalNodeId=2][RemoteNodeID=1][RemoteApplicationID=100][NodeID=cucm-sub1]: restored\n"
    )
    write(link, "learn.log")

    assert quick("import", "other.db", *LOGS, "learn.log").stderr.startswith(b"appended 17, ")


def test_without_names_of_nodes(outage, quick, refused):
    """Nodes that nobody can name are not guessed: their outages are not lost without a word."""
    before = (outage / "site.db").read_bytes()

    refused(quick("import", "site.db", *LOGS), "9 failures or recoveries would be lost", "the node 'number 2' in 6 lines from cucm-pub.log:2",
            "'host cucm-sub1' in 3 lines from cucm-sub1.log:1", "nothing was stored", "--nodes says", "--allow-unknown")  # fmt: skip
    assert (outage / "site.db").read_bytes() == before

    printed = quick("import", "site.db", *LOGS, "--ndjson", "--allow-unknown").stdout
    rows = [json.loads(line) for line in printed.splitlines()]
    assert {"skipped unknown_node", "unknown number 2"} <= {f"{row['kind']} {row['name']}" for row in rows}
    assert not [row for row in rows if row["kind"] == "appended" and row["name"].startswith("node")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_encodings_with_a_mark(outage, quick, encoding):
    """UTF-16 and UTF-8 with a byte-order mark are read."""
    for name in LOGS:
        (outage / name).write_text((outage / name).read_text(), encoding)
    assert quick(*IMPORT, *LOGS).stderr.startswith(b"appended 17, ")


def test_other_encodings(outage, quick):
    """A description in Latin-1 takes no event away: the line is read, and the log is what it would be."""
    (outage / LOGS[2]).write_bytes(
        (outage / LOGS[2]).read_bytes().replace(b"[Description=Front desk]", b"[Description=B\xfcro]")
    )
    result = quick(*IMPORT, *LOGS)

    assert b"not UTF-8" not in result.stdout
    assert result.stderr.startswith(b"appended 17, ")


REFUSALS = {
    "broken gzip": ("x.gz", gzip.compress(b"x" * 9_000)[:30], ["x.gz: broken gzip"]),
    "broken gzip head": ("x.gz", b"\x1f\x8bxxxxxxxxxxxxxxxx", ["x.gz: broken gzip"]),
    "a CDR with a renamed column": (
        "x.csv",
        b"cdrRecordType,callId\n",
        ["x.csv:1: no column 'globalCallID_callManagerId'"],
    ),
    "a CDR without its first column": ("x.csv", b"type,globalCallID_callId\n", ["x.csv:1: no column 'cdrRecordType'"]),
    "a long line": ("x.log", b"x" * 2_000_000, ["x.log:1: a line over 1 MiB"]),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_files_that_are_refused(name, outage, quick, refused, write):
    """A file that cannot be imported refuses the whole import: what is wrong, and where."""
    file, data, words = REFUSALS[name]
    write(data, file)
    before = (outage / "site.db").read_bytes()

    refused(quick(*IMPORT, *LOGS, file), *words)
    assert (outage / "site.db").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("import", "no.db", "cucm-pub.log"), ["no.db: no such store", "append the topology first"]),
        (("import", "nodes.csv", "cucm-pub.log"), ["nodes.csv: not a store"]),
        (("import", ".", "cucm-pub.log"), [".: a folder"]),
        (("import", "site.db", "cucm-pb.log"), ["cucm-pb.log: no such file", "did you mean 'cucm-pub.log'?"]),
        (("import", "site.db", "site.db"), ["site.db: a store"]),
        (("import", "site.db#new", "cucm-pub.log"), ["the log 'new' has no nodes yet"]),
        (("import", "site.db"), ["FILE is missing"]),
        (("import", "site.db", "empty"), ["no file in the folders and archives that were named"]),
        (("import", "site.db", "cucm-pub.log", "--nodes", "x.csv"), ["x.csv: no such file"]),
        (("import", "site.db", "cucm-pub.log", "--nodes", "site.db"), ["site.db: a binary file; expected CSV"]),
        (("import", "site.db", "cucm-pub.log", "--nodes", "topology.ndjson"), ["topology.ndjson:1: the column"]),
        (("import", "site.db", "cucm-pub.log", "--stamp-tz", "IST"), ["no time zone 'IST'; expected Z, an offset"]),
        (("import", "site.db", "cucm-pub.log", "--date", "2026-02-30"), ["'2026-02-30' is no day"]),
        (("import", "site.db", "cucm-pub.log", "--year", "26"), ["--year: '26'; expected a whole number from 19"]),
    ],
)
def test_usage(arguments, words, outage, quick, refused):
    """Mistakes of usage, each with the way out."""
    (outage / "empty").mkdir()
    refused(quick(*arguments), *words)


NOTHING = {
    "empty": ("x.log", b"", "nothing in it"),
    "blank": ("x.log", b"\n \n", "nothing in it"),
    "packed and empty": ("x.gz", gzip.compress(b""), "nothing in it"),
    "UTF-16 without a mark": ("x.log", "SDLLinkOOS\n".encode("utf-16-le"), "is it UTF-16 without a byte-order mark?"),
    "no log": ("x.log", b"hello\nworld\n", "no line of a CUCM log"),
    "nodes": ("nodes.csv", b"node,number\ncm1,1\n", "--nodes FILE reads it"),
    "events": ("x.ndjson", b'{"type":"node_added","node":"cm1"}\n', "--with FILE reads them, append stores them"),
    "a trace": ("x.log", b'{"message":"LINE_CLOSE"}\n', "no line of a CUCM log"),
    **{
        name: (name, (FIXTURES / "real" / "cases" / name).read_bytes(), words)
        for name, words in {
            "event-viewer-block.log": "blocks of the Windows event viewer",
            "event-viewer-transient.txt": "blocks of the Windows event viewer",
            "audit-daemon.log": "the audit log of a node's operating system",
            "cmr.csv": "CMR, the quality of calls",
            "cdr-without-header.csv": "rows of a CDR file without its header",
            "cisco-jtapi.log": "a log of CiscoJtapi (%JTAPI), not of CUCM",
            "uccx-mivr.log": "a log of Unified CCX, its engine MIVR (%MIVR), not of CUCM",
            "topology.ndjson": "events of a log",
        }.items()
    },
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_file_with_nothing_for_an_import(name, outage, quick, refused, write):
    """Alone it is refused with what it is; beside others it is read, counted, reported, and the others are imported."""
    file, data, words = NOTHING[name]
    write(data, f"nothing-{file}")
    refused(quick(*IMPORT, f"nothing-{file}"), f"nothing-{file}: ", words)
    result = quick(*IMPORT, LOGS[0], f"nothing-{file}", *LOGS[1:], "--ndjson")
    rows = [json.loads(line) for line in result.stdout.splitlines()]

    assert quick("export", "site.db").stdout == golden("log")
    [row] = [row for row in rows if row["kind"] == "ignored"]
    assert (row["name"], words in row["text"]) == (f"nothing-{file}", True)
    assert row not in [json.loads(line) for line in golden("report").splitlines()]


@pytest.mark.parametrize("form", ["folder", "zip", "gztar", "pattern"])
def test_all_that_a_tool_has_collected(form, outage, quick):
    """A folder, an archive or a pattern in the place of the files: the same log, and what is no log is named."""
    collected = outage / "collected"
    (collected / "sub2").mkdir(parents=True)
    for name, folder in zip(LOGS, (".", ".", "sub2", "."), strict=True):
        shutil.copy(outage / name, collected / folder)
    (collected / "notes.txt").write_bytes(b"x" * 2_000_000)
    (collected / "empty").touch()
    shutil.copy(outage / "site.db", collected)
    given = ["collected"] if form == "folder" else ["collected/cucm-*", "collected/cdr_*", "collected/sub2"]
    if form in ("zip", "gztar"):
        given = [os.path.basename(shutil.make_archive(str(outage / "logs"), form, collected))]
    result = quick(*IMPORT, *given, "--ndjson")
    ignored = {row["text"] for row in map(json.loads, result.stdout.splitlines()) if row["kind"] == "ignored"}

    assert quick("export", "site.db").stdout == golden("log"), result.stderr
    assert form == "pattern" or ignored == {"a line over 1 MiB", "nothing in it", "a SQLite database"}


def test_events_beside_the_logs(outage, quick, refused, write):
    """A recovery that no line tells of comes with the logs; afterwards it is too old, and the error says how to start over."""
    write(
        '{"type":"node_recovered","node":"sub1","scope":"call_manager","at":"2026-03-02T09:30:00Z"}\n', "extra.ndjson"
    )
    files = ("cucm-sub1.log", "--allow-unknown")
    lines = (outage / "cucm-sub1.log").read_text().splitlines(keepends=True)
    (outage / "cucm-sub1.log").write_text("".join(line for line in lines if "ServiceFailed" in line))
    result = quick(*IMPORT, *files, "--with", "extra.ndjson", "--ndjson")

    assert result.stderr.startswith(b"appended 2, ")
    assert b"unrecovered" not in result.stdout
    refused(quick(*IMPORT, "cucm-pub.log", "cucm-sub2.log"), "is older than the end of the log",
            "cti-es export 'site.db#default' --to-version 9 | cti-es append new.db --from -")  # fmt: skip
    refused(quick(*IMPORT, *files, "--with", "no.ndjson"), "no.ndjson: no such file")


def test_a_broken_file_in_a_folder(outage, quick, write):
    """Nobody has named it, so the others are imported; that it was not read is a warning, not only a row of many."""
    (outage / "logs").mkdir()
    write((outage / "cucm-sub2.log").read_bytes(), "logs/cucm-sub2.log")
    write(gzip.compress((outage / "cucm-pub.log").read_bytes())[:200], "logs/cucm-pub.log.gz")
    done = quick(*IMPORT, "logs")

    assert done.returncode == 0
    assert b"warning: logs/cucm-pub.log.gz was not read: broken gzip: it is cut short" in done.stderr


def test_a_program_is_no_utf16(outage, quick, refused, write):
    """Zero bytes alone are no reason to ask for another encoding."""
    write(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00\x01\n", "program")

    assert "UTF-16" not in refused(quick(*IMPORT, "program"), "program: no line of a CUCM log in it; expected")


def test_nothing_in_several_files(outage, quick, refused, write):
    """When no file has anything, each is named."""
    write(b"", "a.log")
    write(b"hello", "b.log")

    refused(
        quick(*IMPORT, "a.log", "b.log"), "none of these files", "a.log: nothing in it; b.log: no line of a CUCM log"
    )


def test_names_never_steer_a_terminal(outage, quick, write):
    """Escape sequences in a line reach neither the terminal raw nor the log."""
    line = (outage / "cucm-sub2.log").read_text().splitlines()[0].replace("LoginUserId=ivr", "LoginUserId=\x1b[31mivr")
    write(line.replace("\x1b[", "\x1b") + "\n", "x.log")
    result = quick("import", "site.db", "x.log")

    assert b"bad_name" in result.stdout
    assert b"\x1b" not in result.stdout + result.stderr

    write(
        line.replace("LoginUserId=\x1b[31mivr", "DeviceName=\x1bX").replace("CtiProviderOpened", "CtiDeviceOpened"),
        "y.log",
    )
    write((outage / "cucm-pub.log").read_text().replace(" UTC :", " \x1bX :"), "z.log")
    for result in (quick("import", "site.db", "y.log"), quick("import", "site.db", "z.log")):
        assert b"X" in result.stdout + result.stderr
        assert b"\x1b" not in result.stdout + result.stderr


def test_old_lines_and_sdl_traces(outage, quick, refused, write):
    """What a line leaves out is given: the year of an old log, the date and zone of an SDL trace."""
    old = "Mar 02 16:00:00.000 IST :  %CCM_CALLMANAGER-CALLMANAGER-3-DeviceUnregistered: Device unregistered. Device name.:SEP001122334455 Reason Code [Optional].:13 App ID:Cisco CallManager Cluster ID: Node ID:cucm-sub1\n"
    sdl = "1.1 |11:35:00.000 |AlarmErr |AlarmClass: CallManager, AlarmName: EndPointRegistered, AlarmSeverity: Info, AlarmMessage: , AlarmDescription: x, AlarmParameters: DeviceName:SEP001122334455, NodeID:cucm-sub1,\n"
    write(old, "old.log")
    write(sdl, "sdl.txt")
    options = ("--year", "2026", "--stamp-tz", "IST=+05:30", "--date", "2026-03-02", "--stamp-tz", "+01:00")

    refused(
        quick(*IMPORT, "old.log"), "a failure or recovery would be lost: no year in 1 line from old.log:1", "--year"
    )
    refused(quick(*IMPORT, "sdl.txt"), "no day in 1 line from sdl.txt:1", "--date")
    refused(quick(*IMPORT, "old.log", "--year", "2026"), "the zone 'IST' in 1 line from old.log:1", "--stamp-tz")
    assert b"no_year" in quick(*IMPORT, "old.log", "--allow-unknown").stdout
    assert quick(*IMPORT, "old.log", "sdl.txt", *options).stderr.startswith(b"appended 2, ")
    times = [json.loads(line)["at"] for line in quick("export", "site.db").stdout.splitlines()[-2:]]
    assert times == ["2026-03-02T10:30:00Z", "2026-03-02T10:35:00Z"]


def test_an_sdl_trace_with_few_alarms(outage, quick, write):
    """A trace is recognised by its stamps, however far its first alarm is."""
    line = (
        "1.1 |11:35:00.000 |SdlSig   |Start |initialized |ProcessManager(1,100,1,1) |x |[R:N-H:0,N:1,L:0,V:0,Z:0,D:0]\n"
    )
    write(line * 20_000, "sdl.txt")
    result = quick(*IMPORT, "sdl.txt", "--date", "2026-03-02", "--ndjson")

    assert (result.returncode, result.stderr[:12]) == (0, b"appended 0, ")
    assert b'"name":"no_alarm","count":20000,"first":"sdl.txt:1"' in result.stdout


def test_blocks_of_zeros(outage, quick, write):
    """What a crash leaves in a log is one line that is none; the lines around it count."""
    lines = (outage / "cucm-sub1.log").read_bytes()
    write(b"\0" * 4_096 + b"\n" + lines, "x.log")
    result = quick(*IMPORT, "x.log", "--ndjson")

    assert b'"name":"no_log_line","count":1,"first":"x.log:1"' in result.stdout
    assert b"appended 2," in result.stderr


@pytest.mark.parametrize("arguments", [("cucm-pub.log",), ("cucm-sub1.log", "--nodes", "nodes.csv")])
def test_what_is_read_is_not_overwritten(arguments, outage, quick, refused):
    """``-o *.log``, as the shell writes it out: the first file would be the report, and the customer's log gone."""
    target = outage / arguments[-1]
    before = target.read_bytes()

    refused(quick("import", "site.db", "-o", str(target), *arguments), "this file is read by the same command")
    assert target.read_bytes() == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, which only Linux has")
def test_a_report_that_cannot_be_written(outage, quick):
    """What was imported stays, and that is said."""
    result = quick(*IMPORT, *LOGS, "-o", "/dev/full")

    assert result.returncode == 2
    assert result.stderr.startswith(b"appended 17, ")
    assert b"but the report could not be written" in result.stderr
    assert quick("export", "site.db").stdout == golden("log")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names of files")
def test_a_name_that_is_no_text(outage, cti_es):
    """The name of a file may be any bytes; it is shown with escapes."""
    name = os.fsdecode(b"caf\xe9.log")
    shutil.copy(outage / "cucm-sub1.log", outage / name)
    result = cti_es(*IMPORT, name, "--ndjson")

    assert result.returncode == 0, result.stderr
    assert b'"name":"caf\\udce9.log"' in result.stdout.replace(b"\\\\", b"\\")


def test_a_device_that_was_added_late(outage, quick, refused):
    """What is appended by hand without a time is younger than every line of the cluster: the error names it."""
    assert quick("append", "site.db", "device_added", "device=N", "kind=phone").returncode == 0
    found = refused(quick(*IMPORT, *LOGS), "is older than the end of the log, and not in it", "(10, device_added at 2")
    assert "what is appended by hand" in found


def test_no_nodes_yet(outage, quick, refused):
    """A file of nodes for a log without any: that is what is wrong, not the file."""
    refused(quick("import", "site.db#new", "--nodes", "nodes.csv", LOGS[0]), "the log 'new' has no nodes yet")


def test_a_closed_pipe(outage, cti_es):
    """Whoever reads only the head of the report still gets the import."""
    command = f"{sys.executable} -m cti_es_cli {' '.join(IMPORT)} {' '.join(LOGS)} | head -n 1"
    done = subprocess.run(["sh", "-c", command], cwd=outage, capture_output=True)

    assert done.stdout.startswith(b"KIND")
    assert b"Traceback" not in done.stderr
    assert cti_es("export", "site.db").stdout == golden("log")


# --- the topology in the cluster's own words ------------------------------------------------------------------------

SESSION = FIXTURES / "real" / "topology" / "session.txt"


def test_tables_and_logs_make_a_store(outage, quick):
    """With tables of the topology the store need not be there; from standard input, too. --dry-run makes none."""
    (outage / "session.txt").write_bytes(SESSION.read_bytes())
    dry = quick("import", "new.db", "--dry-run", "cucm-sub1.log", "session.txt")
    assert dry.stdout.startswith(
        b'{"type":"node_added","node":"cucm-pub.example.com","at":"2026-03-02T09:15:00.120000Z"}'
    )
    assert not (outage / "new.db").exists()

    assert quick("import", "new.db", "cucm-sub1.log", "session.txt").returncode == 0
    assert quick("import", "piped.db", "cucm-sub1.log", "-", input=SESSION.read_bytes()).returncode == 0
    assert quick("log", "new.db", "--ndjson").stdout == quick("log", "piped.db", "--ndjson").stdout
    assert (
        b"appended 0, duplicates 0" in quick("import", "new.db", "session.txt", "--at", "2026-03-02T10:00:00Z").stderr
    )


def test_options_of_the_topology(outage, quick, refused):
    """--at is since when it has been so; --update-lines changes lines; --only-controlled needs a table that says who may."""
    lines = SESSION.read_text().replace("CTIP_IVR_01     5002", "CTIP_IVR_01     5003")
    (outage / "later.txt").write_text(lines)
    quick("import", "new.db", str(SESSION), "--at", "2026-03-01T00:00:00Z")
    report = quick("import", "new.db", "later.txt", "--ndjson").stdout
    assert b'"kind":"changed","name":"CTIP_IVR_01"' in report
    quick("import", "new.db", "later.txt", "--update-lines", "--at", "2026-03-01T01:00:00Z")

    last = quick("log", "new.db", "--ndjson").stdout.splitlines()[-1]
    assert last == (
        b'{"version":7,"type":"lines_changed","device":"CTIP_IVR_01","added":["5003"],"removed":["5002"],"at":"2026-03-01T01:00:00Z"}'
    )
    refused(quick("import", "new.db", "later.txt", "--only-controlled"), "no table says who may control which device")


def test_a_cti_remote_device(quick, refused):
    """An unknown kind says which to take; as a phone the log conforms with what the guide prints."""
    cases = str(FIXTURES / "real" / "cases" / "remote-device")

    refused(quick("append", "site.db", "--from", f"{cases}.ndjson"), "soft phones) is a phone")
    done = quick("diff", f"{cases}-as-phone.ndjson", f"{cases}-trace.txt")
    assert (done.returncode, b"CONFORMS: 2 of 2" in done.stdout) == (0, True)
