"""``cti-es``: the group of commands, and the one place where errors become exit codes.

0 done, 1 a difference or a fault was found, 2 anything wrong with usage, input or environment: they are listed in
docs/reference/exit-codes.md. No traceback reaches a user unless ``--debug`` asks for it. Commands are imported when
they are called, so that ``--help`` answers at once.
"""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from traceback import format_exc
from typing import Any, NoReturn, TextIO

import click

from cti_es_cli.complaints import complain, say
from cti_es_cli.exits import BROKEN_PIPE, FAILED, ClosedPipe, Ended

COMMANDS: dict[str, str] = {
    "append": "Append events to a log, one by one or from a file.",
    "import": "Import real cluster logs: CUCM syslog, SDL alarms and CDR.",
    "ingest": "Import what is dropped into folders, as it comes.",
    "discover": "Print what files know of a cluster; the questions to ask it.",
    "logs": "List the logs of a store.",
    "log": "Print the events of a log.",
    "replay": "Print the TAPI messages that a log causes.",
    "homes": "Print where every device is homed.",
    "providers": "Print which application is connected to which CTI Manager.",
    "outages": "Print what was out of service, when, how long and why.",
    "incident": "Print the summary of each incident, for the ticket.",
    "history": "Print every change of a device, also where nobody was told.",
    "impact": "Print what would happen if nodes or CTI Managers failed.",
    "diff": "Compare the expected messages with those that really came.",
    "report": "Write a page that shows what failed, and what was missed.",
    "lint": "Check a trace against rules that every trace must keep.",
    "explain": "Say why a message came, or why a device is where it is.",
    "export": "Print a log as canonical NDJSON, to be appended elsewhere.",
    "verify": "Check that a store is whole and unchanged.",
    "play": "Send the messages of a log in real time, for a test.",
    "generate": "Make a synthetic log, or a trace with known faults.",
    "schema": "Print the JSON Schema of what the commands print.",
    "demo": "Run the worked example, end to end.",
}
"""Command → its first line of help, so that the group's help need not import them."""


def module_of(command: str) -> str:
    """The module of a command. One that is called like a word of Python has a line behind its name."""
    return f"cti_es_cli.commands.{command}_" if iskeyword(command) else f"cti_es_cli.commands.{command}"


class Commands(click.Group):
    """The group: lazy commands, and errors turned into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of the documentation."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(module_of(cmd_name)).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with what is near when there is no such command."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from cti_es.vocabulary.errors import did_you_mean

            near = did_you_mean(args[0], COMMANDS)
            ctx.fail(f"there is no command '{args[0]}'; " + (near or f"commands: {', '.join(COMMANDS)}"))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """As click does; an error that it has in the words of a command knows which command that is.

        Where one of several SOURCEs could not be read, the exit code is 2 whatever the others say.
        """
        try:
            result = super().invoke(ctx)
            return 2 if ctx.meta.get(FAILED) else result
        except click.UsageError as error:
            name = ctx.invoked_subcommand or ""
            if error.ctx is None and (command := self.get_command(ctx, name)):
                error.ctx = click.Context(command, ctx, name)
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run a command line and exit."""
        words = list(sys.argv[1:] if args is None else args)
        words, debug = _without_debug(words)
        _end_tidily()
        _keep_low_numbers()
        try:
            code = self._run(words, prog_name or "cti-es", extra)
            _flush()
        except ClosedPipe as closed:
            _forget_stdout()
            code = closed.exit_code
        except Ended as ended:
            code = ended.exit_code
        except (Exception, KeyboardInterrupt) as error:
            if debug and not isinstance(error, NO_FAULT):
                say(format_exc().rstrip("\n"))
            code = _exit_code(error)
        _flush_or_forget()
        sys.exit(code)

    def _run(self, words: list[str], prog_name: str, extra: dict[str, Any]) -> int:
        try:
            result = super().main(words, prog_name, **{**extra, "standalone_mode": False})
        except SystemExit as gone:  # how click itself answers a closed pipe
            raise ClosedPipe(0) from gone
        return result if isinstance(result, int) else 0


def _without_debug(words: list[str]) -> tuple[list[str], bool]:
    """``--debug`` may stand anywhere before ``--``."""
    end = words.index("--") if "--" in words else len(words)
    kept = [word for word in words[:end] if word != "--debug"]
    return kept + words[end:], len(kept) < end


NO_FAULT = (click.exceptions.Exit, click.Abort, KeyboardInterrupt)


def _exit_code(error: BaseException) -> int:
    """Say what went wrong, on standard error; the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return 130
    with suppress(OSError):
        complain(error)
    return 2


def _end_tidily() -> None:
    """A kill or a closed terminal ends us as an exception does: files are let go of, drafts are taken away."""
    for name in ("SIGTERM", "SIGHUP"):
        if number := getattr(signal, name, None):
            with suppress(ValueError):  # not in the main thread: somebody else's program
                signal.signal(number, _end)


def _keep_low_numbers() -> None:
    """Who was started without standard streams (``>&-``) must not get a file in their place: libraries write there."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)


def _end(number: int, frame: object) -> NoReturn:
    raise Ended(128 + number)


def _flush() -> None:
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in BROKEN_PIPE:
            raise OSError(error.errno, error.strerror, "standard output") from None
        raise ClosedPipe(0) from None


def _flush_or_forget() -> None:
    """After an error: what can still be written is, and the rest does not spoil the exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream:
                stream.flush()
        except OSError:
            _forget(stream)


def _forget_stdout() -> None:
    _forget(sys.stdout)


def _forget(stream: TextIO) -> None:
    """Python flushes its streams once more when it ends; let that go nowhere."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _print_versions(ctx: click.Context) -> None:
    """What a bug report needs: of cti-es, of its fold and of its stores, of Python and of SQLite."""
    from platform import python_version
    from sqlite3 import sqlite_version

    from cti_es import __version__
    from cti_es.logs.store.schema import SCHEMA_VERSION
    from cti_es.model.replay import FOLD_VERSION

    click.echo(f"cti-es {__version__}")
    click.echo(f"fold {FOLD_VERSION}, schema {SCHEMA_VERSION}, Python {python_version()}, SQLite {sqlite_version}")
    ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: cti-es demo",
    no_args_is_help=True,
)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda ctx, _, asked: _print_versions(ctx) if asked else None,
    help="Show the versions and exit.",
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def main() -> None:
    """What should a TAPI application have been told when a CUCM node failed?

    Cluster events (nodes that fail and recover, calls, opens, refusals) are appended to a log. The log is replayed
    into the exact TAPI messages and the home of every device.

    SOURCE is a store (site.db), a named log in it (site.db#lab), an NDJSON event log (events.ndjson) or - for standard
    input.
    """
