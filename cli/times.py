"""Times on the command line: ``--tz``, and how times look in text. NDJSON and CSV have them in UTC."""

from datetime import UTC
from typing import Any, NamedTuple

import click

from cti_es.vocabulary.errors import CtiEsError
from cti_es.vocabulary.times import Zone, in_zone, zone_of

_META = "cti_es.tz"


class GivenZone(NamedTuple):
    """What ``--tz`` says; ``inherited``: it was not given, the environment says so."""

    zone: Zone = UTC
    inherited: bool = False


class ZoneType(click.ParamType[Any]):
    """A time zone: ``local``, an offset, or a name of the tz database."""

    name = "ZONE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """What says the time there; a tuple, as None is the zone of this machine."""
        try:
            return (zone_of(str(value)),)
        except CtiEsError as error:
            hint = f"; {error.hint}" if error.hint else ""
            return self.fail(f"{error.what}; expected local, {error.expected}{hint}", param, ctx)


def tz_option(command: Any) -> Any:
    """``--tz``, for every command that takes or prints times; :func:`given_zone` has what was given."""
    return click.option(
        "--tz",
        type=ZoneType(),
        envvar="CTI_ES_TZ",
        show_envvar=True,
        is_eager=True,  # times are read by it
        expose_value=False,
        callback=_remember,
        help="Of times without an offset, and of times in text: local, +01:00, Europe/Berlin. Default: UTC.",
    )(command)


def _remember(ctx: click.Context, param: click.Parameter, value: tuple[Zone] | None) -> None:
    if value is not None:
        inherited = ctx.get_parameter_source(str(param.name)) is click.core.ParameterSource.ENVIRONMENT
        use_zone(ctx, GivenZone(*value, inherited))


def use_zone(ctx: click.Context, zone: GivenZone) -> None:
    """Make it the zone of a command."""
    ctx.meta[_META] = zone


def given_zone() -> GivenZone:
    """The zone of the command that runs."""
    context = click.get_current_context(silent=True)
    found = context.meta.get(_META) if context else None
    return found if isinstance(found, GivenZone) else GivenZone()


def shown_time(at: str | None) -> str:
    """A time of a log as text has it: in the zone of ``--tz``; ``-`` where there is none."""
    return in_zone(at, given_zone().zone) if at else "-"


def time_of_day(at: str | None) -> str:
    """``09:17:30``, in the zone of ``--tz``."""
    return shown_time(at)[11:19] if at else "-"
