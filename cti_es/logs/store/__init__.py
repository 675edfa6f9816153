"""Where logs live: the protocol, a store in memory, a store in one SQLite file."""

from cti_es.logs.store.base import DEFAULT_LOG, Fault, Head, LogInfo, Reader, Row, Snapshot, Store, Writer, parse_head
from cti_es.logs.store.memory import MemoryStore
from cti_es.logs.store.sqlite import SqliteStore

__all__ = [
    "DEFAULT_LOG",
    "Fault",
    "Head",
    "LogInfo",
    "MemoryStore",
    "Reader",
    "Row",
    "Snapshot",
    "SqliteStore",
    "Store",
    "Writer",
    "parse_head",
]
