"""How the rows of ``import`` and ``discover`` look. They need nothing of the other views, which take long to load."""

from typing import Any

import msgspec
from msgspec.structs import astuple

from cti_es.cucm.discover import Known
from cti_es.cucm.findings import Finding
from cti_es.vocabulary.events import encode
from cti_es_cli.output import View
from cti_es_cli.times import shown_time

_FINDING_COLOURS = {"appended": "green", "misfit": "yellow", "unrecovered": "red", "gap": "yellow"}


def _values(row: msgspec.Struct) -> list[Any]:
    return list(astuple(row))


FINDINGS: View[Finding] = View(
    titles=("KIND", "NAME", "COUNT", "FIRST", "TEXT"),
    cells=lambda row: (row.kind, row.name, f"{row.count:,}", row.first or "-", row.text),
    fields=Finding.__struct_fields__,
    values=_values,
    json=encode,
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
    values=_values,
    json=encode,
)
