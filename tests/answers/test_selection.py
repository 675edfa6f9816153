"""Which homes are asked for, and counts by node against a naive count, on random logs."""

import msgspec
import pytest
from support.strategies import fold, whole_corpus

from cti_es.answers.names import check_known
from cti_es.answers.selection import HomeSelection, count_by_node
from cti_es.model.homes import Home
from cti_es.vocabulary.errors import InputError

HOMES = [msgspec.convert(one, Home) for log in whole_corpus()[::20] for one in fold(log).homes]


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        (HomeSelection(), lambda one: True),
        (HomeSelection(nodes=("cm1", "cm2")), lambda one: one.home in ("cm1", "cm2")),
        (HomeSelection(state="out_of_service"), lambda one: one.state == "out_of_service"),
        (HomeSelection(devices=("D1",)), lambda one: one.device == "D1"),
        (HomeSelection(kind="phone"), lambda one: one.kind == "phone"),
        (HomeSelection(not_original=True), lambda one: one.home not in (None, one.original)),
    ],
)
def test_each_condition(wanted, holds):
    """It leaves what it says, of homes of every kind; and there is something of that."""
    found = [one for one in HOMES if wanted.has(one)]

    assert found == [one for one in HOMES if holds(one)] != []


def test_counts_by_node():
    """Devices, kinds, calls and what is elsewhere, by looking at every home for every node."""
    for row in count_by_node(["cm1", "cm2", "cm3"], HOMES):
        here = [one for one in HOMES if one.home == row.node]
        mine = [one for one in HOMES if one.original == row.node and one.state != "unregistered"]

        assert (row.devices, row.calls) == (len(here), sum(one.calls for one in here))
        assert [row.cti_ports, row.route_points, row.phones] == [
            sum(one.kind == kind for one in here) for kind in ("cti_port", "route_point", "phone")
        ]
        assert row.elsewhere == sum(one.home != row.node for one in mine)


def test_names_that_are_not_there():
    """Are refused with what is near."""
    check_known("node", ["cm1"], ["cm1"])
    with pytest.raises(InputError, match=r"no node 'cm11'.*did you mean 'cm1'"):
        check_known("node", ["cm11"], ["cm1"])
