"""The reader's pages, and the whole state as the core loads it.

Rows are fetched one by one on purpose: the GIL that sqlite3 gives up at each row is won back at once while the step is short. A page of 1,000
events in one aggregated row took three times as long alone and 6 to 11 ms beside a busy thread, against 0.8 ms.
"""

import sqlite3
from dataclasses import dataclass
from typing import Any, Final, assert_never

from hubbub.broker.core.changes import (
    AccountRow,
    BanRow,
    DeviceRow,
    InviteRow,
    LogHead,
    ProducerRow,
    Restraint,
    RoomRow,
    Snapshot,
)
from hubbub.broker.core.reads import (
    BansPage,
    EventsPage,
    ListedBan,
    ListedRoom,
    MembersPage,
    Read,
    ReadBans,
    ReadEvents,
    ReadInbox,
    ReadMembers,
    ReadResult,
    ReadRooms,
    RoomsPage,
)
from hubbub.broker.core.roles import Role
from hubbub.common.digest import EMPTY
from hubbub.common.limits import KIB, MAX_NUMBER

PAGE_BYTES: Final = 240 * KIB
"""Bytes of events in one page: leaves 16 KiB of a frame for what goes around them."""


@dataclass(frozen=True, slots=True)
class _Log:
    """The statements of one kind of log. `?` are the log's keys, then for the pages after, before and limit, for `digest` a seq."""

    oldest: str
    latest: str
    first: str
    last: str
    digest: str


_EVENTS: Final = _Log(
    oldest="SELECT seq, event FROM events WHERE room = ? AND seq > ? AND seq < ? ORDER BY seq LIMIT ?",
    latest="SELECT seq, event FROM events WHERE room = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?",
    first="SELECT seq FROM events WHERE room = ? ORDER BY seq LIMIT 1",
    last="SELECT seq FROM events WHERE room = ? ORDER BY seq DESC LIMIT 1",
    digest="SELECT digest FROM events WHERE room = ? AND seq = ?",
)
_INBOX: Final = _Log(
    oldest="SELECT seq, event FROM inbox JOIN messages USING (message)"
    " WHERE account = ? AND seq > ? AND seq < ? ORDER BY seq LIMIT ?",
    latest="SELECT seq, event FROM inbox JOIN messages USING (message)"
    " WHERE account = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?",
    first="SELECT seq FROM inbox WHERE account = ? ORDER BY seq LIMIT 1",
    last="SELECT seq FROM inbox WHERE account = ? ORDER BY seq DESC LIMIT 1",
    digest="SELECT digest FROM inbox WHERE account = ? AND seq = ?",
)
_PEER_OLDEST: Final = (
    "SELECT seq, event FROM inbox JOIN messages USING (message)"
    " WHERE account = ? AND peer = ? AND seq > ? AND seq < ? ORDER BY seq LIMIT ?"
)
_PEER_LATEST: Final = (
    "SELECT seq, event FROM inbox JOIN messages USING (message)"
    " WHERE account = ? AND peer = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?"
)
_ROOMS: Final = """
    SELECT room, name, description, CASE number
        WHEN 1 THEN (SELECT count(*) FROM accounts WHERE released = 0)
        ELSE (SELECT count(*) FROM members WHERE members.room = rooms.number) END,
        private, read_only, since_joined, slow
    FROM rooms WHERE fold > ? AND
        (private = 0 OR EXISTS (SELECT 1 FROM members WHERE members.room = rooms.number AND account = ?))
    ORDER BY fold LIMIT ?
"""
_MEMBERS: Final = """
    SELECT account, name FROM members JOIN accounts USING (account)
    WHERE room = ? AND fold > ? ORDER BY fold LIMIT ?
"""
_EVERYBODY: Final = (
    "SELECT account, name FROM accounts WHERE fold > ? AND released = 0 ORDER BY fold LIMIT ?"
)
_BANS: Final = """
    SELECT bans.kind, coalesce(banned.name, subject) AS shown, reason, coalesce(moderator.name, ''), bans.created, until
    FROM bans LEFT JOIN accounts AS banned ON kind = 'account' AND banned.account = CAST(subject AS INTEGER)
    LEFT JOIN accounts AS moderator ON moderator.account = bans.by
    WHERE kind || ' ' || shown > ? AND (until = 0 OR until > ?)
    ORDER BY kind || ' ' || shown LIMIT ?
"""

# One look into an index for each room or account, whatever the length of its log. CROSS JOIN keeps that order: left to choose, SQLite
# scans the events.
_ROOM_HEADS: Final = """
    SELECT number, seq, digest FROM rooms CROSS JOIN events
    ON events.room = number AND seq = (SELECT max(seq) FROM events WHERE room = number)
"""
_INBOX_HEADS: Final = """
    SELECT accounts.account, seq, digest FROM accounts CROSS JOIN inbox
    ON inbox.account = accounts.account
    AND seq = (SELECT max(seq) FROM inbox WHERE account = accounts.account)
"""


def snapshot(connection: sqlite3.Connection) -> Snapshot:
    """Read the whole shared state, inside the caller's transaction."""

    def rows(statement: str) -> sqlite3.Cursor:
        return connection.execute(statement)

    [epoch, position, lockdown] = rows("SELECT epoch, position, lockdown FROM meta").fetchone()
    [last_message] = rows("SELECT coalesce(max(message), 0) FROM messages").fetchone()
    accounts = rows(
        "SELECT account, name, created, role, password, is_bot, invited, released FROM accounts ORDER BY account"
    )
    rooms = rows(
        "SELECT number, room, name, fold, description, created, private, read_only, since_joined, slow, audit, creator"
        " FROM rooms ORDER BY number"
    )
    devices = rows("SELECT account, device, key, label, added, used FROM devices")
    restraints = rows("SELECT room, account, muted, barred FROM restraints")
    bans = rows("SELECT kind, subject, reason, by, created, until FROM bans")
    invites = rows("SELECT hash, uses, expires, by, created FROM invites")
    producers = rows("SELECT account, producer, n, used, outcomes FROM producers")
    return Snapshot(
        epoch=epoch,
        position=position,
        accounts=[_account(row) for row in accounts],
        rooms=[_room(row) for row in rooms],
        room_heads={room: LogHead(seq, digest) for room, seq, digest in rows(_ROOM_HEADS)},
        inbox_heads={account: LogHead(seq, digest) for account, seq, digest in rows(_INBOX_HEADS)},
        members=[
            (room, account, since, Role(role))
            for room, account, since, role in rows(
                "SELECT room, account, since, role FROM members ORDER BY room, account"
            )
        ],
        markers=_markers(connection),
        producers={(account, id_): ProducerRow(*row) for account, id_, *row in producers},
        last_message=last_message,
        devices={(account, device): DeviceRow(*row) for account, device, *row in devices},
        restraints={(room, account): Restraint(*row) for room, account, *row in restraints},
        invited=rows("SELECT room, account FROM invited").fetchall(),
        bans={(kind, subject): BanRow(*row) for kind, subject, *row in bans},
        invites={hash: InviteRow(*row) for hash, *row in invites},
        lockdown=lockdown,
    )


def _account(row: tuple[Any, ...]) -> AccountRow:
    account, name, created, role, password, is_bot, invited, released = row
    flags = bool(is_bot), bool(invited)
    return AccountRow(account, name, created, Role(role), password, *flags, released)


def _room(row: tuple[Any, ...]) -> RoomRow:
    *columns, private, read_only, since_joined, slow, audit, creator = row
    flags = bool(private), bool(read_only), bool(since_joined)
    number, room, name, folded, description, created = columns
    settings = (*flags, slow, bool(audit))
    return RoomRow(number, room, name, folded, description, created, *settings, creator)


def _markers(connection: sqlite3.Connection) -> dict[int, dict[int, int]]:
    """Read them without a list of rows in between: there is one for each membership."""
    markers: dict[int, dict[int, int]] = {}
    for account, room, seq in connection.execute("SELECT account, room, seq FROM markers"):
        of_account = markers.get(account)
        if of_account is None:
            of_account = markers[account] = {}
        of_account[room] = seq
    return markers


def answer(connection: sqlite3.Connection, query: Read) -> ReadResult:  # noqa: PLR0911 - a case for each query
    """Answer one query, inside the caller's transaction: a page is of one state of the log. Raises ValueError if rows are damaged."""
    match query:
        case ReadEvents():
            return _log_page(connection, _EVENTS, query.room, query)
        case ReadInbox(peer=None):
            return _log_page(connection, _INBOX, query.account, query)
        case ReadInbox():
            return _peer_page(connection, query)
        case ReadRooms():
            rooms, more = _names(connection, _ROOMS, (query.after, query.account), query.limit)
            return RoomsPage([_listed(row) for row in rooms], more)
        case ReadMembers(room=None):
            members, more = _names(connection, _EVERYBODY, (query.after,), query.limit)
            return MembersPage(members, more)
        case ReadMembers():
            members, more = _names(connection, _MEMBERS, (query.room, query.after), query.limit)
            return MembersPage(members, more)
        case ReadBans():
            bans, more = _names(connection, _BANS, (query.after, query.time), query.limit)
            [lockdown] = connection.execute("SELECT lockdown FROM meta").fetchone()
            return BansPage([ListedBan(*row) for row in bans], lockdown, more)
    assert_never(query)


def _log_page(
    connection: sqlite3.Connection, log: _Log, key: int, query: ReadEvents | ReadInbox
) -> EventsPage:
    statement = log.latest if query.after is None else log.oldest
    events, more = _walk(connection, statement, (key,), query)
    if events:
        known = events[0][0] - 1
    else:
        last = _seq(connection, log.last, key)
        known = last if query.after is None else min(query.after, last)
    before = _digest(connection, log, key, known) if known else EMPTY
    first = _seq(connection, log.first, key)
    return EventsPage(events, more, max(first, _since(query)) if first else 0, before)


def _since(query: ReadEvents | ReadInbox) -> int:
    """Return the first seq that whoever asks may read."""
    return query.since if isinstance(query, ReadEvents) else 1


def _listed(row: tuple[Any, ...]) -> ListedRoom:
    room, name, description, members, private, read_only, since_joined, slow = row
    flags = bool(private), bool(read_only), bool(since_joined)
    return ListedRoom(room, name, description, members, *flags, slow)


def _digest(connection: sqlite3.Connection, log: _Log, key: int, seq: int) -> bytes:
    row = connection.execute(log.digest, (key, seq)).fetchone()
    if row is None:
        raise ValueError(f"event {seq} of a log is missing")
    return bytes(row[0])


def _peer_page(connection: sqlite3.Connection, query: ReadInbox) -> EventsPage:
    statement = _PEER_LATEST if query.after is None else _PEER_OLDEST
    events, more = _walk(connection, statement, (query.account, query.peer), query)
    return EventsPage(events, more, _seq(connection, _INBOX.first, query.account), b"")


def _walk(
    connection: sqlite3.Connection,
    statement: str,
    keys: tuple[int | None, ...],
    query: ReadEvents | ReadInbox,
) -> tuple[list[tuple[int, bytes]], bool]:
    """Return the page's events, oldest first, and whether the range holds more in the direction walked."""
    after = max(0 if query.after is None else query.after, _since(query) - 1)
    before = MAX_NUMBER if query.before is None else query.before
    # One row more than asked for tells whether there is more.
    cursor = connection.execute(statement, (*keys, after, before, query.limit + 1))
    events: list[tuple[int, bytes]] = []
    size, more = 0, False
    for seq, event in cursor:
        size += len(event)
        if len(events) == query.limit or (events and size > PAGE_BYTES):
            more = True
            break
        events.append((seq, event))
    # An unfinished statement would keep the transaction open.
    cursor.close()
    if query.after is None:
        events.reverse()
    return events, more


def _seq(connection: sqlite3.Connection, statement: str, key: int) -> int:
    row = connection.execute(statement, (key,)).fetchone()
    return row[0] if row else 0


def _names(
    connection: sqlite3.Connection, statement: str, keys: tuple[Any, ...], limit: int
) -> tuple[list[Any], bool]:
    rows = connection.execute(statement, (*keys, limit + 1)).fetchall()
    return rows[:limit], len(rows) > limit
