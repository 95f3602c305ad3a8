"""What one may do: one's role in the chat and in its rooms, as far as the chat has heard, and which commands are worth offering. Pure.

It decides nothing: the broker does. A role that was lost while one was away is known again once the rooms were listed.
"""

from collections.abc import Iterable

from hubbub.client import updates
from hubbub.client.line.verbs import ROLES, VERBS
from hubbub.client.results import Room
from hubbub.common.fields import RoleName
from hubbub.common.names import LOBBY, fold


class Rank:
    """The roles of one person, who is called `me`."""

    def __init__(self, me: str) -> None:
        self._me = fold(me)
        self._roles: dict[str, RoleName] = {}

    def learn(self, rooms: Iterable[Room]) -> None:
        """Take the roles from a list of rooms."""
        self._roles |= {fold(room.name): room.role for room in rooms if room.role is not None}

    def happens(self, update: updates.Update) -> None:
        """Take what has changed."""
        match update:
            case updates.RoleChanged(room, name, role) if fold(name) == self._me:
                self._roles[fold(room)] = role
            case updates.RoomJoined(room=room, role=role):
                self._roles[fold(room)] = role
            case updates.RoomLeft(room=room):
                self._roles.pop(fold(room), None)
            case _:
                pass

    def offered(self, room: str) -> frozenset[str]:
        """Return the names of the commands that one may use in a room."""
        in_chat = self._level(LOBBY)
        here = max(in_chat, self._level(room))
        return frozenset(
            name
            for name, verb in VERBS.items()
            if (in_chat if verb.in_chat else here) >= ROLES.index(verb.least)
        )

    def _level(self, room: str) -> int:
        return ROLES.index(self._roles.get(fold(room), "member"))
