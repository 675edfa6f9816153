"""The fold against the rules: misfits, the naive fold on random logs, what must hold after every event, liveness.

Both pages, docs/reference/rules.md and docs/reference/tsp.md. The rules of the second one by one: test_tsp_behaviour.py.
"""

from collections import Counter
from functools import cache
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from support import naive
from support.strategies import LOG_EXAMPLES, Json, corpus, decoded, fold, logs, placed, run, whole_corpus

from cti_es.model.cluster import MisfitCode
from cti_es.model.replay import Replay
from cti_es.vocabulary.events import EVENT_TYPES, AwayReason, fields_of
from cti_es.vocabulary.tapi import Message

IN, OUT = "in_service", "out_of_service"

SITE: list[Json] = [
    {"type": "node_added", "node": "cm1"},
    {"type": "node_added", "node": "cm2"},
    {"type": "node_added", "node": "cm3"},
    {"type": "device_added", "device": "P", "kind": "cti_port", "lines": ["1", "2"], "group": ["cm1", "cm2"]},
    {"type": "device_added", "device": "S", "kind": "phone", "lines": ["1", "3"]},
    {"type": "device_opened", "device": "P", "lines": ["1"]},
    {"type": "line_opened", "device": "S", "line": "3", "app": "ivr"},
    {"type": "call_started", "call": "c1", "device": "P", "line": "1"},
    {"type": "call_started", "call": "c1", "device": "S"},
    {"type": "node_failed", "node": "cm3"},
    {"type": "open_refused", "device": "S", "line": "3", "nodes": ["cm2"]},
    # A CTI Manager on cm1 and cm4; failed ones on cm3 and cm5; none on cm2 and cm6. cm4 has lost its call processing
    # alone, cm5 its CTI Manager alone. An application with a link and one without, a device that is away.
    {"type": "node_added", "node": "cm4"},
    {"type": "node_added", "node": "cm5"},
    {"type": "node_added", "node": "cm6"},
    {"type": "cti_manager_added", "node": "cm1"},
    {"type": "cti_manager_added", "node": "cm3"},
    {"type": "cti_manager_added", "node": "cm4"},
    {"type": "cti_manager_added", "node": "cm5"},
    {"type": "cti_manager_failed", "node": "cm3"},
    {"type": "node_failed", "node": "cm4", "scope": "call_manager"},
    {"type": "node_failed", "node": "cm6"},
    {"type": "device_added", "device": "A", "kind": "route_point", "lines": ["9"], "group": ["cm1", "cm2"]},
    {"type": "provider_opened", "app": "linked", "cti_managers": ["cm1", "cm3"]},
    {"type": "provider_opened", "app": "lost", "cti_managers": ["cm5"]},
    {"type": "device_opened", "device": "A", "app": "linked"},
    {"type": "device_opened", "device": "A", "app": "lost"},
    {"type": "status_messages_set", "app": "linked", "device": "A", "line": "9", "states": ["INSERVICE"]},
    {"type": "status_messages_set", "app": "linked", "device": "A", "states": []},
    {"type": "device_failed", "device": "A"},
    {"type": "cti_manager_failed", "node": "cm5"},
    {"type": "call_connected", "call": "c1", "device": "P"},
    {"type": "behaviour_set", "announce_open": True},
    {"type": "control_withdrawn", "app": "linked", "device": "S"},
]

MISFITS: list[tuple[str, Json]] = [
    ("unknown_node", {"type": "node_failed", "node": "cm9"}),
    ("unknown_node", {"type": "node_recovered", "node": "cm9"}),
    ("unknown_node", {"type": "device_added", "device": "N", "kind": "phone", "group": ["cm1", "cm9"]}),
    ("unknown_node", {"type": "open_refused", "device": "P", "nodes": ["cm1", "cm9"]}),
    ("unknown_node", {"type": "open_allowed", "device": "P", "nodes": ["cm9"]}),
    ("unknown_device", {"type": "device_opened", "device": "N"}),
    ("unknown_device", {"type": "line_opened", "device": "N", "line": "1"}),
    ("unknown_device", {"type": "device_closed", "device": "N"}),
    ("unknown_device", {"type": "line_closed", "device": "N", "line": "1"}),
    ("unknown_device", {"type": "open_refused", "device": "N"}),
    ("unknown_device", {"type": "open_allowed", "device": "N"}),
    ("unknown_device", {"type": "call_started", "call": "c2", "device": "N"}),
    ("unknown_device", {"type": "call_ended", "call": "c1", "device": "N"}),
    ("unknown_line", {"type": "device_opened", "device": "P", "lines": ["2", "3"]}),
    ("unknown_line", {"type": "line_opened", "device": "P", "line": "3"}),
    ("unknown_line", {"type": "line_closed", "device": "P", "line": "3"}),
    ("unknown_line", {"type": "open_refused", "device": "P", "line": "3"}),
    ("unknown_line", {"type": "open_allowed", "device": "P", "line": "3"}),
    ("unknown_line", {"type": "call_started", "call": "c2", "device": "P", "line": "3"}),
    ("unknown_call", {"type": "call_ended", "call": "c2"}),
    ("unknown_call", {"type": "call_ended", "call": "c2", "device": "P"}),
    ("node_exists", {"type": "node_added", "node": "cm1"}),
    ("node_exists", {"type": "node_added", "node": "cm3"}),
    ("device_exists", {"type": "device_added", "device": "P", "kind": "cti_port"}),
    ("call_exists", {"type": "call_started", "call": "c1", "device": "P"}),
    ("already_failed", {"type": "node_failed", "node": "cm3"}),
    ("already_in_service", {"type": "node_recovered", "node": "cm1"}),
    ("already_open", {"type": "device_opened", "device": "P", "lines": ["1"]}),
    ("already_open", {"type": "device_opened", "device": "P", "lines": []}),
    ("already_open", {"type": "device_opened", "device": "P", "lines": ["1"], "app": "app"}),
    ("already_open", {"type": "line_opened", "device": "P", "line": "1"}),
    ("already_open", {"type": "line_opened", "device": "S", "line": "3", "app": "ivr"}),
    ("not_open", {"type": "device_closed", "device": "S"}),
    ("not_open", {"type": "device_closed", "device": "P", "app": "ivr"}),
    ("not_open", {"type": "line_closed", "device": "P", "line": "2"}),
    ("not_open", {"type": "line_closed", "device": "S", "line": "3"}),
    ("repeated", {"type": "device_added", "device": "N", "kind": "phone", "lines": ["1", "2", "1"]}),
    ("repeated", {"type": "device_added", "device": "N", "kind": "phone", "group": ["cm1", "cm1"]}),
    ("repeated", {"type": "device_opened", "device": "P", "lines": ["2", "2"]}),
    ("repeated", {"type": "open_refused", "device": "P", "nodes": ["cm1", "cm1"]}),
    ("repeated", {"type": "open_allowed", "device": "P", "line": "1", "nodes": ["cm2", "cm1", "cm2"]}),
    ("empty", {"type": "device_added", "device": "N", "kind": "route_point", "group": []}),
    ("empty", {"type": "open_refused", "device": "P", "nodes": []}),
    ("empty", {"type": "open_allowed", "device": "P", "line": "1", "nodes": []}),
    ("outside_group", {"type": "open_refused", "device": "P", "nodes": ["cm1", "cm3"]}),
    ("outside_group", {"type": "open_allowed", "device": "P", "line": "1", "nodes": ["cm3"]}),
    # Nodes and CTI Managers.
    ("unknown_node", {"type": "node_failed", "node": "cm9", "scope": "call_manager"}),
    ("unknown_node", {"type": "node_recovered", "node": "cm9", "scope": "node"}),
    ("already_failed", {"type": "node_failed", "node": "cm3", "scope": "node"}),
    ("already_failed", {"type": "node_failed", "node": "cm3", "scope": "call_manager"}),
    ("already_failed", {"type": "node_failed", "node": "cm4", "scope": "call_manager"}),
    ("already_failed", {"type": "node_failed", "node": "cm6"}),
    ("already_in_service", {"type": "node_recovered", "node": "cm1", "scope": "node"}),
    ("already_in_service", {"type": "node_recovered", "node": "cm1", "scope": "call_manager"}),
    ("already_in_service", {"type": "node_recovered", "node": "cm2"}),
    ("already_in_service", {"type": "node_recovered", "node": "cm5", "scope": "call_manager"}),
    ("unknown_node", {"type": "cti_manager_added", "node": "cm9"}),
    ("cti_manager_exists", {"type": "cti_manager_added", "node": "cm1"}),
    ("cti_manager_exists", {"type": "cti_manager_added", "node": "cm3"}),
    ("unknown_cti_manager", {"type": "cti_manager_failed", "node": "cm9"}),
    ("unknown_cti_manager", {"type": "cti_manager_failed", "node": "cm2"}),
    ("unknown_cti_manager", {"type": "cti_manager_recovered", "node": "cm9"}),
    ("unknown_cti_manager", {"type": "cti_manager_recovered", "node": "cm6"}),
    ("already_failed", {"type": "cti_manager_failed", "node": "cm3"}),
    ("already_failed", {"type": "cti_manager_failed", "node": "cm5"}),
    ("already_in_service", {"type": "cti_manager_recovered", "node": "cm1"}),
    ("already_in_service", {"type": "cti_manager_recovered", "node": "cm4"}),
    # Providers and links.
    ("unknown_cti_manager", {"type": "provider_opened", "app": "new", "cti_managers": ["cm1", "cm2"]}),
    ("unknown_cti_manager", {"type": "provider_opened", "app": "new", "cti_managers": ["cm9"]}),
    ("repeated", {"type": "provider_opened", "app": "new", "cti_managers": ["cm1", "cm3", "cm1"]}),
    ("empty", {"type": "provider_opened", "app": "new", "cti_managers": []}),
    ("too_many", {"type": "provider_opened", "app": "new", "cti_managers": ["cm1", "cm3", "cm4", "cm5"]}),
    ("has_provider", {"type": "provider_opened", "app": "linked", "cti_managers": ["cm4"]}),
    ("has_provider", {"type": "provider_opened", "app": "lost", "cti_managers": ["cm1"]}),
    ("has_handles", {"type": "provider_opened", "app": "ivr", "cti_managers": ["cm1"]}),
    ("has_handles", {"type": "provider_opened", "app": "app", "cti_managers": ["cm1"]}),
    ("no_provider", {"type": "provider_closed", "app": "ivr"}),
    ("no_provider", {"type": "provider_closed", "app": "nobody"}),
    ("no_link", {"type": "device_opened", "device": "P", "app": "lost"}),
    ("no_link", {"type": "line_opened", "device": "P", "line": "1", "app": "lost"}),
    ("not_open", {"type": "device_closed", "device": "P", "app": "lost"}),
    ("not_open", {"type": "line_closed", "device": "P", "line": "1", "app": "linked"}),
    ("no_provider", {"type": "provider_link_lost", "app": "ivr"}),
    ("no_provider", {"type": "provider_link_lost", "app": "nobody", "node": "cm9"}),
    ("no_link", {"type": "provider_link_lost", "app": "lost"}),
    ("no_link", {"type": "provider_link_lost", "app": "lost", "node": "cm9"}),
    ("other_link", {"type": "provider_link_lost", "app": "linked", "node": "cm3"}),
    ("other_link", {"type": "provider_link_lost", "app": "linked", "node": "cm9"}),
    ("no_provider", {"type": "provider_linked", "app": "ivr", "node": "cm1"}),
    ("outside_list", {"type": "provider_linked", "app": "linked", "node": "cm4"}),
    ("outside_list", {"type": "provider_linked", "app": "linked", "node": "cm9"}),
    ("not_in_service", {"type": "provider_linked", "app": "linked", "node": "cm3"}),
    ("not_in_service", {"type": "provider_linked", "app": "lost", "node": "cm5"}),
    ("already_linked", {"type": "provider_linked", "app": "linked", "node": "cm1"}),
    # What a user may control.
    ("no_provider", {"type": "control_withdrawn", "app": "ivr", "device": "N"}),
    ("no_provider", {"type": "control_granted", "app": "ivr", "device": "S"}),
    ("unknown_device", {"type": "control_withdrawn", "app": "linked", "device": "N"}),
    ("unknown_device", {"type": "control_granted", "app": "linked", "device": "N"}),
    ("not_controlled", {"type": "control_withdrawn", "app": "linked", "device": "S"}),
    ("controlled", {"type": "control_granted", "app": "linked", "device": "P"}),
    ("controlled", {"type": "control_granted", "app": "lost", "device": "S"}),
    ("not_controlled", {"type": "device_opened", "app": "linked", "device": "S", "lines": ["9"]}),
    ("not_controlled", {"type": "line_opened", "app": "linked", "device": "S", "line": "1"}),
    # Lines that come and go.
    ("unknown_device", {"type": "lines_changed", "device": "N"}),
    ("empty", {"type": "lines_changed", "device": "P"}),
    ("empty", {"type": "lines_changed", "device": "P", "added": [], "removed": []}),
    ("repeated", {"type": "lines_changed", "device": "P", "added": ["1", "1"]}),
    ("repeated", {"type": "lines_changed", "device": "P", "removed": ["9", "9"]}),
    ("repeated", {"type": "lines_changed", "device": "P", "added": ["9"], "removed": ["9"]}),
    ("unknown_line", {"type": "lines_changed", "device": "P", "added": ["1"], "removed": ["2", "9"]}),
    ("line_exists", {"type": "lines_changed", "device": "P", "added": ["9", "1"], "removed": ["2"]}),
    # Status messages.
    ("unknown_device", {"type": "status_messages_set", "device": "N", "states": []}),
    ("unknown_line", {"type": "status_messages_set", "device": "P", "line": "3", "states": []}),
    ("not_open", {"type": "status_messages_set", "device": "A", "states": ["SUSPEND"]}),
    ("not_open", {"type": "status_messages_set", "device": "P", "line": "2", "states": []}),
    ("not_open", {"type": "status_messages_set", "app": "ivr", "device": "S", "states": []}),
    ("not_open", {"type": "status_messages_set", "app": "nobody", "device": "P", "line": "1", "states": []}),
    ("wrong_state", {"type": "status_messages_set", "device": "P", "states": ["INSERVICE"]}),
    ("wrong_state", {"type": "status_messages_set", "device": "P", "states": ["SUSPEND", "OUTOFSERVICE"]}),
    ("wrong_state", {"type": "status_messages_set", "device": "P", "states": ["SLEEP"]}),
    ("wrong_state", {"type": "status_messages_set", "device": "P", "line": "1", "states": ["SUSPEND"]}),
    ("wrong_state", {"type": "status_messages_set", "device": "P", "line": "1", "states": ["INSERVICE", "RESUME"]}),
    ("repeated", {"type": "status_messages_set", "device": "P", "states": ["SUSPEND", "SUSPEND"]}),
    ("unchanged", {"type": "status_messages_set", "device": "P", "states": ["RESUME", "SUSPEND"]}),
    ("unchanged", {"type": "status_messages_set", "device": "P", "line": "1", "states": ["INSERVICE", "OUTOFSERVICE"]}),
    (
        "unchanged",
        {"type": "status_messages_set", "app": "linked", "device": "A", "line": "9", "states": ["INSERVICE"]},
    ),
    ("unchanged", {"type": "status_messages_set", "app": "linked", "device": "A", "states": []}),
    # Devices and calls.
    ("unknown_device", {"type": "device_failed", "device": "N"}),
    ("already_away", {"type": "device_failed", "device": "A"}),
    ("already_away", {"type": "device_failed", "device": "A", "reason": "EnergyWisePowerSavePlus"}),
    ("unknown_device", {"type": "device_recovered", "device": "N"}),
    ("not_away", {"type": "device_recovered", "device": "P"}),
    ("unknown_device", {"type": "device_removed", "device": "N"}),
    ("device_exists", {"type": "device_added", "device": "A", "kind": "route_point"}),
    ("unknown_device", {"type": "call_connected", "call": "c1", "device": "N"}),
    ("unknown_call", {"type": "call_connected", "call": "c2"}),
    ("unknown_call", {"type": "call_connected", "call": "c2", "device": "P"}),
    ("unknown_call", {"type": "call_connected", "call": "c1", "device": "A"}),
    ("already_connected", {"type": "call_connected", "call": "c1", "device": "P"}),
    # Behaviours.
    ("empty", {"type": "behaviour_set"}),
    ("unchanged", {"type": "behaviour_set", "announce_open": True}),
    ("unchanged", {"type": "behaviour_set", "phones_wait_for_calls": False}),
    ("unchanged", {"type": "behaviour_set", "announce_open": True, "drop_calls_in_setup": False}),
]

NO_MISFITS: list[Json] = [
    {"type": "device_opened", "device": "P"},
    {"type": "device_opened", "device": "P", "lines": ["2", "1"]},
    {"type": "device_opened", "device": "P", "lines": [], "app": "ivr"},
    {"type": "device_opened", "device": "S", "app": "ivr"},
    {"type": "line_opened", "device": "S", "line": "3"},
    {"type": "device_closed", "device": "S", "app": "ivr"},
    {"type": "open_refused", "device": "S", "line": "3", "nodes": ["cm2"]},
    {"type": "open_refused", "device": "S", "line": "3"},
    {"type": "open_allowed", "device": "S", "line": "1"},
    {"type": "open_allowed", "device": "P"},
    {"type": "call_started", "call": "c2", "device": "P", "line": "2"},
    {"type": "call_ended", "call": "c1"},
    {"type": "call_ended", "call": "c1", "device": "S"},
    {"type": "device_added", "device": "N", "kind": "route_point"},
    {"type": "device_added", "device": "N", "kind": "phone", "lines": [], "group": ["cm3"]},
    {"type": "node_failed", "node": "cm1", "scope": "call_manager"},
    {"type": "node_failed", "node": "cm4"},
    {"type": "node_failed", "node": "cm5", "scope": "node"},
    {"type": "node_failed", "node": "cm5", "scope": "call_manager"},
    {"type": "node_recovered", "node": "cm3"},
    {"type": "node_recovered", "node": "cm3", "scope": "call_manager"},
    {"type": "node_recovered", "node": "cm4", "scope": "node"},
    {"type": "node_recovered", "node": "cm5"},
    {"type": "cti_manager_added", "node": "cm2"},
    {"type": "cti_manager_added", "node": "cm6"},
    {"type": "cti_manager_failed", "node": "cm4"},
    {"type": "cti_manager_recovered", "node": "cm3"},
    {"type": "provider_opened", "app": "new", "cti_managers": ["cm3", "cm5"]},
    {"type": "provider_opened", "app": "new", "cti_managers": ["cm5", "cm4", "cm1"]},
    {"type": "provider_closed", "app": "linked"},
    {"type": "provider_closed", "app": "lost"},
    {"type": "device_opened", "device": "P", "app": "linked", "ext_version": 0},
    {"type": "device_closed", "device": "A", "app": "lost"},
    {"type": "line_closed", "device": "A", "line": "9", "app": "lost"},
    {"type": "status_messages_set", "app": "lost", "device": "A", "states": ["RESUME"]},
    {"type": "status_messages_set", "device": "P", "line": "1", "states": []},
    {"type": "status_messages_set", "app": "linked", "device": "A", "states": ["RESUME", "SUSPEND"]},
    {"type": "device_failed", "device": "P", "reason": "DeviceUnregistered"},
    {"type": "device_recovered", "device": "A"},
    {"type": "device_removed", "device": "A"},
    {"type": "device_removed", "device": "P"},
    {"type": "provider_link_lost", "app": "linked"},
    {"type": "provider_link_lost", "app": "linked", "node": "cm1"},
    {"type": "lines_changed", "device": "P", "added": ["9"]},
    {"type": "lines_changed", "device": "A", "removed": ["9"], "added": []},
    {"type": "lines_changed", "device": "P", "added": ["3"], "removed": ["2", "1"]},
    {"type": "control_withdrawn", "app": "linked", "device": "A"},
    {"type": "control_withdrawn", "app": "lost", "device": "S"},
    {"type": "control_granted", "app": "linked", "device": "S"},
    {"type": "call_connected", "call": "c1"},
    {"type": "call_connected", "call": "c1", "device": "S"},
    {"type": "behaviour_set", "announce_open": True, "drop_calls_in_setup": True},
    {"type": "behaviour_set", "announce_open": False},
]


def told(event: Json) -> str:
    """An event in a test's name."""
    return " ".join(map(str, event.values()))


@pytest.mark.parametrize(("code", "event"), MISFITS, ids=lambda value: value if isinstance(value, str) else told(value))
def test_misfit_has_its_code_and_changes_nothing(code: str, event: Json) -> None:
    """Each event of the exhaustive list is reported with version and code, sends nothing and leaves no trace."""
    before = run(decoded(SITE))[1].encoded()
    messages, replay = run(decoded([event]), before)

    assert [(one.version, one.code, one.type) for one in replay.misfits] == [(len(SITE) + 1, code, event["type"])]
    assert replay.misfits[0].text
    assert messages == []
    assert without_version(replay.encoded()) == without_version(before)
    assert naive.fold([*SITE, event]).misfits == [len(SITE) + 1]


@pytest.mark.parametrize("event", NO_MISFITS, ids=told)
def test_what_is_no_misfit_fits(event: Json) -> None:
    """Opening the rest, refusing again, calls in any state, closes and filters without a link and more: these fit."""
    replay = run(decoded([*SITE, event]))[1]

    assert replay.misfits == []
    assert naive.fold([*SITE, event]).misfits == []


def test_every_code_is_in_the_table() -> None:
    """The table of misfits has every code of the closed list."""
    codes = {code for code, _ in MISFITS}

    assert codes == set(get_args(MisfitCode))


def test_whatever_fits_the_site_fits() -> None:
    """The log before the table's events holds no misfit, so that each of them meets the state that it is meant for."""
    assert run(decoded(SITE))[1].misfits == []
    assert naive.fold(SITE).misfits == []


def test_group_left_out_before_any_node_is_empty() -> None:
    """Without a node yet the default group is empty, and an empty group is a misfit."""
    _, replay = run(decoded([{"type": "device_added", "device": "P", "kind": "phone"}]))

    assert [one.code for one in replay.misfits] == ["empty"]


def without_version(state: bytes) -> bytes:
    """An encoded state behind its first field, the version, which a misfit takes as any event does."""
    start, _, rest = state.partition(b",")
    assert start.startswith(b'{"version":')
    return rest


# Random logs: the naive fold.


@LOG_EXAMPLES
@given(logs)
def test_naive_fold_agrees(log: list[Json]) -> None:
    """Messages with their rules, homes and misfits of any log are those of the naive fold."""
    real, simple = fold(log), naive.fold(log)

    assert real.messages == simple.messages
    assert real.homes == simple.homes
    assert real.misfits == simple.misfits


def test_naive_fold_agrees_on_the_corpus() -> None:
    """The same for a thousand longer logs, each named by its seed; the order of fields is the same, too."""
    differ = [seed for seed, log in enumerate(corpus()) if tuple(map(repr, fold(log))) != facts(naive.fold(log))]

    assert differ == []


def facts(found: naive.Result) -> tuple[str, ...]:
    """What the naive fold has found, with the order of all fields."""
    return repr(found.messages), repr(found.homes), repr(found.misfits)


def test_misfits_of_the_corpus_leave_no_trace() -> None:
    """A log without its misfits comes to the same homes, and sends the same but for the versions."""
    different = []
    for seed, log in enumerate(corpus()):
        whole = fold(log)
        kept = fold([event for version, event in enumerate(log, 1) if version not in whole.misfits])
        if (
            kept.homes != whole.homes
            or kept.misfits
            or list(map(said, kept.messages)) != list(map(said, whole.messages))
        ):
            different.append(seed)

    assert different == []


def said(message: Json) -> list[Any]:
    """A message without the versions in it."""
    return [value for field, value in message.items() if field not in ("version", "handle")]


# What must hold after every event of every log.


Key = tuple[str, str, str | None]
"""A handle: application, device, line (None for the phone device)."""

GOES_OUT = ("PHONESTATE_SUSPEND", "LINEDEVSTATE_OUTOFSERVICE")
BOTH = frozenset({"in", "out"})


class Watch:
    """Follows a log event by event with a book of its own; ``faults`` is what must not be."""

    def __init__(self) -> None:
        self.replay = Replay()
        self.handles: dict[Key, int] = {}
        self.old: set[Key] = set()  # opened with an extension version that knows no reasons
        self.wants: dict[Key, frozenset[str]] = {}
        self.out: set[Key] = set()
        self.owed: dict[Key, int] = {}  # closed while the application has no link: its CLOSE waits
        self.calls: Counter[str] = Counter()
        self.legs: set[tuple[str, str]] = set()
        self.connected: set[tuple[str, str]] = set()
        self.homes: dict[str, str | None] = {}
        self.nodes: dict[str, bool] = {}
        self.managers: dict[str, bool] = {}
        self.providers: dict[str, list[str]] = {}
        self.links: dict[str, str | None] = {}
        self.adrift: set[str] = set()
        self.relinked: set[str] = set()  # applications that had, at some time in this event, no link
        self.behaviours = dict.fromkeys(("announce_open", "phones_wait_for_calls", "drop_calls_in_setup"), False)
        self.has_waited = False
        self.configured: dict[tuple[str, str, int], str] = {}  # application, PHONE or LINE, id: CREATE or REMOVE
        self.faults: list[str] = []

    def take(self, event: Json) -> None:
        """One more event."""
        known = len(self.replay.misfits)
        messages = msgspec.to_builtins(list(self.replay.messages(decoded([event]))))
        self.relinked = {app for app, link in self.links.items() if link is None}
        if len(self.replay.misfits) == known:
            getattr(self, event["type"], lambda event: None)({k: v for k, v in event.items() if v is not None})
        for message in messages:
            self.hear(message)
        self.compare_books()
        for home in placed(self.replay):
            self.look(home)

    def must(self, holds: object, what: str) -> None:
        """Note a fault unless this holds."""
        if not holds:
            self.faults.append(f"version {self.replay.version}: {what}")

    # The book: handles and call legs, from the events that fit.

    def device_opened(self, event: Json) -> None:
        """Handles that the application does not have yet are new."""
        lines = list(self.replay.cluster.devices[event["device"]].lines)
        for line in [None, *event.get("lines", lines)]:
            self.open((event.get("app", "app"), event["device"], line), event)

    def line_opened(self, event: Json) -> None:
        """One new handle."""
        self.open((event.get("app", "app"), event["device"], event["line"]), event)

    def open(self, handle: Key, event: Json) -> None:
        """A new handle, unless the application has it."""
        if handle not in self.handles:
            self.handles[handle] = self.replay.version
            if event.get("ext_version", 0xFFFFFFFF) % 2**31 < 0xB0000:
                self.old.add(handle)

    def device_closed(self, event: Json) -> None:
        """The application's handles on the device are gone."""
        for handle in [one for one in self.handles if one[:2] == (event.get("app", "app"), event["device"])]:
            self.forget(handle)

    def line_closed(self, event: Json) -> None:
        """One handle is gone."""
        self.forget((event.get("app", "app"), event["device"], event["line"]))

    def status_messages_set(self, event: Json) -> None:
        """What is wanted for one handle."""
        states = frozenset("out" if state in ("SUSPEND", "OUTOFSERVICE") else "in" for state in event["states"])
        self.wants[event.get("app", "app"), event["device"], event.get("line")] = states

    def call_started(self, event: Json) -> None:
        """One more leg."""
        self.legs.add((event["call"], event["device"]))
        self.calls[event["device"]] += 1

    def call_connected(self, event: Json) -> None:
        """The leg, or every leg of the call, has media."""
        self.connected |= {
            leg for leg in self.legs if leg[0] == event["call"] and event.get("device", leg[1]) == leg[1]
        }

    def call_ended(self, event: Json) -> None:
        """The leg, or every leg of the call, is gone."""
        self.end([leg for leg in self.legs if leg[0] == event["call"] and event.get("device", leg[1]) == leg[1]])

    def end(self, legs: list[tuple[str, str]]) -> None:
        """Legs are gone."""
        for leg in legs:
            self.legs.remove(leg)
            self.connected.discard(leg)
            self.calls[leg[1]] -= 1

    def device_removed(self, event: Json) -> None:
        """Its legs are gone; its handles will be, too."""
        self.end([leg for leg in self.legs if leg[1] == event["device"]])
        del self.homes[event["device"]]

    def behaviour_set(self, event: Json) -> None:
        """What is given changes."""
        self.behaviours.update({name: event[name] for name in self.behaviours if name in event})
        self.has_waited |= self.behaviours["phones_wait_for_calls"]

    def forget(self, handle: Key) -> None:
        """A handle is gone."""
        self.handles.pop(handle, None)
        self.wants.pop(handle, None)
        self.out.discard(handle)
        self.old.discard(handle)

    # The book: nodes, CTI Managers, links.

    def node_added(self, event: Json) -> None:
        """A node in service."""
        self.nodes[event["node"]] = True

    def node_failed(self, event: Json) -> None:
        """With it its CTI Manager, and the legs without media of the devices that are homed there."""
        if event.get("scope") != "call_manager" and event["node"] in self.managers:
            self.cti_manager_failed(event)
        if self.nodes[event["node"]] and self.behaviours["drop_calls_in_setup"]:
            homed = [leg for leg in self.legs if self.homes[leg[1]] == event["node"]]
            self.end([leg for leg in homed if leg not in self.connected])
        self.nodes[event["node"]] = False

    def node_recovered(self, event: Json) -> None:
        """With it its CTI Manager."""
        self.nodes[event["node"]] = True
        if event.get("scope") != "call_manager" and event["node"] in self.managers:
            self.cti_manager_recovered(event)

    def cti_manager_added(self, event: Json) -> None:
        """A CTI Manager in service."""
        self.managers[event["node"]] = True

    def cti_manager_failed(self, event: Json) -> None:
        """Whoever is linked to it goes to the first one in service."""
        self.managers[event["node"]] = False
        self.relinked |= {app for app, link in self.links.items() if link == event["node"]}
        self.link()

    def cti_manager_recovered(self, event: Json) -> None:
        """Whoever has no link may take it."""
        self.managers[event["node"]] = True
        self.link()

    def provider_opened(self, event: Json) -> None:
        """A link to the first one in service, if any."""
        self.providers[event["app"]] = event["cti_managers"]
        self.relinked.add(event["app"])
        self.link()

    def provider_closed(self, event: Json) -> None:
        """Everything of the application is gone, also what it waits for."""
        del self.providers[event["app"]], self.links[event["app"]]
        self.relinked.discard(event["app"])
        self.adrift.discard(event["app"])
        self.configured = {thing: news for thing, news in self.configured.items() if thing[0] != event["app"]}
        self.owed = {handle: version for handle, version in self.owed.items() if handle[0] != event["app"]}
        for handle in [one for one in self.handles if one[0] == event["app"]]:
            self.forget(handle)

    def provider_link_lost(self, event: Json) -> None:
        """No link, and none is looked for."""
        self.adrift.add(event["app"])
        self.relinked.add(event["app"])
        self.links[event["app"]] = None

    def provider_linked(self, event: Json) -> None:
        """The link is this one."""
        self.adrift.discard(event["app"])
        self.relinked.add(event["app"])
        self.links[event["app"]] = event["node"]

    def link(self) -> None:
        """Links for those who have none now and are not adrift."""
        for app in self.relinked - self.adrift:
            up = (node for node in self.providers[app] if self.managers[node])
            self.links[app] = next(up, None)

    def is_reached(self, app: str) -> bool:
        """No provider, or a link."""
        return self.links.get(app, "none needed") is not None

    # What is checked.

    def hear(self, message: Json) -> None:
        """A message is for an open handle (or for one that was closed meanwhile), wanted and news, and has reasons."""
        handle = message["app"], message["device"], message["line"]
        self.must(message["version"] == self.replay.version, "a message of another event")
        if message["handle"] is None:
            self.hear_of_configuration(message)
        elif message["param1_name"] is None:
            self.must({**self.handles, **self.owed}.get(handle) == message["handle"], f"{handle} is not open")
            if self.owed.pop(handle, None) is None:
                self.forget(handle)
        else:
            self.must(self.handles.get(handle) == message["handle"], f"{handle} is not open")
            self.hear_state(handle, message)

    def hear_of_configuration(self, message: Json) -> None:
        """CREATE and REMOVE go to applications with a provider, by turns for each device id."""
        kind, _, news = message["message"].partition("_")
        thing = message["app"], kind, message["param1"]
        self.must(message["app"] in self.providers, f"{thing} {news} without a provider")
        self.must(self.configured.get(thing) != news, f"{thing} {news} twice")
        self.configured[thing] = news

    def hear_state(self, handle: Key, message: Json) -> None:
        """The four state messages."""
        app, name, line = handle
        step, state = message["rule"].rpartition("/")[2], "out" if message["param1_name"] in GOES_OUT else "in"
        wants = self.wants.get(handle, BOTH)
        if step == "announce":
            self.must(
                self.behaviours["announce_open"] and self.handles[handle] == self.replay.version, f"{handle}: old"
            )
            self.must(handle not in self.out, f"{handle} is announced though it is out")
            return
        self.must(state in wants, f"{handle} does not want that")
        self.must(app not in self.relinked or step in ("link_lost", "reconnect"), f"{handle} is told without a link")
        if state == "out":
            self.must(wants != BOTH or handle not in self.out, f"{handle} goes out twice")
            self.must((message["param2_name"] is None) == (handle in self.old), f"{handle}: its reason")
            self.out.add(handle)
        else:
            self.must(wants != BOTH or handle in self.out, f"{handle} comes in twice")
            self.out.discard(handle)
        if message["param2_name"] == "ReHomeToHigherPriorityCM":
            self.must(self.calls[name] == 0, f"{name} is moved during a call")
        if step == "resume" and self.behaviours["phones_wait_for_calls"]:
            kind = self.replay.cluster.devices[name].kind
            self.must(kind != "phone" or self.calls[name] == 0, f"{name} is resumed during a call")

    def compare_books(self) -> None:
        """The handles are the TSP's, and what the cluster has as opened; without a link they go without a message."""
        for handle in [one for one in self.handles if one not in self.held() and not self.is_reached(one[0])]:
            self.owed[handle] = self.handles[handle]
            self.forget(handle)
        self.must(self.handles == self.held(), "the TSP's handles are others")
        self.must(
            Counter((name, line) for _, name, line in self.handles) == self.counted(), "the cluster counts others"
        )
        self.must(not [one for one in self.owed if self.is_reached(one[0])], "a CLOSE has not come")
        self.must(self.links == {app: one.link for app, one in self.replay.book.providers.items()}, "other links")

    def held(self) -> dict[Key, int]:
        """The TSP's handles."""
        return {
            (app, name, line): handle.version
            for name, holders in self.replay.book.held.items()
            for app, held in holders.items()
            for line, handle in ((None, held.phone), *held.lines.items())
            if handle is not None
        }

    def counted(self) -> dict[tuple[str, str | None], int]:
        """How many handles the cluster counts on each device itself and on each line."""
        return {
            (name, line): handles
            for name, device in self.replay.cluster.devices.items()
            for line, part in ((None, device), *device.lines.items())
            if (handles := part.handles - (sum(one.handles for one in device.lines.values()) if line is None else 0))
        }

    def look(self, home: Json) -> None:
        """A device's state, home, lines and calls fit each other, the nodes and the handles."""
        name = home["device"]
        self.homes[name] = home["home"]
        device, nodes = self.replay.cluster.devices[name], self.replay.cluster.nodes
        held = [handle for handle in self.handles if handle[1] == name]
        is_phone, may_wait = home["kind"] == "phone", self.has_waited and home["calls"]
        self.must((home["state"] == IN) == (home["home"] is not None), f"{name}: state and home")
        self.must(home["home"] is None or (home["home"] in device.group and nodes[home["home"]]), f"{name}: its home")
        self.must(home["state"] == IN or IN not in home["lines"].values(), f"{name}: a line in service without it")
        self.must(
            home["state"] != OUT or self.replay.cluster.best(device) is None or (is_phone and may_wait),
            f"{name} waits though a node is there",
        )
        self.must(home["state"] != IN or device.away is None, f"{name} is in service and away")
        self.must(home["rehome_to"] is None or home["calls"], f"{name}: a move is due that nothing holds up")
        self.must(home["calls"] == self.calls[name], f"{name}: calls")
        self.must(is_phone or (home["state"] == "unregistered") == (not held), f"{name}: registered")
        self.must(not is_phone or home["state"] != "unregistered", f"{name}: an unregistered phone")
        for handle in held:
            self.look_at_handle(handle, home)

    def look_at_handle(self, handle: Key, home: Json) -> None:
        """What was told is how it is, or out without a link; where some messages are not wanted it is taken as told."""
        app, _, line = handle
        out = home["state"] == OUT if line is None else home["lines"][line] == OUT
        out = out or not self.is_reached(app)
        if self.wants.get(handle, BOTH) == BOTH:
            self.must((handle in self.out) == out, f"{handle}: told otherwise")
        elif out:
            self.out.add(handle)
        else:
            self.out.discard(handle)


def watched(log: list[Json]) -> Watch:
    """A log followed from its first event to its last."""
    watch = Watch()
    for event in log:
        watch.take(event)
    return watch


@LOG_EXAMPLES
@given(logs)
def test_nothing_is_ever_inconsistent(log: list[Json]) -> None:
    """Handles, alternating states, homes, moves, calls: all of it holds after every event of any log."""
    assert watched(log).faults == []


def test_nothing_is_ever_inconsistent_in_the_corpus() -> None:
    """The same for the first few hundred logs of the corpus."""
    faults = {seed: watch.faults for seed, log in enumerate(corpus()[:300]) if (watch := watched(log)).faults}

    assert faults == {}


def test_watch_can_find_a_fault() -> None:
    """The check above is able to fail: it notices a handle that is told twice."""
    watch = watched([*SITE, {"type": "node_failed", "node": "cm1"}, {"type": "node_failed", "node": "cm2"}])
    message = {"version": watch.replay.version, "app": "app", "device": "P", "line": None, "handle": 6}
    state = {"param1_name": "PHONESTATE_SUSPEND", "param2_name": "CallManagerFailure", "rule": "node_failed/suspend"}
    assert watch.faults == []
    watch.hear({**message, **state})

    assert watch.faults == [f"version {len(SITE) + 2}: ('app', 'P', None) goes out twice"]


# Liveness: when everything is well again, so is every device.


def healed(replay: Replay) -> list[Json]:
    """The events that recover every CTI Manager, link, node and device, end every call and allow everything."""
    cluster = replay.cluster
    adrift = [(app, one.cti_managers[0]) for app, one in replay.book.providers.items() if one.adrift]
    lines = [(name, line) for name, device in cluster.devices.items() for line in (None, *device.lines)]
    return [
        *({"type": "cti_manager_recovered", "node": node} for node, up in cluster.cti_managers.items() if not up),
        *({"type": "provider_linked", "app": app, "node": node} for app, node in adrift),
        *({"type": "node_recovered", "node": node} for node, up in cluster.nodes.items() if not up),
        *({"type": "device_recovered", "device": name} for name, device in cluster.devices.items() if device.away),
        *({"type": "open_allowed", "device": name, "line": line} for name, line in lines),
        *({"type": "call_ended", "call": call} for call in cluster.calls),
    ]


def test_everything_comes_home_when_all_is_well_again() -> None:
    """All is back, nothing refused, no call: every device in use is in service at its original node, lines too."""
    lost = []
    for seed, log in enumerate(corpus()):
        replay = run(decoded(log))[1]
        replay.taken_misfits()
        replay.advance(decoded(healed(replay)))
        lost += [(seed, home) for home in placed(replay) if not at_home(home) and is_used(replay, home)]
        lost += [(seed, misfit) for misfit in replay.misfits]

    assert lost == []


def at_home(home: Json) -> bool:
    """Whether a device is where it belongs, with all its lines."""
    states = {home["state"], *home["lines"].values()}
    return home["home"] == home["original"] and states == {IN} and home["rehome_to"] is None and home["calls"] == 0


def is_used(replay: Replay, home: Json) -> bool:
    """Whether a device should be registered: phones always, others if anybody has them open."""
    return bool(home["kind"] == "phone" or replay.book.held.get(home["device"]))


def test_healing_tells_every_handle_that_it_is_in_service() -> None:
    """After the same events no handle was last told that it is out of service."""
    still_out = {seed: watch.out for seed, log in enumerate(corpus()[:300]) if (watch := cured(log)).out}

    assert still_out == {}


def cured(log: list[Json]) -> Watch:
    """A log followed to its end and beyond, until all is well."""
    watch = watched(log)
    for event in healed(watch.replay):
        watch.take(event)
    return watch


# Sometimes: the random logs come everywhere.


@pytest.mark.slow
def test_some_logs_are_plain() -> None:
    """Many logs of the corpus have an event of docs/reference/tsp.md, and many have none and no field of it either."""
    base = set(list(EVENT_TYPES)[:12])
    plain = [
        log
        for log in whole_corpus()
        if {event["type"] for event in log} <= base
        and not any(event.get("scope") or event.get("ext_version") is not None for event in log)
    ]

    assert len(whole_corpus()) / 5 < len(plain) < len(whole_corpus()) / 2


@cache
def seen() -> Counter[tuple[str, ...]]:
    """How often event types meet each state of the nodes and of a device in the corpus, and the codes of misfits."""
    found: Counter[tuple[str, ...]] = Counter()
    for log in whole_corpus():
        replay = Replay()
        for event, decoded_event in zip(log, decoded(log), strict=True):
            found[event["type"], node_state(replay)] += 1
            if device := replay.cluster.devices.get(event.get("device") or ""):
                found[event["type"], device.kind, device.state] += 1
            list(replay.messages([decoded_event]))
        found.update(("misfit", misfit.type, misfit.code) for misfit in replay.misfits)
    return found


def node_state(replay: Replay) -> str:
    """How the nodes are, in one word."""
    up = list(replay.cluster.nodes.values())
    return "all up" if all(up) else "some failed" if any(up) else "all failed"


@pytest.mark.slow
@pytest.mark.parametrize("nodes", ["all up", "some failed", "all failed"])
@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_event_meets_every_state_of_the_nodes(event_type: str, nodes: str) -> None:
    """Each event type occurs with all nodes up, some failed, all failed."""
    assert seen()[event_type, nodes] > 0


KINDS_AND_STATES = [
    (kind, state)
    for kind in ("cti_port", "route_point", "phone")
    for state in (IN, OUT, "unregistered")
    if (kind, state) != ("phone", "unregistered")
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "state"), KINDS_AND_STATES)
@pytest.mark.parametrize(
    "event_type", [name for name in EVENT_TYPES if "device" in fields_of(name) and name != "device_added"]
)
def test_every_event_meets_every_kind_and_state_of_a_device(event_type: str, kind: str, state: str) -> None:
    """Each event about a device occurs on a port, a route point and a phone in every state they can have."""
    assert seen()[event_type, kind, state] > 0


@pytest.mark.slow
@pytest.mark.parametrize(("event_type", "code"), sorted({(event["type"], code) for code, event in MISFITS}))
def test_every_misfit_occurs(event_type: str, code: str) -> None:
    """Each pair of event type and code of the table of misfits occurs at random, too."""
    assert seen()["misfit", event_type, code] > 0


@pytest.mark.slow
def test_no_other_misfit_occurs() -> None:
    """And no pair occurs that is not in the table."""
    found = {(one[1], one[2]) for one in seen() if one[0] == "misfit"}

    assert found == {(event["type"], code) for code, event in MISFITS}


# Sometimes: what docs/reference/tsp.md is about.


@cache
def situations() -> Counter[str]:
    """How often the corpus comes to what docs/reference/tsp.md is about."""
    found: Counter[str] = Counter()
    for log in whole_corpus():
        replay, removed, types = Replay(), set(), [event["type"] for event in log]
        for event, decoded_event in zip(log, decoded(log), strict=True):
            misfits, before = len(replay.misfits), snapshot(replay)
            messages = list(replay.messages([decoded_event]))
            found.update(message_situation(message, types) for message in messages)
            if len(replay.misfits) == misfits:
                found.update(event_situations(event, before, replay, removed))
    return found


def message_situation(message: Message, types: list[str]) -> str:
    """What a message shows, if anything."""
    event_type, _, step = message.rule.partition("/")
    late = types[message.version - 1] != event_type
    if late:
        return f"{message.message} delivered late"
    if message.param1_name in GOES_OUT and message.param2_name is None:
        return f"no reason for {step}"
    return f"{message.param2_name} {step}" if message.param2_name else f"{message.message} {step}"


def snapshot(replay: Replay) -> dict[str, Any]:
    """What is needed of the state before an event."""
    cluster, providers = replay.cluster, replay.book.providers
    return {
        "waiting": {app for app, provider in providers.items() if provider.queue},
        "adrift": {app for app, provider in providers.items() if provider.adrift},
        "unlinked": {app for app, provider in providers.items() if provider.link is None},
        "links": {app: provider.link for app, provider in providers.items()},
        "homes": {name: device.home for name, device in cluster.devices.items()},
        "away": {name for name, device in cluster.devices.items() if device.away},
        "out": {name for name, device in cluster.devices.items() if device.state == OUT},
        "phones": {
            name
            for name, device in cluster.devices.items()
            if device.state == OUT and cluster.waits_for_calls(device) and cluster.best(device)
        },
        "legs": sum(map(len, cluster.calls.values())),
    }


def event_situations(event: Json, before: dict[str, Any], replay: Replay, removed: set[str]) -> set[str]:
    """What an event that fits shows, by the state before and behind it."""
    now, name, event_type = snapshot(replay), event.get("device"), event["type"]
    app = event.get("app") or "app"
    found = {
        "an application changes to another CTI Manager": any(
            link and now["links"].get(one) not in (None, link) for one, link in before["links"].items()
        ),
        "a device moves while its application is away": any(
            home and now["homes"].get(one) not in (None, home) and holders & before["unlinked"] & now["unlinked"]
            for one, home in before["homes"].items()
            for holders in [set(replay.book.held.get(one, {}))]
        ),
        f"{event_type} without a link": app in before["unlinked"],
        "something waits while its provider is closed": event_type == "provider_closed" and app in before["waiting"],
        "a phone waits for its call": bool(now["phones"] - before["phones"]),
        "a phone is attempted when its last call ends": event_type == "call_ended"
        and bool(before["phones"] - now["phones"] - now["out"]),
        "phones need not wait any more": event_type == "behaviour_set"
        and bool(before["phones"] - now["phones"])
        and before["out"] == now["out"],
        "calls are dropped": event_type == "node_failed" and now["legs"] < before["legs"],
        "a device out of service fails": event_type == "device_failed" and name in before["out"],
        "a device recovers but has to wait": event_type == "device_recovered" and name in now["out"],
        "a device comes back under its name": event_type == "device_added" and name in removed,
        "a device that is away is removed": event_type == "device_removed" and name in before["away"],
        "an application stays adrift though a CTI Manager is back": event_type == "cti_manager_recovered"
        and bool(before["adrift"] & now["adrift"]),
        **{
            f"{cause} unregisters a device": any(
                device.because == cause and device.since == replay.version for device in replay.cluster.devices.values()
            )
            for cause in ("reconnect", "lines", "control")
        },
    }
    if event_type == "device_removed":
        removed.add(str(name))
    return {what for what, holds in found.items() if holds}


@pytest.mark.slow
@pytest.mark.parametrize(
    "what",
    [
        "an application changes to another CTI Manager",
        "a device moves while its application is away",
        "device_closed without a link",
        "line_closed without a link",
        "status_messages_set without a link",
        "something waits while its provider is closed",
        "a phone waits for its call",
        "a phone is attempted when its last call ends",
        "phones need not wait any more",
        "calls are dropped",
        "a device out of service fails",
        "a device recovers but has to wait",
        "a device comes back under its name",
        "a device that is away is removed",
        "an application stays adrift though a CTI Manager is back",
        "reconnect unregisters a device",
        "lines unregisters a device",
        "control unregisters a device",
        *(f"{kind}_{what} delivered late" for kind in ("PHONE", "LINE") for what in ("CLOSE", "CREATE", "REMOVE")),
        *(f"{kind}_CLOSE {step}" for kind in ("PHONE", "LINE") for step in ("reconnect", "configure")),
        *(f"no reason for {step}" for step in ("suspend", "open", "link_lost")),
        *(f"{reason} {step}" for reason in get_args(AwayReason) for step in ("suspend", "open")),
        "CtiLinkFailure link_lost",
        "PHONE_STATE reconnect",
        "LINE_LINEDEVSTATE reconnect",
        "LINE_LINEDEVSTATE announce",
    ],
)
def test_the_corpus_comes_to_what_the_rules_are_about(what: str) -> None:
    """Links are lost while something waits, phones wait for calls, devices come back: each several times."""
    assert situations()[what] >= 5
