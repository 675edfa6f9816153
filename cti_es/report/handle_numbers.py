"""The number of every handle, for traces in which handles are numbers (docs/reference/traces/tapi-browser.md).

A handle gets its number from how many were opened before it in the log. So handles have to be counted from the first
event of a log on.
"""

from collections.abc import Iterator, Sequence

from cti_es.model.replay import Replay
from cti_es.model.steps import Opened, Step
from cti_es.report.tapi_browser import Key, handle_number

_CLOSED_KEPT = 1_000


class HandleNumbers:
    """Counts the handles that a replay opens. The replay must not have taken any event yet.

    Numbers are kept for the handles that are open, and for some that were closed lately.
    """

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._opened = 0
        self._numbers: dict[Key, int] = {}
        self._most = _CLOSED_KEPT
        replay.watch = self._watch

    def of(self, key: Key) -> int:
        """The number of a handle that is open, or that the last event closed with a message."""
        return self._numbers[key]

    def _watch(self, version: int, steps: Sequence[Step]) -> None:
        if len(self._numbers) > self._most:
            self._forget()
        for step in steps:
            if isinstance(step, Opened):
                for line in (None, *step.lines) if step.phone else step.lines:
                    self._numbers[version, step.app, step.device, line] = handle_number(self._opened)
                    self._opened += 1

    def _forget(self) -> None:
        """Drop the handles that nothing can be said of any more, before the TSP has read what the next event closes."""
        self._numbers = {key: self._numbers[key] for key in _open(self._replay)}
        self._most = 2 * len(self._numbers) + _CLOSED_KEPT


def _open(replay: Replay) -> Iterator[Key]:
    """The handles that are open, and those whose CLOSE waits for a link."""
    for device, app, line, handle in replay.book.handles():
        yield handle.version, app, device, line
    for app, provider in replay.book.providers.items():
        for one in provider.queue:
            if one.handle is not None:
                yield one.handle, app, one.device, one.line
