"""Where a cluster says that devices are: RisPort's answers, prints of ``show risdb``, and how they stand beside a log."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti_es.cucm.nodes import Nodes
from cti_es.cucm.recognise import kind_of
from cti_es.cucm.registrations import Compared, Registrations, compared
from cti_es.model.replay import Replay
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.event_text import event_from_fields

KNOWN = ["cm1.example.com", "cm2.example.com"]
NODES = Nodes(KNOWN)

ITEM = "<n:item><n:Name>{}</n:Name><n:Status>{}</n:Status><n:StatusReason>0</n:StatusReason><n:TimeStamp>{}</n:TimeStamp><n:LinesStatus><n:item><n:Status>Registered</n:Status></n:item></n:LinesStatus></n:item>"
ANSWER = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<n:selectCmDeviceResponse xmlns:n="http://schemas.cisco.com/ast/soap"><n:selectCmDeviceReturn><n:SelectCmDeviceResult>'
    "<n:TotalDevicesFound>3</n:TotalDevicesFound><n:CmNodes>{}</n:CmNodes></n:SelectCmDeviceResult>"
    "</n:selectCmDeviceReturn></n:selectCmDeviceResponse></s:Body></s:Envelope>"
)
NODE = "<n:item><n:ReturnCode>{}</n:ReturnCode><n:Name>{}</n:Name><n:CmDevices>{}</n:CmDevices></n:item>"

PRINT = """admin:show risdb query phone

----------- Phone Information -----------
#TotalPhones, #TotalRegPhones
2, 1

DeviceName, Descr, Ipaddr, MACaddr, RegStatus, PhoneProtocol, DeviceModel, RegStatusChg TimeStamp
SEP1, a room, with a view, 192.0.2.1, 001122334455, reg, SCCP, 7962, 1704067200
SEP2, , 192.0.2.2, 001122334456, unr, SCCP, 7962, 1704067201
SEP3, cut off

Total count 2
"""


def answer(*nodes):
    """An answer of RisPort; each node is (name, code, devices), each device (name, status, time)."""
    return ANSWER.format("".join(NODE.format(code, name, "".join(ITEM.format(*one) for one in devices)) for name, code, devices in nodes))  # fmt: skip


def read(*texts, name="risport.xml", node=None):
    """What the texts say, all together."""
    found = Registrations()
    for text in texts:
        found.read(io.BufferedReader(io.BytesIO(text.encode())), name, KNOWN, node)
    return found


MOVED = answer(
    ("cm1.example.com", "Ok", [("P1", "UnRegistered", 30), ("P2", "Registered", 10), ("P3", "UnRegistered", 5)]),
    ("cm2.example.com", "Ok", [("P1", "Registered", 20), ("P2", "registered", 9)]),
)


def test_a_device_under_several_nodes():
    """The newest time at which it is registered counts, whatever an older node says later; the case of words does not."""
    assert read(MOVED).where() == {"P1": "cm2.example.com", "P2": "cm1.example.com", "P3": None}


@pytest.mark.parametrize("shape", ["array", "whole", "single"])
def test_json_of_clients(shape):
    """The same names as JSON: an array of nodes, the whole answer, or single things without a list."""
    node = {
        "ReturnCode": "Ok",
        "Name": "cm1",
        "CmDevices": {"item": [{"Name": "P1", "Status": "Registered", "TimeStamp": "7"}]},
    }
    single = {**node, "CmDevices": {"item": node["CmDevices"]["item"][0]}}
    text = {
        "array": [node],
        "whole": {"SelectCmDeviceResult": {"CmNodes": {"item": [node]}}},
        "single": {"item": single},
    }

    assert read(json.dumps(text[shape])).where() == {"P1": "cm1"}


@pytest.mark.parametrize(
    ("name", "node"), [("x.txt", "cm2"), ("phones-cm2.txt", None), ("cm2.example.com_risdb.txt", None)]
)
def test_a_print_of_a_node(name, node):
    """Rows up to a blank line; commas in a description; the node is given, or stands in the name of the file."""
    given = node and "cm2.example.com"
    found = read(PRINT.replace("\n", "\r\n"), name=name, node=given)

    assert found.where() == {"SEP1": "cm2.example.com", "SEP2": None}
    assert found.bad_rows == [f"{name}:10"]


@pytest.mark.parametrize("name", ["DeviceName", "Name"])
def test_a_print_of_cti_devices(name):
    """``show risdb query cti``, which nobody has published: by the columns that it shares with that of phones."""
    text = f"----------- CTI Information -----------\n#Total, #Reg\n2, 1\n\n{name}, Descr, RegStatus\nP1, a port, reg\nRP1, , unr\n\n"

    assert read(text, node="cm1.example.com").where() == {"P1": "cm1.example.com", "RP1": None}
    assert kind_of(text.encode()) == "registrations"


@given(
    st.sampled_from([MOVED, PRINT, json.dumps([{"Name": "cm1", "CmDevices": {"item": [{"Name": "P1"}]}}])]), st.data()
)
def test_no_answer_is_too_broken(text, data):
    """Real forms with a piece cut out or something else put in: read, or refused with the place."""
    start, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 40))
    new = data.draw(st.text(max_size=4) | st.sampled_from(["<n:item>", "</n:item>", "]]>", ", ", "[", "\n\n"]))
    try:
        assert read(text[:start] + new + text[start + length :], node="cm1.example.com").count >= 0
    except InputError as error:
        assert error.where.startswith("risport.xml")


def test_nodes_that_did_not_answer():
    """They are named; that a node has no such device is an answer."""
    found = read(answer(("cm1", "NodeNotResponding", []), ("cm2", "NotFound", [])))

    assert found.silent == ["cm1: NodeNotResponding"]
    assert found.where() == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "nothing about registrations"), ("", "nothing about registrations"), ("[1,", "not JSON"), ("[" * 100_000, "not JSON"),
        (PRINT, "which node was this printed on?"), (MOVED[:300], "the XML ends in the middle"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + MOVED[21:], "a document type declaration"),
    ],
)  # fmt: skip
def test_what_is_refused(text, message):
    """Other files, broken ones, XML that is not safe, and prints of nobody knows which node."""
    with pytest.raises(InputError, match=message.replace("?", r"\?")):
        read(text)


def test_beside_a_log():
    """Devices that both know: the same, elsewhere, registered or not though the log says otherwise; then the others."""
    added = [{"node": node, "type": "node_added"} for node in ("cm1.example.com", "cm2.example.com")]
    added += [{"type": "device_added", "device": f"SEP{n}", "kind": "phone"} for n in range(1, 6)]
    added += [{"type": "device_failed", "device": device} for device in ("SEP3", "SEP5")]
    replay = Replay()
    replay.advance(
        [event_from_fields(one["type"], {k: v for k, v in one.items() if k != "type"}, "x") for one in added]
    )

    theirs = {"sep1": "CM1", "SEP2": "cm2", "SEP3": "cm9", "SEP4": None, "SEP7": "cm1"}
    assert list(compared(replay.cluster, NODES, theirs)) == [
        Compared("SEP1", "cm1.example.com", "cm1.example.com", "same"),
        Compared("SEP2", "cm1.example.com", "cm2.example.com", "elsewhere"),
        Compared("SEP3", None, "cm9", "registered"),
        Compared("SEP4", "cm1.example.com", None, "not_registered"),
        Compared("SEP5", None, None, "only_ours"),
        Compared("SEP7", None, "cm1", "only_theirs"),
    ]
