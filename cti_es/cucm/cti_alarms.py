"""What the alarms of a CTI Manager mean, once for all: what the application did, and what it was told.

``import`` makes events of what the application did; ``diff`` and ``lint`` read what it was told as a trace of its
messages (docs/reference/imports.md, docs/reference/traces/cucm-alarms.md).
"""

from typing import NamedTuple

from cti_es.cucm.claims import What, short_host
from cti_es.cucm.records import Record
from cti_es.vocabulary.tapi import INSERVICE, LINE_CLOSE, OUTOFSERVICE, PHONE_CLOSE, RESUME, SUSPEND, Signal

DEVICE = ("devicename",)
LINE = ("devicename", "dirnum")


class CtiAlarm(NamedTuple):
    """What one alarm means.

    ``did`` is the event if the application did something, ``told`` the message if it was told something. An alarm that
    can be either says which by its reason: ``own_reason`` is the one by which the application itself closed. ``names``
    are the tags that name the device and the line; CtiLineInService has none of them.
    """

    names: tuple[str, ...]
    did: What | None = None
    told: Signal | None = None
    own_reason: str | None = None

    def by_application(self, record: Record) -> bool:
        """Whether it was the application that did what this record says."""
        return self.did is not None and self.own_reason in (None, record.tags.get("reason"))


CTI_ALARMS: dict[str, CtiAlarm] = {
    "ctideviceopened": CtiAlarm(DEVICE, "device_opened"),
    "ctilineopened": CtiAlarm(LINE, "line_opened"),
    "ctideviceclosed": CtiAlarm(DEVICE, "device_closed", PHONE_CLOSE, own_reason="5"),
    "ctilineclosed": CtiAlarm(LINE, "line_closed", LINE_CLOSE, own_reason="6"),
    "ctideviceoutofservice": CtiAlarm(DEVICE, told=SUSPEND),
    "ctideviceinservice": CtiAlarm(DEVICE, told=RESUME),
    "ctilineoutofservice": CtiAlarm(LINE, told=OUTOFSERVICE),
    "ctilineinservice": CtiAlarm((), told=INSERVICE),
}
"""Mnemonic in lower case → what the alarm says. Those about connections and refusals have rules of their own."""

PROVIDER_OPENED = "ctiprovideropened"
"""The alarm that says whose a connection is."""


def connection_of(record: Record) -> str | None:
    """The CTI connection that an alarm is about: its number means something only on the CTI Manager that gave it.

    A node is the same however its name is written: in capitals, with its domain or without.
    """
    found = record.tags.get("cticonnectionid")
    node = record.node or record.tags.get("nodenumber", "")
    return f"{short_host(node)} {found}" if found else None
