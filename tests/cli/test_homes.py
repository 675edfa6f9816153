"""homes --against: what it prints, and with which exit code."""

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
