"""cti-es: what a TAPI application should have been told when a CUCM node failed.

::

    log = cti_es.Log()
    log.append("node_added", node="cm1")
    ...
    for message in log.messages(): ...
    result = cti_es.diff(log, cti_es.read_trace("tb20.log"))
    assert result.conforms, result

``__all__`` is what is promised, see docs/reference/library.md. The names are imported when they are first used, so
that ``import cti_es`` costs nothing.
"""

TYPE_CHECKING = False  # as in typing, without importing it

if TYPE_CHECKING:
    from cti_es.api import (
        AsOf,
        Change,
        Conflict,
        CtiEsError,
        DeviceImpact,
        Difference,
        DiffResult,
        Home,
        Incident,
        InputError,
        Log,
        Message,
        Misfit,
        MisfitsRefused,
        NotAStore,
        OnlyObserved,
        Outage,
        Provider,
        Scenario,
        StoredEvent,
        StoreError,
        Summary,
        Trace,
        TraceMessage,
        Violation,
        Weakness,
        diff,
        lint,
        open,  # noqa: A004 - cti_es.open opens a log
        read_trace,
    )

__version__ = "0.1.0"

__all__ = [
    "AsOf",
    "Change",
    "Conflict",
    "CtiEsError",
    "DeviceImpact",
    "DiffResult",
    "Difference",
    "Home",
    "Incident",
    "InputError",
    "Log",
    "Message",
    "Misfit",
    "MisfitsRefused",
    "NotAStore",
    "OnlyObserved",
    "Outage",
    "Provider",
    "Scenario",
    "StoreError",
    "StoredEvent",
    "Summary",
    "Trace",
    "TraceMessage",
    "Violation",
    "Weakness",
    "diff",
    "lint",
    "open",
    "read_trace",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """A public name, when it is first asked for."""
        if name not in __all__:
            raise AttributeError(f"module 'cti_es' has no attribute '{name}'; its public names are in cti_es.__all__")
        from cti_es import api

        return globals().setdefault(name, getattr(api, name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
