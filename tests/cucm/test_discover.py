"""What files know of a cluster without a log, the skeleton of a topology made of it, and the questions to a cluster."""

import io
import json
from functools import partial

import pytest
from conftest import FIXTURES

from cti_es.cucm.discover import Known, discover
from cti_es.cucm.discover_queries import queries
from cti_es.cucm.discover_skeleton import nodes_csv, topology
from cti_es.cucm.files import File
from cti_es.cucm.nodes import read_nodes
from cti_es.cucm.stamps import LogLineOptions
from cti_es.cucm.topology_rows import says
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.event_text import read_event

OUTAGE = FIXTURES / "real" / "constructed-outage"
SESSION = FIXTURES / "real" / "topology" / "session.txt"
LOGS = [*sorted(OUTAGE.glob("*.log")), *OUTAGE.glob("cdr_*")]


def found(*paths, found_there=False):
    """What some files know; a file may be given as text."""
    files = [
        File(f"f{number}" if isinstance(one, bytes) else one.name, partial(_stream, one), found_there)
        for number, one in enumerate(paths, 1)
    ]
    return discover(iter(files), LogLineOptions())


def _stream(one):
    return io.BufferedReader(io.BytesIO(one if isinstance(one, bytes) else one.read_bytes()))


def test_what_logs_know():
    """Hosts once each, what they are called, devices with their lines, users, the period, zones, gaps."""
    rows = list(found(*LOGS).rows())

    assert [row.name for row in rows if row.kind == "node"] == ["cucm-pub", "cucm-sub1", "cucm-sub2"]
    assert {(row.name, row.of) for row in rows if row.kind == "number"} == {
        ("1", "cucm-pub"),
        ("2", None),
        ("3", "cucm-sub2"),
    }
    assert {(row.name, row.of) for row in rows if row.kind == "line"} == {
        ("5001", "CTIP_IVR_01"), ("5002", "CTIP_IVR_01"), ("6000", "RP_SALES"),
    }  # fmt: skip
    assert [(row.name, row.of) for row in rows if row.kind == "user"] == [("ivr", "cucm-sub2")]
    assert Known("period", "2026-03-02T09:00:00.105000Z", "2026-03-02T09:59:59.900000Z", 1, None) in rows
    assert [row.name for row in rows if row.kind == "zone"] == ["UTC"]
    assert [(row.kind, row.count, row.first) for row in rows if row.kind == "gap"] == [("gap", 2, "cucm-sub2.log:20")]


def test_a_skeleton_says_what_it_does_not_know(tmp_path):
    """Everything unknown is "?", and no event or row with it is accepted; what tables say is filled in."""
    both = found(*LOGS, SESSION)
    events = [json.loads(line) for line in topology(both).splitlines()]
    good, bad = [], []
    for event in events:
        try:
            good.append(read_event(json.dumps(event).encode(), "x"))
        except InputError as error:
            assert "'?'" in str(error)
            bad.append(event)

    assert [event for event in events if '"?"' in json.dumps(event)] == bad
    assert {event.get("device", event.get("app")) for event in bad} == {
        "CTIP_LOST",
        "CTIP_IVR_02",
        "SEP665544332211",
        "SIP_TRUNK_1",
        "ivr",
    }
    assert len(good) == 7

    lines = nodes_csv(both).decode().splitlines()
    assert lines[0] == "node,number,hosts,addresses"
    file = tmp_path / "nodes.csv"
    file.write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"nodes.csv:2: '\?'"):
        read_nodes(file, both.hosts())
    file.write_text("\n".join(lines).replace(",?", ","))
    assert read_nodes(file, both.hosts())["number 2"] == "cucm-sub1.example.com"


def test_without_tables():
    """Logs alone: kinds and groups are unknown, lines may be more, the list of CTI Managers goes on."""
    events = {
        tuple(event)[1] + event[tuple(event)[1]]: event
        for event in map(json.loads, topology(found(*LOGS)).splitlines())
    }

    assert events["deviceCTIP_IVR_01"]["lines"] == ["5001", "5002", "?"]
    assert (events["deviceCTIP_IVR_01"]["kind"], events["deviceCTIP_IVR_01"]["group"]) == ("?", ["?"])
    assert events["appivr"]["cti_managers"] == ["cucm-sub2", "?"]


def test_files_that_know_nothing():
    """They are an error, with what each of them is; in a folder with others they are only named."""
    with pytest.raises(InputError, match="nothing of a cluster in these files: f1: nothing in it"):
        found(b"")
    rows = list(found(LOGS[0], b"").rows())
    assert [(row.kind, row.name) for row in rows[:2]] == [("file", "cucm-pub.log"), ("ignored", "f2")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"hello\nworld\n", "no line of a CUCM log in it"),
        (b"Mar  2 09:00:00 web1 sshd[1]: x\n", "no line of a CUCM log in it"),
        ((FIXTURES / "real" / "cases" / "uccx-mivr.log").read_bytes(), "a log of Unified CCX"),
        (b"node,number\ncm1,1\n", "what the nodes are called in the files"),
    ],
)
def test_a_text_without_a_line_of_cucm(text, why):
    """What has no line that anything was recognised in is not called a log, but said to have nothing."""
    [row] = [row for row in found(LOGS[0], text).rows() if row.name == "f2"]

    assert row.kind == "ignored"
    assert row.text.startswith(why)
    assert row.count == text.count(b"\n")


def test_queries_ask_for_what_the_importer_knows():
    """The columns of each query are those of a table that says something."""
    for query in queries():
        columns = query.removeprefix("run sql select ").partition(" from ")[0].split(", ")
        assert says(frozenset(column.split(" as ")[1] for column in columns))
    assert len(queries()) == 6


def test_queries_for_one_application():
    """Its devices of any kind; quotes in its name are SQL's."""
    some = queries("o'neil")

    assert len(some) == 5
    assert sum("name='o''neil'" in query for query in some) == 3
    assert not any("tkmodel in" in query for query in some)
