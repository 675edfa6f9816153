"""What is handed out: the README as PyPI shows it, the source distribution, the lowest and the locked versions."""

import gzip
import re
import runpy
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT

if not (ROOT / "setup.py").exists():
    pytest.skip("no source tree around the tests", allow_module_level=True)

SETUP = runpy.run_path(str(ROOT / "setup.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
README = (ROOT / "README.md").read_text("utf-8")


def test_links_of_the_readme_lead_to_the_source_on_the_web() -> None:
    """Where the address of the source is known, a link into the checkout becomes a whole address."""
    shown = SETUP["for_pypi"](
        "[a](docs/a.md#b) ![p](docs/p.png) [w](https://x.example/) [h](#here)", "https://s.example"
    )

    assert shown == (
        "[a](https://s.example/docs/a.md#b) ![p](https://s.example/docs/p.png) [w](https://x.example/) [h](#here)"
    )


def test_links_of_the_readme_are_words_while_the_source_has_no_address() -> None:
    """Nothing that PyPI shows leads to a page that is not there."""
    shown = SETUP["for_pypi"]("[a](docs/a.md) ![p](p.png) [w](https://x.example/)", None)

    assert shown == "a p [w](https://x.example/)"
    assert not SETUP["LINK"].search(SETUP["for_pypi"](README, None))
    assert SETUP["LINK"].search(README)


def test_a_source_distribution_is_the_same_bytes_from_the_same_files(tmp_path: Path, monkeypatch) -> None:
    """Order, owner, permissions and time of the files leave no trace in the archive."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    made = []
    for names, mode in (("ab", 0o600), ("ba", 0o664)):
        folder = tmp_path / names / "cti_es-1"
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text(f"{name}\n")
            (folder / name).chmod(mode)
        made.append(Path(SETUP["archive"](str(tmp_path / names / "sdist"), folder)).read_bytes())

    assert made[0] == made[1]
    with tarfile.open(tmp_path / "ab" / "sdist.tar.gz") as tar:
        members = [(one.name, one.mtime, one.mode, one.uid, one.uname) for one in tar]
    assert members == [(f"cti_es-1/{name}", 1_700_000_000, 0o644, 0, "") for name in "ab"]
    assert gzip.decompress(made[0])


def test_the_version_is_that_of_the_library() -> None:
    """The number stands in two places and is one."""
    import cti_es

    assert PROJECT["version"] == cti_es.__version__


def declared(extra: str) -> list[str]:
    """What an extra needs, as it stands in pyproject.toml."""
    return [one for one in PROJECT["optional-dependencies"][extra] if not one.startswith("cti-es[")]


def test_everything_that_is_needed_is_locked_with_hashes() -> None:
    """CI and developers get what requirements/dev.txt names, at one version each and with its hashes."""
    text = (ROOT / "requirements" / "dev.txt").read_text("utf-8")
    locked = dict(
        re.findall(r"(?m)^([\w.-]+)==\S+(?: ; .*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\\n|\n))+)", text)
    )
    needed = [*PROJECT["dependencies"], *declared("test"), *declared("dev"), *declared("supply")]

    assert [one for one in needed if re.split(r"[>=;[]", one)[0] not in locked] == []
    assert set(locked) == set(re.findall(r"(?m)^([\w.-]+)==", text))


def test_the_lowest_versions_are_those_declared() -> None:
    """The constraints for the lowest versions pin what users and tests need, each at its bound."""
    done = subprocess.run([sys.executable, ROOT / ".ci" / "lowest.py"], capture_output=True, text=True, check=True)

    assert "sqlite-utils==4.2.1\n" in done.stdout
    assert done.stdout.count("==") == len(PROJECT["dependencies"]) + len(declared("test"))
