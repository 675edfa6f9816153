"""Text → event, with errors for people: where, what was found, what was expected and what is near.

The Structs of ``events`` check types and unknown fields at every decoding. Names and times are checked here, once,
where an event comes in.
"""

from json import loads
from typing import Any, get_args

import msgspec

from cti_es.vocabulary.errors import InputError, did_you_mean
from cti_es.vocabulary.events import (
    EVENT_TYPES,
    AwayReason,
    Event,
    Kind,
    Scope,
    decode_event,
    fields_of,
    set_time,
)
from cti_es.vocabulary.names import MAX_NAME, UNKNOWN, check_name
from cti_es.vocabulary.times import canonical_time


def read_event(text: bytes, where: str) -> Event:
    """One event from its JSON text, checked and canonical.

    Raises :class:`InputError` saying where, what was found, what was expected and what is near. This is the careful
    way, also used to explain why the fast way failed.
    """
    try:
        event = decode_event(text)
    except RecursionError:
        raise InputError("JSON nested too deep", where=where, expected="one flat object") from None
    except UnicodeDecodeError as error:
        found = error.object[error.start]
        raise InputError(f"the byte 0x{found:02x} is not UTF-8", where=where, expected="UTF-8 text") from None
    except msgspec.ValidationError as error:
        raise _explained(str(error), text, where) from None
    except msgspec.DecodeError as error:
        raise not_json(str(error), text, where) from None
    if repeated := _repeated_key(text):
        raise InputError(f"the field '{repeated}' stands twice", where=where, expected="each field once")
    return checked(event, where)


def event_from_fields(event_type: str, fields: dict[str, Any], where: str) -> Event:
    """An event from a type and field values (as ``append TYPE FIELD=VALUE`` gives them), checked and canonical.

    Raises :class:`InputError` as :func:`read_event` does.
    """
    try:
        text = msgspec.json.encode({"type": event_type, **fields})
    except UnicodeEncodeError:
        raise InputError("text that is not UTF-8", where=where, expected="UTF-8") from None
    return read_event(text, where)


def checked(event: Event, where: str) -> Event:
    """``event`` with its names checked and its time made canonical.

    ``where`` is the place to name in an error (``events.ndjson:17``). Raises :class:`InputError`.
    """
    for field in (*event.names, "id"):
        value = getattr(event, field)
        if type(value) is str:
            check_name(value, f"{where}: $.{field}")
        elif value is not None:
            for index, name in enumerate(value):
                check_name(name, f"{where}: $.{field}[{index}]")
    if event.at is not None:
        try:
            set_time(event, canonical_time(event.at))
        except InputError as error:
            raise InputError(error.what, where=f"{where}: $.at", expected=error.expected) from None
    return event


def not_json(message: str, text: bytes, where: str) -> InputError:
    """The error for a line that is no JSON, from what msgspec says of it."""
    detail = message.removeprefix("JSON is malformed: ").removeprefix("Input data was ")
    if b"\\ud" in text.lower():
        detail += " (half a surrogate pair?)"
    if detail.startswith("trailing characters"):
        detail = "more than one JSON value on the line"
    elif detail == "truncated":
        detail = "the line ends in the middle of a JSON value"
    return InputError(f"not JSON: {detail}", where=where, expected="one JSON object a line")


def _explained(message: str, text: bytes, where: str) -> InputError:
    """Msgspec's validation error in our words, with what is allowed and what is near."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        found = None
    problem, _, path = message.partition(" - at ")
    place = f"{where}: {path.strip('`')}" if path else where
    if not isinstance(found, dict):
        return InputError(
            "not a JSON object", where=where, expected='an object such as {"type":"node_added","node":"cm1"}'
        )
    return _wrong_type(found, where) or _wrong_field(found, problem, where) or _wrong_value(problem, place)


def _wrong_type(found: dict[str, Any], where: str) -> InputError | None:
    event_type = found.get("type")
    if isinstance(event_type, str) and event_type in EVENT_TYPES:
        return None
    if event_type is None:
        hint = "this looks like a message trace, not an event log" if "message" in found else ""
        return InputError(
            "no event type", where=f"{where}: $.type", expected=f"one of {', '.join(EVENT_TYPES)}", hint=hint
        )
    if isinstance(event_type, dict | list):
        return InputError("the event type is no text", where=f"{where}: $.type", expected=", ".join(EVENT_TYPES))
    return unknown_type(str(event_type), f"{where}: $.type")


def unknown_type(found: str, where: str) -> InputError:
    """Return, not raise, the error for an event type that does not exist; its way out is the nearest one that does."""
    near = did_you_mean(found, EVENT_TYPES)
    return InputError(
        f"unknown event type '{found}'",
        where=where,
        expected="" if near else f"one of {', '.join(EVENT_TYPES)}",
        hint=near,
    )


def _wrong_field(found: dict[str, Any], problem: str, where: str) -> InputError | None:
    event_type = found["type"]
    fields = list(fields_of(event_type))
    if problem.startswith("Object contains unknown field"):
        unknown = problem.split("`")[1]
        return InputError(
            f"unknown field '{unknown}' of {event_type}",
            where=f"{where}: $.{unknown}",
            expected=f"{', '.join(fields)}",
            hint=did_you_mean(unknown, fields),
        )
    if problem.startswith("Object missing required field"):
        missing = problem.split("`")[1]
        return InputError(f"{event_type} without '{missing}'", where=where, expected=f"the fields {', '.join(fields)}")
    return None


def _wrong_value(problem: str, place: str) -> InputError:
    if problem.startswith("Expected `str` of length"):
        found = "an empty name" if ">=" in problem else "a name that is too long"
        return InputError(found, where=place, expected=f"1 to {MAX_NAME} characters")
    if problem.startswith("Expected `int` "):
        return InputError("a number outside its range", where=place, expected="0 to 4294967295 (0xFFFFFFFF)")
    if problem.startswith("Expected "):
        expected, _, found = problem.removeprefix("Expected ").partition(", got ")
        return InputError(f"found {_plain(found)}", where=place, expected=_plain(expected))
    if problem.startswith("Invalid enum value"):
        found = problem.removeprefix("Invalid enum value ").strip("'")
        field = place.rpartition(".")[2]
        known = _ALLOWED[field]
        if field == "kind" and found not in known:
            return InputError(
                f"unknown kind '{found}'", where=place, expected=", ".join(known), hint=_which_kind(found)
            )
        return InputError(
            f"unknown {field} '{found}'", where=place, expected=", ".join(known), hint=did_you_mean(found, known)
        )
    return InputError(problem, where=place)


def _which_kind(found: str) -> str:
    """Which kind stands for a device that is called otherwise elsewhere."""
    if found == UNKNOWN:
        return "'?' stands for something unknown"
    near = did_you_mean(found.replace(" ", "_"), _ALLOWED["kind"])
    return (
        near
        or "what else an application controls (CTI remote devices, Client Services Framework, soft phones) is a phone"
    )


_ALLOWED: dict[str, tuple[str, ...]] = {
    "kind": get_args(Kind),
    "scope": get_args(Scope),
    "reason": get_args(AwayReason),
}
"""Field → what it may hold."""


def _plain(types: str) -> str:
    words = {
        "str": "text",
        "int": "a whole number",
        "float": "a number",
        "array": "a list",
        "object": "an object",
        "bool": "true or false",
    }
    names = [name for name in types.replace("`", "").split(" | ") if name != "null" or types == "`null`"]
    return " or ".join(words.get(name, name) for name in names)


def _repeated_key(text: bytes) -> str | None:
    seen: list[str] = []
    loads(text, object_pairs_hook=lambda pairs: seen.extend(key for key, _ in pairs))
    return next((key for index, key in enumerate(seen) if key in seen[:index]), None)
