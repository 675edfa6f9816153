"""Every kind of store, empty: what the tests of this folder run against. Another kind is one more entry in STORES."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from cti_es.logs.store import MemoryStore, SqliteStore

STORES: dict[str, Callable[[str], Any]] = {
    "memory": lambda place: MemoryStore(),
    "sqlite": lambda place: SqliteStore(Path(place) / "site.db", write=True),
    "postgres": lambda place: _postgres(place),
}


def _postgres(place: str) -> Any:
    from cti_es.logs.store.postgres import PostgresStore

    return PostgresStore(place, write=True)


@pytest.fixture(params=list(STORES))
def kind(request: pytest.FixtureRequest) -> str:
    """Which kind of store."""
    return str(request.param)


@pytest.fixture
def new_store(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """Makes empty stores of one kind, as many as are wanted; they are closed at the end."""
    made: list[tuple[Any, ExitStack]] = []

    def make() -> Any:
        for store, place in made:
            if kind == "postgres" and store._connection.closed:
                place.close()  # its database can be used again
        place = ExitStack()
        store = STORES[kind](place.enter_context(_place(kind, request, tmp_path)))
        made.append((store, place))
        return store

    yield make
    for store, place in made:
        store.close()
        place.close()


@contextmanager
def _place(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty folder, or an empty database."""
    if kind != "postgres":
        yield mkdtemp(dir=tmp_path)
        return
    databases = request.getfixturevalue("databases")
    address = databases.take()
    yield address
    databases.give_back(address)


@pytest.fixture
def store(new_store: Callable[[], Any]) -> Any:
    """One empty store."""
    return new_store()


@pytest.fixture
def positions(kind: str) -> Callable[[list[int], list[int]], list[int]]:
    """Rows are numbered over the whole store (the first list), on a server in each log (the second)."""
    return lambda of_store, of_log: of_log if kind == "postgres" else of_store
