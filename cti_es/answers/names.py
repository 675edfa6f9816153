"""Names that somebody asks for and a log does not have."""

from collections.abc import Collection, Iterable, Iterator

from cti_es.vocabulary.errors import InputError, did_you_mean


def unknown(what: str, wanted: Iterable[str], known: Collection[str], log: str) -> Iterator[str]:
    """For each name that is not known a sentence that says so, with what is near; ``what`` it would be the name of."""
    for name in wanted:
        if name not in known:
            near = did_you_mean(name, known)
            yield f"there is no {what} '{name}'" + (f" ({near})" if near else "") + f" in {log}"


def check_known(what: str, wanted: Iterable[str], known: Collection[str], place: str = "") -> None:
    """Raise :class:`InputError`, with what is near, for a name that is not known; ``place``: ``in site.db``."""
    for name in wanted:
        if name not in known:
            raise InputError(f"there is no {what} '{name}' {place}".rstrip(), hint=did_you_mean(name, known))
