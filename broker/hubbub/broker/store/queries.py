"""What the reader answers, and the whole state as the core loads it. Pages of logs: `log_pages`."""

import sqlite3
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
from hubbub.broker.store import log_pages

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
    SELECT number, last, digest FROM rooms CROSS JOIN events
    ON events.room = number AND last = (SELECT max(last) FROM events WHERE room = number)
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
            return log_pages.of_room(connection, query)
        case ReadInbox(peer=None):
            return log_pages.of_inbox(connection, query)
        case ReadInbox():
            return log_pages.of_peer(connection, query)
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


def _listed(row: tuple[Any, ...]) -> ListedRoom:
    room, name, description, members, private, read_only, since_joined, slow = row
    flags = bool(private), bool(read_only), bool(since_joined)
    return ListedRoom(room, name, description, members, *flags, slow)


def _names(
    connection: sqlite3.Connection, statement: str, keys: tuple[Any, ...], limit: int
) -> tuple[list[Any], bool]:
    rows = connection.execute(statement, (*keys, limit + 1)).fetchall()
    return rows[:limit], len(rows) > limit
