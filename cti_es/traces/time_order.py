"""A trace whose own times run backwards: newest first throughout, or jumping back now and then.

Pure: messages in, messages out.
"""

from collections.abc import Iterable, Iterator, Sequence

from cti_es.vocabulary.tapi import TraceMessage
from cti_es.vocabulary.times import sort_key


class TimeOrder:
    """Puts the messages of one trace into order, and remembers what it found, to be asked for afterwards.

    ``newest_first`` says that the times ran backwards throughout, so that the messages were turned round. Otherwise
    they stay as they are, and ``goes_back`` is the place of the first message that is older than the one before it.
    """

    def __init__(self) -> None:
        self.newest_first = False
        self.goes_back: int | None = None
        self._last: str | None = None

    def of(self, batches: Iterable[Sequence[TraceMessage]]) -> Iterator[Sequence[TraceMessage]]:
        """The messages of a trace in order, in batches. A trace that begins without a time stays as it is.

        Batches are kept back as long as no message is younger than the one before it: mostly not beyond the first.
        """
        waiting: list[Sequence[TraceMessage]] = []
        is_open = True  # whether the trace may still be newest first
        for number, batch in enumerate(filter(None, batches)):
            begins_without_time = number == 0 and batch[0].at is None
            goes_on = self._look_at(batch)
            waiting.append(batch)
            is_open = is_open and not goes_on and not begins_without_time
            if not is_open:
                yield from waiting
                waiting = []
        self.newest_first = is_open and self.goes_back is not None
        if self.newest_first:
            yield [message for batch in reversed(waiting) for message in reversed(batch)]
        else:
            yield from waiting

    def _look_at(self, batch: Sequence[TraceMessage]) -> bool:
        """Whether some message is younger than the one before it."""
        timed = [message for message in batch if message.at is not None]
        keys = [sort_key(message.at) for message in timed if message.at is not None]
        if not keys:
            return False
        first = self._last is None
        before = [self._last or "", *keys[:-1]]
        self._last = keys[-1]
        # Nearly every trace is in order; that is seen at a glance.
        if self.goes_back is None and [before[0], *keys] != sorted([before[0], *keys]):
            back = (message.place for message, one, last in zip(timed, keys, before, strict=True) if one < last)
            self.goes_back = next(back)
        return any(one > last for one, last in zip(keys[first:], before[first:], strict=True))
