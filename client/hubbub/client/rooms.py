"""The rooms that one is a member of, by id and by name, one's role there, and which of their subscriptions the broker has not granted yet. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, get_args

from hubbub.client.logs import Found, Hole, LogReader, Read
from hubbub.common.events import AnyEvent, RoleChanged, RoomChanged
from hubbub.common.fields import HistoryShown, RoleName
from hubbub.common.names import LOBBY, fold
from hubbub.common.replies import Joined

GRANT_SECONDS: Final = 1.0
"""A subscription not granted after so long is asked for again; each time twice as long."""
GRANT_TRIES: Final = 3
"""After so many tries the connection of events itself is made anew."""

_CHANGES: Final = frozenset({RoleChanged, RoomChanged})
"""Looked up by type: `isinstance` takes msgspec's structs five times as long where it says no."""

_ROLES: Final = get_args(RoleName)
"""The lowest first."""


@dataclass(slots=True)
class JoinedRoom:
    """A room, its reader, and one's role in it."""

    id: bytes
    name: str
    reader: LogReader
    role: RoleName
    history: HistoryShown

    def settle(self, joined: Joined) -> None:
        """Take how things stand there, as the broker tells it."""
        self.role = joined.role
        self.history = joined.history

    def takes(self, found: list[Found], me: str) -> list[Found]:
        """Take from what was read what changes one's role and the room; return what the app is to be told of it.

        What was said before one came (again) to a room that shows no more than that is not missed: it was never to be read.
        """
        for item in found:
            if isinstance(item, Read) and type(item.event) in _CHANGES:
                self._take_change(item.event, me)
        if self.history == "since_joined":
            return [item for item in found if not isinstance(item, Hole)]
        return found

    def _take_change(self, event: AnyEvent, me: str) -> None:
        match event:
            case RoleChanged(name=name, role=role) if name == me:
                self.role = role
            case RoomChanged(history="all" | "since_joined" as history):
                self.history = history
            case _:
                pass


@dataclass(slots=True)
class _Wait:
    until: float
    tries: int = 1


class Rooms:
    """All rooms of one session."""

    def __init__(self) -> None:
        self._by_id: dict[bytes, JoinedRoom] = {}
        self._by_name: dict[str, JoinedRoom] = {}
        self._waiting: dict[bytes, _Wait] = {}

    def __iter__(self) -> Iterator[JoinedRoom]:
        return iter(list(self._by_id.values()))

    def add(self, joined: Joined) -> JoinedRoom:
        """Become a member: read from the room's head on."""
        reader = LogReader(joined.room, joined.seq, joined.digest, joined.read)
        room = JoinedRoom(joined.room, joined.name, reader, joined.role, joined.history)
        self._by_id[room.id] = self._by_name[fold(room.name)] = room
        return room

    def remove(self, id: bytes) -> JoinedRoom | None:
        """End the membership; None if there was none."""
        room = self._by_id.pop(id, None)
        if room is not None:
            self._by_name.pop(fold(room.name), None)
            self._waiting.pop(id, None)
        return room

    def get(self, id: bytes) -> JoinedRoom | None:
        """The room with this id, if one is a member."""
        return self._by_id.get(id)

    def named(self, name: str) -> JoinedRoom | None:
        """The room with this name, in any case, if one is a member."""
        return self._by_name.get(fold(name))

    def role(self, id: bytes) -> RoleName | None:
        """One's role in a room, None: one is no member. Whoever has a role in the whole chat has it in each room they are in."""
        room, lobby = self.get(id), self.named(LOBBY)
        roles = [found.role for found in (room, lobby) if found is not None]
        return None if room is None else max(roles, key=_ROLES.index)

    @property
    def waiting(self) -> bool:
        """Whether a subscription was not granted yet."""
        return bool(self._waiting)

    def is_granted(self, id: bytes) -> bool:
        """Whether the events of this room arrive."""
        return id in self._by_id and id not in self._waiting

    def asked(self, id: bytes, now: float) -> None:
        """The room's events were subscribed to."""
        self._waiting[id] = _Wait(now + GRANT_SECONDS)

    def granted(self, id: bytes) -> None:
        """The broker granted the subscription."""
        self._waiting.pop(id, None)

    def overdue(self, now: float) -> list[bytes] | None:
        """The rooms to subscribe to again; None: it was tried too often, connect anew."""
        late = [id for id, wait in self._waiting.items() if now >= wait.until]
        if any(self._waiting[id].tries >= GRANT_TRIES for id in late):
            return None
        for id in late:
            wait = self._waiting[id]
            wait.until = now + GRANT_SECONDS * 2**wait.tries
            wait.tries += 1
        return late

    def wake_at(self) -> float | None:
        """When the first of them is overdue."""
        return min((wait.until for wait in self._waiting.values()), default=None)
