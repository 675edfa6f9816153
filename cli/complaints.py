"""What went wrong, said to a user on standard error: one line, none of which can steer a terminal, and no traceback."""

import click

from cti_es.vocabulary.errors import CtiEsError
from cti_es_cli.exits import FAILED
from cti_es_cli.hints import hinted

_LONGEST = 2_000
"""So many characters of a line of an error are printed: it may quote a line of a mebibyte."""


def complain(error: BaseException, source: str = "") -> None:
    """Say what is wrong; with ``source``, the SOURCE that it is about, if the error does not name it."""
    if isinstance(error, click.UsageError):
        from cti_es_cli.usage import said

        say(said(error))
        return
    text = _said(error)
    say(f"{source}: {text}" if source and source not in text else text, "cti-es: ")


def take_failure(error: Exception, source: str) -> None:
    """Say what is wrong with one of several SOURCEs or files, and count it: the exit code is 2 then."""
    complain(error, source)
    click.get_current_context().meta[FAILED] = failed() + 1


def failed() -> int:
    """How many of several SOURCEs or files could not be read or stored."""
    count: int = click.get_current_context().meta.get(FAILED, 0)
    return count


def say(text: str, before: str = "") -> None:
    """Lines on standard error, none of which can steer a terminal or shows a password."""
    from cti_es.logs.store.servers import without_passwords
    from cti_es_cli.output import shown

    for line in without_passwords(text).split("\n"):
        click.echo(before + _cut(shown(line)), err=True)


def _cut(line: str) -> str:
    """The start and the end of a long line; the way out stands at its end."""
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 400]} … {line[-397:]}"


def _said(error: BaseException) -> str:
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, CtiEsError):
        return str(hinted(error))
    if isinstance(error, OSError):
        reason = error.strerror or "the system refused"
        reason = f"{reason[:1].lower()}{reason[1:]}"
        return f"{error.filename}: {reason}" if error.filename else reason
    if isinstance(error, MemoryError):
        return "out of memory"
    return f"this is a fault of cti-es: {type(error).__name__}: {error} (--debug shows the traceback)"
