"""The site of the documentation: what .ci/docs_site.py makes of the pages, and that its check finds what is wrong.

Building it takes Zensical, which CI has (.ci/run); here are the parts of which it is made.
"""

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def site() -> ModuleType:
    """The script."""
    spec = importlib.util.spec_from_file_location("docs_site", ROOT / ".ci" / "docs_site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_navigation_is_the_index(site: ModuleType) -> None:
    """Each page of the index is in the navigation once, in the part that is called like its folder."""
    nav = site.navigation((ROOT / "docs" / "index.md").read_text("utf-8"))
    parts = {name: pages for part in nav[1:] for name, pages in part.items()}
    folders = {"Start": "start/", "How to": "how-to/", "Reference": "reference/", "Explanation": "explanation/"}
    assert list(parts) == list(folders)
    listed = {name: re.findall(r'"([^"]+\.md)"', site.toml(pages)) for name, pages in parts.items()}
    assert all(page.startswith(folders[name]) for name, pages in listed.items() for page in pages)
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*/*.md")]
    assert sorted(page for part in listed.values() for page in part) == sorted(pages)


def test_the_navigation_is_toml(site: ModuleType) -> None:
    """What the script writes is read back as it was."""
    nav = [{"Home": "index.md"}, {'A "part"': [{"One": "a/one.md"}, {"Chapter": [{"Two": "a/two.md"}]}]}]
    assert tomllib.loads(f"nav = {site.toml(nav)}")["nav"] == nav


def test_links_out_of_docs_lead_to_copies(site: ModuleType, tmp_path: Path) -> None:
    """A link that leaves docs/ leads to the copy that stands in the site, from pages of docs and from those beside."""
    site.collect(tmp_path)
    rules = (tmp_path / "reference" / "rules.md").read_text("utf-8")
    assert "](../fixtures/README.md#" in rules
    assert "../../fixtures" not in rules
    folder = "reference"
    assert f"]({folder}/rules.md)" in (tmp_path / "CONTRIBUTING.md").read_text("utf-8")
    assert f"](../{folder}/rules.md#" in (tmp_path / "fixtures" / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ('<a href="two.html#there">two</a>', None),
        ('<a href="https://example.com/">elsewhere</a><a href="two.html">two</a>', None),
        ('<a href="three.html">three</a><a href="two.html">two</a>', "index.html: no file three.html"),
        ('<a href="two.html#nowhere">two</a>', "index.html: no anchor two.html#nowhere"),
        ("<p>no link</p>", "two.html: no page links to it"),
        (
            '<script src="//x.com/y.js"></script><a href="two.html">two</a>',
            "index.html: loads //x.com/y.js from elsewhere",
        ),
        ('<link href="https://x.com/f"><a href="two.html">two</a>', "index.html: loads https://x.com/f from elsewhere"),
        ('<img src="no.png"><a href="two.html">two</a>', "index.html: no file no.png"),
    ],
)
def test_the_check_finds_what_is_wrong(site: ModuleType, tmp_path: Path, page: str, problem: str | None) -> None:
    """Broken links, missing anchors, orphans and what is loaded from elsewhere are found, and nothing else is."""
    (tmp_path / "index.html").write_text(page)
    (tmp_path / "two.html").write_text('<h1 id="there">Two</h1>')
    assert site.problems(tmp_path) == ([problem] if problem else [])
