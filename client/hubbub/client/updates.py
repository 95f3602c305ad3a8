"""What a program sees happen: the items of `Client.events()`. Past tense; rooms and people by name.

Within one room, and within the private messages, every update comes once and in order of `seq`. `earlier` says that it was
fetched from history after a gap instead of arriving live. Between rooms there is no order.

To add one: a struct here, its name in `Update`, and the line of `hubbub.client.narrator` that makes it.
"""

from msgspec import Struct

from hubbub.common.errors import HubbubError
from hubbub.common.fields import Data, HistoryShown, RoleName


class Message(Struct, frozen=True):
    """Somebody wrote to a room. `own`: this very client did (not another session of the same person). `time`: milliseconds since 1970, UTC.

    `action`: the text is what the sender does ("waves"), not what they say.
    """

    room: str
    sender: str
    text: str
    data: Data | None
    time: int
    seq: int
    own: bool = False
    earlier: bool = False
    action: bool = False


class PrivateMessage(Struct, frozen=True):
    """A private message, received or sent (by any session of one's own). `seq` counts in one's own inbox."""

    sender: str
    to: str
    text: str
    data: Data | None
    time: int
    seq: int
    own: bool = False
    earlier: bool = False
    action: bool = False


class RoomCreated(Struct, frozen=True):
    """The first event of a room; its creator is its first member."""

    room: str
    by: str
    description: str
    time: int
    seq: int
    earlier: bool = False


class MemberJoined(Struct, frozen=True):
    """Somebody became a member of a room (other than the lobby)."""

    room: str
    name: str
    time: int
    seq: int
    earlier: bool = False


class MemberLeft(Struct, frozen=True):
    """Somebody ended the membership of a room; or, with `by`, was put out of it."""

    room: str
    name: str
    time: int
    seq: int
    earlier: bool = False
    by: str = ""
    reason: str = ""


class RoleChanged(Struct, frozen=True):
    """A member has another role in a room; in the lobby: in the whole chat. `by` empty: the broker's operator gave it."""

    room: str
    name: str
    role: RoleName
    by: str
    time: int
    seq: int
    earlier: bool = False


class MemberMuted(Struct, frozen=True):
    """A member may not speak in a room until a time, in milliseconds since 1970, UTC; 0: may speak again."""

    room: str
    name: str
    by: str
    until: int
    reason: str
    time: int
    seq: int
    earlier: bool = False


class RoomChanged(Struct, frozen=True):
    """A room has other settings: those that are not None."""

    room: str
    by: str
    time: int
    seq: int
    earlier: bool = False
    description: str | None = None
    private: bool | None = None
    read_only: bool | None = None
    history: HistoryShown | None = None
    slow: int | None = None
    """Seconds between two posts of one member."""


class Invited(Struct, frozen=True):
    """A person was invited to a room, oneself or by oneself. `seq` counts in one's own inbox, as that of a private message."""

    sender: str
    to: str
    room: str
    time: int
    seq: int
    earlier: bool = False


class Audited(Struct, frozen=True):
    """Somebody used a power over others. Only the chat's owners see it, in the room `room`.

    `action` is a word for programs, `subject` whom or what it was done to, in the room `where` or (empty) in the whole chat. `by` empty: the
    broker's operator. `until`, in milliseconds since 1970, UTC, 0: without an end, or it has none.
    """

    room: str
    by: str
    action: str
    subject: str
    where: str
    reason: str
    until: int
    detail: str
    time: int
    seq: int
    earlier: bool = False


class PersonJoined(Struct, frozen=True):
    """Somebody came online. Not for oneself, and not for those who only came back after the broker's restart."""

    name: str


class PersonLeft(Struct, frozen=True):
    """Somebody went offline."""

    name: str


class PersonAway(Struct, frozen=True):
    """Somebody says that they are away, with a text that may be empty, or says something else of it. Not for oneself."""

    name: str
    text: str


class PersonBack(Struct, frozen=True):
    """Somebody who was away says that they are back. (Whoever goes offline is no longer away; `PersonLeft` says enough.)"""

    name: str


class PeopleOnline(Struct, frozen=True):
    """How many are online: comes instead of what each of them does when there are more than 50."""

    count: int


class MarkerMoved(Struct, frozen=True):
    """Another session of one's own has read a room (None: the private messages) up to and with `read`, which may be ahead of what came here.

    After a lost connection also: where the marker stands now, whoever moved it.
    """

    room: str | None
    read: int


class RoomJoined(Struct, frozen=True):
    """One became a member of a room, by this session, by another of one's own, or because a moderator made one."""

    room: str
    description: str
    role: RoleName = "member"


class RoomLeft(Struct, frozen=True):
    """One is no longer a member of a room; with `by`: one was put out of it."""

    room: str
    by: str = ""
    reason: str = ""


class ConnectionLost(Struct, frozen=True):
    """The broker is out of reach; the client keeps trying, and keeps what is written meanwhile."""


class ConnectionRestored(Struct, frozen=True):
    """The session goes on; what was missed follows as updates marked `earlier`. Who came, went or was away meanwhile is not told: `Client.who` says it."""


class Missed(Struct, frozen=True):
    """Events `first` … `last` of a room (None: of the private messages) are gone from the broker's log and were never seen here."""

    room: str | None
    first: int
    last: int


class Diverged(Struct, frozen=True):
    """At `seq` this client's digest of a room (None: of the private messages) is not the broker's: an event was lost or changed."""

    room: str | None
    seq: int


class LogReplaced(Struct, frozen=True):
    """The broker has another log than before (restored from a backup, or new): reading goes on at its present end."""


class Ended(Struct, frozen=True):
    """The client is over and this is its last update. It was not closed by its user; `reason` says what happened."""

    reason: HubbubError


Update = (
    Message
    | PrivateMessage
    | RoomCreated
    | MemberJoined
    | MemberLeft
    | RoleChanged
    | MemberMuted
    | RoomChanged
    | Invited
    | Audited
    | PersonJoined
    | PersonLeft
    | PersonAway
    | PersonBack
    | PeopleOnline
    | MarkerMoved
    | RoomJoined
    | RoomLeft
    | ConnectionLost
    | ConnectionRestored
    | Missed
    | Diverged
    | LogReplaced
    | Ended
)
