"""The file of ``-o``: whole or not there, and never open to more people than the file that it replaces."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from cti_es.vocabulary.errors import InputError, blamed_on


def is_standard_output(path: str) -> bool:
    """Whether a path is where standard output goes already (``/dev/stdout``)."""
    try:
        return os.path.samestat(Path(path).stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError, AttributeError):  # not there, in memory, or closed
        return False


def status(path: str) -> os.stat_result | None:
    """What there is under a name already, through links; None if there is nothing. Raises OSError."""
    with suppress(FileNotFoundError):
        return Path(path).stat()
    return None


def target_of(path: str, option: str) -> Path:
    """The file that a name means, through links. Raises :class:`InputError` where no file can be made."""
    _refuse_foreign_link(Path(path))
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise InputError("no such folder", where=f"{option} {path}", expected="a folder that is there")
    if not os.access(target.parent, os.W_OK):
        raise InputError("no permission to make a file in this folder", where=path)
    if target.exists() and not os.access(target, os.W_OK):
        raise InputError("no permission to write to this file", where=path)
    return target


def _refuse_foreign_link(link: Path) -> None:
    """In a folder where everybody may make files (/tmp) others' links are traps: they are not followed."""
    while link.is_symlink():
        folder = link.parent.stat()
        is_open_to_all = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
        if is_open_to_all and link.lstat().st_uid not in (os.geteuid(), folder.st_uid):
            raise InputError(
                "somebody else's link in a folder where everybody may write",
                where=str(link),
                expected="the name of a file",
            )
        link = link.parent / link.readlink()


@contextmanager
def drafted(target: Path, path: str) -> Iterator[BinaryIO]:
    """A stream whose data becomes the file ``target`` when this ends well. Errors say ``path``."""
    draft = target.with_name(f".{target.name[:100]}.{os.getpid()}-{os.urandom(4).hex()}.new")
    with blamed_on(path):
        stream = _create(draft, status(str(target)))
    try:
        with _closed(stream, path):
            yield stream
        with blamed_on(path):
            draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def written(path: str) -> Iterator[BinaryIO]:
    """A pipe or a device, to be written to as it is."""
    with blamed_on(path):
        stream = os.fdopen(os.open(path, os.O_WRONLY), "wb")
    with _closed(stream, path):
        yield stream


@contextmanager
def _closed(stream: BinaryIO, path: str) -> Iterator[None]:
    """What is held back is written at the end; after an error nobody needs to hear that this fails, too."""
    try:
        yield
        with blamed_on(path):
            stream.close()
    finally:
        with suppress(OSError):
            stream.close()


def _create(draft: Path, old: os.stat_result | None) -> BinaryIO:
    """A new file: as the umask leaves it, or as private as the file that it replaces, before anything is in it."""
    number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if old is None else 0o600)
    stream = os.fdopen(number, "wb")
    if old is not None:
        with suppress(OSError, AttributeError):  # the owner can be kept by root alone; Windows knows none
            os.chown(draft, old.st_uid, -1)
        draft.chmod(_mode_like(draft, old))
    return stream


def _mode_like(draft: Path, old: os.stat_result) -> int:
    """The permissions of the old file; where its group cannot be kept, none for the other group."""
    mode = stat.S_IMODE(old.st_mode) & 0o777
    try:
        os.chown(draft, -1, old.st_gid)
    except OSError:
        return mode & ~0o070
    except AttributeError:
        return mode
    return mode
