"""What the trace readers share: options, notes on what was left out, times of day."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from cti_es.vocabulary.errors import InputError, UnreadableMessage, did_you_mean
from cti_es.vocabulary.tapi import COMPARED, MESSAGE_IDS, PHONESTATE, TraceMessage
from cti_es.vocabulary.times import canonical_time, time_in_zone

KNOWN = frozenset({*MESSAGE_IDS, "LINE_CALLDEVSPECIFIC"})
"""The messages that a trace may have. The last one is Cisco's, without an id in tapi.h.

See docs/reference/tapi.md#messages.
"""

WITHOUT_HANDLE = frozenset({"PHONE_CREATE", "LINE_CREATE", "PHONE_REMOVE", "LINE_REMOVE"})
"""The messages that are for no handle (docs/reference/comparison.md#channels)."""

HOOK_STATES = frozenset(PHONESTATE[f"{place}HOOKSWITCH"] for place in ("HANDSET", "SPEAKER", "HEADSET"))
HOOK_MODES: dict[str, int] = {"ONHOOK": 1, "MIC": 2, "SPEAKER": 4, "MICSPEAKER": 8, "UNKNOWN": 16}
"""PHONEHOOKSWITCHMODE_… without the prefix → bit: parameter 2 of a PHONE_STATE about a hook switch."""


LinesReader = Callable[[int, list[bytes]], list[TraceMessage]]
"""Reads some lines, of which the first has a number, each for itself."""


class TraceOptions(NamedTuple):
    """How to read a trace.

    ``skip_bad`` counts messages that cannot be read instead of refusing the first. ``date`` (``2026-01-31``) is the day
    on which a trace with times of day begins. ``zones`` says what zones of stamps mean, as
    :func:`~cti_es.vocabulary.times.stamp_zone` gives it: ``{"": "Europe/Berlin"}`` for stamps that name none.
    ``line_patterns`` are the expressions of the format ``line-pattern``.
    """

    skip_bad: bool = False
    date: str | None = None
    zones: Mapping[str, str] = {}
    line_patterns: tuple[str, ...] = ()


class Incomplete(InputError):
    """A message without something that it must have."""


class Notes:
    """What a reader has left out of a trace: messages of other kinds by name, and (``skip_bad``) unreadable ones."""

    def __init__(self, name: str, options: TraceOptions) -> None:
        self.name = name
        self.options = options
        self.skipped: Counter[str] = Counter()
        self.bad = 0
        self.first_bad: int | None = None

    def wants(self, message: str) -> bool:
        """Whether a message is compared; others are counted. Raises :class:`InputError` if there is none such."""
        if message in COMPARED:
            return True
        if message not in KNOWN:
            # Looking for a near name takes a millisecond: too long for every one of a million lines.
            near = "" if self.options.skip_bad else did_you_mean(message, KNOWN)
            raise InputError(f"unknown message {quoted(message)}", expected="the name of a TAPI message", hint=near)
        self.skipped[message] += 1
        return False

    def unreadable(self, number: int, error: InputError) -> None:
        """Raise ``error``, as :class:`UnreadableMessage`, with the line it is about; with ``skip_bad`` count it."""
        if not self.options.skip_bad:
            where = f"{self.name}:{number}"
            raise UnreadableMessage(error.what, where=where, expected=error.expected, hint=error.hint) from None
        self.bad += 1
        self.first_bad = self.first_bad or number


def quoted(text: str) -> str:
    """Some text of a trace as an error shows it: not too long, nothing that could steer a terminal."""
    return ascii(text if len(text) <= 60 else text[:59] + "…")


def handle_text(number: int) -> str | None:
    """A TAPI handle as :class:`~cti_es.vocabulary.tapi.TraceMessage` has it. NULL is none.

    See docs/reference/tapi.md#parameters.
    """
    return f"{number:x}" if number else None


STAMP = r"(?:([0-9]{1,2}):([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{1,3})[ \t]*+:[ \t]*+)?"
"""TAPI Browser's time of day, perhaps: ``9:5.3.42 : `` (docs/reference/traces/tapi-browser.md). Four groups."""

_HALF_A_DAY = 12 * 3_600_000


def day_of(text: str) -> date:
    """A day such as ``2026-01-31``. Raises :class:`InputError` for what is none."""
    try:
        return date.fromisoformat(canonical_time(f"{text}T00:00:00Z")[:10])
    except InputError:
        raise InputError(f"{quoted(text)} is no day", expected="a day such as 2026-01-31") from None


class Clock:
    """Times of day → canonical times. When they go back by more than half a day, the next day has begun.

    Raises :class:`InputError` if the date of the options is none.
    """

    def __init__(self, options: TraceOptions) -> None:
        self._day = day_of(options.date) if options.date else None
        self._zone = options.zones.get("", "Z")
        self._last = 0

    def at(self, stamp: tuple[str | None, ...]) -> str | None:
        """The time of a stamp (the groups of :data:`STAMP`); None without a date. Raises :class:`InputError`."""
        if stamp[0] is None:
            return None
        hour, minute, second, milli = (int(part or 0) for part in stamp)
        if hour > 23 or minute > 59 or second > 59:
            raise InputError(f"{hour}:{minute}.{second}.{milli} is no time of day")
        if self._day is None:
            return None
        now = ((hour * 60 + minute) * 60 + second) * 1000 + milli
        if self._last - now > _HALF_A_DAY:
            self._day += timedelta(days=1)
        self._last = now
        return time_in_zone(f"{self._day}T{hour:02}:{minute:02}:{second:02}.{milli:03}", self._zone)


def decoded(line: bytes) -> str:
    """A line as text, without blanks at its end; a no-break space (of a web page) is a space.

    What is no UTF-8 is replaced: only ASCII matters to the reader.
    """
    text = line.decode("utf-8", "replace").rstrip()
    return text if text.isascii() else text.replace("\xa0", " ").replace("\u202f", " ")
