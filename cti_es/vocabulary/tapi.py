"""TAPI's own names and numbers, and the message that an application receives (docs/reference/rules.md#messages).

Message ids, state bits and Cisco's out-of-service reasons are those of docs/reference/tapi.md.
"""

from typing import NamedTuple

import msgspec


class Signal(NamedTuple):
    """A message and its first parameter, by name and by number."""

    message: str
    msg: int
    param1_name: str | None = None
    param1: int = 0


# --- messages (docs/reference/tapi.md#messages) ---------------------------------------------------------------------

MESSAGE_NAMES: tuple[str, ...] = (
    "LINE_ADDRESSSTATE",
    "LINE_CALLINFO",
    "LINE_CALLSTATE",
    "LINE_CLOSE",
    "LINE_DEVSPECIFIC",
    "LINE_DEVSPECIFICFEATURE",
    "LINE_GATHERDIGITS",
    "LINE_GENERATE",
    "LINE_LINEDEVSTATE",
    "LINE_MONITORDIGITS",
    "LINE_MONITORMEDIA",
    "LINE_MONITORTONE",
    "LINE_REPLY",
    "LINE_REQUEST",
    "PHONE_BUTTON",
    "PHONE_CLOSE",
    "PHONE_DEVSPECIFIC",
    "PHONE_REPLY",
    "PHONE_STATE",
    "LINE_CREATE",
    "PHONE_CREATE",
    "LINE_AGENTSPECIFIC",
    "LINE_AGENTSTATUS",
    "LINE_APPNEWCALL",
    "LINE_PROXYREQUEST",
    "LINE_REMOVE",
    "PHONE_REMOVE",
    "LINE_AGENTSESSIONSTATUS",
    "LINE_QUEUESTATUS",
    "LINE_AGENTSTATUSEX",
    "LINE_GROUPSTATUS",
    "LINE_PROXYSTATUS",
    "LINE_APPNEWCALLHUB",
    "LINE_CALLHUBCLOSE",
    "LINE_DEVSPECIFICEX",
)
"""The name of each message; its id is its place in the list."""

MESSAGE_IDS: dict[str, int] = {name: number for number, name in enumerate(MESSAGE_NAMES)}

COMPARED: frozenset[str] = frozenset(
    {
        "PHONE_STATE",
        "PHONE_CLOSE",
        "LINE_LINEDEVSTATE",
        "LINE_CLOSE",
        "PHONE_CREATE",
        "LINE_CREATE",
        "PHONE_REMOVE",
        "LINE_REMOVE",
    }
)
"""The messages about availability, on which traces are compared. Others are counted and skipped.

See docs/reference/traces.md#formats.
"""


def _bits(names: str) -> dict[str, int]:
    """Names in the order of their bits, from 1 on."""
    return {name: 1 << bit for bit, name in enumerate(names.split())}


LINEDEVSTATE = _bits(
    "OTHER RINGING CONNECTED DISCONNECTED MSGWAITON MSGWAITOFF INSERVICE OUTOFSERVICE MAINTENANCE OPEN CLOSE NUMCALLS"
    " NUMCOMPLETIONS TERMINALS ROAMMODE BATTERY SIGNAL DEVSPECIFIC REINIT LOCK CAPSCHANGE CONFIGCHANGE TRANSLATECHANGE"
    " COMPLCANCEL REMOVED"
)
"""LINEDEVSTATE_… without the prefix → bit (docs/reference/tapi.md#linedevstate)."""

PHONESTATE = _bits(
    "OTHER CONNECTED DISCONNECTED OWNER MONITORS DISPLAY LAMP RINGMODE RINGVOLUME HANDSETHOOKSWITCH HANDSETVOLUME"
    " HANDSETGAIN SPEAKERHOOKSWITCH SPEAKERVOLUME SPEAKERGAIN HEADSETHOOKSWITCH HEADSETVOLUME HEADSETGAIN SUSPEND"
    " RESUME DEVSPECIFIC REINIT CAPSCHANGE REMOVED"
)
"""PHONESTATE_… without the prefix → bit. The same bit means another thing for a line.

See docs/reference/tapi.md#phonestate.
"""

STATE_FLAGS: dict[str, tuple[str, dict[str, int]]] = {
    "LINE_LINEDEVSTATE": ("LINEDEVSTATE_", LINEDEVSTATE),
    "PHONE_STATE": ("PHONESTATE_", PHONESTATE),
}
"""Message → the prefix and the flags of its parameter 1."""

SUSPEND = Signal("PHONE_STATE", 18, "PHONESTATE_SUSPEND", 0x40000)
RESUME = Signal("PHONE_STATE", 18, "PHONESTATE_RESUME", 0x80000)
PHONE_CLOSE = Signal("PHONE_CLOSE", 15)
INSERVICE = Signal("LINE_LINEDEVSTATE", 8, "LINEDEVSTATE_INSERVICE", 0x40)
OUTOFSERVICE = Signal("LINE_LINEDEVSTATE", 8, "LINEDEVSTATE_OUTOFSERVICE", 0x80)
LINE_CLOSE = Signal("LINE_CLOSE", 3)
LINE_CREATE = ("LINE_CREATE", 19)
PHONE_CREATE = ("PHONE_CREATE", 20)
LINE_REMOVE = ("LINE_REMOVE", 25)
PHONE_REMOVE = ("PHONE_REMOVE", 26)
"""Signals whose parameter 1 is a TAPI device id."""

REASONS: dict[str, int] = {
    "Unknown": 0,
    "CallManagerFailure": 1,
    "ReHomeToHigherPriorityCM": 2,
    "NoCallManagerAvailable": 3,
    "DeviceFailure": 4,
    "DeviceUnregistered": 5,
    "EnergyWisePowerSavePlus": 6,
    "CtiLinkFailure": 0x101,
}
"""Out-of-service reason → parameter 2 of SUSPEND and OUTOFSERVICE (docs/reference/tapi.md#reasons)."""

REASON_NAMES: dict[int, str] = {number: name for name, number in REASONS.items()}


class Message(msgspec.Struct, frozen=True, gc=False):
    """One TAPI message to one application, as NDJSON has it: these fields, in this order.

    ``seq`` counts from 1 within a replay. ``version`` and ``at`` are those of the event that caused it. ``handle`` is
    the version of the event that opened the handle it is for; null for CREATE and REMOVE. ``line`` is null for
    PHONE_…. ``rule`` is ``EVENT/STEP``. A message that has waited for a link has the version and time of the event
    that delivers it, and the rule that it comes from.
    """

    seq: int
    version: int
    at: str | None
    app: str
    device: str
    line: str | None
    handle: int | None
    message: str
    msg: int
    param1_name: str | None
    param1: int
    param2_name: str | None
    param2: int
    param3: int
    rule: str


class TraceMessage(msgspec.Struct, frozen=True, gc=False):
    """One message of a trace, from whatever text it was read.

    ``place`` is the number of its first line in the trace (of the message in a replay). ``handle`` is the trace's own
    name for the handle (a TAPI handle in hexadecimal, or the version of the event that opened it). ``app``,
    ``device`` and ``line`` are names, where the trace has them; ``param1`` and ``param2`` are None where it cannot
    tell. ``at`` is a canonical time, ``version`` and ``rule`` say where a replayed message comes from.
    """

    place: int
    message: str
    param1: int | None = None
    param2: int | None = None
    app: str | None = None
    device: str | None = None
    line: str | None = None
    handle: str | None = None
    at: str | None = None
    version: int | None = None
    rule: str | None = None
