"""The assignment: the greatest gain of all, with supplies and capacities."""

from hypothesis import given
from hypothesis import strategies as st

from cti_es.traces.diff.assign import assigned


@st.composite
def problems(draw):
    """Supplies, capacities, and what each pair gains, if it may belong together."""
    sources, targets = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    few = st.integers(1, 2)
    gains = [draw(st.dictionaries(st.integers(0, targets - 1), st.integers(1, 9))) for _ in range(sources)]
    return ([draw(few) for _ in range(sources)], [draw(few) for _ in range(targets)], gains)


def greatest(supplies, capacities, gains):
    """The greatest gain, by trying everything."""
    units = [source for source, count in enumerate(supplies) for _ in range(count)]

    def rest(number, room):
        if number == len(units):
            return 0
        ways = [rest(number + 1, room)]
        for target, gain in gains[units[number]].items():
            if room[target]:
                taken = (*room[:target], room[target] - 1, *room[target + 1 :])
                ways.append(gain + rest(number + 1, taken))
        return max(ways)

    return rest(0, tuple(capacities))


@given(problems())
def test_no_assignment_gains_more(problem):
    """Nobody gives or takes more than there is, and no other assignment gains more."""
    supplies, capacities, gains = problem
    flows = assigned(supplies, capacities, gains)
    taken = [sum(flow.get(target, 0) for flow in flows) for target in range(len(capacities))]

    assert all(sum(flow.values()) <= supply for flow, supply in zip(flows, supplies, strict=True))
    assert all(count <= capacity for count, capacity in zip(taken, capacities, strict=True))
    gained = sum(gains[source][target] * count for source, flow in enumerate(flows) for target, count in flow.items())
    assert gained == greatest(supplies, capacities, gains)


def test_not_greedy():
    """The best pair of all is given up where that gains more over all together."""
    assert assigned([1, 1], [1, 1], [{0: 9, 1: 8}, {0: 7}]) == [{1: 1}, {0: 1}]
