"""What sequence numbers tell: lines that are missing, and processes that began again.

Specified in docs/reference/imports.md#sequence-numbers.

Every process counts its lines from 0, so a number that is left out is a line that was lost (or filtered out before it
came here), and a number that falls is a new start.
"""

from collections.abc import Callable
from typing import NamedTuple

from cti_es.cucm.records import Record

_MOST_PROCESSES = 10_000
_LAST_NUMBERS = (1 << 32) - 100_000  # after these the count begins again by itself
_FIRST_NUMBERS = 100_000
_LONG_TEXT = 4_096

Found = Callable[[str, int, int], None]
"""What to do with something found: the process, how many, the line."""


_Process = tuple[str | None, str]


class _Gap(NamedTuple):
    """Numbers from ``first`` on that have not come: how many still miss, and the line that showed it."""

    first: int
    missing: int
    line: int


class Sequences:
    """The counts of the processes in one file. ``gap`` and ``restart`` are told what is found, some only at the end."""

    def __init__(self, gap: Found, restart: Found) -> None:
        self._gap = gap
        self._restart = restart
        self._last: dict[_Process, Record] = {}
        self._gaps: dict[_Process, _Gap] = {}

    def see(self, record: Record) -> None:
        """The next record of the file."""
        number = record.sequence
        if number is None:
            return
        key = (record.host, record.process)
        before = self._last.get(key)
        self._last[key] = record if len(record.raw) < _LONG_TEXT else record.without_text()
        if before is not None and number - 1 == before.sequence:
            return
        if before is None or before.sequence is None:
            if len(self._last) > _MOST_PROCESSES:
                self.end()
        elif number > before.sequence + 1:
            self._report(key)
            self._gaps[key] = _Gap(before.sequence + 1, number - before.sequence - 1, record.line)
        elif number < before.sequence and not _begins_again(before.sequence, number):
            if _is_later(record, before):
                self._restart(_name(key), 1, record.line)
            else:  # two lines that changed places on their way
                self._last[key] = before
                self._fill(key, number)

    def end(self) -> None:
        """The end of the file: report what is still missing."""
        for key in list(self._gaps):
            self._report(key)
        self._last.clear()

    def _fill(self, key: _Process, number: int) -> None:
        gap = self._gaps.get(key)
        if gap is not None and number >= gap.first:
            self._gaps[key] = gap._replace(missing=gap.missing - 1)

    def _report(self, key: _Process) -> None:
        gap = self._gaps.pop(key, None)
        if gap is not None and gap.missing > 0:
            self._gap(_name(key), gap.missing, gap.line)


def _name(key: _Process) -> str:
    return " ".join(part for part in key if part)


def _begins_again(before: int, number: int) -> bool:
    return before >= _LAST_NUMBERS and number < _FIRST_NUMBERS


def _is_later(record: Record, before: Record) -> bool:
    return bool(record.at and before.at and record.at > before.at)
