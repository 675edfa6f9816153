"""Connections to a PostgreSQL server, and what its errors mean to a user (docs/reference/store.md#postgresql).

Passwords, TLS, service files and variables of the environment are libpq's business, and work as they do everywhere.
"""

import math
import os
import re
from collections.abc import Callable
from typing import Any

from cti_es.logs.store.servers import not_an_address, without_password
from cti_es.vocabulary.errors import NotAStore, StoreError, StoreLocked

try:
    import psycopg
    from psycopg import errors
    from psycopg.conninfo import conninfo_to_dict
except ImportError as error:
    raise StoreError(
        f"PostgreSQL needs psycopg, which cannot be loaded: {str(error).splitlines()[0]}",
        hint="pip install 'cti-es[postgres]'",
    ) from error

Connection = psycopg.Connection[tuple[Any, ...]]

OLDEST = 15
"""The oldest PostgreSQL whose words for a schema are those that stores are compared with."""

_LONGEST_WAIT = 1_000_000.0  # seconds; the server takes milliseconds in 32 bits

# Nothing that others have put into a schema of the search path is used; what append has reported is on disk.
_SETTINGS = """\
SELECT set_config('search_path', 'pg_catalog', false), set_config('lock_timeout', %s, false),
  set_config('default_transaction_read_only', CASE WHEN %s THEN current_setting('default_transaction_read_only')
    ELSE 'on' END, false),
  set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'local'
    ELSE current_setting('synchronous_commit') END, false)"""


class Server:
    """A database on a server: how it is called, connected to, and what its errors mean.

    ``wait`` is how many seconds to wait for it and for other writers. Raises :class:`InputError` for what is no
    address.
    """

    def __init__(self, address: str, wait: float) -> None:
        self.name = without_password(address)
        self._address = address
        self._wait = min(max(wait, 0.001), _LONGEST_WAIT)
        self._parts = _parts(address)
        self._secrets = [str(value) for key, value in self._parts.items() if value and "password" in key]

    def connect(self, write: bool) -> Connection:
        """A connection, each statement of which is a transaction unless one is begun. Raises :class:`StoreError`."""
        try:
            connection = psycopg.connect(
                self._address,
                autocommit=True,
                client_encoding="UTF8",
                connect_timeout=self._connect_timeout(),
                fallback_application_name="cti-es",
            )
        except psycopg.Error as error:
            raise self._not_reached(error) from None
        except UnicodeError:
            raise not_an_address() from None
        try:
            self._prepare(connection, write)
        except psycopg.Error as error:
            connection.close()
            raise self.explained(error) from None
        except BaseException:
            connection.close()
            raise
        return connection

    def explained(self, error: psycopg.Error, committing: bool = False) -> StoreError:
        """What an error of the server means to a user. ``committing``: it may have stored what was written."""
        for kind, make in _MEANINGS.items():
            if isinstance(error, kind):
                return make(self.name, self._said(error), self._wait)
        text = self._said(error)
        if text.startswith("cti-es: "):
            return StoreError(text.removeprefix("cti-es: "), where=self.name)
        if isinstance(error, psycopg.OperationalError) and error.sqlstate in _GONE:
            return _gone(self.name, text, committing)
        return StoreError(f"the server refused: {text}", where=self.name)

    def _prepare(self, connection: Connection, write: bool) -> None:
        version = connection.info.server_version // 10_000
        if version < OLDEST:
            raise StoreError(f"PostgreSQL {version} is too old", where=self.name, expected=f"{OLDEST} or newer")
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise NotAStore(f"a database in {encoding}", where=self.name, expected="a database in UTF8")
        connection.execute(_SETTINGS, (f"{math.ceil(self._wait * 1000)}ms", write))

    def _connect_timeout(self) -> int:
        """Whole seconds; what the address or the environment says is kept if it is less."""
        given = str(self._parts.get("connect_timeout") or os.environ.get("PGCONNECT_TIMEOUT", ""))
        seconds = max(2, math.ceil(self._wait))
        return min(int(given), seconds) if re.fullmatch("[1-9][0-9]{0,8}", given) else seconds

    def _not_reached(self, error: psycopg.Error) -> StoreError:
        text = self._said(error)
        if "does not exist" in text and "database" in text:
            return StoreError(f"there is no such database: {text}", where=self.name, hint="createdb makes one")
        return StoreError(f"cannot connect: {text}", where=self.name)

    def _said(self, error: psycopg.Error) -> str:
        """What the server or libpq said, on one line, without a password."""
        text = " ".join((error.diag.message_primary or str(error)).split()).rpartition("FATAL: ")[2].lstrip()
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text or type(error).__name__


def _parts(address: str) -> dict[str, Any]:
    """What libpq makes of an address; only what cannot be a piece of a password that was not written as it should."""
    try:
        parts = conninfo_to_dict(address)
    except psycopg.Error:
        raise not_an_address() from None
    if any("@" in str(parts.get(key) or "") for key in ("host", "dbname")):
        raise not_an_address()
    if not re.fullmatch("[0-9,]*", str(parts.get("port") or "")):
        raise not_an_address()
    return parts


_GONE = {None, "57P01", "57P02", "57P03", "08000", "08003", "08006"}
"""The states of errors after which there is no connection any more; libpq's own have none."""


def _gone(name: str, text: str, committing: bool) -> StoreError:
    if committing:
        return StoreError(
            f"the connection was lost before the server said that it has stored the events: {text}", where=name,
            hint="append them again: events with ids are stored once",
        )  # fmt: skip
    return StoreError(f"the connection to the server was lost: {text}", where=name)


def _locked(name: str, text: str, wait: float) -> StoreError:
    what = f"another program is writing to the store and did not finish within {wait:g} s"
    return StoreLocked(what, where=name, hint="try again, or wait longer")


def _refused(name: str, text: str, wait: float) -> StoreError:
    hint = "the owner of the store gives the rights of a reader or a writer"
    return StoreError(f"no permission: {text}", where=name, hint=hint)


def _read_only(name: str, text: str, wait: float) -> StoreError:
    return StoreError("the server or the database can only be read", where=name, hint="append to the primary server")


_MEANINGS: dict[type[psycopg.Error], Callable[[str, str, float], StoreError]] = {
    errors.LockNotAvailable: _locked,
    errors.InsufficientPrivilege: _refused,
    errors.ReadOnlySqlTransaction: _read_only,
}
"""Errors that a user can do something about."""

__all__ = ["Connection", "Server", "psycopg"]
