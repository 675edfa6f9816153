"""What real cluster logs claim → events in a log, all or nothing (docs/reference/imports.md).

Files are read into a spool first (:mod:`cti_es.cucm.files`); then, inside one transaction, claims are taken in the
order of their times and checked against the state that they meet:

* A claim whose identifier the log has is a duplicate.
* A claim that fits becomes an event, with the identifier of the line it comes from.
* A claim that says what is so already (the second report of an outage) is *merged*; any other that does not fit is a
  misfit. Both are counted, none is stored.
* A claim that is older than the last event of the log must be in it in one way or another: see
  :mod:`cti_es.cucm.past`.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from cti_es.cucm.ahead import overtaken
from cti_es.cucm.alarms import refusal
from cti_es.cucm.call_ends import doubts
from cti_es.cucm.claims import OUTAGES, REASONS, SkipReason
from cti_es.cucm.files import Chunks, File, Intake
from cti_es.cucm.findings import Finding, Findings
from cti_es.cucm.past import Past, time_of
from cti_es.cucm.present import Present
from cti_es.cucm.spool import Claimed, Spool, moved
from cti_es.cucm.stamps import LogLineOptions
from cti_es.cucm.topology_events import TopologyOptions
from cti_es.cucm.topology_import import Given, TopologyOfFiles
from cti_es.cucm.translation import Candidate, Translation, Unknown
from cti_es.cucm.unrecovered import Unrecovered
from cti_es.logs.append import Appended, AppendOptions, append
from cti_es.logs.reading import Resumed, StoredLog, catch_up, resumed_at_end
from cti_es.logs.store.base import Store
from cti_es.model.replay import MisfitReport
from cti_es.vocabulary import events
from cti_es.vocabulary.errors import Conflict
from cti_es.vocabulary.events import Event, NumberedEvents, type_of

SAID_ALREADY = frozenset({"already_failed", "already_in_service", "already_away", "not_away"})
"""Misfit codes of a claim that another line made before."""

GRACE = timedelta(seconds=5)
"""How near to a failure the end of a call is doubted, unless an import says otherwise."""


class Import(NamedTuple):
    """What to import into a log: the files (each is read before the next is asked for), and what their lines leave out.

    ``given`` is called with the names of the nodes of the log, and returns what else these nodes are called in the
    files (:func:`~cti_es.cucm.nodes.read_nodes` reads such a table). ``allow_unknown``: failures and recoveries that
    cannot be placed, since a node, a time zone, a year or a day is not known, do not stop the import. ``extra`` are
    files of events (NDJSON) that no line tells of, and that are merged with the others by time. ``grace``: a call whose
    record ends so near to a failure of the node of its device may have lasted longer.

    ``topology``: those of the files that are looked through first for what the topology is
    (:mod:`cti_es.cucm.topology`); the others have to say it before the first log. ``describing``: what becomes of it.
    """

    files: Iterable[File]
    given: Given
    options: LogLineOptions
    allow_unknown: bool = False
    extra: Iterable[File] = ()
    topology: Iterable[File] = ()
    describing: TopologyOptions = TopologyOptions()
    grace: timedelta = GRACE


class Imported(NamedTuple):
    """What an import has appended, and what else it found in the files.

    ``broken`` are files of folders and archives that could not be read, with the reason: what is in them is missing.
    """

    appended: Appended
    findings: list[Finding]
    broken: list[tuple[str, str]]


def run(
    store: Store,
    name: str,
    what: Import,
    options: AppendOptions,
    see: Callable[[list[Event]], None] = lambda events: None,
    progress: Callable[[Chunks], Chunks] = lambda lines: lines,
) -> Imported:
    """Import files into the log ``name`` of a store.

    ``see`` is called with the new events as they are found, some at a time. ``progress`` is given the lines of each
    file as they are read, and passes them on. Raises :class:`InputError` for files that cannot be imported, a log
    without nodes, or a claim that is older than the log and says something else; :class:`OutagesLost` for failures and
    recoveries that cannot be placed; :class:`Conflict` if the log is not at the expected version, or has another event
    under the identifier of a line. Nothing is stored then.
    """
    fold = resumed_at_end(StoredLog(store, name, name))
    findings, spool = Findings(), Spool()
    topology = TopologyOfFiles(store, name, fold.replay.cluster, what.describing, what.given, findings)
    try:
        intake = Intake(spool, findings, topology.read, topology.devices, what.options)
        for file in what.topology:
            topology.read.look(file.name, file.open)
        for file in what.files:
            intake.read(file, progress)
        intake.check()
        intake.begin()
        for file in what.extra:
            intake.read_events(file)
        for one, other in intake.learnt:
            topology.nodes.learn(one, other)
        job = _Job(store, name, fold, what, see, spool, findings, intake, topology)
        plan = _Plan(job)
        done = _append(job, plan, options)
        if twice := spool.duplicates:
            findings.add("duplicate", "in_these_files", None, "the same line came more than once", twice)
        plan.unrecovered.report(findings)
        intake.unknowns.report(findings)
    finally:
        spool.close()
    return Imported(done, findings.rows(), intake.broken)


def _append(job: "_Job", plan: "_Plan", options: AppendOptions) -> Appended:
    try:
        return append(job.store, job.name, plan.batches(), options, job.fold)
    except Conflict as error:
        where = error.where if error.index is None else plan.place_of(error.index)
        hint = error.hint or "was it imported with other names of nodes?"
        raise Conflict(error.what, where=where, expected=error.expected, hint=hint) from None


class _Job(NamedTuple):
    """One import in progress: the log with its fold, what is imported, and what has been read of it."""

    store: Store
    name: str
    fold: Resumed
    what: Import
    see: Callable[[list[Event]], None]
    spool: Spool
    findings: Findings
    intake: Intake
    topology: TopologyOfFiles


class _Plan:
    """Claims → the new events of a log, in batches; everything else is counted."""

    def __init__(self, job: _Job) -> None:
        self._job = job
        self._findings = job.findings
        self._place = job.intake.place
        self._translation = Translation(job.topology.nodes)
        self._present = Present(job.fold.replay)
        self._past: Past | None = None
        self._batch: list[Candidate] = []
        self._overtaken: dict[str, SkipReason] = {}
        self._stored: dict[str, int] = {}
        self.unrecovered = Unrecovered()

    def batches(self) -> Iterator[NumberedEvents]:
        """New events and duplicates, in order. To be read inside the transaction that appends them."""
        store, name, fold, spool = self._job.store, self._job.name, self._job.fold, self._job.spool
        catch_up(StoredLog(store, name, name), fold)
        latest = fold.timeline.latest
        self._overtaken = overtaken(spool, self._translation)
        self._stored = store.find_ids(name, self._overtaken)
        for first in self._job.topology.events(fold.replay, spool.first_time()):
            self._job.see(first)
            yield NumberedEvents(range(1, len(first) + 1), first)
        self._correct_call_ends()
        for claims in spool.claims():
            self._batch = [candidate for claimed in claims for candidate in self._candidates(claimed)]
            known = store.find_ids(name, {one.event.id for one in self._batch if one.event.id})
            behind = [
                time_of(one) < latest or (time_of(one) == latest and one.event.id in known) for one in self._batch
            ]
            end = max((index + 1 for index, is_old in enumerate(behind) if is_old), default=0)
            self._take_old(self._batch[:end], known)
            if new := self._batch[end:]:
                self._end_of_past()
            kept = self._fitting(new)
            self._batch[end:] = [kept.get(one.event.id, one) for one in new]
            yield self._lines(kept, known)
        self._end_of_past()
        if not self._job.what.allow_unknown:
            self._job.intake.unknowns.check()

    def place_of(self, number: int) -> str:
        """The place of the line from which the event of this number in the batch comes."""
        return self._place(self._batch[number].place)

    def _correct_call_ends(self) -> None:
        """Where a record is no witness of the end of a call, take it from the first proof after it."""
        job, devices = self._job, self._job.fold.replay.cluster.devices
        found = list(
            doubts(
                job.spool,
                find=lambda ref: job.topology.nodes.find((ref,))[0],
                home_of=lambda name: devices[name].home if name in devices else None,
                grace=job.what.grace,
            )
        )
        stored = job.store.find_ids(job.name, {one.claimed.id for one in found})
        for claimed, proof in reversed(found):
            device, where = claimed.claim.device or "", self._place(claimed.place)
            if proof is None:
                self._findings.add("doubtful", device, where, _DOUBTFUL)
            elif claimed.id in stored:
                self._findings.add("differs", device, where, _AS_RECORDED)
            else:
                job.spool.move(claimed, proof)
                self._findings.add("corrected", device, where, _PROVED)

    def _candidates(self, claimed: Claimed) -> list[Candidate]:
        """The events of a claim; what is none is counted."""
        where, claim = self._place(claimed.place), claimed.claim
        if claim.what == "login_refused":
            at = self._translation.node(claimed) or " ".join(claim.nodes).removeprefix("host ")
            self._findings.add("refused_login", claim.app or "", where, f"at {at}: {refusal(claim.reason or '')}")
            return []
        if (why := self._overtaken.get(claimed.id)) is not None:
            self._findings.add("skipped", why, where, REASONS[why])
            if claimed.id in self._stored:
                self._findings.add("differs", why, where, _OTHERWISE)
            return []
        try:
            return self._translation.candidates(claimed)
        except Unknown as unknown:
            self._findings.add("skipped", unknown.reason, where, REASONS[unknown.reason])
            self._job.intake.unknowns.add(unknown.reason, unknown.name, *claimed.place, claim.what in OUTAGES)
            return []

    def _lines(self, kept: Container[str | None], known: dict[str, int]) -> NumberedEvents:
        """What is passed on: what fits, and what the log has (to be compared with what it has)."""
        numbers = [i for i, one in enumerate(self._batch) if one.event.id in kept or one.event.id in known]
        events = [self._batch[number].event for number in numbers]
        fresh = [event for event in events if event.id in kept]
        for event in fresh:
            self._findings.add("appended", type_of[type(event)])
        if old := len(events) - len(fresh):
            self._findings.add("duplicate", "in_the_log", None, "imported before", old)
        self._job.see(fresh)
        return NumberedEvents(numbers, events)

    def _fitting(self, new: list[Candidate]) -> dict[str | None, Candidate]:
        """Those that become events, by their identifiers, as the state has settled them."""
        kept: dict[str | None, Candidate] = {}
        for raw in new:
            one = self._present.settled(raw)
            if isinstance(one, str):
                self._count(raw, one)
                continue
            if (verdict := self._present.take(one)) is not None:
                self._count(one, verdict)
            else:
                kept[one.event.id] = one
                self.unrecovered.see(one.event, self._place(one.place))
            if (ours := self._present.elsewhere(one)) is not None:
                text = f"the log has it: {ours}; this line: {one.node}"
                self._findings.add("elsewhere", getattr(one.event, "device", ""), self._place(one.place), text)
        return kept

    def _take_old(self, old: list[Candidate], known: dict[str, int]) -> None:
        """Take what the log has, or has to say the same."""
        for number, one in enumerate(old):
            if self._past is None:
                self._past = Past(self._job.store, self._job.name, one, self._place)
            if one.event.id in known:
                self._past.pass_by(one, known[one.event.id])
                self._batch[number] = self._past.as_settled(one, known[one.event.id])
            elif (verdict := self._past.take(one)) is not None:
                self._count(one, verdict)
            else:
                self._findings.add("merged", type_of[type(one.event)], self._place(one.place), _EARLIER)

    def _end_of_past(self) -> None:
        past, self._past = self._past, None
        if past is not None:
            self._present.registered |= past.end()

    def _count(self, one: Candidate, verdict: MisfitReport | SkipReason) -> None:
        """Count a candidate that is not stored. That nobody was refused needs no word."""
        where = self._place(one.place)
        if isinstance(verdict, str):
            if verdict == "linked_there":
                self._findings.add("merged", "provider_opened", where, REASONS[verdict])
            elif verdict == "outside_list" or verdict == "second_connection":
                self._findings.add(verdict, getattr(one.event, "app", ""), where, REASONS[verdict])
            elif not one.only_if_refused:
                self._findings.add("skipped", verdict, where, REASONS[verdict])
        elif type(one.event) is events.DeviceRecovered and verdict.code in SAID_ALREADY:
            self._findings.add("skipped", "not_away", where, REASONS["not_away"])
        elif type(one.event) is events.CallEnded and self._is_proved(one.event):
            self._findings.add("merged", "call_ended", where, _PROVED)
        elif type(one.event) is events.ProviderLinkLost and verdict.code in ("no_link", "other_link"):
            self._findings.add("skipped", "connection_lost", where, REASONS["connection_lost"])
        elif verdict.code in SAID_ALREADY or (verdict.code == "already_open" and not one.is_again):
            self._findings.add("merged", verdict.type, where, verdict.text)
        else:
            self._findings.add("misfit", verdict.code, where, f"{verdict.type}: {verdict.text}")

    def _is_proved(self, event: events.CallEnded) -> bool:
        """Whether the log has the end of this call from a proof, of which these files know nothing."""
        return bool(self._job.store.find_ids(self._job.name, {moved(event.id or "")}))


_OTHERWISE = "the log has an event of this line, which is none because of what follows it; import into a new log"
_DOUBTFUL = "a node died during the call: only the record says when it ended, and nothing after it proves it"
_PROVED = "a node died during the call: it ended when the device registered elsewhere or began its next call"
_AS_RECORDED = f"the log has the end that the record gives, but {_PROVED}"
_EARLIER = "an earlier report of what the log says next"
