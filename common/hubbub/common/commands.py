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
    ClientName,
    Data,
    Id,
    Limit,
    Number,
    ProducerId,
    PublicKey,
    RoomId,
    Seq,
    Versions,
    snake_case,
)
from hubbub.common.limits import PAGE_ITEMS


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


class Write(Command, frozen=True):
    """Becomes a record in the one total order; `n` makes it happen exactly once."""

    n: Number


class Hello(Query, frozen=True):
    """The first command: which versions of the protocol the client speaks."""

    versions: Versions
    client: ClientName = ""


class Login(Query, frozen=True):
    """Take or claim a name. The connection's key becomes its owner if nobody has it yet."""

    name: str
    events_key: PublicKey
    producer: ProducerId
    resuming: bool = False


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
    """Make a room and join it."""

    name: str
    description: str = ""


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
)
COMMANDS: dict[str, type[Command]] = {
    snake_case(struct.__name__): struct for struct in get_args(AnyCommand)
}
