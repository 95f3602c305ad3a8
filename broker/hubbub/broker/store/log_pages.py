"""Pages of logs: of a room, whose events lie in runs, and of an inbox, where each is a row of its own.

A page begins and ends where it was asked to, also inside a run; the digest before it is computed from that of the run before. Rows are fetched one by one and
no more of them than the page needs: the GIL that sqlite3 gives up at each row is won back at once while the step is short. A page of 1,000 events in one
aggregated row took three times as long alone and 6 to 11 ms beside a busy thread, against 0.8 ms. A run of 64 KiB is as large as that allows.
"""

import sqlite3
from collections.abc import Generator
from contextlib import closing
from typing import Final

from hubbub.broker.core.event_runs import taken_apart
from hubbub.broker.core.reads import EventsPage, ReadEvents, ReadInbox
from hubbub.common.digest import EMPTY, extend
from hubbub.common.limits import KIB, MAX_NUMBER

PAGE_BYTES: Final = 240 * KIB
"""Bytes of events in one page: leaves 16 KiB of a frame for what goes around them."""

_Events = Generator[tuple[int, bytes], None, None]
"""(seq, event), oldest or latest first, read as they are taken. To be closed: a statement that is not finished keeps the transaction open."""

# The runs that hold an event of the range. The last of them ends with it or is the first to end behind it, so that no more of the index is looked at.
_RUNS: Final = """
    SELECT first, last, events FROM events WHERE room = :room AND last > :after AND first < :before AND
        last <= coalesce((SELECT min(last) FROM events WHERE room = :room AND last >= :before - 1), :before)
    ORDER BY last
"""
_RUNS_BACKWARDS: Final = f"{_RUNS} DESC"
_ROOM_FIRST: Final = "SELECT first FROM events WHERE room = ? ORDER BY last LIMIT 1"
_ROOM_LAST: Final = "SELECT last FROM events WHERE room = ? ORDER BY last DESC LIMIT 1"
# The events themselves, which may be long, only where they are to be hashed.
_ROOM_DIGEST: Final = """
    SELECT first, last, digest, CASE WHEN last > :seq THEN events END,
        (SELECT digest FROM events WHERE room = :room AND last = run.first - 1)
    FROM events AS run WHERE room = :room AND last >= :seq ORDER BY last LIMIT 1
"""
_ENTRIES: Final = """
    SELECT seq, event FROM inbox JOIN messages USING (message)
    WHERE account = :account AND seq > :after AND seq < :before ORDER BY seq
"""
_ENTRIES_BACKWARDS: Final = f"{_ENTRIES} DESC"
_PEER: Final = """
    SELECT seq, event FROM inbox JOIN messages USING (message)
    WHERE account = :account AND peer = :peer AND seq > :after AND seq < :before ORDER BY seq
"""
_PEER_BACKWARDS: Final = f"{_PEER} DESC"
_INBOX_FIRST: Final = "SELECT seq FROM inbox WHERE account = ? ORDER BY seq LIMIT 1"
_INBOX_LAST: Final = "SELECT seq FROM inbox WHERE account = ? ORDER BY seq DESC LIMIT 1"
_INBOX_DIGEST: Final = "SELECT digest FROM inbox WHERE account = ? AND seq = ?"


def of_room(connection: sqlite3.Connection, query: ReadEvents) -> EventsPage:
    """Return a page of a room's log. Raises ValueError if rows are damaged."""
    events, more = _cut(_room_events(connection, query), query)
    known = _known(events, query, _seq(connection, _ROOM_LAST, query.room))
    before = _room_digest(connection, query.room, known) if known else EMPTY
    first = _seq(connection, _ROOM_FIRST, query.room)
    return EventsPage(events, more, max(first, query.since) if first else 0, before)


def of_inbox(connection: sqlite3.Connection, query: ReadInbox) -> EventsPage:
    """Return a page of an account's inbox. Raises ValueError if rows are damaged."""
    events, more = _cut(_inbox_events(connection, query), query)
    known = _known(events, query, _seq(connection, _INBOX_LAST, query.account))
    before = _inbox_digest(connection, query.account, known) if known else EMPTY
    return EventsPage(events, more, _seq(connection, _INBOX_FIRST, query.account), before)


def of_peer(connection: sqlite3.Connection, query: ReadInbox) -> EventsPage:
    """Return a page of what an account and its peer told each other."""
    events, more = _cut(_inbox_events(connection, query), query)
    return EventsPage(events, more, _seq(connection, _INBOX_FIRST, query.account), b"")


def _cut(found: _Events, query: ReadEvents | ReadInbox) -> tuple[list[tuple[int, bytes]], bool]:
    """Return the page's events, oldest first, and whether the range holds more in the direction walked."""
    events: list[tuple[int, bytes]] = []
    size, more = 0, False
    with closing(found):
        for seq, event in found:
            size += len(event)
            if len(events) == query.limit or (events and size > PAGE_BYTES):
                more = True
                break
            events.append((seq, event))
    if query.after is None:
        events.reverse()
    return events, more


def _known(events: list[tuple[int, bytes]], query: ReadEvents | ReadInbox, last: int) -> int:
    """Return the seq up to which a reader of this page must know the log."""
    if events:
        return events[0][0] - 1
    return last if query.after is None else min(query.after, last)


def _room_events(connection: sqlite3.Connection, query: ReadEvents) -> _Events:
    after = max(query.after or 0, query.since - 1)
    before = MAX_NUMBER if query.before is None else query.before
    backwards = query.after is None
    statement = _RUNS_BACKWARDS if backwards else _RUNS
    keys = {"room": query.room, "after": after, "before": before}
    with closing(connection.execute(statement, keys)) as runs:
        for first, last, stored in runs:
            if first == last:  # a page of such took twice as long the other way
                yield last, stored
                continue
            skipped = max(after + 1 - first, 0)
            asked = taken_apart(first, last, stored)[skipped : before - first]
            run = list(enumerate(asked, first + skipped))
            yield from reversed(run) if backwards else run


def _room_digest(connection: sqlite3.Connection, room: int, seq: int) -> bytes:
    """Return the digest of a room's log after its event `seq`."""
    row = connection.execute(_ROOM_DIGEST, {"room": room, "seq": seq}).fetchone()
    if row is None or row[0] > seq:
        raise ValueError(f"event {seq} of a log is missing")
    first, last, digest, events, before = row
    if last == seq:
        return bytes(digest)
    if first == 1:
        before = EMPTY
    elif before is None:
        raise ValueError(f"event {first - 1} of a log is missing")
    return extend(before, *taken_apart(first, last, events)[: seq + 1 - first])


def _inbox_events(connection: sqlite3.Connection, query: ReadInbox) -> _Events:
    backwards = query.after is None
    if query.peer is None:
        statement = _ENTRIES_BACKWARDS if backwards else _ENTRIES
    else:
        statement = _PEER_BACKWARDS if backwards else _PEER
    keys = {
        "account": query.account,
        "peer": query.peer,
        "after": query.after or 0,
        "before": MAX_NUMBER if query.before is None else query.before,
    }
    with closing(connection.execute(statement, keys)) as rows:
        yield from rows


def _inbox_digest(connection: sqlite3.Connection, account: int, seq: int) -> bytes:
    row = connection.execute(_INBOX_DIGEST, (account, seq)).fetchone()
    if row is None:
        raise ValueError(f"event {seq} of a log is missing")
    return bytes(row[0])


def _seq(connection: sqlite3.Connection, statement: str, key: int) -> int:
    row = connection.execute(statement, (key,)).fetchone()
    return row[0] if row else 0
