"""A batch as SQL: one multi-row statement for each table, few distinct texts.

sqlite3 gives up the GIL at each row of `executemany`: beside a running loop 500 rows took 9.1 ms, in one statement 2.1 ms. Rows are cut into
chunks of 256, 128, … 1 rows, so a table has nine texts and all of them stay prepared in sqlite3's cache.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, Final

from hubbub.broker.core.changes import Changes
from hubbub.common.names import fold

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
    "INSERT INTO accounts (account, name, fold, key, created) VALUES",
    5,
    "ON CONFLICT (account) DO UPDATE SET name = excluded.name, fold = excluded.fold,"
    " key = excluded.key, created = excluded.created",
)
_ROOMS: Final = _Statement(
    "INSERT INTO rooms (number, room, name, fold, description, created) VALUES",
    6,
    "ON CONFLICT (number) DO UPDATE SET room = excluded.room, name = excluded.name, fold = excluded.fold,"
    " description = excluded.description, created = excluded.created",
)
_NO_MEMBERS: Final = _Statement("DELETE FROM members WHERE (room, account) IN (VALUES", 2, ")")
_MEMBERS: Final = _Statement(
    "INSERT INTO members (room, account, since) VALUES",
    3,
    "ON CONFLICT (room, account) DO UPDATE SET since = excluded.since",
)
_EVENTS: Final = _Statement("INSERT INTO events (room, seq, event, digest) VALUES", 4)
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


def write(connection: sqlite3.Connection, changes: Changes) -> None:
    """Run the batch's statements, inside the caller's transaction. Lists that are empty write nothing; what others refer to is written first."""
    for statement, rows in _rows(changes):
        for chunk in _chunks(rows):
            connection.execute(_text(statement, len(chunk)), tuple(chain.from_iterable(chunk)))
    connection.execute(_META, (changes.position, len(changes.events), len(changes.inbox)))


def _rows(changes: Changes) -> list[tuple[_Statement, Sequence[tuple[Any, ...]]]]:
    members, markers = changes.members.items(), changes.markers.items()
    producers = changes.producers.items()
    return [
        (
            _ACCOUNTS,
            [(a.account, a.name, fold(a.name), a.key, a.created) for a in changes.accounts],
        ),
        (
            _ROOMS,
            [(r.number, r.room, r.name, r.fold, r.description, r.created) for r in changes.rooms],
        ),
        (_NO_MEMBERS, [key for key, since in members if since is None]),
        (_MEMBERS, [(*key, since) for key, since in members if since is not None]),
        (_EVENTS, changes.events),
        (_MESSAGES, changes.messages),
        (_INBOX, changes.inbox),
        (_NO_MARKERS, [key for key, seq in markers if seq is None]),
        (_MARKERS, [(*key, seq) for key, seq in markers if seq is not None]),
        (_NO_PRODUCERS, [key for key, row in producers if row is None]),
        (_PRODUCERS, [(*key, row.n, row.used, row.outcomes) for key, row in producers if row]),
    ]


def _chunks(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
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
