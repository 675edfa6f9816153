"""A window of time, and what touches it."""

from typing import NamedTuple

from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.times import sort_key


class Window(NamedTuple):
    """The time from ``since`` to ``until``, in canonical form; None: without a bound there."""

    since: str | None = None
    until: str | None = None

    def check(self) -> None:
        """Raise :class:`InputError` for a window that ends before it begins."""
        if self.since and self.until and sort_key(self.until) < sort_key(self.since):
            raise InputError("the window ends before it begins", expected=f"an end after {self.since}")

    def touches(self, from_at: str | None, until_at: str | None, lasts: bool) -> bool:
        """Whether something that was so from one time to another, or that ``lasts``, was so in the window.

        What has no times touches no window but the one without bounds.
        """
        if self.since is None and self.until is None:
            return True
        if from_at is None or (until_at is None and not lasts):
            return False
        late = self.until is not None and sort_key(from_at) > sort_key(self.until)
        early = self.since is not None and until_at is not None and sort_key(until_at) < sort_key(self.since)
        return not late and not early

    def has(self, at: str | None) -> bool:
        """Whether something that happened at this time happened in the window. Without a time it did in no other."""
        return self.touches(at, at, lasts=False)


ALWAYS = Window()
"""The window without bounds."""
