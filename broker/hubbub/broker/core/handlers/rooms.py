"""Rooms: making, joining and leaving them, lists of them and of who is in them."""

from typing import Final

from hubbub.broker.core.auditing import AUDIT_NAME
from hubbub.broker.core.batch import Batch
from hubbub.broker.core.changes import RoomRow
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context, refuse
from hubbub.broker.core.effects import Effect
from hubbub.broker.core.handlers.reading import fetch
from hubbub.broker.core.limits import Limits
from hubbub.broker.core.memberships import (
    become_member,
    end_membership,
    hindrance,
    too_many_rooms,
)
from hubbub.broker.core.naming import check_line
from hubbub.broker.core.permissions import NOT_MEMBER, Power, may_in, readable
from hubbub.broker.core.reads import ReadMembers, ReadRooms
from hubbub.broker.core.records import Refusal
from hubbub.broker.core.roles import Role
from hubbub.broker.core.sessions import Session
from hubbub.broker.core.state import Account, State
from hubbub.common.codec import encode
from hubbub.common.commands import Create, Join, Leave, Members, Rooms
from hubbub.common.errors import Code, InvalidName
from hubbub.common.events import MemberJoined, RoomCreated
from hubbub.common.limits import DESCRIPTION_BYTES, PAGE_ITEMS
from hubbub.common.names import canonical, fold

ROOMS_A_PAGE: Final = 256
"""With descriptions at their bound: 160 KiB, a frame's worth."""


def check_create(command: Create) -> Refusal | None:
    """Refuse a name or a description that no room can have, and the audit room's name."""
    if refusal := check_line("a description", command.description, DESCRIPTION_BYTES):
        return refusal
    if fold(command.name) == AUDIT_NAME:
        return Refusal(Code.BAD_NAME, f"{AUDIT_NAME} is the broker's own room; choose another name")
    return _check_name(command.name)


def _check_name(name: str) -> Refusal | None:
    try:
        canonical(name)
    except InvalidName as error:
        return Refusal(Code.BAD_NAME, str(error))
    return None


def check_join(command: Join) -> Refusal | None:
    """Refuse a name that no room can have."""
    return _check_name(command.name)


def check_leave(command: Leave) -> Refusal | None:
    """Refuse nothing: whether one may leave depends on the room."""
    return None


def apply_create(
    state: State, batch: Batch, account: Account, command: Create, time: int
) -> tuple[bytes, int] | Refusal:
    """Make a room; its creator is its first member and owner, by the same event."""
    name = canonical(command.name)
    if refusal := _cannot_make(state, account, name, batch.limits):
        return refusal
    number = len(state.rooms) + 1
    row = RoomRow(
        number,
        state.new_room_id(number),
        name,
        fold(name),
        command.description,
        time,
        private=command.private,
        read_only=command.read_only,
        since_joined=command.history == "since_joined",
        creator=account.number,
    )
    room = state.add_room(row)
    batch.changes.rooms.append(row)
    event = RoomCreated(
        seq=1, time=time, name=name, description=command.description, by=account.name
    )
    return room.log.id, become_member(batch, account, room, encode(event), Role.OWNER)


def _cannot_make(state: State, account: Account, name: str, limits: Limits) -> Refusal | None:
    existing = state.room_named(name)
    if existing is not None:
        else_ = "choose another name" if existing.private else "join it"
        text = f"there is a room called {existing.name} already; {else_}"
        return Refusal(Code.ROOM_EXISTS, text)
    most = limits.rooms_made_per_account
    if state.rooms_made.get(account.number, 0) >= most:
        return Refusal(Code.TOO_MANY_ROOMS, f"one can make {most} rooms, and you have")
    return too_many_rooms(account, limits)


def apply_join(
    state: State, batch: Batch, account: Account, command: Join, time: int
) -> tuple[bytes, int] | Refusal:
    """Become a member; for one who is, nothing happens and the outcome names the room's head. A private room is not there for those who are not invited."""
    room = state.room_named(command.name)
    if room is not None and room.holds(account.number):
        return room.log.id, room.log.seq
    if room is None or (room.private and account.number not in room.invited):
        text = f"there is no room called {canonical(command.name)}; create it"
        return Refusal(Code.UNKNOWN_ROOM, text)
    if refusal := hindrance(account, room, batch.limits, time):
        return refusal
    event = MemberJoined(seq=room.log.seq + 1, time=time, name=account.name)
    return room.log.id, become_member(batch, account, room, encode(event))


def apply_leave(
    state: State, batch: Batch, account: Account, command: Leave, time: int
) -> tuple[bytes, int] | Refusal:
    """End a membership. The last owner may go, too: whoever runs the chat can give the room another one."""
    room = state.room_by_id.get(command.room)
    if room is None:
        return NOT_MEMBER
    if room.everybody:
        return Refusal(Code.LOBBY_IS_FOR_ALL, f"the {room.name} holds everybody; it cannot be left")
    if refusal := may_in(account, Power.LEAVE, room, time):
        return refusal
    return room.log.id, end_membership(batch, account, room, time)


def list_rooms(context: Context, session: Session, command: Rooms, now: Now) -> list[Effect]:
    """Begin reading a page of the rooms."""
    assert session.account is not None, "rooms is legal in a live session only"
    query = ReadRooms(fold(command.after), ROOMS_A_PAGE, session.account.number)
    return fetch(context, session, command, query)


def list_members(context: Context, session: Session, command: Members, now: Now) -> list[Effect]:
    """Begin reading a page of a room's members, for a member."""
    assert session.account is not None, "members is legal in a live session only"
    room = readable(context.state, session.account, command.room, now.wall)
    if isinstance(room, Refusal):
        return refuse(session, command, room.code, room.text)
    number = None if room.everybody else room.number
    return fetch(context, session, command, ReadMembers(number, fold(command.after), PAGE_ITEMS))
