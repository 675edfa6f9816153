"""The states on which traces are compared: of a phone SUSPEND and RESUME, of a line OUTOFSERVICE and INSERVICE."""

from typing import Literal

from cti_es.vocabulary.tapi import STATE_FLAGS, TraceMessage

COMPARED_STATES: dict[tuple[str, int], Literal["in", "out"]] = {
    ("PHONE_STATE", 0x40000): "out",
    ("PHONE_STATE", 0x80000): "in",
    ("LINE_LINEDEVSTATE", 0x80): "out",
    ("LINE_LINEDEVSTATE", 0x40): "in",
}
"""Message and parameter 1 → what an application is told by it: in service, or out of service."""


def told_by(message: TraceMessage) -> Literal["in", "out"] | None:
    """Which of the compared states a message tells; None if it tells none."""
    return None if message.param1 is None else COMPARED_STATES.get((message.message, message.param1))


def is_of_another_state(message: str, param1: int | None) -> bool:
    """Whether a message is about a state that is not compared (RINGING, …), or about several states at once."""
    return message in STATE_FLAGS and (param1 is None or (message, param1) not in COMPARED_STATES)


def one_compared_state(message: TraceMessage) -> int | None:
    """The compared state of a message that tells several at once; None if there is none, or more than one."""
    bits = message.param1 or 0
    found = [state for name, state in COMPARED_STATES if name == message.message and bits & state]
    return found[0] if len(found) == 1 else None


def other_state(message: TraceMessage) -> str:
    """What a message about another state is called where such messages are counted: by its state, if it has one."""
    prefix, flags = STATE_FLAGS[message.message]
    names = [name for name, bit in flags.items() if bit == message.param1]
    if names:
        return prefix + names[0]
    return f"{message.message} of {'an unknown state' if message.param1 is None else 'other states'}"
