"""The stores that the contract is tested on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.broker.store.scribe import Scribe

from hubbub.broker.store.interface import Store
from hubbub.broker.store.sqlite import SqliteStore

Opener = Callable[[Path], Store]
OPENERS: dict[str, Opener] = {"sqlite": lambda folder: SqliteStore.open(folder / "hubbub.db")}


@pytest.fixture(params=list(OPENERS.values()), ids=list(OPENERS))
def opener(request: pytest.FixtureRequest) -> Opener:
    opener: Opener = request.param
    return opener


@pytest.fixture
def store(opener: Opener, tmp_path: Path) -> Iterator[Store]:
    store = opener(tmp_path)
    yield store
    store.close()


@pytest.fixture
def scribe(store: Store) -> Scribe:
    return Scribe(store)
