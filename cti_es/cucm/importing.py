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

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from cti_es.cucm.files import Chunks, File, Intake
from cti_es.cucm.findings import Finding, Findings
from cti_es.cucm.plan import Job, Plan
from cti_es.cucm.present import Present
from cti_es.cucm.spool import Spool
from cti_es.cucm.stamps import LogLineOptions
from cti_es.cucm.topology_events import TopologyOptions
from cti_es.cucm.topology_import import Given, TopologyOfFiles
from cti_es.cucm.translation import Translation
from cti_es.logs.append import Appended, AppendOptions, append
from cti_es.logs.reading import StoredLog, resumed_at_end
from cti_es.logs.store.base import Store
from cti_es.vocabulary.errors import Conflict
from cti_es.vocabulary.events import Event

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
        job = Job(store, name, fold, spool, findings, intake.unknowns, intake.place, see, what.grace)
        plan = _ImportPlan(job, topology, what.allow_unknown)
        done = _append(job, plan, options)
        if twice := spool.duplicates:
            findings.add("duplicate", "in_these_files", None, "the same line came more than once", twice)
        plan.unrecovered.report(findings)
        intake.unknowns.report(findings)
    finally:
        spool.close()
    return Imported(done, findings.rows(), intake.broken)


def _append(job: Job, plan: Plan, options: AppendOptions) -> Appended:
    try:
        return append(job.store, job.name, plan.batches(), options, job.fold)
    except Conflict as error:
        where = error.where if error.index is None else plan.place_of(error.index)
        hint = error.hint or "was it imported with other names of nodes?"
        raise Conflict(error.what, where=where, expected=error.expected, hint=hint) from None


class _ImportPlan(Plan):
    """The plan for files that are there as a whole."""

    def __init__(self, job: Job, topology: TopologyOfFiles, allow_unknown: bool) -> None:
        super().__init__(job, Translation(topology.nodes), Present(job.fold.replay))
        self._topology = topology
        self._allow_unknown = allow_unknown

    def _of_topology(self) -> Iterator[list[Event]]:
        return self._topology.events(self._job.fold.replay, self._job.spool.first_time())

    def _at_end(self) -> None:
        if not self._allow_unknown:
            self._job.unknowns.check()
