"""Mistakes in a command line: said as other errors are, with where, what was found, what was expected, the way out."""

from pathlib import Path

import click
import pytest

from cti_es_cli.usage import said

MISTAKES = {
    "log": "SOURCE is missing",
    "diff a": "ACTUAL is missing",
    "append": "STORE[#LOG] is missing",
    "lgo": "there is no command 'lgo'; did you mean 'log'?",
    "nosuch": "there is no command 'nosuch'; commands: append, import, ",
    "log x --devic P": "there is no option '--devic'; did you mean '--device'?",
    "log x --nope": "there is no option '--nope'",
    "log x -x": "there is no option '-x'",
    "--nope": "there is no option '--nope'",
    "logs x y": "more than the command takes: y",
    "explain x 1 2 3": "more than the command takes: 2 3",
    "log x --from-version": "--from-version: no value; expected N",
    "log x --ndjson=3": "--ndjson: a value; expected none: the option takes no value",
    "log x --from-version y": "--from-version: 'y'; expected a whole number from 1 on",
    "log x --from-version=-1": "--from-version: '-1'; expected a whole number from 1 on",
    "explain x y": "SEQ: 'y'; expected a whole number from 1 on",
    "generate --seed y": "--seed: 'y'; expected a whole number",
    "generate --calls 7": "--calls: '7.0'; expected a number from 0 to 1",
    "impact x --scope nod": "--scope: unknown value 'nod'; expected node, call_manager; did you mean 'node'?",
    "schema event": "KIND: unknown value 'event'; expected events, ",
    "homes x --as-of yesterday": "--as-of: 'yesterday' is not a time; expected a version or a time",
    "append x --wait -1 node_added node=y": "--wait: '-1' is not a duration; expected for example 30s, 500ms or 2m",
    f"diff x y --shift +{'9' * 400}": "--shift: longer than any log; expected up to 10,000,000,000 seconds",
    f"append x --wait {'9' * 400}s node_added node=y": "--wait: longer than any log",
    f"generate --events {'9' * 400}": f"--events: '{'9' * 400}'; expected a whole number from 0 to 1000000000",
    "append x": "give either an event TYPE or --from FILE",
}
"""Words of a command line: how the error begins."""


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake(words, quick, refused):
    """The error comes first, then how the command is used and where its help is; none of it in click's words."""
    text = refused(quick(*words.split()))
    first, usage, help = text.splitlines()

    assert first.startswith(f"cti-es: {MISTAKES[words]}")
    assert usage.startswith("Usage: cti-es ")
    assert help.startswith("Try 'cti-es ")
    assert " ".join(usage.split("[OPTIONS]")[0].split()[1:]) == help.removeprefix("Try '").removesuffix(
        " --help' for help."
    )


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("logs", ""), "STORE"), (("verify", ""), "STORE"), (("log", ""), "SOURCE"), (("append", "x", "--from", ""), "--from"),
        (("append", "", "node_added", "node=x"), "STORE[#LOG]"), (("diff", "", "x"), "EXPECTED"), (("diff", "x", ""), "ACTUAL"),
        (("import", "x", ""), "FILE"), (("import", "x", "y", "--nodes", ""), "--nodes"), (("import", "x", "y", "--with", ""), "--with"),
        (("verify", "x", "--heads", ""), "--heads"), (("lint", ""), "TRACE"), (("diff", "x", "y", "--handles", ""), "--handles"),
    ],
)  # fmt: skip
def test_an_empty_name(words, name, quick, refused):
    """A variable of the shell that is not set names no file, and not the folder that one is in."""
    assert refused(quick(*words)).startswith(f"cti-es: {name}: an empty name; expected the name of a file\n")


@pytest.mark.parametrize("command", ["logs", "verify"])
def test_standard_input_is_no_store(command, quick, refused):
    """A store is a file; what comes through a pipe is not looked for under the name ``-``."""
    text = refused(quick(command, "-", input=b""))

    assert text == "cti-es: <stdin>: a store cannot be read from a pipe; expected a store made by append\n"


def test_a_value_of_the_environment(quick, refused, monkeypatch, log_file):
    """What is wrong in a variable is said of the variable, not of an option that nobody gave."""
    monkeypatch.setenv("CTI_ES_WAIT", "3q")
    text = refused(quick("append", "x.db", "node_added", "node=x"))

    assert text.startswith("cti-es: CTI_ES_WAIT (--wait): '3q' is not a duration; expected for example 30s")


def test_no_message_of_click_is_shown_as_it_is():
    """Each kind of usage error that click has is said in our words: a new one would be seen here."""
    kinds = {one.__name__ for one in _below(click.UsageError)}

    assert kinds == {
        "BadParameter", "MissingParameter", "NoSuchOption", "NoSuchCommand", "BadOptionUsage", "BadArgumentUsage",
        "NoArgsIsHelpError",
    }  # fmt: skip
    assert said(click.UsageError("what")) == "cti-es: what"


def _below(kind):
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that opens and cannot be read is on Linux only")
@pytest.mark.parametrize("words", [("log",), ("lint",), ("import", "site.db"), ("append", "x.db", "--from")], ids=str)
def test_an_error_while_reading_names_the_file(words, site, quick, refused):
    """An error of the system that comes while a file is read names the file, not standard output."""
    assert refused(quick(*words, "/proc/self/mem")).startswith("cti-es: /proc/self/mem: input/output error")
