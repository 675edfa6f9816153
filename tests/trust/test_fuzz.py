"""Damaged stores, damaged logs, odd VALUEs: 0, 1 or 2 and a sentence, never a traceback."""

import random

import pytest
from campaigns import fuzz
from campaigns.running import Report, make_store, run, trouble


@pytest.mark.parametrize(("work", "rounds"), [(fuzz.stores, 90), (fuzz.logs, 150), (fuzz.values, 150)])
def test_fuzz(work, rounds, tmp_path):
    """Every command ends on what was damaged at random with 0, 1 or 2 and words that cannot steer a terminal.

    Readers write to no store, and a log that is accepted comes back byte for byte.
    """
    report = Report()
    work(tmp_path, rounds, random.Random(20260101), report)

    assert report.failures == []
    assert sum(report.counts.values()) >= rounds
    if work is not fuzz.stores:  # some of it is accepted: this is no dead end
        assert min(report.counts[f"{work.__name__}: {end}"] for end in ("accepted", "refused")) > rounds // 20


@pytest.mark.parametrize("damage", fuzz.DAMAGES, ids=lambda damage: damage.__name__)
def test_real_processes(damage, cti_es, tmp_path):
    """The same as a user meets it, once for each kind of damage."""
    data = make_store(tmp_path / "whole.db").read_bytes()
    (tmp_path / "site.db").write_bytes(damage(bytearray(data), random.Random(3)))
    result = cti_es("verify", "site.db")

    assert result.returncode in (0, 1, 2)
    assert b"Traceback" not in result.stderr
    assert b"fault of cti-es" not in result.stderr


@pytest.mark.parametrize("data", [b"SQLite format 3\0", b"SQLite format 3\0" + bytes(84), b"", b"\0" * 100])
def test_hardly_a_file(data, tmp_path):
    """A header and nothing else, nothing at all, zeros: no store, exit 2, and append does not overwrite it either."""
    path = tmp_path / "site.db"
    path.write_bytes(data)
    ran = [run("verify", str(path)), run("logs", str(path)), run("log", str(path))]
    if data:
        ran.append(run("append", str(path), "node_added", "node=cm1"))

    assert [text for one in ran if (text := trouble(one))] == []
    assert [one.code for one in ran if one.arguments[0] != "log"] == [2] * (len(ran) - 1)
    assert path.read_bytes() == data
