"""``schema``: a JSON Schema for every NDJSON that a command prints, and everything that is printed keeps to it."""

import json

import pytest

jsonschema = pytest.importorskip("jsonschema", reason="the schemas are tried with jsonschema")

PRINTED = {
    "events": [("export", "long.db"), ("generate", "--events", "50"), ("export", "site.db")],
    "log": [("log", "long.db", "--ndjson"), ("log", "site.db", "--ndjson")],
    "messages": [("replay", "long.db", "--ndjson"), ("replay", "site.db", "--ndjson")],
    "misfits": [("replay", "site.db#odd", "--misfits", "--ndjson")],
    "homes": [("homes", "long.db", "--ndjson"), ("homes", "site.db", "--as-of", "9", "--ndjson")],
    "logs": [("logs", "site.db", "--ndjson")],
    "faults": [("verify", "bad.db", "--ndjson")],
    "explanation": [("explain", "site.db", str(seq), "--ndjson") for seq in (1, 10, 13)],
    "placement": [
        ("explain", "site.db", "--device", "RP_SALES", "--as-of", str(version), "--ndjson") for version in (4, 7, 9)
    ],
    "differences": [("diff", "site.db", "long.db", "--ndjson"), ("diff", "site.db", "site.db", "--ndjson")],
    "violations": [("lint", "cut.ndjson", "--ndjson")],
    "findings": [("import", "site.db", "cm.log", "--ndjson")],
}
"""Kind: commands whose NDJSON it describes."""

WRONG = {
    "events": ['{"type":"node_added"}', '{"type":"node_added","node":7}', '{"type":"node_aded","node":"x"}', "[]"],
    "log": ['{"type":"node_added","node":"x"}', '{"version":0,"type":"node_added","node":"x"}'],
    "messages": ["{}", '{"seq":"1"}'],
    "misfits": ['{"version":1,"at":null,"type":"node_added","code":"strange","text":"x"}'],
    "homes": ['{"device":"P"}'],
    "logs": ['{"log":"x","versions":"1","first":null,"last":null,"head":"x"}'],
    "faults": ['{"log":null}'],
    "explanation": ["{}"],
    "placement": ["{}"],
}


@pytest.fixture
def kinds(site, quick, tamper):
    """Stores with something of every kind in them."""
    quick(
        "append",
        "long.db",
        "--from",
        "-",
        input=quick("generate", "--events", "200", "--seed", "5", "--apps", "2").stdout,
    )
    quick(
        "append", "site.db#odd", "--from", "-", "--allow-misfits", input=b'{"type":"node_failed","node":"x","id":"i"}\n'
    )
    messages = quick("replay", "site.db", "--ndjson").stdout.splitlines(keepends=True)
    (site.parent / "cut.ndjson").write_bytes(b"".join(messages[:5] + messages[7:]))
    lines = b"7: cm1: Mar 02 2030 09:15:02 UTC : %UC_X-2-CallManagerFailure: %[NodeID=cm1]: x\nwhat?\n"
    (site.parent / "cm.log").write_bytes(lines)
    (site.parent / "bad.db").write_bytes(site.read_bytes())
    tamper(site.parent / "bad.db", "DROP TRIGGER batches_no_delete", "DELETE FROM batches WHERE position = 1")


@pytest.fixture
def validator(quick):
    """A validator for a kind, made of what schema prints."""

    def of(kind):
        schema = json.loads(quick("schema", kind).stdout)
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)

    return of


@pytest.mark.parametrize("kind", PRINTED)
def test_what_is_printed_keeps_to_it(kind, kinds, quick, validator):
    """Every line that the commands print is valid."""
    check = validator(kind)
    lines = [line for arguments in PRINTED[kind] for line in quick(*arguments).stdout.splitlines()]

    assert lines
    for line in lines:
        check.validate(json.loads(line))


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_does_not(kind, validator):
    """A schema is worth something: what is wrong is not valid."""
    check = validator(kind)

    assert [line for line in WRONG[kind] if check.is_valid(json.loads(line))] == []


@pytest.mark.parametrize("kind", PRINTED)
def test_no_field_is_unknown(kind, kinds, quick, validator):
    """The schema names every field that is printed, in the same order."""
    schema = validator(kind).schema
    definitions = schema["$defs"].values()
    printed = {tuple(json.loads(line)) for arguments in PRINTED[kind] for line in quick(*arguments).stdout.splitlines()}
    described = [list(definition["properties"]) for definition in definitions if "properties" in definition]

    for fields in printed:
        assert any([name for name in names if name in fields] == list(fields) for names in described), fields


def test_every_kind_is_tried(quick):
    """The kinds that schema offers are those that are tried here, and its help names each."""
    refusal = quick("schema", "nonsense").stderr.decode()
    offered = {word.strip("'., \n") for word in refusal.split("one of")[1].split()}

    assert offered == set(PRINTED)
    for kind in PRINTED:
        assert kind in quick("schema", "--help").stdout.decode()


def test_unknown_fields_of_events_are_refused(validator):
    """Events take no unknown fields, and their schema says so."""
    assert not validator("events").is_valid({"type": "node_added", "node": "x", "nodes": []})
