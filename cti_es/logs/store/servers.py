"""Addresses of stores on a server: ``postgresql://host/db``. Nothing here reaches a server, or needs its library.

A password in an address is never shown: whatever prints an address prints :func:`without_password` of it.
"""

import re

from cti_es.vocabulary.errors import InputError

_SCHEMES = ("postgresql://", "postgres://")
_START = "postgres(?:ql)?:/{1,2}"
"""How an address begins, also one that was taken for a path."""

_SHOWN = ("host", "hostaddr", "port", "dbname", "user", "service")
"""What is shown of the parameters behind a ``?``: nothing that could be secret."""

ADDRESS = "postgresql://[USER@]HOST[:PORT]/DATABASE[#LOG]"
_IN_PERCENT = "in a user, a password or a database @ is written %40, / %2F and # %23"


def is_server(source: str) -> bool:
    """Whether a SOURCE is an address of a server, not of a file."""
    return source.startswith(_SCHEMES)


def without_password(source: str) -> str:
    """A SOURCE as it may be printed: an address of a server without its password, any other as it is."""
    return _cleaned(source) if re.match(_START, source) else source


def without_passwords(text: str) -> str:
    """A text as it may be printed: the addresses of servers in it without their passwords."""
    return re.sub(_START + r"\S*", lambda match: _cleaned(match[0]), text)


def _cleaned(address: str) -> str:
    # Too much rather than too little: whatever stands between a first colon and a last @ could be a password.
    address = re.sub(f"({_START}[^:@/?]*):.*@", r"\1@", address, flags=re.DOTALL)
    place, mark, parameters = address.partition("?")
    parameters, hash_, log = parameters.partition("#")
    kept = "&".join(one for one in parameters.split("&") if one.partition("=")[0] in _SHOWN)
    return place + (mark if kept else "") + kept + hash_ + log


def split_log(address: str) -> tuple[str, str | None]:
    """An address of a server as the address of its database and the name of a log, if it has one."""
    database, mark, log = address.rpartition("#")
    if not mark:
        return address, None
    if not log:
        raise InputError(f"'{without_password(address)}' names no log", expected=ADDRESS)
    if "@" in log and re.search("://[^@/?]*:[^@/?]*[^@/?0-9][^@/?]*$", database):
        raise not_an_address()  # this # stands in a password
    return database, log


def not_an_address() -> InputError:
    """What is wrong with an address that cannot be taken apart. It may hold a password, so it is not shown."""
    return InputError("not an address of a PostgreSQL database", expected=ADDRESS, hint=_IN_PERCENT)
