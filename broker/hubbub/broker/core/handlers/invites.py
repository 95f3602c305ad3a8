"""Invites: codes that let newcomers in where registration is not open. `registration` spends them."""

from hubbub.broker.core.auditing import Deed, note
from hubbub.broker.core.batch import Batch
from hubbub.broker.core.changes import InviteRow
from hubbub.broker.core.permissions import Power, may
from hubbub.broker.core.records import Decree, Refusal
from hubbub.broker.core.roles import Role
from hubbub.broker.core.state import Account, State
from hubbub.common.codes import hash_of, make
from hubbub.common.commands import MakeInvite
from hubbub.common.errors import Code
from hubbub.common.replies import InviteMade


def check_make_invite(command: MakeInvite) -> Refusal | None:
    """Refuse an invite that is never good."""
    if not command.seconds:
        return Refusal(Code.INVALID, "an invite is good for a second at least")
    return None


def apply_make_invite(
    state: State, batch: Batch, actor: Account | None, order: MakeInvite, decree: Decree
) -> InviteMade | Refusal:
    """Make a code of the decree's secret; its hash is kept."""
    if refusal := may(actor, Power.INVITE_NEWCOMERS, actor.role if actor else Role.OWNER):
        return refusal
    code, expires = make(decree.secret), decree.time + order.seconds * 1000
    row = InviteRow(order.uses, expires, actor.number if actor else 0, decree.time)
    hash = hash_of(code)
    state.invites[hash] = batch.changes.invites[hash] = row
    people = "1 newcomer" if order.uses == 1 else f"{order.uses} newcomers"
    note(state, batch, actor, Deed(action="invite", subject=people, until=expires), decree.time)
    return InviteMade(id=order.id, code=code, uses=order.uses, expires=expires)
