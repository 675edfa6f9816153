"""A TCP server for one client on this machine: who plays messages gives them to a program under test."""

import select
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address

from cti_es.logs import clock
from cti_es.vocabulary.errors import InputError

ADDRESS = "127.0.0.1:PORT, [::1]:PORT or localhost:PORT; PORT 0 is any that is free"


class ClientLeft(Exception):
    """The client has closed its end."""


def parse_address(text: str) -> tuple[str, int]:
    """A host and a port from ``127.0.0.1:0``. Raises :class:`InputError` for an address that others can reach."""
    host, _, port = text.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    try:
        is_ours = ip_address(host).is_loopback
    except ValueError:
        raise InputError(f"'{text}' is no address", expected=ADDRESS) from None
    if not is_ours:
        raise InputError(f"'{host}' is not loopback: other machines could reach it", expected=ADDRESS)
    if not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise InputError(f"'{port}' is no port", expected=ADDRESS)
    return host, int(port)


@contextmanager
def listening(address: tuple[str, int]) -> Iterator[socket.socket]:
    """A server at an address of this machine. Raises OSError that names the address if it cannot be had."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as server:
        try:
            server.bind(address)
            server.listen(1)
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{address[0]}:{address[1]}") from None
        yield server


class Client:
    """The client of a server; it is waited for."""

    def __init__(self, server: socket.socket) -> None:
        self._socket, _ = server.accept()

    def send(self, data: bytes) -> None:
        """Send all of it. Raises :class:`ClientLeft`."""
        self.wait(0)
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionError):
            raise ClientLeft from None

    def wait(self, seconds: float) -> None:
        """Wait so long; what the client says is not listened to. Raises :class:`ClientLeft` as soon as it has left."""
        end = clock.seconds() + seconds
        while select.select([self._socket], [], [], max(0, end - clock.seconds()))[0]:
            try:
                said = self._socket.recv(1 << 16)
            except ConnectionError:
                said = b""
            if not said:
                raise ClientLeft

    def close(self) -> None:
        """Let go of the connection; what was sent arrives."""
        self._socket.close()
