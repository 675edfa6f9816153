"""Any text as a trace: lines that match a regular expression, whose named groups are the fields of a message.

The expressions are the user's and the lines are anybody's, so they are matched by RE2, which takes no more than a time
that grows as the line does, whatever both are (package google-re2). See docs/reference/traces/line-pattern.md.
"""

from collections.abc import Iterator
from typing import Any

from cti_es.traces.forms.common import WITHOUT_HANDLE, Notes, decoded, quoted
from cti_es.traces.forms.stamps import Stamps
from cti_es.traces.forms.values import message_of_state, number, reason, state
from cti_es.vocabulary.errors import InputError, did_you_mean
from cti_es.vocabulary.names import check_name
from cti_es.vocabulary.tapi import MESSAGE_NAMES, STATE_FLAGS, TraceMessage
from cti_es.vocabulary.text_lines import numbered

GROUPS = ("message", "param1", "param2", "device", "line", "handle", "app", "at")
"""What the named groups of an expression may be called."""

_LOOKED_AT = 4_096
_MOST_MEMORY = 16 << 20


def looks_like(start: bytes) -> bool:
    """Never: only the user knows that a file is in this format."""
    return False


def read(chunks: Iterator[list[bytes]], notes: Notes) -> Iterator[list[TraceMessage]]:
    """The messages, in batches as the lines come.

    Raises :class:`InputError` for an expression that is none or has other groups than :data:`GROUPS`.
    """
    patterns = [_compiled(pattern) for pattern in notes.options.line_patterns]
    if not patterns:
        raise InputError("no pattern for the lines", where=notes.name, expected=f"one with {_named_groups()}")
    stamps = Stamps(notes.options)
    for first, lines in numbered(chunks):
        yield [
            message
            for place, line in enumerate(lines, first)
            for message in _of_line(decoded(line)[:_LOOKED_AT], place, patterns, stamps, notes)
        ]


def _compiled(pattern: str) -> Any:
    try:
        import re2
    except ImportError:
        hint = "python -m pip install 'cti-es[patterns]'"
        raise InputError("the package google-re2 is not there", expected="it, to match patterns", hint=hint) from None
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MOST_MEMORY
    try:
        found = re2.compile(pattern, options)
    except UnicodeEncodeError:
        raise InputError(f"the pattern {quoted(pattern)}", expected="a regular expression in UTF-8") from None
    except re2.error as error:
        why = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else f"{error}"
        raise InputError(f"the pattern {quoted(pattern)}: {why}", expected="a regular expression of RE2") from None
    for group in found.groupindex:
        if group not in GROUPS:
            near = did_you_mean(group, GROUPS)
            raise InputError(f"the group {quoted(group)} in a pattern", expected=_named_groups(), hint=near)
    if not {"message", "param1"} & set(found.groupindex):
        raise InputError(f"the pattern {quoted(pattern)} without message and param1", expected=_named_groups())
    return found


def _named_groups() -> str:
    return f"named groups (?P<NAME>…), NAME being one of {', '.join(GROUPS)}; message or param1 among them"


def _of_line(text: str, place: int, patterns: list[Any], stamps: Stamps, notes: Notes) -> Iterator[TraceMessage]:
    """The messages of a line: all matches of the first expression that has any."""
    for pattern in patterns:
        found = [match.groupdict() for match in pattern.finditer(text)]
        for groups in found:
            try:
                if (message := _message(groups, text, place, stamps, notes)) is not None:
                    yield message
            except InputError as error:
                notes.unreadable(place, error)
        if found:
            return


def _message(groups: dict[str, str | None], text: str, place: int, stamps: Stamps, notes: Notes) -> TraceMessage | None:
    said = {name: value.strip() for name, value in groups.items() if value and value.strip()}
    message = _name(said)
    if not notes.wants(message):
        return None
    if message in STATE_FLAGS and "param1" not in said:
        raise InputError(f"{message} without param1", expected="a state")
    for name in ("app", "device", "line", "handle"):
        if name in said:
            check_name(said[name], name)
    handle = said.get("handle")
    return TraceMessage(
        place,
        message,
        state(message, said["param1"]) if "param1" in said else None,
        reason(said["param2"]) if "param2" in said else None,
        said.get("app"),
        said.get("device"),
        said.get("line") if message.startswith("LINE_") else None,
        None if message in WITHOUT_HANDLE or (handle and number(handle) == 0) else handle,
        stamps.at(said.get("at", text)),
    )


def _name(said: dict[str, str]) -> str:
    """The message: by name or by number, or the one that the state is of."""
    if found := said.get("message"):
        id_ = number(found)
        return found.upper() if id_ is None or id_ >= len(MESSAGE_NAMES) else MESSAGE_NAMES[id_]
    message = message_of_state(said.get("param1", ""))
    if message is None:
        expected = "the name of a state of LINE_LINEDEVSTATE or of PHONE_STATE alone, or a group 'message'"
        raise InputError(f"param1 is {quoted(said.get('param1', ''))}", expected=expected)
    return message
