"""The rule identifiers: a closed list, each in words, each with its place in the documentation."""

import re

import pytest
from conftest import ROOT

from cti_es.model.rules import RULES
from cti_es.model.steps import STEP_NAMES
from cti_es.vocabulary.events import EVENT_TYPES

PAGE = ROOT / "docs" / "reference" / "rules.md"
TEXT = PAGE.read_text(encoding="utf-8")
SILENT = {
    "node_added", "device_closed", "line_closed", "call_started", "cti_manager_added", "provider_opened",
    "provider_closed", "status_messages_set", "call_connected", "behaviour_set",
}  # fmt: skip
STEPS = {*STEP_NAMES.values(), "announce"}
each_rule = pytest.mark.parametrize("rule", RULES)


def anchor(rule: str) -> str:
    """The anchor of a rule's section."""
    return rule.replace("/", "-")


@each_rule
def test_identifier_is_an_event_and_a_step(rule: str) -> None:
    """Each is EVENT/STEP, with an event type that can send something and a step that does."""
    event_type, _, step = rule.partition("/")

    assert event_type in EVENT_TYPES
    assert event_type not in SILENT
    assert step in STEPS


def test_every_step_and_every_event_that_tells_something_has_a_rule() -> None:
    """The other way round: no step is without a rule, nor is an event type that is not silent."""
    events, steps = (set(half) for half in zip(*(rule.split("/") for rule in RULES), strict=True))

    assert steps == STEPS
    assert events == set(EVENT_TYPES) - SILENT


@each_rule
def test_rule_is_told_in_a_sentence(rule: str) -> None:
    """What ``explain`` says of it is whole sentences on one line."""
    text = RULES[rule]

    assert text[0].isupper()
    assert text.endswith(".")
    assert text == " ".join(text.split())


@each_rule
def test_rule_has_a_heading_and_an_anchor(rule: str) -> None:
    """The page on the rules has a heading with the identifier, and the anchor for links just before it."""
    assert f'<a id="{anchor(rule)}"></a>\n### {rule}\n' in TEXT


def test_page_has_no_other_rule() -> None:
    """No heading and no anchor speaks of a rule that cannot occur."""
    headings = re.findall(r"^#+ (\w+/\w+)$", TEXT, re.MULTILINE)
    anchors = re.findall(r'<a id="(\w+-\w+)"></a>', TEXT)

    assert sorted(headings) == sorted(RULES)
    assert sorted(anchors) == sorted(map(anchor, RULES))


def test_page_links_to_every_rule_and_to_no_other() -> None:
    """Each identifier is linked, every link inside the page leads somewhere."""
    links = set(re.findall(r"\]\(#([\w-]+)\)", TEXT))
    headings = {re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-")
                for line in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)}  # fmt: skip

    assert set(map(anchor, RULES)) <= links
    assert links <= headings | set(map(anchor, RULES))


def test_sections_have_the_same_parts() -> None:
    """Each section says what has happened, what is sent, why, and when nothing is."""
    sections = re.findall(r"(?ms)^### (\w+/\w+\n.*?)(?=^#|\Z)", TEXT)
    incomplete = {
        section.split("\n")[0]: part
        for section in sections
        if section.split("\n")[0] in RULES
        for part in ("What has happened", "Sent", "Why", "Not sent")
        if f"* **{part}:**" not in section
    }

    assert len(sections) >= len(RULES)
    assert incomplete == {}
