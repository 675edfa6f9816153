"""From tables of ``run sql`` and answers of AXL and RisPort to the events that a log does not have yet."""

import io
from collections import Counter
from functools import partial

import pytest
from conftest import FIXTURES
from hypothesis import given, settings
from hypothesis import strategies as st

from cti_es.cucm.files import File
from cti_es.cucm.importing import Import, run
from cti_es.cucm.stamps import LogLineOptions
from cti_es.cucm.topology_events import TopologyOptions
from cti_es.cucm.topology_import import NoTopology
from cti_es.cucm.topology_rows import tables_in
from cti_es.logs.append import AppendOptions
from cti_es.logs.store import MemoryStore
from cti_es.logs.store.base import events_of
from cti_es.vocabulary.errors import InputError


def table(columns, *rows):
    """A table as ``run sql`` prints it: columns one blank apart, the last one not padded."""
    columns = columns.split()
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = [columns, ["=" * width for width in widths], *rows]
    text = [" ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join(["admin:run sql select", *text, "", "admin:"])


NODES = table("node cmname ctiid", ("cm1.example.com", "CM_1", 1), ("cm2.example.com", "CM_2", 2))
GROUPS = table("cmgroup priority node", ("all of us", 1, "cm2.example.com"), ("all of us", 0, "cm1.example.com"))
DEVICES = table(
    "device tkmodel tkclass cmgroup", ("P1", 72, 1, "all of us"), ("RP1", 73, 10, "all of us"), ("SEP1", 503, 1, "all of us"),
    ("TRUNK", 131, 18, "all of us"),
)  # fmt: skip
LINES = table("device dn", ("P1", 5001), ("P1", 5002), ("RP1", 6000), ("SEP1", 3001))
SESSION = "\n".join((NODES, GROUPS, DEVICES, LINES))
GROUP = ("cm1.example.com", "cm2.example.com")


def axl(*rows, extra=""):
    """An answer to executeSQLQuery, each row a list of (column, value)."""
    text = "".join(f"<row>{''.join(f'<{key}>{value}</{key}>' for key, value in row)}</row>" for row in rows)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{extra}<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
        '<soapenv:Body><ns:executeSQLQueryResponse xmlns:ns="http://www.cisco.com/AXL/API/14.0">'
        f"<return>{text}</return></ns:executeSQLQueryResponse></soapenv:Body></soapenv:Envelope>"
    )


def answers(text):
    """The same tables as answers to executeSQLQuery."""
    found = []
    for part in text.split("admin:run sql select\n")[1:]:
        lines = part.replace("all of us", "all_of_us").split("\n")
        header, _, *rows = [line.split("  ") for line in lines if line and "admin" not in line]
        columns, *rows = ([cell.replace("_of_", " of ") for cell in " ".join(row).split()] for row in (header, *rows))
        found.append(axl(*(zip(columns, row, strict=True) for row in rows)))
    return "\n".join(found)


def _stream(data):
    return io.BufferedReader(io.BytesIO(data))


AS_IT_IS = TopologyOptions()


def bring(store, *contents, options=AS_IT_IS, given=None):
    """Import files; the new events, and the findings as (kind, name) → count."""
    files = [
        File(f"f{number}", partial(_stream, one if isinstance(one, bytes) else one.encode()))
        for number, one in enumerate(contents, 1)
    ]
    new = []
    what = Import(files, lambda known: given or {}, LogLineOptions(), topology=files, describing=options)
    done = run(store, "default", what, AppendOptions("import"), new.extend)
    counts = Counter()
    for finding in done.findings:
        counts[finding.kind, finding.name] += finding.count
    return new, counts


def said(events):
    """Events in short."""
    return [
        " ".join([type(one).__struct_config__.tag, *(str(getattr(one, name)) for name in one.names if getattr(one, name, None))])
        for one in events
    ]  # fmt: skip


ALL = [
    "node_added cm1.example.com",
    "node_added cm2.example.com",
    f"device_added P1 ('5001', '5002') {GROUP}",
    f"device_added RP1 ('6000',) {GROUP}",
    f"device_added SEP1 ('3001',) {GROUP}",
]


@pytest.mark.parametrize(
    "text",
    [
        SESSION,
        SESSION.replace("\n", "\r\n"),
        "\n".join((LINES, "Command Line Interface\n", DEVICES, GROUPS, NODES)),
        SESSION.encode("utf-16"),
        answers(SESSION),
        answers(SESSION).encode("utf-16"),
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n" + answers(SESSION),
    ],
    ids=["tables", "crlf", "any order", "utf-16", "axl", "axl in utf-16", "axl behind HTTP headers"],
)  # fmt: skip
def test_a_cluster_in_its_own_words(text):
    """Nodes, groups by priority whatever its base, kinds by model, lines; the same from tables and from AXL."""
    new, counts = bring(MemoryStore(), text)

    assert sorted(said(new)) == sorted(ALL)
    assert [one.kind for one in new[2:]] == ["cti_port", "route_point", "phone"]
    assert {one.at for one in new} == {"1970-01-01T00:00:00Z"}
    assert (counts["skipped", "no_device"], counts["topology", "at"]) == (1, 1)


def test_the_same_again_is_nothing_new():
    """The log has it: whatever the time, the order of the rows and the spelling of a node."""
    store = MemoryStore()
    bring(store, SESSION)
    swapped = SESSION.replace("P1     5001\nP1     5002", "P1     5002\nP1     5001")
    other = swapped.replace(".example.com", " " * 12)

    assert "P1     5002\nP1     5001" in other
    new, counts = bring(store, other, options=TopologyOptions("2026-03-01T00:00:00Z"))

    assert new == []
    assert counts["duplicate", "in_the_log"] == 5
    assert not [key for key in counts if key[0] == "changed"]


def test_what_the_log_has_otherwise():
    """Another group, another kind and other lines are reported, and not touched."""
    store = MemoryStore()
    bring(store, SESSION)
    swapped = table("cmgroup priority node", ("all of us", 1, "cm2"), ("all of us", 2, "cm1"))
    lines = table("device dn", ("P1", 5001), ("P1", 5003))
    new, counts = bring(store, "\n".join((swapped, DEVICES.replace(" 503", " 72 "), lines)))

    assert new == []
    changed = {name: count for (kind, name), count in counts.items() if kind == "changed"}
    assert changed == {"P1": 2, "RP1": 1, "SEP1": 2}


def test_update_lines():
    """With update_lines other lines become lines_changed, at the time given; a device without a row stays as it is."""
    store = MemoryStore()
    bring(store, SESSION)
    lines = table("device dn", ("P1", 5003), ("P1", 5001))
    new, counts = bring(store, lines, options=TopologyOptions("2026-03-01T00:00:00Z", update_lines=True))

    assert said(new) == ["lines_changed P1 ('5003',) ('5002',)"]
    assert new[0].at == "2026-03-01T00:00:00Z"
    assert bring(store, lines, options=TopologyOptions(update_lines=True))[0] == []


def test_lines_in_the_order_of_their_index():
    """The index decides the order; the same number in two partitions is one line, and reported."""
    lines = table("device index dn partition", ("P1", 2, 5002, "A"), ("P1", 1, 5001, "A"), ("P1", 3, 5001, "B"))
    new, counts = bring(MemoryStore(), "\n".join((NODES, GROUPS, DEVICES, lines)))

    assert said(new)[2] == f"device_added P1 ('5001', '5002') {GROUP}"
    assert counts["merged", "same_number"] == 1


def test_what_cannot_be_used():
    """A device without a known group, lines of a device that no table has, rows cut off or with NULL: counted."""
    devices = table("device tkmodel cmgroup", ("P1", 72, "gone"), ("P2", 72, "NULL"), ("P3", 72, "all of us"))
    lines = table("device dn", ("P3", "NULL"), ("P9", 1)) + "\ndevice dn\n====== ==\nP3"
    new, counts = bring(MemoryStore(), "\n".join((NODES, GROUPS, devices, lines)))

    assert said(new)[2:] == [f"device_added P3 {GROUP}"]
    found = {name: counts["skipped", name] for name in ("no_group", "no_device_row", "bad_row")}
    assert found == {"no_group": 2, "no_device_row": 1, "bad_row": 2}
    assert counts["unknown", "P1"] == 1


def test_no_table_of_lines():
    """Without one devices have no lines, and the report says so."""
    new, counts = bring(MemoryStore(), "\n".join((NODES, GROUPS, DEVICES)))

    assert [one.lines for one in new[2:]] == [(), (), ()]
    assert counts["topology", "no_lines"] == 1


def test_only_controlled():
    """Only the devices that a user may control; without a table that says so it is an error."""
    users = table("appuser device", ("ivr", "RP1"), ("ivr", "SEP7"))
    new, counts = bring(MemoryStore(), SESSION + "\n" + users, options=TopologyOptions(only_controlled=True))

    assert [one.device for one in new[2:]] == ["RP1"]
    assert counts["skipped", "not_controlled"] == 2
    with pytest.raises(InputError, match="no table says who may control"):
        bring(MemoryStore(), SESSION, options=TopologyOptions(only_controlled=True))


ALARM = "1: cm2: Mar 02 2026 09:00:01.000 UTC :  %UC_CALLMANAGER-3-SDLLinkOOS: %[LocalNodeId=2][RemoteNodeID=1][RemoteApplicationID=100][AppID=x][ClusterID=][NodeID=cm2]: t"


@pytest.mark.parametrize("contents", [(ALARM, SESSION), (SESSION, ALARM)])
def test_topology_and_logs_together(contents):
    """The topology comes before the logs, whatever the order of the files, since their first event; numbers are known."""
    store = MemoryStore()
    new, _ = bring(store, *contents)

    assert said(new) == [*ALL, "node_failed cm1.example.com"]
    assert {one.at for one in new} == {"2026-03-02T09:00:01Z"}
    assert bring(store, *contents)[0] == []
    assert len([one for row in store.rows("default") for one in events_of(row, "memory")]) == 6


def test_a_log_without_nodes():
    """Without nodes there is nothing to import into."""
    with pytest.raises(NoTopology):
        bring(MemoryStore(), ALARM)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (NODES + "\n" + table("node ctiid", ("cm9", 1)), "the node number '1' is 'cm9' here, and 'cm1.example.com' in f1:4"),
        (GROUPS + "\n" + table("cmgroup priority node", ("all of us", 1, "cm9")), "priority 1 of the group 'all of us'"),
        (DEVICES + "\n" + table("device tkmodel cmgroup", ("P1", 72, "x")), "the device 'P1' is cti_port in the group 'x'"),
        ("device dn   dn\n====== ==== ====\nP1     5001 5001\n" + NODES, "two columns 'dn'"),
        (axl([("node", "a"), ("ctiid", "1")])[:-40], "the XML ends in the middle"),
        (axl([("node", "a"), ("ctiid", "1")]).replace("</row>", "</bow>"), "broken XML"),
        (axl(extra='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'), "a document type declaration"),
        (axl().replace("<return>", "<soapenv:Fault><faultcode>x</faultcode><faultstring>Total rows matched: 9 rows.</faultstring></soapenv:Fault><return>"),
         "a fault, no answer: Total rows matched: 9 rows."),
        (axl([("node", "<a>" * 200)]), "more than 100 elements inside each other"),
        ("run sql select name,nodeid from processnode name nodeid ===== ====== cm1 1 cm2 2\n", "somebody has joined"),
        (table("name nodeid", ("cm1", 2)), "tables of other columns"),
    ],
)  # fmt: skip
def test_what_is_refused(text, message):
    """Rows that contradict each other, XML that is not whole or not safe, a fault, a flattened table: with the place."""
    with pytest.raises(InputError) as error:
        bring(MemoryStore(), text)
    assert message in str(error.value)
    assert str(error.value).startswith("f1")


def test_bytes_that_are_not_utf8():
    """A row with them is counted, with its line; the others are read."""
    text = SESSION.encode().replace(b"RP1    6000", b"RP\xe9    6000")
    new, counts = bring(MemoryStore(), text)

    assert counts["skipped", "not_utf8"] == 1
    assert said(new)[3] == f"device_added RP1 {GROUP}"


@pytest.mark.parametrize("pad", [len, lambda text: len(text.encode())], ids=["characters", "bytes"])
def test_columns_shifted_by_letters_of_several_bytes(pad):
    """Whether a terminal counts characters or bytes, the cells are those of the row."""
    name = "Büro größer"
    runs = f"====== {'=' * pad(name)} ======="
    header = f"device {'cmgroup'.ljust(pad(name))} tkmodel"
    rows = f"P1     {name} 72"
    text = "\n".join((table("cmgroup priority node", (name, 1, "cm1")), header, runs, rows))
    new, _ = bring(MemoryStore(), text)

    assert said(new) == ["node_added cm1", "device_added P1 ('cm1',)"]


@pytest.mark.parametrize("name", ["session.txt", "axl.xml"])
def test_fixtures(name):
    """What a terminal shows and what AXL answers say the same; RisPort adds who has opened what."""
    folder = FIXTURES / "real" / "topology"
    new, _ = bring(MemoryStore(), (folder / name).read_bytes(), (folder / "risport-cti.xml").read_bytes())

    sub1, sub2, pub = "cucm-sub1.example.com", "cucm-sub2.example.com", "cucm-pub.example.com"
    assert said(new) == [
        f"node_added {pub}", f"node_added {sub1}", f"node_added {sub2}",
        f"device_added CTIP_IVR_01 ('5001', '5002') {(sub1, sub2, pub)}", f"device_added RP_SALES ('6000',) {(sub1, sub2)}",
        f"device_added SEP001122334455 ('3001',) {(sub1, sub2, pub)}",
        f"cti_manager_added {sub2}", f"provider_opened ivr ('{sub2}',)", "device_opened CTIP_IVR_01 ivr",
        "line_opened CTIP_IVR_01 5001 ivr",
    ]  # fmt: skip


BROKEN = st.sampled_from(
    ["= =", "\n====== ==\n", "NULL", "<row>", "</row>", "]]>", "&#0;", "<!-- -->", "\r", "\x00", "admin:"]
)


@settings(deadline=None)
@given(st.sampled_from(["session.txt", "axl.xml", "risport-cti.xml"]), st.data(), st.sampled_from(["utf-8", "utf-16"]))
def test_no_print_of_a_cluster_is_too_broken(name, data, encoding):
    """Tables and answers with a piece cut out or something else put in: read, or refused with the place."""
    text = (FIXTURES / "real" / "topology" / name).read_text()
    start, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 200))
    new = data.draw(BROKEN | st.text(max_size=4))
    damaged = (text[:start] + new + text[start + length :]).encode(encoding, "surrogatepass")
    whole = (FIXTURES / "real" / "topology" / "session.txt").read_bytes()
    try:
        assert bring(MemoryStore(), whole, damaged)[0]
    except InputError as error:
        assert "f2" in str(error) or "f1" in str(error)


def test_tables_in_utf16():
    """A session that was saved as UTF-16 says the same."""
    assert said(bring(MemoryStore(), SESSION.encode("utf-16"))[0]) == ALL


def test_a_value_in_very_many_pieces():
    """A value that comments cut into pieces is read in one walk, up to its bound."""
    name = "<name>" + "a<!-- -->" * 40_000 + "</name>"
    text = axl([("node", "cm1"), ("ctiid", "1")]).replace("<return>", name + "<return>")

    assert said(bring(MemoryStore(), text)[0]) == ["node_added cm1"]


@pytest.mark.parametrize("line", ["xx" + " =" * 500_000, "=" * 1_000_000, "= " * 500_000 + "x", "xx =" * 250_000])
def test_lines_that_look_like_many_tables(line):
    """However a line is made of = signs, looking at it is one walk over it (these would take hours otherwise)."""
    assert tables_in(f"a\n{line}\nb\n".encode()) in (None, "flat_table")


def test_behind_a_log_of_the_same_stream():
    """What comes only once has to say the topology before its first log; else it is called that, and left out."""
    store = MemoryStore()
    bring(store, SESSION)
    files = [File("f1", partial(_stream, ALARM.encode())), File("f2", partial(_stream, SESSION.encode()))]
    done = run(
        store,
        "default",
        Import(files, lambda known: {"number 1": "cm1.example.com"}, LogLineOptions()),
        AppendOptions("import"),
    )

    assert [(one.name, one.text.partition(":")[0]) for one in done.findings if one.kind == "ignored"] == [
        ("f2", "what the topology is, but behind a log of the same stream")
    ]


CTI = """<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<ns1:selectCtiItemResponse xmlns:ns1="http://schemas.cisco.com/ast/soap"><ns1:selectCtiItemReturn><ns1:SelectCtiItemResult>
<ns1:TotalItemsFound>3</ns1:TotalItemsFound><ns1:CtiNodes><ns1:item><ns1:ReturnCode>Ok</ns1:ReturnCode><ns1:Name>cm2</ns1:Name>
<ns1:CtiItems>%s</ns1:CtiItems></ns1:item></ns1:CtiNodes></ns1:SelectCtiItemResult></ns1:selectCtiItemReturn>
</ns1:selectCtiItemResponse></s:Body></s:Envelope>"""


def cti_item(device, line, status="Open"):
    """An item of selectCtiItem, in the order of the schema."""
    return (
        f"<item><AppId>ivr-192.0.2.9-4963</AppId><UserId>ivr</UserId><AppStatus>Open</AppStatus><CtiDevice>"
        f"<DeviceName>{device}</DeviceName><DeviceStatus>{status}</DeviceStatus></CtiDevice><CtiLine><DirNumber>{line}"
        f"</DirNumber><LineStatus>{status}</LineStatus></CtiLine></item>"
    )


def test_what_applications_have_open():
    """RisPort's answer to selectCtiItem: the connection at that CTI Manager, the devices and lines that are open."""
    text = CTI % "".join((cti_item("P1", 5001), cti_item("P1", 5002), cti_item("RP1", 6000, "Closed")))
    store = MemoryStore()
    new, _ = bring(store, SESSION, text)

    assert said(new)[5:] == [
        "cti_manager_added cm2.example.com", "provider_opened ivr ('cm2.example.com',)", "device_opened P1 ivr",
        "line_opened P1 5001 ivr", "line_opened P1 5002 ivr",
    ]  # fmt: skip
    again, counts = bring(store, text)
    assert again == []
    assert sum(count for (kind, _), count in counts.items() if kind == "merged") == 4


def test_names_of_nodes_that_somebody_gives():
    """What a node of the log is called in the tables may be given; a node of the tables may be given another name."""
    store = MemoryStore()
    bring(store, table("node ctiid", ("cm1", 1), ("cm2", 2)))
    new, counts = bring(store, table("node ctiid", ("10.1.1.1", 1)), given={"host 10.1.1.1": "cm1"})

    assert new == []
    assert counts["duplicate", "in_the_log"] == 1
