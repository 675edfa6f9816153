"""What can go wrong, as data first and text second.

Every error that cti-es raises on purpose is a :class:`CtiEsError`: *what* was found, *where*, what was *expected*
and the *way out*. The command line prints ``str(error)`` and exits with 2; nothing else is needed to show it.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from heapq import nlargest
from os.path import commonprefix
from typing import Any


class CtiEsError(Exception):
    """Something a user can mend.

    ``what`` says what was found, ``where`` the place (``events.ndjson:17: $.kind``), ``expected`` what should have
    been there and ``hint`` the way out. Only ``what`` is always there.
    """

    def __init__(self, what: str, *, where: str = "", expected: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.expected = expected
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.expected:
            text += f"; expected {self.expected}"
        if self.hint:
            text += f"; {self.hint}"
        return text


class InputError(CtiEsError):
    """A file, a line, a field or a value that cannot be what it should be."""


class UnknownFormat(InputError):
    """A text that looks like none of the trace formats."""


class UnreadableMessage(InputError):
    """A message of a trace that cannot be read, while the others perhaps can."""


class NothingExpected(InputError):
    """No message of the expected side is left to compare."""


class OtherApplication(InputError):
    """The two sides name applications, and none of them is the same."""


class NoTimes(InputError):
    """Times are to be compared, and no message of one side has one."""


class NoGaps(InputError):
    """Messages are to be sent as they came, and one of them has no time."""


class TooMuchUnpacked(InputError):
    """More comes out of a packed file than was allowed to."""


class UnencryptedRefused(InputError):
    """An address beyond this machine, to be reached without encryption."""


class WorkerDied(CtiEsError):
    """A process that worked on a log ended before it was done, and so did the next one."""


class MisfitsRefused(CtiEsError):
    """Events that do not fit the state they meet (docs/reference/rules.md#misfits); nothing was stored.

    ``indexes`` are the numbers of the events in the input, ``misfits`` what is wrong with each of them
    (:class:`~cti_es.model.replay.MisfitReport`).
    """

    def __init__(self, what: str, indexes: Sequence[int] = (), misfits: Sequence[Any] = ()) -> None:
        super().__init__(what)
        self.indexes = indexes
        self.misfits = misfits


class StoreError(CtiEsError):
    """A store that cannot be used: locked, damaged, of a newer schema, or no store at all."""


class StoreLocked(StoreError):
    """Another program is writing to the store, and did not finish in the time that was given."""


class NotAStore(StoreError):
    """A file that is no cti-es store."""


class Conflict(StoreError):
    """The log is not where the caller thought it was, or an id stands for two different events.

    ``index`` is the number of that event in the input; None when it is the log that is elsewhere.
    """

    def __init__(self, what: str, *, index: int | None = None, **parts: str) -> None:
        super().__init__(what, **parts)
        self.index = index


@contextmanager
def blamed_on(name: str) -> Iterator[None]:
    """An error of the system names the file that the user asked for, not a draft, and not nothing."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from None


NEAR_AT_MOST = 60
"""How many names are compared letter by letter, which takes some 50 microseconds each."""


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """``did you mean 'CTIP01'?`` for the nearest of ``known``, or an empty text when none is near."""
    from difflib import get_close_matches

    known = nlargest(NEAR_AT_MOST, known, key=lambda one: _shared(one, found))
    near = [one for one in known if one.lower() == found.lower()] or get_close_matches(found, known, n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""


def _shared(one: str, other: str) -> int:
    """How many letters two names share at their beginnings and at their ends, in whatever case."""
    one, other = one.lower(), other.lower()
    # Letters are what is meant here, not parts of a path.
    return len(commonprefix((one, other))) + len(commonprefix((one[::-1], other[::-1])))  # noqa: RUF071
