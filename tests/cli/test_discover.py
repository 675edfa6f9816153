"""discover: what it prints, and the files that it writes."""

import pytest

LINE = b"1: cm1: Mar 02 2026 09:15:00.120 UTC :  %UC_CTI-6-CtiDeviceOpened: %[CTIconnectionId=7][DeviceName=P][AppID=x][NodeID=cm1]: t\n"


def test_a_skeleton_that_append_refuses(tmp_path, quick, refused):
    """-o writes two files, says how much is unknown, and does not overwrite them; append names the line of the first ?."""
    (tmp_path / "cm1.log").write_bytes(LINE)
    done = quick("discover", "cm1.log", "-o", "a/cluster")

    assert done.returncode == 0
    assert b"wrote a/cluster/topology.ndjson: 3 unknown" in done.stderr
    refused(quick("append", "site.db", "--from", "a/cluster/topology.ndjson"), "topology.ndjson:3: $.kind", "'?'")
    refused(quick("discover", "cm1.log", "-o", "a/cluster"), "a/cluster/topology.ndjson: there is such a file")


def test_queries_and_nothing_else(quick):
    """Each line is a command."""
    lines = quick("discover", "--queries", "--app", "ivr").stdout.splitlines()

    assert len(lines) == 5
    assert all(line.startswith(b"run sql select ") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["give files of a cluster, or --queries"]),
        (["--queries", "cm1.log"], ["--queries reads no files"]),
        (["cm1.log", "--app", "ivr"], ["--app goes with --queries"]),
        (["nothing.log"], ["nothing.log: no such file"]),
        (["cm1.log", "-o", "cm1.log"], ["cm1.log: not a folder"]),
    ],
)
def test_what_is_refused(arguments, words, tmp_path, quick, refused):
    """Exit code 2, and what would help."""
    (tmp_path / "cm1.log").write_bytes(LINE)

    refused(quick("discover", *arguments), *words)
