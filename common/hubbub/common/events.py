"""Events: what has happened. Past tense; PROTOCOL.md describes each.

An event is encoded once, by the broker; the bytes are what is stored, published, paged and hashed. It is an array, its type first: names of fields were a seventh of the bytes
of a short message, which are stored, hashed and sent to everybody. New fields come last, with a default. `RoomEvent`s carry their seq in their room; `MessageTold` lies in two inboxes and
carries none; `PresenceChanged` is ephemeral: no seq, never stored.
"""

from typing import get_args

from msgspec import Struct

from hubbub.common.fields import (
    Count,
    Data,
    HistoryShown,
    Millis,
    RoleName,
    RoomId,
    Seq,
    snake_case,
)


class Event(Struct, frozen=True, gc=False, array_like=True, tag_field="type", tag=snake_case):
    """The base of all events."""


class RoomEvent(Event, frozen=True):
    """An event of a room's log."""

    seq: Seq
    time: Millis


class MessagePosted(RoomEvent, frozen=True):
    """Somebody wrote to the room. `action`: the text is what they do, not what they say."""

    sender: str
    text: str
    data: Data | None = None
    action: bool = False


class RoomCreated(RoomEvent, frozen=True):
    """The first event of every room but the lobby."""

    name: str
    by: str
    description: str = ""


class MemberJoined(RoomEvent, frozen=True):
    """Somebody became a member. (Everybody is a member of the lobby: there it is no event.)"""

    name: str


class MemberLeft(RoomEvent, frozen=True):
    """Somebody ended the membership; or, with `by`, was put out."""

    name: str
    by: str = ""
    reason: str = ""


class RoleChanged(RoomEvent, frozen=True):
    """A member has another role in the room; in the lobby: in the whole chat. `by` empty: the operator."""

    name: str
    role: RoleName
    by: str = ""


class MemberMuted(RoomEvent, frozen=True):
    """A member may not speak in the room until a time; 0: may again."""

    name: str
    by: str = ""
    until: Millis = 0
    reason: str = ""


class RoomChanged(RoomEvent, frozen=True):
    """A room has other settings: those that are given."""

    by: str = ""
    description: str | None = None
    private: bool | None = None
    read_only: bool | None = None
    history: HistoryShown | None = None
    slow: Count | None = None


class Audited(RoomEvent, frozen=True):
    """Somebody used a power over others; only in the audit room. `by` empty: the operator. `action` is a word for programs, `subject` whom or what."""

    by: str
    action: str
    subject: str
    room: str = ""
    reason: str = ""
    until: Millis = 0
    detail: str = ""


class MessageTold(Event, frozen=True):
    """A private message; the same bytes lie in the inboxes of both parties."""

    time: Millis
    sender: str
    to: str
    text: str
    data: Data | None = None
    action: bool = False


class RoomInvited(Event, frozen=True):
    """Somebody invites to a room; in the inboxes of both parties, like a private message."""

    time: Millis
    sender: str
    to: str
    room: RoomId
    name: str


class PresenceChanged(Event, frozen=True):
    """Who came and went since version - 1, on the lobby's topic. `returned` are online as well but no news: they resumed after the
    broker's restart. `away` are those online who say now that they are away, and what they say of it; `back` those who are no longer.
    A hole in the versions means: ask `who`."""

    version: Count
    online: Count
    joined: list[str] = []
    left: list[str] = []
    returned: list[str] = []
    away: dict[str, str] = {}
    back: list[str] = []


class UnknownEvent(Event, frozen=True):
    """What a client makes of an event whose type it does not know: it counts in seq and digest. Never on the wire."""

    seq: Seq | None = None


AnyEvent = (
    MessagePosted
    | RoomCreated
    | MemberJoined
    | MemberLeft
    | RoleChanged
    | MemberMuted
    | RoomChanged
    | Audited
    | MessageTold
    | RoomInvited
    | PresenceChanged
    | UnknownEvent
)
EVENTS: dict[str, type[Event]] = {
    snake_case(struct.__name__): struct
    for struct in get_args(AnyEvent)
    if struct is not UnknownEvent
}
