"""What one line of a cluster's log claims to have happened, before anybody knows whether it fits.

A claim names nodes as the line does (:data:`NodeRef`) and applications by their CTI connection; both are understood
later, when everything has been read.
"""

from typing import Literal

import msgspec

What = Literal[
    "node_failed", "node_recovered", "cti_manager_failed", "cti_manager_recovered", "provider_opened",
    "provider_closed", "connection_lost", "device_opened", "device_closed", "line_opened", "line_closed",
    "open_refused", "device_failed", "device_recovered", "call_started", "call_ended", "service_started",
    "in_service", "login_refused", "given",
]  # fmt: skip
"""The event that a claim is about; ``given`` is any event that comes as such. Four are none by themselves:
``connection_lost`` (what was open by that connection no longer is by it), ``service_started`` (the node may be back),
``in_service`` (where a device is), ``login_refused``.
"""

OUTAGES: frozenset[What] = frozenset({
    "node_failed", "node_recovered", "cti_manager_failed", "cti_manager_recovered", "device_failed",
    "device_recovered", "service_started",
})  # fmt: skip
"""Failures and recoveries: what may not be lost for want of a name or a time."""

NodeRef = str
"""A node as a line names it: ``host cucm-sub1``, ``number 2`` or ``address 10.1.1.12``, in lower case."""

SkipReason = Literal[
    "no_log_line", "no_alarm", "not_utf8", "part_missing", "cut", "rtmt_copy", "no_time", "no_year", "no_date",
    "unknown_zone", "bad_time", "other_alarm", "other_service", "other_link", "tag_missing", "bad_name",
    "unknown_node", "ambiguous_node", "unknown_device", "unknown_connection", "other_connection", "consequence",
    "connection_lost", "application_only", "for_a_moment", "not_away", "elsewhere", "bad_row", "bad_number",
    "other_record", "starting", "closed_by_loss", "linked_there", "outside_list", "second_connection",
    "other_table", "no_device", "no_device_row", "no_group", "not_controlled", "same_number",
]  # fmt: skip

REASONS: dict[SkipReason, str] = {
    "no_log_line": "no line of a CUCM log",
    "no_alarm": "a line of an SDL trace that is no alarm",
    "not_utf8": "bytes that are not UTF-8",
    "part_missing": "a message in several parts of which one is missing",
    "cut": "cut off inside its parameters, or before them",
    "rtmt_copy": "RTMT's copy of another line",
    "no_time": "no time in the line",
    "no_year": "a time without a year",
    "no_date": "an SDL trace has no dates",
    "unknown_zone": "an unknown time zone",
    "bad_time": "a day or time that does not exist",
    "other_alarm": "an alarm that changes nothing here",
    "other_service": "another service than Cisco CallManager and Cisco CTIManager",
    "other_link": "a link to another application than CallManager and CTIManager",
    "tag_missing": "an alarm without a parameter that is needed, or with another value than it can have",
    "bad_name": "a name that is too long or has control characters",
    "unknown_node": "a node that the log does not know under this name, number or address",
    "ambiguous_node": "a node number or address that stands for several nodes",
    "unknown_device": "a device that the log does not know",
    "unknown_connection": "a CTI connection that these files do not open, so whose it is is not known",
    "other_connection": "another CTI connection of the application still has it open",
    "consequence": "follows from another event: the replay says it by itself",
    "connection_lost": "the application had no link there any more",
    "closed_by_loss": "closed because the connection was lost just then: the application did not ask for it",
    "application_only": "refused to one application, not by the nodes",
    "for_a_moment": "refused while the device unregisters: the next try may succeed",
    "not_away": "a device has registered that was not away",
    "elsewhere": "a node lost a device that is not in service there",
    "bad_row": "a row that does not fit the header above it, or has nothing where a value belongs",
    "bad_number": "a CDR row with something else where a number belongs",
    "other_record": "a CDR row that is no call record",
    "linked_there": "the application is linked to this CTI Manager already",
    "outside_list": "a login at a CTI Manager that is not in the application's list; put provider_closed and"
    " provider_opened with the longer list before it, or start over with that list in the topology",
    "second_connection": "a login beside another connection of the application that lasts",
    "other_table": "a table of other columns than topology has",
    "no_device": "a trunk, a profile, a template or another entry that does not register as a device",
    "no_device_row": "lines of a device that no table of devices names",
    "no_group": "a device whose CallManager group no table names",
    "not_controlled": "a device that no user may control",
    "same_number": "a number in two partitions of one device: it is one line here",
    "starting": "a service has started; the node is back a little later, when another line says so",
}
"""Why a line is left out, in words."""


class Claim(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a line says.

    ``nodes`` are ways to name the node it is about, best first; of a call record, the node that wrote it and the one
    at which the device was. ``connection`` is the host and number of a CTI connection, ``app`` the user name that opens
    it, ``event`` the JSON of a given event. ``reason`` is a reason of ``device_failed``
    (docs/reference/tsp.md#devices-that-are-away). ``since`` is when the call began of which a record gives the end.
    """

    what: What
    nodes: tuple[NodeRef, ...] = ()
    device: str | None = None
    line: str | None = None
    connection: str | None = None
    app: str | None = None
    call: str | None = None
    reason: str | None = None
    event: str | None = None
    since: str | None = None


def host(name: str) -> NodeRef:
    """A node by its host name."""
    return f"host {name.lower()}"


def number(text: str) -> NodeRef:
    """A node by its number in the cluster."""
    return f"number {text.lower()}"


def address(text: str) -> NodeRef:
    """A node by an IP address."""
    return f"address {text.lower()}"


def short_host(name: str) -> str:
    """A host name without its domain, in lower case; an address stays as it is."""
    first, _, _ = name.lower().partition(".")
    return name.lower() if first.isdigit() or ":" in name else first
