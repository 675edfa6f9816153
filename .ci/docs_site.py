"""Build the site of the documentation with Zensical, and check what it built: ``python .ci/docs_site.py FOLDER``.

The site is docs/ with what its pages link to beside it: CONTRIBUTING.md and its like, and the scenarios. The navigation
is made of the tables of docs/index.md. Then every page must be reachable from the front page, every link and anchor
must lead somewhere, and nothing may be loaded from elsewhere.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

ROOT = Path(__file__).parent.parent
BESIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "SECURITY.md")
"""What stands beside docs/ and is part of the site."""

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src"}
"""Element → the attribute with which it loads something; that of ``link`` is ``href``."""

Nav = list[dict[str, Any]]


# --- what is built --------------------------------------------------------------------------------------------------


def collect(folder: Path) -> None:
    """Copy the pages into a folder, each link as it must be there: docs/ is the root, fixtures stand in it."""
    shutil.copytree(ROOT / "docs", folder, dirs_exist_ok=True)
    shutil.copytree(ROOT / "fixtures", folder / "fixtures")
    for scenario in (folder / "fixtures").glob("[0-9]*/README.md"):
        scenario.unlink()  # its only line stands in fixtures/README.md
    for page in folder.rglob("*.md"):
        rewrite(
            page, r"`[^`\n]+`", lambda code: code[0].replace("\\|", "|")
        )  # GitHub wants it so in tables, Python not
        if "fixtures" not in page.parts:
            rewrite(page, rf"\((\.\./)((?:\.\./)*(?:{'|'.join(BESIDE)}|fixtures/))", r"(\2")
    for name in BESIDE:
        shutil.copy(ROOT / name, folder / name)
    for page in [*(folder / "fixtures").rglob("*.md"), *(folder / name for name in BESIDE)]:
        rewrite(page, r"\(((?:\.\./)*)docs/", r"(\1")


def rewrite(page: Path, pattern: str, new: str | Callable[["re.Match[str]"], str]) -> None:
    """Replace a pattern wherever it stands on a page."""
    page.write_text(re.sub(pattern, new, page.read_text("utf-8")), "utf-8")


def navigation(index: str) -> Nav:
    """The sections of the index that are tables of pages; ``Reference: commands`` is a section within Reference."""
    nav: Nav = [{"Home": "index.md"}]
    for heading, text in re.findall(r"(?ms)^## ([^\n]+)\n(.*?)(?=^## |\Z)", index):
        if pages := [{words: page} for words, page in re.findall(r"(?m)^\| \[([^\]]+)\]\(([^)#]+)\) \|", text)]:
            part, _, chapter = heading.partition(": ")
            if not nav or part not in nav[-1]:
                nav.append({part: []})
            nav[-1][part] += [{chapter[:1].upper() + chapter[1:]: pages}] if chapter else pages
    return nav


def toml(value: Any) -> str:
    """A navigation as TOML has it on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(key)} = {toml(one)}' for key, one in value.items())} }}"
    return json.dumps(value)


def build(target: Path) -> None:
    """Build the site; a page or an anchor that is not there ends it."""
    with TemporaryDirectory() as work:
        folder = Path(work)
        collect(folder / "docs")
        nav = toml(navigation((ROOT / "docs" / "index.md").read_text("utf-8")))
        config = (ROOT / "zensical.toml").read_text("utf-8").replace("[project]\n", f"[project]\nnav = {nav}\n", 1)
        (folder / "zensical.toml").write_text(config, "utf-8")
        zensical = Path(sys.executable).with_name("zensical")
        subprocess.run([zensical, "build", "--clean", "--strict"], cwd=folder, check=True)  # noqa: S603 - our own words
        shutil.copytree(folder / "site", target)


# --- what was built -------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The links, anchors and loaded files of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element links to, loads, or is."""
        values = {key: value or "" for key, value in attrs}
        self.anchors |= {values[key] for key in ("id", "name") if key in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link":
            self.loaded.append(values.get("href", ""))
        if tag in LOADED and LOADED[tag] in values:
            self.loaded.append(values[LOADED[tag]])


def problems(site: Path) -> list[str]:
    """What is wrong with a site: one line each."""
    pages = {path.resolve(): Page(path.read_text("utf-8")) for path in site.rglob("*.html") if path.name != "404.html"}
    found: list[str] = []
    reached, waiting = set[Path](), [(site / "index.html").resolve()]
    while waiting:
        here = waiting.pop()
        if here in reached or here not in pages:
            continue
        reached.add(here)
        name = here.relative_to(site.resolve())
        found += [f"{name}: loads {url} from elsewhere" for url in pages[here].loaded if re.match(r"(\w+:)?//", url)]
        for link in [*pages[here].links, *pages[here].loaded]:
            if re.match(r"(\w+:|//)", link):
                continue
            path, _, anchor = link.partition("#")
            there = (here.parent / unquote(path.partition("?")[0])).resolve() if path else here
            waiting.append(there)
            if not there.exists():
                found.append(f"{name}: no file {link}")
            elif anchor and there in pages and unquote(anchor) not in pages[there].anchors:
                found.append(f"{name}: no anchor {link}")
    return found + [f"{path.relative_to(site.resolve())}: no page links to it" for path in sorted({*pages} - reached)]


if __name__ == "__main__":
    built = Path(sys.argv[1])
    build(built)
    wrong = problems(built)
    print("\n".join(wrong) or f"{sum(1 for _ in built.rglob('*.html'))} pages in {built}: nothing wrong")
    sys.exit(bool(wrong))
