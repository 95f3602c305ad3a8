"""Tidying: forgetting what has run out. Time alone does not change the shared state: `Tidy` does, and what looks at an end compares it with its own time."""

from hubbub.broker.core.bans import holding, set_ban
from hubbub.broker.core.batch import Batch
from hubbub.broker.core.records import Tidy
from hubbub.broker.core.restraints import lift_ended
from hubbub.broker.core.state import State
from hubbub.common.limits import PRODUCERS_PER_ACCOUNT


def tidy(state: State, batch: Batch, record: Tidy) -> None:
    """Forget producers that were not used for long, and restraints, bans and invites whose end has come."""
    old = [key for key, producer in state.producers.items() if producer.used < record.before]
    for producer in old:
        if producer not in record.keep:
            forget_producer(state, batch, producer)
    for room in state.rooms.values():
        lift_ended(batch, room, record.time)
        ready = record.time - room.slow * 1000
        room.posted = {account: time for account, time in room.posted.items() if time > ready}
    for key in [key for key, ban in state.bans.items() if not holding(ban, record.time)]:
        set_ban(state, batch, key, None)
    for code in [code for code, row in state.invites.items() if row.expires <= record.time]:
        del state.invites[code]
        batch.changes.invites[code] = None


def make_room_for_producer(state: State, batch: Batch, account: int) -> None:
    """Forget the one of an account's producers that was used longest ago, if it has as many as it may."""
    ids = state.producers_of(account)
    if len(ids) >= PRODUCERS_PER_ACCOUNT:
        oldest = min(ids, key=lambda id: (state.producers[account, id].used, id))
        forget_producer(state, batch, (account, oldest))


def forget_producer(state: State, batch: Batch, key: tuple[int, bytes]) -> None:
    """Forget a producer and what became of its writes."""
    state.remove_producer(key)
    batch.touched.pop(key, None)
    batch.changes.producers[key] = None
