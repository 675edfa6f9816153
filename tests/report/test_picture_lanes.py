"""The lanes of a picture: what they say of nodes, links, devices and calls is what the fold says after every event."""

import json

import pytest
from support.listed import ListedLog

from cti_es.model.replay import Replay
from cti_es.report.picture_lanes import lanes_of
from cti_es.testing.random_logs import Plan, generate
from cti_es.traces.sides import Selection
from cti_es.vocabulary.event_text import read_event


def log(*rows) -> ListedLog:
    """A log of some events, each the fields of one."""
    return ListedLog([read_event(json.dumps(row).encode(), "a test") for row in rows])


def at(changes, version):
    """The state and home after a version, as the changes of a lane have it; None before the first."""
    return next((change[1:] for change in reversed(changes) if change.version <= version), None)


def inside(intervals, version):
    """Whether one of some intervals has a version."""
    return any(one.since <= version and (one.until is None or version < one.until) for one in intervals)


@pytest.mark.parametrize("seed", range(6))
def test_lanes_say_what_the_fold_says_after_every_event(seed):
    """A fold that is asked after each single event is the oracle: nodes, CTI Managers, links, homes, calls, moves due."""
    events = list(generate(Plan(seed=seed, events=400, devices=12, apps=3, tsp=True)))
    lanes = lanes_of(ListedLog(events))
    devices = {lane.name: lane for lane in lanes.devices}
    oracle = Replay()
    for version, event in enumerate(events, 1):
        oracle.advance([event])
        cluster, links = oracle.cluster, oracle.book.providers
        for kept, now in ((lanes.nodes, cluster.nodes), (lanes.cti_managers, cluster.cti_managers)):
            assert {
                one.name: at(one.changes, version)[0] == "in_service" for one in kept if at(one.changes, version)
            } == now
        for one in lanes.apps:
            link = links[one.name].link if one.name in links else None
            assert (at(one.changes, version) or ("", None))[1] == link
        for name, device in cluster.devices.items():
            lane = devices[name]
            assert at(lane.changes, version) == (device.state, device.home)
            assert inside(lane.busy, version) == (device.calls > 0)
            assert inside(lane.due, version) == (cluster.better(device) is not None)
    assert any(lane.due for lane in lanes.devices) or seed


def test_calls_that_end_without_an_event_of_their_own():
    """Those in setup are gone when their node fails, those of a removed device with it."""
    lanes = lanes_of(
        log(
            {"type": "node_added", "node": "cm1"},
            {"type": "behaviour_set", "drop_calls_in_setup": True},
            {"type": "device_added", "device": "P", "kind": "phone"},
            {"type": "call_started", "call": "a", "device": "P"},
            {"type": "call_started", "call": "b", "device": "P"},
            {"type": "call_connected", "call": "b"},
            {"type": "node_failed", "node": "cm1"},
            {"type": "device_removed", "device": "P"},
        )
    )

    assert lanes.devices[0].busy == [(4, 8, 2)]


def test_failures_are_paired_with_their_ends():
    """A node and a device that fail; what is not back has no end."""
    lanes = lanes_of(
        log(
            {"type": "node_added", "node": "cm1"},
            {"type": "device_added", "device": "P", "kind": "phone"},
            {"type": "node_failed", "node": "cm1"},
            {"type": "device_failed", "device": "P"},
            {"type": "node_recovered", "node": "cm1"},
        )
    )

    assert lanes.failures == [("node", "cm1", "node_failed", 3, 5), ("device", "P", "device_failed", 4, None)]


def test_a_selection_cuts_messages_and_the_end():
    """Messages of other applications are left out, and nothing is read after the last version that is asked for."""
    events = list(generate(Plan(seed=1, events=300, apps=2)))
    lanes = lanes_of(ListedLog(events), Selection(app="app2", from_version=100, to_version=200))

    assert lanes.last == 200
    assert {(one.app, 100 <= one.version <= 200) for one in lanes.messages} == {("app2", True)}


def test_the_axis_is_time_only_where_every_event_has_one():
    """One event without a time, or one that is older than the one before it, and the axis is the order of the log."""
    rows = [
        {"type": "node_added", "node": "cm1", "at": "2026-01-01T00:00:01Z"},
        {"type": "node_failed", "node": "cm1", "at": "2026-01-01T00:00:02Z"},
    ]

    assert lanes_of(log(*rows)).timed
    assert not lanes_of(log(rows[0], {"type": "node_failed", "node": "cm1"})).timed
    assert not lanes_of(log(rows[0], {**rows[1], "at": "2026-01-01T00:00:00Z"})).timed
