"""CUCM alarms → claims: one table, mnemonic → what it says (docs/reference/imports.md#alarms).

Alarms are told apart by mnemonic, never by severity, which is not fixed. Where two alarms say the same (every survivor
reports a lost node), both are claims; the state decides later which of them is the event.
"""

from collections.abc import Callable
from functools import lru_cache, partial

from cti_es.cucm.claims import Claim, NodeRef, SkipReason, What, address, host, number
from cti_es.cucm.cti_alarms import CTI_ALARMS, PROVIDER_OPENED, CtiAlarm, connection_of
from cti_es.cucm.records import Record

Verdict = Claim | SkipReason
Rule = Callable[[Record], Verdict]

APPLICATIONS = {"100": "node", "200": "cti_manager"}
"""Number of an SDL application → what fails with it: CallManager is the node's call processing."""

SERVICES = {"cisco callmanager": "node", "cisco ctimanager": "cti_manager"}

_EVENTS: dict[tuple[str, str], What] = {
    ("node", "failed"): "node_failed",
    ("node", "recovered"): "node_recovered",
    ("cti_manager", "failed"): "cti_manager_failed",
    ("cti_manager", "recovered"): "cti_manager_recovered",
}

DEVICE_FAILURE, DEVICE_UNREGISTERED, POWER_SAVE = "DeviceFailure", "DeviceUnregistered", "EnergyWisePowerSavePlus"

_PLANNED = ("8", "9", "10", "14", "15", "17", "19", "20", "22", "29", "30", "31", "33", "34")
AWAY: dict[str, str | None] = {
    **dict.fromkeys(_PLANNED, DEVICE_UNREGISTERED),
    "21": POWER_SAVE,
    "16": None,
    "28": None,
}
"""Reason of EndPointUnregistered → reason of ``device_failed``; those not listed are DeviceFailure.

See docs/reference/imports.md#alarm-reasons.

None is no failure: 28 is the return to a node of higher priority, which the replay moves by itself, and 16 says that
the device has registered a second time. Those that somebody asked for (reset, restart, removal, login, power) are
DeviceUnregistered, those that went wrong (timeouts, connectivity, malformed messages) DeviceFailure.
"""

CONNECTION_LOST = frozenset({"1", "2"})
"""Reasons of CtiProviderClosed that the application did not ask for: heartbeat missed, TCP gone."""

NEVER_OPENED = "4"
"""Reason of CtiProviderClosed: the connection ends because the provider could not be opened."""

APPLICATION_ONLY = frozenset({0x8CCC0013, 0x8CCC0018})
"""Reasons of an open failure that are about the application: another one has it, it is not in its control list."""

LOGIN_REFUSALS = {
    0x8CCC0075: "the login timed out",
    0x8CCC0060: "the directory refused the login: wrong name or password",
    0x8CCC005E: "the directory is unavailable",
    0x8CCC005F: "the user may not use CTI (Standard CTI Enabled)",
    0x8CCC00D0: "a secure connection is required, this one is not",
    0x8CCC00D1: "a secure connection where none is allowed",
    0x8CCC011D: "the password has expired",
    0x8CCC011F: "the account is locked",
}
"""Reason of CtiProviderOpenFailure → what it means."""

FOR_A_MOMENT = frozenset({0x8CCC009A})
"""Reasons of an open failure that pass by themselves: the device is about to unregister."""


def claim_of(record: Record, rule: Rule) -> Verdict:
    """What an alarm claims by its rule in :data:`ALARMS`, or why it claims nothing."""
    return "cut" if record.is_cut else rule(record)


def links(record: Record) -> tuple[tuple[NodeRef, NodeRef], ...]:
    """What an SDLLink alarm tells about the names of nodes: pairs of references that mean the same node."""
    if record.mnemonic.lower() not in ("sdllinkoos", "sdllinkisv"):
        return ()
    tags = record.tags
    pairs = (
        (number(tags.get("localnodeid", "")), host(record.node or "")),
        (number(tags.get("remotenodeid", "")), address(tags.get("remoteipaddress", ""))),
    )
    return tuple(pair for pair in pairs if all(ref.partition(" ")[2] for ref in pair))


def id_of(record: Record) -> str:
    """The ``id`` of the event that an alarm becomes: the same for the same alarm, by whatever way it came."""
    return f"alarm:{record.fingerprint}"


def signed(text: str) -> int | None:
    """A reason as a number from 0 to 0xFFFFFFFF; None if it is none.

    CTI prints it in decimal, signed or unsigned, or in hexadecimal: -1932787693 is 0x8CCC0013.
    """
    try:
        value = int(text, 16 if text[:2].lower() == "0x" else 10) if len(text) <= 12 else None
    except ValueError:
        return None
    return None if value is None else value & 0xFFFFFFFF


# --- what each alarm says -------------------------------------------------------------------------------------------


def _link(change: str, record: Record) -> Verdict:
    """The failed node is the remote one: the line is written by a node that is alive."""
    tags = record.tags
    thing = APPLICATIONS.get(tags.get("remoteapplicationid", ""))
    if thing is None:
        return "other_link" if tags.get("remoteapplicationid") else "tag_missing"
    nodes = [number(tags["remotenodeid"])] if tags.get("remotenodeid") else []
    nodes += [address(tags["remoteipaddress"])] if tags.get("remoteipaddress") else []
    return Claim(_EVENTS[thing, change], tuple(nodes)) if nodes else "tag_missing"


def _own_node(change: str, record: Record) -> Verdict:
    nodes = _here(record)
    return Claim(_EVENTS["node", change], nodes) if nodes else "tag_missing"


def _service(change: str, record: Record) -> Verdict:
    thing = SERVICES.get(record.tags.get("servicename", "").lower())
    nodes = _here(record)
    if thing is None:
        return "other_service"
    what: What = "service_started" if (thing, change) == ("node", "recovered") else _EVENTS[thing, change]
    return Claim(what, nodes) if nodes else "tag_missing"


def _here(record: Record) -> tuple[NodeRef, ...]:
    """The node that wrote the line."""
    if record.node:
        return (host(record.node),)
    found = record.tags.get("nodenumber")  # of a message in an SDL trace, which has no names
    return (number(found),) if found else ()


def _provider_opened(record: Record) -> Verdict:
    user, connection = record.tags.get("loginuserid"), connection_of(record)
    if not user or connection is None:
        return "tag_missing"
    return Claim("provider_opened", _here(record), connection=connection, app=user)


def _provider_closed(record: Record) -> Verdict:
    user, reason = record.tags.get("loginuserid"), record.tags.get("reason")
    if reason == NEVER_OPENED:
        return "application_only"
    what: What = "connection_lost" if reason in CONNECTION_LOST else "provider_closed"
    nodes = _here(record) if what == "connection_lost" else ()
    return Claim(what, nodes, connection=connection_of(record), app=user) if user else "tag_missing"


def _heartbeat_lost(record: Record) -> Verdict:
    """Only some releases say whose connection it was; CtiProviderClosed says so in any case."""
    user, connection = record.tags.get("loginuserid"), connection_of(record)
    if not user or connection is None:
        return "consequence"
    return Claim("connection_lost", _here(record), connection=connection, app=user)


def _cti(alarm: CtiAlarm, record: Record) -> Verdict:
    """What the application did; what it was told follows from other events, the replay says it by itself."""
    if not alarm.by_application(record) or alarm.did is None:
        return "consequence"
    names, connection = [record.tags.get(tag) for tag in alarm.names], connection_of(record)
    if not all(names) or connection is None:
        return "tag_missing"
    return Claim(alarm.did, device=names[0], line=names[1] if len(names) > 1 else None, connection=connection)


def _login_refused(record: Record) -> Verdict:
    user = record.tags.get("loginuserid") or f"connection {record.tags.get('cticonnectionid')}"
    return Claim("login_refused", _here(record), app=user, reason=record.tags.get("reason", ""))


def refusal(reason: str) -> str:
    """The reason of a refused login in words, with its code as the catalogue has it."""
    code = signed(reason)
    if code is None:
        return "no reason given"
    return f"{LOGIN_REFUSALS.get(code, 'a reason that is not in the catalogue')} (0x{code:08X})"


def _in_service(record: Record) -> Verdict:
    """Where the CTI Manager says that a device is now. That it is in service follows from other events."""
    device, node = record.tags.get("devicename"), record.tags.get("callmanagerid")
    return Claim("in_service", (number(node),), device=device) if device and node else "consequence"


def _refused(with_line: bool, record: Record) -> Verdict:
    device, line = record.tags.get("devicename"), record.tags.get("dirnum")
    if not device or (with_line and not line):
        return "tag_missing"
    reason = signed(record.tags.get("reason", ""))
    if reason in APPLICATION_ONLY:
        return "application_only"
    if reason in FOR_A_MOMENT:
        return "for_a_moment"
    return Claim("open_refused", device=device, line=line if with_line else None)


def _unregistered(record: Record) -> Verdict:
    device, reason = record.tags.get("devicename"), record.tags.get("reason", "")
    if not device:
        return "tag_missing"
    away = AWAY.get(reason, DEVICE_FAILURE)
    return Claim("device_failed", _here(record), device=device, reason=away) if away else "consequence"


def _registered(record: Record) -> Verdict:
    device = record.tags.get("devicename")
    return Claim("device_recovered", _here(record), device=device) if device else "tag_missing"


def _application_only(record: Record) -> Verdict:
    return "application_only"


ALARMS: dict[str, Rule] = {
    "sdllinkoos": partial(_link, "failed"),
    "sdllinkisv": partial(_link, "recovered"),
    "callmanagerfailure": partial(_own_node, "failed"),
    "callmanageronline": partial(_own_node, "recovered"),
    "servicefailed": partial(_service, "failed"),
    "servicestopped": partial(_service, "failed"),
    "servicestarted": partial(_service, "recovered"),
    **{mnemonic: partial(_cti, alarm) for mnemonic, alarm in CTI_ALARMS.items()},
    "ctideviceinservice": _in_service,
    "ctiprovideropenfailure": _login_refused,
    "ctiprovidercloseheartbeattimeout": _heartbeat_lost,
    PROVIDER_OPENED: _provider_opened,
    "ctiproviderclosed": _provider_closed,
    "ctideviceopenfailure": partial(_refused, False),
    "ctilineopenfailure": partial(_refused, True),
    "kctideviceopenfailaccessdenied": _application_only,
    "kctilineopenfailaccessdenied": _application_only,
    "endpointregistered": _registered,
    "deviceregistered": _registered,
    "endpointunregistered": _unregistered,
    "deviceunregistered": _unregistered,
}
"""Mnemonic in lower case → what the alarm says."""


@lru_cache(maxsize=4_096)
def rule_of(mnemonic: str) -> Rule | None:
    """The rule of an alarm, however its mnemonic is written; None for one that changes nothing here."""
    return ALARMS.get(mnemonic.lower())
