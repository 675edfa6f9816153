"""A log made once more, with everything in its place that an ingest had to keep aside.

What the files tell that are still there, what was kept aside, and the events of the log of whose lines nothing is left
are imported together, into a new log (docs/reference/commands/ingest.md#rebuild).
"""

from collections.abc import Iterator
from contextlib import closing, nullcontext
from io import BufferedReader, BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from cti_es.cucm.files import File
from cti_es.cucm.importing import Import, Imported, run
from cti_es.cucm.ingest.aside import UNPLACED, Aside
from cti_es.cucm.ingest.running import Watch
from cti_es.cucm.members import files_of
from cti_es.cucm.past import before_imports
from cti_es.cucm.unknowns import OutagesLost
from cti_es.logs.append import AppendOptions, append
from cti_es.logs.ndjson import write_events
from cti_es.logs.open import Address, make_or_append
from cti_es.logs.reading import Cut, LogPart, StoredLog
from cti_es.logs.store import SqliteStore, Store, StoreReader
from cti_es.vocabulary.events import Event, NumberedEvents

_WHAT = "files of a cluster's log"


def rebuild(store: StoreReader, log: str, watch: Watch, new: Address, wait: float = 30.0) -> Imported:
    """Make the log at the address ``new`` of an ingest's log: whole, or not at all. It must not be there yet.

    Raises what an import and an append raise: :class:`OutagesLost` for failures and recoveries that cannot be placed;
    those that were kept aside as such stay there. The old log stays as it is.
    """
    before = before_imports(store, log)
    with TemporaryDirectory() as folder, closing(SqliteStore(Path(folder, "new.db"), write=True)) as draft:
        target = cast(Store, draft)
        append(target, log, _numbered(_events(store, log, 1, before)), AppendOptions(allow_misfits=True))
        try:
            imported = run(target, log, _import(store, log, watch, before, ""), AppendOptions("ingest"))
        except OutagesLost:
            imported = run(target, log, _import(store, log, watch, before, UNPLACED), AppendOptions("ingest"))
        options = AppendOptions("ingest", watch.source, expect="none", allow_misfits=True)
        done = make_or_append(new, _Copied(draft, log), options, wait)
    return imported._replace(appended=done)


def _import(store: StoreReader, log: str, watch: Watch, before: int, without: str) -> Import:
    """What to import: files, lines that were kept aside (but not in the file ``without``), events of the log."""
    aside = [path for path in Aside(watch.aside).files() if path.name != without]
    names = [str(one) for one in (*(one for one in watch.folders if one.is_dir()), *aside)]
    told = [event for batch in _events(store, log, before + 1, store.head(log).version) for event in batch]
    stream = cast(BufferedReader, BytesIO(write_events(told)))
    extra = File(f"{store.address}#{log}", lambda: nullcontext(stream))
    return Import(files_of(names, _WHAT, watch.limit), watch.given, watch.options, False, [extra], grace=watch.grace)


class _Copied:
    """The events of a log, as often as they are asked for."""

    def __init__(self, store: SqliteStore, log: str) -> None:
        self._store = store
        self._log = log

    def __iter__(self) -> Iterator[NumberedEvents]:
        return _numbered(_events(self._store, self._log, 1, self._store.head(self._log).version))


def _events(store: StoreReader | SqliteStore, log: str, first: int, last: int) -> Iterator[list[Event]]:
    part = LogPart(StoredLog(store, log, log), Cut(version=last))
    return (batch.events for batch in part.batches(first))


def _numbered(batches: Iterator[list[Event]]) -> Iterator[NumberedEvents]:
    return (NumberedEvents(range(1, len(events) + 1), events) for events in batches)
