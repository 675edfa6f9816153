"""What a trace has of outages: of the messages of a log it is the outages of the log; and how the two are joined."""

import pytest
from msgspec.structs import replace
from support.listed import ListedLog
from support.strategies import decoded, run, whole_corpus

from cti_es.answers.observed import Matched, Observed, ObservedReading, OnlyObserved
from cti_es.answers.out_of_service import Outage
from cti_es.answers.outages import ALL, OutageReading, Wanted
from cti_es.vocabulary.events import Event, set_time
from cti_es.vocabulary.tapi import INSERVICE, OUTOFSERVICE, RESUME, SUSPEND, Signal, TraceMessage


def at(seconds: int) -> str:
    """A time that many seconds after ten."""
    return f"2026-03-02T{10 + seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"


def timed(events: list[Event]) -> list[Event]:
    """The events, a second apart."""
    for second, event in enumerate(events):
        set_time(event, at(second))
    return events


def told(signal: Signal, seconds: int, app: str = "ivr", line: str | None = None) -> TraceMessage:
    """A message about device P."""
    reason = 1 if signal in (SUSPEND, OUTOFSERVICE) else 0
    return TraceMessage(1, signal.message, signal.param1, reason, app=app, device="P", line=line, at=at(seconds))


def times(observed: Observed, line: str | None = None) -> list[tuple[str, str | None]]:
    """When P was out."""
    return [(one.from_at, one.until_at) for one in observed.outages["P", line]]


@pytest.mark.parametrize("part", range(4))
def test_the_messages_of_a_log_tell_its_outages(part: int) -> None:
    """Of each line that an application was told of: where it began, and where it ended if that was told."""
    for log in whole_corpus()[part::80]:
        events = timed(decoded(log))
        messages, replay = run(events)
        trace = [
            TraceMessage(one["seq"], one["message"], one["param1"], one["param2"], one["app"], one["device"],
                         one["line"], at=one["at"])
            for one in messages
        ]  # fmt: skip
        for app in replay.book.apps:
            observed = Observed(trace, app, lines=True)
            reading = ObservedReading(ListedLog(events), observed, Wanted(lines=True, app=app))
            for row in (row for batch in reading.batches() for row in batch if row.line is not None):
                assert isinstance(row, Outage)
                assert row.observed_from_at == row.from_at
                if row.home_after is not None:
                    assert row.observed_until_at == row.until_at
                    assert row.observed_seconds == row.seconds


def test_a_device_is_out_while_its_phone_handle_is() -> None:
    """Lines count where the trace has no message about the phone device; then from the first to the last."""
    lines = [told(OUTOFSERVICE, 11, line="1"), told(OUTOFSERVICE, 12, line="2"), told(INSERVICE, 20, line="1"),
             told(INSERVICE, 21, line="2")]  # fmt: skip
    phone = [told(SUSPEND, 10), told(RESUME, 30)]

    assert times(Observed(lines)) == [(at(11), at(21))]
    assert times(Observed(sorted(lines + phone, key=lambda one: one.at or ""))) == [(at(10), at(30))]
    assert times(Observed(lines, lines=True), "2") == [(at(12), at(21))]


def test_applications() -> None:
    """While any was told so; or one alone, with what names none."""
    trace = [told(SUSPEND, 10), told(SUSPEND, 11, "board"), told(RESUME, 20), told(RESUME, 25, "board")]

    assert times(Observed(trace)) == [(at(10), at(25))]
    assert times(Observed(trace, "ivr")) == [(at(10), at(20))]


def test_an_end_that_nobody_told() -> None:
    """A handle that goes out again was given back; a close ends an outage; at the end of the trace it lasts."""
    closed = TraceMessage(1, "PHONE_CLOSE", 0, 0, app="ivr", device="P", at=at(15))

    assert times(Observed([told(SUSPEND, 10), told(SUSPEND, 20)])) == [(at(10), None), (at(20), None)]
    assert times(Observed([told(SUSPEND, 10), closed])) == [(at(10), at(15))]


def test_what_cannot_be_used_is_counted() -> None:
    """Messages without a time, and those that name no device."""
    observed = Observed([TraceMessage(1, SUSPEND.message, SUSPEND.param1), told(SUSPEND, 10)])

    assert (observed.without_time, observed.without_device, len(observed.outages)) == (1, 1, 1)


def outage(seconds: int, version: int, device: str = "P") -> Outage:
    """An outage of the log that began so late."""
    return Outage(device, "cti_port", version, at(seconds), version, at(seconds), 0.0, None, "node_failed", "cm1",
                  "cm2", 0, 1)  # fmt: skip


@pytest.mark.parametrize(
    ("model", "seen", "joined"),
    [
        ([1000], [1010], {0: 0}),
        ([1000], [990], {0: 0}),
        ([1000], [1300], {0: 0}),
        ([1000], [1301], {}),
        ([1000], [699], {}),
        ([1000, 1100], [1090], {1: 0}),
        ([1000, 1100], [1010, 1110], {0: 0, 1: 1}),
        ([1000], [900, 1010], {0: 1}),
        ([1000, 1500], [1010, 1200, 1490], {0: 0, 1: 2}),
        ([], [1000], {}),
    ],
)
def test_the_nearest_belong_together(model: list[int], seen: list[int], joined: dict[int, int]) -> None:
    """Each to one, and none that begin more than five minutes apart; the rest is left, in order."""
    trace = [one for second in seen for one in (told(SUSPEND, second), told(RESUME, second + 1))]
    found = Matched(Observed(trace), [outage(second, index) for index, second in enumerate(model)])

    assert {
        index: seen.index(int(row[14:16]) * 60 + int(row[17:19]))
        for index, second in enumerate(model)
        if isinstance(row := found.of(outage(second, index)).observed_from_at, str)
    } == joined
    assert [one.from_at for _, one in found.left] == [at(one) for one in seen if seen.index(one) not in joined.values()]
    assert found.of(outage(1000, 0, "Q")).observed_from_at is None


SITE = [
    {"type": "node_added", "node": "cm1"},
    {"type": "node_added", "node": "cm2"},
    {"type": "device_added", "device": "P", "kind": "cti_port"},
    {"type": "device_opened", "device": "P", "app": "ivr"},
    {"type": "node_failed", "node": "cm1"},
]


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (ALL, [5, None]),
        (Wanted(least=6), [5]),
        (Wanted(least=60), []),
        (Wanted(since=at(11)), [5, None]),
        (Wanted(since=at(13)), [None]),
        (Wanted(until=at(100)), [5]),
        (Wanted(devices=("Q",)), []),
        (Wanted(lasting=True), []),
    ],
)
def test_what_is_asked_for(wanted: Wanted, rows: list[int | None]) -> None:
    """Lengths and windows are those of the log or of the trace; what only the trace has comes last."""
    trace = [told(SUSPEND, 6), told(RESUME, 12), told(SUSPEND, 1000), told(RESUME, 1002)]
    reading = ObservedReading(ListedLog(timed(decoded(SITE))), Observed(trace), wanted)
    found = [row for batch in reading.batches() for row in batch]

    assert [row.from_version for row in found] == rows
    assert (reading.seen, reading.only) == (rows.count(5), rows.count(None))
    for row in found:
        if isinstance(row, OnlyObserved):
            assert (row.device, row.kind, row.observed_seconds, row.reason) == (
                "P",
                "cti_port",
                2.0,
                "CallManagerFailure",
            )


def test_a_log_alone_says_nothing_of_a_trace() -> None:
    """The fields are not there, so that nobody takes them for an outage that was not seen."""
    [batch] = [batch for batch in OutageReading(ListedLog(timed(decoded(SITE)))).batches() if batch]

    assert not batch[0].observed_from_at
    assert batch[0].observed_from_at is not None


@pytest.mark.parametrize(("observed_seconds", "took"), [(0.0, 0.0), (2.5, 2.5), (None, 5.0)])
def test_how_long_it_took_is_what_the_trace_says(observed_seconds: float | None, took: float) -> None:
    """Nothing at all is a length, too; where the trace has none, that of the log counts."""
    one = replace(outage(0, 1), seconds=5.0)

    assert one.took == 5.0
    assert replace(one, observed_seconds=observed_seconds).took == took
