"""Events of the protocol told as updates, with names in place of ids. Pure, no state."""

from typing import assert_never

from hubbub.client import updates
from hubbub.common.events import (
    AnyEvent,
    Audited,
    MemberJoined,
    MemberLeft,
    MemberMuted,
    MessagePosted,
    MessageTold,
    PresenceChanged,
    RoleChanged,
    RoomChanged,
    RoomCreated,
    RoomInvited,
    UnknownEvent,
)

Message = updates.Message | updates.PrivateMessage


def narrate(  # noqa: PLR0911 - a table
    event: AnyEvent, room: str, seq: int, own: bool = False, earlier: bool = False
) -> updates.Update | None:
    """Return the update of one event; None for what is no news by itself (a type unknown here; presence, which has a keeper of its own)."""
    match event:
        case MessagePosted():  # by far the most frequent: first, and by attributes, which is half the work
            return updates.Message(
                room,
                event.sender,
                event.text,
                event.data,
                event.time,
                seq,
                own,
                earlier,
                event.action,
            )
        case MessageTold(sender=sender, to=to, text=text, data=data, time=time, action=action):
            return updates.PrivateMessage(sender, to, text, data, time, seq, own, earlier, action)
        case RoomCreated(by=by, description=description, time=time):
            return updates.RoomCreated(room, by, description, time, seq, earlier)
        case MemberJoined(name=name, time=time):
            return updates.MemberJoined(room, name, time, seq, earlier)
        case MemberLeft(name=name, time=time, by=by, reason=reason):
            return updates.MemberLeft(room, name, time, seq, earlier, by, reason)
        case RoomInvited(sender=sender, to=to, name=name, time=time):
            return updates.Invited(sender, to, name, time, seq, earlier)
        case RoleChanged() | MemberMuted() | RoomChanged() | Audited():
            return _governed(event, room, seq, earlier)
        case PresenceChanged() | UnknownEvent():
            pass
        case _:
            assert_never(event)
    return None


def _governed(
    event: RoleChanged | MemberMuted | RoomChanged | Audited, room: str, seq: int, earlier: bool
) -> updates.Update:
    """Return the update of what those did who have a say in a room, or in the chat."""
    match event:
        case RoleChanged(name=name, role=role, by=by, time=time):
            return updates.RoleChanged(room, name, role, by, time, seq, earlier)
        case MemberMuted(name=name, by=by, until=until, reason=reason, time=time):
            return updates.MemberMuted(room, name, by, until, reason, time, seq, earlier)
        case RoomChanged():
            return updates.RoomChanged(
                room,
                event.by,
                event.time,
                seq,
                earlier,
                event.description,
                event.private,
                event.read_only,
                event.history,
                event.slow,
            )
        case Audited():
            return updates.Audited(
                room,
                event.by,
                event.action,
                event.subject,
                event.room,
                event.reason,
                event.until,
                event.detail,
                event.time,
                seq,
                earlier,
            )
        case _:
            assert_never(event)
