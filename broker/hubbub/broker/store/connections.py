"""SQLite connections with the settings that the promises stand on, and what SQLite's errors mean to the operator."""

import contextlib
import shlex
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

from hubbub.broker.errors import BrokerError, FolderError, way_back
from hubbub.broker.store import migrations
from hubbub.common.limits import MIB
from hubbub.common.private_files import create_private

SQLITE_FLOOR: Final = (3, 37, 0)
"""STRICT tables."""

BUSY_SECONDS: Final = 5.0
"""How long to wait for another program's lock, say that of a backup."""

CACHED_STATEMENTS: Final = 256
"""Over what `writes` has, nine texts for each of its statements, and `queries`."""

WAL_BYTES: Final = 8 * MIB
"""What the -wal file is cut back to once it has grown beyond, beside a backup or another long reading. At its usual 4 MiB it is used again as it is."""

SMALLEST_PAGE: Final = 512
"""A file of fewer bytes is no database, but SQLite would take it for an empty one and write over it."""

UNREADABLE: Final = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises by itself, and Python where it decodes a text, or a message of SQLite's that quotes one."""
DAMAGE: Final = (*UNREADABLE, ValueError, TypeError)
"""And whatever takes rows apart that are not what was written."""

Durability = Literal["disk", "process"]
"""What a commit that has returned survives: a power cut, or the end of this process only, in whatever way."""

SYNCHRONOUS: Final[Mapping[Durability, str]] = {"disk": "FULL", "process": "NORMAL"}
"""FULL: a commit returns after the sync. NORMAL: only checkpoints sync, and a power cut takes the commits since then; but it damages nothing, as OFF
would, with which it may take the whole database."""

_ADVICE: Final = {
    sqlite3.SQLITE_FULL: "the disk is full: make room on it",
    sqlite3.SQLITE_IOERR: "the disk reports an error: check it, and the system's log",
    sqlite3.SQLITE_CORRUPT: "the database is damaged: stop the broker and restore a backup",
    sqlite3.SQLITE_NOTADB: "this is not a database, or it is damaged: stop the broker and restore a backup",
    sqlite3.SQLITE_BUSY: "another program holds the database: end that one",
    sqlite3.SQLITE_LOCKED: "another program holds the database: end that one",
    sqlite3.SQLITE_READONLY: "the database cannot be written: check its mode and the disk's",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened: check that it is there, and its mode",
    sqlite3.SQLITE_PERM: "the database may not be used: check its mode",
}
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNWRITABLE: Final = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
_HARMLESS: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def check_sqlite(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """Raise BrokerError if Python's SQLite is older than SQLITE_FLOOR."""
    if version < SQLITE_FLOOR:
        needed, found = (".".join(map(str, numbers)) for numbers in (SQLITE_FLOOR, version))
        raise BrokerError(
            f"hubbub needs SQLite {needed} or later and this Python has {found}: use another Python"
        )


def create(path: Path, max_pages: int | None) -> None:
    """Make the database if there is none, and bring it to the newest schema. Raises FolderError, also if others can read it; OSError and sqlite3.Error."""
    if not path.exists():
        # SQLite would follow the umask. Its -wal and -shm files take the mode of this one.
        create_private(path, b"")
    elif 0 < path.stat().st_size < SMALLEST_PAGE:
        raise FolderError(f"{path} is not a database: name another folder for hubbub")
    _check_private(path)
    with contextlib.closing(_connect(path, "rw")) as connection:
        # Before WAL is set: it writes, and a file that is not ours is left as it is.
        _limit(connection, max_pages)
        migrations.upgrade(connection, path)


def _check_private(path: Path) -> None:
    """Raise FolderError if others can read or change the files: they hold hashes of passwords, and say who may do what."""
    files = [path.with_name(f"{path.name}{ending}") for ending in ("", "-wal", "-shm")]
    wide = [str(file) for file in files if file.exists() and file.stat().st_mode & 0o077]
    if wide:
        text = (
            f"others can read or change {wide[0]}; if nobody did, run: chmod 600 {shlex.join(wide)}"
        )
        raise FolderError(text)


def connect_writer(
    path: Path, max_pages: int | None, durability: Durability = "disk"
) -> sqlite3.Connection:
    """Open the connection that writes. The file must exist and be ours. Raises FolderError and sqlite3.Error."""
    connection = _connect(path, "rw")
    try:
        migrations.check_ours(connection, path)
        [mode] = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise FolderError(f"{path.parent} cannot hold a database: use a folder on a local disk")
        connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS[durability]}")
        # macOS: fsync alone stops at the drive's cache. Elsewhere this means nothing.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        _limit(connection, max_pages)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open the connection that reads and can do nothing else. Raises sqlite3.Error."""
    connection = _connect(path, "ro")
    try:
        connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_outsider(path: Path) -> sqlite3.Connection:
    """Open a database for reading that a broker may be writing, in another process; also where nothing may be written. Raises sqlite3.Error."""
    connection = _connect(path, "ro")
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if _primary_code(error) not in _UNWRITABLE or path.with_name(f"{path.name}-wal").exists():
            raise
        # A database in WAL mode that was closed well wants its -wal and -shm files made. Here nobody can, so nobody writes either.
        return _connect(path, "ro", "&immutable=1")
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def transaction(
    connection: sqlite3.Connection, kind: Literal["DEFERRED", "IMMEDIATE"]
) -> Iterator[None]:
    """Commit what is done inside, or undo it if anything is raised."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors; after others it cannot, and the store opens the file anew.
        if connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def advice(error: sqlite3.Error | ValueError | TypeError, path: Path) -> str:
    """Return one line for the operator: what failed and what to do."""
    if not isinstance(error, sqlite3.Error) or _is_undecodable(error):
        return damaged(path, str(error))
    code = _primary_code(error)
    what = _ADVICE.get(code, "SQLite failed")
    command = f": {way_back(path.parent)}" if code in _DAMAGED else ""
    return f"{path}: {what}{command} ({' '.join(str(error).split())})"  # SQLite quotes the schema, lines and all


def damaged(path: Path, how: str) -> str:
    """Return one line for the operator of a database whose rows are not what hubbub wrote."""
    return f"{path} is damaged: restore it from a backup: {way_back(path.parent)} ({' '.join(how.split())})"


def _is_undecodable(error: sqlite3.Error) -> bool:
    # Python's module raises this one by itself, so it carries no code.
    return isinstance(error, sqlite3.OperationalError) and not hasattr(error, "sqlite_errorcode")


def needs_check(error: sqlite3.Error) -> bool:
    """Whether the file may be damaged after this error: not if the disk was full or the database locked."""
    return _primary_code(error) not in _HARMLESS


def _primary_code(error: sqlite3.Error) -> int:
    # Errors that Python's module raises by itself carry no code.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _connect(path: Path, mode: Literal["ro", "rw"], more: str = "") -> sqlite3.Connection:
    """Open an existing file, in autocommit: transactions are begun by name."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}{more}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        # The broker's main thread opens, then hands each connection to its one thread.
        check_same_thread=False,
        cached_statements=CACHED_STATEMENTS,
    )


def _limit(connection: sqlite3.Connection, max_pages: int | None) -> None:
    if max_pages is not None:
        connection.execute(f"PRAGMA max_page_count = {max_pages}")
