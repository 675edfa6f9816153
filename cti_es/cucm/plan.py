"""Claims in the order of their times → the new events of a log (docs/reference/imports.md#what-is-merged)."""

from collections.abc import Callable, Container, Iterator
from datetime import timedelta
from typing import NamedTuple

from cti_es.cucm.ahead import overtaken
from cti_es.cucm.alarms import refusal
from cti_es.cucm.call_ends import Doubt, doubts
from cti_es.cucm.claims import OUTAGES, REASONS, SkipReason
from cti_es.cucm.findings import Findings
from cti_es.cucm.past import Past, TooOld, time_of
from cti_es.cucm.present import Present
from cti_es.cucm.spool import Claimed, Place, Spool, moved
from cti_es.cucm.translation import Candidate, Translation, Unknown
from cti_es.cucm.unknowns import Unknowns
from cti_es.cucm.unrecovered import Unrecovered
from cti_es.logs.reading import Resumed, StoredLog, catch_up
from cti_es.logs.store.base import Store
from cti_es.model.replay import MisfitReport
from cti_es.vocabulary import events
from cti_es.vocabulary.events import Event, NumberedEvents, type_of

SAID_ALREADY = frozenset({"already_failed", "already_in_service", "already_away", "not_away"})
"""Misfit codes of a claim that another line made before."""


class Job(NamedTuple):
    """What a plan works on: the log with its fold, the claims, and the report.

    ``place`` makes text of a place, ``see`` is shown the new events, ``grace`` is how near to the failure of the node
    of its device the end of a call is doubted.
    """

    store: Store
    name: str
    fold: Resumed
    spool: Spool
    findings: Findings
    unknowns: Unknowns
    place: Callable[[Place], str]
    see: Callable[[list[Event]], None]
    grace: timedelta


class Plan:
    """Claims → the new events of a log, in batches; everything else is counted.

    What is particular to an import of whole files, or of files that grow, is in the methods that begin with
    ``_of_``, ``_no_`` and ``_at_``.
    """

    def __init__(self, job: Job, translation: Translation, present: Present) -> None:
        self._job = job
        self._findings = job.findings
        self._place = job.place
        self._translation = translation
        self._present = present
        self._past: Past | None = None
        self._batch: list[Candidate] = []
        self._overtaken: dict[str, SkipReason] = {}
        self._stored: dict[str, int] = {}
        self.unrecovered = Unrecovered()

    def batches(self) -> Iterator[NumberedEvents]:
        """New events and duplicates, in order. To be read inside the transaction that appends them."""
        job, spool = self._job, self._job.spool
        catch_up(StoredLog(job.store, job.name, job.name), job.fold)
        latest = job.fold.timeline.latest
        self._overtaken = overtaken(spool, self._translation)
        self._stored = job.store.find_ids(job.name, self._overtaken)
        for first in self._of_topology():
            job.see(first)
            yield NumberedEvents(range(1, len(first) + 1), first)
        self._correct_call_ends()
        for claims in self._of_time():
            yield self._of_claims(claims, latest)
        self._end_of_past()
        self._at_end()

    def _of_topology(self) -> Iterator[list[Event]]:
        """Events that come before all claims."""
        return iter(())

    def _of_time(self) -> Iterator[list[Claimed]]:
        """The claims whose time it is, in order."""
        return self._job.spool.claims()

    def _of_call_ends(self, start: str = "") -> list[Doubt]:
        """The ends of calls, from a time on, that records give, but do not witness."""
        devices = self._job.fold.replay.cluster.devices
        found = doubts(
            self._job.spool,
            find=lambda ref: self._translation.nodes.find((ref,))[0],
            home_of=lambda name: devices[name].home if name in devices else None,
            grace=self._job.grace,
            start=start,
        )
        return list(found)

    def _no_place(self, claimed: Claimed, unknown: Unknown) -> None:
        """A claim names something that is not known."""
        self._job.unknowns.add(unknown.reason, unknown.name, *claimed.place, claimed.claim.what in OUTAGES)

    def _no_room(self, error: TooOld, candidate: Candidate) -> None:
        """A candidate is older than the end of the log, and not in it."""
        raise error

    def _at_end(self) -> None:
        """All claims have been taken."""

    def _of_claims(self, claims: list[Claimed], latest: str) -> NumberedEvents:
        """What these claims add to a log that had come to ``latest`` before."""
        self._batch = [candidate for claimed in claims for candidate in self._candidates(claimed)]
        known = self._job.store.find_ids(self._job.name, {one.event.id for one in self._batch if one.event.id})
        behind = [time_of(one) < latest or (time_of(one) == latest and one.event.id in known) for one in self._batch]
        end = max((index + 1 for index, is_old in enumerate(behind) if is_old), default=0)
        self._take_old(self._batch[:end], known)
        if new := self._batch[end:]:
            self._end_of_past()
        kept = self._fitting(new)
        self._batch[end:] = [kept.get(one.event.id, one) for one in new]
        return self._lines(kept, known)

    def place_of(self, number: int) -> str:
        """The place of the line from which the event of this number in the batch comes."""
        return self._place(self._batch[number].place)

    def _correct_call_ends(self) -> None:
        """Where a record is no witness of the end of a call, take it from the first proof after it."""
        job, found = self._job, self._of_call_ends()
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
            self._no_place(claimed, unknown)
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
            else:
                self._take_late(self._past, one)

    def _take_late(self, past: Past, one: Candidate) -> None:
        """Take what the log has to say the same somewhere behind it."""
        try:
            verdict = past.take(one)
        except TooOld as error:
            self._no_room(error, one)
        else:
            if verdict is not None:
                self._count(one, verdict)
            else:
                self._findings.add("merged", type_of[type(one.event)], self._place(one.place), _EARLIER)

    def _end_of_past(self) -> None:
        past, self._past = self._past, None
        if past is not None:
            self._present.registered |= past.end()
            for one in past.missing():
                self._no_room(past.too_old(one), one)

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
