"""Looking at a store and its file from outside."""

import contextlib
import resource
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tests.broker.store.scribe import LOBBY

from hubbub.broker.core.reads import EventsPage, ReadEvents
from hubbub.broker.store import migrations
from hubbub.broker.store.interface import Store


def run_sql(path: Path, script: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        *first, last = [line for line in script.split(";") if line.strip()]
        for statement in first:
            connection.execute(statement)
        return connection.execute(last).fetchall()


def make_older(path: Path, version: int) -> None:
    """Let a database be as a hubbub of an older schema would have written it: what that knew is kept. Nobody has it open."""
    older = path.with_name("older.db")
    with contextlib.closing(sqlite3.connect(older, isolation_level=None)) as connection:
        for script in migrations.MIGRATIONS[:version]:
            connection.executescript(script)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("ATTACH ? AS newest", (str(path),))
        tables = "SELECT name FROM main.sqlite_schema WHERE type = 'table'"
        for (table,) in connection.execute(tables).fetchall():
            of_older, of_newest = (
                _columns(connection, "main", table),
                _columns(connection, "newest", table),
            )
            kept = [column for column in of_older if column in of_newest]
            values = list(kept)
            if "key" in of_older and table == "accounts":
                kept.append("key")
                values.append(
                    "(SELECT key FROM newest.devices WHERE devices.account = accounts.account AND device = 1)"
                )
            connection.execute(
                f"INSERT INTO main.{table} ({', '.join(kept)}) SELECT {', '.join(values)} FROM newest.{table}"
            )
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    older.chmod(0o600)
    older.rename(path)


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    rows = connection.execute("SELECT name FROM pragma_table_info(?, ?)", (table, schema))
    return [name for (name,) in rows]


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
