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


def narrate(
    event: AnyEvent, *, room: str, seq: int, own: bool = False, earlier: bool = False
) -> updates.Update | None:
    """Return the update of one event; None for what is no news by itself (a type unknown here; presence, which has a keeper of its own)."""
    match event:
        case MessagePosted(sender=sender, text=text, data=data, time=time, action=action):
            return updates.Message(room, sender, text, data, time, seq, own, earlier, action)
        case MessageTold(sender=sender, to=to, text=text, data=data, time=time, action=action):
            return updates.PrivateMessage(sender, to, text, data, time, seq, own, earlier, action)
        case RoomCreated(by=by, description=description, time=time):
            return updates.RoomCreated(room, by, description, time, seq, earlier)
        case MemberJoined(name=name, time=time):
            return updates.MemberJoined(room, name, time, seq, earlier)
        case MemberLeft(name=name, time=time):
            return updates.MemberLeft(room, name, time, seq, earlier)
        case RoleChanged() | MemberMuted() | RoomChanged() | Audited() | RoomInvited():
            pass
        case PresenceChanged() | UnknownEvent():
            pass
        case _:
            assert_never(event)
    return None
