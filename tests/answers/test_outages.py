"""Outages against a naive count over homes and messages, version by version, on random logs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.listed import ListedLog
from support.strategies import Json, decoded, run, whole_corpus

from cti_es.answers.out_of_service import Outage
from cti_es.answers.outages import ALL, OutageReading, Totals, Wanted
from cti_es.logs.reading import WHOLE, Cut
from cti_es.model.homes import homes
from cti_es.model.replay import Replay
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Event, NodeFailed, set_time

OUT = ("PHONESTATE_SUSPEND", "LINEDEVSTATE_OUTOFSERVICE")
IN = ("PHONESTATE_RESUME", "LINEDEVSTATE_INSERVICE")


def read(events: list[Event], wanted: Wanted = ALL, cut: Cut = WHOLE) -> list[Outage]:
    """The outages of some events."""
    return [one for batch in OutageReading(ListedLog(events), wanted, cut).batches() for one in batch]


class Moment:
    """What can be seen of a log at one version: homes, messages, who has what open."""

    def __init__(self, version: int, event: Event, messages: list[Json], replay: Replay) -> None:
        self.version = version
        self.event = event
        self.messages = messages
        self.homes = {one.device: one for one in homes(replay.cluster)}
        self.held = {(device, app, line) for device, app, line, _ in replay.book.handles()}

    def told(self, device: str, line: str | None, app: str | None = None) -> list[Json]:
        """What was said about going out of service: of a line, or (None) of a device in all."""
        return [
            one
            for one in self.messages
            if one["device"] == device and one["param1_name"] in OUT
            if line in (None, one["line"]) and app in (None, one["app"])
        ]

    def state(self, device: str, line: str | None) -> str | None:
        """``out``, a node at which it is in service, or None."""
        home = self.homes.get(device)
        if home is None or home.state == "unregistered":
            return None
        if line is None:
            return home.home or "out"
        mine = home.kind == "phone" or any((device, line) == (one[0], one[2]) for one in self.held)
        if line not in home.lines or not mine:
            return None
        return home.home if home.lines[line] == "in_service" else "out"

    def suspended(self, device: str, line: str | None, was: str) -> bool:
        """Whether something that has gone was taken out of service first, and did not just lose its last handle."""
        told = any(one["rule"].endswith("/suspend") for one in self.told(device, line))
        return told or (type(self.event) is NodeFailed and self.event.node == was)

    def things(self) -> Iterator[tuple[str, str | None]]:
        """Devices, and their lines."""
        for name, home in self.homes.items():
            yield name, None
            for line in home.lines:
                yield name, line


def moments(events: list[Event]) -> Iterator[Moment]:
    """A log, version by version."""
    state = None
    for version, event in enumerate(events, 1):
        messages, replay = run([event], state)
        state = replay.encoded()
        yield Moment(version, event, messages, replay)


def counted(events: list[Event]) -> list[tuple[Any, ...]]:
    """The outages of devices and lines, by looking at everything at every version."""
    found, out, before = [], {}, None
    for now in moments(events):
        for thing in dict.fromkeys([*now.things(), *out]):
            was = before.state(*thing) if before else None
            became = now.state(*thing)
            suspended = was not in ("out", None) and (became is not None or now.suspended(*thing, was))
            moved = became not in ("out", was) and suspended
            if (became == "out" and thing not in out) or moved:
                home = now.homes[thing[0]]
                last = before.homes.get(thing[0]) if before else None
                lost = last.home if last and last.home != home.home else None
                out[thing] = (now.version, lost, home.calls, len(now.told(*thing)))
            if thing in out and became != "out":
                found.append((*thing, *out.pop(thing), now.version, became))
        before = now
    return [*found, *((*thing, *begun, None, None) for thing, begun in out.items())]


def seen(outages: list[Outage]) -> list[tuple[Any, ...]]:
    """The same of what is tested."""
    return [
        (o.device, o.line, o.from_version, o.home_before, o.calls, o.handles, o.until_version, o.home_after)
        for o in outages
    ]


def by_text(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """In one order, whatever is null."""
    return sorted(rows, key=repr)


@pytest.mark.parametrize("part", range(10))
def test_it_is_what_a_naive_count_finds(part: int) -> None:
    """Devices and lines, every field that can be counted, on a tenth of the random logs each."""
    for log in whole_corpus()[part::100]:
        events = decoded(log)
        expected = counted(events)

        assert by_text(seen(read(events, Wanted(lines=True)))) == by_text(expected)
        assert by_text(seen(read(events))) == by_text([one for one in expected if one[1] is None])


def test_the_random_logs_come_everywhere() -> None:
    """The comparison has met outages that end at once, later, never, of lines alone, and closes."""
    found = [one for log in whole_corpus()[::20] for one in read(decoded(log), Wanted(lines=True))]

    assert any(one.at_once for one in found)
    assert any(one.lasts for one in found)
    assert any(one.home_after is None and not one.lasts for one in found)
    assert any(one.line and one.reason == "Unknown" for one in found)
    assert {one.cause for one in found} >= {"node_failed", "node_recovered", "device_failed", "device_opened"}


@pytest.mark.parametrize("part", range(4))
def test_reason_and_cause(part: int) -> None:
    """The reason is the one that the messages of the event give, where any gives one; the cause is the event's type."""
    for log in whole_corpus()[part::40]:
        events = decoded(log)
        at = {now.version: now for now in moments(events)}
        for one in read(events):
            now = at[one.from_version]
            told = [m for m in now.told(one.device, None) if not m["line"] and m["rule"].endswith(("suspend", "open"))]

            assert one.cause == log[one.from_version - 1]["type"]
            assert {m["param2_name"] for m in told} <= {one.reason, None}


def told_outages(events: list[Event], app: str) -> list[tuple[Any, ...]]:
    """Outages as an application was told, from messages and from what it has open."""

    def by(thing: tuple[str, str | None], now: Moment) -> set[tuple[str, str | None]]:
        """The handles that decide about a line or a device."""
        device, line = thing
        if line is not None or (device, app, None) in now.held or thing in out | went:
            return {thing}
        return {one for one in out | went if one[0] == device}

    found, begun = [], {}
    out: set[tuple[str, str | None]] = set()
    for now in moments(events):
        mine = [one for one in now.messages if one["app"] == app]
        went = {(one["device"], one["line"]) for one in mine if one["param1_name"] in OUT}
        back = {(one["device"], one["line"]) for one in mine if one["param1_name"] in IN}
        out = {thing for thing in (out | went) - back if (thing[0], app, thing[1]) in now.held}
        things = {*out, *went, *((device, None) for device, _ in out | went)}
        begun |= dict.fromkeys({one for one in things if by(one, now) & (out | went)} - begun.keys(), now.version)
        found += [(*thing, begun.pop(thing), now.version) for thing in [*begun] if not by(thing, now) & out]
    return [*found, *((*thing, version, None) for thing, version in begun.items())]


@pytest.mark.parametrize("part", range(10))
def test_as_an_application_was_told(part: int) -> None:
    """From its OUT to its IN, or the end of its handle; a device by its phone handle, a line by its own."""
    for log in whole_corpus()[part::50]:
        events = decoded(log)
        for app in run(events)[1].book.apps:
            expected = told_outages(events, app)
            found = [
                (one.device, one.line, one.from_version, one.until_version)
                for one in read(events, Wanted(lines=True, app=app))
            ]

            assert by_text(found) == by_text(expected)


def ids(outages: list[Outage]) -> list[tuple[Any, ...]]:
    """Enough to know an outage by."""
    return [(one.device, one.from_version) for one in outages]


EVENTS = b"""[
{"type":"node_added","node":"cm1","at":"2026-03-02T09:00:00Z"},
{"type":"device_added","device":"P","kind":"cti_port","lines":["1"],"at":"2026-03-02T09:00:00Z"},
{"type":"device_added","device":"Q","kind":"phone","at":"2026-03-02T09:00:00Z"},
{"type":"device_opened","device":"P","app":"ivr","at":"2026-03-02T09:01:00Z"},
{"type":"node_failed","node":"cm1","at":"2026-03-02T09:10:00Z"},
{"type":"device_closed","device":"P","app":"ivr","at":"2026-03-02T09:14:12.500000Z"},
{"type":"device_opened","device":"P","app":"ivr","at":"2026-03-02T09:15:00Z"}]"""
"""One node, which fails and stays failed; the port is given back, and opened again while it is down."""


@pytest.fixture
def events() -> list[Event]:
    """The events of a failure that lasts."""
    return decoded(json.loads(EVENTS))


def test_one_by_one(events: list[Event]) -> None:
    """Every field of an outage that was given back, of one that began with opening, and of a phone's."""
    base = {"calls": 0, "home_after": None}

    assert read(events) == [
        Outage(
            device="P", kind="cti_port", from_version=5, from_at="2026-03-02T09:10:00Z", until_version=6,
            until_at="2026-03-02T09:14:12.500000Z", seconds=252.5, reason="CallManagerFailure", cause="node_failed",
            home_before="cm1", handles=2, **base,
        ),
        Outage(
            device="Q", kind="phone", from_version=5, from_at="2026-03-02T09:10:00Z", until_version=None, until_at=None,
            seconds=None, reason="CallManagerFailure", cause="node_failed", home_before="cm1", handles=0, **base,
        ),
        Outage(
            device="P", kind="cti_port", from_version=7, from_at="2026-03-02T09:15:00Z", until_version=None,
            until_at=None, seconds=None, reason="NoCallManagerAvailable", cause="device_opened", home_before=None,
            handles=2, **base,
        ),
    ]  # fmt: skip


def test_what_is_asked_for(events: list[Event]) -> None:
    """Windows, devices, lengths and what lasts."""
    assert ids(read(events, Wanted(devices=("Q",)))) == [("Q", 5)]
    assert ids(read(events, Wanted(lasting=True))) == [("Q", 5), ("P", 7)]
    assert ids(read(events, Wanted(least=252.6))) == [("Q", 5), ("P", 7)]
    assert ids(read(events, Wanted(least=252.5))) == [("P", 5), ("Q", 5), ("P", 7)]
    assert ids(read(events, Wanted(until="2026-03-02T09:12:00Z"))) == [("P", 5), ("Q", 5)]
    assert ids(read(events, Wanted(until="2026-03-02T09:09:59Z"))) == []
    assert ids(read(events, Wanted(since="2026-03-02T09:14:12.500000Z"))) == [("P", 5), ("Q", 5), ("P", 7)]
    assert ids(read(events, Wanted(since="2026-03-02T09:14:13Z"))) == [("Q", 5), ("P", 7)]


def test_a_window_that_ends_before_it_begins(events: list[Event]) -> None:
    """Is an error, whatever the log."""
    with pytest.raises(InputError, match="the window ends before it begins"):
        read(events, Wanted(since="2026-03-02T09:14:13Z", until="2026-03-02T09:14:12Z"))


def test_a_log_without_times_says_so_once() -> None:
    """Lengths are null then, the warning comes once, and nothing touches a window."""
    log = next(log for log in whole_corpus() if len(read(decoded(log))) > 3)
    events = decoded(log)
    for event in events:
        set_time(event, None)  # type: ignore[arg-type]
    reading = OutageReading(ListedLog(events))
    found = [one for batch in reading.batches() for one in batch]

    assert {one.seconds for one in found} == {None}
    assert [text for text in reading.warnings if "no times" in text] == reading.warnings[:1]
    assert read(events, Wanted(since="2026-03-02T09:14:13Z")) == []


def test_unknown_names_are_warned_of(events: list[Event]) -> None:
    """With what is near; a device that was removed while it was out is known."""
    reading = OutageReading(ListedLog(events), Wanted(devices=("PP", "Q")))
    list(reading.batches())

    assert reading.warnings == ["there is no device 'PP' (did you mean 'P'?) in the list"]


def test_up_to_a_cut(events: list[Event]) -> None:
    """What ends later lasts; a cut past the end is an error."""
    assert [one.lasts for one in read(events, cut=Cut(version=5))] == [True, True]
    with pytest.raises(InputError, match="past the end"):
        read(events, cut=Cut(version=8))


def test_totals(events: list[Event]) -> None:
    """Number, devices, longest, total and what lasts, in one line."""
    totals = Totals()
    totals.add("a", read(events))

    assert totals.text() == "3 outages of 2 devices, longest 4m12.5s (P), total 4m12.5s, 2 still out"
    assert Totals().text() == "no outages"
