"""The TSP's state → who is connected where (docs/reference/tsp.md#what-is-modelled)."""

from collections.abc import Iterator

import msgspec

from cti_es.model.book import Book


class ProviderRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A provider, as NDJSON has it: these fields, in this order.

    ``cti_managers`` are its CTI Managers, best first; ``link`` the one it is linked to, or null; ``since`` the version
    of the event that last changed that. ``handles`` counts what the application has open, ``out`` how many of those it
    was last told to be out of service, ``waiting`` the messages that wait for a link. ``adrift`` (left out when false):
    its own connection was lost, and it takes no CTI Manager until the log says which. ``withdrawn`` (left out when
    empty) are the devices that its user may not control.
    """

    app: str
    cti_managers: tuple[str, ...]
    link: str | None
    since: int
    handles: int
    out: int
    waiting: int
    adrift: bool = False
    withdrawn: tuple[str, ...] = ()


def providers(book: Book) -> Iterator[ProviderRow]:
    """Every provider, in the order in which their applications first opened anything."""
    for app, one in book.connected():
        told = [handle.told for held in book.held_by(app) for handle in held.handles()]
        yield ProviderRow(
            app,
            one.cti_managers,
            one.link,
            one.since,
            len(told),
            told.count("out"),
            len(one.queue),
            one.adrift,
            tuple(one.withdrawn),
        )
