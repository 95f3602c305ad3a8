"""All that a state holds, in values that compare: whether what lives in memory is what the rows tell."""

from collections.abc import Iterable

from hubbub.broker.core.state import Account, Log, Room, State
from hubbub.common.names import fold


def picture(state: State, names: Iterable[str] = ()) -> object:
    """Return a picture of a state; `names` are looked up in it beside those that it has."""
    for producer in state.producers.values():
        producer.unpack()
    found = {*names, *(account.name for account in state.accounts.values())}
    keys = {key for account in state.accounts.values() for key in account.devices}
    return (
        (state.epoch, state.position, state.last_message, state.lockdown),
        (state.bans, state.invites, state.rooms_made),
        state.audit and state.audit.number,
        {number: _account(account) for number, account in state.accounts.items()},
        {number: _room(room) for number, room in state.rooms.items()},
        {key: producer.row() for key, producer in state.producers.items()},
        {id: room.number for id, room in state.room_by_id.items()},
        {name: _found(state, name) for name in found},
        {key: state.names_of_key(key) for key in keys},
    )


def _account(account: Account) -> object:
    devices = {key: (d.number, d.row(), d.committed) for key, d in account.devices.items()}
    inbox = _log(account.inbox)
    return account.row(), account.committed, inbox, devices, account.rooms, account.markers


def _room(room: Room) -> object:
    people = room.members, room.roles, room.restraints, room.invited
    return room.row(), room.everybody, _log(room.log), people


def _log(log: Log) -> object:
    return log.id, log.seq, log.digest, log.published


def _found(state: State, name: str) -> object:
    """Return who has a name or one like it, and the room that is called so."""
    people = state.account_named(name), state.account_like(name)
    room = state.room_named(fold(name))
    return [person and person.number for person in people], room and room.number
