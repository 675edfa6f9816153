"""The documentation is run: its sessions, and what its pages say about commands, options, formats and links.

A session is a block fenced with ```console: lines that begin with ``$ `` are commands, what follows is their output.

* The sessions of a page run in order, in one new folder in which ``events.ndjson`` is the log of the worked example.
  Those of the README and of docs/start begin as in a fresh checkout: only ``fixtures`` is there.
* Output is standard output first, then standard error, whatever the order in which they were written. A session that
  wants them as they come says ``2>&1``.
* ``cti-es demo`` shows commands itself, so it is the only command of its block.
* A block of Python whose first line is ``# NAME.py`` is that file: it is written into the folder when its turn comes.
  ``pytest`` has the plugin of cti-es there, and no other.
* Commands go to ``sh -c``, each to its own; ``$?`` is the exit code of the command before. Only PROGRAMS may be used.
  SETUP commands are not run and must show no output.
* ``cti-es`` and ``sqlite-utils`` are forked from a process that has imported them (tests/support/forked.py); in the
  README they are started, and other programs are started everywhere.
* A hash that differs from run to run (whatever contains the time of appending) is written abbreviated: ``fe03b76e…``
  stands for any 64 hexadecimal digits, the same abbreviation always for the same ones. In a command it becomes the
  hash that was printed under that abbreviation before. ``…`` alone is anything up to the end of the word. All else,
  digests of 64 digits included, is compared as it stands.
"""

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
import pytest
from click.testing import CliRunner
from conftest import FIXTURES, ROOT
from support import forked as client
from support import refresh_reference, refresh_states

from cti_es.logs.store.base import ROW_EVENTS
from cti_es.logs.store.schema import OBJECTS
from cti_es.model.cluster import MisfitCode
from cti_es.model.rules import RULES
from cti_es.testing import Cti
from cti_es.vocabulary import tapi
from cti_es.vocabulary.events import EVENT_TYPES, Kind, fields_of
from cti_es.vocabulary.names import MAX_NAME
from cti_es.vocabulary.text_lines import MAX_LINE
from cti_es_cli.commands.schema import KINDS
from cti_es_cli.main import COMMANDS, main

DOCS = ROOT / "docs"
README = ROOT / "README.md"
BESIDE = [path for name in ("README", "CONTRIBUTING", "SECURITY") if (path := ROOT / f"{name}.md").exists()]
"""Pages outside docs/ that are held to the same."""

PAGES = [*BESIDE, *sorted(DOCS.rglob("*.md"))]
FRESH = ("README.md", "docs/start/")
"""Pages whose sessions begin in a fresh checkout: without the log of the worked example in the folder."""


PROGRAMS = {"cti-es": "cti_es_cli", "sqlite-utils": "sqlite_utils", "pytest": "pytest"}
"""Programs that sessions run, with the module that each of them is."""

SHELL = {"cat", "cp", "echo", "grep", "gzip", "head", "ls", "mkdir", "printf", "tail"}
"""Programs of the system that sessions may use beside them."""

SETUP = ("pip", "python", "python3", "py", "source", ".venv/", ".venv\\")
"""What a command begins with that sets up a machine: it is shown, but not run here."""

FOREIGN_OPTIONS = {
    "--big", "--callgrind-out-file", "--check", "--config-file", "--cti-update", "--dask", "--first-seed", "--force", "--host",
    "--hypothesis-profile", "--immutable", "--machine", "--metadata", "--minutes", "--nl", "--no-comments", "--no-index", "--nthreads", "--nworkers", "--only", "--part", "--port", "--python", "--quick", "--rate",
    "--randomly-seed", "--reinstall", "--rounds", "--spec", "--states", "--strict", "--table", "--tool", "--update",
    "--user",
}  # fmt: skip
"""Options of other programs that pages name: sqlite-utils, datasette, pg_dump, linters, pytest, benchmarks and campaigns."""

A_FILE = re.compile(r"# (\w+\.py)")

ABBREVIATED = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{6,63}…")


class Step(NamedTuple):
    """A command of a session, where it stands, and the output that the page shows; or the name of a file, and its lines."""

    line: int
    command: str
    shown: list[str]
    is_file: bool = False


class Block(NamedTuple):
    """A fenced block: the line of its fence, its language, its lines."""

    line: int
    language: str
    lines: list[str]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    opened: Block | None = None
    for number, line in enumerate(page.read_text("utf-8").split("\n"), 1):
        fence = re.fullmatch(r" *```\s*(\S*).*", line)
        if opened is None and fence:
            opened = Block(number, fence[1], [])
        elif opened is not None and line.strip() == "```":
            yield opened
            opened = None
        elif opened is not None:
            opened.lines.append(line)
    assert opened is None, f"{name(page)}:{opened.line}: the block has no end"


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"(?ms)^ *```.*?^ *```[ \t]*$", "", page.read_text("utf-8"))


def name(page: Path) -> str:
    """A page as test names and errors call it."""
    return page.relative_to(ROOT).as_posix()


def steps(block: Block, page: Path) -> list[Step]:
    """The commands of a session with their output."""
    found: list[Step] = []
    for number, line in enumerate(block.lines, block.line + 1):
        if line.startswith("$ ") and not (found and found[-1].command.startswith("cti-es demo")):
            found.append(Step(number, line[2:], []))
        else:
            assert found, f"{name(page)}:{number}: a session begins with a command, '$ …'"
            found[-1].shown.append(line)
    return found


def sessions(page: Path) -> list[list[Step]]:
    """The sessions of a page, and the files for them."""
    return [found for block in blocks(page) if (found := session(block, page)) is not None]


def session(block: Block, page: Path) -> list[Step] | None:
    """The session that a block is, or the file; None if it is neither."""
    if block.language == "console":
        return steps(block, page)
    named = A_FILE.fullmatch(block.lines[0]) if block.language == "python" and block.lines else None
    return [Step(block.line, named[1], block.lines, is_file=True)] if named else None


def is_setup(command: str) -> bool:
    """Whether a command sets up a machine."""
    first = command.split()[0]
    return any(first == word or (word[-1] in "/\\" and first.startswith(word)) for word in SETUP)


def programs(command: str) -> list[str]:
    """What a command line calls, pipes and all."""
    words = shlex.shlex(command, posix=True, punctuation_chars=True)
    words.commenters = ""
    words.whitespace_split = True
    found = [";", *words]
    return [
        word
        for before, word in pairwise([one for one in found if not re.fullmatch(r"[A-Z_]+=\S*", one)])
        if before in (";", "|", "||", "&&")
    ]


HIDDEN = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "CI", "BUILD_NUMBER", "PYTEST_ADDOPTS")
"""What changes how programs print, and a reader has not set."""


class Session:
    """The folder and shell in which the sessions of a page run."""

    def __init__(self, folder: Path, fresh: bool = False, forked: str = "") -> None:
        self.hashes: dict[str, str] = {}
        self._folder = folder / "work"
        self._exit_code = 0
        commands = folder / "bin"
        self._folder.mkdir()
        commands.mkdir()
        if fresh:
            (self._folder / "fixtures").symlink_to(FIXTURES)
        else:
            log = FIXTURES / "01-worked-example" / "log.ndjson"
            (self._folder / "events.ndjson").write_bytes(log.read_bytes())
        for program, module in PROGRAMS.items():
            words = (
                ["-I", "-S", client.__file__, forked, program]
                if forked and program in client.PROGRAMS
                else ["-m", module]
            )
            script = commands / program
            script.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *words])} "$@"\n')
            script.chmod(0o755)
        kept = {key: value for key, value in os.environ.items() if key not in HIDDEN}
        path = os.pathsep.join([str(commands), os.environ.get("PATH", os.defpath)])
        kept |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "cti_es.testing.pytest_plugin"}
        self._environment = {**kept, "CTI_ES": str(ROOT), "PATH": path, "LC_ALL": "C.UTF-8", "TERM": "xterm"}

    def run(self, command: str) -> list[str]:
        """Run a command line; the lines of its output."""
        done = subprocess.run(
            ["sh", "-c", f"(exit {self._exit_code})\n{command}"],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        self._exit_code = done.returncode
        both = [stream.decode("utf-8") for stream in (done.stdout, done.stderr)]
        return "".join(f"{one}\n" if one and not one.endswith("\n") else one for one in both).split("\n")[:-1]

    def write(self, step: Step) -> None:
        """Write a file that the page shows."""
        (self._folder / step.command).write_text("\n".join(step.shown) + "\n", "utf-8")

    def expanded(self, command: str) -> str:
        """A command with its abbreviated hashes in full."""
        return ABBREVIATED.sub(lambda found: self.hashes.get(found[0], found[0]), command)

    def matches(self, shown: str, printed: str) -> bool:
        """Whether a line that a page shows is the line that was printed."""
        parts = re.split(f"({ABBREVIATED.pattern})", shown)
        pattern = "".join(
            "([0-9a-f]{64})" if index % 2 else r"\S*".join(map(re.escape, part.split("…")))
            for index, part in enumerate(parts)
        )
        match = re.fullmatch(pattern, printed)
        if match is None:
            return False
        pairs = zip(parts[1::2], match.groups(), strict=True)
        return all(self._means(short, full) for short, full in pairs)

    def _means(self, short: str, full: str) -> bool:
        """Whether this abbreviation stands for this hash, and no other does: learnt where either is new."""
        if short not in self.hashes and full not in self.hashes.values():
            self.hashes[short] = full
        return self.hashes.get(short) == full


def session_of(page: Path, folder: Path, forked: str = "") -> Session:
    """The session of a page, in a new folder. That of the README is always one of real processes."""
    return Session(folder, name(page).startswith(FRESH), "" if page == README else forked)


def check(session: Session, step: Step, page: Path) -> None:
    """Run a command of a page and compare what it prints."""
    place = f"{name(page)}:{step.line}: $ {step.command}"
    if step.is_file:
        session.write(step)
        return
    if is_setup(step.command):
        assert not step.shown, f"{place}\na set-up command is not run, so the page must show no output of it"
        return
    strange = [one for one in programs(step.command) if one not in {*PROGRAMS, *SHELL}]
    assert not strange, f"{place}\n{', '.join(strange)} cannot be run here"
    command = session.expanded(step.command)
    assert not ABBREVIATED.search(command), f"{place}\nan abbreviated hash that nothing has printed before"
    printed = session.run(command)
    same = len(printed) == len(step.shown) and all(map(session.matches, step.shown, printed))
    assert same, "\n".join([place, "--- the page shows", *step.shown, "--- printed", *printed])


# --- sessions -------------------------------------------------------------------------------------------------------

WITH_SESSIONS = [page for page in PAGES if "```console" in page.read_text("utf-8")]


@pytest.mark.skipif(sys.platform == "win32", reason="sessions are written for sh")
@pytest.mark.parametrize("page", WITH_SESSIONS, ids=name)
def test_sessions_print_what_the_page_shows(page: Path, tmp_path: Path, forked: str) -> None:
    session = session_of(page, tmp_path, forked)
    for block in sessions(page):
        assert block, f"{name(page)}: a session without a command"
        for step in block:
            check(session, step, page)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_with_output_stand_in_sessions(page: Path) -> None:
    for block in blocks(page):
        hidden = [line for line in block.lines if line.lstrip().startswith("$ ")]
        assert block.language == "console" or not hidden, f"{name(page)}:{block.line}: {hidden[0]} is not run"
    assert not re.search(r"(?m)^ *\$ ", prose(page))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_page_with_a_session(command: str) -> None:
    run = [step.command.split()[:2] for block in sessions(command_page(command)) for step in block]
    assert ["cti-es", command] in run


# --- what may stand in a session: the tests' own rules --------------------------------------------------------------


def test_abbreviated_hashes(tmp_path: Path) -> None:
    one, other = "a" * 64, "b" * 64
    session = Session(tmp_path)
    assert session.matches("head 1:sha256:fe03b76e…: nothing wrong", f"head 1:sha256:{one}: nothing wrong")
    assert session.matches("fe03b76e… fe03b76e…", f"{one} {one}")
    assert not session.matches("fe03b76e…", other)
    assert not session.matches("0f0f0f0f…", one)
    assert not session.matches("1234567…", one[:20])
    assert session.matches("head 1:sha256:… and", f"head 1:sha256:{other} and")
    assert not session.matches("head 1:sha256:…", f"head 2:sha256:{other}")
    assert not session.matches(one, other)
    assert session.expanded("verify --head default=1:sha256:fe03b76e…") == f"verify --head default=1:sha256:{one}"


def test_programs_of_a_command() -> None:
    assert programs("cti-es append site.db#lab --from a.ndjson") == ["cti-es"]
    assert programs("NO_COLOR=1 cti-es log 'a|b' | head -n 2; echo $? > x") == ["cti-es", "head", "echo"]
    assert programs("cti-es demo || cat x && ls") == ["cti-es", "cat", "ls"]
    assert is_setup("pip install cti-es")
    assert is_setup(".venv/bin/cti-es demo")
    assert not is_setup("cti-es demo")
    assert not is_setup("pipx run cti-es")


# --- commands and options -------------------------------------------------------------------------------------------


def command_page(command: str) -> Path:
    """The page of a command."""
    return DOCS / "reference" / "commands" / f"{command}.md"


def options_of(command: str) -> set[str]:
    """The options that a command's help shows; of the group for an empty name."""
    output = CliRunner().invoke(main, [command, "--help"] if command else ["--help"]).output
    section = output.partition("\nOptions:\n")[2].partition("\n\n")[0]
    starts = [line.strip() for line in section.split("\n") if line.startswith("  -")]
    names = [re.split(r" {2,}", start)[0] for start in starts]
    found = {word for one in names for word in re.findall(r"(?<!\S)--?[A-Za-z][a-z-]*", one)}
    assert "--help" in found
    return found


ALL_OPTIONS = {command: options_of(command) for command in ("", *COMMANDS)}


def option_table(page: Path) -> set[str]:
    """The options in the first column of the page's table of options."""
    table = re.search(r"(?m)^\| option \|.*\n\|[-| ]+\|\n((?:\|.*\n)+)", page.read_text("utf-8"))
    assert table, f"{name(page)}: no table of options"
    cells = [re.split(r"(?<!\\)\|", row)[1] for row in table[1].splitlines()]
    return {span.split()[0] for cell in cells for span in re.findall(r"`(-[^`]+)`", cell)}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_table_of_options_is_that_of_the_help(command: str) -> None:
    assert option_table(command_page(command)) == ALL_OPTIONS[command]


def test_the_index_has_the_options_of_the_group() -> None:
    assert option_table(DOCS / "index.md") == ALL_OPTIONS[""]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_page_names_an_option_that_does_not_exist(page: Path) -> None:
    known = set().union(*ALL_OPTIONS.values(), FOREIGN_OPTIONS)
    text = page.read_text("utf-8")
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)) <= known
    commands = "|".join(COMMANDS)
    for command, rest in re.findall(rf"(?:`|^\$ )(?:cti-es )?({commands}) ([^`\n|]*)", text, re.M):
        wrong = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", rest)) - ALL_OPTIONS[command] - {"--debug"}
        assert not wrong, f"{name(page)}: {command} has no {wrong}"


@pytest.mark.parametrize("page", refresh_reference.PAGES)
def test_pages_made_of_the_program_are_up_to_date(page: str) -> None:
    """The tables of options and fields are what the program has now."""
    made = refresh_reference.PAGES[page]()
    assert (DOCS / "reference" / page).read_text("utf-8") == made, "run: python tests/support/refresh_reference.py"


def test_the_diagrams_of_states_are_what_the_fold_does() -> None:
    """Tables and sources are what the scenarios and random logs show, and each picture was drawn from its source."""
    changes = refresh_states.all_changes()
    text = refresh_states.PAGE.read_text("utf-8")
    assert refresh_states.page(text, changes) == text, "run: python tests/support/refresh_states.py"
    for diagram in (*refresh_states.KINDS, "links"):
        source = refresh_states.mermaid(diagram, changes)
        assert (refresh_states.FOLDER / f"states-{diagram}.mmd").read_text("utf-8") == source
        drawn = (refresh_states.FOLDER / f"states-{diagram}.svg").read_text("utf-8")
        assert refresh_states.mark(source) in drawn, "run it with --draw"


# --- pages and links ------------------------------------------------------------------------------------------------


def links(page: Path) -> list[str]:
    """Where the links of a page lead."""
    text = re.sub(r"`[^`\n]*`", "code", prose(page))
    return re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", text)


def anchors(page: Path) -> set[str]:
    """The anchors of a page: those written out, and those that GitHub makes of headings."""
    text = prose(page)
    found = set(re.findall(r"<a id=\"([^\"]+)\"", text))
    for heading in re.findall(r"(?m)^#{1,6} +(.*?) *$", text):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(next(one for one in (slug, *(f"{slug}-{n}" for n in range(1, 99))) if one not in found))
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name(page)}: no file {link}"
        assert not anchor or anchor in anchors(target), f"{name(page)}: no anchor {link}"


def test_every_page_has_a_line_in_the_index() -> None:
    index = DOCS / "index.md"
    rows = re.findall(r"(?m)^\| \[[^\]]+\]\(([^)#]+)\) \| \S.* \|$", index.read_text("utf-8"))
    listed = [(DOCS / row).resolve() for row in rows]
    assert sorted(listed) == sorted(page.resolve() for page in PAGES if page not in (index, *BESIDE))
    assert [row for row in rows if row.startswith("reference/commands/")] == [
        f"reference/commands/{command}.md" for command in COMMANDS
    ]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_rule_identifiers_are_links_to_the_rules(page: Path) -> None:
    if page.name in ("rules.md", "README.md"):
        return
    for rule in RULES:
        anchor = f"rules.md#{rule.replace('/', '-')}"
        for target in re.findall(rf"`{rule}`(?:\]\(([^)]*)\))?", prose(page)):
            assert target.endswith(anchor), f"{name(page)}: {rule} is no link to {anchor}"


# --- formats --------------------------------------------------------------------------------------------------------


def test_the_table_of_events_is_the_vocabulary() -> None:
    text = (DOCS / "reference" / "log-format.md").read_text("utf-8")
    rows = re.findall(r"(?m)^\| `(\w+)` \| ((?:`\w+`\??(?:, )?)+) \|", text)
    found = {event_type: re.findall(r"`(\w+)`(\??)", fields) for event_type, fields in rows}
    for event_type, struct in EVENT_TYPES.items():
        required = [field.name for field in msgspec.structs.fields(struct) if field.required]
        own = [(field, "" if field in required else "?") for field in fields_of(event_type)]
        assert sorted(found.pop(event_type)) == sorted(one for one in own if one[0] not in ("at", "id"))
    assert all(f"`{kind}`" in text for kind in get_args(Kind))
    assert f"{MAX_NAME} characters" in text
    assert f"{MAX_LINE // 1024 // 1024} MiB" in text


def test_the_order_of_fields_is_the_canonical_one() -> None:
    text = (DOCS / "reference" / "log-format.md").read_text("utf-8")
    rows = dict(re.findall(r"(?m)^\| `(\w+)` \| ((?:`\w+`\??(?:, )?)+) \|", text))
    for event_type in EVENT_TYPES:
        own = [field for field in fields_of(event_type) if field not in ("at", "id")]
        assert re.findall(r"`(\w+)`", rows[event_type]) == own


def numbers_on(section: str) -> dict[str, int]:
    """Name → number of the tables in a section of the page about TAPI, where both may stand in any column."""
    text = (DOCS / "reference" / "tapi.md").read_text("utf-8")
    body = re.search(rf"(?ms)^## {section}\n(.*?)(?=^## |\Z)", text)
    assert body, section
    rows = re.findall(r"(?m)^\| .*", body[1])
    pairs = [pair for row in rows for pair in re.findall(r"\| (0x[0-9a-f]+|\d+)[^|]* \| [*`]*(\w+)", row)]
    return {name: int(number, 0) for number, name in pairs}


def test_the_numbers_of_tapi_are_those_of_the_program() -> None:
    """The page lists every message, state and reason with the number that the program has for it."""
    assert numbers_on("Messages") == tapi.MESSAGE_IDS
    assert numbers_on("States of a line") == tapi.LINEDEVSTATE
    assert numbers_on("States of a phone") == tapi.PHONESTATE
    assert numbers_on("Reasons") == tapi.REASONS


def test_the_messages_about_availability_are_bold() -> None:
    """The page marks just those messages that traces are compared on."""
    text = (DOCS / "reference" / "tapi.md").read_text("utf-8")
    assert set(re.findall(r"\*\*((?:LINE|PHONE)_\w+)\*\*", text)) == tapi.COMPARED


def test_the_kinds_of_schema_are_all_there() -> None:
    text = command_page("schema").read_text("utf-8")
    assert re.findall(r"(?m)^\| `(\w+)` \|", text) == list(KINDS)


def test_the_misfit_codes_are_those_of_the_program() -> None:
    text = (DOCS / "reference" / "exit-codes.md").read_text("utf-8")
    assert all(f"`{code}`" in text for code in get_args(MisfitCode))


def test_the_store_is_described_column_by_column() -> None:
    text = (DOCS / "reference" / "store.md").read_text("utf-8")
    for kind, thing in OBJECTS:
        if kind != "index":
            assert f"`{thing}`" in text, thing
    for thing in ("batches", "ids", "snapshots"):
        columns = re.findall(r"(?m)^  ([a-z_]+) [A-Z]", OBJECTS["table", thing])
        assert not [column for column in columns if f"`{column}`" not in text]
    columns = re.findall(r" AS (\w+)(?=,|\nFROM)", OBJECTS["view", "events"])
    assert columns
    assert not [column for column in columns if f"`{column}`" not in text]
    assert f"{ROW_EVENTS:,}" in text


def test_the_script_of_the_store_page_computes_the_heads(tmp_path: Path) -> None:
    (script,) = [block for block in blocks(DOCS / "reference" / "store.md") if block.language == "python"]
    (tmp_path / "chain.py").write_text("\n".join(script.lines), "utf-8")
    store = str(tmp_path / "site.db")
    runner = CliRunner()
    for log, node in (("#lab", "Köln"), ("#default", "cm1"), ("#lab", "cm1")):
        assert runner.invoke(main, ["append", store + log, "node_added", f"node={node}"]).exit_code == 0
    heads = [line.split() for line in runner.invoke(main, ["logs", store]).stdout.splitlines()[1:]]
    assert recomputed(tmp_path) == "".join(f"{row[0]} {row[-1]}\n" for row in heads)
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("DROP TRIGGER batches_no_update")
        connection.execute("UPDATE batches SET source = 'me' WHERE position = 3")
    assert recomputed(tmp_path) == "lab: the hash of the row that begins at version 2 does not match\n"


def recomputed(folder: Path) -> str:
    """What the script says about the store."""
    command = [sys.executable, "chain.py", "site.db"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


# --- tests of applications ------------------------------------------------------------------------------------------


def test_the_test_of_an_application_passes() -> None:
    """The test that the how-to shows is right about what the application is told."""
    page = DOCS / "how-to" / "test-your-application.md"
    (script,) = [block for block in blocks(page) if block.language == "python"]
    names: dict[str, Any] = {}
    exec("\n".join(script.lines), names)
    names["test_a_call_outlives_the_failure"](Cti())


# --- completion -----------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_is_set_up_as_the_page_says(shell: str) -> None:
    text = (DOCS / "how-to" / "completion.md").read_text("utf-8")
    assert re.search(rf'_CTI_ES_COMPLETE ?= ?"?{shell}_source\b', text)
    result = CliRunner(env={"_CTI_ES_COMPLETE": f"{shell}_source"}).invoke(main, prog_name="cti-es")
    assert result.exit_code == 0
    assert "_CTI_ES_COMPLETE" in result.stdout
    assert f"{shell}_complete" in result.stdout
