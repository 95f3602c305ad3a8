"""Names and the keys that own them: the first key to use a name keeps it."""

from hubbub.broker.core.batch import Batch, Registered
from hubbub.broker.core.changes import AccountRow, DeviceRow
from hubbub.broker.core.records import Refusal, Register
from hubbub.broker.core.state import Account, State
from hubbub.common.errors import Code


def register(state: State, batch: Batch, record: Register, routing_id: bytes) -> Registered:
    """Give a name to a key, unless somebody has it or one that looks the same."""
    owner = owner_of(state, record.name, record.key)
    if isinstance(owner, Refusal):
        return Registered(routing_id, record, None, created=False, refusal=owner)
    if owner is not None:
        return Registered(routing_id, record, owner, created=False, refusal=None)
    names_per_key = batch.limits.names_per_key
    if state.names_of_key(record.key) >= names_per_key:
        text = f"one device may own {names_per_key} names here; use one of those it has"
        return Registered(
            routing_id, record, None, created=False, refusal=Refusal(Code.TOO_MANY_NAMES, text)
        )
    account = state.add_account(AccountRow(len(state.accounts) + 1, record.name, record.time))
    batch.changes.accounts.append(account.row())
    row = DeviceRow(record.key, record.label, record.time, record.time)
    batch.changes.devices[account.number, state.add_device(account, 1, row).number] = row
    batch.changes.markers[account.number, state.lobby.number] = state.lobby.log.seq
    return Registered(routing_id, record, account, created=True, refusal=None)


def owner_of(state: State, name: str, key: str) -> Account | Refusal | None:
    """Return the account that `key` may use under `name`, None if the name is free, or why it is not to be had."""
    owner = state.account_like(name)
    if owner is None:
        return None
    same_name = owner is state.account_named(name)
    if same_name and key in owner.devices:
        return owner
    if same_name:
        text = f"the name {owner.name} belongs to somebody else; choose another (or, if it is yours, chat from the device that took it, or name its --home)"
    else:
        text = f"the name {name} looks like {owner.name}, which is taken; choose another"
    return Refusal(Code.NAME_TAKEN, text)
