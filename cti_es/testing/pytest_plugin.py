"""The pytest plugin of cti-es (docs/reference/testing.md#pytest).

pytest imports this module in every run of everybody who has cti-es installed. So it imports nothing but pytest; the
library is imported when a test uses it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cti_es.testing.given import Cti

UPDATED = "cti-es updated"
"""The name under which a report says what was rewritten."""


@pytest.fixture
def cti() -> "Cti":
    """A cluster in a few words: what is given, what happens when, and what an application is told then."""
    from cti_es.testing.given import Cti

    return Cti()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--cti-update`` and the ini setting ``cti_scenarios``."""
    parser.getgroup("cti-es").addoption(
        "--cti-update", action="store_true", help="Rewrite what scenarios expect, and show what changed."
    )
    parser.addini("cti_scenarios", "Folders of cti-es whose scenarios are tests.", type="paths")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ScenarioLog | None":
    """A log below one of the folders that ``cti_scenarios`` names is a scenario."""
    if file_path.name != "log.ndjson":
        return None
    folders = [Path(folder).resolve() for folder in parent.config.getini("cti_scenarios")]
    is_wanted = any(folder in file_path.resolve().parents for folder in folders)
    return ScenarioLog.from_parent(parent, path=file_path) if is_wanted else None


class ScenarioLog(pytest.File):
    """The log of a scenario: a test for each file of what is expected of it."""

    def collect(self) -> Iterator["Expectation"]:
        """The messages always, the homes if their file is there."""
        yield Expectation.from_parent(self, name="messages")
        if (self.path.parent / "homes.ndjson").exists():
            yield Expectation.from_parent(self, name="homes")


class Expectation(pytest.Item):
    """A file of a scenario, held against what its log gives; with ``--cti-update`` it is rewritten."""

    def runtest(self) -> None:
        """Fail with a report, without a traceback."""
        from cti_es.testing.scenarios import check, update
        from cti_es.vocabulary.errors import CtiEsError

        path = _short(self.path)
        try:
            if not self.config.getoption("--cti-update"):
                check(path, self.name)
            elif changed := update(path, self.name):
                self.user_properties.append((UPDATED, changed))
        except (AssertionError, CtiEsError) as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        except OSError as error:
            raise pytest.fail.Exception(f"{error.filename}: {error.strerror}", pytrace=False) from None

    def reportinfo(self) -> tuple[Path, None, str]:
        """What the head of a failure calls it."""
        return self.path, None, f"{self.path.parent.name}: {self.name}"


def _short(path: Path) -> Path:
    """A path as errors say it: from here on, if there is a way."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """``assert trace == expected`` that fails says what differs, as ``diff`` does."""
    if op != "==" or not (_is_of_messages(left) or _is_of_messages(right)):
        return None
    from cti_es.testing.explained import explained

    return explained(left, right)


def _is_of_messages(value: object) -> bool:
    """Whether it is a log, a trace or a list of messages, without importing what these are."""
    one = value[0] if isinstance(value, list | tuple) and value else value
    return type(one).__module__.startswith("cti_es.")


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    """What ``--cti-update`` has rewritten."""
    reports = [one for some in terminalreporter.stats.values() for one in some if getattr(one, "when", "") == "call"]
    changes = [(one.nodeid, text) for one in reports for name, text in one.user_properties if name == UPDATED]
    if changes:
        terminalreporter.section("cti-es: what scenarios expect now")
    for where, text in changes:
        terminalreporter.write_line(where, bold=True)
        terminalreporter.write_line(f"{text}\n")
