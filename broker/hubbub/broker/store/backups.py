"""The file of a backup: the database itself, with the server's key in a table of its own. `sqlite3` opens it like any other.

It has an application id of its own, so that no broker runs on it: it would go on with the old epoch, and clients would misread what it says.
"""

import contextlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hubbub.broker.core.changes import ProducerRow, Snapshot
from hubbub.broker.core.producers import unpacked
from hubbub.broker.core.state import State
from hubbub.broker.errors import FolderError
from hubbub.broker.store import migrations, queries
from hubbub.broker.store.connections import check_sqlite, connect_outsider, transaction
from hubbub.common.codec import encode
from hubbub.common.limits import KEY_BYTES

FORMAT: Final = 1
PAGES: Final = 4096
"""Copied at once, of 4 KiB: between two such steps an interruption is noticed."""
LAST_TIME: Final = 253_402_300_799_999
"""The last millisecond of the year 9999, which is the last that has a date."""

_TABLE: Final = """
    CREATE TABLE backup (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        format INTEGER NOT NULL,
        taken INTEGER NOT NULL,
        key BLOB NOT NULL
    ) STRICT
"""


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup has beside the database: when it was taken (Unix milliseconds), and the server's secret key."""

    taken: int
    key: bytes = field(repr=False)


def check_file(path: Path) -> None:
    """Raise FolderError if this is a FIFO or a device: to open one may wait for ever, where no signal is noticed."""
    if path.exists() and not path.is_file():
        raise FolderError(f"{path} is no regular file: name another")


def open_readable(path: Path) -> sqlite3.Connection:
    """Open a database of ours, or a backup, for reading. Raises FolderError if it is neither, or of a newer hubbub; sqlite3.Error."""
    check_sqlite()
    check_file(path)
    connection = connect_outsider(path)
    try:
        migrations.check_known(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def copy(source: sqlite3.Connection, path: Path, backup: Backup) -> None:
    """Write all that is committed in `source` at one moment, and what makes it a backup, into the empty file at `path`. Raises sqlite3.Error.

    Whoever writes to the source is not held up: it appends to the -wal file, which grows meanwhile. One transaction around all steps keeps them
    from beginning again at each foreign commit (without it 200 MB were not copied in 25 s beside a busy broker, with it in 1.1 s).
    """
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as target:
        target.execute("PRAGMA synchronous = OFF")  # the caller syncs the whole file
        with transaction(source, "DEFERRED"):
            source.execute("SELECT 1 FROM sqlite_schema").fetchone()
            source.backup(target, pages=PAGES, progress=_interruptible)
        target.execute("PRAGMA journal_mode = MEMORY")  # one file, nothing beside it
        target.execute(f"PRAGMA application_id = {migrations.BACKUP_ID}")
        target.execute(_TABLE)
        row = (FORMAT, backup.taken, backup.key)
        target.execute("INSERT INTO backup VALUES (1, ?, ?, ?)", row)


def _interruptible(_status: int, _remaining: int, _total: int) -> None:
    """Do nothing, in Python: there a signal is noticed."""


def read_backup(connection: sqlite3.Connection, path: Path) -> Backup | None:
    """Return what makes it a backup; None: it is a database to run on. Raises FolderError if it is of a newer hubbub or damaged; sqlite3.Error."""
    if connection.execute("PRAGMA application_id").fetchone() != (migrations.BACKUP_ID,):
        return None
    rows = connection.execute("SELECT format, taken, key FROM backup").fetchall()
    if len(rows) != 1 or len(rows[0][2]) != KEY_BYTES:
        raise FolderError(f"{path} is a damaged backup: it has no key; take another one")
    [(number, taken, key)] = rows
    if number > FORMAT:
        raise FolderError(
            f"{path} has format {number}, this hubbub knows {FORMAT}: a newer hubbub made it; install that one"
        )
    if not 0 <= taken <= LAST_TIME:
        raise FolderError(f"{path} is a damaged backup: it says no time; take another one")
    return Backup(taken, key)


def make_runnable(path: Path, epoch: bytes) -> None:
    """Turn a backup that was checked into a database to run on, of the newest schema, whose log goes on under another epoch. Raises sqlite3.Error.

    People, keys, rooms and their ids, memberships, markers and the log stay. So do producers: they tell a client which of its unanswered writes are
    in the log. The ids of inboxes follow from the epoch, and so they change, in the outcomes of writes too.
    """
    uri = f"{path.absolute().as_uri()}?mode=rw"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")  # the key has its own file
        connection.execute("DROP TABLE backup")
        connection.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
        migrations.upgrade(connection, path)
        with transaction(connection, "IMMEDIATE"):
            before = queries.snapshot(connection)
            connection.execute("UPDATE meta SET epoch = ?", (epoch,))
            connection.executemany(
                "UPDATE producers SET outcomes = ? WHERE account = ? AND producer = ?",
                [
                    (row.outcomes, *key)
                    for key, row in _outcomes(before, queries.snapshot(connection)).items()
                ],
            )


def _outcomes(before: Snapshot, after: Snapshot) -> dict[tuple[int, bytes], ProducerRow]:
    """Return the rows of the producers that wrote to an inbox, with its new id."""
    old, new = State(before), State(after)
    moved = {a.inbox.id: new.accounts[number].inbox.id for number, a in old.accounts.items()}
    changed = {}
    for key, row in before.producers.items():
        outcomes = unpacked(row.outcomes)
        ours = [outcome for outcome in outcomes if outcome.room in moved]
        for outcome in ours:
            outcome.room = moved[outcome.room]
        if ours:
            changed[key] = row._replace(outcomes=encode(outcomes))
    return changed
