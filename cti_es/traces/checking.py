"""A side → what it breaks of the rules that every trace must keep (docs/reference/commands/lint.md)."""

from typing import NamedTuple

from cti_es.traces.diff.lint import Violation, lint
from cti_es.traces.diff.states import COMPARED_STATES
from cti_es.traces.recognise import TRACE_FORMATS
from cti_es.traces.sides import AT_LEAST_ONE, Side
from cti_es.vocabulary.errors import InputError


class Checked(NamedTuple):
    """What a side breaks, in its order; and in words what was left out of it, empty if nothing was."""

    violations: list[Violation]
    left_out: str


def check_side(side: Side, strict: bool = False) -> Checked:
    """Read a side to its end and check it; afterwards it has its ``warnings``.

    ``strict``: a handle that is still out at the end is more than a warning. Raises :class:`InputError` for what cannot
    be read, and if there is no message to check.
    """
    _leave_out_half_told(side)
    return Checked(lint(side.as_received(), strict), _left_out_of(side))


def _leave_out_half_told(side: Side) -> None:
    """Leave out states of which the format of a trace cannot tell the other half: they never take turns there."""
    half = {message for name in side.formats for message, _ in TRACE_FORMATS[name].untold}
    side.untold = frozenset((message, state) for message, state in COMPARED_STATES if message in half)


def _left_out_of(side: Side) -> str:
    """What was left out of a trace that has been read, in words: empty if nothing was.

    Raises :class:`InputError` if there was nothing else in the trace.
    """
    left_out = [f"{count} {name}" for name, count in side.skipped().items()]
    left_out += [f"{side.unreadable()} that cannot be read"] if side.unreadable() else []
    if not side.messages:
        found = f"no message to check ({', '.join(left_out)})" if left_out else "no message to check"
        raise InputError(found, where=side.name, expected=AT_LEAST_ONE)
    return ", ".join(left_out)
