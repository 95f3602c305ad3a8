"""What is checked of the database whenever the state is loaded: as much as costs nothing at a million messages.

Each log's last event is proved by its digest, the heads are summed, what refers to people and rooms must find them, and what lets somebody in or keeps
somebody out must be what it can be. `audit` reads every row.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from hubbub.broker.core.changes import INBOX, LogHead, Snapshot
from hubbub.broker.core.event_runs import taken_apart
from hubbub.broker.store.rows import LEVELS, is_key, is_subject
from hubbub.common.digest import EMPTY, extend
from hubbub.common.limits import DIGEST_BYTES, EPOCH_BYTES

# One look into an index for each log. Of the last row and the one before it: the digest of this one and the bytes of that one.
_LAST_RUN: Final = """
    SELECT first, events, (SELECT digest FROM events WHERE room = :log AND last = run.first - 1)
    FROM events AS run WHERE room = :log AND last = :seq
"""
_LAST_ENTRY: Final = """
    SELECT event, (SELECT digest FROM inbox WHERE account = :log AND seq = :seq - 1)
    FROM inbox LEFT JOIN messages USING (message) WHERE account = :log AND seq = :seq
"""

_SMALL: Final = (
    "meta",
    "accounts",
    "devices",
    "rooms",
    "members",
    "restraints",
    "invited",
    "bans",
    "invites",
    "markers",
    "producers",
)
"""All that is read as a whole whenever the state is loaded."""


def check_tables(connection: sqlite3.Connection) -> None:
    """Raise ValueError if SQLite finds other things in the small tables than what may be there, sqlite3.Error if it cannot read them."""
    for table in _SMALL:
        [verdict] = connection.execute(f"PRAGMA quick_check('{table}')").fetchall()[0]
        if verdict != "ok":
            raise ValueError(verdict)


def check_state(connection: sqlite3.Connection, state: Snapshot) -> None:
    """Raise ValueError that names what is wrong, if anything is. Inside the transaction in which the state was read."""
    if len(state.epoch) != EPOCH_BYTES:
        raise ValueError("the log has no epoch")
    rooms = _numbers("room", [row.number for row in state.rooms])
    people = _numbers("account", [row.account for row in state.accounts])
    for room, account, _, _ in state.members:
        if room not in rooms or account not in people:
            raise ValueError(f"a member refers to room {room} or account {account}: there is none")
    for account, markers in state.markers.items():
        for room in markers.keys() - rooms - {INBOX} if account in people else markers:
            raise ValueError(f"a marker refers to room {room} or account {account}: there is none")
    if foreign := {account for account, _ in state.producers} - people:
        raise ValueError(f"a producer refers to account {min(foreign)}: there is none")
    for room, account in (*state.restraints, *state.invited):
        if room not in rooms or account not in people:
            raise ValueError(
                f"a restraint or an invitation refers to room {room} or account {account}: there is none"
            )
    _check_rights(state, people)
    events, entries = connection.execute("SELECT events, entries FROM meta").fetchone()
    _check_total("events of rooms", state.room_heads, events)
    for room, head in state.room_heads.items():
        asked = {"log": room, "seq": head.seq}
        [(first, run, before)] = connection.execute(_LAST_RUN, asked).fetchall()
        _check_head(f"room {room}", head, first, taken_apart(first, head.seq, run), before)
    _check_total("entries of inboxes", state.inbox_heads, entries)
    for account, head in state.inbox_heads.items():
        asked = {"log": account, "seq": head.seq}
        [(event, before)] = connection.execute(_LAST_ENTRY, asked).fetchall()
        entry = [] if event is None else [event]
        _check_head(f"the inbox of account {account}", head, head.seq, entry, before)


def _check_rights(state: Snapshot, people: set[int]) -> None:
    """Check what lets somebody in, and what keeps somebody out: the broker would stumble over it when they come."""
    released = {row.account for row in state.accounts if row.released}
    seen: set[tuple[int, str]] = set()
    for (account, number), device in state.devices.items():
        if account not in people:
            raise ValueError(f"a device refers to account {account}: there is none")
        if account in released:
            raise ValueError(f"account {account} was released and has a device")
        if not is_key(device.key) or (account, device.key) in seen:
            raise ValueError(f"device {number} of account {account} has no key of its own")
        seen.add((account, device.key))
    for (kind, subject), ban in state.bans.items():
        if not is_subject(kind, subject, people):
            raise ValueError(f"a ban of kind {kind} is of nobody: {subject}")
        if ban.by not in people | {0}:
            raise ValueError(f"a ban is by account {ban.by}: there is none")
    if foreign := {invite.by for invite in state.invites.values()} - people - {0}:
        raise ValueError(f"an invite is by account {min(foreign)}: there is none")
    if foreign := {room.creator for room in state.rooms} - people - {0}:
        raise ValueError(f"a room was made by account {min(foreign)}: there is none")
    if sum(room.audit for room in state.rooms) > 1:
        raise ValueError("there are several audit rooms")
    if state.lockdown not in LEVELS:
        raise ValueError(f"there is no lockdown called {state.lockdown}")


def _numbers(what: str, numbers: Iterable[int]) -> set[int]:
    """Return the numbers, which must be 1, 2, 3 …: the next one is given by counting."""
    found = set(numbers)
    if what == "room" and not found:
        raise ValueError("there is no lobby")
    for number in range(1, len(found) + 1):
        if number not in found:
            raise ValueError(f"{what} {number} is missing")
    return found


def _check_total(what: str, heads: Mapping[int, LogHead], total: int) -> None:
    if (found := sum(head.seq for head in heads.values())) != total:
        raise ValueError(f"there were {total} {what}, and the logs end at {found} in all")


def _check_head(
    log: str, head: LogHead, first: int, events: Sequence[bytes], before: bytes | None
) -> None:
    """Prove the last row of a log, events from `first` to the head, by the digest before it."""
    if first == 1:
        before = EMPTY
    if before is None:
        raise ValueError(f"of {log} event {first - 1} is missing")
    if len(before) != DIGEST_BYTES or extend(before, *events) != head.digest:
        raise ValueError(f"of {log} the last event, seq {head.seq}, is not right")
