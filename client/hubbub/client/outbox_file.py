"""An outbox that outlives its process: the producer and every write without an outcome, in one SQLite file.

What was kept before it was sent is sent again by the next process that opens the file; the broker recognizes what it has taken, so nothing is lost and
nothing is doubled. A file belongs to one name at one broker and to one process at a time. It holds messages: 0600. Survives the death of the process; the
disk is not waited for, so a power cut may take the last moments.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from hubbub.client.errors import OutboxUnusable
from hubbub.client.outbox import Kept, KeptWrite
from hubbub.common.codec import array, decode_commands, encode
from hubbub.common.commands import Write
from hubbub.common.errors import Code, WireError

VERSION: Final = 1
_SCHEMA: Final = """
    CREATE TABLE producer (id INTEGER PRIMARY KEY CHECK (id = 1), owner TEXT, producer BLOB, epoch BLOB) STRICT;
    CREATE TABLE writes (id INTEGER PRIMARY KEY, body BLOB NOT NULL, room TEXT NOT NULL) STRICT;
"""


class OutboxFile:
    """One open file. Changes count from `commit` on. Used by one thread at a time."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self._path = path
        self._database = database
        self._stat = path.stat()
        self._has_changed = False
        self._failure: OutboxUnusable | None = None
        """A change that could not be made: those around it must not count without it."""
        self.kept: Kept | None = None
        """What an earlier process left without an outcome."""

    @classmethod
    def open(cls, path: str | Path, owner: str) -> Self:
        """Open the file, made if missing, for `owner`, whoever that names. Raises OutboxUnusable."""
        path = Path(path).expanduser().absolute()  # the program may change its folder
        with _usable(path):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            database = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
            try:
                it = cls(path, database)
                it._prepare(owner)
                it.kept = it._load()
            except BaseException:
                database.close()
                raise
        return it

    def _prepare(self, owner: str) -> None:
        run = self._database.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run("BEGIN EXCLUSIVE")
        [version] = run("PRAGMA user_version").fetchone()
        if not version:
            if run("SELECT 1 FROM sqlite_schema").fetchone():
                raise OutboxUnusable(f"{self._path} is no outbox, but another database")
            for statement in _SCHEMA.split(";"):
                run(statement)
            run(f"PRAGMA user_version = {VERSION}")
            run("INSERT INTO producer (id, owner) VALUES (1, ?)", (owner,))
        elif version != VERSION:
            raise OutboxUnusable(f"{self._path} was written by a newer hubbub: update this one")
        [found] = run("SELECT owner FROM producer").fetchone()
        if found != owner:
            raise OutboxUnusable(f"{self._path} is the outbox of {found}, not of {owner}")
        run("COMMIT")
        run("BEGIN")

    def _load(self) -> Kept | None:
        run = self._database.execute
        rows = run("SELECT id, body, room FROM writes ORDER BY id").fetchall()
        [producer, epoch] = run("SELECT producer, epoch FROM producer").fetchone()
        if not rows:
            return None
        try:
            writes = [KeptWrite(id, _read(body), room) for id, body, room in rows]
        except WireError as error:
            raise OutboxUnusable(f"{self._path} is damaged: {error}") from error
        return Kept(producer, epoch, writes)

    # What the outbox tells.

    def began(self, producer: bytes) -> None:
        """Writes are numbered by this producer from now on."""
        self._run("UPDATE producer SET producer = ?", producer)

    def entered(self, epoch: bytes) -> None:
        """They go to the log of this epoch."""
        self._run("UPDATE producer SET epoch = ?", epoch)

    def added(self, id: int, write: Write, room: str) -> None:
        """A write was queued; `room` is the name of the room that it goes to, if it goes to one."""
        self._run("INSERT INTO writes (id, body, room) VALUES (?, ?, ?)", id, encode(write), room)

    def changed(self, id: int, write: Write) -> None:
        """It has another number or room now, or was cancelled."""
        self._run("UPDATE writes SET body = ? WHERE id = ?", encode(write), id)

    def dropped(self, id: int) -> None:
        """It has its outcome."""
        self._run("DELETE FROM writes WHERE id = ?", id)

    def commit(self) -> None:
        """Let everything told so far count. Raises OutboxUnusable, also if any of it could not be written down."""
        if self._failure is not None:
            raise self._failure
        if self._has_changed:
            self._check_place()
            with _usable(self._path):
                self._database.execute("COMMIT")
                self._database.execute("BEGIN")
            self._has_changed = False

    def _check_place(self) -> None:
        """Raise OutboxUnusable if the file was removed or replaced: nobody would ever find what is written to it."""
        try:
            is_there = os.path.samestat(self._path.stat(), self._stat)
        except FileNotFoundError:
            is_there = False
        except OSError:
            return  # a program that has given up its rights cannot look
        if not is_there:
            raise OutboxUnusable(f"the outbox {self._path} was removed while in use")

    def close(self) -> None:
        """Close the file; what was not committed does not count."""
        self._database.close()

    def _run(self, statement: str, *values: object) -> None:
        self._has_changed = True
        try:
            with _usable(self._path):
                self._database.execute(statement, values)
        except OutboxUnusable as error:
            self._failure = error
            raise


def _read(body: bytes) -> Write:
    [command] = decode_commands(array([body]))
    if not isinstance(command, Write):
        raise WireError(Code.INVALID, f"{type(command).__name__} is no write")
    return command


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        busy = error.sqlite_errorname in ("SQLITE_BUSY", "SQLITE_LOCKED")
        reason = "another process uses it" if busy else str(error)
        raise OutboxUnusable(f"cannot use the outbox {path}: {reason}") from error
    except sqlite3.DatabaseError as error:
        raise OutboxUnusable(f"cannot use the outbox {path}: {error}") from error
    except OSError as error:
        raise OutboxUnusable(f"cannot use the outbox {path}: {error.strerror}") from error
