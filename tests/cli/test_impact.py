"""``impact``: scenarios, findings, the verdict of --check, and what is refused."""

import pytest


def test_rows_of_ndjson(site, ndjson):
    """Exactly the fields that are promised, in this order, scenario by scenario."""
    scenario, *devices = ndjson("impact", "site.db", "--fail", "cm1,cm2", "--devices")

    assert scenario == {
        "kind": "scenario",
        "fails": ["cm1", "cm2"],
        "scope": "node",
        "moved": 0,
        "out": 2,
        "closed": 0,
        "lines_lost": 3,
        "calls": 0,
        "apps_without_link": [],
        "busiest": None,
    }
    assert [(one["device"], one["from"], one["to"], one["why_none"]) for one in devices] == [
        ("CTIP_IVR_01", "cm1", None, "cm1, cm2 down"),
        ("RP_SALES", "cm1", None, "cm1, cm2 down"),
    ]


def test_text_has_a_table_for_each_kind(site, quick):
    """Scenarios, then devices below titles of their own."""
    lines = quick("impact", "site.db", "--devices").stdout.decode().splitlines()

    assert [line.split()[0] for line in lines if line] == ["FAILS", "cm1", "cm2", "FAILS", "cm1", "cm1"]
    assert len(quick("impact", "site.db", "--format", "csv").stdout.splitlines()) == 3
    assert len(quick("impact", "site.db", "--format", "csv", "--devices").stdout.splitlines()) == 3


@pytest.mark.parametrize("scenario", [(), ("--pairs",), ("--fail", "cm1"), ("--cti-manager",)])
def test_check_is_the_exit_code(scenario, site, quick):
    """1 if a scenario leaves something without service; without --check it is 0 whatever comes."""
    assert quick("impact", "site.db", *scenario).returncode == 0
    assert quick("impact", "site.db", *scenario, "--check").returncode == (scenario == ("--pairs",))


def test_the_log_is_not_touched(site, quick):
    """Not one byte."""
    before = site.read_bytes()
    quick("impact", "site.db", "--pairs", "--and-back", "--devices")

    assert site.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fail", "cm3"), ("no node 'cm3'", "did you mean")),
        (("--fail", "cm1,"), ("a name is missing",)),
        (("--fail", "cm1", "--pairs"), ("--pairs",)),
        (("--cti-manager", "--scope", "call_manager"), ("--scope",)),
        (("--cti-manager", "--fail", "cm1"), ("no CTI Manager 'cm1'",)),
        (("--as-of", "99"), ("past the end",)),
    ],
)
def test_what_is_refused(options, words, site, quick, refused):
    """Unknown nodes, options that do not go together, a version past the end."""
    refused(quick("impact", "site.db", *options), *words)


def test_a_node_that_is_down_is_said(site, quick):
    """On standard error; the others are tried."""
    result = quick("impact", "site.db", "--as-of", "8")

    assert result.stderr.decode() == "warning: cm1 is down already\n"
    assert len(result.stdout.splitlines()) == 2


def test_a_scenario_without_effect(write, ndjson, quick):
    """Is a row of zeros and harmless; a set of which all are down already is said and has no row."""
    name = write('{"type":"node_added","node":"cm1"}\n{"type":"node_added","node":"cm2"}\n'
                 '{"type":"node_failed","node":"cm2"}\n')  # fmt: skip
    [row] = ndjson("impact", name, "--fail", "cm1")

    assert [row[field] for field in ("moved", "out", "closed", "lines_lost", "calls")] == [0] * 5
    assert quick("impact", name, "--check").returncode == 0
    skipped = quick("impact", name, "--fail", "cm2", "--ndjson", "--check")
    assert (skipped.returncode, skipped.stdout) == (0, b"")
    assert skipped.stderr == b"warning: cm2 is down already\n"


def test_what_returns_is_told_where_it_is_asked_for(site, quick):
    """The columns of the return stand in text with --and-back alone; CSV always has the same fields."""
    plain, back = (quick("impact", "site.db", *more).stdout.decode() for more in ((), ("--and-back",)))

    assert "NOT BACK" not in plain
    assert "NOT BACK" in back
    first, second = (
        quick("impact", "site.db", "--format", "csv", *more).stdout.splitlines()[0] for more in ((), ("--and-back",))
    )
    assert first == second
