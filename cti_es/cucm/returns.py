"""When a node is back (docs/reference/imports.md#alarms).

A service that has started is not yet at work: CallManager needs some time before it takes devices. The first
CallManagerOnline or SDLLinkISV decides. The start of the service counts only if neither follows within five minutes.
"""

from datetime import datetime, timedelta

from cti_es.cucm.spool import Spool
from cti_es.cucm.translation import Translation

SOON = timedelta(minutes=5)


def starts(spool: Spool, translation: Translation) -> set[str]:
    """The identifiers of the lines of a started service after which, soon, another line says that the node is back."""
    back: dict[str | None, datetime] = {}
    found: set[str] = set()
    for claimed in spool.returns_backwards():
        node, at = translation.node(claimed), datetime.fromisoformat(claimed.at)
        if claimed.claim.what == "node_recovered":
            back[node] = at
        elif node is not None and node in back and back[node] - at <= SOON:
            found.add(claimed.id)
    return found
