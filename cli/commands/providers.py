"""``providers``: which application is connected to which CTI Manager."""

from collections.abc import Iterator
from functools import partial

import click

from cti_es.answers.names import check_known
from cti_es.logs.reading import Cut
from cti_es.model.providers import ProviderRow, providers
from cti_es.model.replay import Replay
from cti_es_cli.fleet import Rows, print_sources, states
from cti_es_cli.options import as_of_option
from cti_es_cli.output import output_options
from cti_es_cli.sources import source_argument
from cti_es_cli.views import PROVIDERS


@click.command(
    short_help="Print which application is connected to which CTI Manager.",
    epilog="""\b
Examples:
  cti-es providers site.db
  cti-es providers site.db --as-of 2026-03-01T10:15:00Z --ndjson""",
)
@source_argument(many=True)
@click.option("--app", "apps", multiple=True, metavar="NAME", help="Only that of this application (again for more).")
@as_of_option("The providers at this version or time, not at the end.")
@output_options
def command(sources: tuple[str, ...], apps: tuple[str, ...], as_of: Cut | None, format: str, path: str | None) -> None:
    """Print the provider of every application that has one: its CTI Managers, the one it is linked to, since when."""
    print_sources(sources, partial(_rows, as_of=as_of, apps=apps), format, path)


def _rows(source: str, as_of: Cut | None, apps: tuple[str, ...]) -> Rows:
    def rows(replay: Replay) -> Iterator[ProviderRow]:
        found = list(providers(replay.book))
        check_known("provider of an application", apps, [one.app for one in found])
        return (one for one in found if not apps or one.app in apps)

    return PROVIDERS, states(source, as_of, rows)
