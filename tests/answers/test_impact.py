"""Impact against a naive comparison: the homes before, and those after the events of the scenario, on random logs."""

from itertools import combinations
from typing import Any

import msgspec
import pytest
from support.listed import ListedLog
from support.strategies import Json, decoded, fold, run, whole_corpus

from cti_es.answers.impact import (
    NODES_ALONE,
    Asked,
    DeviceImpact,
    ImpactScope,
    Row,
    Scenario,
    Weakness,
    impact,
    rows_of,
)
from cti_es.vocabulary.errors import InputError

FAILURES: dict[ImpactScope, str] = {
    "node": "node_failed",
    "call_manager": "node_failed",
    "cti_manager": "cti_manager_failed",
}


def read(log: list[Json], asked: Asked = NODES_ALONE) -> list[Row]:
    """All rows."""
    return list(impact(ListedLog(decoded(log)), asked)[0])


def events_of(row: Scenario, what: str) -> list[Json]:
    """The events of a scenario: that it begins (``failed``), or ends (``recovered``)."""
    name = FAILURES[row.scope].replace("failed", what)
    scope = {} if row.scope == "cti_manager" else {"scope": row.scope}
    return [{"type": name, "node": node, **scope} for node in row.fails]


def links(log: list[Json]) -> dict[str, str | None]:
    """The link of each application with a provider."""
    return {app: one.link for app, one in run(decoded(log))[1].book.connected()}


def counted(log: list[Json], row: Scenario) -> dict[str, Any]:
    """What a scenario changes, by comparing all homes."""
    then = [*log, *events_of(row, "failed")]
    pairs = list(zip(fold(log).homes, fold(then).homes, strict=True))
    changed = [(a, b) for a, b in pairs if (a["state"], a["home"]) != (b["state"], b["home"])]
    states = [b["state"] for _, b in changed]
    was, now = links(log), links(then)
    homes = [b["home"] for _, b in pairs if b["home"]]
    return {
        "moved": states.count("in_service"),
        "out": states.count("out_of_service"),
        "closed": states.count("unregistered"),
        "lines_lost": sum(
            a["lines"][line] != b["lines"][line] == "out_of_service" for a, b in pairs for line in a["lines"]
        ),
        "calls": sum(a["calls"] for a, _ in changed),
        "apps_without_link": [app for app in was if was[app] and not now[app]],
        "most": max(map(homes.count, homes), default=None),
    }


@pytest.mark.parametrize("scope", FAILURES)
@pytest.mark.parametrize("pairs", [False, True])
def test_it_is_what_the_events_would_do(scope: ImpactScope, pairs: bool) -> None:
    """Every count of every scenario, alone and in pairs, for nodes, call processing and CTI Managers."""
    for log in whole_corpus()[::40]:
        for row in read(log, Asked(pairs=pairs, scope=scope)):
            if isinstance(row, Scenario):
                found = {name: getattr(row, name) for name in row.__struct_fields__}
                expected = counted(log, row)

                assert (row.busiest.devices if row.busiest else None) == expected.pop("most")
                assert found | expected == found


def test_devices_and_what_does_not_return() -> None:
    """Each device that changes has a row with its nodes; after the return those rows say which are elsewhere."""
    for log in whole_corpus()[::40]:
        rows = read(log, Asked(and_back=True, devices=True))
        for scenario in (one for one in rows if isinstance(one, Scenario)):
            mine = [one for one in rows if isinstance(one, DeviceImpact) and one.fails == scenario.fails]
            then = [*log, *events_of(scenario, "failed")]
            before, after, back = (
                {one["device"]: one for one in fold(events).homes}
                for events in (log, then, [*then, *events_of(scenario, "recovered")])
            )

            assert len(mine) == scenario.moved + scenario.out + scenario.closed
            assert scenario.not_back == sum(1 for one in mine if one.not_back)
            for one in mine:
                assert (one.from_home, one.to_home) == (before[one.device]["home"], after[one.device]["home"])
                assert one.back_home == back[one.device]["home"]
                same = all(before[one.device][key] == back[one.device][key] for key in ("state", "home", "lines"))
                assert bool(one.not_back) != same


@pytest.mark.parametrize("scope", FAILURES)
def test_the_state_stays_as_it_is(scope: ImpactScope) -> None:
    """Scenarios leave no trace in the fold that they start from, byte by byte, and so none in each other."""
    for log in whole_corpus()[::20]:
        replay = run(decoded(log))[1]
        before = replay.encoded()
        nodes = replay.cluster.cti_managers if scope == "cti_manager" else replay.cluster.nodes
        sets = [(*pair,) for pair in combinations([node for node in nodes if nodes[node]], 2)]
        rows = list(rows_of(replay, sets, Asked(sets, scope=scope, and_back=True)))

        assert len([one for one in rows if isinstance(one, Scenario)]) == len(sets)
        assert replay.encoded() == before


SITE = [
    *({"type": "node_added", "node": node} for node in ("cm1", "cm2", "cm3")),
    *({"type": "cti_manager_added", "node": node} for node in ("cm1", "cm2")),
    {"type": "provider_opened", "app": "ivr", "cti_managers": ["cm2", "cm1"]},
    {"type": "provider_opened", "app": "board", "cti_managers": ["cm2"]},
    {"type": "device_added", "device": "P", "kind": "cti_port", "lines": ["1"], "group": ["cm1", "cm2"]},
    {"type": "device_added", "device": "Q", "kind": "phone", "group": ["cm3"]},
    {"type": "device_opened", "device": "P", "app": "ivr"},
]
"""A port whose group and CTI Managers are in different orders; a phone with one node; an application with one link."""


def test_findings_need_no_failure() -> None:
    """Groups of one node, providers with one CTI Manager, orders that differ; first, and nothing else."""
    rows = read(SITE)
    found = [one for one in rows if isinstance(one, Weakness)]

    assert rows[: len(found)] == found
    assert [(one.finding, one.nodes, one.app, one.devices) for one in found] == [
        ("one_node", ["cm3"], None, 1),
        ("one_cti_manager", ["cm2"], "board", 0),
        ("other_order", ["cm1", "cm2"], "ivr", 1),
    ]


def test_why_no_node_takes_it() -> None:
    """The nodes of its group that are down, and those that refuse it."""
    refusing = [*SITE, {"type": "open_refused", "device": "P", "nodes": ["cm2"]}]
    rows = read(refusing, Asked([["cm1"]], devices=True))

    assert [one.why_none for one in rows if isinstance(one, DeviceImpact)] == ["cm1 down; cm2 refuses it"]


def test_what_is_down_already_is_left_out_and_said() -> None:
    """A node that is down cannot fail; in a set the others do."""
    down = [*SITE, {"type": "node_failed", "node": "cm1"}]
    rows, warnings = impact(ListedLog(decoded(down)), Asked([["cm1", "cm2"], ["cm1"]]))

    assert [one.fails for one in rows if isinstance(one, Scenario)] == [["cm2"]]
    assert warnings == ["cm1 is down already"]


def test_harmless() -> None:
    """A scenario is harmless where everything finds another node and another link."""
    rows = [one for one in read(SITE) if isinstance(one, Scenario)]

    assert [(one.fails, one.harmless) for one in rows] == [(["cm1"], True), (["cm2"], False), (["cm3"], False)]


def test_unknown_nodes() -> None:
    """With what is near; a node without a CTI Manager has none that could fail."""
    with pytest.raises(InputError, match="no node 'cm9'"):
        read(SITE, Asked([["cm9"]]))
    with pytest.raises(InputError, match="no CTI Manager 'cm3'"):
        read(SITE, Asked([["cm3"]], scope="cti_manager"))


def test_rows_say_of_which_kind_they_are() -> None:
    """NDJSON begins with the kind, and leaves out what was not asked for."""
    texts = [msgspec.json.encode(one) for one in read(SITE, Asked(devices=True))]

    assert all(text.startswith(b'{"kind":') for text in texts)
    assert not any(b"back" in text for text in texts)
