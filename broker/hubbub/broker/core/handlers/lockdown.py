"""Lockdown: who may come and speak while the chat is under attack."""

from hubbub.broker.core.auditing import Deed, note
from hubbub.broker.core.batch import Batch, Expelled
from hubbub.broker.core.permissions import LOCKED_OUT, Power, may, reaches
from hubbub.broker.core.records import Decree, Refusal
from hubbub.broker.core.roles import Role
from hubbub.broker.core.state import Account, State
from hubbub.common.commands import Lockdown


def check_lockdown(command: Lockdown) -> Refusal | None:
    """Refuse nothing: the type knows the levels."""
    return None


def apply_lockdown(
    state: State, batch: Batch, actor: Account | None, order: Lockdown, decree: Decree
) -> Refusal | None:
    """Set the level; from `accounts_only` on the sessions of those for whom nobody vouches end."""
    if refusal := may(actor, Power.LOCK_DOWN, actor.role if actor else Role.OWNER):
        return refusal
    if order.level == state.lockdown:
        return None
    state.lockdown = batch.changes.lockdown = order.level
    note(state, batch, actor, Deed(action="lockdown", subject=order.level), decree.time)
    if reaches(state, "accounts_only"):
        batch.expelled += [
            Expelled(account.number, None, LOCKED_OUT.code, LOCKED_OUT.text)
            for account in state.accounts.values()
            if not account.is_trusted
        ]
    return None
