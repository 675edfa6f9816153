"""What comes of a task elsewhere, as bytes. Imported only where there are others that work: pickle takes a while."""

import pickle
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO


def portable(error: Exception) -> Exception:
    """The error, or one with its words if it cannot be sent to another process."""
    try:
        return error if type(pickle.loads(pickle.dumps(error))) is type(error) else RuntimeError(str(error))  # noqa: S301
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")


def write_items(stream: BinaryIO, items: Iterable[Any]) -> Exception | None:
    """Write what a task gives; the error that ended it, if one did."""
    try:
        for item in items:
            pickle.dump(item, stream, pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        return portable(error)
    return None


def read_items(stream: BinaryIO, error: Exception | None) -> Iterator[Any]:
    """What :func:`write_items` wrote; then raises the error that it gave."""
    with suppress(EOFError):
        while True:
            yield pickle.load(stream)  # noqa: S301  (written by our own process, in a folder that is ours alone)
    if error is not None:
        raise error
