"""Every kind of store, empty: what the tests of this folder run against. Another kind is one more entry in STORES."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cti_es.logs.store import MemoryStore, SqliteStore

STORES: dict[str, Callable[[Path], Any]] = {
    "memory": lambda folder: MemoryStore(),
    "sqlite": lambda folder: SqliteStore(folder / "site.db", write=True),
}


@pytest.fixture(params=list(STORES))
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """Makes empty stores of one kind, as many as are wanted; they are closed at the end."""
    made: list[Any] = []

    def make() -> Any:
        folder = tmp_path / f"store{len(made)}"
        folder.mkdir()
        made.append(STORES[request.param](folder))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(new_store: Callable[[], Any]) -> Any:
    """One empty store."""
    return new_store()
