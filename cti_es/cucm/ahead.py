"""Claims that mean something else because of what follows (docs/reference/imports.md#when-a-node-is-back).

A service that has started is not yet at work: CallManager needs some time before it takes devices. The first
CallManagerOnline or SDLLinkISV decides. The start of the service counts only if neither follows within five minutes.

When an application's connection is lost, its CTI Manager closes what was open by it, in the same words as if the
application had asked for it, and then the connection. Such closes, each within five seconds of the next, follow from
the loss.
"""

from collections.abc import Container
from datetime import UTC, datetime, timedelta

from cti_es.cucm.claims import SkipReason
from cti_es.cucm.spool import FOLLOWED, Spool
from cti_es.cucm.translation import Translation

BACK_SOON = timedelta(minutes=5)
CLOSED_SOON = timedelta(seconds=5)


def overtaken(spool: Spool, translation: Translation) -> dict[str, SkipReason]:
    """The identifiers of the claims that are no events because of what follows, and why."""
    back: dict[str | None, datetime] = {}
    lost: dict[str, datetime] = {}
    found: dict[str, SkipReason] = {}
    for claimed in spool.looked_ahead(FOLLOWED):
        what, connection = claimed.claim.what, claimed.claim.connection or ""
        at = datetime.fromisoformat(claimed.at)
        if what == "node_recovered":
            back[translation.node(claimed)] = at
        elif what == "connection_lost":
            lost[connection] = at
        elif what == "service_started":
            node = translation.node(claimed)
            if node is not None and node in back and back[node] - at <= BACK_SOON:
                found[claimed.id] = "starting"
        elif connection in lost and lost[connection] - at <= CLOSED_SOON:
            lost[connection] = at
            found[claimed.id] = "closed_by_loss"
    return found


def undecided(spool: Spool, until: datetime, decided: Container[str]) -> datetime | None:
    """The time of the first claim of which lines from ``until`` on may still decide what it means; None: of none.

    ``decided`` are the identifiers of those that are known to be overtaken.
    """
    edges: dict[str, datetime] = {}
    first: datetime | None = None
    for claimed in spool.looked_ahead(FOLLOWED):
        what, connection, at = claimed.claim.what, claimed.claim.connection or "", datetime.fromisoformat(claimed.at)
        if at >= until or claimed.id in decided:
            continue
        if what in ("device_closed", "line_closed"):
            is_open = edges.get(connection, until) - at <= CLOSED_SOON
            edges[connection] = at if is_open else datetime.max.replace(tzinfo=UTC)
        else:
            is_open = what == "service_started" and until - at <= BACK_SOON
        first = at if is_open else first
    return first
