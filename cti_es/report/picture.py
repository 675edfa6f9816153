"""A log, and perhaps what an application received → the page of what happened (docs/reference/commands/report.md)."""

from datetime import UTC

from cti_es.answers.incidents import Incident, IncidentReading, in_order
from cti_es.answers.window import Window
from cti_es.logs.reading import Cut, Log
from cti_es.report.diff_text import Report
from cti_es.report.picture_lanes import lanes_of
from cti_es.report.picture_page import Picture, page
from cti_es.traces.sides import EVERYTHING, Selection
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.times import Zone

MOST_MESSAGES = 500_000
"""A page of more messages than this would be too large to be opened."""


def write_page(log: Log, selection: Selection = EVERYTHING, report: Report | None = None, zone: Zone = UTC) -> bytes:
    """The page of a log as UTF-8: of what a selection has, and of a comparison with what came, if there is one.

    Times are as clocks in ``zone`` have them, with their offset. The same input gives the same bytes. Raises
    :class:`InputError` if there are too many messages for one page.
    """
    lanes = lanes_of(log, selection)
    if len(lanes.messages) > MOST_MESSAGES:
        raise InputError(
            f"{len(lanes.messages):,} messages", where=log.name, expected=f"at most {MOST_MESSAGES:,} for one page"
        )
    return page(Picture(log.name, lanes, _incidents(log, selection), selection, report, zone)).encode()


def _incidents(log: Log, selection: Selection) -> list[Incident]:
    window = Window(selection.since, selection.until)
    reading = IncidentReading(log, window, Cut(version=selection.to_version))
    return in_order(one for batch in reading.batches() for one in batch)
