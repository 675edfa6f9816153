"""Write the index of the scenarios, and the links from every rule to its scenarios: ``python tests/support/refresh_scenarios.py``.

Both follow from the scenarios alone: from the line of each README, and from the rules of its messages.
"""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FIXTURES = ROOT / "fixtures"
INDEX = FIXTURES / "README.md"
RULES_PAGE = ROOT / "docs" / "reference" / "rules.md"
SMALLEST = 3
"""So many scenarios does a rule name itself: those with the fewest messages."""

HEAD = """# Scenarios

Each folder is a log (`log.ndjson`) with what must come of it: the messages (`messages.ndjson`), where every device is in the end (`homes.ndjson`) and, where an event does not fit, the misfits (`misfits.ndjson`). Both folds, the library and the command line must give these files byte for byte (`tests/model/test_scenarios.py`).

This page is written by `tests/support/refresh_scenarios.py`. [real](real/README.md) and [traces](traces/README.md) are samples of real files.

"""

Scenarios = dict[str, list[str]]


def rules_of_scenarios() -> Scenarios:
    """Scenario → the rule of each of its messages, in the order of the folders."""
    files = sorted(FIXTURES.glob("*/messages.ndjson"))
    return {file.parent.name: [json.loads(line)["rule"] for line in file.read_bytes().splitlines()] for file in files}


def anchor(rule: str) -> str:
    """The anchor of a rule, here and on the page of the rules."""
    return rule.replace("/", "-")


def index(scenarios: Scenarios) -> str:
    """The text of fixtures/README.md."""
    titles = {name: (FIXTURES / name / "README.md").read_text("utf-8").strip() for name in scenarios}
    lines = [f"* [{name}]({name}/log.ndjson): {title.replace('](../../', '](../')}" for name, title in titles.items()]
    rules = sorted({rule for found in scenarios.values() for rule in found})
    return HEAD + "\n".join([*lines, "", "## By rule", "", *(by_rule(rule, scenarios) for rule in rules), ""])


def by_rule(rule: str, scenarios: Scenarios) -> str:
    """The line of a rule: all scenarios with a message of it."""
    links = [f"[{name[:2]}]({name}/messages.ndjson)" for name, rules in scenarios.items() if rule in rules]
    return f'* <a id="{anchor(rule)}"></a>[{rule}](../docs/reference/rules.md#{anchor(rule)}): {" ".join(links)}'


def linked(page: str, scenarios: Scenarios) -> str:
    """The page of the rules with a line of scenarios at the end of every rule's section."""
    bare = re.sub(r"(?m)^\* \*\*Scenarios:\*\* .*\n", "", page)
    section = re.compile(r"(?ms)^(### (\w+/\w+)\n.*?\n)(?=\n(?:<a id|#)|\Z)")
    return section.sub(lambda found: found[1] + line_of(found[2], scenarios), bare)


def line_of(rule: str, scenarios: Scenarios) -> str:
    """The smallest scenarios of a rule, and where all of them are."""
    with_rule = sorted((len(rules), name) for name, rules in scenarios.items() if rule in rules)
    links = [f"[{name}](../../fixtures/{name}/messages.ndjson)" for _, name in with_rule[:SMALLEST]]
    more = f"; [all {len(with_rule)}](../../fixtures/README.md#{anchor(rule)})" if len(with_rule) > SMALLEST else ""
    return f"* **Scenarios:** {', '.join(links)}{more}\n"


if __name__ == "__main__":
    found = rules_of_scenarios()
    INDEX.write_text(index(found), "utf-8")
    RULES_PAGE.write_text(linked(RULES_PAGE.read_text("utf-8"), found), "utf-8")
