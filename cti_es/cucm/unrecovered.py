"""What has failed, or was refused, and of which no line says that it ended."""

from cti_es.cucm.findings import Findings
from cti_es.vocabulary.events import Event, type_of

_LEVEL = "CUCM writes them only at a lower alarm level than its default, Error"
_RECOVERIES = {
    "node": ("failed", "CallManagerOnline and SDLLinkISV have severity 5, ServiceStarted 6"),
    "cti_manager": ("failed", "SDLLinkISV has severity 5, ServiceStarted 6"),
    "device": ("failed", "EndPointRegistered and DeviceRegistered have severity 6"),
    "open": ("was refused", "CtiDeviceOpened and CtiLineOpened have severity 6"),
}
"""What failed → how that is said, and the alarms that would tell of its end."""


class Unrecovered:
    """The failures and refusals among the new events of an import, each until its end."""

    def __init__(self) -> None:
        self._failed: dict[tuple[str, str], tuple[str, str]] = {}

    def see(self, event: Event, place: str) -> None:
        """The next new event, and where its line stands."""
        what, _, change = type_of[type(event)].rpartition("_")
        names = (getattr(event, name, None) for name in ("node", "device", "line"))
        thing = (what, " ".join(name for name in names if name))
        if change in ("failed", "refused"):
            self._failed[thing] = place, event.at or ""
        elif change in ("recovered", "allowed"):
            self._failed.pop(thing, None)

    def report(self, findings: Findings) -> None:
        """Add what has not ended to the report of an import."""
        for (what, name), (place, at) in self._failed.items():
            failed, ends = _RECOVERIES[what]
            text = f"{what} {failed} at {at}, and no line here says that this ended; {ends} ({_LEVEL})"
            findings.add("unrecovered", name, place, text)
