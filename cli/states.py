"""What commands share that print a state of the fold."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cti_es.logs.reading import Cut, resumed_at
from cti_es.model.replay import Replay
from cti_es_cli.output import View, batched, of_sources, opened, warn
from cti_es_cli.sources import CountedLog, open_log


def print_states(
    sources: tuple[str, ...],
    as_of: Cut | None,
    view: View[Any],
    rows: Callable[[Replay], Iterable[Any]],
    format: str,
    path: str | None,
) -> None:
    """Print ``rows`` of the fold of each source at a cut (None: at its end)."""

    def batches_of(source: str) -> Iterator[list[Any]]:
        with open_log(source) as log:
            replay, warnings = resumed_at(CountedLog(log), as_of or Cut())
        for warning in warnings:
            warn(f"warning: {warning}")
        yield from batched(rows(replay))

    with opened(format, path) as output:
        output.rows(*of_sources(sources, view, batches_of))
