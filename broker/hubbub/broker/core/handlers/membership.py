"""Who is in a room, as others decide it: invitations, and making somebody a member."""

from hubbub.broker.core.auditing import Deed, note
from hubbub.broker.core.batch import Batch
from hubbub.broker.core.handlers.messages import send_private
from hubbub.broker.core.memberships import become_member, hindrance
from hubbub.broker.core.naming import person, place
from hubbub.broker.core.permissions import Power, may_in
from hubbub.broker.core.records import Decree, Refusal
from hubbub.broker.core.restraints import bar
from hubbub.broker.core.state import Account, Room, State
from hubbub.common.codec import encode
from hubbub.common.commands import Add, Invite
from hubbub.common.events import MemberJoined, RoomInvited


def check_nothing(command: Invite | Add) -> Refusal | None:
    """Refuse nothing: all that can be wrong depends on who and what there is."""
    return None


def apply_invite(
    state: State, batch: Batch, actor: Account | None, order: Invite, decree: Decree
) -> Refusal | None:
    """Let somebody join, and tell both by their inboxes; the operator has none. Who could have put them out and invites them ends that they are kept out."""
    room = _place(state, actor, order, decree.time)
    if isinstance(room, Refusal):
        return room
    to = person(state, order.name)
    if isinstance(to, Refusal):
        return to
    if room.holds(to.number):
        return None
    is_barred = room.restraint(to.number).barred > decree.time
    may_lift = may_in(actor, Power.KICK, room, decree.time) is None
    if is_barred and not may_lift:
        return hindrance(to, room, batch.limits, decree.time)
    if is_barred:
        bar(batch, to, room, 0)
    elif to.number in room.invited:
        return None
    _invite(state, batch, actor, to, room, decree.time)
    if is_barred or room.private:
        note(
            state, batch, actor, Deed(action="invite", subject=to.name, room=room.name), decree.time
        )
    return None


def _place(state: State, actor: Account | None, order: Invite, time: int) -> Room | Refusal:
    """Find the room, for one who may invite to such a room."""
    room = place(state, actor, Power.INVITE, order.room, time)
    if isinstance(room, Refusal) or not room.private:
        return room
    return may_in(actor, Power.INVITE_PRIVATE, room, time) or room


def _invite(
    state: State, batch: Batch, actor: Account | None, to: Account, room: Room, time: int
) -> None:
    if to.number in room.invited:
        return
    room.invited.add(to.number)
    batch.changes.invited[room.number, to.number] = True
    if actor is not None:
        event = RoomInvited(
            time=time, sender=actor.name, to=to.name, room=room.log.id, name=room.name
        )
        send_private(state, batch, actor, to, encode(event))


def apply_add(
    state: State, batch: Batch, actor: Account | None, order: Add, decree: Decree
) -> Refusal | None:
    """Make somebody a member, unless they are kept out or there is no room left."""
    room = place(state, actor, Power.ADD, order.room, decree.time)
    if isinstance(room, Refusal):
        return room
    account = person(state, order.name)
    if isinstance(account, Refusal):
        return account
    if room.holds(account.number):
        return None
    if refusal := hindrance(account, room, batch.limits, decree.time):
        return refusal
    event = MemberJoined(seq=room.log.seq + 1, time=decree.time, name=account.name)
    become_member(batch, account, room, encode(event))
    note(state, batch, actor, Deed(action="add", subject=account.name, room=room.name), decree.time)
    return None
