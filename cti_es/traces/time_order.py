"""A trace whose own times run backwards: newest first throughout, or jumping back now and then.

Specified in docs/reference/comparison.md#several-files. Pure: messages in, messages out.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from operator import le, lt

from cti_es.traces.diff.clocks import SECOND, microseconds
from cti_es.vocabulary.tapi import TraceMessage
from cti_es.vocabulary.times import sort_key

JUMP = SECOND
"""By so many microseconds times may go back without a word: programs that log with several threads do so."""


class TimeOrder:
    """Puts the messages of one trace into order, and remembers what it found, to be asked for afterwards.

    ``newest_first`` says that the times ran backwards throughout, so that the messages were turned round. Otherwise
    they stay as they are, and ``goes_back`` is the place of the first message that is older than the one before it,
    by more than a second.
    """

    def __init__(self) -> None:
        self.newest_first = False
        self.goes_back: int | None = None
        self._falls = False
        self._last: list[TraceMessage] = []

    def of(self, batches: Iterable[Sequence[TraceMessage]]) -> Iterator[Sequence[TraceMessage]]:
        """The messages of a trace in order, in batches. A trace that begins without a time stays as it is.

        Batches are kept back as long as no message is younger than the one before it: mostly not beyond the first.
        """
        waiting: list[Sequence[TraceMessage]] = []
        is_open = True  # whether the trace may still be newest first
        for number, batch in enumerate(filter(None, batches)):
            begins_without_time = number == 0 and batch[0].at is None
            rises = self._look_at(batch)
            waiting.append(batch)
            is_open = is_open and not rises and not begins_without_time
            if not is_open:
                yield from waiting
                waiting = []
        self.newest_first = is_open and self._falls
        if self.newest_first:
            yield [message for batch in reversed(waiting) for message in reversed(batch)]
        else:
            yield from waiting

    def _look_at(self, batch: Sequence[TraceMessage]) -> bool:
        """Whether some message is younger than the one before it."""
        timed = self._last + [message for message in batch if message.at is not None]
        keys = [sort_key(message.at) for message in timed if message.at is not None]
        self._last = timed[-1:]
        # Nearly every trace is in order; that is seen at a glance.
        if not all(map(le, keys, islice(keys, 1, None))):
            self._falls = True
            if self.goes_back is None:
                self.goes_back = next((one.place for before, one in pairwise(timed) if _jumps(before, one)), None)
        return any(map(lt, keys, islice(keys, 1, None)))

    def warnings(self, name: str) -> list[str]:
        """What the reader of a report should know of the order of the trace with this name."""
        if self.newest_first:
            return [f"the newest messages of {name} come first: it was read from its end"]
        if self.goes_back is not None:
            return [f"times go back at {name}:{self.goes_back}; the order of its lines counts"]
        return []


def _jumps(before: TraceMessage, after: TraceMessage) -> bool:
    """Whether a message is older than the one before it, by more than programs with several threads make it."""
    old, new = before.at or "", after.at or ""
    return sort_key(new) < sort_key(old) and microseconds(old) - microseconds(new) > JUMP
