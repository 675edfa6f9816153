"""A log made once more: with what came too late in its place, from the files and from the log itself."""

import shutil

import pytest
from support.cluster_lines import GIVEN, LINES, TOPOLOGY, cti, files, link, new_store, opened
from support.cluster_lines import events as events_in

from cti_es.cucm.importing import Import, run
from cti_es.cucm.ingest.rebuild import rebuild
from cti_es.cucm.ingest.running import Ingest, Watch
from cti_es.logs.append import AppendOptions
from cti_es.logs.open import parse_address
from cti_es.logs.store import SqliteStore
from cti_es.vocabulary.errors import Conflict

EARLY = [opened(1), cti(2, "CtiDeviceOpened"), cti(3, "CtiLineOpened", DirNum="5001"), link(30, "cm3", "cm1")]
LATE = [link(20, "cm2", "cm1"), cti(25, "CtiLineClosed", DirNum="5001", Reason=6)]
AFTER = [link(90, "cm2", "cm1", up=True)]


@pytest.fixture
def watched(tmp_path):
    """A watched folder, a log, and two lines of another node that came too late."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "cm3").write_text("\n".join(EARLY) + "\n")
    store, watch = new_store(), Watch([folder], lambda known: GIVEN, LINES, tmp_path / "aside")
    ingest = Ingest(store, "default", watch)
    ingest.once(is_last=True)
    (folder / "cm2").write_text("\n".join(LATE + AFTER) + "\n")
    assert ingest.once(is_last=True).late == 2
    return store, watch


def again(tmp_path, store, watch):
    """The events of the log made once more."""
    rebuild(store, "default", watch, parse_address(f"{tmp_path / 'site.db'}#again"))
    new = SqliteStore(tmp_path / "site.db")
    found = events_in(new, "again")
    new.close()
    return found


def imported():
    """What one import of all lines makes."""
    store = new_store()
    run(store, "default", Import(files(EARLY, LATE, AFTER), lambda known: GIVEN, LINES), AppendOptions())
    return events_in(store)


def test_everything_is_in_its_place(watched, tmp_path):
    """With all files there, the new log is that of one import; the failure has the time of the report that was late."""
    store, watch = watched
    found = again(tmp_path, store, watch)

    assert events_in(store) != found == imported()
    assert [event.at[14:19] for event in found[len(TOPOLOGY) :] if "Failed" in type(event).__name__] == ["00:20"]


@pytest.mark.parametrize("gone", [["cm3"], ["cm2"], ["cm2", "cm3"]])
def test_files_that_are_gone(gone, watched, tmp_path):
    """What the log has of lines that are nowhere any more goes into the new one; so does what was kept aside."""
    store, watch = watched
    for name in gone:
        (watch.folders[0] / name).unlink()
    found = again(tmp_path, store, watch)

    told = {event.id for event in imported()}
    kept = {event.id for event in found}
    lost = told - kept
    assert kept <= told
    assert len(lost) == (1 if "cm3" in gone else 0)  # whose connection closed the line is told by a line that is gone


def test_what_nobody_can_place_stays_aside(watched, tmp_path):
    """A failure of a node that nobody knows was kept aside, and does not keep the others from their places."""
    store, watch = watched
    (watch.aside / "unplaced.log").write_text(link(40, "cm2", "cm1").replace("RemoteNodeID=1", "RemoteNodeID=9") + "\n")

    assert again(tmp_path, store, watch) == imported()


def test_a_log_that_is_there_is_left_alone(watched, tmp_path):
    """The new log must not be there yet; nothing is stored then."""
    store, watch = watched
    before = again(tmp_path, store, watch)
    shutil.rmtree(watch.folders[0])

    with pytest.raises(Conflict):
        again(tmp_path, store, watch)
    new = SqliteStore(tmp_path / "site.db")
    assert events_in(new, "again") == before
    new.close()
