"""Messages in several parts: ``[part=16.1/3]`` is the first of three that begin at sequence number 16."""

import re
from collections.abc import Callable

from cti_es.cucm.records import Record

PART = "[part="
"""What stands in each part."""

_VALUE = re.compile(r"([0-9]{1,10})\.([0-9]{1,4})/([0-9]{1,4})")
_MOST_PARTS = 64
_MOST_WAITING = 1_000
_LONGEST_PART = 4_096  # the specification has 800 bytes

_Message = tuple[str | None, str, int, int]
"""Node, mnemonic, number of the first part, how many parts."""


class Parts:
    """Joins messages that came in several parts. ``give_up`` is told the line of one of which a part is missing."""

    def __init__(self, give_up: Callable[[int], None]) -> None:
        self._give_up_at = give_up
        self._waiting: dict[_Message, dict[int, Record]] = {}
        self._last: dict[str, str | None] = {}

    def take(self, record: Record) -> Record | None:
        """The whole message, when this was its last part; else None."""
        value = _VALUE.fullmatch(record.tags.get("part", ""))
        if value is None:
            return record
        first, part, of = (int(number) for number in value.groups())
        if not 1 <= part <= of <= _MOST_PARTS or len(record.raw) > _LONGEST_PART:
            self._give_up_at(record.line)
            return None
        key = (record.node, record.mnemonic, first, of)
        if self._last.get(record.raw, "") == record.at:
            return None  # the whole message came twice
        there = self._waiting.setdefault(key, {})
        there.setdefault(part, record)
        if len(there) == of:
            del self._waiting[key]
            self._last = {one.raw: one.at for one in there.values()}
            return _joined([there[number] for number in range(1, of + 1)])
        if len(self._waiting) > _MOST_WAITING:
            self._give_up(next(iter(self._waiting)))
        return None

    @property
    def is_empty(self) -> bool:
        """Whether no message waits for a part."""
        return not self._waiting

    def end(self) -> None:
        """Count what is still waiting for a part."""
        for key in list(self._waiting):
            self._give_up(key)

    def _give_up(self, key: _Message) -> None:
        parts = self._waiting.pop(key)
        self._give_up_at(min(record.line for record in parts.values()))


def _joined(parts: list[Record]) -> Record:
    """The first part with the text of all of them; their tags are the same."""
    whole = parts[0]
    tags = {key: value for key, value in whole.tags.items() if key != "part"}
    whole.tagged = tags, "".join(part.text for part in parts), any(part.is_cut for part in parts)
    return whole
