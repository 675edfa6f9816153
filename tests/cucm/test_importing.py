"""From claims to events: what fits, what another line said already, what the log has, and what came too late."""

import json
import os
from collections import Counter
from functools import partial

import pytest
from conftest import FIXTURES
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cluster_lines import (
    GIVEN,
    LINES,
    TOPOLOGY,
    alarm,
    back,
    cti,
    events,
    files,
    link,
    new_store,
    opened,
    stream,
)

from cti_es.cucm.files import File
from cti_es.cucm.importing import Import, run
from cti_es.cucm.past import TooOld
from cti_es.cucm.unknowns import OutagesLost
from cti_es.logs.append import AppendOptions, append
from cti_es.logs.store import MemoryStore
from cti_es.model.replay import FOLD_VERSION, Replay
from cti_es.vocabulary.errors import Conflict, InputError
from cti_es.vocabulary.event_text import event_from_fields
from cti_es.vocabulary.events import NumberedEvents


@pytest.fixture
def store():
    """A store with three nodes, two CTI Managers, a port and a phone."""
    return new_store()


def bring(store, *contents, given=GIVEN, dry_run=False, see=lambda new: None, allow_unknown=False):
    """Import files; what was appended, and the findings as (kind, name) → count."""
    done = run(
        store,
        "default",
        Import(files(*contents), lambda known: given, LINES, allow_unknown),
        AppendOptions("import", dry_run=dry_run),
        see,
    )
    counts = Counter()
    for finding in done.findings:
        counts[finding.kind, finding.name] += finding.count
    return done.appended.appended, counts


def said(store):
    """What was imported, in short: type and the names in it."""
    names = [
        [getattr(event, name, None) for name in ("node", "device", "line", "app", "reason")] for event in events(store)
    ]
    short = [" ".join([type(event).__struct_config__.tag, *map(str, filter(None, name))])
             for event, name in zip(events(store), names, strict=True)]  # fmt: skip
    return short[len(TOPOLOGY) :]


# --- outages --------------------------------------------------------------------------------------------------------


def test_every_survivor_reports_a_lost_node(store):
    """The first report in time is the event, the others are merged; so are the reports of the return."""
    first = [link(10.5, "cm2", "cm1"), link(60, "cm2", "cm1", up=True)]
    second = [link(10.2, "cm3", "cm1"), link(61, "cm3", "cm1", up=True), alarm(62, "CallManagerOnline", "cm1")]
    appended, counts = bring(store, first, second)

    assert appended == 2
    assert said(store) == ["node_failed cm1", "node_recovered cm1"]
    assert [event.at[14:22] for event in events(store)[-2:]] == ["00:10.20", "01:00Z"]
    assert counts["merged", "node_failed"] == 1
    assert counts["merged", "node_recovered"] == 2


def test_two_outages_are_two(store):
    """Outages are told apart by state, however close they are."""
    bring(
        store,
        [link(1, "cm2", "cm1"), link(2, "cm2", "cm1", up=True), link(3, "cm2", "cm1"), link(4, "cm2", "cm1", up=True)],
    )

    assert said(store) == ["node_failed cm1", "node_recovered cm1"] * 2


def test_call_processing_and_cti_manager_fail_by_themselves(store):
    """A node's alarms are about its call processing alone; application 200 is its CTI Manager."""
    bring(store, [link(1, "cm3", "cm2"), link(1.1, "cm3", "cm2", app=200), link(9, "cm3", "cm2", up=True, app=200)])

    assert said(store) == ["node_failed cm2", "cti_manager_failed cm2", "cti_manager_recovered cm2"]
    assert events(store)[-3].scope == "call_manager"


def test_numbers_are_learnt_from_any_file(store):
    """A number is tied to a host by a line of another file, later in time."""
    appended, counts = bring(store, [link(1, "cm2", "cm1")], [link(9, "cm1", "cm2", up=True)], given={})

    assert (appended, said(store)) == (1, ["node_failed cm1"])


def test_an_outage_of_an_unknown_node(store):
    """A failure or recovery that cannot be placed stops the import, with its names; or the rest is stored."""
    lines = [link(1, "cm2", "cm1"), link(2, "cm2", "cm1", up=True), gone(3, "cm9"), opened(4)]

    with pytest.raises(OutagesLost) as error:
        bring(store, lines, given={})
    assert error.value.unknown == [("node", "number 1", 2, "f1.log:1")]
    assert said(store) == []

    _, counts = bring(store, lines, given={}, allow_unknown=True)
    assert said(store) == ["device_failed SEP1 DeviceFailure", "provider_opened ivr"]
    assert (counts["skipped", "unknown_node"], counts["unknown", "number 1"]) == (2, 2)


@pytest.mark.parametrize(
    ("stamp", "unknown"),
    [("Mar 02 2026 09:00:01.000 XYZ", ("zone", "XYZ", 1, "f1.log:1")), ("Mar 02 09:00:01.000 UTC", ("year", "", 1, "f1.log:1"))],
)  # fmt: skip
def test_an_outage_at_an_unknown_time(stamp, unknown, store):
    """So does one whose time has a zone that nobody knows, or no year. What is no outage does not."""
    line = link(1, "cm2", "cm1").replace("Mar 02 2026 09:00:01.000 UTC", stamp)

    with pytest.raises(OutagesLost) as error:
        bring(store, [line])
    assert error.value.unknown == [unknown]
    assert bring(store, [opened(1).replace("Mar 02 2026 09:00:01.000 UTC", stamp)])[0] == 0


def test_names_that_nobody_knows(store):
    """The report names the devices, nodes and connections that the log does not know, the first ten of each."""
    lines = [gone(1, device=f"SEP{number}") for number in (7, 8, 7, *range(100, 120))]
    _, counts = bring(store, [*lines, cti(50, "CtiDeviceOpened", connection=9)])

    assert (counts["unknown", "SEP7"], counts["unknown", "SEP8"], counts["unknown", "…"]) == (2, 1, 12)
    assert counts["unknown", "cm2 9"] == 1
    assert len([name for kind, name in counts if kind == "unknown"]) == 12


def beside(*found, at="2026-03-02T09:00:30Z"):
    """A file of events that no line tells of."""
    lines = [json.dumps({"at": at, **event} if at else event) for event in found]
    return [File("extra.ndjson", partial(stream, "\n".join(lines)))]


def test_events_that_no_line_tells_of(store):
    """A recovery that the alarm level left out is given beside the logs, takes its place by time, and is known again."""
    lines = [link(1, "cm2", "cm1"), link(50, "cm2", "cm1")]
    extra = [{"type": "node_recovered", "node": "cm1", "scope": "call_manager"}, {"type": "node_failed", "node": "cm9"}]
    for _ in range(2):
        what = Import(files(lines), lambda known: GIVEN, LINES, extra=beside(*extra))
        done = run(store, "default", what, AppendOptions("import"))

    assert said(store) == ["node_failed cm1", "node_recovered cm1", "node_failed cm1"]
    assert done.appended.counts() == "appended 0, duplicates 3, misfits 0"
    assert [(one.name, one.first) for one in done.findings if one.kind == "misfit"] == [
        ("unknown_node", "extra.ndjson:2")
    ]
    assert [one.kind for one in done.findings if one.name == "cm1" and one.kind == "unrecovered"] == []


def test_an_event_without_a_time(store):
    """Nothing says where it belongs."""
    what = Import(
        files([opened(1)]), lambda known: GIVEN, LINES, extra=beside({"type": "node_added", "node": "x"}, at=None)
    )
    with pytest.raises(InputError, match=r"extra.ndjson:1: an event without a time"):
        run(store, "default", what, AppendOptions("import"))


def test_where_to_start_over(store):
    """What is too old says up to which version the log has only what was not imported."""
    bring(store, DAY[0])
    with pytest.raises(TooOld) as error:
        bring(store, [link(30, "cm1", "cm3")])

    assert error.value.before_imports == len(TOPOLOGY)


def service(second, node="cm1"):
    """The CallManager service of a node starts."""
    return alarm(second, "ServiceStarted", node, ServiceName="Cisco CallManager")


@pytest.mark.parametrize(
    ("lines", "back"),
    [
        ([service(10), link(32, "cm2", "cm1", up=True), alarm(40, "CallManagerOnline", "cm1")], "00:32Z"),
        ([service(10), alarm(31, "CallManagerOnline", "cm1"), link(32, "cm2", "cm1", up=True)], "00:31Z"),
        ([service(10), link(310, "cm2", "cm1", up=True)], "05:10Z"),
        ([service(10), link(310.001, "cm2", "cm1", up=True)], "00:10Z"),
        ([service(10), link(30, "cm1", "cm2", up=True)], "00:10Z"),
        ([service(10)], "00:10Z"),
    ],
)
def test_when_a_node_is_back(lines, back, store):
    """The first CallManagerOnline or SDLLinkISV decides; the start of the service only if neither follows soon."""
    bring(store, [link(1, "cm2", "cm1"), *lines])

    assert said(store)[:2] == ["node_failed cm1", "node_recovered cm1"]
    assert events(store)[len(TOPOLOGY) + 1].at.endswith(back)


def test_a_log_that_has_a_node_back_too_early(store):
    """What was imported without the line that says better is not changed: the report says what differs."""
    first = [link(1, "cm2", "cm1"), service(10)]
    bring(store, first)
    before = events(store)
    appended, counts = bring(store, [*first, link(32, "cm2", "cm1", up=True)])

    assert (appended, events(store)) == (0, before)
    assert counts["differs", "starting"] == 1


def test_where_the_cluster_has_a_device(store):
    """A registration, or the CTI Manager's word, at another node than the log has it is reported; nothing is stored."""
    _, counts = bring(store, [back(1, "cm2"), back(2, "cm1"), opened(3), cti(4, "CtiDeviceOpened"),
                              cti(5, "CtiDeviceInService", callManagerId=3), cti(6, "CtiDeviceInService", callManagerId=1)])  # fmt: skip

    assert said(store) == ["provider_opened ivr", "device_opened P ivr"]
    assert (counts["elsewhere", "SEP1"], counts["elsewhere", "P"]) == (1, 1)


def test_a_login_that_is_refused(store):
    """Who, where, why, how often."""
    lines = [alarm(second, "CtiProviderOpenFailure", "cm2", LoginUserId="ivr", CTIconnectionId=second, Reason=-1932787618)
             for second in (1, 31)]  # fmt: skip
    done = run(store, "default", Import(files(lines), lambda known: GIVEN, LINES), AppendOptions("import"))
    [finding] = [one for one in done.findings if one.kind == "refused_login"]

    assert (finding.name, finding.count, finding.first) == ("ivr", 2, "f1.log:1")
    assert finding.text == "at cm2: the directory is unavailable (0x8CCC005E)"
    assert done.appended.appended == 0


def test_a_log_that_is_elsewhere_is_a_conflict(store):
    """The caller's idea of the log's version is checked as append checks it; no line of a file has to do with that."""
    what = Import(files([link(1, "cm2", "cm1")]), lambda known: GIVEN, LINES)
    with pytest.raises(Conflict, match="at version 7; expected version 99; nothing was stored") as refused:
        run(store, "default", what, AppendOptions("import", expect=99))

    assert refused.value.index is None
    assert len(events(store)) == 7


def test_what_has_not_recovered_is_reported(store):
    """A failure without a recovery is reported, with the alarms that a default alarm level leaves out."""
    done = run(
        store, "default", Import(files([link(1, "cm2", "cm1")]), lambda known: GIVEN, LINES), AppendOptions("import")
    )
    [finding] = [one for one in done.findings if one.kind == "unrecovered"]

    assert (finding.name, finding.first) == ("cm1", "f1.log:1")
    assert "CallManagerOnline" in finding.text
    assert "alarm level" in finding.text


# --- applications ---------------------------------------------------------------------------------------------------


def test_opens_and_closes_of_an_application(store):
    """The connection gives the user name to what is opened over it; the application's closes are events."""
    appended, counts = bring(store, [
        opened(1), cti(2, "CtiDeviceOpened"), cti(3, "CtiLineOpened", DirNum="5001"), cti(3.5, "CtiLineOpened", DirNum="5002"),
        cti(4, "CtiLineClosed", DirNum="5002", Reason=6), cti(5, "CtiDeviceClosed", Reason=5),
        alarm(6, "CtiProviderClosed", "cm2", LoginUserId="ivr", CTIconnectionId=7, Reason=3),
    ])  # fmt: skip

    assert said(store) == [
        "provider_opened ivr", "device_opened P ivr", "line_opened P 5001 ivr", "line_opened P 5002 ivr",
        "line_closed P 5002 ivr", "device_closed P ivr", "provider_closed ivr",
    ]  # fmt: skip
    assert events(store)[len(TOPOLOGY)].cti_managers == ("cm2",)
    assert counts["misfit", "not_open"] == 0


@pytest.mark.parametrize("number", ["", "7: "])
def test_lines_of_one_moment_without_numbers(number, store):
    """Where no sequence number says what came first, lines of the same time are taken as they stand."""
    lines = [opened(1), cti(1, "CtiDeviceOpened"), *(cti(1, "CtiLineOpened", DirNum=f"500{n}") for n in (2, 1))]
    bring(store, [number + line.partition(": ")[2] for line in lines])

    assert said(store) == [
        "provider_opened ivr",
        "device_opened P ivr",
        "line_opened P 5002 ivr",
        "line_opened P 5001 ivr",
    ]


def test_lines_of_one_moment_in_an_sdl_trace(store):
    """A line of a trace may say two things, and a trace many in one millisecond: they are taken in its order."""
    signal = "{0:08}.000 |09:00:01.000 |SdlSig |S |ready |CTIHandler(2,200,22,7) |x |x |x LoginId=ivr"
    answer = "{0:08}.001 |09:00:01.000 |AppInfo |[CTI-APP] [CTIHandler::OutputCtiMessage ] CTI {1}"
    says = ["DeviceOpenResponse ( seq#=1 result=0 DH=1|1 deviceName=P )", "LineOpenResponse ( seq#=2 result=0 DH=1|1 LH=1|2 DN=5001 )",
            "DeviceOpenResponse ( seq#=3 result=0 DH=1|3 deviceName=SEP1 )"]  # fmt: skip
    text = [form.format(number, one) for number, one in enumerate(says, 98) for form in (signal, answer)]
    what = Import(files(text), lambda known: GIVEN, LINES._replace(date="2026-03-02"))
    run(store, "default", what, AppendOptions("import"))

    assert said(store) == [
        "provider_opened ivr",
        "device_opened P ivr",
        "line_opened P 5001 ivr",
        "device_opened SEP1 ivr",
    ]


def test_the_same_connection_number_elsewhere_is_another(store):
    """Connections are numbered by each CTI Manager for itself; one whose begin is not there is not guessed."""
    _, counts = bring(
        store,
        [
            opened(1),
            cti(2, "CtiDeviceOpened", node="cm3"),
            opened(3, "cm3", 7, "crm"),
            cti(4, "CtiDeviceOpened", node="cm3"),
        ],
    )

    assert said(store) == ["provider_opened ivr", "provider_opened crm", "device_opened P crm"]
    assert counts["skipped", "unknown_connection"] == 1


def test_a_second_login_at_a_manager_outside_of_the_list(store):
    """It is a finding with the way out, not stored; the same open by the same connection twice is a misfit."""
    _, counts = bring(store, [opened(1), opened(2, "cm3", 9), cti(3, "CtiDeviceOpened"), cti(4, "CtiDeviceOpened")])

    assert said(store) == ["provider_opened ivr", "device_opened P ivr"]
    assert (counts["outside_list", "ivr"], counts["misfit", "already_open"]) == (1, 1)


def closed(second, connection, node="cm2", reason=3):
    """A CTI Manager closes a connection of the application."""
    return alarm(second, "CtiProviderClosed", node, LoginUserId="ivr", CTIconnectionId=connection, Reason=reason)


HAS_ALL = ["provider_opened ivr", "device_opened P ivr", "line_opened P 5001 ivr"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ([closed(8, 8, reason=4)], "application_only"),
        ([opened(7, connection=8), closed(8, 8)], "other_connection"),
        ([opened(7, connection=8), cti(8, "CtiDeviceOpened", connection=8),
          cti(9, "CtiDeviceClosed", connection=8, Reason=5)], "other_connection"),
        ([opened(7, connection=8), cti(8, "CtiLineOpened", connection=8, DirNum="5001"),
          cti(9, "CtiLineClosed", connection=8, DirNum="5001", Reason=6)], "other_connection"),
        ([opened(7, connection=8), closed(8, 7, reason=1)], "other_connection"),
        ([closed(8, 9)], "other_connection"),
    ],
)  # fmt: skip
def test_what_one_connection_closes_another_may_still_have_open(more, reason, store):
    """A refused login, a second session and its devices, a session that is lost: nothing closes but by the last one."""
    begun = [opened(1), cti(2, "CtiDeviceOpened"), cti(3, "CtiLineOpened", DirNum="5001")]
    _, counts = bring(store, [*begun, *more])

    assert said(store) == HAS_ALL
    assert counts["skipped", reason] == 1


def test_the_last_connection_closes(store):
    """Connections that are lost, closed, or died with their CTI Manager keep nothing open."""
    begun = [opened(1), cti(2, "CtiDeviceOpened"), cti(3, "CtiLineOpened", DirNum="5001")]
    again = [alarm(10, "ServiceFailed", "cm2", ServiceName="Cisco CTIManager"), opened(11, "cm3", 3),
             opened(12, "cm3", 4), closed(13, 4, "cm3", reason=2), cti(14, "CtiDeviceOpened", "cm3", 3)]  # fmt: skip
    last = [cti(20, "CtiDeviceClosed", "cm3", 3, Reason=5), closed(21, 3, "cm3")]
    _, counts = bring(store, [*begun, *again, *last])

    assert said(store) == [*HAS_ALL, "cti_manager_failed cm2", "device_closed P ivr", "provider_closed ivr"]
    assert counts["outside_list", "ivr"] == 2


LISTED = {"type": "provider_opened", "app": "ivr", "cti_managers": ["cm2", "cm3"]}


@pytest.mark.parametrize(
    ("lines", "expected", "found"),
    [
        ([opened(1)], [], ("merged", "provider_opened")),
        ([opened(1, "cm3", 3)], [], ("second_connection", "ivr")),
        ([opened(1), opened(2, "cm3", 3)], [], ("second_connection", "ivr")),
        ([opened(1), closed(5, 7, reason=1), opened(9)], ["lost cm2", "linked cm2"], ("merged", "provider_opened")),
        ([opened(1), closed(5, 7, reason=2), opened(9, "cm3", 3)], ["lost cm2", "linked cm3"], ("merged", "provider_opened")),
        ([closed(5, 7, reason=1)], ["lost cm2"], ("appended", "provider_link_lost")),
        ([closed(5, 7, reason=1), closed(6, 8, reason=1)], ["lost cm2"], ("skipped", "connection_lost")),
        ([closed(5, 7, "cm3", reason=1)], [], ("skipped", "connection_lost")),
        ([opened(1), link(2, "cm1", "cm2", app=200), opened(3, "cm3", 3)], ["failed cm2"], ("merged", "provider_opened")),
        ([opened(1), opened(2, connection=8), closed(3, 7, reason=1), closed(4, 8, reason=1)], ["lost cm2"],
         ("skipped", "other_connection")),
    ],
)  # fmt: skip
def test_an_applications_own_link(lines, expected, found):
    """It is lost with the last connection there, and linked again by a login that no other connection stands beside."""
    store = new_store(LISTED)
    _, counts = bring(store, lines)
    short = {"provider_link_lost": "lost", "provider_linked": "linked", "cti_manager_failed": "failed"}
    names = [(short[type(one).__struct_config__.tag], one.node) for one in events(store)[len(TOPOLOGY) + 1 :]]

    assert [" ".join(name) for name in names] == expected
    assert counts[found] >= 1
    assert bring(store, lines)[0] == 0


def test_an_application_whose_host_dies():
    """What its CTI Manager closes with the connection is no close of its own; what it opens again is merged."""
    text = (FIXTURES / "real" / "cases" / "application-dies.log").read_text().splitlines()
    topology = (FIXTURES / "real" / "cases" / "application-dies-topology.ndjson").read_text().splitlines()
    store = MemoryStore()
    append(store, "default", [NumberedEvents(range(4), [event_of(line) for line in topology])], AppendOptions())
    _, counts = bring(store, text, given={})
    types = [type(event).__struct_config__.tag for event in events(store)[4:]]

    assert types == ["provider_opened", "device_opened", "line_opened", "provider_link_lost", "provider_linked"]
    assert counts["merged", "device_opened"] == counts["skipped", "closed_by_loss"] == 1
    assert not [name for kind, name in counts if kind in ("misfit", "elsewhere")]
    assert bring(store, text, given={})[0] == 0


def event_of(line):
    """The event of a line of NDJSON."""
    fields = json.loads(line)
    return event_from_fields(fields.pop("type"), fields, "x")


def test_an_earlier_login_elsewhere(store):
    """A login that comes to light later, older and at another CTI Manager than the log's, changes nothing again."""
    first = [link(0, "cm1", "cm2", app=200), opened(1, connection=8)]
    second = [link(2, "cm2", "cm1"), opened(0, "cm3"), cti(2, "CtiDeviceOpened", connection=8)]
    bring(store, first)
    bring(store, first, second)

    assert bring(store, first, second)[0] == 0


def test_whatever_connection_is_the_last(store):
    """The first one closes, then the second: that is the end. What the first had open went with it."""
    lines = [opened(1), opened(2, connection=8), cti(3, "CtiDeviceOpened"), cti(4, "CtiDeviceOpened", connection=8),
             closed(5, 7), cti(6, "CtiDeviceClosed", Reason=5), cti(7, "CtiDeviceClosed", connection=8, Reason=5),
             closed(8, 8)]  # fmt: skip
    _, counts = bring(store, lines)

    assert said(store) == [*HAS_ALL[:2], "device_closed P ivr", "provider_closed ivr"]
    assert counts["skipped", "unknown_connection"] == 1


def test_a_number_is_given_to_another_application(store):
    """A connection that has closed is forgotten: its number may be that of another application."""
    lines = [
        opened(1, user="other"),
        alarm(2, "CtiProviderClosed", "cm2", LoginUserId="other", CTIconnectionId=7, Reason=3),
    ]
    _, counts = bring(store, [*lines, cti(3, "CtiDeviceOpened")])

    assert said(store) == ["provider_opened other", "provider_closed other"]
    assert counts["skipped", "unknown_connection"] == 1


def test_half_of_a_log_again(store):
    """Without the lines that say whose a connection is, its old close is left out, not refused."""
    lines = [opened(1), opened(2, connection=8), closed(3, 8), closed(4, 7), alarm(9, "CallManagerFailure", "cm1")]
    assert bring(store, lines)[0] == 3
    appended, counts = bring(store, lines[2:])

    assert (appended, counts["duplicate", "in_the_log"], counts["skipped", "unknown_connection"]) == (0, 2, 1)


def test_a_refusal_that_does_not_end_is_reported(store):
    """Everybody would wait for its end for ever; the line that would tell of it is often not written."""
    lines = [opened(1), cti(2, "CtiDeviceOpenFailure", Reason=-1932787494), cti(3, "CtiDeviceOpened"),
             cti(4, "CtiLineOpenFailure", DirNum="5001", Reason=-1932787501)]  # fmt: skip
    done = run(store, "default", Import(files(lines), lambda known: GIVEN, LINES), AppendOptions("import"))

    assert [(one.name, one.first, one.text) for one in done.findings if one.kind == "unrecovered"] == [
        ("P 5001", "f1.log:4", "open was refused at 2026-03-02T09:00:04Z, and no line here says that this ended;"
         " CtiDeviceOpened and CtiLineOpened have severity 6 (CUCM writes them only at a lower alarm level than its"
         " default, Error)"),
    ]  # fmt: skip


def test_an_open_that_fails_and_later_succeeds(store):
    """A refusal lasts until the cluster opens the device after all: then it is allowed, and then opened."""
    _, counts = bring(store, [
        opened(1), cti(2, "CtiDeviceOpenFailure", Reason=-1932787494), cti(3, "CtiDeviceOpened"),
        cti(4, "CtiLineOpenFailure", DirNum="5001", Reason=-1932787501), cti(5, "CtiLineOpened", DirNum="5001"),
        cti(6, "CtiLineOpened", DirNum="5002"),
    ])  # fmt: skip

    assert said(store)[1:] == [
        "open_refused P", "open_allowed P", "device_opened P ivr", "open_refused P 5001", "open_allowed P 5001",
        "line_opened P 5001 ivr", "line_opened P 5002 ivr",
    ]  # fmt: skip
    assert counts["skipped", "consequence"] == 0


# --- devices --------------------------------------------------------------------------------------------------------


def gone(second, node="cm1", reason=13, device="SEP1"):
    """A node has lost a device."""
    return alarm(second, "EndPointUnregistered", node, DeviceName=device, Reason=reason)


def test_a_device_fails_and_recovers(store):
    """A lost registration takes a device away; the next registration brings it back; others mean nothing here."""
    _, counts = bring(store, [back(1), gone(2), gone(3), back(4), back(5), gone(6, reason=28), gone(7, reason=21)])

    assert said(store) == [
        "device_failed SEP1 DeviceFailure",
        "device_recovered SEP1",
        "device_failed SEP1 EnergyWisePowerSavePlus",
    ]
    assert counts["skipped", "not_away"] == 2
    assert counts["skipped", "consequence"] == 1
    assert counts["merged", "device_failed"] == 1


def test_a_node_that_never_had_the_device(store):
    """The time-out of a node that the device has left long ago is no failure of the device."""
    _, counts = bring(store, [gone(1, node="cm2"), link(2, "cm2", "cm1"), gone(3, node="cm1"), gone(4, node="cm2")])

    assert said(store) == ["node_failed cm1", "device_failed SEP1 DeviceFailure"]
    assert counts["skipped", "elsewhere"] == 2


def test_a_node_that_the_device_has_left(store):
    """A phone registers elsewhere before the node it left gives it up; what its new node says counts, also again."""
    lines = [
        back(1, "cm2"),
        gone(60, "cm1"),
        gone(70, "cm2", reason=10),
        back(80, "cm3"),
        gone(90, "cm1"),
        gone(95, "cm3"),
    ]
    _, counts = bring(store, lines)
    expected = ["device_failed SEP1 DeviceUnregistered", "device_recovered SEP1", "device_failed SEP1 DeviceFailure"]

    assert said(store) == expected
    assert counts["skipped", "elsewhere"] == 2
    assert bring(store, lines)[0] == 0


def test_a_port_that_nobody_has_open_unregisters(store):
    """That a port unregisters when it is closed follows from the close."""
    _, counts = bring(store, [gone(1, device="P", reason=10)])

    assert (said(store), counts["skipped", "consequence"]) == ([], 1)


# --- again, overlapping, late ---------------------------------------------------------------------------------------

DAY = [
    [opened(1), cti(2, "CtiDeviceOpened"), cti(3, "CtiLineOpened", DirNum="5001"), link(20, "cm2", "cm1"), cti(21, "CtiDeviceOpenFailure"),
     link(40, "cm2", "cm1", up=True), cti(50, "CtiDeviceClosed", Reason=5), cti(51, "CtiDeviceOpened"), opened(52)],
    [link(19.9, "cm3", "cm1"), gone(20.1, "cm1"), gone(20.2, "cm2"), link(41, "cm3", "cm1", up=True), back(45, "cm2"), back(46, "cm1")],
    [link(19.9, "cm3", "cm1"), alarm(39, "CallManagerOnline", "cm1"), gone(39, "cm2"), link(60, "cm1", "cm3"), gone(61, "cm1")],
]  # fmt: skip


def test_the_same_again_changes_nothing(store):
    """Importing files again, all or some, in any order, appends nothing."""
    appended, _ = bring(store, *DAY)
    before = events(store)

    assert appended == len(before) - len(TOPOLOGY) > 8
    for again in (DAY, DAY[::-1], DAY[:1], DAY[1:2], DAY[2:], [DAY[0][3:], DAY[1][2:]]):
        appended, counts = bring(store, *again)
        assert (appended, counts["appended", "node_failed"]) == (0, 0)
    assert events(store) == before


def test_an_earlier_report_of_what_the_log_has(store):
    """A report of the same outage that comes to light later, but is older, is merged: the log has that outage."""
    bring(store, DAY[0])
    before = events(store)
    appended, counts = bring(
        store, [link(19.9, "cm3", "cm1"), link(20.5, "cm3", "cm1"), link(41, "cm3", "cm1", up=True)]
    )

    assert appended == 0
    assert (counts["merged", "node_failed"], counts["merged", "node_recovered"]) == (2, 1)
    assert events(store) == before


def test_what_is_older_than_the_log_and_not_in_it(store):
    """An event that would have to go in before the end of the log is refused, with its line; nothing is stored."""
    bring(store, DAY[0])
    before = events(store)

    with pytest.raises(InputError, match=r"f1.log:2: node_failed at 2026-03-02T09:00:30Z is older") as error:
        bring(store, [link(5, "cm3", "cm1", up=True), link(30, "cm1", "cm3"), link(99, "cm1", "cm2")])
    assert "imported together" in str(error.value)
    assert events(store) == before


def test_more_of_the_same_log_goes_on(store):
    """A file that has grown since: what is new is appended, the rest is known."""
    bring(store, DAY[0])
    appended, counts = bring(store, [*DAY[0], link(70, "cm2", "cm1"), link(71, "cm2", "cm1", up=True)])

    assert appended == 2
    assert counts["duplicate", "in_the_log"] == len(events(store)) - len(TOPOLOGY) - 2 == 9


def test_a_topology_without_times_is_younger_than_every_log():
    """Events that were stamped when they were appended are newer than the log of yesterday; the error says what helps."""
    with pytest.raises(InputError, match="what is appended by hand has to be older"):
        bring(new_store(at="2026-11-01T00:00:00Z"), DAY[0])


def test_the_same_line_under_other_names_of_nodes(store):
    """An identifier stands for one event: other names of nodes the second time are an error with the line."""
    bring(store, [link(1, "cm2", "cm1")])

    with pytest.raises(Conflict, match=r"f1.log:1: the id 'alarm:.*' stands for another event") as error:
        bring(store, [link(1, "cm2", "cm1")], given={"number 1": "cm3"})
    assert "other names of nodes" in str(error.value)


def test_a_log_without_nodes():
    """The topology comes first."""
    with pytest.raises(InputError, match="has no nodes yet"):
        bring(MemoryStore(), DAY[0])


def test_a_rehearsal_stores_nothing(store):
    """Dry: the events are shown, the log stays as it is."""
    shown = []
    appended, _ = bring(store, *DAY, dry_run=True, see=shown.extend)

    assert said(store) == []
    assert len(shown) == appended
    bring(store, *DAY)
    assert events(store)[len(TOPOLOGY) :] == shown


def test_duplicates_in_one_import(store):
    """The same alarm by two ways is one."""
    assert bring(store, DAY[0], DAY[0])[1]["duplicate", "in_these_files"] == len(DAY[0])


def test_every_event_is_folded_once(store, monkeypatch):
    """The log is restored once, and each new event is folded once; what does not fit is tried once."""
    folded = []
    advance = Replay.advance
    monkeypatch.setattr(Replay, "advance", lambda self, events: (folded.extend(events), advance(self, events)))
    bring(store, *DAY)

    new = events(store)[len(TOPOLOGY) :]
    assert folded[: len(TOPOLOGY)] == events(store)[: len(TOPOLOGY)]
    assert [event for event in folded if event in new] == new
    assert len(folded) == len({event.id for event in folded if event.id}) + len(TOPOLOGY)


def test_a_snapshot_of_an_import(store, monkeypatch):
    """What does not fit leaves nothing in the state: a snapshot is the state of the log, whoever folds it."""
    monkeypatch.setattr("cti_es.logs.append.SNAPSHOT_WORK", 1)
    _, counts = bring(store, *DAY)
    whole = Replay()
    whole.advance(events(store))
    snapshot = store.snapshot("default", FOLD_VERSION)

    assert counts["merged", "node_failed"] > 0
    assert (snapshot.version, snapshot.state) == (whole.version, whole.encoded())


MANY = int(os.environ.get("CTI_ES_EXAMPLES", "60"))
SECONDS = st.integers(0, 12)
NODES = st.sampled_from(["cm1", "cm2", "cm3"])
MANAGERS = st.sampled_from(["cm2", "cm3"])
CONNECTIONS = st.sampled_from([7, 8])
REPORTS = st.one_of(
    st.builds(link, SECONDS, NODES, NODES, st.booleans(), st.sampled_from([100, 200])),
    st.builds(gone, SECONDS, NODES, st.sampled_from([13, 10, 21, 28]), st.sampled_from(["SEP1", "P"])),
    st.builds(back, SECONDS, NODES, st.sampled_from(["SEP1", "P"])),
    st.builds(opened, SECONDS, MANAGERS, CONNECTIONS),
    st.builds(closed, SECONDS, CONNECTIONS, MANAGERS, st.sampled_from([1, 3, 4])),
    st.builds(cti, SECONDS, st.sampled_from(["CtiDeviceOpened", "CtiDeviceOpenFailure"]), MANAGERS, CONNECTIONS),
    st.builds(partial(cti, name="CtiDeviceClosed", Reason=5), SECONDS, node=MANAGERS, connection=CONNECTIONS),
    st.builds(partial(cti, name="CtiLineOpened", DirNum="5001"), SECONDS, node=MANAGERS, connection=CONNECTIONS),
    st.builds(partial(cti, name="CtiLineClosed", DirNum="5001", Reason=6), SECONDS, node=MANAGERS, connection=CONNECTIONS),
)  # fmt: skip


@settings(deadline=None, max_examples=MANY)
@given(st.lists(st.lists(REPORTS, max_size=12), min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_whatever_is_imported(contents, random):
    """Any reports: no misfit is stored, identifiers do not depend on the order of files, and again changes nothing."""
    contents = [[alarm(0, "SomeOther"), *lines] for lines in contents]
    store, other = new_store(), new_store()
    bring(store, *contents)
    replay = Replay()
    replay.advance(events(store))
    mixed = [random.sample(lines, len(lines)) for lines in random.sample(contents, len(contents))]
    bring(other, *mixed)

    assert replay.misfits == []
    assert events(other) == events(store)
    assert bring(store, *mixed)[0] == 0
    assert bring(store, *contents, *contents)[0] == 0


@settings(deadline=None, max_examples=MANY)
@given(st.lists(REPORTS, max_size=20), st.lists(REPORTS, max_size=20))
def test_part_of_it_again(first, second):
    """Any further import is refused whole or makes a log that has no misfits; both again changes nothing."""
    store = new_store()
    first, second = ([alarm(0, "SomeOther"), *lines] for lines in (first, second))
    bring(store, first)
    before = events(store)
    try:
        bring(store, first, second)
    except InputError as error:
        assert "older" in str(error)
        assert events(store) == before
        return
    replay = Replay()
    replay.advance(events(store))
    after = events(store)

    assert replay.misfits == []
    assert after[: len(before)] == before
    assert len({event.id for event in after if event.id}) == len(after) - len(TOPOLOGY)
    assert bring(store, first, second)[0] == 0
