"""Write the pages of the reference that are made of the program: ``python tests/support/refresh_reference.py``.

docs/reference/all-options.md lists every option of every command, docs/reference/schemas.md every field that is printed
as NDJSON. A test compares both with what this makes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from cti_es.vocabulary.events import EVENT_TYPES
from cti_es_cli.commands.schema import KINDS, schema
from cti_es_cli.main import COMMANDS, main

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
WRITTEN_BY = "This page is written by `tests/support/refresh_reference.py`."


def cell(text: str) -> str:
    """Text as a cell of a table has it."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: str, rows: list[tuple[str, ...]]) -> str:
    """A table."""
    names = head.split(", ")
    lines = [names, ["---"] * len(names), *rows]
    return "".join(f"|{'|'.join(f' {one} ' if one != '---' else one for one in line)}|\n" for line in lines)


# --- options --------------------------------------------------------------------------------------------------------


def options(command: str) -> Iterator[tuple[str, str]]:
    """The options of a command: how each is written, and its help."""
    found = main.get_command(click.Context(main), command)
    assert found is not None
    for option in found.params:
        if isinstance(option, click.Option) and (record := option.get_help_record(click.Context(found))):
            yield record


def options_page() -> str:
    """docs/reference/all-options.md."""
    having: dict[tuple[str, str], list[str]] = {}
    for command in COMMANDS:
        for record in options(command):
            having.setdefault(record, []).append(command)
    rows = [
        (f"`{cell(written)}`", cell(meaning), ", ".join(f"[{name}](commands/{name}.md)" for name in names))
        for (written, meaning), names in sorted(having.items(), key=lambda one: one[0][0].split("--")[-1])
    ]
    return f"""# All options

Which command has which option, and what its help says. More about each: the page of the command. Options that stand
before a command: [the index](../index.md#options-before-a-command). {WRITTEN_BY}

Every command also has `-h`, `--help`.

{table("option, meaning, commands", rows)}"""


# --- schemas --------------------------------------------------------------------------------------------------------

EVENTS = {struct.__name__ for struct in EVENT_TYPES.values()}


def named(reference: str) -> str:
    """The name of the type that a schema refers to."""
    return reference.rpartition("/")[2]


def top(found: dict[str, Any]) -> list[str]:
    """The types of a line, by name."""
    return [named(one["$ref"]) for one in ([found] if "$ref" in found else found["anyOf"])]


CHAPTERS = {name: kind for kind in KINDS for name in top(schema(kind)) if name not in EVENTS}
"""Type of a line → the kind that has it."""


def type_of(found: dict[str, Any]) -> str:
    """A type in words; an object is a link to where its fields stand."""
    if "$ref" in found:
        name = named(found["$ref"])
        return (
            "[event](log-format.md#event-types)" if name in EVENTS else f"[{name}](#{CHAPTERS.get(name, name).lower()})"
        )
    if "enum" in found:
        return ", ".join(f"`{one}`" for one in found["enum"])
    if "anyOf" in found:
        return " or ".join(dict.fromkeys(type_of(one) for one in found["anyOf"]))
    if found.get("type") == "array":
        return f"list of {type_of(found['items'])}" if found.get("items") else "list"
    if isinstance(found.get("additionalProperties"), dict):
        return f"object whose values are {type_of(found['additionalProperties'])}"
    return str(found.get("type", "anything"))


def fields(definition: dict[str, Any]) -> str:
    """What a type is, and the table of its fields."""
    rows = [
        (f"`{name}`", cell(type_of(found)), "" if name in definition.get("required", ()) else "yes")
        for name, found in definition["properties"].items()
    ]
    return f"{' '.join(definition.get('description', '').split())}\n\n{table('field, type, may be missing', rows)}"


def schemas_page() -> str:
    """docs/reference/schemas.md."""
    parts: dict[str, str] = {}
    chapters: list[str] = []
    for kind in KINDS:
        found = schema(kind)
        lines = [name for name in top(found) if name in CHAPTERS]
        if not lines:
            continue
        others = {name: one for name, one in found["$defs"].items() if name not in {*CHAPTERS, *EVENTS}}
        parts |= {name: f"### {name}\n\n{fields(one)}" for name, one in others.items()}
        chapters.append(f"## {kind}\n\nPrinted by `{KINDS[kind][1]}`.")
        chapters += [fields(found["$defs"][name]) for name in lines]
    body = "\n\n".join(one.rstrip() for one in [*chapters, "## Parts", *(parts[name] for name in sorted(parts))])
    return f"""# Fields of NDJSON

The fields of every line that a command prints as NDJSON, in their order, with their types. The same for programs:
[schema](commands/schema.md). Lines of `events` and `log` are [events](log-format.md#event-types). {WRITTEN_BY}

{body}
"""


PAGES = {"all-options.md": options_page, "schemas.md": schemas_page}

if __name__ == "__main__":
    for page, made in PAGES.items():
        (REFERENCE / page).write_text(made(), "utf-8")
