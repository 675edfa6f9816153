"""The rules of docs/reference/tsp.md one by one, and what their events do where the conformance logs do not come.

Every log here is folded twice, by the real fold and by the naive one, and the two must agree on all of it.
"""

from typing import Any

import pytest
from support import naive
from support.strategies import Folded, Json, decoded, dense, fold, run


def event(event_type: str, **fields: Any) -> Json:
    """An event; a time that nothing else has would only be in the way, so it has none."""
    return {"type": event_type, **fields}


def failed(node: str, **fields: Any) -> Json:
    """A node that fails, with its CTI Manager unless ``scope`` says otherwise."""
    return event("node_failed", node=node, **fields)


def recovered(node: str, **fields: Any) -> Json:
    """A node that is back."""
    return event("node_recovered", node=node, **fields)


def manager_failed(node: str) -> Json:
    """A CTI Manager that fails alone."""
    return event("cti_manager_failed", node=node)


def manager_recovered(node: str) -> Json:
    """A CTI Manager that is back alone."""
    return event("cti_manager_recovered", node=node)


def provider(app: str, *cti_managers: str) -> Json:
    """An application that connects."""
    return event("provider_opened", app=app, cti_managers=list(cti_managers))


def opened(device: str, app: str = "ivr", **fields: Any) -> Json:
    """A device that an application opens, with all its lines unless ``lines`` says otherwise."""
    return event("device_opened", device=device, app=app, **fields)


def closed(device: str, app: str = "ivr") -> Json:
    """A device that an application gives back."""
    return event("device_closed", device=device, app=app)


def refused(device: str, *nodes: str, line: str | None = None) -> Json:
    """Nodes that refuse a device or a line of it."""
    return event("open_refused", device=device, nodes=list(nodes), line=line)


def wants(device: str, *states: str, line: str | None = None, app: str = "ivr") -> Json:
    """The state messages that an application wants for a handle."""
    return event("status_messages_set", app=app, device=device, line=line, states=list(states))


def away(device: str, **fields: Any) -> Json:
    """A device that is away."""
    return event("device_failed", device=device, **fields)


def back(device: str) -> Json:
    """A device that is back."""
    return event("device_recovered", device=device)


def behaves(**fields: bool) -> Json:
    """Behaviours that are switched."""
    return event("behaviour_set", **fields)


def call(call: str, *devices: str) -> list[Json]:
    """A call with a leg on each of the devices."""
    return [event("call_started", call=call, device=device) for device in devices]


def ended(call: str, **fields: Any) -> Json:
    """A call, or one leg of it, that ends."""
    return event("call_ended", call=call, **fields)


def connected(call: str, **fields: Any) -> Json:
    """A call, or one leg of it, that has media."""
    return event("call_connected", call=call, **fields)


NODES = [event("node_added", node="cm1"), event("node_added", node="cm2")]
MANAGERS = [event("cti_manager_added", node="cm1"), event("cti_manager_added", node="cm2")]
PORT = event("device_added", device="P", kind="cti_port", lines=["1", "2"])
PHONE = event("device_added", device="S", kind="phone", lines=["3"])
SITE = [*NODES, *MANAGERS, PORT, PHONE]
IVR = [*SITE, provider("ivr", "cm1", "cm2"), opened("P")]
"""An application on two CTI Managers, with a port that has two lines."""
ALONE = [*SITE, provider("ivr", "cm1"), opened("P")]
"""The same without a backup."""
OUT = ["ivr P SUSPEND(257)", "ivr P/1 OUTOFSERVICE(257)", "ivr P/2 OUTOFSERVICE(257)"]
IN = ["ivr P RESUME", "ivr P/1 INSERVICE", "ivr P/2 INSERVICE"]
PORT_CLOSED = ["ivr P CLOSE", "ivr P/1 CLOSE", "ivr P/2 CLOSE"]


def folded(*log: Json) -> Folded:
    """What a log folds to, by both folds, if every event of it fits."""
    found, simple = fold(log), naive.fold(list(log))
    assert found == (simple.messages, simple.homes, simple.misfits)
    assert found.misfits == []
    return found


def told(*log: Json) -> list[str]:
    """What the last event of a log tells, if every event of it fits."""
    return [dense(message) for message in folded(*log).messages if message["version"] == len(log)]


def rules(*log: Json) -> list[str]:
    """The rules of what the last event of a log tells."""
    return [message["rule"] for message in folded(*log).messages if message["version"] == len(log)]


def home(name: str, *log: Json) -> Json:
    """Where a device is after a log in which every event fits."""
    [found] = [one for one in folded(*log).homes if one["device"] == name]
    return found


def state(name: str, *log: Json) -> tuple[str, str | None]:
    """The state of a device and its home."""
    found = home(name, *log)
    return found["state"], found["home"]


def misfit(*log: Json) -> str:
    """The code of the last event's misfit, which both folds must find, and which must be the only one."""
    replay = run(decoded(log))[1]
    assert [one.version for one in replay.misfits] == naive.fold(list(log)).misfits == [len(log)]
    return replay.misfits[0].code


# Rules 1 and 2: a link is lost, and found again.


def test_a_lost_link_takes_everything_out_and_the_backup_brings_it_back() -> None:
    """The application hears CtiLinkFailure for all that it has and, in the same event, that it is back."""
    log = [*IVR, manager_failed("cm1")]

    assert told(*log) == [*OUT, *IN]
    assert rules(*log) == ["cti_manager_failed/link_lost"] * 3 + ["cti_manager_failed/reconnect"] * 3
    assert state("P", *log) == ("in_service", "cm1")


def test_without_a_backup_it_stays_away_until_its_cti_manager_is_back() -> None:
    """Nothing more is said until the only CTI Manager of the list is in service again."""
    assert told(*ALONE, manager_failed("cm1")) == OUT
    assert told(*ALONE, manager_failed("cm1"), manager_failed("cm2")) == []
    assert told(*ALONE, manager_failed("cm1"), manager_recovered("cm1")) == IN
    assert rules(*ALONE, manager_failed("cm1"), manager_recovered("cm1")) == ["cti_manager_recovered/reconnect"] * 3


def test_the_third_of_a_list_is_taken_when_the_first_two_have_failed() -> None:
    """A list is gone through from its start, whatever was in use before."""
    more = [event("node_added", node="cm3"), event("cti_manager_added", node="cm3")]
    log = [*SITE, *more, provider("ivr", "cm3", "cm1", "cm2"), opened("P", lines=[])]
    links = [run(decoded([*log, *events]))[1].book.providers["ivr"].link for events in (
        [],
        [manager_failed("cm3")],
        [manager_failed("cm3"), manager_failed("cm1")],
        [manager_failed("cm3"), manager_failed("cm1"), manager_recovered("cm3")],
        [manager_failed("cm3"), manager_failed("cm1"), manager_recovered("cm3"), manager_failed("cm2")],
    )]  # fmt: skip

    assert links == ["cm3", "cm1", "cm2", "cm2", "cm3"]


def test_a_link_is_kept_while_it_lasts() -> None:
    """The backup stays in use when the primary is back, and is left for it only when it fails itself.

    See docs/reference/tsp.md#a-cti-manager-fails.
    """
    log = [*IVR, manager_failed("cm1"), manager_recovered("cm1")]

    assert told(*log) == []
    assert told(*log, manager_failed("cm1")) == []
    assert told(*log, manager_failed("cm2")) == [*OUT, *IN]


def test_a_filter_holds_for_lost_links_and_reconnects_too() -> None:
    """Whoever does not want SUSPEND hears none when the link is lost, but hears RESUME: it has been out."""
    log = [*ALONE, wants("P", "RESUME"), wants("P", "OUTOFSERVICE", line="1"), wants("P", line="2")]

    assert told(*log, manager_failed("cm1")) == ["ivr P/1 OUTOFSERVICE(257)"]
    assert told(*log, manager_failed("cm1"), manager_recovered("cm1")) == ["ivr P RESUME"]
    assert told(*log, manager_failed("cm1"), manager_recovered("cm1"), manager_failed("cm1")) == [
        "ivr P/1 OUTOFSERVICE(257)"
    ]


def test_what_is_suppressed_changes_what_was_told() -> None:
    """A filter that is lifted while the link is down: RESUME comes, though the SUSPEND before it never did."""
    log = [*ALONE, wants("P"), manager_failed("cm1"), wants("P", "SUSPEND", "RESUME"), manager_recovered("cm1")]

    assert told(*log) == IN


def test_what_is_out_already_is_not_told_again() -> None:
    """A device that a node failure took out says nothing when the link is lost (its first reason stays)."""
    scope = {"scope": "call_manager"}
    log = [*ALONE, failed("cm1", **scope), failed("cm2", **scope), manager_failed("cm1")]

    assert told(*log) == []
    assert told(*log, recovered("cm2", **scope)) == []
    assert told(*log, recovered("cm2", **scope), manager_recovered("cm1")) == IN


def test_what_is_out_at_the_reconnect_is_told_when_it_returns() -> None:
    """Reconnecting says nothing of a device that is out of service, or of a line that is; its return does."""
    scope = {"scope": "call_manager"}
    nodes = [failed("cm2", **scope), failed("cm1", **scope)]
    log = [*ALONE, manager_failed("cm1"), *nodes, manager_recovered("cm1")]
    line = [*SITE, refused("P", "cm1", line="2"), failed("cm2", **scope), provider("ivr", "cm1"), opened("P")]

    assert told(*log) == []
    assert told(*log, recovered("cm1", **scope)) == IN
    assert told(*line, manager_failed("cm1"), manager_recovered("cm1")) == IN[:2]


def test_devices_move_while_their_application_is_away() -> None:
    """Homes do not depend on CTI Managers: the port moves twice unheard, and one RESUME says that it is in."""
    scope = {"scope": "call_manager"}
    log = [*ALONE, manager_failed("cm1"), failed("cm1", **scope)]

    assert (told(*log), state("P", *log)) == ([], ("in_service", "cm2"))
    assert (told(*log, recovered("cm1", **scope)), state("P", *log, recovered("cm1", **scope))) == (
        [],
        ("in_service", "cm1"),
    )
    assert told(*log, manager_recovered("cm1")) == IN


def test_whoever_has_no_provider_hears_nothing_of_cti_managers() -> None:
    """An application without a provider is always reachable, and others are told as ever while one is away."""
    log = [*ALONE, opened("P", app="app", lines=["2"]), manager_failed("cm1")]

    assert told(*log) == OUT
    assert told(*log, failed("cm1", scope="call_manager")) == [
        "app P SUSPEND(1)", "app P/2 OUTOFSERVICE(1)", "app P RESUME", "app P/2 INSERVICE",
    ]  # fmt: skip


def test_devices_then_phone_handle_then_lines_for_one_application_after_the_other() -> None:
    """The order of losing links and reconnecting: applications, for each its devices as added, for each of them phone, then lines."""
    log = [
        *SITE,
        provider("late", "cm1"),
        provider("first", "cm1"),
        opened("S", app="first"),
        opened("P", app="first", lines=["2"]),
        opened("S", app="late", lines=[]),
        manager_failed("cm1"),
    ]

    assert told(*log) == [
        "late S SUSPEND(257)",
        "first P SUSPEND(257)",
        "first P/2 OUTOFSERVICE(257)",
        "first S SUSPEND(257)",
        "first S/3 OUTOFSERVICE(257)",
    ]
    assert told(*log, manager_recovered("cm1")) == [
        "late S RESUME",
        "first P RESUME",
        "first P/2 INSERVICE",
        "first S RESUME",
        "first S/3 INSERVICE",
    ]


def test_opening_a_provider_gives_a_place_among_the_applications() -> None:
    """It counts as opening something, even if the provider finds no link; closing it does not take the place away."""
    log = [*SITE, manager_failed("cm1"), provider("b", "cm1"), event("provider_closed", app="b")]
    opens = [opened("P", app="a", lines=[]), opened("P", app="b", lines=[]), failed("cm1", scope="call_manager")]

    assert [text.split()[0] for text in told(*log, *opens)] == ["b", "a"] * 2


# What cannot be opened again is closed.

GONE = [*ALONE, manager_failed("cm1"), refused("P", "cm1")]
"""The home of the port refuses to open it again, once the application is back."""


def test_a_port_that_its_home_refuses_is_closed_at_the_reconnect() -> None:
    """The reopening is an attempt at the home alone: cm2 would take the port, but is not tried; nobody has it then."""
    log = [*GONE, manager_recovered("cm1")]

    assert told(*log) == PORT_CLOSED
    assert rules(*log) == ["cti_manager_recovered/reconnect"] * 3
    assert state("P", *log) == ("unregistered", None)


def test_a_refusal_of_another_node_closes_nothing() -> None:
    """Only what the home says counts."""
    assert told(*ALONE, manager_failed("cm1"), refused("P", "cm2"), manager_recovered("cm1")) == IN


def test_a_port_stays_while_another_application_holds_it() -> None:
    """The close is for one application; the other one hears nothing of it, and the port stays registered."""
    log = [*ALONE, opened("P", app="app", lines=["1"]), manager_failed("cm1"), refused("P", "cm1")]

    assert told(*log, manager_recovered("cm1")) == PORT_CLOSED
    assert state("P", *log, manager_recovered("cm1")) == ("in_service", "cm1")


def test_a_line_handle_alone_is_closed_and_the_port_unregistered() -> None:
    """It need not be the phone handle that is the last one."""
    line = event("line_opened", device="P", line="2", app="ivr")
    log = [*SITE, provider("ivr", "cm1"), line, manager_failed("cm1"), refused("P", "cm1", line="2")]

    assert told(*log, manager_recovered("cm1")) == ["ivr P/2 CLOSE"]
    assert state("P", *log, manager_recovered("cm1")) == ("unregistered", None)
    assert set(home("P", *log, manager_recovered("cm1"))["lines"].values()) == {"out_of_service"}


def test_one_refused_line_is_closed_and_the_others_come_back() -> None:
    """A line in service that the home refuses is closed in its place; it stays in service, only the handle is gone."""
    log = [*ALONE, manager_failed("cm1"), refused("P", "cm1", line="1"), manager_recovered("cm1")]

    assert told(*log) == ["ivr P RESUME", "ivr P/1 CLOSE", "ivr P/2 INSERVICE"]
    assert home("P", *log)["lines"] == {"1": "in_service", "2": "in_service"}
    assert told(*log, manager_failed("cm1")) == ["ivr P SUSPEND(257)", "ivr P/2 OUTOFSERVICE(257)"]


@pytest.mark.parametrize("line", [None, "3"])
def test_phones_and_their_lines_are_never_closed_by_a_reconnect(line: str | None) -> None:
    """Whatever the home of a phone refuses, the phone and its lines come back in."""
    log = [*SITE, provider("ivr", "cm1"), opened("S"), manager_failed("cm1"), refused("S", "cm1", line=line)]

    assert told(*log, manager_recovered("cm1")) == ["ivr S RESUME", "ivr S/3 INSERVICE"]


def test_a_whole_node_that_is_back_attempts_its_devices_before_its_cti_manager_does() -> None:
    """cm1 carries both: the base rule moves the port home first, and what the reconnect finds is what that has left."""
    log = [*GONE, failed("cm1"), event("open_allowed", device="P", nodes=["cm1"])]

    assert told(*log, recovered("cm1")) == IN
    assert state("P", *log, recovered("cm1")) == ("in_service", "cm1")


# Nodes that carry both, and nodes of which one half fails.


def test_a_whole_node_fails_link_first() -> None:
    """First the link is lost, then the devices of the node move, then the application is back on the other node."""
    log = [*IVR, opened("P", app="app", lines=[]), failed("cm1")]

    assert told(*log) == [*OUT, "app P SUSPEND(1)", "app P RESUME", *IN]
    assert rules(*log) == (
        ["node_failed/link_lost"] * 3 + ["node_failed/suspend", "node_failed/resume"] + ["node_failed/reconnect"] * 3
    )


def test_call_processing_alone_leaves_the_link() -> None:
    """With scope ``call_manager`` the application stays linked, and hears what the base rule tells."""
    log = [*IVR, failed("cm1", scope="call_manager")]

    assert told(*log) == [text.replace("257", "1") for text in OUT] + IN
    assert told(*log, recovered("cm1", scope="call_manager")) == [text.replace("257", "2") for text in OUT] + IN


def test_a_node_without_a_cti_manager_fails_alone() -> None:
    """Scope ``node`` is no misfit where there is no CTI Manager."""
    log = [*NODES, PORT, opened("P"), failed("cm1", scope="node")]

    assert told(*log) == [text.replace("257", "1") for text in OUT] + IN


@pytest.mark.parametrize("scope", [{}, {"scope": "node"}])
def test_a_node_recovers_its_cti_manager_also_if_that_had_failed_by_itself(scope: Json) -> None:
    """It is enough that one half was failed, whenever and however that happened."""
    only_manager = [*ALONE, manager_failed("cm1")]
    both = [*only_manager, failed("cm1", scope="call_manager")]

    assert rules(*only_manager, recovered("cm1", **scope)) == ["node_recovered/reconnect"] * 3
    assert told(*both, recovered("cm1", **scope)) == IN
    assert misfit(*only_manager, recovered("cm1", scope="call_manager")) == "already_in_service"
    assert told(*both, recovered("cm1", scope="call_manager")) == []


def test_a_failed_node_can_still_lose_its_cti_manager() -> None:
    """The second half may fail later, by the same kind of event; then nothing is left to fail."""
    log = [*ALONE, failed("cm1", scope="call_manager"), failed("cm1")]

    assert told(*log) == OUT
    assert misfit(*log, failed("cm1")) == "already_failed"
    assert misfit(*log, manager_failed("cm1")) == "already_failed"


def test_a_cti_manager_on_a_failed_node_is_in_service() -> None:
    """A CTI Manager that is added there, or recovers there, is taken; call processing is of no account."""
    log = [*NODES, PORT, failed("cm1"), event("cti_manager_added", node="cm1"), provider("ivr", "cm1"), opened("P")]

    assert told(*log) == []
    assert told(*log, manager_failed("cm1"), manager_recovered("cm1")) == IN


# Providers: misfits and closing.


def test_a_provider_without_a_link_opens_nothing() -> None:
    """It may have found none at once, or lost it; the misfit ends with the next link."""
    log = [*SITE, manager_failed("cm1"), provider("ivr", "cm1")]

    assert misfit(*log, opened("P")) == "no_link"
    assert misfit(*log, event("line_opened", device="P", line="1", app="ivr")) == "no_link"
    assert misfit(*ALONE, manager_failed("cm1"), opened("S")) == "no_link"
    assert told(*log, manager_recovered("cm1"), opened("P")) == []


def test_closes_and_filters_need_no_link() -> None:
    """What the application gives back while it is away it has no more, and hears no more of."""
    log = [*ALONE, manager_failed("cm1"), event("line_closed", device="P", line="1", app="ivr"), wants("P", "SUSPEND")]

    assert told(*log, manager_recovered("cm1")) == ["ivr P/2 INSERVICE"]
    assert state("P", *log, closed("P")) == ("unregistered", None)
    assert told(*log, closed("P"), manager_recovered("cm1")) == []


@pytest.mark.parametrize(
    ("cti_managers", "code"),
    [([], "empty"), (["cm1", "cm2", "cm3", "cm4"], "too_many"), (["cm1", "cm1"], "repeated")],
    ids=["none", "four", "one twice"],
)
def test_a_provider_has_one_to_three_cti_managers(cti_managers: list[str], code: str) -> None:
    """None, four, and one that stands twice are misfits, though all of them are known."""
    nodes = [event(kind, node=node) for node in ("cm3", "cm4") for kind in ("node_added", "cti_manager_added")]

    assert misfit(*SITE, *nodes, provider("ivr", *cti_managers)) == code


def test_a_provider_can_be_opened_when_everything_is_given_back() -> None:
    """Handles are in the way, a closed provider is not; a second one is."""
    log = [*SITE, opened("P")]

    assert misfit(*log, provider("ivr", "cm1")) == "has_handles"
    assert misfit(*log, closed("P"), provider("ivr", "cm1"), provider("ivr", "cm2")) == "has_provider"
    assert misfit(*IVR, event("provider_closed", app="ivr"), event("provider_closed", app="ivr")) == "no_provider"
    assert told(*IVR, event("provider_closed", app="ivr"), provider("ivr", "cm2"), opened("P")) == []


def test_closing_a_provider_gives_back_everything_and_says_nothing() -> None:
    """Ports that nobody else holds are unregistered, others and phones stay; the application is reachable again."""
    other = event("device_added", device="Q", kind="route_point", lines=["4"])
    log = [*SITE, other, provider("ivr", "cm1"), opened("P"), opened("Q"), opened("S"), opened("Q", app="app")]
    end = [*log, event("provider_closed", app="ivr")]

    assert told(*end) == []
    assert [home(name, *end)["state"] for name in "PQS"] == ["unregistered", "in_service", "in_service"]
    assert told(*end, manager_failed("cm1")) == []
    assert told(*end, manager_failed("cm1"), opened("P")) == []


def test_closing_a_provider_drops_what_waits_for_it() -> None:
    """A close and two changes of the configuration wait; a later provider of the same application hears of none."""
    away_with_queue = [
        *ALONE,
        manager_failed("cm1"),
        refused("P", "cm1", "cm2"),
        failed("cm1", scope="call_manager"),
        recovered("cm1", scope="call_manager"),
        event("device_removed", device="S"),
        PHONE,
    ]
    waiting = run(decoded(away_with_queue))[1].book.providers["ivr"].queue
    end = [*away_with_queue, event("provider_closed", app="ivr")]

    assert [(one.signal.message, one.line) for one in waiting] == [
        ("PHONE_CLOSE", None), ("LINE_CLOSE", "1"), ("LINE_CLOSE", "2"),
        ("LINE_REMOVE", "3"), ("PHONE_REMOVE", None), ("PHONE_CREATE", None), ("LINE_CREATE", "3"),
    ]  # fmt: skip
    assert told(*end) == []
    assert told(*end, manager_recovered("cm1")) == []
    assert told(*end, provider("ivr", "cm1"), manager_recovered("cm1")) == []


# The queue.


def test_what_waits_is_delivered_with_the_event_that_delivers_it_and_the_rule_that_made_it() -> None:
    """Version and time are the reconnect's, handle and rule those of the close; the handle has been gone since then."""
    scope = {"scope": "call_manager"}
    close = [refused("P", "cm1", "cm2"), failed("cm1", **scope), recovered("cm1", **scope)]
    before = [*ALONE, manager_failed("cm1"), *close]
    log = [*before, {**manager_recovered("cm1"), "at": "2026-01-01T00:00:00Z"}]
    messages = [message for message in folded(*log).messages if message["version"] == len(log)]

    assert state("P", *before) == ("unregistered", None)
    assert run(decoded(before))[1].book.held == {}
    assert [dense(message) for message in messages] == PORT_CLOSED
    assert {(one["at"], one["handle"], one["rule"]) for one in messages} == {
        ("2026-01-01T00:00:00Z", len(ALONE), "node_recovered/close")
    }


def test_what_waits_comes_in_its_order_and_before_anything_else() -> None:
    """Each message keeps its own rule; only then the devices that are left come in."""
    log = [
        *ALONE,
        opened("S"),
        manager_failed("cm1"),
        event("device_removed", device="P"),
        PORT,
        manager_recovered("cm1"),
    ]

    assert list(zip(told(*log), rules(*log), strict=True)) == [
        ("ivr P/1 CLOSE", "device_removed/configure"),
        ("ivr P/2 CLOSE", "device_removed/configure"),
        ("ivr P CLOSE", "device_removed/configure"),
        ("ivr P/1 REMOVE", "device_removed/configure"),
        ("ivr P/2 REMOVE", "device_removed/configure"),
        ("ivr P REMOVE", "device_removed/configure"),
        ("ivr P CREATE", "device_added/configure"),
        ("ivr P/1 CREATE", "device_added/configure"),
        ("ivr P/2 CREATE", "device_added/configure"),
        ("ivr S RESUME", "cti_manager_recovered/reconnect"),
        ("ivr S/3 INSERVICE", "cti_manager_recovered/reconnect"),
    ]


def test_a_whole_node_that_is_back_delivers_what_its_own_recovery_has_closed() -> None:
    """The close is made while the application is still away, and delivered at the end of the same event."""
    log = [*ALONE, failed("cm2"), failed("cm1"), refused("P", "cm1", "cm2"), recovered("cm2"), recovered("cm1")]

    assert list(zip(told(*log), rules(*log), strict=True)) == [(one, "node_recovered/close") for one in PORT_CLOSED]


def test_a_line_that_settle_closes_waits_too() -> None:
    """A line of a device that stays: its handle is gone at once, the others come in at the reconnect."""
    scope = {"scope": "call_manager"}
    log = [*SITE, refused("P", "cm1", line="1"), failed("cm2", **scope), provider("ivr", "cm1"), opened("P")]
    log = [*log, manager_failed("cm1"), recovered("cm2", **scope)]

    assert told(*log) == []
    assert run(decoded(log))[1].cluster.devices["P"].lines["1"].handles == 0
    assert told(*log, manager_recovered("cm1")) == ["ivr P/1 CLOSE", "ivr P RESUME", "ivr P/2 INSERVICE"]
    assert rules(*log, manager_recovered("cm1"))[0] == "node_recovered/settle"


# Status messages: what an application wants.


@pytest.mark.parametrize(
    ("states", "heard"),
    [
        ([], []),
        (["SUSPEND"], ["ivr S SUSPEND(1)"]),
        (["RESUME"], ["ivr S RESUME"]),
        (["RESUME", "SUSPEND"], ["ivr S SUSPEND(1)", "ivr S RESUME"]),
    ],
)
def test_a_filter_for_a_phone_handle(states: list[str], heard: list[str]) -> None:
    """Only the wanted state messages are printed; lines have filters of their own."""
    log = [*SITE, opened("S"), wants("S", line="3")]
    log += [wants("S", *states)] if len(states) < 2 else [wants("S"), wants("S", *states)]

    assert told(*log, failed("cm1")) == heard


def test_a_filter_does_not_hold_back_closes_and_ends_with_its_handle() -> None:
    """CLOSE always comes, and a handle opened anew wants all messages."""
    log = [*SITE, opened("P"), wants("P"), wants("P", line="1"), refused("P", "cm1", "cm2")]
    again = [closed("P"), event("open_allowed", device="P"), opened("P"), failed("cm1")]

    assert told(*log, failed("cm1")) == ["ivr P/2 OUTOFSERVICE(1)"]
    assert told(*log, failed("cm1"), recovered("cm1")) == PORT_CLOSED
    assert told(*log, *again) == [text.replace("257", "1") for text in OUT] + IN


# Extension versions.

OLD_VERSIONS = (0, 0x0003_0000, 0x000A_FFFF, 0x8000_0000, 0x800A_FFFF)
NEW_VERSIONS = (None, 0x000B_0000, 0x000D_0000, 0x800B_0000, 0x7FFF_FFFF, 0xFFFF_FFFF)


@pytest.mark.parametrize("version", [*OLD_VERSIONS, *NEW_VERSIONS])
def test_old_handles_are_told_no_reason(version: int | None) -> None:
    """Below 0x000B0000, the top bit aside, parameter 2 is null and 0; from there on, or without a version, it is set."""
    scope = {"scope": "call_manager"}
    log = [*SITE, provider("ivr", "cm1"), opened("P", ext_version=version), failed("cm1", **scope)]
    log += [recovered("cm1", **scope), manager_failed("cm1")]
    found = [message for message in folded(*log).messages if message["param1_name"] in (
        "PHONESTATE_SUSPEND", "LINEDEVSTATE_OUTOFSERVICE",
    )]  # fmt: skip
    reasons = [(message["param2_name"], message["param2"]) for message in found]

    expected = [("CallManagerFailure", 1), ("ReHomeToHigherPriorityCM", 2), ("CtiLinkFailure", 257)]
    assert reasons == [(None, 0)] * 9 if version in OLD_VERSIONS else [one for one in expected for _ in range(3)]
    assert len(found) == 9


def test_a_version_is_that_of_the_event_that_opened_the_handle() -> None:
    """What a later event adds has its own version; the handles that were open keep theirs."""
    log = [*SITE, opened("P", lines=["1"], ext_version=0x000A0000), opened("P", ext_version=0x000B0000)]

    assert told(*log, failed("cm1"))[:3] == ["ivr P SUSPEND", "ivr P/1 OUTOFSERVICE", "ivr P/2 OUTOFSERVICE(1)"]


def test_what_opening_tells_an_old_handle_has_no_reason_either() -> None:
    """A device without a node and a device that is away: out of service, but not why."""
    nodes = [failed("cm1"), failed("cm2")]

    assert told(*SITE, *nodes, opened("S", ext_version=0)) == ["ivr S SUSPEND", "ivr S/3 OUTOFSERVICE"]
    assert told(*SITE, away("S"), opened("S", ext_version=0)) == ["ivr S SUSPEND", "ivr S/3 OUTOFSERVICE"]


# announce_open.

ANNOUNCE = behaves(announce_open=True)


def test_opened_lines_are_announced_and_the_phone_handle_is_not() -> None:
    """Also by the open that registers the port; only the lines that this event has opened."""
    log = [*SITE, ANNOUNCE, opened("P", lines=["2"])]

    assert told(*log) == ["ivr P/2 INSERVICE"]
    assert rules(*log) == ["device_opened/announce"]
    assert told(*log, opened("P")) == ["ivr P/1 INSERVICE"]
    assert told(*log, opened("P", app="app", lines=[])) == []
    assert rules(*log, event("line_opened", device="P", line="1")) == ["line_opened/announce"]


def test_announcements_go_line_by_line_before_settle() -> None:
    """Line 2 is out of service: that is told between the announcements of its neighbours, and its close after them."""
    port = event("device_added", device="Q", kind="cti_port", lines=["7", "8", "9"])
    log = [*SITE, port, refused("Q", "cm1", line="8"), ANNOUNCE]

    assert told(*log, opened("Q")) == [
        "ivr Q/7 INSERVICE",
        "ivr Q/8 OUTOFSERVICE(0)",
        "ivr Q/9 INSERVICE",
        "ivr Q/8 CLOSE",
    ]
    assert rules(*log, opened("Q")) == [
        "device_opened/announce", "device_opened/open", "device_opened/announce", "device_opened/settle",
    ]  # fmt: skip


def test_nothing_is_announced_where_nothing_is_in_service() -> None:
    """Opening a device that is out of service or is closed at once tells what it always does."""
    assert told(*SITE, ANNOUNCE, failed("cm1"), failed("cm2"), opened("S")) == [
        "ivr S SUSPEND(3)",
        "ivr S/3 OUTOFSERVICE(3)",
    ]
    assert told(*SITE, ANNOUNCE, refused("P", "cm1", "cm2"), opened("P")) == PORT_CLOSED


def test_an_announcement_leaves_told_as_it_is() -> None:
    """The line was in and stays in: the next news is that it goes out, and it comes once."""
    assert told(*SITE, ANNOUNCE, opened("P", lines=["1"]), failed("cm1")) == [
        "ivr P SUSPEND(1)", "ivr P/1 OUTOFSERVICE(1)", "ivr P RESUME", "ivr P/1 INSERVICE",
    ]  # fmt: skip


def test_announce_open_can_be_switched_off_again() -> None:
    """Then opening is silent as before."""
    assert told(*SITE, ANNOUNCE, behaves(announce_open=False), opened("P")) == []


# phones_wait_for_calls.

WAIT = behaves(phones_wait_for_calls=True)
TALKING = [*SITE, opened("P", lines=[]), opened("S", lines=[]), *call("c1", "P", "S"), *call("c2", "S")]


def test_a_phone_waits_for_its_last_call() -> None:
    """It is suspended as ever, but not attempted until its second leg has ended; the port does not wait."""
    log = [*TALKING, WAIT, failed("cm1")]

    assert told(*log) == ["ivr P SUSPEND(1)", "ivr S SUSPEND(1)", "ivr P RESUME"]
    assert told(*log, ended("c1")) == []
    assert told(*log, ended("c1"), ended("c2")) == ["ivr S RESUME"]
    assert rules(*log, ended("c1"), ended("c2")) == ["call_ended/resume"]


def test_a_phone_without_a_call_does_not_wait() -> None:
    """The behaviour is about active legs alone, and about phones alone."""
    log = [*SITE, opened("P", lines=[]), opened("S", lines=[]), *call("c1", "P"), WAIT]

    assert told(*log, failed("cm1")) == ["ivr P SUSPEND(1)", "ivr S SUSPEND(1)", "ivr P RESUME", "ivr S RESUME"]


@pytest.mark.parametrize(
    "asks",
    [recovered("cm1"), event("open_allowed", device="S"), event("open_allowed", device="S", line="3")],
    ids=lambda one: one["type"] + one.get("line", ""),
)
@pytest.mark.parametrize("early", [True, False])
def test_whatever_asks_a_phone_with_a_call_waits(asks: Json, early: bool) -> None:
    """Each event that considers the phone leaves it out, whether it went out before or after this was switched on."""
    gone = [failed("cm2"), failed("cm1")]
    log = [*TALKING, ended("c2"), WAIT, *gone] if early else [*TALKING, ended("c2"), *gone, WAIT]
    node = [] if asks["type"] == "node_recovered" else [recovered("cm2")]

    assert not any(text.startswith("ivr S") for text in told(*log, *node, asks))
    assert state("S", *log, *node, asks) == ("out_of_service", None)
    assert told(*log, *node, asks, ended("c1")) == ["ivr S RESUME"]


def test_a_phone_that_is_back_from_being_away_waits_too() -> None:
    """device_recovered is such an event."""
    log = [*TALKING, away("S"), WAIT, back("S")]

    assert told(*log) == []
    assert told(*log, ended("c1"), ended("c2")) == ["ivr S RESUME"]
    assert told(*TALKING, away("S"), back("S")) == ["ivr S RESUME"]


def test_switching_it_off_attempts_nothing() -> None:
    """The phone still waits, for the next event that considers it."""
    log = [*TALKING, WAIT, failed("cm1"), behaves(phones_wait_for_calls=False)]

    assert told(*log) == []
    assert state("S", *log) == ("out_of_service", None)
    assert told(*log, event("open_allowed", device="S")) == ["ivr S RESUME"]


def test_opening_a_phone_that_waits_tells_that_it_is_out() -> None:
    """Opening is no attempt; the reason is the one for a device that is out of service."""
    log = [*TALKING, WAIT, failed("cm1"), opened("S", app="late")]

    assert told(*log) == ["late S SUSPEND(3)", "late S/3 OUTOFSERVICE(3)"]


# drop_calls_in_setup.

DROP = behaves(drop_calls_in_setup=True)


def calls(*log: Json) -> dict[str, int]:
    """The number of active legs per device."""
    return {one["device"]: one["calls"] for one in folded(*log).homes}


@pytest.mark.parametrize("scope", ["node", "call_manager"])
def test_calls_without_media_are_gone_with_their_node(scope: str) -> None:
    """Only where this is switched on, only legs that are not connected, without a word; the end is a misfit then."""
    log = [*TALKING, connected("c1")]

    assert calls(*log, failed("cm1", scope=scope)) == {"P": 1, "S": 2}
    assert calls(*log, DROP, failed("cm1", scope=scope)) == {"P": 1, "S": 1}
    assert told(*log, DROP, failed("cm1", scope=scope)) == told(*log, failed("cm1", scope=scope))
    assert misfit(*log, DROP, failed("cm1", scope=scope), ended("c2")) == "unknown_call"
    assert told(*log, DROP, failed("cm1", scope=scope), ended("c1")) == []


def test_only_devices_homed_there_lose_calls() -> None:
    """Other devices keep theirs, and so does everyone when a CTI Manager fails alone."""
    other = event("device_added", device="T", kind="phone", group=["cm2"])
    log = [*SITE, other, *call("c1", "T", "S"), DROP]

    assert calls(*log, failed("cm1")) == {"P": 0, "S": 0, "T": 1}
    assert calls(*log, manager_failed("cm1")) == {"P": 0, "S": 1, "T": 1}


def test_legs_are_connected_one_by_one() -> None:
    """With a device only that leg has media; without one the rest gets it, and then nothing is left to connect."""
    log = [*TALKING, DROP, connected("c1", device="S")]

    assert calls(*log, failed("cm1")) == {"P": 0, "S": 1}
    assert calls(*log, connected("c1"), failed("cm1")) == {"P": 1, "S": 1}
    assert misfit(*log, connected("c1", device="S")) == "already_connected"
    assert misfit(*log, connected("c1"), connected("c1")) == "already_connected"
    assert misfit(*log, connected("c2", device="P")) == "unknown_call"


def test_a_leg_that_has_ended_and_started_again_is_not_connected() -> None:
    """Media belong to a leg, not to the name of its call; the other leg keeps them."""
    log = [*TALKING, DROP, connected("c1"), ended("c1", device="S"), *call("c1", "S")]

    assert calls(*log, failed("cm1")) == {"P": 1, "S": 0}
    assert calls(*log, connected("c1"), failed("cm1")) == {"P": 1, "S": 1}


def test_calls_are_dropped_before_anything_else() -> None:
    """A waiting phone does not wait for a call that the failure has dropped."""
    log = [*TALKING, WAIT, DROP, failed("cm1")]

    assert told(*log) == ["ivr P SUSPEND(1)", "ivr S SUSPEND(1)", "ivr P RESUME", "ivr S RESUME"]


def test_nothing_is_considered_because_a_call_was_dropped() -> None:
    """A move that waited for the call is overtaken by the failure: the port goes home with that one reason."""
    log = [*SITE, opened("P", lines=[]), failed("cm1"), *call("c1", "P"), recovered("cm1"), DROP, failed("cm2")]

    assert home("P", *log[:-1])["rehome_to"] == "cm1"
    assert told(*log) == ["ivr P SUSPEND(1)", "ivr P RESUME"]
    assert state("P", *log) == ("in_service", "cm1")


# Devices that are away.


@pytest.mark.parametrize(
    ("reason", "number"),
    [(None, 4), ("DeviceFailure", 4), ("DeviceUnregistered", 5), ("EnergyWisePowerSavePlus", 6)],
)
def test_a_device_goes_away_with_its_reason_and_comes_back(reason: str | None, number: int) -> None:
    """It is suspended where it is, and considered when it is back."""
    log = [*SITE, opened("S"), away("S", reason=reason)]

    assert told(*log) == [f"ivr S SUSPEND({number})", f"ivr S/3 OUTOFSERVICE({number})"]
    assert state("S", *log) == ("out_of_service", None)
    assert told(*log, back("S")) == ["ivr S RESUME", "ivr S/3 INSERVICE"]
    assert state("S", *log, back("S")) == ("in_service", "cm1")


def test_a_device_that_is_away_is_taken_by_no_node_and_closed_by_none() -> None:
    """With every node in service it waits, also refused everywhere; what is closed is closed when it is back."""
    log = [*SITE, opened("P"), away("P"), failed("cm2"), refused("P", "cm1", "cm2"), recovered("cm2")]

    assert told(*log) == []
    assert state("P", *log) == ("out_of_service", None)
    assert told(*log, back("P")) == PORT_CLOSED
    assert rules(*log, back("P")) == ["device_recovered/close"] * 3


def test_a_line_is_settled_when_its_device_is_back() -> None:
    """Refused at the home with every node in service, it is closed after the device has come in."""
    log = [*SITE, opened("P"), away("P"), refused("P", "cm1", line="1")]

    assert told(*log, back("P")) == ["ivr P RESUME", "ivr P/2 INSERVICE", "ivr P/1 CLOSE"]


@pytest.mark.parametrize("name", ["P", "S"])
@pytest.mark.parametrize("reason", ["DeviceFailure", "DeviceUnregistered", "EnergyWisePowerSavePlus"])
def test_opening_a_device_that_is_away_tells_why(name: str, reason: str) -> None:
    """As with no node available, with that reason; no node refuses it, none takes it, and it is not closed."""
    log = [*SITE, away(name, reason=reason), opened(name, lines=[])]
    number = {"DeviceFailure": 4, "DeviceUnregistered": 5, "EnergyWisePowerSavePlus": 6}[reason]

    assert told(*log) == [f"ivr {name} SUSPEND({number})"]
    assert rules(*log) == ["device_opened/open"]
    assert told(*SITE, refused(name, "cm1", "cm2"), *log[len(SITE) :]) == [f"ivr {name} SUSPEND({number})"]
    assert told(*log, back(name)) == [f"ivr {name} RESUME"]


def test_a_device_that_is_out_already_only_gets_the_flag() -> None:
    """It says nothing, does not return with a node, but with itself; whoever opens it meanwhile hears why it is away."""
    log = [*SITE, opened("P", lines=[]), failed("cm1"), failed("cm2"), away("P")]

    assert told(*log) == []
    assert told(*log, recovered("cm1")) == []
    assert told(*log, recovered("cm1"), opened("P", app="app")) == [
        "app P SUSPEND(4)", "app P/1 OUTOFSERVICE(4)", "app P/2 OUTOFSERVICE(4)",
    ]  # fmt: skip
    assert told(*log, recovered("cm1"), back("P")) == ["ivr P RESUME"]
    assert told(*log, back("P")) == []
    assert told(*log, back("P"), recovered("cm1")) == ["ivr P RESUME"]


def test_being_away_twice_and_back_twice_are_misfits() -> None:
    """Also with another reason, also for a device that nobody has open."""
    log = [*SITE, away("P")]

    assert misfit(*log, away("P", reason="DeviceUnregistered")) == "already_away"
    assert misfit(*SITE, back("P")) == "not_away"
    assert misfit(*log, back("P"), back("P")) == "not_away"
    assert state("P", *log) == ("unregistered", None)


def test_a_port_that_is_away_is_unregistered_when_it_is_given_back_and_still_away_when_opened() -> None:
    """The flag belongs to the device, not to who has it open."""
    log = [*SITE, opened("P"), away("P"), closed("P")]

    assert state("P", *log) == ("unregistered", None)
    assert told(*log, opened("P", lines=[])) == ["ivr P SUSPEND(4)"]


# Devices that come and go.


def ids(*log: Json) -> list[tuple[str, str, str | None, int]]:
    """Message, device, line and TAPI device id of what the last event tells for no handle."""
    messages = [message for message in folded(*log).messages if message["version"] == len(log)]
    return [(one["message"], one["device"], one["line"], one["param1"]) for one in messages if one["handle"] is None]


def test_devices_and_lines_are_numbered_separately_and_never_again() -> None:
    """Each addition takes the next numbers, also under a name that was there before; no misfit takes any."""
    log = [*SITE, provider("ivr", "cm1"), event("device_removed", device="P")]
    again = [{**PHONE, "lines": ["3", "3"]}, {**PORT, "lines": ["2", "5"]}]
    fits = [event for event in again if event["lines"] != ["3", "3"]]

    assert ids(*log) == [
        ("LINE_REMOVE", "P", "1", 0), ("LINE_REMOVE", "P", "2", 1), ("PHONE_REMOVE", "P", None, 0),
    ]  # fmt: skip
    assert ids(*log, *fits) == [
        ("PHONE_CREATE", "P", None, 2), ("LINE_CREATE", "P", "2", 3), ("LINE_CREATE", "P", "5", 4),
    ]  # fmt: skip
    assert [message["param1"] for message in fold([*log, *again]).messages[-3:]] == [2, 3, 4]
    assert ids(*log, *fits, event("device_removed", device="P")) == [
        ("LINE_REMOVE", "P", "2", 3), ("LINE_REMOVE", "P", "5", 4), ("PHONE_REMOVE", "P", None, 2),
    ]  # fmt: skip


def test_a_removal_closes_for_everyone_and_is_announced_to_providers() -> None:
    """Closes first, applications in order, lines before the phone; then the removal, to those with a provider."""
    log = [*SITE, provider("b", "cm1"), opened("P", app="app"), provider("c", "cm2"), opened("P", app="b", lines=["2"])]

    assert told(*log, event("device_removed", device="P")) == [
        "b P/2 CLOSE",
        "b P CLOSE",
        "app P/1 CLOSE",
        "app P/2 CLOSE",
        "app P CLOSE",
        "b P/1 REMOVE",
        "b P/2 REMOVE",
        "b P REMOVE",
        "c P/1 REMOVE",
        "c P/2 REMOVE",
        "c P REMOVE",
    ]
    assert set(rules(*log, event("device_removed", device="P"))) == {"device_removed/configure"}


def test_a_provider_hears_nothing_of_what_is_there_already() -> None:
    """Only what is added later is announced, phone first, and only to applications with a provider."""
    log = [*NODES, *MANAGERS, PORT, opened("P", app="app"), provider("ivr", "cm1")]

    assert told(*log) == []
    assert told(*log, PHONE) == ["ivr S CREATE", "ivr S/3 CREATE"]


def test_what_is_removed_takes_everything_with_it() -> None:
    """Refusals, legs, media and being away are gone with the device; it comes back new, and last in order."""
    log = [
        *SITE,
        DROP,
        refused("P", "cm1"),
        refused("P", "cm1", line="1"),
        *call("c1", "P", "S"),
        connected("c1"),
        away("P"),
        event("device_removed", device="P"),
    ]
    again = [*log, PORT, opened("P")]

    assert calls(*log) == {"S": 1}
    assert misfit(*log, away("P")) == "unknown_device"
    assert told(*again) == []
    assert [one["device"] for one in folded(*again).homes] == ["S", "P"]
    assert home("P", *again) == {
        "device": "P", "kind": "cti_port", "state": "in_service", "home": "cm1", "original": "cm1", "calls": 0,
        "rehome_to": None, "lines": {"1": "in_service", "2": "in_service"},
    }  # fmt: skip
    assert calls(*again, *call("c1", "P"), failed("cm1")) == {"S": 1, "P": 0}


def test_a_call_whose_only_leg_was_removed_is_gone() -> None:
    """Its name may be used again."""
    log = [*SITE, *call("c1", "P"), connected("c1"), event("device_removed", device="P")]

    assert misfit(*log, ended("c1")) == "unknown_call"
    assert calls(*log, *call("c1", "S")) == {"S": 1}


def test_a_device_that_came_back_is_last_for_whoever_reconnects() -> None:
    """The order of devices is that of their additions; a handle opened on the old one is no handle on the new one."""
    log = [*ALONE, opened("S"), event("device_removed", device="P"), PORT]

    assert misfit(*log, closed("P")) == "not_open"
    assert told(*log, opened("P", lines=[]), manager_failed("cm1")) == [
        "ivr S SUSPEND(257)", "ivr S/3 OUTOFSERVICE(257)", "ivr P SUSPEND(257)",
    ]  # fmt: skip


# behaviour_set.


def test_behaviours_that_are_not_given_stay() -> None:
    """Each is switched alone, and an event that gives none or changes none is a misfit."""
    log = [
        *SITE,
        behaves(announce_open=True, drop_calls_in_setup=True),
        behaves(announce_open=False, drop_calls_in_setup=True),
    ]
    behaviours = run(decoded(log))[1].cluster.behaviours

    assert (behaviours.announce_open, behaviours.phones_wait_for_calls, behaviours.drop_calls_in_setup) == (
        False,
        False,
        True,
    )
    assert misfit(*log, behaves()) == "empty"
    assert misfit(*log, behaves(drop_calls_in_setup=True)) == "unchanged"
    assert misfit(*SITE, behaves(announce_open=False)) == "unchanged"
