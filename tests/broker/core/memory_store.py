"""A store in memory: keeps the rows of each Changes, answers reads from them, and fails when it is told to."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from hubbub.broker.core.changes import (
    AccountRow,
    BanKey,
    BanRow,
    Changes,
    DeviceRow,
    InviteRow,
    LogHead,
    Membership,
    ProducerRow,
    Restraint,
    RoomRow,
    Snapshot,
)
from hubbub.broker.core.event_runs import taken_apart
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
from hubbub.broker.errors import StorageError
from hubbub.common.digest import EMPTY, extend
from hubbub.common.fields import LockdownLevel
from hubbub.common.limits import MAX_NUMBER
from hubbub.common.names import LOBBY as LOBBY_NAME
from hubbub.common.names import fold

LOBBY = b"L" * 16
EPOCH = b"E" * 16
LOBBY_NUMBER = 1

_Key = TypeVar("_Key")
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Entry:
    """An event of a log. `message` and `peer` are of an inbox's."""

    seq: int
    event: bytes
    digest: bytes
    message: int = 0
    peer: int = 0


@dataclass(slots=True)
class MemoryStore:
    """The committed rows, by their tables' keys."""

    accounts: dict[int, AccountRow] = field(default_factory=dict)
    rooms: dict[int, RoomRow] = field(
        default_factory=lambda: {
            LOBBY_NUMBER: RoomRow(LOBBY_NUMBER, LOBBY, LOBBY_NAME, fold(LOBBY_NAME), "", 0)
        }
    )
    members: dict[tuple[int, int], Membership] = field(default_factory=dict)
    events: dict[int, list[Entry]] = field(default_factory=dict)
    messages: dict[int, bytes] = field(default_factory=dict)
    inboxes: dict[int, list[Entry]] = field(default_factory=dict)
    markers: dict[tuple[int, int], int] = field(default_factory=dict)
    producers: dict[tuple[int, bytes], ProducerRow] = field(default_factory=dict)
    devices: dict[tuple[int, int], DeviceRow] = field(default_factory=dict)
    restraints: dict[tuple[int, int], Restraint] = field(default_factory=dict)
    invited: dict[tuple[int, int], bool] = field(default_factory=dict)
    bans: dict[BanKey, BanRow] = field(default_factory=dict)
    invites: dict[bytes, InviteRow] = field(default_factory=dict)
    lockdown: LockdownLevel = "normal"
    position: int = 0
    failing: bool = False

    def load(self) -> Snapshot:
        return Snapshot(
            epoch=EPOCH,
            position=self.position,
            accounts=list(self.accounts.values()),
            rooms=list(self.rooms.values()),
            room_heads=_heads(self.events),
            inbox_heads=_heads(self.inboxes),
            members=[(*key, *row) for key, row in sorted(self.members.items())],
            markers=self._markers_by_account(),
            producers=dict(self.producers),
            last_message=max(self.messages, default=0),
            devices=dict(self.devices),
            restraints=dict(self.restraints),
            invited=sorted(self.invited),
            bans=dict(self.bans),
            invites=dict(self.invites),
            lockdown=self.lockdown,
        )

    def _markers_by_account(self) -> dict[int, dict[int, int]]:
        markers: dict[int, dict[int, int]] = {}
        for (account, room), seq in self.markers.items():
            markers.setdefault(account, {})[room] = seq
        return markers

    def recover(self) -> Snapshot:
        self._check()
        return self.load()

    def close(self) -> None:
        pass

    def _check(self) -> None:
        if self.failing:
            raise StorageError("the disk is full")

    def commit(self, changes: Changes) -> None:
        self._check()
        self.accounts |= {row.account: row for row in changes.accounts}
        self.rooms |= {row.number: row for row in changes.rooms}
        self.messages |= dict(changes.messages)
        for run in changes.events:
            log = self.events.setdefault(run.room, [])
            digest = log[-1].digest if log else EMPTY
            for seq, event in enumerate(taken_apart(run.first, run.last, run.events), run.first):
                digest = extend(digest, event)
                log.append(Entry(seq, event, digest))
            assert (log[-1].seq, digest) == (run.last, run.digest)
        for account, seq, message, peer, digest in changes.inbox:
            entry = Entry(seq, self.messages[message], digest, message, peer)
            self.inboxes.setdefault(account, []).append(entry)
        _put(self.members, changes.members)
        _put(self.devices, changes.devices)
        _put(self.restraints, changes.restraints)
        _put(self.invited, changes.invited)
        _put(self.bans, changes.bans)
        _put(self.invites, changes.invites)
        _put(self.markers, changes.markers)
        _put(self.producers, changes.producers)
        self.lockdown = changes.lockdown or self.lockdown
        self.position = changes.position

    def read(self, query: Read) -> ReadResult:
        self._check()
        match query:
            case ReadEvents():
                return _page(self.events.get(query.room, []), query)
            case ReadInbox(peer=None):
                return _page(self.inboxes.get(query.account, []), query)
            case ReadInbox():
                inbox = self.inboxes.get(query.account, [])
                page = _page([entry for entry in inbox if entry.peer == query.peer], query)
                return EventsPage(page.events, page.more, inbox[0].seq if inbox else 0, b"")
            case ReadRooms():
                return self._rooms(query)
            case ReadMembers():
                return self._members(query)
            case ReadBans():
                return self._bans(query)

    def _rooms(self, query: ReadRooms) -> RoomsPage:
        listed = [
            row
            for row in self.rooms.values()
            if not row.private or (row.number, query.account) in self.members
        ]
        rows = sorted(listed, key=lambda row: row.fold)
        rows = rows[bisect_right([row.fold for row in rows], query.after) :]
        counts = {number: self._count(number) for number in self.rooms}
        shown = [
            ListedRoom(
                r.room,
                r.name,
                r.description,
                counts[r.number],
                r.private,
                r.read_only,
                r.since_joined,
                r.slow,
            )
            for r in rows[: query.limit]
        ]
        return RoomsPage(shown, len(rows) > query.limit)

    def _bans(self, query: ReadBans) -> BansPage:
        listed = [
            ListedBan(
                kind,
                self.accounts[int(subject)].name if kind == "account" else subject,
                row.reason,
                self.accounts[row.by].name if row.by else "",
                row.created,
                row.until,
            )
            for (kind, subject), row in self.bans.items()
            if not row.until or row.until > query.time
        ]
        behind = sorted(
            (f"{ban.kind} {ban.subject}", ban)
            for ban in listed
            if f"{ban.kind} {ban.subject}" > query.after
        )
        shown = [ban for _, ban in behind[: query.limit]]
        return BansPage(shown, self.lockdown, len(behind) > query.limit)

    def _count(self, room: int) -> int:
        if room == LOBBY_NUMBER:
            return sum(not row.released for row in self.accounts.values())
        return sum(number == room for number, _ in self.members)

    def _members(self, query: ReadMembers) -> MembersPage:
        numbers = [account for room, account in self.members if room == query.room]
        rows = [self.accounts[n] for n in (self.accounts if query.room is None else numbers)]
        behind = sorted(
            (fold(r.name), r.account) for r in rows if fold(r.name) > query.after and not r.released
        )
        shown = [(n, self.accounts[n].name) for _, n in behind[: query.limit]]
        return MembersPage(shown, len(behind) > query.limit)


def _put(rows: dict[_Key, _Row], changes: Mapping[_Key, _Row | None]) -> None:
    for key, row in changes.items():
        if row is None:
            rows.pop(key, None)
        else:
            rows[key] = row


def _heads(logs: dict[int, list[Entry]]) -> dict[int, LogHead]:
    return {number: LogHead(log[-1].seq, log[-1].digest) for number, log in logs.items() if log}


def _page(log: list[Entry], query: ReadEvents | ReadInbox) -> EventsPage:
    since = query.since if isinstance(query, ReadEvents) else 1
    after = max(0 if query.after is None else query.after, since - 1)
    before = MAX_NUMBER if query.before is None else query.before
    span = [entry for entry in log if after < entry.seq < before]
    shown = span[-query.limit :] if query.after is None else span[: query.limit]
    last = log[-1].seq if log else 0
    known = shown[0].seq - 1 if shown else last if query.after is None else min(after, last)
    return EventsPage(
        [(entry.seq, entry.event) for entry in shown],
        len(span) > query.limit,
        max(log[0].seq, since) if log else 0,
        next((entry.digest for entry in log if entry.seq == known), EMPTY),
    )
