"""``homes``: its filters and counts; --against: what it prints, and with which exit code."""

import pytest

PRINT = b"DeviceName, Descr, RegStatus\nCTIP_IVR_01, , %s\nSEP9, , reg\n"


@pytest.mark.parametrize(
    ("node", "status", "code", "out", "counts"),
    [
        ("cm1", b"reg", 0, [], b"1 the same, 1 in the log only, 1 in the cluster only"),
        ("cm2", b"reg", 1, [b"CTIP_IVR_01,cm1,cm2,elsewhere"], b"1 elsewhere"),
        ("cm2", b"unr", 1, [b"CTIP_IVR_01,cm1,,not_registered"], b"1 not registered, in the log in service"),
    ],
)
def test_exit_codes(node, status, code, out, counts, site, quick):
    """0 when what both know is the same, 1 when not; the counts stand on standard error."""
    (site.parent / f"phones-{node}.txt").write_bytes(PRINT % status)
    done = quick("homes", "site.db", "--against", f"phones-{node}.txt", "--format", "csv")

    assert done.returncode == code
    assert done.stdout.splitlines() == [
        b"device,ours,theirs,verdict", *out, b"RP_SALES,cm1,,only_ours", b"SEP9,,%s,only_theirs" % node.encode(),
    ]  # fmt: skip
    assert done.stderr.startswith(counts)


def test_all(site, quick):
    """--all prints what is the same, too."""
    (site.parent / "x.txt").write_bytes(PRINT % b"reg")

    assert (
        b"CTIP_IVR_01,cm1,cm1,same"
        in quick("homes", "site.db", "--against", "cm1=x.txt", "--all", "--format", "csv").stdout
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--against", "x.txt"], ["x.txt: which node was this printed on?", "--against NODE=x.txt"]),
        (["--against", "cm9=x.txt"], ["unknown node 'cm9'"]),
        (["--against", "cm1=none.txt"], ["none.txt: no such file"]),
        (["--against", "site.db"], ["site.db: nothing about registrations in it"]),
        (["--against", "cm1=strangers.txt"], ["no device that both the log and these files know"]),
        (["--all"], ["--all goes with --against"]),
        (["site.db", "--against", "cm1=x.txt"], ["--against takes one SOURCE"]),
    ],
)
def test_what_is_refused(arguments, words, site, quick, refused):
    """Exit code 2, and what would help."""
    (site.parent / "x.txt").write_bytes(PRINT % b"reg")
    (site.parent / "strangers.txt").write_bytes(PRINT.replace(b"CTIP_IVR_01", b"SEP8") % b"reg")

    refused(quick("homes", "site.db", *arguments), *words)


# --- filters and counts ----------------------------------------------------------------------------------------------

LAB = b"""\
{"type":"node_added","node":"cm1"}
{"type":"node_added","node":"cm2"}
{"type":"device_added","device":"P","kind":"cti_port","lines":["1"]}
{"type":"device_added","device":"R","kind":"route_point"}
{"type":"device_added","device":"Q","kind":"phone"}
{"type":"device_added","device":"S","kind":"phone","group":["cm1"]}
{"type":"device_opened","device":"P","app":"ivr"}
{"type":"call_started","call":"c","device":"P"}
{"type":"node_failed","node":"cm1"}
"""
"""A port and a phone are at the second node, a phone is out of service, a route point is not open."""


@pytest.fixture
def lab(write):
    """The name of a log with devices in every state."""
    return write(LAB, "lab.ndjson")


@pytest.mark.parametrize(
    ("options", "devices"),
    [
        ((), "PRQS"),
        (("--node", "cm2"), "PQ"),
        (("--node", "cm1"), ""),
        (("--node", "cm1", "--node", "cm2"), "PQ"),
        (("--state", "out_of_service"), "S"),
        (("--state", "unregistered"), "R"),
        (("--kind", "phone"), "QS"),
        (("--device", "S", "--device", "P"), "PS"),
        (("--not-original",), "PQ"),
        (("--not-original", "--kind", "phone"), "Q"),
        (("--not-original", "--as-of", "8"), ""),
    ],
    ids=str,
)
def test_filters(options, devices, lab, ndjson):
    """Each leaves what it says, and several leave what all of them say, in the order of the log."""
    assert "".join(one["device"] for one in ndjson("homes", lab, *options)) == devices


def test_counts(lab, ndjson, quick):
    """A row for each node, those without a device too; filters choose what is counted."""
    first, second = ndjson("homes", lab, "--count")

    assert list(first.values()) == ["cm1", 0, 0, 0, 0, 0, 3]
    assert list(second.items()) == [
        ("node", "cm2"), ("devices", 2), ("cti_ports", 1), ("route_points", 0), ("phones", 1), ("calls", 1),
        ("elsewhere", 0),
    ]  # fmt: skip
    assert [one["devices"] for one in ndjson("homes", lab, "--count", "--kind", "phone")] == [0, 1]
    assert quick("homes", lab, "--count").stdout.decode().splitlines()[2].split() == [
        "cm2",
        "2",
        "1",
        "0",
        "1",
        "1",
        "0",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--node", "cm3"), ("there is no node 'cm3'", "did you mean 'cm2'")),
        (("--device", "PP"), ("there is no device 'PP'", "did you mean 'P'")),
        (("--state", "in"), ("--state", "in_service")),
        (("--kind", "port"), ("--kind", "cti_port")),
        (("--count", "--against", "x.txt"), ("--against compares all homes",)),
    ],
    ids=str,
)
def test_wrong_filters(options, words, lab, quick, refused):
    """Names that the log does not have are refused with what is near, words that mean nothing with what does."""
    refused(quick("homes", lab, *options), *words)
