"""The store on SQLite: one connection writes, another reads. Nothing here knows what an event says.

Who may call what: `open` and `load` belong to the thread that starts the broker, before the others run; then `commit` and `recover` to the writer
thread and `read` to the reader thread, each with a connection of its own; `close` to whoever has seen both end. The two share nothing else.
"""

import contextlib
import secrets
import sqlite3
import time
from pathlib import Path
from typing import Final, Self

from hubbub.broker.core.changes import Changes, RoomRow, Snapshot
from hubbub.broker.core.reads import Read, ReadResult
from hubbub.broker.core.state import LOBBY_NUMBER
from hubbub.broker.errors import FolderError, StorageError
from hubbub.broker.store import connections, queries
from hubbub.broker.store.checks import check_state, check_tables
from hubbub.broker.store.connections import DAMAGE, UNREADABLE, Durability, transaction
from hubbub.broker.store.writes import write
from hubbub.common.limits import EPOCH_BYTES, MIB, ROOM_ID_BYTES
from hubbub.common.names import LOBBY, fold

PROBE_BYTES: Final = 1 * MIB
"""What the probe writes and frees again: the bytes of the largest batch. With less, a disk with a page or two left would look well."""


class SqliteStore:
    """Implements `Store`. `max_pages` bounds the file, in pages of 4 KiB, as a full disk would; it is read when the file is (re)opened."""

    def __init__(
        self, path: Path, max_pages: int | None = None, durability: Durability = "disk"
    ) -> None:
        """Open or create the database; see `open`."""
        self.max_pages = max_pages
        self._durability = durability
        self._path = path
        self._refusing = False
        self._needs_check = False
        with contextlib.ExitStack() as opened:
            self._writer = connections.connect_writer(path, max_pages, durability)
            opened.callback(self._writer.close)
            _found(self._writer, path)
            self._reader: sqlite3.Connection | None = connections.connect_reader(path)
            opened.pop_all()

    @classmethod
    def open(
        cls, path: Path, *, max_pages: int | None = None, durability: Durability = "disk"
    ) -> Self:
        """Open the database, create it (0600) if there is none, or bring an older one to the newest schema.

        `durability` is what a commit survives once it has returned: a power cut ("disk"), or the end of this process only ("process").

        The caller holds the data folder's lock. Raises FolderError, having changed nothing, if the file is damaged, another program's or
        of a newer hubbub; FolderError also if it cannot be written; BrokerError if Python's SQLite is too old.
        """
        connections.check_sqlite()
        try:
            connections.create(path, max_pages)
            return cls(path, max_pages, durability)
        except UNREADABLE as error:
            raise FolderError(connections.advice(error, path)) from error
        except OSError as error:
            raise FolderError(f"{path}: {error.strerror}") from error

    def load(self) -> Snapshot:
        """Return the committed state, checked as far as is cheap (`checks`). Raises StorageError."""
        try:
            with transaction(self._writer, "DEFERRED"):
                check_tables(self._writer)
                state = queries.snapshot(self._writer)
                check_state(self._writer, state)
                return state
        except DAMAGE as error:
            raise StorageError(connections.advice(error, self._path)) from error

    def commit(self, changes: Changes) -> None:
        """Write a batch in one transaction; see `Store`."""
        if self._refusing:
            raise StorageError(f"{self._path}: writing has failed and has not recovered yet")
        try:
            with transaction(self._writer, "IMMEDIATE"):
                write(self._writer, changes)
        except sqlite3.Error as error:
            self._refuse(error)
            raise StorageError(connections.advice(error, self._path)) from error

    def recover(self) -> Snapshot:
        """Close, reopen, check the file unless the disk was just full, write a probe, load; see `Store`.

        The check reads the whole file. After a failed sync the batch that was refused may be found committed: the snapshot tells.
        """
        self._refusing = True
        try:
            self._writer.close()
            self._writer = connections.connect_writer(self._path, self.max_pages, self._durability)
            if self._needs_check:
                self._check()
            self._probe()
            snapshot = self.load()
        except sqlite3.Error as error:
            self._refuse(error)
            raise StorageError(connections.advice(error, self._path)) from error
        except FolderError as error:
            raise StorageError(str(error)) from error
        self._refusing = self._needs_check = False
        return snapshot

    def read(self, query: Read) -> ReadResult:
        """Answer from what is committed. After an error the next read opens the file anew."""
        try:
            if self._reader is None:
                self._reader = connections.connect_reader(self._path)
            with transaction(self._reader, "DEFERRED"):
                return queries.answer(self._reader, query)
        except DAMAGE as error:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
            raise StorageError(connections.advice(error, self._path)) from error

    def close(self) -> None:
        """Close both connections; the last one to close moves what is in the -wal file into the database."""
        # The reader first: it may not write, so it could not do that.
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._writer.close()

    def _refuse(self, error: sqlite3.Error) -> None:
        self._refusing = True
        self._needs_check |= connections.needs_check(error)

    def _check(self) -> None:
        [verdict] = self._writer.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            line = " ".join(verdict.split())
            raise StorageError(
                f"{self._path}: the database is damaged: stop the broker and restore a backup ({line})"
            )

    def _probe(self) -> None:
        # Two transactions: pages freed in the one that took them would never be written.
        with transaction(self._writer, "IMMEDIATE"):
            self._writer.execute("REPLACE INTO probe VALUES (1, zeroblob(?))", (PROBE_BYTES,))
        with transaction(self._writer, "IMMEDIATE"):
            self._writer.execute("DELETE FROM probe")


def _found(connection: sqlite3.Connection, path: Path) -> None:
    """Give a new log its epoch and its lobby. A crash may have come between them and the schema, so each start looks."""
    now = time.time_ns() // 1_000_000
    with transaction(connection, "IMMEDIATE"):
        if connection.execute("SELECT 1 FROM meta").fetchone():
            return
        if connection.execute("SELECT 1 FROM rooms").fetchone():
            raise FolderError(connections.damaged(path, "the log has no epoch"))
        connection.execute(
            "INSERT INTO meta (id, epoch, created, position, events, entries, lockdown)"
            " VALUES (1, ?, ?, 0, 0, 0, 'normal')",
            (secrets.token_bytes(EPOCH_BYTES), now),
        )
        id = secrets.token_bytes(ROOM_ID_BYTES)
        lobby = RoomRow(LOBBY_NUMBER, id, LOBBY, fold(LOBBY), "", now)
        write(connection, Changes(rooms=[lobby]))
