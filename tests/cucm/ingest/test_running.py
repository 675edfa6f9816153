"""Watched folders → a log: the same as one import of all files, whatever happens on the way."""

import random
from functools import partial

import pytest
from support.cluster_lines import GIVEN, LINES, TOPOLOGY, alarm, cti, events, link, new_store, opened, stream
from support.collector import CDR, NINE, Collector, lines_of

from cti_es.cucm.files import File
from cti_es.cucm.importing import Import, run
from cti_es.cucm.ingest.running import Ingest, Watch
from cti_es.logs import clock
from cti_es.logs.append import AppendOptions, append
from cti_es.logs.verify import verify
from cti_es.vocabulary.errors import Conflict
from cti_es.vocabulary.events import NumberedEvents

FIRST = "1: nobody: Mar 02 2026 09:00:00.000 UTC : %UC_X-3-Other: %[NodeID=cm1]: t"
"""The line with which each file begins, so that every source is there from the start."""


class Killed(Exception):
    """Somebody has ended the process."""


def watch(folder, **options):
    return Watch([folder], lambda known: GIVEN, LINES, folder.parent / "aside", **options)


def imported(lines):
    """What one import of all lines makes."""
    store = new_store()
    texts = {}
    for line in lines:
        texts.setdefault(line.file, [CDR] if line.file == "cdr" else []).append(line.text)
    files = [File(name, partial(stream, "\n".join(some))) for name, some in texts.items()]
    run(store, "default", Import(files, lambda known: GIVEN, LINES, True), AppendOptions("import"))
    return events(store)


def delivered(lines, chance):
    """The lines in the order in which they arrive: each file by itself up to two minutes behind."""
    behind = {file: chance.uniform(0, 120) for file in ("cm1", "cm2", "cm3", "cdr")}
    return sorted(lines, key=lambda line: line.second + behind[line.file])


class Fragile(Ingest):
    """An ingest whose process is killed now and then, when it has written everything and not yet committed."""

    def __init__(self, store, folder, chance):
        super().__init__(store, "default", watch(folder))
        self._chance = chance

    def _keep(self, writer):
        super()._keep(writer)
        if self._chance.random() < 0.1:
            raise Killed


@pytest.mark.parametrize("seed", range(12))
def test_the_log_is_that_of_one_import(seed, tmp_path):
    """Lines that arrive in pieces, out of step, in files that are rotated and packed; with restarts and crashes."""
    chance = random.Random(seed)
    lines = lines_of(chance, 150, chance.choice((0, 0.15)))
    folder, store = tmp_path / "logs", new_store()
    collector = Collector(folder, chance)
    for file in {line.file for line in lines}:
        collector.write(file, (CDR if file == "cdr" else FIRST).encode() + b"\n")
    ingest, late = Fragile(store, folder, chance), 0
    for line in delivered(lines, chance):
        data = line.text.encode() + b"\n"
        cut = chance.randrange(len(data)) if chance.random() < 0.2 else len(data)
        collector.write(line.file, data[:cut])
        try:
            late += ingest.once().late if cut < len(data) or chance.random() < 0.3 else 0
        except Killed:
            ingest = Fragile(store, folder, chance)
        if chance.random() < 0.1:
            ingest = Fragile(store, folder, chance)
        collector.write(line.file, data[cut:])
        if chance.random() < 0.05:
            collector.rotate(line.file)
    late += Ingest(store, "default", watch(folder)).once(is_last=True).late

    assert (late, events(store)) == (0, imported(lines))
    assert list(verify(store, {})) == []


# --- what waits, what comes late ------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """A watched folder."""
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


def write(folder, name, *lines, end="\n"):
    """Add lines to a file."""
    with (folder / name).open("a") as file:
        file.write("".join(line + "\n" for line in lines[:-1]) + lines[-1] + end)


def in_short(store):
    """What was stored: the types and the nodes."""
    return [f"{type(event).__name__} {getattr(event, 'node', '')}".strip() for event in events(store)[7:]]


def test_lines_wait_for_the_slowest_file(folder):
    """What one file has is stored when the other has passed its time by ten seconds."""
    store = new_store()
    ingest = Ingest(store, "default", watch(folder))
    write(folder, "cm2", link(10, "cm2", "cm1"), alarm(100, "Other", "cm2"))
    write(folder, "cm3", alarm(5, "Other", "cm3"))
    first = ingest.once()
    write(folder, "cm3", alarm(21, "Other", "cm3"))
    second = ingest.once()

    assert (first.appended, first.waiting) == (None, 1)
    assert (second.appended.appended, second.waiting) == (1, 0)


def test_nobody_waits_for_a_file_that_is_far_behind(folder):
    """A file that is more than the lateness behind another one holds nobody up; what it has then comes late."""
    store = new_store()
    ingest = Ingest(store, "default", watch(folder))
    write(folder, "cm3", alarm(5, "Other", "cm3"))
    write(folder, "cm2", link(10, "cm2", "cm1"), alarm(311, "Other", "cm2"))
    done = ingest.once()
    write(folder, "cm3", link(7, "cm3", "cm2"))
    late = ingest.once()

    assert (done.appended.appended, late.late, late.appended.appended) == (1, 1, 0)
    assert (folder.parent / "aside" / "late.log").read_text() == link(7, "cm3", "cm2") + "\n"


def test_nobody_waits_for_a_quiet_file(folder, monkeypatch):
    """When nothing was added for as long as the lateness, time goes on by the clock."""
    store = new_store()
    ingest = Ingest(store, "default", watch(folder))
    write(folder, "cm2", link(10, "cm2", "cm1"))
    first, now = ingest.once(), clock.epoch()
    monkeypatch.setattr(clock, "epoch", lambda: now + 301)

    assert first.appended is None
    assert ingest.once().appended.appended == 1


def test_half_a_line_waits(folder):
    """A line without an end is read when it has one, or with the last pass."""
    store = new_store()
    ingest = Ingest(store, "default", watch(folder))
    whole = link(10, "cm2", "cm1")
    write(folder, "cm2", alarm(5, "Other", "cm2"), whole[:70], end="")
    half = ingest.once()
    write(folder, "cm2", whole[70:], alarm(60, "Other", "cm2"))
    done = ingest.once()

    assert (half.half, half.waiting) == ([str(folder / "cm2")], 0)
    assert (done.half, done.appended.appended) == ([], 1)


def test_a_stamp_of_the_future_moves_nothing(folder, monkeypatch):
    """A line that claims to be of the year 2099 waits by itself; the others go on."""
    monkeypatch.setattr(clock, "epoch", lambda: NINE + 400.0)
    store = new_store()
    ingest = Ingest(store, "default", watch(folder))
    future = link(10, "cm2", "cm3").replace("2026", "2099")
    write(folder, "cm2", alarm(5, "Other", "cm2"), future)
    write(folder, "cm3", link(10, "cm3", "cm1"), alarm(90, "Other", "cm3"))
    ingest.once()
    write(folder, "cm3", link(200, "cm3", "cm1", up=True), alarm(399, "Other", "cm3"))
    done = ingest.once()

    assert (done.late, done.waiting) == (0, 1)
    assert in_short(store) == ["NodeFailed cm1", "NodeRecovered cm1"]


def test_the_start_of_a_service_waits_for_what_follows(folder):
    """Whether a service that starts brings its node back is decided five minutes later, and not before."""
    store = new_store()
    ingest = Ingest(store, "default", watch(folder))
    write(folder, "cm1", link(1, "cm2", "cm1"), alarm(10, "ServiceStarted", "cm1", ServiceName="Cisco CallManager"))
    write(folder, "cm1", alarm(200, "Other", "cm1"))
    ingest.once()
    before = in_short(store)
    write(folder, "cm1", alarm(250, "CallManagerOnline", "cm1"), alarm(700, "Other", "cm1"))
    ingest.once()

    assert before == ["NodeFailed cm1"]
    assert [event.at[14:19] for event in events(store)[7:]] == ["00:01", "04:10"]


# --- what is kept ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [None, b"", b"{}", b'{"horizon": "9999"}', b'{"files": 7}'])
def test_a_cache_that_is_lost_changes_nothing(state, folder):
    """Without what was kept, or with nonsense of the right check sum for another log, everything is read again."""
    store = new_store()
    write(folder, "cm1", opened(1), cti(2, "CtiDeviceOpened"), link(3, "cm2", "cm1"), alarm(99, "Other", "cm1"))
    Ingest(store, "default", watch(folder)).once()
    if state is None:
        store._ingests.clear()
    else:
        store._ingests["default"] = store._ingests["default"]._replace(state=state, hash="f" * 64)
    write(folder, "cm1", cti(200, "CtiLineOpened", DirNum="5001"), alarm(999, "Other", "cm1"))
    done = Ingest(store, "default", watch(folder)).once()

    assert (done.is_anew, done.late) == (state is not None, 0)
    assert in_short(store) == ["ProviderOpened", "DeviceOpened", "NodeFailed cm1", "LineOpened"]


def test_a_second_ingest_ends_the_first(folder):
    """Two at once store nothing twice: the one that finds that another has gone on ends."""
    store = new_store()
    write(folder, "cm1", link(3, "cm2", "cm1"), alarm(99, "Other", "cm1"))
    first, second = (Ingest(store, "default", watch(folder)) for _ in range(2))
    second.once()
    with pytest.raises(Conflict, match="another ingest has gone on"):
        first.once()

    assert in_short(store) == ["NodeFailed cm1"]


def test_an_outage_that_nobody_can_place(folder):
    """A failure of a node that the log does not know, or without a year, is kept aside as it came."""
    store = new_store()
    unknown = link(3, "cm2", "cm1").replace("RemoteNodeID=1", "RemoteNodeID=9")
    timeless = link(4, "cm2", "cm1").replace("Mar 02 2026", "Mar 02")
    write(folder, "cm1", unknown, timeless, alarm(99, "Other", "cm1"))
    done = Ingest(store, "default", watch(folder)).once()

    assert done.unplaced == 2
    assert sorted((folder.parent / "aside" / "unplaced.log").read_text().splitlines()) == sorted([unknown, timeless])
    assert in_short(store) == []


def test_a_folder_that_vanishes(folder):
    """It is named, and read on when it is back."""
    store = new_store()
    write(folder, "cm1", link(3, "cm2", "cm1"), alarm(99, "Other", "cm1"))
    ingest = Ingest(store, "default", watch(folder))
    folder.rename(folder.with_name("away"))
    lost = ingest.once()
    folder.with_name("away").rename(folder)
    done = ingest.once()

    assert (lost.lost, done.lost) == ([folder], [])
    assert done.appended.appended == 1


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("t.txt", b"node      ctiid\n========= =====\ncm1       1\n", "what the topology is: import it"),
        ("a.zip", b"PK\x03\x04" + bytes(99), "an archive: unpack it here, or import it"),
        ("u.log", b"\xff\xfe1\x00\n\x00", "UTF-16: import it"),
    ],
)
def test_files_that_are_none_of_ours(name, data, why, folder):
    """They are named with the reason."""
    (folder / name).write_bytes(data)

    assert Ingest(new_store(), "default", watch(folder)).once().ignored == {str(folder / name): why}


def test_a_file_that_is_rotated_while_it_is_read(folder, monkeypatch):
    """A file that is renamed between looking and reading is read in the next pass, wherever it is then."""
    store = new_store()
    ingest = Ingest(store, "default", watch(folder))
    write(folder, "cm1", alarm(1, "Other", "cm1"), alarm(2, "Other", "cm1"))
    ingest.once()
    write(folder, "cm1", link(3, "cm2", "cm1"), alarm(99, "Other", "cm1"))
    read = ingest._read

    def rotated(one, is_last):
        monkeypatch.setattr(ingest, "_read", read)
        (folder / "cm1").rename(folder / "cm1.1")
        write(folder, "cm1", alarm(100, "Other", "cm1"), alarm(200, "Other", "cm1"), alarm(201, "Other", "cm1"))
        read(one, is_last)

    monkeypatch.setattr(ingest, "_read", rotated)
    first, second = ingest.once(), ingest.once()

    assert (first.appended, first.ignored, second.late, second.ignored) == (None, {}, 0, {})
    assert in_short(store) == ["NodeFailed cm1"]


def test_a_line_without_end(folder):
    """A line over 1 MiB is no line of a log: the file is named and the others go on."""
    store = new_store()
    ingest = Ingest(store, "default", watch(folder))
    write(folder, "cm1", link(3, "cm2", "cm1"), alarm(99, "Other", "cm1"))
    write(folder, "cm2", alarm(99, "Other", "cm2"), "x" * (1 << 20) + "xx", end="")
    done = ingest.once(is_last=True)

    assert in_short(store) == ["NodeFailed cm1"]
    assert done.ignored == {}


def test_lines_before_the_log(folder):
    """A log that begins today takes nothing of yesterday's files, and keeps nothing of them aside."""
    store = new_store()
    write(folder, "cm1", link(3, "cm2", "cm1"), link(60, "cm2", "cm3"), alarm(99, "Other", "cm1"))
    done = Ingest(store, "default", watch(folder, since="2026-03-02T09:00:30Z")).once()

    assert (done.late, in_short(store)) == (0, ["NodeFailed cm3"])


def test_a_store_on_a_server(folder, database):
    """What an ingest keeps, and the log that it makes, are the same in a PostgreSQL store."""
    from cti_es.logs.store.postgres import PostgresStore

    chance = random.Random(5)
    lines = lines_of(chance, 60, 0.1)
    store = PostgresStore(database, write=True)
    topology = NumberedEvents(range(len(TOPOLOGY)), events(new_store()))
    append(store, "default", [topology], AppendOptions())
    collector = Collector(folder, chance)
    for file in {line.file for line in lines}:
        collector.write(file, (CDR if file == "cdr" else FIRST).encode() + b"\n")
    for line in lines:
        collector.write(line.file, line.text.encode() + b"\n")
        if chance.random() < 0.2:
            Ingest(store, "default", watch(folder)).once()
    Ingest(store, "default", watch(folder)).once(is_last=True)

    assert events(store) == imported(lines)
    assert list(verify(store, {})) == []
    store.close()
