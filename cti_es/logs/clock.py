"""The only place where cti-es asks what time it is.

Everything else gets its times from the log. Tests freeze this module alone (freezegun and msgspec do not get on
where ``datetime`` objects are encoded, so what leaves here is text).
"""

from datetime import UTC, datetime
from time import monotonic, sleep, time


def now() -> str:
    """The present moment as a canonical event time: UTC, ``Z``, six fraction digits or none.

    See docs/reference/log-format.md#times.
    """
    moment = datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{moment.microsecond:06}" if moment.microsecond else "") + "Z"


def epoch() -> float:
    """The present moment in seconds since 1970, as file systems say when a file was changed."""
    return time()


def seconds() -> float:
    """Seconds of a clock that only runs forward, to measure how long something takes."""
    return monotonic()


def pause(duration: float) -> None:
    """Do nothing for ``duration`` seconds."""
    sleep(duration)
