"""The audit room: what tells the chat's owners who used which power over whom. Nobody posts, leaves or configures it.

It is made when the first thing is noted. Its members are the owners: whoever is appointed joins, whoever is dismissed leaves.
"""

from dataclasses import dataclass
from typing import Final

from hubbub.broker.core.batch import Batch
from hubbub.broker.core.changes import RoomRow
from hubbub.broker.core.state import Account, Room, State
from hubbub.common.codec import encode
from hubbub.common.events import Audited, RoomCreated
from hubbub.common.names import fold

AUDIT_NAME: Final = "audit"
_DESCRIPTION: Final = "who used which power, and over whom"


def audit_room(state: State, batch: Batch, time: int) -> Room:
    """Return the room, made if there is none yet. Nobody can take its name; a database from before may have it, then another is found."""
    if state.audit is not None:
        return state.audit
    number = len(state.rooms) + 1
    name = AUDIT_NAME
    while state.room_named(name) is not None:
        name += "-log"
    row = RoomRow(
        number,
        state.new_room_id(number),
        name,
        fold(name),
        _DESCRIPTION,
        time,
        private=True,
        read_only=True,
        audit=True,
    )
    room = state.add_room(row)
    batch.changes.rooms.append(row)
    event = RoomCreated(seq=1, time=time, name=name, description=_DESCRIPTION, by="")
    batch.append_event(room, encode(event))
    return room


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What was done: `action` is a word for programs, `subject` whom or what it was done to, `until` Unix milliseconds. No text of a message, no code, no secret."""

    action: str
    subject: str
    room: str = ""
    reason: str = ""
    until: int = 0
    detail: str = ""


def note(state: State, batch: Batch, actor: Account | None, deed: Deed, time: int) -> None:
    """Write down what an actor, None: the operator, did."""
    audit = audit_room(state, batch, time)
    event = Audited(
        seq=audit.log.seq + 1,
        time=time,
        by=actor.name if actor else "",
        action=deed.action,
        subject=deed.subject,
        room=deed.room,
        reason=deed.reason,
        until=deed.until,
        detail=deed.detail,
    )
    batch.append_event(audit, encode(event))
