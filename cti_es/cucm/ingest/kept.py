"""What an ingest keeps beside the log, to go on where it was: a cache, worth nothing but time.

Written in the transaction that appends the events, so it is always of the same moment as the log.
"""

import msgspec

from cti_es.cucm.claims import Claim, NodeRef
from cti_es.cucm.connections import OpenConnections
from cti_es.logs.store.base import IngestState, Store, Writer
from cti_es.vocabulary.errors import StoreError


class KeptFile(msgspec.Struct, kw_only=True):
    """How far a file has been read.

    ``path`` is where it was first seen. ``begin`` are hashes of its first lines, ``read`` is how many bytes have been
    read, ``tail`` the hash of the last of them: by these it is known again under another name. Reading has to go on at
    ``safe``, after ``lines`` lines, because lines from there on still wait; ``day`` is that of the last stamp without a
    year before it. ``latest`` is (the sort key of) the latest time in it, ``inode`` its number on the disk.
    """

    path: str
    kind: str
    begin: list[str]
    read: int = 0
    tail: str = ""
    safe: int = 0
    lines: int = 0
    day: str | None = None
    latest: str = ""
    inode: int = 0


class KeptClaim(msgspec.Struct, array_like=True):
    """A claim that reading on does not give: the failure of a node, for the calls that wait; a call put elsewhere."""

    at: str
    id: str
    claim: Claim


class Kept(msgspec.Struct, kw_only=True):
    """All of it. The log has everything of these files that is older than ``horizon`` (a sort key)."""

    horizon: str = ""
    files: list[KeptFile] = []
    connections: OpenConnections = OpenConnections()
    registered: list[tuple[str, str, str | None]] = []
    learnt: list[tuple[NodeRef, NodeRef]] = []
    carried: list[KeptClaim] = []


class KeptState:
    """The cache of one log. ``is_damaged``: something was kept, but it cannot be used."""

    def __init__(self, store: Store, log: str) -> None:
        self._store = store
        self._log = log
        self._seen = self._keeping = ""
        self.is_damaged = False

    def load(self) -> Kept | None:
        """What was kept, if it is whole and belongs to the log as it is; None if everything has to be read anew."""
        try:
            found = self._store.ingest_state(self._log)
        except StoreError:
            found = None
            self.is_damaged = True
        if found is None:
            return None
        state, self._seen = found
        kept = _decoded(state) if state.digest() == self._seen and self._is_of_log(state) else None
        self.is_damaged = kept is None
        return kept

    def has_moved(self) -> bool:
        """Whether somebody else has kept something since this object did, or loaded it."""
        found = self._store.ingest_state(self._log)
        return (found[1] if found else "") != self._seen

    def keep(self, writer: Writer, kept: Kept) -> None:
        """Keep something, in the transaction of a writer; :meth:`kept` is to be called after it."""
        state = msgspec.json.encode(kept)
        is_kept = writer.keep_ingest(state)
        self._keeping = IngestState(self._log, *writer.head, state).digest() if is_kept else self._seen

    def kept(self) -> None:
        """What was to be kept is in the store now."""
        self._seen = self._keeping

    def _is_of_log(self, state: IngestState) -> bool:
        row = next(self._store.rows(self._log, state.version), None)
        return row is not None and (row.last, row.hash) == (state.version, state.hash)


def _decoded(state: IngestState) -> Kept | None:
    try:
        return msgspec.json.decode(state.state, type=Kept)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
