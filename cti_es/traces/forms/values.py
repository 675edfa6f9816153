"""States and reasons as people write them: by number, by name, with a prefix or without, in any case of letters."""

import re
from collections.abc import Mapping

from cti_es.traces.forms.common import HOOK_MODES, quoted
from cti_es.vocabulary.errors import InputError, did_you_mean
from cti_es.vocabulary.tapi import REASONS, STATE_FLAGS

Numbers = Mapping[str, int | None]
"""Name, as :func:`plain` makes it, → number; None if the name is known and its number is not."""

_NUMBER = re.compile("[0-9]{1,18}|0[xX][0-9a-fA-F]{1,15}")
_BETWEEN_WORDS = re.compile(r"[\s_-]++")
_LONGEST_NAME = 80


def plain(name: str) -> str:
    """A name without what people write in different ways: ``Out Of Service`` and ``OUT_OF_SERVICE`` are one."""
    return _BETWEEN_WORDS.sub("", name).lower()


def _numbers(prefixes: tuple[str, ...], names: Numbers) -> dict[str, int | None]:
    """Names with each of the prefixes and without."""
    return {plain(prefix + name): number for prefix in ("", *prefixes) for name, number in names.items()}


STATES: dict[str, Numbers] = {message: _numbers((prefix,), flags) for message, (prefix, flags) in STATE_FLAGS.items()}
"""Message → the names of its parameter 1."""

_CLOSE_REASONS = {"Unknown": 0, "LineNotAvailable": 1, "EMActivity": 2}
_OTHER_REASONS = {"Unknown": 0, "OtherLineInactive": 1, "OtherLineActive": 2, "OtherLineCapsChange": 3}

# These two are in Cisco's header, but their numbers are not published.
_OUT_REASONS: Numbers = {**REASONS, "EMLogin": None, "EMLogout": None}

REASON_NUMBERS: Numbers = {
    **_numbers(("CiscoLineDevStateCloseReason_",), _CLOSE_REASONS),
    **_numbers(("CiscoLineDevStateOtherReason_",), _OTHER_REASONS),
    **_numbers(("PHONEHOOKSWITCHMODE_",), HOOK_MODES),
    **_numbers(("CiscoLineDevStateOutOfServiceReason_", "CiscoPhoneStateOutOfServiceReason_"), _OUT_REASONS),
}
"""The names of parameter 2. See docs/reference/tapi.md#reasons and docs/reference/tapi.md#other-reasons."""


def number(text: str) -> int | None:
    """A number in decimal, or in hexadecimal with ``0x``; None if the text is none."""
    return int(text, 16 if text[:2] in ("0x", "0X") else 10) if _NUMBER.fullmatch(text) else None


def state(message: str, text: str) -> int | None:
    """Parameter 1 of a message: a number or the names of its states, with a vertical bar between several.

    Raises :class:`InputError` for what is neither.
    """
    prefix, flags = STATE_FLAGS.get(message, ("", {}))
    return _value("param1", text, STATES.get(message, {}), [prefix + name for name in flags])


def reason(text: str) -> int | None:
    """Parameter 2: a number or the name of a reason. Raises :class:`InputError` for what is neither."""
    return _value("param2", text, REASON_NUMBERS, [*REASONS])


def message_of_state(text: str) -> str | None:
    """The message that a state by name belongs to: PHONE_STATE for ``SUSPEND``. None if no or several messages do."""
    found = [message for message, names in STATES.items() if plain(text) in names]
    return found[0] if len(found) == 1 else None


def _value(field: str, text: str, names: Numbers, written: list[str]) -> int | None:
    if (found := number(text)) is not None:
        return found
    total = 0
    for part in text.split("|"):
        if (name := plain(part)) not in names:
            near = did_you_mean(part.strip(), written) if len(part) <= _LONGEST_NAME else ""
            raise InputError(f"{field} is {quoted(text)}", expected=_EXPECTED[field], hint=near)
        if (one := names[name]) is None:
            return None
        total |= one
    return total


_EXPECTED = {
    "param1": "a number, decimal or 0x…, or the name of a state",
    "param2": "a number, decimal or 0x…, or the name of a reason",
}
