"""The lines of one file, as they come → claims. What claims nothing is counted, and reported for the file."""

from collections.abc import Callable, Container
from datetime import date
from typing import Literal, Protocol, cast

from cti_es.cucm import alarms
from cti_es.cucm.cdr import CdrReader
from cti_es.cucm.claims import OUTAGES, REASONS, Claim, NodeRef, SkipReason
from cti_es.cucm.findings import Findings
from cti_es.cucm.log_lines import AlarmReader
from cti_es.cucm.nodes import MOST_LEARNT
from cti_es.cucm.recognise import NOTHING, FileKind, program
from cti_es.cucm.records import Record
from cti_es.cucm.sequences import Sequences
from cti_es.cucm.spool import Claimed, Place
from cti_es.cucm.stamps import LogLineOptions
from cti_es.cucm.unknowns import Unknowns
from cti_es.vocabulary.times import sort_key

_CUCM = ("UC_", "CCM_")
"""How the facilities of CUCM begin. SDL traces have none."""

_SHOWN = 10


class AddClaim(Protocol):
    """Takes a claim: see :meth:`~cti_es.cucm.spool.Spool.add`."""

    def __call__(self, claimed: Claimed, rank: int = 0, host: str = "", sequence: int | None = None) -> None:
        """Take one."""


class Found:
    """What the readers of several files have found so far.

    ``add`` takes the claims, ``findings`` the report. ``devices`` are those that the log knows; others are counted and
    left out. ``learnt`` are pairs of references to the same node. ``alarms`` has read the last file of alarms.
    ``lost`` is told where a failure or recovery without a time stands.
    """

    def __init__(self, add: AddClaim, findings: Findings, unknowns: Unknowns, options: LogLineOptions) -> None:
        self.add = add
        self.findings = findings
        self.unknowns = unknowns
        self.options = options
        self.devices: Container[str] = ()
        self.learnt: dict[tuple[NodeRef, NodeRef], None] = {}
        self.alarms: AlarmReader | None = None
        self.lost: Callable[[Place], None] = lambda place: None


class FileReader(Protocol):
    """Reads one file. ``latest`` is the latest time that it has seen in it, as far as it had to look (empty: none).

    ``is_between``: nothing of the lines so far waits for another one, so that another reader can go on here; ``day`` is
    that of the last stamp without a year, which it has to know then.
    """

    latest: str

    @property
    def lines(self) -> int:
        """How many lines have been read."""

    @property
    def is_between(self) -> bool:
        """Whether another reader can go on here."""

    @property
    def day(self) -> date | None:
        """The day of the last stamp without a year; None if none was without."""

    def go_on(self, lines: int, day: date | None, header: bytes) -> None:
        """So many lines have been read by another reader, up to this day; this is the first line of the file."""

    def take(self, lines: list[bytes]) -> None:
        """The next lines."""

    def end(self) -> str | None:
        """The file has ended. Returns why it has nothing for an import, if it has nothing."""

    def report(self) -> None:
        """Put what claimed nothing since the last report into the findings."""


def reader_of(kind: FileKind, found: Found, file: int, name: str) -> "AlarmFile | CdrFile":
    """The reader of a file of this kind. ``file`` is its number in places, ``name`` what the report calls it."""
    return AlarmFile(found, file, name) if kind == "syslog" else CdrFile(found, file, name)


class _LeftOut:
    """Lines of a file that claim nothing."""

    def __init__(self, found: Found, name: str) -> None:
        self.name = name
        self._found = found
        self._left: dict[SkipReason, list[int]] = {}

    def add(self, reason: SkipReason, line: int, many: int = 1) -> None:
        """Count a line; what is counted goes into the report with the next :meth:`report`."""
        if reason in self._left:
            self._left[reason][0] += many
        else:
            self._left[reason] = [many, line]

    def report(self) -> None:
        for reason, (many, first) in self._left.items():
            self._found.findings.add("skipped", reason, f"{self.name}:{first}", REASONS[reason], many)
        self._left.clear()


class Writers:
    """Which programs have written a file of log lines, as far as its records tell."""

    def __init__(self) -> None:
        self._others: dict[str, None] | None = {}

    def see(self, records: list[Record]) -> None:
        """Some records of the file."""
        if self._others is not None:
            self._others = _others(records, self._others)

    def why_nothing(self, reader: AlarmReader) -> str | None:
        """Why there is nothing of CUCM in the file that ``reader`` has read to its end; None if there is."""
        if self._others is None or "no_alarm" in reader.left_out:
            return None
        names = ", ".join(self._others)
        return NOTHING["other_program"].format(names) if names else NOTHING["no_line"]


class AlarmFile:
    """A CUCM syslog or an SDL trace."""

    def __init__(self, found: Found, file: int, name: str) -> None:
        self.latest = ""
        self.alarms = found.alarms = AlarmReader(found.options, found.alarms)
        self._found = found
        self._file = file
        self._left = _LeftOut(found, name)
        self._writers = Writers()
        self._sequences = Sequences(self._note("gap"), self._note("restart"))

    @property
    def lines(self) -> int:
        """How many lines have been read."""
        return self.alarms.lines

    @property
    def is_between(self) -> bool:
        """Whether another reader can go on here."""
        return self.alarms.is_between

    @property
    def day(self) -> date | None:
        """The day of the last stamp without a year; None if none was without."""
        return self.alarms.day

    def go_on(self, lines: int, day: date | None, header: bytes) -> None:
        """So many lines have been read by another reader, up to this day."""
        self.alarms.go_on(lines, day)

    def take(self, lines: list[bytes]) -> None:
        """The next lines."""
        self._take_all(self.alarms.take(lines))

    def _take_all(self, records: list[Record]) -> None:
        self._writers.see(records)
        for record in records:
            self._sequences.see(record)
            self._take(record)
        last = next((record.at for record in reversed(records) if record.at is not None), "")
        self.latest = max(self.latest, last, key=sort_key)

    def end(self) -> str | None:
        """The file has ended. Returns why it has nothing for an import, if it has nothing."""
        self.alarms.end()
        self._sequences.end()
        for reason, some in self.alarms.left_out.items():
            self._left.add(cast(SkipReason, reason), some.first, some.lines)
        return self._writers.why_nothing(self.alarms)

    def report(self) -> None:
        """Put what claimed nothing since the last report into the findings."""
        self._left.report()

    def _take(self, record: Record) -> None:
        """What a record claims."""
        rule = alarms.rule_of(record.head.mnemonic)
        if rule is None or record.is_copy:
            self._left.add("rtmt_copy" if record.is_copy else "other_alarm", record.line)
            return
        found = self._found
        # Most lines are about devices that nobody asked for: these need no closer look.
        device = record.device
        if device and device not in found.devices:
            self._left.add("unknown_device", record.line)
            found.unknowns.add("unknown_device", device, self._file, record.line)
            return
        verdict = alarms.claim_of(record, rule)
        if not isinstance(verdict, Claim):
            self._left.add(verdict, record.line)
            return
        if len(found.learnt) < MOST_LEARNT:
            found.learnt.update(dict.fromkeys(alarms.links(record)))
        if record.at is None:
            self._without_time(record, verdict)
            return
        claimed = Claimed(record.at, alarms.id_of(record), Place(self._file, record.line), verdict)
        found.add(claimed, 0, record.node or "", record.place_in_time)

    def _without_time(self, record: Record, claim: Claim) -> None:
        why = record.why or "no_time"
        self._left.add(why, record.line)
        zone = record.zone if why == "unknown_zone" else ""
        is_outage = claim.what in OUTAGES
        self._found.unknowns.add(why, zone, self._file, record.line, is_outage)
        if is_outage:
            self._found.lost(Place(self._file, record.line))

    def _note(self, kind: Literal["gap", "restart"]) -> Callable[[str, int, int], None]:
        found, text = self._found, _SEQUENCES[kind]
        return lambda process, count, line: found.findings.add(kind, process, f"{self._left.name}:{line}", text, count)


_SEQUENCES = {
    "gap": "sequence numbers left out: lines were lost, or filtered out before",
    "restart": "sequence numbers begin again: the process was restarted",
}


class CdrFile:
    """A CDR file."""

    def __init__(self, found: Found, file: int, name: str) -> None:
        self.latest = ""
        self._found = found
        self._file = file
        self._left = _LeftOut(found, name)
        self._reader = CdrReader(name, lambda device: device in found.devices, self._left.add)

    @property
    def lines(self) -> int:
        """How many lines have been read."""
        return self._reader.lines

    @property
    def is_between(self) -> bool:
        """Always: each line stands for itself, below the header."""
        return True

    @property
    def day(self) -> date | None:
        """Call records have whole times."""
        return None

    def go_on(self, lines: int, day: date | None, header: bytes) -> None:
        """So many lines have been read by another reader; this is the header."""
        self.take([header])
        self._reader.lines = lines

    def take(self, lines: list[bytes]) -> None:
        """The next lines."""
        for line, calls in self._reader.calls([lines]):
            for call in calls:
                claimed = Claimed(call.at, call.id, Place(self._file, line), call.claim)
                self._found.add(claimed, 1 if call.phase == "end" else 0)
                self.latest = max(self.latest, call.at, key=sort_key)

    def end(self) -> str | None:
        """The file has ended. A CDR file is one, whatever is in it."""
        return None

    def report(self) -> None:
        """Put what claimed nothing since the last report into the findings."""
        self._left.report()


def _others(records: list[Record], known: dict[str, None]) -> dict[str, None] | None:
    """The programs that are known to write into this file, with those of further records; None if CUCM does."""
    if any(map(_is_of_cucm, records)):
        return None
    names = dict.fromkeys((*known, *(program(record.facility) for record in records)))
    return dict.fromkeys(list(names)[:_SHOWN])


def _is_of_cucm(record: Record) -> bool:
    """Whether a record is one of CUCM's, and not of another program that writes in the same form."""
    return record.facility.startswith(_CUCM) or record.facility == "" or alarms.rule_of(record.mnemonic) is not None
