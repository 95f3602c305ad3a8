"""Replies: what the broker sends to one session over ROUTER. PROTOCOL.md describes each.

Most answer a query (`id`) or a write (`n`); `Joined`, `Left`, `Subscribed`, `Delivered` and `Closing` are pushed. A client ignores replies of an
unknown type, and unknown keys in those it knows.
"""

from typing import get_args

from msgspec import Struct

from hubbub.common.fields import (
    BanKind,
    Count,
    DigestBytes,
    Epoch,
    HistoryShown,
    Id,
    LockdownLevel,
    Millis,
    Number,
    Port,
    RoleName,
    RoomId,
    Seconds,
    Seq,
    conceal,
    snake_case,
)


class Reply(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag=snake_case):
    """The base of all replies."""


class Head(Struct, frozen=True, gc=False, array_like=True):
    """Where a log stands: an array of room, seq and digest of its last published event."""

    room: RoomId
    seq: Seq
    digest: DigestBytes


class RoomInfo(Struct, frozen=True, gc=False, omit_defaults=True):
    """A room as `room_list` shows it."""

    room: RoomId
    name: str
    description: str = ""
    members: Count = 0
    private: bool = False
    read_only: bool = False
    history: HistoryShown = "all"
    slow: Count = 0


class MemberInfo(Struct, frozen=True, gc=False, omit_defaults=True):
    """A member as `member_list` shows it; `away` is what they say of being away, None: they are not."""

    name: str
    online: bool = False
    away: str | None = None
    role: RoleName = "member"
    muted_until: Millis = 0


class DeviceInfo(Struct, frozen=True, gc=False, omit_defaults=True):
    """A key that may use a name. `device` counts the account's keys from 1; `current`: the one that asks."""

    device: Count
    fingerprint: str
    added: Millis
    used: Millis
    label: str = ""
    online: bool = False
    current: bool = False


class BanInfo(Struct, frozen=True, gc=False, omit_defaults=True):
    """A ban. `by` empty: the operator's; `until` 0: until it is lifted."""

    kind: BanKind
    subject: str
    created: Millis
    by: str = ""
    until: Millis = 0
    reason: str = ""


class Stored(Struct, frozen=True, gc=False, array_like=True):
    """An event in a page: an array of its seq and its bytes."""

    seq: Seq
    event: bytes


class Greeted(Reply, frozen=True):
    """Answers `hello`: the version that both will speak, the broker's name, and what program it is."""

    id: Id
    version: int
    broker: str
    software: str = ""


class Joined(Reply, frozen=True):
    """Pushed to each session of a person who became a member, also for the session that asked. `read` is the person's marker."""

    room: RoomId
    name: str
    seq: Seq
    digest: DigestBytes
    description: str = ""
    read: Seq = 0
    role: RoleName = "member"
    private: bool = False
    read_only: bool = False
    history: HistoryShown = "all"
    slow: Count = 0


class Welcome(Reply, frozen=True):
    """Answers `login`. `created` says that the name was new; `rooms` are those one is a member of, the lobby first; `inbox` is the own inbox's head,
    `inbox_read` its marker."""

    id: Id
    name: str
    epoch: Epoch
    inbox: Head
    rooms: list[Joined]
    events_port: Port
    time: Millis
    events_host: str = ""
    created: bool = False
    inbox_read: Seq = 0
    role: RoleName = "member"
    has_password: bool = False


class Bye(Reply, frozen=True):
    """Answers `logout`; nothing follows."""

    id: Id


class Pong(Reply, frozen=True):
    """Answers `ping`: the heads of the session's rooms and inbox that moved since they were last told."""

    id: Id
    heads: list[Head] = []


class Acked(Reply, frozen=True):
    """Writes n … n+count-1 are on disk, as events seq … seq+count-1 of `room` (for `tell`: of the sender's inbox). A `mark` is no event: the
    seq that falls to it is the marker's."""

    n: Number
    room: RoomId
    seq: Seq
    count: Number = 1


class Error(Reply, frozen=True):
    """A command had no effect: `id` or `n` says which; neither: the frame as a whole. `retry_after`: when it may be asked again, if it may."""

    code: str
    text: str
    id: Id | None = None
    n: Number | None = None
    retry_after: Seconds = 0.0


class Resend(Reply, frozen=True):
    """Nothing from write `n` on was taken: send it and all after it again, `retry_after` seconds from now."""

    n: Number
    code: str
    retry_after: Seconds = 0.0


class Left(Reply, frozen=True):
    """Pushed to each session of a person whose membership ended, or, with `by`, who was put out: unsubscribe."""

    room: RoomId
    by: str = ""
    reason: str = ""


class Marked(Reply, frozen=True):
    """Pushed to each session of a person whose marker in a room or in the inbox was moved by a `mark`: where it stands now."""

    room: RoomId
    read: Seq


class Subscribed(Reply, frozen=True):
    """A subscription was granted; every event of the room after `seq` comes on SUB."""

    room: RoomId
    seq: Seq
    digest: DigestBytes


class Delivered(Reply, frozen=True):
    """Pushed to each session of sender and receiver: event `seq` of the own inbox."""

    seq: Seq
    event: bytes


class Page(Reply, frozen=True):
    """Answers `history`. Events oldest first; `more`: there are more in the direction asked. `first` is the oldest seq that the log still has,
    `before` the digest before the page's first event (for `with`: empty)."""

    id: Id
    room: RoomId
    events: list[Stored]
    more: bool
    first: Seq
    before: bytes


class RoomList(Reply, frozen=True):
    """Answers `rooms`."""

    id: Id
    rooms: list[RoomInfo]
    more: bool


class MemberList(Reply, frozen=True):
    """Answers `members`."""

    id: Id
    room: RoomId
    members: list[MemberInfo]
    more: bool


class Roster(Reply, frozen=True):
    """Answers `who`: the names online, sorted, at presence version `version`; `online` counts all, `names` holds at most 1,000. `away`: those of
    them who are away, and what they say of it."""

    id: Id
    version: Count
    online: Count
    names: list[str]
    away: dict[str, str] = {}


class Noted(Reply, frozen=True):
    """Answers `away`."""

    id: Id


class Done(Reply, frozen=True):
    """Answers an order that has nothing more to tell: it is on disk."""

    id: Id


class LinkMade(Reply, frozen=True):
    """Answers `link`: a code for one device, good for so many seconds."""

    id: Id
    code: str
    seconds: Seconds

    def __repr__(self) -> str:
        return conceal(self, "code")


class InviteMade(Reply, frozen=True):
    """Answers `make_invite`: a code for so many newcomers, good until `expires`."""

    id: Id
    code: str
    uses: Count
    expires: Millis

    def __repr__(self) -> str:
        return conceal(self, "code")


class DeviceList(Reply, frozen=True):
    """Answers `devices`."""

    id: Id
    devices: list[DeviceInfo]


class BanList(Reply, frozen=True):
    """Answers `bans`; `lockdown` is the level that holds."""

    id: Id
    bans: list[BanInfo]
    lockdown: LockdownLevel
    more: bool


class Closing(Reply, frozen=True):
    """The broker ends the session; come back after `retry_after` seconds if the code is `shutting_down` or `flooding`."""

    code: str
    text: str
    retry_after: Seconds = 0.0


AnyReply = (
    Greeted
    | Welcome
    | Bye
    | Pong
    | Acked
    | Error
    | Resend
    | Joined
    | Left
    | Marked
    | Subscribed
    | Delivered
    | Page
    | RoomList
    | MemberList
    | Roster
    | Noted
    | Done
    | LinkMade
    | InviteMade
    | DeviceList
    | BanList
    | Closing
)
REPLIES: dict[str, type[Reply]] = {
    snake_case(struct.__name__): struct for struct in get_args(AnyReply)
}
