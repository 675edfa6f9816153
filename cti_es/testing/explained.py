"""``assert trace == expected``, explained: what ``diff`` says, with the first difference first."""

from collections.abc import Sequence

from cti_es.api import Log, Trace, diff
from cti_es.testing.told import first_difference
from cti_es.vocabulary.errors import CtiEsError
from cti_es.vocabulary.tapi import Message, TraceMessage


def explained(left: object, right: object) -> list[str] | None:
    """The lines that pytest shows for ``left == right``; None for what is no log, trace or list of messages.

    What is expected is the log, or else what stands on the right.
    """
    sides = (left, right) if isinstance(left, Log) else (right, left)
    if not all(map(_is_side, sides)):
        return None
    try:
        found = diff(*sides)  # type: ignore[arg-type]
    except CtiEsError as error:
        return ["what was received is not what is expected", str(error)]
    if found.conforms:  # they differ in what diff does not compare
        return None
    head, _, rest = str(found).partition("\nFirst divergence:")
    return [first_difference(found.differences), "", *f"First divergence:{rest}".split("\n"), "", *head.split("\n")]


def _is_side(one: object) -> bool:
    if isinstance(one, Sequence) and not isinstance(one, str | Trace):
        return all(isinstance(message, Message | TraceMessage) for message in one)
    return isinstance(one, Log | Trace)
