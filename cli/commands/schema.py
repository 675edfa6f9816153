"""``schema``: JSON Schema of every NDJSON that a command prints."""

import json
from typing import Any

import click

from cti_es_cli.options import OutFile
from cti_es_cli.output import opened

KINDS = (
    "events",
    "log",
    "messages",
    "misfits",
    "homes",
    "nodes",
    "compared",
    "providers",
    "outages",
    "history",
    "impact",
    "logs",
    "faults",
    "explanation",
    "placement",
    "effect",
    "differences",
    "violations",
    "findings",
    "discovered",
)


@click.command(
    short_help="Print the JSON Schema of what the commands print.",
    epilog="""\b
Examples:
  cti-es schema events
  cti-es schema messages -o messages.schema.json""",
)
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.option("-o", "--output", "path", type=OutFile(), metavar="FILE", help="Write to a file.")
def command(kind: str, path: str | None) -> None:
    """Print the JSON Schema of one line of NDJSON.

    KIND is events (a log file, export, generate), log (cti-es log), messages and misfits (replay), homes, nodes
    (homes --count), compared (homes --against), providers, outages, history, impact, logs, faults (verify),
    explanation, placement or effect (explain), differences (diff), violations (lint), findings (import), discovered
    (discover).
    """
    with opened("ndjson", path) as output:
        output.write(json.dumps(schema(kind), indent=2).encode() + b"\n")


def schema(kind: str) -> dict[str, Any]:
    """The schema of one kind of row."""
    import msgspec

    found: dict[str, Any] = _differences() if kind == "differences" else msgspec.json.schema(_type(kind))
    if kind == "log":
        found = _with_version(found)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"cti-es {kind}", **_plain(found)}


def _type(kind: str) -> Any:
    from cti_es.answers.device import Placement
    from cti_es.answers.history import Change
    from cti_es.answers.impact import Row
    from cti_es.answers.message import Explanation
    from cti_es.answers.outages import Outage
    from cti_es.answers.selection import NodeCount
    from cti_es.answers.untold import Effect
    from cti_es.cucm.discover import Known
    from cti_es.cucm.findings import Finding
    from cti_es.cucm.registrations import Compared
    from cti_es.model.homes import Home
    from cti_es.model.providers import ProviderRow
    from cti_es.model.replay import MisfitReport
    from cti_es.report.rows import FaultRow, LogRow
    from cti_es.traces.diff.lint import Violation
    from cti_es.vocabulary.events import AnyEvent
    from cti_es.vocabulary.tapi import Message

    return {
        "events": AnyEvent,
        "log": AnyEvent,
        "messages": Message,
        "misfits": MisfitReport,
        "homes": Home,
        "nodes": NodeCount,
        "compared": Compared,
        "providers": ProviderRow,
        "outages": Outage,
        "history": Change,
        "impact": Row,
        "logs": LogRow,
        "faults": FaultRow,
        "explanation": Explanation,
        "placement": Placement,
        "effect": Effect,
        "violations": Violation,
        "findings": Finding,
        "discovered": Known,
    }[kind]


def _differences() -> dict[str, Any]:
    """A difference, or the summary at the end."""
    import msgspec

    from cti_es.report.rows import DifferenceRow, SummaryRow

    template = "#/$defs/{name}"
    refs, definitions = msgspec.json.schema_components((DifferenceRow, SummaryRow), ref_template=template)
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
