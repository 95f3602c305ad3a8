"""Queries that the store's reader answers, and their results. They see what is committed and nothing else."""

from dataclasses import dataclass
from typing import NamedTuple

from hubbub.common.fields import BanKind, LockdownLevel


@dataclass(frozen=True, slots=True)
class ReadEvents:
    """A page of a room's events: `after` < seq < `before`, both exclusive and optional, and none before `since`, the first that whoever asks may read.

    Without `after` the page is the latest `limit` events of the range, else the oldest; either way it is given oldest first.
    """

    room: int
    before: int | None
    after: int | None
    limit: int
    since: int = 1


@dataclass(frozen=True, slots=True)
class ReadInbox:
    """The same for an account's inbox; with `peer` (an account) only what was exchanged with that one, and no digest."""

    account: int
    peer: int | None
    before: int | None
    after: int | None
    limit: int


@dataclass(frozen=True, slots=True)
class ReadRooms:
    """Rooms by folded name, those behind `after` (folded, exclusive; empty: from the start), the private ones only if `account` is a member."""

    after: str
    limit: int
    account: int


@dataclass(frozen=True, slots=True)
class ReadMembers:
    """Members of a room by folded name; room None: every account (the lobby)."""

    room: int | None
    after: str
    limit: int


@dataclass(frozen=True, slots=True)
class ReadBans:
    """Bans that hold at a time (Unix milliseconds), by kind and what is shown of the subject, those behind `after` ("KIND SUBJECT", exclusive)."""

    after: str
    limit: int
    time: int


@dataclass(frozen=True, slots=True)
class EventsPage:
    """(seq, event) oldest first; at most `limit` of them and 240 KiB of events, but at least one if there is any.

    `more`: the range holds more in the direction walked. `first`: the oldest seq that the log has and that may be read (0: none). `before`: the digest before the page's first
    event, or, of an empty page, before the event that would come next after `after` (without `after`: of the whole log); empty with `peer`.
    """

    events: list[tuple[int, bytes]]
    more: bool
    first: int
    before: bytes


class ListedRoom(NamedTuple):
    """A room as lists show it; the lobby's `members` counts all accounts."""

    room: bytes
    name: str
    description: str
    members: int
    private: bool = False
    read_only: bool = False
    since_joined: bool = False
    slow: int = 0


@dataclass(frozen=True, slots=True)
class RoomsPage:
    """Rooms as asked for."""

    rooms: list[ListedRoom]
    more: bool


@dataclass(frozen=True, slots=True)
class MembersPage:
    """(account, name)."""

    members: list[tuple[int, str]]
    more: bool


class ListedBan(NamedTuple):
    """A ban as lists show it: an account by its name, `by` empty if it is the operator's."""

    kind: BanKind
    subject: str
    reason: str
    by: str
    created: int
    until: int


@dataclass(frozen=True, slots=True)
class BansPage:
    """Bans as asked for, and how far the chat is locked down."""

    bans: list[ListedBan]
    lockdown: LockdownLevel
    more: bool


Read = ReadEvents | ReadInbox | ReadRooms | ReadMembers | ReadBans
ReadResult = EventsPage | RoomsPage | MembersPage | BansPage
