"""``schema``: JSON Schema of every NDJSON that a command prints."""

import json
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from cti_es_cli.options import OutFile
from cti_es_cli.output import opened

KINDS = {
    "events": ("vocabulary.events:AnyEvent", "a log file, export, generate"),
    "appended": ("report.rows:AppendedRow", "append --ndjson"),
    "log": ("vocabulary.events:AnyEvent", "log"),
    "messages": ("vocabulary.tapi:Message", "replay"),
    "misfits": ("model.replay:MisfitReport", "replay --misfits"),
    "homes": ("model.homes:Home", "homes"),
    "nodes": ("answers.selection:NodeCount", "homes --count"),
    "compared": ("cucm.registrations:Compared", "homes --against"),
    "providers": ("model.providers:ProviderRow", "providers"),
    "outages": ("answers.out_of_service:Outage answers.observed:OnlyObserved", "outages"),
    "incidents": ("answers.incidents:Incident", "incident"),
    "history": ("answers.history:Change", "history"),
    "impact": ("answers.impact:Row", "impact"),
    "logs": ("report.rows:LogRow", "logs"),
    "faults": ("report.rows:FaultRow", "verify"),
    "explanation": ("answers.message:Explanation", "explain SEQ"),
    "placement": ("answers.device:Placement", "explain --device"),
    "effect": ("answers.untold:Effect", "explain --device --event"),
    "differences": ("report.rows:DifferenceRow report.rows:SummaryRow", "diff"),
    "made": ("testing.faulty_trace:MadeFault", "generate --trace --list"),
    "violations": ("traces.diff.lint:Violation", "lint"),
    "findings": ("cucm.findings:Finding", "the report of import"),
    "discovered": ("cucm.discover:Known", "discover"),
}
"""Kind: the types of its lines (imported only when asked for), and what prints them."""


def _help() -> str:
    width = max(map(len, KINDS))
    rows = "".join(f"\n  {kind:{width}}  {printer}" for kind, (_, printer) in KINDS.items())
    return f"Print the JSON Schema of one line of NDJSON.\n\n\b\nKIND, and what prints it:{rows}"


@click.command(
    help=_help(),
    short_help="Print the JSON Schema of what the commands print.",
    epilog="""\b
Examples:
  cti-es schema events
  cti-es schema messages -o messages.schema.json""",
)
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.option("-o", "--output", "path", type=OutFile(), metavar="FILE", help="Write to a file.")
def command(kind: str, path: str | None) -> None:
    """Print the schema of a kind; the help is :func:`_help`."""
    with opened("ndjson", path) as output:
        output.write(json.dumps(schema(kind), indent=2).encode() + b"\n")


def schema(kind: str) -> dict[str, Any]:
    """The schema of one kind of row."""
    found = _schema([_type(name) for name in KINDS[kind][0].split()])
    if kind == "log":
        found = _with_version(found)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"cti-es {kind}", **_plain(found)}


def _type(name: str) -> Any:
    module, _, own = name.partition(":")
    return getattr(import_module(f"cti_es.{module}"), own)


def _schema(types: Sequence[Any]) -> dict[str, Any]:
    """The schema of a line that is of one of these types."""
    import msgspec

    if len(types) == 1:
        return msgspec.json.schema(types[0])
    refs, definitions = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    return {"anyOf": list(refs), "$defs": definitions}


def _plain(found: Any) -> Any:
    """A schema with its descriptions on one line each, as plain text: they are docstrings of ours."""
    if isinstance(found, list):
        return [_plain(one) for one in found]
    if not isinstance(found, dict):
        return found
    return {
        key: " ".join(value.replace("``", "").split())
        if key == "description" and isinstance(value, str)
        else _plain(value)
        for key, value in found.items()
    }


def _with_version(found: dict[str, Any]) -> dict[str, Any]:
    """The schema of events, each with its version in front."""
    for definition in found["$defs"].values():
        definition["properties"] = {"version": {"type": "integer", "minimum": 1}, **definition["properties"]}
        definition["required"] = ["version", *definition["required"]]
    return found
