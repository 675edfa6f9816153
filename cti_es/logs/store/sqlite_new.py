"""A new store in a SQLite file: written under another name, it appears whole, or not at all."""

import os
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from cti_es.logs.store.sqlite import SqliteStore
from cti_es.vocabulary.errors import StoreError

T = TypeVar("T")


def create(path: Path, fill: Callable[[SqliteStore], T], wait: float = 30.0) -> T | None:
    """A new store at ``path`` with what ``fill`` writes into it: it appears whole, or not at all.

    Returns what ``fill`` returns, or None when somebody else has made the store in the meantime (nothing is kept
    then). Whatever ``fill`` raises passes through.
    """
    if not os.access(path.absolute().parent, os.W_OK):
        raise StoreError("no permission to make a file in this folder", where=str(path))
    _refuse_remains(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.new")
    try:
        draft.touch(exist_ok=False)  # SQLite would not let a group write, whatever the umask
        with closing(SqliteStore(draft, write=True, wait=wait, draft=True)) as store:
            result = fill(store)
            store.finish_draft()
        return result if _publish(draft, path) else None
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{draft}{suffix}").unlink(missing_ok=True)


def _refuse_remains(path: Path) -> None:
    """Raise :class:`StoreError` if SQLite would bring an earlier store of this name back into the new one."""
    for remains in (Path(f"{path}-wal"), Path(f"{path}-journal")):
        if remains.exists() and not path.exists():
            raise StoreError(
                "belongs to an earlier store, which is not here any more", where=str(remains),
                hint=f"put {path.name} back beside it, or remove this file, too",
            )  # fmt: skip


def _publish(draft: Path, path: Path) -> bool:
    """Give the draft its name, unless there is a file of that name."""
    _refuse_remains(path)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    except (OSError, AttributeError):
        # A file system without hard links has no way to do that in one step: leave an empty file to be written into.
        with suppress(FileExistsError):
            path.touch(exist_ok=False)
        return False
    _sync_folder(path.absolute().parent)
    return True


def _sync_folder(folder: Path) -> None:
    """Put a new name on disk, where the system can do that for folders."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
