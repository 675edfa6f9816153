"""Known edits in larger traces: each is reported as what it is, in order, and nothing else is."""

from random import Random

import pytest
from support.injected import Edit, injected, interleaved, trace

from cti_es.traces.diff.compare import DiffOptions, compare

MESSAGES, CHANNELS, EDITS = 3_000, 100, 20


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_the_edits_are_the_differences(seed, strict):
    """Twenty drops, insertions, other reasons and swaps: the same differences, at the same places, in the same order."""
    random = Random(seed)
    expected = trace(random, MESSAGES, CHANNELS)
    actual, edits = injected(expected, random, EDITS)
    found = compare([expected], [actual], DiffOptions(strict=strict))
    reported = [
        Edit(one.kind, one.expected and one.expected.place, one.actual and one.actual.place)
        for one in found.differences
    ]

    assert reported == edits
    assert len(edits) == EDITS
    assert {edit.kind for edit in edits} == {"missing", "unexpected", "reason", "moved"}
    assert found.announced == 0


@pytest.mark.parametrize("seed", range(10))
def test_messages_shuffled_across_channels_conform(seed):
    """Another interleaving of the same channels: nothing to report, every message matched."""
    random = Random(seed)
    expected = trace(random, MESSAGES, CHANNELS)
    actual = interleaved(expected, random)
    found = compare([expected], [actual], DiffOptions(strict=True))

    assert [one.version for one in actual] != [one.version for one in expected]
    assert found.conforms
    assert found.matched == MESSAGES
