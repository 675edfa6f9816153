"""``import``: what real cluster logs claim → events in a log, all or nothing.

Files are read into a spool first (``importers``); then, inside one transaction, claims are taken in the order of their
times and checked against the state that they meet:

* A claim whose identifier the log has is a duplicate.
* A claim that fits becomes an event, with the identifier of the line it comes from.
* A claim that says what is so already (the second report of an outage) is *merged*; any other that does not fit is a
  misfit. Both are counted, none is stored.

**The past.** What is older than the last event of the log cannot be put into it any more. Such a claim must be a
duplicate, or the log must say the same: it does not fit the state of the log at that time, or it is an earlier report
of what the log says next. To see that, the past is replayed with these claims in their places. Anything else is
refused: what belongs together is imported together. So importing a file again, or others that overlap with it,
changes nothing. (At the very moment of the last event the log may still grow, by what stands behind that event in the
order of the spool.)
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from msgspec.structs import replace

from cti_es.cucm import log_lines
from cti_es.cucm.claims import REASONS, NodeRef, SkipReason
from cti_es.cucm.files import Chunks, File, Intake
from cti_es.cucm.findings import Finding, Findings
from cti_es.cucm.nodes import Nodes
from cti_es.cucm.spool import Claimed, Place, Spool
from cti_es.cucm.translation import Candidate, Translation, Unknown
from cti_es.logs.append import Appended, Options, append
from cti_es.logs.ndjson import Lines
from cti_es.logs.reading import StoredLog, resumed, resumed_at_end
from cti_es.logs.store.base import Store, events_of
from cti_es.model.cluster import Cluster
from cti_es.model.replay import MisfitReport, Replay
from cti_es.vocabulary import events as log
from cti_es.vocabulary.errors import Conflict, InputError
from cti_es.vocabulary.events import Event, encode, type_of
from cti_es.vocabulary.times import sort_key

SAID_ALREADY = frozenset({"already_failed", "already_in_service", "already_away", "not_away"})
"""Misfit codes of a claim that another line made before."""


class Import(NamedTuple):
    """What to import into a log.

    ``given`` makes of the names of its nodes further ones (:func:`~cti_es.cucm.nodes.read_nodes`), ``options`` are
    what the lines leave out.
    """

    files: list[File]
    given: Callable[[Iterable[str]], dict[NodeRef, str]]
    options: log_lines.Options


class Imported(NamedTuple):
    """What came of it."""

    appended: Appended
    findings: list[Finding]


def run(
    store: Store,
    name: str,
    what: Import,
    options: Options,
    see: Callable[[list[Event]], None] = lambda events: None,
    progress: Callable[[Chunks], Chunks] = lambda lines: lines,
) -> Imported:
    """Import files into the log ``name`` of a store. ``see`` is shown the new events as they are checked.

    Raises :class:`InputError` for a file that cannot be imported, a log without nodes, or a claim that is older than
    the log and says something else; nothing is stored then.
    """
    replay, _ = resumed_at_end(StoredLog(store, name, name))
    if not replay.cluster.nodes:
        raise InputError(f"the log '{name}' has no nodes yet", where=store.address,
                         expected="the topology (nodes, devices, who has opened what)",
                         hint="append it from a file first")  # fmt: skip
    nodes = Nodes(replay.cluster.nodes, what.given(replay.cluster.nodes))
    findings, spool = Findings(), Spool()
    try:
        intake = Intake(spool, findings, replay.cluster.devices, what.options)
        for file in what.files:
            intake.read(file, progress)
        for one, other in intake.learnt:
            nodes.learn(one, other)
        plan = _Plan(store, name, spool, Translation(nodes), findings, intake.place, see)
        done = _append(store, name, plan, options)
        if twice := spool.duplicates:
            findings.add("duplicate", "in_these_files", None, "the same line came more than once", twice)
        plan.report_unrecovered()
    finally:
        spool.close()
    return Imported(done, findings.rows())


def _append(store: Store, name: str, plan: "_Plan", options: Options) -> Appended:
    try:
        return append(store, name, plan.batches(), options)
    except Conflict as error:
        where = plan.place_of(error.where)
        hint = error.hint or "was it imported with other names of nodes?"
        raise Conflict(error.what, where=where, expected=error.expected, hint=hint) from None


# --- what fits ------------------------------------------------------------------------------------------------------


def _needless(candidate: Candidate, cluster: Cluster, registered: dict[str, "_Registered"]) -> SkipReason | None:
    """Why the state makes a candidate say nothing new, although it would fit."""
    event = candidate.event
    if type(event) is log.OpenAllowed:
        return None if _is_refused(event, cluster) else "consequence"
    if type(event) is log.DeviceFailed and (device := cluster.devices.get(event.device)) is not None:
        if device.state == "unregistered":
            return "consequence"  # a port that nobody has open any more unregisters
        last = registered.get(device.name)
        node = last.node if last and last.home == device.home else device.home
        if node is not None and candidate.node not in (None, node):
            return "elsewhere"
    return None


class _Registered(NamedTuple):
    """The node that has said last that a device registered there, and where the log had the device then.

    A device moves before the node that it left gives it up, and that node knows nothing of the move.
    """

    node: str
    home: str | None


def _is_refused(event: log.OpenAllowed, cluster: Cluster) -> bool:
    device = cluster.devices.get(event.device)
    if device is None:
        return False
    if event.line is None:
        return bool(device.refused_by)
    return event.line in device.lines and bool(device.lines[event.line].refused_by)


_LOOK_FIRST = (log.OpenAllowed, log.DeviceFailed)
"""Events that :func:`_needless` asks about: what concerns their devices has to have happened before."""


class _Waiting:
    """Events that are to happen together, which is much faster than one by one.

    An event that names a device concerns that device alone; any other may concern all.
    """

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.events: list[Event] = []
        self.registering: dict[str, Candidate] = {}
        self._devices: set[str | None] = set()

    def hold_up(self, event: Event) -> bool:
        """Whether these have to happen before the event is looked at, or before it happens."""
        device = getattr(event, "device", None)
        if type(event) in _LOOK_FIRST:
            return device in self._devices or None in self._devices
        return bool(self.registering) and (device is None or device in self.registering)

    def add(self, number: int, candidate: Candidate) -> None:
        """One more, which is the candidate of that number."""
        event = candidate.event
        self.numbers.append(number)
        self.events.append(event)
        self._devices.add(getattr(event, "device", None))
        if type(event) is log.DeviceRecovered:
            self.registering[event.device] = candidate


class _Present:
    """The state at the end of the log: what fits is added to it."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.registered: dict[str, _Registered] = {}

    def take(self, candidates: list[Candidate]) -> list[MisfitReport | SkipReason | None]:
        """For each of some candidates: None if it fits (and has happened now), else why it is not stored."""
        verdicts: list[MisfitReport | SkipReason | None] = [None] * len(candidates)
        waiting = _Waiting()
        for number, candidate in enumerate(candidates):
            if waiting.hold_up(candidate.event):
                self._happen(waiting, verdicts)
                waiting = _Waiting()
            if (why := _needless(candidate, self.replay.cluster, self.registered)) is None:
                waiting.add(number, candidate)
            else:
                verdicts[number] = why
        self._happen(waiting, verdicts)
        return verdicts

    def _happen(self, waiting: _Waiting, verdicts: list[MisfitReport | SkipReason | None]) -> None:
        for number, verdict in zip(waiting.numbers, self.advance(waiting.events), strict=True):
            verdicts[number] = verdict
        for candidate in waiting.registering.values():
            self.learn(candidate)

    def learn(self, candidate: Candidate) -> None:
        """Remember where a device has registered, if that is what has happened last."""
        if type(candidate.event) is log.DeviceRecovered and candidate.node is not None:
            device = self.replay.cluster.devices.get(candidate.event.device)
            if device is not None:
                self.registered[device.name] = _Registered(candidate.node, device.home)

    def advance(self, events: list[Event]) -> list[MisfitReport | SkipReason | None]:
        """Let events happen; for each of them None, or its misfit."""
        first = self.replay.version + 1
        self.replay.advance(events)
        verdicts: list[MisfitReport | SkipReason | None] = [None] * len(events)
        for misfit in self.replay.taken_misfits():
            verdicts[misfit.version - first] = misfit
        return verdicts


class _Past:
    """The log replayed once more, with older claims in their places (see the head of this file)."""

    def __init__(self, store: Store, name: str, first: Candidate, place: Callable[[Place], str]) -> None:
        self._store, self._name, self._place = store, name, place
        self._begin = sort_key(next(_events(store, name, 1))[1].at or "")
        self._present = _Present(resumed(StoredLog(store, name, name), latest=_key(first)).replay)
        self._log = _events(store, name, self._present.replay.version + 1)
        self._next = next(self._log, None)
        self._early: dict[bytes, Candidate] = {}

    def take(self, candidate: Candidate) -> MisfitReport | SkipReason | None:
        """Why the log does not need this candidate; None if it fits there, so that it has to say the same later on."""
        key = _key(candidate)
        if key < self._begin:
            raise self._too_old(candidate)
        self._up_to(lambda version, event: event.at is None or sort_key(event.at) < key)
        if not candidate.is_sure:
            return "unknown_connection"
        [verdict] = self._present.take([candidate])
        if verdict is None:
            self._early[_content(candidate.event)] = candidate
        return verdict

    def pass_by(self, candidate: Candidate, version: int) -> None:
        """A candidate is in the log at this version: go on to behind it."""
        self._up_to(lambda at, event: at <= version)
        self._present.learn(candidate)

    def end(self) -> dict[str, _Registered]:
        """Read the log to its end, and say where devices registered before it.

        Raises :class:`InputError` for a candidate that the log does not have at all.
        """
        self._up_to(lambda version, event: bool(self._early))
        for one in self._early.values():
            raise self._too_old(one)
        return self._present.registered

    def _up_to(self, belongs: Callable[[int, Event], bool]) -> None:
        while self._next is not None and belongs(*self._next):
            _, event = self._next
            [verdict] = self._present.advance([event])
            if verdict is not None:
                self._early.pop(_content(event), None)
            self._next = next(self._log, None)

    def _too_old(self, candidate: Candidate) -> InputError:
        """What to say of a candidate that cannot be put into the log any more."""
        event = candidate.event
        version, last = next(reversed([*_events(self._store, self._name, self._store.head(self._name).version)]))
        is_topology = isinstance(last, _TOPOLOGY)
        return InputError(
            f"{type_of[type(event)]} at {event.at} is older than the end of the log, and not in it",
            where=self._place(candidate.place),
            expected=f"what comes after its last event ({version}, {type_of[type(last)]} at {last.at})",
            hint=_TOPOLOGY_FIRST if is_topology else _TOGETHER,
        )


_TOPOLOGY = (log.NodeAdded, log.DeviceAdded, log.DeviceRemoved, log.CtiManagerAdded, log.BehaviourSet)
_TOPOLOGY_FIRST = 'what is appended by hand has to be older than what the cluster wrote: give it an earlier "at"'
_TOGETHER = "what belongs together is imported together, into a log that has only the topology"


def _key(candidate: Candidate) -> str:
    """A text that sorts as the time of a candidate does."""
    return sort_key(candidate.event.at or "")


def _content(event: Event) -> bytes:
    """What an event says has happened, whoever says it and when, and for what reason or by which way."""
    return encode(replace(event, at=None, id=None, **_DETAILS.get(type(event), {})))


_DETAILS: dict[type[Event], dict[str, Any]] = {
    log.ProviderOpened: {"cti_managers": ()},
    log.DeviceFailed: {"reason": None},
}


def _events(store: Store, name: str, start: int) -> Iterator[tuple[int, Event]]:
    for row in store.rows(name, start):
        for version, event in enumerate(events_of(row, store.address), row.version):
            if version >= start:
                yield version, event


# --- the whole ------------------------------------------------------------------------------------------------------


class _Plan:
    """Claims → the new events of a log, in batches; everything else is counted."""

    def __init__(
        self,
        store: Store,
        name: str,
        spool: Spool,
        translation: Translation,
        findings: Findings,
        place: Callable[[Place], str],
        see: Callable[[list[Event]], None],
    ) -> None:
        self._store = store
        self._name = name
        self._spool = spool
        self._translation = translation
        self._findings = findings
        self._place = place
        self._see = see
        self._batch: list[Candidate] = []
        self._past: _Past | None = None
        self._failed: dict[tuple[str, str], tuple[str, str]] = {}

    def batches(self) -> Iterator[Lines]:
        """New events and duplicates, in order. To be read inside the transaction that appends them."""
        replay, timeline = resumed_at_end(StoredLog(self._store, self._name, self._name))
        present, latest = _Present(replay), timeline.latest
        for claims in self._spool.claims():
            self._batch = [candidate for claimed in claims for candidate in self._candidates(claimed)]
            known = self._store.find_ids(self._name, {one.event.id for one in self._batch if one.event.id})
            behind = [_key(one) < latest or (_key(one) == latest and one.event.id in known) for one in self._batch]
            end = max((index + 1 for index, is_old in enumerate(behind) if is_old), default=0)
            self._take_old(self._batch[:end], known)
            if new := self._batch[end:]:
                self._end_of_past(present)
            kept = self._fitting(present, new)
            yield self._lines({one.event.id for one in kept}, known)
        self._end_of_past(present)

    def place_of(self, where: str) -> str:
        """The place of a line of the batch that errors call ``import:NUMBER``."""
        return self._place(self._batch[int(where.rpartition(":")[2])].place)

    def _candidates(self, claimed: Claimed) -> list[Candidate]:
        try:
            return self._translation.candidates(claimed)
        except Unknown as unknown:
            self._findings.add("skipped", unknown.reason, self._place(claimed.place), REASONS[unknown.reason])
            return []

    def _lines(self, kept: set[str | None], known: dict[str, int]) -> Lines:
        """What is passed on: what fits, and what the log has (to be compared with what it has)."""
        numbers = [i for i, one in enumerate(self._batch) if one.event.id in kept or one.event.id in known]
        events = [self._batch[number].event for number in numbers]
        fresh = [event for event in events if event.id in kept]
        for event in fresh:
            self._findings.add("appended", type_of[type(event)])
        if old := len(events) - len(fresh):
            self._findings.add("duplicate", "in_the_log", None, "imported before", old)
        self._see(fresh)
        return Lines(numbers, events)

    def _fitting(self, present: _Present, new: list[Candidate]) -> list[Candidate]:
        kept = []
        for one, verdict in zip(new, present.take(new), strict=True):
            if verdict is None:
                kept.append(one)
                self._follow(one)
            else:
                self._count(one, verdict)
        return kept

    def _take_old(self, old: list[Candidate], known: dict[str, int]) -> None:
        """Take what the log has, or has to say the same."""
        for one in old:
            if self._past is None:
                self._past = _Past(self._store, self._name, one, self._place)
            if one.event.id in known:
                self._past.pass_by(one, known[one.event.id])
            elif (verdict := self._past.take(one)) is not None:
                self._count(one, verdict)
            else:
                self._findings.add("merged", type_of[type(one.event)], self._place(one.place), _EARLIER)

    def _end_of_past(self, present: _Present) -> None:
        past, self._past = self._past, None
        if past is not None:
            present.registered |= past.end()

    def _count(self, one: Candidate, verdict: MisfitReport | SkipReason) -> None:
        """Count a candidate that is not stored. That nobody was refused needs no word."""
        where = self._place(one.place)
        if isinstance(verdict, str):
            if not one.only_if_refused:
                self._findings.add("skipped", verdict, where, REASONS[verdict])
        elif type(one.event) is log.DeviceRecovered and verdict.code in SAID_ALREADY:
            self._findings.add("skipped", "not_away", where, REASONS["not_away"])
        elif verdict.code in SAID_ALREADY:
            self._findings.add("merged", verdict.type, where, verdict.text)
        else:
            self._findings.add("misfit", verdict.code, where, f"{verdict.type}: {verdict.text}")

    # Failures without a recovery.

    def _follow(self, one: Candidate) -> None:
        """Remember what has failed until it recovers."""
        event = one.event
        what, _, change = type_of[type(event)].rpartition("_")
        names = (getattr(event, name, None) for name in ("node", "device", "line"))
        thing = (what, " ".join(name for name in names if name))
        if change in ("failed", "refused"):
            self._failed[thing] = self._place(one.place), event.at or ""
        elif change in ("recovered", "allowed"):
            self._failed.pop(thing, None)

    def report_unrecovered(self) -> None:
        """Add to the report what failed in these files and has not recovered by their end."""
        for (what, name), (place, at) in self._failed.items():
            failed, ends = _RECOVERIES[what]
            text = f"{what} {failed} at {at}, and no line here says that this ended; {ends} ({_LEVEL})"
            self._findings.add("unrecovered", name, place, text)


_EARLIER = "an earlier report of what the log says next"
_LEVEL = "CUCM writes them only at a lower alarm level than its default, Error"
_RECOVERIES = {
    "node": ("failed", "CallManagerOnline and SDLLinkISV have severity 5, ServiceStarted 6"),
    "cti_manager": ("failed", "SDLLinkISV has severity 5, ServiceStarted 6"),
    "device": ("failed", "EndPointRegistered and DeviceRegistered have severity 6"),
    "open": ("was refused", "CtiDeviceOpened and CtiLineOpened have severity 6"),
}
"""What failed → how that is said, and the alarms that would tell of its end."""
