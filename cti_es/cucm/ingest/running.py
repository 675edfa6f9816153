"""Watched folders → a log, pass by pass: what is new is read, and what every source has passed is stored.

The log is what one import of all files would have made of them. What a claim means is decided when it can be decided:
a line waits until nothing can come before it any more, and until what has to follow it has had its time.
"""

from collections.abc import Container, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from cti_es.cucm.ahead import overtaken, undecided
from cti_es.cucm.call_ends import Doubt
from cti_es.cucm.claims import OUTAGES
from cti_es.cucm.file_readers import Found
from cti_es.cucm.findings import Finding, Findings
from cti_es.cucm.importing import GRACE
from cti_es.cucm.ingest.aside import LATE, UNPLACED, Aside
from cti_es.cucm.ingest.folders import SETTLED, Folders, Present
from cti_es.cucm.ingest.growing import GrowingFile, Piece
from cti_es.cucm.ingest.kept import Kept, KeptClaim, KeptState
from cti_es.cucm.ingest.passing import Mark, passed
from cti_es.cucm.nodes import Nodes
from cti_es.cucm.past import TooOld
from cti_es.cucm.plan import Job, Plan
from cti_es.cucm.present import Present as PresentState
from cti_es.cucm.present import Registered
from cti_es.cucm.spool import AFTER_ALL, CALL_ENDS, NODE_FAILURES, Claimed, Place, Spool, is_moved, moved
from cti_es.cucm.stamps import LogLineOptions
from cti_es.cucm.topology_import import Given, NoTopology
from cti_es.cucm.translation import Candidate, Translation, Unknown
from cti_es.cucm.unknowns import Unknowns
from cti_es.logs import clock
from cti_es.logs.append import Appended, AppendOptions, append
from cti_es.logs.bytes_in import UNPACK_LIMIT, UnpackLimit
from cti_es.logs.reading import StoredLog, catch_up, resumed_at_end
from cti_es.logs.store.base import Store, Writer
from cti_es.vocabulary.errors import Conflict, InputError
from cti_es.vocabulary.times import canonical_time, sort_key

LATENESS = timedelta(minutes=5)
"""How long lines wait for sources that are behind, unless an ingest says otherwise."""

REMEMBERED = timedelta(minutes=10)
"""A line that comes a second time is known again so long after the first."""

_KEEP_SECONDS = 60.0
"""What was read without anything to store is kept so often."""


class Watch(NamedTuple):
    """What to ingest: the folders, and how their files are to be read, as for an import.

    ``aside`` is the folder for lines that came too late or cannot be placed. ``source`` is kept with the events.
    Lines before ``since`` (a canonical time; empty: none) are left out.
    """

    folders: list[Path]
    given: Given
    options: LogLineOptions
    aside: Path
    lateness: timedelta = LATENESS
    grace: timedelta = GRACE
    source: str = ""
    limit: UnpackLimit = UNPACK_LIMIT
    since: str = ""


class Pass(NamedTuple):
    """What one pass did: what was appended (None: nothing was to be stored), how many lines wait and came too late.

    ``half`` are files whose last line is not whole; ``is_anew``: what was kept of earlier passes could not be used.
    """

    appended: Appended | None
    waiting: int
    late: int
    unplaced: int
    half: list[str]
    lost: list[Path]
    ignored: dict[str, str]
    is_anew: bool


class Ingest:
    """One ingest of a log. After an exception it must not be used any more: another one goes on where the log is.

    Raises :class:`NoTopology` for a log without nodes, and what reading the file of nodes raises.
    """

    def __init__(self, store: Store, log: str, watch: Watch, findings: Findings | None = None) -> None:
        self.findings = findings or Findings()
        self._store, self._log, self._watch = store, log, watch
        self._aside = Aside(watch.aside)
        self._fold = resumed_at_end(StoredLog(store, log, log))
        if not self._fold.replay.cluster.nodes:
            raise NoTopology(f"the log '{log}' has no nodes yet", where=store.address,
                             expected="the topology (nodes, devices, who has opened what)",
                             hint="append it from a file first")  # fmt: skip
        self._state = KeptState(store, log)
        kept = self._state.load()
        self._is_anew = self._state.is_damaged
        self._horizon = kept.horizon if kept else ""
        kept = kept or Kept()
        self._spool = Spool(indexed=True)
        self._unknowns = Unknowns(self._place)
        self._claims: list[_Claim] = []
        self._without_time: list[Place] = []
        self._found = Found(self._collect, self.findings, self._unknowns, watch.options)
        self._found.devices = self._fold.replay.cluster.devices
        self._found.learnt = dict.fromkeys(kept.learnt)
        self._folders = Folders(watch.folders, self._found, kept.files, watch.limit)
        self._translation = Translation(Nodes(()))
        self._translation.connections.go_on(kept.connections)
        self._present = PresentState(self._fold.replay)
        self._present.registered |= {device: Registered(node, home) for device, node, home in kept.registered}
        for one in kept.carried:
            self._spool.add_again(Claimed(one.at, one.id, Place(_KEPT, 0), one.claim))
        self._found.lost = self._without_time.append
        self._nodes: list[str] = []
        self._learnt = 0
        self._plan: _PassPlan | None = None
        self._saved = clock.seconds()
        self._has_read = False
        self._counts = _Counts()
        self._renew_nodes()

    def once(self, is_last: bool = False) -> Pass:
        """Read what is new, and store what nobody has to wait for. ``is_last``: nothing more will come."""
        counts = self._counts = _Counts()
        catch_up(StoredLog(self._store, self._log, self._log), self._fold)
        now = clock.epoch()
        present = self._folders.present(now)
        for one in present:
            self._read(one, is_last)
        self._renew_nodes()
        until = None if is_last else self._passed(present, now)
        done = self._store_until(until, is_last)
        waiting = sum(count for count, _ in self._spool.waiting(self._horizon).values())
        half = [self._folders.names[one.file.number] for one in present if one.file.rest]
        is_anew, self._is_anew = self._is_anew, False
        ignored = dict(self._folders.ignored)
        return Pass(done, waiting, counts.late, counts.unplaced, half, self._folders.lost, ignored, is_anew)

    def report(self) -> list[Finding]:
        """What was found in all passes, as an import reports it."""
        if self._plan is not None:
            self._plan.unrecovered.report(self.findings)
        self._unknowns.report(self.findings)
        if twice := self._spool.duplicates:
            self.findings.add("duplicate", "in_these_files", None, "the same line came more than once", twice)
        return self.findings.rows()

    def close(self) -> None:
        """Forget what waits; it will be read again."""
        self._spool.close()

    # --- reading ----------------------------------------------------------------------------------------------------

    def _read(self, one: Present, is_last: bool) -> None:
        file = one.file
        is_done = is_last or (one.is_moved and one.quiet >= SETTLED)
        if not (one.is_changed or (is_done and not file.is_over)):
            if one.quiet > self._watch.lateness.total_seconds():
                file.let_go()
            return
        try:
            count = self._read_on(file, one.path, is_done)
        except (OSError, InputError) as error:
            self._folders.put_off(one, error)
            return
        if count:
            self._has_read = True
            self.findings.add("read", self._folders.names[file.number], count=count, text=file.kept.kind)
        file.report()
        if is_done:
            file.end()

    def _read_on(self, file: GrowingFile, path: Path, to_the_end: bool) -> int:
        """Read what is new in a file; how many lines that were."""
        count = 0
        for piece in file.pieces(path, to_the_end):
            file.reader.take(piece.lines)
            self._take(file, piece)
            file.after(piece)
            count += 0 if piece.is_old else len(piece.lines)
        return count

    def _collect(self, claimed: Claimed, rank: int = 0, host: str = "", sequence: int | None = None) -> None:
        self._claims.append(_Claim(claimed, rank, host, sequence))

    def _take(self, file: GrowingFile, piece: Piece) -> None:
        """The claims of a piece: those of a line together, for a line is in time or late as a whole."""
        ended = [moved(one.claimed.id) for one in self._claims if one.claimed.claim.what == "call_ended"]
        put = self._store.find_ids(self._log, ended) if ended else {}
        for line, some in groupby(self._claims, key=lambda one: one.claimed.place.line):
            self._take_line(file, piece, line, [one for one in some if not self._is_put(one.claimed.id, put)])
        self._claims.clear()
        for place in self._without_time if not piece.is_old else ():
            self._counts.unplaced += 1
            self._aside.put(UNPLACED, file.text_of(piece, place.line))
        self._without_time.clear()

    def _is_put(self, id_: str, stored: Container[str]) -> bool:
        """Whether the end of a call was put at the time of a proof before: its record has come again."""
        return self._spool.has_moved(id_) or moved(id_) in stored

    def _take_line(self, file: GrowingFile, piece: Piece, line: int, claims: list["_Claim"]) -> None:
        if any(sort_key(one.claimed.at) < sort_key(self._watch.since) for one in claims):
            self.findings.add("skipped", "too_early", self._place(claims[0].claimed.place), _EARLY)
            return
        in_time = [one for one in claims if sort_key(one.claimed.at) >= self._horizon]
        if len(in_time) < len(claims) and not piece.is_old:
            self._take_late(file, line, file.text_of(piece, line), [one.claimed for one in claims])
            return
        text = file.text_of(piece, line)
        for one in in_time:
            self._spool.add(*one, text=text)

    def _take_late(self, file: GrowingFile, line: int, text: bytes, claims: list[Claimed]) -> None:
        """Claims that are older than what the log has already: known, or kept aside."""
        ids = [one.id for one in claims]
        known = self._store.find_ids(self._log, [*ids, *map(moved, ids)])
        if all(one in known or moved(one) in known or self._spool.has(one) for one in ids):
            self._counts.duplicates += len(ids)
            self.findings.add("duplicate", "in_the_log", None, "imported before", len(ids))
            return
        self._counts.late += 1
        self.findings.add("late", claims[0].claim.what, self._place(claims[0].place), _LATE)
        self._aside.put(LATE, text, file.header)

    def _place(self, place: Place) -> str:
        return f"{self._folders.names[place.file]}:{place.line}" if place.file >= 0 else ""

    def _renew_nodes(self) -> None:
        """The names of the nodes, if the log has got others, or if lines have said what else they are called."""
        nodes = list(self._fold.replay.cluster.nodes)
        if nodes == self._nodes and len(self._found.learnt) == self._learnt:
            return
        self._nodes, self._learnt = nodes, len(self._found.learnt)
        self._translation.nodes = Nodes(nodes, self._watch.given(nodes))
        for one, other in self._found.learnt:
            self._translation.nodes.learn(one, other)

    # --- storing ----------------------------------------------------------------------------------------------------

    def _passed(self, present: list[Present], now: float) -> datetime | None:
        """The time that every source has passed."""
        latest: dict[str, str] = {}
        for file in self._folders.files:
            latest[file.kept.path] = max(latest.get(file.kept.path, ""), file.kept.latest)
        marks = [
            Mark(_moment(latest[path]), timedelta(seconds=max(0.0, quiet)))
            for path, quiet in self._sources(present).items()
            if latest.get(path)
        ]
        has_calls = any(file.kept.kind == "cdr" for file in self._folders.files)
        return passed(marks, self._watch.lateness, datetime.fromtimestamp(now, UTC), has_calls)

    def _sources(self, present: list[Present]) -> dict[str, float]:
        """The sources, and how many seconds nothing was added to each: files by their first names.

        When a file was renamed the one that has its name now goes on for it; it speaks for itself until there is one.
        """
        quiet: dict[str, float] = {}
        for one in present:
            if one.is_moved:
                quiet[one.file.kept.path] = min(one.quiet, quiet.get(one.file.kept.path, one.quiet))
        here = {one.file.kept.path: one.quiet for one in present if not one.is_moved}
        return quiet | self._folders.empty | here

    def _store_until(self, until: datetime | None, is_last: bool) -> Appended | None:
        """Store what is older than ``until`` and decided; everything if this is the last time."""
        if until is None and not is_last:
            return self._keep_at_times(is_last)
        plan = self._plan = _PassPlan(self, self._plan)
        end = AFTER_ALL
        if until is not None:
            end = max(self._horizon, plan.decided(until, self._watch.lateness))
        else:
            plan.decide_all()
        plan.span = self._horizon, end
        if not (self._spool.has_between(self._horizon, end) or self._aside.has_some):
            self._raise_horizon(end)
            return self._keep_at_times(is_last)
        return self._append(plan, end)

    def _keep_at_times(self, is_last: bool) -> Appended | None:
        """Keep what has been read from time to time, though nothing is to be stored."""
        if self._has_read and (is_last or clock.seconds() - self._saved >= _KEEP_SECONDS):
            self._append(None, self._horizon)
        return None

    def _append(self, plan: "_PassPlan | None", end: str) -> Appended:
        self._raise_horizon(end)
        options = AppendOptions("ingest", self._watch.source, goes_on=True)
        batches = plan.batches() if plan else iter(())
        done = append(self._store, self._log, batches, options, self._fold, self._keep)
        self._state.kept()
        self._saved, self._has_read = clock.seconds(), False
        self._forget()
        return done._replace(duplicates=done.duplicates + self._counts.duplicates)

    def _raise_horizon(self, end: str) -> None:
        """Everything that is older has been stored; after the last pass that is all that has been read."""
        if end == AFTER_ALL:
            last = self._spool.last_time()
            end = _key(datetime.fromisoformat(last) + timedelta(microseconds=1)) if last else ""
        self._horizon = max(self._horizon, end)

    def _keep(self, writer: Writer) -> None:
        """At the end of the transaction: keep what has been read. Raises :class:`Conflict` if another ingest did so."""
        if self._state.has_moved():
            what = f"another ingest has gone on with the log '{self._log}'"
            raise Conflict(what, where=self._store.address, expected="one at a time", hint="this one ends")
        self._aside.write()
        waiting = self._spool.waiting(self._horizon)
        for file in self._folders.files:
            file.wait_for(waiting[file.number][1] if file.number in waiting else None)
        registered = [
            (device, one.node, one.home) for device, one in self._present.registered.items() if one.node != one.home
        ]  # where a device is at home, nothing has to be remembered
        kept = Kept(
            horizon=self._horizon,
            files=[file.kept for file in self._folders.files],
            connections=self._translation.connections.now(),
            registered=registered,
            learnt=list(self._found.learnt),
            carried=[KeptClaim(one.at, one.id, one.claim) for one in self._carried()],
        )
        self._state.keep(writer, kept)

    def _carried(self) -> list[Claimed]:
        """The claims that reading from the safe places on would not give once more, and that are still needed."""
        failures = self._spool.looked_ahead(NODE_FAILURES, self._oldest())
        put = [one for one in self._spool.put_elsewhere() if sort_key(one.at) >= self._horizon]
        return [*put, *(one for one in failures if sort_key(one.at) < self._horizon)]

    def _oldest(self) -> str:
        """The time from which on failures still matter: calls that began before them may wait."""
        oldest = _earlier(self._horizon, self._watch.grace)
        if not any(sort_key(one.at) < oldest for one in self._spool.looked_ahead(NODE_FAILURES)):
            return oldest
        ends = self._spool.looked_ahead(CALL_ENDS, self._horizon)
        return min([oldest, *(sort_key(one.claim.since or one.at) for one in ends)])

    def _forget(self) -> None:
        self._spool.forget(min(self._oldest(), _earlier(self._horizon, REMEMBERED)))


class _Counts:
    """What one pass has to say beside what it has appended."""

    def __init__(self) -> None:
        self.late = self.unplaced = self.duplicates = 0


class _Claim(NamedTuple):
    """A claim as a reader hands it over."""

    claimed: Claimed
    rank: int
    host: str
    sequence: int | None


class _PassPlan(Plan):
    """The plan of one pass: the claims of ``span``, which is all that is decided."""

    def __init__(self, ingest: Ingest, before: "_PassPlan | None") -> None:
        job = Job(
            ingest._store, ingest._log, ingest._fold, ingest._spool, ingest.findings, ingest._unknowns, ingest._place,
            lambda events: None, ingest._watch.grace,
        )  # fmt: skip
        super().__init__(job, ingest._translation, ingest._present)
        self.span = (ingest._horizon, "")
        self._counts = ingest._counts
        self._ends: list[Doubt] = []
        self._aside = ingest._aside
        self._folders = ingest._folders
        if before is not None:
            self.unrecovered = before.unrecovered

    def decided(self, until: datetime, lateness: timedelta) -> str:
        """Up to which time it is decided what the lines mean, if everything before ``until`` has been read."""
        spool, grace = self._job.spool, self._job.grace
        first = undecided(spool, until, overtaken(spool, self._translation))
        held = [first] if first is not None else []
        ends = (one for one in spool.looked_ahead(CALL_ENDS, _key(until - grace)) if not is_moved(one))
        held += [datetime.fromisoformat(one.at) - grace for one in ends]
        for doubt in self._open_doubts():
            at = datetime.fromisoformat(doubt.claimed.at)
            proof = sort_key(doubt.proof or "")
            is_proved = self.span[0] <= proof < _key(until) and bool(proof)
            if is_proved or until - at >= lateness:
                self._ends.append(doubt if is_proved else doubt._replace(proof=None))
            else:
                held.append(at)
        end = _key(min([until, *held]))
        self._ends = [one for one in self._ends if one.proof is not None or sort_key(one.claimed.at) < end]
        return end

    def decide_all(self) -> None:
        """Nothing more will come: what is not decided now never will be."""
        self._ends = self._open_doubts()

    def _open_doubts(self) -> list[Doubt]:
        """The doubts about ends of calls that wait, and were not settled before."""
        return [one for one in super()._of_call_ends(self.span[0]) if not is_moved(one.claimed)]

    def _of_time(self) -> Iterator[list[Claimed]]:
        return self._job.spool.claims(*self.span)

    def _of_call_ends(self, start: str = "") -> list[Doubt]:
        return self._ends

    def _no_place(self, claimed: Claimed, unknown: Unknown) -> None:
        super()._no_place(claimed, unknown)
        if claimed.claim.what in OUTAGES:
            self._counts.unplaced += 1
            self._put_aside(UNPLACED, claimed.place)

    def _no_room(self, error: TooOld, candidate: Candidate) -> None:
        self._counts.late += 1
        self._job.findings.add("late", error.what, self._place(candidate.place), _LATE)
        self._put_aside(LATE, candidate.place)

    def _put_aside(self, name: str, place: Place) -> None:
        header = next((file.header for file in self._folders.files if file.number == place.file), b"")
        self._aside.put(name, self._job.spool.text(place), header)


_KEPT = -1
"""The number of no file: of claims that were kept."""

_EARLY = "older than what is to be read"
_LATE = "came when the log was past its time: kept aside"


def _moment(key: str) -> datetime:
    return datetime.fromisoformat(f"{key}Z")


def _key(moment: datetime) -> str:
    return sort_key(canonical_time(moment.isoformat()))


def _earlier(key: str, span: timedelta) -> str:
    return _key(_moment(key) - span) if key else ""
