"""One short name for each event, the same for what is stored and for what a client shows: by it the checker compares the two.

A message is named by the id that its sender put into `data`; other events by what they tell.
"""

from hubbub.client import updates
from hubbub.common import events
from hubbub.common.codec import decode_event
from hubbub.common.fields import Data

ID: str = "id"
"""The key in a message's `data`."""

Shown = (
    updates.Message
    | updates.PrivateMessage
    | updates.RoomCreated
    | updates.MemberJoined
    | updates.MemberLeft
)
"""The updates that stand for an event of a log."""


def _id(data: Data | None) -> str:
    return str(data.get(ID, "")) if isinstance(data, dict) else ""


def of_update(update: Shown) -> str:
    """Name what a client shows."""
    match update:
        case updates.Message() | updates.PrivateMessage():
            return _id(update.data)
        case updates.RoomCreated(by=name):
            return f"created by {name}"
        case updates.MemberJoined(name=name):
            return f"{name} joined"
        case updates.MemberLeft(name=name):
            return f"{name} left"


def of_event(event: events.AnyEvent) -> str:
    """Name what is stored."""
    match event:
        case events.MessagePosted() | events.MessageTold():
            return _id(event.data)
        case events.RoomCreated(by=name):
            return f"created by {name}"
        case events.MemberJoined(name=name):
            return f"{name} joined"
        case events.MemberLeft(name=name):
            return f"{name} left"
    return "?"


def decode(raw: bytes) -> events.AnyEvent:
    """Decode a stored event. Raises WireError."""
    return decode_event(raw)
