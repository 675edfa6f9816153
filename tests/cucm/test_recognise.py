"""What a file is, and what is said of one that has nothing for an import."""

import pytest
from conftest import FIXTURES

from cti_es.cucm.recognise import kind_of

CASES = FIXTURES / "real" / "cases"

KINDS = {
    "event-viewer-block.log": "event_viewer",
    "event-viewer-transient.txt": "event_viewer",
    "audit-daemon.log": "audit",
    "cmr.csv": "cmr",
    "cdr-without-header.csv": "cdr_rows",
    "topology.ndjson": "events",
    "joined-lines.log": "syslog",
    "application-dies.log": "syslog",
}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_published_files(name, kind):
    """Each file as somebody has published it."""
    assert kind_of((CASES / name).read_bytes()) == kind


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"", "empty"), (b" \r\n\r\n", "empty"), ("\ufeff".encode(), "empty"),
        (b'"cdrRecordType","globalCallID_callId"\n', "cdr"), (b"globalCallID_callId,x\n", "cdr"),
        (b",".join([b'"1"'] * 129), "cdr_rows"), (b",".join([b"VARCHAR(50)"] * 60), "cdr_rows"), (b"1,2,3", "syslog"),
        (b'{"type":"node_added","node":"cm1"}\n', "events"),
        (b"node,number,hosts,addresses\ncm1,1,,\n", "nodes"), (b"Hosts, Node\r\n", "nodes"), (b"node\n", "syslog"),
        (b"SQLite format 3\0\x10", "store"), (b"PK\x03\x04\x14", "archive"),
        (b"Error: x\r\nNode ID: cm1\r\n", "event_viewer"),
        (b"%UC_X-3-N: Name:x\nNode ID: cm1\n", "syslog"),
        (b"Mar  2 09:00:00 web1 sshd[1]: x\n", "syslog"),
        ("cdrRecordType,x".encode("utf-16"), "cdr"),
        (b"<14>1362992: : audispd:node=cucm1 type=EOE msg=audit(1630319311.975:2557529):\n%UC_X-3-N: x", "syslog"),
    ],
)  # fmt: skip
def test_how_files_begin(start, kind):
    """By content: blank, with and without a header, events, nodes, blocks; any other text may have lines of a CUCM log."""
    assert kind_of(start) == kind
