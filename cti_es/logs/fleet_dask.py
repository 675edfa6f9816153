"""Many logs on a Dask cluster, with the package distributed (docs/reference/fleets.md#a-dask-cluster).

A worker there runs :func:`_on_worker` on an address, with a task that is a function of an installed cti-es and the
values it is called with. No code is sent.
"""

import pickle
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from gzip import GzipFile
from importlib.metadata import version as version_of
from io import BytesIO
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cti_es.logs.bytes_in import is_piped
from cti_es.logs.fleet import Progress, Task, tell_nobody
from cti_es.logs.fleet_items import read_items, write_items
from cti_es.vocabulary.errors import InputError, StoreError, UnencryptedRefused, WorkerDied

SCHEDULER = "tls://HOST:PORT, or tcp://HOST:PORT on this machine"

PACKAGE = "cti-es"

_AHEAD = 4
"""How many logs are given to the cluster ahead of the one that is printed, for each thread of a worker."""

_PATIENCE = "10s"
"""How long to wait for the scheduler to answer."""


class Result(NamedTuple):
    """What a worker sends back: what the task gave, packed; how many events it read; the error that ended it."""

    items: bytes
    events: int
    error: Exception | None


def run_on_dask(
    addresses: Sequence[str], task: Task, scheduler: str, insecure: bool, progress: Progress | None
) -> Generator[Iterable[Any]]:
    """As :func:`~cti_es.logs.fleet.run_many` does, on the cluster of a scheduler.

    Raises :class:`InputError` for an address that is none, or without the package distributed,
    :class:`~cti_es.vocabulary.errors.UnencryptedRefused` for one beyond this machine that is not encrypted, and
    :class:`StoreError` when the scheduler does not answer.
    """
    check_scheduler(scheduler, insecure)
    sent, version = pickle.dumps(task), version_of(PACKAGE)
    with _connected(scheduler) as client:
        ahead = max(1, sum(client.nthreads().values())) * _AHEAD
        waiting = iter([address for address in addresses if not is_piped(address)])
        coming: deque[Any] = deque()
        done = events = 0
        for address in addresses:
            if is_piped(address):
                yield task(address, tell_nobody)
                continue
            while len(coming) < ahead and (following := next(waiting, None)) is not None:
                coming.append(client.submit(_on_worker, sent, following, version, pure=False))
            result = _result(coming.popleft(), address, scheduler)
            done, events = done + 1, events + result.events
            if progress:
                progress(done, events)
            yield read_items(GzipFile(fileobj=BytesIO(result.items)), result.error)  # type: ignore[arg-type]


def check_scheduler(scheduler: str, insecure: bool) -> None:
    """Raise :class:`InputError` unless it is the address of a scheduler that may be used."""
    try:
        parts = urlsplit(scheduler)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme not in ("tcp", "tls"):
        raise InputError("no address of a scheduler", where=scheduler, expected=SCHEDULER)
    if parts.scheme == "tcp" and not insecure and not _is_loopback(host):
        raise UnencryptedRefused("what passes there can be read and forged", where=scheduler, expected=SCHEDULER)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _connected(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client, Security
    except ModuleNotFoundError:
        hint = "python -m pip install 'cti-es[dask]'"
        raise InputError("the package distributed is not installed", where=scheduler, hint=hint) from None
    if scheduler.startswith("tls") and Security().get_connection_args("client").get("ssl_context") is None:
        expected = "distributed.comm.tls in the configuration of Dask"
        raise InputError("no certificates are configured", where=scheduler, expected=expected)
    try:
        client = Client(scheduler, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"no answer: {_first_line(error)}", where=scheduler, expected="a Dask scheduler") from None
    try:
        yield client
    finally:
        client.close()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _result(future: Any, address: str, scheduler: str) -> Result:
    """What came of a log. What the cluster itself says is wrong is an error of that log, or of all."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    try:
        result: Result = future.result()
    except KilledWorker as error:
        return Result(b"", 0, WorkerDied("the workers that began with it died", where=address, hint=_first_line(error)))
    except (CancelledError, OSError):
        raise StoreError("the scheduler is gone", where=scheduler) from None
    except Exception as error:
        return Result(b"", 0, error)
    finally:
        future.release()
    return result


def _on_worker(sent: bytes, address: str, version: str) -> Result:
    """Do a task, where the worker is."""
    if version != (here := version_of(PACKAGE)):
        what, expected = f"a worker has {PACKAGE} {here}", f"{PACKAGE} {version}, as on the machine that asks"
        return Result(b"", 0, InputError(what, where=address, expected=expected))
    counts: list[int] = []
    packed = BytesIO()
    with GzipFile(fileobj=packed, mode="wb", compresslevel=1) as stream:
        error = write_items(stream, pickle.loads(sent)(address, counts.append))  # type: ignore[arg-type]  # noqa: S301
    return Result(packed.getvalue(), sum(counts), error)
