"""What the operator's commands ask of a running broker, and what it answers. Not part of the public protocol: commands and broker are of one version.

One frame each way, a msgpack map. Every request carries an `id`, and exactly one answer carries the same. What changes something is an order, of the public protocol or of
`core.orders`, answered once it is on disk; what only asks is here. Lists come in pages: ask again with the `after` that the page gives, until it gives none.
To add a request: a struct here, its name in `AnyRequest`, and what answers it in `service`, or, for an order, its row in `core.rules`.
"""

from typing import Final

import msgspec
from msgspec import Struct

from hubbub.broker.core.context import Registration
from hubbub.broker.core.orders import LinkFor, Release, SetBot
from hubbub.common.commands import Ban, Kick, Lockdown, MakeInvite, Mute, SetRole, Unban
from hubbub.common.fields import (
    Count,
    HistoryShown,
    Id,
    LockdownLevel,
    Millis,
    Number,
    PublicKey,
    RoleName,
    RoomId,
    Seq,
    snake_case,
)
from hubbub.common.replies import BanInfo, Done, Error, InviteMade, LinkMade

PAGE_ROWS: Final = 100
"""Of every list: a page takes the loop about a millisecond."""
AUDIT_ROWS: Final = 1000
"""The audit room's entries that a page holds at most."""


class Request(
    Struct,
    frozen=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag=snake_case,
):
    """The base of what only asks."""

    id: Id


class ListUsers(Request, frozen=True):
    """The accounts behind this number, oldest first."""

    after: Count = 0


class ShowUser(Request, frozen=True):
    """All there is to say of somebody."""

    name: str


class ListRooms(Request, frozen=True):
    """The rooms behind this number, oldest first."""

    after: Count = 0


class FindRoom(Request, frozen=True):
    """The id of a room, by which orders name it."""

    name: str


class ListInvites(Request, frozen=True):
    """The invites that are good still, behind this one, in no order that means anything."""

    after: bytes = b""


class ListBans(Request, frozen=True):
    """The bans that hold, by kind, behind this one."""

    after: tuple[str, str] | None = None


class ReadAudit(Request, frozen=True):
    """Entries of the audit room: the first ones behind `after`; without it the last ones, or those before `before`."""

    after: Seq | None = None
    before: Seq | None = None
    limit: Number = AUDIT_ROWS


class ReadStats(Request, frozen=True):
    """How the broker is."""


class FindPlace(Request, frozen=True):
    """Where the broker is: what join links are made of."""


class Answer(Struct, frozen=True, omit_defaults=True, tag_field="type", tag=snake_case):
    """The base of what answers a `Request`. Orders are answered by replies of the public protocol."""

    id: Id


class UserDevice(Struct, frozen=True, omit_defaults=True):
    """A key that may use a name; `device` is its number among the account's."""

    device: Count
    key: str
    fingerprint: str
    added: Millis
    used: Millis
    label: str = ""
    online: bool = False


class User(Struct, frozen=True, omit_defaults=True):
    """An account. `used` is when a device of it last logged in, as far as it is written down; `muted` are names of rooms."""

    name: str
    created: Millis
    used: Millis
    devices: Count
    role: RoleName = "member"
    online: bool = False
    is_bot: bool = False
    has_password: bool = False
    invited: bool = False
    banned: bool = False
    banned_until: Millis = 0
    muted: list[str] = []


class Users(Answer, frozen=True):
    """Answers `list_users`. `after` 0: that was all."""

    users: list[User]
    after: Count = 0


class UserShown(Answer, frozen=True):
    """Answers `show_user`. `rooms` are names."""

    user: User
    devices: list[UserDevice]
    rooms: list[str]


class Room(Struct, frozen=True, omit_defaults=True):
    """A room; `events` is how many its log has, messages most of them."""

    room: RoomId
    name: str
    created: Millis
    members: Count
    events: Count
    description: str = ""
    private: bool = False
    read_only: bool = False
    history: HistoryShown = "all"
    slow: Count = 0
    audit: bool = False


class Rooms(Answer, frozen=True):
    """Answers `list_rooms`. `after` 0: that was all."""

    rooms: list[Room]
    after: Count = 0


class RoomFound(Answer, frozen=True):
    """Answers `find_room`."""

    room: RoomId


class Invite(Struct, frozen=True, omit_defaults=True):
    """An invite that is good still: its code is known only to whom it was told. `by` empty: the operator's."""

    uses: Count
    created: Millis
    expires: Millis
    by: str = ""


class Invites(Answer, frozen=True):
    """Answers `list_invites`. `after` empty: that was all."""

    invites: list[Invite]
    after: bytes = b""


class Bans(Answer, frozen=True):
    """Answers `list_bans`. `after` None: that was all."""

    bans: list[BanInfo]
    after: tuple[str, str] | None = None


class Entry(Struct, frozen=True, omit_defaults=True):
    """What the audit room says of one use of a power. `by` empty: the operator."""

    seq: Seq
    time: Millis
    action: str
    subject: str
    by: str = ""
    room: str = ""
    reason: str = ""
    until: Millis = 0
    detail: str = ""


class Audit(Answer, frozen=True):
    """Answers `read_audit`, oldest first. `first` and `last` are what to ask before, and behind, next (0: nothing was read); `more`: there is something in the direction asked."""

    entries: list[Entry]
    first: Seq
    last: Seq
    more: bool = False


class Stats(Answer, frozen=True):
    """Answers `read_stats`. Seconds, bytes, and how many there are now."""

    software: str
    broker: str
    process: Count
    uptime: float
    memory: Count
    """Resident; 0 if the system does not say."""
    connections: Count
    """TCP connections of all three sockets."""
    sessions: Count
    online: Count
    users: Count
    rooms: Count
    events: Count
    """In the logs of all rooms."""
    private_messages: Count
    records: Count
    """Ever carried out."""
    waiting_records: Count
    """Taken and not yet on their way to the disk."""
    waiting_bytes: Count
    waiting_pages: Count
    """Asked of the reader."""
    held_bytes: Count
    """Of frames that wait because their senders are over their budgets."""
    slowed_down: Count
    """Since the start, as the next three: frames refused because their sender was over its budget."""
    flooded: Count
    """Sessions cut because they went on regardless."""
    turned_away: Count
    """Connections shut because there were too many."""
    handshakes_refused: Count
    storage_failed: bool
    registration: Registration
    lockdown: LockdownLevel
    bans: Count
    invites: Count


class Place(Answer, frozen=True):
    """Answers `find_place`: the address that the broker listens on, the one it advertises (empty: none) and its public key."""

    address: str
    key: PublicKey
    advertised: str = ""


AnyRequest = (
    ListUsers
    | ShowUser
    | ListRooms
    | FindRoom
    | ListInvites
    | ListBans
    | ReadAudit
    | ReadStats
    | FindPlace
    | Ban
    | Unban
    | Kick
    | Mute
    | SetRole
    | Lockdown
    | MakeInvite
    | LinkFor
    | Release
    | SetBot
)
AnyAnswer = (
    Users
    | UserShown
    | Rooms
    | RoomFound
    | Invites
    | Bans
    | Audit
    | Stats
    | Place
    | Done
    | InviteMade
    | LinkMade
    | Error
)
REQUESTS: Final = msgspec.msgpack.Decoder(AnyRequest)
ANSWERS: Final = msgspec.msgpack.Decoder(AnyAnswer)
"""Both raise ValueError, or RecursionError, at what they cannot read."""


class _Id(Struct, frozen=True):
    id: Id


_IDS: Final = msgspec.msgpack.Decoder(_Id)


def id_of(payload: bytes) -> int:
    """Return the id of a request that could not be read as a whole; 0 if it has none."""
    try:
        return _IDS.decode(payload).id
    except (ValueError, RecursionError):
        return 0
