"""History against the homes of every version, on random logs."""

from typing import Any

import pytest
from support.listed import ListedLog
from support.strategies import decoded, run, whole_corpus

from cti_es.answers.history import Change, HistoryReading
from cti_es.logs.reading import Cut
from cti_es.model.homes import home
from cti_es.vocabulary.events import Event


def read(events: list[Event], *devices: str) -> list[Change]:
    """The changes of some devices."""
    return [one for batch in HistoryReading(ListedLog(events), devices).batches() for one in batch]


def counted(events: list[Event], name: str) -> list[tuple[Any, ...]]:
    """The changes of one device, by looking at its home at every version."""
    found, before, state = [], None, None
    for version, event in enumerate(events, 1):
        messages, replay = run([event], state)
        state = replay.encoded()
        device = replay.cluster.devices.get(name)
        now = home(replay.cluster, device) if device else None
        essence = (now.state, now.home, now.lines) if now else None
        if essence != before:
            about = [one for one in messages if one["device"] == name]
            found.append((version, *(essence or (None, None, {})), now.calls if now else 0, len(about)))
        before = essence
    return found


@pytest.mark.parametrize("part", range(8))
def test_it_is_what_the_homes_of_every_version_say(part: int) -> None:
    """Every change, and no other, with what it changed to and how many messages told of it."""
    for log in whole_corpus()[part::80]:
        events = decoded(log)
        for name in {one["device"] for one in log if one["type"] == "device_added"}:
            found = [(c.version, c.state, c.home, c.lines, c.calls, len(c.told)) for c in read(events, name)]

            assert found == counted(events, name)


def test_because_is_what_did_it() -> None:
    """On the way through the random logs every reason is met, and a removed device says so."""
    found = {
        one.because
        for log in whole_corpus()[:200]
        for one in read(decoded(log), *{event["device"] for event in log if event["type"] == "device_added"})
    }

    assert found >= {
        "added",
        "register",
        "wait",
        "suspend",
        "resume",
        "close",
        "settle",
        "give_back",
        "removed",
        "lines",
    }


def test_devices_that_are_not_there() -> None:
    """Are warned of."""
    log = whole_corpus()[0]
    reading = HistoryReading(ListedLog(decoded(log)), ("nobody",), Cut(version=len(log)))

    assert [one for batch in reading.batches() for one in batch] == []
    assert reading.warnings[-1].startswith("there is no device 'nobody'")
