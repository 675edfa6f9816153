"""What is wrong with a command line, said as every other error is: where, what was found, what was expected."""

import re
from collections.abc import Iterable
from typing import Any, cast

import click
from click.core import ParameterSource

from cti_es.vocabulary.errors import InputError, did_you_mean


def said(error: click.UsageError) -> str:
    """The error, and how the command is used."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error.format_message()
    text = f"cti-es: {_explained(error)}"
    if error.ctx is None:
        return text
    return f"{text}\n{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help' for help."


def _explained(error: click.UsageError) -> InputError:
    match error:
        case click.exceptions.NoSuchOption():
            bare = [name.removeprefix("--") for name in _options(error.ctx) if name.startswith("--")]
            near = did_you_mean(error.option_name.lstrip("-"), bare).replace("'", "'--", 1)
            return InputError(f"there is no option '{error.option_name}'", hint=near)
        case click.exceptions.BadOptionUsage():
            return _bad_option(error)
        case click.exceptions.MissingParameter():
            choices = error.param.type.choices if error.param and isinstance(error.param.type, click.Choice) else ()
            return InputError(f"{_name(error)} is missing", expected=", ".join(map(str, choices)))
        case click.exceptions.BadParameter():
            return _bad_value(error)
    if extra := re.fullmatch(r"Got unexpected extra arguments? \((.*)\)", error.message, re.DOTALL):
        return InputError(f"more than the command takes: {extra[1]}")
    return InputError(error.message)


def _options(ctx: click.Context | None) -> dict[str, click.Parameter]:
    """The options of a command, by each of their names."""
    params = ctx.command.get_params(ctx) if ctx else []
    return {name: one for one in params if isinstance(one, click.Option) for name in (*one.opts, *one.secondary_opts)}


def _bad_option(error: click.exceptions.BadOptionUsage) -> InputError:
    """A value that an option lacks, or that it does not take."""
    option = _options(error.ctx).get(error.option_name)
    if error.ctx is None or option is None:
        return InputError(error.message)
    if cast(click.Option, option).is_flag:
        return InputError("a value", where=error.option_name, expected="none: the option takes no value")
    return InputError("no value", where=error.option_name, expected=option.make_metavar(error.ctx))


def _bad_value(error: click.BadParameter) -> InputError:
    """A value that a parameter cannot have. Our own types say it as we do, those of click do not."""
    kind: Any = error.param.type if error.param else None
    found = error.message.partition(" is not ")[0]
    bare = found.strip("'")
    if isinstance(kind, click.Choice) and found != error.message:
        return unknown_choice(bare, kind.choices, _name(error))
    if isinstance(kind, click.types.IntParamType | click.types.FloatParamType) and found != error.message:
        return InputError(f"'{bare}'", where=_name(error), expected=_numbers(kind))
    return InputError(error.message, where=_name(error))


def unknown_choice(value: str, choices: Iterable[str], where: str = "") -> InputError:
    """A value that is none of those that there are."""
    known = [str(one) for one in choices]
    return InputError(
        f"unknown value '{value}'", where=where, expected=", ".join(known), hint=did_you_mean(value, known)
    )


def _numbers(kind: Any) -> str:
    """Which numbers a parameter takes."""
    least, most = getattr(kind, "min", None), getattr(kind, "max", None)
    what = "a whole number" if isinstance(kind, click.types.IntParamType) else "a number"
    return what + ("" if least is None else f" from {least} on" if most is None else f" from {least} to {most}")


def _name(error: click.BadParameter) -> str:
    """What the parameter is called in help, or the variable of the environment that the value is from."""
    param, ctx = error.param, error.ctx
    if param is None or ctx is None:
        return str(error.param_hint or "")
    if isinstance(param, click.Argument):
        return re.sub(r"^\[(.*)\]$", r"\1", param.make_metavar(ctx).removesuffix("..."))
    name = "/".join(param.opts)
    is_set = param.name is not None and ctx.get_parameter_source(param.name) is ParameterSource.ENVIRONMENT
    return f"{param.envvar} ({name})" if is_set else name
