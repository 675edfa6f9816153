"""A log as tables for SQL: real types and keys, the same figures as the commands print, opened by sqlite-utils."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.util import find_spec

import pytest
from conftest import FIXTURES
from sqlite_utils import Database

import cti_es
from cti_es.logs.open import open_log
from cti_es.report.analysis import (
    QUESTIONS,
    TABLES,
    VIEWS,
    is_analysis,
    is_metadata,
    metadata,
    sql_of,
    write_analyses,
    write_analysis,
)
from cti_es.report.rows import DifferenceRow
from cti_es.vocabulary.tapi import TraceMessage

LOGS = [pytest.param(path, id=path.parent.name, marks=() if number % 8 == 0 else pytest.mark.slow)
        for number, path in enumerate(sorted(FIXTURES.glob("*/log.ndjson")))]  # fmt: skip
"""Every scenario; one of eight is enough for the quick tests."""
WORKED = FIXTURES / "01-worked-example" / "log.ndjson"

ASKED = {
    "device": "RP_SALES",
    "at": "2026-03-02T09:44:03Z",
    "app": "app",
    "since": "2026",
    "until": "2027",
    "version": 8,
}
"""What is asked for by the questions."""


def analysed(log, path, differences=None):
    with open_log(str(log)) as opened:
        return write_analysis(path, opened, differences)


@pytest.fixture
def worked(tmp_path):
    analysed(WORKED, tmp_path / "a.db")
    with closing(Database(tmp_path / "a.db")) as db:
        yield db


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("log", LOGS)
def test_the_tables_say_what_the_library_says(log, tmp_path):
    """As many rows as the library gives, nothing refers to what is not there, and every view can be read."""
    counts = analysed(log, tmp_path / "a.db")
    found = cti_es.open(log, allow_misfits=True)
    outages, homes = found.outages(lines=True), found.homes()

    assert counts["events"] == len(found.events())
    assert counts["messages"] == len(found.messages())
    assert counts["misfits"] == len(found.misfits())
    assert counts["outages"] == len(outages)
    assert counts["homes"] == len(homes)
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        up = db.execute("SELECT count(*) FROM calls WHERE ended_version IS NULL").fetchone()[0]
        assert up == sum(home.calls for home in homes.values())
        for view in VIEWS:
            db.execute(f"SELECT * FROM {view}").fetchall()


def test_sqlite_utils_opens_it(worked):
    """Strict tables with primary keys, references and indexes, as sqlite-utils sees them."""
    assert set(worked.table_names()) == set(TABLES) - {"differences"}
    assert set(worked.view_names()) == set(VIEWS)
    for name in worked.table_names():
        table, wanted = worked[name], TABLES[name]
        assert table.strict
        assert table.columns_dict == wanted.columns
        assert table.pks == ([wanted.pk] if isinstance(wanted.pk, str) else list(wanted.pk))
        assert {(key.column, key.other_table) for key in table.foreign_keys} == set(wanted.references.items())
        assert {column for index in table.indexes for column in index.columns} >= set(wanted.indexes)
    assert worked["messages"].get(3)["reason"] == "CallManagerFailure"
    assert next(worked.query(sql_of(QUESTIONS["device"][1]), ASKED))["text"].startswith("device_added")


def test_a_call_has_its_times(worked):
    """A leg of a call has the events that started and ended it."""
    [leg] = worked["calls"].rows

    assert (leg["call"], leg["device"], leg["started_version"], leg["ended_version"]) == ("20417", "RP_SALES", 7, 10)
    assert leg["seconds"] == 948.0
    assert [row["device"] for row in worked["calls_when_out"].rows] == ["RP_SALES"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_has_an_answer(question, worked):
    """The questions that Datasette is given are SQL that runs, with the parameters that they name."""
    rows = list(worked.query(sql_of(QUESTIONS[question][1]), ASKED))

    assert bool(rows) == (question != "longest")  # no outage of the worked example has a length


def test_differences_of_a_trace(tmp_path):
    """Differences refer to the message that was expected and to its event."""
    expected = TraceMessage(3, "PHONE_STATE", 0x40000, 1, "app", "RP_SALES", None, "6", None, 8)
    rows = [DifferenceRow("missing", "RP_SALES of app handle 6", expected, None, None, None, "")]

    assert analysed(WORKED, tmp_path / "a.db", rows)["differences"] == 1
    with closing(Database(tmp_path / "a.db")) as db:
        [row] = db["differences"].rows
        assert (row["seq"], row["version"], row["device"], row["came"]) == (3, 8, "RP_SALES", None)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_the_same_log_gives_the_same_file(tmp_path):
    """Nothing of the moment or of the machine is in it."""
    for name in ("a.db", "b.db"):
        analysed(WORKED, tmp_path / name)

    assert (tmp_path / "a.db").read_bytes() == (tmp_path / "b.db").read_bytes()


def test_an_analysis_is_known_by_its_head(tmp_path):
    """An analysis and its metadata can be told from a store, a log and an empty file."""
    analysed(WORKED, tmp_path / "a.db")
    (tmp_path / "a.json").write_bytes(metadata("a", "site.db"))
    (tmp_path / "empty").touch()

    assert is_analysis(tmp_path / "a.db")
    assert is_metadata(tmp_path / "a.json")
    assert not any(map(is_analysis, (WORKED, tmp_path / "empty", tmp_path / "a.json")))
    assert not any(map(is_metadata, (WORKED, tmp_path / "empty", tmp_path / "a.db")))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("datasette") is None, reason="needs Datasette: pip install 'cti-es[datasette]'")
@pytest.mark.parametrize("question", QUESTIONS)
def test_datasette_opens_it(question, tmp_path):
    """Datasette takes the file with its metadata, and answers the questions as SQLite does."""
    analysed(WORKED, tmp_path / "a.db")
    (tmp_path / "a.metadata.json").write_bytes(metadata("a", "site.db"))
    asked = "&".join(f"{name}={value}" for name, value in ASKED.items())
    command = [sys.executable, "-m", "datasette", "a.db", "--metadata", "a.metadata.json"]
    page = f"/a/{question}.json?_shape=array&{asked}"
    done = subprocess.run([*command, "--get", page], cwd=tmp_path, capture_output=True, check=True)

    with closing(Database(tmp_path / "a.db")) as db:
        assert json.loads(done.stdout) == list(db.query(sql_of(QUESTIONS[question][1]), ASKED))


# --- several logs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path):
    """The tables of two logs: the worked example twice."""

    def logs():
        for name in ("east", "west"):
            with open_log(str(WORKED)) as log:
                yield name, log

    write_analyses(tmp_path / "two.db", logs())
    with closing(Database(tmp_path / "two.db")) as db:
        yield db


def test_several_logs(two, worked):
    """Each log has the rows that it has alone, behind its name; what refers to another row refers to one of its log."""
    for name in worked.table_names():
        alone = list(worked.query(f'SELECT * FROM "{name}"'))
        for log in ("east", "west"):
            found = list(two.query(f'SELECT * FROM "{name}" WHERE log = ?', [log]))
            assert found == [{"log": log, **row} for row in alone], name
    assert list(two.query("PRAGMA foreign_key_check")) == []
    assert [key.columns for key in two["lines"].foreign_keys] == [("log", "device")]


@pytest.mark.parametrize("view", VIEWS)
def test_views_of_several_logs(view, two, worked):
    """A view gives for each log what it gives for it alone."""
    alone = list(worked.query(f"SELECT * FROM {view}"))
    found = list(two.query(f"SELECT * FROM {view} WHERE log = 'west'"))

    assert sorted(map(str, found)) == sorted(str({"log": "west", **row}) for row in alone)


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_about_several_logs(question, two, worked):
    """A question gives as many rows of a log as it does for it alone; where it asks for a name it asks for the log, too."""
    sql = sql_of(QUESTIONS[question][1], several=True)
    found = [row for row in two.query(sql, {**ASKED, "log": "east"}) if row.get("log", "east") == "east"]

    assert len(found) == len(list(worked.query(sql_of(QUESTIONS[question][1]), ASKED)))
