"""Roles: giving and taking them, in a room and in the whole chat."""

from hubbub.broker.core.auditing import Deed, audit_room, note
from hubbub.broker.core.batch import Batch
from hubbub.broker.core.changes import Membership
from hubbub.broker.core.handlers.moderation import over
from hubbub.broker.core.memberships import OPERATOR, become_member, end_membership
from hubbub.broker.core.naming import person, place
from hubbub.broker.core.permissions import Power, may, may_act_on, own_role
from hubbub.broker.core.records import Decree, Refusal
from hubbub.broker.core.roles import ROLES, Role
from hubbub.broker.core.state import Account, Room, State
from hubbub.common.codec import encode
from hubbub.common.commands import SetRole
from hubbub.common.errors import Code
from hubbub.common.events import MemberJoined, RoleChanged


def check_set_role(command: SetRole) -> Refusal | None:
    """Refuse nothing: the type knows the roles."""
    return None


def apply_set_role(
    state: State, batch: Batch, actor: Account | None, order: SetRole, decree: Decree
) -> Refusal | None:
    """Give a member of a room a role there; without a room, or in the lobby: somebody a role in the whole chat."""
    if order.room in (None, state.lobby.log.id):
        return _set_in_chat(state, batch, actor, order, decree)
    room = place(state, actor, Power.APPOINT, order.room or b"", decree.time)
    if isinstance(room, Refusal):
        return room
    target = _appointed(state, actor, order, room, decree)
    if isinstance(target, Refusal):
        return target
    role = ROLES[order.role]
    if role is room.roles.get(target.number, Role.MEMBER):
        return None
    if role > Role.MEMBER:
        room.roles[target.number] = role
    else:
        del room.roles[target.number]
    since = room.members[target.number]
    batch.changes.members[room.number, target.number] = Membership(since, role)
    _tell(state, batch, actor, order, target, room, decree)
    return None


def _appointed(
    state: State, actor: Account | None, order: SetRole, room: Room, decree: Decree
) -> Account | Refusal:
    """Find the member whose role is to change. An owner may step down, but for the last one, whom only the operator can replace."""
    target = person(state, order.name)
    if target is not actor:
        target = over(state, actor, order.name, room, decree)
    if isinstance(target, Refusal):
        return target
    if not room.holds(target.number):
        return Refusal(Code.NOT_MEMBER, f"{target.name} is not a member of {room.name}")
    if target is actor and ROLES[order.role] < Role.OWNER and _is_last(state, room, target):
        text = f"you are the last owner of {room.name}: make somebody else one first"
        return Refusal(Code.FORBIDDEN, text)
    return target


def _is_last(state: State, room: Room, owner: Account) -> bool:
    """Whether a room has no owner once this one is none: owners of the chat who are in it count as well."""
    others = (state.accounts[number] for number in room.members if number != owner.number)
    return owner.role < Role.OWNER and all(own_role(o, room) < Role.OWNER for o in others)


def _set_in_chat(
    state: State, batch: Batch, actor: Account | None, order: SetRole, decree: Decree
) -> Refusal | None:
    """Owners make moderators; the operator makes owners, who are the members of the audit room."""
    actors, role = actor.role if actor else Role.OWNER, ROLES[order.role]
    if refusal := may(actor, Power.APPOINT_MODERATORS, actors):
        return refusal
    target = person(state, order.name)
    if isinstance(target, Refusal):
        return target
    if refusal := may_act_on(actor, target, actors, target.role):
        return refusal
    if actor is not None and role >= actors:
        return Refusal(Code.FORBIDDEN, "only the operator makes owners of the chat")
    if role is target.role:
        return None
    target.role = role
    batch.changes.accounts.append(target.row())
    _tell(state, batch, actor, order, target, state.lobby, decree)
    audit = audit_room(state, batch, decree.time)
    if role is Role.OWNER:
        joined = MemberJoined(seq=audit.log.seq + 1, time=decree.time, name=target.name)
        become_member(batch, target, audit, encode(joined))
    elif audit.holds(target.number):
        end_membership(batch, target, audit, decree.time, actor.name if actor else OPERATOR)
    return None


def _tell(
    state: State,
    batch: Batch,
    actor: Account | None,
    order: SetRole,
    target: Account,
    room: Room,
    decree: Decree,
) -> None:
    event = RoleChanged(
        seq=room.log.seq + 1,
        time=decree.time,
        name=target.name,
        role=order.role,
        by=actor.name if actor else "",
    )
    batch.append_event(room, encode(event))
    where = "" if room.everybody else room.name
    deed = Deed(action="role", subject=target.name, room=where, detail=order.role)
    note(state, batch, actor, deed, decree.time)
