"""A bare NDJSON file as a log."""

from collections.abc import Iterator

from cti_es.logs.bytes_in import OpenStream, Unpacked
from cti_es.logs.ndjson import read_events
from cti_es.logs.reading import Batch, Wait
from cti_es.logs.store.base import Snapshot
from cti_es.vocabulary.text_lines import ByteStream


class FileLog:
    """A bare NDJSON event log. It is replayed as it stands; ids and missing times mean nothing here.

    ``name`` is what errors call it. ``grows``: other programs may write to its end, so it can be followed.
    """

    def __init__(self, name: str, open_: OpenStream, grows: bool = False) -> None:
        self.name = name
        self._open = open_
        self._grows = grows

    def batches(self, version: int = 1, wait: Wait | None = None) -> Iterator[Batch]:
        """Its events from ``version`` on; with ``wait`` also those that are written to its end later.

        What is packed is read as it stands, to its end. Raises :class:`~cti_es.vocabulary.errors.InputError`.
        """
        with self._open() as stream:
            grows = wait is not None and self._grows and not isinstance(stream, Unpacked)
            first = 1
            for _, events, _ in read_events(_Growing(stream, wait) if wait and grows else stream, self.name):
                skip = min(len(events), max(0, version - first))
                if skip < len(events):
                    yield Batch(first + skip, events[skip:] if skip else events)
                first += len(events)

    def snapshot(self, **at_most: int | str) -> Snapshot | None:
        """None: there are no snapshots beside a bare file."""
        return None


class _Growing:
    """A file that has no end: what is written to it later is read, too."""

    def __init__(self, stream: ByteStream, wait: Wait) -> None:
        self._stream = stream
        self._wait = wait

    def read1(self, size: int = -1, /) -> bytes:
        """Some bytes, as soon as there are any."""
        while not (data := self._stream.read1(size)):
            self._wait()
        return data
