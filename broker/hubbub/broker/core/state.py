"""The shared state: accounts and their devices, rooms, memberships, restraints, bans, invites, inboxes, markers, producers. Only `apply` changes it; but what of it is told from the committed
state alone, the published heads and the markers, moves when the commit has returned.

It is what the log says, so it can be dropped and read again from the store at any time. What belongs to live connections is in `sessions`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from hubbub.broker.core.banned_networks import BannedNetworks
from hubbub.broker.core.changes import (
    AccountRow,
    BanKey,
    BanRow,
    DeviceRow,
    InviteRow,
    LogHead,
    Restraint,
    RoomRow,
    Snapshot,
)
from hubbub.broker.core.lookalikes import skeletons
from hubbub.broker.core.producers import Producer
from hubbub.broker.core.roles import Role
from hubbub.common.digest import EMPTY
from hubbub.common.limits import ROOM_ID_BYTES
from hubbub.common.names import fold
from hubbub.common.replies import Head

LOBBY_NUMBER = 1
_NOTHING = LogHead(0, EMPTY)
_FREE = Restraint(0, 0)


class Log:
    """A room's or an inbox's line of events: the last seq and digest applied, and the last ones published."""

    __slots__ = ("digest", "id", "published", "seq")

    def __init__(self, id: bytes, head: LogHead = _NOTHING) -> None:
        self.id = id
        self.seq = head.seq
        self.digest = head.digest
        self.published = head

    def publish(self) -> None:
        """Let the published head be the applied one: its commit has returned."""
        self.published = LogHead(self.seq, self.digest)

    def head(self) -> Head:
        """Return the published head as it goes on the wire."""
        return Head(self.id, self.published.seq, self.published.digest)


@dataclass(slots=True, eq=False)
class Room:
    """A room. `members` maps an account's number to the seq that made it a member; the lobby (`everybody`) has none: it holds everybody.

    The settings are those of `RoomRow`. `roles` holds the roles above member; who may do what is for `permissions` to say.
    """

    number: int
    name: str
    description: str
    created: int
    log: Log
    everybody: bool = False
    private: bool = False
    read_only: bool = False
    since_joined: bool = False
    slow: int = 0
    audit: bool = False
    creator: int = 0
    members: dict[int, int] = field(default_factory=dict)
    roles: dict[int, Role] = field(default_factory=dict)
    restraints: dict[int, Restraint] = field(default_factory=dict)
    """By account; those that have passed count no more."""
    invited: set[int] = field(default_factory=set)
    """Accounts that may join though the room is private."""
    posted: dict[int, int] = field(default_factory=dict)
    """By account: when it last posted (Unix milliseconds), while the room is slow. Not stored: a restart forgives."""

    def holds(self, account: int) -> bool:
        """Whether the account is a member, committed or not."""
        return self.everybody or account in self.members

    def shows(self, account: int) -> bool:
        """Whether the account is a member and the commit that made it one has returned."""
        return (
            self.everybody
            or self.members.get(account, self.log.published.seq + 1) <= self.log.published.seq
        )

    def readable_from(self, account: int) -> int:
        """Return the first seq that a member may read."""
        return self.members.get(account, 1) if self.since_joined else 1

    def restraint(self, account: int) -> Restraint:
        """Return until when the account is muted and barred here."""
        return self.restraints.get(account, _FREE)

    def row(self) -> RoomRow:
        """Return it as it is stored."""
        return RoomRow(
            self.number,
            self.log.id,
            self.name,
            fold(self.name),
            self.description,
            self.created,
            self.private,
            self.read_only,
            self.since_joined,
            self.slow,
            self.audit,
            self.creator,
        )


@dataclass(slots=True, eq=False)
class Account:
    """A person or program: the owner of a name. `rooms` are the numbers of the rooms it is a member of, the lobby left out.

    `devices` are the keys that may use it, by hex. `markers` say up to which seq it has read, as committed, by number of the room or INBOX; none is 0.
    The other fields are those of `AccountRow`.
    """

    number: int
    name: str
    created: int
    inbox: Log
    committed: bool
    role: Role = Role.MEMBER
    password: str = field(default="", repr=False)
    is_bot: bool = False
    invited: bool = False
    released: int = 0
    devices: dict[str, "Device"] = field(default_factory=dict)
    rooms: set[int] = field(default_factory=set)
    markers: dict[int, int] = field(default_factory=dict)

    @property
    def is_trusted(self) -> bool:
        """Whether somebody vouches for it: it has a password, came by an invite, has a role, or is a bot. Counts when the chat is locked down."""
        return bool(self.password or self.invited or self.is_bot or self.role > Role.MEMBER)

    def row(self) -> AccountRow:
        """Return it as it is stored."""
        flags = self.is_bot, self.invited
        return AccountRow(
            self.number, self.name, self.created, self.role, self.password, *flags, self.released
        )


@dataclass(slots=True, eq=False)
class Device:
    """A key that may use an account: the fields of `DeviceRow`, and its number, which counts the account's devices from 1; `committed` once it is on disk."""

    number: int
    key: str
    label: str
    added: int
    used: int
    committed: bool

    def row(self) -> DeviceRow:
        """Return it as it is stored."""
        return DeviceRow(self.key, self.label, self.added, self.used)


class State:
    """All that the log decides, with the indexes that handlers need."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.epoch = snapshot.epoch
        self.position = snapshot.position
        self.last_message = snapshot.last_message
        self.accounts: dict[int, Account] = {}
        self.rooms: dict[int, Room] = {}
        self.room_by_id: dict[bytes, Room] = {}
        self.producers: dict[tuple[int, bytes], Producer] = {}
        self._producers_of: dict[int, set[bytes]] = {}
        self.rooms_made: dict[int, int] = {}
        """By account: how many rooms it made, whether it is still in them or not."""
        self._account_by_name: dict[str, Account] = {}
        self._account_by_skeleton: dict[str, Account] = {}
        self._room_by_name: dict[str, Room] = {}
        self._names_of_key: dict[str, int] = {}
        self.bans: dict[BanKey, BanRow] = dict(snapshot.bans)
        """Changed by `bans.set_ban` only, which keeps `banned_networks` in step."""
        self.banned_networks = BannedNetworks(
            subject for kind, subject in self.bans if kind == "network"
        )
        self.invites: dict[bytes, InviteRow] = dict(snapshot.invites)
        self.lockdown = snapshot.lockdown
        self.audit: Room | None = None
        """The room that tells the owners who used which power; made when the first does."""
        for row in snapshot.accounts:
            head = snapshot.inbox_heads.get(row.account, _NOTHING)
            self.add_account(row, head, committed=True)
        for (account, number), device in snapshot.devices.items():
            self.add_device(self.accounts[account], number, device, committed=True)
        for room in snapshot.rooms:
            self.add_room(room, snapshot.room_heads.get(room.number, _NOTHING))
        for number, account, since, role in snapshot.members:
            self.rooms[number].members[account] = since
            self.accounts[account].rooms.add(number)
            if role > Role.MEMBER:
                self.rooms[number].roles[account] = role
        for (number, account), restraint in snapshot.restraints.items():
            self.rooms[number].restraints[account] = restraint
        for number, account in snapshot.invited:
            self.rooms[number].invited.add(account)
        for account, markers in snapshot.markers.items():
            self.accounts[account].markers = markers.copy()
        for key, producer in snapshot.producers.items():
            self.add_producer(key, Producer.from_row(producer))

    def add_account(
        self, row: AccountRow, head: LogHead = _NOTHING, *, committed: bool = False
    ) -> Account:
        """Enter an account under its name and its skeletons, unless the name was released. It has no device yet."""
        account = Account(
            row.account,
            row.name,
            row.created,
            Log(self._log_id(b"inbox", row.account), head),
            committed,
            row.role,
            row.password,
            row.is_bot,
            row.invited,
            row.released,
        )
        self.accounts[row.account] = account
        if not row.released:
            self._account_by_name[fold(row.name)] = account
            for skeleton in skeletons(row.name):
                self._account_by_skeleton[skeleton] = account
        return account

    def release(self, account: Account, time: int) -> None:
        """Give an account's name free; the caller has seen to its devices, rooms and rows."""
        account.released = time
        for index in (self._account_by_name, self._account_by_skeleton):
            for name in [name for name, owner in index.items() if owner is account]:
                del index[name]

    def add_device(
        self, account: Account, number: int, row: DeviceRow, *, committed: bool = False
    ) -> Device:
        """Let a key use an account."""
        device = Device(number, row.key, row.label, row.added, row.used, committed)
        account.devices[row.key] = device
        self._names_of_key[row.key] = self._names_of_key.get(row.key, 0) + 1
        return device

    def remove_device(self, account: Account, device: Device) -> None:
        """Let a key use an account no longer."""
        del account.devices[device.key]
        self._names_of_key[device.key] -= 1
        if not self._names_of_key[device.key]:
            del self._names_of_key[device.key]

    def add_producer(self, key: tuple[int, bytes], producer: Producer) -> None:
        """Enter a producer under its account and id."""
        self.producers[key] = producer
        self._producers_of.setdefault(key[0], set()).add(key[1])

    def remove_producer(self, key: tuple[int, bytes]) -> None:
        """Forget a producer."""
        del self.producers[key]
        of_account = self._producers_of.get(key[0], set())
        of_account.discard(key[1])
        if not of_account:
            self._producers_of.pop(key[0], None)

    def producers_of(self, account: int) -> frozenset[bytes] | set[bytes]:
        """Return the ids of an account's producers; not to be changed."""
        return self._producers_of.get(account, frozenset())

    def add_room(self, row: RoomRow, head: LogHead = _NOTHING) -> Room:
        """Enter a room under its id and its name."""
        room = Room(
            row.number,
            row.name,
            row.description,
            row.created,
            Log(row.room, head),
            row.number == LOBBY_NUMBER,
            row.private,
            row.read_only,
            row.since_joined,
            row.slow,
            row.audit,
            row.creator,
        )
        self.rooms[row.number] = room
        self.room_by_id[row.room] = room
        self._room_by_name[fold(row.name)] = room
        self.rooms_made[row.creator] = self.rooms_made.get(row.creator, 0) + 1
        if row.audit:
            self.audit = room
        return room

    def move_markers(self, markers: Mapping[tuple[int, int], int | None]) -> None:
        """Let markers be where a commit that has returned left them; None: there is none."""
        for (account, room), seq in markers.items():
            if seq is None:
                self.accounts[account].markers.pop(room, None)
            else:
                self.accounts[account].markers[room] = seq

    @property
    def lobby(self) -> Room:
        """The room that holds everybody."""
        return self.rooms[LOBBY_NUMBER]

    def new_room_id(self, number: int) -> bytes:
        """Return the id of a room to be made: decided by epoch and number alone, so that every replica gives the same."""
        return self._log_id(b"room", number)

    def _log_id(self, kind: bytes, number: int) -> bytes:
        return blake2b(kind + b"%d" % number, key=self.epoch, digest_size=ROOM_ID_BYTES).digest()

    @property
    def names(self) -> int:
        """How many names are taken."""
        return len(self._account_by_name)

    def account_named(self, name: str) -> Account | None:
        """Find by name, whatever its case."""
        return self._account_by_name.get(fold(name))

    def account_like(self, name: str) -> Account | None:
        """Find by name or by a name that looks the same. `name` is canonical."""
        alike = map(self._account_by_skeleton.get, sorted(skeletons(name)))
        return self.account_named(name) or next(filter(None, alike), None)

    def room_named(self, name: str) -> Room | None:
        """Find by name, whatever its case."""
        return self._room_by_name.get(fold(name))

    def names_of_key(self, key: str) -> int:
        """Count the names that a device key owns."""
        return self._names_of_key.get(key, 0)

    def rooms_of(self, account: Account) -> Iterator[Room]:
        """Yield the rooms in which the account's membership is committed, the lobby first, the others in any order."""
        yield self.lobby
        for number in account.rooms:
            room = self.rooms[number]
            if room.shows(account.number):
                yield room
