"""``cti-es``: the group of commands, and the one place where errors become exit codes.

0 done, 1 a difference or a fault was found, 2 anything wrong with usage, input or environment (contracts §4). No
traceback reaches a user unless ``--debug`` asks for it. Commands are imported when they are called, so that
``--help`` answers at once.
"""

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

import click

from cti_es.errors import CtiEsError

COMMANDS: dict[str, str] = {
    "append": "Append events to a log, one by one or from a file.",
    "logs": "List the logs of a store.",
    "log": "Print the events of a log.",
    "replay": "Print the TAPI messages that a log causes.",
    "homes": "Print where every device is homed.",
    "explain": "Say why a message came, or why a device is where it is.",
    "export": "Print a log as canonical NDJSON, to be appended elsewhere.",
    "verify": "Check that a store is whole and unchanged.",
    "generate": "Make a synthetic log.",
    "schema": "Print the JSON Schema of what the commands print.",
    "demo": "Run the worked example, end to end.",
}
"""Command → its first line of help, so that the group's help need not import them."""

BROKEN_PIPE = (errno.EPIPE, errno.EINVAL)  # EINVAL is what Windows says


class ClosedPipe(Exception):
    """Whoever read our standard output has had enough (``| head``). ``exit_code`` is the verdict so far."""

    def __init__(self, exit_code: int = 0) -> None:
        super().__init__()
        self.exit_code = exit_code


class Commands(click.Group):
    """The group: lazy commands, and errors turned into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of the documentation."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"cti_es_cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with what is near when there is no such command."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from cti_es.errors import did_you_mean

            near = did_you_mean(args[0], COMMANDS)
            ctx.fail(f"no such command '{args[0]}'" + (f"; {near}" if near else f"; commands: {', '.join(COMMANDS)}"))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run a command line and exit."""
        words = list(sys.argv[1:] if args is None else args)
        debug = "--debug" in words
        try:
            extra["standalone_mode"] = False
            result = super().main([word for word in words if word != "--debug"], prog_name or "cti-es", **extra)
            _flush()
            sys.exit(result if isinstance(result, int) else 0)
        except ClosedPipe as closed:
            _forget_stdout()
            sys.exit(closed.exit_code)
        except Exception as error:
            if debug and not isinstance(error, click.exceptions.Exit):
                raise
            sys.exit(_exit_code(error))
        except KeyboardInterrupt:
            sys.exit(130)


def _exit_code(error: Exception) -> int:
    """Say what went wrong, on standard error; the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        return 130
    if isinstance(error, click.UsageError):
        error.show()
    elif isinstance(error, click.ClickException):
        _complain(error.format_message())
    elif isinstance(error, CtiEsError):
        _complain(str(error))
    elif isinstance(error, OSError):
        _complain(f"{error.filename}: {_lower(error.strerror)}" if error.filename else str(error))
    elif isinstance(error, MemoryError):
        _complain("out of memory")
    else:
        _complain(f"this is a fault of cti-es: {type(error).__name__}: {error} (--debug shows the traceback)")
    return 2


def _complain(text: str) -> None:
    from cti_es_cli.output import shown

    for line in text.split("\n"):
        click.echo(f"cti-es: {shown(line)}", err=True)


def _lower(text: str | None) -> str:
    return text[:1].lower() + text[1:] if text else "the system refused"


def _flush() -> None:
    try:
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in BROKEN_PIPE:
            raise
        raise ClosedPipe from None


def _forget_stdout() -> None:
    """Python flushes standard output once more when it ends; let that go nowhere."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: cti-es demo",
    no_args_is_help=True,
)
@click.version_option(None, "-V", "--version", package_name="cti-es", message="cti-es %(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def main() -> None:
    """What should a TAPI application have been told when a CUCM node failed?

    Cluster events (nodes that fail and recover, calls, opens, refusals) are appended to a log. The log is replayed
    into the exact TAPI messages and the home of every device.

    SOURCE is a store (site.db), a named log in it (site.db#lab), an NDJSON event log (events.ndjson) or - for standard
    input.
    """
