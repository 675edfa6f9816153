"""Messages in the words of a test: ``SUSPEND CTIP01``, ``OUTOFSERVICE 5001 (CallManagerFailure)``.

The words are read against what a log knows, so that a word that no application could ever be told is an error that
says what to do, and not just a test that fails (docs/reference/testing.md#words-of-messages).
"""

import re
from collections.abc import Iterable, Sequence

from cti_es.model.replay import Replay
from cti_es.model.steps import ControlGiven, DeviceEntered, DeviceLeft, LinesEntered, Opened, Step
from cti_es.traces.diff.differences import about
from cti_es.vocabulary import tapi
from cti_es.vocabulary.errors import InputError, did_you_mean
from cti_es.vocabulary.events import Event
from cti_es.vocabulary.tapi import REASONS, Message, TraceMessage

_SAYS: dict[str, tuple[str, int]] = {
    "SUSPEND": (tapi.SUSPEND.message, tapi.SUSPEND.param1),
    "RESUME": (tapi.RESUME.message, tapi.RESUME.param1),
    "OUTOFSERVICE": (tapi.OUTOFSERVICE.message, tapi.OUTOFSERVICE.param1),
    "INSERVICE": (tapi.INSERVICE.message, tapi.INSERVICE.param1),
    "PHONE_CLOSE": (tapi.PHONE_CLOSE.message, 0),
    "LINE_CLOSE": (tapi.LINE_CLOSE.message, 0),
    "PHONE_CREATE": ("PHONE_CREATE", 0),
    "LINE_CREATE": ("LINE_CREATE", 0),
    "PHONE_REMOVE": ("PHONE_REMOVE", 0),
    "LINE_REMOVE": ("LINE_REMOVE", 0),
}
"""The first word → the message, and its parameter 1."""

_WORD_OF = {says: word for word, says in _SAYS.items()}
_TWIN = {"SUSPEND": "OUTOFSERVICE", "RESUME": "INSERVICE"} | {
    f"PHONE_{what}": f"LINE_{what}" for what in ("CLOSE", "CREATE", "REMOVE")
}
"""What is said of a device → what is said of its lines."""

_OF_A_LINE = {line: device for device, line in _TWIN.items()}
_WITH_REASON = ("SUSPEND", "OUTOFSERVICE")
_CONFIGURATION = ("CREATE", "REMOVE")
_PREFIX = re.compile("^(?:PHONESTATE|LINEDEVSTATE)_")
_REASON = re.compile(r"^(.*?) *\(([^()]*)\)$")


class Known:
    """What a log has ever known: devices with their lines, applications, and what these have opened."""

    def __init__(self, events: Iterable[Sequence[Event]]) -> None:
        self.devices: dict[str, list[str]] = {}
        self.opened: set[tuple[str, str, str | None]] = set()
        self.with_provider: set[str] = set()
        replay = Replay()
        replay.watch = self._watch
        for batch in events:
            replay.advance(batch)
            self.with_provider |= set(replay.book.providers)
        self.apps = list(replay.book.apps)

    def _watch(self, version: int, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, DeviceEntered | DeviceLeft | LinesEntered | ControlGiven):
                lines = self.devices.setdefault(step.device, [])
                lines += [line for line in step.lines if line not in lines]
            elif isinstance(step, Opened):
                self.opened |= {(step.app, step.device, line) for line in step.lines}
                self.opened |= {(step.app, step.device, None)} if step.phone else set()

    def check_app(self, app: str) -> None:
        """Raise :class:`InputError` for an application that the log does not have."""
        if app not in self.apps:
            hint = did_you_mean(app, self.apps) or "an application is there once it has opened something: opened_by="
            raise InputError(f"there is no application '{app}'", expected=_one_of(self.apps), hint=hint)


def read_words(words: Sequence[str], app: str, known: Known) -> list[TraceMessage]:
    """The messages that a test expects an application to be told.

    A reason that is not given is None. Raises :class:`InputError` for what nobody can be told, with the way out.
    """
    return [_Reading(word, app, known).message(place) for place, word in enumerate(words, 1)]


def in_words(message: Message | TraceMessage) -> str:
    """A message in the words that :func:`read_words` takes; its reason too, if it carries one."""
    word = _WORD_OF.get((message.message, message.param1 or 0)) or _WORD_OF.get((message.message, 0), message.message)
    reason = f" ({tapi.REASON_NAMES.get(message.param2, hex(message.param2))})" if message.param2 else ""
    return f"{word} {about(message)}{reason}"


class _Reading:
    """One text being read. ``text`` is what errors quote."""

    def __init__(self, text: str, app: str, known: Known) -> None:
        if not isinstance(text, str):
            raise InputError(f"found {text!r}", expected="a text such as 'SUSPEND CTIP01' or 'OUTOFSERVICE 5001'")
        self._text, self._app, self._known = text, app, known
        found = _REASON.match(text.strip())
        self._reason: str | None = found[2] if found else None
        word, _, about = (found[1] if found else text.strip()).partition(" ")
        self._word = _PREFIX.sub("", word)
        self._about: str = about.strip()

    def message(self, place: int) -> TraceMessage:
        """The message that is meant."""
        if self._word not in _SAYS:
            raise self._wrong(
                f"no message '{self._word}'", expected=_one_of(_SAYS), hint=did_you_mean(self._word.upper(), _SAYS)
            )
        reason = self._number_of_reason()
        device, line = self._line() if self._word in _OF_A_LINE else (self._device(), None)
        self._check_can_be_told(device, line)
        name, param1 = _SAYS[self._word]
        return TraceMessage(place, name, param1, reason, self._app, device, line)

    def _number_of_reason(self) -> int | None:
        """The number of the reason that is given; None if none is given, 0 where a message carries none."""
        if self._word not in _WITH_REASON:
            if self._reason is not None:
                raise self._wrong(f"{self._word} carries no reason", expected="a reason only for SUSPEND, OUTOFSERVICE")
            return 0
        if self._reason is not None and self._reason not in REASONS:
            hint = did_you_mean(self._reason, REASONS)
            raise self._wrong(f"no reason '{self._reason}'", expected=_one_of(REASONS), hint=hint)
        return REASONS[self._reason] if self._reason is not None else None

    def _device(self) -> str:
        """The device that is named, or else the only one that the application has opened."""
        devices, about = self._known.devices, self._about
        if about in devices:
            return about
        if about and self._lines_called(about):
            line = f"{_TWIN[self._word]} {about}"
            raise self._wrong(
                f"{self._word} is about a device, and {about} is a line", hint=f"of a line it is '{line}'"
            )
        if about:
            hint = did_you_mean(about, devices)
            raise self._wrong(f"there is no device '{about}'", expected=_one_of(devices), hint=hint)
        candidates = [one for one in devices if self._has_opened(one)] or list(devices)
        return self._only(candidates, "device")

    def _line(self) -> tuple[str, str]:
        """The device and line that are named; the device may be left out where only one has a line of that name."""
        if self._about in self._known.devices:
            lines = self._known.devices[self._about]
            raise self._wrong(
                f"{self._word} is about a line, and {self._about} is a device",
                hint=f"of the device it is '{_OF_A_LINE[self._word]} {self._about}'; its lines: {_one_of(lines)}",
            )
        found = self._lines_called(self._about)
        if not found and self._about:
            every = [line for lines in self._known.devices.values() for line in lines]
            raise self._wrong(
                f"there is no line '{self._about}'", expected=_one_of(every), hint=did_you_mean(self._about, every)
            )
        opened = [one for one in found if (self._app, *one) in self._known.opened] or found
        name = self._only([f"{device}/{line}" for device, line in opened], "line")
        return next(one for one in opened if "/".join(one) == name)

    def _lines_called(self, name: str) -> list[tuple[str, str]]:
        """The lines of that name, each with its device; all lines if it is empty."""
        return [
            (device, line)
            for device, lines in self._known.devices.items()
            for line in lines
            if name in ("", line, f"{device}/{line}")
        ]

    def _only(self, candidates: list[str], what: str) -> str:
        if len(candidates) == 1:
            return candidates[0]
        way = f"say which: '{self._word} {candidates[0]}'" if candidates else f"there is no {what} yet: cti.given(...)"
        raise self._wrong(f"it is not clear which {what} is meant", expected=_one_of(candidates), hint=way)

    def _has_opened(self, device: str) -> bool:
        return any(app == self._app and device == opened for app, opened, _ in self._known.opened)

    def _check_can_be_told(self, device: str, line: str | None) -> None:
        """Raise an error for what nobody can tell this application, whatever happens."""
        app = self._app
        if self._word.endswith(_CONFIGURATION):
            if app not in self._known.with_provider:
                way = f"open one first: cti.given(cti_managers='cm1', provider='{app} cm1')"
                raise self._wrong(f"only an application with a provider is told so, and {app} has none", hint=way)
        elif (app, device, line) not in self._known.opened:
            what, way = (f"line {line} of {device}", "line_opened") if line else (device, "device_opened")
            fields = f"'{device}', '{line}', '{app}'" if line else f"'{device}', '{app}'"
            raise self._wrong(f"{app} has never opened {what}", hint=f"open it first: cti.given.{way}({fields})")

    def _wrong(self, what: str, *, expected: str = "", hint: str = "") -> InputError:
        return InputError(what, where=f"'{self._text}'", expected=expected, hint=hint)


_MOST = 12


def _one_of(names: Iterable[str]) -> str:
    """Names for an error: not more than a few."""
    names = list(names)
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
