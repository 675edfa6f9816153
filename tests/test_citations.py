"""What code, tests and scenarios cite: pages of this repository, and places on them that exist."""

import re
from pathlib import Path

import pytest
from conftest import FIXTURES, ROOT
from test_docs import DOCS, anchors

SOURCES = [path for folder in ("cti_es", "cli", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
MADE_UP = {"tests/test_packaging.py"}
"""Files whose links are examples."""

READMES = sorted(FIXTURES.rglob("README.md"))
CITED = re.compile(r"\b(docs/[\w/-]+\.md)(?:#([\w-]+))?")
SHORT = re.compile(r"(?<![\w/])(rules|tsp)\.md#([\w-]+)")
"""How the naive fold names places on the two pages that it follows."""

ELSEWHERE = re.compile(
    r"(?<!\")§|\[ours\]|recovery-rules|tsp-behaviour|(?<!/)\bdiff\.md|\bcontracts\.md|engineering[- ]notes|source-text"
    r"|(?<!docs/)\breference/\w+\.md|\bshared/\w|\b[Tt]sp rules?\b|\brules? \d"
)
"""Pages that are not in the repository, and numbers of rules and sections that only those had."""


def name(path: Path) -> str:
    """A file as test names and errors call it."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", [path for path in SOURCES if path != Path(__file__)], ids=name)
def test_nothing_cites_a_page_outside_the_repository(path: Path) -> None:
    """No line of code or tests names a page, section or rule number that a reader of the repository cannot look up."""
    lines = path.read_text("utf-8").split("\n")
    assert [f"{number}: {line.strip()}" for number, line in enumerate(lines, 1) if ELSEWHERE.search(line)] == []


@pytest.mark.parametrize("path", READMES, ids=name)
def test_no_scenario_cites_a_page_outside_the_repository(path: Path) -> None:
    """A scenario names the rule that it shows by a link."""
    assert ELSEWHERE.search(path.read_text("utf-8")) is None


def test_every_page_and_place_that_is_cited_exists() -> None:
    """A citation leads to a page of docs/ and, with ``#``, to a heading or anchor there."""
    known: dict[str, set[str]] = {}
    for path in (path for path in SOURCES if name(path) not in MADE_UP):
        for page, place in CITED.findall(path.read_text("utf-8")):
            assert (ROOT / page).is_file(), f"{name(path)}: no page {page}"
            if place:
                places = known.setdefault(page, anchors(ROOT / page))
                assert place in places, f"{name(path)}: no place {page}#{place}"


def test_the_naive_fold_cites_places_that_exist() -> None:
    """Its short citations lead to headings or anchors of the two pages."""
    text = (ROOT / "tests" / "support" / "naive.py").read_text("utf-8")
    found = set(SHORT.findall(text))
    assert found
    assert [
        f"{page}.md#{place}" for page, place in found if place not in anchors(DOCS / "reference" / f"{page}.md")
    ] == []


def test_links_of_scenarios_lead_somewhere() -> None:
    """The links in the READMEs of fixtures/ lead to files and places that exist."""
    for path in READMES:
        for target, place in re.findall(r"\]\(([^)\s#:]+)(?:#([\w-]+))?\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{name(path)}: no file {target}"
            assert not place or place in anchors((path.parent / target).resolve()), f"{name(path)}: no place #{place}"


@pytest.mark.parametrize("text", ["recovery-rules §4", "(diff.md)", "reference/tapi.md", "tsp rule 5", "shared/spec"])
def test_such_citations_are_found(text: str) -> None:
    """The pattern finds what it is there for, and leaves our own pages alone."""
    assert ELSEWHERE.search(f"As said in {text}.")
    assert not ELSEWHERE.search("As said in docs/reference/tapi.md#reasons and docs/reference/commands/diff.md.")


HOUSE = DOCS / "explanation" / "design.md"


@pytest.mark.parametrize("page", [HOUSE, ROOT / "CONTRIBUTING.md"], ids=name)
def test_files_that_the_pages_about_the_code_name_exist(page: Path) -> None:
    """What stands in backticks and looks like a path of the repository is one."""
    named = re.findall(r"`((?:cti_es|cli|tests|fixtures|docs|\.ci)/[\w./-]+)`", page.read_text("utf-8"))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_house_names_every_room() -> None:
    """The table of the rooms has the folders of the library, no more and no less."""
    rows = re.findall(r"(?m)^\| `(\w+)` \| .* \| .* \|$", HOUSE.read_text("utf-8"))
    rooms = {path.parent.name for path in (ROOT / "cti_es").glob("*/__init__.py")}
    assert set(rows) == rooms
