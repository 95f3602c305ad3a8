"""The schema, as the list of scripts that made it. Append only: a script that was released is never edited.

`PRAGMA user_version` is the schema of a file, one more with each script; each runs in a transaction of its own. `PRAGMA application_id` marks our files.
To change the schema, append a script, and a test that starts from the schema before.
"""

import sqlite3
from pathlib import Path
from typing import Final

from hubbub.broker.errors import FolderError, way_back

APPLICATION_ID: Final = int.from_bytes(b"hubb")
BACKUP_ID: Final = int.from_bytes(b"hubk")
"""Of a backup, lest a broker run on one: its log goes on elsewhere under the same epoch."""

FIRST_SCHEMA: Final = 6
"""What the first script makes. Those before it are of hubbubs from before the first release, which wrote events in another form."""

# STRICT: a value of the wrong type is an error here, not a surprise when it is loaded.
# Events lie in the order of the log, found by an index; a table WITHOUT ROWID keyed by room and seq took 2.3 times as long to write at
# 100 busy rooms and 4.7 times at 1,000, the same at one (500 events of 150 bytes a commit, a row each: 9.3, 17.6 and 1.9 ms against 4.1, 3.7 and 1.8).
# `digest` and `used` stand before the blobs, so that reading them never follows a long blob's overflow pages.
# meta.events and meta.entries: how many events all rooms, and how many entries all inboxes, ever had. A lost end of a log shows nowhere else.
# Producers have no index on `used`: the core, which holds all of them, says which are forgotten.
MIGRATIONS: Final = (
    f"""
    PRAGMA application_id = {APPLICATION_ID};
    CREATE TABLE meta (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        epoch BLOB NOT NULL,
        created INTEGER NOT NULL,
        position INTEGER NOT NULL,
        events INTEGER NOT NULL,
        entries INTEGER NOT NULL,
        lockdown TEXT NOT NULL
    ) STRICT;
    CREATE TABLE accounts (
        account INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        fold TEXT NOT NULL UNIQUE,
        created INTEGER NOT NULL,
        role INTEGER NOT NULL,
        password TEXT NOT NULL,
        is_bot INTEGER NOT NULL,
        invited INTEGER NOT NULL,
        released INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE devices (
        account INTEGER NOT NULL REFERENCES accounts,
        device INTEGER NOT NULL,
        key TEXT NOT NULL,
        label TEXT NOT NULL,
        added INTEGER NOT NULL,
        used INTEGER NOT NULL,
        PRIMARY KEY (account, device)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE rooms (
        number INTEGER PRIMARY KEY,
        room BLOB NOT NULL UNIQUE,
        name TEXT NOT NULL,
        fold TEXT NOT NULL UNIQUE,
        description TEXT NOT NULL,
        created INTEGER NOT NULL,
        private INTEGER NOT NULL,
        read_only INTEGER NOT NULL,
        since_joined INTEGER NOT NULL,
        slow INTEGER NOT NULL,
        audit INTEGER NOT NULL,
        creator INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE members (
        room INTEGER NOT NULL REFERENCES rooms,
        account INTEGER NOT NULL REFERENCES accounts,
        since INTEGER NOT NULL,
        role INTEGER NOT NULL,
        PRIMARY KEY (room, account)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE restraints (
        room INTEGER NOT NULL REFERENCES rooms,
        account INTEGER NOT NULL REFERENCES accounts,
        muted INTEGER NOT NULL,
        barred INTEGER NOT NULL,
        PRIMARY KEY (room, account)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE invited (
        room INTEGER NOT NULL REFERENCES rooms,
        account INTEGER NOT NULL REFERENCES accounts,
        PRIMARY KEY (room, account)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE bans (
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        reason TEXT NOT NULL,
        by INTEGER NOT NULL,
        created INTEGER NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY (kind, subject)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE invites (
        hash BLOB PRIMARY KEY,
        uses INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        by INTEGER NOT NULL,
        created INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE events (
        room INTEGER NOT NULL REFERENCES rooms,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL CHECK (last >= first),
        digest BLOB NOT NULL,
        events BLOB NOT NULL,
        UNIQUE (room, last)
    ) STRICT;
    CREATE TABLE messages (
        message INTEGER PRIMARY KEY,
        event BLOB NOT NULL
    ) STRICT;
    CREATE TABLE inbox (
        account INTEGER NOT NULL REFERENCES accounts,
        seq INTEGER NOT NULL,
        message INTEGER NOT NULL REFERENCES messages,
        peer INTEGER NOT NULL,
        digest BLOB NOT NULL,
        PRIMARY KEY (account, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX inbox_by_peer ON inbox (account, peer, seq, message);
    CREATE TABLE markers (
        account INTEGER NOT NULL REFERENCES accounts,
        room INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (account, room)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE producers (
        account INTEGER NOT NULL,
        producer BLOB NOT NULL,
        n INTEGER NOT NULL,
        used INTEGER NOT NULL,
        outcomes BLOB NOT NULL,
        PRIMARY KEY (account, producer)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE probe (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        filler BLOB NOT NULL
    ) STRICT;
    """,
)


def newest() -> int:
    """Return the schema that this hubbub writes."""
    return FIRST_SCHEMA + len(MIGRATIONS) - 1


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to the newest schema; an empty file becomes ours.

    Raises FolderError, having written nothing, if the file is another program's, of a newer hubbub or of one from before the first release. Raises
    sqlite3.Error; what was begun then is undone when the file is next opened.
    """
    following = max(_checked_version(connection, path) + 1, FIRST_SCHEMA)
    for version, script in enumerate(MIGRATIONS[following - FIRST_SCHEMA :], following):
        # executescript is the one call that takes several statements; it leaves transactions to us.
        connection.executescript(
            f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {version}; COMMIT;"
        )


def check_ours(connection: sqlite3.Connection, path: Path) -> None:
    """Raise FolderError unless the file is ours and of the newest schema."""
    if _checked_version(connection, path) != newest():
        raise FolderError(f"{path} was replaced while hubbub was running: restart the broker")


def check_known(connection: sqlite3.Connection, path: Path) -> None:
    """Raise FolderError unless the file is ours or a backup, whole, and of a schema that this hubbub knows."""
    [application_id] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if application_id not in (APPLICATION_ID, BACKUP_ID) or not version:
        raise FolderError(f"{path} is neither hubbub's database nor a backup of it")
    _check_version(version, path)


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    [application_id] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    [things] = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    is_empty = (application_id, version, things) == (0, 0, 0)
    if application_id == BACKUP_ID:
        raise FolderError(
            f"{path} is a backup and no database to run on: move it elsewhere, then: {way_back(path.parent)}"
        )
    if application_id != APPLICATION_ID and not is_empty:
        raise FolderError(f"{path} is another program's database: name another folder for hubbub")
    _check_version(version, path)
    return int(version)


def _check_version(version: int, path: Path) -> None:
    if version > newest():
        raise FolderError(
            f"{path} has schema {version}, this hubbub knows {newest()}: a newer hubbub made it; install that one"
        )
    if 0 < version < FIRST_SCHEMA:
        raise FolderError(
            f"{path} has schema {version}: a hubbub from before the first release made it, and none since can read it; begin with an empty folder"
        )
