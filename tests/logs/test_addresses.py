"""Folders, patterns and all logs of a store: which logs they mean, in which order."""

import gzip
import os

import pytest

from cti_es.logs.addresses import expanded
from cti_es.logs.append import AppendOptions
from cti_es.logs.open import make_or_append, parse_address
from cti_es.testing.worked_example import EVENTS
from cti_es.vocabulary.errors import CtiEsError, InputError
from cti_es.vocabulary.events import NodeAdded, NumberedEvents


def fill(address):
    """Make a log of one event."""
    make_or_append(parse_address(address), [NumberedEvents(range(1, 2), [NodeAdded("cm1")])], AppendOptions())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder ``logs`` with stores, event logs and what is none of them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs" / "deeper").mkdir(parents=True)
    fill("logs/one.db")
    fill("logs/two.db#east")
    fill("logs/two.db#west")
    fill("logs/two.db#lab*")
    (tmp_path / "logs" / "berlin.txt").write_bytes(b"\n" + EVENTS)
    (tmp_path / "logs" / "packed").write_bytes(gzip.compress(EVENTS))
    (tmp_path / "logs" / "broken.ndjson").write_bytes(b'{"type":"node_added"}\n{')
    (tmp_path / "logs" / ".hidden").write_bytes(EVENTS)
    (tmp_path / "logs" / "one.db-wal").write_bytes(b"")
    (tmp_path / "logs" / "deeper" / "paris.ndjson").write_bytes(EVENTS)
    for name, data in (("readme.md", b"# Logs"), ("trace.ndjson", b'{"seq":1,"message":"x"}\n'), ("empty", b""),
                       ("other.db", b"SQLite format 3\0")):  # fmt: skip
        (tmp_path / "logs" / name).write_bytes(data)
    return tmp_path


TWO = ["logs/two.db#east", "logs/two.db#west", "logs/two.db#lab*"]


def test_a_folder(folder):
    """Its stores and event logs by name, each log of a store; by content, not by name; then those further down."""
    found = expanded(["logs"])

    assert list(found) == [
        "logs/berlin.txt",
        "logs/broken.ndjson",
        "logs/one.db",
        "logs/packed",
        *TWO,
        "logs/deeper/paris.ndjson",
    ]
    assert list(found.passed_over) == ["logs/empty", "logs/other.db", "logs/readme.md", "logs/trace.ndjson"]


@pytest.mark.parametrize(
    ("source", "logs"),
    [
        ("logs/two.db#*", TWO),
        ("logs/two.db#*st", TWO[:2]),
        ("logs/two.db#lab*", TWO[2:]),
        ("logs/*.db#w*", None),
        ("logs/t*.db#west", TWO[1:2]),
        ("logs/[bt]*.*", ["logs/berlin.txt", "logs/broken.ndjson", "logs/trace.ndjson", "logs/two.db"]),
        ("logs/deep*", ["logs/deeper/paris.ndjson"]),
        ("logs/**/p*", ["logs/deeper/paris.ndjson", "logs/packed"]),
        ("logs/one.db*", ["logs/one.db"]),
    ],
)
def test_patterns(source, logs, folder):
    """A pattern of files is what a shell makes of it, of logs those of each store; a log of that very name is meant."""
    if logs is None:
        with pytest.raises(InputError, match="no log matches 'w\\*'"):
            expanded([source])
    else:
        assert list(expanded([source])) == logs


def test_what_is_named_is_meant(folder):
    """A file whose name looks like a pattern is that file, a name that is none stays for whoever opens it."""
    (folder / "a[1].ndjson").write_bytes(EVENTS)

    assert list(expanded(["a[1].ndjson", "gone.db", "site.db#lab", "-"])) == [
        "a[1].ndjson",
        "gone.db",
        "site.db#lab",
        "-",
    ]


def test_several(folder):
    """One log of a folder is one of several: what is printed does not change when another one comes."""
    assert not expanded(["logs/one.db"]).several
    assert expanded(["logs/deeper"]).several
    assert expanded(["logs/one.db#*"]).several
    assert list(expanded(["x", "x"])) == ["x", "x"]
    assert list(expanded(["logs/deeper", "logs/deeper/paris.ndjson"])) == ["logs/deeper/paris.ndjson"]


@pytest.mark.parametrize("source", ["nothing", "n*.ndjson", "logs/one.db#x*", "logs/berlin.txt#*"])
def test_nothing_is_an_error(source, folder):
    """A folder, a pattern or a store that gives no log is an error that names it."""
    os.mkdir("nothing")
    with pytest.raises(CtiEsError) as error:
        expanded([source])

    assert error.value.where == source.partition("#")[0]
