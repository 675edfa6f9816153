"""How the rows of ``import``, ``discover`` and ``homes --against`` look."""

from cti_es.cucm.discover import Known
from cti_es.cucm.findings import Finding
from cti_es.cucm.registrations import Compared, Verdict
from cti_es_cli.output import View
from cti_es_cli.times import shown_time
from cti_es_cli.views import as_json, or_dash, values_of

_FINDING_COLOURS = {"appended": "green", "misfit": "yellow", "unrecovered": "red", "gap": "yellow"}


FINDINGS: View[Finding] = View(
    titles=("KIND", "NAME", "COUNT", "FIRST", "TEXT"),
    cells=lambda row: (row.kind, row.name, f"{row.count:,}", row.first or "-", row.text),
    fields=Finding.__struct_fields__,
    values=values_of,
    json=as_json,
    colour=lambda row: _FINDING_COLOURS.get(row.kind),
)

DISCOVERED: View[Known] = View(
    titles=("KIND", "NAME", "OF", "COUNT", "FIRST", "TEXT"),
    cells=lambda row: (
        row.kind,
        shown_time(row.name) if row.kind == "period" else row.name,
        shown_time(row.of) if row.kind == "period" else row.of or "-",
        f"{row.count:,}",
        row.first or "-",
        row.text,
    ),
    fields=Known.__struct_fields__,
    values=values_of,
    json=as_json,
)

VERDICTS: dict[Verdict, str] = {
    "same": "the same",
    "elsewhere": "elsewhere",
    "registered": "registered, in the log out of service",
    "not_registered": "not registered, in the log in service",
    "only_ours": "in the log only",
    "only_theirs": "in the cluster only",
}
"""Verdicts of homes beside a cluster, in words."""

COMPARED: View[Compared] = View(
    titles=("DEVICE", "OURS", "THEIRS", "VERDICT"),
    cells=lambda row: (row.device, or_dash(row.ours), or_dash(row.theirs), VERDICTS[row.verdict]),
    fields=Compared.__struct_fields__,
    values=values_of,
    json=as_json,
    colour=lambda row: "red" if row.verdict in ("elsewhere", "registered", "not_registered") else None,
)
