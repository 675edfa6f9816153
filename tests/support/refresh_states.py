"""Write the state diagrams of docs/explanation/states.md: ``python tests/support/refresh_states.py``.

They show what the fold does, not what somebody thinks that it does: every scenario and a few random logs are replayed,
and each change of a state is noted with its step and its event. A test compares the page and the sources of the diagrams
with what this makes. ``--draw MERMAID.MIN.JS`` draws them anew with that file (``npm install mermaid``), Playwright and
Chromium.
"""

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cti_es.logs.ndjson import read_events
from cti_es.model.book import Book
from cti_es.model.cluster import Because, Device, DeviceState
from cti_es.model.recovery import Recovery
from cti_es.model.replay import Replay
from cti_es.testing.random_logs import Plan, generate
from cti_es.vocabulary.events import Event

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "explanation"
PAGE = FOLDER / "states.md"

STEPS: dict[str, str] = {
    "register": "registers",
    "wait": "no node takes it",
    "suspend": "suspend",
    "resume": "resume",
    "close": "close",
    "settle": "settle: last line lost",
    "give_back": "last handle given back",
    "reconnect": "refused at the reconnect",
    "lines": "last open line removed",
    "control": "control withdrawn",
}
"""What changes the state of a device, in words."""

BORN = "[*]"
"""Where a phone comes from: it registers as soon as it is added."""

BEGINNING = {"ports": [f"  {BORN} --> unregistered"], "phones": [], "links": [f"  {BORN} --> closed"]}

KINDS = {"ports": ("cti_port", "route_point"), "phones": ("phone",)}


class Change(NamedTuple):
    """A change of a state: which diagram it belongs to, from and to which state, and by which step."""

    diagram: str
    before: str
    after: str
    step: str


Changes = dict[Change, set[str]]
"""Change → the types of the events that cause it."""


# --- what the fold does ---------------------------------------------------------------------------------------------


def logs() -> Iterator[Iterable[Event]]:
    """The scenarios, and random logs for what is seldom."""
    for path in sorted((ROOT / "fixtures").glob("*/log.ndjson")):
        with path.open("rb") as stream:
            yield [event for lines in read_events(stream, path.parent.name) for event in lines.events]
    for seed in range(12):
        yield generate(Plan(seed=seed, events=700, nodes=2 + seed % 2, devices=6, apps=2, calls=0.2, tsp=True))


@contextmanager
def watching(changes: list[Change]) -> Iterator[None]:
    """Note every move of a device while the fold runs."""
    move = Recovery._move

    def watched(self: Recovery, device: Device, state: DeviceState, home: str | None, because: Because) -> None:
        diagram = next(name for name, kinds in KINDS.items() if device.kind in kinds)
        before = BORN if because in ("register", "wait") and device.registers_itself else device.state
        changes.append(Change(diagram, before, state, STEPS[because]))
        move(self, device, state, home, because)

    Recovery._move = watched  # type: ignore[method-assign]
    try:
        yield
    finally:
        Recovery._move = move  # type: ignore[method-assign]


def links(book: Book) -> dict[str, tuple[str, str | None]]:
    """Application with a provider → the state of its link, and the node that it is linked to."""
    return {
        app: ("adrift" if one.adrift else "linked" if one.link else "without_link", one.link)
        for app, one in book.providers.items()
    }


def changes_of(log: Iterable[Event]) -> Iterator[tuple[Change, str]]:
    """Every change of a log, and the type of its event."""
    replay = Replay()
    noted: list[Change] = []
    none: tuple[str, str | None] = ("closed", None)
    with watching(noted):
        for event in log:
            before = links(replay.book)
            replay.advance([event])
            after = links(replay.book)
            apps = sorted({*before, *after})
            pairs = [(before.get(app, none), after.get(app, none)) for app in apps]
            noted += [Change("links", was[0], now[0], "") for was, now in pairs if was != now]
            yield from ((change, event.__struct_config__.tag) for change in noted)
            noted.clear()


def all_changes() -> Changes:
    """Every change of every log, in the order of the diagrams."""
    found: Changes = {}
    for log in logs():
        for change, event in changes_of(log):
            found.setdefault(change, set()).add(event)
    return dict(sorted(found.items()))


# --- what is made of it ---------------------------------------------------------------------------------------------


def mermaid(diagram: str, changes: Changes) -> str:
    """A diagram as Mermaid has it."""
    labels: dict[tuple[str, str], list[str]] = {}
    for change, events in changes.items():
        if change.diagram == diagram:
            words = [change.step] if change.step else sorted(events)
            labels.setdefault((change.before, change.after), []).extend(words)
    arrows = [f"  {before} --> {after}: {'<br>'.join(words)}" for (before, after), words in labels.items()]
    return "\n".join(["stateDiagram-v2", *BEGINNING[diagram], *arrows, ""])


def state(name: str) -> str:
    """A state as the table has it."""
    return "(added)" if name == BORN else f"`{name}`"


def table(diagram: str, changes: Changes) -> str:
    """The same as a table, with the events."""
    rows = [(change, events) for change, events in changes.items() if change.diagram == diagram]
    lines = ["| from | to | step | by these events |", "|---|---|---|---|"]
    for change, events in rows:
        names = ", ".join(f"`{event}`" for event in sorted(events))
        lines.append(f"| {state(change.before)} | {state(change.after)} | {change.step or '-'} | {names} |")
    return "\n".join(lines)


def page(text: str, changes: Changes) -> str:
    """The page with its tables as they are now."""
    for diagram in (*KINDS, "links"):
        made = f"<!-- made: {diagram} -->\n\n{table(diagram, changes)}\n\n<!-- end -->"
        text = re.sub(rf"(?s)<!-- made: {diagram} -->.*?<!-- end -->", lambda _, made=made: made, text)
    return text


def mark(source: str) -> str:
    """What a picture is marked with: the digest of the source that it was drawn from."""
    return f"<!-- {hashlib.sha256(source.encode()).hexdigest()} -->"


def sized(svg: str) -> str:
    """A picture that is as large as it was drawn, not as wide as the page."""
    width, height = re.findall(r'viewBox="\S+ \S+ (\S+) (\S+)"', svg)[0]
    return svg.replace('width="100%"', f'width="{float(width):.0f}" height="{float(height):.0f}"', 1)


def draw(sources: dict[str, str], script: Path) -> dict[str, str]:
    """Draw diagrams with Mermaid in a browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        tab = browser.new_page()
        tab.set_content("<body></body>")
        tab.add_script_tag(path=script)
        tab.evaluate("mermaid.initialize({startOnLoad: false, theme: 'neutral', htmlLabels: false})")
        render = "([name, source]) => mermaid.render(name, source).then((drawn) => drawn.svg)"
        drawn: Any = {name: tab.evaluate(render, [f"states-{name}", source]) for name, source in sources.items()}
        browser.close()
    return {name: f"{sized(svg)}\n{mark(sources[name])}\n" for name, svg in drawn.items()}


def main(words: Sequence[str]) -> None:
    """Write the page and the sources; with ``--draw`` the pictures, too."""
    changes = all_changes()
    PAGE.write_text(page(PAGE.read_text("utf-8"), changes), "utf-8")
    sources = {name: mermaid(name, changes) for name in (*KINDS, "links")}
    for name, source in sources.items():
        (FOLDER / f"states-{name}.mmd").write_text(source, "utf-8")
    if words[:1] == ["--draw"]:
        for name, svg in draw(sources, Path(words[1])).items():
            (FOLDER / f"states-{name}.svg").write_text(svg, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
