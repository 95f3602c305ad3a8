"""What a program sees happen: the items of `Client.events()`. Past tense; rooms and people by name.

Within one room, and within the private messages, every update comes once and in order of `seq`. `earlier` says that it was
fetched from history after a gap instead of arriving live. Between rooms there is no order.

To add one: a dataclass here, its name in `Update`, and the line of `hubbub.client.narrator` that makes it.
"""

from dataclasses import dataclass

from hubbub.common.errors import HubbubError
from hubbub.common.fields import Data, HistoryShown, RoleName


@dataclass(frozen=True, slots=True)
class Message:
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


@dataclass(frozen=True, slots=True)
class PrivateMessage:
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


@dataclass(frozen=True, slots=True)
class RoomCreated:
    """The first event of a room; its creator is its first member."""

    room: str
    by: str
    description: str
    time: int
    seq: int
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """Somebody became a member of a room (other than the lobby)."""

    room: str
    name: str
    time: int
    seq: int
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """Somebody ended the membership of a room; or, with `by`, was put out of it."""

    room: str
    name: str
    time: int
    seq: int
    earlier: bool = False
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """A member has another role in a room; in the lobby: in the whole chat. `by` empty: the broker's operator gave it."""

    room: str
    name: str
    role: RoleName
    by: str
    time: int
    seq: int
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class MemberMuted:
    """A member may not speak in a room until a time, in milliseconds since 1970, UTC; 0: may speak again."""

    room: str
    name: str
    by: str
    until: int
    reason: str
    time: int
    seq: int
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class RoomChanged:
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


@dataclass(frozen=True, slots=True)
class Invited:
    """A person was invited to a room, oneself or by oneself. `seq` counts in one's own inbox, as that of a private message."""

    sender: str
    to: str
    room: str
    time: int
    seq: int
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class Audited:
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


@dataclass(frozen=True, slots=True)
class PersonJoined:
    """Somebody came online. Not for oneself, and not for those who only came back after the broker's restart."""

    name: str


@dataclass(frozen=True, slots=True)
class PersonLeft:
    """Somebody went offline."""

    name: str


@dataclass(frozen=True, slots=True)
class PersonAway:
    """Somebody says that they are away, with a text that may be empty, or says something else of it. Not for oneself."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class PersonBack:
    """Somebody who was away says that they are back. (Whoever goes offline is no longer away; `PersonLeft` says enough.)"""

    name: str


@dataclass(frozen=True, slots=True)
class PeopleOnline:
    """How many are online: comes instead of what each of them does when there are more than 50."""

    count: int


@dataclass(frozen=True, slots=True)
class MarkerMoved:
    """Another session of one's own has read a room (None: the private messages) up to and with `read`, which may be ahead of what came here.

    After a lost connection also: where the marker stands now, whoever moved it.
    """

    room: str | None
    read: int


@dataclass(frozen=True, slots=True)
class RoomJoined:
    """One became a member of a room, by this session, by another of one's own, or because a moderator made one."""

    room: str
    description: str
    role: RoleName = "member"


@dataclass(frozen=True, slots=True)
class RoomLeft:
    """One is no longer a member of a room; with `by`: one was put out of it."""

    room: str
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The broker is out of reach; the client keeps trying, and keeps what is written meanwhile."""


@dataclass(frozen=True, slots=True)
class ConnectionRestored:
    """The session goes on; what was missed follows as updates marked `earlier`. Who came, went or was away meanwhile is not told: `Client.who` says it."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Events `first` … `last` of a room (None: of the private messages) are gone from the broker's log and were never seen here."""

    room: str | None
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Diverged:
    """At `seq` this client's digest of a room (None: of the private messages) is not the broker's: an event was lost or changed."""

    room: str | None
    seq: int


@dataclass(frozen=True, slots=True)
class LogReplaced:
    """The broker has another log than before (restored from a backup, or new): reading goes on at its present end."""


@dataclass(frozen=True, slots=True)
class Ended:
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
