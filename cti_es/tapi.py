"""TAPI's own names and numbers, and the message that an application receives (recovery-rules §6).

Message ids, state bits and Cisco's out-of-service reasons are those of reference/tapi.md §1 and §2.
"""

from typing import NamedTuple

import msgspec


class Signal(NamedTuple):
    """A message and its first parameter, by name and by number."""

    message: str
    msg: int
    param1_name: str | None = None
    param1: int = 0


SUSPEND = Signal("PHONE_STATE", 18, "PHONESTATE_SUSPEND", 0x40000)
RESUME = Signal("PHONE_STATE", 18, "PHONESTATE_RESUME", 0x80000)
PHONE_CLOSE = Signal("PHONE_CLOSE", 15)
INSERVICE = Signal("LINE_LINEDEVSTATE", 8, "LINEDEVSTATE_INSERVICE", 0x40)
OUTOFSERVICE = Signal("LINE_LINEDEVSTATE", 8, "LINEDEVSTATE_OUTOFSERVICE", 0x80)
LINE_CLOSE = Signal("LINE_CLOSE", 3)

REASONS: dict[str, int] = {
    "Unknown": 0,
    "CallManagerFailure": 1,
    "ReHomeToHigherPriorityCM": 2,
    "NoCallManagerAvailable": 3,
}
"""Out-of-service reason → parameter 2 of SUSPEND and OUTOFSERVICE."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One TAPI message to one application, as NDJSON has it: these fields, in this order.

    ``seq`` counts from 1 within a replay. ``version`` and ``at`` are those of the event that caused it. ``handle`` is
    the version of the event that opened the handle it is for. ``line`` is null for PHONE_…. ``rule`` is ``EVENT/STEP``.
    """

    seq: int
    version: int
    at: str | None
    app: str
    device: str
    line: str | None
    handle: int
    message: str
    msg: int
    param1_name: str | None
    param1: int
    param2_name: str | None
    param2: int
    param3: int
    rule: str
