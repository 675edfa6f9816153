"""The vocabulary: the canonical form of every event type, what is refused and how that is explained, the schema."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.strategies import COMMON, EXAMPLES, FIELDS, Json, as_json, canonical_objects

from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.event_text import event_from_fields, read_event
from cti_es.vocabulary.events import (
    EVENT_TYPES,
    AnyEvent,
    decode_events,
    encode,
    fields_of,
    type_of,
)
from cti_es_cli.commands.schema import schema

# Every type with all of its fields, in the order of docs/reference/log-format.md#event-types,
# then at, then id.
CANONICAL = {
    "node_added": b'{"type":"node_added","node":"cm1","at":"2026-01-01T08:00:00Z","id":"e1"}',
    "device_added": (
        b'{"type":"device_added","device":"P","kind":"cti_port","lines":["1","2"],"group":["cm1","cm2"],'
        b'"at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "device_opened": (
        b'{"type":"device_opened","device":"P","app":"ivr","lines":["1"],"ext_version":720896,'
        b'"at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "line_opened": (
        b'{"type":"line_opened","device":"P","line":"1","app":"ivr","ext_version":4294967295,'
        b'"at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "device_closed": b'{"type":"device_closed","device":"P","app":"ivr","at":"2026-01-01T08:00:00Z","id":"e1"}',
    "line_closed": (
        b'{"type":"line_closed","device":"P","line":"1","app":"ivr","at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "node_failed": b'{"type":"node_failed","node":"cm1","scope":"node","at":"2026-01-01T08:00:00Z","id":"e1"}',
    "node_recovered": (
        b'{"type":"node_recovered","node":"cm1","scope":"call_manager","at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "open_refused": (
        b'{"type":"open_refused","device":"P","line":"1","nodes":["cm1"],"at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "open_allowed": (
        b'{"type":"open_allowed","device":"P","line":"1","nodes":["cm1"],"at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "call_started": (
        b'{"type":"call_started","call":"c1","device":"P","line":"1","at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "call_ended": b'{"type":"call_ended","call":"c1","device":"P","at":"2026-01-01T08:00:00Z","id":"e1"}',
    "cti_manager_added": b'{"type":"cti_manager_added","node":"cm1","at":"2026-01-01T08:00:00Z","id":"e1"}',
    "cti_manager_failed": b'{"type":"cti_manager_failed","node":"cm1","at":"2026-01-01T08:00:00Z","id":"e1"}',
    "cti_manager_recovered": b'{"type":"cti_manager_recovered","node":"cm1","at":"2026-01-01T08:00:00Z","id":"e1"}',
    "provider_opened": (
        b'{"type":"provider_opened","app":"ivr","cti_managers":["cm1","cm2"],"at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "provider_closed": b'{"type":"provider_closed","app":"ivr","at":"2026-01-01T08:00:00Z","id":"e1"}',
    "provider_link_lost": (
        b'{"type":"provider_link_lost","app":"ivr","node":"cm1","at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "provider_linked": b'{"type":"provider_linked","app":"ivr","node":"cm2","at":"2026-01-01T08:00:00Z","id":"e1"}',
    "status_messages_set": (
        b'{"type":"status_messages_set","app":"ivr","device":"P","line":"1","states":["INSERVICE"],'
        b'"at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "device_failed": (
        b'{"type":"device_failed","device":"P","reason":"DeviceUnregistered","at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "device_recovered": b'{"type":"device_recovered","device":"P","at":"2026-01-01T08:00:00Z","id":"e1"}',
    "device_removed": b'{"type":"device_removed","device":"P","at":"2026-01-01T08:00:00Z","id":"e1"}',
    "lines_changed": (
        b'{"type":"lines_changed","device":"P","added":["3"],"removed":["1","2"],"at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "control_withdrawn": (
        b'{"type":"control_withdrawn","app":"ivr","device":"P","at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
    "control_granted": b'{"type":"control_granted","app":"ivr","device":"P","at":"2026-01-01T08:00:00Z","id":"e1"}',
    "call_connected": b'{"type":"call_connected","call":"c1","device":"P","at":"2026-01-01T08:00:00Z","id":"e1"}',
    "behaviour_set": (
        b'{"type":"behaviour_set","announce_open":true,"phones_wait_for_calls":false,"drop_calls_in_setup":true,'
        b'"at":"2026-01-01T08:00:00Z","id":"e1"}'
    ),
}
NODE = b'{"type":"node_added","node":"cm1"}'
each_type = pytest.mark.parametrize("event_type", CANONICAL)


def canonical(text: bytes) -> bytes:
    """The canonical form of one event."""
    return encode(read_event(text, "here"))


def refused(text: bytes) -> InputError:
    """The error that a line brings."""
    with pytest.raises(InputError) as error:
        read_event(text, "log:7")
    return error.value


# The canonical form.


def test_the_types_are_those_of_the_specification() -> None:
    """The event types of both pages, in the order of their tables, none more."""
    assert list(EVENT_TYPES) == list(CANONICAL) == list(FIELDS)
    assert [type_of[struct] for struct in EVENT_TYPES.values()] == list(EVENT_TYPES)


@each_type
def test_fields_stand_in_the_order_of_the_specification(event_type: str) -> None:
    """The type's own fields as in the table, then ``at``, then ``id``."""
    expected = [field.removesuffix("?") for field in {**FIELDS[event_type], **COMMON}]

    assert list(fields_of(event_type)) == expected
    assert list(json.loads(CANONICAL[event_type])) == ["type", *expected]


@each_type
def test_canonical_line_stays_as_it_is(event_type: str) -> None:
    """A canonical line is its own canonical form, byte for byte."""
    assert canonical(CANONICAL[event_type]) == CANONICAL[event_type]


@each_type
def test_order_and_blanks_do_not_matter(event_type: str) -> None:
    """The fields in another order, with blanks and escapes, have the same canonical form."""
    found = json.loads(CANONICAL[event_type])
    backwards = json.dumps(dict(reversed(found.items())), indent=1).replace("P", "\\u0050").encode()

    assert canonical(backwards) == CANONICAL[event_type]


@each_type
def test_left_out_fields_stay_out(event_type: str) -> None:
    """What may be left out and is left out is not added: no default is written."""
    required = [field for field in FIELDS[event_type] if not field.endswith("?")]
    found = {field: value for field, value in json.loads(CANONICAL[event_type]).items() if field in ["type", *required]}

    assert canonical(as_json(found)) == as_json(found)


@each_type
def test_null_is_the_same_as_left_out(event_type: str) -> None:
    """``null`` in a field that may be left out is gone from the canonical form."""
    optional = [field[:-1] for field in {**FIELDS[event_type], **COMMON} if field.endswith("?")]
    found = json.loads(CANONICAL[event_type])
    left_out = {field: value for field, value in found.items() if field not in optional}

    assert canonical(as_json({**found, **dict.fromkeys(optional)})) == as_json(left_out)


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"device_added","device":"P","kind":"phone","lines":[],"group":[]}',
        b'{"type":"device_opened","device":"P","lines":[]}',
        b'{"type":"device_opened","device":"P","app":"app"}',
        b'{"type":"open_refused","device":"P","nodes":[]}',
        b'{"type":"node_failed","node":"cm1","scope":"node"}',
        b'{"type":"device_failed","device":"P","reason":"DeviceFailure"}',
        b'{"type":"device_opened","device":"P","ext_version":0}',
        b'{"type":"behaviour_set","announce_open":false}',
        b'{"type":"behaviour_set"}',
        b'{"type":"status_messages_set","device":"P","states":["RESUME","SUSPEND","RESUME","SLEEP"]}',
        b'{"type":"provider_opened","app":"ivr","cti_managers":[]}',
        b'{"type":"device_opened","device":"P","lines":["2","1","2"]}',
        '{"type":"node_added","node":"K\u00f6nig \u260e \U0001f4de \u3000"}'.encode(),
        b'{"type":"node_added","node":"a/b \\"c\\" \\\\d"}',
    ],
    ids=[
        "empty lists",
        "no lines",
        "default app",
        "no nodes",
        "default scope",
        "default reason",
        "version 0",
        "false",
        "nothing given",
        "states",
        "no CTI Managers",
        "order and repeats",
        "unescaped UTF-8",
        "escapes",
    ],
)
def test_what_was_sent_is_what_is_stored(line: bytes) -> None:
    """Empty lists, explicit defaults, order and repeats are kept; text is UTF-8, escaped only where JSON must."""
    assert canonical(line) == line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"type":"node_added","node":"a\\/b"}', b'{"type":"node_added","node":"a/b"}'),
        (b'{"type":"node_added","node":"\\u00f6\\ud83d\\udcde"}', '{"type":"node_added","node":"\u00f6\U0001f4de"}'.encode()),
        (b'{"\\u0074ype":"node_added","node":"a"}', b'{"type":"node_added","node":"a"}'),
        (
            b'{"type":"node_added","node":"a","at":"2026-01-01T09:00:00.250+01:00"}',
            b'{"type":"node_added","node":"a","at":"2026-01-01T08:00:00.250000Z"}',
        ),
        (b' \t{ "type" : "node_added" , "node" : "a" } \r', b'{"type":"node_added","node":"a"}'),
    ],
    ids=["solidus", "escaped characters", "escaped key", "time", "blanks"],
)  # fmt: skip
def test_is_made_canonical(text: bytes, expected: bytes) -> None:
    """Other ways to write the same event come to one form."""
    assert canonical(text) == expected


@each_type
@EXAMPLES
@given(st.data())
def test_round_trip(event_type: str, data: st.DataObject) -> None:
    """Any event of any type survives reading and writing; alone and in an array as the store keeps it."""
    found = data.draw(canonical_objects(event_type))
    event = read_event(as_json(found), "here")

    assert encode(event) == as_json(found)
    assert type(event) is EVENT_TYPES[event_type]
    assert decode_events(encode([event, event])) == [event, event]


@EXAMPLES
@given(canonical_objects(), st.randoms(use_true_random=False))
def test_any_way_to_write_an_event_gives_one_form(found: Json, random: Any) -> None:
    """Shuffled fields, blanks, escapes and nulls do not change the canonical form."""
    nulls = [field[:-1] for field in {**FIELDS[found["type"]], **COMMON} if field.endswith("?")]
    fields = list({**dict.fromkeys(nulls), **found}.items())
    random.shuffle(fields)
    text = json.dumps(dict(fields), ensure_ascii=random.random() < 0.5, indent=random.choice([None, 0, 2])).encode()

    assert canonical(text.replace(b"\n", b" ")) == as_json(found)


@each_type
def test_event_from_fields_is_what_reading_gives(event_type: str) -> None:
    """An event made of a type and fields is the one that its JSON would be."""
    fields = json.loads(CANONICAL[event_type])
    event = event_from_fields(fields.pop("type"), fields, "here")

    assert encode(event) == CANONICAL[event_type]


# What is refused, and how it is explained: found, where, expected, what is near.

REFUSED: dict[str, tuple[bytes, str, str, str]] = {
    "unknown type": (b'{"type":"node_lost","node":"cm1"}', "$.type", "unknown event type 'node_lost'", ""),
    "type misspelt": (
        b'{"type":"node_faild","node":"cm1"}', "$.type", "unknown event type 'node_faild'", "did you mean 'node_failed'?"
    ),
    "no type": (b'{"node":"cm1"}', "$.type", "no event type", "node_added, device_added"),
    "type is a number": (b'{"type":5,"node":"cm1"}', "$.type", "unknown event type '5'", "node_added, device_added"),
    "unknown field": (
        b'{"type":"node_added","node":"cm1","colour":"red"}', "$.colour", "unknown field 'colour'", "node, at, id"
    ),
    "unknown field, null": (
        b'{"type":"node_added","node":"cm1","colour":null}', "$.colour", "unknown field 'colour'", "node, at, id"
    ),
    "field of another type": (
        b'{"type":"node_added","node":"cm1","device":"P"}', "$.device", "unknown field 'device'", "node, at, id"
    ),
    "field misspelt": (
        b'{"type":"device_opened","device":"P","line":["1"]}', "$.line", "unknown field 'line'", "did you mean 'lines'?"
    ),
    "field in capitals": (
        b'{"type":"node_added","Node":"cm1"}', "$.Node", "unknown field 'Node'", "did you mean 'node'?"
    ),
    "missing field": (b'{"type":"line_opened","device":"P"}', "log:7", "line_opened without 'line'", "device, line, app"),
    "null in a needed field": (b'{"type":"node_added","node":null}', "$.node", "null", "text"),
    "number for a name": (b'{"type":"line_opened","device":"P","line":5001}', "$.line", "a whole number", "text"),
    "fraction for a name": (b'{"type":"line_opened","device":"P","line":5001.5}', "$.line", "a number", "text"),
    "list for a name": (b'{"type":"node_added","node":["cm1"]}', "$.node", "a list", "text"),
    "object for a name": (b'{"type":"node_added","node":{}}', "$.node", "an object", "text"),
    "truth for a name": (b'{"type":"node_added","node":true}', "$.node", "true or false", "text"),
    "text for a list": (b'{"type":"device_opened","device":"P","lines":"1"}', "$.lines", "text", "a list"),
    "number in a list": (b'{"type":"device_opened","device":"P","lines":["1",2]}', "$.lines[1]", "a whole number", "text"),
    "null in a list": (b'{"type":"device_opened","device":"P","lines":[null]}', "$.lines[0]", "null", "text"),
    "unknown kind": (
        b'{"type":"device_added","device":"P","kind":"cti-port"}', "$.kind", "'cti-port'", "did you mean 'cti_port'?"
    ),
    "kind nothing like it": (
        b'{"type":"device_added","device":"P","kind":"fax"}', "$.kind", "'fax'", "cti_port, route_point, phone"
    ),
    "unknown scope": (
        b'{"type":"node_failed","node":"cm1","scope":"callmanager"}',
        "$.scope", "unknown scope 'callmanager'", "did you mean 'call_manager'?",
    ),
    "scope nothing like it": (
        b'{"type":"node_recovered","node":"cm1","scope":"all"}', "$.scope", "'all'", "node, call_manager"
    ),
    "unknown reason": (
        b'{"type":"device_failed","device":"P","reason":"DeviceUnregisterd"}',
        "$.reason", "unknown reason 'DeviceUnregisterd'", "did you mean 'DeviceUnregistered'?",
    ),
    "reason of another event": (
        b'{"type":"device_failed","device":"P","reason":"CtiLinkFailure"}',
        "$.reason", "'CtiLinkFailure'", "DeviceFailure, DeviceUnregistered, EnergyWisePowerSavePlus",
    ),
    "negative version": (
        b'{"type":"device_opened","device":"P","ext_version":-1}', "$.ext_version", "range", "0 to 4294967295"
    ),
    "version too large": (
        b'{"type":"line_opened","device":"P","line":"1","ext_version":4294967296}',
        "$.ext_version", "range", "0 to 4294967295 (0xFFFFFFFF)",
    ),
    "text for a version": (
        b'{"type":"device_opened","device":"P","ext_version":"0x000B0000"}', "$.ext_version", "text", "a whole number"
    ),
    "fraction for a version": (
        b'{"type":"device_opened","device":"P","ext_version":1.5}', "$.ext_version", "a number", "a whole number"
    ),
    "version of an event without one": (
        b'{"type":"device_closed","device":"P","ext_version":1}', "$.ext_version", "unknown field", "device, app, at, id"
    ),
    "text for a switch": (
        b'{"type":"behaviour_set","announce_open":"true"}', "$.announce_open", "text", "true or false"
    ),
    "number for a switch": (
        b'{"type":"behaviour_set","drop_calls_in_setup":1}', "$.drop_calls_in_setup", "a whole number", "true or false"
    ),
    "unknown switch": (
        b'{"type":"behaviour_set","phone_waits_for_calls":true}',
        "$.phone_waits_for_calls", "unknown field", "did you mean 'phones_wait_for_calls'?",
    ),
    "provider without an application": (
        b'{"type":"provider_opened","cti_managers":["cm1"]}', "log:7", "provider_opened without 'app'", "cti_managers"
    ),
    "no states": (
        b'{"type":"status_messages_set","device":"P"}', "log:7", "status_messages_set without 'states'", "line, states"
    ),
    "number for a time": (b'{"type":"node_added","node":"cm1","at":5}', "$.at", "a whole number", "text"),
    "bad time": (b'{"type":"node_added","node":"cm1","at":"yesterday"}', "$.at", "'yesterday' is not a time", "RFC 3339"),
    "empty name": (b'{"type":"node_added","node":""}', "$.node", "an empty name", "1 to 128 characters"),
    "long name": (b'{"type":"node_added","node":"%b"}' % (b"n" * 129), "$.node", "name", "1 to 128"),
    "control character": (b'{"type":"node_added","node":"a\\u0007"}', "$.node", "U+0007", "can be seen"),
    "override": ('{"type":"node_added","node":"a\u202e"}'.encode(), "$.node", "U+202E", "turns"),
    "empty name in a list": (
        b'{"type":"device_opened","device":"P","lines":["1",""]}', "$.lines[1]", "an empty name", "1 to 128"
    ),
    "empty id": (b'{"type":"node_added","node":"cm1","id":""}', "$.id", "an empty name", "1 to 128"),
    "empty app": (b'{"type":"device_opened","device":"P","app":""}', "$.app", "an empty name", "1 to 128"),
    "field twice": (b'{"type":"node_added","node":"cm1","node":"cm2"}', "log:7", "the field 'node' stands twice", "once"),
    "field twice, once escaped": (
        b'{"type":"node_added","node":"cm1","n\\u006fde":"cm2"}', "log:7", "the field 'node' stands twice", "once"
    ),
    "null field twice": (
        b'{"type":"node_added","node":"cm1","at":null,"at":null}', "log:7", "the field 'at' stands twice", "once"
    ),
    "list": (b'["node_added","cm1"]', "log:7", "not a JSON object", '{"type":"node_added"'),
    "number": (b"5", "log:7", "not a JSON object", '{"type":"node_added"'),
    "null": (b"null", "log:7", "not a JSON object", '{"type":"node_added"'),
    "empty object": (b"{}", "$.type", "no event type", "node_added"),
    "two objects": (NODE + b" " + NODE, "log:7", "more than one", "one JSON object a line"),
    "cut off": (NODE[:-3], "log:7", "not JSON", "one JSON object a line"),
    "not JSON": (b"node_added cm1", "log:7", "not JSON", "one JSON object a line"),
    "single quotes": (NODE.replace(b'"', b"'"), "log:7", "not JSON", "one JSON object a line"),
    "trailing comma": (NODE[:-1] + b",}", "log:7", "not JSON", "one JSON object a line"),
    "raw control character": (b'{"type":"node_added","node":"a\tb"}', "log:7", "not JSON", "one JSON object a line"),
    "lone surrogate": (b'{"type":"node_added","node":"a\\ud800b"}', "log:7", "", ""),
    "not UTF-8": (b'{"type":"node_added","node":"K\xf6nig"}', "log:7", "0xf6 is not UTF-8", "UTF-8"),
    "surrogate as UTF-8": (b'{"type":"node_added","node":"\xed\xa0\x80"}', "log:7", "not UTF-8", "UTF-8"),
    "a message trace": (b'{"seq":1,"message":"PHONE_STATE"}', "$.type", "no event type", "message trace"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "where", "what", "way"), REFUSED.values(), ids=REFUSED)
def test_refused_with_an_explanation(line: bytes, where: str, what: str, way: str) -> None:
    """The error names the line and the field, what was found, and what was expected or is near."""
    error = refused(line)

    assert error.where.startswith("log:7")
    assert where in error.where
    assert what in error.what
    assert way in f"{error.expected}; {error.hint}"


@each_type
def test_unknown_field_is_refused_in_every_type(event_type: str) -> None:
    """No type ignores a field that it does not know."""
    error = refused(CANONICAL[event_type][:-1] + b',"note":"x"}')

    assert error.where == "log:7: $.note"


@each_type
def test_missing_fields_are_refused_in_every_type(event_type: str) -> None:
    """Each field without a question mark in the table is needed."""
    found = json.loads(CANONICAL[event_type])
    for field in [field for field in FIELDS[event_type] if not field.endswith("?")]:
        error = refused(as_json({key: value for key, value in found.items() if key != field}))

        assert f"without '{field}'" in error.what


@pytest.mark.parametrize("wrapped", ["{}", '{{"type":{}}}', '{{"type":"node_added","node":{}}}',
                                     '{{"type":"node_added","node":"cm1","note":{}}}'])  # fmt: skip
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_nesting_is_refused(wrapped: str, opening: str) -> None:
    """JSON nested to any depth, also right at the interpreter's own limit, is an error of the input and no crash."""
    closing = "]" if opening == "[" else "}"
    for depth in [10, *range(800, 1020), 100_000]:
        text = wrapped.format(opening * depth + "1" + closing * depth)
        error = refused(text.encode())

        assert error.where.startswith("log:7")


@EXAMPLES
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    ),
    st.sampled_from(list(CANONICAL)),
    st.sampled_from(["type", "node", "device", "lines", "kind", "at", "id", "note", "a`b", "x - at `$.y`"]),
)
def test_any_value_in_any_field_is_accepted_or_explained(value: Any, event_type: str, field: str) -> None:
    """Whatever JSON stands in whatever field, the line is an event or an error with the place."""
    text = json.dumps({**json.loads(CANONICAL[event_type]), field: value}).encode()
    try:
        event = read_event(text, "log:7")
    except InputError as error:
        assert error.where.startswith("log:7")
        assert error.what
    else:
        assert canonical(encode(event)) == encode(event)


def test_event_from_fields_explains_an_unknown_type_and_field() -> None:
    """The command line's way in gives the same errors."""
    with pytest.raises(InputError, match="unknown event type 'node_ad'; did you mean 'node_added'"):
        event_from_fields("node_ad", {"node": "cm1"}, "event")
    with pytest.raises(InputError, match=r"event: \$\.nodes: unknown field 'nodes' of node_added"):
        event_from_fields("node_added", {"nodes": "cm1"}, "event")
    with pytest.raises(InputError, match=r"event: \$\.node: an empty name"):
        event_from_fields("node_added", {"node": ""}, "event")


# The schema and the Structs behind it.


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    """The schema that ``cti-es schema events`` prints."""
    found = schema("events")
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


@each_type
def test_schema_accepts_canonical_lines(event_type: str, validator: Draft202012Validator) -> None:
    """A canonical line of every type fits the schema, also with nulls for what may be left out."""
    found = json.loads(CANONICAL[event_type])
    optional = {field[:-1]: None for field in {**FIELDS[event_type], **COMMON} if field.endswith("?")}

    assert list(validator.iter_errors(found)) == []
    assert list(validator.iter_errors({**found, **optional})) == []


@each_type
@pytest.mark.parametrize("wrong", [{"note": "x"}, {"type": "node_lost"}, {"at": 5}, {"device": 5, "node": 5}], ids=str)
def test_schema_refuses_what_reading_refuses(event_type: str, wrong: Json, validator: Draft202012Validator) -> None:
    """An unknown field, an unknown type, a number for a time or a name: the schema says no, as reading does."""
    found = {**json.loads(CANONICAL[event_type]), **wrong}
    refused(as_json(found))

    assert not validator.is_valid(found)


@EXAMPLES
@given(found=canonical_objects())
def test_schema_accepts_any_event(found: Json, validator: Draft202012Validator) -> None:
    """Whatever can be stored fits the schema."""
    assert list(validator.iter_errors(found)) == []


def test_structs_have_no_pattern() -> None:
    """Characters and times are checked once, on input: a pattern in the Structs would make every replay five times slower."""
    text = json.dumps(msgspec.json.schema(AnyEvent))

    assert '"pattern"' not in text
    assert '"format"' not in text


@each_type
def test_structs_are_frozen_and_refuse_unknown_fields(event_type: str) -> None:
    """Every event is immutable and untracked by the garbage collector, and ignores nothing."""
    config = EVENT_TYPES[event_type].__struct_config__

    assert config.frozen
    assert config.forbid_unknown_fields
    assert config.omit_defaults
    assert not config.gc
