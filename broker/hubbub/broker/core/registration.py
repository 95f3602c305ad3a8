"""Names and the keys that own them: the first key to use a name keeps it, others are added by a password or a code. Carried out by `apply`."""

from hubbub.broker.core.auditing import Deed, note
from hubbub.broker.core.bans import owners_ban, told
from hubbub.broker.core.batch import Batch, Registered
from hubbub.broker.core.changes import AccountRow, DeviceRow, InviteRow
from hubbub.broker.core.limits import Limits
from hubbub.broker.core.permissions import reaches
from hubbub.broker.core.records import AddDevice, Refusal, Register, UseDevice
from hubbub.broker.core.state import Account, State
from hubbub.common.errors import Code
from hubbub.common.fingerprint import fingerprint

BAD_CODE = Refusal(
    Code.BAD_CODE, "this code is not good: mistyped, used up, out of date, or for another name"
)
BAD_CREDENTIALS = Refusal(
    Code.BAD_CREDENTIALS, "the password is wrong, or this name cannot be used by a password"
)
OR_YOURS = "If the name is yours: come in by its password, or by a code that /link shows on a device of yours"
NO_NEWCOMERS = Refusal(
    Code.LOCKED_DOWN, f"the chat is locked down: nobody new comes in now. {OR_YOURS}"
)
CLOSED = Refusal(Code.REGISTRATION_CLOSED, f"this chat takes no newcomers. {OR_YOURS}")


def register(state: State, batch: Batch, record: Register, routing_id: bytes) -> Registered:
    """Give a name to a key, unless somebody has it or one that looks the same."""
    owner = owner_of(state, record.name, record.key)
    created = owner is None
    claimed = owner or _new_account(state, batch, record)
    if isinstance(claimed, Refusal):
        return Registered(routing_id, record, None, created=False, refusal=claimed)
    return Registered(routing_id, record, claimed, created=created, refusal=None)


def _new_account(state: State, batch: Batch, record: Register) -> Account | Refusal:
    if ban := owners_ban(state, record.key, record.time):
        return Refusal(Code.BANNED, told(ban))  # else they would be back at once, called otherwise
    if refusal := _too_many_names(state, batch.limits, record.key):
        return refusal
    if not record.may_be_new:
        return Refusal(Code.INVITE_REQUIRED, "this name is free; to take it you need an invite")
    if reaches(state, "no_new_accounts"):
        return NO_NEWCOMERS  # since it was asked for
    if record.invite and not _spend(state, batch, record):
        return BAD_CODE
    row = AccountRow(len(state.accounts) + 1, record.name, record.time, invited=bool(record.invite))
    account = state.add_account(row)
    batch.changes.accounts.append(row)
    _add_key(state, batch, account, DeviceRow(record.key, record.label, record.time, record.time))
    batch.changes.markers[account.number, state.lobby.number] = state.lobby.log.seq
    return account


def _too_many_names(state: State, limits: Limits, key: str) -> Refusal | None:
    if state.names_of_key(key) < limits.names_per_key:
        return None
    text = f"one device may own {limits.names_per_key} names here; use one of those it has"
    return Refusal(Code.TOO_MANY_NAMES, text)


def invite_for(state: State, hash: bytes, time: int) -> InviteRow | None:
    """Return the invite of a code, by its hash, if it is good at this time (Unix milliseconds)."""
    invite = state.invites.get(hash)
    return invite if invite is not None and time < invite.expires else None


def _spend(state: State, batch: Batch, record: Register) -> bool:
    """Let an invite be good for one newcomer less; return False if it is good for none."""
    invite = invite_for(state, record.invite, record.time)
    if invite is None:
        return False
    if invite.uses > 1:
        row = InviteRow(invite.uses - 1, invite.expires, invite.by, invite.created)
        state.invites[record.invite] = batch.changes.invites[record.invite] = row
    else:
        del state.invites[record.invite]
        batch.changes.invites[record.invite] = None
    return True


def add_device(state: State, batch: Batch, record: AddDevice, routing_id: bytes) -> Registered:
    """Let another key use an account."""
    account = state.accounts[record.account]
    refusal = _add_device(state, batch, account, record)
    return Registered(
        routing_id, record, None if refusal else account, created=False, refusal=refusal
    )


def _add_device(state: State, batch: Batch, account: Account, record: AddDevice) -> Refusal | None:
    if account.released:
        return BAD_CREDENTIALS  # since the password or the code was found to be right
    if not vouches(account, record.made_by):
        return BAD_CODE
    if record.renewed and account.password == record.verified:  # else it was set anew meanwhile
        account.password = record.renewed
        batch.changes.accounts.append(account.row())
    if record.key in account.devices:
        return None
    if refusal := _too_many_names(state, batch.limits, record.key):
        return refusal
    most = batch.limits.devices_per_account
    if len(account.devices) >= most:
        text = f"a name can be used from {most} devices; remove one from another of them first"
        return Refusal(Code.TOO_MANY_DEVICES, text)
    _add_key(state, batch, account, DeviceRow(record.key, record.label, record.time, record.time))
    deed = Deed(
        action="device_added",
        subject=account.name,
        detail=fingerprint(bytes.fromhex(record.key)),
    )
    note(state, batch, account, deed, record.time)
    return None


def vouches(account: Account, made_by: str) -> bool:
    """Whether a code counts that this device of the account had made: while the device may use the account itself. The operator's always does."""
    return not made_by or made_by in account.devices


def _add_key(state: State, batch: Batch, account: Account, row: DeviceRow) -> None:
    numbers = [device.number for device in account.devices.values()]
    device = state.add_device(account, max(numbers, default=0) + 1, row)
    batch.changes.devices[account.number, device.number] = row


def use_device(state: State, batch: Batch, record: UseDevice) -> None:
    """Keep when a key was last used, unless it was removed meanwhile."""
    account = state.accounts[record.account]
    device = account.devices.get(record.key)
    if device is not None:
        device.used = max(device.used, record.time)
        batch.changes.devices[account.number, device.number] = device.row()


def owner_of(state: State, name: str, key: str) -> Account | Refusal | None:
    """Return the account that `key` may use under `name`, None if the name is free, or why it is not to be had."""
    owner = state.account_like(name)
    if owner is None:
        return None
    same_name = owner is state.account_named(name)
    if same_name and key in owner.devices:
        return owner
    if same_name:
        text = f"the name {owner.name} belongs to somebody else; choose another. If it is yours: come in by its password, or by a code that /link shows on a device of yours"
    else:
        text = f"the name {name} looks like {owner.name}, which is taken; choose another"
    return Refusal(Code.NAME_TAKEN, text)
