"""What the operator does with accounts: makes a code for who lost their devices, gives a name free, marks programs."""

from hubbub.broker.core.auditing import Deed, note
from hubbub.broker.core.batch import Batch, Expelled
from hubbub.broker.core.handlers.devices import drop_device
from hubbub.broker.core.handlers.roles import apply_set_role
from hubbub.broker.core.memberships import OPERATOR, end_membership, withdraw_invitation
from hubbub.broker.core.naming import person
from hubbub.broker.core.orders import LinkFor, Release, SetBot
from hubbub.broker.core.records import Decree, Refusal
from hubbub.broker.core.state import Account, State
from hubbub.common.codes import hash_of, make
from hubbub.common.commands import SetRole
from hubbub.common.errors import Code
from hubbub.common.limits import LINK_SECONDS
from hubbub.common.replies import LinkMade


def check_upkeep(command: LinkFor | Release | SetBot) -> Refusal | None:
    """Refuse nothing: whether there is the account, the state knows."""
    return None


def apply_link_for(
    state: State, batch: Batch, actor: Account | None, order: LinkFor, decree: Decree
) -> LinkMade | Refusal:
    """Make a one-time code of the decree's secret; it is good once this is on disk."""
    assert actor is None, "only the operator makes codes for others"
    account = person(state, order.name)
    if isinstance(account, Refusal):
        return account
    code = make(decree.secret)
    batch.links[account.number] = hash_of(code)
    note(state, batch, actor, Deed(action="link", subject=account.name), decree.time)
    return LinkMade(id=order.id, code=code, seconds=LINK_SECONDS)


def apply_release(
    state: State, batch: Batch, actor: Account | None, order: Release, decree: Decree
) -> Refusal | None:
    """Take all from an account that lets anybody be it, and its name; its row stays, for the log's sake."""
    assert actor is None, "only the operator gives names free"
    account = person(state, order.name)
    if isinstance(account, Refusal):
        return account
    apply_set_role(state, batch, None, SetRole(order.id, account.name, "member"), decree)
    for key in list(account.devices):
        drop_device(state, batch, account, key)
    for number in sorted(account.rooms):
        room = state.rooms[number]
        end_membership(batch, account, room, decree.time, OPERATOR, "the name was given free")
    for room in state.rooms.values():
        withdraw_invitation(batch, account, room)
    account.password = ""
    account.is_bot = account.invited = False
    state.release(account, decree.time)
    batch.changes.accounts.append(account.row())
    text = "the operator gave your name free; take one anew"
    batch.expelled.append(Expelled(account.number, None, Code.DEVICE_REMOVED, text))
    batch.released.append(account)
    note(state, batch, actor, Deed(action="release", subject=account.name), decree.time)
    return None


def apply_set_bot(
    state: State, batch: Batch, actor: Account | None, order: SetBot, decree: Decree
) -> Refusal | None:
    """Let an account have the budgets of a program, or a person's again."""
    assert actor is None, "only the operator says who is a bot"
    account = person(state, order.name)
    if isinstance(account, Refusal):
        return account
    if account.is_bot is not order.is_bot:
        account.is_bot = order.is_bot
        batch.changes.accounts.append(account.row())
        action = "bot" if order.is_bot else "no_bot"
        note(state, batch, actor, Deed(action=action, subject=account.name), decree.time)
    return None
