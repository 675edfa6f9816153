"""What each alarm claims."""

import pytest

from cti_es.cucm.alarms import ALARMS, claim_of, id_of, links, refusal, signed
from cti_es.cucm.claims import Claim
from cti_es.cucm.log_lines import AlarmReader
from cti_es.cucm.stamps import LogLineOptions

HERE = ("host cm1",)


def alarm(name, node="cm1", **tags):
    """A record of an alarm."""
    text = "".join(f"[{key}={value}]" for key, value in tags.items())
    line = f"7: cm9: Mar 02 2026 09:15:02.480 UTC : %UC_X-3-{name}: %{text}[AppID=x][ClusterID=][NodeID={node}]: text"
    [[record]] = AlarmReader(LogLineOptions()).records([[line.encode()]])
    return record


def claimed(name, **tags):
    """What an alarm claims."""
    return claim_of(alarm(name, **tags), ALARMS[name.lower()])


LINK = {"RemoteIPAddress": "10.1.1.2", "RemoteNodeID": 2, "LocalNodeId": 1}
LOST = ("number 2", "address 10.1.1.2")
PORT = {"DeviceName": "P", "CTIconnectionId": 7}

CLAIMS = [
    ("SDLLinkOOS", {**LINK, "RemoteApplicationID": 100}, Claim("node_failed", LOST)),
    ("SDLLinkISV", {**LINK, "RemoteApplicationId": 100}, Claim("node_recovered", LOST)),
    ("SDLLinkOOS", {**LINK, "RemoteApplicationID": 200}, Claim("cti_manager_failed", LOST)),
    ("SDLLinkISV", {**LINK, "RemoteApplicationID": 200}, Claim("cti_manager_recovered", LOST)),
    ("SDLLinkOOS", {**LINK, "RemoteApplicationID": 700}, "other_link"),
    ("SDLLinkOOS", {"RemoteApplicationID": 100}, "tag_missing"),
    ("SDLLinkOOS", LINK, "tag_missing"),
    ("CallManagerFailure", {"Reason": 2}, Claim("node_failed", HERE)),
    ("CallManagerOnline", {"CCMVersion": "12.5"}, Claim("node_recovered", HERE)),
    ("ServiceFailed", {"ServiceName": "Cisco CallManager"}, Claim("node_failed", HERE)),
    ("ServiceStopped", {"ServiceName": "Cisco CallManager"}, Claim("node_failed", HERE)),
    ("ServiceStarted", {"ServiceName": "Cisco CallManager"}, Claim("service_started", HERE)),
    ("ServiceFailed", {"ServiceName": "Cisco CTIManager"}, Claim("cti_manager_failed", HERE)),
    ("ServiceStarted", {"ServiceName": "Cisco CTIManager"}, Claim("cti_manager_recovered", HERE)),
    ("ServiceFailed", {"ServiceName": "Cisco CallManager SNMP Service"}, "other_service"),
    (
        "CtiProviderOpened",
        {"LoginUserId": "ivr", "CTIconnectionId": 7},
        Claim("provider_opened", HERE, connection="cm1 7", app="ivr"),
    ),
    ("CtiProviderOpened", {"LoginUserId": "", "CTIconnectionId": 7}, "tag_missing"),
    (
        "CtiProviderClosed",
        {"LoginUserId": "ivr", "CTIconnectionId": 7, "Reason": 3},
        Claim("provider_closed", connection="cm1 7", app="ivr"),
    ),
    ("CtiProviderClosed", {"LoginUserId": "ivr", "CTIconnectionId": 7, "Reason": 4}, "application_only"),
    ("CtiProviderClosed", {"LoginUserId": "ivr", "CTIconnectionId": 7, "Reason": 1},
     Claim("connection_lost", HERE, connection="cm1 7", app="ivr")),
    ("CtiProviderClosed", {"LoginUserId": "ivr", "CTIconnectionId": 7, "Reason": 2},
     Claim("connection_lost", HERE, connection="cm1 7", app="ivr")),
    ("CtiProviderCloseHeartbeatTimeout", {}, "consequence"),
    ("CtiProviderCloseHeartbeatTimeout", {"LoginUserId": "ivr", "CTIconnectionId": 7},
     Claim("connection_lost", HERE, connection="cm1 7", app="ivr")),
    ("CtiDeviceOpened", PORT, Claim("device_opened", device="P", connection="cm1 7")),
    ("CtiDeviceOpened", {"DeviceName": "P"}, "tag_missing"),
    ("CtiDeviceClosed", {**PORT, "Reason": 5}, Claim("device_closed", device="P", connection="cm1 7")),
    ("CtiDeviceClosed", {**PORT, "Reason": 1}, "consequence"),
    ("CtiDeviceClosed", {**PORT, "Reason": 3}, "consequence"),
    ("CtiLineOpened", {**PORT, "DirNum": "5001"}, Claim("line_opened", device="P", line="5001", connection="cm1 7")),
    ("CtiLineOpened", PORT, "tag_missing"),
    ("CtiLineClosed", {**PORT, "DirNum": "5001", "Reason": 6},
     Claim("line_closed", device="P", line="5001", connection="cm1 7")),
    ("CtiLineClosed", {**PORT, "DirNum": "5001", "Reason": 3}, "consequence"),
    ("CtiDeviceOpenFailure", {**PORT, "Reason": -1932787494}, Claim("open_refused", device="P")),
    ("CtiDeviceOpenFailure", {**PORT, "Reason": 2362179802}, Claim("open_refused", device="P")),
    ("CtiDeviceOpenFailure", {**PORT, "Reason": -1932787693}, "application_only"),
    ("CtiDeviceOpenFailure", {**PORT, "Reason": "0x8CCC0018"}, "application_only"),
    ("CtiDeviceOpenFailure", {**PORT, "Reason": -1932787558}, "for_a_moment"),
    ("CtiLineOpenFailure", {**PORT, "DirNum": "5001", "Reason": -1932787707},
     Claim("open_refused", device="P", line="5001")),
    ("kCtiDeviceOpenFailAccessDenied", {"DeviceName": "P"}, "application_only"),
    ("EndPointUnregistered", {"DeviceName": "P", "Reason": 13},
     Claim("device_failed", HERE, device="P", reason="DeviceFailure")),
    ("DeviceUnregistered", {"DeviceName": "P", "Reason": 10},
     Claim("device_failed", HERE, device="P", reason="DeviceUnregistered")),
    ("EndPointUnregistered", {"DeviceName": "P", "Reason": 21},
     Claim("device_failed", HERE, device="P", reason="EnergyWisePowerSavePlus")),
    ("EndPointUnregistered", {"DeviceName": "P", "Reason": 28}, "consequence"),
    ("EndPointUnregistered", {"DeviceName": "P"}, Claim("device_failed", HERE, device="P", reason="DeviceFailure")),
    ("EndPointUnregistered", {"Reason": 13}, "tag_missing"),
    ("EndPointRegistered", {"DeviceName": "P"}, Claim("device_recovered", HERE, device="P")),
    ("DeviceRegistered", {"DeviceName": "P"}, Claim("device_recovered", HERE, device="P")),
    ("CtiDeviceOutofService", PORT, "consequence"),
    ("CtiDeviceInService", PORT, "consequence"),
    ("CtiDeviceInService", {**PORT, "callManagerId": 2}, Claim("in_service", ("number 2",), device="P")),
    ("CtiProviderOpenFailure", {"LoginUserId": "ivr", "CTIconnectionId": 7, "Reason": -1932787618},
     Claim("login_refused", HERE, app="ivr", reason="-1932787618")),
    ("CtiLineOutOfService", {**PORT, "DirNum": "5001"}, "consequence"),
    ("CtiLineInService", {"LineId": 3, "CTIconnectionId": 7}, "consequence"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "tags", "claim"), CLAIMS)
def test_claims(name, tags, claim):
    """The table of docs/reference/imports.md#alarms, row by row, with the traps: the failed node of a link is the remote one."""
    assert claimed(name, **tags) == claim


def test_every_alarm_is_tried():
    """No row of the table of alarms is without a test, but for the twins of those that are the same function."""
    tried = {ALARMS[name.lower()] for name, _, _ in CLAIMS}

    assert {str(ALARMS[name]) for name in ALARMS} <= {str(rule) for rule in tried}


def test_alarms_of_before_release_8():
    """An old line, without tags, claims the same."""
    line = b"Mar 18 11:10:52.630 UTC :  %CCM_CALLMANAGER-CALLMANAGER-3-DeviceUnregistered: Device unregistered. Device name.:SEP1 Reason Code [Optional].:13 App ID:Cisco CallManager Cluster ID: Node ID:cm1"
    [[record]] = AlarmReader(LogLineOptions(year=2009)).records([[line]])

    assert claim_of(record, ALARMS["deviceunregistered"]) == Claim(
        "device_failed", HERE, device="SEP1", reason="DeviceFailure"
    )


def test_a_line_that_is_cut_off_claims_nothing():
    """Nothing is read out of half a line."""
    line = b"Mar 02 2026 09:15:02 UTC : %UC_X-3-EndPointRegistered: %[DeviceName=P][NodeID=cm1][Desc"
    [[record]] = AlarmReader(LogLineOptions()).records([[line]])

    assert claim_of(record, ALARMS["endpointregistered"]) == "cut"


@pytest.mark.parametrize(
    ("reason", "words"),
    [("-1932787618", "the directory is unavailable (0x8CCC005E)"), ("2362179871", "the account is locked (0x8CCC011F)"),
     ("7", "a reason that is not in the catalogue (0x00000007)"), ("", "no reason given")],
)  # fmt: skip
def test_why_a_login_is_refused(reason, words):
    """The reason in words, and its code however it is printed."""
    assert refusal(reason) == words


@pytest.mark.parametrize("node", ["cm1", "CM1", "cm1.example.com", "Cm1.Example.COM"])
def test_a_connection_of_a_node_however_it_is_written(node):
    """The connections of a CTI Manager are the same in capitals and with a domain."""
    record = alarm("CtiDeviceOpened", node, **PORT)

    assert claim_of(record, ALARMS["ctideviceopened"]) == Claim("device_opened", device="P", connection="cm1 7")


def test_what_a_link_tells_of_names():
    """A link gives number and host of the node that wrote it, number and address of the other."""
    record = alarm("SDLLinkISV", RemoteApplicationId=700, **LINK)

    assert links(record) == (("number 1", "host cm1"), ("number 2", "address 10.1.1.2"))
    assert links(alarm("SDLLinkOOS", LocalNodeId=1)) == (("number 1", "host cm1"),)
    assert links(alarm("CallManagerOnline", LocalNodeId=1)) == ()


def test_identifiers():
    """The same alarm has the same identifier by whatever way it came; another one has another."""
    one = b"7: cm9: Mar 02 2026 09:15:02.480 UTC : %UC_X-3-SDLLinkOOS: %[A=1][NodeID=cm1]: text"
    lines = [one, b"<189>" + one, b"Mar  2 10:15:03 cm9 local7 1 ccm: " + one, one.replace(b"7:", b"8:"),
             one.replace(b"480", b"481"), one.replace(b"A=1", b"A=2"), one.replace(b"OOS", b"ISV")]  # fmt: skip
    [records] = AlarmReader(LogLineOptions()).records([lines])
    ids = [id_of(record) for record in records]

    assert len(set(ids[:3])) == 1
    assert len(set(ids)) == 5


@pytest.mark.parametrize(
    ("text", "value"),
    [("-1932787616", 0x8CCC0060), ("2362179680", 0x8CCC0060), ("0x8CCC0060", 0x8CCC0060), ("5", 5), ("", None), ("x", None), ("9" * 5000, None)],
)  # fmt: skip
def test_reasons_signed_or_not(text, value):
    """CTI reasons are printed signed, unsigned or in hexadecimal, and mean the same."""
    assert signed(text) == value
