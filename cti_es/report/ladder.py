"""The messages of a replay as a ladder in text: CTI Manager → TSP → application (docs/reference/commands/replay.md)."""

from collections.abc import Iterable, Iterator

from cti_es.model.replay import Happening
from cti_es.report.columns import padded, width, wrapped
from cti_es.report.picture_words import Time, event_words, short
from cti_es.vocabulary.names import printable
from cti_es.vocabulary.tapi import Message

TSP, APP = 19, 68
"""The columns of the TSP and of the application; the CTI Manager has the first."""

HEAD = f"{'CTI Manager':<{TSP}}{'TSP':<{APP - TSP}}application"


def ladder(told: Iterable[Happening], time: Time = str) -> Iterator[str]:
    """The lines for some events, each with the messages that are to be shown; 80 columns but for long names.

    ``time`` says how a time is written.
    """
    for one in told:
        yield ""
        yield from wrapped(printable(headline(one, time)), 2)
        yield from _rungs(one.messages)


def headline(one: Happening, time: Time) -> str:
    """Which event it is, and when it was: ``event 19 at 2026-03-02T09:15:00Z: node_failed node=sub1``."""
    at = f" at {time(one.event.at)}" if one.event.at else ""
    return f"event {one.version}{at}: {event_words(one.event)}"


def _rungs(messages: Iterable[Message]) -> Iterator[str]:
    """A line for each message, and before them one for what the CTI Manager did to the device."""
    before = None
    for one in messages:
        if (step := (one.rule, one.device)) != before:
            yield padded(f"|{_arrow(one.rule.partition('/')[2], TSP - 1)}| {printable(one.device)}", APP) + "|"
            before = step
        yield f"|{'':<{TSP - 1}}|{_arrow(rung(one), APP - TSP - 1)}| {printable(one.app)}"


def rung(message: Message) -> str:
    """What a message says, with its line: ``5001 OUTOFSERVICE CallManagerFailure``."""
    line = f"{message.line} " if message.line is not None else ""
    return printable(line + short(message.message, message.param1_name, message.param2_name))


def _arrow(words: str, columns: int) -> str:
    """An arrow to the right with words on it."""
    start = f"- {words} "
    return start + "-" * max(1, columns - width(start) - 1) + ">"
