"""Moderation: putting people out of rooms and out of the chat, and letting them only read."""

from hubbub.broker.core.auditing import Deed, note
from hubbub.broker.core.bans import account_ban, set_ban
from hubbub.broker.core.batch import Batch, Expelled
from hubbub.broker.core.changes import BanRow
from hubbub.broker.core.clock import at
from hubbub.broker.core.memberships import OPERATOR, end_membership, withdraw_invitation
from hubbub.broker.core.naming import check_line, person, place
from hubbub.broker.core.permissions import Power, may, may_act_on, own_role, role_in
from hubbub.broker.core.records import Decree, Refusal
from hubbub.broker.core.restraints import bar, end_of, is_repeated, mute
from hubbub.broker.core.roles import Role
from hubbub.broker.core.state import Account, Room, State
from hubbub.common.codec import encode
from hubbub.common.commands import Kick, Mute
from hubbub.common.errors import Code
from hubbub.common.events import MemberMuted
from hubbub.common.limits import REASON_CHARACTERS


def check_reason(command: Kick | Mute) -> Refusal | None:
    """Refuse a reason that is more than one line."""
    return check_line("a reason", command.reason, 4 * REASON_CHARACTERS)


def over(
    state: State, actor: Account | None, name: str, room: Room, decree: Decree
) -> Account | Refusal:
    """Find somebody over whom an actor may use a power in a room: of a lower role there than their own."""
    target = person(state, name)
    if isinstance(target, Refusal):
        return target
    actors = Role.OWNER if actor is None else role_in(actor, room, decree.time)
    return may_act_on(actor, target, actors, own_role(target, room)) or target


def apply_kick(
    state: State, batch: Batch, actor: Account | None, order: Kick, decree: Decree
) -> Refusal | None:
    """Put somebody out of a room; without one, or out of the lobby: out of the chat."""
    if order.room in (None, state.lobby.log.id):
        return _kick_out(state, batch, actor, order, decree)
    room = place(state, actor, Power.KICK, order.room or b"", decree.time)
    if isinstance(room, Refusal):
        return room
    target = over(state, actor, order.name, room, decree)
    if isinstance(target, Refusal):
        return target
    until, barred = end_of(order.seconds, decree.time), room.restraint(target.number).barred
    is_longer = until > barred and not is_repeated(barred, until)
    if not (is_longer or room.holds(target.number) or target.number in room.invited):
        return None
    if is_longer:
        bar(batch, target, room, until)
    withdraw_invitation(batch, target, room)
    if room.holds(target.number):
        by = actor.name if actor else OPERATOR
        end_membership(batch, target, room, decree.time, by, order.reason)
    deed = Deed(
        action="kick", subject=target.name, room=room.name, reason=order.reason, until=until
    )
    note(state, batch, actor, deed, decree.time)
    return None


def _kick_out(
    state: State, batch: Batch, actor: Account | None, order: Kick, decree: Decree
) -> Refusal | None:
    """End somebody's sessions; with a time, let them not come back so long. A ban that holds longer stays.

    Without a time nothing remains by which a repeat could be known: whoever came back meanwhile is put out again.
    """
    actors = actor.role if actor else Role.OWNER
    if refusal := may(actor, Power.KICK_OUT, actors):
        return refusal
    target = person(state, order.name)
    if isinstance(target, Refusal):
        return target
    if refusal := may_act_on(actor, target, actors, target.role):
        return refusal
    until, ban = end_of(order.seconds, decree.time), account_ban(state, target.number, decree.time)
    if ban is not None and (not ban.until or until <= ban.until or is_repeated(ban.until, until)):
        return None  # nobody is there to be put out
    if until:
        row = BanRow(order.reason, actor.number if actor else 0, decree.time, until)
        set_ban(state, batch, ("account", str(target.number)), row)
    text = f"{actor.name if actor else OPERATOR} put you out of the chat"
    text += f" until {at(until)}" if until else ""
    text += f": {order.reason}" if order.reason else ""
    batch.expelled.append(Expelled(target.number, None, Code.KICKED, text))
    deed = Deed(action="kick", subject=target.name, reason=order.reason, until=until)
    note(state, batch, actor, deed, decree.time)
    return None


def apply_mute(
    state: State, batch: Batch, actor: Account | None, order: Mute, decree: Decree
) -> Refusal | None:
    """Let a member only read until a time; or, whether they are a member still or not, speak again."""
    room = place(state, actor, Power.MUTE, order.room, decree.time)
    if isinstance(room, Refusal):
        return room
    target = over(state, actor, order.name, room, decree)
    if isinstance(target, Refusal):
        return target
    if order.seconds and not room.holds(target.number):
        return Refusal(Code.NOT_MEMBER, f"{target.name} is not a member of {room.name}")
    until, muted = end_of(order.seconds, decree.time), room.restraint(target.number).muted
    if is_repeated(muted if muted > decree.time else 0, until):
        return None
    mute(batch, target, room, until)
    if room.everybody and until:
        batch.hushed.append(target.number)
    event = MemberMuted(
        seq=room.log.seq + 1,
        time=decree.time,
        name=target.name,
        by=actor.name if actor else "",
        until=until,
        reason=order.reason,
    )
    batch.append_event(room, encode(event))
    deed = Deed(
        action="mute" if until else "unmute",
        subject=target.name,
        room=room.name,
        reason=order.reason,
        until=until,
    )
    note(state, batch, actor, deed, decree.time)
    return None
