"""Looking at a store and its file from outside."""

import contextlib
import resource
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tests.broker.store.scribe import LOBBY

from hubbub.broker.core.reads import EventsPage, ReadEvents
from hubbub.broker.store.interface import Store


def run_sql(path: Path, script: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        *first, last = [line for line in script.split(";") if line.strip()]
        for statement in first:
            connection.execute(statement)
        return connection.execute(last).fetchall()


def damage(path: Path, *, from_page: int) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(from_page * 4096)
        file.write(b"\xa5" * (size - from_page * 4096))


def read_all(store: Store) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    more = True
    while more:
        page = store.read(ReadEvents(LOBBY, None, found[-1][0] if found else 0, 1000))
        assert isinstance(page, EventsPage)
        found += page.events
        more = page.more
    return found


@contextlib.contextmanager
def small_disk(limit: int) -> Iterator[None]:
    """The kernel refuses every write behind `limit` bytes of a file, with an error that is not "no space left"."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
