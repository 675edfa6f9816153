"""Tasks for logs that are none: what processes of a fleet do with addresses, in tests. They have to be importable."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cti_es.vocabulary.errors import InputError


def spelt(address: str, tell: Any) -> Iterator[Any]:
    """The letters of an address, one by one; an error behind them if it is called bad."""
    for letter in address:
        tell(1)
        yield letter
    if address == "bad":
        raise InputError("a bad log", where=address, expected="a good one")


def deadly(address: str, tell: Any) -> Iterator[Any]:
    """As :func:`spelt`, but ``FOLDER/once`` kills its process the first time, ``FOLDER/always`` every time."""
    path = Path(address)
    yield path.name
    if path.name == "always" or (path.name == "once" and not path.exists()):
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    tell(1)
    yield "lives"


def endless(address: str, tell: Any) -> Iterator[Any]:
    """Gives one thing for the first log; of the others there is no end. Leaves a file with its process id."""
    path = Path(address)
    path.write_text(str(os.getpid()))
    yield path.name
    while path.name != "first":
        time.sleep(0.01)


def unpicklable(address: str, tell: Any) -> Iterator[Any]:
    """Raises what no other process can be told as it is."""
    raise Unpicklable(lambda: None)
    yield


class Unpicklable(Exception):
    """Holds a function that has no name."""
