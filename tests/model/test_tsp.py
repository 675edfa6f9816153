"""The TAPI messages: their fields and numbers, who gets them and in which order, which rules send them."""

from collections import Counter
from functools import cache
from itertools import chain

import msgspec
import pytest
from jsonschema import Draft202012Validator
from support.strategies import Json, corpus, decoded, dense, fold, run, whole_corpus

from cti_es.model.rules import RULES
from cti_es.vocabulary.tapi import Message
from cti_es_cli.commands.schema import schema

FIELDS = (
    "seq", "version", "at", "app", "device", "line", "handle", "message", "msg",
    "param1_name", "param1", "param2_name", "param2", "param3", "rule",
)  # fmt: skip

NODES: list[Json] = [{"type": "node_added", "node": "cm1"}, {"type": "node_added", "node": "cm2"}]
PORT: Json = {"type": "device_added", "device": "P", "kind": "cti_port", "lines": ["2", "1"]}
SITE = [*NODES, PORT]
OPENED: Json = {"type": "device_opened", "device": "P"}
REFUSED: Json = {"type": "open_refused", "device": "P"}
LINE_REFUSED: Json = {"type": "open_refused", "device": "P", "line": "1"}


OLD: Json = {**OPENED, "ext_version": 0x000A0000}
LINKED: list[Json] = [
    {"type": "cti_manager_added", "node": "cm1"},
    {"type": "provider_opened", "app": "app", "cti_managers": ["cm1"]},
    OPENED,
]
SECOND: Json = {"type": "device_added", "device": "Q", "kind": "phone", "lines": ["3", "4"]}
REMOVED: Json = {"type": "device_removed", "device": "Q"}


def failed(node: str) -> Json:
    """A node that fails."""
    return {"type": "node_failed", "node": node}


def recovered(node: str) -> Json:
    """A node that is back."""
    return {"type": "node_recovered", "node": node}


SIGNALS = {
    "suspend": (
        [OPENED, failed("cm1")], "PHONE_STATE", 18, "PHONESTATE_SUSPEND", 0x40000, "CallManagerFailure", 1
    ),
    "resume": ([OPENED, failed("cm1")], "PHONE_STATE", 18, "PHONESTATE_RESUME", 0x80000, None, 0),
    "line out": (
        [OPENED, failed("cm1")], "LINE_LINEDEVSTATE", 8, "LINEDEVSTATE_OUTOFSERVICE", 0x80, "CallManagerFailure", 1
    ),
    "line in": ([OPENED, failed("cm1")], "LINE_LINEDEVSTATE", 8, "LINEDEVSTATE_INSERVICE", 0x40, None, 0),
    "re-homed": (
        [OPENED, failed("cm1"), recovered("cm1")],
        "PHONE_STATE", 18, "PHONESTATE_SUSPEND", 0x40000, "ReHomeToHigherPriorityCM", 2,
    ),
    "line re-homed": (
        [OPENED, failed("cm1"), recovered("cm1")],
        "LINE_LINEDEVSTATE", 8, "LINEDEVSTATE_OUTOFSERVICE", 0x80, "ReHomeToHigherPriorityCM", 2,
    ),
    "opened while no node is up": (
        [failed("cm1"), failed("cm2"), OPENED],
        "PHONE_STATE", 18, "PHONESTATE_SUSPEND", 0x40000, "NoCallManagerAvailable", 3,
    ),
    "line opened while no node is up": (
        [failed("cm1"), failed("cm2"), OPENED],
        "LINE_LINEDEVSTATE", 8, "LINEDEVSTATE_OUTOFSERVICE", 0x80, "NoCallManagerAvailable", 3,
    ),
    "refused line opened": (
        [LINE_REFUSED, OPENED], "LINE_LINEDEVSTATE", 8, "LINEDEVSTATE_OUTOFSERVICE", 0x80, "Unknown", 0
    ),
    "closed": ([REFUSED, OPENED], "PHONE_CLOSE", 15, None, 0, None, 0),
    "line closed with it": ([REFUSED, OPENED], "LINE_CLOSE", 3, None, 0, None, 0),
    "line closed": ([LINE_REFUSED, OPENED], "LINE_CLOSE", 3, None, 0, None, 0),
    **{
        f"{reason} of {'a line' if message.startswith('LINE') else 'a phone device'}": (
            [*log, away], message, msg, name, param1, reason, number
        )
        for message, msg, name, param1 in (
            ("PHONE_STATE", 18, "PHONESTATE_SUSPEND", 0x40000), ("LINE_LINEDEVSTATE", 8, "LINEDEVSTATE_OUTOFSERVICE", 0x80)
        )
        for reason, number, log, away in (
            ("DeviceFailure", 4, [OPENED], {"type": "device_failed", "device": "P"}),
            ("DeviceUnregistered", 5, [OPENED], {"type": "device_failed", "device": "P", "reason": "DeviceUnregistered"}),
            (
                "EnergyWisePowerSavePlus", 6, [OPENED],
                {"type": "device_failed", "device": "P", "reason": "EnergyWisePowerSavePlus"},
            ),
            ("CtiLinkFailure", 257, LINKED, {"type": "cti_manager_failed", "node": "cm1"}),
        )
    },
    "no reason": ([OLD, failed("cm1")], "PHONE_STATE", 18, "PHONESTATE_SUSPEND", 0x40000, None, 0),
    "no reason of a line": ([OLD, failed("cm1")], "LINE_LINEDEVSTATE", 8, "LINEDEVSTATE_OUTOFSERVICE", 0x80, None, 0),
    "device created": ([*LINKED, SECOND], "PHONE_CREATE", 20, None, "device", None, 0),
    "line created": ([*LINKED, SECOND], "LINE_CREATE", 19, None, "line", None, 0),
    "device removed": ([*LINKED, SECOND, REMOVED], "PHONE_REMOVE", 26, None, "device", None, 0),
    "line removed": ([*LINKED, SECOND, REMOVED], "LINE_REMOVE", 25, None, "line", None, 0),
}  # fmt: skip


def signal(message: Json) -> tuple[object, ...]:
    """What a message says, by name and by number; of a TAPI device id only what it counts."""
    ids = {"PHONE_CREATE": "device", "PHONE_REMOVE": "device", "LINE_CREATE": "line", "LINE_REMOVE": "line"}
    return tuple({**message, "param1": ids.get(message["message"], message["param1"])}[field] for field in FIELDS[7:13])


@pytest.mark.parametrize(("log", "expected"), [(one[0], one[1:]) for one in SIGNALS.values()], ids=SIGNALS)
def test_message_has_tapis_names_and_numbers(log: list[Json], expected: tuple[object, ...]) -> None:
    """Each message, state and reason has the name and the number of the specification's table."""
    messages = fold([*SITE, *log]).messages

    assert expected in [signal(message) for message in messages]


def test_no_other_signal_is_sent() -> None:
    """The corpus has all of these messages and none beside them."""
    found = {signal(message) for message in messages_of_corpus()}

    assert found == {one[1:] for one in SIGNALS.values()}


def test_message_has_exactly_these_fields_in_this_order() -> None:
    """A message as NDJSON has the fields of the specification's table, in its order, without blanks."""
    log = [*SITE, OPENED, {**failed("cm1"), "at": "2026-01-01T00:00:00Z"}]
    _, replay = run(decoded(log[:-1]))
    first = next(replay.messages(decoded(log[-1:])))

    assert Message.__struct_fields__ == FIELDS
    assert msgspec.json.encode(first) == (
        b'{"seq":1,"version":5,"at":"2026-01-01T00:00:00Z","app":"app","device":"P","line":null,"handle":4,'
        b'"message":"PHONE_STATE","msg":18,"param1_name":"PHONESTATE_SUSPEND","param1":262144,'
        b'"param2_name":"CallManagerFailure","param2":1,"param3":0,"rule":"node_failed/suspend"}'
    )


def test_messages_are_numbered_and_carry_version_and_time_of_their_event() -> None:
    """``seq`` runs 1, 2, 3 …; ``version`` and ``at`` are those of an event; ``param3`` is 0."""
    for log in corpus()[:200]:
        messages = fold(log).messages

        assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1))
        assert all(message["at"] == log[message["version"] - 1].get("at") for message in messages)
        assert all(message["param3"] == 0 for message in messages)


def test_schema_accepts_every_message() -> None:
    """``schema messages`` describes what ``replay --ndjson`` prints, and refuses a field too many."""
    validator = Draft202012Validator(schema("messages"))
    some = messages_of_corpus()[::500]

    assert [list(validator.iter_errors(message)) for message in some] == [[]] * len(some)
    assert all(message.keys() == set(FIELDS) for message in some)


# Who is told, and in which order.


def test_applications_in_order_then_phone_then_lines_as_configured() -> None:
    """A step goes to each application in the order of first opens; each hears of its phone, then its lines in order."""
    log = [
        *SITE,
        {"type": "line_opened", "device": "P", "line": "1", "app": "late"},
        {"type": "device_opened", "device": "P", "lines": ["1", "2"], "app": "all"},
        {"type": "line_opened", "device": "P", "line": "2", "app": "late"},
        failed("cm1"),
    ]

    assert [dense(message) for message in fold(log).messages] == [
        "late P/2 OUTOFSERVICE(1)",
        "late P/1 OUTOFSERVICE(1)",
        "all P SUSPEND(1)",
        "all P/2 OUTOFSERVICE(1)",
        "all P/1 OUTOFSERVICE(1)",
        "late P/2 INSERVICE",
        "late P/1 INSERVICE",
        "all P RESUME",
        "all P/2 INSERVICE",
        "all P/1 INSERVICE",
    ]


def test_an_application_keeps_its_place_when_it_has_closed_everything() -> None:
    """Whoever opened something first comes first, even if it was closed at once and opened again later."""
    closed = {"type": "device_closed", "device": "P", "app": "first"}
    first = {**OPENED, "app": "first", "lines": []}
    log = [*SITE, first, closed, {**OPENED, "app": "second", "lines": []}, first, failed("cm1")]

    assert [message["app"] for message in fold(log).messages] == ["first", "second"] * 2


def test_an_open_that_is_closed_at_once_gives_a_place() -> None:
    """An open which the system closes in the same event has opened something: it counts for the order."""
    allowed = {"type": "open_allowed", "device": "P"}
    opens = [{**OPENED, "app": "second", "lines": []}, {**OPENED, "app": "first", "lines": []}]
    log = [*SITE, REFUSED, opens[1], allowed, *opens, failed("cm1")]

    assert [message["app"] for message in fold(log).messages] == ["first"] + ["first", "second"] * 2


def test_a_misfit_gives_no_place() -> None:
    """An open that does not fit opens nothing, so it does not put its application first."""
    misfit = {"type": "line_opened", "device": "P", "line": "9", "app": "second"}
    log = [*SITE, misfit, {**OPENED, "app": "first", "lines": []}, {**OPENED, "app": "second", "lines": []}]
    found = fold([*log, failed("cm1")])

    assert found.misfits == [len(SITE) + 1]
    assert [message["app"] for message in found.messages] == ["first", "second"] * 2


def test_settle_goes_line_by_line() -> None:
    """Lines that are settled come one by one, each to the applications in order (not application by application)."""
    lines = [{"type": "open_refused", "device": "P", "line": line, "nodes": ["cm1"]} for line in ("1", "2")]
    opens = [{**OPENED, "app": "b"}, {**OPENED, "app": "a"}]
    log = [*SITE, *lines, failed("cm2"), *opens, recovered("cm2")]

    assert [dense(message) for message in fold(log).messages if message["version"] == len(log)] == [
        "b P/2 CLOSE",
        "a P/2 CLOSE",
        "b P/1 CLOSE",
        "a P/1 CLOSE",
    ]


def test_handle_is_the_version_of_the_event_that_opened_it() -> None:
    """The rest that a second open adds, and what is opened again after a close, have handles of their own."""
    again = [{"type": "line_closed", "device": "P", "line": "1"}, {"type": "line_opened", "device": "P", "line": "1"}]
    log = [*SITE, {**OPENED, "lines": ["1"]}, OPENED, *again, failed("cm1")]
    suspended = fold(log).messages[:3]

    assert [(message["line"], message["handle"]) for message in suspended] == [(None, 4), ("2", 5), ("1", 7)]


def test_devices_in_the_order_added() -> None:
    """Devices are recovered in the order in which they were added; all are suspended before the first is resumed."""
    ports = [{**PORT, "device": name, "lines": []} for name in ("Z", "A", "M")]
    opens = [{"type": "device_opened", "device": name} for name in ("A", "M", "Z")]
    log = [*NODES, *ports, *opens, failed("cm1")]

    assert [dense(message) for message in fold(log).messages] == [
        *(f"app {name} SUSPEND(1)" for name in "ZAM"),
        *(f"app {name} RESUME" for name in "ZAM"),
    ]


# The rules.


@cache
def messages_of_corpus() -> list[Json]:
    """Every message of the corpus."""
    return list(chain.from_iterable(fold(log).messages for log in corpus()))


@cache
def rules_of_corpus() -> Counter[str]:
    """How often each rule sends a message in the whole corpus."""
    return Counter(message["rule"] for log in whole_corpus() for message in fold(log).messages)


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_occurs(rule: str) -> None:
    """The random logs come to every rule."""
    assert rules_of_corpus()[rule] > 0


@pytest.mark.slow
def test_no_other_rule_occurs() -> None:
    """The list of rules is complete."""
    found = set(rules_of_corpus())

    assert found <= set(RULES)
