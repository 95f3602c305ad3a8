"""What a client's questions are answered with. Values only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

from hubbub.client.updates import Message, PrivateMessage
from hubbub.common.addresses import Address, parse
from hubbub.common.fields import BanKind, Data, HistoryShown, LockdownLevel, RoleName
from hubbub.common.links import JoinLink


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """How a login went: one's name as the broker writes it, and whether it was new."""

    name: str
    created: bool


@dataclass(frozen=True, slots=True)
class History(Sequence[Message | PrivateMessage]):
    """A stretch of a log: its messages, oldest first; usable as a sequence.

    `more`: there are more in the direction asked. `first`: the seq of the oldest event that the log still has.
    """

    messages: tuple[Message | PrivateMessage, ...]
    more: bool
    first: int

    @overload
    def __getitem__(self, index: int) -> Message | PrivateMessage: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Message | PrivateMessage]: ...
    def __getitem__(
        self, index: int | slice
    ) -> Message | PrivateMessage | Sequence[Message | PrivateMessage]:
        return self.messages[index]

    def __len__(self) -> int:
        return len(self.messages)


@dataclass(frozen=True, slots=True)
class Room:
    """A room as listed, and its settings; `role` is one's own in it, None: one is no member. In the lobby it is one's role in the whole chat."""

    name: str
    description: str
    members: int
    role: RoleName | None = None
    private: bool = False
    """Not listed to others; entered only by invitation, or by being added."""
    read_only: bool = False
    """Only moderators post."""
    history: HistoryShown = "all"
    """How much of what was said a member may read."""
    slow: int = 0
    """Seconds between two posts of one member, moderators aside."""

    @property
    def joined(self) -> bool:
        """Whether one is a member."""
        return self.role is not None


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a room."""

    name: str
    online: bool
    away: str | None = None
    """What they say of being away, which may be empty; None: they are not."""
    role: RoleName = "member"
    muted_until: int = 0
    """Until when they may not speak there, in milliseconds since 1970, UTC; 0, or past: they may."""


@dataclass(frozen=True, slots=True)
class Device:
    """A key that may use one's name. `number` is for `Account.remove_device`; times in milliseconds since 1970, UTC, `used` to the day."""

    number: int
    fingerprint: str
    label: str
    added: int
    used: int
    online: bool
    current: bool
    """Whether it is the one that asks."""


@dataclass(frozen=True, slots=True)
class LinkCode:
    """A one-time code by which another device may use one's name, good for so many seconds."""

    code: str = field(repr=False)
    seconds: float


@dataclass(frozen=True, slots=True)
class Invite:
    """An invite: its code lets so many newcomers in, until `expires`, in milliseconds since 1970, UTC."""

    code: str = field(repr=False)
    uses: int
    expires: int

    def link(self, address: str | Address, key: bytes) -> str:
        """Return a join link with the code in it. `address` is the broker's as newcomers reach it, `key` its public key, as `Client.server_key` has it."""
        where = parse(address) if isinstance(address, str) else address
        return str(JoinLink(where, key, self.code))


@dataclass(frozen=True, slots=True)
class Ban:
    """Somebody kept out of the chat: an account, a key, an address or a network. `by` empty: the operator did it; `until` 0: until it is lifted."""

    kind: BanKind
    subject: str
    by: str
    created: int
    until: int
    reason: str


@dataclass(frozen=True, slots=True)
class Bans(Sequence[Ban]):
    """The bans, by kind and subject, usable as a sequence; and how far the chat is locked down."""

    bans: tuple[Ban, ...]
    lockdown: LockdownLevel

    @overload
    def __getitem__(self, index: int) -> Ban: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Ban]: ...
    def __getitem__(self, index: int | slice) -> Ban | Sequence[Ban]:
        return self.bans[index]

    def __len__(self) -> int:
        return len(self.bans)


@dataclass(frozen=True, slots=True)
class People:
    """Who is online: `names` sorted, at most 1,000 of them; `count` is of everybody."""

    count: int
    names: tuple[str, ...]
    away: Mapping[str, str] = field(default_factory=dict)
    """Those of the names who are away, in the same order, and what they say of it."""


@dataclass(frozen=True, slots=True)
class Marker:
    """How far one has read a room (None: the private messages): up to and with seq `read`, by any of one's devices. `head`: the last seq that this
    client has received; `start`: where it began to, so that what is not above it is in history only, and all above it comes as updates."""

    room: str | None
    read: int
    head: int
    start: int


@dataclass(frozen=True, slots=True)
class Verification:
    """A log read again (room None: the private messages): its events `first` to `last`, and the digest behind `last`.

    `differs_at`: the first seq from which on broker and client do not hold the same; None: they agree.
    """

    room: str | None
    epoch: bytes
    first: int
    last: int
    digest: bytes
    differs_at: int | None

    @property
    def count(self) -> int:
        """How many events were read."""
        return self.last - self.first + 1

    @property
    def agrees(self) -> bool:
        """Whether broker and client hold the same."""
        return self.differs_at is None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A write that the broker has not answered yet. `kind`: post, tell, create, join, leave, mark, or skip once it is to be cancelled.

    `id` is for `Client.cancel`; it stays as long as the write does, in a file over processes.
    """

    id: int
    kind: str
    room: str | None = None
    to: str | None = None
    text: str = ""
    data: Data | None = None


@dataclass(frozen=True, slots=True)
class LogPosition:
    """How far a log was read. Two readers with equal positions hold the same events in the same order."""

    epoch: bytes
    seq: int
    digest: bytes
