"""The spool, the sequence numbers and the counts of an import."""

import random

from cti_es.cucm.claims import Claim
from cti_es.cucm.findings import Findings
from cti_es.cucm.log_lines import AlarmReader
from cti_es.cucm.sequences import Sequences
from cti_es.cucm.spool import Claimed, Place, Spool
from cti_es.cucm.stamps import LogLineOptions


def test_claims_come_in_the_order_of_time():
    """Whatever order they come in, more than a batch of them: by time, then begins before ends, host, number."""
    claims = [
        (Claimed(f"2026-03-02T09:00:{second:02}{fraction}Z", f"{second}{fraction}{rank}{host}{seq}", Place(0, 1), Claim("node_failed")), rank, host, seq)
        for second in range(50) for fraction in ("", ".000001", ".500000") for rank in (0, 1) for host in "ab" for seq in (None, 9, 10, 100)
    ]  # fmt: skip
    mixed = random.Random(7).sample(claims, len(claims))
    spool = Spool()
    for one in [*mixed, *mixed[:100]]:
        spool.add(*one)
    batches = list(spool.claims())

    assert [one.id for batch in batches for one in batch] == [one[0].id for one in claims]
    assert spool.duplicates == 100
    spool.close()


def seen(*lines):
    """Gaps and restarts that lines show."""
    found = []
    sequences = Sequences(
        lambda *gap: found.append(("gap", *gap)), lambda *restart: found.append(("restart", *restart))
    )
    text = [
        f"{number}: {host}: Mar 02 2026 09:00:{second:02} UTC : %UC_X-3-N: %[AppID={app}]: x".encode()
        for number, host, app, second in lines
    ]
    for record in [one for some in AlarmReader(LogLineOptions()).records([text]) for one in some]:
        sequences.see(record)
    sequences.end()
    return found


def test_gaps():
    """A number that is left out is a lost line, for each process by itself."""
    assert seen((1, "a", "x", 1), (2, "a", "x", 2), (7, "a", "y", 3), (5, "a", "x", 4), (8, "a", "y", 5)) == [
        ("gap", "a x", 2, 4)
    ]


def test_restarts():
    """A number that falls later on is a restart; at the same time it is two lines that changed places."""
    assert seen((5, "a", "x", 1), (0, "a", "x", 2), (1, "a", "x", 3)) == [("restart", "a x", 1, 2)]
    assert seen((5, "a", "x", 1), (7, "a", "x", 2), (6, "a", "x", 2), (8, "a", "x", 2)) == []
    assert seen((5, "a", "x", 1), (9, "a", "x", 2), (7, "a", "x", 2), (10, "a", "x", 2)) == [("gap", "a x", 2, 2)]
    assert seen((5, "a", "x", 1), (5, "a", "x", 1), (6, "a", "x", 2)) == []
    assert seen(((1 << 32) - 1, "a", "x", 1), (0, "a", "x", 2)) == []


def test_findings_are_counted():
    """Equal findings are one row with the first place; too many different ones are thrown together."""
    findings = Findings()
    for number in range(1_000):
        findings.add("misfit", "unknown_line", f"f:{number}", f"line {number}")
        findings.add("gap", "cm1", f"f:{number}", "lost", 2)
    rows = findings.rows()

    assert [(row.kind, row.count, row.first) for row in rows if row.kind == "gap"] == [("gap", 2_000, "f:0")]
    assert sum(row.count for row in rows if row.kind == "misfit") == 1_000
    assert len(rows) < 60
    assert [row.name for row in rows].count("…") == 1
