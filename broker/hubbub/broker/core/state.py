"""The shared state: accounts, rooms, memberships, inboxes, markers, producers. Only `apply` changes it; but what of it is told from the committed
state alone, the published heads and the markers, moves when the commit has returned.

It is what the log says, so it can be dropped and read again from the store at any time. What belongs to live connections is in `sessions`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from hubbub.broker.core.changes import LogHead, Snapshot
from hubbub.broker.core.lookalikes import skeletons
from hubbub.broker.core.producers import Producer
from hubbub.common.digest import EMPTY
from hubbub.common.limits import ROOM_ID_BYTES
from hubbub.common.names import fold
from hubbub.common.replies import Head

LOBBY_NUMBER = 1
_NOTHING = LogHead(0, EMPTY)


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
    """A room. `members` maps an account's number to the seq that made it a member; the lobby (`everybody`) has none: it holds everybody."""

    number: int
    name: str
    description: str
    log: Log
    everybody: bool = False
    members: dict[int, int] = field(default_factory=dict)

    def holds(self, account: int) -> bool:
        """Whether the account is a member, committed or not."""
        return self.everybody or account in self.members

    def shows(self, account: int) -> bool:
        """Whether the account is a member and the commit that made it one has returned."""
        return (
            self.everybody
            or self.members.get(account, self.log.published.seq + 1) <= self.log.published.seq
        )


@dataclass(slots=True, eq=False)
class Account:
    """A person or program: the owner of a name. `rooms` are the numbers of the rooms it is a member of, the lobby left out.

    `markers` say up to which seq it has read, as committed, by number of the room or INBOX; none is 0.
    """

    number: int
    name: str
    key: str
    inbox: Log
    committed: bool
    rooms: set[int] = field(default_factory=set)
    markers: dict[int, int] = field(default_factory=dict)


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
        self._account_by_name: dict[str, Account] = {}
        self._account_by_skeleton: dict[str, Account] = {}
        self._room_by_name: dict[str, Room] = {}
        self._names_of_key: dict[str, int] = {}
        for row in snapshot.accounts:
            head = snapshot.inbox_heads.get(row.account, _NOTHING)
            self.add_account(row.account, row.name, row.key, head, committed=True)
        for room in snapshot.rooms:
            head = snapshot.room_heads.get(room.number, _NOTHING)
            self.add_room(room.number, room.room, room.name, room.description, head)
        for number, account, since in snapshot.members:
            self.rooms[number].members[account] = since
            self.accounts[account].rooms.add(number)
        for account, markers in snapshot.markers.items():
            self.accounts[account].markers = markers.copy()
        for key, producer in snapshot.producers.items():
            self.producers[key] = Producer.from_row(producer)

    def add_account(
        self, number: int, name: str, key: str, head: LogHead = _NOTHING, *, committed: bool = False
    ) -> Account:
        """Enter a new account under its name and its skeletons."""
        account = Account(number, name, key, Log(self._log_id(b"inbox", number), head), committed)
        self.accounts[number] = account
        self._account_by_name[fold(name)] = account
        for skeleton in skeletons(name):
            self._account_by_skeleton[skeleton] = account
        self._names_of_key[key] = self._names_of_key.get(key, 0) + 1
        return account

    def add_room(
        self, number: int, id: bytes, name: str, description: str, head: LogHead = _NOTHING
    ) -> Room:
        """Enter a new room under its id and its name."""
        room = Room(number, name, description, Log(id, head), everybody=number == LOBBY_NUMBER)
        self.rooms[number] = room
        self.room_by_id[id] = room
        self._room_by_name[fold(name)] = room
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
