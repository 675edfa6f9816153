"""A log as tables for SQL, for sqlite-utils, Datasette and whoever asks (docs/reference/commands/export.md#tables).

The tables, views and questions are data here; what fills them is one pass over the log, and one for its incidents.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from cti_es.answers.incidents import Incident, IncidentReading
from cti_es.answers.out_of_service import InTheCluster, Outage
from cti_es.logs.reading import Batch, Log
from cti_es.model.homes import homes
from cti_es.model.providers import providers
from cti_es.model.replay import Happening, Replay
from cti_es.report.rows import DifferenceRow, SummaryRow, details
from cti_es.traces.diff.differences import says
from cti_es.vocabulary import events
from cti_es.vocabulary.events import Event, encode, type_of
from cti_es.vocabulary.tapi import TraceMessage
from cti_es.vocabulary.times import seconds_between

if TYPE_CHECKING:
    from sqlite_utils import Database

APPLICATION_ID = 0x63746965
"""What SQLite keeps in the head of a file to say whose it is: so an analysis is told from a store."""


class Table(NamedTuple):
    """A table: columns with their types, primary key, columns that are never null, references, columns to search by."""

    columns: dict[str, type]
    pk: str | tuple[str, ...]
    not_null: tuple[str, ...] = ()
    references: Mapping[str, str] = MappingProxyType({})
    indexes: tuple[str, ...] = ()


_EVENT = {"from_version": "events", "until_version": "events"}

TABLES: dict[str, Table] = {
    "events": Table(
        {"version": int, "at": str, "type": str, "node": str, "device": str, "line": str, "app": str, "call": str,
         "fields": str, "id": str},
        "version", ("type", "fields"), {}, ("at", "type", "device", "call"),
    ),
    "misfits": Table(
        {"version": int, "at": str, "type": str, "code": str, "text": str}, "version", ("type", "code", "text"),
        {"version": "events"},
    ),
    "nodes": Table({"node": str, "in_service": int}, "node", ("in_service",)),
    "devices": Table(
        {"device": str, "kind": str, "added_version": int, "removed_version": int}, "device", ("kind", "added_version"),
        {"added_version": "events", "removed_version": "events"},
    ),
    "applications": Table({"app": str, "cti_managers": str, "link": str}, "app", (), {"link": "nodes"}),
    "homes": Table(
        {"device": str, "state": str, "home": str, "original": str, "calls": int, "rehome_to": str}, "device",
        ("state", "original", "calls"),
        {"device": "devices", "home": "nodes", "original": "nodes", "rehome_to": "nodes"}, ("home", "state"),
    ),
    "lines": Table(
        {"device": str, "line": str, "state": str}, ("device", "line"), ("state",), {"device": "devices"}, ("line",)
    ),
    "messages": Table(
        {"seq": int, "version": int, "at": str, "app": str, "device": str, "line": str, "handle": int, "message": str,
         "param1_name": str, "param1": int, "reason": str, "param2": int, "param3": int, "rule": str},
        "seq", ("version", "app", "device", "message", "rule"),
        {"version": "events", "app": "applications", "device": "devices", "handle": "events"},
        ("version", "at", "app", "device"),
    ),
    "outages": Table(
        {"outage": int, "device": str, "line": str, "kind": str, "from_version": int, "from_at": str,
         "until_version": int, "until_at": str, "seconds": float, "reason": str, "cause": str, "home_before": str,
         "home_after": str, "calls": int, "handles": int},
        "outage", ("device", "kind", "from_version", "cause"),
        {**_EVENT, "device": "devices", "home_before": "nodes", "home_after": "nodes"},
        ("device", "from_version", "from_at", "until_at"),
    ),
    "calls": Table(
        {"leg": int, "call": str, "device": str, "line": str, "started_version": int, "started_at": str,
         "connected_version": int, "connected_at": str, "ended_version": int, "ended_at": str, "seconds": float},
        "leg", ("call", "device", "started_version"),
        {"device": "devices", "started_version": "events", "connected_version": "events", "ended_version": "events"},
        ("call", "device", "started_at"),
    ),
    "incidents": Table(
        {"number": int, "from_version": int, "from_at": str, "until_version": int, "until_at": str, "seconds": float,
         "moved": str, "waited": str, "closed": str, "messages": str},
        "number", ("from_version",), _EVENT, ("from_at",),
    ),
    "failures": Table(
        {"version": int, "incident": int, "at": str, "what": str, "name": str, "reason": str, "until_version": int,
         "until_at": str, "seconds": float},
        ("version", "what", "name"), ("incident",),
        {"version": "events", "until_version": "events", "incident": "incidents"}, ("incident", "name"),
    ),
    "differences": Table(
        {"number": int, "kind": str, "channel": str, "app": str, "device": str, "line": str, "expected": str,
         "seq": int, "version": int, "expected_at": str, "came": str, "place": int, "came_at": str, "detail": str},
        "number", ("kind", "channel"), {"seq": "messages", "version": "events"}, ("kind", "device"),
    ),
}  # fmt: skip
"""Table → what it is like, those that are referred to first. ``differences`` is there only beside a trace."""

VIEWS: dict[str, str] = {
    "what_happened": """
        SELECT [log, ]events.version, events.at, events.type, events.fields, count(messages.seq) AS messages
        FROM events LEFT JOIN messages USING ([log, ]version)
        WHERE events.type NOT IN ('call_started', 'call_connected', 'call_ended') OR messages.seq IS NOT NULL
        GROUP BY [events.log, ]events.version ORDER BY [events.log, ]events.version""",
    "outages_by_device": """
        SELECT [log, ]device, kind, count(*) AS outages, sum(seconds) AS seconds, max(seconds) AS longest,
               sum(until_version IS NULL) AS still_out, sum(calls) AS calls
        FROM outages WHERE line IS NULL GROUP BY [log, ]device ORDER BY still_out DESC, seconds DESC""",
    "still_out": "SELECT * FROM outages WHERE until_version IS NULL ORDER BY [log, ]from_version",
    "devices_by_node": """
        SELECT [log, ]homes.home AS node, devices.kind, count(*) AS devices,
               sum(homes.home <> homes.original) AS not_original, sum(homes.calls) AS calls
        FROM homes JOIN devices USING ([log, ]device) GROUP BY [log, ]homes.home, devices.kind
        ORDER BY [log, ]homes.home, devices.kind""",
    "messages_by_reason": """
        SELECT [log, ]app, coalesce(param1_name, message) AS message, reason, count(*) AS messages,
               count(DISTINCT device) AS devices
        FROM messages GROUP BY [log, ]app, coalesce(param1_name, message), reason ORDER BY messages DESC""",
    "calls_when_out": """
        SELECT [outages.log, ]outages.outage, outages.device, outages.from_at AS out_at, outages.reason, calls.call,
               calls.started_at, calls.ended_at
        FROM outages JOIN calls ON [calls.log = outages.log AND ]calls.device = outages.device
             AND calls.started_version < outages.from_version
             AND (calls.ended_version IS NULL OR calls.ended_version >= outages.from_version)
        WHERE outages.line IS NULL AND outages.calls > 0 ORDER BY [outages.log, ]outages.outage, calls.leg""",
}
"""View → its SELECT: the usual questions. What stands in [ ] is for the tables of several logs: see :func:`sql_of`."""

QUESTIONS: dict[str, tuple[str, str]] = {
    "device": ("What happened to a device?", """
        SELECT version, at, 'event' AS what, type || ' ' || fields AS text FROM events
        WHERE [log = :log AND ]device = :device
        UNION ALL
        SELECT version, at, 'told ' || app, coalesce(param1_name, message) || coalesce(' ' || reason, '') FROM messages
        WHERE [log = :log AND ]device = :device
        ORDER BY version"""),
    "out_at": ("What was out of service at a moment? (2026-03-02T09:44:03Z)", """
        SELECT [log, ]device, line, from_at, until_at, seconds, reason, home_before, home_after, calls FROM outages
        WHERE from_at <= :at AND (until_at IS NULL OR until_at >= :at) ORDER BY from_version"""),
    "told": ("What was an application told between two times?", """
        SELECT seq, at, device, line, coalesce(param1_name, message) AS message, reason, rule FROM messages
        WHERE [log = :log AND ]app = :app AND at >= :since AND at <= :until ORDER BY seq"""),
    "caused": ("What did an event cause?", """
        SELECT seq, app, device, line, coalesce(param1_name, message) AS message, reason, rule FROM messages
        WHERE [log = :log AND ]version = :version ORDER BY seq"""),
    "longest": ("Which outages were the longest?", """
        SELECT [log, ]device, from_at, until_at, seconds, reason, cause, calls FROM outages
        WHERE line IS NULL AND seconds > 0 ORDER BY seconds DESC, from_version LIMIT 50"""),
}  # fmt: skip
"""Question → what it asks, and the SQL that answers it; ``:name`` is asked for."""

Row = dict[str, Any]


def write_analysis(path: Path, log: Log, differences: Iterable[DifferenceRow | SummaryRow] | None = None) -> Row:
    """Write the tables of a log into a new file; gives how many rows each has.

    ``differences`` are those from a trace (None: there is none to compare). The log is read twice. Raises
    :class:`~cti_es.vocabulary.errors.InputError` and what reading the log raises.
    """
    names = [name for name in TABLES if name != "differences" or differences is not None]
    with _new(path, names, several=False) as db:
        _fill(db, log)
        _insert(db, "differences", _difference_rows(differences or ()))
        return {name: db.table(name).count for name in names}


def write_analyses(path: Path, logs: Iterable[tuple[str, Log]]) -> Row:
    """Write the tables of several logs into a new file; as :func:`write_analysis` does, with a column ``log``.

    It is the first one of each table, its primary key, every view, and of what one row has of another. ``logs`` are
    their names and they themselves, each read twice before the next one is asked for.
    """
    names = [name for name in TABLES if name != "differences"]
    with _new(path, names, several=True) as db:
        for name, log in logs:
            _fill(db, log, name)
        return {name: db.table(name).count for name in names}


@contextmanager
def _new(path: Path, names: list[str], several: bool) -> "Iterator[Database]":
    """A new file with these tables; at the end it has their indexes and the views, and says whose it is."""
    from sqlite_utils import Database

    db = Database(path)
    try:
        db.execute("PRAGMA journal_mode = OFF")  # half a file is thrown away anyway
        db.execute("PRAGMA synchronous = OFF")
        for name in names:
            _create(db, name, several)
        yield db
        for name in names:
            for column in TABLES[name].indexes:
                db.table(name).create_index([column])
        for name, select in VIEWS.items():
            db.create_view(name, sql_of(select, several))
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    finally:
        db.close()


def sql_of(text: str, several: bool = False) -> str:
    """The SQL of a view or a question: what stands in [ ] is part of it where there are ``several`` logs."""
    return re.sub(r"\[([^]]*)\]", r"\1" if several else "", text)


def is_analysis(path: Path) -> bool:
    """Whether a file is one that :func:`write_analysis` has written."""
    with path.open("rb") as file:
        start = file.read(72)
    return start.startswith(b"SQLite format 3\0") and start[68:72] == APPLICATION_ID.to_bytes(4, "big")


def is_metadata(path: Path) -> bool:
    """Whether a file is one that :func:`metadata` has made."""
    with path.open("rb") as file:
        return file.read(40).startswith(_METADATA)


_METADATA = b'{\n  "title": "cti-es: '


def metadata(name: str, source: str, several: bool = False) -> bytes:
    """What Datasette should know of a database called ``name``: titles, and the questions. JSON."""
    queries = {one: {"title": title, "sql": _plain(sql_of(sql, several))} for one, (title, sql) in QUESTIONS.items()}
    tables = {one: {"sortable_columns": [*_LOG[:several], *table.columns]} for one, table in TABLES.items()}
    about = {"description": f"Made by cti-es from {source}", "queries": queries, "tables": tables}
    return json.dumps({"title": f"cti-es: {source}", "databases": {name: about}}, indent=2).encode() + b"\n"


def _plain(sql: str) -> str:
    return " ".join(sql.split())


_LOG = ("log",)


def _create(db: "Database", name: str, several: bool) -> None:
    table = TABLES[name]
    log = _LOG[:several]
    columns = {**dict.fromkeys(log, str), **table.columns}
    keys = [(_key(log, column), other, _key(log, TABLES[other].pk)) for column, other in table.references.items()]
    db.table(name).create(
        columns, pk=_key(log, table.pk), not_null=(*log, *table.not_null), foreign_keys=keys,
        column_order=list(columns), strict=True,
    )  # fmt: skip


def _key(log: tuple[str, ...], columns: str | tuple[str, ...]) -> Any:
    """A key within a log: its columns behind that of the log, if there is one."""
    if not log:
        return columns
    return (*log, columns) if isinstance(columns, str) else (*log, *columns)


def _insert(db: "Database", name: str, rows: Iterable[Sequence[Any]], log: str | None = None) -> None:
    columns = TABLES[name].columns
    about = {} if log is None else {"log": log}
    db.table(name).insert_all((about | dict(zip(columns, row, strict=True)) for row in rows), batch_size=1_000)


# --- one pass over the log ------------------------------------------------------------------------------------------


class _Legs:
    """The call legs that are up; those that have ended are in ``ended`` until somebody takes them away."""

    def __init__(self) -> None:
        self.ended: list[list[Any]] = []
        self._up: dict[str, dict[str, list[Any]]] = {}
        self._on: dict[str, dict[str, None]] = {}
        self._count = 0

    def take(self, version: int, event: Event, calls: Mapping[str, Collection[str]], touched: Iterable[str]) -> None:
        """An event that fits has happened: ``calls`` are the legs that are up now, by call, ``touched`` its devices."""
        if isinstance(event, events.CallStarted):
            self._count += 1
            leg = [self._count, event.call, event.device, event.line, version, event.at, *[None] * 5]
            self._up.setdefault(event.call, {})[event.device] = leg
            self._on.setdefault(event.device, {})[event.call] = None
        elif isinstance(event, events.CallConnected):
            legs = self._up[event.call]
            for device in [event.device] if event.device else legs:
                legs[device][6:8] = version, event.at
        elif isinstance(event, events.CallEnded):
            for device in [event.device] if event.device else list(self._up[event.call]):
                self._end(event.call, device, version, event.at)
        else:
            for device in touched:
                for call in [one for one in self._on.get(device, ()) if device not in calls.get(one, ())]:
                    self._end(call, device, version, event.at)

    def rest(self) -> list[list[Any]]:
        """The legs that are still up."""
        return [leg for legs in self._up.values() for leg in legs.values()]

    def _end(self, call: str, device: str, version: int, at: str | None) -> None:
        leg = self._up[call].pop(device)
        if not self._up[call]:
            del self._up[call]
        del self._on[device][call]
        leg[8:] = version, at, seconds_between(leg[5], at)
        self.ended.append(leg)


class _Pass:
    """One pass over a log: rows by table, until somebody takes them away, and what is only known at its end."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Sequence[Any]]] = {name: [] for name in TABLES}
        self._replay = Replay()
        self._watching = InTheCluster(self._replay.cluster, lines=True)
        self._legs = _Legs()
        self._devices: dict[str, list[Any]] = {}
        self._apps: dict[str, None] = {}
        self._outages = 0

    def take(self, batch: Batch) -> None:
        """The next events."""
        for version, event in enumerate(batch.events, batch.version):
            self.rows["events"].append(_event_row(version, event))
            touched: list[str] = []
            for done in self._replay.happenings([event]):
                touched = [device for step in done.steps if (device := getattr(step, "device", None))]
                self._happened(done)
            if misfits := self._replay.taken_misfits():
                self.rows["misfits"] += map(msgspec.structs.astuple, misfits)
            else:
                self._legs.take(version, event, self._replay.cluster.calls, touched)
                self._configured(version, event)
        self.rows["calls"] += self._legs.ended
        self._legs.ended.clear()

    def finish(self) -> None:
        """The log has ended: what it has come to."""
        cluster, rows = self._replay.cluster, self.rows
        self._outage_rows(self._watching.lasting())
        rows["calls"] += self._legs.rest()
        rows["nodes"] += cluster.nodes.items()
        rows["devices"] += self._devices.values()
        linked = {one.app: (_json(one.cti_managers), one.link) for one in providers(self._replay.book)}
        apps = dict.fromkeys([*self._replay.book.apps, *linked, *self._apps])
        rows["applications"] += ((app, *linked.get(app, (None, None))) for app in apps)
        for one in homes(cluster):
            rows["homes"].append((one.device, one.state, one.home, one.original, one.calls, one.rehome_to))
            rows["lines"] += ((one.device, line, state) for line, state in one.lines.items())

    def _happened(self, done: Happening) -> None:
        for one in done.messages:
            self._apps[one.app] = None
            self.rows["messages"].append((
                one.seq, one.version, one.at, one.app, one.device, one.line, one.handle, one.message, one.param1_name,
                one.param1, one.param2_name, one.param2, one.param3, one.rule,
            ))  # fmt: skip
        self._outage_rows(self._watching.ended(done))

    def _outage_rows(self, found: Iterable[Outage]) -> None:
        for one in found:
            self._outages += 1
            values = (getattr(one, column) for column in list(TABLES["outages"].columns)[1:])
            self.rows["outages"].append((self._outages, *values))

    def _configured(self, version: int, event: Event) -> None:
        if isinstance(event, events.DeviceAdded):
            self._devices[event.device] = [event.device, event.kind, version, None]
        elif isinstance(event, events.DeviceRemoved):
            self._devices[event.device][3] = version


def _fill(db: "Database", log: Log, name: str | None = None) -> None:
    seen = _Pass()
    for batch in log.batches():
        seen.take(batch)
        _insert_all(db, seen.rows, name)
    seen.finish()
    _insert_all(db, seen.rows, name)
    for found in IncidentReading(log).batches():
        _insert(db, "incidents", map(_incident_row, found), name)
        _insert(db, "failures", (row for one in found for row in _failure_rows(one)), name)


def _insert_all(db: "Database", rows: dict[str, list[Sequence[Any]]], log: str | None) -> None:
    for name, some in rows.items():
        if some:
            _insert(db, name, some, log)
            some.clear()


def _event_row(version: int, event: Event) -> tuple[Any, ...]:
    about = (getattr(event, field, None) for field in ("node", "device", "line", "app", "call"))
    return version, event.at, type_of[type(event)], *about, details(event), event.id


def _incident_row(one: Incident) -> tuple[Any, ...]:
    return (
        one.number, one.from_version, one.from_at, one.until_version, one.until_at, one.seconds, _json(one.moved),
        _json(one.waited), _json(one.closed), _json(one.messages),
    )  # fmt: skip


def _failure_rows(one: Incident) -> Iterator[tuple[Any, ...]]:
    for row in one.failed:
        yield (
            row.version, one.number, row.at, row.what, row.name, row.reason, row.until_version, row.until_at,
            row.seconds,
        )  # fmt: skip


def _difference_rows(rows: Iterable[DifferenceRow | SummaryRow]) -> Iterator[tuple[Any, ...]]:
    for number, one in enumerate((row for row in rows if isinstance(row, DifferenceRow)), 1):
        first = one.expected or one.actual
        about = (first.app, first.device, first.line) if first else (None, None, None)
        yield (number, one.kind, one.channel, *about, *_side(one.expected, "place", "version", "at"),
               *_side(one.actual, "place", "at"), one.detail)  # fmt: skip


def _side(message: TraceMessage | None, *fields: str) -> tuple[Any, ...]:
    return (says(message), *(getattr(message, field) for field in fields)) if message else (None,) * (len(fields) + 1)


def _json(value: object) -> str:
    return encode(value).decode()
