"""Rooms and memberships."""

import unicodedata

from hubbub.broker.core.batch import Batch, MembershipChanged
from hubbub.broker.core.changes import Membership, RoomRow
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context, refuse
from hubbub.broker.core.effects import Effect
from hubbub.broker.core.handlers.reading import fetch
from hubbub.broker.core.limits import Limits
from hubbub.broker.core.reads import ReadMembers, ReadRooms
from hubbub.broker.core.records import Refusal
from hubbub.broker.core.roles import Role
from hubbub.broker.core.sessions import Session
from hubbub.broker.core.state import Account, Room, State
from hubbub.common.codec import encode
from hubbub.common.commands import Create, Join, Leave, Members, Rooms
from hubbub.common.errors import Code, InvalidName
from hubbub.common.events import MemberJoined, MemberLeft, RoomCreated
from hubbub.common.limits import DESCRIPTION_BYTES, PAGE_ITEMS
from hubbub.common.names import canonical, fold

ROOMS_A_PAGE = 256
"""With descriptions at their bound: 160 KiB, a frame's worth."""


_BREAKS = frozenset({"Cc", "Zl", "Zp"})


def check_create(command: Create) -> Refusal | None:
    """Refuse a name or a description that no room can have."""
    if len(command.description.encode()) > DESCRIPTION_BYTES:
        return Refusal(
            Code.TOO_LARGE, f"a description has at most {DESCRIPTION_BYTES} bytes of UTF-8"
        )
    if any(unicodedata.category(character) in _BREAKS for character in command.description):
        return Refusal(Code.BAD_TEXT, "a description is one line without control characters")
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
    """Make a room; its creator is its first member, by the same event."""
    name = canonical(command.name)
    existing = state.room_named(name)
    if existing is not None:
        return Refusal(Code.ROOM_EXISTS, f"there is a room called {existing.name} already; join it")
    if len(account.rooms) >= batch.limits.rooms_per_account:
        return _too_many_rooms(batch.limits)
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
    )
    room = state.add_room(row)
    batch.changes.rooms.append(row)
    event = RoomCreated(
        seq=1, time=time, name=name, description=command.description, by=account.name
    )
    return become_member(batch, account, room, encode(event), Role.OWNER)


def _too_many_rooms(limits: Limits) -> Refusal:
    most = limits.rooms_per_account
    return Refusal(Code.TOO_MANY_ROOMS, f"one can be a member of {most} rooms; leave one first")


def become_member(
    batch: Batch, account: Account, room: Room, event: bytes, role: Role = Role.MEMBER
) -> tuple[bytes, int]:
    """Make an account a member by this event; return the room's id and the event's seq."""
    seq = batch.append_event(room, event)
    room.members[account.number] = seq
    if role > Role.MEMBER:
        room.roles[account.number] = role
    account.rooms.add(room.number)
    batch.changes.members[room.number, account.number] = Membership(seq, role)
    batch.changes.markers[account.number, room.number] = seq
    batch.memberships.append(MembershipChanged(account, room, joined=True))
    return room.log.id, seq


def apply_join(
    state: State, batch: Batch, account: Account, command: Join, time: int
) -> tuple[bytes, int] | Refusal:
    """Become a member; for one who is, nothing happens and the outcome names the room's head."""
    room = state.room_named(command.name)
    if room is None:
        return Refusal(
            Code.UNKNOWN_ROOM, f"there is no room called {canonical(command.name)}; create it"
        )
    if room.holds(account.number):
        return room.log.id, room.log.seq
    if len(account.rooms) >= batch.limits.rooms_per_account:
        return _too_many_rooms(batch.limits)
    event = MemberJoined(seq=room.log.seq + 1, time=time, name=account.name)
    return become_member(batch, account, room, encode(event))


def apply_leave(
    state: State, batch: Batch, account: Account, command: Leave, time: int
) -> tuple[bytes, int] | Refusal:
    """End a membership."""
    room = state.room_by_id.get(command.room)
    if room is not None and room.everybody:
        return Refusal(Code.LOBBY_IS_FOR_ALL, f"the {room.name} holds everybody; it cannot be left")
    if room is None or not room.holds(account.number):
        return Refusal(Code.NOT_MEMBER, "you are not a member of that room")
    return room.log.id, end_membership(batch, account, room, time)


def end_membership(
    batch: Batch, account: Account, room: Room, time: int, by: str = "", reason: str = ""
) -> int:
    """Make a member one no longer, put out by somebody or of their own will; return the event's seq."""
    event = MemberLeft(seq=room.log.seq + 1, time=time, name=account.name, by=by, reason=reason)
    seq = batch.append_event(room, encode(event))
    del room.members[account.number]
    room.roles.pop(account.number, None)
    account.rooms.discard(room.number)
    batch.changes.members[room.number, account.number] = None
    batch.changes.markers[account.number, room.number] = None
    batch.memberships.append(MembershipChanged(account, room, joined=False, by=by, reason=reason))
    return seq


def list_rooms(context: Context, session: Session, command: Rooms, now: Now) -> list[Effect]:
    """Begin reading a page of the rooms."""
    assert session.account is not None, "rooms is legal in a live session only"
    query = ReadRooms(fold(command.after), ROOMS_A_PAGE, session.account.number)
    return fetch(context, session, command, query)


def list_members(context: Context, session: Session, command: Members, now: Now) -> list[Effect]:
    """Begin reading a page of a room's members, for a member."""
    room = context.state.room_by_id.get(command.room)
    if room is None or session.account is None or not room.shows(session.account.number):
        return refuse(session, command, Code.NOT_MEMBER, "you are not a member of that room")
    number = None if room.everybody else room.number
    return fetch(context, session, command, ReadMembers(number, fold(command.after), PAGE_ITEMS))
