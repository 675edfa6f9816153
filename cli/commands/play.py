"""``play``: the messages of a log in real time, for an application's test double."""

from contextlib import closing
from math import inf
from typing import TYPE_CHECKING, Any

import click

from cti_es.vocabulary.errors import CtiEsError
from cti_es.vocabulary.words import counted
from cti_es_cli.options import TimeType
from cti_es_cli.output import opened, warn, warn_of
from cti_es_cli.sources import open_log, source_argument

if TYPE_CHECKING:
    from cti_es.testing.play import Played, Player


class Speed(click.ParamType[float]):
    """``--speed``: how many times faster than in the log, or ``max``."""

    name = "FACTOR|max"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The factor; infinity for ``max``."""
        text = str(value)
        if text == "max":
            return inf
        try:
            factor = float(text)
        except ValueError:
            factor = 0
        if not 0 < factor < inf:
            self.fail(f"'{text}' is no speed; expected a number above 0, such as 10 or 0.5, or max", param, ctx)
        return factor


class LoopbackAddress(click.ParamType[tuple[str, int]]):
    """``--listen``: an address of this machine."""

    name = "HOST:PORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """The host and the port."""
        from cti_es.testing.loopback import parse_address

        try:
            return parse_address(str(value))
        except CtiEsError as error:
            return self.fail(f"{error.what}; expected {error.expected}", param, ctx)


@click.command(
    short_help="Send the messages of a log in real time, for a test.",
    epilog="""\b
Examples:
  cti-es play site.db --app ivr --format one-line | my-test-double
  cti-es play site.db --since 2026-03-02T09:44:00Z --speed 10
  cti-es play events.ndjson --speed max --listen 127.0.0.1:0""",
)
@source_argument()
@click.option("--app", metavar="NAME", help="Only messages to this application.")
@click.option("--from-version", type=click.IntRange(min=1), metavar="N", help="Only from this version on.")
@click.option("--since", type=TimeType(), help="Only what happened at this time or later.")
@click.option("--speed", type=Speed(), default="1", show_default=True, help="How many times faster; max: without gaps.")
@click.option(
    "--format",
    type=click.Choice(("ndjson", "one-line", "tapi-browser")),
    default="ndjson",
    show_default=True,
    help="How to write messages.",
)
@click.option("--listen", type=LoopbackAddress(), help="Wait for a TCP client on this machine, and send to it.")
def command(
    source: str,
    app: str | None,
    from_version: int | None,
    since: str | None,
    speed: float,
    format: str,
    listen: tuple[str, int] | None,
) -> None:
    """Send the messages that a log causes as they would come: the first at once, the others after the gaps of the log.

    They go to standard output, or to a TCP client on this machine. At the end, on standard error: how many there were,
    and how late.
    """
    from cti_es.testing.play import Chosen, Played

    if from_version is not None and since is not None:
        raise click.UsageError("--from-version and --since both say where to begin; give one of them")
    with open_log(source) as log:
        played = Played(log, Chosen(app, from_version or 1, since), format)
        if listen is None:
            _to_standard_output(played, speed)
        else:
            _to_client(played, speed, listen)
        if app is not None and played.apps and app not in played.apps:
            from cti_es.answers.names import check_known

            check_known("application", [app], played.apps, f"in {log.name}")
    warn_of(played.warnings)


def _to_standard_output(played: "Played", speed: float) -> None:
    from cti_es.logs import clock
    from cti_es.testing.play import Clock, Player

    with opened("ndjson", None, live=True) as output:
        player = Player(Clock(clock.seconds, clock.pause), output.write, None if speed == inf else speed)
        _play(player, played)


def _to_client(played: "Played", speed: float, address: tuple[str, int]) -> None:
    from cti_es.logs import clock
    from cti_es.testing.loopback import Client, ClientLeft, listening
    from cti_es.testing.play import Clock, Player

    with listening(address) as server:
        host, port = server.getsockname()[:2]
        warn(f"listening on {f'[{host}]' if ':' in host else host}:{port}, for one client")
        client = Client(server)
    with closing(client):
        player = Player(Clock(clock.seconds, client.wait), client.send, None if speed == inf else speed)
        try:
            _play(player, played)
        except ClientLeft:
            warn("the client has left")


def _play(player: "Player", played: "Played") -> None:
    """Play, and say how late it was, whatever ends it."""
    try:
        player.play(played.due())
    finally:
        warn(", ".join(filter(None, (f"played {counted(player.sent, 'message')}", player.lateness()))))
