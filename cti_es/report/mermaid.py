"""The messages of a replay as a Mermaid sequence diagram, for tickets (docs/reference/commands/replay.md)."""

import re
from collections.abc import Iterator, Sequence

from cti_es.model.replay import Happening
from cti_es.report.ladder import headline, rung
from cti_es.report.picture_words import Time
from cti_es.vocabulary.names import printable

MOST_MESSAGES = 400
"""A diagram of more messages cannot be read, and is not drawn by everybody who draws Mermaid."""


def mermaid(told: Sequence[Happening], time: Time = str) -> Iterator[str]:
    """The lines of a diagram of some events, each with the messages that are to be shown.

    ``time`` says how a time is written.
    """
    apps = {app: f"A{n}" for n, app in enumerate(dict.fromkeys(m.app for one in told for m in one.messages), 1)}
    yield "sequenceDiagram"
    yield "    participant C as CTI Manager"
    yield "    participant T as TSP"
    for app, actor in apps.items():
        yield f"    participant {actor} as {_escaped(app)}"
    last = list(apps.values())[-1] if apps else "T"
    for one in told:
        yield f"    Note over C,{last}: {_escaped(headline(one, time))}"
        before = None
        for message in one.messages:
            if (step := (message.rule, message.device)) != before:
                words = message.rule.partition("/")[2], message.device
                yield f"    C->>T: {_escaped(' '.join(words))}"
                before = step
            yield f"    T->>{apps[message.app]}: {_escaped(f'{message.device}: {rung(message)}')}"


def _escaped(words: str) -> str:
    """Words that mean nothing in Mermaid, nor in the HTML that it makes of them."""
    return _MARKS.sub(lambda found: f"#{ord(found[0])};", printable(words))


_MARKS = re.compile(r"[^\w .,/:=()-]")
