"""Let atheris look for text that the readers do not end on with a sentence: event lines, traces, what a cluster writes.

Run by hand (pip install atheris; Linux, a Python that it has wheels for). The first byte of an input says which reader
gets the rest. What a reader may raise is CtiEsError; anything else is written to a file crash-… in the working folder.

    python tests/campaigns/atheris_text.py -max_total_time=120 /tmp/new-inputs tests/campaigns/corpus
"""

import io
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).parent.parent))

import atheris

with atheris.instrument_imports(include=["cti_es"]):
    from cti_es.cucm.files import File
    from cti_es.cucm.importing import Import, run
    from cti_es.cucm.stamps import LogLineOptions
    from cti_es.logs.append import AppendOptions, append
    from cti_es.logs.ndjson import read_events, write_events
    from cti_es.logs.store import MemoryStore, Store
    from cti_es.testing.worked_example import EVENTS
    from cti_es.traces.recognise import TRACE_FORMATS, read_trace
    from cti_es.vocabulary.errors import CtiEsError
    from cti_es.vocabulary.event_text import checked

NAME = "input"


def events(text: bytes) -> None:
    """An event log. What is accepted has good names and comes back byte for byte."""
    found = [event for batch in read_events(io.BytesIO(text), NAME) for event in batch.events]
    canonical = write_events([checked(event, NAME) for event in found])
    again = [event for batch in read_events(io.BytesIO(canonical), NAME) for event in batch.events]
    if write_events(again) != canonical:
        raise AssertionError("the canonical form of the canonical form is another one")


def trace(format: str | None) -> Callable[[bytes], None]:
    """A trace in a format, or in the one that its content shows."""

    def read(text: bytes) -> None:
        for _ in read_trace(io.BytesIO(text), NAME, format):
            pass

    return read


SITE = MemoryStore()
append(cast(Store, SITE), "default", read_events(io.BytesIO(EVENTS), NAME), AppendOptions("test"))


def log_lines(text: bytes) -> None:
    """What a cluster writes: syslog, SDL alarms, CDR, files of the topology."""
    file = File(NAME, lambda: nullcontext(io.BytesIO(text)))
    what = Import([file], lambda known: {}, LogLineOptions(year=2026), allow_unknown=True)
    run(cast(Store, SITE), "default", what, AppendOptions("test", dry_run=True))


READERS = (
    events,
    log_lines,
    trace(None),
    *(trace(name) for name in TRACE_FORMATS if name != "line-pattern"),  # that one has an expression of the user
)


def one_input(data: bytes) -> None:
    """One input: the reader by its first byte, the text by the rest."""
    if data:
        with suppress(CtiEsError):
            READERS[data[0] % len(READERS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
