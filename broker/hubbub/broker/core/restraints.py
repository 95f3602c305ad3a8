"""Restraints: until when somebody is muted in a room, or kept out of it."""

from typing import Final

from hubbub.broker.core.batch import Batch
from hubbub.broker.core.changes import Restraint
from hubbub.broker.core.state import Account, Room

REPEATED_MILLIS: Final = 10_000
"""Sent twice, an order is carried out at two times, some seconds apart: an end that would be so little later stays as it is."""


def end_of(seconds: int, time: int) -> int:
    """Return when what is ordered at a time (Unix milliseconds) for so many seconds ends; 0 seconds: 0."""
    return time + seconds * 1000 if seconds else 0


def is_repeated(until: int, wanted: int) -> bool:
    """Whether what holds until one time is what an order wants to hold until another: the order was carried out before."""
    return until == wanted or (until > 0 and 0 < wanted - until < REPEATED_MILLIS)


def mute(batch: Batch, account: Account, room: Room, until: int) -> None:
    """Let somebody be muted until a time; 0: no more."""
    restraint = room.restraint(account.number)._replace(muted=until)
    _restrain(batch, room, account.number, restraint)


def bar(batch: Batch, account: Account, room: Room, until: int) -> None:
    """Keep somebody out until a time; 0: no more."""
    restraint = room.restraint(account.number)._replace(barred=until)
    _restrain(batch, room, account.number, restraint)


def lift_ended(batch: Batch, room: Room, time: int) -> None:
    """Forget the restraints of a room that have run out."""
    for account, restraint in list(room.restraints.items()):
        left = Restraint(*(until if until > time else 0 for until in restraint))
        if left != restraint:
            _restrain(batch, room, account, left)


def _restrain(batch: Batch, room: Room, account: int, restraint: Restraint) -> None:
    if any(restraint):
        room.restraints[account] = batch.changes.restraints[room.number, account] = restraint
    else:
        room.restraints.pop(account, None)
        batch.changes.restraints[room.number, account] = None
