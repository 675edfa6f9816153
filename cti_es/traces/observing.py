"""A side → the outages that its messages tell (docs/reference/commands/outages.md#beside-a-trace)."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from cti_es.answers.observed import Observed
from cti_es.traces.diff.handles import Given, bare
from cti_es.traces.sides import AT_LEAST_ONE, Side
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.tapi import TraceMessage
from cti_es.vocabulary.words import counted


def observed_in(
    side: Side, given: Mapping[str, Given] | None = None, app: str | None = None, lines: bool = False
) -> Observed:
    """Read a side to its end: the outages in it, also of lines (``lines``), or as one application was told (``app``).

    ``given`` names the handles of a trace that does not name devices. The side has ``warnings`` afterwards. Raises
    :class:`InputError` if no message can be used: none there, or none with a time and a device.
    """
    observed = Observed(_named(side, given or {}), app, lines)
    if not side.messages:
        raise InputError("no message about availability", where=side.name, expected=AT_LEAST_ONE)
    for count, what in ((observed.without_time, "a time"), (observed.without_device, "a device")):
        if count == side.messages:
            raise InputError(f"no message with {what}", where=side.name, expected="messages with times and devices")
        if count:
            side.warnings.append(f"{counted(count, 'message')} without {what} left out of {side.name}")
    return observed


def _named(side: Side, given: Mapping[str, Given]) -> Iterator[TraceMessage]:
    for batch in side.in_order():
        for one in batch:
            found = given.get(bare(one.handle)) if one.handle is not None else None
            yield replace(one, app=found.app or one.app, device=found.device, line=found.line) if found else one
