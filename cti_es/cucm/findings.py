"""What an import has to report, counted as it goes."""

from typing import Literal, get_args

import msgspec

FindingKind = Literal[
    "read", "ignored", "appended", "duplicate", "merged", "misfit", "late", "skipped", "unknown", "unrecovered",
    "differs", "changed", "topology", "elsewhere", "corrected", "doubtful", "second_connection", "outside_list",
    "refused_login", "gap", "restart",
]  # fmt: skip
"""A closed list: a file that was read; one that has nothing for an import; events of a type; what came twice; what
another line had said already; what does not fit the state; what an ingest kept aside, for the log was past its time;
lines left out by reason; names that the log does not know;
what failed and has not recovered; what the log has otherwise, and its topology otherwise; what was assumed of the
topology; devices that are elsewhere; ends of calls that a later line corrects, and that nothing but the record of a
dead node tells; logins beside another connection, at a CTI Manager outside of the list, and refused ones; lost lines;
restarts."""

KINDS: tuple[FindingKind, ...] = get_args(FindingKind)
_MOST = 50
_MORE = "…"


class Finding(msgspec.Struct, frozen=True):
    """One row of the report: how many of what, and where the first of them stands (``cm1.log:17``)."""

    kind: FindingKind
    name: str
    count: int
    first: str | None
    text: str


class Findings:
    """The rows of a report, counted by kind, name and text. Never more than fifty of a kind are kept apart."""

    def __init__(self) -> None:
        self._rows: dict[FindingKind, dict[tuple[str, str], tuple[int, str | None]]] = {kind: {} for kind in KINDS}

    def add(self, kind: FindingKind, name: str, first: str | None = None, text: str = "", count: int = 1) -> None:
        """Count something; ``first`` is kept if it is the first of its kind, name and text."""
        rows = self._rows[kind]
        key = (name, text)
        if key not in rows and len(rows) >= _MOST:
            key = (_MORE, "and others like these")
        before, where = rows.get(key, (0, first))
        rows[key] = (before + count, where)

    def rows(self) -> list[Finding]:
        """The report, kind by kind."""
        return [
            Finding(kind, name, count, first, text)
            for kind in KINDS
            for (name, text), (count, first) in self._rows[kind].items()
        ]
