"""How events, the logs of a store and its faults look."""

from cti_es.report.rows import EventRow, FaultRow, LogRow, details
from cti_es.vocabulary.events import EVENT_TYPES, encode, fields_of, type_of
from cti_es.vocabulary.names import printable
from cti_es_cli.output import View
from cti_es_cli.times import shown_time
from cti_es_cli.views import as_json, flat, or_dash, values_of

# --- events ---------------------------------------------------------------------------------------------------------


_FIELDS = tuple(dict.fromkeys(field for name in EVENT_TYPES for field in fields_of(name) if field not in ("at", "id")))


EVENTS: View[EventRow] = View(
    titles=("VERSION", "AT", "TYPE", "FIELDS"),
    cells=lambda row: (str(row.version), shown_time(row.event.at), type_of[type(row.event)], details(row.event)),
    fields=("version", "type", *_FIELDS, "at", "id"),
    values=lambda row: [
        row.version,
        type_of[type(row.event)],
        *(flat(getattr(row.event, field, None)) for field in (*_FIELDS, "at", "id")),
    ],
    json=lambda row: b'{"version":%d,' % row.version + encode(row.event)[1:],
)


# --- logs and faults ------------------------------------------------------------------------------------------------


LOGS: View[LogRow] = View(
    titles=("LOG", "VERSIONS", "FIRST", "LAST", "HEAD"),
    cells=lambda row: (row.log, str(row.versions), shown_time(row.first), shown_time(row.last), row.head),
    fields=LogRow.__struct_fields__,
    values=values_of,
    json=as_json,
)


FAULTS: View[FaultRow] = View(
    titles=("LOG", "VERSION", "FAULT"),
    cells=lambda row: (or_dash(row.log), or_dash(row.version), printable(row.fault)),
    fields=FaultRow.__struct_fields__,
    values=values_of,
    json=as_json,
    colour=lambda row: "red",
)
