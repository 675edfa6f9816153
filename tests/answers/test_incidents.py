"""Incidents against a naive count over states, messages and homes, version by version, on random logs."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from support.listed import ListedLog
from support.strategies import Json, decoded, run, whole_corpus

from cti_es.answers.incidents import Incident, IncidentReading, in_order
from cti_es.answers.outages import OutageReading
from cti_es.answers.window import ALWAYS, Window
from cti_es.logs.reading import WHOLE, Cut
from cti_es.model.homes import Home, homes
from cti_es.model.replay import MisfitReport
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import set_time

GIVES_BACK = ("device_closed", "line_closed", "provider_closed", "control_withdrawn", "lines_changed", "device_removed")


def read(log: list[Json], window: Window = ALWAYS, cut: Cut = WHOLE) -> list[Incident]:
    """The incidents of a log, as they began."""
    reading = IncidentReading(ListedLog(decoded(log)), window, cut)
    return in_order(one for batch in reading.batches() for one in batch)


class Moment:
    """What can be seen of a log at one version."""

    def __init__(self, version: int, event: Json, before: "Moment | None", state: bytes | None) -> None:
        messages, replay = run(decoded([event]), state)
        self.version = version
        self.messages = messages
        self.misfits: list[MisfitReport] = replay.taken_misfits()
        self.state = replay.encoded()
        cluster = replay.cluster
        self.homes = {one.device: one for one in homes(cluster)}
        self.failed = {
            *(("call_manager", node) for node, up in cluster.nodes.items() if not up),
            *(("cti_manager", node) for node, up in cluster.cti_managers.items() if not up),
            *(("device", name) for name, device in cluster.devices.items() if device.away),
            *(("link", app) for app, provider in replay.book.providers.items() if provider.adrift),
        }
        self.closed = set(self._closed(event["type"], before))
        self.is_closed = {name for name in (before.is_closed if before else set()) | self.closed if self._away(name)}

    def _away(self, name: str) -> bool:
        return name in self.homes and self.homes[name].state == "unregistered"

    def _closed(self, event_type: str, before: "Moment | None") -> Iterator[str]:
        """The devices that this event has closed, and that nobody gave back."""
        opens = event_type in ("device_opened", "line_opened")
        told = {one["device"] for one in self.messages if opens and one["message"].endswith("_CLOSE")}
        for name, home in self.homes.items():
            was = before.homes[name].state if before and name in before.homes else "unregistered"
            gone = home.state == "unregistered" and (was != "unregistered" or name in told)
            if gone and event_type not in GIVES_BACK:
                yield name

    def here(self, name: str, before: str | None) -> str:
        """Where a device is, as seen from the home that it had before."""
        home = self.homes.get(name)
        if home is None or (home.state == "unregistered" and name not in self.is_closed):
            return "gone"
        return "back" if home.home and (before is None or home.home in (before, home.original)) else "not"


def moments(log: list[Json]) -> list[Moment]:
    """A log, version by version."""
    found: list[Moment] = []
    for version, event in enumerate(log, 1):
        before = found[-1] if found else None
        found.append(Moment(version, event, before, before.state if before else None))
    return found


def spans(seen: list[Moment]) -> Iterator[list[Moment]]:
    """The moments of each incident, from the first failure to the end of all."""
    span: list[Moment] = []
    for now in seen:
        if span or now.failed:
            span.append(now)
        if span and not now.failed:
            yield span
            span = []
    if span:
        yield span


def failures(span: list[Moment]) -> list[tuple[int, int | None]]:
    """The versions at which something failed, and at which all that failed then was over."""
    found, before = [], set()
    for now in span:
        if new := now.failed - before:
            later = [one for one in span if one.version > now.version]
            ends = [next((one.version for one in later if part not in one.failed), None) for part in new]
            found.append((now.version, None if None in ends else max(ends)))
        before = now.failed
    return found


def by_kind(devices: set[tuple[str, str]]) -> dict[str, int]:
    """How many of each kind: the devices are pairs of kind and name."""
    return dict(Counter(kind for kind, _ in devices))


def counted(log: list[Json]) -> Iterator[dict[str, Any]]:
    """The incidents of a log, by looking at everything at every version."""
    seen = moments(log)
    outages = [one for batch in OutageReading(ListedLog(decoded(log))).batches() for one in batch]
    for number, span in enumerate(spans(seen), 1):
        first, last, ended = span[0].version, span[-1].version, not span[-1].failed
        mine = [one for one in outages if first <= one.from_version <= last]
        moved = {(o.kind, o.home_after, o.device) for o in mine if o.home_before not in (None, o.home_after)}
        told = Counter(
            (one["param1_name"] or one["message"], one["param2_name"], one["app"])
            for now in span
            for one in now.messages
        )
        yield {
            "number": number,
            "versions": (first, last if ended else None),
            "failed": failures(span),
            "moved": Counter((kind, node) for kind, node, _ in moved if node),
            "waited": by_kind({(o.kind, o.device) for o in mine if not o.at_once}),
            "closed": by_kind({(now.homes[name].kind, name) for now in span for name in now.closed}),
            "messages": told,
            "worst": sorted((not o.lasts, -(o.seconds or 0), -o.calls) for o in mine)[:5],
            "not_back": not_back(span, [(o.device, o.home_before) for o in mine], seen if ended else span),
            "misfits": Counter((one.type, one.code) for now in span for one in now.misfits),
        }


def not_back(
    span: list[Moment], outages: list[tuple[str, str | None]], seen: list[Moment]
) -> set[tuple[str, str, str | None, int | None]]:
    """Device, its state and home at the end (of the log, if it never returned), and where it returned."""
    before: dict[str, str | None] = {}
    for now in span:
        began = [one for one in outages if one[0] not in before]
        for name in now.closed:
            before.setdefault(name, dict(reversed(began)).get(name))
    for name, home in outages:
        before.setdefault(name, home)
    found = set()
    for name in (name for name in before if span[-1].here(name, before[name]) == "not"):
        later = [(now, now.here(name, before[name])) for now in seen if now.version > span[-1].version]
        back, how = next(((now, how) for now, how in later if how != "not"), (seen[-1], "not"))
        at: Home = (seen[-1] if how == "not" else span[-1]).homes[name]
        found.add((name, at.state, at.home, back.version if how == "back" else None))
    return found


def shown(one: Incident) -> dict[str, Any]:
    """The same of what is tested."""
    return {
        "number": one.number,
        "versions": (one.from_version, one.until_version),
        "failed": [(row.version, row.until_version) for row in one.failed],
        "moved": {(kind, node): count for kind, nodes in one.moved.items() for node, count in nodes.items()},
        "waited": one.waited,
        "closed": one.closed,
        "messages": {(row.message, row.reason, row.app): row.count for row in one.messages},
        "worst": [(not row.lasts, -(row.seconds or 0), -row.calls) for row in one.outages],
        "not_back": {(row.device, row.state, row.home, row.back_version) for row in one.not_back},
        "misfits": {(row.type, row.code): row.count for row in one.misfits},
    }


@pytest.mark.parametrize("part", range(10))
def test_it_is_what_a_naive_count_finds(part: int) -> None:
    """Every field that can be counted, on a share of the random logs each."""
    for log in whole_corpus()[part::200]:
        assert [shown(one) for one in read(log)] == list(counted(log))


def test_the_random_logs_come_everywhere() -> None:
    """The comparison has met every count, incidents that last, and devices that return late or never."""
    found = [one for log in whole_corpus()[::20] for one in read(log)]

    assert {row.what for one in found for row in one.failed} == {
        "node", "call_manager", "cti_manager", "device", "link",
    }  # fmt: skip
    assert all(any(getattr(one, field) for one in found) for field in ("moved", "waited", "closed", "misfits"))
    assert {one.lasts for one in found} == {True, False}
    assert {row.back_version is None for one in found for row in one.not_back if not one.lasts} == {True, False}


EVENTS = [
    {"type": "node_added", "node": "cm1", "at": "2026-03-02T09:00:00Z"},
    {"type": "node_added", "node": "cm2", "at": "2026-03-02T09:00:00Z"},
    {"type": "device_added", "device": "P", "kind": "cti_port", "at": "2026-03-02T09:00:00Z"},
    {"type": "device_added", "device": "Q", "kind": "phone", "group": ["cm1"], "at": "2026-03-02T09:00:00Z"},
    {"type": "device_opened", "device": "P", "app": "ivr", "at": "2026-03-02T09:01:00Z"},
    {"type": "node_failed", "node": "cm1", "at": "2026-03-02T09:10:00Z"},
    {"type": "call_started", "call": "c", "device": "P", "at": "2026-03-02T09:11:00Z"},
    {"type": "node_failed", "node": "cm7", "at": "2026-03-02T09:12:00Z"},
    {"type": "node_recovered", "node": "cm1", "at": "2026-03-02T09:14:12Z"},
    {"type": "call_ended", "call": "c", "at": "2026-03-02T09:20:00Z"},
    {"type": "device_failed", "device": "Q", "at": "2026-03-02T10:00:00Z"},
]
"""A failover whose return waits for a call; then a phone that is away when the log ends."""


def test_one_by_one() -> None:
    """Every field of an incident that has ended, and what is not back of one that lasts."""
    first, second = read(EVENTS)

    assert (first.from_at, first.until_at, first.seconds) == ("2026-03-02T09:10:00Z", "2026-03-02T09:14:12Z", 252.0)
    [row] = first.failed
    assert (row.what, row.name, row.event, row.reason, row.seconds) == ("node", "cm1", "node_failed", None, 252.0)
    assert (first.moved, first.waited, first.closed) == ({"cti_port": {"cm2": 1}}, {"phone": 1}, {})
    assert [(row.message, row.reason, row.app, row.count) for row in first.messages] == [
        ("PHONESTATE_SUSPEND", "CallManagerFailure", "ivr", 1),
        ("PHONESTATE_RESUME", None, "ivr", 1),
    ]
    assert [(one.device, one.seconds) for one in first.outages] == [("Q", 252.0), ("P", 0.0)]
    assert [(one.device, one.waits_for, one.back_version, one.back_at) for one in first.not_back] == [
        ("P", "its last call to end, to be re-homed to cm1", 10, "2026-03-02T09:20:00Z")
    ]
    assert [(one.code, one.count, one.version) for one in first.misfits] == [("unknown_node", 1, 8)]
    assert (second.until_version, second.failed[0].reason, second.failed[0].until_version) == (
        None,
        "DeviceFailure",
        None,
    )
    assert [(one.device, one.waits_for) for one in second.not_back] == [("Q", "the device itself to come back")]


def test_those_of_which_something_is_missing_come_last() -> None:
    """An incident is handed out when everything has returned from it; in order they are numbered as they began."""
    never = [*EVENTS[:9], *EVENTS[10:], {"type": "device_recovered", "device": "Q", "at": "2026-03-02T10:01:00Z"}]
    batches = IncidentReading(ListedLog(decoded(never))).batches()

    assert [one.number for batch in batches for one in batch] == [2, 1]


@pytest.mark.parametrize(
    ("window", "numbers"),
    [
        (Window(), [1, 2]),
        (Window("2026-03-02T09:14:12Z"), [1, 2]),
        (Window("2026-03-02T09:14:13Z"), [2]),
        (Window(None, "2026-03-02T09:10:00Z"), [1]),
        (Window(None, "2026-03-02T09:09:59Z"), []),
        (Window("2026-03-02T11:00:00Z"), [2]),
    ],
)
def test_a_window(window: Window, numbers: list[int]) -> None:
    """Leaves the incidents that lasted at some moment of it."""
    assert [one.number for one in read(EVENTS, window)] == numbers


def test_a_window_that_ends_before_it_begins() -> None:
    """Is an error, whatever the log."""
    with pytest.raises(InputError, match="the window ends before it begins"):
        read([], Window("2026-03-02T09:14:13Z", "2026-03-02T09:14:12Z"))


def test_a_log_without_times_says_so_once() -> None:
    """Lengths are null then; the order of the log says what overlaps all the same."""
    events = decoded(EVENTS)
    for event in events:
        set_time(event, None)  # type: ignore[arg-type]
    reading = IncidentReading(ListedLog(events))
    found = [one for batch in reading.batches() for one in batch]

    assert [(one.seconds, one.from_version, one.until_version) for one in found] == [(None, 6, 9), (None, 11, None)]
    assert reading.warnings == ["events of the list have no times: how long an incident took is unknown there"]


def test_up_to_a_cut() -> None:
    """What ends later lasts; a cut past the end is an error."""
    [one] = read(EVENTS, cut=Cut(version=8))
    assert one.lasts
    assert [(row.device, row.state) for row in one.not_back] == [("P", "in_service"), ("Q", "out_of_service")]
    with pytest.raises(InputError, match="past the end"):
        read(EVENTS, cut=Cut(version=12))
