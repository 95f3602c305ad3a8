"""Commands: what a client asks of the broker. Imperative; PROTOCOL.md describes each.

A `Query` carries an `id` and is answered by one reply with the same id. A `Write` becomes a record: it carries the producer's next `n` and is
answered by `acked`, `error` or `resend`. Bounds that a person can run into (length of a text, shape of a name) are not in the types: the broker
refuses them by a code and the number is used up. What breaks a type here is the work of a faulty client: the command is answered
by `error` and uses no number.

To add a command: a struct here and its name in `AnyCommand`; then see CONTRIBUTING.md.
"""

from typing import get_args

from msgspec import Struct

from hubbub.common.fields import (
    BanKind,
    ClientName,
    Code,
    Count,
    Data,
    DeviceLabel,
    Duration,
    HistoryShown,
    Id,
    Limit,
    LockdownLevel,
    Number,
    Password,
    ProducerId,
    PublicKey,
    Reason,
    RoleName,
    RoomId,
    Seq,
    Slowness,
    Subject,
    Uses,
    Versions,
    conceal,
    snake_case,
)
from hubbub.common.limits import PAGE_ITEMS

_WEEK_SECONDS = 7 * 24 * 3600


class Command(
    Struct,
    frozen=True,
    gc=False,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag=snake_case,
):
    """The base of all commands."""


class Query(Command, frozen=True):
    """Answered by one reply with the same id."""

    id: Id


class Order(Query, frozen=True):
    """A query that becomes a record: answered once what it did is on disk. It says what shall be so, and does nothing where that is so already: it needs no number."""


class Write(Command, frozen=True):
    """Becomes a record in the one total order; `n` makes it happen exactly once."""

    n: Number


class Hello(Query, frozen=True):
    """The first command: which versions of the protocol the client speaks."""

    versions: Versions
    client: ClientName = ""


class Login(Query, frozen=True):
    """Take or claim a name. The connection's key becomes its owner if nobody has it yet.

    `password` or a link's `code` make the key another device of an account that there is; an invite's `code` lets a newcomer in.
    """

    name: str
    events_key: PublicKey
    producer: ProducerId
    resuming: bool = False
    password: Password | None = None
    code: Code | None = None
    device: DeviceLabel = ""

    def __repr__(self) -> str:
        return conceal(self, "password", "code")


class Logout(Query, frozen=True):
    """Leave at once, without the grace of a lost connection. `close_producer` false keeps its numbers for a later session."""

    close_producer: bool = True


class Ping(Query, frozen=True):
    """Sent every 5 seconds; answered by the heads that moved."""


class Post(Write, frozen=True):
    """Write to a room. `action`: the text is what one does, as of the sender ("waves"), not what one says."""

    room: RoomId
    text: str
    data: Data | None = None
    action: bool = False


class Tell(Write, frozen=True):
    """Write to one person, present or absent."""

    to: str
    text: str
    data: Data | None = None
    action: bool = False


class Create(Write, frozen=True):
    """Make a room and join it, as its owner."""

    name: str
    description: str = ""
    private: bool = False
    read_only: bool = False
    history: HistoryShown = "all"


class Join(Write, frozen=True):
    """Become a member of a room."""

    name: str


class Leave(Write, frozen=True):
    """End one's membership of a room."""

    room: RoomId


class Mark(Write, frozen=True):
    """Say how far one has read a room or the own inbox: up to and with `seq`."""

    room: RoomId
    seq: Seq


class Skip(Write, frozen=True):
    """Do nothing with this number: its write was cancelled. Always refused, by `cancelled`, unless the write itself was taken before."""


class Rooms(Query, frozen=True):
    """A page of the rooms, by name."""

    after: str = ""


class Members(Query, frozen=True):
    """A page of a room's members, by name."""

    room: RoomId
    after: str = ""


class Who(Query, frozen=True):
    """Who is online."""


class Whois(Query, frozen=True):
    """Whether there is a person of this name, and whether they are online."""

    name: str


class Away(Query, frozen=True):
    """Say that one is away, with a text that may be empty; or, without a text, that one is back. Forgotten when one goes offline.

    `again`: said in an earlier session, so it does not count against what another has said since.
    """

    text: str | None = None
    again: bool = False


class History(Query, frozen=True, rename={"peer": "with"}):
    """A page of a room's or the own inbox's events (`room`), or of the private messages exchanged with a person (`with`)."""

    room: RoomId | None = None
    peer: str | None = None
    before: Seq | None = None
    after: Seq | None = None
    limit: Limit = PAGE_ITEMS


class SetPassword(Query, frozen=True):
    """Let the own name be used from other devices by this password."""

    password: Password

    def __repr__(self) -> str:
        return conceal(self, "password")


class Link(Query, frozen=True):
    """Ask for a one-time code by which another device may use the own name."""


class Devices(Query, frozen=True):
    """The keys that may use the own name."""


class RemoveDevice(Order, frozen=True):
    """Let a key use the own name no longer; its sessions end at once."""

    device: Count


class MakeInvite(Order, frozen=True):
    """Make an invite code that lets so many newcomers in, until so many seconds from now."""

    uses: Uses = 1
    seconds: Duration = _WEEK_SECONDS


class Invite(Order, frozen=True):
    """Invite a person to a room: they may join it though it is private, and find it in their inbox."""

    room: RoomId
    name: str


class Add(Order, frozen=True):
    """Make a person a member of a room."""

    room: RoomId
    name: str


class Kick(Order, frozen=True):
    """Put a person out of a room; without `room`, or out of the lobby: out of the chat. They may not come back for so many seconds; 0: at once."""

    name: str
    room: RoomId | None = None
    seconds: Duration = 0
    reason: Reason = ""


class Mute(Order, frozen=True):
    """Let a person read a room and say nothing there for so many seconds; 0: they may speak again."""

    room: RoomId
    name: str
    seconds: Duration
    reason: Reason = ""


class SetRole(Order, frozen=True):
    """Give a member of a room a role there; without `room`: a person in the whole chat."""

    name: str
    role: RoleName
    room: RoomId | None = None


class Configure(Order, frozen=True):
    """Change a room's settings; those left out stay."""

    room: RoomId
    description: str | None = None
    private: bool | None = None
    read_only: bool | None = None
    history: HistoryShown | None = None
    slow: Slowness | None = None


class Ban(Order, frozen=True):
    """Keep a person, a key, an address or a network out of the chat for so many seconds; 0: until lifted."""

    kind: BanKind
    subject: Subject
    seconds: Duration = 0
    reason: Reason = ""


class Unban(Order, frozen=True):
    """Lift a ban."""

    kind: BanKind
    subject: Subject


class Lockdown(Order, frozen=True):
    """Say who may come and speak, until it is said otherwise."""

    level: LockdownLevel


class Bans(Query, frozen=True):
    """A page of the bans, by kind and subject; `after`: those behind "KIND SUBJECT"."""

    after: str = ""


AnyCommand = (
    Hello
    | Login
    | Logout
    | Ping
    | Post
    | Tell
    | Create
    | Join
    | Leave
    | Mark
    | Skip
    | Rooms
    | Members
    | Who
    | Whois
    | Away
    | History
    | SetPassword
    | Link
    | Devices
    | RemoveDevice
    | MakeInvite
    | Invite
    | Add
    | Kick
    | Mute
    | SetRole
    | Configure
    | Ban
    | Unban
    | Lockdown
    | Bans
)
COMMANDS: dict[str, type[Command]] = {
    snake_case(struct.__name__): struct for struct in get_args(AnyCommand)
}
