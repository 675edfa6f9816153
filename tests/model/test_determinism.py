"""The same log always gives the same: in any process, under any Python, split anywhere, from a store or a file.

What that is stands in tests/recorded: logs that are never edited, with digests that never change.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec
import pytest
from click.testing import CliRunner
from conftest import ROOT, Run
from support.recording import LOGS, Digests, all_digests, recorded
from support.strategies import Json, run

from cti_es.logs import append as appending
from cti_es.logs.reading import Cut, StoredLog, resumed_at
from cti_es.logs.store import SqliteStore
from cti_es.logs.store.base import Snapshot
from cti_es.model.homes import homes
from cti_es.model.providers import providers
from cti_es.model.replay import FOLD_VERSION, Replay, digest
from cti_es.vocabulary.events import EVENT_TYPES, Event, decode_event
from cti_es_cli.main import main

each = pytest.mark.parametrize("log", LOGS, ids=lambda path: path.stem)

NEEDED = "click", "msgspec", "sqlite_utils"
NEWEST = 30
"""The newest minor version of Python 3 that is looked for."""


def true() -> dict[str, Digests]:
    """What the recorded logs must give in this version."""
    return recorded()[str(FOLD_VERSION)]


def events_of(log: Path) -> list[Event]:
    """The events of a recorded log, which has no blank lines."""
    return [decode_event(line) for line in log.read_bytes().splitlines()]


# Recorded logs.


def test_recorded_logs_give_what_they_gave() -> None:
    """Every recorded log is as it was, and so is all that the fold makes of it (tests/recorded/README.md)."""
    assert all_digests() == true()
    assert len(LOGS) >= 6


def test_fold_version_stands_in_the_changelog() -> None:
    """A fold version that has digests is one that users have been told of; the newest is this one."""
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    named = {int(number) for number in re.findall(r"[Ff]old version (\d+)", changelog)}

    assert max(map(int, recorded())) == FOLD_VERSION
    assert FOLD_VERSION in named


def test_base_logs_mean_what_they_meant_to_fold_version_1() -> None:
    """A log without TSP events has the messages, misfits and homes of the version that knew no others."""
    old = recorded()["1"]

    assert set(old) == {"base-generated", "base-random"}
    for log, found in old.items():
        for what in ("log", "messages", "misfits", "homes"):
            assert found[what] == true()[log][what], (log, what)


def test_every_event_type_and_every_digest_is_recorded() -> None:
    """The recorded logs have every type of event, messages, misfits, and homes that differ from log to log."""
    types = {type(event) for log in LOGS for event in events_of(log)}
    found = true()

    assert types == set(EVENT_TYPES.values())
    for what in ("log", "messages", "homes", "state"):
        assert len({one[what] for one in found.values()}) == len(found)


# Any process, any Python.


def all_digests_by(python: str, **environment: str) -> dict[str, Digests]:
    """The digests of the recorded logs by another process."""
    done = subprocess.run(
        [python, "tests/support/recording.py"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        check=True,
        timeout=60,
    )
    found: dict[str, Digests] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("seed", ["0", "1", "4294967295"])
def test_hash_seeds_make_no_difference(seed: str) -> None:
    """A process that orders sets in another way comes to the same digests."""
    assert all_digests_by(sys.executable, PYTHONHASHSEED=seed) == true()


def test_optimised_python_makes_no_difference() -> None:
    """``python -OO``, which leaves out assertions and docstrings, comes to the same digests."""
    assert all_digests_by(sys.executable, PYTHONOPTIMIZE="2") == true()


def other_pythons() -> list[str]:
    """Other Pythons from 3.11 on that can import what the library needs.

    Looked for on the PATH, and in CTI_ES_PYTHONS, whose entries are separated like those of PATH.
    """
    names = [f"python3.{minor}" for minor in range(11, NEWEST)]
    candidates = [found for name in names if (found := shutil.which(name))]
    candidates += [one for one in os.environ.get("CTI_ES_PYTHONS", "").split(os.pathsep) if one]
    program = f"import sys, {', '.join(NEEDED)}; print(*sys.version_info[:3])"
    here = " ".join(map(str, sys.version_info[:3]))
    usable: dict[str, str] = {}
    for python in candidates:
        done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False, timeout=60)
        version = done.stdout.strip()
        if done.returncode == 0 and version != here and tuple(map(int, version.split())) >= (3, 11):
            usable.setdefault(version, python)
    return list(usable.values())


def test_other_pythons_make_no_difference() -> None:
    """Every other Python that is installed and has what the library needs comes to the same digests."""
    pythons = other_pythons()
    if not pythons:
        pytest.skip(f"only one Python here (3.11 or later) can import {', '.join(NEEDED)}; see CTI_ES_PYTHONS")

    for python in pythons:
        assert all_digests_by(python, PYTHONHASHSEED="7") == true(), python


@pytest.mark.parametrize("seed", ["0", "3"])
@pytest.mark.parametrize("name", ["base-generated", "tsp-generated"])
def test_commands_print_what_is_recorded(name: str, seed: str, cti_es: Run, tmp_path: Path) -> None:
    """``replay --digest`` prints the recorded digest of the messages; that of the homes is the recorded one, too."""
    log = str(ROOT / "tests" / "recorded" / f"{name}.ndjson")
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    printed = cti_es("replay", log, "--digest", env=environment).stdout.decode().strip()
    rows = cti_es("homes", log, "--ndjson", env=environment).stdout

    assert printed == true()[name]["messages"]
    assert sha256_of(rows) == true()[name]["homes"]


def sha256_of(data: bytes) -> str:
    """SHA-256 as hexadecimal digits."""
    return sha256(data).hexdigest()


# Split anywhere, snapshots or none, store or file.


def results(messages: list[Json], misfits: list[Json], replay: Replay) -> Digests:
    """The digests of what has come of a log, but for the log's own."""
    return {
        "messages": digest(messages),  # type: ignore[arg-type]
        "misfits": digest(misfits),  # type: ignore[arg-type]
        "homes": digest(homes(replay.cluster)),
        "providers": digest(providers(replay.book)),
        "state": sha256_of(replay.encoded()),
    }


@each
def test_splits_make_no_difference(log: Path) -> None:
    """A log that is taken up again from the encoded state at random points gives the same, however often it is."""
    events = events_of(log)
    random = Random(log.stem)
    expected = {what: found for what, found in true()[log.stem].items() if what != "log"}
    for pieces in (2, 3, 5, 10, min(40, len(events)), len(events)):
        cuts = [0, *sorted(random.sample(range(1, len(events)), pieces - 1)), len(events)]
        state, messages, misfits = None, [], []
        for start, end in pairwise(cuts):
            told, replay = run(events[start:end], state)
            messages += told
            misfits += msgspec.to_builtins(replay.misfits)
            state = replay.encoded()

        assert results(messages, misfits, replay) == expected


@pytest.mark.parametrize("work", [3, 50, 10**9], ids=["many snapshots", "some snapshots", "no snapshots"])
@each
def test_store_and_file_make_no_difference(
    log: Path, work: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store, with snapshots or without, gives what the file gives: at the end, and as of any version.

    The store gives a time to every event that has none, so the file is what it exports.
    """
    monkeypatch.setattr(appending, "SNAPSHOT_WORK", work)
    store, events = tmp_path / "site.db", events_of(log)
    lines = log.read_bytes().splitlines(keepends=True)
    for start in range(0, len(lines), 37):
        (tmp_path / "some.ndjson").write_bytes(b"".join(lines[start : start + 37]))
        printed("append", str(store), "--from", str(tmp_path / "some.ndjson"), "--allow-misfits")

    (tmp_path / "file.ndjson").write_bytes(printed("export", str(store)))
    with_times = all(event.at for event in events)
    digests = [printed("replay", str(one), "--digest").strip().decode() for one in (store, tmp_path / "file.ndjson")]
    assert digests[0] == digests[1]
    assert (digests[0] == true()[log.stem]["messages"]) == with_times
    assert sha256_of(printed("homes", str(store), "--ndjson")) == true()[log.stem]["homes"]
    assert sha256_of(printed("providers", str(store), "--ndjson")) == true()[log.stem]["providers"]
    with closing(SqliteStore(store)) as opened:
        stored = StoredLog(opened, "default", "site.db")
        assert bool(list(opened.snapshots("default"))) == (work < len(events))
        for version in Random(work).sample(range(len(events) + 1), min(25, len(events))):
            expected = Replay()
            expected.advance(events[:version])
            assert resumed_at(stored, Cut(version))[0].encoded() == expected.encoded()


def printed(*command: str) -> bytes:
    """What a command prints."""
    done = CliRunner().invoke(main, list(command))
    assert done.exit_code == 0, done.output
    return done.stdout_bytes


@pytest.mark.parametrize(("fold", "used"), [(FOLD_VERSION - 1, False), (FOLD_VERSION + 1, False), (FOLD_VERSION, True)])
def test_a_snapshot_of_another_fold_version_is_not_used(fold: int, used: bool, tmp_path: Path) -> None:
    """What another version of the fold has kept is passed over, whatever it says; what this one has kept is believed."""
    log = next(one for one in LOGS if one.stem == "tsp-generated")
    store = tmp_path / "site.db"
    printed("append", str(store), "--from", str(log))
    lie = Replay()
    lie.advance(events_of(log)[:100])
    with closing(SqliteStore(store, write=True)) as opened, opened.writing("default") as writer:
        state = msgspec.json.encode({**msgspec.json.decode(lie.encoded()), "version": writer.head.version})
        writer.keep(Snapshot("default", *writer.head, fold, 0, "", 0, state))
    found = [sha256_of(printed(command, str(store), "--ndjson")) for command in ("homes", "providers")]
    expected = [true()[log.stem][what] for what in ("homes", "providers")]

    assert (found != expected) == used


def test_digests_are_those_of_the_file() -> None:
    """The committed file has digests of 64 digits for every fold version, and for old ones no log that is gone."""
    found = recorded()
    every = [one for logs in found.values() for log in logs.values() for one in log.values()]

    assert all(re.fullmatch(r"[0-9a-f]{64}", one) for one in every)
    assert all(set(logs) <= set(found[str(FOLD_VERSION)]) for logs in found.values())


def test_version_3_computes_what_version_2_did() -> None:
    """Only the encoding of the state has changed: messages, misfits, homes and providers of the older logs are the same."""
    old, new = recorded()["2"], recorded()["3"]

    assert {log: {**new[log], "state": ""} for log in old} == {
        log: {**found, "state": ""} for log, found in old.items()
    }
