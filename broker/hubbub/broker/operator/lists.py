"""What the operator is shown: people, rooms, invites and bans as the core has them, a page at a time, and how the broker is. Pure.

The core's state may be a commit ahead of the disk; accounts and rooms whose commit has not returned are left out.
"""

from heapq import nsmallest
from typing import NamedTuple, TypeVar

from hubbub.broker.core.bans import account_ban, holding
from hubbub.broker.core.changes import BanKey, BanRow, InviteRow
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context
from hubbub.broker.core.permissions import shown
from hubbub.broker.core.reads import EventsPage
from hubbub.broker.core.roles import ROLE_NAMES
from hubbub.broker.core.state import Account, Device, Room, State
from hubbub.broker.operator import requests as r
from hubbub.common.codec import decode_event
from hubbub.common.errors import Code
from hubbub.common.events import Audited
from hubbub.common.fingerprint import fingerprint
from hubbub.common.replies import BanInfo, Error

_T = TypeVar("_T", Account, Room)


class Traffic(NamedTuple):
    """What the sockets count: connections now; and since the start those shut because there were too many, and handshakes that failed."""

    connections: int
    turned_away: int
    refused: int


class Process(NamedTuple):
    """The broker's process: its id, and bytes: its memory (0: unknown), and what waits because senders are over their budgets."""

    number: int
    memory: int
    held: int


def users(context: Context, request: r.ListUsers, now: Now) -> r.Users:
    """Return a page of accounts."""
    accounts, after = _page(context.state.accounts, request.after)
    rows = [
        _user(context, account, now)
        for account in accounts
        if account.committed and not account.released
    ]
    return r.Users(request.id, rows, after)


def user(context: Context, request: r.ShowUser, now: Now) -> r.UserShown | Error:
    """Return the account of a name, with its devices and its rooms."""
    state = context.state
    account = state.account_named(request.name)
    if account is None or not account.committed:
        text = f"nobody here is called {request.name!r}"
        return Error(id=request.id, code=Code.UNKNOWN_USER, text=text)
    online = {session.peer.key for session in context.sessions.of(account.number)}
    return r.UserShown(
        id=request.id,
        user=_user(context, account, now),
        devices=[_device(device, online) for device in account.devices.values()],
        rooms=[room.name for room in _rooms_of(state, account)],
    )


def _rooms_of(state: State, account: Account) -> list[Room]:
    return [state.lobby, *(state.rooms[number] for number in sorted(account.rooms))]


def _user(context: Context, account: Account, now: Now) -> r.User:
    state = context.state
    ban = account_ban(state, account.number, now.wall)
    return r.User(
        name=account.name,
        created=account.created,
        used=max((device.used for device in account.devices.values()), default=0),
        devices=len(account.devices),
        role=ROLE_NAMES[account.role],
        online=account.number in context.roster,
        is_bot=account.is_bot,
        has_password=bool(account.password),
        invited=account.invited,
        banned=ban is not None,
        banned_until=ban.until if ban else 0,
        muted=[
            room.name
            for room in _rooms_of(state, account)
            if room.restraint(account.number).muted > now.wall
        ],
    )


def _device(device: Device, online: set[str]) -> r.UserDevice:
    return r.UserDevice(
        device=device.number,
        key=device.key,
        fingerprint=fingerprint(bytes.fromhex(device.key)),
        added=device.added,
        used=device.used,
        label=device.label,
        online=device.key in online,
    )


def rooms(context: Context, request: r.ListRooms, now: Now) -> r.Rooms:
    """Return a page of rooms."""
    state = context.state
    page, after = _page(state.rooms, request.after)
    return r.Rooms(request.id, [_room(state, room) for room in page if _is_there(room)], after)


def room(context: Context, request: r.FindRoom, now: Now) -> r.RoomFound | Error:
    """Return the id of the room of a name."""
    room = context.state.room_named(request.name)
    if room is None or not _is_there(room):
        text = f"there is no room {request.name!r}"
        return Error(id=request.id, code=Code.UNKNOWN_ROOM, text=text)
    return r.RoomFound(request.id, room.log.id)


def _is_there(room: Room) -> bool:
    """Whether the commit that made it has returned."""
    return room.everybody or room.log.published.seq > 0


def _room(state: State, room: Room) -> r.Room:
    return r.Room(
        room=room.log.id,
        name=room.name,
        created=room.created,
        members=state.names if room.everybody else len(room.members),
        events=room.log.published.seq,
        description=room.description,
        private=room.private,
        read_only=room.read_only,
        history=shown(since_joined=room.since_joined),
        slow=room.slow,
        audit=room.audit,
    )


def _page(numbered: dict[int, _T], after: int) -> tuple[list[_T], int]:
    """Return those behind a number, and the number to go on behind, 0: none is left. Numbers are given in order, 1, 2, 3 …, and never taken back."""
    last = min(after + r.PAGE_ROWS, len(numbered))
    page = [numbered[number] for number in range(after + 1, last + 1)]
    return page, last if last < len(numbered) else 0


def invites(context: Context, request: r.ListInvites, now: Now) -> r.Invites:
    """Return a page of the invites that let somebody in still."""
    state = context.state
    good = (
        code
        for code, invite in state.invites.items()
        if code > request.after and _is_good(invite, now)
    )
    page = nsmallest(r.PAGE_ROWS, good)
    rows = [_invite(state, state.invites[code]) for code in page]
    return r.Invites(request.id, rows, page[-1] if len(page) == r.PAGE_ROWS else b"")


def _is_good(invite: InviteRow, now: Now) -> bool:
    return invite.uses > 0 and invite.expires > now.wall


def _invite(state: State, invite: InviteRow) -> r.Invite:
    by = _name(state, invite.by)
    return r.Invite(uses=invite.uses, created=invite.created, expires=invite.expires, by=by)


def bans(context: Context, request: r.ListBans, now: Now) -> r.Bans:
    """Return a page of the bans that hold."""
    state = context.state
    held = (
        key
        for key, ban in state.bans.items()
        if (request.after is None or key > request.after) and holding(ban, now.wall)
    )
    page = nsmallest(r.PAGE_ROWS, held)
    rows = [_ban(state, key, state.bans[key]) for key in page]
    return r.Bans(request.id, rows, page[-1] if len(page) == r.PAGE_ROWS else None)


def _ban(state: State, key: BanKey, ban: BanRow) -> BanInfo:
    kind, subject = key
    if kind == "account":
        subject = _name(state, int(subject))
    return BanInfo(
        kind=kind,
        subject=subject,
        created=ban.created,
        by=_name(state, ban.by),
        until=ban.until,
        reason=ban.reason,
    )


def _name(state: State, account: int) -> str:
    """Return whose name it is; empty for 0, the operator."""
    return state.accounts[account].name if account else ""


def audit(request: r.ReadAudit, page: EventsPage) -> r.Audit:
    """Return what the audit room's log says on this page. An event that it has at its beginning, that it was made, is left out."""
    entries = []
    for seq, event in page.events:
        said = decode_event(event)
        if isinstance(said, Audited):
            entry = r.Entry(
                seq=seq,
                time=said.time,
                action=said.action,
                subject=said.subject,
                by=said.by,
                room=said.room,
                reason=said.reason,
                until=said.until,
                detail=said.detail,
            )
            entries.append(entry)
    first, last = (page.events[0][0], page.events[-1][0]) if page.events else (0, 0)
    return r.Audit(request.id, entries, first, last, page.more)


def stats(
    context: Context, request: r.ReadStats, now: Now, process: Process, traffic: Traffic
) -> r.Stats:
    """Return how the broker is."""
    state, settings = context.state, context.settings
    return r.Stats(
        id=request.id,
        software=settings.software,
        broker=settings.broker_name,
        process=process.number,
        uptime=now.monotonic - context.started,
        memory=process.memory,
        connections=traffic.connections,
        sessions=context.sessions.live,
        online=len(context.roster),
        users=state.names,
        rooms=len(state.rooms),
        events=sum(room.log.published.seq for room in state.rooms.values()),
        private_messages=state.last_message,
        records=state.position,
        waiting_records=context.gathered_records,
        waiting_bytes=context.gathered_bytes,
        waiting_pages=len(context.reads),
        held_bytes=process.held,
        slowed_down=context.slowed_down,
        flooded=context.flooded,
        turned_away=traffic.turned_away,
        handshakes_refused=traffic.refused,
        storage_failed=context.storage_failed,
        registration=settings.registration,
        lockdown=state.lockdown,
        bans=sum(holding(ban, now.wall) is not None for ban in state.bans.values()),
        invites=sum(_is_good(invite, now) for invite in state.invites.values()),
    )
