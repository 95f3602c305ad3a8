"""What one batch changes, and the whole shared state as it is loaded: the values that pass between core and store.

The core fills one `Changes` for each batch; the store writes it in one transaction, one statement for each table. `Snapshot` is what the core
starts from, and what it goes back to when a commit has failed. Numbers of accounts, rooms and messages are given by the core, 1, 2, 3 …
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from hubbub.broker.core.event_runs import EventRun
from hubbub.broker.core.roles import Role
from hubbub.common.fields import BanKind, LockdownLevel

INBOX: Final = 0
"""Stands for an account's inbox where logs go by the numbers of rooms, which begin at 1."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One person or program; times in Unix milliseconds. `password` is an Argon2 hash in PHC form, empty if none is set."""

    account: int
    name: str
    created: int
    role: Role = Role.MEMBER
    """In the whole chat."""
    password: str = ""
    is_bot: bool = False
    invited: bool = False
    """Whether it came by an invite."""
    released: int = 0
    """When the operator gave the name free; 0: never. The account stays for the log's sake, and nobody uses it again."""


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device key that may use an account's name: its hex, what the device called itself, when it was added and last used (Unix milliseconds)."""

    key: str
    label: str
    added: int
    used: int


@dataclass(frozen=True, slots=True)
class RoomRow:
    """One room. `room` is its 16-byte id; `fold` is `names.fold(name)`, by which it is looked up and sorted."""

    number: int
    room: bytes
    name: str
    fold: str
    description: str
    created: int
    private: bool = False
    read_only: bool = False
    """Only moderators and owners post."""
    since_joined: bool = False
    """Members read what came since they joined, not all."""
    slow: int = 0
    """Seconds between two posts of one member."""
    audit: bool = False
    """The room that tells the owners who used which power."""
    creator: int = 0
    """The account that made it; 0: nobody, or somebody who had left it before that was written down."""


class Membership(NamedTuple):
    """The seq of the event that made an account a member of a room, and its role there."""

    since: int
    role: Role


class Restraint(NamedTuple):
    """Until when (Unix milliseconds, 0: not) an account is muted in a room, and kept out of it."""

    muted: int
    barred: int


@dataclass(frozen=True, slots=True)
class BanRow:
    """A ban. Times in Unix milliseconds; `until` 0: until it is lifted; `by` 0: the operator's."""

    reason: str
    by: int
    created: int
    until: int


BanKey = tuple[BanKind, str]
"""Kind and subject: an account's number, a key in hex, an address, a network, in canonical form."""


@dataclass(frozen=True, slots=True)
class InviteRow:
    """An invite: how many newcomers it is good for still, until when (Unix milliseconds), and whose it is (0: the operator's)."""

    uses: int
    expires: int
    by: int
    created: int


class ProducerRow(NamedTuple):
    """A producer's last number, its last use (Unix milliseconds) and the encoded outcomes of its last 512 numbers."""

    n: int
    used: int
    outcomes: bytes


@dataclass(slots=True)
class Changes:
    """All that one batch changes. Tuples are rows in the order of their table's columns; a dict's None deletes the row."""

    accounts: list[AccountRow] = field(default_factory=list)
    rooms: list[RoomRow] = field(default_factory=list)
    devices: dict[tuple[int, int], DeviceRow | None] = field(default_factory=dict)
    """(account, number of the device, from 1) → its row."""
    members: dict[tuple[int, int], Membership | None] = field(default_factory=dict)
    """(room number, account) → membership."""
    restraints: dict[tuple[int, int], Restraint | None] = field(default_factory=dict)
    """(room number, account) → mute and bar."""
    invited: dict[tuple[int, int], bool | None] = field(default_factory=dict)
    """(room number, account): may join though the room is private."""
    bans: dict[BanKey, BanRow | None] = field(default_factory=dict)
    invites: dict[bytes, InviteRow | None] = field(default_factory=dict)
    """By the hash of the code."""
    lockdown: LockdownLevel | None = None
    """None: as before."""
    events: list[EventRun] = field(default_factory=list)
    """In the order of each room's log, without holes."""
    messages: list[tuple[int, bytes]] = field(default_factory=list)
    """(message number, event): each private message once."""
    inbox: list[tuple[int, int, int, int, bytes]] = field(default_factory=list)
    """(account, seq, message number, the other party's account, digest)."""
    markers: dict[tuple[int, int], int | None] = field(default_factory=dict)
    """(account, room number or INBOX) → seq up to which the account has read."""
    producers: dict[tuple[int, bytes], ProducerRow | None] = field(default_factory=dict)
    """(account, producer id) → its row."""
    position: int = 0
    """The log's own position after this batch: the number of records ever applied."""


@dataclass(frozen=True, slots=True)
class LogHead:
    """The last seq of a log and its digest; seq 0 and 16 zero bytes before the first event."""

    seq: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole shared state, as committed."""

    epoch: bytes
    position: int
    accounts: list[AccountRow]
    rooms: list[RoomRow]
    room_heads: dict[int, LogHead]
    """By room number; a room without events is absent."""
    inbox_heads: dict[int, LogHead]
    """By account; an empty inbox is absent."""
    members: list[tuple[int, int, int, Role]]
    """(room number, account, since, role)."""
    markers: dict[int, dict[int, int]]
    """By account: room number or INBOX → seq up to which the account has read."""
    producers: dict[tuple[int, bytes], ProducerRow]
    last_message: int
    """The highest message number, 0 if none."""
    devices: dict[tuple[int, int], DeviceRow] = field(default_factory=dict)
    restraints: dict[tuple[int, int], Restraint] = field(default_factory=dict)
    invited: list[tuple[int, int]] = field(default_factory=list)
    bans: dict[BanKey, BanRow] = field(default_factory=dict)
    invites: dict[bytes, InviteRow] = field(default_factory=dict)
    lockdown: LockdownLevel = "normal"
