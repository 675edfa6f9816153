"""``schema``: a JSON Schema for every NDJSON that a command prints, and everything that is printed keeps to it."""

import json

import pytest

jsonschema = pytest.importorskip("jsonschema", reason="the schemas are tried with jsonschema")

TSP = b"""\
{"type":"node_added","node":"cm1"}
{"type":"node_added","node":"cm2"}
{"type":"cti_manager_added","node":"cm1"}
{"type":"cti_manager_added","node":"cm2"}
{"type":"provider_opened","app":"ivr","cti_managers":["cm1","cm2"]}
{"type":"provider_opened","app":"board","cti_managers":["cm1"]}
{"type":"behaviour_set","announce_open":true,"phones_wait_for_calls":false}
{"type":"device_added","device":"P","kind":"cti_port","lines":["1","2"]}
{"type":"device_added","device":"Q","kind":"phone"}
{"type":"device_opened","device":"P","app":"ivr","ext_version":2148204544}
{"type":"device_opened","device":"P","app":"board"}
{"type":"device_opened","device":"Q","app":"board"}
{"type":"status_messages_set","app":"ivr","device":"P","line":"1","states":["OUTOFSERVICE"]}
{"type":"device_failed","device":"P","reason":"DeviceUnregistered"}
{"type":"node_failed","node":"cm1"}
{"type":"device_removed","device":"Q"}
"""
"""Messages that announce, configure and reconnect; at the end one application has no link, and a device is away."""

PRINTED = {
    "events": [
        ("export", "long.db"),
        ("generate", "--events", "50"),
        ("generate", "--events", "500", "--tsp", "--calls", "0.3"),
        ("export", "site.db"),
    ],
    "appended": [
        ("append", "new.db", "node_added", "node=cm1", "--ndjson"),
        ("append", "site.db", "node_added", "node=cm9", "--ndjson", "--dry-run"),
    ],
    "log": [("log", "long.db", "--ndjson"), ("log", "site.db", "--ndjson"), ("log", "tsp.db", "--ndjson")],
    "messages": [("replay", name, "--ndjson") for name in ("long.db", "site.db", "tsp.db")],
    "misfits": [("replay", "site.db#odd", "--misfits", "--ndjson")],
    "homes": [("homes", "long.db", "--ndjson"), ("homes", "site.db", "--as-of", "9", "--ndjson")],
    "compared": [("homes", "site.db", "--against", "cm1=phones.txt", "--all", "--ndjson")],
    "nodes": [("homes", "long.db", "--count", "--ndjson")],
    "providers": [("providers", "tsp.db", "--ndjson"), ("providers", "tsp.db", "--as-of", "9", "--ndjson")],
    "outages": [
        *(("outages", name, "--lines", "--ndjson") for name in ("long.db", "site.db", "tsp.db")),
        ("outages", "site.db", "--trace", "seen.ndjson", "--lines", "--ndjson"),
    ],
    "incidents": [("incident", name, "--ndjson") for name in ("long.db", "site.db", "tsp.db")],
    "history": [
        ("history", "tsp.db", "--device", "P", "--device", "Q", "--ndjson"),
        ("history", "site.db", "--device", "RP_SALES", "--ndjson"),
    ],
    "impact": [("impact", name, "--devices", "--and-back", "--ndjson") for name in ("tsp.db", "long.db", "site.db")],
    "logs": [("logs", "site.db", "--ndjson")],
    "faults": [("verify", "bad.db", "--ndjson")],
    "explanation": [
        *(("explain", "site.db", str(seq), "--ndjson") for seq in (1, 10, 13)),
        *(("explain", "tsp.db", str(seq), "--ndjson") for seq in (1, 5, 9, 13)),
    ],
    "placement": [
        *(("explain", "site.db", "--device", "RP_SALES", "--as-of", str(version), "--ndjson") for version in (4, 7, 9)),
        ("explain", "tsp.db", "--device", "P", "--ndjson"),
        ("explain", "tsp.db", "--device", "Q", "--as-of", "13", "--ndjson"),
    ],
    "effect": [
        *(("explain", "tsp.db", "--device", "P", "--event", str(version), "--ndjson") for version in range(8, 17)),
        ("explain", "site.db", "--device", "RP_SALES", "--event", "9", "--ndjson"),
    ],
    "differences": [("diff", "site.db", "long.db", "--ndjson"), ("diff", "site.db", "site.db", "--ndjson")],
    "made": [
        (
            "generate",
            "--trace",
            name,
            "--faults",
            "drop=1,swap=1,late=5s,reason=1",
            "--list",
            "-",
            "-o",
            "faulty.ndjson",
        )
        for name in ("site.db", "long.db")
    ],
    "violations": [("lint", "cut.ndjson", "--ndjson")],
    "findings": [("import", "site.db", "cm.log", "--ndjson")],
    "discovered": [("discover", "cm.log", "--ndjson")],
}
"""Kind: commands whose NDJSON it describes."""

WRONG = {
    "events": [
        '{"type":"node_added"}',
        '{"type":"node_added","node":7}',
        '{"type":"node_aded","node":"x"}',
        "[]",
        '{"type":"behaviour_set","announce_open":"true"}',
        '{"type":"device_opened","device":"P","ext_version":4294967296}',
        '{"type":"device_opened","device":"P","ext_version":"0x000B0000"}',
        '{"type":"device_failed","device":"P","reason":"CallManagerFailure"}',
        '{"type":"node_failed","node":"x","scope":"cti_manager"}',
        '{"type":"provider_opened","cti_managers":["x"]}',
        '{"type":"status_messages_set","device":"P"}',
    ],
    "log": ['{"type":"node_added","node":"x"}', '{"version":0,"type":"node_added","node":"x"}'],
    "messages": ["{}", '{"seq":"1"}'],
    "misfits": ['{"version":1,"at":null,"type":"node_added","code":"strange","text":"x"}'],
    "homes": ['{"device":"P"}'],
    "compared": ['{"device":"P","ours":null,"theirs":null,"verdict":"strange"}', '{"device":"P"}'],
    "providers": ['{"app":"x"}', '{"app":"x","cti_managers":"cm1","link":1}'],
    "outages": ['{"device":"P"}'],
    "incidents": ['{"number":1}'],
    "history": ['{"version":1}'],
    "impact": ['{"kind":"scenario"}', "{}"],
    "logs": ['{"log":"x","versions":"1","first":null,"last":null,"head":"x"}'],
    "faults": ['{"log":null}'],
    "explanation": ["{}"],
    "placement": ["{}"],
    "effect": ["{}"],
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
    quick("append", "tsp.db", "--from", "-", input=TSP)
    quick(
        "append", "site.db#odd", "--from", "-", "--allow-misfits", input=b'{"type":"node_failed","node":"x","id":"i"}\n'
    )
    messages = quick("replay", "site.db", "--ndjson").stdout.splitlines(keepends=True)
    (site.parent / "cut.ndjson").write_bytes(b"".join(messages[:5] + messages[7:]))
    (site.parent / "seen.ndjson").write_bytes(b"".join([*messages, *messages]).replace(b"-02T", b"-03T", 20))
    lines = b"7: cm1: Mar 02 2030 09:15:02 UTC : %UC_X-2-CallManagerFailure: %[NodeID=cm1]: x\nwhat?\n"
    (site.parent / "cm.log").write_bytes(lines)
    (site.parent / "phones.txt").write_text("DeviceName, Descr, RegStatus\nCTIP_IVR_01, , reg\nSEP9, , unr\n")
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
    offered = set(refusal.split("expected ")[1].split(";")[0].split(", "))

    assert offered == set(PRINTED)
    for kind in PRINTED:
        assert kind in quick("schema", "--help").stdout.decode()


def test_unknown_fields_of_events_are_refused(validator):
    """Events take no unknown fields, and their schema says so."""
    assert not validator("events").is_valid({"type": "node_added", "node": "x", "nodes": []})


@pytest.mark.parametrize("kind", PRINTED)
def test_descriptions_are_for_strangers(kind, validator):
    """What a schema says is plain text: no section of a page that is not there, no mark-up, no indentation of code."""

    def descriptions(found):
        children = found.values() if isinstance(found, dict) else found if isinstance(found, list) else []
        own = [found["description"]] if isinstance(found, dict) and isinstance(found.get("description"), str) else []
        return [*own, *(one for child in children for one in descriptions(child))]

    texts = descriptions(validator(kind).schema)

    assert texts
    assert [
        one for one in texts if any(mark in one for mark in ("§", "`", ":class:", ":mod:", ".md", "\n", "  "))
    ] == []
