"""Handles as numbers: the n-th that the log opens has its number from n, wherever the printing starts."""

import re

import pytest
from hypothesis import given
from support.strategies import LOG_EXAMPLES, corpus, decoded, logs

from cti_es.model.recovery import DEFAULT_APP
from cti_es.model.replay import Replay
from cti_es.report import handle_numbers
from cti_es.report.handle_numbers import HandleNumbers
from cti_es.report.tapi_browser import key, write
from cti_es.vocabulary import events

CLOSES = ("PHONE_CLOSE", "LINE_CLOSE")


def opened(event, device, held):
    """What an event opens: the phone (None) first, then lines in configured order; what is held already stays."""
    if isinstance(event, events.LineOpened):
        return [event.line]
    wanted = [None, *(number for number in device.lines if event.lines is None or number in event.lines)]
    return [line for line in wanted if (event.app or DEFAULT_APP, device.name, line) not in held]


def open_now(replay):
    """What is open: application, device, line (None: the phone device)."""
    return {
        (app, device, line)
        for device, apps in replay.book.held.items()
        for app, held in apps.items()
        for line in (*([None] if held.phone else []), *held.lines)
    }


def counted(log):
    """The messages of a log and the number of the handle of each (0: none), by counting opens in the events."""
    replay, numbers, found = Replay(), {}, []
    for version, event in enumerate(decoded(log), 1):
        before = open_now(replay)
        messages = list(replay.messages([event]))
        fits = not replay.misfits
        replay.taken_misfits()
        if fits and isinstance(event, (events.DeviceOpened, events.LineOpened)):
            app = event.app or DEFAULT_APP
            for line in opened(event, replay.cluster.devices[event.device], before):
                numbers[version, app, event.device, line] = 0x10000 + 16 * len(numbers)
        found += [(one, numbers[key(one)] if one.handle else 0) for one in messages]
    return found


def numbers_in(trace):
    """The handles of a trace, in order."""
    return [int(number, 16) for number in re.findall(rb"device=x([0-9a-f]+)", trace)]


def numbered(log, size=7):
    """The handles that a replay, read in batches, writes."""
    replay, events_ = Replay(), decoded(log)
    numbers = HandleNumbers(replay)
    batches = (events_[start : start + size] for start in range(0, len(events_), size))
    return numbers_in(b"".join(part for batch in batches for part in write(replay.messages(batch), numbers.of)))


@pytest.mark.parametrize("kept", [1_000, 0])
def test_the_nth_handle_opened(kept, monkeypatch):
    """On many random logs every message has the number of its handle, also when closed ones are forgotten at once."""
    monkeypatch.setattr(handle_numbers, "_CLOSED_KEPT", kept)
    some = corpus()[:200]

    assert sum(len(counted(log)) for log in some) > 1_000
    for log in some:
        assert numbered(log) == [number for _, number in counted(log)]


@given(logs)
@LOG_EXAMPLES
def test_one_number_for_one_handle(log):
    """The numbers of two messages are the same exactly if both are for the same handle."""
    found = [(one, number) for one, number in counted(log) if one.handle]

    assert len({(key(one), number) for one, number in found}) == len({key(one) for one, _ in found})
    assert len({(key(one), number) for one, number in found}) == len({number for _, number in found})
    assert numbered(log, size=1) == [number for _, number in counted(log)]


def test_closed_handles_are_forgotten():
    """A log that opens and closes for ever takes no more memory: only open handles keep their numbers."""
    log = [
        {"type": "node_added", "node": "cm1"},
        {"type": "device_added", "device": "D", "kind": "cti_port", "lines": ["1", "2"]},
        *({"type": event, "device": "D"} for _ in range(10_000) for event in ("device_opened", "device_closed")),
        {"type": "device_opened", "device": "D"},
        {"type": "node_failed", "node": "cm1"},
    ]
    replay = Replay()
    numbers = HandleNumbers(replay)
    trace = b"".join(write(replay.messages(decoded(log)), numbers.of))

    assert numbers_in(trace) == [0x10000 + 16 * place for place in (30_000, 30_001, 30_002)]
    assert len(numbers._numbers) < 2_000
