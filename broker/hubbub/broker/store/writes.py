"""A batch as SQL: one multi-row statement for each table, few distinct texts.

sqlite3 gives up the GIL at each row of `executemany`: beside a running loop 500 rows took 9.1 ms, in one statement 2.1 ms. Rows are cut into
chunks of 256, 128, … 1 rows, so a table has nine texts and all of them stay prepared in sqlite3's cache.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from itertools import chain
from typing import Any, Final

from hubbub.broker.core.changes import AccountRow, Changes
from hubbub.broker.store.rows import stored_fold

_Row = tuple[Any, ...]

CHUNK_ROWS: Final = 256
"""1,000 rows took 2.3 to 4.7 ms whatever the largest chunk was, from 32 to 1,024 rows. 256 rows of six columns are far below SQLite's
32,766 variables."""


@dataclass(frozen=True, slots=True)
class _Statement:
    """`head`, then the rows as `(?, …), (?, …)`, then `tail`."""

    head: str
    columns: int
    tail: str = ""


_ACCOUNTS: Final = _Statement(
    "INSERT INTO accounts (account, name, fold, created, role, password, is_bot, invited, released) VALUES",
    9,
    "ON CONFLICT (account) DO UPDATE SET name = excluded.name, fold = excluded.fold, created = excluded.created,"
    " role = excluded.role, password = excluded.password, is_bot = excluded.is_bot,"
    " invited = excluded.invited, released = excluded.released",
)
_NO_DEVICES: Final = _Statement("DELETE FROM devices WHERE (account, device) IN (VALUES", 2, ")")
_DEVICES: Final = _Statement(
    "INSERT INTO devices (account, device, key, label, added, used) VALUES",
    6,
    "ON CONFLICT (account, device) DO UPDATE SET key = excluded.key, label = excluded.label,"
    " added = excluded.added, used = excluded.used",
)
_ROOMS: Final = _Statement(
    "INSERT INTO rooms (number, room, name, fold, description, created, private, read_only, since_joined,"
    " slow, audit, creator) VALUES",
    12,
    "ON CONFLICT (number) DO UPDATE SET room = excluded.room, name = excluded.name, fold = excluded.fold,"
    " description = excluded.description, created = excluded.created, private = excluded.private,"
    " read_only = excluded.read_only, since_joined = excluded.since_joined, slow = excluded.slow, audit = excluded.audit,"
    " creator = excluded.creator",
)
_NO_MEMBERS: Final = _Statement("DELETE FROM members WHERE (room, account) IN (VALUES", 2, ")")
_MEMBERS: Final = _Statement(
    "INSERT INTO members (room, account, since, role) VALUES",
    4,
    "ON CONFLICT (room, account) DO UPDATE SET since = excluded.since, role = excluded.role",
)
_NO_RESTRAINTS: Final = _Statement(
    "DELETE FROM restraints WHERE (room, account) IN (VALUES", 2, ")"
)
_RESTRAINTS: Final = _Statement(
    "INSERT INTO restraints (room, account, muted, barred) VALUES",
    4,
    "ON CONFLICT (room, account) DO UPDATE SET muted = excluded.muted, barred = excluded.barred",
)
_NOT_INVITED: Final = _Statement("DELETE FROM invited WHERE (room, account) IN (VALUES", 2, ")")
_INVITED: Final = _Statement(
    "INSERT INTO invited (room, account) VALUES", 2, "ON CONFLICT (room, account) DO NOTHING"
)
_NO_BANS: Final = _Statement("DELETE FROM bans WHERE (kind, subject) IN (VALUES", 2, ")")
_BANS: Final = _Statement(
    "INSERT INTO bans (kind, subject, reason, by, created, until) VALUES",
    6,
    "ON CONFLICT (kind, subject) DO UPDATE SET reason = excluded.reason, by = excluded.by,"
    " created = excluded.created, until = excluded.until",
)
_NO_INVITES: Final = _Statement("DELETE FROM invites WHERE hash IN (VALUES", 1, ")")
_INVITES: Final = _Statement(
    "INSERT INTO invites (hash, uses, expires, by, created) VALUES",
    5,
    "ON CONFLICT (hash) DO UPDATE SET uses = excluded.uses, expires = excluded.expires",
)
_EVENTS: Final = _Statement("INSERT INTO events (room, first, last, digest, events) VALUES", 5)
_MESSAGES: Final = _Statement("INSERT INTO messages (message, event) VALUES", 2)
_INBOX: Final = _Statement("INSERT INTO inbox (account, seq, message, peer, digest) VALUES", 5)
_NO_MARKERS: Final = _Statement("DELETE FROM markers WHERE (account, room) IN (VALUES", 2, ")")
_MARKERS: Final = _Statement(
    "INSERT INTO markers (account, room, seq) VALUES",
    3,
    "ON CONFLICT (account, room) DO UPDATE SET seq = excluded.seq",
)
_NO_PRODUCERS: Final = _Statement(
    "DELETE FROM producers WHERE (account, producer) IN (VALUES", 2, ")"
)
_PRODUCERS: Final = _Statement(
    "INSERT INTO producers (account, producer, n, used, outcomes) VALUES",
    5,
    "ON CONFLICT (account, producer) DO UPDATE SET n = excluded.n, used = excluded.used,"
    " outcomes = excluded.outcomes",
)

_META: Final = "UPDATE meta SET position = ?, events = events + ?, entries = entries + ?"


def _account(row: AccountRow) -> _Row:
    folded = stored_fold(row.account, row.name, row.released)
    return (row.account, row.name, folded, *astuple(row)[2:])


_LISTS: Final[Sequence[tuple[str, _Statement, Callable[[Any], _Row]]]] = (
    ("accounts", _ACCOUNTS, _account),
    ("rooms", _ROOMS, astuple),
    ("events", _EVENTS, tuple),
    ("messages", _MESSAGES, tuple),
    ("inbox", _INBOX, tuple),
)
"""Fields of `Changes` that are lists of rows, and what makes a tuple of one; what others refer to stands first."""

_KEYED: Final[
    Sequence[tuple[str, _Statement, _Statement, Callable[[Any], _Row], Callable[[Any], _Row]]]
] = (
    ("devices", _NO_DEVICES, _DEVICES, tuple, astuple),
    ("members", _NO_MEMBERS, _MEMBERS, tuple, tuple),
    ("restraints", _NO_RESTRAINTS, _RESTRAINTS, tuple, tuple),
    ("invited", _NOT_INVITED, _INVITED, tuple, lambda _: ()),
    ("bans", _NO_BANS, _BANS, tuple, astuple),
    ("invites", _NO_INVITES, _INVITES, lambda hash: (hash,), astuple),
    ("markers", _NO_MARKERS, _MARKERS, tuple, lambda seq: (seq,)),
    ("producers", _NO_PRODUCERS, _PRODUCERS, tuple, tuple),
)
"""Fields that are rows by their keys, None for one that goes; and what makes a tuple of a key, and of the columns behind it. They refer to the lists only."""


def write(connection: sqlite3.Connection, changes: Changes) -> None:
    """Run the batch's statements, inside the caller's transaction. Most batches change two tables, and the others cost next to nothing."""
    for field, statement, columns in _LISTS:
        if listed := getattr(changes, field):
            _run(connection, statement, [columns(row) for row in listed])
    for field, gone, kept, key_of, columns in _KEYED:
        if keyed := getattr(changes, field):
            rows = [(key_of(key), row) for key, row in keyed.items()]
            _run(connection, gone, [key for key, row in rows if row is None])
            new = [(*key, *columns(row)) for key, row in rows if row is not None]
            _run(connection, kept, new)
    events = sum(run.last - run.first + 1 for run in changes.events)
    connection.execute(_META, (changes.position, events, len(changes.inbox)))
    if changes.lockdown is not None:
        connection.execute("UPDATE meta SET lockdown = ?", (changes.lockdown,))


def _run(connection: sqlite3.Connection, statement: _Statement, rows: Sequence[_Row]) -> None:
    for chunk in _chunks(rows):
        connection.execute(_text(statement, len(chunk)), tuple(chain.from_iterable(chunk)))


def _chunks(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    start = 0
    while left := len(rows) - start:
        # The largest power of two that fits.
        count = min(CHUNK_ROWS, 1 << left.bit_length() - 1)
        yield rows[start : start + count]
        start += count


@cache
def _text(statement: _Statement, rows: int) -> str:
    row = "(" + ", ".join("?" * statement.columns) + ")"
    return " ".join((statement.head, ", ".join([row] * rows), statement.tail))
