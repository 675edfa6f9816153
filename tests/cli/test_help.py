"""Help, versions, usage errors, --debug and completion: what a newcomer meets first."""

import os
import re
import sqlite3
import subprocess
import sys
from importlib import import_module, metadata
from platform import python_version

import click
import pytest
from click.shell_completion import get_completion_class

from cti_es.logs.store.schema import SCHEMA_VERSION
from cti_es.model.replay import FOLD_VERSION
from cti_es.vocabulary.events import EVENT_TYPES
from cti_es_cli.main import COMMANDS, module_of
from cti_es_cli.main import main as group

PROMISED = {
    "append",
    "import",
    "ingest",
    "discover",
    "logs",
    "log",
    "replay",
    "homes",
    "providers",
    "outages",
    "incident",
    "history",
    "impact",
    "diff",
    "report",
    "lint",
    "explain",
    "export",
    "verify",
    "generate",
    "play",
    "schema",
    "demo",
}
"""The commands that this release has."""


def command_of(name):
    """A command as click knows it."""
    return import_module(module_of(name)).command


def test_the_commands_are_there():
    """Every command that the issue promises is there, and each is the one that the group gives."""
    assert set(COMMANDS) == PROMISED
    assert group.list_commands(click.Context(group)) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_is_true(name):
    """The group's list, written by hand so that help is fast, says of each command what the command says itself."""
    assert command_of(name).short_help == COMMANDS[name]
    assert COMMANDS[name].endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(name, quick):
    """-h and --help of every command: the same text, with what it does, every option explained, and an example."""
    result = quick(name, "--help")
    text = result.stdout.decode()

    assert (result.returncode, result.stderr) == (0, b"")
    assert quick(name, "-h").stdout == result.stdout
    assert text.startswith(f"Usage: cti-es {name}")
    assert f"cti-es {name}" in text.split("Example")[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_everything_is_explained(name):
    """Every command and every option has a sentence of help."""
    command = command_of(name)

    assert command.help
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_fit_and_are_real(name):
    """The examples in help name commands and options that exist and fit into 100 columns."""
    command = command_of(name)
    examples = re.findall(r"cti-es (\w+)([^|\n]*)", command.epilog)

    assert examples
    for used, rest in examples:
        known = {option for param in command_of(used).params for option in param.opts} | {"--help"}
        assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest)) <= known
    assert max(map(len, command.epilog.splitlines())) <= 100


@pytest.mark.parametrize("arguments", [("-h",), ("--help",)])
def test_help_of_the_group(arguments, cti_es):
    """cti-es --help says what it is for, what a SOURCE is, and lists every command with its line."""
    result = cti_es(*arguments)
    text = result.stdout.decode()

    assert (result.returncode, result.stderr) == (0, b"")
    assert "SOURCE" in text
    assert "Example: cti-es demo" in text
    for name, line in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", text, re.MULTILINE)


def test_help_is_fast(environment):
    """--help imports no command and nothing heavy, so that it comes at once (tests/benchmarks/run.py measures it)."""
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cti_es_cli", "--help"], env=environment(), capture_output=True
    )
    imported = set(re.findall(rb"\| +(\S+)$", result.stderr, re.MULTILINE))

    assert not imported & {
        b"sqlite_utils",
        b"msgspec",
        b"sqlite3",
        b"cti_es.model.recovery",
        b"cti_es_cli.commands.append",
    }


def test_nothing_to_do(quick):
    """cti-es alone shows its help, and that nothing was done: exit 2, nothing on standard output."""
    result = quick()

    assert (result.returncode, result.stdout) == (2, b"")
    assert b"Usage: cti-es" in result.stderr


@pytest.mark.parametrize("arguments", [("--version",), ("-V",)])
def test_version(arguments, cti_es):
    """--version names all that a bug report needs: the package, the fold, the schema of stores, Python and SQLite."""
    assert cti_es(*arguments).stdout.decode().splitlines() == [
        f"cti-es {metadata.version('cti-es')}",
        f"fold {FOLD_VERSION}, schema {SCHEMA_VERSION}, Python {python_version()}, SQLite {sqlite3.sqlite_version}",
    ]


def test_the_installed_script_is_the_module(cti_es):
    """The console script that is installed is the same program."""
    (script,) = metadata.entry_points(group="console_scripts", name="cti-es")

    assert script.value == "cti_es_cli.main:main"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("reply",), "did you mean 'replay'?"),
        (("Append",), "did you mean 'append'?"),
        (("home",), "did you mean 'homes'?"),
        (("zzz",), "append"),
        (("",), "append"),
        (("replay", "site.db", "--fromat", "csv"), "'--format'"),
        (("replay", "--nope", "site.db"), "--nope"),
        (("replay",), "SOURCE"),
        (("log",), "SOURCE"),
        (("append",), "STORE"),
        (("verify",), "STORE"),
        (("schema",), "events"),
        (("schema", "evens"), "events"),
        (("replay", "site.db", "--format", "xml"), "ndjson"),
        (("logs", "site.db", "other.db"), "other.db"),
        (("explain", "site.db"), "--device"),
        (("explain", "site.db", "1", "2"), "2"),
        (("generate", "--nodes", "0"), "--nodes"),
        (("generate", "--calls", "2"), "--calls"),
        (("generate", "--calls", "nan"), "--calls"),
        (("generate", "--events", "-1"), "--events"),
        (("generate", "--start", "soon"), "--start"),
        (("demo", "fast"), "fast"),
        (("--nope",), "--nope"),
    ],
    ids=str,
)
def test_usage_errors(arguments, words, site, quick, refused):
    """A command line that makes no sense is exit 2, naming what is wrong and what is near or possible."""
    refused(quick(*arguments), words)


# --- --debug --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [("--debug", "replay", "nowhere.db"), ("replay", "nowhere.db", "--debug")], ids=" ".join
)
def test_debug_shows_the_traceback(arguments, cti_es):
    """--debug, before or after the command, shows the traceback of an error."""
    assert b"Traceback" in cti_es(*arguments).stderr


@pytest.mark.parametrize(
    "arguments",
    [("replay", "nowhere.db"), ("append", "new.db", "node_aded"), ("nope",), ("replay", "x", "--nope")],
    ids=" ".join,
)
def test_debug_keeps_the_exit_code(arguments, cti_es):
    """--debug changes what is shown, not the exit code: 1 would mean that a difference was found."""
    assert cti_es("--debug", *arguments).returncode == 2


def test_debug_changes_nothing_else(site, quick):
    """--debug on a command that succeeds is silent."""
    assert quick("--debug", "export", "site.db").stdout == quick("export", "site.db").stdout
    assert quick("--debug", "--help").returncode == 0


def test_debug_can_be_a_value(cti_es, site):
    """What stands after -- is no option, --debug neither."""
    result = cti_es("log", "--", "--debug")

    assert result.returncode == 2
    assert b"no such file" in result.stderr
    assert b"Traceback" not in result.stderr


# --- completion -----------------------------------------------------------------------------------------------------

SHELLS = ("bash", "zsh", "fish", "powershell")

COMPLETIONS = {
    # what has been typed, the last word unfinished: what is offered
    "cti-es ap": {"append"},
    "cti-es append site.db node_": {"node_added", "node_failed", "node_recovered"},
    "cti-es append site.db ": set(EVENT_TYPES),
    "cti-es append site.db device_added ": {"device=", "kind=", "lines=", "group=", "at=", "id="},
    "cti-es append site.db device_added device=P l": {"lines="},
    "cti-es append site.db open_refused device=P ": {"line=", "nodes=", "at=", "id="},
    "cti-es append site.db nonsense ": set(),
    "cti-es log site.db --type call": {"call_started", "call_ended", "call_connected"},
    "cti-es append site.db behaviour_set announce_open=true ": {
        "phones_wait_for_calls=",
        "drop_calls_in_setup=",
        "at=",
        "id=",
    },
    "cti-es append site.db node_failed node=cm1 ": {"scope=", "at=", "id="},
    "cti-es append site.db cti": {"cti_manager_added", "cti_manager_failed", "cti_manager_recovered"},
    "cti-es replay site.db --format ": {"text", "markdown", "ndjson", "csv", "tapi-browser", "ladder", "mermaid"},
    "cti-es schema m": {"made", "messages", "misfits"},
    "cti-es replay --as": {"--as-of"},
}


def complete(shell, typed):
    """The words that a shell is offered after ``typed``."""
    words = typed.split(" ")
    variables = {
        "_CTI_ES_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
    }
    result = subprocess.run(
        [sys.executable, "-m", "cti_es_cli"],
        env={**os.environ, **variables},
        capture_output=True,
        check=True,
        text=True,
    )
    lines = result.stdout.splitlines()
    if shell in ("zsh", "powershell"):
        return set(lines[1::3])
    return {line.split(",", 1)[1].split("\t")[0] for line in lines if line}


@pytest.mark.parametrize("typed", COMPLETIONS)
def test_completion(typed):
    """The shell is offered commands, event types, the fields of the type that are not given yet, options and choices."""
    assert complete("bash", typed) == COMPLETIONS[typed]


@pytest.mark.parametrize("shell", SHELLS[1:])
@pytest.mark.parametrize("typed", ["cti-es append site.db node_", "cti-es append site.db device_added device=P "])
def test_completion_in_other_shells(shell, typed):
    """zsh, fish and PowerShell are offered the same."""
    offered = (
        {"node_added", "node_failed", "node_recovered"}
        if typed.endswith("_")
        else {"kind=", "lines=", "group=", "at=", "id="}
    )

    assert complete(shell, typed) == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_for_a_shell(shell, cti_es, environment):
    """Each shell gets a script that asks cti-es back."""
    assert get_completion_class(shell) is not None
    result = cti_es(env=environment({"_CTI_ES_COMPLETE": f"{shell}_source"}))

    assert (result.returncode, result.stderr) == (0, b"")
    assert b"_CTI_ES_COMPLETE" in result.stdout
    assert b"cti-es" in result.stdout
