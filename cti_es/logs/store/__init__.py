"""Where logs live: the protocol, a store in memory, a store in one SQLite file."""

from cti_es.logs.store.base import (
    DEFAULT_LOG,
    Fault,
    Head,
    LogInfo,
    Row,
    Snapshot,
    Store,
    StoreReader,
    Writer,
    parse_head,
)
from cti_es.logs.store.memory import MemoryStore
from cti_es.logs.store.sqlite import SqliteStore

__all__ = [
    "DEFAULT_LOG",
    "Fault",
    "Head",
    "LogInfo",
    "MemoryStore",
    "Row",
    "Snapshot",
    "SqliteStore",
    "Store",
    "StoreReader",
    "Writer",
    "parse_head",
]
