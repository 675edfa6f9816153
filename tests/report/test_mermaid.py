"""``replay --format mermaid``: an arrow for each message; names mean nothing in Mermaid."""

import re

from cti_es.model.replay import Replay
from cti_es.report.mermaid import mermaid
from cti_es.testing.worked_example import EVENTS
from cti_es.vocabulary.events import decode_event

HOSTILE = "x; end#35; -->>T: <b>%%{init}"


def diagram(text):
    """The diagram of a log."""
    return list(mermaid(list(Replay().happenings([decode_event(line) for line in text.splitlines()]))))


def test_each_message_is_an_arrow():
    """20 messages to one application, 8 steps before them, a note for each event that did anything."""
    lines = [line.strip() for line in diagram(EVENTS)]

    assert lines[0] == "sequenceDiagram"
    assert sum(line.startswith("T->>A1: ") for line in lines) == 20
    assert sum(line.startswith("C->>T: ") for line in lines) == 8
    assert "T->>A1: RP_SALES: 6000 OUTOFSERVICE CallManagerFailure" in lines


def test_names_are_words():
    """Of a name no character is left that means anything to Mermaid or in HTML."""
    lines = diagram(EVENTS.replace(b"RP_SALES", HOSTILE.encode()))
    words = "".join(re.sub(r"#\d+;", "", line.partition(": ")[2]) for line in lines)

    assert not set(words) & set(";#<>%{}")
