"""Memberships: how they begin and end, and what stands in the way of one."""

from typing import Final

from hubbub.broker.core.batch import Batch, MembershipChanged
from hubbub.broker.core.changes import Membership
from hubbub.broker.core.clock import at
from hubbub.broker.core.limits import Limits
from hubbub.broker.core.records import Refusal
from hubbub.broker.core.roles import Role
from hubbub.broker.core.state import Account, Room
from hubbub.common.codec import encode
from hubbub.common.errors import Code
from hubbub.common.events import MemberLeft

OPERATOR: Final = "the operator"
"""Who put somebody out, where an account's name would stand. No name has a space."""


def hindrance(account: Account, room: Room, limits: Limits, time: int) -> Refusal | None:
    """Return why somebody cannot become a member of a room now, whoever wants it: kept out for a time, or too many of either."""
    barred = room.restraint(account.number).barred
    if barred > time:
        text = f"{account.name} was put out of {room.name}, until {at(barred)}"
        return Refusal(Code.BARRED, text)
    if len(room.members) >= limits.members_per_room:
        return Refusal(Code.ROOM_FULL, f"{room.name} is full: {limits.members_per_room} are in it")
    return too_many_rooms(account, limits)


def too_many_rooms(account: Account, limits: Limits) -> Refusal | None:
    """Refuse one room more to somebody who is in as many as one may be."""
    most = limits.rooms_per_account
    if len(account.rooms) < most:
        return None
    text = f"one can be a member of {most} rooms, and {account.name} is: leave one first"
    return Refusal(Code.TOO_MANY_ROOMS, text)


def become_member(
    batch: Batch, account: Account, room: Room, event: bytes, role: Role = Role.MEMBER
) -> int:
    """Make an account a member by this event, which uses up its invitation; return the event's seq."""
    seq = batch.append_event(room, event)
    room.members[account.number] = seq
    if role > Role.MEMBER:
        room.roles[account.number] = role
    account.rooms.add(room.number)
    withdraw_invitation(batch, account, room)
    batch.changes.members[room.number, account.number] = Membership(seq, role)
    batch.changes.markers[account.number, room.number] = seq
    batch.memberships.append(MembershipChanged(account, room, joined=True))
    return seq


def end_membership(
    batch: Batch, account: Account, room: Room, time: int, by: str = "", reason: str = ""
) -> int:
    """Make a member one no longer, put out by somebody (OPERATOR: the operator) or, `by` empty, of their own will; return the event's seq."""
    event = MemberLeft(seq=room.log.seq + 1, time=time, name=account.name, by=by, reason=reason)
    seq = batch.append_event(room, encode(event))
    del room.members[account.number]
    room.roles.pop(account.number, None)
    account.rooms.discard(room.number)
    batch.changes.members[room.number, account.number] = None
    batch.changes.markers[account.number, room.number] = None
    change = MembershipChanged(account, room, joined=False, by=by, reason=reason)
    batch.memberships.append(change)
    return seq


def withdraw_invitation(batch: Batch, account: Account, room: Room) -> None:
    """Let an invitation count no more, if there is one."""
    if account.number in room.invited:
        room.invited.discard(account.number)
        batch.changes.invited[room.number, account.number] = None
