"""Read markers: how far a person has read each log, kept for all their sessions and devices.

A marker is no event: it has no seq, and only the person's own sessions hear of it. It moves forward only. Like heads, markers are told as committed; those
of the batch in the making stand in its changes.
"""

from hubbub.broker.core.batch import Batch
from hubbub.broker.core.changes import INBOX
from hubbub.broker.core.permissions import NOT_MEMBER, Power, may_in
from hubbub.broker.core.records import Refusal
from hubbub.broker.core.state import Account, State
from hubbub.common.commands import Mark


def check_mark(command: Mark) -> Refusal | None:
    """Refuse nothing: a seq beyond the log counts as its head."""
    return None


def apply_mark(
    state: State, batch: Batch, account: Account, command: Mark, time: int
) -> tuple[bytes, int] | Refusal:
    """Move a marker forward, at most to the log's head; the outcome names where it stands then."""
    log = account.inbox
    number = INBOX
    if command.room != log.id:
        room = state.room_by_id.get(command.room)
        if room is None:
            return NOT_MEMBER
        if refusal := may_in(account, Power.MARK, room, time):
            return refusal
        log, number = room.log, room.number
    marker = batch.changes.markers.get((account.number, number))
    if marker is None:
        marker = account.markers.get(number, 0)
    seq = min(command.seq, log.seq)
    if seq > marker:
        batch.changes.markers[account.number, number] = marker = seq
        batch.marked[account.number, number] = log.id
    return log.id, marker
